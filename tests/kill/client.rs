//! Questions to both ports by the generated clients.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ringfence::wire::lists_v1 as pb;
use ringfence::wire::screening_v1 as screening;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use pb::audit_service_client::AuditServiceClient;
use pb::change_set_service_client::ChangeSetServiceClient;
use pb::list_service_client::ListServiceClient;
use screening::screening_service_client::ScreeningServiceClient;

use super::server::Ready;

/// A call that takes longer has hung.
const DEADLINE: Duration = Duration::from_secs(60);
/// Whom the calls go to.
const RECIPIENT: &[u8] = b"+8613800138000";

/// Both ports of one server.
#[derive(Clone)]
pub struct Client {
    data: Channel,
    control: Channel,
}

/// One committed record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub revision: u64,
    pub change_set: u64,
    pub digest: String,
}

pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A request of somebody.
pub fn ask<T>(actor: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("ringfence-actor", actor.parse().expect("a plain name"));
    request.set_timeout(DEADLINE);
    request
}

impl Client {
    pub fn new(ready: &Ready) -> Client {
        let channel = |address: &str| {
            let endpoint = Endpoint::from_shared(format!("http://{address}"));
            endpoint.expect("an address").connect_lazy()
        };
        Client { data: channel(&ready.data), control: channel(&ready.control) }
    }

    pub fn sets(&self) -> ChangeSetServiceClient<Channel> {
        ChangeSetServiceClient::new(self.control.clone())
    }

    pub fn lists(&self) -> ListServiceClient<Channel> {
        ListServiceClient::new(self.control.clone()).max_decoding_message_size(64 << 20)
    }

    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.control.clone()).max_decoding_message_size(64 << 20)
    }

    /// Is a call from this number blocked, and at which revision?
    pub async fn is_blocked(&self, number: &str) -> Result<(bool, u64), Status> {
        let address = |raw: &[u8]| screening::Address {
            raw: prost::bytes::Bytes::copy_from_slice(raw),
            ..Default::default()
        };
        let request = screening::ScreenCallRequest {
            originator: Some(address(number.as_bytes())),
            recipient: Some(address(RECIPIENT)),
            ..Default::default()
        };
        let mut client = ScreeningServiceClient::new(self.data.clone());
        let answer = client.screen_call(ask("switch", request)).await?.into_inner();
        let verdict = answer.verdict.expect("a verdict");
        let revision = answer.envelope.expect("an envelope").ruleset_revision;
        Ok((verdict.action() == screening::Action::Block, revision))
    }

    /// Every commit in the log; places and revisions have no gap.
    pub async fn commits(&self) -> Result<Vec<Commit>, Status> {
        let (mut commits, mut token, mut last) = (Vec::<Commit>::new(), String::new(), 0);
        loop {
            let page = pb::ListRecordsRequest {
                page_size: 1000,
                page_token: std::mem::take(&mut token),
                ..Default::default()
            };
            let page = self.audit().list_records(ask("auditor", page)).await?.into_inner();
            for record in page.records {
                assert_eq!(record.cursor, last + 1, "a gap in the log");
                last = record.cursor;
                if record.kind() == pb::EventKind::Committed {
                    assert_eq!(record.revision, commits.len() as u64 + 1, "a gap in the revisions");
                    commits.push(Commit {
                        revision: record.revision,
                        change_set: record.change_set_id,
                        digest: hex(&record.hash),
                    });
                }
            }
            if page.next_page_token.is_empty() {
                return Ok(commits);
            }
            token = page.next_page_token;
        }
    }

    /// `audit verify`: the stream has to end with a proof.
    pub async fn verify(&self) -> Result<(), Status> {
        let request = ask("auditor", pb::VerifyLogRequest {});
        let mut stream = self.audit().verify_log(request).await?.into_inner();
        let mut proved = false;
        while let Some(message) = stream.message().await? {
            let part = message.part.expect("a part");
            proved = matches!(part, pb::verify_log_response::Part::Verification(_));
        }
        assert!(proved, "the log was not verified");
        Ok(())
    }

    /// The keys of a list's single entries.
    pub async fn entries(&self, list: &str) -> Result<BTreeSet<String>, Status> {
        let (mut keys, mut token) = (BTreeSet::new(), String::new());
        loop {
            let page = pb::ListEntriesRequest {
                list_id: list.to_owned(),
                page_size: 1000,
                page_token: std::mem::take(&mut token),
                ..Default::default()
            };
            let page = self.lists().list_entries(ask("auditor", page)).await?.into_inner();
            let held = page.entries.into_iter().filter(|entry| entry.row.is_some());
            keys.extend(held.map(|entry| entry.key));
            if page.next_page_token.is_empty() {
                return Ok(keys);
            }
            token = page.next_page_token;
        }
    }

    /// The bulk imports of a list, by their blobs.
    pub async fn segments(&self, list: &str) -> Result<BTreeSet<String>, Status> {
        let request = pb::GetListRequest { list_id: list.to_owned(), revision: 0 };
        let list = self.lists().get_list(ask("auditor", request)).await?.into_inner().list;
        let segments = list.expect("a list").segments.into_iter();
        Ok(segments.map(|segment| segment.blob).collect())
    }

    /// The edits of a change-set.
    pub async fn edits(&self, actor: &str, id: u64) -> Result<Vec<pb::edit::Edit>, Status> {
        let (mut edits, mut token) = (Vec::new(), String::new());
        loop {
            let page = pb::ListEditsRequest {
                change_set_id: id,
                page_size: 1000,
                page_token: std::mem::take(&mut token),
            };
            let page = self.sets().list_edits(ask(actor, page)).await?.into_inner();
            edits.extend(page.edits.into_iter().filter_map(|edit| edit.edit));
            if page.next_page_token.is_empty() {
                return Ok(edits);
            }
            token = page.next_page_token;
        }
    }

    /// A change-set as it stands.
    pub async fn set(&self, id: u64) -> Result<pb::ChangeSet, Status> {
        let request = ask("auditor", pb::GetChangeSetRequest { change_set_id: id });
        let answer = self.sets().get_change_set(request).await?.into_inner();
        Ok(answer.change_set.expect("a change-set"))
    }
}

