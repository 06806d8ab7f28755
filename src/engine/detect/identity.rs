//! Can the originator be what it shows, on this trunk, with this verification?
//!
//! First version: what one request and the class table tell. The full table of class x trunk x
//! presentation x roaming x attestation belongs to the call work.

use super::Hits;
use crate::engine::context::{Context, from_abroad};
use crate::engine::hit::Hit;
use crate::engine::numbers::{Malformed, Normalised, Plans};
use crate::model::attempt::{Attempt, Presentation, Roaming, TrunkClass, VerificationStatus};
use crate::model::category::Category;
use crate::model::entry::{ClassRow, Effect, FromAbroad, NumberClass, Origination};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::verdict::{LabelKey, ReasonCode};

/// Points, chosen against the default thresholds (300 label, 600 hold, 850 block).
mod points {
    /// A malformed originator from abroad: held, hardly any honest call looks so.
    pub const MALFORMED_FROM_ABROAD: i16 = 650;
    /// A malformed originator at home: labelled, switchboards misconfigure theirs.
    pub const MALFORMED: i16 = 320;
    /// A message from what can be no address: noted, much equipment is careless there.
    pub const MALFORMED_SENDER: i16 = 120;
    /// No originator at all from abroad: labelled.
    pub const MISSING_FROM_ABROAD: i16 = 320;
    /// No originator at all at home: noted.
    pub const MISSING: i16 = 120;
    /// Withheld is a right of the caller: noted.
    pub const WITHHELD: i16 = 60;
    /// A service number from a line that nobody registered for it.
    pub const UNBOUND_SERVICE: i16 = 400;
    /// Failed verification alone reaches a label, never more.
    pub const VERIFICATION_FAILED: i16 = 320;
}

/// Adds what the originator's form, class and verification tell.
pub(in crate::engine) fn check<'r>(
    plans: &Plans,
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    hits: &mut Hits<'r>,
) {
    let abroad = from_abroad(attempt);
    match &context.originator {
        Normalised::Missing => missing(attempt, abroad, hits),
        Normalised::Malformed(why) if attempt.traffic == Traffic::Message => {
            malformed_sender(attempt, *why, hits);
        }
        Normalised::Malformed(_) => malformed(attempt, abroad, hits),
        // Letters are a sender id in a message and nonsense in a call.
        Normalised::Lettered if attempt.traffic == Traffic::Call => {
            malformed(attempt, abroad, hits);
        }
        Normalised::Lettered => {}
        Normalised::Number(number) => {
            if attempt.originator.presentation == Presentation::Restricted {
                hits.push(withheld());
            }
            if !context.identity_proven
                && let Some(row) = plans.classify(number)
            {
                class(context, attempt, row, abroad, hits);
            }
        }
    }
    if attempt.ingress.trusted && attempt.verification == VerificationStatus::Failed {
        let effect = Effect::Score(points::VERIFICATION_FAILED);
        let hit =
            Hit::found(ReasonCode::VerificationFailed, Category::ID05, effect, Ground::Analytics);
        hits.push(hit.capped(Action::Label));
    }
}

fn raw_evidence(attempt: &Attempt<'_>) -> String {
    let head = &attempt.originator.raw[..attempt.originator.raw.len().min(64)];
    String::from_utf8_lossy(head).into_owned()
}

fn missing(attempt: &Attempt<'_>, abroad: bool, hits: &mut Hits<'_>) {
    if attempt.originator.presentation == Presentation::Restricted {
        hits.push(withheld());
        return;
    }
    let points = if abroad { points::MISSING_FROM_ABROAD } else { points::MISSING };
    hits.push(Hit::found(
        ReasonCode::OriginatorMissing,
        Category::ID07,
        Effect::Score(points),
        Ground::InvalidNumber,
    ));
}

fn withheld<'r>() -> Hit<'r> {
    let effect = Effect::Score(points::WITHHELD);
    Hit::found(ReasonCode::OriginatorWithheld, Category::ID07, effect, Ground::Analytics)
}

