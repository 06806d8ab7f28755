//! What edges may ask about subscriptions.

use super::{Caller, Refusal};
use crate::lists::changeset::ChangeSet;
use crate::lists::subscription::Subscription;
use crate::model::catalogue::BlobId;
use crate::model::time::Timestamp;

/// A subscription and how it goes. All but the subscription is known since the last start only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// What was subscribed to.
    pub subscription: Subscription,
    /// When it was asked last; `None` not since the start.
    pub asked: Option<Timestamp>,
    /// When it is asked next; `None` where nothing can be fetched.
    pub due: Option<Timestamp>,
    /// How it went last, in words; empty where it was not asked.
    pub outcome: String,
    /// It went wrong last time.
    pub failed: bool,
    /// SHA-256 of the octets that came last.
    pub sha256: Option<BlobId>,
    /// The newest change-set that it brought.
    pub change_set: Option<ChangeSet>,
}

/// What became of what a source brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// Nothing new: as last time, or as the list has it.
    Unchanged,
    /// It has errors and was withdrawn.
    Withdrawn,
    /// It is a draft that a person has to look at.
    Draft,
    /// It waits for somebody to approve or commit it.
    Waits,
    /// It is live.
    Committed,
}

/// What a refresh did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// What became of it.
    pub outcome: Refreshed,
    /// The same in words, with what to do.
    pub what: String,
    /// The change-set that holds it; `None` where there is nothing to hold.
    pub change_set: Option<ChangeSet>,
}

/// Everything that edges may ask about subscriptions.
pub trait Sources {
    /// Fills a list from a URL from now on; whoever asks becomes its owner.
    fn subscribe(&self, caller: Caller, subscription: Subscription)
    -> Result<SourceState, Refusal>;
    /// No longer does, and gives up what of it waits; what is live stays.
    fn unsubscribe(&self, caller: Caller, name: &str) -> Result<(), Refusal>;
    /// All subscriptions by name.
    fn sources(&self) -> Result<Vec<SourceState>, Refusal>;
    /// Asks one source now. `progress` gets octets so far and, where the source says it, how many
    /// there will be.
    fn refresh(
        &self,
        caller: Caller,
        name: &str,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Refresh, Refusal>;
}
