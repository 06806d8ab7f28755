//! Golden tables of policy and numbers: lists, an attempt, and the whole verdict that follows, in
//! one line of text.
//!
//! A line reads `ACTION[/WOULD] risk category ground label | reason | … | FLAG …`; see
//! [`support::cases::line`]. Points never hang on two phrases of one category.

mod support;

use ringfence::engine::screen;
use ringfence::model::attempt::{
    Attestation, NatureOfAddress, Presentation, Roaming, StateFacts, TrunkClass, VerificationStatus,
};
use ringfence::model::number::Region;
use ringfence::model::policy::{Action, Traffic};
use support::cases::*;

#[test]
fn modes_and_what_the_caller_can_do() {
    let block = || numbers("effect=block category=CN08", FROM);
    let trunk = |mode: &str| list("t", "trunk", "trunk mode", &format!("T1\t{mode}"));
    let hold = || numbers("points=700 category=CN08", FROM);
    check(vec![
        (
            "enforce",
            block(),
            basic(FROM),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001",
        ),
        (
            "label-only",
            block() + &policy("mode\tlabel-only"),
            basic(FROM),
            "LABEL/BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 \
          | MODE_LIMITED",
        ),
        (
            "observe shows nothing to anybody",
            block() + &policy("mode\tobserve"),
            basic(FROM),
            "ALLOW/BLOCK 1000 CN08 ANALYTICS - | NumberListed a=+8613900000001 | MODE_LIMITED",
        ),
        (
            "a trunk softer than its tenant",
            block() + &trunk("label-only"),
            on_trunk(basic(FROM), "T1"),
            "LABEL/BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 \
          | MODE_LIMITED",
        ),
        (
            "a trunk harder than its tenant",
            block() + &trunk("enforce") + &policy("mode\tobserve"),
            on_trunk(basic(FROM), "T1"),
            "ALLOW/BLOCK 1000 CN08 ANALYTICS - | NumberListed a=+8613900000001 | MODE_LIMITED",
        ),
        (
            "another trunk",
            block() + &trunk("observe"),
            on_trunk(basic(FROM), "T2"),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001",
        ),
        (
            "no blocks: hold",
            block(),
            supports(basic(FROM), &[Action::Hold, Action::Label]),
            "HOLD/BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 \
          | ACTION_DEGRADED",
        ),
        (
            "no holds: label",
            hold(),
            supports(basic(FROM), &[Action::Block, Action::Label]),
            "LABEL/HOLD 700 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 +700 \
          | ACTION_DEGRADED",
        ),
        (
            "blocks only: a hold becomes nothing",
            hold(),
            supports(basic(FROM), &[Action::Block]),
            "ALLOW/HOLD 700 CN08 ANALYTICS - | NumberListed a=+8613900000001 +700 | ACTION_DEGRADED",
        ),
    ]);
}

