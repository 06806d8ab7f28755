//! The log of everything that happened.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::app::changes::Control;
use crate::app::changes::api::Caller;
use crate::model::catalogue::Cursor;
use crate::wire::lists::{self, NOTE_BYTES_MAX};
use crate::wire::lists_v1 as pb;
use crate::wire::violations::Violations;
use pb::audit_service_server::AuditService;

use super::convert;
use super::desk::{Desk, page};
use super::pipe::{self, AnswerStream};

/// Records of a page when nothing is said, and at most.
const PAGE: (usize, usize) = (100, 1000);

/// The audit service.
#[derive(Clone)]
pub(super) struct Audit(pub Arc<Desk>);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_records(
        &self,
        request: Request<pb::ListRecordsRequest>,
    ) -> Result<Response<pb::ListRecordsResponse>, Status> {
        let work = |control: &dyn Control, _, request: pb::ListRecordsRequest| {
            let asked = page(request.page_size, &request.page_token)?;
            let wrong = |_| Violations::one("page_token", "must be as the page before had it");
            let after = match asked.token {
                "" => request.after_cursor,
                token => token.parse().map_err(wrong)?,
            };
            let size = if asked.size == 0 { PAGE.0 } else { (asked.size as usize).min(PAGE.1) };
            let records = control.audit(Cursor(after), size)?;
            let full = records.len() == size;
            let last = records.last().filter(|_| full).map(|record| record.cursor.0.to_string());
            Ok(pb::ListRecordsResponse {
                records: records.iter().map(convert::record).collect(),
                next_page_token: last.unwrap_or_default(),
            })
        };
        self.0.ask(request, work).await
    }

    type VerifyLogStream = AnswerStream<pb::VerifyLogResponse>;

    async fn verify_log(
        &self,
        request: Request<pb::VerifyLogRequest>,
    ) -> Result<Response<Self::VerifyLogStream>, Status> {
        use pb::verify_log_response::Part;
        let long = self.0.long(&request)?;
        let (answers, stream) = pipe::answers();
        let part = |part| pb::VerifyLogResponse { part: Some(part) };
        drop(long.run(move |control, _| {
            let verified = control.verify(&mut |cursor| {
                answers.offer(part(Part::CheckedCursor(cursor.0)));
            });
            let last = verified.map(|found| part(Part::Verification(convert::verified(&found))));
            // Where the caller is gone, nobody reads this.
            let _ = answers.give(last.map_err(Status::from));
        }));
        Ok(Response::new(stream))
    }

    async fn erase_records(
        &self,
        request: Request<pb::EraseRecordsRequest>,
    ) -> Result<Response<pb::EraseRecordsResponse>, Status> {
        let work = |control: &dyn Control, caller: Caller, request: pb::EraseRecordsRequest| {
            lists::items("cursors", &request.cursors)?;
            let reason = lists::required("reason", &request.reason, NOTE_BYTES_MAX)?;
            let cursors: Vec<Cursor> = request.cursors.iter().map(|at| Cursor(*at)).collect();
            control.erase(caller, &cursors, reason)?;
            Ok(pb::EraseRecordsResponse {})
        };
        self.0.ask(request, work).await
    }
}
