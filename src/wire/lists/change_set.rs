//! Change-sets, edits and differences, to and from the wire.

use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin};
use crate::lists::row::Row;
use crate::lists::view::Changed;
use crate::model::catalogue::{Actor, BlobId};
use crate::model::entry::ListSpec;

use super::row::{key_read, row, row_read, segment};
use super::{NAME_BYTES_MAX, NOTE_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX};
use super::{Violations, pb, spec};

/// A change-set on the wire.
pub fn change_set(set: &ChangeSet) -> pb::ChangeSet {
    let signature = |signed: &Option<(Actor, Box<str>)>| {
        let (actor, note) = signed.as_ref()?;
        Some(pb::Signature { actor: actor.to_string(), note: note.to_string() })
    };
    pb::ChangeSet {
        id: set.id.0,
        draft: Some(pb::Draft {
            title: set.draft.title.to_string(),
            reason: set.draft.reason.to_string(),
            ticket: set.draft.ticket.to_string(),
        }),
        origin: origin(&set.draft.origin),
        author: set.author.to_string(),
        create_time: Some(super::time(set.created)),
        state: state(set.state).into(),
        revision: if let State::Committed(revision) = set.state { revision.0 } else { 0 },
        edit_count: set.edit_count,
        etag: super::etag_text(set.etag),
        warnings_accepted: set.warnings_accepted,
        approval: signature(&set.approved_by),
        break_glass_reason: set.break_glass.as_deref().unwrap_or_default().to_owned(),
        review: signature(&set.reviewed_by),
        end_time: set.ended.map(super::time),
        committer: set.committed_by.map(|actor| actor.to_string()).unwrap_or_default(),
    }
}

/// Where a change-set comes from, in words.
pub fn origin(origin: &DraftOrigin) -> String {
    match origin {
        DraftOrigin::Person => String::new(),
        DraftOrigin::Rollback(revision) => format!("rollback to revision {revision}"),
        DraftOrigin::StarterPacks(version) => format!("starter packs {version}"),
        DraftOrigin::Source(name) => format!("source {name}"),
        DraftOrigin::Watch => "watch".to_owned(),
    }
}

fn state(state: State) -> pb::ChangeSetState {
    match state {
        State::Draft => pb::ChangeSetState::Draft,
        State::Submitted => pb::ChangeSetState::Submitted,
        State::Approved => pb::ChangeSetState::Approved,
        State::Committed(_) => pb::ChangeSetState::Committed,
        State::Rejected => pb::ChangeSetState::Rejected,
        State::Withdrawn => pb::ChangeSetState::Withdrawn,
    }
}

/// Reads a filter by state; which revision does not matter there.
///
/// Errors: a state that is not known here.
pub fn state_read(value: i32) -> Result<Option<State>, Violations> {
    let unknown = |_| Violations::one("state", "is not known to this version");
    Ok(match pb::ChangeSetState::try_from(value).map_err(unknown)? {
        pb::ChangeSetState::Unspecified => None,
        pb::ChangeSetState::Draft => Some(State::Draft),
        pb::ChangeSetState::Submitted => Some(State::Submitted),
        pb::ChangeSetState::Approved => Some(State::Approved),
        pb::ChangeSetState::Committed => Some(State::Committed(Default::default())),
        pb::ChangeSetState::Rejected => Some(State::Rejected),
        pb::ChangeSetState::Withdrawn => Some(State::Withdrawn),
    })
}

/// Reads what a change-set is for; it comes from a person.
///
/// Errors: no title, or a text that is too long.
pub fn draft_read(draft: Option<&pb::Draft>, request_id: &str) -> Result<Draft, Violations> {
    super::texts(&[("request_id", request_id, NAME_BYTES_MAX)])?;
    let draft = draft.ok_or_else(|| Violations::one("draft.title", "must not be empty"))?;
    super::required("draft.title", &draft.title, TITLE_BYTES_MAX)?;
    super::texts(&[
        ("draft.reason", &draft.reason, NOTE_BYTES_MAX),
        ("draft.ticket", &draft.ticket, NAME_BYTES_MAX),
    ])?;
    Ok(Draft {
        title: draft.title.as_str().into(),
        reason: draft.reason.as_str().into(),
        ticket: draft.ticket.as_str().into(),
        origin: DraftOrigin::Person,
        request_id: request_id.into(),
    })
}

