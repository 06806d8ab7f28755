//! Compiles the protocol in pure Rust (protox; no protoc needed) and writes the descriptor set
//! that reflection serves.

use std::path::PathBuf;

/// Our files; what they import is found beside them.
const SERVICE: &str = "ringfence/screening/v1/screening_service.proto";

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files([SERVICE])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let files = compiler.file_descriptor_set();
    let ours = files.file.iter().filter(|file| file.package() == "ringfence.screening.v1");
    let messages = ours.flat_map(|file| &file.message_type).map(|message| message.name());
    let personal: Vec<&str> = messages.filter(|name| !HARMLESS.contains(name)).collect();
    let package = |name: &&str| format!(".ringfence.screening.v1.{name}");
    let mut builder = tonic_prost_build::configure()
        .bytes(".ringfence")
        .codec_path("crate::wire::codec::ScreeningCodec")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .skip_debug(personal.iter().map(package));
    for field in BOXED.iter().map(package) {
        builder = builder.boxed(field);
    }
    builder.compile_fds(files)?;

    // Encoded by protox itself, because this form keeps the field_behavior options; source
    // positions are left out, they would triple it.
    compiler.include_source_info(false);
    std::fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;
    Ok(())
}
