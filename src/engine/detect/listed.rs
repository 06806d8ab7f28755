//! Lists of numbers and sender ids.

use super::{Hits, applies, code_of};
use crate::engine::context::{Context, from_abroad, lettered};
use crate::engine::hit::{Basis, Hit};
use crate::engine::intern::Member;
use crate::engine::numbers::{Matched, Normalised};
use crate::engine::overlay::{TextKind, What};
use crate::engine::ruleset::{Genuine, Ruleset, View};
use crate::model::attempt::Attempt;
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListSpec, Party, PlanDigits};
use crate::model::number::Number;
use crate::model::policy::Ground;
use crate::model::time::Timestamp;
use crate::model::verdict::{EntryRef, ReasonCode};
use crate::text::sender::{sender_exact_key, sender_skeleton};

/// Looks both parties up in every layer.
pub(in crate::engine) fn check<'r>(
    ruleset: &'r Ruleset,
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    now: Timestamp,
    hits: &mut Hits<'r>,
) {
    for view in ruleset.layers() {
        let lookup = Lookup { view, context, attempt, now };
        if let Some(number) = context.originator_listed(attempt) {
            lookup.number(&number, Party::Originator, hits);
        }
        if let Some(number) = context.recipient_number() {
            lookup.number(number, Party::Recipient, hits);
        }
    }
    if matches!(context.originator, Normalised::Lettered) {
        senders(ruleset, context, attempt, now, hits);
    }
}

/// Looks a sender id up, as it is and by what it looks like.
fn senders<'r>(
    ruleset: &'r Ruleset,
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    now: Timestamp,
    hits: &mut Hits<'r>,
) {
    let look_ups = || ruleset.layers().map(|view| Lookup { view, context, attempt, now });
    let ids = |view: View<'_>| !view.layer.senders.is_empty() || !view.layer.look_alikes.is_empty();
    if !ruleset.layers().any(ids) {
        return;
    }
    let text = lettered(&attempt.originator);
    let exact = sender_exact_key(&text);
    for lookup in look_ups() {
        lookup.sender(&exact, hits);
    }
    if ruleset.layers().all(|view| view.layer.look_alikes.is_empty()) {
        return;
    }
    let skeleton = sender_skeleton(&text);
    let mut group: Vec<(Lookup<'r, '_, '_>, &'r Genuine)> = Vec::new();
    for lookup in look_ups() {
        let listed = lookup.view.layer.look_alikes.get(skeleton.as_str());
        let speaks = listed.into_iter().flatten().filter(|genuine| lookup.speaks_of(genuine));
        group.extend(speaks.map(|genuine| (lookup, genuine)));
    }
    let is_itself = |genuine: &Genuine| *genuine.key == *exact;
    if group.iter().any(|(_, genuine)| is_itself(genuine) && !genuine.member.meta.shadow) {
        return;
    }
    group.retain(|(_, genuine)| !is_itself(genuine));
    group.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
    for (index, (lookup, genuine)) in group.iter().enumerate() {
        let list = lookup.view.list(genuine.member.list);
        // Two spellings of one name in one list are one finding.
        let told = group[..index].iter().any(|(other, known)| {
            known.member.meta == genuine.member.meta
                && other.view.list(known.member.list).id == list.id
        });
        if told {
            continue;
        }
        let code = code_of(list, ReasonCode::SenderLookAlike);
        let entry = EntryRef::Text(&genuine.key);
        let hit = Hit::listed(code, list, &genuine.member.meta, entry, Basis::Metadata);
        hits.push(hit.at(None, &text));
    }
}

#[derive(Clone, Copy)]
struct Lookup<'r, 'c, 'a> {
    view: View<'r>,
    context: &'c Context<'r>,
    attempt: &'c Attempt<'a>,
    now: Timestamp,
}

impl<'r> Lookup<'r, '_, '_> {
    fn number(&self, number: &Number, party: Party, hits: &mut Hits<'r>) {
        let layer = self.view.layer;
        layer.numbers.lookup(number, |matched, set| {
            let (code, entry) = match matched {
                Matched::Exact => (ReasonCode::NumberListed, EntryRef::Number(*number)),
                Matched::Prefix(digits) => {
                    (ReasonCode::PrefixListed, EntryRef::Prefix(prefix_of(number, digits)))
                }
            };
            for member in layer.sets.get(set) {
                let what = match layer.patterns.get(member.pattern as usize) {
                    Some(pattern) => What::Pattern(pattern),
                    None => What::Number(number),
                };
                if !self.view.hides(member.list, what) {
                    self.member(member, code, entry, Some(party), hits);
                }
            }
        });
    }

    /// The entries for a sender id as it is.
    fn sender(&self, exact: &str, hits: &mut Hits<'r>) {
        let Some((key, &set)) = self.view.layer.senders.get_key_value(exact) else { return };
        for member in self.view.layer.sets.get(set) {
            if !self.view.hides(member.list, What::Text(TextKind::Sender, key)) {
                let entry = EntryRef::Text(key);
                self.member(member, ReasonCode::SenderListed, entry, None, hits);
            }
        }
    }

    /// Does an entry say anything of this attempt to those that look like its sender id?
    fn speaks_of(&self, genuine: &Genuine) -> bool {
        let member = &genuine.member;
        let list = self.view.list(member.list);
        applies(list, member, self.attempt, self.context.recipient_number(), self.now)
            && !self.view.hides(member.list, What::Text(TextKind::LookAlike, &genuine.key))
    }

    fn member(
        &self,
        member: &Member,
        code: ReasonCode,
        entry: EntryRef<'r>,
        party: Option<Party>,
        hits: &mut Hits<'r>,
    ) {
        let list = self.view.list(member.list);
        let recipient = self.context.recipient_number();
        let spoken_of =
            party.is_none_or(|party| list.party == Party::Either || list.party == party);
        if !spoken_of || !applies(list, member, self.attempt, recipient, self.now) {
            return;
        }
        if member.meta.effect == Effect::Protect {
            if party == Some(Party::Originator) && !self.context.identity_proven {
                self.protected_originator(list, &member.meta, entry, hits);
            }
            return;
        }
        let code = code_of(list, code);
        let mut hit = Hit::listed(code, list, &member.meta, entry, Basis::Metadata);
        hit.of_originator = party != Some(Party::Recipient);
        hits.push(hit);
    }

    /// A protected number as originator: a spoof where it cannot come from.
    fn protected_originator(
        &self,
        list: &'r ListSpec,
        meta: &EntryMeta,
        entry: EntryRef<'r>,
        hits: &mut Hits<'r>,
    ) {
        if !from_abroad(self.attempt) {
            return;
        }
        let code = ReasonCode::ReceiveOnlyOriginator;
        let ground = Ground::InvalidNumber;
        let mut hit = Hit::found(code, Category::ID04, Effect::Block, ground);
        hit.list = Some(list);
        hit.shadow = meta.shadow;
        hit.entry = entry;
        hits.push(hit);
    }
}

/// The leading digits of a number, as a prefix entry is written.
fn prefix_of(number: &Number, digits: u8) -> PlanDigits {
    let cut = |text: &str| {
        let kept = &text[..usize::from(digits).min(text.len())];
        arrayvec::ArrayString::from(kept).expect("a number has at most 20 digits")
    };
    match number {
        Number::E164(number) => PlanDigits { region: None, digits: cut(&number.digits()) },
        Number::Short(code) => PlanDigits { region: Some(code.region), digits: cut(code.digits()) },
    }
}
