//! Random bits of stored files turned over while the server is down: it refuses to start and says
//! what is damaged, or serves exactly what it served before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ringfence::wire::lists_v1 as pb;
use tonic::{Code, Status};

use super::client::{Client, ask, put};
use super::faults::{block_on, commit, import};
use super::server::{Ready, Server, pack};
use super::work::{BULK, ROWS, Rng, bulk_number};

/// Bits turned over at once, at most.
const BITS_MAX: u64 = 3;
/// Commits of the catalogue that is damaged.
const COMMITS: u64 = 12;

/// What many rounds came to, by file: how often it was served, and how often refused.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, [u64; 2]>);

impl Tally {
    pub fn line(&self) -> String {
        let line = |(file, [served, refused]): (&String, &[u64; 2])| {
            format!("{file}: {served} harmless or repaired, {refused} refused")
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("; ")
    }
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answers {
    revision: u64,
    digest: String,
    blocked: Vec<bool>,
    entries: Vec<String>,
    segments: Vec<String>,
}

fn numbers() -> Vec<String> {
    let rows = (0..2 * COMMITS).map(|at| format!("+86130{at:08}"));
    rows.chain([0, 1, 5, 999, 1000].map(|at| bulk_number(1000, at))).collect()
}

/// What a server answers once its store is read; how it refuses where the store is broken.
async fn answers(ready: &Ready) -> Result<Answers, Status> {
    let client = Client::new(ready);
    // The base image may be older than the log: this waits until the server has caught up.
    let entries = client.entries(ROWS).await?.into_iter().collect();
    let segments = client.segments(BULK).await?.into_iter().collect();
    let digest = client.commits().await?.pop().expect("there are some").digest;
    let (blocked, revision) = verdicts(&client).await;
    Ok(Answers { revision, digest, blocked, entries, segments })
}

/// Which numbers are blocked, and at which revision.
async fn verdicts(client: &Client) -> (Vec<bool>, u64) {
    let (mut blocked, mut revision) = (Vec::new(), 0);
    for number in numbers() {
        let (is_blocked, at) = client.is_blocked(&number).await.expect("an answer");
        blocked.push(is_blocked);
        revision = at;
    }
    (blocked, revision)
}

/// A catalogue with entries, a bulk import, and a WAL that holds the last of it.
async fn fill(ready: &Ready) {
    let client = Client::new(ready);
    for at in 0..COMMITS {
        let edits = (0..2).map(|n| put(ROWS, &format!("+86130{:08}", at * 2 + n))).collect();
        commit(&client, edits).await.expect("it is committed");
        if at == 3 {
            let file: String = (0..1000).map(|at| bulk_number(1000, at) + "\n").collect();
            import(&client, BULK, file.into_bytes()).await.expect("it is committed");
        }
    }
    // Something open is in the log, too.
    let draft = pb::Draft { title: "open".into(), ..Default::default() };
    let request = pb::CreateChangeSetRequest { draft: Some(draft), ..Default::default() };
    client.sets().create_change_set(ask("anna", request)).await.expect("it is drafted");
}

/// Runs so many rounds.
pub fn run(rounds: u64, seed: u64) -> Tally {
    let mut rng = Rng(seed);
    let mut tally = Tally::default();
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let good = folder.path().join("good");
    let mut server = Server::spawn(&good, &pack);
    let ready = server.must_be_ready();
    block_on(fill(&ready));
    // Killed, so that the WAL holds nearly all; stopped, so that the database does.
    server.kill();
    let stopped = folder.path().join("stopped");
    copy(&good, &stopped);
    let mut server = Server::spawn(&stopped, &pack);
    let ready = server.must_be_ready();
    let before = block_on(answers(&ready)).expect("all is well");
    assert!(before.blocked.iter().filter(|blocked| **blocked).count() > 20);
    server.stop();

    let data = folder.path().join("data");
    for round in 0..rounds {
        if round > 0 {
            fs::remove_dir_all(&data).unwrap();
        }
        copy(if round % 2 == 0 { &good } else { &stopped }, &data);
        let files = files(&data);
        let file = &files[usize::try_from(rng.below(files.len() as u64)).unwrap()];
        let bits = flip(file, &mut rng);
        let name = kind(&data, file);
        let what = format!("round {round}: {} bits {bits:?}", file.display());
        let mut server = Server::spawn(&data, &pack);
        let counts = tally.0.entry(name).or_default();
        match server.ready() {
            Ok(ready) => match block_on(answers(&ready)) {
                Ok(answers) => {
                    assert_eq!(answers, before, "{what}");
                    counts[0] += 1;
                }
                Err(status) => {
                    let seen = block_on(async { verdicts(&Client::new(&ready)).await });
                    let (blocked, revision) = seen;
                    assert_eq!(status.code(), Code::Unavailable, "{what}: {status:?}");
                    told(&what, file, status.message());
                    assert!(revision <= before.revision, "{what}: a revision nobody made");
                    let mut both = blocked.iter().zip(&before.blocked);
                    assert!(both.all(|(now, then)| now <= then), "{what}: blocked out of nothing");
                    counts[1] += 1;
                }
            },
            Err(output) => {
                assert!(output.contains("error:"), "{what}: {output}");
                told(&what, file, &output);
                counts[1] += 1;
            }
        }
    }
    tally
}

/// Damage is named, and is none where the file is derived.
fn told(what: &str, file: &Path, output: &str) {
    let says = ["record", "blob", "log.db", "malformed", "database", "damaged"];
    let is_clear = says.iter().any(|word| output.contains(word));
    assert!(is_clear && !output.contains("panicked"), "{what}: {output}");
    let name = file.file_name().unwrap().to_string_lossy();
    let derived = name.starts_with("view.db") || name == "image";
    assert!(!derived, "{what}: what is derived is made anew: {output}");
}

/// The stored files that are worth something: no lock, no token.
fn files(data: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name != "lock" && !name.starts_with("admin-token") {
                found.push(path);
            }
        }
    }
    found.retain(|path| fs::metadata(path).unwrap().len() > 0);
    found.sort();
    found
}

/// Name of a file without what differs from blob to blob.
fn kind(data: &Path, file: &Path) -> String {
    let blobs = data.join("blobs");
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    if file.starts_with(blobs) { "blobs".to_owned() } else { name }
}

fn flip(file: &Path, rng: &mut Rng) -> Vec<u64> {
    let mut octets = fs::read(file).unwrap();
    let count = octets.len() as u64 * 8;
    let bits: Vec<u64> = (0..=rng.below(BITS_MAX)).map(|_| rng.below(count)).collect();
    for bit in &bits {
        octets[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8);
    }
    fs::write(file, octets).unwrap();
    bits
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