#[test]
fn ceilings() {
    let feed = |points: i16, row: &str| {
        format!("points={points} category=CN08 ceiling=label\n%columns value\n{row}\n")
    };
    let two = |low: i16, high: i16| {
        format!("%list f kind=number {}", feed(low, FROM))
            + &numbers(&format!("points={high} category=CN08"), FROM)
    };
    let otp = || {
        list(
            "otp",
            "conjunction points=-100 category=OK02 caps-text=label",
            "id all",
            "o\t验证码 ; @code",
        )
    };
    let scam = || words("points=900 category=CN08", "安全账户");
    let code = "验证码123456，请转到安全账户";
    check(vec![
        (
            "nuisance is at most a label",
            numbers("effect=block category=NU01", FROM),
            basic(FROM),
            "LABEL 1000 NU01 ANALYTICS marketing | NumberListed a=+8613900000001 | CEILING_LIMITED",
        ),
        (
            "a feed is capped",
            two(900, 1),
            basic(FROM),
            "LABEL 901 CN08 ANALYTICS suspected-fraud | NumberListed f=+8613900000001 +900 \
          | NumberListed a=+8613900000001 +1 | CEILING_LIMITED",
        ),
        (
            "points under a low ceiling lift no others",
            two(500, 599),
            basic(FROM),
            "LABEL 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 +599 \
          | NumberListed f=+8613900000001 +500 | CEILING_LIMITED",
        ),
        (
            "a capped block does not soften another",
            format!("%list f kind=number effect=block {}", feed(0, FROM).replace("points=0 ", ""))
                + &numbers("effect=block category=CN01", "+861390000*"),
            basic(FROM),
            "BLOCK 1000 CN01 ANALYTICS suspected-fraud | NumberListed f=+8613900000001 \
          | PrefixListed a=+861390000*",
        ),
        (
            "a capped phrase takes no points from another",
            list("f", "keyword points=700 category=CN08 ceiling=label", "value", "安全账户")
                + &words("points=650 category=CN08", "立即转账"),
            message(FROM, "立即转账到安全账户"),
            "HOLD 1000 CN08 ANALYTICS suspected-fraud | Keyword f=安全账户 +700 «安全账户» \
          | Keyword w=立即转账 +650 «立即转账» | CEILING_LIMITED",
        ),
        (
            "an order with a ceiling lifts no block that an allow goes before",
            list(
                "o",
                "number effect=block ground=order ceiling=hold authority=x case=1 \
                 valid-until=2099-01-01",
                "value",
                FROM,
            ) + &numbers("effect=block category=CN08", FROM)
                + &list("ok", "number effect=allow", "value", FROM)
                + &list("t", "trunk", "trunk number", &format!("T1\t{FROM}")),
            on_trunk(basic(FROM), "T1"),
            "HOLD 1000 - ORDER - | LegalOrder o=+8613900000001 | AllowListed ok=+8613900000001 \
          | NumberListed a=+8613900000001 | CEILING_LIMITED",
        ),
        (
            "text alone never blocks",
            words("points=1000 category=CN08 ceiling=block", "安全账户"),
            message(FROM, "转到安全账户"),
            "HOLD 1000 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 +1000 «安全账户» \
          | CEILING_LIMITED",
        ),
        (
            "a blocking phrase neither",
            words("effect=block category=CN08 ceiling=block", "安全账户"),
            message(FROM, "转到安全账户"),
            "HOLD 1000 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 «安全账户» \
          | CEILING_LIMITED",
        ),
        (
            "unless the policy says so",
            words("points=1000 category=CN08 ceiling=block", "安全账户")
                + &policy("text-ceiling\tblock"),
            message(FROM, "转到安全账户"),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 +1000 «安全账户»",
        ),
        (
            "a one-time code is never held by its text",
            scam() + &otp(),
            message(FROM, code),
            "LABEL 800 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 +900 «安全账户» \
          | BenignProfile otp=o -100 «验证码123456» | CEILING_LIMITED",
        ),
        (
            "but by its sender",
            scam() + &otp() + &numbers("points=750 category=CN08", FROM),
            message(FROM, code),
            "HOLD 1000 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 +900 «安全账户» \
          | NumberListed a=+8613900000001 +750 | BenignProfile otp=o -100 «验证码123456» \
          | CEILING_LIMITED",
        ),
    ]);
}

#[test]
fn thresholds() {
    for (points, want) in [
        (299, "ALLOW 299 CN08 - -"),
        (300, "LABEL 300 CN08 ANALYTICS suspected-fraud"),
        (599, "LABEL 599 CN08 ANALYTICS suspected-fraud"),
        (600, "HOLD 600 CN08 ANALYTICS suspected-fraud"),
        (849, "HOLD 849 CN08 ANALYTICS suspected-fraud"),
        (850, "BLOCK 850 CN08 ANALYTICS suspected-fraud"),
    ] {
        let ruleset = ruleset(&numbers(&format!("points={points} category=CN08"), FROM));
        let mut attempt = basic(FROM);
        for traffic in [Traffic::Call, Traffic::Message] {
            attempt.traffic = traffic;
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            let reason = format!(" | NumberListed a=+8613900000001 +{points}");
            assert_eq!(line(&verdict), want.to_owned() + &reason);
            let held = verdict.action == Action::Hold && traffic == Traffic::Message;
            assert_eq!(verdict.hold_max_s, if held { 3600 } else { 0 });
        }
    }
}

