//! `ringfence changeset` and `ringfence rollback`: the line from a draft to a live revision.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::draft::{self, present};
use super::show;
use crate::cli::client::printable;
use crate::cli::output;
use crate::wire::lists_v1 as pb;

/// Change-sets shown where nothing is said.
const LIMIT: u32 = 50;

/// What to do with change-sets.
#[derive(Subcommand, Debug)]
pub enum ChangesetCommand {
    /// Begin a draft
    New(NewArgs),
    /// Show one
    Show(OneArgs),
    /// Show the newest ones
    Ls(LsArgs),
    /// Show the edits of one
    Edits(EditsArgs),
    /// Take edits out of a draft, by their places
    Unedit(UneditArgs),
    /// Check one against the catalogue as it is now
    Check(OneArgs),
    /// Count what one would do
    Preview(OneArgs),
    /// Close a draft
    Submit(SubmitArgs),
    /// Agree, as a second person
    Approve(NoteArgs),
    /// Refuse, as a second person
    Reject(NeedNoteArgs),
    /// Give one up
    Withdraw(OneArgs),
    /// Make one the next revision: durable and live
    Commit(CommitArgs),
    /// End the review of one that went live by break-glass
    Review(NeedNoteArgs),
}

/// A draft to begin.
#[derive(Args, Debug)]
pub struct NewArgs {
    /// One line for people
    title: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// A ticket or case elsewhere
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    ticket: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// One change-set.
#[derive(Args, Debug)]
pub struct OneArgs {
    /// The change-set
    id: u64,
    #[command(flatten)]
    control: ControlArgs,
}

/// Which change-sets.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// Only those of this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Most of them
    #[arg(long, default_value_t = LIMIT, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    control: ControlArgs,
}

/// Where a change-set stands.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum State {
    Draft,
    Submitted,
    Approved,
    Committed,
    Rejected,
    Withdrawn,
}

impl From<State> for pb::ChangeSetState {
    fn from(state: State) -> pb::ChangeSetState {
        match state {
            State::Draft => pb::ChangeSetState::Draft,
            State::Submitted => pb::ChangeSetState::Submitted,
            State::Approved => pb::ChangeSetState::Approved,
            State::Committed => pb::ChangeSetState::Committed,
            State::Rejected => pb::ChangeSetState::Rejected,
            State::Withdrawn => pb::ChangeSetState::Withdrawn,
        }
    }
}

/// Which edits.
#[derive(Args, Debug)]
pub struct EditsArgs {
    /// The change-set
    id: u64,
    /// Most edits to show
    #[arg(long, default_value_t = 1000, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    control: ControlArgs,
}

/// Edits to take out.
#[derive(Args, Debug)]
pub struct UneditArgs {
    /// The draft
    id: u64,
    /// Places of the edits, as `changeset edits` shows them
    #[arg(required = true)]
    places: Vec<u32>,
    #[command(flatten)]
    control: ControlArgs,
}

/// A draft to close.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// The draft
    id: u64,
    /// Go ahead in spite of warnings
    #[arg(long)]
    accept_warnings: bool,
    #[command(flatten)]
    control: ControlArgs,
}

