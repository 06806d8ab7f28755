//! How calls reach the write side: with a caller, on a blocking thread, so many at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Request, Response, Status};

use crate::app::changes::Control;
use crate::app::changes::api::{Caller, PageRequest};
use crate::model::catalogue::ChangeSetId;
use crate::wire::lists;
use crate::wire::violations::Violations;

use super::{Gate, Parts, errors};

/// Calls that read or write a little, at once. There is one writer and one disk; more threads
/// would only wait inside.
const SHORT_MAX: usize = 8;
/// Imports, exports and proofs at once: each keeps a thread for minutes.
const LONG_MAX: usize = 4;
/// How long a short call waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(10);

/// What every call goes over.
pub(super) struct Desk {
    control: Arc<dyn Control>,
    gate: Gate,
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// A long call that may run, and who asked for it.
pub(super) struct Long {
    pub caller: Caller,
    pub control: Arc<dyn Control>,
    place: OwnedSemaphorePermit,
}

impl Desk {
    pub fn new(parts: Parts) -> Desk {
        Desk {
            control: parts.control,
            gate: parts.gate,
            short: Arc::new(Semaphore::new(SHORT_MAX)),
            long: Arc::new(Semaphore::new(LONG_MAX)),
        }
    }

    /// A short call, on a blocking thread. One that is begun ends, whether or not its caller still
    /// waits.
    ///
    /// Errors: no caller, no turn within [`TURN_MAX`], a panic, and what the call says.
    pub async fn ask<Q, A, F>(&self, request: Request<Q>, work: F) -> Result<Response<A>, Status>
    where
        Q: Send + 'static,
        A: Send + 'static,
        F: FnOnce(&dyn Control, Caller, Q) -> Result<A, Status> + Send + 'static,
    {
        let caller = self.gate.caller(&request)?;
        let turn = tokio::time::timeout(TURN_MAX, Arc::clone(&self.short).acquire_owned()).await;
        let Ok(Ok(place)) = turn else {
            return Err(errors::busy("too many calls at once; try again"));
        };
        let control = Arc::clone(&self.control);
        let question = request.into_inner();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&*control, caller, question)
        });
        task.await.unwrap_or_else(|_| Err(errors::panicked())).map(Response::new)
    }

    /// Lets a long call in, or not.
    ///
    /// Errors: no caller, too many of them.
    pub fn long<Q>(&self, request: &Request<Q>) -> Result<Long, Status> {
        let caller = self.gate.caller(request)?;
        let place = Arc::clone(&self.long).try_acquire_owned().map_err(|_| {
            errors::busy("too many imports, exports or verifications run; try again later")
        })?;
        Ok(Long { caller, control: Arc::clone(&self.control), place })
    }
}

impl Long {
    /// Runs on a blocking thread.
    pub fn run<A: Send + 'static>(
        self,
        work: impl FnOnce(&dyn Control, Caller) -> A + Send + 'static,
    ) -> tokio::task::JoinHandle<A> {
        let Long { caller, control, place } = self;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&*control, caller)
        })
    }
}

/// How a page is asked for.
pub(super) fn page(size: u32, token: &str) -> Result<PageRequest<'_>, Violations> {
    lists::texts(&[("page_token", token, lists::TEXT_BYTES_MAX)])?;
    Ok(PageRequest { size, token })
}

/// A page of what is there as a whole; tokens are places.
pub(super) fn slice<T>(
    items: Vec<T>,
    page: PageRequest<'_>,
) -> Result<(Vec<T>, String), Violations> {
    const DEFAULT: usize = 100;
    const MAX: usize = 1000;
    let wrong = |_| Violations::one("page_token", "must be as the page before had it");
    let from = if page.token.is_empty() { 0 } else { page.token.parse().map_err(wrong)? };
    let size = match page.size as usize {
        0 => DEFAULT,
        size => size.min(MAX),
    };
    let end = usize::saturating_add(from, size);
    let next = if end < items.len() { end.to_string() } else { String::new() };
    Ok((items.into_iter().skip(from).take(size).collect(), next))
}

/// A change-set's id.
pub(super) fn change_set_id(id: u64) -> Result<ChangeSetId, Violations> {
    if id == 0 {
        return Err(Violations::one("change_set_id", "must not be 0"));
    }
    Ok(ChangeSetId(id))
}
