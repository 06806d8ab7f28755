//! What holds for one attempt before any detector runs: policy, trunk, region, proven identity.

use super::numbers::Normalised;
use super::numbers::scan::{Scanned, scan};
use super::ruleset::Ruleset;
use crate::model::attempt::{
    Address, Attempt, Attestation, NatureOfAddress, StateFacts, TrunkClass, VerificationStatus,
};
use crate::model::number::{E164Number, Number, Region};
use crate::model::policy::{Mode, Policy};
use crate::model::verdict::Flags;

/// How long after an emergency call its call-back is protected.
///
/// RFC 7090 leaves the time to policy; an hour covers a control room that rings back late, and the
/// protection only lifts holds and blocks, so a long time harms nobody.
pub const CALLBACK_PROTECTION_MS: u64 = 3_600_000;

/// The setting in which an attempt is looked at.
pub(super) struct Context<'r> {
    pub policy: &'r Policy,
    /// Region of numbers that do not say theirs.
    pub region: Region,
    /// The softer of tenant's and trunk's.
    pub mode: Mode,
    pub originator: Normalised,
    pub recipient: Normalised,
    /// The originator is who it says, for this attempt.
    pub identity_proven: bool,
    /// The attempt is the call-back to a call for help.
    pub emergency_callback: bool,
}

impl<'r> Context<'r> {
    /// Reads both parties in the region of trunk or tenant.
    pub fn new(ruleset: &'r Ruleset, attempt: &Attempt<'_>, facts: &StateFacts) -> Context<'r> {
        let base = &*ruleset.base;
        let settings = ruleset.settings();
        let policy = &settings.policy;
        let trunk = settings.trunk(attempt.ingress.trunk_id);
        let region = attempt
            .region
            .or(trunk.and_then(|trunk| trunk.region))
            .unwrap_or(policy.default_region);
        let mode = trunk.and_then(|trunk| trunk.mode).map_or(policy.mode, |m| m.min(policy.mode));
        let originator = base.plans.normalise(&attempt.originator, region);
        let recipient = base.plans.normalise(&attempt.recipient, region);
        let bound = trunk.is_some_and(|trunk| trunk.binds(&originator, &attempt.originator));
        let attested = attempt.ingress.trusted
            && attempt.verification == VerificationStatus::Passed
            && attempt.attestation == Attestation::Full;
        // The recipient's own network tells this, not the trunk that the call came in by.
        let told = attempt.recipient_emergency_call_age_ms;
        let recent = [facts.recipient_emergency_call_age_ms, told]
            .into_iter()
            .flatten()
            .any(|age| age <= CALLBACK_PROTECTION_MS);
        let marked = attempt.emergency_callback && attempt.ingress.trusted;
        Context {
            policy,
            region,
            mode,
            originator,
            recipient,
            identity_proven: bound || attested,
            emergency_callback: marked || recent,
        }
    }

    /// The originator's number to look up in lists: what no plan knows may still be listed, as
    /// spoofed numbers are.
    pub fn originator_listed(&self, attempt: &Attempt<'_>) -> Option<Number> {
        match &self.originator {
            Normalised::Number(number) => Some(*number),
            Normalised::Malformed(_) => international_digits(&attempt.originator),
            Normalised::Missing | Normalised::Lettered => None,
        }
    }

    /// The recipient's number, where it is one.
    pub fn recipient_number(&self) -> Option<&Number> {
        match &self.recipient {
            Normalised::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// Flags that follow from the request alone.
pub(super) fn input_flags(context: &Context<'_>, attempt: &Attempt<'_>) -> Flags {
    let mut flags = Flags::default();
    if attempt.unknown_enum {
        flags.insert(Flags::UNKNOWN_ENUM);
        flags.insert(Flags::DEGRADED);
    }
    if attempt.contradictory {
        flags.insert(Flags::DEGRADED);
    }
    if attempt.content_unread {
        flags.insert(Flags::TEXT_NOT_INSPECTED);
    }
    if context.recipient_number().is_none() {
        flags.insert(Flags::RECIPIENT_MALFORMED);
        flags.insert(Flags::DEGRADED);
    }
    let claims = attempt.verification != VerificationStatus::NotPerformed
        || attempt.attestation != Attestation::None
        || attempt.emergency_callback;
    if claims && !attempt.ingress.trusted {
        flags.insert(Flags::VERIFICATION_IGNORED);
    }
    flags
}

/// Does the attempt come in from another country? Roaming partners are there too.
pub(super) fn from_abroad(attempt: &Attempt<'_>) -> bool {
    matches!(attempt.ingress.trunk_class, TrunkClass::International | TrunkClass::Roaming)
}

/// Digits that say they start with a country code, as a number of no plan.
fn international_digits(address: &Address<'_>) -> Option<Number> {
    let Scanned::Digits { digits, plus } = scan(address.raw) else { return None };
    let international = plus || address.nature == NatureOfAddress::International;
    let number = E164Number::from_digits(digits.as_bytes()).map(Number::E164);
    number.filter(|_| international)
}

/// The raw octets as text for look-ups of sender ids; ill-formed octets are replaced.
pub(super) fn lettered<'a>(address: &Address<'a>) -> std::borrow::Cow<'a, str> {
    String::from_utf8_lossy(address.raw)
}
