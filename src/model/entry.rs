//! The catalogue as values: lists, their entries, and what an entry can say.
//!
//! An [`Entry`] borrows from the text it was read from, so that a bulk list of ten million rows
//! passes from reader to compiler without an allocation a row.

use arrayvec::ArrayString;

use super::category::Category;
use super::number::{Number, Region, head};
use super::policy::{Action, Ground, Mode, Traffic};
use super::time::Validity;
use super::verdict::LabelKey;

/// A tenant (one carrier or brand) by its dense index; 0 is global, all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub u16);

impl TenantId {
    /// Entries of this tenant apply to everybody.
    pub const GLOBAL: TenantId = TenantId(0);
}

/// What the values of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    /// Numbers: exact, prefix or range.
    Number,
    /// Sender ids, exact or look-alike.
    Sender,
    /// Signatures: the 【…】 of a message.
    Signature,
    /// Phrases in folded text.
    Keyword,
    /// Combinations of phrases and text facts.
    Conjunction,
    /// Domains of links, by suffix at a label border.
    Domain,
    /// Brand names with their real domains.
    Brand,
    /// Numbering plans: country code, dialling prefixes, lengths.
    NumberPlan,
    /// Number classes of a region's plan.
    NumberClass,
    /// Trunks and accounts with what they may show.
    Trunk,
    /// Settings: thresholds, ceilings, mode.
    Policy,
}

impl ListKind {
    /// All kinds with the name that packs use.
    pub const ALL: [(ListKind, &'static str); 11] = [
        (ListKind::Number, "number"),
        (ListKind::Sender, "sender"),
        (ListKind::Signature, "signature"),
        (ListKind::Keyword, "keyword"),
        (ListKind::Conjunction, "conjunction"),
        (ListKind::Domain, "domain"),
        (ListKind::Brand, "brand"),
        (ListKind::NumberPlan, "number-plan"),
        (ListKind::NumberClass, "number-class"),
        (ListKind::Trunk, "trunk"),
        (ListKind::Policy, "policy"),
    ];

    /// From the name that packs use.
    pub fn parse(text: &str) -> Option<ListKind> {
        ListKind::ALL.into_iter().find(|(_, name)| *name == text).map(|(kind, _)| kind)
    }

    /// The name that packs use.
    pub fn as_str(self) -> &'static str {
        ListKind::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// What an entry does when it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Block, at the level of its list's scope.
    Block,
    /// Let through, where the originator's identity is proven.
    Allow,
    /// At least LABEL with this key.
    Label(LabelKey),
    /// Add (or, negative, take off) points; -1000 to 1000.
    Score(i16),
    /// Silent: an alert for those allowed to see it, never part of a verdict.
    Watch,
    /// Never block this recipient; as an originator where it cannot come from, it is a spoof.
    Protect,
}

/// Which party of an attempt a number list speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Who calls or sends.
    #[default]
    Originator,
    /// Who is called or sent to.
    Recipient,
    /// Either of them.
    Either,
}

impl Party {
    /// All with the name that packs use.
    pub const ALL: [(Party, &'static str); 3] = [
        (Party::Originator, "originator"),
        (Party::Recipient, "recipient"),
        (Party::Either, "either"),
    ];

    /// From the name that packs use.
    pub fn parse(text: &str) -> Option<Party> {
        Party::ALL.into_iter().find(|(_, name)| *name == text).map(|(party, _)| party)
    }

    /// The name that packs use.
    pub fn as_str(self) -> &'static str {
        Party::ALL.into_iter().find(|(party, _)| *party == self).map_or("", |(_, name)| name)
    }
}

/// What an entry says besides its value; entries of a list mostly share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryMeta {
    /// What it does.
    pub effect: Effect,
    /// What it is about; an accusing effect needs one.
    pub category: Option<Category>,
    /// When it applies.
    pub validity: Validity,
    /// Reports what it would have done and does nothing else.
    pub shadow: bool,
}