/// A change-set and a word on it.
#[derive(Args, Debug)]
pub struct NoteArgs {
    /// The change-set
    id: u64,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// A change-set and a word on it that must not be left out.
#[derive(Args, Debug)]
pub struct NeedNoteArgs {
    /// The change-set
    id: u64,
    /// Why, or what was found
    #[arg(long, value_name = "TEXT")]
    note: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// A change-set to commit.
#[derive(Args, Debug)]
pub struct CommitArgs {
    /// The change-set
    id: u64,
    /// Go ahead without a second person, for this reason; opens a review
    #[arg(long, value_name = "REASON")]
    break_glass: Option<String>,
    #[command(flatten)]
    control: ControlArgs,
}

/// A revision to go back to.
#[derive(Args, Debug)]
pub struct RollbackArgs {
    /// The revision
    revision: u64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// Runs one of them.
///
/// Errors: no server, or one that refuses.
pub async fn run(command: &ChangesetCommand) -> Result<(), Failure> {
    match command {
        ChangesetCommand::New(args) => new(args).await,
        ChangesetCommand::Show(args) => {
            let client = Client::connect(&args.control).await?;
            show::set(&get(&client, args.id).await?, client.json)
        }
        ChangesetCommand::Ls(args) => ls(args).await,
        ChangesetCommand::Edits(args) => edits(args).await,
        ChangesetCommand::Unedit(args) => unedit(args).await,
        ChangesetCommand::Check(args) => {
            let client = Client::connect(&args.control).await?;
            let request = client.ask(pb::CheckChangeSetRequest { change_set_id: args.id });
            let answer = client.sets().check_change_set(request).await;
            let answer = answer.map_err(Refused::about(args.id))?.into_inner();
            show::report(&answer.report.unwrap_or_default(), client.json)
        }
        ChangesetCommand::Preview(args) => {
            let client = Client::connect(&args.control).await?;
            preview(&client, args.id).await
        }
        ChangesetCommand::Submit(args) => {
            let client = Client::connect(&args.control).await?;
            submit(&client, args.id, args.accept_warnings).await
        }
        ChangesetCommand::Commit(args) => {
            let client = Client::connect(&args.control).await?;
            draft::finish(&client, args.id, args.break_glass.as_deref()).await
        }
        ChangesetCommand::Approve(args) => approve(args).await,
        ChangesetCommand::Reject(args) => {
            let client = Client::connect(&args.control).await?;
            let (change_set_id, note) = (args.id, args.note.clone());
            let request = client.ask(pb::RejectChangeSetRequest { change_set_id, note });
            let answer = client.sets().reject_change_set(request).await;
            let answer = answer.map_err(Refused::about(args.id))?.into_inner();
            show::set(&present(answer.change_set)?, client.json)
        }
        ChangesetCommand::Withdraw(args) => {
            let client = Client::connect(&args.control).await?;
            let request = client.ask(pb::WithdrawChangeSetRequest { change_set_id: args.id });
            let answer = client.sets().withdraw_change_set(request).await;
            let answer = answer.map_err(Refused::about(args.id))?.into_inner();
            show::set(&present(answer.change_set)?, client.json)
        }
        ChangesetCommand::Review(args) => {
            let client = Client::connect(&args.control).await?;
            let (change_set_id, note) = (args.id, args.note.clone());
            let request = client.ask(pb::ReviewChangeSetRequest { change_set_id, note });
            let answer = client.sets().review_change_set(request).await;
            let answer = answer.map_err(Refused::about(args.id))?.into_inner();
            show::set(&present(answer.change_set)?, client.json)
        }
    }
}

async fn get(client: &Client, id: u64) -> Result<pb::ChangeSet, Failure> {
    let request = client.ask(pb::GetChangeSetRequest { change_set_id: id });
    let answer = client.sets().get_change_set(request).await.map_err(Refused::about(id))?;
    present(answer.into_inner().change_set)
}

async fn new(args: &NewArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let draft = pb::Draft {
        title: args.title.clone(),
        reason: args.reason.clone(),
        ticket: args.ticket.clone(),
    };
    let request =
        pb::CreateChangeSetRequest { draft: Some(draft), request_id: draft::request_id() };
    let answer = client.sets().create_change_set(client.ask(request)).await;
    let set = present(answer.map_err(Refused::from)?.into_inner().change_set)?;
    show::set(&set, client.json)?;
    if client.json {
        return Ok(());
    }
    let id = set.id;
    show::next(&[
        format!("ringfence entry add LIST VALUE --change-set {id}"),
        format!("ringfence import FILE --list LIST --change-set {id}"),
    ])
}

async fn ls(args: &LsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let state = args.state.map_or(0, |state| pb::ChangeSetState::from(state).into());
    let request = pb::ListChangeSetsRequest { state, page_size: args.limit, ..Default::default() };
    let answer = client.sets().list_change_sets(client.ask(request)).await;
    let page = answer.map_err(Refused::from)?.into_inner();
    if client.json {
        return page.change_sets.iter().try_for_each(|set| show::json_line(&show::set_json(set)));
    }
    let row = |set: &pb::ChangeSet| {
        let title = set.draft.as_ref().map(|draft| printable(&draft.title)).unwrap_or_default();
        let revision = if set.revision > 0 { set.revision.to_string() } else { String::new() };
        let (state, author) = (show::state_styled(set.state), printable(&set.author));
        let created = show::time(set.create_time.as_ref());
        vec![
            set.id.to_string(),
            state,
            set.edit_count.to_string(),
            revision,
            author,
            created,
            title,
        ]
    };
    let rows: Vec<Vec<String>> = page.change_sets.iter().map(row).collect();
    output::table(&["ID", "STATE", "EDITS", "REVISION", "AUTHOR", "CREATED", "TITLE"], &rows)?;
    if !page.next_page_token.is_empty() {
        show::line("… older ones: see --limit and --state")?;
    }
    Ok(())
}

async fn edits(args: &EditsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (mut token, mut edits) = (String::new(), Vec::new());
    loop {
        let request = pb::ListEditsRequest {
            change_set_id: args.id,
            page_size: super::entry::PAGE,
            page_token: token,
        };
        let answer = client.sets().list_edits(client.ask(request)).await;
        let page = answer.map_err(Refused::about(args.id))?.into_inner();
        edits.extend(page.edits);
        token = page.next_page_token;
        if token.is_empty() || edits.len() >= args.limit {
            break;
        }
    }
    let more = !token.is_empty() || edits.len() > args.limit;
    edits.truncate(args.limit);
    let shown = edits.iter().enumerate().map(|(place, edit)| (place, show::edit(edit)));
    if client.json {
        for (place, (what, list, says)) in shown {
            show::json_line(&json!({ "place": place, "edit": what, "list": list, "says": says }))?;
        }
        return Ok(());
    }
    let row = |(place, (what, list, says)): (usize, (&str, String, String))| {
        vec![place.to_string(), what.to_owned(), printable(&list), printable(&says)]
    };
    let rows: Vec<Vec<String>> = shown.map(row).collect();
    output::table(&["PLACE", "EDIT", "LIST", "SAYS"], &rows)?;
    if more {
        show::line("… more of them: see --limit")?;
    }
    Ok(())
}

async fn unedit(args: &UneditArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let etag = get(&client, args.id).await?.etag;
    let request =
        pb::RemoveEditsRequest { change_set_id: args.id, places: args.places.clone(), etag };
    let answer = client.sets().remove_edits(client.ask(request)).await;
    let answer = answer.map_err(Refused::about(args.id))?.into_inner();
    show::set(&present(answer.change_set)?, client.json)
}

async fn approve(args: &NoteArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let request = pb::ApproveChangeSetRequest { change_set_id: args.id, note: args.note.clone() };
    let answer = client.sets().approve_change_set(client.ask(request)).await;
    let answer = answer.map_err(Refused::about(args.id))?.into_inner();
    show::set(&present(answer.change_set)?, client.json)?;
    if client.json {
        return Ok(());
    }
    show::next(&[format!("ringfence changeset commit {}", args.id)])
}

/// Prints what a change-set would do.
///
/// Errors: a refusal.
pub async fn preview(client: &Client, id: u64) -> Result<(), Failure> {
    let request = client.ask(pb::PreviewChangeSetRequest { change_set_id: id });
    let answer = client.sets().preview_change_set(request).await.map_err(Refused::about(id))?;
    show::preview(&answer.into_inner().preview.unwrap_or_default(), client.json)
}

/// Closes a draft and says what comes next.
///
/// Errors: a refusal.
pub async fn submit(client: &Client, id: u64, accept_warnings: bool) -> Result<(), Failure> {
    let etag = get(client, id).await?.etag;
    let request = pb::SubmitChangeSetRequest { change_set_id: id, etag, accept_warnings };
    let answer = client.sets().submit_change_set(client.ask(request)).await;
    let answer = answer.map_err(Refused::about(id))?.into_inner();
    show::set(&present(answer.change_set)?, client.json)?;
    if client.json {
        return Ok(());
    }
    let request = client.ask(pb::CheckChangeSetRequest { change_set_id: id });
    let answer = client.sets().check_change_set(request).await.map_err(Refused::about(id))?;
    let reason = answer.into_inner().report.unwrap_or_default().second_person_reason;
    let commit = format!("ringfence changeset commit {id}");
    if reason.is_empty() {
        return show::next(&[commit]);
    }
    show::line(&format!("a second person has to agree: {}", printable(&reason)))?;
    show::next(&[format!("another person: ringfence changeset approve {id}"), commit])
}

/// Drafts a rollback.
///
/// Errors: no server, or one that refuses.
pub async fn rollback(args: &RollbackArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let request =
        pb::CreateRollbackRequest { revision: args.revision, reason: args.reason.clone() };
    let answer = client.sets().create_rollback(client.ask(request)).await;
    let set = present(answer.map_err(Refused::from)?.into_inner().change_set)?;
    show::set(&set, client.json)?;
    if client.json { Ok(()) } else { show::next(&draft::steps_of_draft(set.id)) }
}
