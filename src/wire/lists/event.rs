//! Records of the log on the wire: what happened, in words that hold no value of any list.

use prost::bytes::Bytes;

use crate::lists::event::Event;
use crate::model::catalogue::{Actor, Cursor};
use crate::model::revision::Digest;
use crate::model::time::Timestamp;

use super::{change_set, pb};

/// A record on the wire; without content it is erased.
pub fn record(
    cursor: Cursor,
    time: Timestamp,
    hash: Digest,
    content: Option<&(Actor, Event)>,
) -> pb::AuditRecord {
    let mut record = pb::AuditRecord {
        cursor: cursor.0,
        record_time: Some(super::time(time)),
        hash: Bytes::copy_from_slice(&hash.0),
        erased: content.is_none(),
        ..Default::default()
    };
    if let Some((actor, event)) = content {
        record.actor = actor.to_string();
        record.kind = kind(event).into();
        // The id of a change-set is the cursor of the record that drafted it.
        let drafted = matches!(event, Event::Drafted(_)).then_some(cursor.0);
        record.change_set_id = event.change_set().map(|id| id.0).or(drafted).unwrap_or(0);
        if let Event::Committed { revision, .. } = event {
            record.revision = revision.0;
        }
        record.summary = summary(event);
    }
    record
}

fn kind(event: &Event) -> pb::EventKind {
    match event {
        Event::Drafted(_) => pb::EventKind::Drafted,
        Event::Edited { .. } => pb::EventKind::Edited,
        Event::Unedited { .. } => pb::EventKind::Unedited,
        Event::Submitted { .. } => pb::EventKind::Submitted,
        Event::Approved { .. } => pb::EventKind::Approved,
        Event::Rejected { .. } => pb::EventKind::Rejected,
        Event::Withdrawn { .. } => pb::EventKind::Withdrawn,
        Event::Committed { .. } => pb::EventKind::Committed,
        Event::Reviewed { .. } => pb::EventKind::Reviewed,
        Event::Accessed { .. } => pb::EventKind::Accessed,
        Event::Erased { .. } => pb::EventKind::Erased,
        Event::Subscribed(_) => pb::EventKind::Subscribed,
        Event::Unsubscribed { .. } => pb::EventKind::Unsubscribed,
    }
}

fn summary(event: &Event) -> String {
    match event {
        Event::Drafted(draft) => {
            let origin = change_set::origin(&draft.origin);
            let of = if origin.is_empty() { origin } else { format!(" ({origin})") };
            format!("{}{of}", draft.title)
        }
        Event::Edited { edits, .. } => {
            let mut lists: Vec<&str> = edits.iter().map(|edit| edit.list()).collect();
            lists.sort_unstable();
            lists.dedup();
            let named = lists.iter().take(5).copied().collect::<Vec<_>>().join(", ");
            let more = if lists.len() > 5 { ", …" } else { "" };
            format!("{} edits of {named}{more}", edits.len())
        }
        Event::Unedited { edits, .. } => format!("{} edits taken out", edits.len()),
        Event::Submitted { warnings_accepted: true, .. } => "warnings accepted".to_owned(),
        Event::Submitted { .. } | Event::Withdrawn { .. } => String::new(),
        Event::Approved { note, .. }
        | Event::Rejected { note, .. }
        | Event::Reviewed { note, .. } => note.to_string(),
        Event::Committed { revision, break_glass, .. } => match break_glass {
            Some(reason) => format!("revision {revision} by break-glass: {reason}"),
            None => format!("revision {revision}"),
        },
        Event::Accessed { what } => what.to_string(),
        Event::Erased { cursors, reason } => format!("{} records: {reason}", cursors.len()),
        Event::Subscribed(one) => format!("source {} fills {}: {}", one.name, one.list, one.url),
        Event::Unsubscribed { name } => format!("source {name}"),
    }
}
