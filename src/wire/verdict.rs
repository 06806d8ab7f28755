//! From a verdict to the wire: the reproducible part and the envelope, apart.

use prost::bytes::Bytes;

use crate::model::category::Category;
use crate::model::policy::{Action, Ground, Mode};
use crate::model::revision::{Digest, ENGINE_VERSION, Revision};
use crate::model::time::Timestamp;
use crate::model::verdict::{Flags, LabelKey, OnTimeout, Reason, ReasonCode, Verdict};

use super::screening_v1 as pb;

/// What surrounds a verdict: everything that is not reproducible from the attempt alone.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// Names the answer: 32 hexadecimal digits.
    pub verdict_id: String,
    /// As in the request.
    pub request_id: &'a str,
    /// As in the request.
    pub attempt_id: &'a str,
    /// When it was screened.
    pub screened: Timestamp,
    /// Which revision answered.
    pub revision: Revision,
    /// Its digest.
    pub digest: Digest,
    /// How far verdicts bite.
    pub mode: Mode,
}

/// The envelope on the wire.
pub fn envelope(envelope: Envelope<'_>) -> pb::VerdictEnvelope {
    pb::VerdictEnvelope {
        verdict_id: envelope.verdict_id,
        request_id: envelope.request_id.to_owned(),
        attempt_id: envelope.attempt_id.to_owned(),
        screened_time: Some(time(envelope.screened)),
        ruleset_revision: envelope.revision.0,
        ruleset_digest: Bytes::copy_from_slice(&envelope.digest.0),
        engine_version: ENGINE_VERSION.to_owned(),
        mode: mode(envelope.mode).into(),
    }
}

/// The reproducible part on the wire: equal verdicts give equal octets.
pub fn verdict(verdict: &Verdict<'_>) -> pb::Verdict {
    pb::Verdict {
        action: action(verdict.action).into(),
        would_action: action(verdict.would_action).into(),
        risk: u32::from(verdict.risk),
        category: category(verdict.category),
        ground: verdict.ground.map_or(pb::Ground::Unspecified, ground).into(),
        label_key: verdict.label.map_or(pb::LabelKey::Unspecified, label_key).into(),
        reasons: verdict.reasons.iter().map(reason).collect(),
        treatment: treatment(verdict),
        flags: flags(verdict.flags),
    }
}

/// An action on the wire.
pub fn action(action: Action) -> pb::Action {
    match action {
        Action::Allow => pb::Action::Allow,
        Action::Label => pb::Action::Label,
        Action::Hold => pb::Action::Hold,
        Action::Block => pb::Action::Block,
    }
}

/// A point in time on the wire.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(time.0 / 1000).expect("u64::MAX / 1000 fits in i64"),
        nanos: (time.0 % 1000) as i32 * 1_000_000,
    }
}

/// A category on the wire: its code, empty for none.
pub(super) fn category(category: Option<Category>) -> String {
    category.map(|category| category.code().to_owned()).unwrap_or_default()
}

/// A mode on the wire.
pub(super) fn mode(mode: Mode) -> pb::Mode {
    match mode {
        Mode::Observe => pb::Mode::Observe,
        Mode::LabelOnly => pb::Mode::LabelOnly,
        Mode::Enforce => pb::Mode::Enforce,
    }
}

/// A ground on the wire.
pub(super) fn ground(ground: Ground) -> pb::Ground {
    match ground {
        Ground::Analytics => pb::Ground::Analytics,
        Ground::InvalidNumber => pb::Ground::InvalidNumber,
        Ground::Subscriber => pb::Ground::Subscriber,
        Ground::Order => pb::Ground::Order,
        Ground::Policy => pb::Ground::Policy,
    }
}

/// A label key on the wire.
pub(super) fn label_key(key: LabelKey) -> pb::LabelKey {
    match key {
        LabelKey::InternationalOrigin => pb::LabelKey::InternationalOrigin,
        LabelKey::UnverifiedSender => pb::LabelKey::UnverifiedSender,
        LabelKey::Marketing => pb::LabelKey::Marketing,
        LabelKey::SuspectedFraud => pb::LabelKey::SuspectedFraud,
        LabelKey::SuspectedIllegal => pb::LabelKey::SuspectedIllegal,
    }
}

