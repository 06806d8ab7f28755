//! What a message says: phrases, combinations of them, links, signature, claimed brands.

mod finds;
mod links;

use std::cell::RefCell;

use arrayvec::ArrayVec;

use super::{Hits, applies, code_of};
use crate::engine::context::Context;
use crate::engine::hit::{Basis, Hit};
use crate::engine::intern::{Member, NONE};
use crate::engine::keywords::{Atom, FactKind, OccurrenceBuffer};
use crate::engine::overlay::{LEVELS_MAX, TextKind, What};
use crate::engine::ruleset::{Ruleset, TextMatchers, View};
use crate::model::attempt::{Attempt, ContentBasis};
use crate::model::time::Timestamp;
use crate::model::verdict::{EntryRef, Flags, ReasonCode, Span};
use crate::text::decode::{Decoded, decode};
use crate::text::facts::{Facts, find_facts};
use crate::text::fold::{Folded, fold};
use crate::text::links::{Links, find_links};
use finds::{Find, FindBuffer};
use links::check_links;

/// Layers that hold text: the base and the levels of the overlay.
const LAYERS_MAX: usize = 1 + LEVELS_MAX;

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
        let views: ArrayVec<View<'r>, LAYERS_MAX> = ruleset.text_layers().collect();
        let reader = Reader { views: &views, context, attempt, now, decoded: &decoded, text };
        finds.begin();
        for layer in 0..views.len() as u8 {
            reader.scan(layer, occurrences, finds, hits);
            if occurrences.truncated() {
                flags.insert(Flags::DEGRADED);
            }
        }
        // Which layer holds a phrase is nothing that a verdict may depend on: a longer one of
        // another layer covers a shorter one, too.
        finds.sort();
        reader.keywords(finds, hits);
        for view in &views {
            reader.signature(*view, hits);
        }
        check_links(&reader, finds.all(), hits);
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

/// One message against the layers that hold text.
struct Reader<'r, 'c, 'a> {
    views: &'c [View<'r>],
    context: &'c Context<'r>,
    attempt: &'c Attempt<'a>,
    now: Timestamp,
    decoded: &'c Decoded<'c>,
    text: &'c Buffers,
}

impl<'r> Reader<'r, '_, '_> {
    fn view(&self, layer: u8) -> View<'r> {
        self.views[usize::from(layer)]
    }

    fn texts(&self, layer: u8) -> &'r TextMatchers {
        &self.view(layer).layer.texts
    }

    /// Finds the phrases of one layer, and adds what its conjunctions tell.
    fn scan(
        &self,
        layer: u8,
        buffer: &mut OccurrenceBuffer,
        finds: &mut FindBuffer,
        hits: &mut Hits<'r>,
    ) {
        let (view, texts) = (self.view(layer), self.texts(layer));
        let mut occurrences = texts.conjunctions.begin(buffer);
        texts.keywords.scan(self.text.folded.units(), |hit| {
            let phrase = &texts.phrases[hit.phrase.0 as usize];
            if phrase.in_conjunction {
                occurrences.note(Atom::Phrase(hit.phrase), hit.start, hit.end);
            }
            let listed = phrase.set != NONE || !phrase.brands.is_empty();
            if listed {
                finds.note(layer, hit);
            }
        });
        if texts.conjunctions.is_empty() {
            return;
        }
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
            if view.hides(entry.list, What::Text(TextKind::Conjunction, &entry.id)) {
                return;
            }
            let member = Member::new(entry.list, entry.meta);
            let span = found.start as usize..found.end as usize;
            let entry = EntryRef::Text(&entry.id);
            self.listed(view, &member, ReasonCode::Conjunction, entry, span, hits);
        });
    }

    /// Adds what keyword lists say of the phrases that were found.
    fn keywords(&self, finds: &FindBuffer, hits: &mut Hits<'r>) {
        for (at, find) in finds.all().iter().enumerate() {
            let view = self.view(find.layer);
            for member in self.said_of(find) {
                if !self.inside_longer(find.layer, member, finds.longer_around(at)) {
                    let span = find.start as usize..find.end as usize;
                    let written = self.texts(find.layer).written(find.phrase, member.list);
                    let entry = EntryRef::Text(written);
                    self.listed(view, member, ReasonCode::Keyword, entry, span, hits);
                }
            }
        }
    }

    /// What keyword lists say of a phrase, without what is hidden.
    fn said_of(&self, find: &Find) -> impl Iterator<Item = &'r Member> {
        let (view, phrase) = (self.view(find.layer), find.phrase);
        let members = view.layer.sets.get(view.layer.texts.phrases[phrase as usize].set);
        members.filter(move |member| !view.hides_phrase(member.list, phrase))
    }

    /// A phrase inside a longer one of the same list says nothing more, unless the longer one is
    /// silent: watched, out of date, or on trial while this one is not.
    fn inside_longer<'f>(
        &self,
        layer: u8,
        member: &Member,
        mut longer: impl Iterator<Item = &'f Find>,
    ) -> bool {
        longer.any(|find| {
            let view = self.view(find.layer);
            let same_list = |longer: &Member| match find.layer == layer {
                true => longer.list == member.list,
                false => view.list(longer.list).id == self.view(layer).list(member.list).id,
            };
            self.said_of(find).any(|longer| {
                same_list(longer)
                    && (member.meta.shadow || !longer.meta.shadow)
                    && self.speaks(view, longer)
            })
        })
    }

    /// Does an entry speak to this message at this time?
    fn speaks(&self, view: View<'r>, member: &Member) -> bool {
        let list = view.list(member.list);
        applies(list, member, self.attempt, self.context.recipient_number(), self.now)
    }

    fn signature(&self, view: View<'r>, hits: &mut Hits<'r>) {
        if view.layer.signatures.is_empty() {
            return;
        }
        let Some(signature) = &self.text.facts.signature else { return };
        let key = String::from_utf16_lossy(&self.text.folded.units()[signature.units.clone()]);
        let found = view.layer.signatures.get_key_value(key.as_str());
        let Some((entry, &set)) = found else { return };
        for member in view.layer.sets.get(set) {
            if !view.hides(member.list, What::Text(TextKind::Signature, entry)) {
                let at = signature.span.clone();
                let entry = EntryRef::Text(entry);
                self.hit(view, member, ReasonCode::SignatureListed, entry, at, hits);
            }
        }
    }

    /// A hit whose place is given in folded units.
    fn listed(
        &self,
        view: View<'r>,
        member: &Member,
        code: ReasonCode,
        entry: EntryRef<'r>,
        units: std::ops::Range<usize>,
        hits: &mut Hits<'r>,
    ) {
        self.hit(view, member, code, entry, self.text.folded.span(units), hits);
    }

    /// A hit whose place is given in bytes of the decoded text; [`place`] turns them into octets.
    fn hit(
        &self,
        view: View<'r>,
        member: &Member,
        code: ReasonCode,
        entry: EntryRef<'r>,
        bytes: std::ops::Range<usize>,
        hits: &mut Hits<'r>,
    ) {
        if !self.speaks(view, member) {
            return;
        }
        let list = view.list(member.list);
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