#[test]
fn allows_need_a_proven_identity() {
    let lists = || {
        list("ok", "number effect=allow", "value", FROM)
            + &numbers("points=900 category=CN08", FROM)
            + &list("t", "trunk", "trunk number sender", "T1\t+8613900000001\nT2\t\tMyBank")
    };
    let attested = |trusted: bool, attestation, verification| {
        with(basic(FROM), |a| {
            a.ingress.trusted = trusted;
            (a.attestation, a.verification) = (attestation, verification);
        })
    };
    let applied = "ALLOW 900 OK01 ANALYTICS - | AllowListed ok=+8613900000001 \
                   | NumberListed a=+8613900000001 +900";
    let refused = "BLOCK 900 CN08 ANALYTICS suspected-fraud \
                   | NumberListed a=+8613900000001 +900 | AllowNotApplied ok=+8613900000001";
    let ignored = "BLOCK 900 CN08 ANALYTICS suspected-fraud \
                   | NumberListed a=+8613900000001 +900 | AllowNotApplied ok=+8613900000001 \
                   | VERIFICATION_IGNORED";
    let (full, passed) = (Attestation::Full, VerificationStatus::Passed);
    let sender = || {
        list("ok", "sender effect=allow", "value match", "MyBank\texact")
            + &words("points=700 category=GL01", "transfer")
            + &list("t", "trunk", "trunk sender", "T2\tMyBank")
    };
    check(vec![
        ("nobody vouches", lists(), basic(FROM), refused),
        ("the bound trunk does", lists(), on_trunk(basic(FROM), "T1"), applied),
        ("another trunk does not", lists(), on_trunk(basic(FROM), "T2"), refused),
        ("full, passed, trusted", lists(), attested(true, full, passed), applied),
        ("partial", lists(), attested(true, Attestation::Partial, passed), refused),
        ("not performed", lists(), attested(true, full, VerificationStatus::NotPerformed), refused),
        ("not trusted", lists(), attested(false, full, passed), ignored),
        (
            "a sender on its account",
            sender(),
            on_trunk(message("MYBANK", "transfer it"), "T2"),
            "ALLOW 700 OK01 ANALYTICS - | AllowListed ok=mybank | Keyword w=transfer +700 «transfer»",
        ),
        (
            "a sender elsewhere",
            sender(),
            message("MyBank", "transfer it"),
            "HOLD 700 GL01 ANALYTICS suspected-fraud | Keyword w=transfer +700 «transfer» \
          | AllowNotApplied ok=mybank",
        ),
    ]);
}

#[test]
fn numbers_in_every_form() {
    let hit = "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001";
    let exact = || numbers("effect=block category=CN08", FROM);
    let national = |raw, nature| with(basic(raw), |a| a.originator.nature = nature);
    let mut cases: Vec<Case> = [
        "13900000001",
        "+8613900000001",
        "8613900000001",
        "008613900000001",
        "+86 139-0000-0001",
        "tel:+8613900000001",
        "013900000001",
    ]
    .into_iter()
    .map(|raw| (raw, exact(), basic(raw), hit))
    .collect();
    let none = "ALLOW 0 - - -";
    let short = || numbers("effect=block category=CN08", "CN:95511");
    let short_hit = "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=CN:95511";
    let range = |rows: &str| numbers("effect=block category=CN08", rows);
    cases.extend([
        ("international", exact(), national("8613900000001", NatureOfAddress::International), hit),
        ("national", exact(), national("13900000001", NatureOfAddress::National), hit),
        (
            "seen from elsewhere",
            exact(),
            with(basic("01186 13900000001"), |a| a.region = Region::parse("US")),
            hit,
        ),
        ("the next number", exact(), basic("13900000002"), none),
        (
            "prefix",
            range("+861390000*"),
            basic(FROM),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | PrefixListed a=+861390000*",
        ),
        ("not the prefix", range("+861390001*"), basic(FROM), none),
        (
            "closed range, last",
            range("+8613900000000-+8613900000001"),
            basic(FROM),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | PrefixListed a=+8613900000001*",
        ),
        ("closed range, past it", range("+8613900000002-+8613900000009"), basic(FROM), none),
        (
            "closed range, longer number",
            range("+493012340000-+493012349999"),
            basic("+4930123400001"),
            none,
        ),
        (
            "open range, longer number",
            range("+493012340*-+493012349*"),
            basic("+4930123400001"),
            "BLOCK 1000 CN08 ANALYTICS suspected-fraud | PrefixListed a=+49301234*",
        ),
        ("short code", short(), basic("95511"), short_hit),
        ("short code with country code", short(), basic("+8695511"), short_hit),
        (
            "short code of another plan",
            short(),
            with(basic("95511"), |a| a.region = Region::parse("US")),
            none,
        ),
    ]);
    check(cases);
}

