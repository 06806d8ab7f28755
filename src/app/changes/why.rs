//! Why: every entry that speaks of a number, text, sender or link, which one wins, who added it.
//!
//! Asks the engine itself, with the ruleset of the revision in question, so that the answer is what
//! traffic gets; the view adds who and when.

use super::api::{Question, Refusal, Why, WhyMatch};
use super::live::Live;
use super::service::Changes;
use super::writer::Writer;
use crate::engine::numbers::Normalised;
use crate::engine::{Ruleset, screen};
use crate::lists::segment::Segment;
use crate::lists::view::{Origin, Scan, SegmentVersion};
use crate::model::attempt::{Address, Attempt, Content, ContentBasis, StateFacts, TextEncoding};
use crate::model::entry::{Effect, EntryMeta, ListKind, ListSpec};
use crate::model::number::Region;
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::revision::Revision;
use crate::model::time::Timestamp;
use crate::model::verdict::Reason;

/// Lists that may speak of one key.
const SAME_KEY_MAX: usize = 100;

impl Changes {
    pub(super) fn answer_why(
        &self,
        question: &Question,
        at: Option<Revision>,
    ) -> Result<Why, Refusal> {
        let writer = self.lock();
        let revision = Changes::at(&*writer.view, at)?;
        if let Question::Entry { list, key } = question {
            return of_entry(&writer, revision, list, key);
        }
        let now = self.clock.now();
        let past;
        let current = self.publisher.load();
        let ruleset: &Ruleset = if current.revision == revision {
            &current
        } else {
            let prepared = Live::empty()?.at(&*writer.view, &*self.log, revision)?;
            let digest = writer.view.digest(revision)?.unwrap_or_default();
            past = prepared.ruleset(revision, digest)?;
            &past
        };
        let mut why = Why { revision, ..Why::default() };
        let attempts = attempts(question)?;
        for (role, attempt) in &attempts {
            let verdict = screen(ruleset, attempt, &StateFacts::default(), now);
            why.outcome += &format!(
                "{}{role}: {} (risk {})",
                if why.outcome.is_empty() { "" } else { "; " },
                verdict.would_action.as_str(),
                verdict.risk
            );
            let decides = verdict.would_action > Action::Allow;
            for (place, reason) in verdict.reasons.iter().enumerate() {
                if reason.list.is_empty() {
                    continue;
                }
                let found = one(&writer, revision, reason, place == 0 && decides)?;
                let same = |known: &WhyMatch| known.list == found.list && known.key == found.key;
                if !why.matches.iter().any(same) {
                    why.matches.push(found);
                }
            }
        }
        if let Question::Number(number) = question {
            let keys = number_keys(ruleset, number);
            silent(&writer, revision, &keys, &mut why)?;
        }
        why.matches.sort_by_key(|found| !found.wins);
        Ok(why)
    }
}

/// Keys of single entries that speak of a number: itself and every prefix of it.
fn number_keys(ruleset: &Ruleset, number: &str) -> Vec<String> {
    let (region, number) = of_region(number);
    let address = Address { raw: number.as_bytes(), ..Address::default() };
    let region = region.unwrap_or(ruleset.settings().policy.default_region);
    let Normalised::Number(number) = ruleset.base.plans.normalise(&address, region) else {
        return Vec::new();
    };
    let whole = number.to_string();
    // Behind the `+` or `CN:` that says the plan.
    let digits = whole.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let prefixes = (digits + 1..=whole.len()).rev().map(|end| format!("{}*", &whole[..end]));
    std::iter::once(whole.clone()).chain(prefixes).collect()
}

/// Adds entries that the engine does not report, because something stronger decided before they
/// were asked: what protects a recipient, and what it makes of no account.
fn silent(writer: &Writer, at: Revision, keys: &[String], why: &mut Why) -> Result<(), Refusal> {
    for key in keys {
        let end = format!("{key}\0");
        let scan = Scan { from: key, to: Some(&end), limit: SAME_KEY_MAX, ..Scan::default() };
        for version in writer.view.scan(scan, at)? {
            let known = |found: &WhyMatch| found.list == version.list && found.key == version.key;
            let Some(state) = writer.view.list(&version.list, at)? else { continue };
            let by_itself = matches!(state.spec.kind, ListKind::Number);
            if !by_itself || why.matches.iter().any(known) {
                continue;
            }
            let mut found = of_entry(writer, at, &version.list, &version.key)?.matches;
            let protects = found.iter().any(|found| found.precedence == "guard");
            found.iter_mut().for_each(|found| found.wins = protects);
            why.matches.append(&mut found);
        }
    }
    Ok(())
}

