//! From hits to the answer: precedence, points, ceilings, mode, what the caller can do.

use std::cmp::Ordering;

use arrayvec::ArrayVec;

use super::context::Context;
use super::hit::{Basis, Hit, Level};
use crate::model::attempt::Attempt;
use crate::model::category::{Category, Family};
use crate::model::entry::Effect;
use crate::model::policy::{Action, Ground, Mode, Policy, RISK_MAX, Traffic};
use crate::model::verdict::{Flags, LabelKey, OnTimeout, REASONS_MAX, Reason, ReasonCode, Verdict};

/// What the hits alone call for.
struct Decision {
    action: Action,
    risk: u16,
    category: Option<Category>,
    ground: Option<Ground>,
    label: Option<LabelKey>,
    ceiling_limited: bool,
}

/// The answer for a recipient or call-back that nothing may touch.
pub(super) fn let_through<'r>(
    context: &Context<'r>,
    mut hits: Vec<Hit<'r>>,
    mut flags: Flags,
) -> Verdict<'r> {
    let category = hits.first().and_then(|hit| hit.category);
    Verdict {
        action: Action::Allow,
        would_action: Action::Allow,
        risk: 0,
        category,
        ground: None,
        label: None,
        hold_max_s: 0,
        on_timeout: OnTimeout::Deliver,
        reasons: reasons(&mut hits, &mut flags),
        mode: context.mode,
        flags,
    }
}

/// The answer to an attempt with these hits.
pub(super) fn decide<'r>(
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    mut hits: Vec<Hit<'r>>,
    mut flags: Flags,
) -> Verdict<'r> {
    prepare(context, &mut hits);
    let mut decision = by_hits(context.policy, attempt.traffic, &hits);
    if context.emergency_callback && decision.action > Action::Label {
        decision.action = Action::Label;
        decision.ceiling_limited = true;
    }
    if decision.ceiling_limited {
        flags.insert(Flags::CEILING_LIMITED);
    }
    let allowed = decision.action.min(context.mode.ceiling());
    if allowed < decision.action {
        flags.insert(Flags::MODE_LIMITED);
    }
    let action = attempt.supported.degrade(allowed);
    if action < allowed {
        flags.insert(Flags::ACTION_DEGRADED);
    }
    if context.mode == Mode::Observe {
        debug_assert_eq!(action, Action::Allow, "observe never acts");
    }
    let reasons = reasons(&mut hits, &mut flags);
    let hold_max_s = match (action, attempt.traffic) {
        (Action::Hold, Traffic::Message) => context.policy.hold_max_s,
        _ => 0,
    };
    Verdict {
        action,
        would_action: decision.action,
        risk: decision.risk,
        category: decision.category,
        ground: decision.ground,
        label: shown(decision.label, action),
        hold_max_s,
        on_timeout: OnTimeout::Deliver,
        reasons,
        mode: context.mode,
        flags,
    }
}

/// Where nothing is shown, in observe above all, nobody may find a label to show; where a label is
/// to be shown and no entry names one, a neutral one stands in: points alone accuse nobody.
fn shown(label: Option<LabelKey>, action: Action) -> Option<LabelKey> {
    match action {
        Action::Allow => None,
        Action::Label => Some(label.unwrap_or(LabelKey::UnverifiedSender)),
        Action::Hold | Action::Block => label,
    }
}

/// Makes allows that are not proven harmless, and applies the ceilings of text.
fn prepare(context: &Context<'_>, hits: &mut Vec<Hit<'_>>) {
    // What one list says twice of one thing, as two layers or two writings of an entry may do,
    // counts once.
    hits.sort_by(total_order);
    hits.dedup_by(|next, kept| {
        total_order(next, kept).is_eq() && next.basis == kept.basis && next.ground == kept.ground
    });
    let mut text_ceiling = context.policy.text_ceiling;
    for hit in hits.iter() {
        if let Some(cap) = hit.list.and_then(|list| list.caps_text)
            && !hit.shadow
        {
            text_ceiling = text_ceiling.min(cap);
        }
    }
    damp(hits);
    for hit in hits.iter_mut() {
        if hit.basis == Basis::Text {
            hit.ceiling = hit.ceiling.min(text_ceiling);
        }
        if hit.effect != Effect::Allow {
            continue;
        }
        // Whoever allows an originator, subscriber and court included, allows no spoof of it.
        if context.identity_proven || !hit.of_originator {
            if matches!(hit.level(), Level::TenantAllow | Level::GlobalAllow) {
                hit.code = ReasonCode::AllowListed;
            }
        } else {
            hit.effect = Effect::Score(0);
            hit.code = ReasonCode::AllowNotApplied;
        }
    }
}

