//! `ringfence source`: lists that are filled from URLs.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::bytes::Bytes;
use serde_json::{Value, json};

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::entry::{PAGE, pair};
use super::import::{Format, format_of};
use super::show;
use crate::cli::client::printable;
use crate::cli::output::{self, BOLD, DIM, styled};
use crate::model::catalogue::BlobId;
use crate::wire::lists_v1 as pb;

/// What to do with sources.
#[derive(Subcommand, Debug)]
pub enum SourceCommand {
    /// Fill a list from a URL from now on; what comes is a change-set
    Add(Box<AddArgs>),
    /// Name the sources, and how they go
    Ls(LsArgs),
    /// Ask one source now
    Refresh(NameArgs),
    /// No longer ask a source; what is live stays, what waits is withdrawn
    Remove(NameArgs),
}

/// A source to add.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// What it is called: a-z, 0-9, `-` and `.`
    name: String,
    /// Where the file is, gzip and zstd too; https
    url: String,
    /// The list that its values go to
    #[arg(long, value_name = "LIST")]
    list: String,
    /// Format of the file [default: by the name in the URL, else csv]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Which column of the file is which of ours: phone=value,why=reason
    #[arg(long, value_name = "THEIRS=OURS", value_delimiter = ',', value_parser = pair)]
    map: Vec<(String, String)>,
    /// Region of numbers that do not say theirs, such as CN
    #[arg(long, value_name = "CC", default_value = "", hide_default_value = true)]
    region: String,
    /// A cell of every row that has none of its own, such as reason=reported
    #[arg(long = "set", value_name = "COLUMN=TEXT", value_parser = pair)]
    cells: Vec<(String, String)>,
    /// The file is the whole list: what it does not name goes
    #[arg(long)]
    replace: bool,
    /// How often it is asked, 5m to 30d
    #[arg(long, value_name = "TIME", default_value = "1d")]
    #[arg(value_parser = humantime::parse_duration)]
    every: Duration,
    /// The only SHA-256 that is taken
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<BlobId>,
    /// What needs no second person and raises no warning goes live by itself
    #[arg(long)]
    auto_commit: bool,
    #[command(flatten)]
    control: ControlArgs,
}

/// Nothing but where.
#[derive(Args, Debug)]
pub struct LsArgs {
    #[command(flatten)]
    control: ControlArgs,
}

/// Which source.
#[derive(Args, Debug)]
pub struct NameArgs {
    /// The source
    name: String,
    #[command(flatten)]
    control: ControlArgs,
}

