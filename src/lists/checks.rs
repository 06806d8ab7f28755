//! Checks on what a list may say, beyond its form: nothing may block everybody.

use crate::model::category::Category;
use crate::model::entry::{Effect, Entry, ListSpec, NumberPattern, Term, Value};
use crate::model::policy::{Action, Ground};
use crate::model::time::Timestamp;

/// The largest share of all international numbers that the blocking prefixes of one list may cover
/// together: five three-digit country codes, but no two-digit one.
pub const BLOCKED_SHARE_MAX: f64 = 0.005;

/// The shortest prefix of a region's own plan that may be blocked: `CN:106*`, not `CN:1*`.
pub const REGIONAL_DIGITS_MIN: usize = 3;

/// Running checks over one list.
#[derive(Debug, Default)]
pub struct ListCheck {
    blocked_share: f64,
}

impl ListCheck {
    /// Looks at one entry; `Err` says why it is refused.
    pub fn entry(&mut self, spec: &ListSpec, entry: &Entry<'_>) -> Result<(), String> {
        legal_order(spec, entry)?;
        accusation(entry)?;
        match &entry.value {
            Value::Number(pattern) => self.breadth(entry.meta.effect, pattern),
            Value::Keyword(phrase) => phrase_breadth(phrase),
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

    fn breadth(&mut self, effect: Effect, pattern: &NumberPattern) -> Result<(), String> {
        if !matches!(effect, Effect::Block) {
            return Ok(());
        }
        let (first, share) = match pattern {
            NumberPattern::Exact(_) => return Ok(()),
            NumberPattern::Prefix(prefix) => (prefix, width(prefix.digits.len())),
            NumberPattern::Range { first, last, .. } => {
                let value = |text: &str| text.parse::<f64>().unwrap_or(0.0);
                let count = value(&last.digits) - value(&first.digits) + 1.0;
                (first, count * width(first.digits.len()))
            }
        };
        if first.region.is_some() {
            if first.digits.len() >= REGIONAL_DIGITS_MIN {
                return Ok(());
            }
            return Err(format!(
                "too broad: a blocking prefix of a region's own plan needs at least \
                 {REGIONAL_DIGITS_MIN} digits"
            ));
        }
        self.blocked_share += share;
        if self.blocked_share <= BLOCKED_SHARE_MAX {
            return Ok(());
        }
        Err(format!(
            "too broad: with this line the list blocks {:.1} % of all numbers, at most {:.1} % \
             are allowed; use longer prefixes, or effect=label or effect=score",
            self.blocked_share * 100.0,
            BLOCKED_SHARE_MAX * 100.0
        ))
    }
}

/// The share of the number space behind so many leading digits.
fn width(digits: usize) -> f64 {
    10f64.powi(-i32::try_from(digits).unwrap_or(i32::MAX))
}

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
