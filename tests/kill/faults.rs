//! Full and read-only disks, a second process, and files that are none.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use prost::bytes::Bytes;
use ringfence::wire::lists_v1 as pb;
use tonic::{Code, Status};

use super::client::{Client, ask, put};
use super::server::{Ready, Server, command, pack};
use super::work::{BULK, ROWS};

/// Makes edits a revision: anna drafts, boris agrees.
pub async fn commit(client: &Client, edits: Vec<pb::edit::Edit>) -> Result<pb::Live, Status> {
    let id = draft(client).await?;
    let edits = edits.into_iter().map(|edit| pb::Edit { edit: Some(edit) }).collect();
    let request = pb::AddEditsRequest { change_set_id: id, edits, etag: String::new() };
    client.sets().add_edits(ask("anna", request)).await?;
    finish(client, id).await
}

async fn draft(client: &Client) -> Result<u64, Status> {
    let draft = pb::Draft { title: "a change".into(), ..Default::default() };
    let request = pb::CreateChangeSetRequest { draft: Some(draft), ..Default::default() };
    let answer = client.sets().create_change_set(ask("anna", request)).await?.into_inner();
    Ok(answer.change_set.expect("a change-set").id)
}

async fn finish(client: &Client, id: u64) -> Result<pb::Live, Status> {
    let mut sets = client.sets();
    let request = pb::SubmitChangeSetRequest {
        change_set_id: id,
        accept_warnings: true,
        ..Default::default()
    };
    sets.submit_change_set(ask("anna", request)).await?;
    let request = pb::ApproveChangeSetRequest { change_set_id: id, note: String::new() };
    sets.approve_change_set(ask("boris", request)).await?;
    let request = pb::CommitChangeSetRequest { change_set_id: id, ..Default::default() };
    let answer = sets.commit_change_set(ask("anna", request)).await?.into_inner();
    Ok(answer.live.expect("it is live"))
}

/// Imports plain lines and makes them a revision.
pub async fn import(client: &Client, list: &str, file: Vec<u8>) -> Result<pb::Live, Status> {
    use pb::import_entries_request::Part;
    let id = draft(client).await?;
    let spec = pb::ImportSpec {
        list_id: list.into(),
        change_set_id: id,
        format: pb::Format::Plain.into(),
        ..Default::default()
    };
    let end = pb::ImportEnd { byte_count: file.len() as u64 };
    let parts = [Part::Spec(spec), Part::Chunk(Bytes::from(file)), Part::End(end)];
    let parts = parts.map(|part| pb::ImportEntriesRequest { part: Some(part) });
    client.sets().import_entries(ask("anna", tokio_stream::iter(parts))).await?;
    finish(client, id).await
}

/// Runs to the end and closes all connections.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id runs");
    output.stdout.trim_ascii() == b"0"
}

/// A file system of its own; unmounted when it goes out of scope.
struct Mount(PathBuf);

impl Mount {
    /// `None`, said loudly, where this user may not mount.
    fn new(test: &str, folder: &Path, options: &str) -> Option<Mount> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
        let mounted = is_root() && mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("SKIPPED {test}: a file system cannot be mounted here (root only)");
        }
        mounted.then(|| Mount(folder.to_owned()))
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{options}")]).arg(&self.0);
        assert!(mount.status().expect("mount runs").success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_second_process_is_told_which_folder_and_who() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, data) = (pack(folder.path()), folder.path().join("data"));
    let mut first = Server::spawn(&data, &pack);
    let ready = first.must_be_ready();
    let output = Server::spawn(&data, &pack).ready().unwrap_err();
    let pid = format!("process {}", first.pid());
    assert!(output.contains(&pid) && output.contains(data.to_str().unwrap()), "{output}");
    // The first one is not disturbed.
    block_on(async { commit(&Client::new(&ready), vec![put(ROWS, "+8613000000001")]).await })
        .unwrap();
    first.kill();
    Server::spawn(&data, &pack).must_be_ready();
}

