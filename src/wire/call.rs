//! From a call on the wire to an attempt.

use crate::model::attempt::{self, Attempt};
use crate::model::policy::Traffic;

use super::checks::Checks;
use super::fields;
use super::limits::*;
use super::screening_v1 as pb;
use super::violations::Violations;

/// Reads a call attempt; the attempt borrows from the request.
///
/// The tenant is left at the global one: the caller sets it from the credentials.
///
/// Errors: every field that the integration got wrong. Malformed numbers are no error.
pub fn call_attempt(request: &pb::ScreenCallRequest) -> Result<Attempt<'_>, Violations> {
    let mut checks = Checks::default();
    fields::ids(&mut checks, &request.request_id, &request.attempt_id);
    checks.time(format_args!("event_time"), request.event_time.as_ref());
    let (ingress, region) = fields::ingress(&mut checks, request.ingress.as_ref());
    let recipient = fields::recipient(&mut checks, request.recipient.as_ref());
    let originator = fields::address(&mut checks, "originator", request.originator.as_ref());
    redirection(&mut checks, request.redirection.as_deref());
    let identity = identity(&mut checks, request.identity.as_deref());
    parties(&mut checks, request.parties.as_deref());
    signalling(&mut checks, request.signalling.as_deref());
    let emergency_callback = is_emergency_callback(&mut checks, request.priority.as_deref());
    let roaming =
        fields::hints(&mut checks, "originator_hints", request.originator_hints.as_deref());
    fields::hints(&mut checks, "recipient_hints", request.recipient_hints.as_deref());
    let supported = fields::supported(&mut checks, &request.supported_actions);
    fields::tags(&mut checks, &request.tags);
    let unknown_enum = checks.finish()?;
    Ok(Attempt {
        region,
        ingress,
        originator,
        recipient,
        verification: identity.verification,
        attestation: identity.attestation,
        roaming,
        diverted: request.redirection.is_some(),
        emergency_callback,
        recipient_emergency_call_age_ms: fields::emergency_call_age_ms(
            request.recipient_hints.as_deref(),
        ),
        supported,
        unknown_enum,
        contradictory: identity.contradictory,
        ..Attempt::empty(Traffic::Call)
    })
}

fn redirection(checks: &mut Checks, redirection: Option<&pb::Redirection>) {
    let Some(redirection) = redirection else { return };
    let original = redirection.original_called.as_ref();
    fields::address(checks, "redirection.original_called", original);
    fields::address(checks, "redirection.redirecting", redirection.redirecting.as_ref());
    let _: pb::RedirectionReason = checks.known(redirection.reason);
}

/// What of caller authentication the engine reads.
#[derive(Default)]
struct Identity {
    verification: attempt::VerificationStatus,
    attestation: attempt::Attestation,
    contradictory: bool,
}

