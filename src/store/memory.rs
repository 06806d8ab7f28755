//! The log in memory: the same forms and the same chain, and faults on request.
//!
//! For simulation and tests. A script says how each append goes; after a crash every call fails
//! until [`MemoryLog::restart`]. Invariant: what it answers depends on the calls and the script
//! only, so that a run can be repeated; salts are therefore not random.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::blobs::id_of;
use super::log::{announces, blobs_of, check_body};
use super::{chain, forms};
use crate::app::changes::ports::{
    AppendError, ChangeLog, Head, LogError, NewRecord, Record, Verified,
};
use crate::lists::event::Event;
use crate::model::catalogue::{BlobId, Cursor};
use crate::model::revision::Digest;
use crate::model::time::Timestamp;

/// How one append goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// As it should.
    #[default]
    None,
    /// Refused as on a full disk; not written.
    Refused,
    /// The answer is [`AppendError::Unknown`], and the record is there.
    UnknownWritten,
    /// The answer is [`AppendError::Unknown`], and the record is not there.
    UnknownLost,
    /// The process dies behind the write.
    CrashWritten,
    /// The process dies in front of the write.
    CrashLost,
}

/// The log in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Stored>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
    script: VecDeque<Fault>,
    blob_faults: u32,
    crashed: bool,
}

#[derive(Debug)]
struct Stored {
    time: Timestamp,
    commitment: Digest,
    hash: Digest,
    salt: Digest,
    /// `None` once erased, with the record that announces it.
    body: Result<Vec<u8>, Cursor>,
}

impl MemoryLog {
    /// An empty log without faults.
    pub fn new() -> MemoryLog {
        MemoryLog::default()
    }

    /// Adds faults for the next appends, one each; conflicts use none up.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().script.extend(faults);
    }

    /// Lets the next `count` calls of `put_blob` fail as on a full disk.
    pub fn fail_blobs(&self, count: u32) {
        self.lock().blob_faults = count;
    }

    /// A crash has happened, and nothing was started since.
    pub fn is_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// Starts again after a crash; what was written is there, the rest of the script is gone.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.crashed = false;
        state.script.clear();
        state.blob_faults = 0;
    }

    /// Removes blobs that are not to be kept; says how many.
    pub fn sweep(&self, keep: &HashSet<BlobId>) -> u64 {
        let mut state = self.lock();
        let before = state.blobs.len();
        state.blobs.retain(|id, _| keep.contains(id));
        (before - state.blobs.len()) as u64
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<MutexGuard<'_, State>, LogError> {
        let state = self.lock();
        if state.crashed {
            return Err(LogError::Unavailable("the process is dead".to_owned()));
        }
        Ok(state)
    }
}

impl State {
    fn head(&self) -> Head {
        let cursor = Cursor(self.records.len() as u64);
        Head { cursor, hash: self.records.last().map(|record| record.hash).unwrap_or_default() }
    }

    fn write(&mut self, record: &NewRecord<'_>, body: Vec<u8>) -> Head {
        let salt = chain::sha256(&[b"salt of a simulation", &self.head().hash.0]);
        let commitment = chain::commitment(&salt.0, &body);
        let head = chain::next(self.head(), record.time, commitment);
        let (time, hash) = (record.time, head.hash);
        self.records.push(Stored { time, commitment, hash, salt, body: Ok(body) });
        head
    }

    fn read(&self, index: usize) -> Result<Record, LogError> {
        let cursor = Cursor(index as u64 + 1);
        let corrupt = |what: &str| LogError::Corrupt { cursor, what: what.to_owned() };
        let stored = self.records.get(index).ok_or_else(|| corrupt("the record is gone"))?;
        let before = index.checked_sub(1).and_then(|before| self.records.get(before));
        let hash = before.map(|record| record.hash).unwrap_or_default();
        let before = Head { cursor: Cursor(index as u64), hash };
        if chain::next(before, stored.time, stored.commitment).hash != stored.hash {
            return Err(corrupt("its hash does not follow from the record before"));
        }
        let content = match &stored.body {
            Err(_) => None,
            Ok(body) if chain::commitment(&stored.salt.0, body) != stored.commitment => {
                return Err(corrupt("its payload is not the one that was committed to"));
            }
            Ok(body) => Some(forms::read_body(body).map_err(|e| corrupt(&e.to_string()))?),
        };
        Ok(Record { cursor, time: stored.time, hash: stored.hash, content })
    }
}

