use clap::Parser;
use proptest::prelude::*;

use super::marks::{Marking, marked};
use super::*;
use crate::cli::client::fake;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: ScreenCommand,
}

fn parse(words: &[&str]) -> Result<ScreenCommand, clap::Error> {
    Line::try_parse_from([&["screen"], words].concat()).map(|line| line.command)
}

fn call(words: &[&str]) -> pb::ScreenCallRequest {
    match parse(&[&["call"], words].concat()).expect("sound arguments") {
        ScreenCommand::Call(args) => call_request(&args),
        ScreenCommand::Message(_) => panic!("a call was asked for"),
    }
}

fn message(words: &[&str]) -> pb::ScreenMessageRequest {
    match parse(&[&["message"], words].concat()).expect("sound arguments") {
        ScreenCommand::Message(args) => message_request(&args).expect("a readable text").0,
        ScreenCommand::Call(_) => panic!("a message was asked for"),
    }
}

#[test]
fn call_words_become_wire_values() {
    let request = call(&[
        "--from=+8613800138000",
        "--to=110",
        "--trunk-class=international",
        "--trunk=gw-7",
        "--presentation=restricted",
        "--roaming=abroad",
        "--attestation=gateway",
        "--verification=failed",
        "--trusted",
        "--diverted",
        "--region=CN",
    ]);
    let originator = request.originator.expect("given");
    assert_eq!(&originator.raw[..], b"+8613800138000");
    assert_eq!(originator.presentation(), pb::Presentation::Restricted);
    assert_eq!(&request.recipient.expect("given").raw[..], b"110");
    let ingress = request.ingress.expect("given");
    assert_eq!(ingress.trunk_class(), pb::TrunkClass::International);
    assert_eq!(ingress.trust(), pb::IngressTrust::Trusted);
    assert_eq!((&ingress.trunk_id[..], &ingress.region_code[..]), ("gw-7", "CN"));
    let identity = request.identity.expect("given");
    assert_eq!(identity.attestation(), pb::Attestation::Gateway);
    assert_eq!(identity.verification_status(), pb::VerificationStatus::Failed);
    let hints = request.originator_hints.expect("given");
    assert_eq!(hints.roaming(), pb::RoamingState::Abroad);
    assert!(request.redirection.is_some());
}

#[test]
fn what_is_not_said_is_not_sent() {
    let request = call(&["--to=110"]);
    assert!(request.identity.is_none() && request.originator_hints.is_none());
    assert!(request.redirection.is_none());
    assert_eq!(request.ingress.expect("given"), pb::Ingress::default());
    assert!(request.originator.expect("given").raw.is_empty());
}

#[test]
fn texts_go_out_in_the_encoding_asked_for() {
    let content = message(&["--to=1", "--text=安a"]).content.expect("given");
    assert_eq!(&content.text[..], "安a".as_bytes());
    assert_eq!(content.basis(), pb::ContentBasis::Contract);
    assert_eq!(content.encoding(), pb::TextEncoding::Utf8);
    let words = ["--to=1", "--text=安a", "--encoding=utf-16", "--basis=none"];
    let content = message(&words).content.expect("given");
    assert_eq!(&content.text[..], [0x5b, 0x89, 0, b'a']);
    assert_eq!(content.encoding(), pb::TextEncoding::Utf16Be);
    assert_eq!(content.basis(), pb::ContentBasis::Unspecified);
}

#[test]
fn a_text_file_goes_out_octet_by_octet() {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(b"a\xff\xfeb\n").expect("written");
    let path = file.path().to_str().expect("a plain path");
    let content = message(&["--to=1", "--text-file", path]).content.expect("given");
    assert_eq!(&content.text[..], b"a\xff\xfeb\n");
    assert!(read_text(Path::new("/no/such/file")).is_err());
}

