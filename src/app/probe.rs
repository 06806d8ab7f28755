//! Ordinary traffic put to a catalogue before it is used: one that would hold or block much of it
//! is refused, whatever its lines look like one by one.
//!
//! Owns the ordinary numbers and texts. Must not know packs. Looks at the default region only: a
//! carrier may well block a foreign country, never most of its own.
//! Invariant: what no entry speaks of is let through, so a catalogue without lists passes.

use crate::engine::{Ruleset, screen};
use crate::model::attempt::{Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass};
use crate::model::policy::{Action, Traffic};
use crate::model::time::Timestamp;

/// Leading digits of ordinary lines, mobile before fixed, country code first, with the digits of
/// a whole number. From the national plans; a region that is not here is not probed.
const ORDINARY: &[(&str, usize, &[&str])] = &[
    ("CN", 13, &["86135", "86139", "86150", "86177", "86186", "86191"]),
    ("CN", 12, &["86106", "86215", "86208"]),
    ("CN", 13, &["867558", "867715"]),
    ("US", 11, &["1212", "1312", "1415", "1617", "1702", "1713", "1818", "1917"]),
    ("CA", 11, &["1416", "1514", "1604", "1613", "1780", "1902"]),
    ("GB", 12, &["4474", "4475", "4477", "4478", "44207", "44161", "44131"]),
    ("DE", 12, &["49151", "49160", "49171", "4930", "4989", "4940"]),
    ("FR", 11, &["336", "337", "331", "334", "335"]),
    ("ES", 11, &["346", "347", "3491", "3493"]),
    ("IN", 12, &["9170", "9180", "9190", "9198", "9111", "9122"]),
    ("TR", 12, &["90532", "90542", "90505", "90212", "90312"]),
];

/// Numbers tried for each row of leading digits.
const EACH: u64 = 4;

/// The share of ordinary attempts that a catalogue may hold or block, one in so many: a wrong
/// line on a busy number block is still seen by people, a catalogue over this stops a carrier.
const STOPPED_ONE_IN: usize = 4;

/// What people write to each other; none says anything that a list may act on.
const TEXTS: [&str; 4] = ["好的，明天见", "到家了吗？", "OK, see you tomorrow", "Call me later"];

/// When ordinary traffic is tried: before entries with a beginning and after those with an end, so
/// that every entry is seen that is open on one side. What has both is over some day.
const TIMES: [Timestamp; 2] = [Timestamp(0), Timestamp(u64::MAX - 1)];

/// Puts ordinary traffic of the default region to a ruleset.
///
/// Errors: in words, when it would hold or block too much; the mode does not matter.
pub fn ordinary_traffic(ruleset: &Ruleset) -> Result<(), String> {
    TIMES.into_iter().try_for_each(|now| at_time(ruleset, now))
}

fn at_time(ruleset: &Ruleset, now: Timestamp) -> Result<(), String> {
    let region = ruleset.base.policy.default_region;
    let rows = ORDINARY.iter().filter(|(name, ..)| *name == region.as_str());
    let numbers: Vec<String> = rows
        .flat_map(|(_, digits, leading)| leading.iter().map(move |head| (*digits, *head)))
        .flat_map(|(digits, head)| (0..EACH).map(move |nth| number(head, digits, nth)))
        .collect();
    for traffic in [Traffic::Call, Traffic::Message] {
        let stopped = (0..numbers.len())
            .filter(|&at| {
                let to = &numbers[(at + 1) % numbers.len()];
                let text = TEXTS[at % TEXTS.len()];
                stops(ruleset, now, &attempt(traffic, &numbers[at], to, text))
            })
            .count();
        if stopped * STOPPED_ONE_IN > numbers.len() {
            return Err(format!(
                "would hold or block {stopped} of {} ordinary {}s of {region}, at most one in \
                 {STOPPED_ONE_IN} is allowed; narrow the entries that hit most",
                numbers.len(),
                traffic.as_str()
            ));
        }
    }
    Ok(())
}

/// Spread digits behind the leading ones: 2 to 9, as subscriber numbers seldom start with 0 or 1.
fn number(head: &str, digits: usize, nth: u64) -> String {
    let mut number = format!("+{head}");
    let mut state = nth + 1;
    while number.len() <= digits {
        // Knuth's multiplier (MMIX); the high bits are the random ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        number.push(char::from(b'2' + (state >> 61) as u8));
    }
    number
}

fn attempt<'a>(traffic: Traffic, from: &'a str, to: &'a str, text: &'a str) -> Attempt<'a> {
    let mut attempt: Attempt<'a> = Attempt::empty(traffic);
    attempt.originator.raw = from.as_bytes();
    attempt.recipient.raw = to.as_bytes();
    attempt.ingress.trunk_class = TrunkClass::Domestic;
    if traffic == Traffic::Message {
        attempt.content = Content {
            octets: text.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
    }
    attempt
}

fn stops(ruleset: &Ruleset, now: Timestamp, attempt: &Attempt<'_>) -> bool {
    let verdict = screen(ruleset, attempt, &StateFacts::default(), now);
    verdict.would_action >= Action::Hold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::catalogue::{compile, starter_packs};
    use crate::model::revision::Revision;

    #[test]
    fn the_probe_sends_real_numbers_that_the_starter_packs_let_through() {
        let ruleset = compile(&starter_packs(), Revision(1)).unwrap();
        for (region, digits, leading) in ORDINARY {
            for head in *leading {
                for nth in 0..EACH {
                    let from = number(head, *digits, nth);
                    for traffic in [Traffic::Call, Traffic::Message] {
                        let attempt = attempt(traffic, &from, &from, TEXTS[0]);
                        let facts = StateFacts::default();
                        let verdict = screen(&ruleset, &attempt, &facts, Timestamp(0));
                        assert_eq!((verdict.risk, verdict.flags.0), (0, 0), "{region} {from}");
                    }
                }
            }
        }
    }
}
