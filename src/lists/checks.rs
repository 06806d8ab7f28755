//! Checks on what a list may say, beyond its form: nothing may stop everybody, and nothing may
//! look as if it acted and never do.
//!
//! Owns the limits of one list: to stop is to block, or to score from the hold threshold, under a
//! ceiling of hold or block. At home a list stops few lines of each kind ([`LINES_SHARE_MAX`]),
//! abroad so many regions ([`REGIONS_MAX`]), whole countries among them. The app's probe puts
//! traffic to all lists together by the same two rules: few lines at home, not most of the world.

use super::space::{Coverage, Space};
use crate::model::category::Category;
use crate::model::entry::{Effect, Entry, ListKind, ListSpec, NumberPattern, Term, Value};
use crate::model::number::{E164Number, Region};
use crate::model::policy::{Action, Ground};
use crate::model::time::{Timestamp, Validity};

/// The most regions abroad that one list may stop by prefixes and ranges, a tenth of all 245:
/// people warn of some twenty countries of one-ring calls, and North America, which shares one
/// country code between 25 regions, is over it. Part of a country counts as that part; global codes
/// that no region has (satellites, +979) are free.
pub const REGIONS_MAX: f64 = 24.0;

/// The shortest prefix of a region's own plan that may be stopped: `CN:106*`, not `CN:1*`.
pub const REGIONAL_DIGITS_MIN: usize = 3;

/// The largest share of a home region's mobile or fixed lines that one list may stop, let through
/// or protect by prefixes and ranges: three of some sixty mobile segments in China, thirty area
/// codes in North America (all of the Caribbean has twenty).
pub const LINES_SHARE_MAX: f64 = 0.05;

/// The fewest letters of a phrase that is open at an end: `*th*` stands in every English sentence.
/// Han characters, kana and Hangul syllables are words or nearly, and need one less.
pub const OPEN_LETTERS_MIN: usize = 3;

/// What the checks of an entry are told about everything else.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The lines of all regions; empty measures nothing.
    pub space: Space,
    /// Where the carrier is at home: most of its own lines may never be stopped, those of a foreign
    /// country may.
    pub home: Vec<Region>,
    /// The lowest risk from which something is held; 0 where it is not known.
    pub hold: u16,
    /// Now, where it is known: tells what is over already.
    pub now: Option<Timestamp>,
}

/// Running checks over one list.
#[derive(Debug, Default)]
pub struct ListCheck {
    /// Lines that are stopped, let through and protected.
    coverage: [Coverage; 3],
}

impl ListCheck {
    /// Looks at one entry; `Err` says why it is refused, `warn` what is only odd.
    pub fn entry(
        &mut self,
        spec: &ListSpec,
        entry: &Entry<'_>,
        around: &Surroundings,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        legal_order(spec, entry)?;
        accusation(entry)?;
        powerless(spec, entry)?;
        timeless(spec, entry)?;
        if around.now.is_some_and(|now| entry.meta.validity.until <= now) {
            warn("is over: valid_until has passed; take the line out".into());
        }
        match &entry.value {
            Value::Number(pattern) => {
                dead(pattern, warn);
                if stops(spec, entry, around) {
                    regional_breadth(pattern)?;
                }
                self.lines(spec, entry, pattern, around, warn)
            }
            Value::Keyword(phrase) => {
                phrase_breadth(phrase)?;
                open_breadth(phrase)
            }
            Value::Conjunction(conjunction) => {
                // Somewhere it must ask for a real phrase: one character, a link or a number
                // stand in every other text.
                let specific = |group: &Vec<Term>| group.iter().all(is_specific);
                if conjunction.groups.iter().any(specific) {
                    return Ok(());
                }
                Err("a conjunction needs a group of phrases with at least 2 letters each".into())
            }
            _ => Ok(()),
        }
    }

