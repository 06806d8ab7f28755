//! The anchor: the end of the log, written down beside it after each append.
//!
//! A chain cannot tell that its last records are gone, and SQLite drops a damaged end of its WAL
//! silently: the anchor can. Written behind the durable record and never synced, it may lag the
//! log after a power loss; it is never ahead of it unless records were lost. An anchor that cannot
//! be read says nothing and is written anew.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::app::changes::ports::{Head, LogError};
use crate::model::catalogue::Cursor;
use crate::model::revision::Digest;
use crate::store::chain::sha256;

/// Its name within the data directory.
pub const NAME: &str = "head";
/// First octets, with the version of the form.
const MAGIC: &[u8] = b"ringfence head 1\n";
/// Magic, cursor, hash, check: below a sector, so that a write is whole or not there.
const BYTES: usize = MAGIC.len() + 8 + 32 + 32;

/// The file that holds it.
#[derive(Debug)]
pub struct Anchor {
    file: File,
}

fn write(head: Head) -> Vec<u8> {
    let mut octets = Vec::with_capacity(BYTES);
    octets.extend_from_slice(MAGIC);
    octets.extend_from_slice(&head.cursor.0.to_be_bytes());
    octets.extend_from_slice(&head.hash.0);
    let check = sha256(&[&octets]);
    octets.extend_from_slice(&check.0);
    octets
}

/// Reads the anchor of a folder; `None` where there is none or where it is damaged.
pub fn read(folder: &Path) -> Option<Head> {
    let octets = fs::read(folder.join(NAME)).ok().filter(|octets| octets.len() == BYTES)?;
    let body = octets.strip_prefix(MAGIC)?;
    let (cursor, rest) = body.split_first_chunk::<8>()?;
    let (hash, _) = rest.split_first_chunk::<32>()?;
    let head = Head { cursor: Cursor(u64::from_be_bytes(*cursor)), hash: Digest(*hash) };
    (write(head) == octets).then_some(head)
}

impl Anchor {
    /// Opens or creates the file.
    pub fn open(folder: &Path) -> io::Result<Anchor> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        options.open(folder.join(NAME)).map(|file| Anchor { file })
    }

    /// Moves it to the end of the log. A failure leaves it behind, which is harmless.
    pub fn set(&self, head: Head) {
        let _ = self.file.write_all_at(&write(head), 0);
    }
}

/// Records up to the anchor are gone.
pub fn lost(anchor: Head, head: Head) -> LogError {
    LogError::Corrupt {
        cursor: Cursor(head.cursor.0 + 1),
        what: format!(
            "records up to {} were acknowledged and are gone: the log was cut off or an older \
             copy stands in its place; if that is meant, remove the file `{NAME}` beside it",
            anchor.cursor.0
        ),
    }
}

/// The record at the anchor is another one.
pub fn replaced(anchor: Head) -> LogError {
    LogError::Corrupt {
        cursor: anchor.cursor,
        what: format!(
            "the record is not the one that was acknowledged; if another log was put in its place \
             on purpose, remove the file `{NAME}` beside it"
        ),
    }
}
