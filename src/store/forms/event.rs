//! The stored forms of events and drafts.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::edit::EditForm;
use super::source::SubscriptionForm;
use super::{FormError, need};
use crate::lists::event::{Draft, DraftOrigin, Event};
use crate::model::catalogue::{ChangeSetId, Cursor};
use crate::model::revision::{Digest, Revision};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftForm<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow)]
    ticket: Cow<'a, str>,
    #[serde(borrow)]
    origin: OriginForm<'a>,
    #[serde(borrow)]
    request_id: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OriginForm<'a> {
    Person,
    Rollback(u64),
    StarterPacks(#[serde(borrow)] Cow<'a, str>),
    Source(#[serde(borrow)] Cow<'a, str>),
    Watch,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum EventForm<'a> {
    Drafted(#[serde(borrow)] DraftForm<'a>),
    Edited {
        change_set: u64,
        #[serde(borrow)]
        edits: Vec<EditForm<'a>>,
    },
    Unedited {
        change_set: u64,
        edits: Cow<'a, [u32]>,
    },
    Submitted {
        change_set: u64,
        warnings_accepted: bool,
    },
    Approved {
        change_set: u64,
        #[serde(borrow)]
        note: Cow<'a, str>,
    },
    Rejected {
        change_set: u64,
        #[serde(borrow)]
        note: Cow<'a, str>,
    },
    Withdrawn {
        change_set: u64,
    },
    Committed {
        change_set: u64,
        revision: u64,
        previous: String,
        break_glass: Option<Cow<'a, str>>,
    },
    Reviewed {
        change_set: u64,
        #[serde(borrow)]
        note: Cow<'a, str>,
    },
    Accessed {
        #[serde(borrow)]
        what: Cow<'a, str>,
    },
    Erased {
        cursors: Vec<u64>,
        #[serde(borrow)]
        reason: Cow<'a, str>,
    },
    Subscribed(#[serde(borrow)] Box<SubscriptionForm<'a>>),
    Unsubscribed {
        #[serde(borrow)]
        name: Cow<'a, str>,
    },
}

fn borrowed(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

impl<'a> From<&'a Draft> for DraftForm<'a> {
    fn from(draft: &'a Draft) -> Self {
        DraftForm {
            title: borrowed(&draft.title),
            reason: borrowed(&draft.reason),
            ticket: borrowed(&draft.ticket),
            origin: match &draft.origin {
                DraftOrigin::Person => OriginForm::Person,
                DraftOrigin::Rollback(revision) => OriginForm::Rollback(revision.0),
                DraftOrigin::StarterPacks(version) => OriginForm::StarterPacks(borrowed(version)),
                DraftOrigin::Source(source) => OriginForm::Source(borrowed(source)),
                DraftOrigin::Watch => OriginForm::Watch,
            },
            request_id: borrowed(&draft.request_id),
        }
    }
}

impl DraftForm<'_> {
    fn read(self) -> Draft {
        Draft {
            title: self.title.into(),
            reason: self.reason.into(),
            ticket: self.ticket.into(),
            origin: match self.origin {
                OriginForm::Person => DraftOrigin::Person,
                OriginForm::Rollback(revision) => DraftOrigin::Rollback(Revision(revision)),
                OriginForm::StarterPacks(version) => DraftOrigin::StarterPacks(version.into()),
                OriginForm::Source(source) => DraftOrigin::Source(source.into()),
                OriginForm::Watch => DraftOrigin::Watch,
            },
            request_id: self.request_id.into(),
        }
    }
}

impl<'a> From<&'a Event> for EventForm<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::Drafted(draft) => EventForm::Drafted(draft.into()),
            Event::Edited { change_set, edits } => EventForm::Edited {
                change_set: change_set.0,
                edits: edits.iter().map(EditForm::from).collect(),
            },
            Event::Unedited { change_set, edits } => {
                EventForm::Unedited { change_set: change_set.0, edits: edits.into() }
            }
            Event::Submitted { change_set, warnings_accepted } => EventForm::Submitted {
                change_set: change_set.0,
                warnings_accepted: *warnings_accepted,
            },
            Event::Approved { change_set, note } => {
                EventForm::Approved { change_set: change_set.0, note: borrowed(note) }
            }
            Event::Rejected { change_set, note } => {
                EventForm::Rejected { change_set: change_set.0, note: borrowed(note) }
            }
            Event::Withdrawn { change_set } => EventForm::Withdrawn { change_set: change_set.0 },
            Event::Committed { change_set, revision, previous, break_glass } => {
                EventForm::Committed {
                    change_set: change_set.0,
                    revision: revision.0,
                    previous: previous.to_string(),
                    break_glass: break_glass.as_deref().map(borrowed),
                }
            }
            Event::Reviewed { change_set, note } => {
                EventForm::Reviewed { change_set: change_set.0, note: borrowed(note) }
            }
            Event::Accessed { what } => EventForm::Accessed { what: borrowed(what) },
            Event::Erased { cursors, reason } => EventForm::Erased {
                cursors: cursors.iter().map(|cursor| cursor.0).collect(),
                reason: borrowed(reason),
            },
            Event::Subscribed(one) => EventForm::Subscribed(Box::new((&**one).into())),
            Event::Unsubscribed { name } => EventForm::Unsubscribed { name: borrowed(name) },
        }
    }
}

impl EventForm<'_> {
    pub(super) fn read(self) -> Result<Event, FormError> {
        let id = ChangeSetId;
        Ok(match self {
            EventForm::Drafted(draft) => Event::Drafted(draft.read()),
            EventForm::Edited { change_set, edits } => Event::Edited {
                change_set: id(change_set),
                edits: edits.into_iter().map(EditForm::read).collect::<Result<_, _>>()?,
            },
            EventForm::Unedited { change_set, edits } => {
                Event::Unedited { change_set: id(change_set), edits: edits.into_owned() }
            }
            EventForm::Submitted { change_set, warnings_accepted } => {
                Event::Submitted { change_set: id(change_set), warnings_accepted }
            }
            EventForm::Approved { change_set, note } => {
                Event::Approved { change_set: id(change_set), note: note.into() }
            }
            EventForm::Rejected { change_set, note } => {
                Event::Rejected { change_set: id(change_set), note: note.into() }
            }
            EventForm::Withdrawn { change_set } => Event::Withdrawn { change_set: id(change_set) },
            EventForm::Committed { change_set, revision, previous, break_glass } => {
                Event::Committed {
                    change_set: id(change_set),
                    revision: Revision(revision),
                    previous: need(Digest::parse(&previous), "previous")?,
                    break_glass: break_glass.map(Into::into),
                }
            }
            EventForm::Reviewed { change_set, note } => {
                Event::Reviewed { change_set: id(change_set), note: note.into() }
            }
            EventForm::Accessed { what } => Event::Accessed { what: what.into() },
            EventForm::Erased { cursors, reason } => Event::Erased {
                cursors: cursors.into_iter().map(Cursor).collect(),
                reason: reason.into(),
            },
            EventForm::Subscribed(one) => Event::Subscribed(Box::new(one.read()?)),
            EventForm::Unsubscribed { name } => Event::Unsubscribed { name: name.into() },
        })
    }
}
