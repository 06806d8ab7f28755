use super::*;
use crate::lists::CountingSink;
use crate::model::entry::Entry;

fn findings(text: &str) -> Vec<String> {
    let mut reader = Reader::default();
    reader.read("t.pack", text.as_bytes(), &mut CountingSink::default());
    reader.findings().kept.iter().map(ToString::to_string).collect()
}

fn entries(text: &str) -> Vec<String> {
    struct Keep(Vec<String>);
    impl Sink for Keep {
        fn list(&mut self, _: &ListSpec) {}
        fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
            self.0.push(format!("{:?} {:?}", entry.value, entry.meta.effect));
            Ok(())
        }
    }
    let (mut reader, mut keep) = (Reader::default(), Keep(Vec::new()));
    reader.read("t.pack", text.as_bytes(), &mut keep);
    assert_eq!(reader.findings().kept, vec![], "{text}");
    keep.0
}

#[test]
fn a_pack_with_all_its_parts() {
    let text = "\u{feff}# comment\r\n%pack demo\n%define money 转账 | 汇款\n\
        %list demo.a kind=conjunction points=320 category=CN08\n%title A\n\
        %columns id all none within points\n\
        one\t公安 | 警方 ; @money ; @link\t谨防\t40\t400\ntwo\t安全账户 ; @money\n";
    let got = entries(text);
    assert_eq!(got.len(), 2);
    assert!(got[0].ends_with("Score(400)"), "{}", got[0]);
    assert!(got[0].contains("within: Some(40)") && got[0].contains("Link"));
    assert!(got[1].ends_with("Score(320)"));
}

#[test]
fn every_mistake_names_its_line() {
    let table = [
        ("", "1: error: expected a first directive `%pack NAME`"),
        ("%list a kind=number", "1: error: expected a first directive"),
        ("%pack A", "1: error: pack name \"A\""),
        ("%pack a\n%list x", "2: error: attribute \"kind\" is missing"),
        ("%pack a\n%list x kind=numbers", "2: error: attribute \"kind\": expected one of number,"),
        ("%pack a\n%list x kind=number\n%columns val", "3: error: unknown column \"val\""),
        ("%pack a\n%list x kind=number\n%columns points", "3: error: column \"value\" is missing"),
        ("%pack a\n%list x kind=number\n+123456", "3: error: row before `%columns`"),
        ("%pack a\n%list x kind=number\n%columns value\n+12\tz", "4: error: row has 2 columns"),
        (
            "%pack a\n%list x kind=number\n%columns value\n12345",
            "4: error: column 1 \"value\": \"12345\"",
        ),
        (
            "%pack a\n%list x kind=number\n%columns value points\n+123456\tabc",
            "4: error: column 2 \"points\": expected a whole number from -1000 to 1000",
        ),
        ("%pack a\n%list x kind=keyword\n%columns value\na", "4: error: phrase \"a\" is too short"),
        (
            "%pack a\n%list x kind=domain\n%columns value\nco.uk",
            "4: error: column 1 \"value\": \"co.uk\" is a public suffix",
        ),
        (
            "%pack a\n%list x kind=domain\n%columns value\nhttp://x.com",
            "4: error: column 1 \"value\"",
        ),
        (
            "%pack a\n%list x kind=conjunction\n%columns id all\nq\t@nope",
            "4: error: column 2 \"all\": @nope is not defined",
        ),
        (
            "%pack a\n%list x kind=conjunction\n%columns id all\nq\t@link",
            "4: error: a conjunction needs a group of phrases",
        ),
        (
            "%pack a\n%list x kind=keyword\n%list x kind=keyword",
            "3: error: list id \"x\" is already in use",
        ),
        (
            "%pack a\n%list x kind=number effect=block ground=order",
            "2: error: ground=order needs authority",
        ),
        ("%pack a\n%foo", "2: error: unknown directive `%foo`"),
        (
            "%pack a\n%list x kind=policy\n%columns key value\ncall.block\t0",
            "4: error: column 2 \"value\": threshold for block must be from 200 to 1000, found 0",
        ),
        (
            "%pack a\n%list x kind=number\n%columns value\n+123456\n%columns value note",
            "5: error: `%columns` must stand before the first row",
        ),
        ("%pack a\n%list x kind=trunk\n%columns trunk signature", "3: error: unknown column"),
    ];
    for (text, expected) in table {
        let got = findings(text);
        assert!(
            got.first().is_some_and(|f| f.starts_with(&format!("t.pack:{expected}"))),
            "{text:?}\n got {got:?}\nwant {expected}"
        );
    }
    let bad = Reader::default();
    assert!(!bad.findings().has_errors());
    let mut reader = Reader::default();
    reader.read("t.pack", b"%pack a\n\xff\xfe", &mut CountingSink::default());
    assert!(
        reader.findings().kept[0].to_string().starts_with("t.pack:2: error: not UTF-8 at byte 0")
    );
}

#[test]
fn a_pack_that_would_block_everything_is_refused() {
    for value in ["CN:1*", "GB:10*-GB:99*"] {
        let text = format!("%pack a\n%list x kind=number effect=block\n%columns value\n{value}");
        let got = findings(&text);
        assert!(got.first().is_some_and(|f| f.contains("too broad")), "{value}: {got:?}");
        let labelled = text.replace("effect=block", "effect=label label=international-origin");
        assert_eq!(findings(&labelled), Vec::<String>::new(), "{value}");
    }
    let narrow =
        "%pack a\n%list x kind=number effect=block\n%columns value\n+88213*\n+44*\nGB:118*";
    assert_eq!(findings(narrow), Vec::<String>::new());
}

