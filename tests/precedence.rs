//! Who has the last word: guard, orders, subscribers, tenants, everybody, points; and who has no
//! say at all: watch and shadow entries.

mod support;

use ringfence::engine::{Ruleset, screen};
use ringfence::model::attempt::{Attempt, Roaming, StateFacts, TrunkClass};
use ringfence::model::category::Category;
use ringfence::model::entry::{
    Effect, Entry, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId, Value,
};
use ringfence::model::number::{E164Number, Number};
use ringfence::model::policy::{Action, Ground};
use ringfence::model::time::Validity;
use ringfence::model::verdict::{Flags, LabelKey, ReasonCode, Verdict};
use support::cases::{
    FROM, NOW, TO, abroad, builder, call, finish, line, list, message, ruleset, supports, with,
};

const TENANT: TenantId = TenantId(7);

fn number(text: &str) -> Number {
    Number::E164(E164Number::from_digits(&text.as_bytes()[1..]).expect("a number"))
}

/// A step of the ladder, strongest first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Order(Effect),
    Subscriber(Effect),
    Tenant(Effect),
    Global(Effect),
}

const LADDER: [Step; 9] = [
    Step::Order(Effect::Block),
    Step::Order(Effect::Allow),
    Step::Subscriber(Effect::Block),
    Step::Subscriber(Effect::Allow),
    Step::Tenant(Effect::Allow),
    Step::Global(Effect::Allow),
    Step::Tenant(Effect::Block),
    Step::Global(Effect::Block),
    Step::Global(Effect::Score(400)),
];

/// Its place; steps of one place are never set against each other.
fn rank(step: Step) -> usize {
    match step {
        Step::Order(_) => 0,
        Step::Subscriber(_) => 1,
        Step::Tenant(Effect::Allow) => 2,
        Step::Global(Effect::Allow) => 3,
        Step::Tenant(_) => 4,
        Step::Global(Effect::Block) => 5,
        Step::Global(_) => 6,
    }
}

fn action(step: Step) -> Action {
    match step {
        Step::Order(effect) | Step::Subscriber(effect) => match effect {
            Effect::Allow => Action::Allow,
            _ => Action::Block,
        },
        Step::Tenant(Effect::Allow) | Step::Global(Effect::Allow) => Action::Allow,
        Step::Global(Effect::Score(_)) => Action::Label,
        _ => Action::Block,
    }
}

fn spec(step: Step) -> (ListSpec, Entry<'static>) {
    let (effect, ground, tenant, subscriber) = match step {
        Step::Order(effect) => (effect, Ground::Order, TenantId::GLOBAL, None),
        Step::Subscriber(effect) => (effect, Ground::Subscriber, TENANT, Some(number(TO))),
        Step::Tenant(effect) => (effect, Ground::Policy, TENANT, None),
        Step::Global(effect) => (effect, Ground::Analytics, TenantId::GLOBAL, None),
    };
    let meta = EntryMeta {
        effect,
        category: Some(Category::CN08),
        validity: Validity::ALWAYS,
        shadow: false,
    };
    let spec = ListSpec {
        id: format!("{step:?}").into(),
        kind: ListKind::Number,
        title: "".into(),
        source: "".into(),
        party: Party::Originator,
        tenant,
        subscriber,
        traffic: None,
        ground,
        authority: "".into(),
        case: "".into(),
        ceiling: Action::Block,
        caps_text: None,
        meta,
    };
    (spec, Entry { value: Value::Number(NumberPattern::Exact(number(FROM))), meta })
}

fn with_steps(steps: &[Step], lists: &str) -> Ruleset {
    let mut builder = builder(&["numbers/", "policy/"], lists);
    for step in steps {
        let (spec, entry) = spec(*step);
        builder.list(&spec).expect("a list");
        builder.add(&entry).expect("an entry");
    }
    finish(builder)
}

/// A call on the trunk that [`FROM`] is bound to.
fn bound() -> Attempt<'static> {
    with(call(FROM, TO), |a| {
        a.tenant = TENANT;
        a.ingress.trunk_id = "T1";
    })
}

fn trunk() -> String {
    list("t", "trunk", "trunk number", &format!("T1\t{FROM}"))
}

fn ask<'r>(ruleset: &'r Ruleset, attempt: &Attempt<'_>) -> Verdict<'r> {
    screen(ruleset, attempt, &StateFacts::default(), NOW)
}

#[test]
fn each_level_goes_before_all_below() {
    for strong in LADDER {
        for weak in LADDER.into_iter().filter(|weak| rank(strong) < rank(*weak)) {
            for steps in [[strong, weak], [weak, strong]] {
                let ruleset = with_steps(&steps, &trunk());
                let verdict = ask(&ruleset, &bound());
                let name = format!("{strong:?} against {weak:?}: {}", line(&verdict));
                assert_eq!(verdict.action, action(strong), "{name}");
                assert_eq!(verdict.ground, Some(spec(strong).0.ground), "{name}");
                assert_eq!(verdict.reasons.len(), 2, "{name}");
                assert_eq!(verdict.reasons[0].list, format!("{strong:?}"), "{name}");
            }
        }
    }
}