/// An edit on the wire.
pub fn edit(edit: &Edit) -> pb::Edit {
    use pb::edit::Edit as To;
    let list_id = edit.list().to_owned();
    let edit = match edit {
        Edit::PutList(spec) => To::PutList(spec::spec(spec)),
        Edit::RemoveList { .. } => To::RemoveList(list_id),
        Edit::Clear { key, .. } => To::ClearEntry(pb::EntryKey { list_id, key: key.to_string() }),
        Edit::Put { row: entry, .. } => {
            To::PutEntry(pb::PutEntry { list_id, row: Some(row(entry)) })
        }
        Edit::Remove { key, .. } => To::RemoveEntry(pb::EntryKey { list_id, key: key.to_string() }),
        Edit::PutSegment { segment: used, .. } => {
            To::PutSegment(pb::UseSegment { list_id, segment: Some(segment(used)) })
        }
        Edit::RemoveSegment { blob, .. } => {
            let segment = pb::Segment { blob: blob.to_string(), ..Default::default() };
            To::RemoveSegment(pb::UseSegment { list_id, segment: Some(segment) })
        }
    };
    pb::Edit { edit: Some(edit) }
}

/// Reads an edit; `list` gives what is said of a list that rows belong to.
///
/// Errors: the fields that are wrong, or what `list` says.
pub fn edit_read<E: From<Violations>>(
    edit: &pb::Edit,
    list: &mut dyn FnMut(&str) -> Result<ListSpec, E>,
) -> Result<Edit, E> {
    use pb::edit::Edit as From;
    let missing = |field: &str| Violations::one(field, "must be set");
    Ok(match &edit.edit {
        None => return Err(missing("edit").into()),
        Some(From::PutList(wanted)) => {
            let read = spec::spec_read(wanted).map_err(|found| found.under("put_list"))?;
            Edit::PutList(Box::new(read))
        }
        Some(From::RemoveList(id)) => Edit::RemoveList { list: list_id("remove_list", id)? },
        Some(From::ClearEntry(entry)) => {
            let id = list_id("clear_entry.list_id", &entry.list_id)?;
            super::required("clear_entry.key", &entry.key, TEXT_BYTES_MAX)?;
            let key = key_read(&list(&id)?, &entry.key);
            Edit::Clear { list: id, key }
        }
        Some(From::PutEntry(put)) => {
            let id = list_id("put_entry.list_id", &put.list_id)?;
            let given = put.row.as_ref().ok_or_else(|| missing("put_entry.row"))?;
            let read = row_read(&list(&id)?, given).map_err(|f| f.under("put_entry.row"))?;
            Edit::Put { list: id, row: read }
        }
        Some(From::RemoveEntry(entry)) => {
            let id = list_id("remove_entry.list_id", &entry.list_id)?;
            super::required("remove_entry.key", &entry.key, TEXT_BYTES_MAX)?;
            let key = key_read(&list(&id)?, &entry.key);
            Edit::Remove { list: id, key }
        }
        Some(From::PutSegment(_)) => {
            let what = "is set by the server alone: bring values in by ImportEntries";
            return Err(Violations::one("put_segment", what).into());
        }
        Some(From::RemoveSegment(used)) => {
            let id = list_id("remove_segment.list_id", &used.list_id)?;
            let blob = used.segment.as_ref().and_then(|segment| BlobId::parse(&segment.blob));
            let wrong = || {
                let what = "must be 64 hexadecimal digits";
                Violations::one("remove_segment.segment.blob", what)
            };
            Edit::RemoveSegment { list: id, blob: blob.ok_or_else(wrong)? }
        }
    })
}

fn list_id(field: &str, id: &str) -> Result<Box<str>, Violations> {
    super::required(field, id, NAME_BYTES_MAX).map(Into::into)
}

/// A difference on the wire.
pub fn change(changed: &Changed) -> pb::Change {
    use pb::change::Change as To;
    let entry = |row: &Option<Row>| pb::EntryState { row: row.as_ref().map(self::row) };
    let change = match changed {
        Changed::List { list, before, after } => To::List(pb::ListChange {
            list_id: list.to_string(),
            before: before.as_deref().map(spec::spec),
            after: after.as_deref().map(spec::spec),
        }),
        Changed::Entry { list, key, before, after } => To::Entry(pb::EntryChange {
            list_id: list.to_string(),
            key: key.to_string(),
            before: before.as_ref().map(entry),
            after: after.as_ref().map(entry),
        }),
        Changed::Segment { list, segment: used, added } => To::Segment(pb::SegmentChange {
            list_id: list.to_string(),
            segment: Some(segment(used)),
            added: *added,
        }),
    };
    pb::Change { change: Some(change) }
}
