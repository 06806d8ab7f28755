//! Golden cases, and every matcher against a plain scan and against aho-corasick.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::text::class::{UnitClass, class_of, is_border};

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// A phrase as packs write it: `*` at an end opens it.
fn parse(phrase: &str) -> (Vec<u16>, bool, bool) {
    let closed = phrase.strip_prefix('*').unwrap_or(phrase);
    let (open_left, open_right) = (closed != phrase, closed.ends_with('*'));
    (units(closed.trim_end_matches('*')), open_left, open_right)
}

type Phrase = (Vec<u16>, bool, bool);

/// The set (in both of its forms) and the id of each phrase.
fn sets(phrases: &[Phrase]) -> (Vec<KeywordSet>, Vec<Option<PhraseId>>) {
    let mut builder = KeywordSetBuilder::new();
    let ids = phrases.iter().map(|(units, left, right)| builder.add(units, *left, *right).ok());
    let ids = ids.collect();
    (vec![builder.clone().build_for(usize::MAX), builder.build_for(0)], ids)
}

fn scan(set: &KeywordSet, text: &[u16]) -> Vec<(u32, u32, u32)> {
    let mut hits = Vec::new();
    set.scan(text, |hit| hits.push((hit.phrase.0, hit.start, hit.end)));
    hits
}

fn check(phrase: &str, text: &str, expected: &[&str]) {
    let (sets, ids) = sets(&[parse(phrase)]);
    assert_eq!(ids, [Some(PhraseId(0))], "{phrase}");
    let text_units = units(text);
    for set in sets {
        let hits = scan(&set, &text_units);
        let found: Vec<String> = hits
            .iter()
            .map(|hit| String::from_utf16_lossy(&text_units[hit.1 as usize..hit.2 as usize]))
            .collect();
        assert_eq!(found, expected, "{phrase} in {text}");
    }
}

#[test]
fn golden() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("cat", "cat", &["cat"]),
        ("cat", "a cat.", &["cat"]),
        ("cat", "concatenate cats bobcat", &[]),
        ("cat", "cat cat,cat", &["cat", "cat", "cat"]),
        ("cat", "cat5 5cat", &["cat", "cat"]),
        ("cat", "加cat微", &["cat"]),
        ("verify your account", "verify your account", &["verify your account"]),
        ("verify your account", "please verify, your   account now", &["verify, your   account"]),
        ("verify, your account", "verify your account", &["verify your account"]),
        ("verify your account", "verify    your account", &[]),
        ("verify your account", "verify your accounts", &[]),
        ("verify your account", "verifyyour account", &[]),
        ("verify your account", "verify your 贷 account", &[]),
        ("your your", "your your your", &["your your", "your your"]),
        ("free4u", "free4u", &["free4u"]),
        ("free4u", "get free 4 u", &["free 4 u"]),
        ("free 4 u", "free4u!", &["free4u"]),
        ("free4u", "free44u free4us", &[]),
        ("100", "1000 100 100x", &["100", "100"]),
        ("24/7", "24-7 and 247", &["24-7"]),
        ("安全账户", "转到安全账户。", &["安全账户"]),
        ("贷", "贷款贷", &["贷", "贷"]),
        ("款款款", "款款款款款", &["款款款", "款款款", "款款款"]),
        ("加qq", "请加qq123", &["加qq"]),
        ("加qq", "加qqq", &[]),
        ("加qq*", "加qqq", &["加qq"]),
        ("qq群", "加qq群", &["qq群"]),
        ("qq群", "加aqq群", &[]),
        ("*qq群", "加aqq群", &["qq群"]),
        ("kredi*", "krediniz kredi akredi", &["kredi", "kredi"]),
        ("*bank", "mybank bank banka", &["bank", "bank"]),
        ("*ban*", "urban ban banner", &["ban", "ban", "ban"]),
        ("*a*", "aba", &["a", "a"]),
        ("a", "aba a", &["a"]),
        ("kredi kart*", "kredi kartiniz kredi, kart", &["kredi kart"]),
        ("138*", "13812345678 0138", &["138"]),
        ("$ now", "earn $ now, $ nowhere", &["$ now"]),
        ("now!", "now! snow! now", &["now!"]),
        ("кредит", "кредит, кредиты", &["кредит"]),
        ("가입", "무료가입하세요", &["가입"]),
        ("😀贷", "x😀贷", &["😀贷"]),
        ("cat", "", &[]),
    ];
    for (phrase, text, expected) in cases {
        check(phrase, text, expected);
    }
}