#[test]
fn number_values() {
    for (text, ok) in [
        ("+8613800138000", true),
        ("+8610*", true),
        ("+493012340000-+493012349999", true),
        ("+861380000*-+861380999*", true),
        ("CN:110", true),
        ("CN:400*", true),
        ("+01228692142", false),
        ("+12", false),
        ("+49*-+50", false),
        ("+4930*-+492*", false),
        ("+4931*-+4930*", false),
        ("C:1", false),
        ("", false),
        ("+", false),
        ("*", false),
        ("+123456789012345678901*", false),
    ] {
        assert_eq!(number_pattern(text).is_ok(), ok, "{text}: {:?}", number_pattern(text));
    }
}

/// Attributes and one row, and how the one finding starts: all but its place.
#[test]
fn what_could_never_act_is_refused() {
    let times = "valid-from=2020-01-01 valid-until=2099-01-01";
    let table = [
        (
            "kind=number effect=block ceiling=allow",
            "value",
            "+123456",
            "effect=block under ceiling",
        ),
        (
            "kind=number effect=block category=OK01",
            "value",
            "+123456",
            "effect=block under ceiling",
        ),
        (
            "kind=sender effect=label label=marketing ceiling=allow",
            "value",
            "Bank",
            "effect=label under ceiling",
        ),
        (
            "kind=number",
            "value effect valid_until",
            "+123456\tprotect\t2099-01-01",
            "effect=protect",
        ),
        (
            &format!("kind=number effect=protect {times}"),
            "value",
            "+123456",
            "effect=protect applies",
        ),
        (
            &format!("kind=policy {times}"),
            "key value",
            "mode\tenforce",
            "kind=policy applies at all",
        ),
        (&format!("kind=trunk {times}"), "trunk mode", "T\tenforce", "kind=trunk applies at all"),
        ("kind=policy shadow=yes", "key value", "mode\tenforce", "kind=policy knows no shadow"),
        ("kind=trunk", "trunk mode shadow", "T\tenforce\tyes", "kind=trunk knows no shadow"),
    ];
    for (attributes, columns, row, expected) in table {
        let text = format!("%pack a\n%list x {attributes}\n%columns {columns}\n{row}");
        let got = findings(&text);
        let start = format!("t.pack:4: error: {expected}");
        assert!(got.len() == 1 && got[0].starts_with(&start), "{attributes} {row}: {got:?}");
    }
    for fine in [
        "kind=number effect=block ceiling=label",
        "kind=number effect=block ceiling=block category=OK01 ground=subscriber",
        "kind=number effect=score points=10 ceiling=allow",
        "kind=number effect=protect",
    ] {
        let text = format!("%pack a\n%list x {fine}\n%columns value\n+123456");
        assert_eq!(findings(&text), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn what_is_said_once_may_be_said_anew_only_in_a_later_pack() {
    let policy = |rows: &str| format!("%pack a\n%list x kind=policy\n%columns key value\n{rows}");
    let trunk = |rows: &str| {
        format!("%pack a\n%list x kind=trunk\n%columns trunk number mode region\n{rows}")
    };
    let table = [
        (
            policy("mode\tenforce\nmode\tobserve"),
            Some("5: error: key \"mode\" has another value in"),
        ),
        (
            policy("call.hold\t700\n\ncall.hold\t800"),
            Some("6: error: key \"call.hold\" has another value in line 4"),
        ),
        (policy("mode\tenforce\nmode\tenforce"), Some("5: warning: repeats line 4")),
        (policy("call.hold\t700\nmessage.hold\t800\ncall.block\t900"), None),
        (
            trunk("T\t\tobserve\nT\t\tenforce"),
            Some("5: error: mode of trunk \"T\" has another value in line 4"),
        ),
        (
            trunk("T\t\t\tCN\nT\t+123*\t\tUS"),
            Some("5: error: region of trunk \"T\" has another value in line 4"),
        ),
        (trunk("T\t+8613800138000\nT\t+8613800138001"), None),
        (trunk("T\t+123*\tobserve\nT\t+123*\tobserve"), Some("5: warning: repeats line 4")),
        (trunk("T\t+123*\tobserve\nT\t+124*\nT\t+125*\tobserve\nU\t+123*\tenforce"), None),
    ];
    for (text, expected) in table {
        let got = findings(&text);
        assert_eq!(got.len(), usize::from(expected.is_some()), "{text}: {got:?}");
        let start = expected.map(|expected| format!("t.pack:{expected}"));
        assert!(start.is_none_or(|start| got[0].starts_with(&start)), "{text}: {got:?}");
    }
    let mut reader = Reader::default();
    for (file, text) in [("a", "mode\tenforce"), ("b", "mode\tobserve")] {
        let text = policy(text).replace("%list x", &format!("%list {file}"));
        reader.read(file, text.as_bytes(), &mut CountingSink::default());
    }
    assert_eq!(reader.findings().kept, vec![]);
    assert_eq!(reader.place("b"), Some(&Place { file: "b".into(), line: 2 }));
}
