//! Detectors: each looks at one side of an attempt and adds hits. None decides.

pub(super) mod identity;
pub(super) mod listed;
pub(super) mod message;

use super::hit::Hit;
use super::intern::Member;
use crate::model::attempt::Attempt;
use crate::model::entry::{Effect, ListSpec, TenantId};
use crate::model::number::Number;
use crate::model::policy::Ground;
use crate::model::time::Timestamp;
use crate::model::verdict::ReasonCode;

/// Hits of one attempt. Empty costs no allocation.
pub(super) type Hits<'r> = Vec<Hit<'r>>;

/// Does this list speak to this attempt, and the entry at this time? Watch entries never do: they
/// live in the alert feed only.
pub(super) fn applies(
    list: &ListSpec,
    member: &Member,
    attempt: &Attempt<'_>,
    recipient: Option<&Number>,
    now: Timestamp,
) -> bool {
    let tenant = list.tenant == TenantId::GLOBAL || list.tenant == attempt.tenant;
    let traffic = list.traffic.is_none_or(|traffic| traffic == attempt.traffic);
    let subscriber = list.subscriber.is_none_or(|own| recipient == Some(&own));
    tenant
        && traffic
        && subscriber
        && member.meta.effect != Effect::Watch
        && member.meta.validity.contains(now)
}

/// The reason code of a list hit: orders and the subscriber's choice speak for themselves.
pub(super) fn code_of(list: &ListSpec, plain: ReasonCode) -> ReasonCode {
    match list.ground {
        Ground::Order => ReasonCode::LegalOrder,
        Ground::Subscriber => ReasonCode::SubscriberChoice,
        _ => plain,
    }
}
