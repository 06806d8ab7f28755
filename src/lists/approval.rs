//! Which change-sets a second person has to agree to.
//!
//! Owns the rule. Must not know who asks, nor who approves. A change that only softens what is done
//! (mode, thresholds raised, shadow) never needs one, nor does the removal of a few block entries:
//! what hurts people wrongly must stop at once.

use super::edit::{Edit, SegmentUse};
use super::pack::effect_name;
use super::row::{Row, shared_meta};
use super::scope::{Scope, Settings};
use super::view::ViewError;
use crate::model::entry::{
    Effect, EntryMeta, ListKind, ListSpec, NumberPattern, PlanDigits, Value,
};
use crate::model::policy::{Action, Ground};

/// From where on a second person has to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApprovalLimits {
    /// Entries that one person may change in one change-set: what can be read through in minutes.
    pub entries: u64,
    /// Values of bulk imports that one person may add or take out: the same, whatever its form.
    pub segment_values: u64,
    /// Digits behind `+` that a blocking or allowing prefix of one person needs: nine leave a
    /// block of at most 10,000 numbers of a mobile plan with 13 digits.
    pub prefix_digits: usize,
    /// The same for a region's own plan: five name one service (`CN:95588*`).
    pub regional_digits: usize,
    /// Numbers in a closed range that blocks or allows: as many as behind a prefix of nine digits.
    pub range_numbers: u64,
    /// Points from which a score does what a block does: the default threshold of HOLD.
    pub points: i16,
}

impl Default for ApprovalLimits {
    fn default() -> Self {
        ApprovalLimits {
            entries: 100,
            segment_values: 100,
            prefix_digits: 9,
            regional_digits: 5,
            range_numbers: 10_000,
            points: 600,
        }
    }
}

/// Why a second person has to agree to a change-set; `None` where one is enough.
///
/// Errors: those of the view.
pub fn second_person(
    edits: &[Edit],
    scope: &Scope<'_>,
    limits: &ApprovalLimits,
) -> Result<Option<String>, ViewError> {
    let single =
        |edit: &&Edit| matches!(edit, Edit::Put { .. } | Edit::Remove { .. } | Edit::Clear { .. });
    let entries = edits.iter().filter(single).count() as u64;
    if entries > limits.entries {
        let most = limits.entries;
        return Ok(Some(format!("it changes {entries} entries; one person may change {most}")));
    }
    for edit in edits {
        if let Some(why) = why(edit, scope, limits)? {
            return Ok(Some(why));
        }
    }
    if scope.touches(ListKind::Policy) || scope.touches(ListKind::Trunk) {
        let (before, after) = scope.settings()?;
        return Ok(harder_settings(&before, &after));
    }
    Ok(None)
}

fn why(
    edit: &Edit,
    scope: &Scope<'_>,
    limits: &ApprovalLimits,
) -> Result<Option<String>, ViewError> {
    let id = edit.list();
    Ok(match edit {
        Edit::PutList(spec) => scope.before(id).and_then(|before| {
            let used = before.rows > 0 || !before.segments.is_empty();
            (used && is_harder(&before.spec, spec))
                .then(|| format!("it changes what list {id} does"))
        }),
        Edit::RemoveList { .. } => {
            scope.before(id).map(|_| format!("it takes list {id} out with all its entries"))
        }
        Edit::Put { row, .. } => {
            let Some(spec) = scope.spec(id) else { return Ok(None) };
            match put(spec, row, limits) {
                None => gone(scope, id, row.key())?,
                found => found,
            }
        }
        Edit::Remove { key, .. } | Edit::Clear { key, .. } => gone(scope, id, key)?,
        Edit::PutSegment { segment, .. } => {
            let Some(spec) = scope.spec(id) else { return Ok(None) };
            bulk(spec, segment, limits)
        }
        Edit::RemoveSegment { blob, .. } => scope.before(id).and_then(|before| {
            let used = before.segments.iter().find(|used| used.blob == *blob)?;
            bulk(&before.spec, used, limits)
        }),
    })
}

/// A list that would do more than it does, or something else. Titles, a lower ceiling, fewer
/// points and (of what stops or labels) shadow are softer.
fn is_harder(before: &ListSpec, after: &ListSpec) -> bool {
    let mut soft = after.clone();
    soft.title.clone_from(&before.title);
    soft.source.clone_from(&before.source);
    if after.ceiling <= before.ceiling {
        soft.ceiling = before.ceiling;
    }
    if let (Effect::Score(was), Effect::Score(is)) = (before.meta.effect, after.meta.effect)
        && is <= was
    {
        soft.meta.effect = before.meta.effect;
    }
    let stops = matches!(before.meta.effect, Effect::Block | Effect::Score(_) | Effect::Label(_));
    if after.meta.shadow && stops && before.ground != Ground::Order {
        soft.meta.shadow = before.meta.shadow;
    }
    soft != *before
}

/// What an entry does that one person alone may not bring about or end.
fn weighty(spec: &ListSpec, meta: &EntryMeta) -> Option<String> {
    let id = &spec.id;
    if spec.ground == Ground::Order {
        return Some(format!("list {id} carries out legal orders"));
    }
    match (meta.effect, spec.kind) {
        (Effect::Allow | Effect::Protect | Effect::Watch, _) => {
            let effect = effect_name(meta.effect);
            Some(format!("an entry of list {id} has or gets effect={effect}"))
        }
        (_, ListKind::NumberPlan | ListKind::NumberClass) => {
            Some(format!("list {id} says which numbers there can be"))
        }
        _ => None,
    }
}

