//! What people do while the server is killed: several at once, everything noted before it is sent.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use prost::bytes::Bytes;
use ringfence::wire::lists_v1 as pb;
use tonic::{Code, Status};

use super::client::{Client, Model, ask, hex, key_of, put, remove};

/// The list of single entries, and that of bulk imports.
pub const ROWS: &str = "kill.rows";
pub const BULK: &str = "kill.bulk";
/// Values of a bulk import: just enough to become a segment.
const BULK_VALUES: u64 = 1000;
/// Most entries of one change-set.
const ENTRIES_MAX: u64 = 8;

/// A small generator (splitmix64): a round can be repeated from its seed.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// A change-set that was answered at least once.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub author: String,
    /// Edits that were answered.
    pub edits: Vec<pb::edit::Edit>,
    /// Edits that were sent and not answered; of an import it is not known which they are.
    pub sent: usize,
    /// Its end was sent: a withdrawal (true) or a commit.
    pub ending: Option<bool>,
    /// The revision that was answered.
    pub revision: Option<u64>,
    pub withdrawn: bool,
}

/// What was sent and what was answered.
#[derive(Debug, Default)]
pub struct Notes {
    pub sets: BTreeMap<u64, Known>,
    /// Revisions that were answered, with change-set and digest.
    pub acknowledged: BTreeMap<u64, (u64, String)>,
    /// First numbers of bulk imports.
    pub blobs: HashMap<String, u64>,
    /// What the log of the last start said.
    pub model: Model,
    numbers: u64,
}

/// Everything that those who work share.
#[derive(Clone)]
pub struct Desk {
    pub client: Client,
    pub notes: Arc<Mutex<Notes>>,
    /// Commits that were sent.
    pub commits: Arc<AtomicU64>,
    /// The server was killed: from now on an error says nothing.
    pub killed: Arc<AtomicBool>,
}

/// Number of a bulk import: ten apart, so that its neighbours are free.
pub fn bulk_number(first: u64, at: u64) -> String {
    format!("+86150{:08}", first + at * 10)
}

/// Does the bulk import with this first number hold the number?
pub fn holds(first: u64, number: &str) -> bool {
    let digits = number.strip_prefix("+86150").and_then(|digits| digits.parse::<u64>().ok());
    let place = digits.and_then(|digits| digits.checked_sub(first));
    place.is_some_and(|place| place % 10 == 0 && place / 10 < BULK_VALUES)
}

impl Desk {
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Works until the server is gone.
    pub async fn work(self, author: &'static str, mut rng: Rng) {
        while !self.killed.load(Ordering::SeqCst) {
            let done = match rng.below(10) {
                0 => self.import(author, &mut rng).await,
                1 => self.back(author, &mut rng).await,
                2 => self.give_up(author, &mut rng).await,
                _ => self.entries(author, &mut rng).await,
            };
            if let Err(status) = done {
                // A refusal for what another one did meanwhile is no fault; anything else is.
                let harmless = matches!(status.code(), Code::FailedPrecondition | Code::NotFound);
                let killed = self.killed.load(Ordering::SeqCst);
                assert!(harmless || killed, "before the kill: {status:?}");
            }
        }
    }

    async fn draft(&self, author: &str) -> Result<u64, Status> {
        let draft = pb::Draft { title: format!("of {author}"), ..Default::default() };
        let request = pb::CreateChangeSetRequest { draft: Some(draft), ..Default::default() };
        let set = self.client.sets().create_change_set(ask(author, request)).await?;
        let id = set.into_inner().change_set.expect("a change-set").id;
        let known = Known { author: author.to_owned(), ..Known::default() };
        self.notes().sets.insert(id, known);
        Ok(id)
    }

    async fn add(&self, author: &str, id: u64, edits: Vec<pb::edit::Edit>) -> Result<(), Status> {
        self.note(id, |known| known.sent = edits.len());
        let wire = edits.iter().map(|edit| pb::Edit { edit: Some(edit.clone()) }).collect();
        let request = pb::AddEditsRequest { change_set_id: id, edits: wire, etag: String::new() };
        let answer = self.client.sets().add_edits(ask(author, request)).await;
        if answer.is_ok() {
            self.note(id, |known| known.edits.extend(edits));
        }
        if answer.is_ok() || !self.killed.load(Ordering::SeqCst) {
            self.note(id, |known| known.sent = 0);
        }
        answer.map(drop)
    }

    fn note(&self, id: u64, change: impl FnOnce(&mut Known)) {
        change(self.notes().sets.get_mut(&id).expect("it was noted when it was drafted"));
    }

    /// Some entries in one or two steps; mostly they become a revision.
    async fn entries(&self, author: &str, rng: &mut Rng) -> Result<(), Status> {
        let id = self.draft(author).await?;
        for _ in 0..=rng.below(2) {
            let edits: Vec<_> = (0..=rng.below(ENTRIES_MAX)).map(|_| self.edit(rng)).collect();
            self.add(author, id, edits).await?;
        }
        match rng.below(8) {
            0 => Ok(()),
            1 => self.withdraw(author, id).await,
            _ => self.finish(author, id, false).await,
        }
    }

    /// A new number, or one less of those that were there at the start.
    fn edit(&self, rng: &mut Rng) -> pb::edit::Edit {
        let mut notes = self.notes();
        let list = if rng.below(4) == 0 { BULK } else { ROWS };
        let rows = notes.model.lists.get(list).map(|held| &held.rows);
        let there = rows.filter(|rows| !rows.is_empty() && rng.below(3) == 0);
        if let Some(rows) = there {
            let at = usize::try_from(rng.below(rows.len() as u64)).expect("it fits");
            return remove(list, rows.keys().nth(at).expect("it is below the length"));
        }
        let blobs = notes.model.lists.get(BULK).map(|held| &held.segments);
        if let Some(blob) = blobs.and_then(|blobs| blobs.first())
            && rng.below(3) == 0
        {
            return remove(BULK, &bulk_number(notes.blobs[blob], rng.below(BULK_VALUES)));
        }
        notes.numbers += 1;
        put(list, &format!("+86130{:08}", notes.numbers))
    }

