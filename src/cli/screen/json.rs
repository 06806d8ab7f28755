//! A verdict as one JSON object for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::wire::screening_v1 as pb;

/// The object of `--json`: everything at its top level, what is absent is null.
pub(super) fn object(verdict: &pb::Verdict, envelope: &pb::VerdictEnvelope) -> Value {
    json!({
        "action": action(verdict.action),
        "would_action": action(verdict.would_action),
        "risk": verdict.risk,
        "category": text(&verdict.category),
        "ground": specified(ground(verdict.ground)),
        "label": specified(label(verdict.label_key)),
        "reasons": verdict.reasons.iter().map(reason).collect::<Vec<_>>(),
        "flags": verdict.flags.iter().map(|flag| self::flag(*flag)).collect::<Vec<_>>(),
        "hold": hold(verdict.treatment.as_ref()),
        "mode": mode(envelope.mode),
        "revision": envelope.ruleset_revision,
        "digest": digest(envelope),
        "engine_version": envelope.engine_version,
        "verdict_id": envelope.verdict_id,
    })
}

fn reason(reason: &pb::Reason) -> Value {
    json!({
        "code": reason_code(reason.code),
        "points": reason.points,
        "category": text(&reason.category),
        "list": text(&reason.list),
        "entry": text(&reason.entry),
        "span": reason.span.as_ref().map(|span| json!({ "start": span.start, "end": span.end })),
        "evidence": reason.evidence,
        "shadow": reason.shadow,
    })
}

fn hold(treatment: Option<&pb::Treatment>) -> Option<Value> {
    let treatment = treatment?;
    let hold_max = treatment.hold_max.as_ref()?;
    let on_timeout = match pb::OnTimeout::try_from(treatment.on_timeout) {
        Ok(pb::OnTimeout::Discard) => "DISCARD",
        _ => "DELIVER",
    };
    Some(json!({ "max_s": hold_max.seconds, "on_timeout": on_timeout }))
}

fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn specified(name: String) -> Option<String> {
    (name != "UNSPECIFIED").then_some(name)
}

/// The digest in lower-case hexadecimal.
pub(super) fn digest(envelope: &pb::VerdictEnvelope) -> String {
    envelope.ruleset_digest.iter().fold(String::new(), |mut hex, octet| {
        write!(hex, "{octet:02x}").expect("a String takes everything");
        hex
    })
}

/// Names of wire values without their prefix; a value this program does not know is its number.
macro_rules! names {
    ($($function:ident $wire:ident $prefix:literal),*) => {$(
        #[doc = concat!("Name of a `", stringify!($wire), "`.")]
        pub(super) fn $function(value: i32) -> String {
            pb::$wire::try_from(value).map_or_else(
                |_| value.to_string(),
                |known| known.as_str_name().trim_start_matches($prefix).to_owned(),
            )
        }
    )*};
}

names!(
    action Action "ACTION_",
    ground Ground "GROUND_",
    label LabelKey "LABEL_KEY_",
    mode Mode "MODE_",
    reason_code ReasonCode "REASON_CODE_",
    flag VerdictFlag "VERDICT_FLAG_"
);
