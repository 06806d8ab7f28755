use super::*;
use crate::model::catalogue::{Actor, ChangeSetId};

fn record(event: &Event) -> NewRecord<'_> {
    NewRecord { time: Timestamp(5), actor: Actor::program(), event }
}

#[test]
fn faults_are_what_they_say() {
    let log = MemoryLog::new();
    let event = Event::Withdrawn { change_set: ChangeSetId(1) };
    let first = log.append(&record(&event), Cursor(0)).unwrap();
    assert_eq!(log.append(&record(&event), Cursor(0)), Err(AppendError::Conflict(first)));

    let script = [Fault::Refused, Fault::UnknownLost, Fault::UnknownWritten, Fault::None];
    log.script(script);
    assert!(matches!(log.append(&record(&event), Cursor(1)), Err(AppendError::Refused(_))));
    assert!(matches!(log.append(&record(&event), Cursor(1)), Err(AppendError::Unknown(_))));
    assert_eq!(log.head().unwrap(), first);
    assert!(matches!(log.append(&record(&event), Cursor(1)), Err(AppendError::Unknown(_))));
    assert_eq!(log.head().unwrap().cursor, Cursor(2));
    log.append(&record(&event), Cursor(2)).unwrap();

    for (fault, there) in [(Fault::CrashLost, 3), (Fault::CrashWritten, 4)] {
        log.script([fault]);
        assert!(log.append(&record(&event), Cursor(3)).is_err());
        assert!(log.is_crashed() && log.head().is_err() && log.read_from(Cursor(0), 9).is_err());
        log.restart();
        assert_eq!(log.head().unwrap().cursor, Cursor(there));
    }
    log.fail_blobs(1);
    assert!(log.put_blob(b"x").is_err());
    let id = log.put_blob(b"x").unwrap();
    assert_eq!(log.get_blob(id).unwrap(), b"x");
    assert_eq!(log.sweep(&HashSet::new()), 1);
    assert!(log.get_blob(id).is_err());
    assert_eq!(log.verify(&mut |_| ()).unwrap().head, log.head().unwrap());
}

#[test]
fn erasing_needs_its_announcement_and_leaves_the_chain() {
    let log = MemoryLog::new();
    let event = Event::Accessed { what: "a number".into() };
    log.append(&record(&event), Cursor(0)).unwrap();
    assert!(log.erase(&[Cursor(1)]).is_err());
    let erased = Event::Erased { cursors: vec![Cursor(1)], reason: "asked".into() };
    log.append(&record(&erased), Cursor(1)).unwrap();
    log.erase(&[Cursor(1)]).unwrap();
    log.erase(&[Cursor(1)]).unwrap();
    assert!(log.erase(&[Cursor(2)]).is_err() && log.erase(&[Cursor(0)]).is_err());
    assert_eq!(log.read_from(Cursor(0), 1).unwrap()[0].content, None);
    let verified = log.verify(&mut |_| ()).unwrap();
    assert_eq!(verified.erased, [(Cursor(1), Cursor(2))]);
}
