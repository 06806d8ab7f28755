//! The one way to change the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use crate::app::changes::Control;
use crate::app::changes::api::{Caller, ModeScope};
use crate::lists::changeset::ChangeSet;
use crate::lists::edit::Edit;
use crate::model::catalogue::ChangeSetId;
use crate::model::entry::ListSpec;
use crate::model::revision::Revision;
use crate::wire::lists::{self, NAME_BYTES_MAX, NOTE_BYTES_MAX, change_set as wire, spec};
use crate::wire::lists_v1 as pb;
use crate::wire::violations::Violations;
use pb::change_set_service_server::ChangeSetService;

use super::desk::{Desk, change_set_id, page};
use super::pipe::{self, Feed, STALL_MAX};
use super::{convert, errors};

/// The change-set service.
#[derive(Clone)]
pub(super) struct ChangeSets(pub Arc<Desk>);

/// What is said of lists that edits speak of: as the change-set says, else as the catalogue does.
struct Specs<'a> {
    control: &'a dyn Control,
    known: HashMap<Box<str>, ListSpec>,
}

impl Specs<'_> {
    fn note(&mut self, edit: &Edit) {
        if let Edit::PutList(spec) = edit {
            self.known.insert(spec.id.clone(), (**spec).clone());
        }
    }

    fn get(&mut self, id: &str) -> Result<ListSpec, Status> {
        if let Some(spec) = self.known.get(id) {
            return Ok(spec.clone());
        }
        let spec = self.control.list(id, None)?.spec;
        self.known.insert(id.into(), spec.clone());
        Ok(spec)
    }
}

fn edits(control: &dyn Control, id: ChangeSetId, edits: &[pb::Edit]) -> Result<Vec<Edit>, Status> {
    let mut specs = Specs { control, known: HashMap::new() };
    control.change_set(id)?.edits.iter().for_each(|edit| specs.note(edit));
    let mut read = Vec::with_capacity(edits.len());
    for (at, edit) in edits.iter().enumerate() {
        // Which edit is wrong matters more than what is read on the way, so both come by one type.
        let edit = wire::edit_read(edit, &mut |list| specs.get(list).map_err(Fault::Status));
        let edit = edit.map_err(|fault| match fault {
            Fault::Wrong(found) => found.under(&format!("edits[{at}]")).into(),
            Fault::Status(status) => status,
        })?;
        specs.note(&edit);
        read.push(edit);
    }
    Ok(read)
}

enum Fault {
    Wrong(Violations),
    Status(Status),
}

impl From<Violations> for Fault {
    fn from(found: Violations) -> Fault {
        Fault::Wrong(found)
    }
}

impl ChangeSets {
    /// A call whose answer is a change-set.
    async fn changed<Q, F>(&self, request: Request<Q>, work: F) -> Changed
    where
        Q: Send + 'static,
        F: FnOnce(&dyn Control, Caller, Q) -> Result<ChangeSet, Status> + Send + 'static,
    {
        let work = |control: &dyn Control, caller, question| {
            work(control, caller, question).map(|set| wire::change_set(&set))
        };
        self.0.ask(request, work).await.map(|answer| Some(answer.into_inner()))
    }
}

/// A change-set as answers hold it.
type Changed = Result<Option<pb::ChangeSet>, Status>;

