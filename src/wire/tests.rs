use proptest::prelude::*;
use prost::Message;
use prost::bytes::Bytes;

use crate::model::attempt;
use crate::model::category::Category;
use crate::model::policy::{Action, ActionSet, Ground, Mode};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;
use crate::model::verdict::{
    EntryRef, Flags, LabelKey, OnTimeout, Reason, ReasonCode, Span, Verdict,
};

use super::screening_v1 as pb;
use super::{call, limits, message, report, verdict};

fn address(raw: &'static [u8]) -> Option<pb::Address> {
    Some(pb::Address { raw: Bytes::from_static(raw), ..Default::default() })
}

fn small_call() -> pb::ScreenCallRequest {
    pb::ScreenCallRequest {
        originator: address(b"+8613800138000"),
        recipient: address(b"8613900139000"),
        ..Default::default()
    }
}

fn small_message() -> pb::ScreenMessageRequest {
    pb::ScreenMessageRequest {
        originator: address(b"95588"),
        recipient: address(b"8613900139000"),
        content: Some(pb::MessageContent {
            text: "您好".into(),
            basis: pb::ContentBasis::Contract.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn long(octets: usize) -> Bytes {
    Bytes::from(vec![b'7'; octets])
}

fn long_text(octets: usize) -> String {
    "x".repeat(octets)
}

/// Field paths that a changed call request is refused for.
fn call_fields(change: impl FnOnce(&mut pb::ScreenCallRequest)) -> Vec<String> {
    let mut request = small_call();
    change(&mut request);
    let refused = call::call_attempt(&request).expect_err("the request is bad");
    refused.iter().map(|violation| violation.field.clone()).collect()
}

/// Field paths that a changed message request is refused for.
fn message_fields(change: impl FnOnce(&mut pb::ScreenMessageRequest)) -> Vec<String> {
    let mut request = small_message();
    change(&mut request);
    let refused = message::message_attempt(&request).expect_err("the request is bad");
    refused.iter().map(|violation| violation.field.clone()).collect()
}

#[test]
fn bad_calls_name_their_fields() {
    assert_eq!(call_fields(|r| r.recipient = None), ["recipient.raw"]);
    assert_eq!(call_fields(|r| r.recipient = address(b"")), ["recipient.raw"]);
    assert_eq!(call_fields(|r| r.request_id = long_text(129)), ["request_id"]);
    assert_eq!(call_fields(|r| r.attempt_id = long_text(129)), ["attempt_id"]);
    let over = |r: &mut pb::ScreenCallRequest| r.originator.as_mut().unwrap().raw = long(1025);
    assert_eq!(call_fields(over), ["originator.raw"]);
    let over = |r: &mut pb::ScreenCallRequest| r.recipient.as_mut().unwrap().raw = long(1025);
    assert_eq!(call_fields(over), ["recipient.raw"]);
    assert_eq!(call_fields(|r| r.supported_actions = vec![1; 9]), ["supported_actions"]);
    let time = prost_types::Timestamp { seconds: 0, nanos: -1 };
    assert_eq!(call_fields(|r| r.event_time = Some(time)), ["event_time"]);
    let identity = pb::CallIdentity {
        identity_headers: vec![long(10); 11],
        verification_error: 404,
        ..Default::default()
    };
    assert_eq!(
        call_fields(|r| r.identity = Some(Box::new(identity))),
        ["identity.identity_headers", "identity.verification_error"]
    );
    let identity =
        pb::CallIdentity { identity_headers: vec![long(1), long(4097)], ..Default::default() };
    assert_eq!(
        call_fields(|r| r.identity = Some(Box::new(identity))),
        ["identity.identity_headers[1]"]
    );
    let ingress = pb::Ingress {
        trunk_id: long_text(129),
        region_code: "CHN".into(),
        source_ip: long(5),
        ..Default::default()
    };
    assert_eq!(
        call_fields(|r| r.ingress = Some(ingress)),
        ["ingress.trunk_id", "ingress.region_code", "ingress.source_ip"]
    );
    let hints = pb::SubscriberHints {
        cell_id: long(65),
        roaming_age: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    };
    assert_eq!(
        call_fields(|r| r.recipient_hints = Some(Box::new(hints))),
        ["recipient_hints.cell_id", "recipient_hints.roaming_age"]
    );
    let tags = vec![pb::Tag { key: String::new(), value: long_text(257) }];
    assert_eq!(call_fields(|r| r.tags = tags), ["tags[0].key", "tags[0].value"]);
}

#[test]
fn bad_messages_name_their_fields() {
    assert_eq!(message_fields(|r| r.recipient = None), ["recipient.raw"]);
    let over = |r: &mut pb::ScreenMessageRequest| {
        r.content.as_mut().unwrap().text = long(limits::TEXT_BYTES_MAX + 1);
    };
    assert_eq!(message_fields(over), ["content.text"]);
    let tpdu = |user_data| {
        let tpdu = pb::Tpdu { user_data, ..Default::default() };
        Some(pb::screen_message_request::Pdu::Tpdu(Box::new(tpdu)))
    };
    assert_eq!(message_fields(|r| r.pdu = tpdu(long(1))), ["content.text"]);
    let both = |r: &mut pb::ScreenMessageRequest| {
        r.content = None;
        r.pdu = tpdu(long(limits::TEXT_BYTES_MAX + 1));
    };
    assert_eq!(message_fields(both), ["tpdu.user_data"]);
    let smpp = pb::SmppPdu {
        esm_class: 256,
        data_coding: 300,
        tlvs: vec![pb::Tlv { tag: 65_536, value: Bytes::new() }],
        ..Default::default()
    };
    let pdu = pb::screen_message_request::Pdu::Smpp(Box::new(smpp));
    let wrong = |r: &mut pb::ScreenMessageRequest| {
        r.content = None;
        r.pdu = Some(pdu);
    };
    assert_eq!(message_fields(wrong), ["smpp.esm_class", "smpp.data_coding", "smpp.tlvs[0].tag"]);
    let part = pb::MessagePart { reference: 65_536, number: 256, total: 1 };
    assert_eq!(message_fields(|r| r.part = Some(part)), ["part.reference", "part.number"]);
    let transport = pb::MessageTransport { imsi: long(65), ..Default::default() };
    assert_eq!(message_fields(|r| r.transport = Some(Box::new(transport))), ["transport.imsi"]);
}

#[test]
fn a_refusal_is_bounded_and_never_repeats_the_value() {
    let tlvs = vec![pb::Tlv { tag: 99_999, value: Bytes::new() }; 1000];
    let smpp = pb::SmppPdu { tlvs, ..Default::default() };
    let mut request = small_message();
    request.content = None;
    request.pdu = Some(pb::screen_message_request::Pdu::Smpp(Box::new(smpp)));
    request.originator = Some(pb::Address { raw: long(2000), ..Default::default() });
    let refused = message::message_attempt(&request).unwrap_err();
    assert_eq!(refused.iter().count(), limits::VIOLATIONS_MAX);
    assert!(!refused.to_string().contains("777"));
    assert!(!refused.to_string().contains("99999"));
}

#[test]
fn what_the_network_carried_passes() {
    for raw in [&b""[..], b"00000000", b"ALPHA", b"\xff\xfe\x00", b"+", b"tel:+86;x"] {
        let mut request = small_call();
        request.originator = Some(pb::Address {
            raw: Bytes::copy_from_slice(raw),
            nature: pb::NatureOfAddress::National.into(),
            presentation: pb::Presentation::Restricted.into(),
            ..Default::default()
        });
        let attempt = call::call_attempt(&request).unwrap();
        assert_eq!(attempt.originator.raw, raw);
        assert_eq!(attempt.originator.nature, attempt::NatureOfAddress::National);
        assert_eq!(attempt.originator.presentation, attempt::Presentation::Restricted);
    }
}

#[test]
fn a_call_is_translated() {
    let mut request = small_call();
    request.ingress = Some(pb::Ingress {
        trunk_id: "gw-1".into(),
        trunk_class: pb::TrunkClass::International.into(),
        trust: pb::IngressTrust::Trusted.into(),
        region_code: "gb".into(),
        ..Default::default()
    });
    request.identity = Some(Box::new(pb::CallIdentity {
        verification_status: pb::VerificationStatus::Passed.into(),
        attestation: pb::Attestation::Full.into(),
        ..Default::default()
    }));
    request.redirection = Some(Box::default());
    request.originator_hints = Some(Box::new(pb::SubscriberHints {
        roaming: pb::RoamingState::Abroad.into(),
        ..Default::default()
    }));
    request.priority = Some(Box::new(pb::CallPriority {
        priority: pb::Priority::PsapCallback.into(),
        ..Default::default()
    }));
    request.supported_actions = vec![pb::Action::Label.into()];
    let attempt = call::call_attempt(&request).unwrap();
    assert_eq!(attempt.ingress.trunk_id, "gw-1");
    assert_eq!(attempt.ingress.trunk_class, attempt::TrunkClass::International);
    assert!(attempt.ingress.trusted && attempt.diverted && attempt.emergency_callback);
    assert_eq!(attempt.region.unwrap().as_str(), "GB");
    assert_eq!(attempt.verification, attempt::VerificationStatus::Passed);
    assert_eq!(attempt.attestation, attempt::Attestation::Full);
    assert_eq!(attempt.roaming, attempt::Roaming::ConfirmedAbroad);
    assert_eq!(attempt.supported, ActionSet::from_actions([Action::Label]));
    assert!(!attempt.unknown_enum);

    request.priority.as_mut().unwrap().priority = pb::Priority::Emergency.into();
    assert!(!call::call_attempt(&request).unwrap().emergency_callback);
    let category = pb::CallingPartyCategory::Emergency;
    request.priority.as_mut().unwrap().calling_party_category = category.into();
    assert!(call::call_attempt(&request).unwrap().emergency_callback);
}

#[test]
fn defaults_are_the_careful_ones() {
    let request = small_call();
    let attempt = call::call_attempt(&request).unwrap();
    assert!(!attempt.ingress.trusted && !attempt.diverted && !attempt.emergency_callback);
    assert_eq!(attempt.attestation, attempt::Attestation::None);
    assert_eq!(attempt.supported, ActionSet::ALL);
    assert_eq!(attempt.region, None);
    let mut request = small_message();
    request.content.as_mut().unwrap().basis = 0;
    let attempt = message::message_attempt(&request).unwrap();
    assert_eq!(attempt.content.basis, attempt::ContentBasis::None);
}

#[test]
fn unknown_enum_values_count_as_unspecified_and_are_noted() {
    let mut request = small_call();
    request.ingress = Some(pb::Ingress { trunk_class: 99, trust: 7, ..Default::default() });
    let attempt = call::call_attempt(&request).unwrap();
    assert!(attempt.unknown_enum && !attempt.ingress.trusted);
    assert_eq!(attempt.ingress.trunk_class, attempt::TrunkClass::Unknown);

    let mut request = small_message();
    request.supported_actions = vec![42];
    let attempt = message::message_attempt(&request).unwrap();
    assert!(attempt.unknown_enum);
    assert_eq!(attempt.supported, ActionSet::from_actions([]), "nothing else is promised");
}

#[test]
fn an_account_stands_in_for_a_trunk() {
    let mut request = small_message();
    request.transport =
        Some(Box::new(pb::MessageTransport { account: "sp-7".into(), ..Default::default() }));
    assert_eq!(message::message_attempt(&request).unwrap().ingress.trunk_id, "sp-7");
    request.ingress = Some(pb::Ingress { trunk_id: "agg".into(), ..Default::default() });
    assert_eq!(message::message_attempt(&request).unwrap().ingress.trunk_id, "agg");
}

#[test]
fn reports_are_checked() {
    let outcome = pb::ReportOutcomeRequest {
        recipient: address(b"8613900139000"),
        applied_action: pb::Action::Allow.into(),
        fallback_reason: pb::FallbackReason::Timeout.into(),
        outcome: Some(pb::report_outcome_request::Outcome::Call(pb::CallOutcome::default())),
        ..Default::default()
    };
    let facts = report::outcome(&outcome).unwrap();
    assert_eq!(facts.applied, Some(Action::Allow));
    assert_eq!(facts.fallback, pb::FallbackReason::Timeout);
    let fields = |refused: super::violations::Violations| -> Vec<String> {
        refused.iter().map(|violation| violation.field.clone()).collect()
    };
    let empty = pb::ReportOutcomeRequest::default();
    assert_eq!(fields(report::outcome(&empty).unwrap_err()), ["recipient.raw", "outcome"]);
    let empty = pb::ReportFeedbackRequest { category: "XX01".into(), ..Default::default() };
    assert_eq!(
        fields(report::feedback(&empty).unwrap_err()),
        ["kind", "originator.raw", "category"]
    );
    let feedback = pb::ReportFeedbackRequest {
        kind: pb::FeedbackKind::Wanted.into(),
        verdict_id: "v".into(),
        category: "CN08".into(),
        ..Default::default()
    };
    assert_eq!(report::feedback(&feedback), Ok(()));
}

#[test]
fn a_recent_emergency_call_of_the_recipient_is_passed_on() {
    let hints = pb::SubscriberHints {
        emergency_call_age: Some(prost_types::Duration { seconds: 90, nanos: 500_000_000 }),
        ..Default::default()
    };
    let recipient = pb::Address { raw: "112233".into(), ..Default::default() };
    let request = pb::ScreenCallRequest {
        recipient: Some(recipient),
        recipient_hints: Some(Box::new(hints)),
        ..Default::default()
    };
    let attempt = call::call_attempt(&request).unwrap();
    assert_eq!(attempt.recipient_emergency_call_age_ms, Some(90_500));
}

fn full_verdict() -> Verdict<'static> {
    Verdict {
        action: Action::Hold,
        would_action: Action::Block,
        risk: 910,
        category: Some(Category::CN08),
        ground: Some(Ground::Analytics),
        label: Some(LabelKey::SuspectedFraud),
        hold_max_s: 3600,
        on_timeout: OnTimeout::Deliver,
        reasons: vec![Reason {
            code: ReasonCode::Keyword,
            points: -5,
            category: None,
            list: "phrases",
            entry: EntryRef::Text("安全账户"),
            span: Some(Span { start: 3, end: 15 }),
            evidence: arrayvec::ArrayString::from("安全账户").unwrap(),
            shadow: true,
        }],
        mode: Mode::Enforce,
        flags: Flags(Flags::DEGRADED.0 | Flags::VERIFICATION_IGNORED.0),
    }
}

#[test]
fn a_verdict_is_encoded_whole_and_always_alike() {
    let encoded = verdict::verdict(&full_verdict());
    assert_eq!(encoded.action(), pb::Action::Hold);
    assert_eq!(encoded.would_action(), pb::Action::Block);
    assert_eq!((encoded.risk, encoded.category.as_str()), (910, "CN08"));
    assert_eq!(encoded.ground(), pb::Ground::Analytics);
    assert_eq!(encoded.label_key(), pb::LabelKey::SuspectedFraud);
    let treatment = encoded.treatment.as_ref().unwrap();
    assert_eq!(treatment.hold_max.as_ref().unwrap().seconds, 3600);
    assert_eq!(treatment.on_timeout(), pb::OnTimeout::Deliver);
    assert_eq!(treatment.cache_ttl, None);
    let flags: Vec<_> = encoded.flags().collect();
    assert_eq!(flags, [pb::VerdictFlag::Degraded, pb::VerdictFlag::VerificationIgnored]);
    let reason = &encoded.reasons[0];
    assert_eq!((reason.code(), reason.points), (pb::ReasonCode::Keyword, -5));
    assert_eq!((reason.entry.as_str(), reason.evidence.as_str()), ("安全账户", "安全账户"));
    assert_eq!(reason.span, Some(pb::Span { start: 3, end: 15 }));
    let again = verdict::verdict(&full_verdict());
    assert_eq!(encoded.encode_to_vec(), again.encode_to_vec());
}

#[test]
fn the_envelope_holds_what_is_not_reproducible() {
    let envelope = verdict::envelope(verdict::Envelope {
        verdict_id: "ab".into(),
        request_id: "r",
        attempt_id: "a",
        screened: Timestamp(1_700_000_000_123),
        revision: Revision(7),
        digest: Digest([9; 32]),
        mode: Mode::Observe,
    });
    let time = envelope.screened_time.as_ref().unwrap();
    assert_eq!((time.seconds, time.nanos), (1_700_000_000, 123_000_000));
    assert_eq!((envelope.ruleset_revision, envelope.ruleset_digest.len()), (7, 32));
    assert_eq!(envelope.mode(), pb::Mode::Observe);
    assert_eq!(envelope.engine_version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn debug_shows_no_personal_data() {
    let mut request = small_message();
    request.content.as_mut().unwrap().text = "secret words".into();
    request.request_id = "secret id".into();
    request.ingress = Some(pb::Ingress {
        trunk_id: "secret trunk".into(),
        source_ip: Bytes::from_static(b"\x7fIP\x01"),
        ..Default::default()
    });
    let registration = pb::SenderRegistration {
        signatures: vec![Bytes::from_static(b"secret name")],
        ..Default::default()
    };
    let pdu = pb::screen_message_request::Pdu::Tpdu(Box::new(pb::Tpdu {
        user_data: Bytes::from_static(b"secret"),
        ..Default::default()
    }));
    let outcome = pb::ReportOutcomeRequest { request_id: "secret".into(), ..Default::default() };
    let shown = format!(
        "{request:?} {:?} {registration:?} {pdu:?} {outcome:?} {:?}",
        request.ingress,
        verdict::verdict(&full_verdict()),
    );
    assert!(!shown.contains("95588") && !shown.contains("secret") && !shown.contains("安全"));
    assert!(!shown.contains("IP") && !shown.contains("127, 73"), "{shown}");
    assert!(shown.contains("ScreenMessageRequest(") && shown.contains(" octets)"), "{shown}");
    // As octets, too: Bytes prints ASCII as text.
    assert!(!shown.contains("13900139000"));
}

#[test]
fn the_descriptor_set_holds_the_service() {
    let set = prost_types::FileDescriptorSet::decode(super::DESCRIPTOR_SET).unwrap();
    let service = set.file.iter().flat_map(|file| &file.service).next().unwrap();
    assert_eq!(service.name(), "ScreeningService");
    assert_eq!(service.method.len(), 6);
}

prop_compose! {
    fn any_octets()(octets in prop::collection::vec(any::<u8>(), 0..1500)) -> Bytes {
        Bytes::from(octets)
    }
}

prop_compose! {
    fn any_address()(
        raw in any_octets(),
        nature in any::<i32>(),
        plan in any::<i32>(),
        presentation in any::<i32>(),
        screening in any::<i32>(),
    ) -> pb::Address {
        pb::Address { raw, nature, plan, presentation, screening }
    }
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(
        originator in any_address(),
        recipient in any_address(),
        text in any_octets(),
        enums in any::<[i32; 6]>(),
        header in any_octets(),
    ) {
        let identity = pb::CallIdentity {
            verification_status: enums[0],
            attestation: enums[1],
            identity_headers: vec![header.clone()],
            ..Default::default()
        };
        let request = pb::ScreenCallRequest {
            originator: Some(originator.clone()),
            recipient: Some(recipient.clone()),
            identity: Some(Box::new(identity)),
            supported_actions: enums.to_vec(),
            ..Default::default()
        };
        let fits = originator.raw.len() <= 1024 && recipient.raw.len() <= 1024;
        let answer = call::call_attempt(&request);
        prop_assert_eq!(answer.is_ok(), fits && !recipient.raw.is_empty());
        let content = pb::MessageContent {
            text: text.clone(),
            encoding: enums[2],
            basis: enums[3],
            ..Default::default()
        };
        let request = pb::ScreenMessageRequest {
            originator: Some(originator),
            recipient: Some(recipient.clone()),
            content: Some(content),
            ..Default::default()
        };
        let answer = message::message_attempt(&request);
        prop_assert_eq!(answer.is_ok(), fits && !recipient.raw.is_empty());
        if let Ok(attempt) = answer {
            prop_assert_eq!(attempt.content.octets, &text[..]);
        }
    }

    #[test]
    fn arbitrary_wire_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(request) = pb::ScreenCallRequest::decode(&octets[..]) {
            let _ = call::call_attempt(&request);
        }
        if let Ok(request) = pb::ScreenMessageRequest::decode(&octets[..]) {
            let _ = message::message_attempt(&request);
        }
        if let Ok(request) = pb::ReportOutcomeRequest::decode(&octets[..]) {
            let _ = report::outcome(&request);
        }
        if let Ok(request) = pb::ReportFeedbackRequest::decode(&octets[..]) {
            let _ = report::feedback(&request);
        }
    }
}
