//! `ringfence entry`: single entries of lists.

use clap::{Args, Subcommand};

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::draft::{self, DraftArgs};
use super::show;
use crate::wire::lists_v1 as pb;
use pb::edit::Edit as Of;

/// Entries of one page: what the server gives at most.
pub const PAGE: u32 = 1000;

/// What to do with entries.
#[derive(Subcommand, Debug)]
pub enum EntryCommand {
    /// Add entries, or replace those with the same key
    Add(AddArgs),
    /// Remove entries
    Remove(RemoveArgs),
    /// Show entries
    Ls(LsArgs),
}

/// Entries to add.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// The list
    list: String,
    /// Values, such as +8613800138000, +8610* or a phrase; for kinds without a value column, none
    values: Vec<String>,
    /// A cell of every entry, such as category=CN08 or valid_until=2027-01-01
    #[arg(long = "set", value_name = "COLUMN=TEXT", value_parser = pair)]
    cells: Vec<(String, String)>,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    control: ControlArgs,
}

/// Entries to remove.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// The list
    list: String,
    /// Their values or keys
    #[arg(required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    control: ControlArgs,
}

/// Entries to show.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// The list
    list: String,
    /// Only keys that start so
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    prefix: String,
    /// At this revision [default: now]
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
    /// Most entries to show; 0 is all
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    control: ControlArgs,
}

/// Reads `LEFT=RIGHT`.
///
/// Errors: there is no `=`, or nothing in front of it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((left, right)) if !left.is_empty() => Ok((left.to_owned(), right.to_owned())),
        _ => Err("expected NAME=TEXT".to_owned()),
    }
}

/// Runs one of them.
///
/// Errors: no server, or one that refuses.
pub async fn run(command: &EntryCommand) -> Result<(), Failure> {
    match command {
        EntryCommand::Add(args) => {
            let edits = edits_of(args)?;
            let title = format!("add {} to {}", count(edits.len()), args.list);
            draft::make(&Client::connect(&args.control).await?, &args.draft, &title, edits).await
        }
        EntryCommand::Remove(args) => {
            let edit = |key: &String| {
                let entry = pb::EntryKey { list_id: args.list.clone(), key: key.clone() };
                pb::Edit { edit: Some(Of::RemoveEntry(entry)) }
            };
            let edits: Vec<pb::Edit> = args.keys.iter().map(edit).collect();
            let title = format!("remove {} from {}", count(edits.len()), args.list);
            draft::make(&Client::connect(&args.control).await?, &args.draft, &title, edits).await
        }
        EntryCommand::Ls(args) => ls(args).await,
    }
}

fn count(entries: usize) -> String {
    if entries == 1 { "an entry".to_owned() } else { format!("{entries} entries") }
}

fn edits_of(args: &AddArgs) -> Result<Vec<pb::Edit>, Failure> {
    let cell =
        |(column, text): &(String, String)| pb::Cell { column: column.clone(), text: text.clone() };
    let mut shared: Vec<pb::Cell> = args.cells.iter().map(cell).collect();
    // The reason and ticket of the draft are those of its entries, unless they have their own.
    for (column, text) in [("reason", &args.draft.reason), ("ticket", &args.draft.ticket)] {
        if !text.is_empty() && !shared.iter().any(|cell| cell.column == column) {
            shared.push(pb::Cell { column: column.to_owned(), text: text.clone() });
        }
    }
    let edit = |cells: Vec<pb::Cell>| {
        let row = Some(pb::Row { cells, key: String::new() });
        let put = pb::PutEntry { list_id: args.list.clone(), row };
        pb::Edit { edit: Some(Of::PutEntry(put)) }
    };
    if args.values.is_empty() {
        if args.cells.is_empty() {
            return Err("name a value, or cells by --set COLUMN=TEXT".into());
        }
        return Ok(vec![edit(shared)]);
    }
    let with_value = |value: &String| {
        let value = pb::Cell { column: "value".to_owned(), text: value.clone() };
        edit(std::iter::once(value).chain(shared.iter().cloned()).collect())
    };
    Ok(args.values.iter().map(with_value).collect())
}

async fn ls(args: &LsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let (mut token, mut shown) = (String::new(), 0);
    loop {
        let request = pb::ListEntriesRequest {
            list_id: args.list.clone(),
            key_prefix: args.prefix.clone(),
            revision: args.at.unwrap_or(0),
            page_size: u32::try_from(limit - shown).unwrap_or(PAGE).min(PAGE),
            page_token: token,
        };
        let answer = client.lists().list_entries(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        shown += page.entries.len();
        if !page.entries.is_empty() || shown == 0 {
            show::versions(&page.entries, client.json)?;
        }
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(());
        }
        if shown >= limit {
            if !client.json {
                show::line(&format!("… more than {limit}; see --limit and --prefix"))?;
            }
            return Ok(());
        }
    }
}
