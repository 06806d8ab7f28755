use proptest::prelude::*;

use super::*;
use crate::engine::BulkBuilder;
use crate::engine::numbers::testing::plans;
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, Party, TenantId};
use crate::model::number::{E164Number, Number, Region, ShortCode};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::time::{Timestamp, Validity};
use crate::model::verdict::LabelKey;

fn spec(id: &str) -> ListSpec {
    ListSpec {
        id: id.into(),
        kind: ListKind::Number,
        title: "骗子".into(),
        source: "tests".into(),
        party: Party::Either,
        tenant: TenantId(7),
        subscriber: ShortCode::new(Region::CN, "95588").map(Number::Short),
        traffic: Some(Traffic::Message),
        ground: Ground::InvalidNumber,
        authority: "".into(),
        case: "".into(),
        ceiling: Action::Label,
        caps_text: Some(Action::Hold),
        meta: meta(Effect::Label(LabelKey::Marketing)),
    }
}

fn meta(effect: Effect) -> EntryMeta {
    EntryMeta {
        effect,
        category: Some(Category::CN08),
        validity: Validity { from: Timestamp(5), until: Timestamp(u64::MAX) },
        shadow: true,
    }
}

fn layer(first: &[u64], second: &[u64]) -> Layer {
    let plans = plans();
    let mut builder = BulkBuilder::new(&plans);
    builder.segment(&spec("x.one"), meta(Effect::Score(-7)), first.iter().copied()).unwrap();
    builder.segment(&spec("x.two"), meta(Effect::Block), second.iter().copied()).unwrap();
    builder.segment(&spec("x.one"), meta(Effect::Watch), second.iter().copied()).unwrap();
    builder.build()
}

fn image(layer: &Layer) -> Vec<u8> {
    let mut image = Vec::new();
    layer.write_bulk(|octets| image.extend_from_slice(octets)).unwrap();
    image
}

/// What lists say of a number.
fn said(layer: &Layer, number: Number) -> Vec<(&str, EntryMeta)> {
    let mut said = Vec::new();
    layer.numbers.lookup(&number, |_, set| {
        said.extend(layer.sets.get(set).map(|m| (&*layer.lists[m.list as usize].id, m.meta)));
    });
    said.sort_unstable_by_key(|(list, meta)| (*list, meta.effect));
    said
}

#[test]
fn what_is_read_is_what_was_written() {
    let first: Vec<u64> = (0..3000).map(|n| 8_613_000_000_000 + n * 7919).collect();
    // One of both lists, a short code in its long form, one of its own.
    let second = [first[5], 8_695_588, 4_915_112_345_678];
    let built = layer(&first, &second);
    let octets = image(&built);
    let again = Layer::read_bulk(&octets).unwrap();
    assert_eq!(image(&again), octets);
    assert_eq!((again.entries, &again.list_entries), (3006, &vec![3003, 3]));
    assert_eq!(again.lists, [spec("x.one"), spec("x.two")]);
    for value in first.iter().chain(&second).copied().chain(8_613_000_000_000..8_613_000_001_000) {
        let number = Number::E164(E164Number::from_value(value).unwrap());
        assert_eq!(said(&built, number), said(&again, number));
    }
    let both = Number::E164(E164Number::from_value(first[5]).unwrap());
    assert_eq!(said(&again, both).len(), 3);
    let code = Number::Short(ShortCode::new(Region::CN, "95588").unwrap());
    assert_eq!(said(&again, code).len(), 2);
}

#[test]
fn an_empty_layer_has_an_image_and_one_with_prefixes_has_none() {
    assert_eq!(Layer::read_bulk(&image(&Layer::default())).unwrap().entries, 0);
    let layer = Layer { patterns: vec![pattern()], ..Layer::default() };
    assert!(layer.write_bulk(|_| {}).is_err());
}

fn pattern() -> crate::model::entry::NumberPattern {
    let digits = arrayvec::ArrayString::from("86").unwrap();
    crate::model::entry::NumberPattern::Prefix(crate::model::entry::PlanDigits {
        region: None,
        digits,
    })
}

#[test]
fn every_flipped_bit_and_every_cut_is_an_error() {
    let octets = image(&layer(&[8_613_800_138_000, 8_613_800_138_001], &[12_025_550_123]));
    for at in 0..octets.len() {
        for bit in 0..8 {
            let mut damaged = octets.clone();
            damaged[at] ^= 1 << bit;
            assert!(Layer::read_bulk(&damaged).is_err(), "octet {at} bit {bit}");
        }
        assert!(Layer::read_bulk(&octets[..at]).is_err(), "cut at {at}");
    }
    let longer = [&octets[..], &[0]].concat();
    assert!(Layer::read_bulk(&longer).is_err());
}

/// With a checksum that agrees: whatever is read can be asked anything.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    let mut checksum = Checksum::default();
    checksum.add(&content);
    content.extend(checksum.end().to_le_bytes());
    content
}

proptest! {
    #[test]
    fn damage_under_a_right_checksum_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let first: Vec<u64> = (0..40).map(|n| 8_613_000_000_000 + n * 7919).collect();
        let mut octets = image(&layer(&first, &[first[3], 8_695_588]));
        octets.truncate(octets.len() - CHECKSUM_BYTES);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len()));
        }
        if let Ok(layer) = Layer::read_bulk(&sealed(octets)) {
            for value in first {
                said(&layer, Number::E164(E164Number::from_value(value).unwrap()));
            }
            let _ = image(&layer);
        }
    }

    #[test]
    fn the_checksum_does_not_depend_on_the_pieces(
        octets in proptest::collection::vec(any::<u8>(), 0..100),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut whole = Checksum::default();
        whole.add(&octets);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Checksum::default();
        let mut from = 0;
        for cut in cuts {
            pieces.add(&octets[from..cut]);
            from = cut;
        }
        pieces.add(&octets[from..]);
        prop_assert_eq!(whole.end(), pieces.end());
    }
}