/// Phrases and scripts of one category are different views of the same words: the strongest
/// counts in full, the next half, the next a quarter, and so on. Seven weak views of one harmless
/// sentence do not add up to a scam; two strong ones still reach a hold.
fn damp(hits: &mut [Hit<'_>]) {
    let adds = |hit: &Hit<'_>| hit.basis == Basis::Text && !hit.shadow && hit.points() > 0;
    if hits.iter().filter(|hit| adds(hit)).count() < 2 {
        return;
    }
    // Counted for each ceiling apart: a strong view that may only label must not take points from
    // one that may hold.
    let mut seen = [[0u8; Action::ALL.len()]; Category::COUNT + 1];
    for hit in hits.iter_mut().filter(|hit| adds(hit)) {
        let slot = &mut seen[hit.category.map_or(Category::COUNT, Category::index)];
        let ceiling = hit.ceiling as usize;
        let shift: u32 = slot[ceiling..].iter().map(|count| u32::from(*count)).sum();
        slot[ceiling] = slot[ceiling].saturating_add(1);
        if let Effect::Score(points) = &mut hit.effect {
            *points >>= shift.min(15);
        }
    }
}

/// An allow goes before blocks of its own level and of those below. Of the blocks that none goes
/// before, the one with the highest ceiling decides: a feed that may only label must not soften
/// what another list blocks.
fn by_hits(policy: &Policy, traffic: Traffic, hits: &[Hit<'_>]) -> Decision {
    let score = by_score(policy, traffic, hits);
    let live = |effect: Effect| {
        let fixed = |hit: &&Hit<'_>| !hit.shadow && hit.level() < Level::Score;
        hits.iter().filter(fixed).filter(move |hit| hit.effect == effect)
    };
    let allow = live(Effect::Allow).min_by(|a, b| total_order(a, b));
    let block = live(Effect::Block)
        .filter(|hit| allow.is_none_or(|allow| hit.level() < allow.level()))
        .min_by(|a, b| b.ceiling.cmp(&a.ceiling).then_with(|| total_order(a, b)));
    match (block, allow) {
        (Some(hit), _) => {
            let least = if allow.is_some() { Action::Allow } else { score.action };
            let action = hit.ceiling.max(least);
            let category = hit.category.or(score.category);
            Decision {
                action,
                risk: RISK_MAX,
                category,
                ground: Some(hit.ground),
                label: label_for(category, action).or(score.label),
                ceiling_limited: action < Action::Block,
            }
        }
        (None, Some(hit)) => Decision {
            action: Action::Allow,
            category: hit.category.or(Some(Category::OK01)),
            ground: Some(hit.ground),
            label: None,
            ceiling_limited: false,
            ..score
        },
        (None, None) => score,
    }
}

/// Risk is the sum of points. An action needs its threshold from hits that may bring it about:
/// points under a lower ceiling do not lift others over a higher one.
fn by_score(policy: &Policy, traffic: Traffic, hits: &[Hit<'_>]) -> Decision {
    let live = || hits.iter().filter(|hit| !hit.shadow && hit.level() == Level::Score);
    let off: i32 = live().map(Hit::points).filter(|points| *points < 0).sum();
    let total = |ceiling: Action| -> u16 {
        let added: i32 =
            live().filter(|hit| hit.points() > 0 && hit.ceiling >= ceiling).map(Hit::points).sum();
        u16::try_from((added + off).clamp(0, i32::from(RISK_MAX))).expect("clamped to 0..=1000")
    };
    let thresholds = policy.thresholds(traffic);
    let risk = total(Action::Allow);
    let mut action = [Action::Block, Action::Hold, Action::Label]
        .into_iter()
        .find(|wanted| thresholds.action(total(*wanted)) >= *wanted)
        .unwrap_or(Action::Allow);
    let ceiling_limited = thresholds.action(risk) > action;
    let category = strongest_category(live());
    let mut label = label_for(category, action);
    for hit in live() {
        let Effect::Label(key) = hit.effect else { continue };
        let may = !key.is_accusing() || risk >= thresholds.label;
        if may && hit.ceiling >= Action::Label {
            action = action.max(Action::Label);
            label = label.max(Some(key));
        }
    }
    let ground = (action > Action::Allow).then(|| common_ground(live()));
    Decision { action, risk, category, ground, label, ceiling_limited }
}

/// The category with the most points; ties go to the first code.
fn strongest_category<'h, 'r: 'h>(hits: impl Iterator<Item = &'h Hit<'r>>) -> Option<Category> {
    let mut sums: ArrayVec<(Category, i32), 32> = ArrayVec::new();
    for hit in hits {
        let (Some(category), points) = (hit.category, hit.points()) else { continue };
        if points <= 0 {
            continue;
        }
        match sums.iter_mut().find(|(known, _)| *known == category) {
            Some((_, sum)) => *sum += points,
            // Past 32 categories in one message the first ones decide; order of hits is fixed.
            None => drop(sums.try_push((category, points))),
        }
    }
    let best = |a: &(Category, i32), b: &(Category, i32)| a.1.cmp(&b.1).then(b.0.cmp(&a.0));
    sums.into_iter().max_by(best).map(|(category, _)| category)
}

fn label_for(category: Option<Category>, action: Action) -> Option<LabelKey> {
    if action < Action::Label {
        return None;
    }
    let category = category?;
    // Who shows no number has not been caught at anything.
    if category == Category::ID07 {
        return Some(LabelKey::UnverifiedSender);
    }
    match category.family() {
        Family::Illegal => Some(LabelKey::SuspectedIllegal),
        Family::Nuisance => Some(LabelKey::Marketing),
        _ if category.is_accusing() => Some(LabelKey::SuspectedFraud),
        _ => None,
    }
}

/// The ground all acting hits share; analysis where they differ.
fn common_ground<'h, 'r: 'h>(hits: impl Iterator<Item = &'h Hit<'r>>) -> Ground {
    let mut acting = hits.filter(|h| h.points() > 0 || matches!(h.effect, Effect::Label(_)));
    let Some(first) = acting.next() else { return Ground::Analytics };
    if acting.all(|hit| hit.ground == first.ground) { first.ground } else { Ground::Analytics }
}

/// Real before shadow, then precedence, weight, code, list, entry, place.
fn total_order(a: &Hit<'_>, b: &Hit<'_>) -> Ordering {
    (a.shadow.cmp(&b.shadow))
        .then_with(|| a.level().cmp(&b.level()))
        .then_with(|| b.points().abs().cmp(&a.points().abs()))
        .then_with(|| a.code.cmp(&b.code))
        .then_with(|| a.list_id().cmp(b.list_id()))
        .then_with(|| a.entry.cmp(&b.entry))
        .then_with(|| a.span.cmp(&b.span))
        .then_with(|| a.category.cmp(&b.category))
        .then_with(|| a.effect.cmp(&b.effect))
        .then_with(|| a.of_originator.cmp(&b.of_originator))
        .then_with(|| a.evidence.cmp(&b.evidence))
}

/// Reasons in one total order: real before shadow, then precedence, weight, code, list, entry.
fn reasons<'r>(hits: &mut Vec<Hit<'r>>, flags: &mut Flags) -> Vec<Reason<'r>> {
    hits.sort_by(total_order);
    if hits.len() > REASONS_MAX {
        flags.insert(Flags::REASONS_TRUNCATED);
    }
    let kept = hits.drain(..).take(REASONS_MAX);
    kept.map(|hit| Reason {
        code: hit.code,
        points: match hit.effect {
            Effect::Score(points) => points,
            _ => 0,
        },
        category: hit.category,
        list: hit.list_id(),
        entry: hit.entry,
        span: hit.span,
        evidence: hit.evidence,
        shadow: hit.shadow,
    })
    .collect()
}