/// The region that a number says itself, as keys do (`CN:110`), and the number in it.
fn of_region(number: &str) -> (Option<Region>, &str) {
    let parts = number.split_once(':');
    let read = parts.and_then(|(region, rest)| Region::parse(region).map(|r| (Some(r), rest)));
    read.unwrap_or((None, number))
}

/// What to ask the engine.
fn attempts(question: &Question) -> Result<Vec<(&'static str, Attempt<'_>)>, Refusal> {
    match question {
        Question::Nothing | Question::Entry { .. } => Err(Refusal::Invalid {
            field: "question".into(),
            what: "ask for a number, text, sender, link or entry".into(),
        }),
        Question::Number(number) => {
            let (region, number) = of_region(number);
            let mut from = Attempt { region, ..Attempt::empty(Traffic::Call) };
            from.originator.raw = number.as_bytes();
            let mut to = Attempt { region, ..Attempt::empty(Traffic::Call) };
            to.recipient.raw = number.as_bytes();
            Ok(vec![("as originator", from), ("as recipient", to)])
        }
        Question::Text(text) => Ok(vec![("the text", message("", text))]),
        Question::Sender(sender) => Ok(vec![("the sender", message(sender, ""))]),
        Question::Link(link) => Ok(vec![("the link", message("", link))]),
    }
}

fn message<'a>(from: &'a str, text: &'a str) -> Attempt<'a> {
    let mut attempt = Attempt::empty(Traffic::Message);
    attempt.originator.raw = from.as_bytes();
    attempt.content = Content {
        octets: text.as_bytes(),
        encoding: TextEncoding::Utf8,
        basis: ContentBasis::LegalDuty,
    };
    attempt
}

/// One reason with what the catalogue knows of its entry.
fn one(
    writer: &Writer,
    at: Revision,
    reason: &Reason<'_>,
    wins: bool,
) -> Result<WhyMatch, Refusal> {
    let state = writer.view.list(reason.list, at)?;
    let written = reason.entry.to_string();
    let key = match &state {
        Some(state) => key_of(&state.spec, &written),
        None => written,
    };
    let version = writer.view.entry(reason.list, &key, at)?;
    let segment =
        if version.is_some() { None } else { segment_with(writer, reason.list, &key, at)? };
    let meta = meta(state.as_ref().map(|state| &state.spec), version.as_ref(), segment.as_ref());
    let origin: Option<Origin> =
        version.as_ref().map(|v| v.from).or(segment.as_ref().map(|s| s.from));
    Ok(WhyMatch {
        list: reason.list.into(),
        wins,
        precedence: precedence(state.as_ref().map(|state| &state.spec), meta.as_ref()),
        says: says(meta.as_ref(), reason),
        valid: validity(meta.as_ref()),
        shadow: reason.shadow,
        origin,
        history: writer.view.versions(reason.list, &key)?,
        segment,
        key: key.into(),
    })
}

/// The key of an entry that the engine names as its author wrote it.
fn key_of(spec: &ListSpec, written: &str) -> String {
    use crate::lists::row::{Row, keyword_key};
    match spec.kind {
        ListKind::Keyword => keyword_key(written).unwrap_or_else(|_| written.to_owned()),
        ListKind::Number | ListKind::Sender | ListKind::Signature | ListKind::Domain => {
            Row::read(spec, [("value", written)])
                .map_or_else(|_| written.to_owned(), |row| row.key().to_owned())
        }
        _ => written.to_owned(),
    }
}

