//! What is said of a list, to and from the wire.

use crate::lists::pack::number_pattern;
use crate::lists::view::{ListState, Origin};
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId};
use crate::model::number::Number;
use crate::model::policy::{Action, Ground, Mode, Traffic};
use crate::model::revision::Revision;
use crate::model::time::{Timestamp, Validity};
use crate::model::verdict::LabelKey;
use crate::wire::checks::Checks;
use crate::wire::screening_v1 as screening;
use crate::wire::{fields, verdict};

use super::{NAME_BYTES_MAX, TITLE_BYTES_MAX, Violations, pb, row};

/// Most points that an entry may add or take off.
const POINTS_MAX: i32 = 1000;

/// Kinds with their names on the wire.
const KINDS: [(ListKind, pb::ListKind); 11] = [
    (ListKind::Number, pb::ListKind::Number),
    (ListKind::Sender, pb::ListKind::Sender),
    (ListKind::Signature, pb::ListKind::Signature),
    (ListKind::Keyword, pb::ListKind::Keyword),
    (ListKind::Conjunction, pb::ListKind::Conjunction),
    (ListKind::Domain, pb::ListKind::Domain),
    (ListKind::Brand, pb::ListKind::Brand),
    (ListKind::NumberPlan, pb::ListKind::NumberPlan),
    (ListKind::NumberClass, pb::ListKind::NumberClass),
    (ListKind::Trunk, pb::ListKind::Trunk),
    (ListKind::Policy, pb::ListKind::Policy),
];

/// A kind on the wire.
pub fn kind(kind: ListKind) -> pb::ListKind {
    let known = KINDS.into_iter().find(|(ours, _)| *ours == kind);
    known.map_or(pb::ListKind::Unspecified, |(_, wire)| wire)
}

/// From a kind on the wire; `None` for none or one that is not known here.
pub fn kind_read(value: i32) -> Option<ListKind> {
    KINDS.into_iter().find(|(_, wire)| *wire as i32 == value).map(|(ours, _)| ours)
}

/// What is said of a list, on the wire.
pub fn spec(spec: &ListSpec) -> pb::ListSpec {
    let (effect, points, label_key) = match spec.meta.effect {
        Effect::Block => (pb::Effect::Block, 0, None),
        Effect::Allow => (pb::Effect::Allow, 0, None),
        Effect::Label(key) => (pb::Effect::Label, 0, Some(key)),
        Effect::Score(points) => (pb::Effect::Score, points, None),
        Effect::Watch => (pb::Effect::Watch, 0, None),
        Effect::Protect => (pb::Effect::Protect, 0, None),
    };
    let party = match spec.party {
        Party::Originator => pb::Party::Originator,
        Party::Recipient => pb::Party::Recipient,
        Party::Either => pb::Party::Either,
    };
    let traffic = match spec.traffic {
        None => pb::Traffic::Unspecified,
        Some(Traffic::Call) => pb::Traffic::Call,
        Some(Traffic::Message) => pb::Traffic::Message,
    };
    let Validity { from, until } = spec.meta.validity;
    pb::ListSpec {
        id: spec.id.to_string(),
        kind: kind(spec.kind).into(),
        title: spec.title.to_string(),
        source: spec.source.to_string(),
        party: party.into(),
        tenant: u32::from(spec.tenant.0),
        subscriber: spec.subscriber.map(|number| number.to_string()).unwrap_or_default(),
        traffic: traffic.into(),
        ground: verdict::ground(spec.ground).into(),
        ceiling: verdict::action(spec.ceiling).into(),
        caps_text: spec.caps_text.map_or(0, |action| verdict::action(action).into()),
        effect: effect.into(),
        points: points.into(),
        label_key: label_key.map_or(0, |key| verdict::label_key(key).into()),
        category: verdict::category(spec.meta.category),
        valid_from_time: (from != Validity::ALWAYS.from).then(|| super::time(from)),
        valid_until_time: (until != Validity::ALWAYS.until).then(|| super::time(until)),
        shadow: spec.meta.shadow,
        authority: spec.authority.to_string(),
        case_reference: spec.case.to_string(),
    }
}

