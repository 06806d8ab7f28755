//! Entries of every kind for tests that edit a catalogue at random; no two values of a kind are
//! one to the engine.

use arrayvec::ArrayString;
use ringfence::engine::numbers::{Plans, PlansBuilder};
use ringfence::model::category::Category;
use ringfence::model::entry::{
    Brand, ClassRow, Conjunction, Effect, EntryMeta, FromAbroad, ListKind, ListSpec, NumberClass,
    NumberPattern, Origination, Party, PlanDigits, PlanRow, SenderMatch, Setting, TenantId, Term,
    TrunkRow, Value,
};
use ringfence::model::number::{E164Number, Number, Region, ShortCode};
use ringfence::model::policy::{Action, Ground, Mode};
use ringfence::model::time::{Timestamp, Validity};
use ringfence::model::verdict::LabelKey;

use super::cases::NOW;

/// China and the United States, with a few classes.
pub fn plans() -> Plans {
    let digits = |text| ArrayString::from(text).expect("short");
    let mut builder = PlansBuilder::new();
    for (region, code, prefix, trunk, lengths) in
        [("CN", "86", "00", "0", (7, 12)), ("US", "1", "011", "1", (10, 10))]
    {
        let row = PlanRow {
            region: Region::parse(region).expect("two letters"),
            country_code: ArrayString::from(code).expect("short"),
            international_prefixes: [ArrayString::from(prefix).expect("short")].into(),
            trunk_prefix: ArrayString::from(trunk).expect("short"),
            national_digits_min: lengths.0,
            national_digits_max: lengths.1,
        };
        builder.add_plan(&row).expect("a plan");
    }
    for (prefix, lengths, class, short) in [
        ("13", (11, 11), NumberClass::Mobile, false),
        ("4", (10, 11), NumberClass::Fixed, false),
        ("400", (10, 10), NumberClass::SharedCost, false),
        ("95", (5, 8), NumberClass::Service, true),
        ("110", (3, 3), NumberClass::Emergency, true),
    ] {
        let row = ClassRow {
            region: Region::CN,
            prefix: digits(prefix),
            digits_min: lengths.0,
            digits_max: lengths.1,
            class,
            short,
            origination: Origination::Yes,
            from_abroad: FromAbroad::Allow,
        };
        builder.add_class(&row).expect("a class");
    }
    builder.build()
}

fn exact(text: &str) -> Value<'static> {
    Value::Number(NumberPattern::Exact(match text.split_once(':') {
        Some((_, code)) => Number::Short(ShortCode::new(Region::CN, code).expect("digits")),
        None => Number::E164(E164Number::from_digits(text.as_bytes()).expect("digits")),
    }))
}

fn plan_digits(text: &str) -> PlanDigits {
    let (region, digits) = match text.split_once(':') {
        Some((region, digits)) => (Region::parse(region), digits),
        None => (None, text),
    };
    PlanDigits { region, digits: ArrayString::from(digits).expect("at most 20 digits") }
}

fn prefix(text: &str) -> Value<'static> {
    Value::Number(NumberPattern::Prefix(plan_digits(text)))
}

fn range(first: &str, last: &str, open: bool) -> Value<'static> {
    let (first, last) = (plan_digits(first), plan_digits(last));
    Value::Number(NumberPattern::Range { first, last, open })
}

fn phrases(texts: &[&str]) -> Vec<Term> {
    texts.iter().map(|text| Term::Phrase((*text).into())).collect()
}

fn together(id: &str, groups: Vec<Vec<Term>>, none: &[&str]) -> Value<'static> {
    let within = (id == "near").then_some(12);
    Value::Conjunction(Conjunction { id: id.into(), groups, none: phrases(none), within })
}

fn brand(id: &str, names: &[&str], domains: &[&str]) -> Value<'static> {
    let boxed = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect();
    Value::Brand(Brand { id: id.into(), names: boxed(names), domains: boxed(domains) })
}

