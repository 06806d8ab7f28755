//! `ringfence import` and `ringfence export`: files in and out, chunk by chunk.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::draft::{self, DraftArgs, present};
use super::entry::pair;
use super::{changeset, show};
use crate::cli::client::printable;
use crate::wire::lists::CHUNK_BYTES;
use crate::wire::lists_v1 as pb;

/// Chunks read ahead of the network.
const READ_AHEAD: usize = 4;
/// Invalid lines shown to a person; `--json` has all that the server kept.
const LINES_SHOWN: usize = 20;

/// A file to import.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The file, gzip and zstd too; `-` is standard input
    pub file: PathBuf,
    /// The list that its values go to
    #[arg(long, value_name = "LIST")]
    pub list: String,
    /// Format of the file [default: by its name, else csv]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Which column of the file is which of ours: phone=value,why=reason
    #[arg(long, value_name = "THEIRS=OURS", value_delimiter = ',', value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// Region of numbers that do not say theirs, such as CN
    #[arg(long, value_name = "CC", default_value = "", hide_default_value = true)]
    pub region: String,
    /// A cell of every row that has none of its own, such as category=CN08
    #[arg(long = "set", value_name = "COLUMN=TEXT", value_parser = pair)]
    pub cells: Vec<(String, String)>,
    /// The file is the whole list: what it does not name goes
    #[arg(long)]
    pub replace: bool,
    /// Add to this draft instead of beginning one
    #[arg(long, value_name = "ID", conflicts_with_all = ["title", "ticket"])]
    pub change_set: Option<u64>,
    /// Title of the new draft [default: what is imported]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// A ticket or case elsewhere
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub ticket: String,
    /// Close the draft after the preview; else it is left as a draft
    #[arg(long)]
    pub submit: bool,
    /// Go ahead in spite of warnings and lines that were left out
    #[arg(long, requires = "submit")]
    pub yes: bool,
    #[command(flatten)]
    pub control: ControlArgs,
}

/// A list to write out.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The list
    list: String,
    /// Format of the file
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// At this revision [default: now]
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    control: ControlArgs,
}

/// A format of files.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header
    Csv,
    /// One value a line
    Plain,
    /// One JSON object a line
    Jsonl,
    /// A STIX 2.1 bundle
    Stix,
    /// FTC do-not-call complaints
    FtcDnc,
    /// FCC unwanted calls
    FccUnwanted,
    /// Lines as in a hosts file
    Hosts,
}

impl From<Format> for pb::Format {
    fn from(format: Format) -> pb::Format {
        match format {
            Format::Csv => pb::Format::Csv,
            Format::Plain => pb::Format::Plain,
            Format::Jsonl => pb::Format::Jsonl,
            Format::Stix => pb::Format::Stix,
            Format::FtcDnc => pb::Format::FtcDnc,
            Format::FccUnwanted => pb::Format::FccUnwanted,
            Format::Hosts => pb::Format::Hosts,
        }
    }
}

/// What a file's name says of its format; a packed file by the name without `.gz` or `.zst`.
pub fn format_of(file: &Path) -> Format {
    let packed = file.extension().is_some_and(|e| e == "gz" || e == "zst");
    let bare = if packed { Path::new(file.file_stem().unwrap_or_default()) } else { file };
    match bare.extension().and_then(|e| e.to_str()) {
        Some("txt") => Format::Plain,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        Some("json") => Format::Stix,
        _ => Format::Csv,
    }
}

