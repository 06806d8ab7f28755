use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::lists::subscription::tests::subscription;
use crate::model::catalogue::Cursor;
use crate::model::revision::Revision;
use crate::model::time::Timestamp;

fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

fn remove(key: &str) -> Edit {
    Edit::Remove { list: "l".into(), key: key.into() }
}

/// A log that holds what the book itself decided.
#[derive(Default)]
struct Desk {
    book: Book,
    log: Vec<(Actor, Event)>,
}

impl Desk {
    fn write(&mut self, actor: Actor, event: Result<Event, Denied>) -> Result<(), Denied> {
        let event = event?;
        let cursor = Cursor(self.log.len() as u64 + 1);
        self.book.apply(cursor, Timestamp(cursor.0), actor, &event).unwrap();
        self.book.check_invariants().unwrap();
        self.log.push((actor, event));
        Ok(())
    }

    fn draft(&mut self, name: &str) -> ChangeSetId {
        let event = self.book.draft(Draft::default());
        self.write(actor(name), event).unwrap();
        ChangeSetId(self.log.len() as u64)
    }

    fn edited(&mut self, name: &str) -> ChangeSetId {
        let id = self.draft(name);
        let event = self.book.edit(id, actor(name), None, vec![remove("a"), remove("b")]);
        self.write(actor(name), event).unwrap();
        id
    }

    fn submitted(&mut self, name: &str) -> ChangeSetId {
        let id = self.edited(name);
        let event = self.book.submit(id, actor(name), None, false);
        self.write(actor(name), event).unwrap();
        id
    }
}

#[test]
fn the_straight_line() {
    let (mut desk, ann, bob) = (Desk::default(), actor("ann"), actor("bob"));
    let id = desk.submitted("ann");
    let event = desk.book.approve(id, bob, Some(3), "fine");
    desk.write(bob, event).unwrap();
    let facts = CommitFacts { second_person: Some("so".into()), ..CommitFacts::default() };
    let event = desk.book.commit(id, None, facts);
    desk.write(ann, event).unwrap();
    let set = desk.book.get(id).unwrap();
    assert_eq!(set.state, State::Committed(Revision(1)));
    assert_eq!((set.edits.len(), set.edit_count), (0, 2));
    assert_eq!(set.edit_records, [Cursor(2)]);
    assert_eq!((set.committed_by, set.ended), (Some(ann), Some(Timestamp(5))));
    assert_eq!(desk.book.open().count(), 0);
    assert!(desk.book.may_erase(Cursor(2)) && !desk.book.may_erase(Cursor(1)));
    assert!(!desk.book.may_erase(Cursor(5)));
}

#[test]
fn what_is_denied() {
    let (mut desk, ann, bob) = (Desk::default(), actor("ann"), actor("bob"));
    let id = desk.edited("ann");
    let book = &desk.book;
    let reason = |event: Result<Event, Denied>| event.unwrap_err().reason();
    assert_eq!(reason(book.approve(ChangeSetId(9), bob, None, "")), "NOT_FOUND");
    assert_eq!(reason(book.edit(id, bob, None, vec![remove("c")])), "NOT_AUTHOR");
    assert_eq!(reason(book.edit(id, ann, None, vec![])), "EMPTY");
    assert_eq!(book.submit(id, ann, Some(1), true), Err(Denied::Stale { etag: 2 }));
    assert_eq!(reason(book.unedit(id, ann, None, vec![0, 2])), "NO_SUCH_EDIT");
    assert_eq!(reason(book.approve(id, bob, None, "")), "NOT_SUBMITTED");
    assert_eq!(reason(book.commit(id, None, CommitFacts::default())), "NOT_SUBMITTED");
    let many = vec![remove("c"); EDITS_MAX - 1];
    assert_eq!(reason(book.edit(id, ann, None, many)), "TOO_LARGE");
    let long = Draft { title: "x".repeat(TITLE_BYTES_MAX + 1).into(), ..Draft::default() };
    assert_eq!(reason(book.draft(long)), "TOO_LARGE");
    let event = desk.book.submit(id, ann, Some(2), true);
    desk.write(ann, event).unwrap();
    let book = &desk.book;
    assert!(book.get(id).unwrap().warnings_accepted);
    assert_eq!(reason(book.edit(id, ann, None, vec![remove("c")])), "NOT_DRAFT");
    assert_eq!(reason(book.approve(id, ann, None, "")), "SAME_PERSON");
    assert_eq!(reason(book.reject(id, ann, None, "")), "SAME_PERSON");
    assert_eq!(reason(book.withdraw(id, bob, None)), "NOT_AUTHOR");
    let lonely = CommitFacts { second_person: Some("so".into()), ..CommitFacts::default() };
    assert_eq!(reason(book.commit(id, None, lonely)), "NEEDS_APPROVAL");
    assert_eq!(reason(book.review(id, bob, None, "")), "NO_REVIEW_DUE");
    let event = desk.book.reject(id, bob, None, "no");
    desk.write(bob, event).unwrap();
    assert_eq!(reason(desk.book.withdraw(id, ann, None)), "OVER");
    assert_eq!(reason(desk.book.commit(id, None, CommitFacts::default())), "OVER");
}

