//! Counts what ordinary attempts met, and puts in words what is too much.

use std::collections::BTreeMap;

use super::Refusal;

/// Lists named in one refusal: a person repairs the first and checks again.
const NAMED_MAX: usize = 3;

/// How many of the ordinary attempts of one kind may be held or blocked.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// So many...
    pub stopped: usize,
    /// ...of so many.
    pub of: usize,
    /// Fewer than this are never too many.
    pub least: usize,
}

impl Limit {
    fn is_passed(self, count: usize, tried: usize) -> bool {
        count >= self.least && count * self.of > tried * self.stopped
    }
}

/// Counts over attempts of one kind.
#[derive(Default)]
pub(super) struct Tally {
    pub tried: usize,
    pub stopped: usize,
    pub lists: BTreeMap<String, Seen>,
}

/// What a list did.
#[derive(Default)]
pub(super) struct Seen {
    /// Attempts that it stops by itself.
    pub alone: usize,
    /// Attempts that it has a part in stopping.
    pub helped: usize,
    /// By entry, how often it was met.
    pub entries: BTreeMap<String, usize>,
}

impl Tally {
    /// Refuses what is over the limit.
    pub(super) fn judge(self, limit: Limit, what: &str, refusals: &mut Vec<Refusal>) {
        let tried = self.tried;
        let much = |count: usize| limit.is_passed(count, tried);
        let mut lists: Vec<(String, Seen)> = self.lists.into_iter().collect();
        lists.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.alone, seen.helped)));
        let limit = format!("at most {} in {} are allowed", limit.stopped, limit.of);
        let named = lists.iter().filter(|(_, seen)| much(self.stopped) || much(seen.alone));
        let before = refusals.len();
        for (list, seen) in named.take(NAMED_MAX) {
            let count = if much(seen.alone) { seen.alone } else { self.stopped };
            let part = if much(seen.alone) { "would" } else { "with others would" };
            let most = seen.entries.iter().max_by_key(|(_, met)| **met);
            let entry = most.map_or("", |(entry, _)| entry);
            refusals.push(Refusal {
                message: format!(
                    "list {list} {part} hold or block {count} of {tried} ordinary {what}, {limit}; \
                     narrow what hits most, {entry}, or use effect=label, few points or shadow=yes"
                ),
                list: Some(list.clone()),
            });
        }
        if refusals.len() == before && much(self.stopped) {
            refusals.push(Refusal {
                message: format!(
                    "the catalogue would hold or block {} of {tried} ordinary {what}, {limit}; \
                     narrow the class rows or raise the thresholds",
                    self.stopped
                ),
                list: None,
            });
        }
    }
}
