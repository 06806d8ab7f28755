//! Golden cases, limits, and evaluation against all combinations.

use proptest::prelude::*;

use super::*;

type Spec = (Vec<Vec<Atom>>, Vec<Atom>, Option<u16>);
type Noted = (Atom, u32, u32);

const LINK: Atom = Atom::Fact(FactKind::Link);
const CODE: Atom = Atom::Fact(FactKind::Code);

fn phrase(id: u32) -> Atom {
    Atom::Phrase(PhraseId(id))
}

fn build(specs: &[Spec]) -> ConjunctionSet {
    let mut builder = ConjunctionSetBuilder::new();
    for (at, (groups, none, within)) in specs.iter().enumerate() {
        assert_eq!(builder.add(groups, none, *within), Ok(ConjunctionId(at as u32)));
    }
    builder.build()
}

fn evaluate(
    set: &ConjunctionSet,
    buffer: &mut OccurrenceBuffer,
    noted: &[Noted],
) -> Vec<(u32, u32, u32)> {
    let mut occurrences = set.begin(buffer);
    for (atom, start, end) in noted {
        occurrences.note(*atom, *start, *end);
    }
    let mut hits = Vec::new();
    occurrences.evaluate(|hit| hits.push((hit.conjunction.0, hit.start, hit.end)));
    hits
}

#[test]
fn golden() {
    let set = build(&[
        (vec![vec![phrase(1), phrase(2)], vec![phrase(3)]], vec![], None),
        (vec![vec![phrase(1)], vec![LINK]], vec![phrase(9)], Some(20)),
        (vec![vec![LINK, CODE]], vec![], None),
        (vec![vec![phrase(1)], vec![phrase(1), phrase(4)]], vec![], Some(2)),
    ]);
    let mut buffer = OccurrenceBuffer::new();
    type Hits = [(u32, u32, u32)];
    let cases: &[(&[Noted], &Hits)] = &[
        (&[], &[]),
        (&[(phrase(7), 0, 2), (phrase(100_000), 0, 2)], &[]),
        (&[(phrase(3), 9, 12), (phrase(2), 0, 2), (phrase(2), 4, 6)], &[(0, 0, 12)]),
        (&[(phrase(1), 0, 2)], &[(3, 0, 2)]),
        (&[(phrase(1), 0, 3)], &[]),
        (&[(phrase(1), 0, 4), (LINK, 14, 20)], &[(1, 0, 20), (2, 14, 20)]),
        (&[(phrase(1), 0, 4), (LINK, 15, 21)], &[(2, 15, 21)]),
        (&[(phrase(1), 0, 4), (LINK, 14, 20), (phrase(9), 90, 91)], &[(2, 14, 20)]),
        (&[(LINK, 30, 36), (phrase(1), 40, 44), (LINK, 0, 6)], &[(1, 30, 44), (2, 0, 6)]),
        (&[(phrase(1), 0, 2), (phrase(4), 2, 3)], &[(3, 0, 2)]),
    ];
    for (noted, expected) in cases {
        assert_eq!(&evaluate(&set, &mut buffer, noted), expected, "{noted:?}");
    }
}

#[test]
fn bad_conjunctions_are_refused() {
    let mut builder = ConjunctionSetBuilder::new();
    let one = || vec![phrase(0)];
    assert_eq!(builder.add(&[], &[], None), Err(ConjunctionError::NoGroups));
    let groups: Vec<_> = (0..9).map(|_| one()).collect();
    assert_eq!(builder.add(&groups, &[], None), Err(ConjunctionError::TooManyGroups { groups: 9 }));
    assert_eq!(
        builder.add(&[one(), vec![]], &[], None),
        Err(ConjunctionError::EmptyGroup { group: 1 })
    );
    let many: Vec<Atom> = (0..257).map(phrase).collect();
    let too_many = Err(ConjunctionError::TooManyAtoms { atoms: 257 });
    assert_eq!(builder.add(&[one(), many.clone()], &[], None), too_many);
    assert_eq!(builder.add(&[one()], &many, None), too_many);
    let foreign = phrase(PHRASES_MAX as u32);
    assert_eq!(builder.add(&[one()], &[foreign], None), Err(ConjunctionError::UnknownPhrase));
    assert_eq!(builder.add(&groups[..8], &many[..256], None), Ok(ConjunctionId(0)));
    let set = builder.build();
    assert_eq!(set.len(), 1);
    assert!(ConjunctionSetBuilder::new().build().is_empty());
    let empty = ConjunctionSet::default();
    assert_eq!(evaluate(&empty, &mut OccurrenceBuffer::new(), &[(LINK, 0, 1)]), []);
}

#[test]
fn the_first_occurrences_are_kept_in_any_order() {
    let set = build(&[
        (vec![vec![phrase(0)], vec![phrase(1)]], vec![], Some(10)),
        (vec![vec![phrase(0)], vec![phrase(2)]], vec![], None),
        (vec![vec![phrase(0)]], vec![phrase(2)], None),
    ]);
    let mut buffer = OccurrenceBuffer::new();
    let max = OCCURRENCES_MAX as u32;
    let mut noted: Vec<Noted> =
        (0..max + 1000).map(|at| (phrase(0), at * 20, at * 20 + 2)).collect();
    noted.push((phrase(2), 100_000, 100_001));
    let near = |at: u32| (phrase(1), at * 20 + 3, at * 20 + 5);
    for turn in [0, 1, 1234, 2999] {
        let mut with_near = noted.clone();
        with_near.push(near(max - 3));
        with_near.rotate_left(turn);
        let hits = evaluate(&set, &mut buffer, &with_near);
        assert_eq!(hits, [(0, (max - 3) * 20, (max - 3) * 20 + 5), (1, 0, 100_001)]);
        assert!(buffer.truncated());
        let mut with_far = noted.clone();
        with_far.push(near(max));
        with_far.rotate_left(turn);
        assert_eq!(evaluate(&set, &mut buffer, &with_far), [(1, 0, 100_001)]);
        assert!(buffer.truncated());
    }
    assert_eq!(evaluate(&set, &mut buffer, &noted[..1]), [(2, 0, 2)]);
    assert!(!buffer.truncated());
}

