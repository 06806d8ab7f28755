use super::*;
use crate::app::catalogue::{compile, space_of, starter_packs};
use crate::model::revision::Revision;

#[test]
fn ordinary_numbers_of_every_region_are_real_and_let_through() {
    let (ruleset, space) = (compile(&starter_packs(), Revision(1)).unwrap(), space_of(&[]));
    let mut tried = 0;
    for (a, b) in (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| (a, b))) {
        let region = Region::parse(str::from_utf8(&[a, b]).unwrap()).unwrap();
        for number in space.lines_of(region).flat_map(|lines| lines.samples(NUMBERS)) {
            let mut attempt = Attempt::empty(Traffic::Call);
            attempt.region = Some(region);
            attempt.originator.raw = number.as_bytes();
            attempt.recipient.raw = number.as_bytes();
            attempt.ingress.trunk_class = TrunkClass::Domestic;
            for traffic in [Traffic::Call, Traffic::Message] {
                attempt.traffic = traffic;
                let facts = StateFacts::default();
                let verdict = screen(&ruleset, &attempt, &facts, Timestamp(0));
                let seen = (verdict.risk, verdict.flags.0, verdict.action);
                assert_eq!(seen, (0, 0, Action::Allow), "{region} {number}");
                tried += 1;
            }
        }
    }
    assert!(tried > 245 * 2 * 40, "{tried}");
}

#[test]
fn starter_packs_let_every_ordinary_text_through() {
    let ruleset = compile(&starter_packs(), Revision(1)).unwrap();
    let (mut languages, mut labelled) = (BTreeSet::new(), Vec::new());
    for (language, texts) in TEXTS {
        let least = match *language {
            "zh" | "en" => 40,
            "es" | "hi" | "id" | "th" | "tr" | "fr" => 25,
            _ => 15,
        };
        assert!(texts.len() >= least && languages.insert(*language), "{language}");
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "{language}");
        for text in *texts {
            let mut attempt: Attempt<'_> = Attempt::empty(Traffic::Message);
            attempt.originator.raw = b"+8613900000001";
            attempt.recipient.raw = b"+8613900000002";
            attempt.content.octets = text.as_bytes();
            attempt.content.basis = ContentBasis::Contract;
            let verdict = screen(&ruleset, &attempt, &StateFacts::default(), Timestamp(0));
            assert!(verdict.would_action < Action::Hold, "{text}: {:?}", verdict.reasons);
            if verdict.would_action > Action::Allow {
                labelled.push(format!("{text} {}", verdict.reasons[0].list));
            }
        }
    }
    // A known script: a link to photos, from whoever.
    assert!(labelled.len() <= 1, "{labelled:#?}");
}
