//! Sources over the network: the fetcher behind the port that the write side asks, and the thread
//! that asks in time.
//!
//! A file is kept beside the log while it is read, under no name: it goes with its reader, and with
//! the process. Log lines tell names and outcomes, never what a file holds.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, Seek as _};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;

use crate::app::changes::api::{Refresh, Refusal};
use crate::app::changes::ports::{FetchFailed, Fetched};
use crate::app::changes::{Door, Fetch};
use crate::cli::Failure;
use crate::fetch::{self, Fetcher, Limits, Trust};

/// How often it is looked which sources are due: the shortest interval is five minutes.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Where files are kept while they are read, in the data folder.
const FOLDER: &str = "spool";
/// Octets that an import reads at once.
const READ_OCTETS: usize = 64 * 1024;

/// What sources may be beyond the public internet.
#[derive(Args, Debug)]
pub struct FetchArgs {
    /// Address that a source may have although it is not public: a mirror of yours; repeatable
    #[arg(long = "fetch-allow-address", value_name = "IP", help_heading = "Sources")]
    addresses: Vec<IpAddr>,
    /// Certificates that are trusted for sources instead of those built in
    #[arg(long = "fetch-roots", value_name = "FILE.pem", help_heading = "Sources")]
    roots: Option<PathBuf>,
}

/// The network as the write side asks it.
struct Network {
    fetcher: Fetcher,
    folder: PathBuf,
    count: AtomicU64,
}

/// What asks sources for a data folder. What a crash left there is removed.
///
/// Errors: certificates that cannot be read.
pub(super) fn network(args: &FetchArgs, data_dir: &Path) -> Result<Arc<dyn Fetch>, Failure> {
    let mut trust = Trust { addresses: args.addresses.clone(), ..Trust::default() };
    if let Some(path) = &args.roots {
        let failed = |e: &dyn std::fmt::Display| format!("--fetch-roots {}: {e}", path.display());
        trust.roots_pem = fs::read(path).map_err(|e| failed(&e))?;
        if trust.roots_pem.is_empty() {
            return Err(failed(&"the file is empty").into());
        }
    }
    let fetcher = Fetcher::new(Limits::default(), trust)?;
    let folder = data_dir.join(FOLDER);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "what an earlier process left in the spool cannot be removed");
        }
        _ => {}
    }
    Ok(Arc::new(Network { fetcher, folder, count: AtomicU64::new(0) }))
}

impl Network {
    /// A file for a download, gone from its folder as soon as it is open.
    fn spool(&self) -> io::Result<File> {
        let mut builder = DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.folder)?;
        let path = self.folder.join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }
}

impl Fetch for Network {
    fn fetch(
        &self,
        url: &str,
        etag: Option<&str>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Fetched, FetchFailed> {
        let not_kept = |error: io::Error| FetchFailed {
            what: format!("what comes cannot be kept in the data folder: {error}"),
            transient: true,
        };
        let mut file = self.spool().map_err(not_kept)?;
        let answer = self.fetcher.fetch(url, etag, &mut file, progress);
        let answer =
            answer.map_err(|e| FetchFailed { what: e.to_string(), transient: e.is_transient() })?;
        match answer {
            fetch::Fetched::NotModified => Ok(Fetched::NotModified),
            fetch::Fetched::New { etag, sha256, octets } => {
                file.rewind().map_err(not_kept)?;
                let file = Box::new(BufReader::with_capacity(READ_OCTETS, file));
                Ok(Fetched::New { etag, sha256, octets, file })
            }
        }
    }
}

/// Starts the thread that asks sources when they are due. It is nobody's to wait for: what it
/// writes is durable or not there, so the process may end at any moment of it.
///
/// Errors: there can be no more threads.
pub(super) fn ask_in_time(door: Arc<Door>) -> io::Result<()> {
    let look = move || {
        loop {
            std::thread::sleep(LOOK_INTERVAL);
            let Some(changes) = door.changes() else { continue };
            for name in changes.due_sources() {
                // A panic must not end the thread: every other source would stand still.
                let done = catch_unwind(AssertUnwindSafe(|| changes.refresh_due(&name)));
                tell(&name, done.ok());
            }
        }
    };
    std::thread::Builder::new().name("sources".into()).spawn(look).map(drop)
}

fn tell(source: &str, done: Option<Result<Refresh, Refusal>>) {
    match done {
        Some(Ok(done)) => {
            let change_set = done.change_set.map(|set| set.id.0);
            tracing::info!(source, outcome = ?done.outcome, change_set, "source refreshed");
        }
        Some(Err(Refusal::Precondition { reason, what })) if reason.starts_with("SOURCE_") => {
            tracing::warn!(source, reason, what, "source not refreshed");
        }
        // The words may quote a line of the file.
        Some(Err(_)) => {
            tracing::warn!(source, "source not refreshed; `ringfence source ls` says why");
        }
        None => tracing::error!(source, "a panic ended the refresh of a source"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_spooled_file_has_no_name_and_what_a_crash_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join(FOLDER);
        fs::create_dir(&spool).unwrap();
        fs::write(spool.join("7"), "left").unwrap();
        let args = FetchArgs { addresses: Vec::new(), roots: None };
        network(&args, folder.path()).unwrap();
        assert!(!spool.exists());
        let fetcher = Fetcher::new(Limits::default(), Trust::default()).unwrap();
        let network = Network { fetcher, folder: spool.clone(), count: AtomicU64::new(0) };
        let mut file = network.spool().unwrap();
        file.write_all(b"numbers").unwrap();
        assert_eq!(fs::read_dir(&spool).unwrap().count(), 0);
        file.rewind().unwrap();
        assert_eq!(io::read_to_string(file).unwrap(), "numbers");
    }

    #[test]
    fn roots_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        let with = |path: &Path| {
            let args = FetchArgs { addresses: Vec::new(), roots: Some(path.to_owned()) };
            network(&args, folder.path()).map(drop).unwrap_err().to_string()
        };
        assert!(with(&path).contains("roots.pem"));
        fs::write(&path, "").unwrap();
        assert!(with(&path).contains("empty"));
        fs::write(&path, "no certificate").unwrap();
        assert!(with(&path).contains("no certificates"));
    }

    #[test]
    fn an_address_that_is_not_public_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let args = FetchArgs { addresses: Vec::new(), roots: None };
        let network = network(&args, folder.path()).unwrap();
        let failed = network.fetch("https://127.0.0.1:9/x", None, &mut |_, _| {});
        let failed = failed.map(drop).unwrap_err();
        assert!(!failed.transient && failed.what.contains("not public"), "{}", failed.what);
    }
}