#[test]
fn a_full_disk_refuses_commits_and_screening_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, data) = (pack(folder.path()), folder.path().join("data"));
    let name = "a_full_disk_refuses_commits_and_screening_goes_on";
    let Some(_mount) = Mount::new(name, &data, "size=4m") else { return };
    let mut server = Server::spawn(&data, &pack);
    let ready = server.must_be_ready();
    block_on(full(&data, &ready));
    // What was acknowledged and what went live by itself is there after a kill.
    let live = block_on(async {
        let (_, revision) = Client::new(&ready).is_blocked("+8613000000001").await.unwrap();
        revision
    });
    fs::write(data.join("ballast"), vec![1; 8 << 20]).unwrap_err();
    server.kill();
    let mut server = Server::spawn(&data, &pack);
    let ready = server.must_be_ready();
    assert_eq!(ready.revision, live, "started on a full disk: {}", server.output());
    block_on(async {
        let client = Client::new(&ready);
        assert!(client.is_blocked("+8613000000001").await.unwrap().0);
    });
}

/// Fills the disk while commits go on, makes room, commits again.
async fn full(data: &Path, ready: &Ready) {
    let client = Client::new(ready);
    commit(&client, vec![put(ROWS, "+8613000000001")]).await.expect("there is room");
    let ballast = data.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    drop(file);
    let mut refused = 0;
    for number in 0..200 {
        let edits = vec![put(ROWS, &format!("+86130{:08}", 100 + number))];
        match commit(&client, edits).await {
            Ok(_) => {}
            Err(status) => {
                // UNKNOWN: the log has it, and it goes live by itself once there is room.
                let fits = matches!(status.code(), Code::Unavailable | Code::Unknown);
                assert!(fits, "{status:?}");
                assert!(status.message().contains("full"), "{status:?}");
                refused += 1;
            }
        }
        assert!(client.is_blocked("+8613000000001").await.expect("screening goes on").0);
        if refused > 20 {
            break;
        }
    }
    assert!(refused > 20, "the disk was never full");
    fs::remove_file(&ballast).unwrap();
    let live = commit(&client, vec![put(ROWS, "+8613000000002")]).await.expect("there is room");
    let (blocked, revision) = client.is_blocked("+8613000000002").await.unwrap();
    assert!(blocked && revision == live.revision);
    client.verify().await.expect("the log verifies");
    // All that the log has is live, and nothing else.
    let entries = client.entries(ROWS).await.unwrap();
    for number in (0..200).map(|number| format!("+86130{:08}", 100 + number)) {
        let (blocked, _) = client.is_blocked(&number).await.unwrap();
        assert_eq!(blocked, entries.contains(&number), "{number}");
    }
}

#[test]
fn a_read_only_disk_screens_and_refuses_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, data) = (pack(folder.path()), folder.path().join("data"));
    let name = "a_read_only_disk_screens_and_refuses_changes";
    let Some(mount) = Mount::new(name, &data, "size=16m") else { return };
    mount.remount("ro");
    let output = Server::spawn(&data, &pack).ready().unwrap_err();
    assert!(output.contains("cannot be written"), "{output}");
    mount.remount("rw");
    let mut server = Server::spawn(&data, &pack);
    let ready = server.must_be_ready();
    block_on(async { commit(&Client::new(&ready), vec![put(ROWS, "+8613000000001")]).await })
        .unwrap();
    // Killed, the WAL still holds records, and a read-only disk cannot take them over.
    server.kill();
    mount.remount("ro");
    let mut server = Server::spawn(&data, &pack);
    let ready = server.must_be_ready();
    block_on(async {
        let client = Client::new(&ready);
        let refused = client.entries(ROWS).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        let why = refused.message();
        assert!(why.contains("read-only") && why.contains("log.db-wal"), "{why}");
        // Screening goes on from the image, which may be older.
        client.is_blocked("+8613000000001").await.unwrap();
    });
    server.kill();
    mount.remount("rw");
    let mut server = Server::spawn(&data, &pack);
    server.must_be_ready();
    server.stop();
    mount.remount("ro");
    let mut server = Server::spawn(&data, &pack);
    let ready = server.must_be_ready();
    block_on(async {
        let client = Client::new(&ready);
        assert!(client.is_blocked("+8613000000001").await.unwrap().0);
        let refused = commit(&client, vec![put(ROWS, "+8613000000002")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(refused.message().contains("read-only"), "{refused:?}");
        assert!(!client.is_blocked("+8613000000002").await.unwrap().0);
    });
}

#[test]
fn a_stale_etag_is_told_the_one_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::spawn(&folder.path().join("data"), &pack(folder.path()));
    let ready = server.must_be_ready();
    block_on(async {
        let client = Client::new(&ready);
        let id = draft(&client).await.unwrap();
        let add = |etag: &str, number: &str| {
            let edits = vec![pb::Edit { edit: Some(put(ROWS, number)) }];
            ask("anna", pb::AddEditsRequest { change_set_id: id, edits, etag: etag.to_owned() })
        };
        let read = client.set(id).await.unwrap().etag;
        let mut sets = client.sets();
        sets.add_edits(add(&read, "+8613000000001")).await.unwrap();
        let stale = sets.add_edits(add(&read, "+8613000000002")).await.unwrap_err();
        assert_eq!(stale.code(), Code::Aborted);
        let found = client.set(id).await.unwrap();
        assert_eq!(found.edit_count, 1);
        assert!(stale.message().contains("read it again"), "{}", stale.message());
        let details = tonic_types::StatusExt::get_details_error_info(&stale).unwrap();
        assert_eq!(details.metadata.get("etag"), Some(&found.etag));
    });
}

