//! The answer: action, risk, category, ground, and reasons in one fixed total order.

use arrayvec::ArrayString;

use super::category::Category;
use super::entry::PlanDigits;
use super::number::Number;
use super::policy::{Action, Ground, Mode};

/// Most reasons a verdict carries; the rest is counted in risk but not listed.
pub const REASONS_MAX: usize = 16;
/// Most bytes of evidence in one reason.
pub const EVIDENCE_BYTES_MAX: usize = 64;

/// Which label to show; the text behind a key belongs to the carrier's profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelKey {
    /// Neutral: it comes from abroad.
    InternationalOrigin,
    /// Neutral: nobody vouches for the sender id.
    UnverifiedSender,
    /// Neutral: marketing.
    Marketing,
    /// Accusing: needs a category and the label threshold.
    SuspectedFraud,
    /// Accusing: illegal goods or services.
    SuspectedIllegal,
}

impl LabelKey {
    /// All keys with the name that packs use.
    pub const ALL: [(LabelKey, &'static str); 5] = [
        (LabelKey::InternationalOrigin, "international-origin"),
        (LabelKey::UnverifiedSender, "unverified-sender"),
        (LabelKey::Marketing, "marketing"),
        (LabelKey::SuspectedFraud, "suspected-fraud"),
        (LabelKey::SuspectedIllegal, "suspected-illegal"),
    ];

    /// From the name that packs use.
    pub fn parse(text: &str) -> Option<LabelKey> {
        LabelKey::ALL.into_iter().find(|(_, name)| *name == text).map(|(key, _)| key)
    }

    /// The name that packs use.
    pub fn as_str(self) -> &'static str {
        LabelKey::ALL.into_iter().find(|(key, _)| *key == self).map_or("", |(_, name)| name)
    }

    /// Does it accuse the originator of something?
    pub fn is_accusing(self) -> bool {
        matches!(self, LabelKey::SuspectedFraud | LabelKey::SuspectedIllegal)
    }
}

/// Stable code of a reason: what kind of thing was found. The order is part of the total order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// The recipient is an emergency or never-block number: always ALLOW.
    ProtectedRecipient,
    /// A call-back to somebody who just called for help: never held or blocked.
    EmergencyCallback,
    /// A legal order.
    LegalOrder,
    /// The subscriber's own choice.
    SubscriberChoice,
    /// An allow entry, applied.
    AllowListed,
    /// An allow entry, not applied: the originator's identity is not proven for this attempt.
    AllowNotApplied,
    /// A receive-only or protected number shown as originator where it cannot come from.
    ReceiveOnlyOriginator,
    /// A domestic number that cannot come in on an international trunk.
    DomesticFromAbroad,
    /// Not a number: letters, zeros, wrong length.
    OriginatorMalformed,
    /// No originator at all.
    OriginatorMissing,
    /// The originator does not want to be shown.
    OriginatorWithheld,
    /// A domestic mobile number from abroad, roaming unknown: neutral.
    InternationalOrigin,
    /// Caller authentication failed at a trusted verifier.
    VerificationFailed,
    /// A listed number, exact.
    NumberListed,
    /// A listed prefix or range.
    PrefixListed,
    /// A listed sender id.
    SenderListed,
    /// A sender id that looks like a listed one.
    SenderLookAlike,
    /// A listed signature.
    SignatureListed,
    /// A listed domain in a link.
    DomainListed,
    /// A brand is claimed and the link leads elsewhere.
    BrandLinkMismatch,
    /// Phrases and facts that together make a scam script.
    Conjunction,
    /// A phrase.
    Keyword,
    /// A profile of wanted traffic: takes points off.
    BenignProfile,
}

/// What the entry behind a reason is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryRef<'r> {
    /// None: a check of the engine itself.
    None,
    /// One number.
    Number(Number),
    /// A prefix; `*` is added when shown.
    Prefix(PlanDigits),
    /// Any other entry by its text.
    Text(&'r str),
}

impl std::fmt::Display for EntryRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EntryRef::None => Ok(()),
            EntryRef::Number(number) => number.fmt(f),
            EntryRef::Prefix(prefix) => match prefix.region {
                Some(region) => write!(f, "{region}:{}*", prefix.digits),
                None => write!(f, "+{}*", prefix.digits),
            },
            EntryRef::Text(text) => f.write_str(text),
        }
    }
}

impl std::fmt::Debug for EntryRef<'_> {
    /// Redacted: a sender id or a phrase of a list may speak of a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EntryRef::None => f.write_str("None"),
            EntryRef::Number(number) => number.fmt(f),
            EntryRef::Prefix(prefix) => write!(f, "{prefix:?}*"),
            EntryRef::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// Where a hit stood: octets of the content as sent, `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First octet.
    pub start: u32,
    /// One past the last octet.
    pub end: u32,
}