fn malformed(attempt: &Attempt<'_>, abroad: bool, hits: &mut Hits<'_>) {
    let points = if abroad { points::MALFORMED_FROM_ABROAD } else { points::MALFORMED };
    let hit = Hit::found(
        ReasonCode::OriginatorMalformed,
        Category::ID03,
        Effect::Score(points),
        Ground::InvalidNumber,
    );
    hits.push(hit.at(None, &raw_evidence(attempt)));
}

/// Messages come from short codes of many plans: digits that no plan knows say nothing there, and
/// only what can be no address at all is noted.
fn malformed_sender(attempt: &Attempt<'_>, why: Malformed, hits: &mut Hits<'_>) {
    if !matches!(why, Malformed::AllZeros | Malformed::BadCharacter | Malformed::TooLong) {
        return;
    }
    let hit = Hit::found(
        ReasonCode::OriginatorMalformed,
        Category::ID03,
        Effect::Score(points::MALFORMED_SENDER),
        Ground::InvalidNumber,
    );
    hits.push(hit.at(None, &raw_evidence(attempt)));
}

/// What the class of the originator's number says about this trunk.
fn class<'r>(
    context: &Context<'r>,
    attempt: &Attempt<'_>,
    row: &ClassRow,
    abroad: bool,
    hits: &mut Hits<'r>,
) {
    let domestic = row.region == context.region;
    // A call that was forwarded abroad comes home with its first caller's number; but nobody ever
    // had a call from a number that cannot call.
    let forwarded = attempt.diverted && row.origination != Origination::Never;
    if abroad && domestic && !forwarded {
        class_from_abroad(attempt, row, hits);
        return;
    }
    let calls = attempt.traffic == Traffic::Call;
    if !calls || !domestic || abroad {
        return;
    }
    match row.origination {
        Origination::Yes => {}
        Origination::Never => {
            let effect = Effect::Block;
            let code = ReasonCode::ReceiveOnlyOriginator;
            hits.push(spoof(code, Category::ID04, effect, attempt));
        }
        // Lines of our own and of resellers show what is registered to them; an interconnect
        // carries other networks' service numbers, whose registers we do not have.
        Origination::Bound
            if matches!(
                attempt.ingress.trunk_class,
                TrunkClass::Retail | TrunkClass::Enterprise | TrunkClass::Voip
            ) =>
        {
            let effect = Effect::Score(points::UNBOUND_SERVICE);
            let code = ReasonCode::ReceiveOnlyOriginator;
            hits.push(spoof(code, Category::ID04, effect, attempt));
        }
        Origination::Bound => {}
    }
}

fn class_from_abroad(attempt: &Attempt<'_>, row: &ClassRow, hits: &mut Hits<'_>) {
    let subscriber_line =
        matches!(row.class, NumberClass::Mobile | NumberClass::Mvno | NumberClass::Fixed);
    let category = if subscriber_line { Category::ID01 } else { Category::ID04 };
    match (row.from_abroad, attempt.roaming) {
        (FromAbroad::Allow, _) | (FromAbroad::Roaming, Roaming::ConfirmedAbroad) => {}
        (FromAbroad::Block, _) | (FromAbroad::Roaming, Roaming::ConfirmedHome) => {
            hits.push(spoof(ReasonCode::DomesticFromAbroad, category, Effect::Block, attempt));
        }
        // A subscriber abroad calls home by a roaming partner's trunk: nothing strange.
        (FromAbroad::Roaming, Roaming::Unknown)
            if attempt.ingress.trunk_class == TrunkClass::Roaming => {}
        (FromAbroad::Roaming, Roaming::Unknown) => hits.push(Hit::found(
            ReasonCode::InternationalOrigin,
            Category::ID01,
            Effect::Label(LabelKey::InternationalOrigin),
            Ground::Policy,
        )),
    }
}

fn spoof<'r>(
    code: ReasonCode,
    category: Category,
    effect: Effect,
    attempt: &Attempt<'_>,
) -> Hit<'r> {
    Hit::found(code, category, effect, Ground::InvalidNumber).at(None, &raw_evidence(attempt))
}
