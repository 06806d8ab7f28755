//! From the request to the verdict: what was not read, and what cannot be, costs no attempt its
//! verdict and shows in its flags.

mod support;

use prost::bytes::Bytes;
use ringfence::engine::{Ruleset, screen};
use ringfence::model::attempt::{Attempt, StateFacts};
use ringfence::model::policy::Action;
use ringfence::model::verdict::{Flags, ReasonCode, Verdict};
use ringfence::wire::call::call_attempt;
use ringfence::wire::message::message_attempt;
use ringfence::wire::screening_v1 as pb;
use support::cases::{FROM, NOW, TO, list, ruleset};

fn address(raw: &str) -> Option<pb::Address> {
    Some(pb::Address { raw: Bytes::copy_from_slice(raw.as_bytes()), ..Default::default() })
}

fn verdict<'r>(ruleset: &'r Ruleset, attempt: &Attempt<'_>) -> Verdict<'r> {
    screen(ruleset, attempt, &StateFacts::default(), NOW)
}

/// Flags of a message with the given change.
fn flags(change: impl FnOnce(&mut pb::ScreenMessageRequest)) -> Flags {
    let mut request = pb::ScreenMessageRequest {
        originator: address(FROM),
        recipient: address(TO),
        content: Some(pb::MessageContent {
            basis: pb::ContentBasis::Contract.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    change(&mut request);
    let attempt = message_attempt(&request).expect("what the network carried is no error");
    verdict(&ruleset(""), &attempt).flags
}

fn with_pdu(pdu: pb::screen_message_request::Pdu) -> Flags {
    flags(|request| request.pdu = Some(pdu))
}

fn smpp(short_message: &'static [u8], tlvs: &[(u32, &'static [u8])]) -> pb::SmppPdu {
    let tlv = |&(tag, value)| pb::Tlv { tag, value: Bytes::from_static(value) };
    pb::SmppPdu {
        short_message: Bytes::from_static(short_message),
        tlvs: tlvs.iter().map(tlv).collect(),
        ..Default::default()
    }
}

#[test]
fn a_message_that_is_a_pdu_only_is_said_not_to_be_read() {
    use pb::screen_message_request::Pdu;
    let tpdu = |user_data: &'static [u8]| {
        let user_data = Bytes::from_static(user_data);
        Pdu::Tpdu(Box::new(pb::Tpdu { user_data, ..Default::default() }))
    };
    let cmpp = |content: &'static [u8]| {
        let content = Bytes::from_static(content);
        Pdu::Cmpp(Box::new(pb::CmppPdu { content, ..Default::default() }))
    };
    let smpp = |pdu| Pdu::Smpp(Box::new(pdu));
    for unread in [
        tpdu(b"\xe8\x32\x9b\xfd\x06"),
        cmpp(b"\x60\xa8"),
        smpp(self::smpp(b"hello", &[])),
        smpp(self::smpp(b"", &[(0x0204, b"\0\x07"), (0x0424, b"hello")])),
    ] {
        assert!(with_pdu(unread.clone()).contains(Flags::TEXT_NOT_INSPECTED), "{unread:?}");
        let bare = |request: &mut pb::ScreenMessageRequest| {
            (request.content, request.pdu) = (None, Some(unread));
        };
        assert!(flags(bare).contains(Flags::TEXT_NOT_INSPECTED), "without a basis, too");
    }
    for nothing in [tpdu(b""), cmpp(b""), smpp(self::smpp(b"", &[(0x0424, b"")]))] {
        assert_eq!(with_pdu(nothing), Flags::default());
    }
    assert_eq!(flags(|_| {}), Flags::default());
    let facts = |text: &'static [u8]| {
        flags(|request| {
            request.edge_facts = Some(Box::default());
            request.content.as_mut().expect("set above").text = Bytes::from_static(text);
        })
    };
    assert!(facts(b"").contains(Flags::TEXT_NOT_INSPECTED), "edge facts are not used yet");
    assert_eq!(facts(b"hello"), Flags::default());
}

#[test]
fn a_parameter_that_carries_no_text_does_not_contradict_the_text() {
    use pb::screen_message_request::Pdu;
    let with_text = |tlv| {
        let mut request = pb::ScreenMessageRequest { recipient: address(TO), ..Default::default() };
        let text = Bytes::from_static(b"hello");
        request.content = Some(pb::MessageContent { text, ..Default::default() });
        request.pdu = Some(Pdu::Smpp(Box::new(smpp(b"", &[tlv]))));
        message_attempt(&request).map(|attempt| attempt.content.octets.to_vec())
    };
    assert_eq!(with_text((0x020c, b"\0\x01")).as_deref(), Ok(&b"hello"[..]), "sar_msg_ref_num");
    let refused = with_text((0x0424, b"hello")).expect_err("message_payload is a text");
    assert!(refused.iter().any(|violation| violation.field == "content.text"));
}

#[test]
fn a_part_that_cannot_be_gets_a_verdict() {
    let part = |reference, number, total| {
        flags(|request| request.part = Some(pb::MessagePart { reference, number, total }))
    };
    for (number, total) in [(3, 2), (0, 2), (1, 0), (255, 254)] {
        assert_eq!(part(7, number, total), Flags::DEGRADED, "{number} of {total}");
    }
    for (reference, number, total) in [(7, 1, 1), (7, 2, 2), (0, 255, 255), (0, 0, 0)] {
        assert_eq!(part(reference, number, total), Flags::default(), "{number} of {total}");
    }
}

#[test]
fn a_verification_that_passed_and_failed_proves_nothing() {
    let request = |recipient, error| pb::ScreenCallRequest {
        originator: address(FROM),
        recipient: address(recipient),
        ingress: Some(pb::Ingress {
            trust: pb::IngressTrust::Trusted.into(),
            region_code: "CN".into(),
            ..Default::default()
        }),
        identity: Some(Box::new(pb::CallIdentity {
            verification_status: pb::VerificationStatus::Passed.into(),
            attestation: pb::Attestation::Full.into(),
            verification_error: error,
            ..Default::default()
        })),
        ..Default::default()
    };
    let allowed = list("case.friends", "number effect=allow", "value", FROM);
    let ruleset = ruleset(&allowed);
    let asked = |request: pb::ScreenCallRequest| {
        let attempt = call_attempt(&request).expect("no call loses its verdict for it");
        let verdict = verdict(&ruleset, &attempt);
        (verdict.action, verdict.reasons[0].code, verdict.flags)
    };
    let sound = (Action::Allow, ReasonCode::AllowListed, Flags::default());
    assert_eq!(asked(request(TO, 0)), sound);
    let doubtful = (Action::Allow, ReasonCode::AllowNotApplied, Flags::DEGRADED);
    assert_eq!(asked(request(TO, 438)), doubtful);
    let emergency = (Action::Allow, ReasonCode::ProtectedRecipient, Flags::DEGRADED);
    assert_eq!(asked(request("110", 438)), emergency);
}
