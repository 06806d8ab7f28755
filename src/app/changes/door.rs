//! The write side behind a door: closed while the store is being read, open after, and shut for
//! good where the store cannot be read, while screening goes on from the base image.
//!
//! Owns nothing but who is let in. Invariant: a question that comes while the door is closed waits
//! for a while and is then told so; none is lost, none is answered from half-read history.

use std::io::{BufRead, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::{
    AuditRecord, Caller, CheckReport, Control, Format, ImportReport, ImportRequest, Live,
    ModeScope, Page, PageRequest, Preview, Question, Refresh, Refusal, SourceState, Sources, Why,
};
use super::ports::{LogError, Verified};
use super::service::Changes;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::Draft;
use crate::lists::subscription::Subscription;
use crate::lists::view::{Changed, EntryVersion, ListState};
use crate::model::catalogue::{ChangeSetId, Cursor};
use crate::model::policy::Mode;
use crate::model::revision::Revision;

/// How long a question waits for a store that is being read: most are read by then, and a client
/// that waits is better off than one that has to ask again.
const WAIT: Duration = Duration::from_secs(5);

/// Lets questions through to the write side once there is one.
#[derive(Default)]
pub struct Door {
    state: Mutex<Behind>,
    moved: Condvar,
}

/// What is behind the door.
#[derive(Clone, Default)]
enum Behind {
    #[default]
    Reading,
    Open(Arc<Changes>),
    Broken(String),
}

impl Door {
    /// A closed one: the store is being read.
    pub fn new() -> Door {
        Door::default()
    }

    /// Opens it.
    pub fn open(&self, changes: Arc<Changes>) {
        self.set(Behind::Open(changes));
    }

    /// Shuts it: the store cannot be read, for this reason.
    pub fn shut(&self, why: String) {
        self.set(Behind::Broken(why));
    }

    /// The write side, once the door is open.
    pub fn changes(&self) -> Option<Arc<Changes>> {
        match &*self.lock() {
            Behind::Open(changes) => Some(Arc::clone(changes)),
            _ => None,
        }
    }

    fn set(&self, behind: Behind) {
        *self.lock() = behind;
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Behind> {
        // Whatever panicked, the state was set in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn through(&self, wait: Duration) -> Result<Arc<Changes>, Refusal> {
        let reading = |behind: &mut Behind| matches!(behind, Behind::Reading);
        let (behind, _) = self
            .moved
            .wait_timeout_while(self.lock(), wait, reading)
            .unwrap_or_else(PoisonError::into_inner);
        match &*behind {
            Behind::Open(changes) => Ok(Arc::clone(changes)),
            Behind::Reading => Err(Refusal::Unavailable(
                "the change log is still being read; screening goes on with the last revision \
                 that was kept; ask again"
                    .into(),
            )),
            Behind::Broken(why) => Err(Refusal::Unavailable(format!(
                "the store cannot be used ({why}); repair the data directory and start again"
            ))),
        }
    }
}

/// Methods that go through as they are.
macro_rules! through {
    ($of:ident; $(fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $gives:ty;)*) => {
        $(
            fn $name(&self, $($arg: $type),*) -> Result<$gives, Refusal> {
                $of::$name(&*self.through(WAIT)?, $($arg),*)
            }
        )*
    };
}

impl Control for Door {
    through! {
        Control;
        fn draft(caller: Caller, draft: Draft) -> ChangeSet;
        fn edit(caller: Caller, id: ChangeSetId, etag: Option<u64>, edits: Vec<Edit>) -> ChangeSet;
        fn unedit(caller: Caller, id: ChangeSetId, etag: Option<u64>, edits: Vec<u32>) -> ChangeSet;
        fn check(id: ChangeSetId) -> CheckReport;
        fn preview(id: ChangeSetId) -> Preview;
        fn submit(caller: Caller, id: ChangeSetId, etag: Option<u64>, accept: bool) -> ChangeSet;
        fn approve(caller: Caller, id: ChangeSetId, note: &str) -> ChangeSet;
        fn reject(caller: Caller, id: ChangeSetId, note: &str) -> ChangeSet;
        fn withdraw(caller: Caller, id: ChangeSetId) -> ChangeSet;
        fn commit(caller: Caller, id: ChangeSetId, glass: Option<&str>) -> (ChangeSet, Live);
        fn review(caller: Caller, id: ChangeSetId, note: &str) -> ChangeSet;
        fn change_set(id: ChangeSetId) -> ChangeSet;
        fn edits(id: ChangeSetId, page: PageRequest<'_>) -> Page<Edit>;
        fn change_sets(state: Option<State>, page: PageRequest<'_>) -> Page<ChangeSet>;
        fn rollback(caller: Caller, to: Revision, reason: &str) -> ChangeSet;
        fn diff(earlier: Revision, later: Revision, page: PageRequest<'_>) -> Page<Changed>;
        fn lists(at: Option<Revision>) -> Vec<ListState>;
        fn list(id: &str, at: Option<Revision>) -> ListState;
        fn entries(
            list: &str,
            prefix: &str,
            at: Option<Revision>,
            page: PageRequest<'_>,
        ) -> Page<EntryVersion>;
        fn history(list: &str, key: &str) -> Vec<EntryVersion>;
        fn why(question: &Question, at: Option<Revision>) -> Why;
        fn import(
            caller: Caller,
            request: &ImportRequest,
            octets: &mut dyn BufRead,
            progress: &mut dyn FnMut(u64),
        ) -> ImportReport;
        fn export(
            caller: Caller,
            list: &str,
            format: Format,
            at: Option<Revision>,
            out: &mut dyn Write,
        ) -> u64;
        fn set_mode(
            caller: Caller,
            scope: &ModeScope,
            mode: Mode,
            reason: &str,
        ) -> (ChangeSet, Option<Live>);
        fn audit(after: Cursor, max: usize) -> Vec<AuditRecord>;
        fn erase(caller: Caller, cursors: &[Cursor], reason: &str) -> ();
    }

    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        let changes =
            self.through(WAIT).map_err(|refusal| LogError::Unavailable(refusal.to_string()))?;
        Control::verify(&*changes, progress)
    }
}

impl Sources for Door {
    through! {
        Sources;
        fn subscribe(caller: Caller, subscription: Subscription) -> SourceState;
        fn unsubscribe(caller: Caller, name: &str) -> ();
        fn sources() -> Vec<SourceState>;
        fn refresh(
            caller: Caller,
            name: &str,
            progress: &mut dyn FnMut(u64, Option<u64>),
        ) -> Refresh;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shut_door_says_why_and_a_closed_one_says_to_ask_again() {
        let door = Door::new();
        let Err(Refusal::Unavailable(what)) = door.through(Duration::ZERO) else { panic!() };
        assert!(what.contains("ask again"), "{what}");
        assert!(door.changes().is_none());
        door.shut("page 7 is torn".into());
        let Err(Refusal::Unavailable(what)) = door.lists(None) else { panic!() };
        assert!(what.contains("page 7 is torn"), "{what}");
        let Err(LogError::Unavailable(what)) = door.verify(&mut |_| {}) else { panic!() };
        assert!(what.contains("page 7 is torn"), "{what}");
    }
}
