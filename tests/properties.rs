//! Properties of every verdict, whatever the attempt: reproducible, bounded, softer than asked for
//! and never harder, and spans that lead back to what was sent.

mod support;

use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use ringfence::app::catalogue::{PackText, compile, starter_packs};
use ringfence::engine::{Ruleset, screen};
use ringfence::model::attempt::{
    Address, Attempt, Attestation, Content, ContentBasis, Ingress, NatureOfAddress, Presentation,
    Roaming, StateFacts, TextEncoding, TrunkClass, VerificationStatus,
};
use ringfence::model::entry::TenantId;
use ringfence::model::number::Region;
use ringfence::model::policy::{Action, ActionSet, Traffic};
use ringfence::model::revision::Revision;
use ringfence::model::verdict::{EVIDENCE_BYTES_MAX, REASONS_MAX, Verdict};
use support::cases::{NOW, characters};

/// Attempts for each property; each is screened a few times.
const CASES: u32 = 400;

/// Lists beside the starter packs, so that every kind of list is met often.
const LISTS: &str = "%pack properties
%list x.numbers kind=number category=CN08 party=either
%columns value points effect
+86139*\t350
+1415*\t\tblock
CN:955*\t200
%list x.allow kind=number effect=allow
%columns value
+86138*
%list x.senders kind=sender points=300 category=ID09
%columns value
PayPal
MyBank
%list x.words kind=keyword points=250 category=GL01
%columns value shadow
bank
转账
kredi*
prize\tyes
%list x.domains kind=domain points=500 category=MX01
%columns value
example.com
%list x.trunk kind=trunk
%columns trunk number sender mode
T1\t+86138*\tPayPal\tlabel-only
";

/// Entries that only ever take risk off.
const BENIGN: &str = "%pack benign
%list y.ok kind=keyword points=-300 category=OK06
%columns value
bank
转账
hello
%list y.ok.numbers kind=number points=-200 category=OK04
%columns value
+86139*
%list y.ok.cap kind=conjunction points=-100 category=OK02 caps-text=label
%columns id all
c\tcode | 验证码 ; @code
";

fn build(extra: &[&str]) -> Ruleset {
    let mut packs = starter_packs();
    for (index, text) in extra.iter().enumerate() {
        packs.push(PackText { name: format!("{index}.pack"), octets: text.as_bytes().to_vec() });
    }
    compile(&packs, Revision(1)).unwrap_or_else(|findings| panic!("{:#?}", findings.kept))
}

/// The same packs twice, and once with benign lists besides.
fn rulesets() -> &'static [Ruleset; 3] {
    static RULESETS: OnceLock<[Ruleset; 3]> = OnceLock::new();
    RULESETS.get_or_init(|| [build(&[LISTS]), build(&[LISTS]), build(&[LISTS, BENIGN])])
}

/// An attempt with octets of its own.
#[derive(Clone, Debug)]
struct Drawn {
    attempt: Attempt<'static>,
    trunk: &'static str,
    originator: Vec<u8>,
    recipient: Vec<u8>,
    octets: Vec<u8>,
    facts: StateFacts,
}

impl Drawn {
    fn attempt(&self) -> Attempt<'_> {
        let Attempt { originator, recipient, content, ingress, .. } = self.attempt;
        Attempt {
            originator: Address { raw: &self.originator, ..originator },
            recipient: Address { raw: &self.recipient, ..recipient },
            content: Content { octets: &self.octets, ..content },
            ingress: Ingress { trunk_id: self.trunk, ..ingress },
            ..self.attempt
        }
    }

    fn ask<'r>(&self, ruleset: &'r Ruleset) -> Verdict<'r> {
        screen(ruleset, &self.attempt(), &self.facts, NOW)
    }
}

fn address() -> impl Strategy<Value = Vec<u8>> {
    let number = "(\\+86139|\\+86138|139|00861|\\+1415|955|\\+|0)[0-9]{0,12}";
    prop_oneof![
        4 => number.prop_map(String::into_bytes),
        2 => prop::sample::select(vec!["PayPal", "PAYPA1", "MyBank", "110", "95588", ""])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => vec(any::<u8>(), 0..40),
        1 => "\\PC{0,20}".prop_map(String::into_bytes),
    ]
}

