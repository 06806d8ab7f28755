use super::super::testing::{class_row, plan_row, plans, region};
use super::*;
use crate::model::entry::NumberClass as C;

fn e164(text: &str) -> Number {
    Number::E164(E164Number::from_digits(text.as_bytes()).unwrap())
}

fn short(name: &str, digits: &str) -> Number {
    Number::Short(ShortCode::new(region(name), digits).unwrap())
}

#[test]
fn longest_prefix_with_fitting_digits_wins() {
    let plans = plans();
    let table = [
        (e164("8613800138000"), Some(C::Mobile)),
        (e164("8617012345678"), Some(C::Mvno)),
        (e164("8617491234567"), Some(C::Satellite)),
        (e164("861069912345"), Some(C::Fixed)),
        (e164("861064812345678"), Some(C::Iot)),
        (e164("864001234567"), Some(C::Fixed)), // Not canonical: the caller's slip.
        (plans.canonical(e164("864001234567")), Some(C::SharedCost)),
        (e164("8695588"), Some(C::Service)),
        (short("CN", "95588"), Some(C::Service)),
        (short("CN", "96110"), Some(C::PoliceWarning)),
        (short("CN", "961101"), Some(C::Service)),
        (short("CN", "106901234567"), Some(C::MessageAccess)),
        (short("CN", "106501234567"), Some(C::Operator)),
        (short("CN", "110"), Some(C::Emergency)),
        (short("CN", "1100"), None),
        (short("US", "110"), None),
        (e164("12025550123"), Some(C::Fixed)),
        (e164("18005550123"), Some(C::TollFree)),
        (e164("14165550123"), Some(C::Fixed)),
        (e164("33123456789"), None),
        (e164("35312345678"), None),
    ];
    for (number, class) in table {
        assert_eq!(plans.classify(&number).map(|row| row.class), class, "{number}");
    }
}

#[test]
fn regions_that_share_a_code() {
    let plans = plans();
    let (us, ca) = (region("US"), region("CA"));
    assert_eq!(plans.region_of(&e164("14165550123")), Some(ca));
    assert_eq!(plans.region_of(&e164("12025550123")), Some(us));
    assert_eq!(plans.region_of(&e164("8613800138000")), Some(Region::CN));
    assert_eq!(plans.region_of(&e164("35312345678")), None);
    assert_eq!(plans.region_of(&short("CA", "911")), Some(ca));
    assert!(plans.is_domestic(&e164("14165550123"), ca));
    assert!(!plans.is_domestic(&e164("14165550123"), us));
    assert!(plans.is_domestic(&e164("12025550123"), us));
    assert!(!plans.is_domestic(&e164("12025550123"), ca));
    assert!(!plans.is_domestic(&e164("12025550123"), Region::CN));
    assert!(plans.is_domestic(&short("CN", "110"), Region::CN));
    assert!(!plans.is_domestic(&short("CN", "110"), us));
    assert!(!plans.is_domestic(&e164("35312345678"), us));
    // Without class rows nothing tells them apart: both take it for theirs.
    let mut builder = PlansBuilder::new();
    builder.add_plan(&plan_row(1)).unwrap();
    builder.add_plan(&plan_row(2)).unwrap();
    let bare = builder.build();
    assert!(bare.is_domestic(&e164("14165550123"), ca));
    assert!(bare.is_domestic(&e164("14165550123"), us));
    assert_eq!(bare.region_of(&e164("14165550123")), Some(us));
}

#[test]
fn short_codes_have_one_form() {
    let plans = plans();
    let table = [
        (e164("8695588"), short("CN", "95588")),
        (e164("86110"), short("CN", "110")),
        (e164("8610086"), short("CN", "10086")),
        (e164("864001234567"), short("CN", "4001234567")),
        (e164("8610690001"), short("CN", "10690001")),
        // A line in Beijing, not a message access code.
        (e164("861069912345"), e164("861069912345")),
        (e164("861064812345678"), e164("861064812345678")),
        (e164("8613800138000"), e164("8613800138000")),
        (e164("12025550123"), e164("12025550123")),
        (e164("35312345678"), e164("35312345678")),
        (short("CN", "95588"), short("CN", "95588")),
        (short("CN", "13800138000"), e164("8613800138000")),
        (short("CN", "1069912345"), short("CN", "1069912345")),
        (short("CN", "1064812345678"), e164("861064812345678")),
        (short("XX", "13800138000"), short("XX", "13800138000")),
    ];
    for (number, expected) in table {
        assert_eq!(plans.canonical(number), expected, "{number}");
    }
}

#[test]
fn access_codes_never_take_lines_even_without_line_rows() {
    let mut builder = PlansBuilder::new();
    builder.add_plan(&plan_row(0)).unwrap();
    for at in 0..40 {
        let row = class_row(at);
        if row.region == Region::CN && row.short {
            builder.add_class(&row).unwrap();
        }
    }
    let plans = builder.build();
    assert_eq!(plans.canonical(e164("861069912345")), e164("861069912345"));
    assert_eq!(plans.canonical(e164("864001234567")), short("CN", "4001234567"));
}

#[test]
fn rows_that_make_no_sense_are_refused() {
    let mut builder = PlansBuilder::new();
    let good = plan_row(0);
    builder.add_plan(&good).unwrap();
    assert_eq!(builder.add_plan(&good), Err(PlanError::DuplicateRegion));
    let mut row = plan_row(1);
    row.country_code = ArrayString::from("01").unwrap();
    assert_eq!(builder.add_plan(&row), Err(PlanError::CountryCode));
    let mut row = plan_row(1);
    row.trunk_prefix = ArrayString::from("x").unwrap();
    assert_eq!(builder.add_plan(&row), Err(PlanError::Prefix));
    let mut row = plan_row(1);
    row.national_digits_min = 11;
    assert_eq!(builder.add_plan(&row), Err(PlanError::Lengths));
    let mut class = class_row(0);
    class.digits_max = 16;
    assert_eq!(builder.add_class(&class), Err(PlanError::Lengths));
    class.short = true;
    assert_eq!(builder.add_class(&class), Ok(()));
    class.digits_max = 1;
    class.digits_min = 1;
    assert_eq!(builder.add_class(&class), Err(PlanError::Prefix));
}

#[test]
fn empty_plans_answer() {
    let plans = Plans::default();
    let number = e164("8613800138000");
    assert_eq!(plans.classify(&number), None);
    assert_eq!(plans.region_of(&number), None);
    assert!(!plans.is_domestic(&number, Region::CN));
    assert_eq!(plans.canonical(number), number);
}