/// Reads what is said of a list.
///
/// Errors: every field that is wrong.
pub fn spec_read(spec: &pb::ListSpec) -> Result<ListSpec, Violations> {
    let mut checks = Checks::default();
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    if spec.id.is_empty() || spec.id.len() > NAME_BYTES_MAX || !spec.id.bytes().all(fits) {
        let what = format_args!("must be a-z, 0-9, `-` and `.`, 1 to {NAME_BYTES_MAX} of them");
        checks.refuse(format_args!("id"), what);
    }
    let texts = [
        ("title", &spec.title),
        ("source", &spec.source),
        ("authority", &spec.authority),
        ("case_reference", &spec.case_reference),
    ];
    for (field, text) in texts {
        checks.octets(format_args!("{field}"), text, TITLE_BYTES_MAX);
        if text.chars().any(char::is_control) {
            checks.refuse(format_args!("{field}"), format_args!("must be one line of text"));
        }
    }
    let kind = kind_read(spec.kind);
    if kind.is_none() {
        checks.refuse(format_args!("kind"), format_args!("must be a known kind"));
    }
    let order = spec.ground == screening::Ground::Order as i32;
    for (field, text) in [("authority", &spec.authority), ("case_reference", &spec.case_reference)]
    {
        if order && text.is_empty() {
            checks.refuse(format_args!("{field}"), format_args!("is needed by a legal order"));
        }
    }
    let tenant = u16::try_from(spec.tenant).unwrap_or_else(|_| {
        checks.refuse(format_args!("tenant"), format_args!("must be at most 65535"));
        0
    });
    let meta = meta_read(&mut checks, spec);
    let known = Scope::read(&mut checks, spec);
    checks.finish()?;
    let kind = kind.ok_or_else(|| Violations::one("kind", "must be a known kind"))?;
    Ok(ListSpec {
        id: spec.id.as_str().into(),
        kind,
        title: spec.title.as_str().into(),
        source: spec.source.as_str().into(),
        party: known.party,
        tenant: TenantId(tenant),
        subscriber: known.subscriber,
        traffic: known.traffic,
        ground: known.ground,
        authority: spec.authority.as_str().into(),
        case: spec.case_reference.as_str().into(),
        ceiling: known.ceiling.unwrap_or(default_ceiling(kind)),
        caps_text: known.caps_text,
        meta,
    })
}

/// Text alone holds at most; everything else may block. As in packs.
fn default_ceiling(kind: ListKind) -> Action {
    match kind {
        ListKind::Keyword | ListKind::Conjunction | ListKind::Brand => Action::Hold,
        _ => Action::Block,
    }
}

/// Whom and what a list speaks of, and how far it may go.
struct Scope {
    party: Party,
    traffic: Option<Traffic>,
    subscriber: Option<Number>,
    ground: Ground,
    ceiling: Option<Action>,
    caps_text: Option<Action>,
}

impl Scope {
    fn read(checks: &mut Checks, spec: &pb::ListSpec) -> Scope {
        let party = match known(checks, "party", spec.party) {
            pb::Party::Unspecified | pb::Party::Originator => Party::Originator,
            pb::Party::Recipient => Party::Recipient,
            pb::Party::Either => Party::Either,
        };
        let traffic = match known(checks, "traffic", spec.traffic) {
            pb::Traffic::Unspecified => None,
            pb::Traffic::Call => Some(Traffic::Call),
            pb::Traffic::Message => Some(Traffic::Message),
        };
        let subscriber = match number_pattern(&spec.subscriber) {
            _ if spec.subscriber.is_empty() => None,
            Ok(NumberPattern::Exact(number)) => Some(number),
            _ => {
                let what = format_args!("must be one number such as +8613800138000 or CN:110");
                checks.refuse(format_args!("subscriber"), what);
                None
            }
        };
        let ground = match known(checks, "ground", spec.ground) {
            screening::Ground::Unspecified | screening::Ground::Analytics => Ground::Analytics,
            screening::Ground::InvalidNumber => Ground::InvalidNumber,
            screening::Ground::Subscriber => Ground::Subscriber,
            screening::Ground::Order => Ground::Order,
            screening::Ground::Policy => Ground::Policy,
        };
        let ceiling = fields::action(known(checks, "ceiling", spec.ceiling));
        let caps_text = fields::action(known(checks, "caps_text", spec.caps_text));
        Scope { party, traffic, subscriber, ground, ceiling, caps_text }
    }
}

