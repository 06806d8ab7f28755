//! What is asked about: a call attempt or a message, borrowed from the request it came in.
//!
//! Every field is what somebody claims; whether it is believed is the engine's business.

use super::entry::TenantId;
use super::number::Region;
use super::policy::{ActionSet, Traffic};

/// Nature of address of a number as signalled (ITU-T Q.763 clause 3.9; SMPP type of number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NatureOfAddress {
    /// Not said.
    #[default]
    Unknown,
    /// Country code first.
    International,
    /// National (significant) number.
    National,
    /// Subscriber number, no area code.
    Subscriber,
    /// Network specific: short codes, access codes.
    NetworkSpecific,
    /// Letters: a sender id (SMPP TON 5).
    Alphanumeric,
}

/// May the originator be shown?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presentation {
    /// Not said, or allowed.
    #[default]
    Allowed,
    /// The originator asked not to be shown.
    Restricted,
    /// The network has none.
    Unavailable,
}

/// One party's address as the network carried it: evidence of any content.
#[derive(Clone, Copy, Default)]
pub struct Address<'a> {
    /// The octets, mostly ASCII digits; may be anything.
    pub raw: &'a [u8],
    /// How to read them.
    pub nature: NatureOfAddress,
    /// May it be shown?
    pub presentation: Presentation,
}

impl std::fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({} octets, {:?})", self.raw.len(), self.nature)
    }
}

/// What kind of trunk it came in on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrunkClass {
    /// Not said.
    #[default]
    Unknown,
    /// Subscribers of our own.
    Retail,
    /// Other domestic networks.
    Domestic,
    /// International gateway.
    International,
    /// Company switchboards.
    Enterprise,
    /// Internet telephony providers.
    Voip,
    /// Roaming partners.
    Roaming,
    /// Message aggregators.
    Aggregator,
}

/// Where the attempt reached the asking switch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ingress<'a> {
    /// Trunk group or account; may be empty.
    pub trunk_id: &'a str,
    /// What kind.
    pub trunk_class: TrunkClass,
    /// The tenant trusts what this ingress says about verification and emergencies.
    pub trusted: bool,
}

/// SHAKEN attestation level as claimed by the signer (RFC 8588).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attestation {
    /// None claimed; never taken for full.
    #[default]
    None,
    /// C: gateway.
    Gateway,
    /// B: partial.
    Partial,
    /// A: full.
    Full,
}

/// What a verifier found (verstat).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerificationStatus {
    /// Nobody looked.
    #[default]
    NotPerformed,
    /// The signature holds.
    Passed,
    /// It does not.
    Failed,
}

/// Where the originator's own subscriber is, by the home network's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roaming {
    /// Not known.
    #[default]
    Unknown,
    /// Known to be at home.
    ConfirmedHome,
    /// Known to be abroad.
    ConfirmedAbroad,
}

/// On what basis the text may be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentBasis {
    /// None: metadata only.
    #[default]
    None,
    /// The sender's contract (application to person).
    Contract,
    /// The subscriber's consent.
    Consent,
    /// A legal duty.
    LegalDuty,
}

/// How the octets of a message text are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8 (RFC 3629).
    #[default]
    Utf8,
    /// UTF-16, most significant octet first (UCS-2 of 3GPP TS 23.038 with surrogates).
    Utf16Be,
}

/// The text of a message as sent.
#[derive(Clone, Copy, Default)]
pub struct Content<'a> {
    /// The octets; may be ill-formed.
    pub octets: &'a [u8],
    /// How to read them.
    pub encoding: TextEncoding,
    /// May we?
    pub basis: ContentBasis,
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} octets, {:?}, {:?})", self.octets.len(), self.encoding, self.basis)
    }
}

/// What the engine looks at: one call attempt or message.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Call or message.
    pub traffic: Traffic,
    /// Whose traffic.
    pub tenant: TenantId,
    /// Region of numbers that do not say theirs; `None` takes the trunk's or tenant's.
    pub region: Option<Region>,
    /// Where it came in.
    pub ingress: Ingress<'a>,
    /// Who calls or sends.
    pub originator: Address<'a>,
    /// Who is called or sent to.
    pub recipient: Address<'a>,
    /// What a verifier found.
    pub verification: VerificationStatus,
    /// What the signer claims.
    pub attestation: Attestation,
    /// Where the originator's subscriber is.
    pub roaming: Roaming,
    /// A redirecting number is present: a diverted leg.
    pub diverted: bool,
    /// Marked as the call-back of an emergency centre (RFC 7090).
    pub emergency_callback: bool,
    /// Milliseconds since the recipient last called an emergency number, as the carrier knows it.
    pub recipient_emergency_call_age_ms: Option<u64>,
    /// Which actions the caller can carry out.
    pub supported: ActionSet,
    /// An enum of the request held a value we do not know.
    pub unknown_enum: bool,
    /// Facts of the request contradict each other; they were left out.
    pub contradictory: bool,
    /// The text, for messages.
    pub content: Content<'a>,
    /// There is content in a form that this version does not read, such as a PDU.
    pub content_unread: bool,
}

impl Attempt<'_> {
    /// An attempt that says nothing but its kind; tests and tools fill in the rest.
    pub fn empty(traffic: Traffic) -> Attempt<'static> {
        Attempt {
            traffic,
            tenant: TenantId::GLOBAL,
            region: None,
            ingress: Ingress::default(),
            originator: Address::default(),
            recipient: Address::default(),
            verification: VerificationStatus::default(),
            attestation: Attestation::default(),
            roaming: Roaming::default(),
            diverted: false,
            emergency_callback: false,
            recipient_emergency_call_age_ms: None,
            supported: ActionSet::ALL,
            unknown_enum: false,
            contradictory: false,
            content: Content::default(),
            content_unread: false,
        }
    }
}

/// What traffic has taught about the parties; filled by `state` (sources come later).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateFacts {
    /// Milliseconds since the recipient last called an emergency number, where known and recent.
    pub recipient_emergency_call_age_ms: Option<u64>,
}
