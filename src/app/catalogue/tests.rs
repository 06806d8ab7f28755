use super::*;

mod abroad;
mod texts;

/// A list `x.a` in a pack of its own beside the starter packs of numbers and
/// policy, after some more lines.
fn with(more: &str, kind: &str, rows: &[&str]) -> Vec<PackText> {
    let rows = rows.join("\n");
    let text = format!("%pack x\n{more}%list x.a kind={kind}\n%columns value\n{rows}\n");
    let mut packs = starter_packs();
    packs.retain(|pack| pack.name.contains("numbers/") || pack.name.contains("policy/"));
    packs.push(PackText { name: "x.pack".into(), octets: text.into_bytes() });
    packs
}

/// What is found about them: refused or not, and the findings.
fn found(packs: &[PackText]) -> (bool, Vec<Finding>) {
    match check(packs, Revision(1), Some(Timestamp(1_767_225_600_000))) {
        Ok((_, findings)) => (false, findings.kept),
        Err(findings) => (true, findings.kept),
    }
}

#[track_caller]
fn refused(packs: &[PackText], line: usize, words: &[&str]) {
    let (refused, findings) = found(packs);
    assert!(refused, "{words:?} {findings:#?}");
    let here = |f: &&Finding| f.file == "x.pack" && f.severity == Severity::Error && f.line == line;
    let message = findings.iter().find(here).map(|finding| &finding.message);
    let message = message.unwrap_or_else(|| panic!("no error in line {line}: {findings:#?}"));
    for word in words {
        assert!(message.contains(word), "{word} is not in {message}");
    }
}

#[track_caller]
fn accepted(packs: &[PackText], warnings: &[&str]) {
    let (refused, findings) = found(packs);
    let messages: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(!refused && messages.len() == warnings.len(), "{messages:#?}");
    for (message, words) in messages.iter().zip(warnings) {
        assert!(message.contains("warning: ") && message.contains(words), "{message}");
    }
}

/// Settings in front of the list: it begins in line 5 then, its rows in line 7.
fn at_home(region: &str) -> String {
    format!("%list x.p kind=policy\n%columns key value\ndefault-region\t{region}\n")
}

const EVERYBODY: [&str; 9] = ["+1*", "+2*", "+3*", "+4*", "+5*", "+6*", "+7*", "+8*", "+9*"];

#[test]
fn every_home_is_measured() {
    let points = "number effect=score points=1000";
    for (region, line) in
        [("CN", 14), ("JP", 14), ("BR", 11), ("TR", 15), ("US", 7), ("JE", 10), ("AG", 7)]
    {
        refused(&with(&at_home(region), points, &EVERYBODY), line, &["too broad", "x.a", region]);
    }
    let (refused_too, findings) = found(&with(&at_home("ZZ"), points, &["+8813*"]));
    assert!(refused_too && findings[0].message.contains("no numbering plan is known for ZZ"));
    // A trunk says where a carrier is at home, too.
    let trunk = "%list x.t kind=trunk\n%columns trunk region\nT1\tBR\n";
    refused(&with(trunk, points, &["+55*"]), 7, &["too broad", "100.0 % of all lines of BR"]);
}

#[test]
fn a_time_limit_hides_nothing() {
    let times = "valid-from=2020-01-01 valid-until=2099-01-01";
    let points = format!("number effect=score points=1000 {times}");
    refused(&with("", &points, &EVERYBODY), 11, &["x.a", "CN"]);
    // Texts are tried at the beginning of every entry.
    let far = "keyword points=900 category=CN08 valid-from=2040-01-01 valid-until=2040-01-02";
    refused(&with("", far, &["*the*", "*you*", "*in the*", "*ing*"]), 2, &["x.a", "language en"]);
    let rows: Vec<String> = (0..100)
        .map(|day| format!("*ing*\t2040-01-{:02}\t2040-02-{:02}", day % 28 + 1, day % 27 + 1))
        .collect();
    let list = "%pack x\n%list x.a kind=keyword points=900 category=CN08\n\
                %columns value valid_from valid_until\n";
    let text = format!("{list}{}\n*the*\t2040-03-01\t2040-03-02\n", rows.join("\n"));
    refused(&[PackText { name: "x.pack".into(), octets: text.into() }], 2, &["language en"]);
}

