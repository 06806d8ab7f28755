//! Links of a message: listed domains, and brands whose link leads elsewhere.
//!
//! Must not know how links are found. Invariants: every link of the text is looked up, however
//! many there are; an entry hits once; time follows the number of links and of claimed brands,
//! never their product.

use std::ops::Range;

use super::{Find, Reader};
use crate::engine::detect::Hits;
use crate::engine::intern::Member;
use crate::engine::overlay::{TextKind, What};
use crate::engine::ruleset::{BrandEntry, View};
use crate::model::verdict::{EntryRef, ReasonCode};

/// Looks every link up, then compares claimed brands with where the links lead.
pub(super) fn check_links<'r>(reader: &Reader<'r, '_, '_>, finds: &[Find], hits: &mut Hits<'r>) {
    if reader.text.links.is_empty() {
        return;
    }
    for view in reader.views.iter().filter(|view| !view.layer.domains.is_empty()) {
        listed_domains(reader, *view, hits);
    }
    if reader.views.iter().any(|view| !view.layer.brands.is_empty()) {
        brands(reader, finds, hits);
    }
}

/// A listed domain with the set of its entries.
type Listed<'r> = (&'r str, u32);

/// Every listed domain once, at the first link that leads there.
fn listed_domains<'r>(reader: &Reader<'r, '_, '_>, view: View<'r>, hits: &mut Hits<'r>) {
    let mut found: Vec<(Listed<'r>, Range<usize>)> = Vec::new();
    for link in reader.text.links.iter() {
        found.extend(listed(view, link.host).map(|listed| (listed, link.span.clone())));
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.start.cmp(&b.1.start)));
    found.dedup_by_key(|(listed, _)| *listed);
    for ((entry, set), span) in found {
        for member in shown(view, entry, set) {
            let entry = EntryRef::Text(entry);
            reader.hit(view, member, ReasonCode::DomainListed, entry, span.clone(), hits);
        }
    }
}

/// The entries of a listed domain, without those that are hidden.
fn shown<'r>(view: View<'r>, domain: &'r str, set: u32) -> impl Iterator<Item = &'r Member> {
    let is_hidden =
        move |member: &&Member| view.hides(member.list, What::Text(TextKind::Domain, domain));
    view.layer.sets.get(set).filter(move |member| !is_hidden(member))
}

/// The listed domains that a host is or is below, longest first.
fn listed<'r>(view: View<'r>, host: &str) -> impl Iterator<Item = Listed<'r>> {
    let layer = view.layer;
    let fits = |(labels, _): &(usize, &str)| (2..=layer.domain_labels_max).contains(labels);
    suffixes(host).filter(fits).filter_map(|(_, suffix)| {
        layer.domains.get_key_value(suffix).map(|(entry, &set)| (&**entry, set))
    })
}

/// The host and what is left of it behind each dot, with how many labels that has.
fn suffixes(host: &str) -> impl Iterator<Item = (usize, &str)> {
    let labels = 1 + host.bytes().filter(|&b| b == b'.').count();
    let rests = std::iter::successors(Some(host), |rest| rest.split_once('.').map(|(_, r)| r));
    (1..=labels).rev().zip(rests)
}

/// A claimed brand with a link that leads to none of the claimed brands' domains. Entries that are
/// silent for this message, or on trial, vouch for no link.
///
/// A link that does lead to a claimed brand vouches for links beside it that are known: of any
/// brand (app stores, public bodies), or listed, and then the list says what they are worth
/// (public shorteners). For an unknown one it does not: a genuine link beside the false one is how
/// fraudsters make a text look right.
fn brands<'r>(reader: &Reader<'r, '_, '_>, finds: &[Find], hits: &mut Hits<'r>) {
    let mut claims: Vec<(BrandId, &Find)> = Vec::new();
    for find in finds {
        let phrase = &reader.texts(find.layer).phrases[find.phrase as usize];
        claims.extend(phrase.brands.iter().map(|&brand| ((find.layer, brand), find)));
    }
    claims.retain(|(brand, _)| is_shown(reader, *brand));
    if claims.is_empty() {
        return;
    }
    // A brand with several names in the text is one claim; finds stand in the order of the text.
    claims.sort_by_key(|(brand, _)| *brand);
    claims.dedup_by_key(|(brand, _)| *brand);
    let is_live = |layer: u8, member: &Member| {
        !member.meta.shadow && reader.speaks(reader.view(layer), member)
    };
    let is_live_brand = |brand: BrandId| is_live(brand.0, &member(reader, brand));
    let (mut reached, mut stray) = (Vec::new(), false);
    for link in reader.text.links.iter() {
        let before = reached.len();
        let mut is_known = false;
        for (layer, view) in (0..).zip(reader.views) {
            let layer: u8 = layer;
            let domains = &view.layer.brand_domains;
            let owners = suffixes(link.host).filter_map(|(_, rest)| domains.get(rest)).flatten();
            let owners = owners.map(|&brand| (layer, brand));
            reached.extend(owners.filter(|brand| is_shown(reader, *brand)));
            is_known |= listed(*view, link.host)
                .any(|(domain, set)| shown(*view, domain, set).any(|m| is_live(layer, m)));
        }
        stray |= !is_known && !reached[before..].iter().any(|&brand| is_live_brand(brand));
    }
    reached.sort_unstable();
    let leads_to = |brand: BrandId| reached.binary_search(&brand).is_ok();
    let vouched = claims.iter().any(|&(brand, _)| leads_to(brand) && is_live_brand(brand));
    if vouched && !stray {
        return;
    }
    // Where one is vouched for, the others may be named in passing: the false link borrows from
    // the brand that the true one leads to.
    for (brand, find) in claims.into_iter().filter(|&(brand, _)| leads_to(brand) == vouched) {
        let units = find.start as usize..find.end as usize;
        let name = EntryRef::Text(&entry(reader, brand).brand.id);
        let (view, member) = (reader.view(brand.0), member(reader, brand));
        reader.listed(view, &member, ReasonCode::BrandLinkMismatch, name, units, hits);
    }
}

/// A brand: layer and index.
type BrandId = (u8, u32);

fn entry<'r>(reader: &Reader<'r, '_, '_>, (layer, brand): BrandId) -> &'r BrandEntry {
    &reader.view(layer).layer.brands[brand as usize]
}

fn member(reader: &Reader<'_, '_, '_>, brand: BrandId) -> Member {
    let entry = entry(reader, brand);
    Member::new(entry.list, entry.meta)
}

/// Is a brand not hidden by a level above its own?
fn is_shown(reader: &Reader<'_, '_, '_>, brand: BrandId) -> bool {
    let entry = entry(reader, brand);
    !reader.view(brand.0).hides(entry.list, What::Text(TextKind::Brand, &entry.brand.id))
}