#[test]
fn identity_and_errors() {
    let mut builder = KeywordSetBuilder::new();
    let mut add = |text: &str| {
        let (units, left, right) = parse(text);
        builder.add(&units, left, right).map(|id| id.0)
    };
    assert_eq!(add("verify your account"), Ok(0));
    assert_eq!(add("verify, your account"), Ok(0));
    assert_eq!(add("verify your account*"), Ok(1));
    assert_eq!(add("free 4u"), Ok(2));
    assert_eq!(add("free4 u"), Ok(2));
    assert_eq!(add("贷款"), Ok(3));
    assert_eq!(add("*贷款*"), Ok(3));
    assert_eq!(add("贷款 "), Ok(4));
    assert_eq!(add("qq贷"), Ok(5));
    assert_eq!(add("*qq贷"), Ok(6));
    assert_eq!(add(""), Err(KeywordError::Empty));
    assert_eq!(add(" .-"), Err(KeywordError::OnlySeparators));
    assert_eq!(add(&"a".repeat(64)), Ok(7));
    assert_eq!(add(&"a".repeat(65)), Err(KeywordError::TooLong { units: 65 }));
    assert_eq!(add(&"a1".repeat(32)), Ok(8));
    assert_eq!(add(&"a1".repeat(32)), Ok(8));
    assert_eq!(builder.len(), 9);
    let set = builder.build();
    assert_eq!(set.len(), 9);
    let text = units(&"a1 ".repeat(33));
    assert_eq!(scan(&set, &text).len(), 2);
    assert!(!format!("{set:?}").contains("qq"));
    assert!(scan(&KeywordSetBuilder::new().build(), &text).is_empty());
}

#[test]
fn openness_is_told_apart_at_one_place() {
    let phrases = ["qq贷", "*qq贷", "贷qq", "贷qq*", "qq", "*qq", "qq*", "*qq*"].map(parse);
    let (sets, ids) = sets(&phrases);
    assert_eq!(ids, (0..8).map(|id| Some(PhraseId(id))).collect::<Vec<_>>());
    for set in sets {
        let mut found: Vec<u32> = scan(&set, &units("aqq贷qqa")).iter().map(|hit| hit.0).collect();
        found.sort_unstable();
        assert_eq!(found, [1, 3, 5, 6, 7, 7]);
    }
}

/// The same semantics, spelled out: where the phrase that starts here would end.
fn ends_at(phrase: &Phrase, text: &[u16], start: usize) -> Option<usize> {
    let (units, open_left, open_right) = phrase;
    let class = |at: usize| text.get(at).map(|unit| class_of(*unit));
    let border = |at: usize| match (at.checked_sub(1).and_then(class), class(at)) {
        (Some(left), Some(right)) => is_border(left, right),
        _ => true,
    };
    let separator = |unit: &u16| class_of(*unit) == UnitClass::Separator;
    let ideograph = |unit: &u16| class_of(*unit) == UnitClass::Ideograph;
    let ends = separator(units.first()?) || separator(units.last()?);
    if ends || *open_left || *open_right || units.iter().any(ideograph) {
        let end = start + units.len();
        let here = text.get(start..end)? == units;
        return (here && (*open_left || border(start)) && (*open_right || border(end)))
            .then_some(end);
    }
    let words: Vec<&[u16]> = units
        .chunk_by(|left, right| class_of(*left) == class_of(*right))
        .filter(|word| !separator(&word[0]))
        .collect();
    let mut at = start;
    for (count, word) in words.iter().enumerate() {
        if count > 0 {
            let gap = text[at..].iter().take_while(|unit| separator(unit)).count();
            if gap > 3 {
                return None;
            }
            at += gap;
        }
        let end = at + word.len();
        if text.get(at..end)? != *word || !border(at) || !border(end) {
            return None;
        }
        at = end;
    }
    Some(at)
}

