//! Imports into a draft, exports out of a revision.
//!
//! An import becomes segments (values that say the same otherwise) and single edits (the rest); it
//! is live only by its change-set. Values are kept while they are read, 8 octets a number.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};

use sha2::{Digest as _, Sha256};

use super::api::{Caller, FINDINGS_MAX, Format, ImportRequest, Refusal};
use super::formats::{self, Export};
use super::incoming::Incoming;
use super::live::shared_row;
use super::service::Changes;
use super::texts::each_row;
use super::unpack::{self, unpack};
use crate::engine::numbers::{Normalised, Plans};
use crate::lists::changeset::EDITS_MAX;
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::event::Event;
use crate::lists::export;
use crate::lists::import::{ImportError, Options, Record, Step};
use crate::lists::pack::number_pattern;
use crate::lists::row::{self, Row};
use crate::lists::segment::{Segment, encode_numbers, encode_texts};
use crate::model::attempt::Address;
use crate::model::catalogue::BlobId;
use crate::model::entry::{ListKind, ListSpec, NumberPattern};
use crate::model::number::{E164Number, Number, Region};
use crate::model::revision::Revision;

/// Values that say the same from which on they become a segment: fewer are shown one by one.
const SEGMENT_VALUES_MIN: usize = 1_000;
/// Ways in which values of one import may differ otherwise (category, dates, reason).
const GROUPS_MAX: usize = 1_024;

/// The cells that values share.
type Shared = Vec<(&'static str, Box<str>)>;

/// Values that share their other cells.
#[derive(Default)]
struct Group {
    shared: Shared,
    numbers: Vec<E164Number>,
    texts: Vec<Box<str>>,
}

/// All groups in the order in which the source brings them up.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    places: BTreeMap<Shared, usize>,
    /// Cells besides the value of the record before, as the source has them, and their group:
    /// mostly the next record has the same.
    last: Option<(Shared, usize)>,
}

impl Groups {
    /// The group of a record; a new one where there is none and room is left.
    ///
    /// Errors: those of `fits`, which is asked before there is a new one.
    fn of(
        &mut self,
        record: &Record,
        defaults: &[(&'static str, &str)],
        fits: impl FnOnce(&Shared) -> Result<(), String>,
    ) -> Result<Option<&mut Group>, String> {
        let own = || record.cells().filter(|(column, _)| *column != "value");
        let same = |known: &Shared| {
            let mut known = known.iter();
            own().all(|(column, cell)| known.next().is_some_and(|k| k.0 == column && *k.1 == *cell))
                && known.next().is_none()
        };
        let at = match &self.last {
            Some((known, at)) if same(known) => *at,
            _ => {
                let cells: Shared = own().map(|(column, cell)| (column, cell.into())).collect();
                let mut shared = cells.clone();
                for (column, cell) in defaults {
                    if !shared.iter().any(|(known, _)| known == column) {
                        shared.push((column, (*cell).into()));
                    }
                }
                shared.sort_unstable();
                let at = match self.places.get(&shared) {
                    Some(at) => *at,
                    None if self.groups.len() >= GROUPS_MAX => return Ok(None),
                    None => {
                        fits(&shared)?;
                        let group = Group { shared: shared.clone(), ..Group::default() };
                        self.groups.push(group);
                        self.places.insert(shared, self.groups.len() - 1);
                        self.groups.len() - 1
                    }
                };
                self.last = Some((cells, at));
                at
            }
        };
        Ok(self.groups.get_mut(at))
    }
}

/// Counts and digests octets on their way.
struct Source<'r> {
    inner: &'r mut dyn BufRead,
    digest: &'r mut Sha256,
    octets: u64,
    progress: &'r mut dyn FnMut(u64),
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.octets += count as u64;
        (self.progress)(self.octets);
        Ok(count)
    }
}

/// What was read.
struct Taken {
    groups: Groups,
    rows: BTreeMap<Box<str>, Row>,
    lines: u64,
    taken: u64,
    invalid: Vec<(u64, String)>,
    invalid_count: u64,
}

impl Taken {
    fn bad(&mut self, line: u64, why: String) {
        self.invalid_count += 1;
        if self.invalid.len() < FINDINGS_MAX {
            self.invalid.push((line, why));
        }
    }
}

