//! The house rules as a test: arrows between rooms, sizes, bans.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a source file may have.
const FILE_LINES_MAX: usize = 500;
/// Lines a test file in Python may have.
const PYTHON_LINES_MAX: usize = 500;
/// Columns a line may have.
const LINE_CHARS_MAX: usize = 100;
/// Lines a function may have.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// Functions that may be longer, each with its reason.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Rooms with the rooms below them that they may use. A room not named here may not exist.
/// `sip`, `smpp`, `store`, `state` and `learn` are reserved: their arrows stand before they do.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("text", &["model"]),
    ("engine", &["text", "model"]),
    ("state", &["text", "model"]),
    ("lists", &["text", "model"]),
    ("learn", &["text", "model"]),
    ("wire", &["lists", "model"]),
    ("app", &["engine", "state", "lists", "learn", "text", "model"]),
    ("grpc", &["wire", "app", "lists", "model"]),
    ("http", &["wire", "app", "model"]),
    ("sip", &["wire", "app", "model"]),
    ("smpp", &["wire", "app", "model"]),
    ("store", &["app", "lists", "text", "model"]),
    ("telemetry", &["app", "model"]),
    ("fetch", &["app", "model"]),
    (
        "cli",
        &[
            "grpc",
            "http",
            "telemetry",
            "fetch",
            "store",
            "wire",
            "app",
            "engine",
            "lists",
            "text",
            "model",
        ],
    ),
];

/// Rooms that know nothing of the world outside.
const PURE: &[&str] = &["model", "text", "engine", "state", "lists", "learn"];

/// Words that may not stand in pure rooms, with the reason.
const BANNED_IN_PURE: &[(&str, &str)] = &[
    ("std::fs", "no I/O"),
    ("std::net::Tcp", "no I/O"),
    ("std::net::Udp", "no I/O"),
    ("ToSocketAddrs", "no I/O"),
    ("std::thread::spawn", "no threads"),
    ("SystemTime::now", "time is passed in"),
    ("Instant::now", "time is passed in"),
    ("tokio::", "no async"),
    ("async fn", "no async"),
    ("tracing::", "no logging"),
    ("prost::", "wire forms stop at the door"),
    ("serde::", "stored forms are types of their own"),
    ("std::env", "configuration is passed in"),
];

/// Words that may not stand anywhere outside tests, with the reason.
const BANNED: &[(&str, &str)] = &[
    (".unwrap()", "`expect` states the invariant"),
    ("todo!(", "unfinished work"),
    ("unimplemented!(", "unfinished work"),
    ("dbg!(", "debugging"),
    ("unbounded_channel", "every queue has a limit"),
    ("process::exit", "main returns an exit code"),
];

/// Where the clock may be read, each with its reason.
const CLOCK_FILES: &[(&str, &str)] = &[
    ("src/app/clock.rs", "the clock port"),
    ("src/app/metrics.rs", "measures"),
    ("src/cli/bench/load.rs", "measures"),
    ("src/cli/serve.rs", "measures its own start"),
    ("src/cli/serve/start.rs", "paces base images"),
    ("src/app/changes/service.rs", "measures"),
    ("src/fetch/mod.rs", "deadlines of a download"),
    ("src/http/grpc.rs", "deadlines of connections"),
    ("src/grpc/dispatch.rs", "measures"),
    ("src/grpc/screening.rs", "measures"),
];

/// Where other sources live: tests, benchmarks and examples, which have their own rules for most
/// things, but no room for longer files.
const OTHER_FOLDERS: &[&str] = &["tests", "benches", "examples"];

struct Source {
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    files_of("src", "rs")
}

fn files_of(folder: &str, extension: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join(folder), extension, &mut files);
    files.sort();
    let read = |path: PathBuf| Source {
        text: fs::read_to_string(&path).expect("sources are UTF-8"),
        path: path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned(),
    };
    files.into_iter().map(read).collect()
}

fn walk(dir: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, extension, files);
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
}

/// Files that are compiled for tests only: tables, oracles and references.
fn is_test(path: &str) -> bool {
    ["/tests.rs", "/testing.rs", "/reference.rs"].iter().any(|end| path.ends_with(end))
        || path.contains("/tests/")
        || path.contains("/testing/")
}

/// The text in front of its unit tests.
fn product(source: &Source) -> &str {
    if is_test(&source.path) {
        return "";
    }
    let end = source.text.find("#[cfg(test)]").unwrap_or(source.text.len());
    &source.text[..end]
}

