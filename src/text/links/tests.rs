use proptest::prelude::*;

use super::*;

mod two_ways;

/// Text, and what is found in it: the link as written, its host, registrable domain, path or not.
type Row = (&'static str, &'static [(&'static str, &'static str, &'static str, bool)]);

const FOUND: &[Row] = &[
    (
        "see https://www.example.co.uk/a?b=1#c.",
        &[("https://www.example.co.uk/a?b=1#c", "www.example.co.uk", "example.co.uk", true)],
    ),
    ("请点击t.cn/Abc领取", &[("t.cn/Abc", "t.cn", "t.cn", true)]),
    ("请点击http://t.cn/Abc，回复T退订", &[("http://t.cn/Abc", "t.cn", "t.cn", true)]),
    ("bit.ly/x", &[("bit.ly/x", "bit.ly", "bit.ly", true)]),
    ("Bit.ly/X9", &[("Bit.ly/X9", "bit.ly", "bit.ly", true)]),
    (
        "go to abc.example.com/path now",
        &[("abc.example.com/path", "abc.example.com", "example.com", true)],
    ),
    ("www.example.com", &[("www.example.com", "www.example.com", "example.com", false)]),
    ("WWW.EXAMPLE.COM!", &[("WWW.EXAMPLE.COM", "www.example.com", "example.com", false)]),
    ("3.www.example.is ok", &[("www.example.is", "www.example.is", "example.is", false)]),
    ("hxxps://evil.top/login", &[("hxxps://evil.top/login", "evil.top", "evil.top", true)]),
    ("HTTP://EVIL.TOP", &[("HTTP://EVIL.TOP", "evil.top", "evil.top", false)]),
    ("clickhttp://evil.top/", &[("http://evil.top/", "evil.top", "evil.top", false)]),
    (
        "ｈｔｔｐ：／／ｅｖｉｌ．ｃｏｍ／ａ",
        &[("ｈｔｔｐ：／／ｅｖｉｌ．ｃｏｍ／ａ", "evil.com", "evil.com", true)],
    ),
    ("登录ｅｖｉｌ。ｃｏｍ领奖", &[("ｅｖｉｌ。ｃｏｍ", "evil.com", "evil.com", false)]),
    ("abc｡com", &[("abc｡com", "abc.com", "abc.com", false)]),
    ("http://1.2.3.4/x", &[("http://1.2.3.4/x", "1.2.3.4", "1.2.3.4", true)]),
    ("1.2.3.4:8080", &[("1.2.3.4:8080", "1.2.3.4", "1.2.3.4", false)]),
    ("1.2.3.4/pay", &[("1.2.3.4/pay", "1.2.3.4", "1.2.3.4", true)]),
    (
        "http://[2001:db8::1]:80/x",
        &[("http://[2001:db8::1]:80/x", "[2001:db8::1]", "[2001:db8::1]", true)],
    ),
    (
        "https://bank.com@evil.com/x",
        &[("https://bank.com@evil.com/x", "evil.com", "evil.com", true)],
    ),
    (
        "https://example.com:8443/x",
        &[("https://example.com:8443/x", "example.com", "example.com", true)],
    ),
    (
        "http://例子.中国/路",
        &[("http://例子.中国/", "xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s", false)],
    ),
    ("http://www.icbc.com登录", &[("http://www.icbc.com", "www.icbc.com", "icbc.com", false)]),
    (
        "http://icbc.com银行.top/x",
        &[("http://icbc.com银行.top/x", "icbc.xn--com-es7i163c.top", "xn--com-es7i163c.top", true)],
    ),
    ("http://t.cn。谢谢", &[("http://t.cn", "t.cn", "t.cn", false)]),
    ("http://t.cn。ok", &[("http://t.cn", "t.cn", "t.cn", false)]),
    ("bücher.de/x", &[("bücher.de/x", "xn--bcher-kva.de", "xn--bcher-kva.de", true)]),
    ("пример.рф", &[("пример.рф", "xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai", false)]),
    ("аpple.com", &[("аpple.com", "xn--pple-43d.com", "xn--pple-43d.com", false)]),
    ("bai\u{200B}du.com", &[("bai\u{200B}du.com", "baidu.com", "baidu.com", false)]),
    ("𝐞𝐯𝐢𝐥.com", &[("𝐞𝐯𝐢𝐥.com", "evil.com", "evil.com", false)]),
    ("visit abc.com.Thanks", &[("abc.com", "abc.com", "abc.com", false)]),
    ("visit abc.com.call me", &[("abc.com", "abc.com", "abc.com", false)]),
    ("http://abc.com.Thanks", &[("http://abc.com", "abc.com", "abc.com", false)]),
    ("登录abc.com。tel 123", &[("abc.com", "abc.com", "abc.com", false)]),
    ("wait...bit.ly/x", &[("bit.ly/x", "bit.ly", "bit.ly", true)]),
    ("(see example.com/a_(b))", &[("example.com/a_(b)", "example.com", "example.com", true)]),
    ("\"example.com/a\"", &[("example.com/a", "example.com", "example.com", true)]),
    ("example.com?id=7.", &[("example.com?id=7", "example.com", "example.com", true)]),
    ("is it example.com?", &[("example.com", "example.com", "example.com", false)]),
    ("usps-help.top", &[("usps-help.top", "usps-help.top", "usps-help.top", false)]),
    ("go ab12345.shop now", &[("ab12345.shop", "ab12345.shop", "ab12345.shop", false)]),
    ("登录hello.world查看", &[("hello.world", "hello.world", "hello.world", false)]),
    ("ok.so/x", &[("ok.so/x", "ok.so", "ok.so", true)]),
    (
        "1、a.com/1 2、b.cn/2",
        &[("a.com/1", "a.com", "a.com", true), ("b.cn/2", "b.cn", "b.cn", true)],
    ),
    ("x@evil.com/login", &[("evil.com/login", "evil.com", "evil.com", true)]),
    (
        "gov.example.com.cn",
        &[("gov.example.com.cn", "gov.example.com.cn", "example.com.cn", false)],
    ),
    (
        "https://shop.blogspot.com/",
        &[("https://shop.blogspot.com/", "shop.blogspot.com", "shop.blogspot.com", false)],
    ),
    ("https://intranet/x", &[("https://intranet/x", "intranet", "intranet", true)]),
    (
        "https://a.b.unknowntop/x",
        &[("https://a.b.unknowntop/x", "a.b.unknowntop", "b.unknowntop", true)],
    ),
    ("http://www.xxxxx请查阅", &[("http://www.xxxxx", "www.xxxxx", "www.xxxxx", false)]),
    (
        "http://bank.com.newtop/x",
        &[("http://bank.com.newtop/x", "bank.com.newtop", "com.newtop", true)],
    ),
    ("see gov.tw/aB3", &[("gov.tw/aB3", "gov.tw", "gov.tw", true)]),
    ("http://rj.gov.br/", &[("http://rj.gov.br/", "rj.gov.br", "rj.gov.br", false)]),
    ("http://https://a.com/x", &[("https://a.com/x", "a.com", "a.com", true)]),
    // Dots spelt out.
    ("hxxp://evil[.]com/a", &[("hxxp://evil[.]com/a", "evil.com", "evil.com", true)]),
    ("go to evil[.]com", &[("evil[.]com", "evil.com", "evil.com", false)]),
    ("evil(.)com.", &[("evil(.)com", "evil.com", "evil.com", false)]),
    ("Evil(DOT)shop now", &[("Evil(DOT)shop", "evil.shop", "evil.shop", false)]),
    ("www[.]evil(dot)top/x", &[("www[.]evil(dot)top/x", "www.evil.top", "evil.top", true)]),
    ("登录evil（点）com领奖", &[("evil（点）com", "evil.com", "evil.com", false)]),
    ("see a.evil[.]com", &[("a.evil[.]com", "a.evil.com", "evil.com", false)]),
    // Hosts with characters percent-encoded.
    ("https://%65vil.com/", &[("https://%65vil.com/", "evil.com", "evil.com", false)]),
    ("https://ev%69l%2Ecom/a", &[("https://ev%69l%2Ecom/a", "evil.com", "evil.com", true)]),
    ("https://%E4%BE%8B.com", &[("https://%E4%BE%8B.com", "xn--fsq.com", "xn--fsq.com", false)]),
    ("https://evil.com%2fa", &[("https://evil.com", "evil.com", "evil.com", false)]),
    // Slashes as browsers take them.
    ("http:evil.shop", &[("http:evil.shop", "evil.shop", "evil.shop", false)]),
    ("http:/evil.shop/a", &[("http:/evil.shop/a", "evil.shop", "evil.shop", true)]),
    ("http:///evil.shop", &[("http:///evil.shop", "evil.shop", "evil.shop", false)]),
    ("https:\\\\evil.shop\\a", &[("https:\\\\evil.shop", "evil.shop", "evil.shop", false)]),
    ("ftp://evil.shop", &[("ftp://evil.shop", "evil.shop", "evil.shop", false)]),
    ("//evil.com/a", &[("evil.com/a", "evil.com", "evil.com", true)]),
    ("https://user:p/@evil.com/", &[("https://user", "user", "user", false)]),
    ("https://evil.com\\@good.com", &[("https://evil.com", "evil.com", "evil.com", false)]),
    ("http:http:a@evil.shop", &[("http:http:a@evil.shop", "evil.shop", "evil.shop", false)]),
    // Hidden characters, full width, other dots.
    ("https://ev\u{AD}il.com/a", &[("https://ev\u{AD}il.com/a", "evil.com", "evil.com", true)]),
    ("https://evil。com/a", &[("https://evil。com/a", "evil.com", "evil.com", true)]),
    ("https://evil.com./a", &[("https://evil.com", "evil.com", "evil.com", false)]),
    // All of a host belongs to it; the number of an item of a list does not.
    ("a.www.example.com", &[("a.www.example.com", "a.www.example.com", "example.com", false)]),
    ("evil[ . ]com", &[("evil[ . ]com", "evil.com", "evil.com", false)]),
    ("evil( dot )com", &[("evil( dot )com", "evil.com", "evil.com", false)]),
    ("evil【.】com", &[("evil【.】com", "evil.com", "evil.com", false)]),
    ("evil【点】com登录", &[("evil【点】com", "evil.com", "evil.com", false)]),
    ("evil[.com] now", &[("evil[.com", "evil.com", "evil.com", false)]),
    ("https://evil[.co.uk]", &[("https://evil[.co.uk", "evil.co.uk", "evil.co.uk", false)]),
    // Numbers for addresses.
    ("http://3232235777/", &[("http://3232235777/", "192.168.1.1", "192.168.1.1", false)]),
    ("http://0x7f000001/", &[("http://0x7f000001/", "127.0.0.1", "127.0.0.1", false)]),
    ("http://192.168.257/a", &[("http://192.168.257/a", "192.168.1.1", "192.168.1.1", true)]),
    ("http://0300.0250.1.1", &[("http://0300.0250.1.1", "192.168.1.1", "192.168.1.1", false)]),
    ("http://１２７.1", &[("http://１２７.1", "127.0.0.1", "127.0.0.1", false)]),
    ("http://x@0x7F.1/", &[("http://x@0x7F.1/", "127.0.0.1", "127.0.0.1", false)]),
    // A capital after the dot that opens no sentence.
    ("evilphish.Com", &[("evilphish.Com", "evilphish.com", "evilphish.com", false)]),
    ("login at evilphish.Com now", &[("evilphish.Com", "evilphish.com", "evilphish.com", false)]),
    ("see pay-evil.Net now", &[("pay-evil.Net", "pay-evil.net", "pay-evil.net", false)]),
    ("go to evil.Com!", &[("evil.Com", "evil.com", "evil.com", false)]),
    ("登录evil.Com领奖", &[("evil.Com", "evil.com", "evil.com", false)]),
    ("pay at usps-help.Top", &[("usps-help.Top", "usps-help.top", "usps-help.top", false)]),
    // Names under a top label that is a word.
    ("log in at evilphish.de", &[("evilphish.de", "evilphish.de", "evilphish.de", false)]),
    ("www.evil.de now", &[("www.evil.de", "www.evil.de", "evil.de", false)]),
    ("evil.de:8080 now", &[("evil.de:8080", "evil.de", "evil.de", false)]),
    ("pay-evil.ca now", &[("pay-evil.ca", "pay-evil.ca", "pay-evil.ca", false)]),
    ("登录evil.eu领奖", &[("evil.eu", "evil.eu", "evil.eu", false)]),
    ("at bank.evil.de now", &[("bank.evil.de", "bank.evil.de", "evil.de", false)]),
];

const NOT_FOUND: &[&str] = &[
    "",
    ".",
    "...",
    "://",
    "http://",
    "https:// x",
    "U.S.A",
    "U.K. and U.S.",
    "hello.world.this",
    "end.Next one",
    "the end.Com on",
    "ok.so what",
    "ok.SO what",
    "it is late.is it",
    "see you.me too",
    "hello.world",
    "i know.now go",
    "call me.in an hour",
    "let me know.to be",
    "2nite.is ok",
    "at 10.30am",
    "Rs.500 and 3.50",
    "No.1 choice",
    "e.g. this, i.e. that",
    "p.m. or a.m.",
    "Dr.Smith St.John",
    "v1.2.3",
    "1.2.3.4",
    "256.1.1.1/x",
    "999.999.999.999/x",
    "123.456",
    "user@example.com",
    "john.smith@example.com wrote",
    "你好。再见",
    "价格3.5元",
    "1.下载 2.安装",
    "co.uk",
    "com",
    ".com",
    "a..com",
    "weixin://dl/chat",
    "mailto:x",
    "12:30//x",
    "时间：//",
    "后天下午2.30见。ok",
    "report.pdf file.doc",
    "lol.haha",
    "wat.r.u.doing",
    "k.thx.bye",
    "😀.com",
    "..com.",
    "http://。。",
    "http://-/x",
    "hmm.hmm.hmm.so",
    "come.on",
    "http//abc",
    "http: it",
    "use http:abc or ftp:x",
    "a(dot)b",
    "(.) [.] {dot}",
    "f(dot) and g[0].x",
    "http://%zz",
    "50%.off",
    "Thanks.In case",
    "obrigado.Com certeza",
    "usage.Info: call",
    "well-known.Now go",
    "gracias.de nada",
    "ok.eu vou",
    "bien.ca va",
    "tamam.de ki",
    "tamam.de, ki",
    "250.ml",
    "500.gr",
    "250.ml, 500.gr",
    "3232235777/",
    "0x7f000001/",
    "192.168.257/a",
    "http:3232235777/",
    "HTTP:1.1 or so",
    "a[ . b",
    "f[.com x]",
    "淘宝【.com】",
];

fn links(text: &str) -> Vec<(String, String, String, bool)> {
    let mut out = Links::new();
    find_links(text, &mut out);
    out.iter()
        .map(|link| {
            let written = text[link.span.clone()].to_owned();
            (written, link.host.to_owned(), link.registrable_domain().to_owned(), link.has_path)
        })
        .collect()
}

#[test]
fn golden_links() {
    let mut wrong = 0;
    for (text, expected) in FOUND {
        let expected: Vec<_> = expected
            .iter()
            .map(|&(written, host, domain, has_path)| {
                (written.to_owned(), host.to_owned(), domain.to_owned(), has_path)
            })
            .collect();
        let found = links(text);
        if found != expected {
            wrong += 1;
            eprintln!("{text:?}\n  expected {expected:?}\n  found    {found:?}");
        }
    }
    assert_eq!(wrong, 0);
}

#[test]
fn sentences_hold_no_links() {
    for text in NOT_FOUND {
        assert_eq!(links(text), [], "{text:?}");
    }
}

#[test]
fn tops_are_sorted() {
    use super::host::{CERTAIN_TOPS, WORD_TOPS};
    assert!(CERTAIN_TOPS.is_sorted() && WORD_TOPS.is_sorted());
    assert!(WORD_TOPS.iter().all(|top| CERTAIN_TOPS.contains(top)));
}

#[test]
fn limits_hold() {
    // None is dropped, so that nothing hides behind many.
    assert_eq!(links(&"a.com/x ".repeat(2000)).len(), 2000);
    let long = format!("http://{}.com/x", "a.".repeat(200));
    assert!(links(&long).iter().all(|link| link.1.len() <= HOST_BYTES_MAX));
    assert_eq!(links(&format!("http://{}.com/x", "a".repeat(64))), []);
}

/// Texts made to be slow, as repeated or as a head with something repeated after it.
const BOMBS: &[(&str, &str)] = &[
    ("", "."),
    ("", "a."),
    ("", "in."),
    ("", "é."),
    ("", "http://"),
    ("", "http:"),
    ("", "http:/"),
    ("", "http:\\\\"),
    ("", "http://中"),
    ("", "http://xn--"),
    ("", "http://[::1]"),
    ("", "http://["),
    ("", "http://%61"),
    ("http://", "%61"),
    ("http://", "@"),
    ("http://", "a:b@"),
    ("", "http:a@"),
    ("", "https://a@"),
    ("", "www."),
    ("", "://"),
    ("", ":"),
    ("", "/"),
    ("http:", "/"),
    ("http:", "\\"),
    ("", "a@"),
    ("", "a@b."),
    ("", "x.in/"),
    ("", "a.zz/"),
    ("", "a.zz/))"),
    ("", "a.zz?"),
    ("", "a.cn:80"),
    ("", "-"),
    ("", "a.-"),
    ("", "。"),
    ("", "中。"),
    ("", "é"),
    ("", "ä.é."),
    ("", "жüßπ.com "),
    ("", "жüßπ.zz "),
    ("http://a.cn/", ")"),
    ("http://a.cn/", "("),
    ("http://a.cn/", "()"),
    ("http://a.cn/", "]["),
    ("http://a.cn/", "."),
    ("", "http://a.cn/)))"),
    ("a.zz/", ")"),
    ("a.cn?", "?"),
    ("", "a(.)"),
    ("", "[.]"),
    ("", "a(dot)"),
    ("", "("),
    ("", "a\u{200B}"),
    ("", "\u{200B}"),
    ("", "a.\u{200B}"),
    ("", "3.www."),
    ("", "end.Next "),
    ("", "end.Com "),
    ("http://", "é@"),
    ("", "http:é@"),
    ("", "http://é.com@"),
    ("", "http://é.com，"),
    ("http://", "a\n"),
    ("", "http:\n"),
    ("", "http://a\n"),
    ("", "http://a.com\n"),
    ("", "http:a.com\t@"),
    ("", "http:é\n@"),
    ("http://", "\n"),
    ("http://a.", "\u{200B}"),
    ("", "http://a.\u{200B}"),
    ("", "a\u{200B}."),
    ("", "a.b\u{200B}\u{200B}\u{200B}\u{200B}"),
    ("", "[ . ]"),
    ("", "a[ "),
    ("", "a[.b"),
    ("", "a[.b]"),
    ("", "【.】"),
    ("", "http://1."),
    ("http://", "0"),
    ("", "a.de  "),
];

/// Characters looked at in a text of so many bytes: the head, then the rest over and over.
fn work_of(head: &str, rest: &str, bytes: usize) -> usize {
    let text = format!("{head}{}", rest.repeat((bytes - head.len()) / rest.len()));
    work::take();
    links(&text);
    work::take()
}

#[test]
fn work_is_linear_in_the_text() {
    let mut wrong = Vec::new();
    let mut check = |head: &str, rest: &str| {
        let (half, whole) = (work_of(head, rest, 8 << 10), work_of(head, rest, 16 << 10));
        // Twice the text takes twice the work and a little; and each byte is looked at some times
        // only, however the text is made: once for each shape that a host is tried in.
        if whole > half * 5 / 2 + 4096 || whole > (16 << 10) * 32 {
            wrong.push(format!("{head:?} {rest:?}: {half} {whole}"));
        }
    };
    for (head, rest) in BOMBS {
        check(head, rest);
    }
    // A host that cannot be, behind as many schemes as there is room for, and long labels.
    let label: String = ('а'..='я').cycle().take(500).collect();
    check("", &format!("http://{label}.com/ "));
    check("", &format!("{label}.zz "));
    let schemes = "http:".repeat(3000);
    work::take();
    links(&format!("{schemes}@{label}"));
    let work = work::take();
    assert!(work < (16 << 10) * 32, "{work}");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn nothing_prints_hosts() {
    let mut out = Links::new();
    find_links("http://secret.example/x", &mut out);
    assert!(!format!("{out:?} {:?}", out.iter().next()).contains("secret"));
}

proptest! {
    #[test]
    fn spans_are_on_borders_and_rise(
        parts in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,4}",
                proptest::sample::select(vec![
                    "http://", "hxxps：／／", "www.", ".com", "t.cn", "/x", "。", "中国", "a", "@", ":80",
                    "example.co.uk", " ", "\u{200B}", "é", "[::1]", "1.2.3.4", "-",
                    "http:", "\\", "[.]", "(dot)", "（点）", "(", "%65", "%2E", "%", "ftp:",
                    "\t", "\n", "[ . ]", "[.com]", "【.】", "0x7f.1", "evilphish.Com", ".de",
                ]).prop_map(String::from),
            ],
            0..12,
        ),
    ) {
        let text = parts.concat();
        let mut out = Links::new();
        find_links(&text, &mut out);
        // Only text that a browser may read in another way has links that overlap.
        let two_ways = text.contains(['\t', '\n', '\r'])
            || text.contains('@') && !text.is_ascii();
        let (mut start, mut end) = (0, 0);
        for link in out.iter() {
            prop_assert!(link.span.start >= start && link.span.end > link.span.start);
            prop_assert!(link.span.start >= end || two_ways);
            prop_assert!(text.is_char_boundary(link.span.start));
            prop_assert!(text.is_char_boundary(link.span.end));
            prop_assert!(!link.host.is_empty() && link.host.len() <= HOST_BYTES_MAX);
            prop_assert!(link.host.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()));
            prop_assert!(link.host.ends_with(link.registrable_domain()));
            (start, end) = (link.span.start, link.span.end);
        }
    }
}