#[test]
fn originators_from_abroad_and_at_home() {
    let roaming = |roaming| with(abroad(FROM), |a| a.roaming = roaming);
    let none = "ALLOW 0 - - -";
    let spoof = "BLOCK 1000 ID01 INVALID_NUMBER suspected-fraud | DomesticFromAbroad \
                 «+8613900000001»";
    let retail = |from| with(basic(from), |a| a.ingress.trunk_class = TrunkClass::Retail);
    let neutral = "LABEL 0 - POLICY international-origin | InternationalOrigin";
    let cases = [
        (
            "a line in Beijing",
            abroad("+861065550110"),
            "BLOCK 1000 ID01 INVALID_NUMBER suspected-fraud | DomesticFromAbroad «+861065550110»",
        ),
        ("a mobile, roaming unknown", abroad(FROM), neutral),
        ("a mobile that is abroad", roaming(Roaming::ConfirmedAbroad), none),
        ("a mobile that is at home", roaming(Roaming::ConfirmedHome), spoof),
        ("a diverted leg", with(roaming(Roaming::ConfirmedHome), |a| a.diverted = true), none),
        (
            "a bank's service number",
            abroad("95588"),
            "BLOCK 1000 ID04 INVALID_NUMBER suspected-fraud | DomesticFromAbroad «95588»",
        ),
        (
            "a company's number",
            abroad("+864008001234"),
            "BLOCK 1000 ID04 INVALID_NUMBER suspected-fraud | DomesticFromAbroad «+864008001234»",
        ),
        ("a foreign number", abroad("+14155550123"), none),
        ("a line in Beijing at home", retail("+86 10 6555 0110"), none),
        ("the same, national", retail("010 6555 0110"), none),
        (
            "an access code",
            retail("1065550110"),
            "LABEL 400 ID04 INVALID_NUMBER suspected-fraud | ReceiveOnlyOriginator +400 «1065550110»",
        ),
        (
            "400 on a line that nobody registered",
            retail("4008001234"),
            "LABEL 400 ID04 INVALID_NUMBER suspected-fraud | ReceiveOnlyOriginator +400 «4008001234»",
        ),
        ("400 from another network", basic("4008001234"), none),
        (
            "the police from abroad",
            abroad("110"),
            "BLOCK 1000 ID04 INVALID_NUMBER suspected-fraud | ReceiveOnlyOriginator \
          numbers.emergency=CN:110 | DomesticFromAbroad «110»",
        ),
        (
            "withheld, with a number",
            with(basic(FROM), |a| a.originator.presentation = Presentation::Restricted),
            "ALLOW 60 ID07 - - | OriginatorWithheld +60",
        ),
        (
            "withheld, without",
            with(abroad(""), |a| a.originator.presentation = Presentation::Restricted),
            "ALLOW 60 ID07 - - | OriginatorWithheld +60",
        ),
        (
            "missing from abroad",
            abroad(""),
            "LABEL 320 ID07 INVALID_NUMBER unverified-sender | OriginatorMissing +320",
        ),
        ("missing at home", basic(""), "ALLOW 120 ID07 - - | OriginatorMissing +120"),
        (
            "verification failed",
            with(basic(FROM), |a| {
                (a.ingress.trusted, a.verification) = (true, VerificationStatus::Failed);
            }),
            "LABEL 320 ID05 ANALYTICS suspected-fraud | VerificationFailed +320",
        ),
        (
            "so says nobody trusted",
            with(basic(FROM), |a| a.verification = VerificationStatus::Failed),
            "ALLOW 0 - - - | VERIFICATION_IGNORED",
        ),
        (
            "an unknown enum value",
            with(basic(FROM), |a| a.unknown_enum = true),
            "ALLOW 0 - - - | DEGRADED UNKNOWN_ENUM",
        ),
        (
            "a recipient that is no number",
            call(FROM, "+86nobody"),
            "ALLOW 0 - - - | DEGRADED RECIPIENT_MALFORMED",
        ),
    ];
    check(cases.into_iter().map(|(name, ask, want)| (name, String::new(), ask, want)).collect());
}

#[test]
fn originators_that_are_no_numbers() {
    let (forty, four_hundred) = ("1".repeat(40).leak(), "7".repeat(400).leak());
    for raw in ["0", forty, four_hundred, "callme", "+86callme", "000000", "010123456", "1*2#3"] {
        let shown = &raw[..raw.len().min(64)];
        let reason = |points| format!("| OriginatorMalformed +{points} «{shown}»");
        let all = |points, action: &str, label: &str| {
            format!("{action} {points} ID03 {label} {}", reason(points))
        };
        let suspected = "INVALID_NUMBER suspected-fraud";
        let bad_text = raw != "010123456";
        let sent = match raw {
            "callme" | "+86callme" => "ALLOW 0 - - -".to_owned(),
            _ if bad_text => all(120, "ALLOW", "- -"),
            _ => "ALLOW 0 - - -".to_owned(),
        };
        check(vec![
            (raw, String::new(), abroad(raw), all(650, "HOLD", suspected).leak()),
            (raw, String::new(), basic(raw), all(320, "LABEL", suspected).leak()),
            (raw, String::new(), message(raw, "hi"), sent.leak()),
        ]);
    }
}
