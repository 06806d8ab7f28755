//! `ringfence eval`: screens a labelled message file.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;

use super::{EvalArgs, Failure, output, packs};
use crate::app::eval::{self, LabelStats, Scored, Stats};
use crate::model::policy::Action;

/// Unpacked octets of a message file; the largest public set has 2.3 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Columns that hold the text, first found first: sets of changed messages have `modified`.
const TEXT_COLUMNS: [&str; 2] = ["text", "modified"];
/// Columns that hold the label: sets made from others name what was done to them.
const LABEL_COLUMNS: [&str; 3] = ["label", "transform", "tactic"];

/// The label of rows in a file that has none.
const UNLABELLED: &str = "unlabelled";

/// Quantiles that are printed, in thousandths.
const QUANTILES: [usize; 5] = [100, 500, 900, 990, 1000];

/// Screens every row, prints counts per label.
pub fn run(args: &EvalArgs) -> Result<(), Failure> {
    let ruleset = packs::load(&args.packs)?;
    let text = read(&args.file)?;
    let mut rows = text.lines();
    let header = rows.next().ok_or("the file is empty; expected a header line")?;
    let columns = Columns::parse(header, args)?;
    let mut scores = args.scores.as_deref().map(ScoreFile::create).transpose()?;
    let mut stats = Stats::new();
    for (index, row) in rows.enumerate() {
        if row.is_empty() {
            continue;
        }
        let cells: Vec<&str> = row.split('\t').collect();
        let row = columns
            .row(&cells)
            .map_err(|e| format!("{}:{}: {e}", args.file.display(), index + 2))?;
        let scored = eval::score(&ruleset, &eval::unescape(row.text), &eval::unescape(row.sender));
        if let Some(file) = &mut scores {
            file.write(row.id, row.label, &scored)?;
        }
        stats.entry(row.label.to_owned()).or_default().add(&scored);
    }
    if let Some(file) = scores {
        file.finish()?;
    }
    if args.json { print_json(&stats) } else { print_table(&stats) }
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |e: &dyn std::fmt::Display| format!("cannot read {}: {e}", path.display());
    let file = File::open(path).map_err(|e| failed(&e))?;
    let mut octets = Vec::new();
    if path.extension().is_some_and(|e| e == "zst") {
        let decoder = ruzstd::decoding::StreamingDecoder::new(file).map_err(|e| failed(&e))?;
        decoder.take(FILE_BYTES_MAX + 1).read_to_end(&mut octets).map_err(|e| failed(&e))?;
    } else {
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut octets).map_err(|e| failed(&e))?;
    }
    if octets.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(&"over 1 GiB unpacked").into());
    }
    String::from_utf8(octets).map_err(|e| failed(&e).into())
}

/// Where the columns stand.
struct Columns {
    id: Option<usize>,
    label: Option<usize>,
    text: usize,
    sender: Option<usize>,
}

struct Row<'t> {
    id: &'t str,
    label: &'t str,
    text: &'t str,
    sender: &'t str,
}

impl Columns {
    fn parse(header: &str, args: &EvalArgs) -> Result<Columns, String> {
        let find = |name: &str| header.split('\t').position(|cell| cell == name);
        let need = |name: &str| {
            let missing = || format!("the header has no column `{name}`; it has {header:?}");
            find(name).ok_or_else(missing)
        };
        let label = match &args.label_column {
            Some(name) => Some(need(name)?),
            None => LABEL_COLUMNS.into_iter().find_map(find),
        };
        let text = match &args.text_column {
            Some(name) => need(name)?,
            None => TEXT_COLUMNS.into_iter().find_map(find).map_or_else(|| need("text"), Ok)?,
        };
        Ok(Columns {
            // Sets made from others carry the id of the row they come from.
            id: find("id").or_else(|| find("base_id")),
            label,
            text,
            sender: find("sender"),
        })
    }

    fn row<'t>(&self, cells: &[&'t str]) -> Result<Row<'t>, String> {
        let cell = |at: usize| {
            cells.get(at).copied().ok_or_else(|| format!("row has only {} columns", cells.len()))
        };
        Ok(Row {
            id: self.id.map_or(Ok(""), cell)?,
            label: self.label.map_or(Ok(UNLABELLED), cell)?,
            text: cell(self.text)?,
            sender: self.sender.map_or(Ok(""), cell)?,
        })
    }
}

/// The file of `--scores`.
struct ScoreFile(BufWriter<File>);

impl ScoreFile {
    fn create(path: &Path) -> Result<ScoreFile, Failure> {
        let file =
            File::create(path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        let mut out = BufWriter::new(file);
        writeln!(out, "id\tlabel\taction\trisk\tcategory\ttop_reason")?;
        Ok(ScoreFile(out))
    }

    fn write(&mut self, id: &str, label: &str, scored: &Scored) -> Result<(), Failure> {
        let action = scored.action.as_str();
        let Scored { risk, category, top_reason, .. } = scored;
        writeln!(self.0, "{id}\t{label}\t{action}\t{risk}\t{category}\t{top_reason}")?;
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.0.flush()?;
        Ok(())
    }
}

fn print_json(stats: &Stats) -> Result<(), Failure> {
    let mut labels = serde_json::Map::new();
    for (label, counts) in stats {
        let actions: serde_json::Map<String, serde_json::Value> = Action::ALL
            .into_iter()
            .map(|action| (action.as_str().to_owned(), counts.actions[action as usize].into()))
            .collect();
        let risk: serde_json::Map<String, serde_json::Value> = QUANTILES
            .into_iter()
            .map(|q| (format!("p{}", q as f64 / 10.0), counts.risk_quantile(q).into()))
            .collect();
        labels.insert(
            label.clone(),
            serde_json::json!({
                "rows": counts.rows, "actions": actions, "risk": risk,
                "caught": share(counts.caught, counts), "held": share(counts.held, counts),
            }),
        );
    }
    writeln!(anstream::stdout(), "{}", serde_json::json!({ "labels": labels }))?;
    Ok(())
}

fn share(count: u64, stats: &LabelStats) -> serde_json::Value {
    let (low, high) = eval::wilson(count, stats.rows);
    serde_json::json!({ "rows": count, "low": low, "high": high })
}

fn print_table(stats: &Stats) -> Result<(), Failure> {
    let percent = |count: u64, rows: u64| {
        let (low, high) = eval::wilson(count, rows);
        let share = 100.0 * count as f64 / rows.max(1) as f64;
        format!("{share:.2} % ({:.2}-{:.2})", 100.0 * low, 100.0 * high)
    };
    let rows: Vec<Vec<String>> = stats
        .iter()
        .map(|(label, counts)| {
            let mut row = vec![label.clone(), counts.rows.to_string()];
            row.extend(counts.actions.iter().map(u64::to_string));
            row.push(percent(counts.caught, counts.rows));
            row.push(percent(counts.held, counts.rows));
            row.extend(QUANTILES.iter().map(|q| counts.risk_quantile(*q).to_string()));
            row
        })
        .collect();
    output::table(
        &[
            "label",
            "rows",
            "ALLOW",
            "LABEL",
            "HOLD",
            "BLOCK",
            "caught (95 %)",
            "held (95 %)",
            "risk p10",
            "p50",
            "p90",
            "p99",
            "max",
        ],
        &rows,
    )?;
    Ok(())
}
