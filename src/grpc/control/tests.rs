use std::io::{BufRead as _, Read as _, Write as _};

use prost::bytes::Bytes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::app::changes::api::{PageRequest, Refusal};
use crate::app::changes::ports::LogError;
use crate::model::catalogue::Cursor;

use super::{desk, pipe};

#[test]
fn every_refusal_has_its_code_and_details() {
    let precondition = Refusal::Precondition { reason: "NEEDS_APPROVAL", what: "ask".to_owned() };
    let table: [(Status, Code, &str); 10] = [
        (
            Refusal::Invalid { field: "edits[3].row.value".to_owned(), what: "no".to_owned() }
                .into(),
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            Refusal::NotFound { kind: "change_set", name: "9".to_owned() }.into(),
            Code::NotFound,
            "NOT_FOUND",
        ),
        (Refusal::Stale { etag: 0x1f }.into(), Code::Aborted, "STALE"),
        (precondition.into(), Code::FailedPrecondition, "NEEDS_APPROVAL"),
        (Refusal::Forbidden("no".to_owned()).into(), Code::PermissionDenied, "FORBIDDEN"),
        (
            Refusal::Unavailable("the disk is full".to_owned()).into(),
            Code::Unavailable,
            "STORE_UNAVAILABLE",
        ),
        (Refusal::Unknown("fsync failed".to_owned()).into(), Code::Unknown, "OUTCOME_UNKNOWN"),
        (
            LogError::Corrupt { cursor: Cursor(5), what: "hash".to_owned() }.into(),
            Code::DataLoss,
            "LOG_CORRUPT",
        ),
        (LogError::Missing("blob".to_owned()).into(), Code::DataLoss, "LOG_INCOMPLETE"),
        (LogError::Unavailable("busy".to_owned()).into(), Code::Unavailable, "STORE_UNAVAILABLE"),
    ];
    for (status, code, reason) in table {
        let details = status.get_error_details();
        let info = details.error_info().expect("every status has one");
        assert_eq!((status.code(), info.reason.as_str()), (code, reason));
        assert_eq!(info.domain, "ringfence");
        assert_eq!(details.bad_request().is_some(), code == Code::InvalidArgument);
        assert_eq!(details.resource_info().is_some(), code == Code::NotFound);
        assert_eq!(details.precondition_failure().is_some(), code == Code::FailedPrecondition);
        assert_eq!(details.retry_info().is_some(), code == Code::Unavailable);
        match reason {
            "STALE" => assert_eq!(info.metadata["etag"], "1f"),
            "LOG_CORRUPT" => assert_eq!(info.metadata["cursor"], "5"),
            "NOT_FOUND" => assert_eq!(info.metadata["kind"], "change_set"),
            "INVALID_FIELD" => {
                let fields = &details.bad_request().expect("checked").field_violations;
                assert_eq!(fields[0].field, "edits[3].row.value");
            }
            _ => {}
        }
    }
}

#[test]
fn a_whole_is_cut_into_pages() {
    let mut token = String::new();
    let mut all = Vec::new();
    loop {
        let page = PageRequest { size: 3, token: &token };
        let (items, next) = desk::slice((0..10).collect(), page).expect("a token of ours");
        all.extend(items);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(all, (0..10).collect::<Vec<_>>());
    let slice = |size, token| desk::slice((0..5000).collect(), PageRequest { size, token });
    assert_eq!(slice(0, "").expect("none").0.len(), 100);
    assert_eq!(slice(u32::MAX, "").expect("none").0.len(), 1000);
    assert_eq!(slice(5, "18446744073709551615").expect("far behind the end").0, [0; 0]);
    assert!(slice(5, "x").is_err());
}

#[tokio::test]
async fn a_feed_that_broke_off_is_no_end() {
    let (feed, mut reader) = pipe::feed();
    let whole = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    assert!(feed.octets(Bytes::from_static(b"one\n")).await);
    assert!(feed.octets(Bytes::new()).await);
    assert!(feed.octets(Bytes::from_static(b"two")).await);
    feed.end().await;
    assert_eq!(whole.await.unwrap().unwrap(), "one\ntwo");

    let (feed, mut reader) = pipe::feed();
    let cut = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        reader.read_line(&mut line)
    });
    assert!(feed.octets(Bytes::from_static(b"on")).await);
    drop(feed);
    assert!(cut.await.unwrap().is_err());

    let (feed, reader) = pipe::feed();
    drop(reader);
    assert!(!feed.octets(Bytes::from_static(b"x")).await, "nobody reads");
}

#[tokio::test]
async fn what_is_written_comes_out_in_chunks() {
    use tokio_stream::StreamExt as _;
    let (answers, mut stream) = pipe::answers::<Bytes>();
    let writer = tokio::task::spawn_blocking(move || {
        let mut out = pipe::ChunkWriter::new(&answers, 4, |octets| octets);
        out.write_all(b"0123456789").and_then(|()| out.flush())
    });
    let mut sizes = Vec::new();
    while let Some(chunk) = stream.next().await {
        sizes.push(chunk.unwrap().len());
    }
    assert_eq!(sizes, [4, 4, 2]);
    writer.await.unwrap().unwrap();

    let (answers, stream) = pipe::answers::<Bytes>();
    drop(stream);
    let gone = tokio::task::spawn_blocking(move || answers.give(Ok(Bytes::new())));
    assert!(gone.await.unwrap().is_err());
}
