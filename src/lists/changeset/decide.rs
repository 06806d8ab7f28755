//! Who may do what with a change-set, now: each question gives the event to write, or says why not.

use std::fmt;

use super::{
    Book, ChangeSet, EDITS_MAX, NAME_BYTES_MAX, NOTE_BYTES_MAX, OPEN_MAX, State, TITLE_BYTES_MAX,
};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin, Event};
use crate::lists::subscription::{SUBSCRIPTIONS_MAX, Subscription, Wrong};
use crate::model::catalogue::{Actor, ChangeSetId};
use crate::model::revision::Digest;

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no such change-set.
    NotFound,
    /// It is over: committed, rejected or withdrawn.
    Over(State),
    /// Its edits are closed.
    NotDraft(State),
    /// It is not closed yet, or approved already.
    NotSubmitted(State),
    /// Only who began it may do that.
    NotAuthor(Actor),
    /// Another person has to do that than who began (or committed) it.
    SamePerson(Actor),
    /// A second person has to agree first, for this reason.
    NeedsApproval(String),
    /// It was changed since it was read.
    Stale {
        /// The etag that holds now.
        etag: u64,
    },
    /// It has no edits.
    Empty,
    /// There is no edit at that place.
    NoSuchEdit(u32),
    /// A limit: which one, in words.
    TooLarge(String),
    /// Too many change-sets are open.
    TooManyOpen,
    /// It waits for no review.
    NoReviewDue,
}

impl Denied {
    /// A stable upper-case name.
    pub fn reason(&self) -> &'static str {
        match self {
            Denied::NotFound => "NOT_FOUND",
            Denied::Over(_) => "OVER",
            Denied::NotDraft(_) => "NOT_DRAFT",
            Denied::NotSubmitted(_) => "NOT_SUBMITTED",
            Denied::NotAuthor(_) => "NOT_AUTHOR",
            Denied::SamePerson(_) => "SAME_PERSON",
            Denied::NeedsApproval(_) => "NEEDS_APPROVAL",
            Denied::Stale { .. } => "STALE",
            Denied::Empty => "EMPTY",
            Denied::NoSuchEdit(_) => "NO_SUCH_EDIT",
            Denied::TooLarge(_) => "TOO_LARGE",
            Denied::TooManyOpen => "TOO_MANY_OPEN",
            Denied::NoReviewDue => "NO_REVIEW_DUE",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::NotFound => f.write_str("there is no such change-set"),
            Denied::Over(state) => {
                write!(f, "the change-set is {}; begin another one", state.as_str())
            }
            Denied::NotDraft(state) => write!(
                f,
                "the change-set is {}, its edits are closed; withdraw it and begin another one",
                state.as_str()
            ),
            Denied::NotSubmitted(state) => {
                write!(f, "the change-set is {}, expected a submitted one", state.as_str())
            }
            Denied::NotAuthor(author) => write!(f, "only its author {author} may do that"),
            Denied::SamePerson(actor) => {
                write!(f, "it takes another person than {actor}, whose change it is")
            }
            Denied::NeedsApproval(why) => write!(f, "a second person has to approve it: {why}"),
            Denied::Stale { etag } => {
                write!(f, "it was changed since it was read; read it again (etag {etag})")
            }
            Denied::Empty => f.write_str("the change-set has no edits"),
            Denied::NoSuchEdit(place) => write!(f, "the change-set has no edit at place {place}"),
            Denied::TooLarge(what) => f.write_str(what),
            Denied::TooManyOpen => {
                write!(f, "{OPEN_MAX} change-sets are open; commit or withdraw some of them first")
            }
            Denied::NoReviewDue => f.write_str("the change-set waits for no review"),
        }
    }
}

impl std::error::Error for Denied {}

/// What a commit rests on besides the book.
#[derive(Clone, Debug, Default)]
pub struct CommitFacts<'a> {
    /// Digest of the newest revision.
    pub previous: Digest,
    /// A second person has to agree, for this reason.
    pub second_person: Option<String>,
    /// It shall go ahead without one, for this reason.
    pub break_glass: Option<&'a str>,
}