/// Pieces of texts: what lists look for, and what stands in its way.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "bank",
        "转账",
        "轉賬",
        "转\u{200b}账",
        "ｂａｎｋ",
        "krediniz",
        "安全账户",
        "prize",
        "您好",
        "验证码123456",
        "code 4711",
        "http://example.com/a",
        "www.example.com",
        "【招商银行】",
        "公安局",
        "涉嫌洗钱",
        "Your parcel",
        "MyBank",
        "😀",
        "13900000009",
        "hello",
        " ",
        "，",
        "\n",
    ]);
    let piece = prop_oneof![5 => known.prop_map(str::to_owned), 1 => "\\PC{0,12}"];
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Octets with their encoding: text, text with broken octets in it, or anything.
fn content() -> impl Strategy<Value = (Vec<u8>, TextEncoding)> {
    let encode = |text: String, utf16: bool| match utf16 {
        true => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        false => text.into_bytes(),
    };
    let octets = (text(), any::<bool>(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..3));
    let broken =
        (octets, prop::bool::weighted(0.2)).prop_map(move |((text, utf16, breaks), is_broken)| {
            let mut octets: Vec<u8> = encode(text, utf16);
            for (at, octet) in breaks {
                if is_broken && !octets.is_empty() {
                    let at = at.index(octets.len());
                    octets[at] = octet;
                }
            }
            (octets, utf16)
        });
    prop_oneof![9 => broken, 1 => (vec(any::<u8>(), 0..300), any::<bool>())].prop_map(
        |(octets, utf16)| (octets, if utf16 { TextEncoding::Utf16Be } else { TextEncoding::Utf8 }),
    )
}

fn ingress() -> impl Strategy<Value = (&'static str, TrunkClass, bool)> {
    use TrunkClass::{Aggregator, Domestic, Enterprise, International, Retail, Unknown, Voip};
    let classes =
        vec![Unknown, Retail, Domestic, International, International, Enterprise, Voip, Aggregator];
    (prop::sample::select(vec!["", "T1", "T2"]), prop::sample::select(classes), any::<bool>())
}

/// Everything that is one of a few values.
fn claims() -> impl Strategy<Value = Attempt<'static>> {
    use VerificationStatus::{Failed, NotPerformed, Passed};
    let natures = vec![
        NatureOfAddress::Unknown,
        NatureOfAddress::Unknown,
        NatureOfAddress::International,
        NatureOfAddress::National,
        NatureOfAddress::NetworkSpecific,
        NatureOfAddress::Alphanumeric,
    ];
    let parties = (
        prop::sample::select(natures),
        prop::sample::select(vec![Presentation::Allowed, Presentation::Restricted]),
        prop::sample::select(vec![None, Region::parse("US"), Region::parse("ZZ")]),
        prop::sample::select(vec![
            Roaming::Unknown,
            Roaming::ConfirmedHome,
            Roaming::ConfirmedAbroad,
        ]),
    );
    let identity = (
        prop::sample::select(vec![NotPerformed, Passed, Failed]),
        prop::sample::select(vec![Attestation::None, Attestation::Partial, Attestation::Full]),
        any::<[bool; 4]>(),
        vec(prop::sample::select(Action::ALL.to_vec()), 0..4),
        prop::sample::select(vec![ContentBasis::None, ContentBasis::Contract]),
    );
    (any::<bool>(), parties, identity).prop_map(|(call, parties, identity)| {
        let mut attempt = Attempt::empty(if call { Traffic::Call } else { Traffic::Message });
        let presentation;
        (attempt.originator.nature, presentation, attempt.region, attempt.roaming) = parties;
        attempt.originator.presentation = presentation;
        let (verification, attestation, bits, actions, basis) = identity;
        (attempt.verification, attempt.attestation) = (verification, attestation);
        [attempt.diverted, attempt.emergency_callback, attempt.unknown_enum, _] = bits;
        let all = bits[3] || actions.is_empty();
        attempt.supported = if all { ActionSet::ALL } else { ActionSet::from_actions(actions) };
        attempt.content.basis = basis;
        attempt.tenant = TenantId(u16::from(bits[0]));
        attempt
    })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let age = prop::sample::select(vec![None, None, Some(1), Some(u64::MAX)]);
    (claims(), ingress(), address(), address(), content(), age).prop_map(
        |(mut attempt, (trunk, class, trusted), originator, recipient, (octets, encoding), age)| {
            (attempt.ingress.trunk_class, attempt.ingress.trusted) = (class, trusted);
            attempt.content.encoding = encoding;
            let facts = StateFacts { recipient_emergency_call_age_ms: age };
            Drawn { attempt, trunk, originator, recipient, octets, facts }
        },
    )
}

