//! A ruleset in layers answers as one that is built anew from the same rows: base, bulk layers and
//! both levels of an overlay, over random puts and removals of every kind of entry.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrayvec::ArrayString;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use ringfence::engine::numbers::Plans;
use ringfence::engine::{
    BulkBuilder, Layer, OverlayBuilder, Ruleset, RulesetBuilder, SettingsBuilder, screen,
};
use ringfence::model::attempt::{
    Attempt, Attestation, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass,
    VerificationStatus,
};
use ringfence::model::entry::{
    ClassRow, Entry, EntryMeta, FromAbroad, NumberClass, NumberPattern, Origination, Value,
};
use ringfence::model::number::{E164Number, Number, Region};
use ringfence::model::policy::Traffic;
use ringfence::model::revision::{Digest, Revision};
use ringfence::model::verdict::ReasonCode;
use support::cases::NOW;
use support::rows::{LISTS, meta, plans, spec, values};

fn any_meta() -> impl Strategy<Value = EntryMeta> {
    (0..8usize, 0..4usize, 0..8usize, prop::bool::weighted(0.2)).prop_map(meta)
}

/// What an edit does.
#[derive(Clone, Debug)]
enum Edit {
    Put(usize, usize, EntryMeta),
    Remove(usize, usize),
    RemoveList(usize),
    /// Removes a list and makes it anew with another ceiling.
    Remake(usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        10 => (0..LISTS.len(), 0..16usize, any_meta()).prop_map(|(l, v, m)| Edit::Put(l, v, m)),
        6 => (0..LISTS.len(), 0..16usize).prop_map(|(l, v)| Edit::Remove(l, v)),
        1 => (0..LISTS.len()).prop_map(Edit::RemoveList),
        1 => (0..LISTS.len()).prop_map(Edit::Remake),
    ];
    vec(edit, 0..40)
}

/// A segment: one of the number lists, what is said, and which of the exact numbers.
type Segment = (usize, EntryMeta, Vec<usize>);

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    vec((0..2usize, any_meta(), vec(0..BULK.len(), 0..6)), 0..4)
}

const BULK: [u64; 6] = [
    8_613_900_000_001,
    8_613_900_000_055,
    8_613_900_000_077,
    8_695_588, // A short code in its long form.
    12_025_550_123,
    8_695_599,
];

/// The catalogue as rows.
#[derive(Clone, Default)]
struct Rows {
    /// By list: is it the variant?
    lists: BTreeMap<usize, bool>,
    rows: BTreeMap<(usize, usize), EntryMeta>,
    /// Values of segments by list and canonical number.
    bulk: BTreeMap<(usize, Number), Vec<EntryMeta>>,
}

fn value(list: usize, at: usize) -> Option<Value<'static>> {
    let (kind, second) = LISTS[list];
    let all = values(kind, second);
    (!all.is_empty()).then(|| all[at % all.len()].clone())
}

fn row_key(list: usize, at: usize) -> (usize, usize) {
    (list, at % values(LISTS[list].0, false).len().max(1))
}

fn as_number(plans: &Plans, value: &Value<'_>) -> Option<Number> {
    match value {
        Value::Number(NumberPattern::Exact(number)) => Some(plans.canonical(*number)),
        _ => None,
    }
}

impl Rows {
    fn apply(&mut self, plans: &Plans, edit: &Edit) {
        match *edit {
            Edit::Put(list, at, meta) => {
                let Some(value) = value(list, at) else { return };
                self.lists.entry(list).or_default();
                self.rows.insert(row_key(list, at), meta);
                if let Some(number) = as_number(plans, &value) {
                    self.bulk.remove(&(list, number));
                }
            }
            Edit::Remove(list, at) => {
                let Some(value) = value(list, at) else { return };
                self.rows.remove(&row_key(list, at));
                if let Some(number) = as_number(plans, &value) {
                    self.bulk.remove(&(list, number));
                }
            }
            Edit::RemoveList(list) | Edit::Remake(list) => {
                self.rows.retain(|key, _| key.0 != list);
                self.bulk.retain(|key, _| key.0 != list);
                let before = self.lists.remove(&list);
                if matches!(edit, Edit::Remake(_)) {
                    self.lists.insert(list, !before.unwrap_or(true));
                }
            }
        }
    }

