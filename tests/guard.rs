//! The guard: whatever lists, policy and request say, nobody is kept from an emergency number.
//!
//! A million random pairs of ruleset and request. The seed is fixed and printed with a failure, so
//! that it replays alone.

use std::sync::{Arc, OnceLock};

use ringfence::app::catalogue::{PackText, compile, starter_packs};
use ringfence::engine::{BulkBuilder, OverlayBuilder, Ruleset, SettingsBuilder, screen};
use ringfence::lists::Sink;
use ringfence::lists::pack::Reader;
use ringfence::model::attempt::{
    Address, Attempt, Attestation, Content, ContentBasis, Ingress, NatureOfAddress, Presentation,
    Roaming, StateFacts, TextEncoding, TrunkClass, VerificationStatus,
};
use ringfence::model::entry::{Effect, Entry, ListSpec, Value};
use ringfence::model::number::Region;
use ringfence::model::policy::{Action, ActionSet, Traffic};
use ringfence::model::revision::Revision;
use ringfence::model::time::Timestamp;
use ringfence::model::verdict::ReasonCode;

const RULESETS: usize = 200;
const REQUESTS_EACH: usize = 5_000;
const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// xorshift64*: small, seeded, good enough to draw cases.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// (region, country code, digits) of emergency and never-block numbers that the packs must hold.
const PROTECTED: &[(&str, &str, &str)] = &[
    ("CN", "86", "110"),
    ("CN", "86", "119"),
    ("CN", "86", "120"),
    ("CN", "86", "122"),
    ("CN", "86", "96110"),
    ("CN", "86", "12381"),
    ("US", "1", "911"),
    ("US", "1", "988"),
    ("GB", "44", "999"),
    ("GB", "44", "112"),
    ("DE", "49", "112"),
    ("DE", "49", "110"),
    ("FR", "33", "15"),
    ("FR", "33", "112"),
    ("IN", "91", "112"),
    ("AU", "61", "000"),
    ("JP", "81", "119"),
];

/// Lists that block what they can, the protected numbers themselves included.
fn hostile_pack(draw: &mut Draw) -> String {
    let mut pack = String::from("%pack hostile\n%define any 转账 | transfer | bank\n");
    let effects = ["block", "score points=1000", "label label=unverified-sender"];
    let grounds = [
        "analytics",
        "invalid-number",
        "policy",
        "subscriber",
        "order authority=x case=1 valid-until=2099-01-01",
    ];
    for list in 0..4 {
        let (effect, ground) = (draw.pick(&effects), draw.pick(&grounds));
        let party = draw.pick(&["originator", "recipient", "either"]);
        pack += &format!(
            "%list hostile.{list} kind=number effect={effect} ground={ground} party={party}\n\
             %columns value\n"
        );
        for _ in 0..6 {
            let (region, code, digits) = draw.pick(PROTECTED);
            let extra = draw.digits(6);
            pack += &match draw.below(4) {
                0 if digits.len() >= 3 => format!("{region}:{digits}*\n"),
                1 => format!("{region}:{digits}\n"),
                2 => format!("+{code}{digits}{extra}*\n"),
                _ => format!("+{code}{extra}\n"),
            };
        }
    }
    pack += "%list hostile.words kind=conjunction points=1000 ceiling=block category=CN08\n\
             %columns id all\nw\t@any\n";
    pack += &format!(
        "%list hostile.policy kind=policy\n%columns key value\ncall.label\t50\ncall.hold\t100\n\
         call.block\t200\nmessage.label\t50\nmessage.hold\t100\nmessage.block\t200\n\
         text-ceiling\tblock\ndefault-region\t{}\n",
        draw.pick(PROTECTED).0
    );
    pack
}

fn ruleset(draw: &mut Draw) -> Ruleset {
    let mut packs: Vec<PackText> =
        starter_packs().into_iter().filter(|pack| pack.name.contains("numbers/")).collect();
    let text = hostile_pack(draw);
    packs.push(PackText { name: "hostile.pack".into(), octets: text.clone().into_bytes() });
    compile(&packs, Revision(1)).unwrap_or_else(|e| panic!("{:?}\n{text}", e.kept))
}

