use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::text::reference::Reference;

fn folded(text: &str) -> String {
    fold_to_string(text)
}

#[test]
fn words_look_the_same_however_written() {
    let table = [
        ("Hello World", "hello world"),
        ("ＦＲＥＥ　ｍｏｎｅｙ", "free money"),
        ("fr\u{200B}e\u{AD}e", "free"),
        ("frée Żółć", "free zolc"),
        ("cre\u{301}dit", "credit"),
        ("раураl", "paypal"),
        ("ВАНК", "bahk"),
        ("внимание", "bhиmahиe"),
        ("ВНИМАНИЕ", "bhиmahиe"),
        ("ΔΩΡΟ δωρο", "δwpo δwpo"),
        ("𝓫𝓪𝓷𝓴 🅱🅰🅽🅺 ⓑⓐⓝⓚ", "bank bank bank"),
        ("🇧🇦🇳🇰 🆓", "bank free"),
        ("轉帳 匯款", "转账汇款"),
        ("安全賬戶", "安全账户"),
        ("转 账", "转账"),
        ("转\u{200B}账", "转账"),
        ("加 QQ 群", "加 qq 群"),
        ("①③⑧ ٣٤٥ १२३ ❸", "138 345 123 3"),
        ("一三〇", "一三0"),
        ("㈱", "(株)"),
        ("  \t two \r\n\u{2003} lines\u{0} ", "two lines"),
        ("Straße Æ", "straße æ"),
        ("İSTANBUL ısı", "istanbul isi"),
        ("한국어 ﾊﾝｶｸ が", "한국어ハンカクか"),
        ("ได้", "ได"),
        ("हिन्दी", "हिनदी"),
        ("\u{202E}evil\u{202C} \u{E0041}\u{E0042}", "evil"),
        ("1\u{FE0F}\u{20E3}", "1"),
        ("⼾⻢", "户马"),
        ("\u{FDFA}", "صلى الله عليه وسلم"),
        ("", ""),
        (" \u{200B} ", ""),
    ];
    for (text, expected) in table {
        assert_eq!(folded(text), expected, "{text:?}");
    }
}

#[test]
fn spans_lead_back() {
    let mut out = Folded::new();
    for (text, word, expected) in [
        ("Say Ｆ\u{200B}ree now", "free", "Ｆ\u{200B}ree"),
        ("x cafe\u{301} y", "cafe", "cafe\u{301}"),
        ("cafe\u{301}", "cafe", "cafe\u{301}"),
        ("a㈱b", "株", "㈱"),
        ("a㈱b", "(株)b", "㈱b"),
        ("請轉 賬 ok", "转账", "轉 賬"),
        ("end   ", "end", "end"),
        ("a  b", " ", "  "),
        ("😀x", "😀", "😀"),
    ] {
        fold(text, &mut out);
        let word = fold_units(word);
        let at = out.units().windows(word.len()).position(|w| w == word).unwrap();
        assert_eq!(&text[out.span(at..at + word.len())], expected, "{text:?}");
    }
    fold("abc", &mut out);
    assert_eq!(out.span(1..1), 1..1);
    assert_eq!(out.span(1..900), 1..3);
    assert_eq!(out.span(800..900), 3..3);
    assert_eq!(Folded::new().span(0..1), 0..0);
}

fn fold_units(word: &str) -> Vec<u16> {
    word.encode_utf16().collect()
}

#[test]
fn bombs_are_cut() {
    let mut out = Folded::new();
    fold(&"\u{FDFA}".repeat(16 * 1024 / 3), &mut out);
    assert!(out.truncated());
    assert!(out.units().len() <= UNITS_MAX && out.units().len() > UNITS_MAX - 20);
    fold(&format!("a{}b", "\u{301}".repeat(10_000)), &mut out);
    assert_eq!(out.units(), fold_units("ab"));
    assert_eq!(out.span(0..1), 0..20_001);
    assert!(!out.truncated());
    fold(&"\u{FFFD}".repeat(16 * 1024), &mut out);
    assert!(!out.truncated());
    assert_eq!(out.units().len(), UNITS_MAX);
    fold(&"é".repeat(20_000), &mut out);
    assert!(out.truncated());
    assert_eq!(out.units().len(), UNITS_MAX);
    fold(&"a ".repeat(50_000), &mut out);
    assert!(out.truncated());
    fold(&"😀".repeat(20_000), &mut out);
    assert!(out.truncated());
    assert!(String::from_utf16(out.units()).is_ok());
    fold(&" ".repeat(100_000), &mut out);
    assert!(out.units().is_empty());
}

