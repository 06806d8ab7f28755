//! What a recipient's octets may have been dialled as, read as widely as anybody may write it.
//!
//! Only for the guard, which must see an emergency number through any dressing: a display name,
//! a URI, escapes, full-width digits, service codes, trunk prefix or area code in front, post-dial
//! digits behind. Must not know which numbers are protected. Readings here are guesses; nothing
//! else may build on them.
//! Invariants: never allocates, never fails, reads at most 1,024 octets.

use arrayvec::ArrayString;

use super::plan::Plans;
use super::scan::DIGITS_MAX;
use crate::model::number::Region;

/// Octets looked at; the longest honest form is a display name and a SIP URI with parameters.
const OCTETS_MAX: usize = 1024;

/// Digits that get an outside line from a switchboard.
const OUTSIDE_LINE: [&str; 2] = ["9", "0"];

/// What subscribers of a region dial before a number without it being part of the number: to
/// withhold or show their own, or to choose a carrier for one call. First digits and how many
/// digits the whole prefix has. What comes with `*` or `#` needs no row. A prefix that is missing
/// here leaves its dialled form to the other readings.
const ACCESS_CODES: [(Region, &str, usize); 15] = [
    // Carriers' calls over IP (179xx) and corporate short access (125xx).
    (Region::CN, "179", 5),
    (Region::CN, "125", 5),
    // Pulse dialling of *67 and *82; carrier identification 101-XXXX (NANPA).
    (region("US"), "1167", 4),
    (region("US"), "1182", 4),
    (region("US"), "101", 7),
    (region("CA"), "1167", 4),
    (region("CA"), "1182", 4),
    (region("CA"), "101", 7),
    (region("GB"), "141", 3),
    (region("GB"), "1470", 4),
    (region("FR"), "3651", 4),
    (region("AU"), "183", 4),
    (region("JP"), "184", 3),
    (region("JP"), "186", 3),
    // Call by call (Bundesnetzagentur).
    (region("DE"), "010", 5),
];

const fn region(letters: &str) -> Region {
    match Region::constant(letters) {
        Some(region) => region,
        None => panic!("a region is two capital letters"),
    }
}

/// From where digits are dialled, and what else is known of them.
#[derive(Clone, Copy)]
pub struct DialledFrom<'p> {
    /// All plans.
    pub plans: &'p Plans,
    /// The region in which the digits were dialled.
    pub region: Region,
    /// The nature of address says so; it may be wrong.
    pub international: bool,
}

/// One way to read what was dialled.
#[derive(Clone, Copy)]
pub struct DialledReading<'d> {
    /// A whole number or code of `region`, perhaps with something before it.
    pub digits: &'d str,
    /// The plan that the digits belong to.
    pub region: Region,
    /// An area code or the like may come first: what came before says that these are no complete
    /// subscriber number.
    pub prefixed: bool,
}

/// The digits of a recipient and what stood around them.
#[derive(Default)]
pub struct Dialled {
    /// All digits up to where post-dial digits start; at most the first 32.
    pub digits: ArrayString<DIGITS_MAX>,
    /// All digits, post-dial ones included.
    pub all: ArrayString<DIGITS_MAX>,
    /// A `+` stood before the first digit.
    pub plus: bool,
    /// A `*` or `#` was among them: a supplementary service code (3GPP TS 22.030) may come first.
    pub service_code: bool,
}

impl Dialled {
    /// Reads the octets of an address.
    pub fn read(raw: &[u8]) -> Dialled {
        let raw = &raw[..raw.len().min(OCTETS_MAX)];
        let user = user_part(within_brackets(raw));
        let (mut dialled, mut post_dial) = (Dialled::default(), false);
        let mut at = 0;
        while at < user.len() {
            let (octet, length) = symbol(&user[at..]);
            at += length;
            match octet {
                b'0'..=b'9' => {
                    let _ = dialled.all.try_push(char::from(octet));
                    if !post_dial {
                        let _ = dialled.digits.try_push(char::from(octet));
                    }
                }
                b'+' if dialled.all.is_empty() => dialled.plus = true,
                b'*' | b'#' => dialled.service_code = true,
                // Pause, wait and extension (RFC 3601, and `x` of everyday use).
                b',' | b'p' | b'P' | b'w' | b'W' | b'x' | b'X' => {
                    post_dial |= !dialled.all.is_empty();
                }
                _ => {}
            }
        }
        dialled
    }