/// What a change-set can do at worst to the lists of a base: hide every protected number, by entry
/// or with its list, block it instead, in either level and in a bulk layer, and bring settings
/// that protect nobody.
fn with_hostile_layers(draw: &mut Draw, below: Ruleset) -> Ruleset {
    let mut bulk = BulkBuilder::new(&below.base.plans);
    let mut lists = HostileLists::default();
    let text = hostile_pack(draw).replace("%list hostile.", "%list again.");
    Reader::default().read("again.pack", text.as_bytes(), &mut lists);
    let (spec, entry) = &lists.0[0];
    let long = |(_, code, digits): &(&str, &str, &str)| format!("{code}{digits}").parse().ok();
    let values = PROTECTED.iter().filter_map(long).filter(|value: &u64| *value >= 10_000);
    bulk.segment(spec, entry.meta, values).expect("numbers of five digits and more");
    let bulk = [Arc::new(bulk.build())];
    let mut ruleset = Ruleset { bulk: Arc::new(bulk), ..below };
    for level in 0..1 + draw.below(2) {
        let mut builder = match level {
            0 => OverlayBuilder::new(&ruleset),
            _ => OverlayBuilder::small(&ruleset),
        };
        let mut settings = SettingsBuilder::new(&ruleset.base.plans);
        for (list, entry) in &protect_entries().0 {
            match draw.below(3) {
                0 => builder.hide_list(&list.id),
                _ => builder.hide(&list.id, entry).expect("an entry"),
            }
            if draw.below(8) == 0 {
                let meta =
                    ringfence::model::entry::EntryMeta { effect: Effect::Block, ..entry.meta };
                builder.list(&lists.0[0].0).expect("a list");
                builder.add(&Entry { meta, ..entry.clone() }).expect("an entry");
            }
        }
        for (list, entry) in &lists.0 {
            builder.list(list).expect("a list");
            builder.add(entry).expect("an entry");
            settings.list(list);
            settings.add(entry).expect("an entry");
        }
        builder.settings(settings.build().expect("settings"));
        let overlay = Arc::new(builder.build().expect("compiles"));
        ruleset = Ruleset { overlay, ..ruleset };
    }
    ruleset
}

/// Number and policy entries as a pack holds them.
#[derive(Default)]
struct HostileLists(Vec<(ListSpec, Entry<'static>)>, Option<ListSpec>);

impl Sink for HostileLists {
    fn list(&mut self, spec: &ListSpec) {
        self.1 = Some(spec.clone());
    }

    fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
        let spec = self.1.clone().expect("entries come behind their list");
        let value = match entry.value {
            Value::Number(pattern) => Value::Number(pattern),
            Value::Policy(setting) => Value::Policy(setting),
            Value::Conjunction(conjunction) => Value::Conjunction(conjunction),
            _ => return Ok(()),
        };
        self.0.push((spec, Entry { value, meta: entry.meta }));
        Ok(())
    }
}

fn protect_entries() -> &'static HostileLists {
    static ENTRIES: OnceLock<HostileLists> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let mut lists = HostileLists::default();
        let mut reader = Reader::default();
        for pack in starter_packs() {
            reader.read(&pack.name, &pack.octets, &mut lists);
        }
        lists.0.retain(|(_, entry)| entry.meta.effect == Effect::Protect);
        assert!(lists.0.len() > 300);
        lists
    })
}

/// Area codes as dialled at home, trunk prefix included; Spain and the like have none.
const AREAS: &[(&str, &str)] = &[
    ("CN", "010"),
    ("CN", "0571"),
    ("GB", "020"),
    ("GB", "0121"),
    ("DE", "030"),
    ("DE", "089"),
    ("FR", "0"),
    ("IN", "011"),
    ("JP", "03"),
    ("AU", "02"),
    ("US", "1"),
];

/// What subscribers of a region dial before a number to show or hide theirs, to choose a carrier,
/// to get out of a switchboard or of the country.
const ACCESS: &[(&str, &[&str])] = &[
    ("CN", &["9", "0", "17909", "12593", "*31#", "#31#", "0086", "86 0"]),
    ("US", &["9", "*67", "*82", "1167", "1010288", "0111", "*31#"]),
    ("GB", &["9", "141", "1470", "*31#", "0044", "141 0"]),
    ("DE", &["0", "*31#", "#31#", "01033", "0049"]),
    ("FR", &["0", "3651", "*31#", "#31#", "0033"]),
    ("IN", &["0", "*31#", "#31#", "0091"]),
    ("AU", &["0", "1831", "1832", "#31#", "001161"]),
    ("JP", &["0", "184", "186", "01081"]),
];

