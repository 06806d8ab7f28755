//! Subscriptions: asking their sources, and what becomes of what comes.
//!
//! A refresh goes the line of every change: draft, check, submit, and live by itself only where the
//! subscription says so, nothing was warned of and nobody else has to agree. The program is the
//! author. How a source went is kept in memory: losing it costs one more download. What came last
//! stands in its change-set (`ticket`), so that a restart offers nothing twice.

mod taking;
mod times;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use super::api::{Caller, Format, Refresh, Refusal, SourceState, Sources};
use super::ports::{Fetch, FetchFailed};
use super::service::Changes;
use crate::lists::changeset::ChangeSet;
use crate::lists::event::DraftOrigin;
use crate::lists::row;
use crate::lists::subscription::{Subscription, Wrong};
use crate::model::catalogue::{Actor, BlobId, ChangeSetId, Cursor};
use crate::model::time::Timestamp;

/// What is known of sources since the start.
#[derive(Default)]
pub(super) struct Facts {
    fetch: OnceLock<Arc<dyn Fetch>>,
    known: Mutex<BTreeMap<Box<str>, Fact>>,
    /// One refresh at a time: each may hold a whole list in memory.
    turn: Mutex<()>,
}

/// How one source goes.
#[derive(Clone, Debug, Default)]
struct Fact {
    /// The record of the subscription that this is about.
    of: Cursor,
    etag: Option<String>,
    sha256: Option<BlobId>,
    asked: Option<Timestamp>,
    due: Timestamp,
    outcome: String,
    /// Failures in a row.
    failures: u32,
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Refusal {
        Refusal::Invalid { field: wrong.field.into(), what: wrong.what }
    }
}

impl From<FetchFailed> for Refusal {
    fn from(failed: FetchFailed) -> Refusal {
        let reason = if failed.transient { "SOURCE_FAILED" } else { "SOURCE_REFUSED" };
        Refusal::Precondition { reason, what: failed.what }
    }
}

fn invalid(field: &str, what: String) -> Refusal {
    Refusal::Invalid { field: field.into(), what }
}

fn program() -> Caller {
    Caller { actor: Actor::program() }
}

impl Sources for Changes {
    fn subscribe(
        &self,
        caller: Caller,
        subscription: Subscription,
    ) -> Result<SourceState, Refusal> {
        self.fetcher()?;
        let name = subscription.name.clone();
        let one = Subscription { owner: caller.actor, ..subscription };
        self.fits(&one)?;
        {
            let mut writer = self.ready()?;
            let event = writer.book.subscribe(one)?;
            writer.append(self.clock.now(), caller.actor, event)?;
        }
        self.source(&name)
    }

    fn unsubscribe(&self, caller: Caller, name: &str) -> Result<(), Refusal> {
        {
            let mut writer = self.ready()?;
            let event = writer.book.unsubscribe(name).ok_or_else(|| missing(name))?;
            writer.append(self.clock.now(), caller.actor, event)?;
        }
        self.known().remove(name);
        self.give_up_older(name, None)
    }

    fn sources(&self) -> Result<Vec<SourceState>, Refusal> {
        let names: Vec<Box<str>> = {
            let writer = self.lock();
            writer.book.subscriptions().map(|(_, one)| one.name.clone()).collect()
        };
        names.iter().map(|name| self.source(name)).collect()
    }

    fn refresh(
        &self,
        caller: Caller,
        name: &str,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Refresh, Refusal> {
        let fetch = self.fetcher()?;
        let _turn = match self.sources.turn.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let what = "a source is being refreshed; ask again".into();
                return Err(Refusal::Precondition { reason: "SOURCE_BUSY", what });
            }
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Ok(turn) => turn,
        };
        let (of, one) = self.subscription(name)?;
        let mut fact = self.fact(of, &one);
        let by_person = caller.actor != Actor::program();
        let done = self.ask(&*fetch, &one, &mut fact, by_person, progress);
        let now = self.clock.now();
        fact.asked = Some(now);
        match &done {
            Ok(done) => {
                fact.outcome.clone_from(&done.what);
                fact.failures = 0;
            }
            Err(refusal) => {
                fact.outcome = refusal.to_string();
                fact.failures = fact.failures.saturating_add(1);
            }
        }
        fact.due = times::next(now, &one, fact.failures);
        // It may have been removed meanwhile.
        if self.subscription(name).is_ok_and(|(still, _)| still == of) {
            self.known().insert(one.name, fact);
        } else {
            self.give_up_older(name, None)?;
        }
        done
    }
}

impl Changes {
    /// From now on sources can be asked.
    pub fn fetch_with(&self, fetch: Arc<dyn Fetch>) {
        // Wired once, at the start.
        drop(self.sources.fetch.set(fetch));
    }