fn reason(reason: &Reason<'_>) -> pb::Reason {
    let span = reason.span.map(|span| pb::Span { start: span.start, end: span.end });
    pb::Reason {
        code: reason_code(reason.code).into(),
        points: i32::from(reason.points),
        category: category(reason.category),
        list: reason.list.to_owned(),
        entry: reason.entry.to_string(),
        span,
        evidence: reason.evidence.as_str().to_owned(),
        shadow: reason.shadow,
    }
}

fn reason_code(code: ReasonCode) -> pb::ReasonCode {
    use ReasonCode as From;
    use pb::ReasonCode as To;
    match code {
        From::ProtectedRecipient => To::ProtectedRecipient,
        From::EmergencyCallback => To::EmergencyCallback,
        From::LegalOrder => To::LegalOrder,
        From::SubscriberChoice => To::SubscriberChoice,
        From::AllowListed => To::AllowListed,
        From::AllowNotApplied => To::AllowNotApplied,
        From::ReceiveOnlyOriginator => To::ReceiveOnlyOriginator,
        From::DomesticFromAbroad => To::DomesticFromAbroad,
        From::OriginatorMalformed => To::OriginatorMalformed,
        From::OriginatorMissing => To::OriginatorMissing,
        From::OriginatorWithheld => To::OriginatorWithheld,
        From::InternationalOrigin => To::InternationalOrigin,
        From::VerificationFailed => To::VerificationFailed,
        From::NumberListed => To::NumberListed,
        From::PrefixListed => To::PrefixListed,
        From::SenderListed => To::SenderListed,
        From::SenderLookAlike => To::SenderLookAlike,
        From::SignatureListed => To::SignatureListed,
        From::DomainListed => To::DomainListed,
        From::BrandLinkMismatch => To::BrandLinkMismatch,
        From::Conjunction => To::Conjunction,
        From::Keyword => To::Keyword,
        From::BenignProfile => To::BenignProfile,
    }
}

/// Absent unless something is held: an ALLOW needs no advice.
fn treatment(verdict: &Verdict<'_>) -> Option<pb::Treatment> {
    if verdict.hold_max_s == 0 {
        return None;
    }
    let on_timeout = match verdict.on_timeout {
        OnTimeout::Deliver => pb::OnTimeout::Deliver,
        OnTimeout::Discard => pb::OnTimeout::Discard,
    };
    let hold_max =
        prost_types::Duration { seconds: i64::from(verdict.hold_max_s), ..Default::default() };
    Some(pb::Treatment { hold_max: Some(hold_max), on_timeout: on_timeout.into(), cache_ttl: None })
}

/// Every flag with its name on the wire, in the order of the bits.
const FLAGS: [(Flags, pb::VerdictFlag); 12] = [
    (Flags::DEGRADED, pb::VerdictFlag::Degraded),
    (Flags::TEXT_ILL_FORMED, pb::VerdictFlag::TextIllFormed),
    (Flags::TEXT_TRUNCATED, pb::VerdictFlag::TextTruncated),
    (Flags::TEXT_NOT_INSPECTED, pb::VerdictFlag::TextNotInspected),
    (Flags::UNKNOWN_ENUM, pb::VerdictFlag::UnknownEnum),
    (Flags::RECIPIENT_MALFORMED, pb::VerdictFlag::RecipientMalformed),
    (Flags::REASONS_TRUNCATED, pb::VerdictFlag::ReasonsTruncated),
    (Flags::MODE_LIMITED, pb::VerdictFlag::ModeLimited),
    (Flags::ACTION_DEGRADED, pb::VerdictFlag::ActionDegraded),
    (Flags::CEILING_LIMITED, pb::VerdictFlag::CeilingLimited),
    (Flags::VERIFICATION_IGNORED, pb::VerdictFlag::VerificationIgnored),
    (Flags::STALE, pb::VerdictFlag::Stale),
];

fn flags(flags: Flags) -> Vec<i32> {
    if flags == Flags::default() {
        return Vec::new();
    }
    let set = FLAGS.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.map(|(_, name)| name.into()).collect()
}
