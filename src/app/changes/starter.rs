//! The starter packs as the first revision, and their upgrade by a change-set that keeps local
//! edits.

use std::collections::BTreeMap;

use super::api::{Caller, Refusal};
use super::service::Changes;
use crate::app::catalogue::{self, PackText, starter_packs};
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin};
use crate::lists::pack;
use crate::lists::row::Row;
use crate::model::catalogue::Actor;
use crate::model::entry::ListSpec;
use crate::model::revision::{ENGINE_VERSION, Revision};

/// Edits that one record of the log may hold: a bound on how much is read at once.
const EDITS_A_RECORD: usize = 5_000;

/// Lists with their rows by key.
type Lists = BTreeMap<Box<str>, (ListSpec, BTreeMap<Box<str>, Row>)>;

/// What starting did with packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The log was empty: the packs are revision 1.
    First,
    /// The packs are those that the catalogue came from.
    Same,
    /// The packs have changed: a change-set waits for somebody to look at it, approve and commit.
    Upgrade(crate::model::catalogue::ChangeSetId),
}

impl Changes {
    /// Makes packs revision 1 of an empty log; else drafts what differs between them and those
    /// that were taken last.
    ///
    /// Errors: the packs are wrong, or the store cannot be written.
    pub fn seed(&self, packs: &[PackText]) -> Result<Seeded, Refusal> {
        let caller = Caller { actor: Actor::program() };
        let (order, wanted) = read(packs)?;
        if wanted.is_empty() {
            return Ok(Seeded::Same);
        }
        let name = fingerprint(packs);
        let origin = DraftOrigin::StarterPacks(name.clone().into());
        let draft = |title: String| Draft {
            title: title.into(),
            reason: "the starter packs of the program".into(),
            origin: origin.clone(),
            ..Draft::default()
        };
        if self.revision() == Revision(0) {
            // What a crash left half-drafted is given up first.
            self.give_up_own(caller)?;
            let set = self.begin(caller, draft(format!("starter packs {ENGINE_VERSION}")))?;
            self.add_all(caller, &set, first(&order, &wanted))?;
            self.close(caller, set.id, None, true).map_err(|refusal| named(packs, refusal))?;
            self.make_live(caller, set.id, None)?;
            return Ok(Seeded::First);
        }
        let (taken, known) = {
            let writer = self.ready()?;
            let own = |set: &&ChangeSet| matches!(set.draft.origin, DraftOrigin::StarterPacks(_));
            // A draft is what a crash left, or what the checks refused: it is looked at again.
            let offered = |set: &ChangeSet| set.state != State::Draft && set.draft.origin == origin;
            let known = writer.book.iter().filter(own).any(offered);
            let done = |set: &&ChangeSet| matches!(set.state, State::Committed(_));
            let taken = writer.book.iter().filter(own).filter(done).map(|set| set.id);
            (taken.collect::<Vec<_>>(), known)
        };
        if known || taken.is_empty() {
            return Ok(Seeded::Same);
        }
        let mut before = Lists::new();
        for id in taken {
            fold(&mut before, self.edits_of(id)?);
        }
        let edits = self.upgrade(&before, &order, &wanted)?;
        if edits.is_empty() {
            return Ok(Seeded::Same);
        }
        let left = self.lock().book.open().find(|set| set.draft.origin == origin).cloned();
        if let Some(left) = left {
            if left.edits == edits {
                return Ok(Seeded::Upgrade(left.id));
            }
            self.give_up(caller, left.id)?;
        }
        let set = self.begin(caller, draft(format!("starter packs {ENGINE_VERSION}: upgrade")))?;
        self.add_all(caller, &set, edits)?;
        // Nobody but its author could submit it. With errors it stays a draft, to be looked at.
        match self.close(caller, set.id, None, true) {
            Ok(_) | Err(Refusal::Precondition { .. }) => Ok(Seeded::Upgrade(set.id)),
            Err(refusal) => Err(refusal),
        }
    }

    /// The built-in packs.
    pub fn seed_starter(&self) -> Result<Seeded, Refusal> {
        self.seed(&starter_packs())
    }

    fn give_up_own(&self, caller: Caller) -> Result<(), Refusal> {
        let open: Vec<_> = {
            let writer = self.lock();
            writer.book.open().filter(|set| set.author == caller.actor).map(|set| set.id).collect()
        };
        open.into_iter().try_for_each(|id| self.give_up(caller, id).map(drop))
    }

    fn add_all(&self, caller: Caller, set: &ChangeSet, edits: Vec<Edit>) -> Result<(), Refusal> {
        let mut edits = edits.into_iter().peekable();
        while edits.peek().is_some() {
            let some = edits.by_ref().take(EDITS_A_RECORD).collect();
            self.add(caller, set.id, None, some)?;
        }
        Ok(())
    }