    /// Does any way to read the digits satisfy `wanted`?
    pub fn any_reading(
        &self,
        from: DialledFrom<'_>,
        wanted: impl Fn(DialledReading<'_>) -> bool,
    ) -> bool {
        let international = from.international || self.plus;
        let view = View { from: DialledFrom { international, ..from }, wanted: &wanted };
        view.any(&self.digits, self.service_code)
            || (self.all != self.digits && view.any(&self.all, self.service_code))
    }
}

struct View<'a, F> {
    from: DialledFrom<'a>,
    wanted: &'a F,
}

impl<F: Fn(DialledReading<'_>) -> bool> View<'_, F> {
    fn any(&self, digits: &str, service_code: bool) -> bool {
        let plan = self.from.plans.plan(self.from.region);
        let code = plan.map_or("", |plan| plan.code.as_str());
        let own = if code.is_empty() { None } else { digits.strip_prefix(code) };
        let prefixes = plan.map_or(&[][..], |plan| &plan.international);
        let mut prefixes = prefixes.iter().map(|prefix| prefix.as_str()).chain(["00"]);
        self.wanted(digits, service_code)
            || own.is_some_and(|national| self.wanted(national, true))
            || (self.from.international && self.after_country_code(digits))
            || prefixes.any(|prefix| {
                digits.strip_prefix(prefix).is_some_and(|rest| self.after_country_code(rest))
            })
            || self.behind_access_code(digits)
    }

    fn wanted(&self, digits: &str, prefixed: bool) -> bool {
        self.wanted_in(self.from.region, digits, prefixed)
    }

    fn wanted_in(&self, region: Region, digits: &str, prefixed: bool) -> bool {
        (self.wanted)(DialledReading { digits, region, prefixed })
    }

    /// A country code first: the plans of every region that shares it.
    fn after_country_code(&self, digits: &str) -> bool {
        let Some(split) = self.from.plans.split(digits.as_bytes()) else {
            return self.wanted(digits, false);
        };
        let national = &digits[split.code.len()..];
        let mut regions = split.sharing.iter().map(|at| self.from.plans.plan_at(*at).region);
        self.wanted(digits, false) || regions.any(|region| self.wanted_in(region, national, true))
    }

    /// Behind a trunk prefix, an outside-line digit, a service code or a carrier's code.
    fn behind_access_code(&self, digits: &str) -> bool {
        let outside = OUTSIDE_LINE.iter().filter_map(|code| digits.strip_prefix(code));
        let access = ACCESS_CODES.iter().filter_map(|(region, head, length)| {
            let fits = *region == self.from.region && digits.starts_with(head);
            if fits { digits.get(*length..) } else { None }
        });
        let mut behind = outside.chain(access);
        self.after_trunk(digits)
            || behind.any(|rest| self.wanted(rest, false) || self.after_trunk(rest))
    }

    fn after_trunk(&self, digits: &str) -> bool {
        let trunk = self.from.plans.plan(self.from.region).map_or("0", |plan| plan.trunk.as_str());
        let rest = if trunk.is_empty() { None } else { digits.strip_prefix(trunk) };
        rest.is_some_and(|rest| self.wanted(rest, true))
    }
}

/// Does the address name a service rather than a number: `urn:service:sos.police` (RFC 5031),
/// `sip:sos@…` (its predecessor, still sent by some terminals)? Counselling services are listed
/// with emergency ones in RFC 5031 section 4.2, and get the same care.
pub fn names_help_service(raw: &[u8]) -> bool {
    const SERVICES: [&[u8]; 2] = [b"service:sos", b"service:counseling"];
    let raw = &raw[..raw.len().min(OCTETS_MAX)];
    let named = SERVICES
        .iter()
        .any(|name| raw.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name)));
    let user = user_part(within_brackets(raw)).trim_ascii();
    let is_sos = user.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(b"sos"));
    named || (is_sos && matches!(user.get(3), None | Some(b'.')))
}

