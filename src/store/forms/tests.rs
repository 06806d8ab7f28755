use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::lists::edit::Edit;
use crate::lists::event::{Draft, DraftOrigin};
use crate::lists::row::column;
use crate::lists::subscription::Subscription;
use crate::model::catalogue::{BlobId, ChangeSetId, Cursor};
use crate::model::category::Category;
use crate::model::entry::{Effect, EntryMeta, ListKind, Party, TenantId};
use crate::model::number::{E164Number, Number, Region, ShortCode};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::revision::{Digest, Revision};
use crate::model::time::{Timestamp, Validity};
use crate::model::verdict::LabelKey;

/// Text with what JSON has to escape, and with what it has not.
pub(crate) fn text() -> impl Strategy<Value = Box<str>> {
    prop_oneof![
        "[a-z0-9 ]{0,12}".prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        Just("\u{0}\"\\\n\u{2028}😀 警察".into()),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    let key = prop::sample::select(LabelKey::ALL.map(|(key, _)| key).to_vec());
    prop_oneof![
        Just(Effect::Block),
        Just(Effect::Allow),
        Just(Effect::Watch),
        Just(Effect::Protect),
        key.prop_map(Effect::Label),
        any::<i16>().prop_map(Effect::Score),
    ]
}

fn meta() -> impl Strategy<Value = EntryMeta> {
    let category = prop::sample::select(Category::all().collect::<Vec<_>>());
    let time = || prop_oneof![Just(0), Just(u64::MAX), any::<u64>()].prop_map(Timestamp);
    (effect(), option::of(category), time(), time(), any::<bool>()).prop_map(
        |(effect, category, from, until, shadow)| EntryMeta {
            effect,
            category,
            validity: Validity { from, until },
            shadow,
        },
    )
}

pub(crate) fn spec(id: impl Strategy<Value = Box<str>>) -> impl Strategy<Value = ListSpec> {
    let number = prop_oneof![
        (10_000u64..1_000_000_000_000_000)
            .prop_map(|value| Number::E164(E164Number::from_value(value).unwrap())),
        "[0-9]{1,20}".prop_map(|d| Number::Short(ShortCode::new(Region::CN, &d).unwrap())),
    ];
    let action = || prop::sample::select(Action::ALL.to_vec());
    let words = (id, text(), text(), text(), text());
    let kind = prop::sample::select(ListKind::ALL.map(|(kind, _)| kind).to_vec());
    let party = prop::sample::select(Party::ALL.map(|(party, _)| party).to_vec());
    let scope = (
        any::<u16>(),
        option::of(number),
        option::of(prop::sample::select(vec![Traffic::Call, Traffic::Message])),
    );
    let limits = (prop::sample::select(Ground::ALL.to_vec()), action(), option::of(action()));
    (words, kind, party, scope, limits, meta()).prop_map(
        |((id, title, source, authority, case), kind, party, scope, limits, meta)| ListSpec {
            id,
            kind,
            title,
            source,
            party,
            tenant: TenantId(scope.0),
            subscriber: scope.1,
            traffic: scope.2,
            ground: limits.0,
            authority,
            case,
            ceiling: limits.1,
            caps_text: limits.2,
            meta,
        },
    )
}

pub(crate) fn cells() -> impl Strategy<Value = Vec<(&'static str, Box<str>)>> {
    let names = ["value", "points", "reason", "valid_until", "match", "ticket"];
    (prop::sample::subsequence(names.to_vec(), 0..=6), vec(text(), 6)).prop_map(|(names, texts)| {
        names.into_iter().map(|name| column(name).unwrap()).zip(texts).collect()
    })
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    let blob = || any::<[u8; 32]>().prop_map(BlobId);
    prop_oneof![
        spec(text()).prop_map(|spec| Edit::PutList(Box::new(spec))),
        text().prop_map(|list| Edit::RemoveList { list }),
        (text(), cells(), text())
            .prop_map(|(list, cells, key)| Edit::Put { list, row: Row::stored(cells, key) }),
        (text(), text()).prop_map(|(list, key)| Edit::Remove { list, key }),
        (text(), text()).prop_map(|(list, key)| Edit::Clear { list, key }),
        (text(), blob(), any::<u64>(), cells()).prop_map(|(list, blob, count, shared)| {
            Edit::PutSegment { list, segment: SegmentUse { blob, count, shared } }
        }),
        (text(), blob()).prop_map(|(list, blob)| Edit::RemoveSegment { list, blob }),
    ]
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let pairs = || vec((text(), text()), 0..4);
    let region = prop::sample::select(vec![None, Some(Region::CN), Region::parse("de")]);
    let sha256 = option::of(any::<[u8; 32]>().prop_map(BlobId));
    let words = (text(), text(), text(), text());
    (words, pairs(), region, pairs(), any::<(bool, bool, u32)>(), sha256).prop_map(
        |((name, url, list, format), columns, region, defaults, said, sha256)| Subscription {
            name,
            url,
            list,
            format,
            columns,
            region,
            defaults,
            replaces: said.0,
            interval_s: said.2,
            sha256,
            auto_commit: said.1,
            owner: Actor::parse("anna@example").unwrap(),
        },
    )
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let id = || any::<u64>().prop_map(ChangeSetId);
    let origin = prop_oneof![
        Just(DraftOrigin::Person),
        any::<u64>().prop_map(|revision| DraftOrigin::Rollback(Revision(revision))),
        text().prop_map(DraftOrigin::StarterPacks),
        text().prop_map(DraftOrigin::Source),
        Just(DraftOrigin::Watch),
    ];
    let draft = (text(), text(), text(), origin, text()).prop_map(
        |(title, reason, ticket, origin, request_id)| {
            Event::Drafted(Draft { title, reason, ticket, origin, request_id })
        },
    );
    let digest = any::<[u8; 32]>().prop_map(Digest);
    prop_oneof![
        draft,
        (id(), vec(edit(), 0..5))
            .prop_map(|(change_set, edits)| Event::Edited { change_set, edits }),
        (id(), vec(any::<u32>(), 0..5))
            .prop_map(|(change_set, edits)| Event::Unedited { change_set, edits }),
        (id(), any::<bool>()).prop_map(|(change_set, warnings_accepted)| Event::Submitted {
            change_set,
            warnings_accepted
        }),
        (id(), text()).prop_map(|(change_set, note)| Event::Approved { change_set, note }),
        (id(), text()).prop_map(|(change_set, note)| Event::Rejected { change_set, note }),
        id().prop_map(|change_set| Event::Withdrawn { change_set }),
        (id(), any::<u64>(), digest, option::of(text())).prop_map(
            |(change_set, revision, previous, break_glass)| Event::Committed {
                change_set,
                revision: Revision(revision),
                previous,
                break_glass,
            }
        ),
        (id(), text()).prop_map(|(change_set, note)| Event::Reviewed { change_set, note }),
        text().prop_map(|what| Event::Accessed { what }),
        (vec(any::<u64>().prop_map(Cursor), 0..4), text())
            .prop_map(|(cursors, reason)| Event::Erased { cursors, reason }),
        subscription().prop_map(|one| Event::Subscribed(Box::new(one))),
        text().prop_map(|name| Event::Unsubscribed { name }),
    ]
}

proptest! {
    #[test]
    fn every_event_comes_back_equal(event in event()) {
        let actor = Actor::parse("chen.li@example").unwrap();
        let body = write_body(actor, &event);
        prop_assert_eq!(read_body(&body), Ok((actor, event)));
    }

    #[test]
    fn lists_and_cells_come_back_equal(spec in spec(text()), cells in cells(), key in text()) {
        prop_assert_eq!(read_spec(&write_spec(&spec)), Ok(spec));
        let row = Row::stored(cells.clone(), key.clone());
        prop_assert_eq!(read_cells(&key, &write_cells(&row)), Ok(row));
        let segment = SegmentUse { blob: BlobId([0; 32]), count: 1, shared: cells };
        prop_assert_eq!(read_shared(&write_shared(&segment)), Ok(segment.shared));
    }

    #[test]
    fn octets_that_are_no_form_are_errors(octets in vec(any::<u8>(), 0..200)) {
        prop_assert!(read_body(&octets).is_err());
    }
}

#[test]
fn another_version_and_unknown_fields_are_refused_in_words() {
    let later = br#"{"v":2,"actor":"a","event":{"new_thing":{"x":1}}}"#;
    let error = read_body(later).unwrap_err();
    assert_eq!(error, FormError::Version(2));
    assert!(error.to_string().contains("form 2"), "{error}");
    let odd = [
        &br#"{"v":1,"actor":"a","event":{"withdrawn":{"change_set":1,"more":2}}}"#[..],
        br#"{"v":1,"actor":"a","event":{"withdrawn":{"change_set":1}},"more":2}"#,
        br#"{"v":1,"actor":"a b","event":{"withdrawn":{"change_set":1}}}"#,
        br#"{"v":1,"actor":"a","event":{"put":{"change_set":1}}}"#,
        br#"{"actor":"a","event":{"withdrawn":{"change_set":1}}}"#,
    ];
    for octets in odd {
        assert!(matches!(read_body(octets), Err(FormError::Wrong(_))));
    }
    assert!(read_cells("k", r#"{"valeu":"secret"}"#).is_err());
}

#[test]
fn an_error_holds_no_value() {
    let row = r#"{"value":["+8613800138000"]}"#;
    let error = read_cells("+8613800138000", row).unwrap_err().to_string();
    assert!(!error.contains("8613800138000"), "{error}");
}

/// The form is on people's disks: a change of it must be meant.
#[test]
fn the_form_stays() {
    let row = Row::stored(
        vec![("value", "+8613800138000".into()), ("reason", "fake police".into())],
        "+8613800138000".into(),
    );
    let event = Event::Edited {
        change_set: ChangeSetId(7),
        edits: vec![
            Edit::Put { list: "local.block".into(), row },
            Edit::Remove { list: "local.block".into(), key: "+86139".into() },
        ],
    };
    let body = String::from_utf8(write_body(Actor::program(), &event)).unwrap();
    let expected = concat!(
        r#"{"v":1,"actor":"ringfence","event":{"edited":{"change_set":7,"edits":["#,
        r#"{"put":{"list":"local.block","key":"+8613800138000","#,
        r#""cells":{"value":"+8613800138000","reason":"fake police"}}},"#,
        r#"{"remove":{"list":"local.block","key":"+86139"}}]}}}"#
    );
    assert_eq!(body, expected);
}