impl Changes {
    /// Reads a file into edits; nothing is written but the blobs that they name.
    pub(super) fn read_import(
        &self,
        request: &ImportRequest,
        octets: &mut dyn BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Incoming, Refusal> {
        let spec = self.target(request)?;
        let mut digest = Sha256::new();
        let mut taken = {
            let source = Source { inner: octets, digest: &mut digest, octets: 0, progress };
            let source = unpack(Box::new(BufReader::new(source)), unpack::Limits::default())
                .map_err(|error| wrong("octets", error.to_string()))?;
            self.read_all(request, &spec, source)?
        };
        let source = BlobId(digest.finalize().into());
        if taken.taken == 0 {
            let first = taken.invalid.first().map(|(line, why)| format!("; line {line}: {why}"));
            let what = format!("no line holds a value{}", first.unwrap_or_default());
            return Err(wrong("octets", what));
        }
        let repeated = tidy(&mut taken);
        Ok(Incoming {
            edits: self.edits_for(request, &spec, &taken)?,
            lines: taken.lines,
            taken: taken.taken,
            repeated,
            invalid: taken.invalid,
            invalid_count: taken.invalid_count,
            source,
        })
    }

    /// The list that is filled: one that is there, or one that the same draft creates.
    fn target(&self, request: &ImportRequest) -> Result<ListSpec, Refusal> {
        let drafted = match request.change_set {
            None => None,
            Some(id) => self.find(id)?.edits.iter().rev().find_map(|edit| match edit {
                Edit::PutList(spec) if spec.id == request.list => Some((**spec).clone()),
                _ => None,
            }),
        };
        match drafted {
            Some(spec) => Ok(spec),
            None => Ok(self.list_at(&request.list, None)?.spec),
        }
    }

    fn read_all<'s>(
        &self,
        request: &'s ImportRequest,
        spec: &'s ListSpec,
        source: Box<dyn BufRead + 's>,
    ) -> Result<Taken, Refusal> {
        let ruleset = self.publisher.load();
        let plans = &ruleset.base.plans;
        let normalise = |text: &str| match spec.kind {
            ListKind::Number => number_key(plans, request.region, text),
            _ => Ok(text.to_owned()),
        };
        let columns: Vec<&'static str> = row::columns(spec.kind).collect();
        let options = Options {
            kind: spec.kind,
            columns: &columns,
            needed: row::needed(spec.kind),
            mapping: &request.columns,
            normalise: &normalise,
        };
        let defaults = defaults(spec, &request.defaults)?;
        let mut taken = Taken {
            groups: Groups::default(),
            rows: BTreeMap::new(),
            lines: 0,
            taken: 0,
            invalid: Vec::new(),
            invalid_count: 0,
        };
        let mut lines = formats::open(request.format, source, options).map_err(unreadable)?;
        let mut record = Record::default();
        loop {
            match lines.read(&mut record).map_err(unreadable)? {
                Step::End => return Ok(taken),
                Step::Bad(why) => {
                    taken.lines += 1;
                    taken.bad(record.line(), why);
                }
                Step::Row => {
                    taken.lines += 1;
                    match take(&mut taken, spec, &record, &defaults) {
                        Ok(()) => taken.taken += 1,
                        Err(why) => taken.bad(record.line(), why),
                    }
                }
            }
        }
    }

