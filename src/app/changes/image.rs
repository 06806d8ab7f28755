//! The base image: all that screening needs at one revision, in one run of octets, so that a start
//! needs neither the log nor a compilation of bulk imports.
//!
//! Owns the layout and what is checked when it is read. Must not know files.
//! Invariants: the last octets are the SHA-256 of all before them; what is read back screens as
//! what was written did; damaged octets give an error in words, never a panic.
//!
//! Layout, little-endian: [`MAGIC`], engine version, revision, digest, cursor, packs (name and
//! text, values of text segments among them), packs of plans, compiled segments, values that bulk
//! layers hold and that do not count, bulk layers, SHA-256.

use std::sync::Arc;
use std::thread;

use sha2::{Digest as _, Sha256};

use super::api::Refusal;
use super::live::{Hidden, Live, Parts};
use crate::app::catalogue::{self, PackText};
use crate::engine::{BULK_LAYERS_MAX, Layer, Ruleset};
use crate::lists::edit::SegmentUse;
use crate::lists::row::{self, Row};
use crate::model::catalogue::{BlobId, Cursor};
use crate::model::revision::{Digest, ENGINE_VERSION, Revision};

/// What an image starts with: name and version of the layout.
const MAGIC: [u8; 8] = *b"RFIMAGE1";
/// Octets of the SHA-256 at the end.
const SUM_BYTES: usize = 32;

/// An image that is to be written: shares what is in use.
pub struct ImageDraft {
    revision: Revision,
    digest: Digest,
    cursor: Cursor,
    packs: Vec<PackText>,
    live: Live,
}

/// An image as it was read.
pub struct Image {
    revision: Revision,
    digest: Digest,
    cursor: Cursor,
    /// It was written by this version of the engine.
    same_engine: bool,
    live: Live,
}

impl ImageDraft {
    pub(super) fn new(
        (cursor, revision, digest): (Cursor, Revision, Digest),
        packs: Vec<PackText>,
        live: Live,
    ) -> ImageDraft {
        ImageDraft { revision, digest, cursor, packs, live }
    }

    /// The revision that it holds.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Writes it piece by piece, in order. Nothing is held twice: bulk layers go out as they
    /// stand in memory.
    ///
    /// Errors: a layer that has no image, which would be a bug.
    pub fn write(&self, sink: &mut dyn FnMut(&[u8])) -> Result<(), Refusal> {
        let mut out = Writer { sink, sum: Sha256::new() };
        out.octets(&MAGIC);
        out.text(ENGINE_VERSION);
        out.u64(self.revision.0);
        out.octets(&self.digest.0);
        out.u64(self.cursor.0);
        out.u64(self.packs.len() as u64);
        for pack in &self.packs {
            out.text(&pack.name);
            out.run(&pack.octets);
        }
        let parts = self.live.parts();
        out.run(&parts.plans);
        out.u64(parts.compiled.len() as u64);
        for (list, segment) in &parts.compiled {
            out.text(list);
            out.octets(&segment.blob.0);
            out.u64(segment.count);
            out.cells(segment.shared.iter().map(|(column, cell)| (*column, &**cell)));
        }
        out.u64(parts.hidden.len() as u64);
        for ((list, key), row) in parts.hidden.iter() {
            out.text(list);
            out.text(key);
            // A row has cells.
            out.cells(row.iter().flat_map(Row::cells));
        }
        out.u64(parts.bulk.len() as u64);
        for layer in parts.bulk.iter() {
            let mut length = 0;
            layer.write_bulk(|octets| length += octets.len() as u64).map_err(unwritten)?;
            out.u64(length);
            layer.write_bulk(|octets| out.octets(octets)).map_err(unwritten)?;
        }
        let sum: [u8; SUM_BYTES] = out.sum.finalize().into();
        sink(&sum);
        Ok(())
    }
}

