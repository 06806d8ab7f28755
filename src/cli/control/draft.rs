//! Edits on their way: into a draft, and with `--commit` all the way in one go where policy allows.

use clap::Args;

use super::Failure;
use super::client::{Client, Refused};
use super::show;
use crate::wire::lists_v1 as pb;

/// Where edits go, and how far.
#[derive(Args, Clone, Debug, Default)]
pub struct DraftArgs {
    /// Add to this draft instead of beginning one
    #[arg(long, value_name = "ID", conflicts_with_all = ["title", "ticket"])]
    pub change_set: Option<u64>,
    /// Title of the new draft [default: what is done]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// A ticket or case elsewhere
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub ticket: String,
    /// Check, submit and commit in one go where no second person is needed
    #[arg(long)]
    pub commit: bool,
    /// Go ahead in spite of warnings
    #[arg(long, requires = "commit")]
    pub accept_warnings: bool,
    /// Commit without a second person, for this reason; opens a review
    #[arg(long, value_name = "REASON", requires = "commit")]
    pub break_glass: Option<String>,
}

impl DraftArgs {
    /// The draft to begin.
    pub fn draft(&self, title: &str) -> pb::Draft {
        pb::Draft {
            title: self.title.clone().unwrap_or_else(|| title.to_owned()),
            reason: self.reason.clone(),
            ticket: self.ticket.clone(),
        }
    }
}

/// A name for a request, so that a repeat by the network finds what the first one did.
///
/// Not secret: it tells requests of one person apart.
pub fn request_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let part = || RandomState::new().hash_one(std::process::id());
    format!("cli-{:016x}{:016x}", part(), part())
}

/// The change-set that an answer must hold.
///
/// Errors: it does not.
pub fn present(set: Option<pb::ChangeSet>) -> Result<pb::ChangeSet, Failure> {
    set.ok_or_else(|| "the server's answer holds no change-set".into())
}

/// Puts edits into a draft, and takes it on as far as was asked.
///
/// Errors: a refusal, or what is missing for a commit.
pub async fn make(
    client: &Client,
    args: &DraftArgs,
    title: &str,
    edits: Vec<pb::Edit>,
) -> Result<(), Failure> {
    let begun = match args.change_set {
        Some(id) => {
            let request = pb::GetChangeSetRequest { change_set_id: id };
            let answer = client.sets().get_change_set(client.ask(request)).await;
            answer.map_err(Refused::about(id))?.into_inner().change_set
        }
        None => {
            let request = pb::CreateChangeSetRequest {
                draft: Some(args.draft(title)),
                request_id: request_id(),
            };
            let answer = client.sets().create_change_set(client.ask(request)).await;
            answer.map_err(Refused::from)?.into_inner().change_set
        }
    };
    let begun = present(begun)?;
    let id = begun.id;
    let request = pb::AddEditsRequest { change_set_id: id, edits, etag: begun.etag };
    let answer = client.sets().add_edits(client.ask(request)).await;
    let set = match answer {
        Ok(answer) => present(answer.into_inner().change_set)?,
        Err(status) => {
            // A draft that nothing went into is in everybody's way.
            if args.change_set.is_none() {
                let request = pb::WithdrawChangeSetRequest { change_set_id: id };
                drop(client.sets().withdraw_change_set(client.ask(request)).await);
            }
            return Err(Refused::about(id)(status).into());
        }
    };
    if args.commit {
        return commit(client, args, &set).await;
    }
    show::set(&set, client.json)?;
    if client.json { Ok(()) } else { show::next(&steps_of_draft(id)) }
}

/// What comes after a draft.
pub fn steps_of_draft(id: u64) -> Vec<String> {
    vec![
        format!("ringfence changeset preview {id}   what it would do"),
        format!("ringfence changeset submit {id}    close it"),
    ]
}

/// Checks, submits and commits.
///
/// Errors: a refusal, or what is missing.
async fn commit(client: &Client, args: &DraftArgs, set: &pb::ChangeSet) -> Result<(), Failure> {
    let id = set.id;
    let about = Refused::about(id);
    let request = pb::CheckChangeSetRequest { change_set_id: id };
    let answer = client.sets().check_change_set(client.ask(request)).await.map_err(&about)?;
    let report = answer.into_inner().report.unwrap_or_default();
    if report.error_count + report.warning_count > 0 {
        show::report(&report, client.json)?;
    }
    if report.error_count > 0 {
        return Err(format!(
            "change-set {id} has errors and stays a draft: mend it with `ringfence changeset \
             unedit {id} PLACE`, or give it up with `ringfence changeset withdraw {id}`"
        )
        .into());
    }
    let request = pb::SubmitChangeSetRequest {
        change_set_id: id,
        etag: set.etag.clone(),
        accept_warnings: args.accept_warnings,
    };
    client.sets().submit_change_set(client.ask(request)).await.map_err(&about)?;
    if !report.second_person_reason.is_empty() && args.break_glass.is_none() {
        return Err(format!(
            "change-set {id} is submitted, not live: a second person has to agree ({})\nnext: \
             another person runs `ringfence changeset approve {id}`, then `ringfence changeset \
             commit {id}`",
            report.second_person_reason
        )
        .into());
    }
    finish(client, id, args.break_glass.as_deref()).await
}

/// Commits and says what is live.
///
/// Errors: a refusal.
pub async fn finish(client: &Client, id: u64, break_glass: Option<&str>) -> Result<(), Failure> {
    let request = pb::CommitChangeSetRequest {
        change_set_id: id,
        break_glass_reason: break_glass.unwrap_or_default().to_owned(),
    };
    let answer = client.sets().commit_change_set(client.ask(request)).await;
    let answer = answer.map_err(Refused::about(id))?.into_inner();
    let live = answer.live.ok_or("the server's answer holds no revision")?;
    if !client.json
        && let Some(set) = &answer.change_set
    {
        show::set(set, false)?;
    }
    show::live(answer.change_set.as_ref(), &live, client.json)?;
    if break_glass.is_some() && !client.json {
        let review = format!("another person: ringfence changeset review {id} --note TEXT");
        show::next(&[review])?;
    }
    Ok(())
}