    fn entry(&self, key: (usize, usize)) -> Option<Entry<'static>> {
        Some(Entry { value: value(key.0, key.1)?, meta: *self.rows.get(&key)? })
    }

    /// Everything compiled anew.
    fn build(&self, with_bulk: bool) -> Ruleset {
        let mut builder = RulesetBuilder::new(plans());
        for (&list, &variant) in &self.lists {
            builder.list(&spec(list, variant)).expect("a list");
            for key in self.rows.keys().filter(|key| key.0 == list) {
                builder.add(&self.entry(*key).expect("a row")).expect("an entry");
            }
            for ((_, number), metas) in self.bulk.iter().filter(|(key, _)| key.0 == list) {
                for &meta in metas.iter().filter(|_| with_bulk) {
                    let value = Value::Number(NumberPattern::Exact(*number));
                    builder.add(&Entry { value, meta }).expect("a number");
                }
            }
        }
        builder.build(Revision(1), Digest::default()).expect("compiles")
    }

    fn settings(&self, plans: &Plans) -> ringfence::engine::Settings {
        let mut builder = SettingsBuilder::new(plans);
        for (&list, &variant) in &self.lists {
            builder.list(&spec(list, variant));
            for key in self.rows.keys().filter(|key| key.0 == list) {
                builder.add(&self.entry(*key).expect("a row")).expect("an entry");
            }
        }
        builder.build().expect("settings")
    }

    /// Tells a builder how to get from `before` to these rows.
    fn overlay(&self, before: &Rows, edits: &[Edit], builder: &mut OverlayBuilder<'_>) {
        let mut before = before.clone();
        for edit in edits {
            if let Edit::RemoveList(list) | Edit::Remake(list) = *edit
                && before.lists.contains_key(&list)
            {
                builder.hide_list(&format!("x.{list}"));
                before.lists.remove(&list);
                before.rows.retain(|key, _| key.0 != list);
                before.bulk.retain(|key, _| key.0 != list);
            }
        }
        let id = |list: usize| format!("x.{list}");
        for (key, meta) in &before.rows {
            if self.rows.get(key) != Some(meta) {
                let entry = before.entry(*key).expect("a row");
                builder.hide(&id(key.0), &entry).expect("an entry");
            }
        }
        for ((list, number), metas) in &before.bulk {
            if !self.bulk.contains_key(&(*list, *number)) {
                let value = Value::Number(NumberPattern::Exact(*number));
                builder.hide(&id(*list), &Entry { value, meta: metas[0] }).expect("a number");
            }
        }
        for (&list, &variant) in &self.lists {
            let keys: Vec<_> = self.rows.keys().filter(|key| key.0 == list).collect();
            let new = |key: &&&(usize, usize)| before.rows.get(**key) != self.rows.get(**key);
            if before.lists.get(&list) == Some(&variant) && !keys.iter().any(|k| new(&k)) {
                continue;
            }
            builder.list(&spec(list, variant)).expect("a list");
            for key in keys.iter().filter(new) {
                builder.add(&self.entry(**key).expect("a row")).expect("an entry");
            }
        }
    }
}

fn bulk_layers(plans: &Plans, segments: &[Segment], rows: &mut Rows) -> Arc<[Arc<Layer>]> {
    let mut layers = Vec::new();
    for half in segments.chunks(2) {
        let mut builder = BulkBuilder::new(plans);
        for (list, meta, at) in half {
            let mut values: Vec<u64> = at.iter().map(|&at| BULK[at]).collect();
            values.sort_unstable();
            values.dedup();
            // A value that stands as a row, or in a segment of another layer, is not in this one.
            values.retain(|value| {
                let number = Number::E164(E164Number::from_value(*value).expect("a number"));
                let number = plans.canonical(number);
                let key = (*list, number);
                let is_row = rows.rows.keys().any(|key| {
                    let value = value_of(*key);
                    key.0 == *list && as_number(plans, &value) == Some(number)
                });
                if is_row || rows.bulk.contains_key(&key) {
                    return false;
                }
                rows.bulk.insert(key, vec![*meta]);
                true
            });
            let variant = rows.lists[list];
            builder.segment(&spec(*list, variant), *meta, values).expect("a segment");
        }
        let mut image = Vec::new();
        let built = builder.build();
        built.write_bulk(|octets| image.extend_from_slice(octets)).expect("a bulk layer");
        // Every other layer as it comes back from its image.
        let again = Layer::read_bulk(&image).expect("an image");
        layers.push(Arc::new(if layers.is_empty() { again } else { built }));
    }
    layers.into()
}

