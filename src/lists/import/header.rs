//! Which column of a file is which of ours.
//!
//! Owns the names by which columns are known. Must not know a delimiter. Invariant: no column of
//! ours is filled by two of theirs; what nobody named and nobody knows is passed over.

use super::{ImportError, Options};
use crate::model::entry::ListKind;

/// Names of a column that holds the value, by kind, the best first; folded as [`folded`] does.
fn value_names(kind: ListKind) -> &'static [&'static str] {
    match kind {
        ListKind::Number => &[
            "number",
            "phone_number",
            "phone",
            "e164",
            "msisdn",
            "telephone",
            "tel",
            "mobile",
            "caller_id_number",
            "caller_id",
            "caller",
            "originator",
            "company_phone_number",
            "号码",
            "电话号码",
            "电话",
            "手机号码",
            "手机号",
            "来电号码",
            "主叫号码",
        ],
        ListKind::Domain => {
            &["domain", "domain_name", "host", "hostname", "fqdn", "url", "link", "域名", "网址"]
        }
        ListKind::Sender => &["sender", "sender_id", "senderid", "from", "发送方"],
        ListKind::Signature => &["signature", "签名"],
        ListKind::Keyword => &["keyword", "phrase", "word", "关键词", "关键字"],
        _ => &[],
    }
}

/// Names of our other columns in other people's files.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    ("value", &["indicator", "entry", "item"]),
    ("valid_until", &["expires", "expires_at", "expiry", "expiration", "到期时间", "失效时间"]),
    ("valid_from", &["starts_at", "生效时间"]),
    ("note", &["notes", "comment", "comments", "description", "remark", "备注"]),
    ("reason", &["原因"]),
    ("category", &["category_code"]),
];

/// For each column of the file, which of ours it is.
///
/// # Errors
/// A mapping names a column that is not there or not ours, or nothing fills what a row needs; the
/// message lists the columns that exist.
pub fn resolve(
    header: &[&str],
    options: &Options<'_>,
) -> Result<Vec<Option<&'static str>>, ImportError> {
    let names: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
    let mut found: Vec<Option<&'static str>> = vec![None; header.len()];
    for (theirs, ours) in options.mapping {
        let wanted = folded(theirs);
        let exact = header.iter().position(|cell| cell.trim() == theirs.trim());
        let at = exact.or_else(|| names.iter().position(|name| *name == wanted));
        let at = at.ok_or_else(|| missing(theirs, header))?;
        let ours = ours_of(ours, options)?;
        if found[at].is_some() || found.contains(&Some(ours)) {
            let what = format!("the mapping names \"{theirs}\" or {ours} twice");
            return Err(ImportError::Header(what));
        }
        found[at] = Some(ours);
    }
    for column in options.columns {
        let free = |found: &[Option<&str>], at: &usize| found[*at].is_none();
        if found.contains(&Some(*column)) {
            continue;
        }
        let mut known = known_names(column, options.kind);
        let at = known
            .find_map(|name| names.iter().position(|n| n == name).filter(|at| free(&found, at)));
        if let Some(at) = at {
            found[at] = Some(*column);
        }
    }
    match options.needed.iter().find(|needed| !found.contains(&Some(**needed))) {
        None => Ok(found),
        Some(needed) => Err(unfilled(needed, header)),
    }
}

/// One of our columns by its name.
///
/// # Errors
/// There is none; the message lists those of the list.
pub fn ours_of(name: &str, options: &Options<'_>) -> Result<&'static str, ImportError> {
    options.known(name).ok_or_else(|| {
        ImportError::Header(format!(
            "a list of kind {} has no column \"{name}\"; it has {}",
            options.kind.as_str(),
            options.columns.join(", ")
        ))
    })
}

/// All names by which a column of ours is known, its own first.
pub fn known_names(
    column: &'static str,
    kind: ListKind,
) -> impl Iterator<Item = &'static str> + use<> {
    let by_kind = if column == "value" { value_names(kind) } else { &[] };
    let other = OTHER_NAMES.iter().filter(move |(name, _)| *name == column);
    std::iter::once(column)
        .chain(by_kind.iter().copied())
        .chain(other.flat_map(|(_, names)| names.iter().copied()))
}

/// Lower case, blanks and dashes as underscores: `Caller ID Number` is `caller_id_number`.
pub fn folded(name: &str) -> String {
    let fold = |c: char| if matches!(c, ' ' | '-' | '.') { '_' } else { c };
    name.trim().to_lowercase().chars().map(fold).collect()
}

/// Columns as a message shows them.
fn shown(header: &[&str]) -> String {
    // A header of data or of binary would fill the screen.
    let short = |cell: &&str| cell.trim().chars().take(40).collect::<String>();
    header.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn missing(theirs: &str, header: &[&str]) -> ImportError {
    ImportError::Header(format!("there is no column \"{theirs}\"; the file has {}", shown(header)))
}

fn unfilled(needed: &str, header: &[&str]) -> ImportError {
    let digits = |cell: &&str| cell.chars().filter(char::is_ascii_digit).count() >= 5;
    if header.iter().any(digits) || header.iter().any(|cell| cell.contains("://")) {
        return ImportError::Header(format!(
            "the first line looks like data, not like a header: add a header such as {needed}, or \
             use the format plain for one value a line"
        ));
    }
    ImportError::Header(format!(
        "no column is known to hold {needed}; name it, as in COLUMN={needed}; the file has {}",
        shown(header)
    ))
}
