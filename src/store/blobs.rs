//! Blobs: octets in files named by their SHA-256, `ab/abcd…`.
//!
//! Owns how a blob gets durable and how damage is found. Must not know what blobs hold. Invariants:
//! a file under its final name was whole on disk before it got that name; what is read is checked
//! against the name before anybody sees it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::dir;
use crate::app::changes::ports::LogError;
use crate::model::catalogue::{BlobId, Cursor};

/// A segment of a hundred million numbers is smaller; more than this is read into memory by
/// nobody.
pub const BLOB_BYTES_MAX: u64 = 1 << 30;

/// Names of files that are not whole yet start with this.
const UNFINISHED: &str = ".part-";

/// The folder of the blobs.
#[derive(Debug)]
pub struct Blobs {
    root: PathBuf,
    /// Tells unfinished files of one process apart.
    unfinished: AtomicU64,
}

/// What the octets are called.
pub fn id_of(octets: &[u8]) -> BlobId {
    BlobId(Sha256::digest(octets).into())
}

pub(super) fn too_large(bytes: u64) -> LogError {
    LogError::Unavailable(format!("a blob of {bytes} octets; at most {BLOB_BYTES_MAX} are kept"))
}

fn unavailable(what: &str, error: &io::Error) -> LogError {
    LogError::Unavailable(format!("{what}: {error}"))
}

impl Blobs {
    /// Blobs in this folder; it is created by the first one.
    pub fn new(root: PathBuf) -> Blobs {
        Blobs { root, unfinished: AtomicU64::new(0) }
    }

    fn path(&self, id: BlobId) -> (PathBuf, PathBuf) {
        let name = id.to_string();
        let folder = self.root.join(&name[..2]);
        let file = folder.join(name);
        (folder, file)
    }

    /// Stores octets; durable when it returns. A blob that is there whole is left alone, a damaged
    /// one is replaced.
    pub fn put(&self, octets: &[u8]) -> Result<BlobId, LogError> {
        let bytes = octets.len() as u64;
        if bytes > BLOB_BYTES_MAX {
            return Err(too_large(bytes));
        }
        let id = id_of(octets);
        let (folder, file) = self.path(id);
        let there = self.get(id).is_ok();
        self.write(&folder, &file, octets, there).map_err(|e| unavailable("blob", &e))?;
        Ok(id)
    }

    fn write(&self, folder: &Path, file: &Path, octets: &[u8], there: bool) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        if !there {
            let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
            let part = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
            let written = File::create(&part).and_then(|mut part| {
                part.write_all(octets)?;
                part.sync_all()
            });
            if let Err(error) = written.and_then(|()| fs::rename(&part, file)) {
                // Room is what may be missing: the sweep would be late.
                let _ = fs::remove_file(&part);
                return Err(error);
            }
        }
        // Also for a file that was there: a crash may have come between its name and this.
        dir::sync(folder)?;
        dir::sync(&self.root)?;
        self.root.parent().map_or(Ok(()), dir::sync)
    }

    /// The octets, checked against the id.
    pub fn get(&self, id: BlobId) -> Result<Vec<u8>, LogError> {
        let (_, path) = self.path(id);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LogError::Missing(format!("blob {id}")));
            }
            file => file.map_err(|e| unavailable("blob", &e))?,
        };
        let length = file.metadata().map_err(|e| unavailable("blob", &e))?.len();
        if length > BLOB_BYTES_MAX {
            return Err(damaged(id));
        }
        let mut octets = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut octets).map_err(|e| unavailable("blob", &e))?;
        if id_of(&octets) == id { Ok(octets) } else { Err(damaged(id)) }
    }

    /// Removes blobs that are not to be kept, and unfinished ones; says how many files went. To be
    /// called while nobody stores a blob that no record names yet.
    pub fn sweep(&self, keep: &HashSet<BlobId>) -> Result<u64, LogError> {
        self.remove(keep).map_err(|e| unavailable("blobs", &e))
    }

    /// Removes one blob; durable when it returns. One that is not there is none.
    pub fn remove_one(&self, id: BlobId) -> Result<(), LogError> {
        let (folder, file) = self.path(id);
        match fs::remove_file(file).and_then(|()| dir::sync(&folder)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(unavailable("blob", &error))
            }
            _ => Ok(()),
        }
    }

    fn remove(&self, keep: &HashSet<BlobId>) -> io::Result<u64> {
        let mut removed = 0;
        let folders = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            folders => folders?,
        };
        for folder in folders {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            let before = removed;
            for file in fs::read_dir(&folder)? {
                let file = file?;
                let name = file.file_name();
                let name = name.to_string_lossy();
                let blob = BlobId::parse(&name);
                // A file that is neither is somebody else's: it is left alone.
                let orphan = blob.is_some_and(|id| !keep.contains(&id));
                if orphan || name.starts_with(UNFINISHED) {
                    fs::remove_file(file.path())?;
                    removed += 1;
                }
            }
            if removed > before {
                dir::sync(&folder)?;
            }
        }
        Ok(removed)
    }
}

fn damaged(id: BlobId) -> LogError {
    LogError::Corrupt { cursor: Cursor(0), what: format!("blob {id} is damaged") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(root: &Path) -> usize {
        let folders = fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
        folders.map(|folder| fs::read_dir(folder).unwrap().count()).sum()
    }

    #[test]
    fn octets_come_back_and_damage_is_found_and_repaired() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("blobs");
        let blobs = Blobs::new(root.clone());
        let id = blobs.put(b"some values").unwrap();
        assert_eq!(blobs.put(b"some values").unwrap(), id);
        assert_eq!(blobs.get(id).unwrap(), b"some values");
        assert_eq!(files(&root), 1);
        let missing = blobs.get(id_of(b"others")).unwrap_err();
        assert!(matches!(missing, LogError::Missing(_)));

        let (_, path) = blobs.path(id);
        for damage in [&b"some valuez"[..], b"some", b"", b"some values and more"] {
            fs::write(&path, damage).unwrap();
            assert!(matches!(blobs.get(id), Err(LogError::Corrupt { .. })));
        }
        assert_eq!(blobs.put(b"some values").unwrap(), id);
        assert_eq!(blobs.get(id).unwrap(), b"some values");
        let empty = blobs.put(b"").unwrap();
        assert_eq!(blobs.get(empty).unwrap(), b"");
    }

    #[test]
    fn a_sweep_removes_orphans_and_unfinished_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("blobs");
        let blobs = Blobs::new(root.clone());
        assert_eq!(blobs.sweep(&HashSet::new()).unwrap(), 0);
        let kept = blobs.put(b"kept").unwrap();
        let orphan = blobs.put(b"orphan").unwrap();
        let (parts, _) = blobs.path(kept);
        fs::write(parts.join(".part-1-0"), b"half").unwrap();
        fs::write(parts.join("note.txt"), b"mine").unwrap();
        assert_eq!(blobs.sweep(&HashSet::from([kept])).unwrap(), 2);
        assert!(blobs.get(orphan).is_err());
        assert_eq!(blobs.get(kept).unwrap(), b"kept");
        assert_eq!(files(&root), 2);
    }
}
