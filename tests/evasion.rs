//! What fraudsters do to a text so that the part that matters is not read: padding with what is
//! harmless, a genuine link beside the false one, hosts that look like none, octets that are none.

mod support;

use std::fmt::Write;

use ringfence::engine::screen;
use ringfence::model::attempt::{Attempt, StateFacts, TextEncoding};
use ringfence::model::verdict::{Flags, Verdict};
use support::cases::*;

/// A message with a text made for the test.
fn said(text: &str) -> Attempt<'static> {
    message(FROM, Box::leak(text.to_owned().into_boxed_str()))
}

fn verdict<'r>(ruleset: &'r ringfence::engine::Ruleset, text: &str) -> Verdict<'r> {
    screen(ruleset, &said(text), &StateFacts::default(), NOW)
}

/// Is there a reason of this list, not only in shadow?
fn hits(verdict: &Verdict<'_>, list: &str) -> bool {
    verdict.reasons.iter().any(|reason| reason.list == list && !reason.shadow)
}

#[test]
fn harmless_words_hide_no_bad_one() {
    let rows: String = (0..3000).fold(String::new(), |mut rows, i| {
        let _ = writeln!(rows, "w{i:04}q");
        rows
    });
    let lists = words("points=1 category=AU01", &rows)
        + &list("bad", "keyword points=700 category=GL01", "value", "zzzbad")
        + &together("points=900 category=CN08", "x\tqqone ; qqtwo\t\t12");
    let ruleset = ruleset(&lists);
    for count in [0, 63, 64, 65, 600, 2000] {
        let pad: String = (0..count).map(|i| format!("w{i:04}q ")).collect();
        let found = verdict(&ruleset, &format!("{pad}zzzbad"));
        assert!(hits(&found, "bad") && found.risk >= 700, "{count}: {}", line(&found));
        assert!(!found.flags.contains(Flags::DEGRADED), "nothing was left out");
    }
    for count in [0, 1, 513, 2000] {
        let found = verdict(&ruleset, &format!("{}qqone qqtwo", "qqone ".repeat(count)));
        assert!(hits(&found, "c"), "{count}: {}", line(&found));
    }
}

#[test]
fn harmless_links_and_numbers_hide_no_bad_one() {
    let lists = list("d", "domain effect=block category=MX01", "value", "evilphish.com")
        + &list("s", "domain points=40 category=MX01 ceiling=label", "value", "bit.ly")
        + &together("points=700 category=CN08", "x\tcall me on ; @phone\t\t24");
    let ruleset = ruleset(&lists);
    for count in [0, 31, 32, 33, 1000] {
        let pad: String = (0..count).map(|i| format!("a{i}.cn ")).collect();
        let found = verdict(&ruleset, &format!("{pad}https://evilphish.com/a"));
        assert!(hits(&found, "d"), "{count} {}", line(&found));
        let pad = "+8613800138000, ".repeat(count.min(900));
        let found = verdict(&ruleset, &format!("{pad}and call me on 13900139000"));
        assert!(hits(&found, "c"), "{count} {}", line(&found));
    }
    // An entry counts once, however many links lead to it.
    let found = verdict(&ruleset, &"https://bit.ly/a ".repeat(50));
    assert_eq!((found.risk, found.reasons.len()), (40, 1));
}

#[test]
fn hosts_that_look_like_none() {
    let lists = list("d", "domain effect=block category=MX01", "value", "evilphish.com");
    let ruleset = ruleset(&lists);
    for text in [
        "https://evilphish.com/a",
        "hxxp://evilphish[.]com/a",
        "evilphish[.]com",
        "evilphish(.)com",
        "evilphish(dot)com",
        "login.evilphish（。）com",
        "https://%65vilphish.com/",
        "https://evilphish%2Ecom/",
        "https://evilphish.com%2fa",
        "http:evilphish.com/a",
        "http:/evilphish.com",
        "https:\\\\evilphish.com\\a",
        "https://evilphish.com\\@good.com/",
        "//evilphish.com/a",
        "ftp://evilphish.com/a",
        "https://good.com@evilphish.com/",
        "https://good.com:pass@evilphish.com:8443",
        "https://evilphish。com/a",
        "ｈｔｔｐｓ：／／ｅｖｉｌｐｈｉｓｈ．ｃｏｍ",
        "https://evil\u{AD}phish.com/a",
        "https://evil\u{200B}phish.com/a",
        "https://evilphish.com./a",
        "HTTPS://EVILPHISH.COM",
        "a.www.evilphish.com",
        "点evilphish.com看",
    ] {
        let found = verdict(&ruleset, text);
        assert!(hits(&found, "d"), "{text}: {}", line(&found));
    }
}