/// Reads a file into a draft, shows the preview.
///
/// Errors: the file cannot be read, no server, or one that refuses.
pub async fn import(args: &ImportArgs) -> Result<(), Failure> {
    let (source, size) = open(&args.file)?;
    let client = Client::connect(&args.control).await?;
    let bar = progress(size);
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let spec =
        pb::ImportEntriesRequest { part: Some(pb::import_entries_request::Part::Spec(spec(args))) };
    sender.send(spec).await.expect("there is room for the first of several");
    let reading = tokio::task::spawn_blocking({
        let bar = bar.clone();
        move || feed(source, &sender, &bar)
    });
    let answer = client.sets().import_entries(client.long(ReceiverStream::new(receiver))).await;
    bar.finish_and_clear();
    // An error of ours goes before what the server says of a stream that broke off.
    reading.await?.map_err(|e| format!("cannot read {}: {e}", args.file.display()))?;
    let report = answer.map_err(Refused::from)?.into_inner();
    let set = present(report.change_set.clone())?;
    tell(&report, client.json)?;
    changeset::preview(&client, set.id).await?;
    if !args.submit {
        return if client.json { Ok(()) } else { show::next(&draft::steps_of_draft(set.id)) };
    }
    if report.invalid_count > 0 && !args.yes {
        return Err(format!(
            "{} lines were left out, so change-set {} stays a draft: mend the file, or go ahead \
             with `ringfence changeset submit {}`",
            report.invalid_count, set.id, set.id
        )
        .into());
    }
    changeset::submit(&client, set.id, args.yes).await
}

type Source = Box<dyn Read + Send>;

fn open(file: &Path) -> Result<(Source, Option<u64>), Failure> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |e| format!("cannot read {}: {e}", file.display());
    let open = File::open(file).map_err(failed)?;
    let metadata = open.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(format!("{} is a folder: name a file, or `-`", file.display()).into());
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(open), size))
}

fn spec(args: &ImportArgs) -> pb::ImportSpec {
    let format = args.format.unwrap_or_else(|| format_of(&args.file));
    let mut cells = args.cells.clone();
    for (column, text) in [("reason", &args.reason), ("ticket", &args.ticket)] {
        if !text.is_empty() && !cells.iter().any(|(name, _)| name == column) {
            cells.push((column.to_owned(), text.clone()));
        }
    }
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let draft = DraftArgs {
        title: args.title.clone(),
        reason: args.reason.clone(),
        ticket: args.ticket.clone(),
        ..Default::default()
    };
    let title = match name.as_deref() {
        None | Some("-") => format!("import into {}", args.list),
        Some(name) => format!("import {} into {}", printable(name), args.list),
    };
    let mapping =
        |(from, to): &(String, String)| pb::ColumnMapping { from: from.clone(), to: to.clone() };
    pb::ImportSpec {
        list_id: args.list.clone(),
        change_set_id: args.change_set.unwrap_or(0),
        draft: args.change_set.is_none().then(|| draft.draft(&title)),
        format: pb::Format::from(format).into(),
        columns: args.map.iter().map(mapping).collect(),
        region_code: args.region.clone(),
        defaults: cells.into_iter().map(|(column, text)| pb::Cell { column, text }).collect(),
        replaces: args.replace,
        request_id: draft::request_id(),
    }
}

/// Reads the file to its end, or until the server takes no more.
///
/// Errors: what the file says. The stream then lacks its last message, so that the server does not
/// take the part that it got for the whole.
fn feed(
    mut source: Source,
    sender: &mpsc::Sender<pb::ImportEntriesRequest>,
    bar: &ProgressBar,
) -> io::Result<()> {
    use pb::import_entries_request::Part;
    let mut byte_count = 0;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        source.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        let read = chunk.len() as u64;
        let part = match read {
            0 => Part::End(pb::ImportEnd { byte_count }),
            _ => Part::Chunk(Bytes::from(chunk)),
        };
        let sent = sender.blocking_send(pb::ImportEntriesRequest { part: Some(part) });
        if read == 0 || sent.is_err() {
            return Ok(());
        }
        byte_count += read;
        bar.inc(read);
    }
}

