//! Damage of stored data: found, or harmless.
//!
//! `RINGFENCE_FLIPS` sets how many bits are flipped in each kind of file.

use super::*;

/// Flips for every run of the tests.
const FLIPS: usize = 150;

fn flips() -> usize {
    std::env::var("RINGFENCE_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(FLIPS)
}

/// A small generator, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// What a reader sees: everything, or that something is wrong.
fn look(folder: &Path) -> Result<(Vec<Record>, Verified), LogError> {
    let log = open(folder)?;
    let mut records = Vec::new();
    loop {
        let after = Cursor(records.len() as u64);
        let page = log.read_from(after, 7)?;
        if page.is_empty() {
            break;
        }
        records.extend(page);
    }
    let verified = log.verify(&mut |_| ())?;
    for blob in log.named_blobs()? {
        assert_eq!(crate::store::blobs::id_of(&log.get_blob(blob)?), blob);
    }
    Ok((records, verified))
}

/// Runs `damage` on copies of a folder; counts how often it was found.
fn try_damage(
    original: &Path,
    expected: &(Vec<Record>, Verified),
    rounds: usize,
    damage: &mut dyn FnMut(&Path, usize) -> String,
) -> usize {
    let scratch = tempfile::tempdir().unwrap();
    let mut found = 0;
    for round in 0..rounds {
        let folder = scratch.path().join(round.to_string());
        copy(original, &folder);
        let what = damage(&folder, round);
        match look(&folder) {
            Err(_) => found += 1,
            Ok(seen) => assert!(seen == *expected, "{what}: not found, and not harmless"),
        }
        fs::remove_dir_all(&folder).unwrap();
    }
    found
}

fn flip(path: &Path, dice: &mut Dice) -> String {
    let mut octets = fs::read(path).unwrap();
    let (at, bit) = (dice.below(octets.len()), dice.below(8));
    octets[at] ^= 1 << bit;
    fs::write(path, octets).unwrap();
    format!("bit {bit} of octet {at} of {}", path.display())
}

fn blob_file(folder: &Path) -> std::path::PathBuf {
    let below = |folder: &Path| fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    below(&below(&folder.join("blobs")))
}

#[test]
fn every_flipped_bit_is_found_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let expected = fill(folder.path());
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let rounds = flips();
    let mut in_log = |copy: &Path, _: usize| flip(&copy.join("log.db"), &mut dice);
    let found = try_damage(folder.path(), &expected, rounds, &mut in_log);
    assert!(found > rounds / 3, "only {found} of {rounds}: the test does not bite");

    let mut in_blob = |copy: &Path, _: usize| flip(&blob_file(copy), &mut dice);
    assert_eq!(try_damage(folder.path(), &expected, rounds / 5, &mut in_blob), rounds / 5);
    // The anchor beside an intact log is harmless.
    let mut in_anchor = |copy: &Path, _: usize| flip(&copy.join("head"), &mut dice);
    assert_eq!(try_damage(folder.path(), &expected, rounds / 5, &mut in_anchor), 0);
}

/// A copy of an open log is what a kill leaves behind: most of it is in the WAL.
#[test]
fn every_flipped_bit_of_the_wal_is_found_or_harmless() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(folder.path());
    let log = open(folder.path()).unwrap();
    for event in events(12) {
        add(&log, &event);
    }
    copy(folder.path(), killed.path());
    let records = log.read_from(Cursor(0), usize::MAX).unwrap();
    let expected = (records, log.verify(&mut |_| ()).unwrap());
    assert!(fs::metadata(killed.path().join("log.db-wal")).unwrap().len() > 10_000);

    let mut dice = Dice(0x0dd_ba11);
    let mut in_wal = |copy: &Path, _: usize| flip(&copy.join("log.db-wal"), &mut dice);
    let found = try_damage(killed.path(), &expected, flips(), &mut in_wal);
    assert!(found > flips() / 2, "only {found}: the test does not bite");
    let mut cut = |copy: &Path, _: usize| truncate(&copy.join("log.db-wal"), &mut dice);
    assert_eq!(try_damage(killed.path(), &expected, flips() / 5, &mut cut), flips() / 5);
}

fn truncate(path: &Path, dice: &mut Dice) -> String {
    let octets = fs::read(path).unwrap();
    let length = dice.below(octets.len());
    fs::write(path, &octets[..length]).unwrap();
    format!("{} cut to {length}", path.display())
}