fn room(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/")?;
    let room = rest.split(['/', '.']).next()?;
    (!matches!(room, "lib" | "main")).then_some(room)
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(room) = room(&source.path) else { continue };
        let Some((_, below)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room `{room}` is not in the house plan", source.path));
            continue;
        };
        for (number, line) in code_lines(product(&source)) {
            for (at, _) in line.match_indices("crate::") {
                let used = line[at + 7..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let used = used.into_iter().next().unwrap_or("");
                let known = ARROWS.iter().any(|(name, _)| *name == used);
                if known && used != room && !below.contains(&used) {
                    wrong.push(format!("{}:{number}: {room} may not use {used}", source.path));
                }
            }
        }
    }
    report(wrong);
}

/// Words with the reason why they may not stand in a line.
fn words(source: &Source, banned: &[(&str, &str)], wrong: &mut Vec<String>) {
    for (number, line) in code_lines(product(source)) {
        for (word, reason) in banned.iter().filter(|(word, _)| line.contains(word)) {
            wrong.push(format!("{}:{number}: `{word}`: {reason}", source.path));
        }
    }
}

#[test]
fn pure_rooms_stay_pure() {
    let mut wrong = Vec::new();
    for source in sources() {
        if room(&source.path).is_some_and(|room| PURE.contains(&room)) {
            words(&source, BANNED_IN_PURE, &mut wrong);
        }
    }
    report(wrong);
}

#[test]
fn banned_words() {
    let mut wrong = Vec::new();
    for source in sources() {
        words(&source, BANNED, &mut wrong);
        for (number, line) in code_lines(product(&source)) {
            let clock = line.contains("SystemTime::now") || line.contains("Instant::now");
            if clock && !CLOCK_FILES.iter().any(|(file, _)| *file == source.path) {
                wrong.push(format!("{}:{number}: only the clock port reads time", source.path));
            }
            let prints = line.contains("println!(") && !source.path.starts_with("src/cli/");
            if prints && source.path != "src/main.rs" {
                wrong.push(format!("{}:{number}: only the command line prints", source.path));
            }
        }
    }
    report(wrong);
}

#[test]
fn sizes() {
    let mut wrong = Vec::new();
    for source in sources() {
        length(&source, FILE_LINES_MAX, &mut wrong);
        for (number, line) in source.text.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX && !line.contains("http") {
                wrong.push(format!("{}:{}: {chars} columns", source.path, number + 1));
            }
        }
        functions(&source, &mut wrong);
    }
    for folder in OTHER_FOLDERS {
        for (extension, most) in [("rs", FILE_LINES_MAX), ("py", PYTHON_LINES_MAX)] {
            for source in files_of(folder, extension) {
                length(&source, most, &mut wrong);
            }
        }
    }
    report(wrong);
}

fn length(source: &Source, most: usize, wrong: &mut Vec<String>) {
    let lines = source.text.lines().count();
    if lines > most && !LONG_FILES.iter().any(|(file, _)| *file == source.path) {
        wrong.push(format!("{}: {lines} lines, at most {most}", source.path));
    }
}

/// A file that is gone leaves no allowance behind.
#[test]
fn allowances_are_of_use() {
    for (file, reason) in CLOCK_FILES.iter().chain(LONG_FILES) {
        let used = Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file();
        assert!(used && !reason.is_empty(), "{file}");
    }
}

/// A function starts at a line with `fn` and ends at a closing brace of the same indent.
fn functions(source: &Source, wrong: &mut Vec<String>) {
    let lines: Vec<&str> = product(source).lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let head =
            ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn ", "pub(crate) fn "];
        if !head.iter().any(|head| trimmed.starts_with(head)) {
            continue;
        }
        let indent = &line[..line.len() - trimmed.len()];
        let close = format!("{indent}}}");
        let end = lines[start..].iter().position(|line| *line == close);
        let length = end.map_or(0, |end| end + 1);
        let name = format!("{}:{}", source.path, trimmed.split('(').next().unwrap_or(""));
        if length > FUNCTION_LINES_MAX && !LONG_FUNCTIONS.iter().any(|(f, _)| name.starts_with(f)) {
            wrong.push(format!("{name} (line {}): {length} lines", start + 1));
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !is_test(&source.path) && !source.text.starts_with("//!") {
            wrong.push(format!("{}: opens without //!", source.path));
        }
    }
    report(wrong);
}

#[test]
fn no_machine_paths_in_sources() {
    let mut wrong = Vec::new();
    for source in sources() {
        for word in ["/work/", "/root/", "/home/"] {
            if source.text.contains(word) {
                wrong.push(format!("{}: `{word}`", source.path));
            }
        }
    }
    report(wrong);
}