/// `ringfence import` of octets from standard input.
fn import_by_cli(
    ready: &Ready,
    args: &[&str],
    octets: &mut dyn Iterator<Item = Vec<u8>>,
) -> Output {
    let mut import = command();
    import.args(["import", "-", "--list", BULK, "--as", "anna", "--submit"]).args(args);
    import.args(["--control-server", &format!("http://{}", ready.control)]);
    import.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = import.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    for part in octets {
        // Refused before its end: nobody reads any more.
        if stdin.write_all(&part).is_err() {
            break;
        }
    }
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// A gzip stream of one octet: one packed MiB, over and over.
fn bomb(octet: u8, bytes: u64) -> impl Iterator<Item = Vec<u8>> {
    use flate2::{Compression, write::GzEncoder};
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&vec![octet; 1 << 20]).expect("memory takes it");
    let member = packer.finish().expect("memory takes it");
    (0..bytes >> 20).map(move |_| member.clone())
}

#[test]
fn files_that_are_none_are_refused_by_line_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::spawn(&folder.path().join("data"), &pack(folder.path()));
    let ready = server.must_be_ready();
    let binary: Vec<u8> =
        (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let long = format!("value\n+8613000000001\n{}\n", "1".repeat(64 << 10));
    let cases: [(&str, Vec<u8>, &[&str]); 4] = [
        ("a binary file", binary, &["binary file", "octet 0"]),
        ("a line of 64 KiB", long.into_bytes(), &["line 3"]),
        ("a wrong column", b"foo,why\n+8613000000001,x\n".to_vec(), &["foo", "value"]),
        ("a bad number", b"value\n+8613000000001\nhello\n".to_vec(), &["line 3"]),
    ];
    for (name, octets, words) in cases {
        let output = import_by_cli(&ready, &["--format", "csv"], &mut [octets].into_iter());
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert!(words.iter().all(|word| told.contains(word)), "{name}: {told}");
    }
    let size = match std::env::var("RINGFENCE_ZEROS_BYTES") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => 10_000_000_000,
    };
    for (octet, word) in [(0, "octet 0"), (b'\n', "times"), (b'1', "times")] {
        let output = import_by_cli(&ready, &["--format", "plain"], &mut bomb(octet, size));
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{octet}: {told}");
        assert!(told.contains(word), "{octet}: {told}");
    }
    // CRLF and a byte order mark are no damage.
    let windows = b"\xef\xbb\xbfvalue,reason\r\n+8615000000001,reported\r\n".to_vec();
    let output = import_by_cli(&ready, &["--format", "csv"], &mut [windows].into_iter());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    block_on(async {
        let client = Client::new(&ready);
        assert_eq!(client.entries(BULK).await.unwrap().len(), 1, "nothing is live but the pack");
        assert_eq!(client.commits().await.unwrap().len(), 1);
        assert!(!client.is_blocked("+8613000000001").await.unwrap().0);
    });
}
