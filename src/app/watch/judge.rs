//! When something decides too much: limits and the judgement, without any state.

/// Verdicts that one thing may decide whatever its share: below that a share says nothing, and a
/// test by hand or a small attack must not take an entry out.
pub const VERDICTS_MIN: u64 = 50;
/// Hundredths of all verdicts that one entry may decide: scam traffic as a whole is a few percent
/// of a network's, so that one entry that is right stays far below it.
pub const ENTRY_PERCENT: u64 = 1;
/// Hundredths that a list, or what one change brought to it, may decide: all scam traffic of a
/// network in a bad hour.
pub const LIST_PERCENT: u64 = 5;
/// Hundredths of one trunk's attempts that one thing may decide: a trunk may be bad, but a change
/// that stops a fifth of it is looked at by a person first.
pub const TRUNK_PERCENT: u64 = 20;
/// Attempts on a trunk from which on its share is looked at: with fewer, chance decides.
pub const TRUNK_ATTEMPTS_MIN: u64 = 100;

/// What is measured: its limit depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// One entry.
    Entry,
    /// A list, or several entries of one.
    List,
}

impl Scale {
    fn percent(self) -> u64 {
        match self {
            Scale::Entry => ENTRY_PERCENT,
            Scale::List => LIST_PERCENT,
        }
    }
}

/// What was counted since a thing is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What it is.
    pub scale: Scale,
    /// All verdicts.
    pub verdicts: u64,
    /// Those that it decided.
    pub decided: u64,
    /// The same of each trunk: attempts, decided.
    pub trunks: Vec<(u64, u64)>,
}

/// How much too much it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// Verdicts that it decided.
    pub decided: u64,
    /// Out of so many.
    pub of: u64,
    /// It may decide so many.
    pub limit: u64,
    /// Those of one trunk only; else of all traffic.
    pub of_trunk: bool,
}

/// Does it decide more than its limit, of all verdicts or of one trunk's?
pub fn judge(window: &Window) -> Option<Over> {
    let percent = |of: u64, percent: u64| of.saturating_mul(percent) / 100;
    let (decided, of) = (window.decided, window.verdicts);
    let limit = percent(of, window.scale.percent()).max(VERDICTS_MIN);
    if decided > limit {
        return Some(Over { decided, of, limit, of_trunk: false });
    }
    let trunks = window.trunks.iter().filter(|(attempts, _)| *attempts >= TRUNK_ATTEMPTS_MIN);
    trunks
        .map(|&(of, decided)| {
            let limit = percent(of, TRUNK_PERCENT);
            Over { decided, of, limit, of_trunk: true }
        })
        .find(|over| over.decided > over.limit)
}