fn digest(text: &str) -> Result<BlobId, String> {
    BlobId::parse(text).ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

/// Runs one of them.
///
/// Errors: no server, or one that refuses.
pub async fn run(command: &SourceCommand) -> Result<(), Failure> {
    match command {
        SourceCommand::Add(args) => add(args).await,
        SourceCommand::Ls(args) => ls(args).await,
        SourceCommand::Refresh(args) => refresh(args).await,
        SourceCommand::Remove(args) => remove(args).await,
    }
}

/// What the name in a URL says of the format.
fn format_in(url: &str) -> Format {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.split_once("://").map_or(path, |(_, rest)| rest);
    name.split_once('/').map_or(Format::Csv, |(_, path)| format_of(Path::new(path)))
}

async fn add(args: &AddArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let format = args.format.unwrap_or_else(|| format_in(&args.url));
    let mapping =
        |(from, to): &(String, String)| pb::ColumnMapping { from: from.clone(), to: to.clone() };
    let cell =
        |(column, text): &(String, String)| pb::Cell { column: column.clone(), text: text.clone() };
    let source = pb::Source {
        name: args.name.clone(),
        url: args.url.clone(),
        list_id: args.list.clone(),
        format: pb::Format::from(format).into(),
        columns: args.map.iter().map(mapping).collect(),
        region_code: args.region.clone(),
        defaults: args.cells.iter().map(cell).collect(),
        replaces: args.replace,
        // 0 would be the default; what is too short is the server's to refuse.
        interval_s: u32::try_from(args.every.as_secs()).unwrap_or(u32::MAX).max(1),
        sha256: args.sha256.map(|BlobId(d)| Bytes::copy_from_slice(&d)).unwrap_or_default(),
        auto_commit: args.auto_commit,
        owner: String::new(),
    };
    let request = client.ask(pb::AddSourceRequest { source: Some(source) });
    let answer = client.sources().add_source(request).await.map_err(Refused::from)?.into_inner();
    let state = answer.source.ok_or("the server's answer holds no source")?;
    if client.json {
        return show::json_line(&state_json(&state));
    }
    let source = state.source.unwrap_or_default();
    show::line(&format!(
        "source {} fills {} every {}; {} owns it, and another person approves what comes",
        styled(BOLD, &printable(&source.name)),
        printable(&source.list_id),
        every(source.interval_s),
        printable(&source.owner)
    ))?;
    show::next(&[format!("ringfence source refresh {}", printable(&source.name))])
}

fn every(seconds: u32) -> String {
    humantime::format_duration(Duration::from_secs(seconds.into())).to_string()
}

async fn ls(args: &LsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (mut token, mut states) = (String::new(), Vec::new());
    loop {
        let request = pb::ListSourcesRequest { page_size: PAGE, page_token: token };
        let answer = client.sources().list_sources(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        states.extend(page.sources);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    if client.json {
        return states.iter().try_for_each(|state| show::json_line(&state_json(state)));
    }
    let row = |state: &pb::SourceState| {
        let source = state.source.clone().unwrap_or_default();
        let outcome = printable(&state.outcome);
        vec![
            printable(&source.name),
            printable(&source.list_id),
            every(source.interval_s),
            printable(&source.owner),
            show::time(state.asked_time.as_ref()),
            show::time(state.due_time.as_ref()),
            state.change_set.as_ref().map_or_else(String::new, |set| set.id.to_string()),
            if state.failed { styled(BOLD, &format!("failed: {outcome}")) } else { outcome },
        ]
    };
    let rows: Vec<Vec<String>> = states.iter().map(row).collect();
    let header = ["SOURCE", "LIST", "EVERY", "OWNER", "ASKED", "NEXT", "CHANGE-SET", "OUTCOME"];
    output::table(&header, &rows)?;
    Ok(())
}

async fn refresh(args: &NameArgs) -> Result<(), Failure> {
    use pb::refresh_source_response::Part;
    let client = Client::connect(&args.control).await?;
    let request = client.long(pb::RefreshSourceRequest { name: args.name.clone() });
    let answer = client.sources().refresh_source(request).await;
    let mut stream = answer.map_err(Refused::from)?.into_inner();
    let bar = progress();
    let mut result = None;
    while let Some(message) = stream.message().await.map_err(Refused::from)? {
        match message.part {
            Some(Part::Progress(at)) => {
                if at.octet_total > 0 {
                    bar.set_length(at.octet_total);
                }
                bar.set_position(at.octet_count);
            }
            Some(Part::Result(done)) => result = Some(done),
            None => {}
        }
    }
    bar.finish_and_clear();
    let broke_off = "the refresh broke off; `ringfence source ls` says how it went";
    let done = result.ok_or(broke_off)?;
    let outcome = show::refresh(done.outcome);
    let id = done.change_set.as_ref().map(|set| set.id);
    if client.json {
        return show::json_line(&json!({
            "source": args.name, "outcome": outcome, "what": done.what, "change_set": id,
        }));
    }
    show::line(&format!("{}: {}", styled(BOLD, &outcome), printable(&done.what)))?;
    let Some(id) = id else { return Ok(()) };
    let next = match pb::RefreshOutcome::try_from(done.outcome) {
        Ok(pb::RefreshOutcome::Waits) => vec![
            format!("ringfence changeset preview {id}"),
            format!("another person than the owner: ringfence changeset approve {id}"),
            format!("ringfence changeset commit {id}"),
        ],
        Ok(pb::RefreshOutcome::Draft) => vec![
            format!("ringfence changeset check {id}"),
            format!("ringfence changeset submit {id} --accept-warnings"),
        ],
        _ => return Ok(()),
    };
    show::next(&next)
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} of {total_bytes}  {bytes_per_sec}");
    bar.set_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn remove(args: &NameArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let request = client.ask(pb::RemoveSourceRequest { name: args.name.clone() });
    client.sources().remove_source(request).await.map_err(Refused::from)?;
    if client.json {
        return show::json_line(&json!({ "removed": args.name }));
    }
    let what = "is no longer asked; what is live stays";
    show::line(&styled(DIM, &format!("source {} {what}", printable(&args.name))))
}

fn state_json(state: &pb::SourceState) -> Value {
    let source = state.source.clone().unwrap_or_default();
    let digest = |octets: &[u8]| if octets.is_empty() { None } else { Some(show::hex(octets)) };
    let at = |time: Option<&prost_types::Timestamp>| time.map(|time| show::time(Some(time)));
    let format = pb::Format::try_from(source.format).unwrap_or_default().as_str_name();
    let format = format.trim_start_matches("FORMAT_").to_ascii_lowercase().replace('_', "-");
    let columns = source.columns.iter().map(|c| (c.from.clone(), Value::from(c.to.clone())));
    let cells = source.defaults.iter().map(|c| (c.column.clone(), Value::from(c.text.clone())));
    json!({
        "name": source.name, "url": source.url, "list": source.list_id, "format": format,
        "columns": columns.collect::<serde_json::Map<_, _>>(), "region": source.region_code,
        "defaults": cells.collect::<serde_json::Map<_, _>>(), "replaces": source.replaces,
        "interval_s": source.interval_s, "sha256": digest(&source.sha256),
        "auto_commit": source.auto_commit, "owner": source.owner,
        "asked": at(state.asked_time.as_ref()), "due": at(state.due_time.as_ref()),
        "outcome": state.outcome, "failed": state.failed,
        "last_sha256": digest(&state.last_sha256),
        "change_set": state.change_set.as_ref().map(|set| set.id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_a_url_says_the_format() {
        for (url, format) in [
            ("https://a.example/x/hosts.txt?day=1", Format::Plain),
            ("https://a.example/list.jsonl.gz", Format::Jsonl),
            ("https://a.example.txt", Format::Csv),
            ("https://a.example/x.json#y", Format::Stix),
            ("nonsense", Format::Csv),
        ] {
            assert_eq!(format_in(url), format, "{url}");
        }
        assert!(digest(&"ab".repeat(32)).is_ok() && digest("ab").is_err());
        assert_eq!(every(5400), "1h 30m");
    }
}