    /// Names of the sources that are to be asked now; none where nothing can be fetched.
    pub fn due_sources(&self) -> Vec<Box<str>> {
        if self.sources.fetch.get().is_none() {
            return Vec::new();
        }
        let all: Vec<(Cursor, Subscription)> = {
            let writer = self.lock();
            writer.book.subscriptions().map(|(of, one)| (of, one.clone())).collect()
        };
        let now = self.clock.now();
        let due = |(of, one): (Cursor, Subscription)| {
            let fact = self.fact(of, &one);
            times::is_due(now, &one, fact.due).then_some(one.name)
        };
        all.into_iter().filter_map(due).collect()
    }

    /// Asks a source on behalf of the program.
    ///
    /// Errors: as [`Sources::refresh`].
    pub fn refresh_due(&self, name: &str) -> Result<Refresh, Refusal> {
        self.refresh(program(), name, &mut |_, _| {})
    }

    fn fetcher(&self) -> Result<Arc<dyn Fetch>, Refusal> {
        self.sources.fetch.get().cloned().ok_or_else(|| Refusal::Precondition {
            reason: "NO_FETCH",
            what: "this server fetches nothing from URLs: its program was built without the \
                   feature `fetch`; import files instead"
                .into(),
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Fact>> {
        // Whatever panicked, a fact was put there whole.
        self.sources.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscription(&self, name: &str) -> Result<(Cursor, Subscription), Refusal> {
        let writer = self.lock();
        let found = writer.book.subscription(name).map(|(of, one)| (of, one.clone()));
        found.ok_or_else(|| missing(name))
    }

    /// What is known of a source; of a new one, when it is due first.
    fn fact(&self, of: Cursor, one: &Subscription) -> Fact {
        let mut known = self.known();
        match known.get(&one.name) {
            Some(fact) if fact.of == of => fact.clone(),
            _ => {
                let due = times::first(self.clock.now(), one);
                let fact = Fact { of, due, ..Fact::default() };
                known.insert(one.name.clone(), fact.clone());
                fact
            }
        }
    }

    fn source(&self, name: &str) -> Result<SourceState, Refusal> {
        let (of, one) = self.subscription(name)?;
        let fact = self.fact(of, &one);
        Ok(SourceState {
            asked: fact.asked,
            due: self.sources.fetch.get().map(|_| fact.due),
            outcome: fact.outcome,
            failed: fact.failures > 0,
            sha256: fact.sha256,
            change_set: self.newest_of(of, name).map(|set| ChangeSet { edits: Vec::new(), ..set }),
            subscription: one,
        })
    }

    /// Does what a subscription names exist, and fit together?
    fn fits(&self, one: &Subscription) -> Result<(), Refusal> {
        one.check()?;
        let spec = self.list_at(&one.list, None)?.spec;
        let format = format_of(one)?;
        if !one.columns.is_empty() && !matches!(format, Format::Csv | Format::Jsonl) {
            let what = format!("files of format {} have no columns to name", one.format);
            return Err(invalid("columns", what));
        }
        let known: Vec<&str> = row::columns(spec.kind).collect();
        let ours = one.columns.iter().map(|(_, to)| ("columns", to));
        let ours = ours.chain(one.defaults.iter().map(|(column, _)| ("defaults", column)));
        for (field, column) in ours {
            if !known.contains(&&**column) {
                let what = format!("no column \"{column}\"; expected {}", known.join(", "));
                return Err(invalid(field, what));
            }
        }
        Ok(())
    }

    /// The newest change-set that a subscription brought.
    fn newest_of(&self, of: Cursor, name: &str) -> Option<ChangeSet> {
        let writer = self.lock();
        let mut since = writer.book.iter().rev().take_while(|set| set.id.0 > of.0);
        since.find(|set| is_of(set, name)).cloned()
    }

    /// Withdraws what of a source waits, but for one.
    fn give_up_older(&self, name: &str, but: Option<ChangeSetId>) -> Result<(), Refusal> {
        let open: Vec<ChangeSetId> = {
            let writer = self.lock();
            let own = writer.book.open().filter(|set| is_of(set, name));
            own.map(|set| set.id).filter(|id| Some(*id) != but).collect()
        };
        open.into_iter().try_for_each(|id| self.give_up(program(), id).map(drop))
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::NotFound { kind: "source", name: name.to_owned() }
}

fn is_of(set: &ChangeSet, name: &str) -> bool {
    matches!(&set.draft.origin, DraftOrigin::Source(source) if **source == *name)
}

fn format_of(one: &Subscription) -> Result<Format, Refusal> {
    let all = || Format::ALL.map(|(_, name)| name).join(", ");
    Format::parse(&one.format)
        .ok_or_else(|| invalid("format", format!("\"{}\" is none of {}", one.format, all())))
}
