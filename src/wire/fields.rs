//! Groups that calls, messages and reports share: checked and translated once.

use prost::bytes::Bytes;

use crate::model::attempt::{self, Ingress};
use crate::model::number::Region;
use crate::model::policy::{self, ActionSet};

use super::checks::Checks;
use super::limits::*;
use super::screening_v1 as pb;

/// An address; absent is empty.
pub(super) fn address<'a>(
    checks: &mut Checks,
    field: &str,
    address: Option<&'a pb::Address>,
) -> attempt::Address<'a> {
    let Some(address) = address else { return attempt::Address::default() };
    checks.octets(format_args!("{field}.raw"), &address.raw, ADDRESS_BYTES_MAX);
    let _: pb::NumberingPlan = checks.known(address.plan);
    let _: pb::NumberScreening = checks.known(address.screening);
    attempt::Address {
        raw: &address.raw,
        nature: nature(checks.known(address.nature)),
        presentation: presentation(checks.known(address.presentation)),
    }
}

/// The recipient: what an attempt cannot be without.
pub(super) fn recipient<'a>(
    checks: &mut Checks,
    recipient: Option<&'a pb::Address>,
) -> attempt::Address<'a> {
    if recipient.is_none_or(|recipient| recipient.raw.is_empty()) {
        checks.refuse(format_args!("recipient.raw"), format_args!("must not be empty"));
    }
    address(checks, "recipient", recipient)
}

fn nature(nature: pb::NatureOfAddress) -> attempt::NatureOfAddress {
    use attempt::NatureOfAddress as To;
    use pb::NatureOfAddress as From;
    match nature {
        From::Unspecified | From::Unknown => To::Unknown,
        From::Subscriber => To::Subscriber,
        From::National => To::National,
        From::International => To::International,
        // A short code means something inside one network or region only.
        From::NetworkSpecific | From::Abbreviated => To::NetworkSpecific,
        From::Alphanumeric => To::Alphanumeric,
    }
}

fn presentation(presentation: pb::Presentation) -> attempt::Presentation {
    match presentation {
        pb::Presentation::Unspecified | pb::Presentation::Allowed => attempt::Presentation::Allowed,
        pb::Presentation::Restricted => attempt::Presentation::Restricted,
        pb::Presentation::Unavailable => attempt::Presentation::Unavailable,
    }
}

/// The ingress with the region it gives to numbers that do not say theirs.
pub(super) fn ingress<'a>(
    checks: &mut Checks,
    ingress: Option<&'a pb::Ingress>,
) -> (Ingress<'a>, Option<Region>) {
    let Some(ingress) = ingress else { return (Ingress::default(), None) };
    checks.octets(format_args!("ingress.trunk_id"), &ingress.trunk_id, ID_BYTES_MAX);
    checks.octets(format_args!("ingress.carrier_id"), &ingress.carrier_id, ID_BYTES_MAX);
    checks.octets(format_args!("ingress.node_id"), &ingress.node_id, ID_BYTES_MAX);
    checks.region(format_args!("ingress.region_code"), &ingress.region_code);
    checks.region(format_args!("ingress.country_code"), &ingress.country_code);
    if !matches!(ingress.source_ip.len(), 0 | 4 | 16) {
        checks.refuse(format_args!("ingress.source_ip"), format_args!("must be 4 or 16 octets"));
    }
    let _: pb::Direction = checks.known(ingress.direction);
    let _: pb::ScreeningPoint = checks.known(ingress.screening_point);
    let trust: pb::IngressTrust = checks.known(ingress.trust);
    let ingress_out = Ingress {
        trunk_id: &ingress.trunk_id,
        trunk_class: trunk_class(checks.known(ingress.trunk_class)),
        trusted: trust == pb::IngressTrust::Trusted,
    };
    (ingress_out, Region::parse(&ingress.region_code))
}

fn trunk_class(class: pb::TrunkClass) -> attempt::TrunkClass {
    use attempt::TrunkClass as To;
    use pb::TrunkClass as From;
    match class {
        From::Unspecified => To::Unknown,
        From::Retail => To::Retail,
        From::Domestic => To::Domestic,
        From::International => To::International,
        From::Enterprise => To::Enterprise,
        From::Voip => To::Voip,
        From::Roaming => To::Roaming,
        From::Aggregator => To::Aggregator,
    }
}