#[tonic::async_trait]
impl ChangeSetService for ChangeSets {
    async fn get_change_set(
        &self,
        request: Request<pb::GetChangeSetRequest>,
    ) -> Result<Response<pb::GetChangeSetResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::GetChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            Ok(control.change_set(id)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::GetChangeSetResponse { change_set }))
    }

    async fn add_edits(
        &self,
        request: Request<pb::AddEditsRequest>,
    ) -> Result<Response<pb::AddEditsResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::AddEditsRequest| {
            let id = change_set_id(request.change_set_id)?;
            lists::items("edits", &request.edits)?;
            let etag = lists::etag(&request.etag)?;
            Ok(control.edit(caller, id, etag, edits(control, id, &request.edits)?)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::AddEditsResponse { change_set }))
    }

    async fn remove_edits(
        &self,
        request: Request<pb::RemoveEditsRequest>,
    ) -> Result<Response<pb::RemoveEditsResponse>, Status> {
        let work = |control: &dyn Control, caller, mut request: pb::RemoveEditsRequest| {
            let id = change_set_id(request.change_set_id)?;
            lists::items("places", &request.places)?;
            lists::required("etag", &request.etag, NAME_BYTES_MAX)?;
            request.places.sort_unstable();
            request.places.dedup();
            Ok(control.unedit(caller, id, lists::etag(&request.etag)?, request.places)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::RemoveEditsResponse { change_set }))
    }

    async fn submit_change_set(
        &self,
        request: Request<pb::SubmitChangeSetRequest>,
    ) -> Result<Response<pb::SubmitChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::SubmitChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            let etag = lists::etag(&request.etag)?;
            Ok(control.submit(caller, id, etag, request.accept_warnings)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::SubmitChangeSetResponse { change_set }))
    }

    async fn approve_change_set(
        &self,
        request: Request<pb::ApproveChangeSetRequest>,
    ) -> Result<Response<pb::ApproveChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::ApproveChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            lists::texts(&[("note", &request.note, NOTE_BYTES_MAX)])?;
            Ok(control.approve(caller, id, &request.note)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::ApproveChangeSetResponse { change_set }))
    }

    async fn reject_change_set(
        &self,
        request: Request<pb::RejectChangeSetRequest>,
    ) -> Result<Response<pb::RejectChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::RejectChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            let note = lists::required("note", &request.note, NOTE_BYTES_MAX)?;
            Ok(control.reject(caller, id, note)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::RejectChangeSetResponse { change_set }))
    }

    async fn withdraw_change_set(
        &self,
        request: Request<pb::WithdrawChangeSetRequest>,
    ) -> Result<Response<pb::WithdrawChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::WithdrawChangeSetRequest| {
            Ok(control.withdraw(caller, change_set_id(request.change_set_id)?)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::WithdrawChangeSetResponse { change_set }))
    }

    async fn review_change_set(
        &self,
        request: Request<pb::ReviewChangeSetRequest>,
    ) -> Result<Response<pb::ReviewChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::ReviewChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            let note = lists::required("note", &request.note, NOTE_BYTES_MAX)?;
            Ok(control.review(caller, id, note)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::ReviewChangeSetResponse { change_set }))
    }

    async fn create_change_set(
        &self,
        request: Request<pb::CreateChangeSetRequest>,
    ) -> Result<Response<pb::CreateChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::CreateChangeSetRequest| {
            let draft = wire::draft_read(request.draft.as_ref(), &request.request_id)?;
            Ok(control.draft(caller, draft)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::CreateChangeSetResponse { change_set }))
    }

    async fn create_rollback(
        &self,
        request: Request<pb::CreateRollbackRequest>,
    ) -> Result<Response<pb::CreateRollbackResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::CreateRollbackRequest| {
            if request.revision == 0 {
                return Err(Violations::one("revision", "must not be 0").into());
            }
            let reason = lists::required("reason", &request.reason, NOTE_BYTES_MAX)?;
            Ok(control.rollback(caller, Revision(request.revision), reason)?)
        };
        let change_set = self.changed(request, work).await?;
        Ok(Response::new(pb::CreateRollbackResponse { change_set }))
    }

    async fn list_change_sets(
        &self,
        request: Request<pb::ListChangeSetsRequest>,
    ) -> Result<Response<pb::ListChangeSetsResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListChangeSetsRequest| {
            let page = page(request.page_size, &request.page_token)?;
            let found = control.change_sets(wire::state_read(request.state)?, page)?;
            let change_sets = found.items.iter().map(wire::change_set).collect();
            Ok(pb::ListChangeSetsResponse { change_sets, next_page_token: found.next })
        };
        self.0.ask(request, work).await
    }

    async fn list_edits(
        &self,
        request: Request<pb::ListEditsRequest>,
    ) -> Result<Response<pb::ListEditsResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListEditsRequest| {
            let id = change_set_id(request.change_set_id)?;
            let found = control.edits(id, page(request.page_size, &request.page_token)?)?;
            let edits = found.items.iter().map(wire::edit).collect();
            Ok(pb::ListEditsResponse { edits, next_page_token: found.next })
        };
        self.0.ask(request, work).await
    }

    async fn check_change_set(
        &self,
        request: Request<pb::CheckChangeSetRequest>,
    ) -> Result<Response<pb::CheckChangeSetResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::CheckChangeSetRequest| {
            let report = control.check(change_set_id(request.change_set_id)?)?;
            Ok(pb::CheckChangeSetResponse { report: Some(convert::report(&report)) })
        };
        self.0.ask(request, work).await
    }

    async fn preview_change_set(
        &self,
        request: Request<pb::PreviewChangeSetRequest>,
    ) -> Result<Response<pb::PreviewChangeSetResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::PreviewChangeSetRequest| {
            let preview = control.preview(change_set_id(request.change_set_id)?)?;
            Ok(pb::PreviewChangeSetResponse { preview: Some(convert::preview(&preview)) })
        };
        self.0.ask(request, work).await
    }

    async fn commit_change_set(
        &self,
        request: Request<pb::CommitChangeSetRequest>,
    ) -> Result<Response<pb::CommitChangeSetResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::CommitChangeSetRequest| {
            let id = change_set_id(request.change_set_id)?;
            let reason = &request.break_glass_reason;
            lists::texts(&[("break_glass_reason", reason, NOTE_BYTES_MAX)])?;
            let break_glass = (!reason.is_empty()).then_some(reason.as_str());
            let (set, live) = control.commit(caller, id, break_glass)?;
            Ok(pb::CommitChangeSetResponse {
                change_set: Some(wire::change_set(&set)),
                live: Some(convert::live(&live)),
            })
        };
        self.0.ask(request, work).await
    }

    async fn diff(
        &self,
        request: Request<pb::DiffRequest>,
    ) -> Result<Response<pb::DiffResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::DiffRequest| {
            let (earlier, later) = (request.earlier_revision, request.later_revision);
            if later < earlier || later == 0 {
                let what = "must not be below earlier_revision, nor 0";
                return Err(Violations::one("later_revision", what).into());
            }
            let page = page(request.page_size, &request.page_token)?;
            let found = control.diff(Revision(earlier), Revision(later), page)?;
            let changes = found.items.iter().map(wire::change).collect();
            Ok(pb::DiffResponse { changes, next_page_token: found.next })
        };
        self.0.ask(request, work).await
    }

    async fn set_mode(
        &self,
        request: Request<pb::SetModeRequest>,
    ) -> Result<Response<pb::SetModeResponse>, Status> {
        let work = |control: &dyn Control, caller, request: pb::SetModeRequest| {
            let mode = spec::mode_read(request.mode)
                .ok_or_else(|| Violations::one("mode", "must be a known mode"))?;
            lists::texts(&[("trunk_id", &request.trunk_id, NAME_BYTES_MAX)])?;
            let reason = lists::required("reason", &request.reason, NOTE_BYTES_MAX)?;
            let scope = match request.trunk_id.as_str() {
                "" => ModeScope::All,
                trunk => ModeScope::Trunk(trunk.to_owned()),
            };
            let (set, live) = control.set_mode(caller, &scope, mode, reason)?;
            Ok(pb::SetModeResponse {
                change_set: Some(wire::change_set(&set)),
                live: live.as_ref().map(convert::live),
            })
        };
        self.0.ask(request, work).await
    }

    async fn import_entries(
        &self,
        request: Request<Streaming<pb::ImportEntriesRequest>>,
    ) -> Result<Response<pb::ImportEntriesResponse>, Status> {
        use pb::import_entries_request::Part;
        let long = self.0.long(&request)?;
        let mut stream = request.into_inner();
        let spec = match next(&mut stream).await? {
            Some(pb::ImportEntriesRequest { part: Some(Part::Spec(spec)) }) => spec,
            _ => return Err(Violations::one("spec", "must come first").into()),
        };
        let import = convert::import(&spec)?;
        let (feed, mut reader) = pipe::feed();
        let task = long
            .run(move |control, caller| control.import(caller, &import, &mut reader, &mut |_| {}));
        // Where the stream is at fault, its words go before those of a reader that was cut off.
        let pumped = pump(&mut stream, feed).await;
        let report = task.await.map_err(|_| errors::panicked())?;
        pumped?;
        Ok(Response::new(convert::imported(&report?)))
    }
}

