//! What becomes of what a source answers.
//!
//! Owns the line from an answer to a change-set. Must not know when sources are asked. Invariants:
//! nothing goes live unattended that a check warns of, that a second person has to agree to, or
//! that takes most of a list away; an older change-set of a source waits until a newer one that
//! has no errors is there.

use std::io::BufRead;

use super::{Fact, format_of, invalid, program};
use crate::app::changes::api::{ImportRequest, Live, Refresh, Refreshed, Refusal};
use crate::app::changes::ports::{Fetch, Fetched};
use crate::app::changes::service::Changes;
use crate::lists::Severity;
use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin};
use crate::lists::subscription::Subscription;
use crate::lists::view::View;
use crate::model::catalogue::BlobId;

/// A file of which more than one line in so many cannot be read is mostly another file.
const INVALID_ONE_IN: u64 = 5;

impl Changes {
    /// Fetches, and takes what is new.
    pub(super) fn ask(
        &self,
        fetch: &dyn Fetch,
        one: &Subscription,
        fact: &mut Fact,
        by_person: bool,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Refresh, Refusal> {
        let newest = self.newest_of(fact.of, &one.name);
        let withdrawn = newest.as_ref().is_some_and(|set| set.state == State::Withdrawn);
        // A person who asks again after errors may have mended what was wrong on this side.
        let anew = by_person && withdrawn;
        let etag = fact.etag.take().filter(|_| !anew);
        let answer = fetch.fetch(&one.url, etag.as_deref(), progress);
        // After a failure the source need not send again what is here already.
        let answer = answer.inspect_err(|_| fact.etag.clone_from(&etag))?;
        let (new_etag, sha256, file) = match answer {
            Fetched::NotModified => {
                fact.etag = etag;
                return self.settle_again(one, newest);
            }
            Fetched::New { etag, sha256, file, .. } => (etag, sha256, file),
        };
        if let Some(pinned) = one.sha256
            && pinned != sha256
        {
            return Err(Refusal::Precondition {
                reason: "PINNED",
                what: format!(
                    "source {} answers with SHA-256 {sha256}, and only {pinned} is taken; make \
                     sure that the change is meant, then remove the source and add it again",
                    one.name
                ),
            });
        }
        let drafted = newest.as_ref().filter(|set| set.edit_count > 0);
        let same = match drafted {
            // What has come since without making a change-set is newer than the change-set.
            Some(set) => {
                fact.sha256.unwrap_or(sha256) == sha256 && *set.draft.ticket == ticket(sha256)
            }
            None => fact.sha256 == Some(sha256),
        };
        let done = if same && !anew {
            self.settle_again(one, newest)?
        } else {
            self.take(one, sha256, file)?
        };
        fact.sha256 = Some(sha256);
        fact.etag = new_etag;
        Ok(done)
    }

    /// Reads a file into a change-set of its own, without what the list has already.
    fn take(
        &self,
        one: &Subscription,
        sha256: BlobId,
        mut file: Box<dyn BufRead>,
    ) -> Result<Refresh, Refusal> {
        let request = request(one, sha256)?;
        let mut read = self.read_import(&request, &mut file, &mut |_| {})?;
        if read.source != sha256 {
            return Err(Refusal::Unavailable("the file was not kept as it came; ask again".into()));
        }
        if read.invalid_count.saturating_mul(INVALID_ONE_IN) > read.lines {
            let first = read.invalid.first().map(|(line, why)| format!("; line {line}: {why}"));
            let (bad, lines) = (read.invalid_count, read.lines);
            let what = format!("{bad} of {lines} lines cannot be read, so nothing was taken");
            return Err(invalid("octets", what + &first.unwrap_or_default()));
        }
        let mut edits = std::mem::take(&mut read.edits);
        self.drop_unchanged(&mut edits)?;
        if edits.is_empty() {
            self.give_up_older(&one.name, None)?;
            let what = format!("the list has all {} values already", read.taken);
            return Ok(Refresh { outcome: Refreshed::Unchanged, what, change_set: None });
        }
        let caller = program();
        let set = self.begin(caller, request.draft)?;
        let set = self.add(caller, set.id, None, edits).inspect_err(|_| {
            // It is in nobody's way; where this fails too, the next refresh gives it up.
            drop(self.give_up(caller, set.id));
        })?;
        let mut done = self.settle(one, set)?;
        if read.invalid_count > 0 {
            let of = format!("; {} of {} lines were left out", read.invalid_count, read.lines);
            done.what.push_str(&of);
        }
        if done.outcome != Refreshed::Withdrawn {
            self.give_up_older(&one.name, done.change_set.as_ref().map(|set| set.id))?;
        }
        Ok(done)
    }

    /// Takes out what the list says already.
    fn drop_unchanged(&self, edits: &mut Vec<Edit>) -> Result<(), Refusal> {
        let writer = self.lock();
        let view: &dyn View = &*writer.view;
        let at = view.revision();
        let mut kept = Vec::with_capacity(edits.len());
        for edit in edits.drain(..) {
            let known = match &edit {
                Edit::Put { list, row } => {
                    let entry = view.entry(list, row.key(), at)?;
                    entry.and_then(|entry| entry.row).is_some_and(|said| said == *row)
                }
                Edit::PutSegment { list, segment } => {
                    let used = view.segments(Some(list), at)?;
                    used.iter().any(|version| version.segment == *segment)
                }
                _ => false,
            };
            if !known {
                kept.push(edit);
            }
        }
        *edits = kept;
        Ok(())
    }

    /// The same as last time: whatever its change-set still waits for may have come.
    fn settle_again(
        &self,
        one: &Subscription,
        newest: Option<ChangeSet>,
    ) -> Result<Refresh, Refusal> {
        let set = match newest {
            Some(set) if !set.state.is_over() => set,
            over => {
                let end = over.map(|set| match set.state {
                    State::Rejected => format!("; change-set {} was rejected", set.id),
                    State::Withdrawn => format!("; change-set {} was withdrawn", set.id),
                    _ => String::new(),
                });
                let what = format!("the same as last time{}", end.unwrap_or_default());
                return Ok(Refresh { outcome: Refreshed::Unchanged, what, change_set: None });
            }
        };
        let mut done = self.settle(one, set)?;
        done.what.insert_str(0, "the same as last time; ");
        Ok(done)
    }

    /// Takes a change-set of a source as far as it may go unattended.
    fn settle(&self, one: &Subscription, mut set: ChangeSet) -> Result<Refresh, Refusal> {
        let (caller, id) = (program(), set.id);
        let refresh = |outcome, what, set| Ok(Refresh { outcome, what, change_set: Some(set) });
        if set.state == State::Draft {
            let report = self.report(id)?;
            let first = |severity| {
                let found = report.findings.iter().find(|finding| finding.severity == severity);
                found.map_or_else(String::new, |finding| format!("; {}", finding.message))
            };
            if report.errors > 0 {
                let first = first(Severity::Error);
                let what = format!("change-set {id} has {} errors{first}", report.errors);
                let set = self.give_up(caller, id)?;
                return refresh(Refreshed::Withdrawn, what + "; it was withdrawn", set);
            }
            if report.warnings > 0 {
                let first = first(Severity::Warning);
                let what = format!(
                    "change-set {id} is a draft that a person has to look at and submit: {} \
                     warnings{first}",
                    report.warnings
                );
                return refresh(Refreshed::Draft, what, set);
            }
            set = self.close(caller, id, None, false)?;
        }
        if !one.auto_commit {
            let step = if set.state == State::Approved { "committed" } else { "approved" };
            let what = format!("change-set {id} waits to be {step}");
            return refresh(Refreshed::Waits, what, set);
        }
        match self.commit_unattended(one, &set)? {
            Ok((set, live)) => {
                let what = format!("change-set {id} is live as revision {}", live.revision);
                refresh(Refreshed::Committed, what, set)
            }
            Err(why) => {
                let what = format!("change-set {id} waits to be approved: {why}");
                refresh(Refreshed::Waits, what, set)
            }
        }
    }

    /// Commits, or says why a person has to.
    fn commit_unattended(
        &self,
        one: &Subscription,
        set: &ChangeSet,
    ) -> Result<Result<(ChangeSet, Live), String>, Refusal> {
        // The check warns of this on lists of more than a few values; here nobody looks at all.
        if one.replaces && set.state != State::Approved {
            let removed = self.preview_of(set.id)?.removed;
            let list = self.list_at(&one.list, None)?;
            let bulk: u64 = list.segments.iter().map(|segment| segment.count).sum();
            let before = list.rows + bulk;
            if removed.saturating_mul(2) > before {
                return Ok(Err(format!("the list would lose {removed} of its {before} values")));
            }
        }
        match self.make_live(program(), set.id, None) {
            Ok(done) => Ok(Ok(done)),
            Err(Refusal::Precondition { reason: "NEEDS_APPROVAL", what }) => Ok(Err(what)),
            Err(refusal) => Err(refusal),
        }
    }
}

/// How a change-set says which octets it came from.
fn ticket(sha256: BlobId) -> String {
    format!("sha256:{sha256}")
}

fn request(one: &Subscription, sha256: BlobId) -> Result<ImportRequest, Refusal> {
    let pairs = |pairs: &[(Box<str>, Box<str>)]| -> Vec<(String, String)> {
        pairs.iter().map(|(left, right)| (left.to_string(), right.to_string())).collect()
    };
    Ok(ImportRequest {
        list: one.list.clone(),
        change_set: None,
        draft: Draft {
            title: format!("source {}", one.name).into(),
            reason: format!("new at {}", one.url).into(),
            ticket: ticket(sha256).into(),
            origin: DraftOrigin::Source(one.name.clone()),
            ..Draft::default()
        },
        format: format_of(one)?,
        columns: pairs(&one.columns),
        region: one.region,
        defaults: pairs(&one.defaults),
        replaces: one.replaces,
    })
}
