//! What several tests share: the corpora, where they are, and how to read them.
#![allow(dead_code, reason = "each test uses its part")]

pub mod cases;
pub mod desk;
pub mod rows;

use std::io::Read as _;
use std::path::PathBuf;

/// The folder of the corpora: `RINGFENCE_CORPORA`, else `../shared/corpora`; says loudly when
/// there is none.
pub fn corpora(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("RINGFENCE_CORPORA").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let folder = named.unwrap_or_else(beside);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED {test}: no corpora at {} (set RINGFENCE_CORPORA)", folder.display());
    None
}

/// The rows of a packed table, header first, cells parted.
pub fn table(folder: &std::path::Path, name: &str) -> Vec<Vec<String>> {
    text(folder, name).lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}

/// A packed text.
pub fn text(folder: &std::path::Path, name: &str) -> String {
    let file = std::fs::File::open(folder.join(name)).expect(name);
    let mut text = String::new();
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(file).expect(name);
    decoder.read_to_string(&mut text).expect(name);
    text
}