/// A hit as reported.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason<'r> {
    /// What kind of thing was found.
    pub code: ReasonCode,
    /// The points it gave (after caps), 0 where it acted otherwise.
    pub points: i16,
    /// What it is about.
    pub category: Option<Category>,
    /// The list that holds the entry; empty for a check of the engine itself.
    pub list: &'r str,
    /// The entry.
    pub entry: EntryRef<'r>,
    /// Where in the content.
    pub span: Option<Span>,
    /// What stood there, as text, at most 64 bytes.
    pub evidence: ArrayString<EVIDENCE_BYTES_MAX>,
    /// Reported only: it did not take part.
    pub shadow: bool,
}

impl std::fmt::Debug for Reason<'_> {
    /// Without the evidence: that is text of a message.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reason")
            .field("code", &self.code)
            .field("points", &self.points)
            .field("category", &self.category)
            .field("list", &self.list)
            .field("entry", &self.entry)
            .field("span", &self.span)
            .field("evidence_bytes", &self.evidence.len())
            .field("shadow", &self.shadow)
            .finish()
    }
}

/// Things a caller should know about how the answer came about.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// Some input was malformed, cut, unknown or contradictory; the rest decided.
    pub const DEGRADED: Flags = Flags(1);
    /// Text was ill-formed in its encoding; broken units were replaced.
    pub const TEXT_ILL_FORMED: Flags = Flags(1 << 1);
    /// Text was longer than is inspected; the head was.
    pub const TEXT_TRUNCATED: Flags = Flags(1 << 2);
    /// There is content that was not read: without a basis, or in a form not read yet.
    pub const TEXT_NOT_INSPECTED: Flags = Flags(1 << 3);
    /// An enum value of the request is unknown to this version and counts as unspecified.
    pub const UNKNOWN_ENUM: Flags = Flags(1 << 4);
    /// The recipient is no number we can read.
    pub const RECIPIENT_MALFORMED: Flags = Flags(1 << 5);
    /// More than 16 reasons; the weakest are not listed.
    pub const REASONS_TRUNCATED: Flags = Flags(1 << 6);
    /// The mode held the action back.
    pub const MODE_LIMITED: Flags = Flags(1 << 7);
    /// The caller cannot carry out the wanted action; a weaker one stands in.
    pub const ACTION_DEGRADED: Flags = Flags(1 << 8);
    /// A ceiling held the action back (text alone, a feed, a nuisance category).
    pub const CEILING_LIMITED: Flags = Flags(1 << 9);
    /// Verification facts came in on an ingress that is not trusted and were ignored.
    pub const VERIFICATION_IGNORED: Flags = Flags(1 << 10);
    /// The ruleset may not be the newest: the server could not read its log yet, or at all. Of the
    /// server and not of the engine, which never sets it.
    pub const STALE: Flags = Flags(1 << 11);

    /// Are all of `other` in?
    #[inline]
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds `other`.
    #[inline]
    pub fn insert(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flags({:#b})", self.0)
    }
}

/// What the carrier does with a held message when nobody releases it in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTimeout {
    /// Deliver it: the default, a wanted message must not be lost.
    #[default]
    Deliver,
    /// Discard it.
    Discard,
}

/// The answer to one attempt. Pure: same inputs, same verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'r> {
    /// What to do.
    pub action: Action,
    /// What we would do without mode and without the caller's limits.
    pub would_action: Action,
    /// 0 to 1000: the points of all hits, or 1000 where an entry blocks. What was found, before
    /// ceilings and mode soften what is done about it; flags tell that they did.
    pub risk: u16,
    /// The strongest category.
    pub category: Option<Category>,
    /// Why we may act; `None` when there is nothing to act on.
    pub ground: Option<Ground>,
    /// The label to show: always there when the action is LABEL, there may be one when it is
    /// stronger.
    pub label: Option<LabelKey>,
    /// Seconds a held message may be kept; 0 when not held.
    pub hold_max_s: u32,
    /// What then.
    pub on_timeout: OnTimeout,
    /// Why, strongest first, at most 16.
    pub reasons: Vec<Reason<'r>>,
    /// The mode that applied: the softer of tenant's and trunk's.
    pub mode: Mode,
    /// How the answer came about.
    pub flags: Flags,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_evidence_nor_entry() {
        let digits = ArrayString::from("8613800138").unwrap();
        for entry in [
            EntryRef::Text("secret words"),
            EntryRef::Prefix(PlanDigits { region: None, digits }),
            EntryRef::Number(Number::E164(
                crate::model::number::E164Number::from_digits(b"8613800138000").unwrap(),
            )),
        ] {
            let reason = Reason {
                code: ReasonCode::Keyword,
                points: 5,
                category: None,
                list: "phrases",
                entry,
                span: None,
                evidence: ArrayString::from("secret words").unwrap(),
                shadow: false,
            };
            let shown = format!("{reason:?}");
            assert!(shown.contains("Keyword") && shown.contains("evidence_bytes: 12"), "{shown}");
            assert!(!shown.contains("secret") && !shown.contains("00138"), "{shown}");
        }
    }
}