#[test]
fn a_warm_buffer_keeps_its_size() {
    let groups: Vec<_> = (0..8).map(|group| vec![phrase(group), LINK]).collect();
    let set = build(&vec![(groups, vec![], Some(50)); 100]);
    let mut buffer = OccurrenceBuffer::new();
    let noted: Vec<Noted> = (0..5000).map(|at| (phrase(at % 9), at, at + 1)).collect();
    set.begin(&mut buffer);
    let bytes = buffer.bytes();
    assert_eq!(evaluate(&set, &mut buffer, &noted).len(), 100);
    assert_eq!(evaluate(&set, &mut buffer, &[(LINK, 5, 9)]).len(), 100);
    assert_eq!(buffer.bytes(), bytes);
}

/// Words of the script over and over, then the script itself: nothing is lost before the text
/// would be longer than is read; where too many conjunctions share the work, the buffer says so.
#[test]
fn padding_hides_no_script() {
    let spec = (vec![vec![phrase(0)], vec![phrase(1)]], vec![], Some(10));
    let mut noted: Vec<Noted> = (0..2700).map(|at| (phrase(0), at * 3, at * 3 + 2)).collect();
    noted.push((phrase(1), 2699 * 3 + 2, 2699 * 3 + 4));
    let mut buffer = OccurrenceBuffer::new();
    let set = build(std::slice::from_ref(&spec));
    assert_eq!(evaluate(&set, &mut buffer, &noted), [(0, 8097, 8101)]);
    assert!(!buffer.truncated());
    let set = build(&vec![spec; 1000]);
    assert_eq!(evaluate(&set, &mut buffer, &noted), []);
    assert!(buffer.truncated());
    let first = WITHIN_WORK_MAX / 1000;
    noted.insert(7, (phrase(1), first as u32 * 3 - 10, first as u32 * 3 - 8));
    assert_eq!(evaluate(&set, &mut buffer, &noted).len(), 1000);
}

/// All choices of one occurrence per group: the tightest, or the firsts where nothing bounds.
fn oracle(spec: &Spec, noted: &[Noted]) -> Option<(u32, u32)> {
    let (groups, none, within) = spec;
    if noted.iter().any(|row| none.contains(&row.0)) {
        return None;
    }
    let choices: Vec<Vec<(u32, u32)>> = groups
        .iter()
        .map(|atoms| {
            let rows = noted.iter().filter(|row| atoms.contains(&row.0));
            rows.map(|row| (row.1, row.2)).collect()
        })
        .collect();
    let hull = |spans: &[(u32, u32)]| {
        let start = spans.iter().map(|span| span.0).min()?;
        Some((start, spans.iter().map(|span| span.1).max()?))
    };
    let Some(within) = within else {
        let firsts: Option<Vec<_>> =
            choices.iter().map(|spans| spans.iter().min().copied()).collect();
        return hull(&firsts?);
    };
    let mut all: Vec<Vec<(u32, u32)>> = vec![Vec::new()];
    for spans in &choices {
        all = all
            .iter()
            .flat_map(|chosen| spans.iter().map(move |span| [&chosen[..], &[*span]].concat()))
            .collect();
    }
    let spans = all.iter().filter_map(|chosen| hull(chosen));
    spans
        .filter(|span| span.1 - span.0 <= u32::from(*within))
        .min_by_key(|span| (span.1 - span.0, span.0))
}

fn some_atom() -> impl Strategy<Value = Atom> {
    let fact = prop::sample::select(vec![FactKind::Link, FactKind::Phone, FactKind::Code]);
    prop_oneof![3 => (0u32..6).prop_map(phrase), 1 => fact.prop_map(Atom::Fact)]
}

fn some_spec() -> impl Strategy<Value = Spec> {
    let group = prop::collection::vec(some_atom(), 1..4);
    let groups = prop::collection::vec(group, 1..5);
    let none = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(some_atom(), 1..3),
    ];
    (groups, none, prop::option::of(0u16..40))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn as_all_combinations(
        specs in prop::collection::vec(some_spec(), 1..8),
        texts in prop::collection::vec(
            prop::collection::vec((some_atom(), 0u32..60, 0u32..12), 0..9), 1..4,
        ),
    ) {
        let set = build(&specs);
        let mut buffer = OccurrenceBuffer::new();
        buffer.epoch_for_test(u32::MAX - 2); // The epochs of the texts go over the end.
        for text in texts {
            let mut noted: Vec<Noted> =
                text.iter().map(|(atom, start, len)| (*atom, *start, start + len)).collect();
            let expected: Vec<_> = specs
                .iter()
                .enumerate()
                .filter_map(|(id, spec)| {
                    oracle(spec, &noted).map(|(start, end)| (id as u32, start, end))
                })
                .collect();
            prop_assert_eq!(&evaluate(&set, &mut buffer, &noted), &expected);
            prop_assert_eq!(&evaluate(&set, &mut OccurrenceBuffer::new(), &noted), &expected);
            noted.reverse();
            prop_assert_eq!(&evaluate(&set, &mut buffer, &noted), &expected, "in reverse");
        }
    }
}
