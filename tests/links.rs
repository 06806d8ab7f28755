//! Hosts behind user information, line ends and padding are looked up as any other, and a genuine
//! link in such a place vouches for nothing; one beside a harmless link is not made a crime.

mod support;

use ringfence::engine::screen;
use ringfence::model::attempt::StateFacts;
use support::cases::*;

fn lists() -> String {
    list("d", "domain points=1 category=MX01", "value", "evilphish.com")
        + &list(
            "b",
            "brand points=180 category=MX02",
            "id names domains",
            "mybank\tMyBank | 我的银行\tmybank.com | mybank.cn",
        )
        + &words("points=100 category=GL01", "verify your account")
        + &list("n", "keyword points=20 category=NU01", "value", "sale")
}

/// Points for a false link, and is the listed host found?
#[track_caller]
fn check_text(text: &str, points: i16, listed: bool) {
    let ruleset = ruleset(&lists());
    let attempt = message(FROM, Box::leak(text.to_owned().into_boxed_str()));
    let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
    let of = |list: &str| verdict.reasons.iter().find(|reason| reason.list == list);
    assert_eq!(of("b").map_or(0, |reason| reason.points), points, "{}", line(&verdict));
    assert_eq!(of("d").is_some(), listed, "{}", line(&verdict));
}

#[test]
fn both_readings_are_looked_up_and_neither_vouches() {
    for text in [
        "MyBank: https://www.mybank.com。@evilphish.com",
        "MyBank: https://mybank.com／login@evilphish.com/a",
        "MyBank: https://招商银行@evilphish.com",
        "我的银行 https://mybank.com，请联系张三@evilphish.com",
        "MyBank: https://mybank.com\n@evilphish.com",
        "MyBank: https://evil\tphish.com/",
        "MyBank: https://evil\nphish.com/",
        "MyBank: evilphish.Com now",
        "MyBank: evilphish[.com]",
    ] {
        check_text(text, 180, true);
    }
    for pad in ["\u{200B}".repeat(400), "\u{AD}".repeat(600)] {
        check_text(&format!("MyBank: https://evil{pad}phish.com/x"), 180, true);
        check_text(&format!("MyBank: https://{pad}evilphish.com"), 180, true);
        check_text(&format!("MyBank: evil{pad}phish.com/x"), 180, true);
    }
    check_text("MyBank: https://mybank.com\n.evil.top/a", 180, false);
    check_text("MyBank: http://3232235777/", 180, false);
    // The same owner on both sides is no doubt.
    check_text("我的银行 https://mybank.com，邮箱kefu@mybank.com", 0, false);
    check_text("MyBank: https://mybank.com\nThanks", 0, false);
}

#[test]
fn an_unknown_link_beside_the_genuine_one_counts_for_what_the_text_says() {
    check_text("MyBank: https://mybank.com see https://youtu.be/x", 60, false);
    check_text("MyBank sale: https://mybank.com https://youtu.be/x", 60, false);
    check_text("MyBank: verify your account https://mybank.com https://youtu.be/x", 180, false);
    check_text("MyBank: https://mybank.com https://mybank-login.net/x", 180, false);
    check_text("MyBank: https://mybank.com https://loginmybank.top/x", 180, false);
    check_text("MyBank: https://youtu.be/x", 180, false);
}