#[test]
fn every_truncation_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let expected = fill(folder.path());
    let mut dice = Dice(0xc0ffee);
    let rounds = flips() / 3;
    let mut log = |copy: &Path, _: usize| truncate(&copy.join("log.db"), &mut dice);
    assert_eq!(try_damage(folder.path(), &expected, rounds, &mut log), rounds);
    let mut blob = |copy: &Path, _: usize| truncate(&blob_file(copy), &mut dice);
    assert_eq!(try_damage(folder.path(), &expected, rounds, &mut blob), rounds);
}

/// Somebody with a database tool: edits, deletions, swaps and cuts.
#[test]
fn every_manipulation_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let expected = fill(folder.path());
    let tricks = [
        "UPDATE record SET time = time + 1 WHERE cursor = 5",
        "UPDATE record SET hash = zeroblob(32) WHERE cursor = 5",
        "UPDATE record SET hash = zeroblob(32) WHERE cursor = 43",
        "UPDATE record SET commitment = zeroblob(32) WHERE cursor = 5",
        "DELETE FROM record WHERE cursor = 5",
        "DELETE FROM record WHERE cursor = 1",
        "DELETE FROM record WHERE cursor = 43",
        "DELETE FROM record WHERE cursor > 20",
        "DELETE FROM record; DELETE FROM payload; DELETE FROM erasure",
        "DELETE FROM payload WHERE cursor = 5",
        "DELETE FROM payload WHERE cursor = 5; INSERT INTO erasure VALUES (5, 43)",
        "UPDATE payload SET salt = zeroblob(32), body = zeroblob(9) WHERE cursor = 5;
         INSERT INTO erasure VALUES (5, 43)",
        "UPDATE payload SET salt = zeroblob(32), body = zeroblob(9) WHERE cursor = 5;
         INSERT INTO erasure VALUES (5, 6)",
        "INSERT INTO erasure VALUES (5, 43)",
        "DELETE FROM erasure",
        "UPDATE erasure SET announced = 42",
        "UPDATE payload SET body = (SELECT body FROM payload WHERE cursor = 6) WHERE cursor = 5",
        "UPDATE record SET cursor = 99 WHERE cursor = 5; UPDATE record SET cursor = 5
         WHERE cursor = 6; UPDATE record SET cursor = 6 WHERE cursor = 99",
        "UPDATE record SET cursor = -5 WHERE cursor = 5",
        "INSERT INTO record SELECT 44, time, commitment, hash FROM record WHERE cursor = 43",
        "UPDATE record SET hash = 'text' WHERE cursor = 5",
        "DROP TABLE payload",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 1",
    ];
    let mut trick = |copy: &Path, round: usize| {
        let database = Connection::open(copy.join("log.db")).unwrap();
        // A type that the table refuses leaves it as it was: nothing to be found.
        if database.execute_batch(tricks[round]).is_err() {
            database.execute_batch("DROP TABLE record").unwrap();
        }
        tricks[round].to_owned()
    };
    assert_eq!(try_damage(folder.path(), &expected, tricks.len(), &mut trick), tricks.len());
}

#[test]
fn an_older_copy_of_the_log_is_found() {
    let (folder, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(folder.path());
    copy(folder.path(), old.path());
    let log = open(folder.path()).unwrap();
    add(&log, &Event::Withdrawn { change_set: ChangeSetId(9) });
    drop(log);
    fs::copy(old.path().join("log.db"), folder.path().join("log.db")).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { cursor: Cursor(44), .. }), "{error}");
    fs::remove_file(folder.path().join("head")).unwrap();
    open(folder.path()).unwrap();
}

/// Whoever repairs a log wants what is left of it.
#[test]
fn a_wal_that_lacks_records_is_left_as_it_is() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open(folder.path()).unwrap();
    for event in events(12) {
        add(&log, &event);
    }
    copy(folder.path(), killed.path());
    let path = killed.path().join("log.db-wal");
    let mut octets = fs::read(&path).unwrap();
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    fs::write(&path, &octets).unwrap();
    assert!(matches!(open(killed.path()), Err(LogError::Corrupt { .. })));
    assert!(fs::read(&path).unwrap() == octets);
}