fn oracle(phrases: &[Phrase], ids: &[Option<PhraseId>], text: &[u16]) -> BTreeSet<(u32, u32, u32)> {
    let mut hits = BTreeSet::new();
    for (phrase, id) in phrases.iter().zip(ids) {
        let Some(id) = id else { continue };
        for start in 0..text.len() {
            if let Some(end) = ends_at(phrase, text, start) {
                hits.insert((id.0, start as u32, end as u32));
            }
        }
    }
    hits
}

fn some_units(alphabet: &'static str, len: std::ops::Range<usize>) -> BoxedStrategy<Vec<u16>> {
    prop::collection::vec(prop::sample::select(units(alphabet)), len).boxed()
}

fn some_phrases(alphabet: &'static str) -> BoxedStrategy<Vec<Phrase>> {
    let phrase = (some_units(alphabet, 0..7), any::<bool>(), any::<bool>());
    prop::collection::vec(phrase, 1..20).boxed()
}

fn against_oracle(phrases: &[Phrase], text: &[u16]) -> Result<(), TestCaseError> {
    let (sets, ids) = sets(phrases);
    for (phrase, id) in phrases.iter().zip(&ids) {
        let sought = phrase.0.iter().any(|unit| class_of(*unit) != UnitClass::Separator);
        prop_assert_eq!(id.is_some(), sought);
    }
    let expected: Vec<_> = oracle(phrases, &ids, text).into_iter().collect();
    for set in sets {
        let hits = scan(&set, text);
        prop_assert_eq!(&hits, &scan(&set, text), "two scans differ");
        let mut sorted = hits;
        sorted.sort_unstable();
        prop_assert_eq!(&sorted, &expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mixed_as_plain_scan(
        phrases in some_phrases("ab1 .贷款"),
        text in some_units("ab1 .贷款", 0..80),
    ) {
        against_oracle(&phrases, &text)?;
    }

    #[test]
    fn words_as_plain_scan(
        phrases in some_phrases("a1 "),
        text in some_units("a1 ", 0..200),
    ) {
        against_oracle(&phrases, &text)?;
    }

    #[test]
    fn texts_of_phrases_as_plain_scan(
        phrases in prop::collection::vec(
            (prop::sample::select(vec![
                "verify", "account", "kredi karti", "a b c d", "free4u", "安全账户", "加qq", "qq",
                "secureverification", "ий кредит", "über", "x\u{AA}\u{B7}y", "\u{2C00}\u{1200}1",
            ]), any::<bool>(), any::<bool>()),
            1..12,
        ),
        picks in prop::collection::vec((0usize..12, 0usize..6), 0..40),
    ) {
        let phrases: Vec<Phrase> =
            phrases.into_iter().map(|(text, left, right)| (units(text), left, right)).collect();
        let mut text = Vec::new();
        for (pick, between) in picks {
            text.extend_from_slice(&phrases[pick % phrases.len()].0);
            text.extend(units(["", " ", ", ", "    ", "贷", "s"][between]));
        }
        against_oracle(&phrases, &text)?;
    }

    #[test]
    fn han_as_aho_corasick(
        phrases in prop::collection::btree_set("[贷款安全]{1,6}", 1..30),
        text in "[贷款安全]{0,200}",
    ) {
        let phrases: Vec<String> = phrases.into_iter().collect();
        let (sets, _) =
            sets(&phrases.iter().map(|phrase| (units(phrase), false, false)).collect::<Vec<_>>());
        let automaton = aho_corasick::AhoCorasick::new(&phrases).expect("a small set");
        let mut expected: Vec<_> = automaton
            .find_overlapping_iter(&text)
            .map(|m| (m.pattern().as_u32(), m.start() as u32 / 3, m.end() as u32 / 3))
            .collect();
        expected.sort_unstable();
        for set in sets {
            let mut hits = scan(&set, &units(&text));
            hits.sort_unstable();
            prop_assert_eq!(&hits, &expected);
        }
    }
}

#[test]
fn a_large_set_finds_each_of_its_phrases() {
    let han = |at: u32| 0x4E00 + (at % 5000) as u16;
    let phrase = |at: u32| -> Vec<u16> {
        if at.is_multiple_of(2) {
            vec![han(at), han(at / 7), han(at / 5000 * 31 + 1), han(at % 17)]
        } else {
            units(&format!("word{} of {}", char::from(b'a' + (at % 26) as u8), at))
        }
    };
    let mut builder = KeywordSetBuilder::new();
    let ids: Vec<PhraseId> = (0..100_000)
        .map(|at| builder.add(&phrase(at), false, false).expect("a good phrase"))
        .collect();
    let set = builder.build();
    assert!(set.bytes() < 150 * set.len(), "{} bytes", set.bytes());
    for at in (0..100_000).step_by(37) {
        let mut text = units(". ");
        text.extend(phrase(at));
        let mut found = false;
        set.scan(&text, |hit| {
            found |=
                hit.phrase == ids[at as usize] && (hit.start, hit.end) == (2, text.len() as u32);
        });
        assert!(found, "phrase {at}");
    }
}

#[test]
fn long_texts_of_one_unit_report_every_hit() {
    let text = vec![0x8D37; 16 * 1024];
    let (sets, _) =
        sets(&(1..=64).map(|len| (vec![0x8D37; len], false, false)).collect::<Vec<_>>());
    for set in sets {
        let mut hits = 0;
        set.scan(&text, |_| hits += 1);
        assert_eq!(hits, (1..=64).map(|len| text.len() - len + 1).sum::<usize>());
    }
    let words = units(&"a ".repeat(2000));
    let phrases = (1..=32).map(|count| (units("a ".repeat(count).trim()), false, false));
    let (sets, _) = self::sets(&phrases.collect::<Vec<_>>());
    let hits = scan(&sets[0], &words).len();
    assert_eq!(hits, (1..=32).map(|count| 2000 - count + 1).sum::<usize>());
}

#[test]
fn conjunctions_over_what_a_text_holds() {
    let mut builder = KeywordSetBuilder::new();
    let mut atom = |text: &str| {
        let (units, left, right) = parse(text);
        Atom::Phrase(builder.add(&units, left, right).expect("a good phrase"))
    };
    let police = vec![atom("公安局"), atom("police officer")];
    let account = vec![atom("安全账户"), atom("safe account*")];
    let genuine = [atom("never asks")];
    let mut conjunctions = ConjunctionSetBuilder::new();
    conjunctions.add(&[police, account], &genuine, Some(40)).expect("a good conjunction");
    let (set, conjunctions) = (builder.build(), conjunctions.build());
    let mut buffer = OccurrenceBuffer::new();
    let mut spans = |text: &str| {
        let text = units(text);
        let mut occurrences = conjunctions.begin(&mut buffer);
        set.scan(&text, |hit| occurrences.note(Atom::Phrase(hit.phrase), hit.start, hit.end));
        let mut spans = Vec::new();
        occurrences.evaluate(|hit| {
            spans.push(String::from_utf16_lossy(&text[hit.start as usize..hit.end as usize]));
        });
        spans
    };
    assert_eq!(spans("我是公安局的,请转到安全账户"), ["公安局的,请转到安全账户"]);
    assert_eq!(spans("police, officer: use safe accounts"), ["police, officer: use safe account"]);
    assert!(spans("the safe account; far, far, far away police officer").is_empty());
    assert!(spans("公安局: police never asks for 安全账户").is_empty());
    assert!(spans("安全账户").is_empty());
}
