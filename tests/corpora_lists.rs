//! Public lists of real size load and match: phishing hosts, reported numbers, number segments,
//! national prefix tables.

mod support;

use ringfence::app::catalogue::{PackText, compile, starter_packs};
use ringfence::engine::{Ruleset, screen};
use ringfence::model::attempt::{Attempt, Content, ContentBasis, StateFacts, TextEncoding};
use ringfence::model::policy::Traffic;
use ringfence::model::revision::Revision;
use ringfence::model::time::Timestamp;
use ringfence::model::verdict::{ReasonCode, Verdict};
use support::{corpora, table, text};

const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn load(name: &str, list: &str, rows: impl Iterator<Item = String>) -> Ruleset {
    let mut pack = format!("%pack {name}\n%list {name} {list}\n%columns value\n");
    for row in rows {
        pack += &row;
        pack.push('\n');
    }
    let mut packs: Vec<PackText> =
        starter_packs().into_iter().filter(|pack| pack.name.contains("numbers/")).collect();
    packs.push(PackText { name: name.into(), octets: pack.into_bytes() });
    compile(&packs, Revision(1)).unwrap_or_else(|findings| panic!("{:#?}", findings.kept))
}

fn listed(verdict: &Verdict<'_>, list: &str, code: ReasonCode) -> bool {
    verdict.reasons.iter().any(|reason| reason.list == list && reason.code == code)
}

fn from_number<'r>(ruleset: &'r Ruleset, originator: &str) -> Verdict<'r> {
    let mut attempt = Attempt::empty(Traffic::Call);
    attempt.originator.raw = originator.as_bytes();
    attempt.recipient.raw = b"+8613800138000";
    screen(ruleset, &attempt, &StateFacts::default(), NOW)
}

#[test]
fn sixty_thousand_phishing_hosts() {
    let Some(folder) = corpora("sixty_thousand_phishing_hosts") else { return };
    let rows = table(&folder, "domains/phishing_jpcert.tsv.zst");
    let at = rows[0].iter().position(|cell| cell == "host").expect("a column host");
    // A domain list holds domains: some rows name an address, hold user-info or escapes, or are a
    // public suffix as a whole. The reader refuses those, and they are few.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let is_domain = |h: &str| {
        h.contains('.') && h.bytes().all(plain) && h.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let is_suffix = |h: &str| psl::suffix_str(h) == Some(h);
    let mut hosts: Vec<&str> = rows[1..].iter().map(|row| row[at].as_str()).collect();
    hosts.retain(|host| is_domain(host) && !is_suffix(host));
    println!("{} of {} rows are domains", hosts.len(), rows.len() - 1);
    assert!(hosts.len() > 59_000, "{}", hosts.len());
    let list = "kind=domain effect=score points=700 category=MX01";
    let ruleset = load("phishing", list, hosts.iter().map(|h| (*h).to_owned()));
    let mut missed = Vec::new();
    for host in &hosts {
        let message = format!("please look at https://{host}/login now");
        let mut attempt = Attempt::empty(Traffic::Message);
        attempt.originator.raw = b"+8613800138000";
        attempt.recipient.raw = b"+8613800138001";
        attempt.content = Content {
            octets: message.as_bytes(),
            encoding: TextEncoding::Utf8,
            basis: ContentBasis::Contract,
        };
        let verdict = screen(&ruleset, &attempt, &StateFacts::default(), NOW);
        if !listed(&verdict, "phishing", ReasonCode::DomainListed) {
            missed.push(*host);
        }
    }
    println!(
        "{} of {} found in a text, missed {missed:?}",
        hosts.len() - missed.len(),
        hosts.len()
    );
    assert!(missed.len() * 1000 <= hosts.len(), "{} missed", missed.len());
}

#[test]
fn five_thousand_reported_numbers() {
    let Some(folder) = corpora("five_thousand_reported_numbers") else { return };
    let rows = table(&folder, "numbers/spam_numbers_de.tsv.zst");
    let numbers: Vec<&str> = rows[1..].iter().map(|row| row[0].as_str()).collect();
    assert!(numbers.len() >= 5_000);
    let list = "kind=number effect=score points=300 category=NU01 traffic=call";
    let ruleset = load("reported", list, numbers.iter().map(|n| (*n).to_owned()));
    for number in &numbers {
        let verdict = from_number(&ruleset, number);
        assert!(listed(&verdict, "reported", ReasonCode::NumberListed), "{number}");
    }
    let other = from_number(&ruleset, "+8613911112222");
    assert!(!listed(&other, "reported", ReasonCode::NumberListed));
}

#[test]
fn number_segments_of_china() {
    let Some(folder) = corpora("number_segments_of_china") else { return };
    let rows = table(&folder, "numbers/cn_mobile_segments.tsv.zst");
    let ranges: Vec<(&str, &str)> =
        rows[1..].iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert!(ranges.len() > 137_000);
    let list = "kind=number effect=score points=1 category=NU01";
    let value = |(first, last): &(&str, &str)| {
        if first == last { format!("+86{first}*") } else { format!("+86{first}*-+86{last}*") }
    };
    let ruleset = load("segments", list, ranges.iter().map(value));
    for (first, last) in &ranges {
        for segment in [first, last] {
            let verdict = from_number(&ruleset, &format!("+86{segment}1234"));
            assert!(listed(&verdict, "segments", ReasonCode::PrefixListed), "{segment}");
        }
    }
}

#[test]
fn national_prefix_tables() {
    let Some(folder) = corpora("national_prefix_tables") else { return };
    for code in ["39", "43", "49"] {
        let rows = table(&folder, &format!("numbers/prefixes_{code}.tsv.zst"));
        let prefixes: Vec<&str> = rows[1..].iter().map(|row| row[0].as_str()).collect();
        let list = "kind=number effect=score points=1 category=NU01";
        let ruleset = load("prefixes", list, prefixes.iter().map(|p| format!("+{code}{p}*")));
        for row in &rows[1..] {
            // The table does not know every length.
            let most: usize = row[1].parse().unwrap_or(10);
            let fill = most.min(15 - code.len()).saturating_sub(row[0].len());
            let number = format!("+{code}{}{}", row[0], &"1234567890123"[..fill]);
            let verdict = from_number(&ruleset, &number);
            let found = listed(&verdict, "prefixes", ReasonCode::PrefixListed);
            // What is too short for a subscriber is a short code, which lists name by its region.
            let short = row[0].len() + fill <= 6;
            assert!(found || short, "{number}: {:?}", verdict.reasons);
        }
    }
    let french = text(&folder, "numbers/fr_telemarketing_prefixes.tsv.zst");
    let prefixes: Vec<&str> = french.lines().skip(1).filter_map(|l| l.split('\t').nth(1)).collect();
    let list = "kind=number effect=label label=marketing category=NU01";
    let ruleset = load("sales", list, prefixes.iter().map(|p| format!("{p}*")));
    for prefix in prefixes {
        let number = format!("{prefix}{}", &"123456789"[..12 - prefix.len()]);
        let verdict = from_number(&ruleset, &number);
        assert!(listed(&verdict, "sales", ReasonCode::PrefixListed), "{number}");
    }
}
