use super::super::testing::{plans, region};
use super::*;
use proptest::prelude::*;

mod oracle;

const NATURES: [NatureOfAddress; 6] = [
    NatureOfAddress::Unknown,
    NatureOfAddress::International,
    NatureOfAddress::National,
    NatureOfAddress::Subscriber,
    NatureOfAddress::NetworkSpecific,
    NatureOfAddress::Alphanumeric,
];

/// `+8613…`, `CN:110`, or the name of what is wrong.
fn read(plans: &Plans, nature: NatureOfAddress, raw: &[u8], from: &str) -> String {
    let address = Address { raw, nature, ..Address::default() };
    match plans.normalise(&address, region(from)) {
        Normalised::Missing => "missing".to_owned(),
        Normalised::Lettered => "lettered".to_owned(),
        Normalised::Malformed(kind) => kind.as_str().to_owned(),
        Normalised::Number(number) => number.to_string(),
    }
}

#[test]
fn bare_digits() {
    let table = [
        ("CN", "13800138000", "+8613800138000"),
        ("CN", "013800138000", "+8613800138000"),
        ("CN", "8613800138000", "+8613800138000"),
        ("CN", "008613800138000", "+8613800138000"),
        ("CN", "+86 138-0013-8000", "+8613800138000"),
        ("CN", "+86 0755 1234 5678", "+8675512345678"),
        ("CN", "075512345678", "+8675512345678"),
        ("CN", "02012345678", "+862012345678"),
        ("CN", "01069912345", "+861069912345"),
        ("CN", "+861069912345", "+861069912345"),
        ("CN", "1069912345", "CN:1069912345"),
        ("CN", "10690123456789012345", "CN:10690123456789012345"),
        ("CN", "1064812345678", "+861064812345678"),
        ("CN", "95588", "CN:95588"),
        ("CN", "+8695588", "CN:95588"),
        ("CN", "008695588", "CN:95588"),
        ("CN", "8695588", "CN:95588"),
        ("CN", "110", "CN:110"),
        ("CN", "+86110", "CN:110"),
        ("CN", "+8610086", "CN:10086"),
        ("CN", "4008001234", "CN:4008001234"),
        ("CN", "+864008001234", "CN:4008001234"),
        ("CN", "+8613112345678", "+8613112345678"),
        ("CN", "17900", "CN:17900"),
        ("CN", "00447400123456", "+447400123456"),
        ("CN", "447400123456", "+447400123456"),
        ("CN", "12025550123", "+12025550123"),
        ("CN", "0012025550123", "+12025550123"),
        ("CN", "+35312345678", "+35312345678"),
        ("CN", "353123456789", "+353123456789"),
        ("US", "2025550123", "+12025550123"),
        ("US", "12025550123", "+12025550123"),
        ("US", "01144 7400 123456", "+447400123456"),
        ("US", "+1 (202) 555-0123", "+12025550123"),
        ("US", "911", "US:911"),
        ("US", "24273", "US:24273"),
        ("US", "tel:+1-202-555-0123;ext=5", "+12025550123"),
        ("GB", "020 7183 8750", "+442071838750"),
        ("GB", "+44 (0)20 7183 8750", "+442071838750"),
        ("DE", "4915112345678", "+4915112345678"),
        ("FR", "0612345678", "+33612345678"),
        ("IN", "919812345678", "+919812345678"),
        ("JP", "0108613800138000", "+8613800138000"),
        ("JP", "09012345678", "+819012345678"),
        ("HK", "21234567", "+85221234567"),
        ("HK", "0018613800138000", "+8613800138000"),
        ("HK", "00608613800138000", "+8613800138000"),
        ("IT", "0612345678", "+390612345678"),
        ("XX", "+8613800138000", "+8613800138000"),
        ("XX", "008613800138000", "+8613800138000"),
        ("XX", "8613800138000", "+8613800138000"),
    ];
    let plans = plans();
    for (from, raw, expected) in table {
        let found = read(&plans, NatureOfAddress::Unknown, raw.as_bytes(), from);
        assert_eq!(found, expected, "{raw} from {from}");
    }
}