fn of_entry(writer: &Writer, at: Revision, list: &str, key: &str) -> Result<Why, Refusal> {
    let missing = |kind: &'static str, name: &str| Refusal::NotFound { kind, name: name.into() };
    let state = writer.view.list(list, at)?.ok_or_else(|| missing("list", list))?;
    let key = key_of(&state.spec, key);
    let version = writer.view.entry(list, &key, at)?;
    let segment = if version.is_some() { None } else { segment_with(writer, list, &key, at)? };
    let history = writer.view.versions(list, &key)?;
    if version.is_none() && segment.is_none() && history.is_empty() {
        return Err(missing("entry", &key));
    }
    let meta = meta(Some(&state.spec), version.as_ref(), segment.as_ref());
    let in_force = version.as_ref().is_some_and(|v| v.row.is_some()) || segment.is_some();
    let found = WhyMatch {
        list: list.into(),
        wins: in_force,
        precedence: precedence(Some(&state.spec), meta.as_ref()),
        says: meta.as_ref().map_or_else(|| "it is not in force".into(), words),
        valid: validity(meta.as_ref()),
        shadow: meta.as_ref().is_some_and(|meta| meta.shadow),
        origin: version.as_ref().map(|v| v.from).or(segment.as_ref().map(|s| s.from)),
        history,
        segment,
        key: key.into(),
    };
    let outcome = if in_force { "in force" } else { "not in force" }.to_owned();
    Ok(Why { revision: at, matches: vec![found], outcome })
}

/// The bulk import of a list that holds a key, the newest first.
fn segment_with(
    writer: &Writer,
    list: &str,
    key: &str,
    at: Revision,
) -> Result<Option<SegmentVersion>, Refusal> {
    for version in writer.view.segments(Some(list), at)?.into_iter().rev() {
        let octets = writer.log.get_blob(version.segment.blob)?;
        if Segment::parse(&octets).map_err(Refusal::Unavailable)?.contains(key) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

fn meta(
    spec: Option<&ListSpec>,
    version: Option<&crate::lists::view::EntryVersion>,
    segment: Option<&SegmentVersion>,
) -> Option<EntryMeta> {
    let spec = spec?;
    if let Some(row) = version.and_then(|version| version.row.as_ref()) {
        return row.meta(spec).ok();
    }
    let segment = segment?;
    super::live::shared_row(spec, &segment.segment, "+10000")
        .or_else(|_| super::live::shared_row(spec, &segment.segment, "example.com"))
        .ok()?
        .meta(spec)
        .ok()
}

fn precedence(spec: Option<&ListSpec>, meta: Option<&EntryMeta>) -> &'static str {
    let (Some(spec), Some(meta)) = (spec, meta) else { return "score" };
    let tenant = spec.tenant != crate::model::entry::TenantId::GLOBAL;
    match (spec.ground, meta.effect) {
        (_, Effect::Watch) => "watch, never part of a verdict",
        (_, Effect::Protect) => "guard",
        (Ground::Order, _) => "legal order",
        (Ground::Subscriber, _) => "the subscriber's own choice",
        (_, Effect::Allow) if tenant => "tenant allow",
        (_, Effect::Allow) => "global allow",
        (_, Effect::Block) if tenant => "tenant block",
        (_, Effect::Block) => "global block",
        (_, Effect::Label(_) | Effect::Score(_)) => "score",
    }
}

fn says(meta: Option<&EntryMeta>, reason: &Reason<'_>) -> String {
    let own = meta.map(words);
    let points =
        if reason.points == 0 { String::new() } else { format!(", {} points here", reason.points) };
    own.unwrap_or_default() + &points
}

fn words(meta: &EntryMeta) -> String {
    let mut words = match meta.effect {
        Effect::Score(points) => format!("score {points}"),
        Effect::Label(key) => format!("label {}", key.as_str()),
        Effect::Block => "block".to_owned(),
        Effect::Allow => "allow".to_owned(),
        Effect::Watch => "watch".to_owned(),
        Effect::Protect => "protect".to_owned(),
    };
    if let Some(category) = meta.category {
        words += " ";
        words += category.code();
    }
    words
}

fn validity(meta: Option<&EntryMeta>) -> (Option<Timestamp>, Option<Timestamp>) {
    let Some(meta) = meta else { return (None, None) };
    let open = |time: Timestamp, end: Timestamp| if time == end { None } else { Some(time) };
    (open(meta.validity.from, Timestamp(0)), open(meta.validity.until, Timestamp(u64::MAX)))
}
