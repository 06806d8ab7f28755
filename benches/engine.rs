//! The engine alone: verdicts on calls and messages against lists of real size, compile time,
//! memory an entry. Every answer is checked before it is timed.
//!
//! `cargo bench --bench engine` (about two minutes after the build); `-- --quick` uses 1M numbers.

#[path = "engine/layers.rs"]
mod layers;
mod support;

use std::time::Instant;

use ringfence::app::catalogue::{PackText, compile, read, starter_packs};
use ringfence::engine::{Ruleset, screen};
use ringfence::model::attempt::{
    Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass,
};
use ringfence::model::category::Category;
use ringfence::model::entry::{
    Effect, Entry, EntryMeta, ListKind, ListSpec, NumberPattern, Party, TenantId, Value,
};
use ringfence::model::number::{E164Number, Number};
use ringfence::model::policy::{Action, Ground, Traffic};
use ringfence::model::revision::{Digest, Revision};
use ringfence::model::time::{Timestamp, Validity};
use ringfence::model::verdict::ReasonCode;
use support::{Draw, per_item, random_load};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Timestamp = Timestamp(1_767_225_600_000);
const INPUTS: usize = 100_000;
const KEYWORDS: usize = 100_000;

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let entries = if quick { 1_000_000 } else { 10_000_000 };
    layers::overlay();
    layers::bulk(entries);
    calls(entries);
    messages(Spread::List);
    messages(Spread::Text);
}

/// Chinese mobile numbers, spread over the whole range.
fn number(draw: &mut Draw) -> u64 {
    8_613_000_000_000 + draw.next() % 7_000_000_000
}

fn list(id: &str, kind: ListKind, points: i16) -> ListSpec {
    ListSpec {
        id: id.into(),
        kind,
        title: "".into(),
        source: "".into(),
        party: Party::Either,
        tenant: TenantId::GLOBAL,
        subscriber: None,
        traffic: None,
        ground: Ground::Analytics,
        authority: "".into(),
        case: "".into(),
        ceiling: Action::Block,
        caps_text: None,
        meta: EntryMeta {
            effect: Effect::Score(points),
            category: Some(Category::AU01),
            validity: Validity::ALWAYS,
            shadow: false,
        },
    }
}

fn calls(entries: usize) {
    let mut draw = Draw(42);
    let spec = list("bulk", ListKind::Number, 320);
    let start = Instant::now();
    let mut builder = read(&starter_packs()).expect("the starter packs are right");
    builder.list(&spec).expect("a list");
    let mut listed: Vec<u64> = (0..entries).map(|_| number(&mut draw)).collect();
    for &value in &listed {
        let number = E164Number::from_value(value).expect("13 digits");
        let value = Value::Number(NumberPattern::Exact(Number::E164(number)));
        builder.add(&Entry { value, meta: spec.meta }).expect("a number");
    }
    let ruleset = builder.build(Revision(1), Digest::default()).expect("compiles");
    let compile = start.elapsed();
    let inputs = call_inputs(&mut draw, &listed);
    listed.sort_unstable();
    check_calls(&ruleset, &inputs, &listed);
    listed.dedup();

    let floor = random_load(128 << 20);
    let verdict = |(from, to): &(String, String)| {
        let verdict = screen(&ruleset, &call(from, to), &StateFacts::default(), NOW);
        verdict.reasons.len()
    };
    let timing = per_item(&inputs, verdict);
    let bytes = ruleset.number_bytes() as f64 / listed.len() as f64;
    println!(
        "call verdict, {} listed numbers, both parties looked up, reasons filled:",
        listed.len()
    );
    println!("  median {:.0} ns   p99 {:.0} ns", timing.median, timing.p99);
    println!(
        "  one random load of 128 MiB in this run: {floor:.0} ns; verdict is {:.1} loads",
        timing.median / floor
    );
    println!("  {bytes:.1} bytes an entry; read and compiled in {:.2} s", compile.as_secs_f64());
}

fn call<'a>(from: &'a str, to: &'a str) -> Attempt<'a> {
    let mut attempt = Attempt::empty(Traffic::Call);
    attempt.originator.raw = from.as_bytes();
    attempt.recipient.raw = to.as_bytes();
    attempt.ingress.trunk_class = TrunkClass::Domestic;
    attempt
}

/// One originator in ten is listed.
fn call_inputs(draw: &mut Draw, listed: &[u64]) -> Vec<(String, String)> {
    (0..INPUTS)
        .map(|_| {
            let from = match draw.below(10) {
                0 => listed[draw.below(listed.len())],
                _ => number(draw),
            };
            (format!("+{from}"), format!("+{}", number(draw)))
        })
        .collect()
}

fn check_calls(ruleset: &Ruleset, inputs: &[(String, String)], sorted: &[u64]) {
    let is_listed = |text: &str| {
        let value: u64 = text[1..].parse().expect("digits");
        sorted.binary_search(&value).is_ok()
    };
    let mut hits = 0;
    for (from, to) in inputs {
        let verdict = screen(ruleset, &call(from, to), &StateFacts::default(), NOW);
        let found = verdict.reasons.iter().filter(|r| r.code == ReasonCode::NumberListed).count();
        let expected = usize::from(is_listed(from)) + usize::from(is_listed(to));
        assert_eq!(found, expected, "from {} to {}", &from[..6], &to[..6]);
        hits += found;
    }
    assert!(hits > INPUTS / 12, "one in ten is listed");
}

/// Han characters by rank; a seeded shuffle of the common block.
fn han(draw: &mut Draw) -> Vec<char> {
    let mut chars: Vec<char> = (0x4E00..0x4E00 + 6000).filter_map(char::from_u32).collect();
    for i in (1..chars.len()).rev() {
        chars.swap(i, draw.below(i + 1));
    }
    chars
}