fn progress(size: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
    }
    let bar = match size {
        Some(size) => ProgressBar::new(size),
        None => ProgressBar::new_spinner(),
    };
    let template = match size {
        Some(_) => "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn tell(report: &pb::ImportEntriesResponse, json: bool) -> Result<(), Failure> {
    let source = show::hex(&report.source_sha256);
    let set = report.change_set.clone().unwrap_or_default();
    if json {
        let invalid = report.invalid_lines.iter();
        let invalid: Vec<_> =
            invalid.map(|line| json!({ "line": line.line, "what": line.what })).collect();
        return show::json_line(&json!({
            "change_set": set.id, "lines": report.line_count, "taken": report.taken_count,
            "repeated": report.repeated_count, "invalid": report.invalid_count,
            "invalid_lines": invalid, "sha256": source,
        }));
    }
    show::set(&set, false)?;
    for line in report.invalid_lines.iter().take(LINES_SHOWN) {
        show::line(&format!("line {}: {}", line.line, printable(&line.what)))?;
    }
    let more = report.invalid_count.saturating_sub(LINES_SHOWN as u64);
    if more > 0 {
        show::line(&format!("… and {more} more lines that were left out"))?;
    }
    let (lines, taken) = (report.line_count, report.taken_count);
    let (repeated, invalid) = (report.repeated_count, report.invalid_count);
    let short = source.get(..12).unwrap_or(&source);
    show::line(&format!(
        "{lines} lines read · {taken} values taken · {repeated} repeated · {invalid} left out · \
         sha256 {short}"
    ))
}

/// Where an export goes: beside its place until it is whole.
enum Target {
    Stdout,
    File { file: File, part: PathBuf, place: PathBuf },
}

impl Target {
    fn open(output: Option<&Path>) -> Result<Target, Failure> {
        let Some(place) = output.filter(|output| *output != Path::new("-")) else {
            return Ok(Target::Stdout);
        };
        // The name is given to a new file in the end: a device or pipe would be lost to all.
        if fs::metadata(place).is_ok_and(|there| !there.is_file()) {
            let place = place.display();
            return Err(format!("{place} is no file: name one, or `-` for standard output").into());
        }
        let mut part = place.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file =
            File::create(&part).map_err(|e| format!("cannot write {}: {e}", part.display()))?;
        Ok(Target::File { file, part, place: place.to_owned() })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Target::Stdout => io::stdout().write_all(octets),
            Target::File { file, .. } => file.write_all(octets),
        }
    }

    fn finish(self, whole: bool) -> io::Result<()> {
        match self {
            Target::Stdout => io::stdout().flush(),
            Target::File { part, .. } if !whole => fs::remove_file(part),
            Target::File { file, part, place } => {
                file.sync_all()?;
                fs::rename(part, place)
            }
        }
    }
}

/// Writes a list out; a file that is there is replaced only by a whole one.
///
/// Errors: no server, one that refuses, or a place that cannot be written.
pub async fn export(args: &ExportArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let request = client.long(pb::ExportEntriesRequest {
        list_id: args.list.clone(),
        format: pb::Format::from(args.format).into(),
        revision: args.at.unwrap_or(0),
    });
    let mut stream =
        client.lists().export_entries(request).await.map_err(Refused::from)?.into_inner();
    let mut target = Target::open(args.output.as_deref())?;
    let outcome = take(&mut stream, &mut target).await;
    let to_file = matches!(target, Target::File { .. });
    target.finish(outcome.is_ok())?;
    let entries = outcome?;
    match (to_file, client.json) {
        (true, true) => show::json_line(&json!({ "list": args.list, "entries": entries })),
        (true, false) => show::line(&format!("{entries} entries written")),
        // Standard output holds the list itself and nothing else.
        (false, _) => Ok(()),
    }
}

async fn take(
    stream: &mut tonic::Streaming<pb::ExportEntriesResponse>,
    target: &mut Target,
) -> Result<u64, Failure> {
    use pb::export_entries_response::Part;
    while let Some(message) = stream.message().await.map_err(Refused::from)? {
        match message.part {
            Some(Part::Chunk(octets)) => target.write(&octets)?,
            Some(Part::Summary(summary)) => return Ok(summary.entry_count),
            None => {}
        }
    }
    Err("the export broke off before its end; try again".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_takes_the_place_of_what_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for place in [socket.as_path(), folder.path()] {
            assert!(Target::open(Some(place)).is_err(), "{}", place.display());
        }
        assert!(!folder.path().join("socket.part").exists());
        let file = folder.path().join("list.csv");
        fs::write(&file, "before").unwrap();
        let mut target = Target::open(Some(&file)).unwrap();
        target.write(b"after").unwrap();
        target.finish(true).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"after");
    }
}