/// The ways in which a network, a handset or a switchboard may write a protected number.
fn written(draw: &mut Draw, region: &str, code: &str, digits: &str) -> (String, NatureOfAddress) {
    let nature = draw.pick(&[
        NatureOfAddress::Unknown,
        NatureOfAddress::National,
        NatureOfAddress::Subscriber,
        NatureOfAddress::NetworkSpecific,
        NatureOfAddress::International,
    ]);
    let of_region = |draw: &mut Draw, table: &[(&'static str, &'static str)]| {
        let own: Vec<_> = table.iter().filter(|row| row.0 == region).collect();
        own[draw.below(own.len())].1
    };
    let access = |draw: &mut Draw| {
        let own = ACCESS.iter().find(|row| row.0 == region).expect("every region has a row").1;
        draw.pick(own)
    };
    let text = match draw.below(19) {
        0 => format!("+{code}{digits}"),
        1 => format!("{code}{digits}"),
        2 => format!("tel:{digits}"),
        3 => {
            digits.chars().map(|c| format!("{c}-")).collect::<String>().trim_end_matches('-').into()
        }
        4 => format!("<sip:{digits}@10.0.0.1;user=phone>"),
        5 => format!("\"{digits}\" <sip:{digits}@ims.example.net>;tag=77"),
        6 => {
            digits.chars().map(|c| format!("%3{c}")).fold("sip:".into(), |all: String, c| all + &c)
        }
        7 => digits.chars().filter_map(|c| char::from_u32(c as u32 + 0xFEE0)).collect(),
        8 => format!("{digits}p1"),
        9 => format!("tel:{digits};phone-context=+{code}"),
        10 => draw.pick(&["urn:service:sos", " <urn:service:sos.police>", "sip:sos@x"]).into(),
        11 => format!("{}{digits}", of_region(draw, AREAS)),
        12 => format!("+{code}{}{digits}", of_region(draw, AREAS).trim_start_matches('0')),
        13 => format!("{}{digits}", access(draw)),
        14 => format!("{}112", access(draw)),
        15 => format!("{digits}#"),
        16 => format!("*31#{}{digits}", of_region(draw, AREAS)),
        17 => format!("#31#+{code}{digits}"),
        _ => digits.to_owned(),
    };
    (text, nature)
}

fn originator(draw: &mut Draw) -> Vec<u8> {
    match draw.below(6) {
        0 => Vec::new(),
        1 => (0..draw.below(40)).map(|_| draw.next() as u8).collect(),
        2 => "0".repeat(draw.below(40)).into_bytes(),
        3 => draw.pick(PROTECTED).2.as_bytes().to_vec(),
        4 => b"HSBC".to_vec(),
        _ => {
            let (_, code, _) = draw.pick(PROTECTED);
            format!("+{code}{}", draw.digits(9)).into_bytes()
        }
    }
}

#[test]
fn no_emergency_recipient_ever_gets_anything_but_allow() {
    let seed = 0x0DDB_1A5E_5BAD_5EED;
    let mut draw = Draw(seed);
    let text = "请转账 transfer to the bank now".as_bytes();
    for round in 0..RULESETS {
        let mut ruleset = ruleset(&mut draw);
        if round % 2 == 1 {
            ruleset = with_hostile_layers(&mut draw, ruleset);
        }
        for request in 0..REQUESTS_EACH {
            let (region, code, digits) = draw.pick(PROTECTED);
            let (recipient, nature) = written(&mut draw, region, code, digits);
            let from = originator(&mut draw);
            let traffic = draw.pick(&[Traffic::Call, Traffic::Message]);
            let mut attempt = Attempt::empty(traffic);
            attempt.region = Region::parse(region);
            attempt.recipient.raw = recipient.as_bytes();
            attempt.recipient.nature = nature;
            attempt.originator = Address {
                raw: &from,
                nature: draw.pick(&[NatureOfAddress::Unknown, NatureOfAddress::International]),
                presentation: draw.pick(&[Presentation::Allowed, Presentation::Restricted]),
            };
            attempt.ingress = Ingress {
                trunk_id: "",
                trunk_class: draw.pick(&[TrunkClass::International, TrunkClass::Retail]),
                trusted: draw.below(2) == 0,
            };
            attempt.verification =
                draw.pick(&[VerificationStatus::Failed, VerificationStatus::NotPerformed]);
            attempt.content = Content {
                octets: text,
                encoding: TextEncoding::Utf8,
                basis: ContentBasis::Consent,
            };
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            assert_eq!(
                (verdict.action, verdict.would_action, verdict.risk, verdict.reasons[0].code),
                (Action::Allow, Action::Allow, 0, ReasonCode::ProtectedRecipient),
                "seed {seed:#x} round {round} request {request}: {recipient} ({nature:?}, {region})"
            );
        }
    }
}