#[test]
fn break_glass_opens_a_review() {
    let (mut desk, ann, bob, eve) = (Desk::default(), actor("ann"), actor("bob"), actor("eve"));
    let id = desk.submitted("ann");
    let facts = CommitFacts {
        second_person: Some("wide".into()),
        break_glass: Some("attack under way"),
        ..CommitFacts::default()
    };
    let event = desk.book.commit(id, None, facts);
    desk.write(bob, event).unwrap();
    assert_eq!(desk.book.reviews_due().count(), 1);
    for name in [ann, bob] {
        assert_eq!(desk.book.review(id, name, None, "").unwrap_err().reason(), "SAME_PERSON");
    }
    let event = desk.book.review(id, eve, None, "was right");
    desk.write(eve, event).unwrap();
    assert_eq!(desk.book.reviews_due().count(), 0);
    assert_eq!(desk.book.review(id, eve, None, "").unwrap_err().reason(), "NO_REVIEW_DUE");
}

#[test]
fn a_repeat_finds_its_draft() {
    let mut desk = Desk::default();
    let draft = Draft { request_id: "r-1".into(), ..Draft::default() };
    let event = desk.book.draft(draft);
    desk.write(actor("ann"), event).unwrap();
    assert_eq!(desk.book.by_request(actor("ann"), "r-1").map(|set| set.id), Some(ChangeSetId(1)));
    assert_eq!(desk.book.by_request(actor("bob"), "r-1"), None);
    assert_eq!(desk.book.by_request(actor("ann"), ""), None);
}

#[test]
fn too_many_open() {
    let mut desk = Desk::default();
    let ids: Vec<ChangeSetId> = (0..OPEN_MAX)
        .map(|_| {
            let event = desk.book.draft(Draft::default()).unwrap();
            let cursor = Cursor(desk.book.cursor().0 + 1);
            desk.book.apply(cursor, Timestamp(0), actor("ann"), &event).unwrap();
            ChangeSetId(cursor.0)
        })
        .collect();
    assert_eq!(desk.book.draft(Draft::default()).unwrap_err(), Denied::TooManyOpen);
    let event = Event::Withdrawn { change_set: ids[7] };
    desk.book.apply(Cursor(9_999), Timestamp(0), actor("ann"), &event).unwrap();
    assert!(desk.book.draft(Draft::default()).is_ok());
}

#[test]
fn impossible_records_change_nothing() {
    let (mut desk, ann, bob) = (Desk::default(), actor("ann"), actor("bob"));
    let id = desk.submitted("ann");
    let previous = Digest::default();
    let committed = |revision| Event::Committed {
        change_set: id,
        revision: Revision(revision),
        previous,
        break_glass: None,
    };
    let before = format!("{:?}", desk.book);
    for (by, event, wanted) in [
        (ann, Event::Approved { change_set: id, note: "".into() }, "is submitted"),
        (bob, Event::Withdrawn { change_set: id }, "is submitted"),
        (bob, Event::Reviewed { change_set: id, note: "".into() }, "is submitted"),
        (ann, Event::Edited { change_set: id, edits: vec![] }, "is submitted"),
        (bob, Event::Withdrawn { change_set: ChangeSetId(2) }, "never drafted"),
        (bob, committed(2), "revision 2 follows 0"),
    ] {
        let wrong = desk.book.apply(Cursor(9), Timestamp(0), by, &event).unwrap_err();
        assert_eq!(wrong.cursor, Cursor(9));
        assert!(wrong.to_string().contains(wanted), "{wrong}");
        assert_eq!(format!("{:?}", desk.book), before);
    }
    let late = desk.book.apply(Cursor(3), Timestamp(0), bob, &committed(1)).unwrap_err();
    assert!(late.to_string().contains("after record 3"), "{late}");
    desk.book.apply(Cursor(9), Timestamp(0), bob, &committed(1)).unwrap();
}

#[test]
fn an_erased_record_leaves_a_gap() {
    let mut desk = Desk::default();
    let id = desk.edited("ann");
    let event = desk.book.unedit(id, actor("ann"), None, vec![1]);
    desk.write(actor("ann"), event).unwrap();
    let event = desk.book.withdraw(id, actor("ann"), None);
    desk.write(actor("ann"), event).unwrap();
    let mut again = Book::default();
    for (at, (actor, event)) in desk.log.iter().enumerate() {
        let cursor = Cursor(at as u64 + 1);
        if at == 1 {
            again.apply_erased(cursor).unwrap();
        } else {
            again.apply(cursor, Timestamp(cursor.0), *actor, event).unwrap();
        }
    }
    again.check_invariants().unwrap();
    assert_eq!(again.get(id).unwrap().state, State::Withdrawn);
}