fn put(spec: &ListSpec, row: &Row, limits: &ApprovalLimits) -> Option<String> {
    let mut found = None;
    // A row that does not fit its list is an error of the checks.
    drop(row.entries(spec, &mut |entry| {
        found = found.take().or_else(|| match &entry.value {
            _ if let Some(why) = weighty(spec, &entry.meta) => Some(why),
            Value::Number(pattern) if stops(spec, &entry.meta, limits) => is_wide(pattern, limits)
                .then(|| {
                    format!(
                        "an entry of list {} stops more numbers than one person may: a prefix \
                         needs {} digits (of a region's own plan {}), a range at most {} numbers",
                        spec.id, limits.prefix_digits, limits.regional_digits, limits.range_numbers
                    )
                }),
            Value::Trunk(trunk) if trunk.number.is_some() || trunk.sender.is_some() => {
                Some(format!("list {} binds numbers or senders to a trunk", spec.id))
            }
            _ => None,
        });
        Ok(())
    }));
    found
}

/// What an entry ends when it goes or is replaced.
fn gone(scope: &Scope<'_>, list: &str, key: &str) -> Result<Option<String>, ViewError> {
    let Some(before) = scope.before(list) else { return Ok(None) };
    let meta = match scope.entry(list, key)?.and_then(|entry| entry.row) {
        Some(row) => row.meta(&before.spec).ok(),
        None => {
            // It may be a value of any of the list's segments.
            let metas = before.segments.iter().map(|used| shared_meta(&before.spec, &used.shared));
            let weights = metas.filter_map(Result::ok);
            weights.max_by_key(|meta| weighty(&before.spec, meta).is_some())
        }
    };
    Ok(meta.and_then(|meta| weighty(&before.spec, &meta)))
}

fn bulk(spec: &ListSpec, segment: &SegmentUse, limits: &ApprovalLimits) -> Option<String> {
    let (id, count, most) = (&spec.id, segment.count, limits.segment_values);
    if count > most {
        return Some(format!(
            "a bulk import of list {id} has {count} values; one person may add or take out {most}"
        ));
    }
    shared_meta(spec, &segment.shared).ok().and_then(|meta| weighty(spec, &meta))
}

/// Does an entry hold or block, or let through?
fn stops(spec: &ListSpec, meta: &EntryMeta, limits: &ApprovalLimits) -> bool {
    match meta.effect {
        _ if meta.shadow || spec.ceiling < Action::Hold => false,
        Effect::Block | Effect::Allow => true,
        Effect::Score(points) => points >= limits.points,
        Effect::Label(_) | Effect::Protect | Effect::Watch => false,
    }
}

fn is_wide(pattern: &NumberPattern, limits: &ApprovalLimits) -> bool {
    let least = |digits: &PlanDigits| match digits.region {
        None => limits.prefix_digits,
        Some(_) => limits.regional_digits,
    };
    match pattern {
        NumberPattern::Exact(_) => false,
        NumberPattern::Prefix(digits) => digits.digits.len() < least(digits),
        NumberPattern::Range { first, last, open } => {
            let value = |digits: &PlanDigits| digits.digits.parse::<u128>().unwrap_or(u128::MAX);
            let many = value(last).saturating_sub(value(first)).saturating_add(1);
            let most = if *open { 1 } else { u128::from(limits.range_numbers) };
            // Prefixes from to: as many as fit behind one prefix of the least length.
            let longer = if *open { first.digits.len().saturating_sub(least(first)) } else { 0 };
            let most = most * 10u128.pow(u32::try_from(longer).unwrap_or(u32::MAX).min(20));
            (*open && first.digits.len() < least(first)) || many > most
        }
    }
}

fn harder_settings(before: &Settings, after: &Settings) -> Option<String> {
    let (was, is) = (&before.policy, &after.policy);
    if is.mode > was.mode {
        return Some(format!("it hardens the mode to {}", is.mode.as_str()));
    }
    for (one, next, traffic) in
        [(was.call, is.call, "calls"), (was.message, is.message, "messages")]
    {
        if next.label < one.label || next.hold < one.hold || next.block < one.block {
            return Some(format!("it lowers a threshold for {traffic}"));
        }
    }
    if is.text_ceiling > was.text_ceiling {
        return Some("it lets text alone do more".into());
    }
    if is.hold_max_s > was.hold_max_s {
        return Some("it keeps held messages longer".into());
    }
    if is.default_region != was.default_region {
        return Some("it reads numbers without a country code by another region".into());
    }
    let trunks = before.trunks.keys().chain(after.trunks.keys());
    for trunk in trunks {
        if after.mode_of(trunk) > before.mode_of(trunk) {
            let mode = after.mode_of(trunk).as_str();
            return Some(format!("it hardens the mode of trunk {trunk} to {mode}"));
        }
        let region = |settings: &Settings| settings.trunks.get(trunk).and_then(|(_, r)| *r);
        if region(before).is_some() && region(before) != region(after) {
            return Some(format!("it reads the numbers of trunk {trunk} by another region"));
        }
    }
    None
}

#[cfg(test)]
mod tests;
