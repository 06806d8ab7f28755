//! Golden tables of sender ids, texts and dates of entries; the lines are those of `golden.rs`.

mod support;

use ringfence::model::attempt::{ContentBasis, TextEncoding};
use support::cases::*;

#[test]
fn when_entries_apply() {
    let dated = |from: &str, until: &str| {
        let row = format!("{FROM}\t{from}\t{until}");
        list("a", "number effect=block category=CN08", "value valid_from valid_until", &row)
    };
    let hit = "BLOCK 1000 CN08 ANALYTICS suspected-fraud | NumberListed a=+8613900000001";
    check(vec![
        ("from this very instant", dated("2026-01-01", ""), basic(FROM), hit),
        ("from the next second", dated("2026-01-01T00:00:01Z", ""), basic(FROM), "ALLOW 0 - - -"),
        ("until the next second", dated("", "2026-01-01T00:00:01Z"), basic(FROM), hit),
        ("until this very instant", dated("", "2026-01-01"), basic(FROM), "ALLOW 0 - - -"),
        (
            "shadow reports only",
            numbers("effect=block category=CN08 shadow=yes", FROM),
            basic(FROM),
            "ALLOW 0 - - - | NumberListed a=+8613900000001 shadow",
        ),
        (
            "a shadow cap caps nothing",
            words("points=700 category=CN08", "安全账户")
                + &list("k", "keyword points=-600 caps-text=allow shadow=yes", "value", "您好"),
            message(FROM, "您好，安全账户"),
            "HOLD 700 CN08 ANALYTICS suspected-fraud | Keyword w=安全账户 +700 «安全账户» \
          | BenignProfile k=您好 -600 «您好» shadow",
        ),
        (
            "watch says nothing",
            numbers("effect=watch category=LE01", FROM),
            basic(FROM),
            "ALLOW 0 - - -",
        ),
        (
            "calls only",
            numbers("effect=block category=CN08 traffic=call", FROM),
            message(FROM, "hi"),
            "ALLOW 0 - - -",
        ),
        (
            "the recipient's list",
            numbers("effect=block category=NW04 party=recipient", TO),
            basic(FROM),
            "BLOCK 1000 NW04 ANALYTICS suspected-fraud | NumberListed a=+8613800138000",
        ),
        (
            "not the originator's",
            numbers("effect=block category=NW04 party=recipient", FROM),
            basic(FROM),
            "ALLOW 0 - - -",
        ),
    ]);
}

#[test]
fn sender_ids() {
    let how = |how: &str| {
        let row = format!("PayPal\t{how}");
        list("s", "sender points=400 category=ID09", "value match", &row)
    };
    let exact = "LABEL 400 ID09 ANALYTICS suspected-fraud | SenderListed s=paypal +400";
    let none = "ALLOW 0 - - -";
    check(vec![
        ("exact", how("exact"), message("PayPal", "hi"), exact),
        ("letter case", how("exact"), message("PAYPAL", "hi"), exact),
        ("not exact", how("exact"), message("PayPa1", "hi"), none),
        (
            "look-alike",
            how("look-alike"),
            message("PayPa1", "hi"),
            "LABEL 400 ID09 ANALYTICS suspected-fraud | SenderLookAlike s=paypal +400 «PayPa1»",
        ),
        (
            "Cyrillic",
            how("look-alike"),
            message("РауРаl", "hi"),
            "LABEL 400 ID09 ANALYTICS suspected-fraud | SenderLookAlike s=paypal +400 «РауРаl»",
        ),
        ("the genuine one is no look-alike", how("look-alike"), message("paypal", "hi"), none),
        ("both", how("both"), message("PayPal", "hi"), exact),
        ("another", how("both"), message("Paypoint", "hi"), none),
    ]);
}

