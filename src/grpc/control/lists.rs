//! Questions to the catalogue.

use std::io::Write as _;
use std::sync::Arc;

use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use crate::app::changes::Control;
use crate::app::changes::api::{Question, Refusal};
use crate::wire::lists::{self, CHUNK_BYTES, NAME_BYTES_MAX, TEXT_BYTES_MAX, revision, row, spec};
use crate::wire::lists_v1 as pb;
use pb::list_service_server::ListService;

use super::convert;
use super::desk::{Desk, page, slice};
use super::pipe::{self, AnswerStream, ChunkWriter};

/// The list service.
#[derive(Clone)]
pub(super) struct Lists(pub Arc<Desk>);

/// The key as the list writes it; as it is where there is no such list.
fn key_of(control: &dyn Control, list: &str, key: &str) -> Result<Box<str>, Refusal> {
    match control.list(list, None) {
        Ok(state) => Ok(row::key_read(&state.spec, key)),
        Err(Refusal::NotFound { .. }) => Ok(key.into()),
        Err(refusal) => Err(refusal),
    }
}

#[tonic::async_trait]
impl ListService for Lists {
    async fn list_lists(
        &self,
        request: Request<pb::ListListsRequest>,
    ) -> Result<Response<pb::ListListsResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListListsRequest| {
            let page = page(request.page_size, &request.page_token)?;
            let (lists, next) = slice(control.lists(revision(request.revision))?, page)?;
            let lists = lists.iter().map(spec::list).collect();
            Ok(pb::ListListsResponse { lists, next_page_token: next })
        };
        self.0.ask(request, work).await
    }

    async fn get_list(
        &self,
        request: Request<pb::GetListRequest>,
    ) -> Result<Response<pb::GetListResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::GetListRequest| {
            let id = lists::required("list_id", &request.list_id, NAME_BYTES_MAX)?;
            let list = control.list(id, revision(request.revision))?;
            Ok(pb::GetListResponse { list: Some(spec::list(&list)) })
        };
        self.0.ask(request, work).await
    }

    async fn list_entries(
        &self,
        request: Request<pb::ListEntriesRequest>,
    ) -> Result<Response<pb::ListEntriesResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListEntriesRequest| {
            let id = lists::required("list_id", &request.list_id, NAME_BYTES_MAX)?;
            lists::texts(&[("key_prefix", &request.key_prefix, TEXT_BYTES_MAX)])?;
            let page = page(request.page_size, &request.page_token)?;
            let found =
                control.entries(id, &request.key_prefix, revision(request.revision), page)?;
            let entries = found.items.iter().map(row::version).collect();
            Ok(pb::ListEntriesResponse { entries, next_page_token: found.next })
        };
        self.0.ask(request, work).await
    }

    async fn list_entry_history(
        &self,
        request: Request<pb::ListEntryHistoryRequest>,
    ) -> Result<Response<pb::ListEntryHistoryResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListEntryHistoryRequest| {
            let id = lists::required("list_id", &request.list_id, NAME_BYTES_MAX)?;
            let key = lists::required("key", &request.key, TEXT_BYTES_MAX)?;
            let page = page(request.page_size, &request.page_token)?;
            let versions = control.history(id, &key_of(control, id, key)?)?;
            let (versions, next) = slice(versions, page)?;
            let versions = versions.iter().map(row::version).collect();
            Ok(pb::ListEntryHistoryResponse { versions, next_page_token: next })
        };
        self.0.ask(request, work).await
    }

    async fn why(
        &self,
        request: Request<pb::WhyRequest>,
    ) -> Result<Response<pb::WhyResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::WhyRequest| {
            let at = revision(request.revision);
            let mut question = convert::question(request)?;
            if let Question::Entry { list, key } = &mut question {
                *key = key_of(control, list, key)?.into();
            }
            Ok(convert::why(&control.why(&question, at)?))
        };
        self.0.ask(request, work).await
    }

    type ExportEntriesStream = AnswerStream<pb::ExportEntriesResponse>;

    async fn export_entries(
        &self,
        request: Request<pb::ExportEntriesRequest>,
    ) -> Result<Response<Self::ExportEntriesStream>, Status> {
        use pb::export_entries_response::Part;
        let long = self.0.long(&request)?;
        let request = request.into_inner();
        lists::required("list_id", &request.list_id, NAME_BYTES_MAX)?;
        let format = convert::format(request.format)?;
        let (answers, stream) = pipe::answers();
        let part = |part| pb::ExportEntriesResponse { part: Some(part) };
        // Its end is the end of the stream; without a summary the file is not whole.
        drop(long.run(move |control, caller| {
            let wrap =
                |octets: Bytes| pb::ExportEntriesResponse { part: Some(Part::Chunk(octets)) };
            let mut out = ChunkWriter::new(&answers, CHUNK_BYTES, wrap);
            let (list, at) = (&request.list_id, revision(request.revision));
            let written = control.export(caller, list, format, at, &mut out);
            let last = match (written, out.flush()) {
                (Ok(entry_count), Ok(())) => {
                    Ok(part(Part::Summary(pb::ExportSummary { entry_count })))
                }
                (Err(refusal), _) => Err(refusal.into()),
                // The caller is gone: nobody reads this.
                (Ok(_), Err(_)) => return,
            };
            let _ = answers.give(last);
        }));
        Ok(Response::new(stream))
    }
}
