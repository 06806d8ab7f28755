//! `ringfence screen`: asks a server about one call or one message and shows the verdict.
//!
//! Owns the arguments and how they become a request. What a network carries may be ill-formed, so
//! numbers, sender ids and texts go out exactly as they were given, octet by octet.

mod json;
mod marks;
mod show;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use prost::bytes::Bytes;

use super::Failure;
use super::client::{self, ClientError, ServerArgs};
use crate::wire::screening_v1 as pb;

/// Octets read from a text file: over the limit of the protocol, so that the server says no.
const FILE_BYTES_MAX: u64 = 32 * 1024;

/// What to screen.
#[derive(Subcommand, Clone, Debug)]
pub enum ScreenCommand {
    /// Screen one call attempt
    Call(CallArgs),
    /// Screen one message
    Message(MessageArgs),
}

/// A call attempt.
#[derive(Args, Clone, Debug)]
pub struct CallArgs {
    #[command(flatten)]
    parties: PartyArgs,
    /// Whether the originator may be shown
    #[arg(long, value_enum)]
    presentation: Option<Presentation>,
    /// Where the originator's subscription is, by the home network's records
    #[arg(long, value_enum)]
    roaming: Option<Roaming>,
    /// Attestation that the signer claims
    #[arg(long, value_enum)]
    attestation: Option<Attestation>,
    /// What the carrier's verifier found
    #[arg(long, value_enum)]
    verification: Option<Verification>,
    /// The call was diverted on its way
    #[arg(long)]
    diverted: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// A message.
#[derive(Args, Clone, Debug)]
pub struct MessageArgs {
    #[command(flatten)]
    parties: PartyArgs,
    /// Text of the message
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with = "text_file",
        required_unless_present = "text_file"
    )]
    #[arg(allow_hyphen_values = true)]
    text: Option<OsString>,
    /// File that holds the text, octet by octet in --encoding; `-` is standard input
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
    /// How the text is sent
    #[arg(long, value_enum, default_value = "utf-8")]
    encoding: Encoding,
    /// On what basis the text may be read
    #[arg(long, value_enum, default_value = "contract")]
    basis: Basis,
    #[command(flatten)]
    output: OutputArgs,
}

/// Who and where: the same for calls and messages.
#[derive(Args, Clone, Debug)]
struct PartyArgs {
    /// Originator as signalled: a number, for messages a sender id too; leave out for none
    #[arg(long = "from", value_name = "ORIGINATOR", default_value = "", hide_default_value = true)]
    #[arg(allow_hyphen_values = true)]
    originator: OsString,
    /// Recipient as signalled
    #[arg(long = "to", value_name = "RECIPIENT", allow_hyphen_values = true)]
    recipient: OsString,
    /// Trunk group or account it came in on
    #[arg(long, value_name = "ID")]
    trunk: Option<String>,
    /// Kind of that trunk
    #[arg(long, value_enum)]
    trunk_class: Option<TrunkClass>,
    /// Region of numbers that do not say theirs, such as CN
    #[arg(long, value_name = "CC")]
    region: Option<String>,
    /// Believe what the trunk says about verification and emergencies
    #[arg(long)]
    trusted: bool,
}