#[test]
fn phrases() {
    let bank = || words("points=400 category=GL01", "bank");
    let kredi = || words("points=400 category=GL01", "kredi*");
    let safe = || words("points=400 category=CN08", "转账到安全");
    let none = "ALLOW 0 - - -";
    let safe_as = |found: &str| -> &'static str {
        format!("LABEL 400 CN08 ANALYTICS suspected-fraud | Keyword w=转账到安全 +400 «{found}»")
            .leak()
    };
    let utf16 = with(message(FROM, ""), |a| {
        let units = "😀請轉賬到安全".encode_utf16().flat_map(u16::to_be_bytes);
        a.content.octets = units.collect::<Vec<u8>>().leak();
        a.content.encoding = TextEncoding::Utf16Be;
    });
    check(vec![
        (
            "whole word",
            bank(),
            message(FROM, "Your BANK, now"),
            "LABEL 400 GL01 ANALYTICS suspected-fraud | Keyword w=bank +400 «BANK»",
        ),
        ("inside a word", bank(), message(FROM, "bankrupt embankment"), none),
        (
            "open end",
            kredi(),
            message(FROM, "Krediniz hazır"),
            "LABEL 400 GL01 ANALYTICS suspected-fraud | Keyword w=kredi* +400 «Kredi»",
        ),
        ("the other end is closed", kredi(), message(FROM, "akrediniz"), none),
        ("Han has no words", safe(), message(FROM, "请转账到安全的地方"), safe_as("转账到安全")),
        ("zero width", safe(), message(FROM, "转\u{200b}账到安全"), safe_as("转\u{200b}账到安全")),
        ("traditional", safe(), message(FROM, "請轉賬到安全"), safe_as("轉賬到安全")),
        ("UTF-16", safe(), utf16, safe_as("轉賬到安全")),
        (
            "full width",
            bank(),
            message(FROM, "ｙｏｕｒ　ＢＡＮＫ"),
            "LABEL 400 GL01 ANALYTICS suspected-fraud | Keyword w=bank +400 «ＢＡＮＫ»",
        ),
        (
            "once, however often",
            bank(),
            message(FROM, "bank bank bank"),
            "LABEL 400 GL01 ANALYTICS suspected-fraud | Keyword w=bank +400 «bank»",
        ),
        (
            "no basis, no reading",
            bank(),
            with(message(FROM, "bank"), |a| a.content.basis = ContentBasis::None),
            "ALLOW 0 - - - | TEXT_NOT_INSPECTED",
        ),
        (
            "signature",
            list("g", "signature points=400 category=GL01", "value", "招商银行"),
            message(FROM, "【招商銀行】您好"),
            "LABEL 400 GL01 ANALYTICS suspected-fraud | SignatureListed g=招商银行 +400 «【招商銀行】»",
        ),
        (
            "no signature",
            list("g", "signature points=400 category=GL01", "value", "招商银行"),
            message(FROM, "招商银行您好"),
            none,
        ),
    ]);
}

#[test]
fn conjunctions() {
    let both = || together("points=650 category=CN08", "x\t公安 ; 转账 | 汇款\t反诈中心\t8");
    let fact = |fact: &str| together("points=400 category=CN08", &format!("x\t包裹 ; @{fact}"));
    let none = "ALLOW 0 - - -";
    check(vec![
        (
            "all groups",
            both(),
            message(FROM, "公安通知你汇款"),
            "HOLD 650 CN08 ANALYTICS suspected-fraud | Conjunction c=x +650 «公安通知你汇款»",
        ),
        ("one group", both(), message(FROM, "公安通知你"), none),
        ("too far apart", both(), message(FROM, "公安一二三四五六七八九汇款"), none),
        ("what must not stand there", both(), message(FROM, "公安汇款，反诈中心"), none),
        (
            "a link",
            fact("link"),
            message(FROM, "包裹 https://a.example.com/x"),
            "LABEL 400 CN08 ANALYTICS suspected-fraud \
          | Conjunction c=x +400 «包裹 https://a.example.com/x»",
        ),
        (
            "a number",
            fact("phone"),
            message(FROM, "包裹 13900000009"),
            "LABEL 400 CN08 ANALYTICS suspected-fraud | Conjunction c=x +400 «包裹 13900000009»",
        ),
        (
            "a code",
            fact("code"),
            message(FROM, "包裹1234"),
            "LABEL 400 CN08 ANALYTICS suspected-fraud | Conjunction c=x +400 «包裹1234»",
        ),
        ("a code is no number", fact("phone"), message(FROM, "包裹1234"), none),
    ]);
}

#[test]
fn links() {
    let domain = || list("d", "domain points=700 category=MX01", "value", "example.com");
    let brand = || {
        list(
            "b",
            "brand points=500 category=MX02",
            "id names domains",
            "mybank\tMyBank | My Bank\tmybank.com | mybank.co.uk",
        )
    };
    let none = "ALLOW 0 - - -";
    let mismatch = "LABEL 500 MX02 ANALYTICS suspected-fraud \
                    | BrandLinkMismatch b=mybank +500 «MyBank»";
    check(vec![
        (
            "the domain",
            domain(),
            message(FROM, "see https://Example.com/x now"),
            "HOLD 700 MX01 ANALYTICS suspected-fraud \
          | DomainListed d=example.com +700 «https://Example.com/x»",
        ),
        (
            "below it, bare",
            domain(),
            message(FROM, "see a.b.example.com now"),
            "HOLD 700 MX01 ANALYTICS suspected-fraud \
          | DomainListed d=example.com +700 «a.b.example.com»",
        ),
        ("not at a label border", domain(), message(FROM, "see http://notexample.com/"), none),
        ("only at its head", domain(), message(FROM, "see http://example.com.evil.net/"), none),
        ("brand elsewhere", brand(), message(FROM, "MyBank: http://mybank-login.net/a"), mismatch),
        ("brand at home", brand(), message(FROM, "MyBank: http://mybank.com/a"), none),
        ("brand below home", brand(), message(FROM, "MyBank: https://www.mybank.co.uk/"), none),
        ("brand without a link", brand(), message(FROM, "MyBank says hi"), none),
        (
            "two names are one claim",
            brand(),
            message(FROM, "MyBank, my bank: http://mybank-login.net/a"),
            mismatch,
        ),
    ]);
}
