//! Country codes that are assigned at all (list of ITU-T Recommendation E.164 assigned country
//! codes, November 2016, with the later +383), so that a foreign number whose plan is not in the
//! catalogue is still told from nonsense.
//!
//! Owns the shape of the code space only. Must not know plans or lengths.
//! Invariant: country codes are prefix-free, so at most one length fits.

/// Two-digit codes. One-digit codes are 1 and 7, all others have three.
const TWO_DIGITS: [u8; 44] = [
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// Assigned three-digit codes, from and to. Reserved and spare codes are left out: 8xx holds the
/// global services (800, 808, 870, 878, 881 to 883, 888) among the regions.
const THREE_DIGITS: [(u16, u16); 26] = [
    (211, 213),
    (216, 216),
    (218, 218),
    (220, 258),
    (260, 269),
    (290, 291),
    (297, 299),
    (350, 359),
    (370, 383),
    (385, 387),
    (389, 389),
    (420, 421),
    (423, 423),
    (500, 509),
    (590, 599),
    (670, 670),
    (672, 683),
    (685, 692),
    (800, 800),
    (808, 808),
    (850, 850),
    (852, 856),
    (870, 870),
    (878, 888),
    (960, 979),
    (992, 998),
];

/// Codes within [`THREE_DIGITS`] that are not assigned.
const SPARE: [u16; 7] = [854, 879, 884, 885, 887, 969, 978];

/// How many of the leading ASCII digits are an assigned country code; `None` when they are not.
pub fn country_code_digits(digits: &[u8]) -> Option<usize> {
    match *digits {
        [b'1' | b'7', ..] => Some(1),
        [a @ b'2'..=b'9', b @ b'0'..=b'9', ref rest @ ..] => {
            let two = (a - b'0') * 10 + (b - b'0');
            if TWO_DIGITS.contains(&two) {
                return Some(2);
            }
            let third = rest.first().filter(|d| d.is_ascii_digit())?;
            let three = u16::from(two) * 10 + u16::from(third - b'0');
            let assigned = THREE_DIGITS.iter().any(|(from, to)| (*from..=*to).contains(&three));
            (assigned && !SPARE.contains(&three)).then_some(3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_regions_libphonenumber_knows() {
        let util = &rlibphonenumber::PHONE_NUMBER_UTIL;
        for region in util.get_supported_regions() {
            let Some(code) = util.get_country_code_for_region(region) else { continue };
            let text = format!("{code}5551234");
            let length = country_code_digits(text.as_bytes());
            assert_eq!(length, Some(code.to_string().len()), "country code {code}");
        }
        for global in util.get_supported_global_network_calling_codes() {
            // 979 is the premium service code; all of them have three digits.
            assert_eq!(country_code_digits(format!("{global}555").as_bytes()), Some(3));
        }
    }

    #[test]
    fn codes_nobody_has() {
        for digits in ["0", "", "210", "8", "85", "999123", "83", "280555", "6", "8x", "85x"] {
            assert_eq!(country_code_digits(digits.as_bytes()), None, "{digits}");
        }
    }
}