    async fn import(&self, author: &str, rng: &mut Rng) -> Result<(), Status> {
        use pb::import_entries_request::Part;
        let id = self.draft(author).await?;
        let first = rng.below(90_000_000);
        let file: String = (0..BULK_VALUES).map(|at| bulk_number(first, at) + "\n").collect();
        let spec = pb::ImportSpec {
            list_id: BULK.into(),
            change_set_id: id,
            format: pb::Format::Plain.into(),
            ..Default::default()
        };
        let end = pb::ImportEnd { byte_count: file.len() as u64 };
        let parts = [Part::Spec(spec), Part::Chunk(Bytes::from(file)), Part::End(end)];
        let parts = parts.map(|part| pb::ImportEntriesRequest { part: Some(part) });
        self.note(id, |known| known.sent = 1);
        let stream = tokio_stream::iter(parts);
        self.client.sets().import_entries(ask(author, stream)).await?;
        let edits = self.client.edits(author, id).await?;
        let blob = match &edits[..] {
            [pb::edit::Edit::PutSegment(used)] => used.segment.clone().expect("a segment").blob,
            _ => panic!("an import of {BULK_VALUES} values gave {} edits", edits.len()),
        };
        self.notes().blobs.insert(blob, first);
        self.note(id, |known| (known.sent, known.edits) = (0, edits));
        self.finish(author, id, true).await
    }

    /// Back to one of the last revisions.
    async fn back(&self, author: &str, rng: &mut Rng) -> Result<(), Status> {
        let last = self.notes().acknowledged.keys().next_back().copied().unwrap_or(0);
        let to = last.saturating_sub(1 + rng.below(3));
        if to < 1 {
            return Ok(());
        }
        let request = pb::CreateRollbackRequest { revision: to, reason: "to see".into() };
        let answer = self.client.sets().create_rollback(ask(author, request)).await?.into_inner();
        let id = answer.change_set.expect("a change-set").id;
        let edits = self.client.edits(author, id).await?;
        let known = Known { author: author.to_owned(), edits, ..Known::default() };
        self.notes().sets.insert(id, known);
        self.finish(author, id, true).await
    }

    /// Closes, lets another one agree, commits.
    async fn finish(&self, author: &str, id: u64, second: bool) -> Result<(), Status> {
        let mut sets = self.client.sets();
        let request = pb::SubmitChangeSetRequest {
            change_set_id: id,
            accept_warnings: true,
            ..Default::default()
        };
        sets.submit_change_set(ask(author, request)).await?;
        if second {
            let request = pb::ApproveChangeSetRequest { change_set_id: id, note: String::new() };
            sets.approve_change_set(ask("boris", request)).await?;
        }
        self.note(id, |known| known.ending = Some(false));
        let request = pb::CommitChangeSetRequest { change_set_id: id, ..Default::default() };
        self.commits.fetch_add(1, Ordering::SeqCst);
        let answer = sets.commit_change_set(ask(author, request)).await;
        let live = match answer {
            Ok(answer) => answer.into_inner().live.expect("it is live"),
            Err(status) => {
                if !self.killed.load(Ordering::SeqCst) {
                    self.note(id, |known| known.ending = None);
                }
                return Err(status);
            }
        };
        let edits = {
            let mut notes = self.notes();
            let digest = hex(&live.digest);
            assert_eq!(notes.acknowledged.insert(live.revision, (id, digest)), None);
            let known = notes.sets.get_mut(&id).expect("it was noted");
            known.revision = Some(live.revision);
            known.edits.clone()
        };
        // What is answered is live: the last put of it blocks, unless a later revision is there.
        let number = match edits.last() {
            Some(edit @ pb::edit::Edit::PutEntry(_)) => key_of(edit),
            _ => return Ok(()),
        };
        let (blocked, revision) = self.client.is_blocked(&number).await?;
        assert!(revision >= live.revision, "revision {} was answered before", live.revision);
        assert!(blocked || revision > live.revision, "change-set {id} is not live");
        Ok(())
    }

    async fn withdraw(&self, author: &str, id: u64) -> Result<(), Status> {
        self.note(id, |known| known.ending = Some(true));
        let request = pb::WithdrawChangeSetRequest { change_set_id: id };
        let answer = self.client.sets().withdraw_change_set(ask(author, request)).await;
        match &answer {
            Ok(_) => self.note(id, |known| known.withdrawn = true),
            Err(_) if self.killed.load(Ordering::SeqCst) => {}
            Err(_) => self.note(id, |known| known.ending = None),
        }
        answer.map(drop)
    }

    /// Ends one of one's own that is still open.
    async fn give_up(&self, author: &str, rng: &mut Rng) -> Result<(), Status> {
        let open = {
            let notes = self.notes();
            let own = notes.sets.iter().filter(|(_, known)| {
                known.author == author && known.ending.is_none() && known.revision.is_none()
            });
            let own: Vec<u64> = own.map(|(id, _)| *id).collect();
            let at = usize::try_from(rng.below(own.len() as u64)).expect("it fits");
            own.get(at).copied()
        };
        match open {
            Some(id) => self.withdraw(author, id).await,
            None => Ok(()),
        }
    }
}
