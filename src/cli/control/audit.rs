//! `ringfence audit`: the log of everything that happened.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::entry::PAGE;
use super::show;
use crate::cli::client::printable;
use crate::cli::output::{self, DIM, styled};
use crate::wire::lists_v1 as pb;

/// Digits of a hash that are shown: enough to tell two apart.
const HASH_DIGITS: usize = 12;

/// What to do with the log.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Show records, oldest first
    Ls(LsArgs),
    /// Prove that the whole log is as it was written
    Verify(VerifyArgs),
    /// Erase payloads of records of change-sets that are over; cannot be undone
    Erase(EraseArgs),
}

/// Which records.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// Only records behind this one
    #[arg(long, default_value_t = 0, value_name = "RECORD")]
    after: u64,
    /// Most records to show; 0 is all
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    #[command(flatten)]
    control: ControlArgs,
}

/// Nothing but where.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    control: ControlArgs,
}

/// Which payloads.
#[derive(Args, Debug)]
pub struct EraseArgs {
    /// The records, as `audit ls` numbers them
    #[arg(required = true)]
    records: Vec<u64>,
    /// Why: a request of the person, a court
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Yes, for ever
    #[arg(long, required = true)]
    yes: bool,
    #[command(flatten)]
    control: ControlArgs,
}

/// Runs one of them.
///
/// Errors: no server, one that refuses, or a log that is not whole.
pub async fn run(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Ls(args) => ls(args).await,
        AuditCommand::Verify(args) => verify(args).await,
        AuditCommand::Erase(args) => erase(args).await,
    }
}

async fn ls(args: &LsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let (mut token, mut records) = (String::new(), Vec::new());
    loop {
        let left = limit - records.len();
        let request = pb::ListRecordsRequest {
            after_cursor: args.after,
            page_size: u32::try_from(left).unwrap_or(PAGE).min(PAGE),
            page_token: token,
        };
        let answer = client.audit().list_records(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        records.extend(page.records);
        token = page.next_page_token;
        if token.is_empty() || records.len() >= limit {
            break;
        }
    }
    if client.json {
        return records.iter().try_for_each(|record| {
            show::json_line(&json!({
                "record": record.cursor, "time": show::time(record.record_time.as_ref()),
                "hash": show::hex(&record.hash), "erased": record.erased, "actor": record.actor,
                "event": show::event(record.kind), "change_set": record.change_set_id,
                "revision": record.revision, "summary": record.summary,
            }))
        });
    }
    let row = |record: &pb::AuditRecord| {
        let known = |id: u64| if id > 0 { id.to_string() } else { String::new() };
        let event = if record.erased { styled(DIM, "(erased)") } else { show::event(record.kind) };
        let hash = show::hex(&record.hash);
        vec![
            record.cursor.to_string(),
            show::time(record.record_time.as_ref()),
            printable(&record.actor),
            event,
            known(record.change_set_id),
            printable(&record.summary),
            hash.get(..HASH_DIGITS).unwrap_or(&hash).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    output::table(&["RECORD", "TIME", "WHO", "EVENT", "CHANGE-SET", "WHAT", "HASH"], &rows)?;
    if let Some(last) = records.last().filter(|_| !token.is_empty()) {
        show::line(&format!("… more of them: --after {}", last.cursor))?;
    }
    Ok(())
}

async fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    use pb::verify_log_response::Part;
    let client = Client::connect(&args.control).await?;
    let request = client.long(pb::VerifyLogRequest {});
    let mut stream = client.audit().verify_log(request).await.map_err(Refused::from)?.into_inner();
    let bar = ProgressBar::new_spinner();
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{spinner} {pos} records checked");
    bar.set_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut proof = None;
    while let Some(message) = stream.message().await.map_err(Refused::from)? {
        match message.part {
            Some(Part::CheckedCursor(cursor)) => bar.set_position(cursor),
            Some(Part::Verification(found)) => proof = Some(found),
            None => {}
        }
    }
    bar.finish_and_clear();
    let proof = proof.ok_or("the verification broke off before its end and proves nothing")?;
    let hash = show::hex(&proof.head_hash);
    if client.json {
        let erased = proof.erased.iter();
        let erased: Vec<_> =
            erased.map(|e| json!({ "record": e.cursor, "by": e.erasing_cursor })).collect();
        return show::json_line(&json!({
            "ok": true, "records": proof.head_cursor, "hash": hash, "erased": erased,
            "blobs": proof.blob_count,
        }));
    }
    let (records, blobs) = (proof.head_cursor, proof.blob_count);
    show::line(&format!("ok: {records} records and {blobs} blobs are as they were written"))?;
    for erased in &proof.erased {
        let (record, by) = (erased.cursor, erased.erasing_cursor);
        show::line(&format!("record {record} is erased; record {by} says why"))?;
    }
    show::line(&styled(DIM, &format!("end of the chain {hash}")))
}

async fn erase(args: &EraseArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (cursors, reason) = (args.records.clone(), args.reason.clone());
    let request = client.ask(pb::EraseRecordsRequest { cursors, reason });
    client.audit().erase_records(request).await.map_err(Refused::from)?;
    if client.json {
        return show::json_line(&json!({ "erased": args.records }));
    }
    show::line(&format!("{} records erased", args.records.len()))?;
    show::next(&["ringfence audit verify".to_owned()])
}
