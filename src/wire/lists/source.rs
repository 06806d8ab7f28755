//! Subscriptions, to and from the wire.

use prost::bytes::Bytes;

use crate::lists::subscription::{SOURCE_NAME_BYTES_MAX, Subscription, URL_BYTES_MAX};
use crate::model::catalogue::{Actor, BlobId};
use crate::model::number::Region;

use super::row::cells_read;
use super::{CELLS_MAX, NAME_BYTES_MAX, TITLE_BYTES_MAX, Violations, pb, required, texts};

/// Seconds between two downloads where nothing is said: sources mostly have a new file a day.
const INTERVAL_DEFAULT_S: u32 = 86_400;

/// A subscription on the wire; the format is a wire value already.
pub fn source(one: &Subscription, format: pb::Format) -> pb::Source {
    let column = |(from, to): &(Box<str>, Box<str>)| pb::ColumnMapping {
        from: from.to_string(),
        to: to.to_string(),
    };
    let cell = |(column, text): &(Box<str>, Box<str>)| pb::Cell {
        column: column.to_string(),
        text: text.to_string(),
    };
    pb::Source {
        name: one.name.to_string(),
        url: one.url.to_string(),
        list_id: one.list.to_string(),
        format: format.into(),
        columns: one.columns.iter().map(column).collect(),
        region_code: one.region.map(|region| region.to_string()).unwrap_or_default(),
        defaults: one.defaults.iter().map(cell).collect(),
        replaces: one.replaces,
        interval_s: one.interval_s,
        sha256: one
            .sha256
            .map(|BlobId(digest)| Bytes::copy_from_slice(&digest))
            .unwrap_or_default(),
        auto_commit: one.auto_commit,
        owner: one.owner.to_string(),
    }
}

/// Reads a subscription of this owner, to a file of a format of this name.
///
/// Errors: the first field that is wrong.
pub fn source_read(
    one: &pb::Source,
    format: &str,
    owner: Actor,
) -> Result<Subscription, Violations> {
    let name = required("name", &one.name, SOURCE_NAME_BYTES_MAX)?;
    let url = required("url", &one.url, URL_BYTES_MAX)?;
    let list = required("list_id", &one.list_id, NAME_BYTES_MAX)?;
    if one.columns.len() > CELLS_MAX {
        return Err(Violations::one("columns", format!("must hold at most {CELLS_MAX} columns")));
    }
    for (at, column) in one.columns.iter().enumerate() {
        let names = [("from", &*column.from, TITLE_BYTES_MAX), ("to", &*column.to, NAME_BYTES_MAX)];
        texts(&names).map_err(|found| found.under(&format!("columns[{at}]")))?;
    }
    let region = region_read("region_code", &one.region_code)?;
    let sha256 = match <[u8; 32]>::try_from(&*one.sha256) {
        _ if one.sha256.is_empty() => None,
        Ok(digest) => Some(BlobId(digest)),
        Err(_) => return Err(Violations::one("sha256", "must have 32 octets")),
    };
    let defaults = cells_read("defaults", &one.defaults)?;
    Ok(Subscription {
        name: name.into(),
        url: url.into(),
        list: list.into(),
        format: format.into(),
        columns: one.columns.iter().map(|c| (&*c.from, &*c.to)).map(boxed).collect(),
        region,
        defaults: defaults.iter().map(|(column, text)| (&**column, &**text)).map(boxed).collect(),
        replaces: one.replaces,
        interval_s: if one.interval_s == 0 { INTERVAL_DEFAULT_S } else { one.interval_s },
        sha256,
        auto_commit: one.auto_commit,
        owner,
    })
}

fn boxed((left, right): (&str, &str)) -> (Box<str>, Box<str>) {
    (left.into(), right.into())
}

/// Reads a region; empty is none.
///
/// Errors: it is not two letters.
pub fn region_read(field: &str, code: &str) -> Result<Option<Region>, Violations> {
    if code.is_empty() {
        return Ok(None);
    }
    let wrong = || Violations::one(field, "must be two letters (ISO 3166-1 alpha-2)");
    Region::parse(code).map(Some).ok_or_else(wrong)
}
