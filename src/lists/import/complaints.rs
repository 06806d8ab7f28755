//! Complaint files of the American authorities: the do-not-call reports of the FTC and the unwanted
//! calls of the FCC, by their published columns.
//!
//! Only the number, the day and the subject are taken: where the consumer lives is nobody's
//! business here. Nobody verifies complaints and numbers get reassigned, so every row ends
//! [`COMPLAINT_DAYS`] after it was made. A number stands in as many rows as it has complaints;
//! whoever imports decides how many are enough: one never is.

use super::csv::Table;
use super::{ImportError, Lines, Octets, Options, Record, Step, dates, header};
use crate::model::entry::ListKind;

/// Days after which a complaint says nothing any more; a public builder of lists uses as many.
pub const COMPLAINT_DAYS: u32 = 180;

/// Whose complaints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaints {
    /// `DNC_Complaint_Numbers_YYYY-MM-DD.csv`.
    FtcDnc,
    /// "Consumer Complaints Data – Unwanted Calls", as the API names its columns or as the download
    /// does.
    FccUnwanted,
}

/// Names of the columns, folded: number, day, subject. Of several the first that is there.
fn columns(complaints: Complaints) -> [&'static [&'static str]; 3] {
    match complaints {
        Complaints::FtcDnc => [&["company_phone_number"], &["created_date"], &["subject"]],
        Complaints::FccUnwanted => [
            &["caller_id_number"],
            &["issue_date", "date_of_issue", "ticket_created"],
            // The published name lacks an `a`; a corrected one is taken too.
            &["type_of_call_or_messge", "type_of_call_or_message", "issue"],
        ],
    }
}

/// Reads a complaint file.
///
/// # Errors
/// The source is no text, lacks the published columns, or the list holds no numbers.
pub fn complaints<'a>(
    source: Octets<'a>,
    whose: Complaints,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    options.only_values("a complaint file")?;
    if options.kind != ListKind::Number {
        let kind = options.kind.as_str();
        let what = format!("complaints fill a list of numbers, this one is of kind {kind}");
        return Err(ImportError::Header(what));
    }
    let table = Table::open(source)?;
    let names: Vec<String> = table.cells().iter().map(|cell| header::folded(cell)).collect();
    let mut places = [0; 3];
    for (place, known) in places.iter_mut().zip(columns(whose)) {
        let mut found = known.iter().filter_map(|name| names.iter().position(|n| n == name));
        *place = found.next().ok_or_else(|| {
            let has = table.cells().join(", ");
            ImportError::Header(format!("there is no column \"{}\"; the file has {has}", known[0]))
        })?;
    }
    Ok(Box::new(Reader { table, places, options }))
}

struct Reader<'a> {
    table: Table<'a>,
    /// Where number, day and subject stand.
    places: [usize; 3],
    options: Options<'a>,
}

impl Lines for Reader<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        let step = self.table.next()?;
        record.begin(self.table.line);
        if step != Step::Row {
            return Ok(step);
        }
        Ok(self.row(record).map_or_else(Step::Bad, |()| Step::Row))
    }
}

impl Reader<'_> {
    fn row(&self, record: &mut Record) -> Result<(), String> {
        let cell = |place: usize| self.table.iter().nth(place).unwrap_or("").trim();
        let [number, day, subject] = self.places.map(cell);
        record.take("value", &american(number)?, &self.options)?;
        record.check(&self.options)?;
        let mut put = |column: &str, cell: &str| {
            if let Some(column) = self.options.known(column) {
                record.push(column, cell);
            }
        };
        if !day.is_empty() {
            let day = dates::american(day).map_err(|e| format!("day of the complaint: {e}"))?;
            put("valid_from", &day);
            put("valid_until", &dates::days_later(&day, COMPLAINT_DAYS)?);
        }
        put("reason", subject);
        Ok(())
    }
}

/// `NNN-NNN-NNNN` or ten digits, as a full number.
fn american(cell: &str) -> Result<String, String> {
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    let dressing = |c: char| c.is_ascii_digit() || matches!(c, '-' | ' ' | '(' | ')' | '+' | '.');
    match digits.len() {
        _ if cell.is_empty() => Err("the complaint names no number".into()),
        _ if !cell.chars().all(dressing) => Err("expected a number of ten digits".into()),
        10 => Ok(format!("+1{digits}")),
        11 if digits.starts_with('1') => Ok(format!("+{digits}")),
        count => Err(format!("expected a number of ten digits, found {count}")),
    }
}