/// Hints about one party; what the engine reads of them is where the subscriber is.
pub(super) fn hints(
    checks: &mut Checks,
    field: &str,
    hints: Option<&pb::SubscriberHints>,
) -> attempt::Roaming {
    let Some(hints) = hints else { return attempt::Roaming::Unknown };
    checks.octets(format_args!("{field}.device_tac"), &hints.device_tac, SHORT_BYTES_MAX);
    checks.octets(format_args!("{field}.cell_id"), &hints.cell_id, SHORT_BYTES_MAX);
    checks.octets(format_args!("{field}.routing_number"), &hints.routing_number, SHORT_BYTES_MAX);
    checks.region(format_args!("{field}.home_country_code"), &hints.home_country_code);
    checks.region(format_args!("{field}.visited_country_code"), &hints.visited_country_code);
    checks.span(format_args!("{field}.roaming_age"), hints.roaming_age.as_ref());
    checks.span(format_args!("{field}.sim_swap_age"), hints.sim_swap_age.as_ref());
    checks.span(format_args!("{field}.emergency_call_age"), hints.emergency_call_age.as_ref());
    let _: pb::LineType = checks.known(hints.line_type);
    let _: pb::RoamingSource = checks.known(hints.roaming_source);
    let _: pb::CallForwarding = checks.known(hints.call_forwarding);
    let _: pb::SubscriberClass = checks.known(hints.subscriber_class);
    let _: pb::SubscriberPreference = checks.known(hints.preference);
    match checks.known(hints.roaming) {
        pb::RoamingState::Unspecified => attempt::Roaming::Unknown,
        pb::RoamingState::Home => attempt::Roaming::ConfirmedHome,
        pb::RoamingState::Abroad => attempt::Roaming::ConfirmedAbroad,
    }
}

/// One action; unspecified is none.
pub(super) fn action(action: pb::Action) -> Option<policy::Action> {
    match action {
        pb::Action::Unspecified => None,
        pb::Action::Allow => Some(policy::Action::Allow),
        pb::Action::Label => Some(policy::Action::Label),
        pb::Action::Hold => Some(policy::Action::Hold),
        pb::Action::Block => Some(policy::Action::Block),
    }
}

/// The actions a caller can carry out: an empty list is all. A list of which nothing is known is
/// ALLOW only, because nothing else is promised.
pub(super) fn supported(checks: &mut Checks, actions: &[i32]) -> ActionSet {
    checks.items(format_args!("supported_actions"), actions, SUPPORTED_ACTIONS_MAX);
    if actions.is_empty() {
        return ActionSet::ALL;
    }
    let actions = actions.iter().take(SUPPORTED_ACTIONS_MAX);
    ActionSet::from_actions(actions.filter_map(|value| action(checks.known(*value))))
}

/// Ids that screening requests and reports carry.
pub(super) fn ids(checks: &mut Checks, request_id: &str, attempt_id: &str) {
    checks.octets(format_args!("request_id"), request_id, ID_BYTES_MAX);
    checks.octets(format_args!("attempt_id"), attempt_id, ID_BYTES_MAX);
}

/// Facts of the carrier's own.
pub(super) fn tags(checks: &mut Checks, tags: &[pb::Tag]) {
    checks.items(format_args!("tags"), tags, TAGS_MAX);
    for (index, tag) in tags.iter().take(TAGS_MAX).enumerate() {
        if tag.key.is_empty() {
            checks.refuse(format_args!("tags[{index}].key"), format_args!("must not be empty"));
        }
        checks.octets(format_args!("tags[{index}].key"), &tag.key, SHORT_BYTES_MAX);
        checks.octets(format_args!("tags[{index}].value"), &tag.value, TAG_VALUE_BYTES_MAX);
    }
}

/// Repeated octet strings: a bound on their count and on each.
pub(super) fn strings(
    checks: &mut Checks,
    field: &str,
    values: &[Bytes],
    (count_max, octets_max): (usize, usize),
) {
    checks.items(format_args!("{field}"), values, count_max);
    for (index, value) in values.iter().take(count_max).enumerate() {
        checks.octets(format_args!("{field}[{index}]"), value, octets_max);
    }
}

/// How long ago the recipient called for help, as the carrier knows it, in milliseconds.
pub(super) fn emergency_call_age_ms(hints: Option<&pb::SubscriberHints>) -> Option<u64> {
    let age = hints?.emergency_call_age.as_ref()?;
    let seconds = u64::try_from(age.seconds).ok()?;
    Some(seconds.saturating_mul(1000).saturating_add(u64::try_from(age.nanos).ok()? / 1_000_000))
}
