//! Prefixes of other countries: whole ones may be refused, not the world.

use super::*;

const STOP: [&str; 2] = ["number effect=block", "number effect=score points=900"];

/// Country codes of three digits that regions have.
const SMALL: [&str; 25] = [
    "+220*", "+221*", "+222*", "+223*", "+224*", "+225*", "+226*", "+227*", "+228*", "+229*",
    "+230*", "+231*", "+232*", "+233*", "+234*", "+235*", "+236*", "+237*", "+238*", "+239*",
    "+240*", "+241*", "+242*", "+243*", "+244*",
];

#[test]
fn whole_countries_may_be_stopped() {
    for kind in STOP {
        accepted(&with("", kind, &["+95*", "+53*"]), &[]);
        accepted(&with("", kind, &["+881*", "+882*", "+883*", "+870*", "+979*", "+878*"]), &[]);
        accepted(&with("", kind, &SMALL[..8]), &[]);
        accepted(&with("", kind, &SMALL[..24]), &[]);
        // A part counts as a part, whatever is told twice counts once.
        let more = [&SMALL[..23], &["+2431*", "+24412*", "+2431*", "+220123*"]].concat();
        accepted(&with("", kind, &more), &[]);
    }
}

#[test]
fn the_world_may_not() {
    for kind in STOP {
        for many in ["+1*", "+2*", "+3*"] {
            refused(&with("", kind, &[many]), 4, &["regions abroad", "at most 24"]);
        }
        refused(&with("", kind, &EVERYBODY), 4, &["x.a", "regions abroad", "at most 24"]);
        refused(&with("", kind, &SMALL), 28, &["25.0 regions abroad", "fewer points"]);
        // Nor by parts, nor by ranges.
        let parts: Vec<String> = SMALL
            .iter()
            .flat_map(|code| (0..10).map(|d| code.replace('*', &format!("{d}*"))))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        refused(&with("", kind, &parts), 244, &["24.1 regions abroad"]);
        refused(&with("", kind, &["+220*-+244*"]), 4, &["25.0 regions abroad"]);
        let (_, findings) = found(&with("", kind, &EVERYBODY));
        assert!(findings.iter().all(|finding| !finding.message.contains("effect=score")));
    }
    for free in ["number effect=score points=599", "number effect=block ceiling=label"] {
        accepted(&with("", free, &SMALL), &[]);
    }
}

/// Lists of which none stops too much.
fn lists(count: usize, rows: impl Fn(usize) -> Vec<String>) -> PackText {
    let list = |nth: usize| {
        let rows = rows(nth).join("\n");
        format!("%list x.n{nth} kind=number effect=block\n%columns value\n{rows}\n")
    };
    let lists: String = (0..count).map(list).collect();
    PackText { name: "x.pack".into(), octets: format!("%pack x\n{lists}").into() }
}

#[test]
fn many_lists_may_not_stop_the_world_together() {
    // Everything but China, and China's mobile lines, each split over 34 lists.
    let world: Vec<String> =
        (20..100).filter(|code| *code != 86).map(|code| format!("+{code}*")).collect();
    let (mobile, world) = (&(130..200).collect::<Vec<_>>(), &world);
    let share = |nth: usize| world.iter().skip(nth).step_by(34).cloned().collect::<Vec<_>>();
    let home = |nth: usize| mobile.iter().skip(nth).step_by(34).map(|s| format!("+86{s}*"));
    let all = lists(34, |nth| share(nth).into_iter().chain(home(nth)).collect());
    let (refused, findings) = found(std::slice::from_ref(&all));
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(refused && errors.iter().all(|f| f.message.contains("with others")), "{findings:#?}");
    let of_home = |f: &&&Finding| f.message.contains("calls of CN (mobile lines)");
    assert!(errors.iter().any(|f| of_home(&f)), "{findings:#?}");
    // China spared.
    let (refused, findings) = found(&[lists(34, share)]);
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    let abroad = |f: &&Finding| {
        f.message.contains("with others would") && f.message.contains("s from abroad")
    };
    assert!(refused && errors.iter().all(abroad), "{findings:#?}");
    // A third of the world.
    let (refused, findings) = found(&[lists(12, share)]);
    assert!(!refused, "{findings:#?}");
}
