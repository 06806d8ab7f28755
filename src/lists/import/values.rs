//! Values as they stand in other people's files, made fit for the callback that makes keys.
//!
//! Owns what files do to values: spreadsheets, feeds that blunt their links. Must not know plans of
//! numbers or rules of domains: the callback does.

use super::Options;
use crate::model::entry::ListKind;

/// The key of a value.
pub fn canonical(cell: &str, options: &Options<'_>) -> Result<String, String> {
    match options.kind {
        ListKind::Number => (options.normalise)(number(cell)?),
        ListKind::Domain => (options.normalise)(&host(cell)),
        _ => (options.normalise)(cell),
    }
}

/// A number without what programs add to it.
fn number(cell: &str) -> Result<&str, String> {
    if is_scientific(cell) {
        return Err("a spreadsheet cut this number (8.6E+12): format the column as text and save \
                    it again"
            .into());
    }
    // Programs that hold numbers as fractions write 13800138000.0.
    let whole = cell.strip_suffix(".0").filter(|whole| whole.bytes().all(|b| b.is_ascii_digit()));
    let cell = whole.unwrap_or(cell);
    let scheme = cell.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("tel:"));
    Ok(if scheme { cell[4..].trim_start() } else { cell })
}

fn is_scientific(cell: &str) -> bool {
    let Some((mantissa, exponent)) = cell.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(&mantissa.replacen(['.', ','], "", 1))
        && digits(exponent.strip_prefix('+').unwrap_or(exponent))
}

/// The host of a link or domain, also of one made harmless as `hxxps://example[.]com/`.
pub fn host(cell: &str) -> String {
    let cell = cell.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":");
    let rest = cell.split_once("://").map_or(&*cell, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let rest = rest.rsplit('@').next().unwrap_or("");
    // A port; an address in brackets stays whole and is refused as no domain.
    let port = |tail: &str| tail.bytes().all(|b| b.is_ascii_digit());
    let rest = rest.rsplit_once(':').filter(|(_, tail)| port(tail)).map_or(rest, |(host, _)| host);
    let rest = rest.strip_prefix("*.").unwrap_or(rest);
    rest.trim_matches('.').to_owned()
}
