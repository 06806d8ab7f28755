//! Subscriptions: lists that are filled from a URL, as a person asked for.
//!
//! Owns what a subscription says and its limits. Must not know how a URL is fetched, formats, nor
//! when it is due. Invariant: what [`Subscription::check`] takes can be stored, shown on one line
//! and read again; whether its list and format exist is asked elsewhere.

use super::changeset::NAME_BYTES_MAX;
use crate::model::catalogue::{Actor, BlobId};
use crate::model::number::Region;

/// Subscriptions of one catalogue: more than any carrier has, and a bound on downloads.
pub const SUBSCRIPTIONS_MAX: usize = 64;
/// Octets of a name: it stands in titles beside other words.
pub const SOURCE_NAME_BYTES_MAX: usize = 64;
/// Octets of a URL: what servers take.
pub const URL_BYTES_MAX: usize = 2048;
/// Columns of a file that are mapped, and cells that every row gets: more than any kind has.
pub const COLUMNS_MAX: usize = 64;
/// Octets of one default cell: a reason or a reference, not a file.
pub const CELL_BYTES_MAX: usize = 4096;
/// Seconds between two downloads at least: sources ask for no more, and each costs a whole file.
pub const INTERVAL_MIN_S: u32 = 300;
/// And at most: what is asked less often is better imported by a person.
pub const INTERVAL_MAX_S: u32 = 30 * 24 * 3600;

/// A list that is filled from a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// What it is called: `a-z`, `0-9`, `-` and `.`.
    pub name: Box<str>,
    /// Where the file is; https.
    pub url: Box<str>,
    /// The list that it fills.
    pub list: Box<str>,
    /// Name of the file's format, as imports call it.
    pub format: Box<str>,
    /// Which columns of the file (left) are which of ours (right).
    pub columns: Vec<(Box<str>, Box<str>)>,
    /// Region of numbers that do not say theirs.
    pub region: Option<Region>,
    /// Cells of every row that has none of its own.
    pub defaults: Vec<(Box<str>, Box<str>)>,
    /// The file is the whole list: what it does not name goes.
    pub replaces: bool,
    /// Seconds from one download to the next.
    pub interval_s: u32,
    /// The only octets that are taken; `None` takes what comes.
    pub sha256: Option<BlobId>,
    /// What needs no second person and raises no warning goes live by itself.
    pub auto_commit: bool,
    /// Who subscribed; may not be the second person for what it brings.
    pub owner: Actor,
}

/// What is wrong with a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub what: String,
}

fn wrong(field: &'static str, what: impl Into<String>) -> Result<(), Wrong> {
    Err(Wrong { field, what: what.into() })
}

impl Subscription {
    /// Is everything within its limits?
    ///
    /// Errors: the first field that is not.
    pub fn check(&self) -> Result<(), Wrong> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        let named = !self.name.is_empty() && self.name.len() <= SOURCE_NAME_BYTES_MAX;
        if !named || !self.name.bytes().all(fits) {
            let what = format!("must be a-z, 0-9, `-` and `.`, 1 to {SOURCE_NAME_BYTES_MAX}");
            return wrong("name", what);
        }
        self.check_url()?;
        for (field, text) in [("list", &self.list), ("format", &self.format)] {
            if text.is_empty() || text.len() > NAME_BYTES_MAX {
                return wrong(field, format!("must have 1 to {NAME_BYTES_MAX} bytes"));
            }
        }
        pairs("columns", &self.columns, NAME_BYTES_MAX)?;
        pairs("defaults", &self.defaults, CELL_BYTES_MAX)?;
        if !(INTERVAL_MIN_S..=INTERVAL_MAX_S).contains(&self.interval_s) {
            let what = format!("must be {INTERVAL_MIN_S} to {INTERVAL_MAX_S} seconds");
            return wrong("interval", what);
        }
        Ok(())
    }

    /// What can be told without asking for it: the rest is the fetcher's to say.
    fn check_url(&self) -> Result<(), Wrong> {
        let url = &*self.url;
        if url.len() > URL_BYTES_MAX || !url.bytes().all(|b| b.is_ascii_graphic()) {
            let what = format!("must be at most {URL_BYTES_MAX} characters without spaces");
            return wrong("url", what);
        }
        if !url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
            return wrong("url", "must begin with https://");
        }
        let host = url[8..].split(['/', '?', '#']).next().unwrap_or("");
        if host.is_empty() {
            return wrong("url", "must name a host");
        }
        if host.contains('@') {
            return wrong("url", "must hold no user name: it would stand in the log for ever");
        }
        Ok(())
    }
}

/// Names with texts: so many, none twice, each on one line.
fn pairs(field: &'static str, pairs: &[(Box<str>, Box<str>)], max: usize) -> Result<(), Wrong> {
    if pairs.len() > COLUMNS_MAX {
        return wrong(field, format!("must be at most {COLUMNS_MAX}"));
    }
    let text = |text: &str, max| text.len() <= max && !text.chars().any(char::is_control);
    for (at, (name, value)) in pairs.iter().enumerate() {
        if name.is_empty() || !text(name, NAME_BYTES_MAX) || !text(value, max) {
            return wrong(field, format!("the {}. is empty, too long or not one line", at + 1));
        }
        if pairs[..at].iter().any(|(known, _)| known == name) {
            return wrong(field, format!("\"{name}\" stands there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
