//! Links of a message: listed domains, and brands whose link leads elsewhere.

use super::{Find, Reader};
use crate::engine::detect::Hits;
use crate::engine::intern::Member;
use crate::engine::ruleset::BrandEntry;
use crate::model::verdict::{EntryRef, ReasonCode};

/// Looks every link up, then compares claimed brands with where the links lead.
pub(super) fn check_links<'r>(reader: &Reader<'r, '_, '_>, finds: &[Find], hits: &mut Hits<'r>) {
    let links = &reader.text.links;
    if links.is_empty() {
        return;
    }
    if !reader.layer.domains.is_empty() {
        for link in links.iter() {
            listed_domain(reader, link.host, &link.span, hits);
        }
    }
    brands(reader, finds, hits);
}

/// Every suffix of the host at a label border, longest first, that is not longer than the longest
/// entry; the first that is listed answers.
fn listed_domain<'r>(
    reader: &Reader<'r, '_, '_>,
    host: &str,
    span: &std::ops::Range<usize>,
    hits: &mut Hits<'r>,
) {
    let borders = host.bytes().filter(|&b| b == b'.').count();
    let mut rest = host;
    for left in (1..=borders).rev() {
        if left < reader.layer.domain_labels_max
            && let Some((entry, &set)) = reader.layer.domains.get_key_value(rest)
        {
            for member in reader.layer.sets.get(set) {
                let entry = EntryRef::Text(entry);
                reader.hit(member, ReasonCode::DomainListed, entry, span.clone(), hits);
            }
        }
        rest = rest.split_once('.').map_or("", |(_, rest)| rest);
    }
}

/// A claimed brand with a link that leads to none of the claimed brands' domains. Brands that are
/// silent for this message vouch for no link; those on trial only for their own claim.
fn brands<'r>(reader: &Reader<'r, '_, '_>, finds: &[Find], hits: &mut Hits<'r>) {
    let texts = &reader.layer.texts;
    let claimed = || {
        finds.iter().flat_map(|find| {
            let phrase = &texts.phrases[find.phrase as usize];
            phrase.brands.iter().map(move |&index| (find, &reader.layer.brands[index as usize]))
        })
    };
    let speaks = |entry: &BrandEntry| reader.speaks(&Member { list: entry.list, meta: entry.meta });
    let links = &reader.text.links;
    let leads_to = |entry: &BrandEntry| {
        links.iter().any(|link| entry.brand.domains.iter().any(|d| is_below(link.host, d)))
    };
    if claimed().any(|(_, entry)| !entry.meta.shadow && leads_to(entry) && speaks(entry)) {
        return;
    }
    let mut told: Vec<*const str> = Vec::new();
    for (find, entry) in claimed() {
        // A brand with several names in the text is one claim.
        if told.contains(&std::ptr::from_ref(&*entry.brand.id)) || leads_to(entry) {
            continue;
        }
        told.push(std::ptr::from_ref(&*entry.brand.id));
        let member = Member { list: entry.list, meta: entry.meta };
        let units = find.start as usize..find.end as usize;
        let name = EntryRef::Text(&entry.brand.id);
        reader.listed(&member, ReasonCode::BrandLinkMismatch, name, units, hits);
    }
}

/// Is `host` the domain or below it?
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|head| head.is_empty() || head.ends_with('.'))
}
