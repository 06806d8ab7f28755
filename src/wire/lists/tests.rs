use crate::lists::changeset::{ChangeSet, State};
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::event::{Draft, DraftOrigin, Event};
use crate::lists::row::Row;
use crate::lists::subscription::tests::subscription;
use crate::model::catalogue::{Actor, BlobId, ChangeSetId, Cursor};
use crate::model::entry::{Effect, ListKind, ListSpec, Party};
use crate::model::policy::{Action, Ground, Traffic};
use crate::model::revision::Digest;
use crate::model::verdict::LabelKey;

use super::*;

fn wire_spec(kind: ListKind) -> pb::ListSpec {
    let kind = spec::kind(kind).into();
    pb::ListSpec { id: "test.list".to_owned(), kind, ..Default::default() }
}

fn list_spec(kind: ListKind) -> ListSpec {
    spec::spec_read(&wire_spec(kind)).expect("a plain list")
}

#[test]
fn lists_survive_the_way_there_and_back() {
    let effects = [
        Effect::Block,
        Effect::Allow,
        Effect::Score(-1000),
        Effect::Score(1000),
        Effect::Watch,
        Effect::Protect,
    ];
    let labels = LabelKey::ALL.into_iter().map(|(key, _)| Effect::Label(key));
    let effects: Vec<Effect> = effects.into_iter().chain(labels).collect();
    for (at, (kind, _)) in ListKind::ALL.into_iter().enumerate() {
        let base = list_spec(kind);
        let text = matches!(kind, ListKind::Keyword | ListKind::Conjunction | ListKind::Brand);
        assert_eq!(base.ceiling, if text { Action::Hold } else { Action::Block });
        for (step, effect) in effects.iter().enumerate() {
            let mut full = base.clone();
            full.meta.effect = *effect;
            full.title = "a title".into();
            full.party = [Party::Originator, Party::Recipient, Party::Either][(at + step) % 3];
            full.traffic = [None, Some(Traffic::Call), Some(Traffic::Message)][step % 3];
            full.ground = Ground::ALL[step % 5];
            full.ceiling = Action::ALL[step % 4];
            full.caps_text = (step % 2 == 0).then_some(Action::ALL[at % 4]);
            full.meta.category = crate::model::category::Category::parse("CN08");
            full.meta.validity.until = Timestamp(1_800_000_000_123);
            full.meta.shadow = step % 2 == 1;
            full.tenant.0 = u16::MAX;
            (full.authority, full.case) = ("court".into(), "7/26".into());
            let number = crate::lists::pack::number_pattern("+8613800138000").expect("a number");
            let crate::model::entry::NumberPattern::Exact(number) = number else { panic!("exact") };
            full.subscriber = Some(number);
            assert_eq!(spec::spec_read(&spec::spec(&full)), Ok(full));
        }
    }
}

#[test]
fn every_wrong_field_of_a_list_is_named() {
    for (field, wrong) in [
        ("id", pb::ListSpec { id: "A list".to_owned(), ..wire_spec(ListKind::Number) }),
        ("kind", pb::ListSpec { kind: 99, ..wire_spec(ListKind::Number) }),
        ("title", pb::ListSpec { title: "a\nb".to_owned(), ..wire_spec(ListKind::Number) }),
        ("tenant", pb::ListSpec { tenant: 70_000, ..wire_spec(ListKind::Number) }),
        ("party", pb::ListSpec { party: 9, ..wire_spec(ListKind::Number) }),
        ("effect", pb::ListSpec { effect: 99, ..wire_spec(ListKind::Number) }),
        ("points", pb::ListSpec { points: 1001, ..wire_spec(ListKind::Number) }),
        ("label_key", pb::ListSpec { effect: 3, ..wire_spec(ListKind::Number) }),
        ("category", pb::ListSpec { category: "nope".to_owned(), ..wire_spec(ListKind::Number) }),
        (
            "subscriber",
            pb::ListSpec { subscriber: "+86*".to_owned(), ..wire_spec(ListKind::Number) },
        ),
        ("ceiling", pb::ListSpec { ceiling: 77, ..wire_spec(ListKind::Number) }),
        (
            "valid_until_time",
            pb::ListSpec {
                valid_from_time: Some(time(Timestamp(5_000))),
                valid_until_time: Some(time(Timestamp(5_000))),
                ..wire_spec(ListKind::Number)
            },
        ),
        (
            "valid_from_time",
            pb::ListSpec {
                valid_from_time: Some(prost_types::Timestamp { seconds: -1, nanos: 0 }),
                ..wire_spec(ListKind::Number)
            },
        ),
    ] {
        let found = spec::spec_read(&wrong).expect_err(field);
        assert_eq!(found.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), [field]);
    }
}

