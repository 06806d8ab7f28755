//! `ringfence why`, `history` and `diff`: who said what, when, and what it was before.

use std::io::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::entry::PAGE;
use super::show;
use crate::cli::client::printable;
use crate::cli::output::{self, BOLD, DIM, styled};
use crate::wire::lists_v1 as pb;

/// What to ask about.
#[derive(Args, Debug)]
#[group(skip)]
pub struct WhyArgs {
    #[command(flatten)]
    question: QuestionArgs,
    /// At this revision [default: now]
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
    #[command(flatten)]
    control: ControlArgs,
}

/// One of these.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct QuestionArgs {
    /// A number in any usual form
    number: Option<String>,
    /// A text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// A sender id
    #[arg(long, value_name = "ID")]
    sender: Option<String>,
    /// A link or domain
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// An entry
    #[arg(long, num_args = 2, value_names = ["LIST", "KEY"], allow_hyphen_values = true)]
    entry: Option<Vec<String>>,
}

impl QuestionArgs {
    fn question(&self) -> Option<pb::why_request::Question> {
        use pb::why_request::Question as Of;
        let QuestionArgs { number, text, sender, link, entry } = self;
        let number = number.clone().map(Of::Number);
        let others = [
            text.clone().map(Of::Text),
            sender.clone().map(Of::Sender),
            link.clone().map(Of::Link),
        ];
        let entry = entry.as_deref().and_then(|words| match words {
            [list, key] => {
                Some(Of::Entry(pb::EntryKey { list_id: list.clone(), key: key.clone() }))
            }
            _ => None,
        });
        number.or_else(|| others.into_iter().flatten().next()).or(entry)
    }
}

/// Which entry.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// The list
    list: String,
    /// The entry's value or key
    #[arg(allow_hyphen_values = true)]
    key: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// Which revisions.
#[derive(Args, Debug)]
pub struct DiffArgs {
    /// The earlier revision; 0 is the empty catalogue
    earlier: u64,
    /// The later revision
    later: u64,
    /// Most differences to show; 0 is all
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    control: ControlArgs,
}

/// Asks why.
///
/// Errors: no server, or one that refuses.
pub async fn why(args: &WhyArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (question, revision) = (args.question.question(), args.at.unwrap_or(0));
    let answer = client.lists().why(client.ask(pb::WhyRequest { question, revision })).await;
    let answer = answer.map_err(Refused::from)?.into_inner();
    if client.json {
        return show::json_line(&json(&answer));
    }
    let mut out = output::stdout();
    for found in &answer.matches {
        tell(&mut out, found)?;
    }
    if answer.matches.is_empty() {
        writeln!(out, "no entry speaks of it")?;
    }
    let outcome = styled(BOLD, &printable(&answer.outcome));
    let at = styled(DIM, &format!("at revision {}", answer.revision));
    writeln!(out, "outcome: {outcome}  {at}")?;
    Ok(())
}

fn tell(out: &mut impl std::io::Write, found: &pb::WhyMatch) -> std::io::Result<()> {
    let mark = if found.wins { styled(BOLD, "wins") } else { "    ".to_owned() };
    let shadow = if found.shadow { " (shadow)" } else { "" };
    let (list, key) = (printable(&found.list_id), printable(&found.key));
    let (says, step) = (printable(&found.says), printable(&found.precedence));
    writeln!(out, "{mark} {list}  {key}  {says}{shadow}  {}", styled(DIM, &step))?;
    let mut facts = Vec::new();
    match &found.origin {
        Some(origin) => facts.push(format!("added by {}", show::origin(Some(origin)))),
        None => facts.push("came with the program or a pack".to_owned()),
    }
    let from = show::time(found.valid_from_time.as_ref());
    let until = show::time(found.valid_until_time.as_ref());
    if !from.is_empty() {
        facts.push(format!("from {from}"));
    }
    facts.push(if until.is_empty() { "no end".to_owned() } else { format!("until {until}") });
    if let Some(segment) = found.segment.as_ref().and_then(|used| used.segment.as_ref()) {
        facts.push(format!("one of {} values of an import", segment.value_count));
    }
    for fact in facts {
        writeln!(out, "       {}", styled(DIM, &fact))?;
    }
    for version in found.history.iter().filter(|_| found.history.len() > 1) {
        let says = match &version.row {
            Some(row) => show::cells(&row.cells, &version.key),
            None => "(taken out)".to_owned(),
        };
        let since = show::origin(version.from.as_ref());
        writeln!(out, "       {}", styled(DIM, &format!("was: {says}  {since}")))?;
    }
    Ok(())
}

fn json(answer: &pb::WhyResponse) -> Value {
    let matched = |found: &pb::WhyMatch| {
        let segment = found.segment.as_ref().and_then(|used| used.segment.as_ref());
        json!({
            "list": found.list_id, "key": found.key, "wins": found.wins,
            "precedence": found.precedence, "says": found.says, "shadow": found.shadow,
            "valid_from": show::time(found.valid_from_time.as_ref()),
            "valid_until": show::time(found.valid_until_time.as_ref()),
            "origin": show::origin_json(found.origin.as_ref()),
            "history": found.history.iter().map(show::version_json).collect::<Vec<_>>(),
            "import": segment.map(|segment| segment.blob.as_str()),
        })
    };
    json!({
        "revision": answer.revision, "outcome": answer.outcome,
        "matches": answer.matches.iter().map(matched).collect::<Vec<_>>(),
    })
}

/// Shows every version of one entry.
///
/// Errors: no server, or one that refuses.
pub async fn history(args: &HistoryArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (mut token, mut versions) = (String::new(), Vec::new());
    loop {
        let (list_id, key) = (args.list.clone(), args.key.clone());
        let request =
            pb::ListEntryHistoryRequest { list_id, key, page_size: PAGE, page_token: token };
        let answer = client.lists().list_entry_history(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        versions.extend(page.versions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    if versions.is_empty() && !client.json {
        return show::line("there never was such a single entry; `ringfence why` looks everywhere");
    }
    show::versions(&versions, client.json)
}

/// Shows what differs between two revisions.
///
/// Errors: no server, or one that refuses.
pub async fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let (mut token, mut changes) = (String::new(), Vec::new());
    loop {
        let request = pb::DiffRequest {
            earlier_revision: args.earlier,
            later_revision: args.later,
            page_size: PAGE,
            page_token: token,
        };
        let answer = client.sets().diff(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        changes.extend(page.changes);
        token = page.next_page_token;
        if token.is_empty() || changes.len() >= limit {
            break;
        }
    }
    let more = !token.is_empty() || changes.len() > limit;
    changes.truncate(limit);
    let shown = changes.iter().map(show::change);
    if client.json {
        for [kind, list, key, before, after] in shown {
            show::json_line(&json!({
                "kind": kind, "list": list, "key": key, "before": before, "after": after,
            }))?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = shown.map(Vec::from).collect();
    output::table(&["WHAT", "LIST", "KEY", "BEFORE", "AFTER"], &rows)?;
    if more {
        show::line("… more of them: see --limit")?;
    }
    Ok(())
}
