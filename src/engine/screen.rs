//! The one straight line: guard, detectors, decision.

use super::context::{Context, input_flags};
use super::decide::{decide, let_through};
use super::detect::{Hits, identity, listed, message};
use super::hit::Hit;
use super::ruleset::Ruleset;
use crate::model::attempt::{Attempt, StateFacts};
use crate::model::category::Category;
use crate::model::entry::Effect;
use crate::model::policy::{Ground, Traffic};
use crate::model::time::Timestamp;
use crate::model::verdict::{EntryRef, ReasonCode, Verdict};

/// Screens one attempt. Pure: the same ruleset, attempt, facts and time give the same verdict.
pub fn screen<'r>(
    ruleset: &'r Ruleset,
    attempt: &Attempt<'_>,
    facts: &StateFacts,
    now: Timestamp,
) -> Verdict<'r> {
    let base = &*ruleset.base;
    let context = Context::new(ruleset, attempt, facts);
    let mut flags = input_flags(&context, attempt);
    let mut hits: Hits<'r> = Vec::new();
    let guard = ruleset.settings().guard();
    if guard.protects(&base.plans, &context.recipient, &attempt.recipient, context.region) {
        let mut hit = note(ReasonCode::ProtectedRecipient);
        hit.entry = context.recipient_number().map_or(EntryRef::None, |n| EntryRef::Number(*n));
        hits.push(hit);
        return let_through(&context, hits, flags);
    }
    if context.emergency_callback {
        hits.push(note(ReasonCode::EmergencyCallback));
    }
    identity::check(&base.plans, &context, attempt, &mut hits);
    listed::check(ruleset, &context, attempt, now, &mut hits);
    if attempt.traffic == Traffic::Message {
        message::check(ruleset, &context, attempt, now, &mut hits, &mut flags);
    }
    decide(&context, attempt, hits, flags)
}

/// A hit that only explains.
fn note<'r>(code: ReasonCode) -> Hit<'r> {
    Hit::found(code, Category::OK03, Effect::Score(0), Ground::Policy)
}
