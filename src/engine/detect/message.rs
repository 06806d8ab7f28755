//! What a message says: phrases, combinations of them, links, signature, claimed brands.

mod finds;
mod links;

use std::cell::RefCell;

use super::{Hits, applies, code_of, list_of};
use crate::engine::context::Context;
use crate::engine::hit::{Basis, Hit};
use crate::engine::intern::{Member, NONE};
use crate::engine::keywords::{Atom, FactKind, OccurrenceBuffer};
use crate::engine::ruleset::{Layer, Ruleset};
use crate::model::attempt::{Attempt, ContentBasis};
use crate::model::time::Timestamp;
use crate::model::verdict::{EntryRef, Flags, ReasonCode, Span};
use crate::text::decode::{Decoded, decode};
use crate::text::facts::{Facts, find_facts};
use crate::text::fold::{Folded, fold};
use crate::text::links::{Links, find_links};
use finds::{Find, FindBuffer};
use links::check_links;

/// Buffers that every message of a thread uses again: no allocation once they are warm.
#[derive(Default)]
struct Scratch {
    decoded: String,
    text: Buffers,
    occurrences: OccurrenceBuffer,
    finds: FindBuffer,
    /// Bytes of the decoded text at which hits start or end, with the octets sent there.
    places: Vec<(u32, u32)>,
}

/// What is read from the text before any list is asked.
#[derive(Default)]
struct Buffers {
    folded: Folded,
    links: Links,
    facts: Facts,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// Adds what the text of a message tells.
pub(in crate::engine) fn check<'r>(
    ruleset: &'r Ruleset,
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    now: Timestamp,
    hits: &mut Hits<'r>,
    flags: &mut Flags,
) {
    if attempt.content.octets.is_empty() {
        return;
    }
    if attempt.content.basis == ContentBasis::None {
        flags.insert(Flags::TEXT_NOT_INSPECTED);
        return;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { decoded, text, occurrences, finds, places } = scratch;
        let first = hits.len();
        let decoded = decode(&attempt.content, decoded);
        fold(decoded.text(), &mut text.folded);
        find_links(decoded.text(), &mut text.links);
        find_facts(&text.folded, &text.links, &mut text.facts);
        text_flags(&decoded, &text.folded, flags);
        for layer in ruleset.layers() {
            let reader = Reader { layer, context, attempt, now, decoded: &decoded, text };
            reader.phrases(occurrences, finds, hits);
            if occurrences.truncated() {
                flags.insert(Flags::DEGRADED);
            }
            reader.signature(hits);
            check_links(&reader, finds.all(), hits);
        }
        place(&decoded, places, &mut hits[first..]);
    });
}

/// Turns the places of hits from bytes of the decoded text into octets of the content, all in one
/// walk over the text, however many there are.
fn place(decoded: &Decoded<'_>, places: &mut Vec<(u32, u32)>, hits: &mut [Hit<'_>]) {
    if decoded.is_as_sent() {
        return;
    }
    places.clear();
    let spans = || hits.iter().filter_map(|hit| hit.span);
    places.extend(spans().flat_map(|span| [(span.start, 0), (span.end, 0)]));
    places.sort_unstable();
    places.dedup();
    decoded.locate(places);
    let octet = |byte: u32| {
        let found = places.binary_search_by_key(&byte, |place| place.0);
        found.map_or(byte, |at| places[at].1)
    };
    for span in hits.iter_mut().filter_map(|hit| hit.span.as_mut()) {
        *span = Span { start: octet(span.start), end: octet(span.end) };
    }
}

fn text_flags(decoded: &Decoded<'_>, folded: &Folded, flags: &mut Flags) {
    if decoded.ill_formed() {
        flags.insert(Flags::TEXT_ILL_FORMED);
        flags.insert(Flags::DEGRADED);
    }
    if decoded.truncated() || folded.truncated() {
        flags.insert(Flags::TEXT_TRUNCATED);
        flags.insert(Flags::DEGRADED);
    }
}

/// One message against one layer.
struct Reader<'r, 'c, 'a> {
    layer: &'r Layer,
    context: &'c Context<'r>,
    attempt: &'c Attempt<'a>,
    now: Timestamp,
    decoded: &'c Decoded<'c>,
    text: &'c Buffers,
}

