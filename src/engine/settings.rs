//! What is asked of every attempt besides lists: policy, trunks, protected recipients.
//!
//! Owns the settings in force. Must not know lists. Settings are small and shared by part, so that
//! a change of mode or one more protected number is live without compiling any list again.

use std::collections::HashMap;
use std::sync::Arc;

use super::guard::Guard;
use super::numbers::{Normalised, NumberIndex};
use crate::model::attempt::Address;
use crate::model::number::Region;
use crate::model::policy::{Mode, Policy};
use crate::text::sender::sender_exact_key;

/// Settings of a whole catalogue, compiled. Cheap to clone: what differs between two revisions is
/// mostly the policy alone.
#[derive(Clone)]
pub struct Settings {
    /// The default policy.
    pub policy: Policy,
    /// Trunks and accounts by name.
    pub(super) trunks: Arc<HashMap<Box<str>, Trunk>>,
    /// Recipients that nothing may touch.
    pub(super) guard: Arc<Guard>,
}

impl Settings {
    /// A trunk or account by its name.
    pub(super) fn trunk(&self, trunk_id: &str) -> Option<&Trunk> {
        if trunk_id.is_empty() { None } else { self.trunks.get(trunk_id) }
    }

    /// How many trunks and accounts are known.
    pub fn trunks(&self) -> usize {
        self.trunks.len()
    }

    /// Recipients that nothing may touch.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settings({:?}, {} trunks)", self.policy, self.trunks.len())
    }
}

/// A trunk or account with what is bound to it.
#[derive(Default)]
pub struct Trunk {
    pub(super) numbers: NumberIndex,
    pub(super) senders: Vec<Box<str>>,
    pub(super) mode: Option<Mode>,
    pub(super) region: Option<Region>,
}

impl Trunk {
    /// May this originator be shown here with proven identity?
    pub(super) fn binds(&self, originator: &Normalised, address: &Address<'_>) -> bool {
        match originator {
            Normalised::Number(number) => {
                let mut bound = false;
                self.numbers.lookup(number, |_, _| bound = true);
                bound
            }
            Normalised::Lettered if !self.senders.is_empty() => {
                let key = sender_exact_key(&String::from_utf8_lossy(address.raw));
                self.senders.iter().any(|sender| **sender == *key)
            }
            _ => false,
        }
    }
}