#[test]
fn false_and_broken_forms() {
    let table = [
        ("CN", "", "missing"),
        ("CN", "  ", "missing"),
        ("CN", "ICBC", "lettered"),
        ("CN", "工商银行", "lettered"),
        ("CN", "0", "all-zeros"),
        ("CN", "0000000000", "all-zeros"),
        ("CN", "+000000", "all-zeros"),
        ("CN", "010123456", "not-in-plan"),
        ("CN", "0311139", "not-in-plan"),
        ("CN", "00196852", "not-in-plan"),
        ("CN", "12345", "CN:12345"),
        ("CN", "1", "too-short"),
        ("CN", "138001380001", "not-in-plan"),
        ("CN", "+86138001380001", "not-in-plan"),
        ("CN", "+8613800138000138", "too-long"),
        ("CN", "+2105551234", "bad-country-code"),
        ("CN", "+0861380013800", "bad-country-code"),
        ("CN", "*86#", "bad-character"),
        ("CN", "138\u{0}00138000", "bad-character"),
        ("US", "1025550123", "not-in-plan"),
        ("US", "2021550123", "not-in-plan"),
        ("US", "+12021550123", "not-in-plan"),
        ("US", "5550123", "too-short"),
        ("XX", "2025550123", "not-in-plan"),
        ("XX", "00999", "bad-country-code"),
        ("US", "+8695588", "too-short"),
    ];
    let plans = plans();
    for (from, raw, expected) in table {
        let found = read(&plans, NatureOfAddress::Unknown, raw.as_bytes(), from);
        assert_eq!(found, expected, "{raw} from {from}");
    }
    for count in [21, 40, 400] {
        let found = read(&plans, NatureOfAddress::Unknown, &vec![b'1'; count], "CN");
        assert_eq!(found, "too-long");
    }
}

#[test]
fn nature_of_address_decides() {
    use NatureOfAddress as N;
    let table = [
        (N::International, "CN", "8613800138000", "+8613800138000"),
        (N::International, "CN", "008613800138000", "+8613800138000"),
        (N::International, "US", "0118613800138000", "+8613800138000"),
        (N::International, "CN", "13912345678", "+13912345678"),
        (N::International, "CN", "8695588", "CN:95588"),
        (N::International, "CN", "13800138000", "not-in-plan"),
        (N::International, "CN", "095588", "bad-country-code"),
        (N::National, "CN", "13800138000", "+8613800138000"),
        (N::National, "CN", "013800138000", "+8613800138000"),
        (N::National, "CN", "1069912345", "+861069912345"),
        (N::National, "CN", "95588", "CN:95588"),
        (N::National, "CN", "095588", "CN:95588"),
        (N::National, "CN", "8613800138000", "+8613800138000"),
        (N::National, "CN", "008613800138000", "+8613800138000"),
        (N::National, "CN", "447400123456", "not-in-plan"),
        (N::National, "CN", "+447400123456", "+447400123456"),
        (N::National, "US", "12025550123", "+12025550123"),
        (N::National, "DE", "030123456", "+4930123456"),
        (N::National, "XX", "030123456", "not-in-plan"),
        (N::Subscriber, "CN", "12345678", "subscriber-only"),
        (N::Subscriber, "CN", "95588", "CN:95588"),
        (N::NetworkSpecific, "CN", "10690001", "CN:10690001"),
        (N::NetworkSpecific, "CN", "13800138000", "+8613800138000"),
        (N::NetworkSpecific, "CN", "777", "CN:777"),
        (N::NetworkSpecific, "XX", "7", "XX:7"),
        (N::NetworkSpecific, "CN", "123456789012345678901", "too-long"),
        (N::Alphanumeric, "CN", "ICBC", "lettered"),
        (N::Alphanumeric, "CN", "95588", "CN:95588"),
    ];
    let plans = plans();
    for (nature, from, raw, expected) in table {
        let found = read(&plans, nature, raw.as_bytes(), from);
        assert_eq!(found, expected, "{raw} as {nature:?} from {from}");
    }
}

proptest! {
    /// Total, and canonical: what comes out is its own canonical form, and reads as itself.
    #[test]
    fn any_octets_have_one_answer(
        raw in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "\\+?[0-9]{1,24}".prop_map(String::into_bytes),
            "\\+?(00|0|011)?(86|1|44|49)[0-9 -]{3,12}".prop_map(String::into_bytes),
        ],
        nature in prop::sample::select(&NATURES[..]),
        from in prop::sample::select(vec!["CN", "US", "CA", "GB", "DE", "HK", "IT", "XX"]),
    ) {
        let plans = plans();
        let address = Address { raw: &raw, nature, ..Address::default() };
        let Normalised::Number(number) = plans.normalise(&address, region(from)) else {
            return Ok(());
        };
        prop_assert_eq!(plans.canonical(number), number);
        if let Number::E164(e164) = number {
            let text = e164.to_string();
            for other in ["CN", "US", "XX"] {
                prop_assert_eq!(
                    read(&plans, NatureOfAddress::Unknown, text.as_bytes(), other),
                    &*text
                );
            }
        }
    }
}