/// A list: identity, scope and limits of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSpec {
    /// Unique name, lower case with dots: `cn.scripts.cn08`.
    pub id: Box<str>,
    /// What its values are.
    pub kind: ListKind,
    /// For people.
    pub title: Box<str>,
    /// Where its facts come from.
    pub source: Box<str>,
    /// Which party number values speak of.
    pub party: Party,
    /// Whose list it is.
    pub tenant: TenantId,
    /// Only for attempts to this subscriber (their own choice).
    pub subscriber: Option<Number>,
    /// Only for this traffic; `None` is both.
    pub traffic: Option<Traffic>,
    /// Why it may act.
    pub ground: Ground,
    /// Who gave the order; empty unless the ground is a legal order.
    pub authority: Box<str>,
    /// The order's case or file; empty unless the ground is a legal order.
    pub case: Box<str>,
    /// The most that its entries may bring about.
    pub ceiling: Action,
    /// A benign profile: content hits of the same message act at most to this.
    pub caps_text: Option<Action>,
    /// Meta of entries that do not say otherwise.
    pub meta: EntryMeta,
}

/// A set of numbers written as one value, within one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberPattern {
    /// One number.
    Exact(Number),
    /// All numbers that start with these digits.
    Prefix(PlanDigits),
    /// All numbers from first to last. With `open`, the borders are prefixes of equal length;
    /// else numbers of exactly that many digits.
    Range {
        /// Lowest digits.
        first: PlanDigits,
        /// Highest digits, as many as `first`.
        last: PlanDigits,
        /// Longer numbers that start within the range are in.
        open: bool,
    },
}

/// Leading digits in one plan: international (`region` is `None`, country code first) or regional.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanDigits {
    /// The plan.
    pub region: Option<Region>,
    /// ASCII digits, 1 to 20 of them.
    pub digits: ArrayString<20>,
}

impl std::fmt::Debug for PlanDigits {
    /// Redacted like a number: the digits of a prefix may be most of one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.region {
            Some(region) => write!(f, "{region}:")?,
            None => f.write_str("+")?,
        }
        write!(f, "{}…({})", head(&self.digits), self.digits.len())
    }
}

/// How a sender entry compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SenderMatch {
    /// Same characters, letter case aside.
    Exact,
    /// Same look after folding, but not the same characters.
    LookAlike,
}

/// One phrase to find in folded text. `*` at an end opens that end: `kredi*` finds `krediniz`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// A phrase; whole words where its script separates words.
    Phrase(Box<str>),
    /// A link of any kind.
    Link,
    /// A phone number in the text.
    Phone,
    /// A one-time code: 4 to 8 digits on their own.
    Code,
}

/// Facts that must come together: one of each group, none of `none`, close enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conjunction {
    /// Name within its list.
    pub id: Box<str>,
    /// Each group must have at least one of its terms in the text.
    pub groups: Vec<Vec<Term>>,
    /// None of these may be in the text.
    pub none: Vec<Term>,
    /// All groups within this many folded characters; `None` is anywhere.
    pub within: Option<u16>,
}

/// A brand: what it is called in texts, and which domains and sender ids are really its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Name within its list.
    pub id: Box<str>,
    /// Phrases that claim it.
    pub names: Vec<Box<str>>,
    /// Its real registrable domains.
    pub domains: Vec<Box<str>>,
}

/// How numbers of one region are dialled (national numbering plans, ITU-T E.129).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The region.
    pub region: Region,
    /// Country code digits, such as `86`; regions may share one (`US` and `CA`: `1`).
    pub country_code: ArrayString<3>,
    /// Prefixes dialled before a country code: `00`, `011`.
    pub international_prefixes: Vec<ArrayString<8>>,
    /// Prefix dialled before a national number; empty where there is none.
    pub trunk_prefix: ArrayString<4>,
    /// Fewest digits of a national (significant) number.
    pub national_digits_min: u8,
    /// Most digits of a national (significant) number.
    pub national_digits_max: u8,
}

/// What kind of line a number is, by its country's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberClass {
    /// Nothing known.
    #[default]
    Unknown,
    /// Mobile subscriber.
    Mobile,
    /// Geographic line.
    Fixed,
    /// Mobile subscriber of a virtual operator.
    Mvno,
    /// Machine line.
    Iot,
    /// Caller pays nothing (800).
    TollFree,
    /// Cost shared (400).
    SharedCost,
    /// Caller pays more.
    Premium,
    /// Internet telephony range.
    Voip,
    /// Service number of a bank, brand or public body (95xxx, 96xxx).
    Service,
    /// Message access code (106).
    MessageAccess,
    /// The operators' own lines.
    Operator,
    /// Emergency.
    Emergency,
    /// Police warning line.
    PoliceWarning,
    /// Satellite.
    Satellite,
    /// Call-by-call access code (179).
    IpAccess,
    /// Never given to a subscriber.
    Unassignable,
}