#[test]
fn the_guard_goes_before_all() {
    for step in LADDER {
        let ruleset = with_steps(&[step], &trunk());
        let attempt = with(bound(), |a| a.recipient.raw = b"110");
        let verdict = ask(&ruleset, &attempt);
        assert_eq!(line(&verdict), "ALLOW 0 OK03 - - | ProtectedRecipient", "{step:?}");
    }
}

#[test]
fn lists_speak_to_their_own() {
    for (step, others) in [
        (Step::Tenant(Effect::Block), with(bound(), |a| a.tenant = TenantId(8))),
        (Step::Subscriber(Effect::Block), with(bound(), |a| a.recipient.raw = b"+8613800138001")),
    ] {
        let ruleset = with_steps(&[step], "");
        assert_eq!(ask(&ruleset, &bound()).action, Action::Block, "{step:?}");
        assert_eq!(line(&ask(&ruleset, &others)), "ALLOW 0 - - -", "{step:?}");
    }
}

#[test]
fn what_a_subscriber_blocks_is_blocked_whatever_it_is_called() {
    let (spec, mut entry) = spec(Step::Subscriber(Effect::Block));
    entry.meta.category = Some(Category::NU01);
    let mut builder = builder(&["numbers/", "policy/"], "");
    builder.list(&spec).expect("a list");
    builder.add(&entry).expect("an entry");
    let ruleset = finish(builder);
    let verdict = ask(&ruleset, &bound());
    assert_eq!((verdict.action, verdict.ground), (Action::Block, Some(Ground::Subscriber)));
}

#[test]
fn the_call_back_after_a_call_for_help() {
    let lists = list("a", "number effect=block category=CN08", "value", FROM);
    let ruleset = ruleset(&lists);
    let label = "LABEL 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001 \
                 | EmergencyCallback | CEILING_LIMITED";
    let block = "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001";
    for (age, want) in [(0, label), (3_600_000, label), (3_600_001, block)] {
        let facts = StateFacts { recipient_emergency_call_age_ms: Some(age) };
        assert_eq!(line(&screen(&ruleset, &call(FROM, TO), &facts, NOW)), want, "{age} ms");
    }
    // The recipient's own network tells of it: the trunk need not be trusted.
    let told = with(call(FROM, TO), |a| a.recipient_emergency_call_age_ms = Some(60_000));
    assert_eq!(line(&ask(&ruleset, &told)), label);
    let marked = |trusted| {
        with(call(FROM, TO), |a| (a.emergency_callback, a.ingress.trusted) = (true, trusted))
    };
    assert_eq!(line(&ask(&ruleset, &marked(true))), label);
    let ignored = format!("{block} | VERIFICATION_IGNORED");
    assert_eq!(line(&ask(&ruleset, &marked(false))), ignored);
}

#[test]
fn who_comes_in_by_a_roaming_partner() {
    let ruleset = ruleset("");
    let roaming = |from| with(call(from, TO), |a| a.ingress.trunk_class = TrunkClass::Roaming);
    let spoof = |from| line(&ask(&ruleset, &roaming(from)));
    assert!(spoof("110").starts_with("BLOCK"), "{}", spoof("110"));
    assert!(spoof("+8696110").starts_with("BLOCK"), "{}", spoof("+8696110"));
    // A subscriber abroad calls home.
    assert_eq!(spoof(FROM), "ALLOW 0 - - -");
    let diverted = with(abroad("110"), |a| a.diverted = true);
    assert!(line(&ask(&ruleset, &diverted)).starts_with("BLOCK"));
    let diverted = with(abroad(FROM), |a| a.diverted = true);
    assert_eq!(line(&ask(&ruleset, &diverted)), "ALLOW 0 - - -");
}

