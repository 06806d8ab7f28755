use super::*;

/// One that fits.
pub(crate) fn subscription(name: &str) -> Subscription {
    Subscription {
        name: name.into(),
        url: "https://lists.example.org/numbers.csv?day=1".into(),
        list: "reported.numbers".into(),
        format: "csv".into(),
        columns: vec![("phone".into(), "value".into())],
        region: Some(Region::CN),
        defaults: vec![("reason".into(), "reported".into())],
        replaces: true,
        interval_s: 3600,
        sha256: None,
        auto_commit: false,
        owner: Actor::parse("anna").unwrap(),
    }
}

fn field(change: impl FnOnce(&mut Subscription)) -> &'static str {
    let mut one = subscription("reported");
    change(&mut one);
    one.check().map_or_else(|wrong| wrong.field, |()| "")
}

#[test]
fn what_fits_is_taken_and_what_does_not_is_named() {
    assert_eq!(field(|_| {}), "");
    for name in ["", "a b", "A", "ü", "../x", &"a".repeat(SOURCE_NAME_BYTES_MAX + 1)] {
        assert_eq!(field(|one| one.name = name.into()), "name", "{name}");
    }
    assert_eq!(field(|one| one.name = "a".repeat(SOURCE_NAME_BYTES_MAX).into()), "");
    assert_eq!(field(|one| one.list = "".into()), "list");
    assert_eq!(field(|one| one.format = "".into()), "format");
    for (seconds, wrong) in [(299, true), (300, false), (2_592_000, false), (2_592_001, true)] {
        assert_eq!(field(|one| one.interval_s = seconds) == "interval", wrong, "{seconds}");
    }
}

#[test]
fn a_url_is_https_with_a_host_and_without_secrets() {
    for url in ["https://a", "HTTPS://a.example/x@y?z=@", "https://[2001:db8::1]:8443/"] {
        assert_eq!(field(|one| one.url = url.into()), "", "{url}");
    }
    let long = format!("https://a/{}", "x".repeat(URL_BYTES_MAX));
    for url in
        ["", "http://a", "https://", "https:///x", "https://a b/", "https://u:p@a/", "https://ä/"]
    {
        assert_eq!(field(|one| one.url = url.into()), "url", "{url}");
    }
    assert_eq!(field(|one| one.url = long.into()), "url");
}

#[test]
fn columns_and_cells_have_bounds() {
    let many = |count: usize| (0..count).map(|n| (n.to_string().into(), "v".into())).collect();
    assert_eq!(field(|one| one.columns = many(COLUMNS_MAX)), "");
    assert_eq!(field(|one| one.columns = many(COLUMNS_MAX + 1)), "columns");
    assert_eq!(field(|one| one.defaults = many(COLUMNS_MAX + 1)), "defaults");
    for (name, cell) in [("", "v"), ("a", "two\nlines"), ("a\tb", "v")] {
        assert_eq!(field(|one| one.defaults = vec![(name.into(), cell.into())]), "defaults");
    }
    let twice = vec![("a".into(), "v".into()), ("a".into(), "w".into())];
    assert_eq!(field(|one| one.columns = twice), "columns");
    let large: Box<str> = "v".repeat(CELL_BYTES_MAX + 1).into();
    assert_eq!(field(|one| one.defaults = vec![("reason".into(), large)]), "defaults");
}
