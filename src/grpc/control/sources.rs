//! Subscriptions to sources.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::app::changes::Control;
use crate::app::changes::api::Caller;
use crate::wire::lists::{self, NAME_BYTES_MAX, source};
use crate::wire::lists_v1 as pb;
use crate::wire::violations::Violations;
use pb::source_service_server::SourceService;

use super::convert;
use super::desk::{Desk, page, slice};
use super::pipe::{self, AnswerStream};

/// The source service.
#[derive(Clone)]
pub(super) struct Subscriptions(pub Arc<Desk>);

#[tonic::async_trait]
impl SourceService for Subscriptions {
    async fn add_source(
        &self,
        request: Request<pb::AddSourceRequest>,
    ) -> Result<Response<pb::AddSourceResponse>, Status> {
        let work = |control: &dyn Control, caller: Caller, request: pb::AddSourceRequest| {
            let under = |found: Violations| found.under("source");
            let missing = || Violations::one("source", "must be set");
            let asked = request.source.as_ref().ok_or_else(missing)?;
            let format = convert::format(asked.format).map_err(under)?;
            let one = source::source_read(asked, format.as_str(), caller.actor).map_err(under)?;
            let state = control.subscribe(caller, one)?;
            Ok(pb::AddSourceResponse { source: Some(convert::source(&state)) })
        };
        self.0.ask(request, work).await
    }

    async fn list_sources(
        &self,
        request: Request<pb::ListSourcesRequest>,
    ) -> Result<Response<pb::ListSourcesResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListSourcesRequest| {
            let page = page(request.page_size, &request.page_token)?;
            let (sources, next) = slice(control.sources()?, page)?;
            let sources = sources.iter().map(convert::source).collect();
            Ok(pb::ListSourcesResponse { sources, next_page_token: next })
        };
        self.0.ask(request, work).await
    }

    type RefreshSourceStream = AnswerStream<pb::RefreshSourceResponse>;

    async fn refresh_source(
        &self,
        request: Request<pb::RefreshSourceRequest>,
    ) -> Result<Response<Self::RefreshSourceStream>, Status> {
        use pb::refresh_source_response::Part;
        let long = self.0.long(&request)?;
        let name = request.into_inner().name;
        lists::required("name", &name, NAME_BYTES_MAX)?;
        let (answers, stream) = pipe::answers();
        let part = |part| pb::RefreshSourceResponse { part: Some(part) };
        drop(long.run(move |control, caller| {
            let done = control.refresh(caller, &name, &mut |octet_count, total| {
                let octet_total = total.unwrap_or(0);
                let progress = pb::RefreshProgress { octet_count, octet_total };
                answers.offer(part(Part::Progress(progress)));
            });
            let last = done.map(|done| part(Part::Result(convert::refresh(&done))));
            // Where the caller is gone, nobody reads this; the change-set is there all the same.
            let _ = answers.give(last.map_err(Status::from));
        }));
        Ok(Response::new(stream))
    }

    async fn remove_source(
        &self,
        request: Request<pb::RemoveSourceRequest>,
    ) -> Result<Response<pb::RemoveSourceResponse>, Status> {
        let work = |control: &dyn Control, caller: Caller, request: pb::RemoveSourceRequest| {
            let name = lists::required("name", &request.name, NAME_BYTES_MAX)?;
            control.unsubscribe(caller, name)?;
            Ok(pb::RemoveSourceResponse {})
        };
        self.0.ask(request, work).await
    }
}
