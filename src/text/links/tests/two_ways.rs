//! Hosts that a browser reads and people do not: behind user information, line ends and padding.

use super::*;

/// Texts that can be read in two ways, and the hosts of the links, `?` before one in doubt.
const IN_DOUBT: &[(&str, &[&str])] = &[
    ("https://www.icbc.com。@evil.com", &["?www.icbc.com", "?evil.com"]),
    ("https://icbc.com／login@evil.com/a", &["?icbc.com", "?evil.com"]),
    ("https://招商银行@evil.com", &["evil.com"]),
    ("https://mÿbank.com@evil.com x", &["?xn--mbank-2va.com", "?evil.com"]),
    ("https://x@icbc.com。y@evil.com", &["?icbc.com", "?evil.com"]),
    ("https://a.icbc.com。@b.icbc.com", &["a.icbc.com", "b.icbc.com"]),
    ("https://银行@[::1]/ https://银行@2130706433/", &["[::1]", "127.0.0.1"]),
    ("https://银行@%65vil.com", &["evil.com"]),
    ("https://银行@evil.com/?u=http://a.com。@b.com x", &["evil.com"]),
    ("https://a.cn，请联系张三@公司", &["a.cn"]),
    ("https://a.cn，或b.com，邮箱x@evil.com", &["?a.cn", "b.com", "?evil.com"]),
    ("https://a.cn，联系 张三@evil.com", &["a.cn"]),
    ("https://user@evil.com。联系张三@公司", &["evil.com"]),
    ("https://icbc.com。\\@evil.com", &["icbc.com"]),
    // Tabs and line ends.
    ("https://evil\tphish.com/", &["?evil", "?evilphish.com", "phish.com"]),
    ("https://evil\r\nphish.com/a", &["?evil", "?evilphish.com", "phish.com"]),
    ("https://e\tv\til.shop", &["?e", "?evil.shop"]),
    ("https://\nevil.com", &["evil.com"]),
    ("https://icbc.com\n.evil.top/a", &["?icbc.com", "?icbc.com.evil.top", "evil.top"]),
    ("https://icbc.com\n@evil.com/a", &["?icbc.com", "?evil.com"]),
    ("https://icbc.com\tx@evil.com", &["?icbc.com", "?evil.com"]),
    ("https://icbc.com\nx@evil.com", &["icbc.com"]),
    ("https://icbc.com\nThanks", &["icbc.com"]),
    ("https://icbc.com\n\nhttps://a.com/x\n", &["icbc.com", "a.com"]),
    ("https://icbc.com\n", &["icbc.com"]),
    ("https://icbc.com/a\nb.com", &["icbc.com", "b.com"]),
    ("https://icbc.com \nb.com", &["icbc.com", "b.com"]),
    ("https://a.com\nb.com/x", &["?a.com", "?a.comb.com", "b.com"]),
];

#[test]
fn what_reads_in_two_ways_is_two_links() {
    for (text, expected) in IN_DOUBT {
        let mut out = Links::new();
        find_links(text, &mut out);
        let mark = |doubt| if doubt { "?" } else { "" };
        let found: Vec<_> =
            out.iter().map(|link| format!("{}{}", mark(link.in_doubt), link.host)).collect();
        assert_eq!(found, *expected, "{text:?}");
        assert!(out.iter().is_sorted_by_key(|link| link.span.start), "{text:?}");
    }
    let spans = |text: &str| links(text).into_iter().map(|link| link.0).collect::<Vec<_>>();
    let found = spans("https://icbc.com／login@evil.com/a");
    assert_eq!(found, ["https://icbc.com／login", "evil.com/a"]);
    assert_eq!(spans("https://evil.c\nom/a b"), ["https://evil.c", "om/a"]);
    // A sentence that is too long is no user information.
    let sentence = |chars: usize| format!("https://a.cn，{}@evil.com", "请".repeat(chars));
    assert_eq!(links(&sentence(249)).len(), 2);
    assert_eq!(links(&sentence(250)).len(), 1);
}

#[test]
fn padding_that_nobody_sees_hides_nothing() {
    for pad in ["\u{200B}", "\u{AD}", "\u{E0001}"] {
        for times in [1, 70, 400, 600, 3000] {
            let pad = pad.repeat(times);
            for (text, host) in [
                (format!("https://evil{pad}phish.com/x"), "evilphish.com"),
                (format!("https://{pad}evilphish.com/x"), "evilphish.com"),
                (format!("https://evilphish.c{pad}om/x"), "evilphish.com"),
                (format!("evil{pad}phish.com/x"), "evilphish.com"),
                (format!("evilphish.c{pad}om/x"), "evilphish.com"),
                (format!("evil{pad}.{pad}com"), "evil.com"),
                (format!("https://银行{pad}@evil.com"), "evil.com"),
                (format!("https://evil\t{pad}phish.com"), "evilphish.com"),
            ] {
                assert!(links(&text).iter().any(|link| link.1 == host), "{times} {host}");
            }
        }
    }
}
