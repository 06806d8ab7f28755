//! A write side with what it stands on, for tests: people, a clock that steps, small packs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prost::Message as _;
use ringfence::app::catalogue::{PackText, compile, starter_packs};
use ringfence::app::changes::api::{Caller, Live, Refusal};
use ringfence::app::changes::{CatalogueView, ChangeLog, Changes, Control};
use ringfence::app::publisher::Publisher;
use ringfence::app::screening::Clock;
use ringfence::engine::{Ruleset, screen};
use ringfence::lists::changeset::ChangeSet;
use ringfence::lists::edit::{Edit, SegmentUse};
use ringfence::lists::event::Draft;
use ringfence::lists::pack::parse_list_line;
use ringfence::lists::row::Row;
use ringfence::lists::segment::{encode_numbers, encode_texts};
use ringfence::model::attempt::{
    Attempt, Content, ContentBasis, StateFacts, TextEncoding, TrunkClass,
};
use ringfence::model::catalogue::{Actor, Cursor};
use ringfence::model::entry::ListSpec;
use ringfence::model::number::E164Number;
use ringfence::model::policy::Traffic;
use ringfence::model::revision::Revision;
use ringfence::model::time::Timestamp;
use ringfence::store::SqliteView;

use super::cases::NOW;

/// Each look is a millisecond later.
#[derive(Debug, Default)]
pub struct Steps(AtomicU64);

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        Timestamp(NOW.0 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who asks.
pub fn who(name: &str) -> Caller {
    Caller { actor: Actor::parse(name).expect("a name") }
}

pub fn anna() -> Caller {
    who("anna")
}

pub fn boris() -> Caller {
    who("boris")
}

/// The write side with its log and its publisher.
pub struct Desk {
    pub log: Arc<dyn ChangeLog>,
    pub publisher: Arc<Publisher>,
    pub changes: Changes,
}

impl Desk {
    pub fn open(log: Arc<dyn ChangeLog>, view: Box<dyn CatalogueView>) -> Result<Desk, Refusal> {
        let empty = compile(&[], Revision(0)).expect("nothing compiles");
        let publisher = Arc::new(Publisher::new(empty, NOW));
        let clock = Arc::new(Steps::default());
        let changes = Changes::open(Arc::clone(&log), view, Arc::clone(&publisher), clock)?;
        Ok(Desk { log, publisher, changes })
    }

    /// Another one over the same log, with a view of its own: everything is compiled anew.
    pub fn anew(log: &Arc<dyn ChangeLog>) -> Desk {
        let view = SqliteView::in_memory().expect("a view");
        Desk::open(Arc::clone(log), Box::new(view)).expect("the log can be read")
    }

    /// Drafted and filled by anna.
    pub fn drafted(&self, edits: Vec<Edit>) -> Result<ChangeSet, Refusal> {
        let draft = Draft { title: "a change".into(), ..Draft::default() };
        let set = self.changes.draft(anna(), draft)?;
        self.changes.edit(anna(), set.id, Some(set.etag), edits)
    }

    /// Drafted, submitted with its warnings, approved by boris, committed.
    pub fn commit(&self, edits: Vec<Edit>) -> Result<Live, Refusal> {
        let set = self.drafted(edits)?;
        self.finish(&set)
    }

    /// Submitted with its warnings, approved by boris, committed.
    pub fn finish(&self, set: &ChangeSet) -> Result<Live, Refusal> {
        self.changes.submit(anna(), set.id, None, true)?;
        self.changes.approve(boris(), set.id, "fine")?;
        self.changes.commit(anna(), set.id, None).map(|(_, live)| live)
    }

    /// The row of a list that is there.
    pub fn put(&self, list: &str, cells: &[(&str, &str)]) -> Edit {
        put(&self.changes.list(list, None).expect("the list").spec, cells)
    }

    /// Stores a bulk import of numbers, for an edit.
    pub fn numbers(&self, list: &str, values: &[u64], shared: &[(&'static str, &str)]) -> Edit {
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        let numbers = values.iter().filter_map(|value| E164Number::from_value(*value));
        let octets = encode_numbers(numbers).expect("numbers");
        self.segment(list, &octets, values.len() as u64, shared)
    }

    /// Stores a bulk import of texts, for an edit.
    pub fn texts(&self, list: &str, values: &[&str], shared: &[(&'static str, &str)]) -> Edit {
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        let octets = encode_texts(values.iter().copied()).expect("texts");
        self.segment(list, &octets, values.len() as u64, shared)
    }

    fn segment(
        &self,
        list: &str,
        octets: &[u8],
        count: u64,
        shared: &[(&'static str, &str)],
    ) -> Edit {
        let blob = self.log.put_blob(octets).expect("a blob");
        let shared = shared.iter().map(|(column, cell)| (*column, (*cell).into())).collect();
        Edit::PutSegment { list: list.into(), segment: SegmentUse { blob, count, shared } }
    }

    /// What each attempt gets.
    pub fn answers(&self) -> Vec<String> {
        answers(&self.publisher.load())
    }

    pub fn revision(&self) -> u64 {
        self.publisher.load().revision.0
    }

    /// Records of the log that hold edits of a change-set.
    pub fn records(&self, set: &ChangeSet) -> Vec<Cursor> {
        self.changes.change_set(set.id).expect("the change-set").edit_records
    }
}

pub fn spec(line: &str) -> ListSpec {
    parse_list_line(line).expect("a list line")
}

pub fn new_list(line: &str) -> Edit {
    Edit::PutList(Box::new(spec(line)))
}

pub fn put(spec: &ListSpec, cells: &[(&str, &str)]) -> Edit {
    let row = Row::read(spec, cells.iter().copied()).expect("a row");
    Edit::Put { list: spec.id.clone(), row }
}

pub fn remove(list: &str, key: &str) -> Edit {
    Edit::Remove { list: list.into(), key: key.into() }
}

pub fn clear(list: &str, key: &str) -> Edit {
    Edit::Clear { list: list.into(), key: key.into() }
}

/// Starter packs whose names hold one of these.
pub fn starters(names: &[&str]) -> Vec<PackText> {
    let wanted = |pack: &PackText| names.iter().any(|name| pack.name.contains(name));
    starter_packs().into_iter().filter(wanted).collect()
}

/// Plans, classes of China, protected numbers, the policy: what every catalogue stands on.
pub fn small_packs() -> Vec<PackText> {
    starters(&["numbers/plans", "classes-cn", "emergency", "never-block", "policy/"])
}

/// Two plans, one protected number, mode enforce: compiles in no time.
pub fn tiny_packs() -> Vec<PackText> {
    let text = "%list t.plans kind=number-plan\n%columns region country_code \
                international_prefixes trunk_prefix national_digits\nCN\t86\t00\t0\t7-12\n\
                US\t1\t011\t1\t10\n%list t.policy kind=policy\n%columns key value\n\
                mode\tenforce\n%list t.emergency kind=number effect=protect party=recipient \
                category=OK03\n%columns value\nCN:110\n";
    vec![pack("t", text)]
}

/// One pack.
pub fn pack(name: &str, text: &str) -> PackText {
    PackText { name: name.to_owned(), octets: format!("%pack {name}\n{text}").into_bytes() }
}

/// Originators that tests list; those from the third on are values of bulk imports too.
pub const NUMBERS: [&str; 8] = [
    "+8613900000001",
    "+8613900000002",
    "+8613900000011",
    "+8613900000012",
    "+8613900000013",
    "+12025550123",
    "+8695588",
    "+8613911110000",
];
pub const SENDERS: [&str; 3] = ["PayPal", "MyBank", "#PROMO"];
pub const DOMAINS: [&str; 4] = ["bad.example.com", "worse.example.net", "evil.test", "mybank.com"];

/// What a ruleset says of a fixed set of attempts.
pub fn answers(ruleset: &Ruleset) -> Vec<String> {
    let mut answers = Vec::new();
    let mut ask = |from: &str, text: &str, trunk: &'static str| {
        let traffic = if text.is_empty() { Traffic::Call } else { Traffic::Message };
        let mut attempt = Attempt::empty(traffic);
        attempt.originator.raw = from.as_bytes();
        attempt.recipient.raw = b"+8613800138000";
        attempt.ingress.trunk_id = trunk;
        attempt.ingress.trunk_class = TrunkClass::Retail;
        attempt.content = Content {
            octets: text.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
        let verdict = screen(ruleset, &attempt, &StateFacts::default(), NOW);
        let octets = ringfence::wire::verdict::verdict(&verdict).encode_to_vec();
        answers.push(format!("{from} {text} {trunk}: {verdict:?} {octets:?}"));
    };
    for from in NUMBERS {
        ask(from, "", "");
        ask(from, "", "T1");
    }
    for from in SENDERS {
        ask(from, "hello", "");
        ask(from, "【MyBank】 please transfer to the safe account", "T1");
    }
    for domain in DOMAINS {
        ask("+8613955555555", &format!("see https://{domain}/x"), "");
    }
    answers
}