fn words(draw: &mut Draw) -> Vec<String> {
    let (onset, vowel, coda) = (
        ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "w", "st", "tr", "sh", ""],
        ["a", "e", "i", "o", "u", "ea", "ou"],
        ["n", "r", "s", "t", "l", "m", "d", "ck", "nt", "st", ""],
    );
    let mut words = std::collections::BTreeSet::new();
    while words.len() < 20_000 {
        let mut word = String::new();
        for _ in 0..1 + draw.below(3) {
            word += onset[draw.below(onset.len())];
            word += vowel[draw.below(vowel.len())];
            word += coda[draw.below(coda.len())];
        }
        if (3..12).contains(&word.len()) {
            words.insert(word);
        }
    }
    let mut words: Vec<String> = words.into_iter().collect();
    for i in (1..words.len()).rev() {
        words.swap(i, draw.below(i + 1));
    }
    words
}

fn han_phrase(draw: &mut Draw, chars: &[char], spread: Spread) -> String {
    let length = [2, 3, 3, 4, 4, 4, 4, 5, 6, 8][draw.below(10)];
    let rank = |draw: &mut Draw| match spread {
        Spread::List => draw.zipf_half(chars.len()),
        Spread::Text => draw.zipf(chars.len()),
    };
    (0..length).map(|_| chars[rank(draw)]).collect()
}

/// How the characters of the phrases are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// As phrase lists have them: more even than running text.
    List,
    /// As the texts themselves: the hard case, nearly every place starts like some phrase.
    Text,
}

fn word_phrase(draw: &mut Draw, words: &[String]) -> String {
    let picked: Vec<&str> =
        (0..2 + draw.below(2)).map(|_| words[draw.below(words.len())].as_str()).collect();
    picked.join(" ")
}

fn messages(spread: Spread) {
    let mut draw = Draw(43);
    let (chars, words) = (han(&mut draw), words(&mut draw));
    let phrases: Vec<String> = (0..KEYWORDS)
        .map(|i| match i % 2 {
            0 => han_phrase(&mut draw, &chars, spread),
            _ => word_phrase(&mut draw, &words),
        })
        .collect();
    let mut pack = String::from(
        "%pack bench\n%list bench kind=keyword points=80 category=CN08\n%columns value\n",
    );
    for phrase in &phrases {
        pack += phrase;
        pack.push('\n');
    }
    let mut packs = starter_packs();
    packs.push(PackText { name: "bench.pack".into(), octets: pack.into_bytes() });
    let start = Instant::now();
    let ruleset = compile(&packs, Revision(1)).expect("compiles");
    println!(
        "starter packs and {KEYWORDS} keywords, drawn like a {spread:?}: read and compiled in {:.2} s",
        start.elapsed().as_secs_f64()
    );

    let plant = |draw: &mut Draw, from: usize| {
        (draw.below(10) >= 6).then(|| phrases[draw.below(KEYWORDS / 2) * 2 + from].clone())
    };
    let zh: Vec<(String, Option<String>)> = (0..INPUTS / 5)
        .map(|_| {
            let planted = plant(&mut draw, 0);
            let mut text: Vec<char> = planted.iter().flat_map(|p| p.chars()).collect();
            while text.len() < 70 {
                text.push(chars[draw.zipf(chars.len())]);
            }
            (text.into_iter().collect(), planted)
        })
        .collect();
    let en: Vec<(String, Option<String>)> = (0..INPUTS / 5)
        .map(|_| {
            let planted = plant(&mut draw, 1);
            let mut text = planted.clone().unwrap_or_default();
            while text.len() < 160 {
                if !text.is_empty() {
                    text.push(' ');
                }
                text += &words[draw.zipf(words.len())];
            }
            text.truncate(160);
            (text, planted)
        })
        .collect();
    for (name, inputs) in [("70 Han characters", &zh), ("160 ASCII characters", &en)] {
        check_messages(&ruleset, inputs);
        let timing = per_item(inputs, |(text, _)| {
            screen(&ruleset, &message(text), &StateFacts::default(), NOW).reasons.len()
        });
        println!(
            "message verdict, {name}: median {:.0} ns   p99 {:.0} ns",
            timing.median, timing.p99
        );
    }
}

fn message(text: &str) -> Attempt<'_> {
    let mut attempt = Attempt::empty(Traffic::Message);
    attempt.originator.raw = b"+8613800138000";
    attempt.recipient.raw = b"+8613800138001";
    attempt.content = Content {
        octets: text.as_bytes(),
        encoding: TextEncoding::Utf8,
        basis: ContentBasis::Contract,
    };
    attempt
}

/// A planted phrase is among the reasons, with the right octets.
fn check_messages(ruleset: &Ruleset, inputs: &[(String, Option<String>)]) {
    let mut planted = 0;
    for (text, phrase) in inputs {
        let Some(phrase) = phrase else { continue };
        let verdict = screen(ruleset, &message(text), &StateFacts::default(), NOW);
        let found = verdict.reasons.iter().any(|reason| {
            reason.list == "bench"
                && reason.span.is_some_and(|span| {
                    text[span.start as usize..span.end as usize].contains(phrase.as_str())
                        || phrase.contains(&text[span.start as usize..span.end as usize])
                })
        });
        // A phrase inside a longer listed one is not reported by itself, nor one past the 16th.
        planted += usize::from(found);
    }
    let all = inputs.iter().filter(|(_, phrase)| phrase.is_some()).count();
    assert!(planted * 100 >= all * 99, "{planted} of {all} planted phrases found");
}
