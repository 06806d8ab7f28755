//! Lists of numbers and sender ids.

use super::{Hits, applies, code_of, list_of};
use crate::engine::context::{Context, from_abroad, lettered};
use crate::engine::hit::{Basis, Hit};
use crate::engine::intern::Member;
use crate::engine::numbers::{Matched, Normalised};
use crate::engine::ruleset::{Genuine, Layer, Ruleset};
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
    for layer in ruleset.layers() {
        let lookup = Lookup { layer, context, attempt, now };
        if let Some(number) = context.originator_listed(attempt) {
            lookup.number(&number, Party::Originator, hits);
        }
        if let Some(number) = context.recipient_number() {
            lookup.number(number, Party::Recipient, hits);
        }
        let ids = !layer.senders.is_empty() || !layer.look_alikes.is_empty();
        if ids && matches!(context.originator, Normalised::Lettered) {
            lookup.sender(hits);
        }
    }
}

struct Lookup<'r, 'c, 'a> {
    layer: &'r Layer,
    context: &'c Context<'r>,
    attempt: &'c Attempt<'a>,
    now: Timestamp,
}

impl<'r> Lookup<'r, '_, '_> {
    fn number(&self, number: &Number, party: Party, hits: &mut Hits<'r>) {
        self.layer.numbers.lookup(number, |matched, set| {
            let (code, entry) = match matched {
                Matched::Exact => (ReasonCode::NumberListed, EntryRef::Number(*number)),
                Matched::Prefix(digits) => {
                    (ReasonCode::PrefixListed, EntryRef::Prefix(prefix_of(number, digits)))
                }
            };
            self.members(set, code, entry, Some(party), hits);
        });
    }

    fn members(
        &self,
        set: u32,
        code: ReasonCode,
        entry: EntryRef<'r>,
        party: Option<Party>,
        hits: &mut Hits<'r>,
    ) {
        for member in self.layer.sets.get(set) {
            let list = list_of(self.layer, member.list);
            let recipient = self.context.recipient_number();
            let spoken_of =
                party.is_none_or(|party| list.party == Party::Either || list.party == party);
            if !spoken_of || !applies(list, member, self.attempt, recipient, self.now) {
                continue;
            }
            if member.meta.effect == Effect::Protect {
                if party == Some(Party::Originator) && !self.context.identity_proven {
                    self.protected_originator(list, &member.meta, entry, hits);
                }
                continue;
            }
            let code = code_of(list, code);
            let mut hit = Hit::listed(code, list, &member.meta, entry, Basis::Metadata);
            hit.of_originator = party != Some(Party::Recipient);
            hits.push(hit);
        }
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

    fn sender(&self, hits: &mut Hits<'r>) {
        let text = lettered(&self.attempt.originator);
        let exact = sender_exact_key(&text);
        if let Some((key, &set)) = self.layer.senders.get_key_value(exact.as_str()) {
            let entry = EntryRef::Text(key);
            self.members(set, ReasonCode::SenderListed, entry, None, hits);
        }
        if self.layer.look_alikes.is_empty() {
            return;
        }
        let skeleton = sender_skeleton(&text);
        let Some(group) = self.layer.look_alikes.get(skeleton.as_str()) else { return };
        let recipient = self.context.recipient_number();
        let speaks = |member: &Member| {
            let list = list_of(self.layer, member.list);
            applies(list, member, self.attempt, recipient, self.now)
        };
        let is_itself = |genuine: &Genuine| *genuine.key == *exact;
        let is_real = |g: &Genuine| is_itself(g) && !g.member.meta.shadow && speaks(&g.member);
        if group.iter().any(is_real) {
            return;
        }
        for (index, genuine) in group.iter().enumerate() {
            // Two spellings of one name in one list are one finding.
            let told = group[..index].iter().any(|g| g.member == genuine.member && !is_itself(g));
            if told || is_itself(genuine) || !speaks(&genuine.member) {
                continue;
            }
            let list = list_of(self.layer, genuine.member.list);
            let code = code_of(list, ReasonCode::SenderLookAlike);
            let entry = EntryRef::Text(&genuine.key);
            let hit = Hit::listed(code, list, &genuine.member.meta, entry, Basis::Metadata);
            hits.push(hit.at(None, &text));
        }
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