    /// Segments for large groups, single edits for the rest; what the list no longer has goes.
    fn edits_for(
        &self,
        request: &ImportRequest,
        spec: &ListSpec,
        taken: &Taken,
    ) -> Result<Vec<Edit>, Refusal> {
        let mut edits = Vec::new();
        let list = &request.list;
        let put_row = |row: Row| Edit::Put { list: list.clone(), row };
        let mut fresh: Vec<BlobId> = Vec::new();
        for group in &taken.groups.groups {
            let shared = &group.shared;
            if group.numbers.len() + group.texts.len() < SEGMENT_VALUES_MIN {
                let numbers = group.numbers.iter().map(|number| number.to_string());
                let few = SegmentUse { blob: BlobId([0; 32]), count: 0, shared: shared.clone() };
                for value in numbers.chain(group.texts.iter().map(|text| text.to_string())) {
                    edits.push(put_row(shared_row(spec, &few, &value)?));
                }
                continue;
            }
            let parts = [
                (group.numbers.len(), encode_numbers(group.numbers.iter().copied())),
                (group.texts.len(), encode_texts(group.texts.iter().map(|text| &**text))),
            ];
            for (count, octets) in parts.into_iter().filter(|(count, _)| *count > 0) {
                let blob = self.log.put_blob(&octets.map_err(Refusal::Unavailable)?)?;
                fresh.push(blob);
                let segment = SegmentUse { blob, count: count as u64, shared: shared.clone() };
                edits.push(Edit::PutSegment { list: list.clone(), segment });
            }
        }
        edits.extend(taken.rows.values().cloned().map(put_row));
        if request.replaces {
            self.replace(spec, &fresh, &mut edits)?;
        }
        if edits.len() > EDITS_MAX {
            return Err(Refusal::Precondition {
                reason: "TOO_LARGE",
                what: format!(
                    "{} single entries, at most {EDITS_MAX} in one change-set; values that differ \
                     only in their value go in bulk: leave out columns that you do not need",
                    edits.len()
                ),
            });
        }
        Ok(edits)
    }

    fn replace(
        &self,
        spec: &ListSpec,
        fresh: &[BlobId],
        edits: &mut Vec<Edit>,
    ) -> Result<(), Refusal> {
        let writer = self.lock();
        let at = writer.view.revision();
        let list = &spec.id;
        for version in writer.view.segments(Some(list), at)? {
            if !fresh.contains(&version.segment.blob) {
                let blob = version.segment.blob;
                edits.push(Edit::RemoveSegment { list: list.clone(), blob });
            }
        }
        let single: BTreeSet<Box<str>> = edits.iter().filter_map(put_key).collect();
        // What was said of a key before, be it an entry or a removal, no longer holds: the file
        // speaks for itself.
        each_row(&*writer.view, list, at, |version| {
            if !single.contains(&version.key) {
                edits.push(Edit::Clear { list: list.clone(), key: version.key });
            }
        })?;
        Ok(())
    }

    pub(super) fn write_export(
        &self,
        caller: Caller,
        list: &str,
        format: Format,
        at: Option<Revision>,
        out: &mut dyn Write,
    ) -> Result<u64, Refusal> {
        let state = self.list_at(list, at)?;
        let time = humantime::format_rfc3339_seconds(
            std::time::UNIX_EPOCH + std::time::Duration::from_millis(self.clock.now().0),
        );
        let time = time.to_string();
        let columns: Vec<&'static str> = row::columns(state.spec.kind).collect();
        let form = Export { list, kind: state.spec.kind, columns: &columns, time: &time };
        let mut rows =
            formats::write(format, out, form).map_err(|e| wrong("format", e.to_string()))?;
        let mut count = 0;
        let (versions, segments) = {
            let mut writer = self.lock();
            let at = Changes::at(&*writer.view, at)?;
            let mut versions = Vec::new();
            each_row(&*writer.view, list, at, |version| versions.push(version))?;
            let segments = writer.view.segments(Some(list), at)?;
            let what = format!("export of list {list} as {} at revision {at}", format.as_str());
            let event = Event::Accessed { what: what.into() };
            writer.append(self.clock.now(), caller.actor, event)?;
            (versions, segments)
        };
        let failed = |error: std::io::Error| Refusal::Unavailable(error.to_string());
        for (key, row) in versions.iter().filter_map(|v| Some((&v.key, v.row.as_ref()?))) {
            let cells: Vec<(&str, &str)> = row.cells().collect();
            rows.row(export::Row { key, cells: &cells }).map_err(failed)?;
            count += 1;
        }
        for version in segments {
            let octets = self.log.get_blob(version.segment.blob)?;
            let values = Segment::parse(&octets).map_err(Refusal::Unavailable)?;
            for key in values.keys() {
                if versions.binary_search_by(|known| (*known.key).cmp(&key)).is_ok() {
                    continue;
                }
                let shared = version.segment.shared.iter().map(|(name, cell)| (*name, &**cell));
                let cells: Vec<(&str, &str)> =
                    [("value", key.as_str())].into_iter().chain(shared).collect();
                rows.row(export::Row { key: &key, cells: &cells }).map_err(failed)?;
                count += 1;
            }
        }
        rows.finish().map_err(failed)?;
        Ok(count)
    }
}

