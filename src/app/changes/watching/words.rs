//! What the watch says: in the log of the program, in the title and the reason of a change-set.
//!
//! Invariant: counts and the list's id only; no key of an entry, which may be a number.

use crate::app::watch::{Finding, Target};
use crate::model::revision::Revision;

/// Octets of a list's id that a title quotes: the counts must fit behind it.
const TITLE_LIST_BYTES_MAX: usize = 100;

/// Tells people. Counts and the list only: entries are personal data.
pub(super) fn alert(found: &Finding, dropped: Option<Revision>) {
    let (thing, over) = (&found.thing, &found.over);
    tracing::warn!(
        list = %thing.list,
        revision = thing.revision.0,
        entries = thing.keys().len(),
        decided = over.decided,
        of = over.of,
        limit = over.limit,
        of_trunk = over.of_trunk,
        after_ms = found.after_ms,
        shadow_since_revision = dropped.map(|revision| revision.0),
        "a change decides more than its limit in its first minute"
    );
}

/// How the title of a change-set that drops a whole list begins.
pub(super) fn title_of_list(list: &str) -> String {
    format!("watch: list {} decided ", list_name(list))
}

fn list_name(list: &str) -> &str {
    let end = list.char_indices().map(|(at, _)| at).find(|at| *at > TITLE_LIST_BYTES_MAX);
    &list[..end.unwrap_or(list.len())]
}

/// The title of a change-set.
pub(super) fn title(first: &Finding, count: usize) -> String {
    let over = &first.over;
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    let head = match &first.thing.target {
        Target::List => title_of_list(&first.thing.list),
        Target::Entry(_) => format!("watch: an entry of {} decided ", list_name(&first.thing.list)),
        Target::Entries(keys) => {
            format!("watch: {} entries of {} decided ", keys.len(), list_name(&first.thing.list))
        }
    };
    let on = if over.of_trunk { " of a trunk" } else { "" };
    format!("{head}{} of {} verdicts{on}; to shadow{more}", over.decided, over.of)
}

/// Findings that a reason tells in full: more would not fit.
const FINDINGS_TOLD_MAX: usize = 10;

/// Its reason, with the counts.
pub(super) fn reason(due: &[&Finding]) -> String {
    let one = |found: &&Finding| {
        let (thing, over) = (&found.thing, &found.over);
        let what = match &thing.target {
            Target::List => "the list".to_owned(),
            Target::Entry(_) => "an entry".to_owned(),
            Target::Entries(keys) => format!("{} entries together", keys.len()),
        };
        format!(
            "{what} of revision {} decided {} of {} verdicts{} within {} s; the limit there is {}",
            thing.revision,
            over.decided,
            over.of,
            if over.of_trunk { " on one trunk" } else { "" },
            found.after_ms / 1_000,
            over.limit
        )
    };
    let mut told: Vec<String> = due.iter().take(FINDINGS_TOLD_MAX).map(one).collect();
    told.push("look at it; whoever enforces it again overrules the watch".to_owned());
    told.join(". ")
}