fn identity(checks: &mut Checks, identity: Option<&pb::CallIdentity>) -> Identity {
    let Some(identity) = identity else { return Identity::default() };
    checks.octets(format_args!("identity.origination_id"), &identity.origination_id, ID_BYTES_MAX);
    let bounds = (IDENTITY_HEADERS_MAX, IDENTITY_HEADER_BYTES_MAX);
    fields::strings(checks, "identity.identity_headers", &identity.identity_headers, bounds);
    if !matches!(identity.verification_error, 0 | 403 | 428 | 436 | 437 | 438) {
        checks.refuse(
            format_args!("identity.verification_error"),
            format_args!("must be 0, 403, 428, 436, 437 or 438"),
        );
    }
    checks.time(format_args!("identity.signed_time"), identity.signed_time.as_ref());
    let host = &identity.certificate_host;
    checks.octets(format_args!("identity.certificate_host"), host, HOST_BYTES_MAX);
    let carrier = &identity.certificate_carrier_id;
    checks.octets(format_args!("identity.certificate_carrier_id"), carrier, ID_BYTES_MAX);
    let types = &identity.passport_types;
    checks.items(format_args!("identity.passport_types"), types, IDENTITY_HEADERS_MAX);
    for value in types.iter().take(IDENTITY_HEADERS_MAX) {
        let _: pb::PassportType = checks.known(*value);
    }
    if let Some(data) = identity.rich_call_data.as_deref() {
        let mut octets = |name: &str, value: &[u8], max| {
            checks.octets(format_args!("identity.rich_call_data.{name}"), value, max);
        };
        octets("display_name", &data.display_name, HEADER_BYTES_MAX);
        octets("alternate_number", &data.alternate_number, HEADER_BYTES_MAX);
        octets("icon_uri", &data.icon_uri, LINK_BYTES_MAX);
        octets("jcard", &data.jcard, LINK_BYTES_MAX);
        octets("call_reason", &data.call_reason, HEADER_BYTES_MAX);
    }
    let verification = match checks.known(identity.verification_status) {
        pb::VerificationStatus::Unspecified | pb::VerificationStatus::NotPerformed => {
            attempt::VerificationStatus::NotPerformed
        }
        pb::VerificationStatus::Passed => attempt::VerificationStatus::Passed,
        pb::VerificationStatus::Failed => attempt::VerificationStatus::Failed,
    };
    let attestation = match checks.known(identity.attestation) {
        pb::Attestation::Unspecified => attempt::Attestation::None,
        pb::Attestation::Gateway => attempt::Attestation::Gateway,
        pb::Attestation::Partial => attempt::Attestation::Partial,
        pb::Attestation::Full => attempt::Attestation::Full,
    };
    // It cannot have passed and failed. Neither is believed: a pass could let a spoof through, a
    // failure could hurt an honest call. It is no refusal either: that would lose the verdict of
    // the call, an emergency call's too.
    let passed = verification == attempt::VerificationStatus::Passed;
    if passed && identity.verification_error != 0 {
        return Identity { contradictory: true, ..Identity::default() };
    }
    Identity { verification, attestation, contradictory: false }
}

fn parties(checks: &mut Checks, parties: Option<&pb::CallParties>) {
    let Some(parties) = parties else { return };
    let mut octets = |name: &str, value: &[u8]| {
        checks.octets(format_args!("parties.{name}"), value, ADDRESS_BYTES_MAX);
    };
    octets("asserted_identity", &parties.asserted_identity);
    octets("from_identity", &parties.from_identity);
    octets("remote_party_id", &parties.remote_party_id);
    octets("display_name", &parties.display_name);
    octets("charge_number", &parties.charge_number);
    let additional = parties.additional_originator.as_ref();
    fields::address(checks, "parties.additional_originator", additional);
}

fn signalling(checks: &mut Checks, signalling: Option<&pb::CallSignalling>) {
    let Some(signalling) = signalling else { return };
    let mut octets = |name: &str, value: &[u8]| {
        checks.octets(format_args!("signalling.{name}"), value, HEADER_BYTES_MAX);
    };
    octets("call_id", &signalling.call_id);
    octets("user_agent", &signalling.user_agent);
    octets("charging_id", &signalling.charging_id);
    let _: pb::SignallingProtocol = checks.known(signalling.protocol);
    let _: pb::Bearer = checks.known(signalling.bearer);
}

/// An emergency centre calls back: by SIP Priority (RFC 7090) or by calling party's category.
fn is_emergency_callback(checks: &mut Checks, priority: Option<&pb::CallPriority>) -> bool {
    let Some(priority) = priority else { return false };
    let header = &priority.resource_priority;
    checks.octets(format_args!("priority.resource_priority"), header, HEADER_BYTES_MAX);
    let category: pb::CallingPartyCategory = checks.known(priority.calling_party_category);
    checks.known::<pb::Priority>(priority.priority) == pb::Priority::PsapCallback
        || category == pb::CallingPartyCategory::Emergency
}