fn trunk(mode: Option<Mode>, sender: Option<&'static str>) -> Value<'static> {
    let number = Some(NumberPattern::Prefix(plan_digits("861390")));
    Value::Trunk(TrunkRow { trunk_id: "T1", number, sender, mode, region: None })
}

/// Values of a kind; no two of them are one to the engine.
pub fn values(kind: ListKind, second: bool) -> Vec<Value<'static>> {
    match kind {
        ListKind::Number => vec![
            exact("8613900000001"),
            exact("8613900000002"),
            exact("8613900000055"),
            exact("864001234567"),
            exact("CN:95588"),
            prefix("86139"),
            prefix("8613900"),
            prefix("CN:955"),
            prefix("CN:400"),
            range("8613900000000", "8613900000099", false),
            range("861390000000", "861390000005", true),
            range("861390000003", "861390000008", true),
            range("861390000002", "861390000007", true),
        ],
        ListKind::Sender => vec![
            Value::Sender("PayPal", SenderMatch::Exact),
            Value::Sender("PayPal", SenderMatch::LookAlike),
            Value::Sender("PAYPA1", SenderMatch::Exact),
            Value::Sender("PAYPA1", SenderMatch::LookAlike),
            Value::Sender("Pay-Pal", SenderMatch::LookAlike),
        ],
        ListKind::Signature => vec![Value::Signature("招商银行"), Value::Signature("MyBank")],
        // Two lists write one phrase in two ways.
        ListKind::Keyword => vec![
            Value::Keyword(if second { "Bank" } else { "bank" }),
            Value::Keyword(if second { "轉賬" } else { "转账" }),
            Value::Keyword("bank account"),
            Value::Keyword("my bank account"),
            Value::Keyword("安全账户"),
            Value::Keyword("账户"),
            Value::Keyword("kredi*"),
            Value::Keyword("*bank*"),
        ],
        ListKind::Conjunction => vec![
            together("both", vec![phrases(&["BANK", "账户"]), phrases(&["转账"])], &["kredi*"]),
            together("near", vec![phrases(&["bank"]), phrases(&["account", "账户"])], &[]),
            together("link", vec![phrases(&["bank", "转账"]), vec![Term::Link]], &[]),
            together("code", vec![vec![Term::Code], vec![Term::Link, Term::Phone]], &[]),
        ],
        ListKind::Domain => vec![Value::Domain("example.com"), Value::Domain("www.example.com")],
        ListKind::Brand => vec![
            brand("mybank", &["MyBank", "my bank"], &["mybank.com"]),
            brand("cmb", &["招商银行", "账户"], &["cmb.cn", "example.com"]),
        ],
        ListKind::Trunk => {
            vec![trunk(Some(Mode::LabelOnly), None), trunk(None, Some("PayPal")), trunk(None, None)]
        }
        ListKind::Policy => vec![
            Value::Policy(Setting::Mode(Mode::LabelOnly)),
            Value::Policy(Setting::CallThreshold(Action::Label, 100)),
            Value::Policy(Setting::TextCeiling(Action::Block)),
        ],
        ListKind::NumberPlan | ListKind::NumberClass => Vec::new(),
    }
}

/// Lists by index; a variant has another ceiling.
pub fn spec(list: usize, variant: bool) -> ListSpec {
    let (kind, second) = LISTS[list];
    ListSpec {
        id: format!("x.{list}").into(),
        kind,
        title: "".into(),
        source: "".into(),
        party: if second { Party::Either } else { Party::Originator },
        tenant: TenantId(0),
        subscriber: None,
        traffic: None,
        ground: if second { Ground::Policy } else { Ground::Analytics },
        authority: "".into(),
        case: "".into(),
        ceiling: if variant { Action::Label } else { Action::Block },
        caps_text: (second && kind == ListKind::Conjunction).then_some(Action::Label),
        meta: meta((0, 0, 0, false)),
    }
}

/// Kind of each list, and whether it is the second list of that kind.
pub const LISTS: [(ListKind, bool); 16] = [
    (ListKind::Number, false),
    (ListKind::Number, true),
    (ListKind::Sender, false),
    (ListKind::Sender, true),
    (ListKind::Signature, false),
    (ListKind::Signature, true),
    (ListKind::Keyword, false),
    (ListKind::Keyword, true),
    (ListKind::Conjunction, false),
    (ListKind::Conjunction, true),
    (ListKind::Domain, false),
    (ListKind::Domain, true),
    (ListKind::Brand, false),
    (ListKind::Brand, true),
    (ListKind::Trunk, false),
    (ListKind::Policy, false),
];

/// Effect, category and validity by index; shadow.
pub type MetaDraw = (usize, usize, usize, bool);

/// What an entry says.
pub fn meta((effect, category, validity, shadow): MetaDraw) -> EntryMeta {
    let effects = [
        Effect::Score(350),
        Effect::Score(120),
        Effect::Score(-80),
        Effect::Block,
        Effect::Allow,
        Effect::Watch,
        Effect::Label(LabelKey::SuspectedFraud),
        Effect::Label(LabelKey::Marketing),
    ];
    let categories = [None, Some(Category::CN08), Some(Category::GL01), Some(Category::NU01)];
    let over = Validity { from: Timestamp(0), until: NOW };
    EntryMeta {
        effect: effects[effect % effects.len()],
        category: categories[category % categories.len()],
        validity: if validity == 0 { over } else { Validity::ALWAYS },
        shadow,
    }
}