impl<'r> Reader<'r, '_, '_> {
    /// Phrases and conjunctions.
    fn phrases(&self, buffer: &mut OccurrenceBuffer, finds: &mut FindBuffer, hits: &mut Hits<'r>) {
        let texts = &self.layer.texts;
        finds.begin();
        let mut occurrences = texts.conjunctions.begin(buffer);
        texts.keywords.scan(self.text.folded.units(), |hit| {
            let phrase = &texts.phrases[hit.phrase.0 as usize];
            if phrase.in_conjunction {
                occurrences.note(Atom::Phrase(hit.phrase), hit.start, hit.end);
            }
            let listed = phrase.set != NONE || !phrase.brands.is_empty();
            if listed {
                finds.note(hit);
            }
        });
        finds.sort();
        for link in self.text.links.iter() {
            let (start, end) = self.units(&link.span);
            occurrences.note(Atom::Fact(FactKind::Link), start, end);
        }
        for (kind, spans) in [
            (FactKind::Phone, &self.text.facts.phones[..]),
            (FactKind::Code, &self.text.facts.codes[..]),
        ] {
            for span in spans {
                let (start, end) = self.units(span);
                occurrences.note(Atom::Fact(kind), start, end);
            }
        }
        occurrences.evaluate(|found| {
            let entry = &texts.conjunction_entries[found.conjunction.0 as usize];
            let member = Member { list: entry.list, meta: entry.meta };
            let span = found.start as usize..found.end as usize;
            self.listed(&member, ReasonCode::Conjunction, EntryRef::Text(&entry.id), span, hits);
        });
        for (at, find) in finds.all().iter().enumerate() {
            let phrase = &texts.phrases[find.phrase as usize];
            for member in self.layer.sets.get(phrase.set) {
                if !self.inside_longer(member, finds.longer_around(at)) {
                    let span = find.start as usize..find.end as usize;
                    let entry = EntryRef::Text(&phrase.text);
                    self.listed(member, ReasonCode::Keyword, entry, span, hits);
                }
            }
        }
    }

    /// A phrase inside a longer one of the same list says nothing more, unless the longer one is
    /// silent: watched, out of date, or on trial while this one is not.
    fn inside_longer<'f>(&self, member: &Member, longer: impl Iterator<Item = &'f Find>) -> bool {
        let texts = &self.layer.texts;
        longer.flat_map(|find| self.layer.sets.get(texts.phrases[find.phrase as usize].set)).any(
            |longer| {
                longer.list == member.list
                    && (member.meta.shadow || !longer.meta.shadow)
                    && self.speaks(longer)
            },
        )
    }

    /// Does an entry speak to this message at this time?
    fn speaks(&self, member: &Member) -> bool {
        let list = list_of(self.layer, member.list);
        applies(list, member, self.attempt, self.context.recipient_number(), self.now)
    }

    fn signature(&self, hits: &mut Hits<'r>) {
        if self.layer.signatures.is_empty() {
            return;
        }
        let Some(signature) = &self.text.facts.signature else { return };
        let key = String::from_utf16_lossy(&self.text.folded.units()[signature.units.clone()]);
        let found = self.layer.signatures.get_key_value(key.as_str());
        let Some((entry, &set)) = found else { return };
        for member in self.layer.sets.get(set) {
            let at = signature.span.clone();
            self.hit(member, ReasonCode::SignatureListed, EntryRef::Text(entry), at, hits);
        }
    }

    /// A hit whose place is given in folded units.
    fn listed(
        &self,
        member: &Member,
        code: ReasonCode,
        entry: EntryRef<'r>,
        units: std::ops::Range<usize>,
        hits: &mut Hits<'r>,
    ) {
        self.hit(member, code, entry, self.text.folded.span(units), hits);
    }

    /// A hit whose place is given in bytes of the decoded text; [`place`] turns them into octets.
    fn hit(
        &self,
        member: &Member,
        code: ReasonCode,
        entry: EntryRef<'r>,
        bytes: std::ops::Range<usize>,
        hits: &mut Hits<'r>,
    ) {
        if !self.speaks(member) {
            return;
        }
        let list = list_of(self.layer, member.list);
        // Both are below FOLD_BYTES_MAX or an end of a link; a text has less than 2^16 bytes.
        let span = Span { start: bytes.start as u32, end: bytes.end as u32 };
        let evidence = &self.decoded.text()[bytes];
        let hit = Hit::listed(code_of(list, code), list, &member.meta, entry, Basis::Text);
        hits.push(hit.at(Some(span), evidence));
    }

    /// Bytes of the decoded text as folded units.
    fn units(&self, bytes: &std::ops::Range<usize>) -> (u32, u32) {
        let offsets = self.text.folded.offsets();
        let at = |byte: usize| offsets.partition_point(|&offset| usize::from(offset) < byte) as u32;
        (at(bytes.start), at(bytes.end))
    }
}