/// A row of a thousand with half an hour of its own.
fn half_hour(nth: usize, word: &str) -> String {
    let (month, day, hour) = (1 + nth / 672, 1 + nth / 24 % 28, nth % 24);
    let date = format!("2040-{month:02}-{day:02}T{hour:02}");
    format!("{word}\t{date}:00:00Z\t{date}:30:00Z\n")
}

#[test]
fn a_thousand_dates_hide_nothing() {
    let list = "%pack x\n%list x.a kind=keyword points=900 category=CN08\n\
                %columns value valid_from valid_until\n";
    let pack = |rows: &dyn Fn(usize, &str) -> String, special: usize, word: &str| {
        let word = |nth: usize| if nth == special { word.into() } else { format!("kwx{nth}") };
        let rows: String = (0..1000).map(|nth| rows(nth, &word(nth))).collect();
        vec![PackText { name: "x.pack".into(), octets: format!("{list}{rows}").into() }]
    };
    let endless = |nth: usize, word: &str| {
        half_hour(nth, word).rsplit_once('\t').map(|(row, _)| format!("{row}\n")).unwrap()
    };
    // Days that overlap: some thirty instants meet them all.
    let month = |nth: usize, word: &str| {
        let date = |nth: usize| {
            format!("{}-{:02}-{:02}", 2040 + nth / 336, 1 + nth / 28 % 12, 1 + nth % 28)
        };
        format!("{word}\t{}\t{}\n", date(nth), date(nth + 40))
    };
    for special in [0, 64, 777, 999] {
        refused(&pack(&half_hour, special, "please"), 2, &["list x.a would", "language en"]);
        refused(&pack(&endless, special, "please"), 2, &["list x.a would", "language en"]);
        refused(&pack(&month, special, "please"), 2, &["list x.a would", "language en"]);
    }
    refused(&pack(&half_hour, 500, "please"), 2, &["please", "tried at once"]);
    accepted(&pack(&half_hour, 500, "harmless"), &[]);
    accepted(&pack(&endless, 500, "harmless"), &[]);
    accepted(&pack(&month, 500, "harmless"), &[]);
}

/// Class rows of the given regions and prefixes: `x.c` in a pack of its own.
fn class_rows(region: &str, prefixes: &[String], rest: &str) -> PackText {
    let columns = "%columns region prefix digits class short origination abroad\n";
    let row = |prefix: &String| format!("{region}\t{prefix}\t{rest}\n");
    let rows: String = prefixes.iter().map(row).collect();
    let text = format!("%pack x-c\n%list x.c kind=number-class\n{columns}{rows}");
    PackText { name: "c.pack".into(), octets: text.into() }
}

#[test]
fn class_rows_cannot_talk_lines_away() {
    #[track_caller]
    fn whole(packs: &[PackText], words: &str) {
        let (refused, findings) = found(packs);
        let said =
            findings.iter().any(|f| f.severity == Severity::Error && f.message.contains(words));
        assert!(refused && said, "{words}: {findings:#?}");
    }
    let mobile: Vec<String> = (130..200).map(|segment| segment.to_string()).collect();
    for class in ["unassignable", "satellite", "premium", "iot"] {
        let rows = class_rows("CN", &mobile, &format!("11\t{class}\tno\tnever\tblock"));
        let calls = "ordinary calls of CN (mobile lines by the built-in plans)";
        // A pack of class rows alone is looked at with the built-in plans.
        whole(std::slice::from_ref(&rows), calls);
        whole(&[starter_packs(), vec![rows]].concat(), calls);
        // Nor are they free for prefixes because the catalogue calls them so.
        let mut packs = with("", "number effect=block", &["+86130*", "+86135*-+86139*"]);
        packs.push(class_rows("CN", &mobile, &format!("11\t{class}\tno\tyes\troaming")));
        refused(&packs, 5, &["mobile lines of CN by the built-in plans"]);
    }
    // Where the built-in packs know no classes, a catalogue may call most of a plan unassignable,
    // and not nearly all.
    let first = |digits: std::ops::Range<usize>| digits.map(|d| d.to_string()).collect::<Vec<_>>();
    let never = "8-11\tunassignable\tno\tnever\tblock";
    let home =
        PackText { name: "h.pack".into(), octets: format!("%pack h\n{}", at_home("BR")).into() };
    let none = class_rows("BR", &[String::new()], never);
    whole(&[home.clone(), none], "calls of BR (all lines by the built-in plans)");
    let mut rows = class_rows("BR", &first(1..10), never);
    rows.octets.extend_from_slice(b"BR\t99\t8-11\tmobile\tno\tyes\troaming\n");
    whole(&[home.clone(), rows], "calls of BR (all lines by the built-in plans)");
    let mut rows = class_rows("BR", &first(3..10), never);
    rows.octets.extend_from_slice(b"BR\t1\t8-11\tmobile\tno\tyes\troaming\n");
    rows.octets.extend_from_slice(b"BR\t99\t8-11\tmobile\tno\tyes\troaming\n");
    accepted(&[home, rows], &[]);
}