#[test]
fn a_genuine_link_vouches_for_known_ones_only() {
    let lists = || {
        list(
            "b",
            "brand points=500 category=MX02",
            "id names domains",
            "mybank\tMyBank\tmybank.com\nstore\tBig Store\tbigstore.com",
        ) + &list("s", "domain points=40 category=MX01 ceiling=label", "value", "short.ly")
    };
    let mismatch = "LABEL 500 MX02 ANALYTICS suspected-fraud \
                    | BrandLinkMismatch b=mybank +500 «MyBank»";
    let short = "ALLOW 40 MX01 - - | DomainListed s=short.ly +40 «https://short.ly/x»";
    check(vec![
        (
            "a false one beside the true one",
            lists(),
            message(FROM, "MyBank: http://mybank.com/a or http://mybank-login.net/b"),
            mismatch,
        ),
        (
            "before the true one",
            lists(),
            message(FROM, "MyBank: http://mybank-login.net/b http://www.mybank.com"),
            mismatch,
        ),
        (
            "an app store",
            lists(),
            message(FROM, "MyBank: http://mybank.com/a, app: https://apps.bigstore.com/id1"),
            "ALLOW 0 - - -",
        ),
        (
            "a shortener, which its own list weighs",
            lists(),
            message(FROM, "MyBank: http://mybank.com/a, app: https://short.ly/x"),
            short,
        ),
        (
            "a watched domain changes nothing",
            lists() + &list("e", "domain effect=watch category=LE01", "value", "mybank-login.net"),
            message(FROM, "MyBank: http://mybank.com/a or http://mybank-login.net/b"),
            mismatch,
        ),
        (
            "nor does a brand on trial",
            lists()
                + &list(
                    "t",
                    "brand points=9 shadow=yes",
                    "id names domains",
                    "x\tXyz\tmybank-login.net",
                ),
            message(FROM, "MyBank: http://mybank.com/a or http://mybank-login.net/b"),
            mismatch,
        ),
        (
            "a shortener alone vouches for nothing",
            lists(),
            message(FROM, "MyBank: https://short.ly/x"),
            "LABEL 540 MX02 ANALYTICS suspected-fraud | BrandLinkMismatch b=mybank +500 «MyBank» \
             | DomainListed s=short.ly +40 «https://short.ly/x»",
        ),
        (
            "another brand named in passing is not accused",
            lists(),
            message(FROM, "MyBank at Big Store: http://mybank.com http://mybank-login.net/b"),
            mismatch,
        ),
    ]);
}

/// Every hit shows the octets it stood in, whatever else the octets are.
#[test]
fn places_in_ill_formed_octets() {
    let rows: String = (0..40).map(|i| format!("w{i:02}q\n")).collect();
    let ruleset = ruleset(&words("points=100 category=GL01", &rows));
    let mut octets = Vec::new();
    for i in 0..40 {
        octets.extend_from_slice(b"\xE4\xBD \xFF");
        octets.extend_from_slice(format!("中 w{i:02}q ").as_bytes());
    }
    let wide = octets.iter().flat_map(|&octet| [0, octet]).chain([0xD8, 0x3D, 0]).collect();
    for (octets, encoding) in [(octets, TextEncoding::Utf8), (wide, TextEncoding::Utf16Be)] {
        let attempt = with(message(FROM, ""), |a| {
            a.content.octets = Box::leak(octets.into_boxed_slice());
            a.content.encoding = encoding;
        });
        let found = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
        assert!(found.flags.contains(Flags::TEXT_ILL_FORMED));
        assert_eq!(found.reasons.len(), 16);
        for reason in &found.reasons {
            let span = reason.span.expect("a phrase has a place");
            let octets = &attempt.content.octets[span.start as usize..span.end as usize];
            assert_eq!(characters(octets, encoding), reason.evidence.as_str());
            assert_eq!(reason.evidence.as_str(), reason.entry.to_string());
        }
    }
}