/// `sip:110@example.net` of `"Police" <sip:110@example.net>;tag=1` (name-addr, RFC 3261).
pub(super) fn within_brackets(raw: &[u8]) -> &[u8] {
    let raw = raw.trim_ascii();
    let Some(open) = raw.iter().rposition(|octet| *octet == b'<') else { return raw };
    let inside = &raw[open + 1..];
    let close = inside.iter().position(|octet| *octet == b'>');
    inside[..close.unwrap_or(inside.len())].trim_ascii()
}

/// What stands between the scheme and the host, password or parameters, scheme or not.
fn user_part(address: &[u8]) -> &[u8] {
    const SCHEMES: [&[u8]; 4] = [b"tel:", b"sip:", b"sips:", b"urn:"];
    let scheme = SCHEMES.into_iter().find(|scheme| {
        address.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    });
    let rest = &address[scheme.map_or(0, <[u8]>::len)..];
    let end = rest.iter().position(|octet| matches!(octet, b'@' | b';' | b':' | b'?'));
    rest[..end.unwrap_or(rest.len())].trim_ascii()
}

/// The next ASCII symbol and how many octets wrote it: `%31` and `１` (U+FF11) are `1`.
/// Anything else beyond ASCII is a space.
fn symbol(rest: &[u8]) -> (u8, usize) {
    let hex = |octet: &u8| char::from(*octet).to_digit(16);
    match rest {
        [b'%', high, low, ..] => match (hex(high), hex(low)) {
            (Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
            _ => (b'%', 1),
        },
        // U+FF01 to U+FF5E are ASCII 0x21 to 0x7E in full width.
        [0xEF, 0xBC, last @ 0x81..=0xBF, ..] => (last - 0x60, 3),
        [0xEF, 0xBD, last @ 0x80..=0x9E, ..] => (last - 0x20, 3),
        [octet @ 0..=0x7F, ..] => (*octet, 1),
        _ => (b' ', 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn any_dressing_comes_off() {
        let table: [(&str, &str, bool, bool); 20] = [
            ("110", "110", false, false),
            ("tel:1-1-0", "110", false, false),
            ("<sip:110@10.0.0.1>", "110", false, false),
            ("\"110\" <sip:110@ims.example.net>;tag=9", "110", false, false),
            ("  <tel:+86110;phone-context=+86>", "86110", true, false),
            ("sips:110:secret@example.net", "110", false, false),
            ("sip:%31%31%30@example.net", "110", false, false),
            ("１１０", "110", false, false),
            ("＋８６ １１０", "86110", true, false),
            ("*31#110", "31110", false, true),
            ("110#", "110", false, true),
            ("110p1", "110", false, false),
            ("110,,12", "110", false, false),
            ("110w4", "110", false, false),
            ("110;postd=44", "110", false, false),
            ("x110", "110", false, false),
            ("x1y1z0", "110", false, false),
            ("110@example.net", "110", false, false),
            ("%", "", false, false),
            ("", "", false, false),
        ];
        for (raw, digits, plus, service) in table {
            let dialled = Dialled::read(raw.as_bytes());
            let read = (dialled.digits.as_str(), dialled.plus, dialled.service_code);
            assert_eq!(read, (digits, plus, service), "{raw}");
        }
        assert_eq!(Dialled::read(b"110p1").all.as_str(), "1101");
        assert_eq!(Dialled::read(&[b'7'; 400]).digits.len(), DIGITS_MAX);
    }

    #[test]
    fn services_for_help_are_known_by_name() {
        for raw in [
            "urn:service:sos",
            " <URN:SERVICE:SOS.police>",
            "service:sos",
            "sip:sos@example.net",
            "sip:sos.fire@example.net",
            "SOS",
            "urn:service:counseling.children",
            "<urn:urn-7:3gpp-service.ims.icsi.mmtel>;x=urn:service:sos",
        ] {
            assert!(names_help_service(raw.as_bytes()), "{raw}");
        }
        for raw in ["", "sip:sosnowski@example.net", "urn:service:", "Sosua", "110"] {
            assert!(!names_help_service(raw.as_bytes()), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read(raw in prop::collection::vec(any::<u8>(), 0..96)) {
            let dialled = Dialled::read(&raw);
            prop_assert!(dialled.all.starts_with(dialled.digits.as_str()));
            names_help_service(&raw);
        }
    }
}