fn value_of(key: (usize, usize)) -> Value<'static> {
    value(key.0, key.1).expect("rows are of kinds that have values")
}

#[derive(Clone, Debug)]
struct Asked {
    call: bool,
    from: &'static str,
    to: &'static str,
    text: String,
    trunk: &'static str,
    proven: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    let numbers = vec![
        "+8613900000001",
        "+8613900000002",
        "+8613900000042",
        "+8613900000055",
        "+8613900000077",
        "+861390000003",
        "+8613977777777",
        "+864001234567",
        "4001234567",
        "95588",
        "95599",
        "+12025550123",
        "110",
    ];
    let senders = vec!["PayPal", "PAYPA1", "paypa1", "Pay-Pal", "PAYPAI", "MyBank"];
    let pieces = vec![
        "bank",
        "bank account",
        "my bank account",
        "转账",
        "轉賬",
        "安全账户",
        "账户",
        "krediniz",
        "mybanking",
        " ",
        "，",
        "【招商银行】",
        "【MyBank】",
        "http://example.com/a",
        "www.example.com",
        "http://mybank.com",
        "http://cmb.cn/x",
        "code 4711",
        "13900000009",
        "account",
    ];
    let text = vec(prop::sample::select(pieces), 0..9).prop_map(|pieces| pieces.join(" "));
    let from = prop_oneof![3 => prop::sample::select(numbers.clone()),
        1 => prop::sample::select(senders)];
    (any::<bool>(), from, prop::sample::select(numbers), text, any::<(bool, bool)>()).prop_map(
        |(call, from, to, text, (trunk, proven))| {
            let trunk = if trunk { "T1" } else { "" };
            Asked { call, from, to, text, trunk, proven }
        },
    )
}

