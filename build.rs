//! Compiles the protocol in pure Rust (protox; no protoc needed) and writes the descriptor set
//! that reflection serves.

use std::error::Error;
use std::path::{Path, PathBuf};

use protox::prost_reflect::prost_types::FileDescriptorSet;

/// The data port's file; what it imports is found beside it.
const DATA: [&str; 1] = ["ringfence/screening/v1/screening_service.proto"];
/// The control port's files.
const CONTROL: [&str; 4] = [
    "ringfence/lists/v1/list_service.proto",
    "ringfence/lists/v1/change_set_service.proto",
    "ringfence/lists/v1/audit_service.proto",
    "ringfence/lists/v1/source_service.proto",
];
const SCREENING: &str = "ringfence.screening.v1";
const LISTS: &str = "ringfence.lists.v1";

/// Groups that a small request leaves out: boxed, so that an absent one costs a pointer.
const BOXED: &[&str] = &[
    "ScreenCallRequest.redirection",
    "ScreenCallRequest.identity",
    "ScreenCallRequest.parties",
    "ScreenCallRequest.signalling",
    "ScreenCallRequest.priority",
    "ScreenCallRequest.originator_hints",
    "ScreenCallRequest.recipient_hints",
    "ScreenMessageRequest.pdu.tpdu",
    "ScreenMessageRequest.pdu.smpp",
    "ScreenMessageRequest.pdu.cmpp",
    "ScreenMessageRequest.transport",
    "ScreenMessageRequest.registration",
    "ScreenMessageRequest.edge_facts",
    "ScreenMessageRequest.originator_hints",
    "ScreenMessageRequest.recipient_hints",
    "CallIdentity.rich_call_data",
    "ScreenStreamRequest.attempt.message",
    "ScreenStreamRequest.attempt.call",
    "ScreenBatchItem.attempt.message",
    "ScreenBatchItem.attempt.call",
];

/// Messages of which nothing is a number, a name, an id or a text, or only in messages that they
/// hold. `wire/redact.rs` writes the `Debug` of all others: a new one does not compile without.
const HARMLESS: &[&str] = &[
    "CallOutcome",
    "MessagePart",
    "Redirection",
    "ReportFeedbackResponse",
    "ReportOutcomeResponse",
    "ScreenBatchItem",
    "ScreenBatchRequest",
    "ScreenBatchResponse",
    "ScreenCallResponse",
    "ScreenMessageResponse",
    "ScreenStreamRequest",
    "Span",
    "Treatment",
    "Verdict",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    screening(compile(&DATA, &out.join("descriptor.bin"))?)?;
    lists(compile(&CONTROL, &out.join("control-descriptor.bin"))?, &out)
}

/// Reads files with all that they import, and writes the descriptor set that reflection serves.
fn compile(files: &[&str], descriptor: &Path) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let set = compiler.file_descriptor_set();
    // Encoded by protox itself, because this form keeps the field_behavior options; source
    // positions are left out, they would triple it.
    compiler.include_source_info(false);
    std::fs::write(descriptor, compiler.encode_file_descriptor_set())?;
    Ok(set)
}

/// The data port: lean messages, a codec that reads items one by one.
fn screening(files: FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let ours = files.file.iter().filter(|file| file.package() == SCREENING);
    let messages = ours.flat_map(|file| &file.message_type).map(|message| message.name());
    let personal: Vec<&str> = messages.filter(|name| !HARMLESS.contains(name)).collect();
    let package = |name: &&str| format!(".{SCREENING}.{name}");
    let mut builder = tonic_prost_build::configure()
        .bytes(".ringfence")
        .codec_path("crate::wire::codec::ScreeningCodec")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .skip_debug(personal.iter().map(package));
    for field in BOXED.iter().map(package) {
        builder = builder.boxed(field);
    }
    builder.compile_fds(files)?;
    Ok(())
}

/// The control port: its own folder, because what it shares with screening is generated already.
/// Nearly every message may hold a number or a name, so all of them get a `Debug` that tells
/// nothing but their size.
fn lists(files: FileDescriptorSet, out: &Path) -> Result<(), Box<dyn Error>> {
    let folder = out.join("lists");
    std::fs::create_dir_all(&folder)?;
    let ours = files.file.iter().filter(|file| file.package() == LISTS);
    let messages: Vec<_> = ours.flat_map(|file| file.message_type.clone()).collect();
    let mut debug = String::new();
    let mut redact = |path: &str| {
        debug.push_str(&format!(
            "impl std::fmt::Debug for {path} {{\n    \
             fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
             write!(f, \"{path}({{}} octets)\", self.encoded_len())\n    }}\n}}\n"
        ));
    };
    for message in &messages {
        redact(message.name());
        // `optional` fields are a oneof of one, too; they have no type of their own.
        let declared = |index: usize| {
            let index = i32::try_from(index).ok();
            let fields = message.field.iter();
            let mut inside = fields.filter(|field| field.oneof_index == index);
            inside.any(|field| !field.proto3_optional())
        };
        for (_, oneof) in message.oneof_decl.iter().enumerate().filter(|(at, _)| declared(*at)) {
            redact(&format!("{}::{}", snake(message.name()), camel(oneof.name())));
        }
    }
    std::fs::write(folder.join("debug.rs"), debug)?;
    tonic_prost_build::configure()
        .out_dir(&folder)
        .bytes(".ringfence")
        .codec_path("crate::wire::lists::codec::ControlCodec")
        .extern_path(format!(".{SCREENING}"), "crate::wire::screening_v1")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .skip_debug(messages.iter().map(|message| format!(".{LISTS}.{}", message.name())))
        .compile_fds(files)?;
    Ok(())
}

/// `ListSpec` to `list_spec`, as the generator names modules.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// `list_spec` to `ListSpec`.
fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
