//! A verdict as a person reads it.

use std::io::{IsTerminal as _, Write as _};

use super::json;
use super::marks::{self, Marking};
use super::{Failure, SentText};
use crate::cli::client::printable;
use crate::cli::output::{self, BOLD, DIM, styled};
use crate::model::category::Category;
use crate::model::policy::Action;
use crate::wire::screening_v1 as pb;

/// Digits of the digest that are shown: enough to tell two apart.
const DIGEST_DIGITS: usize = 12;

/// Prints the verdict, the text with its hits marked, the reasons.
pub(super) fn verdict(
    verdict: &pb::Verdict,
    envelope: &pb::VerdictEnvelope,
    text: Option<&SentText>,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", header(verdict))?;
    writeln!(out, "{}", styled(DIM, &circumstances(verdict, envelope)))?;
    if let Some(text) = text.filter(|text| !text.octets.is_empty()) {
        let spans: Vec<pb::Span> = verdict.reasons.iter().filter_map(|r| r.span).collect();
        writeln!(out, "\n{}\n", marks::marked(text, &spans, marking()))?;
    }
    drop(out);
    if !verdict.reasons.is_empty() {
        let rows: Vec<Vec<String>> = verdict.reasons.iter().map(row).collect();
        output::table(&["REASON", "POINTS", "CATEGORY", "LIST", "ENTRY", "WHERE"], &rows)?;
    }
    let digest: String = json::digest(envelope).chars().take(DIGEST_DIGITS).collect();
    let from = format!(
        "revision {} · digest {digest} · engine {} · verdict {}",
        envelope.ruleset_revision,
        printable(&envelope.engine_version),
        printable(&envelope.verdict_id),
    );
    writeln!(anstream::stdout(), "{}", styled(DIM, &from))?;
    Ok(())
}

/// Colours are seen only where they are shown.
fn marking() -> Marking {
    let stdout = std::io::stdout();
    match anstream::AutoStream::choice(&stdout) {
        anstream::ColorChoice::Never => Marking::Brackets,
        anstream::ColorChoice::Auto if !stdout.is_terminal() => Marking::Brackets,
        _ => Marking::Colour,
    }
}

fn header(verdict: &pb::Verdict) -> String {
    let name = json::action(verdict.action);
    let action = match Action::parse(&name) {
        Some(action) => styled(output::action_style(action), &name),
        None => styled(BOLD, &name),
    };
    let mut line = format!("{action}  risk {}", verdict.risk);
    if !verdict.category.is_empty() {
        let title = Category::parse(&verdict.category).map_or("", Category::title);
        let category = styled(BOLD, &printable(&verdict.category));
        line.push_str(&format!("  {category} {title}"));
    }
    line
}

/// What else matters, on one line: the action without mode and limits, grounds, flags.
fn circumstances(verdict: &pb::Verdict, envelope: &pb::VerdictEnvelope) -> String {
    let lower = |name: String| name.to_lowercase().replace('_', " ");
    let mut parts = Vec::new();
    if verdict.would_action != verdict.action {
        parts.push(format!("would be {}", json::action(verdict.would_action)));
    }
    parts.push(format!("mode {}", lower(json::mode(envelope.mode))));
    if verdict.ground != pb::Ground::Unspecified as i32 {
        parts.push(format!("ground {}", lower(json::ground(verdict.ground))));
    }
    if verdict.label_key != pb::LabelKey::Unspecified as i32 {
        parts.push(format!("label {}", lower(json::label(verdict.label_key))));
    }
    parts.extend(verdict.flags.iter().map(|flag| lower(json::flag(*flag))));
    parts.join(" · ")
}

fn row(reason: &pb::Reason) -> Vec<String> {
    let code = json::reason_code(reason.code);
    let shadow = if reason.shadow { " (shadow)" } else { "" };
    let place = match &reason.span {
        Some(span) => format!("octets {}..{}", span.start, span.end),
        None => printable(&reason.evidence),
    };
    vec![
        format!("{code}{shadow}"),
        // Padded here: the table puts only unsigned numbers to the right.
        format!("{:>6}", reason.points),
        printable(&reason.category),
        printable(&reason.list),
        printable(&reason.entry),
        place,
    ]
}