impl NumberClass {
    /// All classes with the name that packs use.
    pub const ALL: [(NumberClass, &'static str); 17] = [
        (NumberClass::Unknown, "unknown"),
        (NumberClass::Mobile, "mobile"),
        (NumberClass::Fixed, "fixed"),
        (NumberClass::Mvno, "mvno"),
        (NumberClass::Iot, "iot"),
        (NumberClass::TollFree, "toll-free"),
        (NumberClass::SharedCost, "shared-cost"),
        (NumberClass::Premium, "premium"),
        (NumberClass::Voip, "voip"),
        (NumberClass::Service, "service"),
        (NumberClass::MessageAccess, "message-access"),
        (NumberClass::Operator, "operator"),
        (NumberClass::Emergency, "emergency"),
        (NumberClass::PoliceWarning, "police-warning"),
        (NumberClass::Satellite, "satellite"),
        (NumberClass::IpAccess, "ip-access"),
        (NumberClass::Unassignable, "unassignable"),
    ];

    /// The name that packs use.
    pub fn as_str(self) -> &'static str {
        NumberClass::ALL.into_iter().find(|(class, _)| *class == self).map_or("", |(_, n)| n)
    }

    /// From the name that packs use.
    pub fn parse(text: &str) -> Option<NumberClass> {
        NumberClass::ALL.into_iter().find(|(_, name)| *name == text).map(|(class, _)| class)
    }
}

/// May a number of a class show up as originator?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origination {
    /// Yes.
    Yes,
    /// Only from a trunk or account bound to it.
    Bound,
    /// Never.
    Never,
}

/// What to do with a number of a class that comes in from abroad as originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FromAbroad {
    /// Nothing to say.
    Allow,
    /// By the roaming fact: confirmed at home is a spoof, unknown gives the neutral label.
    Roaming,
    /// A spoof, unless diverted with redirection or from a bound trunk.
    Block,
}

/// One row of a region's class table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassRow {
    /// The plan.
    pub region: Region,
    /// Leading national digits (no trunk prefix), may be empty.
    pub prefix: ArrayString<20>,
    /// Fewest national digits in all.
    pub digits_min: u8,
    /// Most national digits in all.
    pub digits_max: u8,
    /// The class.
    pub class: NumberClass,
    /// Dialled as it is, without area code or trunk prefix.
    pub short: bool,
    /// As an originator at home.
    pub origination: Origination,
    /// As an originator from abroad.
    pub from_abroad: FromAbroad,
}

/// A trunk or account and what is bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkRow<'a> {
    /// Trunk group or account name, as in requests.
    pub trunk_id: &'a str,
    /// A number set that may be shown on it with proven identity.
    pub number: Option<NumberPattern>,
    /// A sender id that may be shown on it with proven identity.
    pub sender: Option<&'a str>,
    /// The mode of the trunk, where it has one of its own.
    pub mode: Option<Mode>,
    /// Its region, where it differs from the tenant's.
    pub region: Option<Region>,
}

/// One setting of the default policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Risk from which calls get this action.
    CallThreshold(Action, u16),
    /// Risk from which messages get this action.
    MessageThreshold(Action, u16),
    /// Mode.
    Mode(Mode),
    /// Region for numbers that do not say theirs.
    DefaultRegion(Region),
    /// The most that text alone may do.
    TextCeiling(Action),
    /// Seconds that a held message may be kept.
    HoldMax(u32),
}

/// A value of one of the list kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// For [`ListKind::Number`].
    Number(NumberPattern),
    /// For [`ListKind::Sender`].
    Sender(&'a str, SenderMatch),
    /// For [`ListKind::Signature`], without its brackets.
    Signature(&'a str),
    /// For [`ListKind::Keyword`].
    Keyword(&'a str),
    /// For [`ListKind::Conjunction`].
    Conjunction(Conjunction),
    /// For [`ListKind::Domain`]: lower-case host in ASCII (punycode) form.
    Domain(&'a str),
    /// For [`ListKind::Brand`].
    Brand(Brand),
    /// For [`ListKind::NumberPlan`].
    NumberPlan(PlanRow),
    /// For [`ListKind::NumberClass`].
    NumberClass(ClassRow),
    /// For [`ListKind::Trunk`].
    Trunk(TrunkRow<'a>),
    /// For [`ListKind::Policy`].
    Policy(Setting),
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it matches.
    pub value: Value<'a>,
    /// What it says.
    pub meta: EntryMeta,
}
