//! Attempts and verdicts in few words: builders for the one, one line of text for the other.

use ringfence::app::catalogue::{PackText, read, starter_packs};
use ringfence::engine::{Ruleset, RulesetBuilder, screen};
use ringfence::model::attempt::{
    Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass,
};
use ringfence::model::policy::{Action, ActionSet, Traffic};
use ringfence::model::revision::{Digest, Revision};
use ringfence::model::time::Timestamp;
use ringfence::model::verdict::{Flags, Reason, ReasonCode, Verdict};

/// 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000);
/// A mobile subscriber in China.
pub const FROM: &str = "+8613900000001";
/// Another one.
pub const TO: &str = "+8613800138000";

/// A call from one number to another.
pub fn call(from: &'static str, to: &'static str) -> Attempt<'static> {
    let mut attempt = Attempt::empty(Traffic::Call);
    attempt.originator.raw = from.as_bytes();
    attempt.recipient.raw = to.as_bytes();
    attempt
}

/// A call to [`TO`] that came in on an international trunk.
pub fn abroad(from: &'static str) -> Attempt<'static> {
    with(call(from, TO), |a| a.ingress.trunk_class = TrunkClass::International)
}

/// A message in UTF-8 to [`TO`] whose text may be read.
pub fn message(from: &'static str, text: &'static str) -> Attempt<'static> {
    let mut attempt = call(from, TO);
    attempt.traffic = Traffic::Message;
    attempt.content = Content {
        octets: text.as_bytes(),
        encoding: TextEncoding::Utf8,
        basis: ContentBasis::Contract,
    };
    attempt
}

/// The attempt with a change.
pub fn with(
    mut attempt: Attempt<'static>,
    change: impl FnOnce(&mut Attempt<'static>),
) -> Attempt<'static> {
    change(&mut attempt);
    attempt
}

/// Pack lines of one list: id, attributes with the kind first, columns, rows.
pub fn list(id: &str, attributes: &str, columns: &str, rows: &str) -> String {
    format!("%list {id} kind={attributes}\n%columns {columns}\n{rows}\n")
}

/// A builder with the starter packs whose name holds one of `starters`, and the given lists.
pub fn builder(starters: &[&str], lists: &str) -> RulesetBuilder {
    let wanted = |pack: &PackText| starters.iter().any(|part| pack.name.contains(part));
    let mut packs: Vec<PackText> = starter_packs().into_iter().filter(wanted).collect();
    let octets = format!("%pack case\n{lists}").into_bytes();
    packs.push(PackText { name: "case".into(), octets });
    read(&packs).unwrap_or_else(|findings| panic!("{:#?}\n{lists}", findings.kept))
}

/// Numbers and default policy of the starter packs, and the given lists.
pub fn ruleset(lists: &str) -> Ruleset {
    finish(builder(&["numbers/", "policy/"], lists))
}

/// The ruleset of a builder.
pub fn finish(builder: RulesetBuilder) -> Ruleset {
    builder.build(Revision(1), Digest::default()).expect("the lists compile")
}

/// A verdict in one line:
/// `ACTION[/WOULD] risk category ground label | reason | … | FLAG …`, `-` where there is none.
pub fn line(verdict: &Verdict<'_>) -> String {
    let mut line = verdict.action.as_str().to_owned();
    if verdict.would_action != verdict.action {
        line += &format!("/{}", verdict.would_action.as_str());
    }
    let category = verdict.category.map_or("-", |category| category.code());
    let ground = verdict.ground.map_or("-", |ground| ground.as_str());
    let label = verdict.label.map_or("-", |label| label.as_str());
    line += &format!(" {} {category} {ground} {label}", verdict.risk);
    for reason in &verdict.reasons {
        line += &format!(" | {}", reason_line(reason));
    }
    for (index, name) in flag_names(verdict.flags).iter().enumerate() {
        line += if index == 0 { " | " } else { " " };
        line += name;
    }
    line
}