/// Lists with rows that others must not feel: attributes, columns, plain rows, quiet rows (a
/// column `effect` or `shadow` is added), and an attempt.
fn quiet_cases() -> Vec<(&'static str, &'static str, &'static str, &'static str, Attempt<'static>)>
{
    let brand = "id names domains";
    let home = with(abroad(FROM), |a| a.roaming = Roaming::ConfirmedAbroad);
    vec![
        ("number effect=block category=CN08", "value", FROM, "+861390000*", call(FROM, TO)),
        ("number effect=block category=CN08", "value", "+8613900000009", FROM, call(FROM, TO)),
        ("number effect=block category=CN08", "value", "+8613900000009", FROM, home),
        ("sender points=400 category=ID09", "value", "PayPal", "PayPa1", message("PayPa1", "hi")),
        ("sender points=400 category=ID09", "value", "PayPal", "PayPaI", message("PayPa1", "hi")),
        (
            "signature points=400 category=GL01",
            "value",
            "工商银行",
            "招商银行",
            message(FROM, "【招商银行】您好"),
        ),
        (
            "keyword points=400 category=CN08",
            "value",
            "安全账户",
            "转到安全账户",
            message(FROM, "转到安全账户"),
        ),
        (
            "conjunction points=400 category=CN08",
            "id all",
            "x\t公安 ; 转账",
            "y\t公安 ; 转 | 转账",
            message(FROM, "公安转账"),
        ),
        (
            "domain points=400 category=MX01",
            "value",
            "example.com",
            "www.example.com",
            message(FROM, "see http://www.example.com/"),
        ),
        (
            "brand points=400 category=MX02",
            brand,
            "a\tMyBank\tmybank.com",
            "b\tYourBank | My Bank\tevil.net",
            message(FROM, "MyBank YourBank http://evil.net/"),
        ),
    ]
}

fn pair(case: &(&str, &str, &str, &str, Attempt<'_>), column: &str, value: &str) -> [Ruleset; 2] {
    let (attributes, columns, plain, quiet, _) = case;
    let columns = format!("{columns} {column}");
    let both = format!("{plain}\n{quiet}\t{value}");
    [
        ruleset(&list("q", attributes, &columns, plain)),
        ruleset(&list("q", attributes, &columns, &both)),
    ]
}

#[test]
fn watch_entries_change_nothing() {
    for case in quiet_cases() {
        let [without, watched] = pair(&case, "effect", "watch");
        assert_eq!(
            watched.entries() - without.entries(),
            if case.3.contains("PayPa") { 2 } else { 1 }
        );
        let (want, got) = (ask(&without, &case.4), ask(&watched, &case.4));
        assert_eq!(want, got, "{} {}\n{}\n{}", case.0, case.3, line(&want), line(&got));
    }
}

#[test]
fn shadow_entries_only_report() {
    let mut reported = 0;
    for case in quiet_cases() {
        let [without, shadowed] = pair(&case, "shadow", "yes");
        let (want, mut got) = (ask(&without, &case.4), ask(&shadowed, &case.4));
        let name = format!("{} {}\n{}\n{}", case.0, case.3, line(&want), line(&got));
        reported += got.reasons.iter().filter(|reason| reason.shadow).count();
        got.reasons.retain(|reason| !reason.shadow);
        assert_eq!(want, got, "{name}");
    }
    assert!(reported >= 7, "{reported}");
}

#[test]
fn shadow_reasons_give_way_to_real_ones() {
    let rows: String = (0..20).map(|i| format!("词语{i:02}\tyes\n")).collect();
    let lists = list("s", "keyword points=10 category=CN01", "value shadow", rows.trim_end())
        + &list("w", "keyword points=300 category=CN08", "value", "安全账户");
    let ruleset = ruleset(&lists);
    let text: String = (0..20).map(|i| format!("词语{i:02}，")).collect::<String>() + "安全账户";
    let verdict = ask(&ruleset, &message(FROM, text.leak()));
    assert_eq!((verdict.action, verdict.risk), (Action::Label, 300));
    assert_eq!(verdict.reasons.len(), 16);
    assert_eq!((verdict.reasons[0].list, verdict.reasons[0].code), ("w", ReasonCode::Keyword));
    assert!(verdict.flags.contains(Flags::REASONS_TRUNCATED));
}

#[test]
fn a_protect_entry_on_trial_protects_nobody() {
    let lists = |shadow: &str| {
        let attributes = format!("number effect=protect party=either category=OK03{shadow}");
        list("p", &attributes, "value", "+8613800138000")
            + &list("a", "number effect=block category=CN08", "value", FROM)
    };
    let (real, trial) = (ruleset(&lists("")), ruleset(&lists(" shadow=yes")));
    assert_eq!(ask(&real, &call(FROM, TO)).action, Action::Allow);
    assert_eq!(ask(&trial, &call(FROM, TO)).action, Action::Block);
    let back = with(abroad(TO), |a| {
        a.recipient.raw = b"+8613800138002";
        a.roaming = Roaming::ConfirmedAbroad;
    });
    assert_eq!(ask(&real, &back).action, Action::Block);
    assert_eq!(ask(&trial, &back).action, Action::Allow);
}

#[test]
fn a_label_always_has_a_key() {
    let points = ruleset(&list("a", "number effect=score points=400", "value", FROM));
    let capped = ruleset(&list("a", "number effect=block ceiling=label", "value", FROM));
    let held = ruleset(&list("a", "number effect=score points=700", "value", FROM));
    let labels = supports(call(FROM, TO), &[Action::Label]);
    for (ruleset, attempt) in
        [(&points, call(FROM, TO)), (&capped, call(FROM, TO)), (&held, labels)]
    {
        let verdict = ask(ruleset, &attempt);
        let shown = (verdict.action, verdict.label);
        assert_eq!(shown, (Action::Label, Some(LabelKey::UnverifiedSender)), "{}", line(&verdict));
    }
    let verdict = ask(&held, &call(FROM, TO));
    assert_eq!((verdict.action, verdict.label), (Action::Hold, None));
}