fn answer(ruleset: &Ruleset, asked: &Asked) -> (Vec<u8>, String) {
    let traffic = if asked.call { Traffic::Call } else { Traffic::Message };
    let mut attempt = Attempt::empty(traffic);
    attempt.originator.raw = asked.from.as_bytes();
    attempt.recipient.raw = asked.to.as_bytes();
    attempt.ingress.trunk_id = asked.trunk;
    attempt.ingress.trunk_class = TrunkClass::International;
    if asked.proven {
        attempt.ingress.trusted = true;
        attempt.verification = VerificationStatus::Passed;
        attempt.attestation = Attestation::Full;
    }
    if !asked.call {
        attempt.content = Content {
            octets: asked.text.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
    }
    let verdict = screen(ruleset, &attempt, &StateFacts::default(), NOW);
    (ringfence::wire::verdict::verdict(&verdict).encode_to_vec(), format!("{verdict:#?}"))
}

/// The same rows in layers: base and bulk, then two rounds of edits.
fn layered(base: &[Edit], segments: &[Segment], rounds: [&[Edit]; 2]) -> (Rows, Ruleset) {
    let plans = plans();
    let mut rows =
        Rows { lists: (0..LISTS.len()).map(|list| (list, false)).collect(), ..Rows::default() };
    base.iter().filter(|e| matches!(e, Edit::Put(..))).for_each(|e| rows.apply(&plans, e));
    let Ruleset { base, overlay, .. } = rows.build(false);
    let bulk = bulk_layers(&plans, segments, &mut rows);
    let mut ruleset =
        Ruleset::new(base, bulk, overlay, Revision(1), Digest::default()).expect("few layers");
    for (round, edits) in rounds.into_iter().enumerate() {
        let before = rows.clone();
        edits.iter().for_each(|edit| rows.apply(&plans, edit));
        let mut builder = match round {
            0 => OverlayBuilder::new(&ruleset),
            _ => OverlayBuilder::small(&ruleset),
        };
        rows.overlay(&before, edits, &mut builder);
        builder.settings(rows.settings(&plans));
        let overlay = builder.build().expect("compiles");
        ruleset = Ruleset { overlay: Arc::new(overlay), ..ruleset };
    }
    (rows, ruleset)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn layers_answer_as_one(
        base in edits(),
        more in edits(),
        segments in segments(),
        first in edits(),
        second in edits(),
        asked in vec(asked(), 40),
    ) {
        let base: Vec<Edit> = base.into_iter().chain(more).collect();
        let (rows, layers) = layered(&base, &segments, [&first, &second]);
        let whole = rows.build(true);
        prop_assert_eq!(layers.entries(), whole.entries());
        prop_assert_eq!(layers.lists(), whole.lists());
        for asked in &asked {
            let (one, shown) = answer(&whole, asked);
            let (other, layered) = answer(&layers, asked);
            prop_assert_eq!(one, other, "{:?}\nwhole {}\nlayers {}", asked, shown, layered);
        }
    }
}

/// The property above means something: with so many rows most attempts meet some.
#[test]
fn attempts_meet_entries() {
    let put = |list: usize, at: usize| Edit::Put(list, at, meta((at % 2, 1, 1, false)));
    let all: Vec<Edit> = (0..14).flat_map(|list| (0..16).map(move |at| put(list, at))).collect();
    let (_, ruleset) = layered(&all, &[(0, meta((3, 1, 1, false)), vec![4])], [&[], &[]]);
    let asked = |call, from, text: &str| Asked {
        call,
        from,
        to: "+8613900000001",
        text: text.into(),
        trunk: "",
        proven: false,
    };
    let mut shown = String::new();
    for asked in [
        asked(true, "+8613900000001", ""),
        asked(false, "PAYPAI", "my bank account 安全账户"),
        asked(false, "PayPal", "【招商银行】code 4711 http://www.example.com"),
        asked(false, "PayPal", "MyBank http://elsewhere.org"),
    ] {
        shown += &answer(&ruleset, &asked).1;
    }
    for code in [
        ReasonCode::NumberListed,
        ReasonCode::PrefixListed,
        ReasonCode::SenderListed,
        ReasonCode::SenderLookAlike,
        ReasonCode::SignatureListed,
        ReasonCode::DomainListed,
        ReasonCode::BrandLinkMismatch,
        ReasonCode::Keyword,
        ReasonCode::Conjunction,
    ] {
        assert!(shown.contains(&format!("{code:?}")), "{code:?} in {shown}");
    }
}

#[test]
fn a_list_that_means_something_else_below_has_to_be_hidden_first() {
    let (_, ruleset) = layered(&[], &[], [&[], &[]]);
    let mut builder = OverlayBuilder::new(&ruleset);
    assert!(builder.list(&spec(0, true)).is_err());
    builder.hide_list("x.0");
    assert!(builder.list(&spec(0, true)).is_ok());
    let class = Value::NumberClass(ClassRow {
        region: Region::CN,
        prefix: ArrayString::new(),
        digits_min: 1,
        digits_max: 2,
        class: NumberClass::Mobile,
        short: false,
        origination: Origination::Yes,
        from_abroad: FromAbroad::Allow,
    });
    let entry = Entry { value: class, meta: meta((0, 0, 0, false)) };
    assert!(builder.add(&entry).is_err() && builder.hide("x.0", &entry).is_err());
}

#[test]
fn at_most_so_many_bulk_layers() {
    let Ruleset { base, overlay, revision, digest, .. } = Rows::default().build(false);
    let layers = |n: usize| -> Arc<[Arc<Layer>]> {
        (0..n).map(|_| Arc::new(BulkBuilder::new(&plans()).build())).collect()
    };
    for (n, ok) in [(4, true), (5, false)] {
        let (base, overlay) = (Arc::clone(&base), Arc::clone(&overlay));
        assert_eq!(Ruleset::new(base, layers(n), overlay, revision, digest).is_ok(), ok);
    }
}

#[test]
fn ranges_of_one_list_that_overlap_are_one_finding_until_both_are_hidden() {
    let said = meta((1, 1, 1, false));
    let (first, second) = (Edit::Put(0, 11, said), Edit::Put(0, 12, said));
    let points = |rounds: [&[Edit]; 2]| {
        let (_, ruleset) = layered(std::slice::from_ref(&first), &[], rounds);
        let asked = Asked {
            call: true,
            from: "+8613900000042",
            to: "+8613977777777",
            text: String::new(),
            trunk: "",
            proven: false,
        };
        let attempt = answer(&ruleset, &asked).1;
        attempt.matches("PrefixListed").count()
    };
    assert_eq!(points([&[], &[]]), 1);
    assert_eq!(points([std::slice::from_ref(&second), &[]]), 1);
    assert_eq!(points([std::slice::from_ref(&second), &[Edit::Remove(0, 11)]]), 1);
    assert_eq!(points([std::slice::from_ref(&second), &[Edit::Remove(0, 12)]]), 1);
    let both = [Edit::Remove(0, 11), Edit::Remove(0, 12)];
    assert_eq!(points([std::slice::from_ref(&second), &both]), 0);
}