impl ChangeLog for MemoryLog {
    fn head(&self) -> Result<Head, LogError> {
        Ok(self.alive()?.head())
    }

    fn append(&self, record: &NewRecord<'_>, expected: Cursor) -> Result<Head, AppendError> {
        let mut state = self.alive().map_err(AppendError::Refused)?;
        let body = forms::write_body(record.actor, record.event);
        check_body(&body).map_err(AppendError::Refused)?;
        if state.head().cursor != expected {
            return Err(AppendError::Conflict(state.head()));
        }
        let fault = state.script.pop_front().unwrap_or_default();
        let unknown = |what: &str| Err(AppendError::Unknown(what.to_owned()));
        match fault {
            Fault::None => Ok(state.write(record, body)),
            Fault::Refused => {
                Err(AppendError::Refused(LogError::Unavailable("the disk is full".to_owned())))
            }
            Fault::UnknownLost => unknown("the disk did not answer"),
            Fault::UnknownWritten => {
                state.write(record, body);
                unknown("the disk did not answer")
            }
            Fault::CrashLost | Fault::CrashWritten => {
                if fault == Fault::CrashWritten {
                    state.write(record, body);
                }
                state.crashed = true;
                unknown("the process is dead")
            }
        }
    }

    fn read_from(&self, after: Cursor, max: usize) -> Result<Vec<Record>, LogError> {
        let state = self.alive()?;
        let first = usize::try_from(after.0).unwrap_or(usize::MAX).min(state.records.len());
        let last = first.saturating_add(max).min(state.records.len());
        (first..last).map(|index| state.read(index)).collect()
    }

    fn put_blob(&self, octets: &[u8]) -> Result<BlobId, LogError> {
        let mut state = self.alive()?;
        if state.blob_faults > 0 {
            state.blob_faults -= 1;
            return Err(LogError::Unavailable("the disk is full".to_owned()));
        }
        let id = id_of(octets);
        state.blobs.insert(id, octets.to_vec());
        Ok(id)
    }

    fn get_blob(&self, blob: BlobId) -> Result<Vec<u8>, LogError> {
        let state = self.alive()?;
        state.blobs.get(&blob).cloned().ok_or_else(|| LogError::Missing(format!("blob {blob}")))
    }

    fn erase(&self, cursors: &[Cursor]) -> Result<(), LogError> {
        let mut state = self.alive()?;
        let mut announced = Vec::with_capacity(cursors.len());
        for cursor in cursors {
            let later = (cursor.0 as usize..state.records.len()).rev();
            let mut by = later.map(|index| state.read(index));
            let by = by.find(|record| record.as_ref().is_ok_and(|r| announces(r, *cursor)));
            let missing = |what: &str| LogError::Missing(format!("{what} record {}", cursor.0));
            let by = by.ok_or_else(|| missing("a record that announces the erasure of"))??;
            let index = (cursor.0 as usize).checked_sub(1).ok_or_else(|| missing("no"))?;
            if let Some((_, Event::Erased { .. })) = state.read(index)?.content {
                return Err(missing("a payload that can be erased in"));
            }
            announced.push((index, by.cursor));
        }
        for (index, by) in announced {
            state.records[index].body = Err(by);
        }
        Ok(())
    }

    fn verify(&self, progress: &mut dyn FnMut(Cursor)) -> Result<Verified, LogError> {
        let state = self.alive()?;
        let mut verified = Verified { head: state.head(), ..Verified::default() };
        let mut seen = HashSet::new();
        for (index, stored) in state.records.iter().enumerate() {
            let record = state.read(index)?;
            if let Err(by) = stored.body {
                verified.erased.push((record.cursor, by));
            }
            for blob in blobs_of(&record) {
                let cursor = record.cursor;
                if !state.blobs.contains_key(&blob) {
                    let what = format!("blob {blob} is gone");
                    return Err(LogError::Corrupt { cursor, what });
                }
                seen.insert(blob);
            }
            progress(record.cursor);
        }
        verified.blobs = seen.len() as u64;
        Ok(verified)
    }
}

#[cfg(test)]
mod tests;