async fn next(
    stream: &mut Streaming<pb::ImportEntriesRequest>,
) -> Result<Option<pb::ImportEntriesRequest>, Status> {
    match tokio::time::timeout(STALL_MAX, stream.message()).await {
        Ok(message) => {
            message.map_err(|status| errors::of_stream(status, lists::CHUNK_MESSAGE_BYTES_MAX))
        }
        Err(_) => Err(errors::stalled()),
    }
}

/// Hands chunks on until the end of the file, or until nobody reads any more (its refusal is then
/// the answer).
async fn pump(stream: &mut Streaming<pb::ImportEntriesRequest>, feed: Feed) -> Result<(), Status> {
    use pb::import_entries_request::Part;
    let mut octets = 0;
    while let Some(message) = next(stream).await? {
        let chunk = match message.part {
            Some(Part::Chunk(chunk)) => chunk,
            Some(Part::End(end)) if end.byte_count == octets => {
                feed.end().await;
                return Ok(());
            }
            Some(Part::End(_)) => {
                let what = format!("must be what came: {octets}");
                return Err(Violations::one("end.byte_count", what).into());
            }
            _ => return Err(Violations::one("chunk", "must follow the request").into()),
        };
        octets += chunk.len() as u64;
        if octets > lists::IMPORT_BYTES_MAX {
            let max = lists::IMPORT_BYTES_MAX;
            let what = format!("must hold at most {max} octets in all: split the file");
            return Err(Violations::one("chunk", what).into());
        }
        if !feed.octets(chunk).await {
            return Ok(());
        }
    }
    Err(Violations::one("end", "must be the last message: the file is not whole").into())
}