    /// How many of the lines that people have does the list act on with this entry?
    fn lines(
        &mut self,
        spec: &ListSpec,
        entry: &Entry<'_>,
        pattern: &NumberPattern,
        around: &Surroundings,
        warn: &mut dyn FnMut(String),
    ) -> Result<(), String> {
        let (at, does, instead) = match entry.meta.effect {
            _ if entry.meta.shadow => return Ok(()),
            Effect::Allow => (1, "lets through", "narrower prefixes"),
            Effect::Protect => (2, "protects", "narrower prefixes"),
            Effect::Block if stops(spec, entry, around) => (STOPPED, "blocks", STOP_LESS),
            _ if stops(spec, entry, around) => (STOPPED, "holds or blocks", STOP_LESS),
            _ => return Ok(()),
        };
        let mut refused = None;
        self.coverage[at].add(&around.space, pattern, &mut |lines, before, now| {
            if now <= LINES_SHARE_MAX {
                return;
            }
            let (region, kind, by_whom) = (lines.region, lines.kind, lines.by_whom());
            let said = format!(
                "with this line list {} {does} {:.1} % of {kind} lines of {region}{by_whom}",
                spec.id,
                now * 100.0
            );
            if around.home.contains(&region) {
                refused.get_or_insert_with(|| {
                    format!(
                        "too broad: {said}, at most {:.1} % are allowed at home; use {instead}",
                        LINES_SHARE_MAX * 100.0
                    )
                });
            } else if before <= LINES_SHARE_MAX && lines.classed && at == STOPPED {
                warn(format!("{said}, which is refused where {region} is at home"));
            }
        });
        if refused.is_none() && at == STOPPED && self.coverage[at].abroad() > REGIONS_MAX {
            let regions = self.coverage[at].abroad();
            refused = Some(format!(
                "too broad: with this line list {} {does} {regions:.1} regions abroad, at most \
                 {REGIONS_MAX} are allowed; use {instead}",
                spec.id
            ));
        }
        refused.map_or(Ok(()), Err)
    }
}

/// The place of stopped lines among coverages.
const STOPPED: usize = 0;

/// Does an entry by itself hold or block what it hits?
fn stops(spec: &ListSpec, entry: &Entry<'_>, around: &Surroundings) -> bool {
    let acts = match entry.meta.effect {
        Effect::Block => true,
        Effect::Score(points) => {
            around.hold > 0 && points >= i16::try_from(around.hold).unwrap_or(i16::MAX)
        }
        _ => false,
    };
    acts && !entry.meta.shadow && ceiling(spec, entry) >= Action::Hold
}

/// A prefix of a region's own plan that is short is most of it.
fn regional_breadth(pattern: &NumberPattern) -> Result<(), String> {
    let first = match pattern {
        NumberPattern::Exact(_) => return Ok(()),
        NumberPattern::Prefix(digits) => digits,
        NumberPattern::Range { first, .. } => first,
    };
    if first.region.is_none() || first.digits.len() >= REGIONAL_DIGITS_MIN {
        return Ok(());
    }
    Err(format!(
        "too broad: a prefix of a region's own plan that holds or blocks needs at least \
         {REGIONAL_DIGITS_MIN} digits"
    ))
}

/// What to write instead of a list that stops too many lines.
const STOP_LESS: &str = "narrower prefixes, effect=label, fewer points or shadow=yes";

fn is_specific(term: &Term) -> bool {
    match term {
        Term::Phrase(phrase) => phrase_breadth(phrase).is_ok(),
        Term::Link | Term::Phone | Term::Code => false,
    }
}

/// A phrase of one character stands in nearly every text.
fn phrase_breadth(phrase: &str) -> Result<(), String> {
    let letters = phrase.chars().filter(|c| c.is_alphanumeric()).count();
    if letters >= 2 {
        return Ok(());
    }
    Err(format!("phrase \"{phrase}\" is too short: it needs at least 2 letters or digits"))
}

/// A phrase of few letters that is open at an end stands within nearly every word.
fn open_breadth(phrase: &str) -> Result<(), String> {
    if !phrase.starts_with('*') && !phrase.ends_with('*') {
        return Ok(());
    }
    let letters = phrase.chars().filter(|c| c.is_alphanumeric());
    let weight: usize = letters.map(|c| if is_word(c) { 2 } else { 1 }).sum();
    if weight >= OPEN_LETTERS_MIN {
        return Ok(());
    }
    Err(format!(
        "phrase \"{phrase}\" is too short to be open at an end: it needs at least \
         {OPEN_LETTERS_MIN} letters; write whole words, or make it part of a conjunction"
    ))
}