fn unwritten(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Image {
    /// Reads, checks and compiles an image. The packs in it were accepted when they were
    /// committed and are not probed again.
    ///
    /// Errors: in words, for octets that are not as they were written, or packs that this version
    /// of the program does not take.
    pub fn read(octets: &[u8]) -> Result<Image, String> {
        let content = octets.len().checked_sub(SUM_BYTES).ok_or("it is too short")?;
        let (content, sum) = octets.split_at(content);
        // The sum is taken beside the reading: each is half of the time of a start.
        thread::scope(|scope| {
            let found = scope.spawn(|| <[u8; SUM_BYTES]>::from(Sha256::digest(content)));
            let image = read(content);
            match found.join() {
                Ok(found) if found == sum => image,
                _ => Err("the checksum does not fit".into()),
            }
        })
    }

    /// The revision that it holds.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The digest of that revision.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The record of the log that made the revision.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// To screen with.
    ///
    /// Errors: none that reading has not found.
    pub fn ruleset(&self) -> Result<Ruleset, Refusal> {
        self.live.ruleset(self.revision, self.digest)
    }

    /// Its parts, to go on from; `None` where another version of the engine compiled them.
    pub(super) fn into_live(self) -> Option<Live> {
        self.same_engine.then_some(self.live)
    }
}

fn read(content: &[u8]) -> Result<Image, String> {
    let mut rest = Reader(content);
    if rest.octets(MAGIC.len())? != MAGIC {
        return Err("it is no image of this form".into());
    }
    let same_engine = rest.text()? == ENGINE_VERSION;
    let revision = Revision(rest.u64()?);
    let digest = Digest(rest.array()?);
    let cursor = Cursor(rest.u64()?);
    let mut packs = Vec::new();
    for _ in 0..rest.count()? {
        let name = rest.text()?.to_owned();
        let length = rest.length()?;
        packs.push(PackText { name, octets: rest.octets(length)?.to_vec() });
    }
    let length = rest.length()?;
    let plans = rest.octets(length)?.into();
    let mut compiled = Vec::new();
    for _ in 0..rest.count()? {
        let list = rest.text()?.into();
        let (blob, count) = (BlobId(rest.array()?), rest.u64()?);
        compiled.push((list, SegmentUse { blob, count, shared: rest.cells()? }));
    }
    let mut hidden = Hidden::new();
    for _ in 0..rest.count()? {
        let place: (Box<str>, Box<str>) = (rest.text()?.into(), rest.text()?.into());
        let cells = rest.cells()?;
        let row = (!cells.is_empty()).then(|| Row::stored(cells, place.1.clone()));
        hidden.insert(place, row);
    }
    let layers = rest.count()?;
    if layers > BULK_LAYERS_MAX {
        return Err("it has too many layers".into());
    }
    let mut images = Vec::new();
    for _ in 0..layers {
        let length = rest.length()?;
        images.push(rest.octets(length)?);
    }
    if !rest.0.is_empty() {
        return Err("something follows its end".into());
    }
    let (base, bulk) = thread::scope(|scope| {
        let layers = scope.spawn(|| {
            let read = |octets: &&[u8]| Layer::read_bulk(octets).map(Arc::new);
            images.iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        let base = catalogue::read(&packs)
            .map_err(|findings| super::live::words(&findings))
            .and_then(|builder| builder.build(revision, digest).map_err(|e| e.to_string()));
        (base, layers.join())
    });
    let bulk = bulk.map_err(|_| "a bulk layer cannot be read")?.map_err(|e| e.to_string())?;
    let parts =
        Parts { base: base?.base, bulk: bulk.into(), compiled, plans, hidden: Arc::new(hidden) };
    let live = Live::from_parts(parts).map_err(|refusal| refusal.to_string())?;
    Ok(Image { revision, digest, cursor, same_engine, live })
}

/// Where an image goes.
struct Writer<'s> {
    sink: &'s mut dyn FnMut(&[u8]),
    sum: Sha256,
}

impl Writer<'_> {
    fn octets(&mut self, octets: &[u8]) {
        self.sum.update(octets);
        (self.sink)(octets);
    }

    fn u64(&mut self, value: u64) {
        self.octets(&value.to_le_bytes());
    }

    fn run(&mut self, octets: &[u8]) {
        self.u64(octets.len() as u64);
        self.octets(octets);
    }

    fn text(&mut self, text: &str) {
        self.run(text.as_bytes());
    }

    fn cells<'c>(&mut self, cells: impl Iterator<Item = (&'static str, &'c str)>) {
        let cells: Vec<_> = cells.collect();
        self.u64(cells.len() as u64);
        for (column, cell) in cells {
            self.text(column);
            self.text(cell);
        }
    }
}

/// What is left of an image.
struct Reader<'i>(&'i [u8]);

impl<'i> Reader<'i> {
    fn octets(&mut self, count: usize) -> Result<&'i [u8], String> {
        let (head, rest) = self.0.split_at_checked(count).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, String> {
        let length = self.u64()?;
        usize::try_from(length).map_err(|_| "a length is too large".to_owned())
    }

    /// A count of things, each of which takes eight octets at least.
    fn count(&mut self) -> Result<usize, String> {
        let count = self.length()?;
        if count <= self.0.len() / 8 { Ok(count) } else { Err("a count is too large".into()) }
    }

    fn cells(&mut self) -> Result<Vec<(&'static str, Box<str>)>, String> {
        let mut cells = Vec::new();
        for _ in 0..self.count()? {
            let name = row::column(self.text()?).ok_or("a column is unknown")?;
            cells.push((name, self.text()?.into()));
        }
        Ok(cells)
    }

    fn text(&mut self) -> Result<&'i str, String> {
        let length = self.length()?;
        str::from_utf8(self.octets(length)?).map_err(|_| "a text is not UTF-8".to_owned())
    }
}