/// `Code list=entry points «evidence» shadow`, without what is empty.
fn reason_line(reason: &Reason<'_>) -> String {
    let mut line = format!("{:?}", reason.code);
    // Which entry protects a recipient is told in other words than lists and entries.
    if !reason.list.is_empty() && reason.code != ReasonCode::ProtectedRecipient {
        line += &format!(" {}={}", reason.list, reason.entry);
    }
    if reason.points != 0 {
        line += &format!(" {:+}", reason.points);
    }
    if !reason.evidence.is_empty() {
        line += &format!(" «{}»", reason.evidence);
    }
    if reason.shadow {
        line += " shadow";
    }
    line
}

fn flag_names(flags: Flags) -> Vec<&'static str> {
    const NAMES: [(Flags, &str); 11] = [
        (Flags::DEGRADED, "DEGRADED"),
        (Flags::TEXT_ILL_FORMED, "TEXT_ILL_FORMED"),
        (Flags::TEXT_TRUNCATED, "TEXT_TRUNCATED"),
        (Flags::TEXT_NOT_INSPECTED, "TEXT_NOT_INSPECTED"),
        (Flags::UNKNOWN_ENUM, "UNKNOWN_ENUM"),
        (Flags::RECIPIENT_MALFORMED, "RECIPIENT_MALFORMED"),
        (Flags::REASONS_TRUNCATED, "REASONS_TRUNCATED"),
        (Flags::MODE_LIMITED, "MODE_LIMITED"),
        (Flags::ACTION_DEGRADED, "ACTION_DEGRADED"),
        (Flags::CEILING_LIMITED, "CEILING_LIMITED"),
        (Flags::VERIFICATION_IGNORED, "VERIFICATION_IGNORED"),
    ];
    NAMES.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, name)| *name).collect()
}

/// The characters of some octets of a content.
pub fn characters(octets: &[u8], encoding: TextEncoding) -> String {
    match encoding {
        TextEncoding::Utf8 => String::from_utf8_lossy(octets).into_owned(),
        TextEncoding::Utf16Be => {
            let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            String::from_utf16_lossy(&units.collect::<Vec<u16>>())
        }
    }
}

/// Name, lists, attempt, verdict.
pub type Case = (&'static str, String, Attempt<'static>, &'static str);

/// Checks each verdict against its line, and that the octets of a span are its evidence.
pub fn check(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (name, lists, attempt, want) in cases {
        let ruleset = ruleset(&lists);
        let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
        let got = line(&verdict);
        if got != want {
            wrong.push(format!("{name}\n  want {want}\n  got  {got}"));
        }
        for reason in &verdict.reasons {
            let Some(span) = reason.span else { continue };
            let octets = &attempt.content.octets[span.start as usize..span.end as usize];
            let text = characters(octets, attempt.content.encoding);
            if text != reason.evidence.as_str() {
                wrong.push(format!("{name}: span holds {text}, not {}", reason.evidence));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// A list `a` of numbers.
pub fn numbers(attributes: &str, rows: &str) -> String {
    list("a", &format!("number {attributes}"), "value", rows)
}

/// A list `w` of phrases.
pub fn words(attributes: &str, rows: &str) -> String {
    list("w", &format!("keyword {attributes}"), "value", rows)
}

/// A list `c` of conjunctions.
pub fn together(attributes: &str, rows: &str) -> String {
    list("c", &format!("conjunction {attributes}"), "id all none within", rows)
}

/// A list `p` of settings.
pub fn policy(rows: &str) -> String {
    list("p", "policy", "key value", rows)
}

/// The attempt of a caller that can do no more than this.
pub fn supports(attempt: Attempt<'static>, actions: &[Action]) -> Attempt<'static> {
    with(attempt, |a| a.supported = ActionSet::from_actions(actions.iter().copied()))
}

/// The attempt on a trunk.
pub fn on_trunk(attempt: Attempt<'static>, trunk: &'static str) -> Attempt<'static> {
    with(attempt, |a| a.ingress.trunk_id = trunk)
}

/// A call to [`TO`].
pub fn basic(from: &'static str) -> Attempt<'static> {
    call(from, TO)
}