/// An attempt of which nothing but its text speaks.
fn text_only() -> impl Strategy<Value = Drawn> {
    (drawn(), text()).prop_map(|(mut drawn, text)| {
        drawn.attempt = Attempt::empty(Traffic::Message);
        drawn.attempt.content.basis = ContentBasis::Consent;
        drawn.octets = text.into_bytes();
        drawn.originator = b"+8613700000001".to_vec();
        drawn.recipient = b"+8613700000002".to_vec();
        drawn.trunk = "";
        drawn
    })
}

fn bytes(verdict: &Verdict<'_>) -> Vec<u8> {
    ringfence::wire::verdict::verdict(verdict).encode_to_vec()
}

fn spans_lead_back(drawn: &Drawn, verdict: &Verdict<'_>) -> Result<(), TestCaseError> {
    let attempt = drawn.attempt();
    let whole = str::from_utf8(&drawn.octets).ok();
    for reason in &verdict.reasons {
        let Some(span) = reason.span else { continue };
        let (start, end) = (span.start as usize, span.end as usize);
        prop_assert!(start < end && end <= drawn.octets.len(), "{span:?}");
        let text = characters(&drawn.octets[start..end], attempt.content.encoding);
        if attempt.content.encoding == TextEncoding::Utf8 {
            if let Some(whole) = whole {
                prop_assert!(whole.is_char_boundary(start) && whole.is_char_boundary(end));
            }
        } else {
            prop_assert!(start % 2 == 0 && end % 2 == 0, "whole units");
        }
        let mut cut = text.len().min(EVIDENCE_BYTES_MAX);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        prop_assert_eq!(reason.evidence.as_str(), &text[..cut]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn a_verdict_can_be_reproduced(drawn in drawn()) {
        let [one, other, _] = rulesets();
        prop_assert_eq!(one.digest, other.digest);
        let first = drawn.ask(one);
        let encoded = bytes(&first);
        for verdict in [drawn.ask(one), drawn.ask(other)] {
            prop_assert_eq!(&first, &verdict);
            prop_assert_eq!(&encoded, &bytes(&verdict));
        }
    }

    #[test]
    fn a_verdict_is_bounded(drawn in drawn()) {
        let attempt = drawn.attempt();
        let verdict = drawn.ask(&rulesets()[0]);
        prop_assert!(verdict.risk <= 1000);
        prop_assert!(verdict.reasons.len() <= REASONS_MAX);
        prop_assert!(verdict.action <= verdict.would_action);
        prop_assert!(verdict.action <= verdict.mode.ceiling());
        let supported = verdict.action == Action::Allow || attempt.supported.contains(verdict.action);
        prop_assert!(supported, "{:?}", verdict.action);
        prop_assert!(verdict.label.is_none() || verdict.action >= Action::Label);
        let held = verdict.action == Action::Hold && attempt.traffic == Traffic::Message;
        prop_assert_eq!(verdict.hold_max_s > 0, held);
        for reason in &verdict.reasons {
            prop_assert!(reason.evidence.len() <= EVIDENCE_BYTES_MAX);
        }
        spans_lead_back(&drawn, &verdict)?;
    }

    #[test]
    fn text_alone_never_blocks(drawn in text_only()) {
        let verdict = drawn.ask(&rulesets()[0]);
        prop_assert!(verdict.would_action <= Action::Hold, "{}", support::cases::line(&verdict));
        spans_lead_back(&drawn, &verdict)?;
    }

    #[test]
    fn benign_entries_never_raise_risk(drawn in prop_oneof![drawn(), text_only()]) {
        let [without, _, with] = rulesets();
        let (plain, eased) = (drawn.ask(without), drawn.ask(with));
        prop_assert!(eased.risk <= plain.risk, "{} > {}", eased.risk, plain.risk);
        prop_assert!(eased.would_action <= plain.would_action);
    }
}