/// An edit that puts a number into a list.
pub fn put(list: &str, number: &str) -> pb::edit::Edit {
    let cell = |column: &str, text: &str| pb::Cell { column: column.into(), text: text.into() };
    let row = pb::Row { cells: vec![cell("value", number)], ..Default::default() };
    pb::edit::Edit::PutEntry(pb::PutEntry { list_id: list.into(), row: Some(row) })
}

/// An edit that takes a number out of a list.
pub fn remove(list: &str, number: &str) -> pb::edit::Edit {
    pb::edit::Edit::RemoveEntry(pb::EntryKey { list_id: list.into(), key: number.into() })
}

/// What the catalogue must hold: single entries and bulk imports of each list.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub revision: u64,
    pub lists: BTreeMap<String, Held>,
}

/// What one list holds.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// False where a key is taken out of the bulk imports.
    pub rows: BTreeMap<String, bool>,
    pub segments: BTreeSet<String>,
}

impl Held {
    fn edit(&mut self, edit: &pb::edit::Edit) {
        use pb::edit::Edit;
        let blob = |used: &pb::UseSegment| used.segment.clone().expect("a segment").blob;
        match edit {
            Edit::PutEntry(_) => {
                self.rows.insert(key_of(edit), true);
            }
            Edit::RemoveEntry(_) if self.segments.is_empty() => {
                self.rows.remove(&key_of(edit));
            }
            Edit::RemoveEntry(_) => {
                self.rows.insert(key_of(edit), false);
            }
            Edit::ClearEntry(_) => {
                self.rows.remove(&key_of(edit));
            }
            Edit::PutSegment(used) => {
                self.segments.insert(blob(used));
            }
            Edit::RemoveSegment(used) => {
                self.segments.remove(&blob(used));
                if self.segments.is_empty() {
                    self.rows.retain(|_, is_row| *is_row);
                }
            }
            Edit::PutList(_) | Edit::RemoveList(_) => panic!("no round edits lists"),
        }
    }
}

/// The list that an edit speaks of.
fn list_of(edit: &pb::edit::Edit) -> &str {
    use pb::edit::Edit;
    match edit {
        Edit::PutList(spec) => &spec.id,
        Edit::RemoveList(id) => id,
        Edit::PutEntry(put) => &put.list_id,
        Edit::RemoveEntry(key) | Edit::ClearEntry(key) => &key.list_id,
        Edit::PutSegment(used) | Edit::RemoveSegment(used) => &used.list_id,
    }
}

/// The key that an edit speaks of; empty where it speaks of none.
pub fn key_of(edit: &pb::edit::Edit) -> String {
    use pb::edit::Edit;
    match edit {
        Edit::PutEntry(put) => {
            let cells = &put.row.as_ref().expect("a row").cells;
            cells.iter().find(|cell| cell.column == "value").expect("a value").text.clone()
        }
        Edit::RemoveEntry(key) | Edit::ClearEntry(key) => key.key.clone(),
        _ => String::new(),
    }
}

impl Model {
    /// Makes the edits the next revision; of several edits of one key the last one counts.
    pub fn commit(&mut self, edits: &[pb::edit::Edit]) {
        let place = |edit: &pb::edit::Edit| (list_of(edit).to_owned(), key_of(edit));
        let last: BTreeMap<_, _> =
            edits.iter().enumerate().map(|(at, edit)| (place(edit), at)).collect();
        for (at, edit) in edits.iter().enumerate() {
            let (list, key) = place(edit);
            if key.is_empty() || last[&(list.clone(), key)] == at {
                self.lists.entry(list).or_default().edit(edit);
            }
        }
        self.revision += 1;
    }

    /// Does any list block this number? `in_blob` says whether a bulk import holds it.
    pub fn blocks(&self, number: &str, in_blob: impl Fn(&str) -> bool) -> bool {
        self.lists.values().any(|held| match held.rows.get(number) {
            Some(is_row) => *is_row,
            None => held.segments.iter().any(|blob| in_blob(blob)),
        })
    }
}