#[test]
fn usage_errors_are_found_before_anything_is_sent() {
    for words in [
        &["call", "--from=1"][..],
        &["call", "--to=1", "--trunk-class=moon"],
        &["message", "--to=1"],
        &["message", "--to=1", "--text=a", "--text-file=b"],
        &["message", "--to=1", "--text=a", "--server=https://a:1"],
        &["message", "--to=1", "--text=a", "--deadline=0s"],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
    assert!(parse(&["message", "--to", "-1", "--from", "-5", "--text", "--x"]).is_ok());
}

fn text(octets: &[u8], encoding: pb::TextEncoding) -> SentText {
    SentText { octets: Bytes::copy_from_slice(octets), encoding }
}

fn spans(spans: &[(u32, u32)]) -> Vec<pb::Span> {
    spans.iter().map(|&(start, end)| pb::Span { start, end }).collect()
}

#[test]
fn hits_are_marked_where_they_stood() {
    let utf8 = pb::TextEncoding::Utf8;
    for (octets, hits, expected) in [
        ("请转到安全账户吧".as_bytes(), &[(9, 21)][..], "请转到«安全账户»吧"),
        (b"abcdef", &[(3, 5), (1, 4), (2, 2)], "a«bcde»f"),
        (b"abcdef", &[(0, 2), (2, 3), (5, 99)], "«abc»de«f»"),
        ("a安b".as_bytes(), &[(2, 3)], "a«安»b"),
        (b"a\xff\xe5\xae" as &[u8], &[(2, 3)], "a\u{fffd}«\u{fffd}»"),
        (b"x\x1b[2Jy\nz", &[], "x␛[2Jy\nz"),
        (b"", &[(0, 4)], ""),
    ] {
        let marked = marked(&text(octets, utf8), &spans(hits), Marking::Brackets);
        assert_eq!(marked, expected);
    }
    let utf16: Vec<u8> = "a😀安".encode_utf16().flat_map(u16::to_be_bytes).chain([0xd8]).collect();
    let utf16 = text(&utf16, pb::TextEncoding::Utf16Be);
    assert_eq!(marked(&utf16, &spans(&[(4, 5)]), Marking::Brackets), "a«😀»安\u{fffd}");
    assert_eq!(marked(&utf16, &spans(&[(6, 9)]), Marking::Brackets), "a😀«安\u{fffd}»");
    let coloured = marked(&utf16, &spans(&[(0, 2)]), Marking::Colour);
    assert!(coloured.contains('\u{1b}') && !coloured.contains('«'));
}

proptest! {
    /// Any octets and spans: nothing panics, and without the marks the text is all there.
    #[test]
    fn marks_add_only_marks(
        octets in prop::collection::vec(any::<u8>(), 0..40),
        hits in prop::collection::vec((0u32..50, 0u32..50), 0..6),
        wide in any::<bool>(),
    ) {
        let encoding = if wide { pb::TextEncoding::Utf16Be } else { pb::TextEncoding::Utf8 };
        let text = text(&octets, encoding);
        let plain = marked(&text, &[], Marking::Brackets);
        let marked = marked(&text, &spans(&hits), Marking::Brackets);
        // Random octets may spell the brackets themselves.
        let strip = |text: &str| text.replace(['«', '»'], "");
        prop_assert_eq!(strip(&marked), strip(&plain));
    }
}

#[test]
fn the_object_has_everything_at_its_top_level() {
    let object = json::object(&fake::verdict(), &fake::envelope());
    let expected = serde_json::json!({
        "action": "HOLD", "would_action": "BLOCK", "risk": 720, "category": "CN08",
        "ground": "ANALYTICS", "label": "SUSPECTED_FRAUD",
        "reasons": [{
            "code": "KEYWORD", "points": -40, "category": "CN08", "list": "cn-scripts",
            "entry": "安全账户", "span": { "start": 3, "end": 15 }, "evidence": "安全账户",
            "shadow": true,
        }],
        "flags": ["CEILING_LIMITED", "99"], "hold": null, "mode": "ENFORCE", "revision": 7,
        "digest": "ab".repeat(32), "engine_version": "0.1.0",
        "verdict_id": "0123456789abcdef0123456789abcdef",
    });
    assert_eq!(object, expected);
    let nothing = pb::Verdict { action: pb::Action::Allow.into(), ..Default::default() };
    let object = json::object(&nothing, &fake::envelope());
    for absent in ["category", "ground", "label", "hold"] {
        assert!(object[absent].is_null(), "{absent}");
    }
}

#[test]
fn a_server_answers_over_the_wire() {
    let server = fake::start().to_string();
    let run = |words: &[&str]| {
        let words = [words, &["--json", "--server", &server]].concat();
        super::run(&parse(&words).expect("sound arguments"))
    };
    run(&["call", "--to=+442079460000"]).expect("a verdict");
    run(&["message", "--to=1", "--text=安全"]).expect("a verdict");
    let refused = run(&["call", "--to="]).expect_err("no recipient").to_string();
    assert_eq!(refused, "INVALID_ARGUMENT: wrong\n  recipient.raw: is empty");
    let late = run(&["call", "--to", fake::SLOW, "--deadline=30ms"]).expect_err("too slow");
    assert!(late.to_string().starts_with("DEADLINE_EXCEEDED"), "{late}");
    let hollow = run(&["call", "--to", fake::HOLLOW]).expect_err("no verdict");
    assert_eq!(hollow.to_string(), "the server's answer holds no verdict");
}

#[test]
fn people_get_a_table_for_any_verdict() {
    let sent = text("转账到安全账户".as_bytes(), pb::TextEncoding::Utf8);
    show::verdict(&fake::verdict(), &fake::envelope(), Some(&sent)).expect("stdout");
    let odd = pb::Verdict { action: 77, category: "ZZ99\u{1b}".to_owned(), ..Default::default() };
    show::verdict(&odd, &fake::envelope(), None).expect("stdout");
}