#[derive(Args, Clone, Debug)]
struct OutputArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// A closed set of words on the command line, each standing for a value on the wire.
macro_rules! words {
    ($name:ident, $wire:ident: $($variant:ident $word:literal),*) => {
        #[derive(ValueEnum, Clone, Copy, Debug)]
        enum $name { $(#[value(name = $word)] $variant),* }

        impl From<$name> for pb::$wire {
            fn from(word: $name) -> pb::$wire {
                match word { $($name::$variant => pb::$wire::$variant),* }
            }
        }
    };
}

words!(Presentation, Presentation:
    Allowed "allowed", Restricted "restricted", Unavailable "unavailable");
words!(Roaming, RoamingState: Home "home", Abroad "abroad");
words!(Attestation, Attestation: Full "full", Partial "partial", Gateway "gateway");
words!(Verification, VerificationStatus: Passed "passed", Failed "failed");
words!(Encoding, TextEncoding: Utf8 "utf-8", Utf16Be "utf-16");
words!(Basis, ContentBasis:
    Contract "contract", Consent "consent", LegalDuty "legal-duty", Unspecified "none");
words!(TrunkClass, TrunkClass:
    International "international", Domestic "domestic", Retail "retail", Enterprise "enterprise",
    Voip "voip", Roaming "roaming", Aggregator "aggregator");

/// Asks, and shows the answer.
///
/// Errors: no server, or one that refuses; a text file that cannot be read.
pub fn run(command: &ScreenCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        ScreenCommand::Call(args) => {
            let answer = runtime.block_on(screen_call(&args.output.server, call_request(args)))?;
            show(&args.output, &answer.verdict, &answer.envelope, None)
        }
        ScreenCommand::Message(args) => {
            let (request, sent) = message_request(args)?;
            let answer = runtime.block_on(screen_message(&args.output.server, request))?;
            show(&args.output, &answer.verdict, &answer.envelope, Some(&sent))
        }
    }
}

/// Text as it was sent, to show hits where they stood.
struct SentText {
    octets: Bytes,
    encoding: pb::TextEncoding,
}

async fn screen_call(
    args: &ServerArgs,
    request: pb::ScreenCallRequest,
) -> Result<pb::ScreenCallResponse, ClientError> {
    let mut client = client::screening(&args.server).await?;
    Ok(client.screen_call(client::request(request, args.deadline)).await?.into_inner())
}

async fn screen_message(
    args: &ServerArgs,
    request: pb::ScreenMessageRequest,
) -> Result<pb::ScreenMessageResponse, ClientError> {
    let mut client = client::screening(&args.server).await?;
    Ok(client.screen_message(client::request(request, args.deadline)).await?.into_inner())
}

fn show(
    args: &OutputArgs,
    verdict: &Option<pb::Verdict>,
    envelope: &Option<pb::VerdictEnvelope>,
    text: Option<&SentText>,
) -> Result<(), Failure> {
    let (Some(verdict), Some(envelope)) = (verdict, envelope) else {
        return Err("the server's answer holds no verdict".into());
    };
    if args.json {
        writeln!(anstream::stdout(), "{}", json::object(verdict, envelope))?;
        return Ok(());
    }
    show::verdict(verdict, envelope, text)
}

fn call_request(args: &CallArgs) -> pb::ScreenCallRequest {
    let mut originator = address(&args.parties.originator);
    originator.presentation = wire::<pb::Presentation>(args.presentation);
    let hints = args.roaming.map(|roaming| {
        let roaming = pb::RoamingState::from(roaming).into();
        Box::new(pb::SubscriberHints { roaming, ..Default::default() })
    });
    let identity = (args.attestation.is_some() || args.verification.is_some()).then(|| {
        Box::new(pb::CallIdentity {
            verification_status: wire::<pb::VerificationStatus>(args.verification),
            attestation: wire::<pb::Attestation>(args.attestation),
            ..Default::default()
        })
    });
    pb::ScreenCallRequest {
        ingress: ingress(&args.parties),
        originator: Some(originator),
        recipient: Some(address(&args.parties.recipient)),
        redirection: args.diverted.then(Box::default),
        identity,
        originator_hints: hints,
        ..Default::default()
    }
}

fn message_request(args: &MessageArgs) -> Result<(pb::ScreenMessageRequest, SentText), Failure> {
    let encoding = pb::TextEncoding::from(args.encoding);
    let octets = match (&args.text_file, &args.text) {
        (Some(path), _) => read_text(path)?,
        (None, Some(text)) => encode(text, encoding)?,
        (None, None) => Vec::new(),
    };
    let octets = Bytes::from(octets);
    let content = pb::MessageContent {
        text: octets.clone(),
        encoding: encoding.into(),
        basis: pb::ContentBasis::from(args.basis).into(),
        ..Default::default()
    };
    let request = pb::ScreenMessageRequest {
        ingress: ingress(&args.parties),
        originator: Some(address(&args.parties.originator)),
        recipient: Some(address(&args.parties.recipient)),
        content: Some(content),
        ..Default::default()
    };
    Ok((request, SentText { octets, encoding }))
}

/// The wire value of a word; unspecified where it was not given.
fn wire<W: Default + Into<i32>>(word: Option<impl Into<W>>) -> i32 {
    word.map_or_else(W::default, Into::into).into()
}

fn address(raw: &OsString) -> pb::Address {
    let raw = Bytes::copy_from_slice(raw.as_encoded_bytes());
    pb::Address { raw, ..Default::default() }
}

fn ingress(args: &PartyArgs) -> Option<pb::Ingress> {
    let trust = if args.trusted { pb::IngressTrust::Trusted } else { Default::default() };
    Some(pb::Ingress {
        trunk_id: args.trunk.clone().unwrap_or_default(),
        trunk_class: wire::<pb::TrunkClass>(args.trunk_class),
        trust: trust.into(),
        region_code: args.region.clone().unwrap_or_default(),
        ..Default::default()
    })
}

fn encode(text: &OsString, encoding: pb::TextEncoding) -> Result<Vec<u8>, Failure> {
    if encoding != pb::TextEncoding::Utf16Be {
        return Ok(text.as_encoded_bytes().to_vec());
    }
    let text = text.to_str().ok_or("--text is not UTF-8, so it cannot be written as UTF-16")?;
    Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

fn read_text(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_end(&mut octets)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut octets))
    };
    match read {
        Ok(_) => Ok(octets),
        Err(e) => Err(format!("cannot read {}: {e}", path.display()).into()),
    }
}

#[cfg(test)]
mod tests;