fn read(edit: &pb::Edit) -> Result<Edit, Violations> {
    change_set::edit_read(edit, &mut |_| Ok(list_spec(ListKind::Number)))
}

#[test]
fn edits_survive_the_way_there_and_back() {
    let list: Box<str> = "test.list".into();
    let spec = list_spec(ListKind::Number);
    let row = Row::read(&spec, [("value", "+8613800138000"), ("effect", "block")]).expect("a row");
    let key: Box<str> = row.key().into();
    for edit in [
        Edit::PutList(Box::new(spec)),
        Edit::RemoveList { list: list.clone() },
        Edit::Clear { list: list.clone(), key: key.clone() },
        Edit::Put { list: list.clone(), row },
        Edit::Remove { list: list.clone(), key },
        Edit::RemoveSegment { list: list.clone(), blob: BlobId([7; 32]) },
    ] {
        assert_eq!(read(&change_set::edit(&edit)), Ok(edit));
    }
    let segment = SegmentUse { blob: BlobId([1; 32]), count: 5, shared: Vec::new() };
    let bulk = change_set::edit(&Edit::PutSegment { list, segment });
    let found = read(&bulk).expect_err("only an import makes one");
    assert!(found.to_string().contains("ImportEntries"), "{found}");
}

#[test]
fn wrong_edits_name_their_fields() {
    use pb::edit::Edit as Of;
    let cell = |column: &str| pb::Cell { column: column.to_owned(), text: "x".to_owned() };
    let put = |cells: Vec<pb::Cell>| {
        let row = Some(pb::Row { cells, key: String::new() });
        Of::PutEntry(pb::PutEntry { list_id: "l".to_owned(), row })
    };
    for (field, edit) in [
        ("edit", None),
        ("put_list.id", Some(Of::PutList(pb::ListSpec { kind: 1, ..Default::default() }))),
        ("remove_list", Some(Of::RemoveList(String::new()))),
        ("put_entry.list_id", Some(Of::PutEntry(pb::PutEntry::default()))),
        ("put_entry.row.cells", Some(put(Vec::new()))),
        ("put_entry.row.cells", Some(put(vec![cell("no-such-column")]))),
        ("put_entry.row.cells", Some(put(vec![cell("value"); CELLS_MAX + 1]))),
        (
            "remove_entry.key",
            Some(Of::RemoveEntry(pb::EntryKey { list_id: "l".to_owned(), key: String::new() })),
        ),
        (
            "remove_segment.segment.blob",
            Some(Of::RemoveSegment(pb::UseSegment { list_id: "l".to_owned(), segment: None })),
        ),
    ] {
        let found = read(&pb::Edit { edit }).expect_err(field);
        assert_eq!(found.iter().next().expect("one").field, field);
    }
}

fn a_change_set(state: State) -> ChangeSet {
    let anna = Actor::parse("anna").expect("a name");
    ChangeSet {
        id: ChangeSetId(7),
        draft: Draft { title: "t".into(), origin: DraftOrigin::Watch, ..Default::default() },
        author: anna,
        created: Timestamp(1_500),
        state,
        edits: Vec::new(),
        edit_count: 3,
        edit_records: Vec::new(),
        etag: 0xabc,
        warnings_accepted: true,
        checked: Revision(0),
        approved_by: Some((anna, "fine".into())),
        committed_by: Some(anna),
        break_glass: Some("fire".into()),
        reviewed_by: None,
        ended: None,
    }
}

