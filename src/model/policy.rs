//! What may be done: actions, grounds, modes, thresholds.

use super::number::Region;

/// The closed set of actions, weakest first; the order is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Complete it.
    #[default]
    Allow,
    /// Complete it and tell the recipient.
    Label,
    /// Voice: announcement or challenge. SMS: the carrier keeps it for a while.
    Hold,
    /// Do not complete it.
    Block,
}

impl Action {
    /// All, weakest first.
    pub const ALL: [Action; 4] = [Action::Allow, Action::Label, Action::Hold, Action::Block];

    /// Upper-case name as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "ALLOW",
            Action::Label => "LABEL",
            Action::Hold => "HOLD",
            Action::Block => "BLOCK",
        }
    }

    /// From a name in either case.
    pub fn parse(text: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str().eq_ignore_ascii_case(text))
    }
}

/// Which actions the caller can carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionSet(u8);

impl ActionSet {
    /// All four: what an integration that does not say is taken to support.
    pub const ALL: ActionSet = ActionSet(0b1111);

    /// From a list; ALLOW is always in.
    pub fn from_actions(actions: impl IntoIterator<Item = Action>) -> ActionSet {
        ActionSet(actions.into_iter().fold(1, |bits, action| bits | 1 << action as u8))
    }

    /// Is it in?
    #[inline]
    pub fn contains(self, action: Action) -> bool {
        self.0 >> action as u8 & 1 == 1
    }

    /// The wanted action, or the next weaker one that is supported: never upward.
    #[inline]
    pub fn degrade(self, wanted: Action) -> Action {
        let weaker = Action::ALL.into_iter().rev().filter(|action| *action <= wanted);
        weaker.into_iter().find(|action| self.contains(*action)).unwrap_or(Action::Allow)
    }
}

/// Why we may act at all; decides treatment and redress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// Our own analysis of risk.
    Analytics,
    /// The number cannot be what it claims: invalid, unallocated, do-not-originate.
    InvalidNumber,
    /// The subscriber's own choice.
    Subscriber,
    /// A legal order: authority, case and expiry are on record.
    Order,
    /// The carrier's own policy.
    Policy,
}

impl Ground {
    /// All, in a fixed order.
    pub const ALL: [Ground; 5] = [
        Ground::Analytics,
        Ground::InvalidNumber,
        Ground::Subscriber,
        Ground::Order,
        Ground::Policy,
    ];

    /// Upper-case name as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Ground::Analytics => "ANALYTICS",
            Ground::InvalidNumber => "INVALID_NUMBER",
            Ground::Subscriber => "SUBSCRIBER",
            Ground::Order => "ORDER",
            Ground::Policy => "POLICY",
        }
    }

    /// From a name in either case; `-` and `_` are the same.
    pub fn parse(text: &str) -> Option<Ground> {
        let text = text.replace('-', "_");
        Ground::ALL.into_iter().find(|ground| ground.as_str().eq_ignore_ascii_case(&text))
    }
}

/// How far a tenant or trunk lets verdicts bite; softest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Everything is answered ALLOW; `would_action` tells the rest. A new tenant starts here.
    #[default]
    Observe,
    /// At most LABEL.
    LabelOnly,
    /// As decided.
    Enforce,
}

impl Mode {
    /// The strongest action the mode lets through.
    pub fn ceiling(self) -> Action {
        match self {
            Mode::Observe => Action::Allow,
            Mode::LabelOnly => Action::Label,
            Mode::Enforce => Action::Block,
        }
    }

    /// Lower-case name as in packs and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Observe => "observe",
            Mode::LabelOnly => "label-only",
            Mode::Enforce => "enforce",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Mode> {
        [Mode::Observe, Mode::LabelOnly, Mode::Enforce].into_iter().find(|m| m.as_str() == text)
    }
}

/// Calls or messages: they share one engine and differ in policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Traffic {
    /// Pre-answer voice set-up.
    Call,
    /// One SMS as submitted.
    Message,
}

impl Traffic {
    /// Metric label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Traffic::Call => "call",
            Traffic::Message => "message",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Traffic> {
        [Traffic::Call, Traffic::Message].into_iter().find(|traffic| traffic.as_str() == text)
    }
}

/// The highest risk there is.
pub const RISK_MAX: u16 = 1000;

/// From which risk on which action is wanted. Invariant: `label <= hold <= block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// LABEL from here.
    pub label: u16,
    /// HOLD from here.
    pub hold: u16,
    /// BLOCK from here.
    pub block: u16,
}

impl Thresholds {
    /// The action that a risk calls for.
    #[inline]
    pub fn action(self, risk: u16) -> Action {
        if risk >= self.block {
            Action::Block
        } else if risk >= self.hold {
            Action::Hold
        } else if risk >= self.label {
            Action::Label
        } else {
            Action::Allow
        }
    }
}

impl Default for Thresholds {
    /// Label from 300, hold from 600, block from 850. Chosen so that one strong phrase labels, two
    /// hold, and only facts of several kinds block.
    fn default() -> Self {
        Thresholds { label: 300, hold: 600, block: 850 }
    }
}

/// Policy of one tenant (or the default one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For calls.
    pub call: Thresholds,
    /// For messages.
    pub message: Thresholds,
    /// How far verdicts bite.
    pub mode: Mode,
    /// Region for numbers that do not say theirs.
    pub default_region: Region,
    /// The most that text or a model alone may do.
    pub text_ceiling: Action,
    /// How long a held message may be kept, seconds.
    pub hold_max_s: u32,
}

impl Policy {
    /// Thresholds for one kind of traffic.
    #[inline]
    pub fn thresholds(&self, traffic: Traffic) -> Thresholds {
        match traffic {
            Traffic::Call => self.call,
            Traffic::Message => self.message,
        }
    }
}

impl Default for Policy {
    /// A new tenant: observe, region CN, text alone at most HOLD, held for at most an hour.
    fn default() -> Self {
        Policy {
            call: Thresholds::default(),
            message: Thresholds::default(),
            mode: Mode::Observe,
            default_region: Region::CN,
            text_ceiling: Action::Hold,
            hold_max_s: 3600,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsupported_action_degrades_and_never_rises() {
        let set = ActionSet::from_actions([Action::Label]);
        assert_eq!(set.degrade(Action::Block), Action::Label);
        assert_eq!(set.degrade(Action::Allow), Action::Allow);
        let blocks = ActionSet::from_actions([Action::Block]);
        assert_eq!(blocks.degrade(Action::Hold), Action::Allow);
        for wanted in Action::ALL {
            assert_eq!(ActionSet::ALL.degrade(wanted), wanted);
        }
    }
}