    /// What takes the catalogue from the packs before to those wanted, leaving what was changed
    /// here as it is.
    fn upgrade(
        &self,
        before: &Lists,
        order: &[Box<str>],
        wanted: &Lists,
    ) -> Result<Vec<Edit>, Refusal> {
        let writer = self.lock();
        let at = writer.view.revision();
        let mut edits = Vec::new();
        for (id, (spec, rows)) in order.iter().filter_map(|id| wanted.get_key_value(id)) {
            let now = writer.view.list(id, at)?;
            let known = before.get(id);
            let untouched = match (&now, known) {
                (None, None) => true,
                (Some(now), Some((known, _))) => now.spec == *known,
                _ => false,
            };
            if untouched && now.as_ref().is_none_or(|now| now.spec != *spec) {
                edits.push(Edit::PutList(Box::new(spec.clone())));
            }
            if now.is_none() && known.is_some() {
                // Somebody here removed the list.
                continue;
            }
            if !untouched && now.as_ref().is_some_and(|now| now.spec.kind != spec.kind) {
                // Somebody here has another list of that name.
                continue;
            }
            for (key, row) in rows {
                let was = known.and_then(|(_, rows)| rows.get(key));
                let is = writer.view.entry(id, key, at)?.and_then(|version| version.row);
                if is.as_ref() == was && was != Some(row) {
                    edits.push(Edit::Put { list: id.clone(), row: row.clone() });
                }
            }
        }
        for (id, (_, rows)) in before {
            let kept = wanted.get(id).map(|(_, rows)| rows);
            for (key, row) in rows {
                let gone = kept.is_none_or(|rows| !rows.contains_key(key));
                let is = writer.view.entry(id, key, at)?.and_then(|version| version.row);
                if gone && is.as_ref() == Some(row) {
                    edits.push(Edit::Remove { list: id.clone(), key: key.clone() });
                }
            }
        }
        Ok(edits)
    }
}

/// Lists with their ids in the order in which the packs bring them: of settings the last one
/// holds.
fn read(packs: &[PackText]) -> Result<(Vec<Box<str>>, Lists), Refusal> {
    let (mut order, mut lists) = (Vec::new(), Lists::new());
    for pack in packs {
        let read = pack::rows(&pack.name, &pack.octets).map_err(|findings| {
            let first = findings.kept.first();
            wrong(first.map(|finding| finding.to_string()).unwrap_or_default())
        })?;
        for (spec, rows) in read {
            let rows = rows.into_iter().map(|row| (row.key().into(), row)).collect();
            order.push(spec.id.clone());
            if let Some((spec, _)) = lists.insert(spec.id.clone(), (spec, rows)) {
                let what = format!("{}: list id \"{}\" is already in use", pack.name, spec.id);
                return Err(wrong(what));
            }
        }
    }
    Ok((order, lists))
}

fn first(order: &[Box<str>], lists: &Lists) -> Vec<Edit> {
    let specs = order.iter().filter_map(|id| lists.get(id));
    let specs = specs.map(|(spec, _)| Edit::PutList(Box::new(spec.clone())));
    let rows = lists.iter().flat_map(|(id, (_, rows))| {
        rows.values().map(|row| Edit::Put { list: id.clone(), row: row.clone() })
    });
    specs.chain(rows).collect()
}

/// Takes the edits of a change-set of packs into what was taken before.
fn fold(lists: &mut Lists, edits: Vec<Edit>) {
    for edit in edits {
        match edit {
            Edit::PutList(spec) => match lists.get_mut(&spec.id) {
                Some((known, _)) => *known = *spec,
                None => drop(lists.insert(spec.id.clone(), (*spec, BTreeMap::new()))),
            },
            Edit::Put { list, row } => {
                if let Some((_, rows)) = lists.get_mut(&list) {
                    rows.insert(row.key().into(), row);
                }
            }
            Edit::Remove { list, key } => {
                if let Some((_, rows)) = lists.get_mut(&list) {
                    rows.remove(&key);
                }
            }
            _ => {}
        }
    }
}

/// Names a set of packs by its content.
fn fingerprint(packs: &[PackText]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    for pack in packs {
        for part in [pack.name.as_bytes(), &pack.octets] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    format!("{ENGINE_VERSION}+{}", &crate::model::catalogue::BlobId(digest).to_string()[..16])
}

/// The refusal by file and line, where a check of the packs alone finds the same.
fn named(packs: &[PackText], refusal: Refusal) -> Refusal {
    let findings = catalogue::compile(packs, Revision(0)).err();
    let first = findings.as_ref().and_then(|findings| findings.kept.first());
    first.map_or(refusal, |finding| wrong(finding.to_string()))
}

fn wrong(what: String) -> Refusal {
    Refusal::Invalid { field: "packs".into(), what }
}