#[test]
fn change_sets_say_where_they_stand() {
    for (state, wire, revision) in [
        (State::Draft, pb::ChangeSetState::Draft, 0),
        (State::Submitted, pb::ChangeSetState::Submitted, 0),
        (State::Approved, pb::ChangeSetState::Approved, 0),
        (State::Committed(Revision(9)), pb::ChangeSetState::Committed, 9),
        (State::Rejected, pb::ChangeSetState::Rejected, 0),
        (State::Withdrawn, pb::ChangeSetState::Withdrawn, 0),
    ] {
        let set = change_set::change_set(&a_change_set(state));
        assert_eq!((set.state(), set.revision), (wire, revision));
        let filter = change_set::state_read(wire.into()).expect("known").expect("one");
        assert_eq!(std::mem::discriminant(&filter), std::mem::discriminant(&state));
        assert_eq!(etag(&set.etag), Ok(Some(0xabc)));
        assert_eq!((set.origin.as_str(), set.break_glass_reason.as_str()), ("watch", "fire"));
        assert_eq!(set.approval.map(|signed| signed.note).as_deref(), Some("fine"));
        assert_eq!(set.create_time.map(|time| (time.seconds, time.nanos)), Some((1, 500_000_000)));
    }
    assert!(change_set::state_read(42).is_err());
    assert!(etag("not one").is_err());
    assert_eq!(etag(""), Ok(None));
}

#[test]
fn records_name_their_change_set_and_hold_no_values() {
    let anna = Actor::parse("anna").expect("a name");
    let spec = list_spec(ListKind::Number);
    let row = Row::read(&spec, [("value", "+8613800138000")]).expect("a row");
    let edited = Event::Edited {
        change_set: ChangeSetId(3),
        edits: vec![Edit::Put { list: "test.list".into(), row }],
    };
    for (event, kind, set, revision, summary) in [
        (Event::Drafted(Draft { title: "t".into(), ..Default::default() }), 1, 11, 0, "t"),
        (edited, 2, 3, 0, "1 edits of test.list"),
        (Event::Withdrawn { change_set: ChangeSetId(4) }, 7, 4, 0, ""),
        (
            Event::Committed {
                change_set: ChangeSetId(5),
                revision: Revision(2),
                previous: Digest::default(),
                break_glass: Some("fire".into()),
            },
            8,
            5,
            2,
            "revision 2 by break-glass: fire",
        ),
        (Event::Accessed { what: "export".into() }, 10, 0, 0, "export"),
        (Event::Unsubscribed { name: "feed".into() }, 13, 0, 0, "source feed"),
    ] {
        let content = (anna, event);
        let record = event::record(Cursor(11), Timestamp(0), Digest::default(), Some(&content));
        assert_eq!((record.kind, record.change_set_id, record.revision), (kind, set, revision));
        assert_eq!(record.summary, summary);
        assert!(!record.erased && !format!("{record:?}").contains("anna"));
    }
    let erased = event::record(Cursor(11), Timestamp(0), Digest::default(), None);
    assert!(erased.erased && erased.actor.is_empty() && erased.kind == 0);
}

#[test]
fn sources_come_back_equal_and_wrong_ones_are_named() {
    let one = subscription("reported");
    let sent = source::source(&one, pb::Format::Csv);
    let read = |sent: &pb::Source| source::source_read(sent, "csv", one.owner);
    assert_eq!(read(&sent).expect("as it was"), one);
    let pinned = pb::Source { sha256: vec![7; 32].into(), interval_s: 0, ..sent.clone() };
    let pinned = read(&pinned).expect("a digest");
    assert_eq!((pinned.sha256, pinned.interval_s), (Some(BlobId([7; 32])), 86_400));
    let cell = pb::Cell { column: "reason".into(), text: "x".repeat(TEXT_BYTES_MAX + 1) };
    let column = pb::ColumnMapping { from: "x".repeat(TITLE_BYTES_MAX + 1), to: "y".into() };
    for (wrong, field) in [
        (pb::Source { name: String::new(), ..sent.clone() }, "name"),
        (pb::Source { url: "x".repeat(2049), ..sent.clone() }, "url"),
        (pb::Source { list_id: String::new(), ..sent.clone() }, "list_id"),
        (pb::Source { region_code: "C1".into(), ..sent.clone() }, "region_code"),
        (pb::Source { sha256: vec![7; 31].into(), ..sent.clone() }, "sha256"),
        (pb::Source { columns: vec![column], ..sent.clone() }, "columns[0].from"),
        (pb::Source { defaults: vec![cell], ..sent.clone() }, "defaults[0].text"),
    ] {
        let found = format!("{:?}", read(&wrong).expect_err(field));
        assert!(found.contains(field), "{field}: {found}");
    }
}
