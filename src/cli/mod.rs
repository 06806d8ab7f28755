//! The command line: parses arguments, runs one command, wires everything, owns no logic.
//!
//! Humans get tables and colour on a terminal; `--json` gives machines one object per line.
//! Errors go to stderr with exit code 1, usage errors with 2.

mod bench;
mod client;
mod control;
mod eval;
mod list;
mod output;
mod packs;
mod screen;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Screens calls and SMS for carriers, inline: ALLOW, LABEL, HOLD or BLOCK, with reasons.
#[derive(Parser)]
#[command(name = "ringfence", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: data port, control port, starter packs
    Serve(serve::ServeArgs),
    /// Ask a server about one call or one message
    #[command(subcommand)]
    Screen(screen::ScreenCommand),
    /// Screen a labelled message file and count what comes out
    Eval(EvalArgs),
    /// Work with lists
    #[command(subcommand)]
    List(ListCommand),
    /// Load a server at a set rate and measure
    Bench(bench::BenchArgs),
    #[command(flatten)]
    Control(control::ControlCommand),
}

/// Which packs to load.
#[derive(Args, Clone, Default)]
struct PackArgs {
    /// Load this pack file, or all *.pack files below this folder, besides the starter packs
    #[arg(long = "packs", value_name = "PATH")]
    packs: Vec<PathBuf>,
    /// Leave the starter packs out
    #[arg(long)]
    no_starter: bool,
}

#[derive(Args)]
struct EvalArgs {
    /// Tab-separated file with a header (`text`, `label`, `sender`, `id`); .zst is unpacked
    file: PathBuf,
    /// Column that holds the text [default: text, else modified]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,
    /// Column that holds the label [default: label, else transform or tactic, else all rows are
    /// `unlabelled`]
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    #[command(flatten)]
    packs: PackArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write id, label, action, risk, category and top reason of each row, in order
    #[arg(long, value_name = "OUT.tsv")]
    scores: Option<PathBuf>,
}

#[derive(Subcommand)]
enum ListCommand {
    /// Read packs and report every mistake with file and line
    Check {
        /// Pack files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object per finding
        #[arg(long)]
        json: bool,
    },
    /// Name the lists of a server
    Ls(control::list::LsArgs),
    /// Show one list of a server
    Show(control::list::ShowArgs),
    /// Create a list, or describe one anew, by a change-set
    Create(Box<control::list::CreateArgs>),
}

fn list(command: &ListCommand) -> Result<(), Failure> {
    match command {
        ListCommand::Check { files, json } => list::check(files, *json),
        ListCommand::Ls(args) => control::block_on(control::list::ls(args)),
        ListCommand::Show(args) => control::block_on(control::list::show(args)),
        ListCommand::Create(args) => control::block_on(control::list::create(args)),
    }
}

/// What a command ends with when it fails: one sentence for a person.
type Failure = Box<dyn std::error::Error>;

/// Is it that nobody reads our output any more?
fn is_closed_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    let error = failure.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Screen(command) => screen::run(&command),
        Command::Bench(args) => bench::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::List(command) => list(&command),
        Command::Control(command) => control::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads along has seen enough: `ringfence list ls | head`.
        Err(failure) if is_closed_pipe(&*failure) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&*failure);
            ExitCode::FAILURE
        }
    }
}