#[test]
fn nothing_of_the_last_text_is_left() {
    let mut out = Folded::new();
    fold("a long text of words", &mut out);
    fold("短", &mut out);
    assert_eq!(out.units(), fold_units("短"));
    assert_eq!(out.offsets(), [0]);
    fold(" ", &mut out);
    assert_eq!(out.span(0..0), 0..0);
    fold("短", &mut out);
    assert_eq!(format!("{out:?}"), "Folded(1 units)");
}

/// Characters that stress the fold: every kind the table treats apart.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        any::<char>(),
        proptest::char::range('\0', '\u{7F}'),
        proptest::char::range('\u{4E00}', '\u{9FFF}'),
        proptest::char::range('\u{300}', '\u{36F}'),
        proptest::sample::select(vec![' ', ' ', '\u{200B}', '\u{FDFA}', '㈱', '😀', 'İ', '\u{A8}']),
    ];
    proptest::collection::vec(odd, 0..40).prop_map(|chars| chars.into_iter().collect())
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(Reference::load);

/// The fold said plainly: characters by the reference, then the rules on spaces.
fn oracle(text: &str) -> Vec<u16> {
    let flat: String = text.chars().map(|c| REFERENCE.fold(c)).collect();
    let mut out: Vec<u16> = Vec::new();
    for word in flat.split(' ').filter(|word| !word.is_empty()) {
        let word = fold_units(word);
        if let Some(&last) = out.last() {
            let both = [last, word[0]].map(class_of) == [UnitClass::Ideograph; 2];
            out.extend((!both).then_some(SPACE));
        }
        out.extend(word);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn equals_the_oracle(text in odd_text()) {
        prop_assert_eq!(fold_phrase(&text), oracle(&text));
    }

    #[test]
    fn ascii_equals_the_oracle(text in "[ -~\\x00-\\x20\\x7F]{0,40}") {
        prop_assert_eq!(fold_phrase(&text), oracle(&text));
        // A character beyond ASCII in front takes the general way; all else is the same.
        let (mut ascii, mut general) = (Folded::new(), Folded::new());
        fold(&text, &mut ascii);
        fold(&format!("\u{200B}{text}"), &mut general);
        prop_assert_eq!(ascii.units(), general.units());
        let moved: Vec<u16> = ascii.offsets().iter().map(|offset| offset + 3).collect();
        prop_assert_eq!(&moved, general.offsets());
        let all = ascii.units().len();
        prop_assert!(all == 0 || ascii.span(0..all).end + 3 == general.span(0..all).end);
    }

    #[test]
    fn stands_still(text in odd_text()) {
        let once = folded(&text);
        prop_assert_eq!(folded(&once), once);
    }

    #[test]
    fn spans_are_on_borders_and_cover(text in odd_text(), start in 0usize..60, len in 1usize..9) {
        let mut out = Folded::new();
        fold(&text, &mut out);
        prop_assert!(out.offsets().is_sorted());
        let units = start.min(out.units().len())..(start + len).min(out.units().len());
        let span = out.span(units.clone());
        prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
        // What the span holds folds to the units, but for parts of expansions and pairs, which
        // come whole.
        let again = String::from_utf16_lossy(&fold_phrase(&text[span]));
        let hit = String::from_utf16_lossy(&out.units()[units]);
        let hit = hit.trim_matches([' ', '\u{FFFD}']);
        prop_assert!(again.contains(hit), "{again:?} {hit:?}");
    }
}
