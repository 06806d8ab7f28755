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
use crate::model::category::Category;
use crate::model::entry::Effect;
use crate::model::verdict::{EntryRef, ReasonCode};

/// A false link beside a genuine one, without any other sign, counts for one part in so many: 60
/// points of 180, so that it takes more than one other sign of its kind to label.
const VOUCHED_PART: i16 = 3;
/// Shorter names of domains (`ing`, `abc`) stand in other words.
const BORROWED_BYTES_MIN: usize = 4;

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
/// A link that does lead to a claimed brand, and can be read in no other way, vouches for links
/// beside it that are known: of any brand (app stores, public bodies), or listed, and then the list
/// says what they are worth (public shorteners). For an unknown one it does not: a genuine link
/// beside the false one is how fraudsters make a text look right. But companies also link to
/// partners, regulators and videos that no list knows. So such a link counts in full only where its
/// host borrows a name of a claimed brand (`mybank-login.net`) or the text says something else that
/// speaks of fraud (phrases of listed scripts: to log in, to pay, to tell a code); else for a part.
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
    let (mut reached, mut strays) = (Vec::new(), Vec::new());
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
        is_known |= reached[before..].iter().any(|&brand| is_live_brand(brand));
        if link.in_doubt {
            reached.truncate(before);
        }
        if !is_known {
            strays.push(link.host);
        }
    }
    reached.sort_unstable();
    let leads_to = |brand: BrandId| reached.binary_search(&brand).is_ok();
    let vouched = claims.iter().any(|&(brand, _)| leads_to(brand) && is_live_brand(brand));
    if vouched && strays.is_empty() {
        return;
    }
    let claimed = claims.iter().flat_map(|&(brand, _)| &entry(reader, brand).brand.domains);
    let domains = claimed.map(|domain| &**domain);
    let in_full = !vouched || speaks_of_fraud(hits) || borrows_a_name(&strays, domains);
    // Where one is vouched for, the others may be named in passing: the false link borrows from
    // the brand that the true one leads to.
    for (brand, find) in claims.into_iter().filter(|&(brand, _)| leads_to(brand) == vouched) {
        let units = find.start as usize..find.end as usize;
        let name = EntryRef::Text(&entry(reader, brand).brand.id);
        let (view, mut member) = (reader.view(brand.0), member(reader, brand));
        if let Effect::Score(points) = &mut member.meta.effect
            && !in_full
        {
            *points /= VOUCHED_PART;
        }
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

/// Do phrases of the text add points for fraud?
fn speaks_of_fraud(hits: &Hits<'_>) -> bool {
    let is_phrase = |code| matches!(code, ReasonCode::Keyword | ReasonCode::Conjunction);
    hits.iter().any(|hit| {
        is_phrase(hit.code)
            && !hit.shadow
            && hit.points() > 0
            && hit.category.is_some_and(Category::is_accusing)
    })
}

/// Does a host hold the name of one of these domains, as `mybank-login.net` does that of
/// `mybank.com`? Takes time for the bytes of both, as no name left starts with another.
fn borrows_a_name<'d>(hosts: &[&str], domains: impl Iterator<Item = &'d str>) -> bool {
    let name = |domain: &'d str| domain.split('.').next().unwrap_or_default();
    let mut names: Vec<&str> =
        domains.map(name).filter(|name| name.len() >= BORROWED_BYTES_MIN).collect();
    names.sort_unstable();
    names.dedup_by(|longer, name| longer.starts_with(*name));
    let starts_with_name = |rest: &str| {
        let after = names.partition_point(|&name| name <= rest);
        after > 0 && rest.starts_with(names[after - 1])
    };
    hosts.iter().any(|host| (0..host.len()).any(|at| starts_with_name(&host[at..])))
}