/// Han, kana and Hangul: one character says about as much as two letters.
fn is_word(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
        || ('\u{20000}'..='\u{3ffff}').contains(&c)
}

/// The most that an entry can bring about; the same rule by which the engine caps its hits.
pub fn ceiling(spec: &ListSpec, entry: &Entry<'_>) -> Action {
    let by_category = match spec.ground {
        Ground::Subscriber | Ground::Order => Action::Block,
        _ => entry.meta.category.map_or(Action::Block, Category::ceiling),
    };
    spec.ceiling.min(by_category)
}

/// An entry that must act, under a ceiling that lets nothing act.
fn powerless(spec: &ListSpec, entry: &Entry<'_>) -> Result<(), String> {
    let name = match entry.meta.effect {
        Effect::Block => "block",
        Effect::Label(_) => "label",
        _ => return Ok(()),
    };
    if ceiling(spec, entry) >= Action::Label {
        return Ok(());
    }
    Err(format!(
        "effect={name} under ceiling=allow (of the list or of the category) would let through what \
         it reports as acted upon; use effect=score, shadow=yes or a higher ceiling"
    ))
}

/// What applies at all times: recipients that nothing may touch, and what is no entry but a fact
/// or a setting. A border in time would be passed over in silence there.
fn timeless(spec: &ListSpec, entry: &Entry<'_>) -> Result<(), String> {
    let setting = matches!(
        spec.kind,
        ListKind::NumberPlan | ListKind::NumberClass | ListKind::Trunk | ListKind::Policy
    );
    if entry.meta.validity != Validity::ALWAYS && (setting || entry.meta.effect == Effect::Protect)
    {
        let what = if setting { "kind=" } else { "effect=" };
        let name = if setting { spec.kind.as_str() } else { "protect" };
        return Err(format!(
            "{what}{name} applies at all times: leave out valid_from and valid_until, and take the \
             line out when it is over"
        ));
    }
    if setting && entry.meta.shadow {
        return Err(format!(
            "kind={} knows no shadow: it applies or is not there",
            spec.kind.as_str()
        ));
    }
    Ok(())
}

/// Patterns that no number has.
fn dead(pattern: &NumberPattern, warn: &mut dyn FnMut(String)) {
    let (digits, open) = match pattern {
        NumberPattern::Exact(_) => return,
        NumberPattern::Prefix(digits) => (digits, true),
        NumberPattern::Range { first, open, .. } => (first, *open),
    };
    let length = digits.digits.len();
    let (min, max) = (E164Number::DIGITS_MIN, E164Number::DIGITS_MAX);
    if digits.region.is_some() {
        return;
    }
    if length > max || digits.digits.starts_with('0') || (!open && length < min) {
        warn(format!(
            "never matches: numbers behind + have {min} to {max} digits and do not start with 0"
        ));
    }
}

/// A legal order must end: `field.md` and the design ask for authority, case and expiry.
fn legal_order(spec: &ListSpec, entry: &Entry<'_>) -> Result<(), String> {
    let endless = entry.meta.validity.until == Timestamp(u64::MAX);
    if spec.ground == Ground::Order && endless {
        return Err("an entry with ground=order needs valid_until".into());
    }
    Ok(())
}

/// An accusing effect needs a category that accuses.
fn accusation(entry: &Entry<'_>) -> Result<(), String> {
    let accuses = match entry.meta.effect {
        Effect::Label(key) => key.is_accusing(),
        _ => false,
    };
    if accuses && !entry.meta.category.is_some_and(Category::is_accusing) {
        return Err("an accusing label needs a category (CN, GL, IL, MX, ID, NW, AC, AU)".into());
    }
    Ok(())
}

/// Thresholds may not be so low that ordinary traffic crosses them.
pub fn threshold(action: Action, risk: u16) -> Result<(), String> {
    let least = match action {
        Action::Allow => return Err("there is no threshold for allow".into()),
        Action::Label => 50,
        Action::Hold => 100,
        Action::Block => 200,
    };
    if (least..=1000).contains(&risk) {
        return Ok(());
    }
    Err(format!(
        "threshold for {} must be from {least} to 1000, found {risk}: lower would act on nearly \
         everything",
        action.as_str().to_lowercase()
    ))
}
