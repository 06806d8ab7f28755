//! Bad input: what a network carries is screened and flagged; what people and their files get wrong
//! is refused with a sentence that says where and what was expected. What goes over gRPC is tested
//! in `e2e`.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ringfence::engine::screen;
use ringfence::model::attempt::{StateFacts, TextEncoding};
use ringfence::model::policy::Action;
use ringfence::model::verdict::{Flags, ReasonCode, Verdict};
use support::cases::{FROM, NOW, call, line, list, message, ruleset, with};

const PHRASES: &str = "安全账户\tCN08\nbank\tGL01";

/// The verdict on some octets as the text of a message.
fn text(octets: Vec<u8>, encoding: TextEncoding, look: impl FnOnce(&Verdict<'_>)) {
    let lists = list("w", "keyword points=400", "value category", PHRASES);
    let ruleset = ruleset(&lists);
    let attempt = with(message(FROM, ""), |a| {
        a.content.octets = octets.leak();
        a.content.encoding = encoding;
    });
    look(&screen(&ruleset, &attempt, &StateFacts::default(), NOW));
}

fn utf8(octets: impl Into<Vec<u8>>, look: impl FnOnce(&Verdict<'_>)) {
    text(octets.into(), TextEncoding::Utf8, look);
}

fn utf16(units: impl IntoIterator<Item = u16>, look: impl FnOnce(&Verdict<'_>)) {
    let octets = units.into_iter().flat_map(u16::to_be_bytes).collect();
    text(octets, TextEncoding::Utf16Be, look);
}

fn found(verdict: &Verdict<'_>, entry: &str) -> bool {
    let is_it = |r: &&ringfence::model::verdict::Reason<'_>| r.entry.to_string() == entry;
    verdict.reasons.iter().filter(is_it).any(|reason| reason.code == ReasonCode::Keyword)
}

#[test]
fn ten_thousand_combining_marks() {
    // 20,000 octets and more: the head of 16 KiB is read.
    for (before, after) in [("bank", ""), ("", "bank"), ("b", "ank")] {
        let marked = format!("{before}{}{after}", "\u{301}".repeat(10_000));
        let start = Instant::now();
        utf8(marked, |verdict| {
            assert!(verdict.flags.contains(Flags::TEXT_TRUNCATED), "{}", line(verdict));
            assert!(verdict.flags.contains(Flags::DEGRADED));
            assert_eq!(found(verdict, "bank"), before == "bank");
        });
        // No speed is measured here; a text bomb takes minutes.
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    let few = format!("b{}ank", "\u{301}".repeat(1_000));
    utf8(few, |verdict| assert!(found(verdict, "bank"), "{}", line(verdict)));
    utf16("a".encode_utf16().chain([0x301; 10_000]), |verdict| {
        assert!(verdict.flags.contains(Flags::TEXT_TRUNCATED), "{}", line(verdict));
    });
}

#[test]
fn texts_at_and_over_the_limit() {
    const LIMIT: usize = 16 * 1024;
    for (length, truncated) in [(LIMIT - 1, false), (LIMIT, false), (LIMIT + 1, true)] {
        let mut octets = vec![b'.'; length];
        octets[..4].copy_from_slice(b"bank");
        utf8(octets, |verdict| {
            assert!(found(verdict, "bank"));
            assert_eq!(verdict.flags.contains(Flags::TEXT_TRUNCATED), truncated, "{length}");
        });
    }
    // What stands behind the limit is not read, and a character across it is not torn.
    utf8(".".repeat(LIMIT) + " bank", |verdict| assert!(!found(verdict, "bank")));
    utf8("账".repeat(LIMIT / 3 + 1), |verdict| {
        assert!(!verdict.flags.contains(Flags::TEXT_ILL_FORMED), "{}", line(verdict));
        assert!(verdict.flags.contains(Flags::TEXT_TRUNCATED));
    });
}

#[test]
fn ill_formed_text_is_read_around() {
    let flagged = |verdict: &Verdict<'_>| {
        assert!(verdict.flags.contains(Flags::TEXT_ILL_FORMED), "{}", line(verdict));
        assert!(verdict.flags.contains(Flags::DEGRADED));
        assert_eq!(verdict.action, Action::Label, "{}", line(verdict));
    };
    for broken in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\xae"] {
        utf8([broken, " bank ".as_bytes(), broken].concat(), flagged);
        let han = [broken, "安全账户".as_bytes(), broken].concat();
        utf8(han.clone(), |verdict| {
            flagged(verdict);
            let span = verdict.reasons[0].span.expect("a span");
            assert_eq!(&han[span.start as usize..span.end as usize], "安全账户".as_bytes());
        });
    }
    let bank = || " bank ".encode_utf16();
    utf16([0xd800].into_iter().chain(bank()), flagged);
    utf16(bank().chain([0xdc00]), flagged);
    utf16([0xdc00, 0xd800].into_iter().chain(bank()), flagged);
    let odd: Vec<u8> = bank().flat_map(u16::to_be_bytes).chain([b'b']).collect();
    text(odd, TextEncoding::Utf16Be, flagged);
    for encoding in [TextEncoding::Utf8, TextEncoding::Utf16Be] {
        text(vec![0xff], encoding, |v| assert!(v.flags.contains(Flags::TEXT_ILL_FORMED)));
        text(vec![0; 300], encoding, |v| assert_eq!(v.action, Action::Allow));
    }
}

#[test]
fn parties_that_are_anything() {
    let ruleset = ruleset("");
    let long: &'static str = "9".repeat(70_000).leak();
    let odd = [
        "",
        " ",
        "+",
        "++1",
        "\0",
        "\u{202e}110",
        "１３８００１３８０００",
        "*#06#",
        "sip:a@b",
        long,
    ];
    for originator in odd {
        for recipient in odd {
            for attempt in [
                call(originator, recipient),
                with(message(originator, "hi"), |a| {
                    a.recipient.raw = recipient.as_bytes();
                }),
            ] {
                let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
                assert!(verdict.action <= Action::Label, "{originator:.9} {}", line(&verdict));
                let malformed = verdict.flags.contains(Flags::RECIPIENT_MALFORMED);
                assert!(malformed || recipient.starts_with('１'), "{recipient:.9}");
            }
        }
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.env_remove("RINGFENCE_DATA_DIR").env_remove("RINGFENCE_SERVER");
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        program().args(arguments).output().expect("the program starts");
    let text = |octets| String::from_utf8(octets).expect("the program prints UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn file(folder: &Path, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, octets).expect("a file in a fresh folder");
    path
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the folder has a plain name")
}

/// What `list check` prints about a pack, which it refuses at a line and with these words.
#[track_caller]
fn refused(pack: impl AsRef<[u8]>, line: usize, words: &[&str]) {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let pack = file(folder.path(), "mine.pack", pack);
    let (code, stdout, stderr) = run(&["list", "check", path(&pack)]);
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let place = format!("{}:{line}: error: ", path(&pack));
    let finding = stdout.lines().find(|l| l.starts_with(&place));
    let finding = finding.unwrap_or_else(|| panic!("no {place} in\n{stdout}"));
    for word in words {
        assert!(finding.contains(word), "{word} is not in {finding}");
    }
    assert!(stderr.contains("error"), "{stderr}");
    assert!(!finding.contains('\u{1b}') && finding.len() < 1000, "{finding}");
}

const HEAD: &str =
    "%pack mine\n%list a kind=number effect=block category=CN08\n%columns value note\n";

#[test]
fn a_wrong_line_of_a_pack_is_named() {
    refused(
        format!("{HEAD}+8613900000001\n+8613900000002\tnote\tmore\n"),
        5,
        &["3 columns", "at most 2", "value, note"],
    );
    refused(format!("{HEAD}\n# comment\n+86139x\n"), 6, &["column 1 \"value\"", "+86139x"]);
    refused(
        "%pack mine\n%list a kind=number\n%columns number\n+8613900000001\n",
        3,
        &["unknown column \"number\"", "expected value"],
    );
    refused("%pack mine\n%list a kind=words\n", 2, &["words", "keyword"]);
    refused("%pack mine\n%list a kind=keyword colour=red\n", 2, &["colour"]);
    refused("%pack mine\n%list a kind=keyword category=CN99\n", 2, &["CN99"]);
    refused("+8613900000001\n", 1, &["%pack NAME"]);
    refused("", 1, &["%pack NAME"]);
    refused(format!("{HEAD}{}\n", "9".repeat(100_000)), 4, &["100000 bytes", "at most 16384"]);
    refused(b"\x7fELF\x02\x01\x01\x00\xff\xfe\n\x80\x81", 1, &["UTF-8"]);
    refused([HEAD.as_bytes(), b"\xff\xfe\n"].concat(), 4, &["UTF-8"]);
}

#[test]
fn a_pack_that_would_block_everybody_is_refused() {
    for prefix in ["+8*", "+86*", "+*", "+1*"] {
        refused(format!("{HEAD}{prefix}\n"), 4, &[]);
    }
    let all: String = (1..10).map(|digit| format!("+{digit}*\n")).collect();
    refused(format!("{HEAD}{all}"), 4, &["too broad"]);
    let most: String = (100..1000).map(|digits| format!("+{digits}*\n")).collect();
    refused(format!("{HEAD}{most}"), 100, &["too broad", "24.2 regions abroad", "at most 24"]);
    refused(format!("{HEAD}+10000*-+99999*\n"), 4, &["too broad"]);
    refused(format!("{HEAD}CN:1*\n"), 4, &["too broad"]);
    let policy = "%pack mine\n%list p kind=policy\n%columns key value\n";
    refused(format!("{policy}call.block\t0\n"), 4, &["from 200 to 1000"]);
    refused(format!("{policy}message.hold\t1001\n"), 4, &["1000"]);
    // Class rows that call every mobile line something else.
    let rows: String = (130..200)
        .map(|segment| format!("CN\t{segment}\t11\tpremium\tno\tnever\tblock\n"))
        .collect();
    let classes = "%pack mine\n%list c kind=number-class\n\
                   %columns region prefix digits class short origination abroad\n";
    let (code, stdout, _) = {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let pack = file(folder.path(), "c.pack", format!("{classes}{rows}"));
        run(&["list", "check", path(&pack)])
    };
    assert_eq!(code, Some(1));
    assert!(stdout.contains("48 of 48 ordinary calls of CN (mobile lines by the"), "{stdout}");
    // Points instead of blocks, and lines that are narrow one by one.
    let points = HEAD.replace("effect=block", "effect=score points=900");
    let home = &["list a", "mobile lines of CN", "at most 5.0 %"];
    refused(format!("{HEAD}+861*\n"), 4, home);
    refused(format!("{points}+861*\n"), 4, home);
    refused(format!("{HEAD}+86131*\n+86151*\n+86171*\n+86181*\n"), 7, home);
    let half = |id: &str| format!("%list {id} kind=number points=300\n%columns value\n+86*\n");
    let halves = format!("%pack mine\n{}{}", half("a"), half("b"));
    let calls = "hold or block 48 of 48 ordinary calls of CN (mobile lines)";
    refused(&halves, 2, &["list a with others would", calls]);
    refused(&halves, 5, &["list b with others would", calls]);
    let words = "%pack mine\n%list w kind=keyword points=900 category=CN08\n%columns value\n";
    let texts = &["list w would hold or block", "ordinary messages in the language zh"];
    refused(format!("{words}明天\n下雨\n周末\n楼下\n"), 2, texts);
    refused(format!("{words}*th*\n"), 4, &["too short to be open"]);
    refused(format!("{words}please\n"), 2, &["list w would", "messages in the language en"]);
    refused(format!("{words}的\n"), 4, &["too short"]);
    refused("%pack mine\n%list d kind=domain points=900\n%columns value\ncom\n", 4, &["suffix"]);
    // Thresholds are compared when all are known: the finding is about the whole.
    let (code, stdout, _) = {
        let folder = tempfile::tempdir().expect("a fresh folder");
        let pack = file(folder.path(), "p.pack", format!("{policy}call.label\t900\n"));
        run(&["list", "check", path(&pack)])
    };
    assert_eq!(code, Some(1));
    assert!(stdout.contains("label 900 <= hold 600"), "{stdout}");
}

#[test]
fn what_is_only_odd_is_told_and_accepted() {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let rows = "+8613900000001\t2020-01-01\n+1234567890123456*\n";
    let head = "%pack mine\n%list a kind=number effect=block\n%columns value valid_until\n";
    let pack = file(folder.path(), "mine.pack", format!("{head}{rows}"));
    let (code, stdout, stderr) = run(&["list", "check", path(&pack)]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("{}:4: warning: is over", path(&pack))), "{stdout}");
    assert!(
        lines[1].starts_with(&format!("{}:5: warning: never matches", path(&pack))),
        "{stdout}"
    );
    assert_eq!(lines[2..], ["ok: 1 lists, 2 entries, 2 warnings"]);
    let (_, stdout, _) = run(&["list", "check", "--json", path(&pack)]);
    let object = stdout.lines().last().expect("a summary");
    assert_eq!(object, r#"{"entries":2,"lists":1,"ok":true,"warnings":2}"#);
}

#[test]
fn packs_of_other_editors_are_read() {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let crlf = HEAD.replace('\n', "\r\n") + "+8613900000001\tan entry\r\n\r\n";
    for (name, pack) in [
        ("crlf.pack", crlf.clone()),
        ("bom.pack", format!("\u{feff}{HEAD}+8613900000001\n")),
        ("both.pack", format!("\u{feff}{crlf}")),
        ("no-newline.pack", format!("{HEAD}+8613900000001")),
    ] {
        let pack = file(folder.path(), name, pack);
        let (code, stdout, stderr) = run(&["list", "check", path(&pack)]);
        assert_eq!(code, Some(0), "{name}: {stdout}{stderr}");
        assert_eq!(stdout, "ok: 1 lists, 1 entries\n", "{name}");
    }
}

#[test]
fn usage_errors_have_a_code_of_their_own() {
    for arguments in [
        &["serve", "--no-such-flag"][..],
        &["serve", "--listen", "nowhere"],
        &["serve", "--cores", "0"],
        &["list", "check"],
        &["eval"],
        &["frobnicate"],
        &["screen", "message", "--from", "1", "--to", "2"],
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stdout.is_empty() && stderr.contains("error:"), "{arguments:?}: {stderr}");
    }
}

/// Runs `serve`, which must end by itself: its exit code and complaint.
fn serve(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = program()
        .arg("serve")
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > end {
            child.kill().expect("a child");
            panic!("still running: {arguments:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let Output { status, stderr, .. } = child.wait_with_output().expect("a child");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn serve_says_what_keeps_it_from_starting() {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").to_string();
    let ports =
        |data_port: &'static str| ["--listen", data_port, "--control-listen", "127.0.0.1:0"];

    for (flag, other) in [("--listen", "--control-listen"), ("--control-listen", "--listen")] {
        let arguments = [flag, &port, other, "127.0.0.1:0", "--data-dir", path(&data)];
        let (code, stderr) = serve(&arguments);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(&port) && stderr.contains(flag), "{stderr}");
    }

    // Below a file: refused to every user, root included.
    let blocked = file(folder.path(), "file", "").join("data");
    let (code, stderr) =
        serve(&[&ports("127.0.0.1:0")[..], &["--data-dir", path(&blocked)]].concat());
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(path(&blocked)) && stderr.contains("--data-dir"), "{stderr}");

    let missing = folder.path().join("missing.pack");
    let wrong = file(folder.path(), "wrong.pack", format!("{HEAD}+86*\n"));
    // Into a store of its own: one with a catalogue screens on, whatever the packs have become.
    let fresh = folder.path().join("fresh");
    for pack in [&missing, &wrong] {
        let arguments = ["--data-dir", path(&fresh), "--packs", path(pack)];
        let (code, stderr) = serve(&[&ports("127.0.0.1:0")[..], &arguments].concat());
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(path(pack)), "{stderr}");
    }

    let (code, stderr) = serve(&[&ports("0.0.0.0:0")[..], &["--data-dir", path(&data)]].concat());
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("--allow-insecure-listen"), "{stderr}");
}

