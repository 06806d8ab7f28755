//! Checks of what comes back from the field: outcomes and feedback. Nothing keeps them yet; what
//! is accepted here is what a later keeper may rely on.

use crate::model::category::Category;
use crate::model::policy::Action;

use super::checks::Checks;
use super::fields;
use super::limits::*;
use super::screening_v1 as pb;
use super::violations::Violations;
use pb::report_outcome_request::Outcome;

/// What of an outcome the counters want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeFacts {
    /// The action really carried out, if said.
    pub applied: Option<Action>,
    /// Why it is not the verdict's.
    pub fallback: pb::FallbackReason,
}

/// Checks an outcome report.
///
/// Errors: every field that the integration got wrong.
pub fn outcome(request: &pb::ReportOutcomeRequest) -> Result<OutcomeFacts, Violations> {
    let mut checks = Checks::default();
    fields::ids(&mut checks, &request.request_id, &request.attempt_id);
    checks.octets(format_args!("verdict_id"), &request.verdict_id, ID_BYTES_MAX);
    checks.time(format_args!("event_time"), request.event_time.as_ref());
    fields::ingress(&mut checks, request.ingress.as_ref());
    fields::address(&mut checks, "originator", request.originator.as_ref());
    fields::recipient(&mut checks, request.recipient.as_ref());
    let applied = fields::action(checks.known(request.applied_action));
    let fallback = checks.known(request.fallback_reason);
    match &request.outcome {
        None => checks.refuse(format_args!("outcome"), format_args!("must be a call or a message")),
        Some(Outcome::Call(call)) => call_outcome(&mut checks, call),
        Some(Outcome::Message(message)) => {
            let _: pb::DeliveryStatus = checks.known(message.delivery_status);
            let error = &message.network_error;
            checks.octets(format_args!("message.network_error"), error, SHORT_BYTES_MAX);
        }
    }
    checks.finish()?;
    Ok(OutcomeFacts { applied, fallback })
}

fn call_outcome(checks: &mut Checks, call: &pb::CallOutcome) {
    checks.span(format_args!("call.ring_duration"), call.ring_duration.as_ref());
    checks.span(format_args!("call.talk_duration"), call.talk_duration.as_ref());
    checks.span(format_args!("call.post_dial_delay"), call.post_dial_delay.as_ref());
    checks.time(format_args!("call.answer_time"), call.answer_time.as_ref());
    let _: pb::ReleaseSide = checks.known(call.release_side);
    if call.sip_status != 0 && !(100..700).contains(&call.sip_status) {
        checks.refuse(format_args!("call.sip_status"), format_args!("must be 0 or 100 to 699"));
    }
    checks.at_most(format_args!("call.q850_cause"), call.q850_cause, 127);
    checks.at_most(format_args!("call.q850_location"), call.q850_location.unwrap_or(0), 15);
    if !call.answered && (call.answer_time.is_some() || call.talk_duration.is_some()) {
        checks.refuse(
            format_args!("call.answered"),
            format_args!("contradicts an answer time or a talk duration"),
        );
    }
}

/// Checks a feedback report.
///
/// Errors: every field that the integration got wrong.
pub fn feedback(request: &pb::ReportFeedbackRequest) -> Result<(), Violations> {
    let mut checks = Checks::default();
    fields::ids(&mut checks, &request.request_id, &request.attempt_id);
    checks.octets(format_args!("verdict_id"), &request.verdict_id, ID_BYTES_MAX);
    checks.octets(format_args!("external_id"), &request.external_id, ID_BYTES_MAX);
    checks.time(format_args!("event_time"), request.event_time.as_ref());
    let kind: pb::FeedbackKind = checks.known(request.kind);
    if kind == pb::FeedbackKind::Unspecified {
        checks.refuse(format_args!("kind"), format_args!("must be a known kind"));
    }
    let _: pb::FeedbackSource = checks.known(request.source);
    let originator = fields::address(&mut checks, "originator", request.originator.as_ref());
    if request.verdict_id.is_empty() && originator.raw.is_empty() {
        checks.refuse(
            format_args!("originator.raw"),
            format_args!("must not be empty without a verdict_id"),
        );
    }
    fields::address(&mut checks, "recipient", request.recipient.as_ref());
    if !request.category.is_empty() && Category::parse(&request.category).is_none() {
        checks.refuse(format_args!("category"), format_args!("must be a code of the taxonomy"));
    }
    checks.octets(format_args!("text"), &request.text, TEXT_BYTES_MAX);
    checks.finish().map(drop)
}