#[test]
fn a_subscriber_is_not_protected_by_the_last_digits() {
    let mut draw = Draw(0x5AB5_C21B);
    let pack = "%pack x\n%list x.all kind=number effect=block\n%columns value\n+12025550123\n";
    let mut packs = starter_packs();
    packs.push(PackText { name: "x.pack".into(), octets: pack.into() });
    let ruleset = compile(&packs, Revision(1)).expect("the pack compiles");
    // Complete numbers of subscribers, in the forms in which they come, that end in a code.
    let forms: &[(&str, &str, usize)] = &[
        ("CN", "+86138", 14),
        ("CN", "138", 11),
        ("CN", "0086139", 15),
        ("CN", "86137", 13),
        ("CN", "010", 11),
        ("CN", "17909", 11),
        ("US", "+12025", 12),
        ("US", "2025", 10),
        ("US", "12025", 11),
        ("US", "01186138", 16),
        ("GB", "+4479", 13),
        ("GB", "079", 11),
        ("GB", "020", 11),
        ("DE", "+49151", 14),
        ("DE", "0151", 12),
        ("DE", "030", 11),
        ("FR", "+336", 12),
        ("FR", "06", 10),
    ];
    for _ in 0..20_000 {
        let (region, head, length) = draw.pick(forms);
        let (_, _, code) = draw.pick(PROTECTED);
        // No subscriber number starts with 0 or 1.
        let first = draw.pick(&["2", "4", "6", "8"]);
        let middle = draw.digits(length - head.len() - code.len() - 1);
        let number = format!("{head}{first}{middle}{code}");
        // What stands beside the number is the caller's to write.
        let recipient = match draw.below(7) {
            0 => format!("\"service:sos\" <sip:{number}@h>;tag=112"),
            1 => format!("\"<110> 110\" <sip:{number}@h>"),
            2 => format!("<sip:{number}@h>;foo=\"<sip:110@h>\""),
            3 => format!("sip:{number}@sos.example.net;x=service:sos"),
            4 => format!("sip:{number}@h?Subject=<110>"),
            5 => format!("tel:{number};ext=112"),
            _ => number,
        };
        let mut attempt = Attempt::empty(Traffic::Call);
        attempt.region = Region::parse(region);
        attempt.recipient.raw = recipient.as_bytes();
        attempt.originator.raw = b"+12025550123";
        let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
        assert_eq!(verdict.would_action, Action::Block, "{recipient} in {region}");
    }
}

#[test]
fn a_name_with_digits_is_not_protected() {
    let pack = "%pack x\n%list x.all kind=number effect=block\n%columns value\n+12025550123\n";
    let mut packs = starter_packs();
    packs.push(PackText { name: "x.pack".into(), octets: pack.into() });
    let ruleset = compile(&packs, Revision(1)).expect("the pack compiles");
    for name in ["sip:anna17@example.com", "sip:bob112@h", "alice_15", "Shop112", "sip:ext-1122@x"]
    {
        for region in ["CN", "US", "FR"] {
            let mut attempt = Attempt::empty(Traffic::Call);
            attempt.region = Region::parse(region);
            attempt.recipient.raw = name.as_bytes();
            attempt.originator.raw = b"+12025550123";
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            assert_eq!(verdict.would_action, Action::Block, "{name} in {region}");
        }
    }
}

#[test]
fn the_call_back_of_a_control_room_is_never_held_or_blocked() {
    let mut draw = Draw(0xCA11_BAC4);
    for _ in 0..20 {
        let ruleset = ruleset(&mut draw);
        for _ in 0..2_000 {
            let from = originator(&mut draw);
            let mut attempt = Attempt::empty(Traffic::Call);
            let (_, code, _) = draw.pick(PROTECTED);
            let recipient = format!("+{code}{}", draw.digits(9));
            attempt.recipient.raw = recipient.as_bytes();
            attempt.originator.raw = &from;
            attempt.ingress.trunk_class = TrunkClass::International;
            attempt.roaming = Roaming::ConfirmedHome;
            attempt.attestation = Attestation::Gateway;
            let marked = draw.below(2) == 0;
            attempt.ingress.trusted = marked;
            attempt.emergency_callback = marked;
            let age = (!marked).then_some(600_000);
            let facts = StateFacts { recipient_emergency_call_age_ms: age };
            let verdict = screen(&ruleset, &attempt, &facts, NOW);
            assert!(verdict.action <= Action::Label, "{verdict:?}");
        }
    }
}

#[test]
fn an_emergency_number_as_caller_from_abroad_is_caught() {
    let ruleset = compile(&starter_packs(), Revision(1)).expect("the starter packs compile");
    for (region, code, digits) in [("CN", "86", "110"), ("CN", "86", "96110"), ("GB", "44", "999")]
    {
        for raw in [digits.to_owned(), format!("+{code}{digits}"), format!("00{code}{digits}")] {
            let mut attempt = Attempt::empty(Traffic::Call);
            attempt.region = Region::parse(region);
            attempt.originator.raw = raw.as_bytes();
            attempt.recipient.raw = b"+8613800138000";
            attempt.ingress.trunk_class = TrunkClass::International;
            attempt.supported = ActionSet::ALL;
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
            assert_eq!(verdict.action, Action::Block, "{raw} in {region}: {verdict:?}");
        }
    }
}
