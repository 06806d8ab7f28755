//! Commands of the control port: lists, entries, change-sets, import, export, sources, why, audit,
//! mode.
//!
//! Owns their arguments, how they become requests, and how answers look. Must not know how the
//! server keeps anything. Every refusal says what to do next.

pub mod audit;
pub mod changeset;
pub mod client;
pub mod draft;
pub mod entry;
pub mod import;
pub mod list;
pub mod mode;
pub mod show;
pub mod source;
pub mod token;
pub mod why;

#[cfg(test)]
mod tests;

use clap::Subcommand;

use super::Failure;

/// What is asked of the control port.
#[derive(Subcommand, Debug)]
pub enum ControlCommand {
    /// Add, remove and read entries of lists
    #[command(subcommand)]
    Entry(entry::EntryCommand),
    /// Work with change-sets: draft, check, preview, submit, approve, commit
    #[command(subcommand)]
    Changeset(changeset::ChangesetCommand),
    /// Read a file of values into a draft; nothing is live before a commit
    Import(import::ImportArgs),
    /// Write a list out, formula-safe where spreadsheets read it
    Export(import::ExportArgs),
    /// Fill lists from URLs, in time
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Ask which entries speak of something, which one wins, and who added it
    Why(why::WhyArgs),
    /// Show every version of one entry
    History(why::HistoryArgs),
    /// Show what differs between two revisions
    Diff(why::DiffArgs),
    /// Draft what takes the catalogue back to an earlier revision
    Rollback(changeset::RollbackArgs),
    /// Read and prove the log of everything that happened
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Set how far verdicts bite: observe, label-only or enforce
    Mode(mode::ModeArgs),
}

/// Runs one of them.
///
/// Errors: no server, or one that refuses.
pub fn run(command: &ControlCommand) -> Result<(), Failure> {
    block_on(async {
        match command {
            ControlCommand::Entry(command) => entry::run(command).await,
            ControlCommand::Changeset(command) => changeset::run(command).await,
            ControlCommand::Import(args) => import::import(args).await,
            ControlCommand::Export(args) => import::export(args).await,
            ControlCommand::Source(command) => source::run(command).await,
            ControlCommand::Why(args) => why::why(args).await,
            ControlCommand::History(args) => why::history(args).await,
            ControlCommand::Diff(args) => why::diff(args).await,
            ControlCommand::Rollback(args) => changeset::rollback(args).await,
            ControlCommand::Audit(command) => audit::run(command).await,
            ControlCommand::Mode(args) => mode::run(args).await,
        }
    })
}

/// Runs a command on a runtime of its own.
///
/// Errors: those of the command.
pub fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