#[test]
fn files_of_eval_and_list_check_are_named() {
    let folder = tempfile::tempdir().expect("a fresh folder");
    let at = |name: &str, octets: &[u8]| file(folder.path(), name, octets);
    let missing = folder.path().join("missing");
    for (pack, word) in [(missing.clone(), "missing"), (folder.path().to_owned(), "director")] {
        let (code, stdout, stderr) = run(&["list", "check", path(&pack)]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(path(&pack)) && stderr.contains(word), "{stderr}");
    }
    for (name, octets, word) in [
        ("columns.tsv", &b"id\tbody\n1\thello\n"[..], "no column `text`"),
        ("empty.tsv", b"", "header"),
        ("short.tsv", b"id\tlabel\ttext\n1\tham\n", "short.tsv:2"),
        ("binary.tsv", b"\x00\xff\xfe\n", "UTF-8"),
        ("not.tsv.zst", b"id\ttext\n", "not.tsv.zst"),
    ] {
        let (code, stdout, stderr) = run(&["eval", "--no-starter", path(&at(name, octets))]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{name}: {stderr}");
        assert!(stderr.to_lowercase().contains(&word.to_lowercase()), "{name}: {stderr}");
    }
    let (code, _, stderr) = run(&["eval", path(&missing)]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(path(&missing)), "{stderr}");
}