fn put_key(edit: &Edit) -> Option<Box<str>> {
    match edit {
        Edit::Put { row, .. } => Some(row.key().into()),
        _ => None,
    }
}

/// Puts one record where it belongs.
fn take(
    taken: &mut Taken,
    spec: &ListSpec,
    record: &Record,
    defaults: &[(&'static str, &str)],
) -> Result<(), String> {
    let one_value = matches!(
        spec.kind,
        ListKind::Number
            | ListKind::Sender
            | ListKind::Signature
            | ListKind::Keyword
            | ListKind::Domain
    );
    let value = record.get("value").unwrap_or("");
    let number = value.strip_prefix('+').and_then(|d| E164Number::from_digits(d.as_bytes()));
    if one_value {
        // What a group shares is read once; of numbers nothing else is left to be read.
        let fits = |shared: &Shared| read_row(spec, value, shared).map(drop);
        if let Some(group) = taken.groups.of(record, defaults, fits)? {
            match number {
                Some(number) if spec.kind == ListKind::Number => group.numbers.push(number),
                _ => group.texts.push(read_row(spec, value, &group.shared)?.key().into()),
            }
            return Ok(());
        }
    }
    if taken.rows.len() >= EDITS_MAX {
        return Err(format!("more than {EDITS_MAX} entries that differ in more than their value"));
    }
    let cells = record
        .cells()
        .chain(defaults.iter().copied().filter(|(column, _)| record.get(column).is_none()));
    let row = Row::read(spec, cells)?;
    taken.rows.insert(row.key().into(), row);
    Ok(())
}

fn read_row(spec: &ListSpec, value: &str, shared: &Shared) -> Result<Row, String> {
    let cells = shared.iter().map(|(column, cell)| (*column, &**cell));
    Row::read(spec, [("value", value)].into_iter().chain(cells))
}

/// Sorts values and drops repeats; says how many there were.
fn tidy(taken: &mut Taken) -> u64 {
    let mut kept = taken.rows.len() as u64;
    for group in &mut taken.groups.groups {
        group.numbers.sort_unstable();
        group.numbers.dedup();
        group.texts.sort_unstable();
        group.texts.dedup();
        kept += (group.numbers.len() + group.texts.len()) as u64;
    }
    let repeated = taken.taken.saturating_sub(kept);
    taken.taken = kept;
    repeated
}

fn defaults<'r>(
    spec: &ListSpec,
    given: &'r [(String, String)],
) -> Result<Vec<(&'static str, &'r str)>, Refusal> {
    let known = |(column, cell): &'r (String, String)| {
        let found = row::columns(spec.kind).find(|known| *known == column.as_str());
        let unknown = || {
            let all: Vec<&str> = row::columns(spec.kind).collect();
            wrong("defaults", format!("no column \"{column}\"; expected {}", all.join(", ")))
        };
        Ok((found.ok_or_else(unknown)?, cell.as_str()))
    };
    given.iter().map(known).collect()
}

/// The canonical text of a number or pattern of numbers.
fn number_key(plans: &Plans, region: Option<Region>, text: &str) -> Result<String, String> {
    match number_pattern(text) {
        Ok(NumberPattern::Exact(number)) => return Ok(plans.canonical(number).to_string()),
        Ok(_) => return Ok(text.to_owned()),
        Err(_) => {}
    }
    let Some(region) = region else {
        return Err(format!(
            "\"{text}\" does not say its country; write it with +, or give the region of the file"
        ));
    };
    match plans.normalise(&Address { raw: text.as_bytes(), ..Address::default() }, region) {
        Normalised::Number(number @ (Number::E164(_) | Number::Short(_))) => Ok(number.to_string()),
        Normalised::Malformed(why) => {
            Err(format!("\"{text}\" is no number of {region}: {}", why.as_str()))
        }
        Normalised::Missing | Normalised::Lettered => Err(format!("\"{text}\" is no number")),
    }
}

fn wrong(field: &str, what: String) -> Refusal {
    Refusal::Invalid { field: field.into(), what }
}

fn unreadable(error: ImportError) -> Refusal {
    wrong("octets", error.to_string())
}
