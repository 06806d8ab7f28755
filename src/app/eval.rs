//! Screens a labelled message file row by row and counts what came out.
//!
//! Every row stands alone: empty state, content basis given, fixed time, every action supported,
//! mode enforce. So the figures speak of text and sender only.

use std::collections::BTreeMap;

use crate::engine::{Ruleset, screen};
use crate::model::attempt::{
    Address, Attempt, Content, ContentBasis, NatureOfAddress, StateFacts, TextEncoding,
};
use crate::model::category::Family;
use crate::model::policy::{Action, Traffic};
use crate::model::time::Timestamp;

/// 2026-01-01T00:00:00Z: a fixed time, so that the same packs give the same figures for ever.
pub const FIXED_TIME: Timestamp = Timestamp(1_767_225_600_000);

/// A sender for rows that have none, and a recipient: numbers that nothing is known about.
const NEUTRAL_NUMBER: &[u8] = b"+8613800138000";

/// What one row gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scored {
    /// What a carrier would do.
    pub action: Action,
    /// 0 to 1000.
    pub risk: u16,
    /// Taxonomy code; empty for none.
    pub category: &'static str,
    /// LABEL or stronger, and not as a nuisance.
    pub caught: bool,
    /// HOLD or stronger.
    pub held: bool,
    /// Code, list and entry of the strongest reason; empty for none.
    pub top_reason: String,
}

/// Screens one row. `sender` may be empty.
pub fn score(ruleset: &Ruleset, text: &str, sender: &str) -> Scored {
    let mut attempt = Attempt::empty(Traffic::Message);
    attempt.content = Content {
        octets: text.as_bytes(),
        encoding: TextEncoding::Utf8,
        basis: ContentBasis::Contract,
    };
    attempt.recipient.raw = NEUTRAL_NUMBER;
    let nature = if sender.chars().any(char::is_alphabetic) {
        NatureOfAddress::Alphanumeric
    } else {
        NatureOfAddress::Unknown
    };
    attempt.originator = match sender {
        "" => Address { raw: NEUTRAL_NUMBER, ..Address::default() },
        sender => Address { raw: sender.as_bytes(), nature, ..Address::default() },
    };
    let verdict = screen(ruleset, &attempt, &StateFacts::default(), FIXED_TIME);
    let action = verdict.would_action;
    let nuisance = verdict.category.is_some_and(|c| c.family() == Family::Nuisance);
    let top = verdict.reasons.first();
    Scored {
        action,
        risk: verdict.risk,
        category: verdict.category.map_or("", |category| category.code()),
        caught: action >= Action::Label && !nuisance,
        held: action >= Action::Hold,
        top_reason: top.map_or_else(String::new, |reason| {
            format!("{:?} {} {}", reason.code, reason.list, reason.entry)
        }),
    }
}

/// Counts of one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelStats {
    /// Rows with this label.
    pub rows: u64,
    /// Rows by action, weakest first.
    pub actions: [u64; 4],
    /// Rows at LABEL or stronger with a category other than nuisance.
    pub caught: u64,
    /// Rows at HOLD or stronger.
    pub held: u64,
    /// All risks, for quantiles.
    risks: Vec<u16>,
}

impl LabelStats {
    /// Adds a row.
    pub fn add(&mut self, scored: &Scored) {
        self.rows += 1;
        self.actions[scored.action as usize] += 1;
        self.caught += u64::from(scored.caught);
        self.held += u64::from(scored.held);
        self.risks.push(scored.risk);
    }

    /// The risk that `per_mille` of the rows do not exceed; 0 without rows.
    pub fn risk_quantile(&self, per_mille: usize) -> u16 {
        let mut risks = self.risks.clone();
        risks.sort_unstable();
        let last = risks.len().saturating_sub(1);
        risks.get(last * per_mille / 1000).copied().unwrap_or(0)
    }
}

/// Counts by label, in the order of their names.
pub type Stats = BTreeMap<String, LabelStats>;

/// The 95 % Wilson score interval of `count` in `rows`, as shares.
pub fn wilson(count: u64, rows: u64) -> (f64, f64) {
    if rows == 0 {
        return (0.0, 1.0);
    }
    // 1.96 is the 97.5 % point of the normal distribution.
    let (n, p, z) = (rows as f64, count as f64 / rows as f64, 1.96f64);
    let middle = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0))
}

/// Undoes the escapes of a table cell: `\\`, `\t`, `\n`.
pub fn unescape(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('\\') => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_cells() {
        assert_eq!(unescape(r"a\tb\nc\\n\x"), "a\tb\nc\\n\\x");
        assert_eq!(unescape("end\\"), "end\\");
    }

    #[test]
    fn wilson_bounds_hold_the_share() {
        let (low, high) = wilson(5, 100);
        assert!(low > 0.021 && low < 0.023, "{low}");
        assert!(high > 0.111 && high < 0.113, "{high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        assert_eq!(wilson(0, 50).0, 0.0);
    }

    #[test]
    fn quantiles() {
        let mut stats = LabelStats::default();
        for risk in [0, 100, 200, 300, 1000] {
            let scored = Scored {
                action: Action::Allow,
                risk,
                category: "",
                caught: false,
                held: false,
                top_reason: String::new(),
            };
            stats.add(&scored);
        }
        assert_eq!(stats.risk_quantile(500), 200);
        assert_eq!(stats.risk_quantile(1000), 1000);
    }
}
