//! The control services: lists, change-sets, audit, sources, over `app::changes`.
//!
//! Owns who may ask, what a refusal looks like on the wire, how many calls run at once and how
//! large they may be. Knows the write side by its trait only. Calls block (they write to disk), so
//! they run on blocking threads, never on the runtime's own and never on a data core.
//! Invariants: every call has a caller; a file that broke off is never taken for a whole one; what
//! a peer can take is bounded in time, size and number.

mod audit;
mod caller;
mod change_sets;
mod convert;
mod desk;
mod errors;
mod lists;
mod pipe;
mod sources;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tonic::body::Body;
use tower::Service as _;
use tower::util::BoxCloneSyncService;

use crate::app::changes::Control;
use crate::wire::CONTROL_DESCRIPTOR_SET;
use crate::wire::lists::{CHUNK_MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::wire::lists_v1 as pb;
use pb::audit_service_server::AuditServiceServer;
use pb::change_set_service_server::ChangeSetServiceServer;
use pb::list_service_server::ListServiceServer;
use pb::source_service_server::SourceServiceServer;

pub use caller::Gate;
use desk::Desk;

/// What the control services work with.
#[derive(Clone)]
pub struct Parts {
    /// The write side.
    pub control: Arc<dyn Control>,
    /// Who may ask.
    pub gate: Gate,
}

/// The control services as one; for the control port, which must put the peer's
/// [`std::net::SocketAddr`] into the extensions of each request.
pub type ControlService = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

const LISTS: &str = "/ringfence.lists.v1.ListService/";
const CHANGE_SETS: &str = "/ringfence.lists.v1.ChangeSetService/";
const IMPORT: &str = "/ringfence.lists.v1.ChangeSetService/ImportEntries";
const AUDIT: &str = "/ringfence.lists.v1.AuditService/";
const SOURCES: &str = "/ringfence.lists.v1.SourceService/";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/";
const REFLECTION_ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/";

/// The control services, with reflection.
///
/// Errors: the descriptor set cannot be read; never in practice.
pub fn service(parts: Parts) -> io::Result<ControlService> {
    let desk = Arc::new(Desk::new(parts));
    let lists = ListServiceServer::new(lists::Lists(Arc::clone(&desk)))
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let sets = change_sets::ChangeSets(Arc::clone(&desk));
    let import = ChangeSetServiceServer::new(sets.clone())
        .max_decoding_message_size(CHUNK_MESSAGE_BYTES_MAX);
    let sets = ChangeSetServiceServer::new(sets).max_decoding_message_size(REQUEST_BYTES_MAX);
    let audit = AuditServiceServer::new(audit::Audit(Arc::clone(&desk)))
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let sources = SourceServiceServer::new(sources::Subscriptions(desk))
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(CONTROL_DESCRIPTOR_SET)
    };
    let reflection_v1 = reflection().build_v1().map_err(io::Error::other)?;
    let reflection_alpha = reflection().build_v1alpha().map_err(io::Error::other)?;
    let route = move |request: Request<Incoming>| {
        let (mut lists, mut sets, mut import) = (lists.clone(), sets.clone(), import.clone());
        let (mut audit, mut sources) = (audit.clone(), sources.clone());
        let (mut reflection_v1, mut reflection_alpha) =
            (reflection_v1.clone(), reflection_alpha.clone());
        async move {
            let path = request.uri().path();
            let bytes_max =
                if path == IMPORT { CHUNK_MESSAGE_BYTES_MAX } else { REQUEST_BYTES_MAX };
            let response = match path {
                IMPORT => import.call(request).await,
                path if path.starts_with(CHANGE_SETS) => sets.call(request).await,
                path if path.starts_with(LISTS) => lists.call(request).await,
                path if path.starts_with(AUDIT) => audit.call(request).await,
                path if path.starts_with(SOURCES) => sources.call(request).await,
                path if path.starts_with(REFLECTION) => reflection_v1.call(request).await,
                path if path.starts_with(REFLECTION_ALPHA) => reflection_alpha.call(request).await,
                _ => Ok(errors::unknown_method().into_http()),
            };
            response.map(|response| errors::reworded(response, bytes_max))
        }
    };
    Ok(BoxCloneSyncService::new(tower::service_fn(route)))
}
