//! The data directory: one process at a time, and whether it can be written.
//!
//! Owns the folder and its lock. Invariant: while a [`DataDir`] that is not read-only lives, no
//! other process has one for the same folder.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::{fmt, process};

/// Most octets of the lock file that are read: a process number is far shorter.
const LOCK_BYTES_MAX: u64 = 32;

/// Why a data directory cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirError {
    /// Another process works in it.
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other process, where it wrote its number.
        pid: Option<u32>,
    },
    /// It cannot be created or opened.
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        what: String,
    },
}

impl fmt::Display for DirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirError::InUse { folder, pid: Some(pid) } => write!(
                f,
                "the data directory {} is in use by process {pid}; stop it or name another folder",
                folder.display()
            ),
            DirError::InUse { folder, pid: None } => write!(
                f,
                "the data directory {} is in use by another process; stop it or name another \
                 folder",
                folder.display()
            ),
            DirError::Unusable { folder, what } => {
                write!(f, "the data directory {} cannot be used: {what}", folder.display())
            }
        }
    }
}

impl std::error::Error for DirError {}

/// An open data directory; the lock goes with it.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held for its lock; `None` where nothing can be written.
    lock: Option<File>,
}

impl DataDir {
    /// Opens the folder, creating it where it is missing, for its owner only.
    pub fn open(path: &Path) -> Result<DataDir, DirError> {
        let unusable = |what: io::Error| DirError::Unusable {
            folder: path.to_owned(),
            what: what.to_string(),
        };
        match create(path) {
            // A folder that is there can be read, be the disk around it writable or not.
            Err(error) if !path.is_dir() => return Err(unusable(error)),
            _ => {}
        }
        if !path.is_dir() {
            return Err(unusable(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock = match options.open(path.join("lock")) {
            Ok(lock) => lock,
            Err(error) if is_read_only(&error) => {
                return Ok(DataDir { path: path.to_owned(), lock: None });
            }
            Err(error) => return Err(unusable(error)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DirError::InUse { folder: path.to_owned(), pid: read_pid(&lock) });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // The number is for people: the lock holds also where it cannot be written.
        let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", process::id()));
        Ok(DataDir { path: path.to_owned(), lock: Some(lock) })
    }

    /// A folder as it is on a read-only disk.
    #[cfg(test)]
    pub(super) fn read_only(path: &Path) -> DataDir {
        DataDir { path: path.to_owned(), lock: None }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing can be written there.
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Where the view is kept.
    pub fn view_path(&self) -> PathBuf {
        self.path.join("view.db")
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn read_pid(mut lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.rewind().ok()?;
    lock.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Lists hold personal data: the folder is the owner's own.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Makes the entries of a folder durable: new names, and names that are gone.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_is_told_which_folder_and_who() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/here");
        let first = DataDir::open(&path).unwrap();
        assert!(!first.is_read_only());
        let error = DataDir::open(&path).unwrap_err();
        assert_eq!(error, DirError::InUse { folder: path.clone(), pid: Some(process::id()) });
        let words = error.to_string();
        assert!(words.contains(&process::id().to_string()) && words.contains("data/here"));
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_an_error_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let error = DataDir::open(&path).unwrap_err();
        assert!(matches!(error, DirError::Unusable { .. }), "{error}");
        assert!(DataDir::open(&path.join("below")).is_err());
    }
}
