use proptest::prelude::*;

use super::*;
use crate::text::fold::fold;
use crate::text::links::find_links;

fn facts(text: &str) -> Facts {
    let (mut folded, mut links) = (Folded::new(), Links::new());
    let mut facts = Facts::default();
    fold(text, &mut folded);
    find_links(text, &mut links);
    find_facts(&folded, &links, &mut facts);
    facts
}

fn phones(text: &str) -> Vec<String> {
    facts(text).phones.iter().map(|span| text[span.clone()].to_owned()).collect()
}

fn codes(text: &str) -> Vec<String> {
    facts(text).codes.iter().map(|span| text[span.clone()].to_owned()).collect()
}

#[test]
fn phone_numbers_as_people_write_them() {
    for (text, number) in [
        ("请致电13800138000咨询", "13800138000"),
        ("请致电 138 0013 8000 咨询", "138 0013 8000"),
        ("加微信１３８００１３８０００", "１３８００１３８０００"),
        ("tel:010-12345678.", "010-12345678"),
        ("(010)12345678", "(010)12345678"),
        ("call +1 (555) 010-0199 now", "+1 (555) 010-0199"),
        ("call 1-800-555-0199", "1-800-555-0199"),
        ("call 555-0199, ok", "555-0199"),
        ("Call08001234567", "08001234567"),
        ("07700 900123", "07700 900123"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("+49 30 1234567", "+49 30 1234567"),
        ("98765 43210", "98765 43210"),
        ("400–810–8888转1", "400–810–8888"),
        ("138\u{200B}0013\u{200B}8000", "138\u{200B}0013\u{200B}8000"),
        ("一三八〇 ①③⑧〇〇①③⑧〇〇〇", "①③⑧〇〇①③⑧〇〇〇"),
    ] {
        assert_eq!(phones(text), [number], "{text:?}");
        assert!(codes(text).is_empty(), "{text:?}");
    }
}

#[test]
fn other_numbers_are_no_phone_numbers() {
    for text in [
        "2026-11-23",
        "2026-11-23 12:00:00",
        "23-11-2026",
        "20261123",
        "2025-2026",
        "1234567.89",
        "1,234,567",
        "¥1234567",
        "$12345678",
        "贷款1000000元",
        "验证码123456 5分钟内有效",
        "验证码 123456 15分钟内有效",
        "http://t.cn/13800138000",
        "a1234567b",
        "123456",
        "12 34 56",
        "123456789012345678901",
        "12:30:45 67",
        "1234567/89",
    ] {
        assert_eq!(phones(text), [""; 0], "{text:?}");
    }
}

#[test]
fn codes_stand_alone() {
    for (text, code) in [
        ("验证码123456，5分钟内有效", "123456"),
        ("验证码：1234。", "1234"),
        ("验证码123456，30分钟", "123456"),
        ("Your code is 87654321.", "87654321"),
        ("G-123456 is your code", "123456"),
        ("code:123456", "123456"),
        ("【123456】", "123456"),
        ("验证码123456 15分钟内有效", "123456"),
        ("١٢٣٤٥٦", "١٢٣٤٥٦"),
    ] {
        assert_eq!(codes(text), [code], "{text:?}");
        assert_eq!(phones(text).is_empty(), code.len() < 7 || !code.is_ascii(), "{text:?}");
    }
}

#[test]
fn other_numbers_are_no_codes() {
    for text in [
        "123",
        "1234.56",
        "1234,50",
        "¥1234",
        "1234元",
        "2026年",
        "2026-11-23",
        "12:3045",
        "1234/56",
        "CA1234",
        "1234abc",
        "尾号1234",
        "*1234",
        "http://t.cn/123456",
        "23/11/2026",
        "+1234",
    ] {
        assert_eq!(codes(text), [""; 0], "{text:?}");
    }
}

#[test]
fn signatures() {
    for (text, inner, place) in [
        ("【顺丰速运】您的快递到了", "顺丰速运", Place::Start),
        (" 【 顺丰速运 】您的快递到了【x】", "顺丰速运", Place::Start),
        ("您的快递到了。拒收回R【顺丰速运】", "顺丰速运", Place::End),
        ("您的快递到了【順豐速運】。", "顺丰速运", Place::End),
        ("︻A B︼ text", "a b", Place::Start),
        ("您的【验证码】是", "验证码", Place::Inside),
        ("【】【建行】", "建行", Place::End),
        ("【【建行】", "【建行", Place::Start),
    ] {
        let mut folded = Folded::new();
        fold(text, &mut folded);
        let found = facts(text).signature.unwrap();
        let units = &folded.units()[found.units.clone()];
        assert_eq!(String::from_utf16(units).unwrap(), inner, "{text:?}");
        assert_eq!(found.place, place, "{text:?}");
        assert!(text[found.span].starts_with(['【', '︻']));
    }
    for text in
        ["", "【", "】", "】【", "【】", "【 】", "[x]", &format!("【{}】", "长".repeat(41))]
    {
        assert_eq!(facts(text).signature, None, "{text:?}");
    }
}

#[test]
fn bombs_and_secrets() {
    for bomb in ["1 ", "1-", "1234567 ", "【", "】", "1.", "12-", "+", "1234567890 "] {
        facts(&bomb.repeat(16_384 / bomb.len()));
    }
    // None is dropped, so that nothing hides behind many.
    let found = facts(&"1234567, ".repeat(1000));
    assert_eq!((found.phones.len(), found.codes.len()), (1000, 1000));
    assert!(!format!("{:?}", facts("13800138000【x】")).contains("138"));
}

proptest! {
    #[test]
    fn spans_rise_and_keep_apart(
        text in "([0-9]{1,9}|[ .,:/()+-]|a|元|【|】|\u{200B}|t\\.cn/){0,20}",
    ) {
        let found = facts(&text);
        let mut all: Vec<_> = found.phones.iter().chain(&found.codes).cloned().collect();
        prop_assert!(found.phones.is_sorted_by_key(|span| span.start));
        prop_assert!(found.codes.is_sorted_by_key(|span| span.start));
        all.sort_by_key(|span| span.start);
        all.dedup();
        for pair in all.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        for span in all {
            let has_digit = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
            prop_assert!(text.get(span).is_some_and(has_digit));
        }
    }
}