/// The enum value; one that is not known here is refused: it would change what the list does.
fn known<E: TryFrom<i32> + Default>(checks: &mut Checks, field: &str, value: i32) -> E {
    E::try_from(value).unwrap_or_else(|_| {
        checks.refuse(format_args!("{field}"), format_args!("is not known to this version"));
        E::default()
    })
}

fn meta_read(checks: &mut Checks, spec: &pb::ListSpec) -> EntryMeta {
    let points = i16::try_from(spec.points).ok().filter(|_| spec.points.abs() <= POINTS_MAX);
    if points.is_none() {
        checks.refuse(format_args!("points"), format_args!("must be -1000 to 1000"));
    }
    let label = label_read(known(checks, "label_key", spec.label_key));
    let effect = match known(checks, "effect", spec.effect) {
        pb::Effect::Block => Effect::Block,
        pb::Effect::Allow => Effect::Allow,
        pb::Effect::Watch => Effect::Watch,
        pb::Effect::Protect => Effect::Protect,
        pb::Effect::Unspecified | pb::Effect::Score => Effect::Score(points.unwrap_or(0)),
        pb::Effect::Label => label.map(Effect::Label).unwrap_or_else(|| {
            checks.refuse(format_args!("label_key"), format_args!("is needed by a label effect"));
            Effect::Score(0)
        }),
    };
    let category = Category::parse(&spec.category);
    if category.is_none() && !spec.category.is_empty() {
        checks.refuse(format_args!("category"), format_args!("must be a code of the taxonomy"));
    }
    let mut instant = |field: &str, time: Option<prost_types::Timestamp>, open: Timestamp| {
        let Some(time) = time else { return open };
        checks.time(format_args!("{field}"), Some(&time));
        super::timestamp(time).unwrap_or_else(|| {
            checks.refuse(format_args!("{field}"), format_args!("must not lie before 1970"));
            open
        })
    };
    let validity = Validity {
        from: instant("valid_from_time", spec.valid_from_time, Validity::ALWAYS.from),
        until: instant("valid_until_time", spec.valid_until_time, Validity::ALWAYS.until),
    };
    if validity.from >= validity.until {
        let what = format_args!("must lie after valid_from_time");
        checks.refuse(format_args!("valid_until_time"), what);
    }
    EntryMeta { effect, category, validity, shadow: spec.shadow }
}

fn label_read(key: screening::LabelKey) -> Option<LabelKey> {
    match key {
        screening::LabelKey::Unspecified => None,
        screening::LabelKey::InternationalOrigin => Some(LabelKey::InternationalOrigin),
        screening::LabelKey::UnverifiedSender => Some(LabelKey::UnverifiedSender),
        screening::LabelKey::Marketing => Some(LabelKey::Marketing),
        screening::LabelKey::SuspectedFraud => Some(LabelKey::SuspectedFraud),
        screening::LabelKey::SuspectedIllegal => Some(LabelKey::SuspectedIllegal),
    }
}

/// Reads a mode; `None` for none or one that is not known here.
pub fn mode_read(value: i32) -> Option<Mode> {
    match screening::Mode::try_from(value).ok()? {
        screening::Mode::Unspecified => None,
        screening::Mode::Observe => Some(Mode::Observe),
        screening::Mode::LabelOnly => Some(Mode::LabelOnly),
        screening::Mode::Enforce => Some(Mode::Enforce),
    }
}

/// A mode on the wire.
pub fn mode(mode: Mode) -> screening::Mode {
    verdict::mode(mode)
}

/// A list on the wire.
pub fn list(state: &ListState) -> pb::List {
    pb::List {
        spec: Some(spec(&state.spec)),
        origin: Some(origin(&state.origin)),
        entry_count: state.rows,
        segments: state.segments.iter().map(row::segment).collect(),
    }
}

/// Who brought something about, on the wire.
pub fn origin(origin: &Origin) -> pb::Origin {
    let Revision(revision) = origin.revision;
    pb::Origin {
        revision,
        change_set_id: origin.change_set.0,
        actor: origin.actor.to_string(),
        commit_time: Some(super::time(origin.time)),
    }
}
