//! Subscriptions of the small write side: kept, never asked for over a network.

use super::{Answer, Caller, Fake, Refresh, Refreshed, Refusal, SourceState, Sources};
use crate::lists::subscription::Subscription;

impl Sources for Fake {
    fn subscribe(&self, caller: Caller, subscription: Subscription) -> Answer<SourceState> {
        let mut inner = self.0.lock().unwrap();
        let subscription = Subscription { owner: caller.actor, ..subscription };
        let state = SourceState {
            subscription,
            asked: None,
            due: None,
            outcome: String::new(),
            failed: false,
            sha256: None,
            change_set: None,
        };
        inner.ready()?.sources.push(state.clone());
        Ok(state)
    }

    fn unsubscribe(&self, _: Caller, name: &str) -> Answer<()> {
        let mut inner = self.0.lock().unwrap();
        let sources = &mut inner.ready()?.sources;
        let known = sources.iter().position(|one| *one.subscription.name == *name);
        let at = known.ok_or(Refusal::NotFound { kind: "source", name: name.to_owned() })?;
        sources.remove(at);
        Ok(())
    }

    fn sources(&self) -> Answer<Vec<SourceState>> {
        Ok(self.0.lock().unwrap().ready()?.sources.clone())
    }

    fn refresh(
        &self,
        _: Caller,
        name: &str,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Answer<Refresh> {
        let mut inner = self.0.lock().unwrap();
        let known = inner.ready()?.sources.iter().any(|one| *one.subscription.name == *name);
        progress(3, Some(4));
        if !known {
            return Err(Refusal::NotFound { kind: "source", name: name.to_owned() });
        }
        let what = "the same as last time".to_owned();
        Ok(Refresh { outcome: Refreshed::Unchanged, what, change_set: None })
    }
}