#[test]
fn many_narrow_lines_are_one_broad_one() {
    let mobile: Vec<String> = (130..200).map(|segment| format!("+86{segment}*")).collect();
    let mobile: Vec<&str> = mobile.iter().map(String::as_str).collect();
    let effects = [
        "effect=block",
        "effect=score points=600",
        "effect=score points=900 party=recipient",
        "effect=allow party=recipient",
        "effect=protect party=recipient",
        "effect=block ground=order authority=x case=1 valid-until=2099-01-01",
    ];
    for effect in effects {
        let kind = format!("number {effect}");
        accepted(&with("", &kind, &mobile[..3]), &[]);
        refused(&with("", &kind, &mobile[..4]), 7, &["x.a", "% of mobile lines of CN", "5.0 %"]);
        // The same number twice is no more than once.
        accepted(&with("", &kind, &[mobile[0]; 4]), &[]);
    }
    for effect in [
        "effect=score points=599",
        "effect=score points=900 ceiling=label",
        "effect=watch",
        "effect=block shadow=yes",
        "effect=block category=NU01",
        "effect=label label=unverified-sender",
    ] {
        accepted(&with("", &format!("number {effect}"), &mobile), &[]);
    }
    let ranges = ["CN:130*-CN:139*", "+8613500000000-+8613999999999"];
    for range in ranges {
        refused(&with("", "number effect=block", &[range]), 4, &["mobile lines of CN"]);
    }
}

#[test]
fn what_people_block_may_be_blocked() {
    let premium = ["+88213*", "+870*", "+881*", "+979*", "+1900*", "+861680*", "+86170*", "+449*"];
    accepted(&with("", "number effect=block", &premium), &[]);
    let caribbean: Vec<String> = (0..20).map(|at| format!("+1{}*", 242 + 23 * at)).collect();
    let caribbean: Vec<&str> = caribbean.iter().map(String::as_str).collect();
    accepted(&with(&at_home("US"), "number effect=block", &caribbean), &[]);
    // A foreign country may be; where it looks like somebody's home there is a warning.
    accepted(&with("", "number effect=block", &["+677*", "+252*"]), &[]);
    accepted(&with("", "number effect=score points=900", &["+447*"]), &["mobile lines of GB"]);
}

#[test]
fn a_list_is_judged_alone_and_named() {
    // Another list takes the points off: the catalogue stops nothing, one list in it would.
    let thanks = "%list x.ok kind=keyword points=-1000 category=OK04 traffic=message\n\
                  %columns value\n*ing*\nthe\nyou\n";
    let kind = "keyword points=900 category=CN08";
    let words = ["*ing*", "the", "you"];
    refused(&with(thanks, kind, &words), 7, &["list x.a would", "language en", "of 42"]);
    // Two that only do it together are both named.
    let half = "%list x.b kind=number points=400\n%columns value\n+86*\n";
    let both = with(half, "number points=400", &["+86*"]);
    refused(&both, 2, &["list x.b with others would", "calls of CN (mobile lines)", "+86*"]);
    refused(&both, 5, &["list x.a with others would"]);
}

#[test]
fn lines_that_never_act_are_told() {
    let kind = "number effect=block";
    let dead = ["+1234567890123456*", "+1234-+1235", "+0123*"];
    accepted(&with("", kind, &dead), &["never matches"; 3]);
    let over = "number effect=block valid-until=2025-12-31";
    accepted(&with("", over, &["+8613800138000"]), &["x.pack:4: warning: is over"]);
    accepted(&with("", &over.replace("2025", "2026"), &["+8613800138000"]), &[]);
}

#[test]
fn warnings_never_hide_an_error() {
    let rows: Vec<&str> = [["+1234567890123456*"; 200].as_slice(), &["+86*"]].concat();
    refused(&with("", "number effect=block", &rows), 204, &["too broad"]);
}
