//! Is the process fit to serve? Every long-lived task holds a guard; a task that ends without
//! having been asked makes the process unfit, whatever else still answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Long-lived parts that must all be alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// Accept loop of the data port.
    DataListener,
    /// A core of the data port.
    DataCore,
    /// Control port.
    ControlPort,
}

/// Fitness of the process; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<State>);

#[derive(Debug, Default)]
struct State {
    warm: AtomicBool,
    draining: AtomicBool,
    died: AtomicU32,
    store_broken: AtomicBool,
}

impl Health {
    /// Not warm, not draining, nothing dead.
    pub fn new() -> Health {
        Health::default()
    }

    /// A ruleset is loaded.
    pub fn set_warm(&self) {
        self.0.warm.store(true, Ordering::Release);
    }

    /// The process is about to end: no new work.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    /// The store cannot be read: screening goes on with what the base image has.
    pub fn set_store_broken(&self) {
        self.0.store_broken.store(true, Ordering::Release);
    }

    /// Can the store not be read? No reason to send traffic elsewhere, but to repair it.
    pub fn is_store_broken(&self) -> bool {
        self.0.store_broken.load(Ordering::Acquire)
    }

    /// Watches one task: keep the guard inside it.
    pub fn guard(&self, component: Component) -> Guard {
        Guard { health: self.clone(), component, done: false }
    }

    /// Nothing died; the process need not be restarted.
    pub fn is_live(&self) -> bool {
        self.0.died.load(Ordering::Acquire) == 0
    }

    /// Warm, live and not draining: send traffic.
    pub fn is_ready(&self) -> bool {
        self.is_live()
            && self.0.warm.load(Ordering::Acquire)
            && !self.0.draining.load(Ordering::Acquire)
    }
}

/// Marks its component as dead when dropped before [`Guard::done`], in a panic too.
#[derive(Debug)]
pub struct Guard {
    health: Health,
    component: Component,
    done: bool,
}

impl Guard {
    /// The task ends because it was asked to.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            self.health.0.died.fetch_add(1, Ordering::AcqRel);
            tracing::error!(component = ?self.component, "a task ended without being asked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_task_makes_it_unfit() {
        let health = Health::new();
        assert!(health.is_live() && !health.is_ready());
        health.set_warm();
        assert!(health.is_ready());
        health.guard(Component::DataCore).done();
        assert!(health.is_ready());
        drop(health.guard(Component::DataCore));
        assert!(!health.is_live() && !health.is_ready());
    }

    #[test]
    fn draining_is_live_and_not_ready() {
        let health = Health::new();
        health.set_warm();
        health.set_draining();
        assert!(health.is_live() && !health.is_ready());
    }
}