proptest! {
    /// Whatever people try, the book stays whole, a fold of the log gives the same book, and
    /// nobody approves or reviews their own.
    #[test]
    fn any_attempts(steps in vec((0..9u8, 0..3usize, 0..4u64, any::<bool>()), 0..80)) {
        let names = [actor("ann"), actor("bob"), actor("eve")];
        let mut desk = Desk::default();
        for (what, who, pick, flag) in steps {
            let by = names[who];
            let ids: Vec<ChangeSetId> = desk.book.iter().map(|set| set.id).collect();
            let id = ids.get(pick as usize).copied().unwrap_or(ChangeSetId(pick));
            let etag = desk.book.get(id).filter(|_| flag).map(|set| set.etag);
            let book = &desk.book;
            let event = match what {
                0 => book.draft(Draft::default()),
                1 => book.edit(id, by, etag, vec![remove("a"); 3]),
                2 => book.unedit(id, by, etag, vec![pick as u32]),
                3 => book.submit(id, by, etag, flag),
                4 => book.approve(id, by, etag, "note"),
                5 => book.reject(id, by, etag, "note"),
                6 => book.withdraw(id, by, etag),
                7 => book.commit(id, etag, CommitFacts {
                    second_person: flag.then(|| "so".into()),
                    break_glass: (pick == 1).then_some("fire"),
                    ..CommitFacts::default()
                }),
                _ => book.review(id, by, etag, "note"),
            };
            drop(desk.write(by, event));
        }
        let mut again = Book::default();
        for (at, (actor, event)) in desk.log.iter().enumerate() {
            let cursor = Cursor(at as u64 + 1);
            again.apply(cursor, Timestamp(cursor.0), *actor, event).unwrap();
        }
        prop_assert!(again.iter().eq(desk.book.iter()));
        for set in again.iter() {
            let author = Some(set.author);
            prop_assert!(set.approved_by.as_ref().map(|(actor, _)| *actor) != author);
            prop_assert!(set.reviewed_by.as_ref().map(|(actor, _)| *actor) != author);
        }
    }
}

#[test]
fn subscriptions_come_and_go_with_the_log() {
    let (mut desk, ann, bob) = (Desk::default(), actor("anna"), actor("bob"));
    let one = subscription("reported");
    let event = desk.book.subscribe(one.clone());
    desk.write(ann, Ok(event.unwrap())).unwrap();
    assert_eq!(desk.book.subscription("reported"), Some((Cursor(1), &one)));
    assert_eq!(desk.book.subscribe(one.clone()).unwrap_err().field, "name");
    let odd = Subscription { interval_s: 1, ..subscription("odd") };
    assert_eq!(desk.book.subscribe(odd).unwrap_err().field, "interval");
    // What is not there cannot go, nor come twice.
    assert!(desk.book.unsubscribe("other").is_none());
    let twice = Event::Subscribed(Box::new(one.clone()));
    assert!(desk.book.apply(Cursor(9), Timestamp(9), ann, &twice).is_err());
    let never = Event::Unsubscribed { name: "other".into() };
    assert!(desk.book.apply(Cursor(9), Timestamp(9), ann, &never).is_err());
    for nth in 1..SUBSCRIPTIONS_MAX {
        let event = desk.book.subscribe(subscription(&format!("s{nth}"))).unwrap();
        desk.write(bob, Ok(event)).unwrap();
    }
    assert!(desk.book.subscribe(subscription("more")).unwrap_err().what.contains("remove one"));
    let event = desk.book.unsubscribe("reported").unwrap();
    desk.write(bob, Ok(event)).unwrap();
    assert_eq!(desk.book.subscription("reported"), None);
    let mut again = Book::default();
    for (at, (who, event)) in (1..).zip(&desk.log) {
        again.apply(Cursor(at), Timestamp(at), *who, event).unwrap();
    }
    let all = |book: &Book| book.subscriptions().map(|(c, s)| (c, s.clone())).collect::<Vec<_>>();
    assert_eq!(all(&again), all(&desk.book));
    assert_eq!(again.subscriptions().len(), SUBSCRIPTIONS_MAX - 1);
}

#[test]
fn what_a_source_brought_is_closed_by_anybody_and_approved_by_no_owner() {
    let mut desk = Desk::default();
    let (owner, bob, program) = (actor("anna"), actor("bob"), Actor::program());
    let event = desk.book.subscribe(subscription("reported")).unwrap();
    desk.write(owner, Ok(event)).unwrap();
    let origin = DraftOrigin::Source("reported".into());
    let event = desk.book.draft(Draft { origin, ..Draft::default() });
    desk.write(program, event).unwrap();
    let id = ChangeSetId(2);
    let event = desk.book.edit(id, program, None, vec![remove("a")]);
    desk.write(program, event).unwrap();
    // Its edits stay those of the source.
    let more = desk.book.edit(id, owner, None, vec![remove("b")]);
    assert_eq!(more.unwrap_err(), Denied::NotAuthor(program));
    let event = desk.book.submit(id, owner, None, true);
    desk.write(owner, event).unwrap();
    for one in [owner, program] {
        assert_eq!(desk.book.approve(id, one, None, "").unwrap_err(), Denied::SamePerson(one));
    }
    let event = desk.book.approve(id, bob, None, "");
    desk.write(bob, event).unwrap();
}
