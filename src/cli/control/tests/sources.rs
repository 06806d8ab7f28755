//! `ringfence source` and its service.

use super::*;
use crate::model::catalogue::BlobId;

#[test]
fn a_source_is_added_named_refreshed_and_removed() {
    let port = port().with_list();
    port.command(
        "source add feed https://lists.example/x.csv --list bad.numbers --map phone=value \
         --set reason=reported·often --region cn --replace --every 2h --auto-commit --as anna \
         --sha256 00000000000000000000000000000000000000000000000000000000000000ff",
    )
    .unwrap();
    let one = port.fake.0.lock().unwrap().sources[0].subscription.clone();
    assert_eq!((&*one.name, &*one.url), ("feed", "https://lists.example/x.csv"));
    assert_eq!((&*one.list, &*one.format, one.owner.as_str()), ("bad.numbers", "csv", "anna"));
    assert_eq!(one.columns, [("phone".into(), "value".into())]);
    assert_eq!(one.defaults, [("reason".into(), "reported often".into())]);
    assert_eq!((one.interval_s, one.replaces, one.auto_commit), (7200, true, true));
    assert_eq!(one.region.map(|region| region.to_string()).as_deref(), Some("CN"));
    let BlobId(digest) = one.sha256.unwrap();
    assert_eq!(digest[31], 255);
    for line in
        ["source ls", "source ls --json", "source refresh feed", "source refresh feed --json"]
    {
        port.command(line).unwrap();
    }
    let error = port.command("source refresh other").unwrap_err();
    assert!(error.contains("no source other") && error.contains("ringfence source ls"), "{error}");
    port.command("source remove feed").unwrap();
    assert!(port.fake.0.lock().unwrap().sources.is_empty());
    assert!(port.command("source remove feed").unwrap_err().contains("no source feed"));
}

#[test]
fn refusals_of_sources_say_what_to_do_next() {
    let port = port();
    for (reason, next) in [
        ("NO_FETCH", "ringfence import"),
        ("SOURCE_FAILED", "ask again later"),
        ("SOURCE_BUSY", "ask again later"),
        ("SOURCE_REFUSED", "ringfence source remove"),
    ] {
        let refuse = Refusal::Precondition { reason, what: "no".to_owned() };
        port.fake.0.lock().unwrap().refuse = Some(refuse);
        let error = port.command("source refresh feed").unwrap_err();
        assert!(error.contains(next), "{reason}: {error}");
    }
    for line in
        ["source add f http://a --list l --sha256 12", "source add f http://a --list l --every x"]
    {
        assert!(port.command(line).is_err(), "{line}");
    }
}