impl Book {
    /// Begins a change-set. Ask [`Book::by_request`] first whether it is a repeat.
    ///
    /// Errors: too many are open, or a field is too long.
    pub fn draft(&self, draft: Draft) -> Result<Event, Denied> {
        if self.open.len() >= OPEN_MAX {
            return Err(Denied::TooManyOpen);
        }
        let source: &str = match &draft.origin {
            DraftOrigin::Source(name) | DraftOrigin::StarterPacks(name) => name,
            DraftOrigin::Person | DraftOrigin::Rollback(_) | DraftOrigin::Watch => "",
        };
        short("title", &draft.title, TITLE_BYTES_MAX)?;
        short("reason", &draft.reason, NOTE_BYTES_MAX)?;
        short("ticket", &draft.ticket, NAME_BYTES_MAX)?;
        short("request id", &draft.request_id, NAME_BYTES_MAX)?;
        short("origin", source, NAME_BYTES_MAX)?;
        Ok(Event::Drafted(draft))
    }

    /// Adds edits.
    ///
    /// Errors: not a draft, not its author, stale, too many edits.
    pub fn edit(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<Event, Denied> {
        let set = self.draft_of(id, actor, etag)?;
        if edits.is_empty() {
            return Err(Denied::Empty);
        }
        if set.edits.len() + edits.len() > EDITS_MAX {
            return Err(Denied::TooLarge(format!(
                "a change-set has at most {EDITS_MAX} edits; import more as a segment"
            )));
        }
        Ok(Event::Edited { change_set: id, edits })
    }

    /// Takes edits out, by their places.
    ///
    /// Errors: not a draft, not its author, stale, no such edit.
    pub fn unedit(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        mut places: Vec<u32>,
    ) -> Result<Event, Denied> {
        let set = self.draft_of(id, actor, etag)?;
        places.sort_unstable();
        places.dedup();
        match places.last() {
            None => Err(Denied::Empty),
            Some(last) if *last as usize >= set.edits.len() => Err(Denied::NoSuchEdit(*last)),
            Some(_) => Ok(Event::Unedited { change_set: id, edits: places }),
        }
    }

    /// Closes a draft. Whether its findings allow that is asked elsewhere. What a source brought
    /// has no person as its author: whoever has looked at it closes it.
    ///
    /// Errors: not a draft, not its author, stale, no edits.
    pub fn submit(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        warnings_accepted: bool,
    ) -> Result<Event, Denied> {
        let by = match self.live(id, etag)? {
            set if matches!(set.draft.origin, DraftOrigin::Source(_)) => set.author,
            _ => actor,
        };
        let set = self.draft_of(id, by, etag)?;
        if set.edits.is_empty() {
            return Err(Denied::Empty);
        }
        Ok(Event::Submitted { change_set: id, warnings_accepted })
    }

    /// Agrees. Who subscribed to a source chose what it brings: it takes another person.
    ///
    /// Errors: not submitted, the author, who subscribed, stale, the note is too long.
    pub fn approve(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        note: &str,
    ) -> Result<Event, Denied> {
        let set = self.live(id, etag)?;
        if set.state != State::Submitted {
            return Err(Denied::NotSubmitted(set.state));
        }
        another(set, actor)?;
        if let DraftOrigin::Source(name) = &set.draft.origin
            && self.subscription(name).is_some_and(|(_, source)| source.owner == actor)
        {
            return Err(Denied::SamePerson(actor));
        }
        short("note", note, NOTE_BYTES_MAX)?;
        Ok(Event::Approved { change_set: id, note: note.into() })
    }

    /// Refuses, also what another one has approved.
    ///
    /// Errors: a draft or over, the author, stale, the note is too long.
    pub fn reject(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        note: &str,
    ) -> Result<Event, Denied> {
        let set = self.live(id, etag)?;
        if set.state == State::Draft {
            return Err(Denied::NotSubmitted(set.state));
        }
        another(set, actor)?;
        short("note", note, NOTE_BYTES_MAX)?;
        Ok(Event::Rejected { change_set: id, note: note.into() })
    }

    /// Gives it up.
    ///
    /// Errors: over, not its author, stale.
    pub fn withdraw(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
    ) -> Result<Event, Denied> {
        let set = self.live(id, etag)?;
        author(set, actor)?;
        Ok(Event::Withdrawn { change_set: id })
    }

    /// Makes it the next revision.
    ///
    /// Errors: a draft or over, stale, a second person is needed and there is neither one nor a
    /// reason to go ahead without.
    pub fn commit(
        &self,
        id: ChangeSetId,
        etag: Option<u64>,
        facts: CommitFacts<'_>,
    ) -> Result<Event, Denied> {
        let set = self.live(id, etag)?;
        if set.state == State::Draft {
            return Err(Denied::NotSubmitted(set.state));
        }
        let lonely = facts.second_person.filter(|_| set.approved_by.is_none());
        let break_glass = match (lonely, facts.break_glass.map(str::trim)) {
            (None, _) => None,
            (Some(why), None | Some("")) => return Err(Denied::NeedsApproval(why)),
            (Some(_), Some(reason)) => {
                short("reason", reason, NOTE_BYTES_MAX)?;
                Some(reason.into())
            }
        };
        let revision = crate::model::revision::Revision(self.revision().0 + 1);
        let previous = facts.previous;
        Ok(Event::Committed { change_set: id, revision, previous, break_glass })
    }

    /// Ends the review that break-glass opened.
    ///
    /// Errors: no review is due, the author or who committed it, stale, the note is too long.
    pub fn review(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
        note: &str,
    ) -> Result<Event, Denied> {
        let set = self.fresh(id, etag)?;
        if set.break_glass.is_none() || set.reviewed_by.is_some() {
            return Err(Denied::NoReviewDue);
        }
        another(set, actor)?;
        if set.committed_by == Some(actor) {
            return Err(Denied::SamePerson(actor));
        }
        short("note", note, NOTE_BYTES_MAX)?;
        Ok(Event::Reviewed { change_set: id, note: note.into() })
    }

    /// Fills a list from a URL from now on.
    ///
    /// Errors: a limit, the name is taken, there are too many.
    pub fn subscribe(&self, one: Subscription) -> Result<Event, Wrong> {
        one.check()?;
        let wrong = |what: String| Err(Wrong { field: "name", what });
        if self.subscription(&one.name).is_some() {
            return wrong(format!("there is a source {} already; remove it first", one.name));
        }
        if self.subscriptions().len() >= SUBSCRIPTIONS_MAX {
            return wrong(format!("there are {SUBSCRIPTIONS_MAX} sources; remove one first"));
        }
        Ok(Event::Subscribed(Box::new(one)))
    }

    /// No longer does; `None` where there is no such subscription.
    pub fn unsubscribe(&self, name: &str) -> Option<Event> {
        self.subscription(name).map(|_| Event::Unsubscribed { name: name.into() })
    }

    fn fresh(&self, id: ChangeSetId, etag: Option<u64>) -> Result<&ChangeSet, Denied> {
        let set = self.get(id).ok_or(Denied::NotFound)?;
        match etag {
            Some(read) if read != set.etag => Err(Denied::Stale { etag: set.etag }),
            _ => Ok(set),
        }
    }

    /// A change-set that is not over.
    fn live(&self, id: ChangeSetId, etag: Option<u64>) -> Result<&ChangeSet, Denied> {
        let set = self.get(id).ok_or(Denied::NotFound)?;
        if set.state.is_over() {
            return Err(Denied::Over(set.state));
        }
        self.fresh(id, etag)
    }

    /// A draft of this person.
    fn draft_of(
        &self,
        id: ChangeSetId,
        actor: Actor,
        etag: Option<u64>,
    ) -> Result<&ChangeSet, Denied> {
        let set = self.live(id, etag)?;
        author(set, actor)?;
        if set.state == State::Draft { Ok(set) } else { Err(Denied::NotDraft(set.state)) }
    }
}

fn author(set: &ChangeSet, actor: Actor) -> Result<(), Denied> {
    if set.author == actor { Ok(()) } else { Err(Denied::NotAuthor(set.author)) }
}

fn another(set: &ChangeSet, actor: Actor) -> Result<(), Denied> {
    if set.author == actor { Err(Denied::SamePerson(actor)) } else { Ok(()) }
}

fn short(what: &str, text: &str, max: usize) -> Result<(), Denied> {
    if text.len() <= max {
        return Ok(());
    }
    Err(Denied::TooLarge(format!("{what} has {} bytes, at most {max} are allowed", text.len())))
}

#[cfg(test)]
mod tests;
