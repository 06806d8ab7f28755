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
use crate::text::fold::digit;

/// Octets looked at; the longest honest form is a display name and a SIP URI with parameters.
const OCTETS_MAX: usize = 1024;

/// Digits that get an outside line from a switchboard.
const OUTSIDE_LINE: [&str; 2] = ["9", "0"];

/// What subscribers of a region dial before a number without it being part of the number: to
/// withhold or show their own, or to choose a carrier for one call. First digits and how many
/// digits the whole prefix has. What comes with `*` or `#` needs no row. A prefix that is missing
/// here leaves its dialled form to the other readings.
const ACCESS_CODES: [(Region, &str, usize); 16] = [
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
    (region("HK"), "133", 3),
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

/// Access codes that may follow one another: an outside line, then the carrier.
const ACCESS_DEPTH_MAX: usize = 2;

/// Digits of a service code (3GPP TS 22.030: two or three, and some operators' own have four).
const SERVICE_DIGITS_MAX: usize = 4;

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
    /// These are all the digits there are.
    pub whole: bool,
    /// An area code or the like may come first: what came before says that these are no complete
    /// subscriber number.
    pub prefixed: bool,
}

/// The digits of a recipient and what stood around them.
#[derive(Default)]
pub struct Dialled {
    /// The digits behind service codes and before post-dial ones; at most the first 32. Empty
    /// where letters say that this is a name.
    pub digits: ArrayString<DIGITS_MAX>,
    /// A `+` stood before the first digit.
    pub plus: bool,
    /// A `*` stood before the digits, without another sign behind its code: `*67` and the number
    /// are one run (North American vertical service codes).
    pub star: bool,
}

impl Dialled {
    /// Reads the octets of an address.
    pub fn read(raw: &[u8]) -> Dialled {
        let raw = &raw[..raw.len().min(OCTETS_MAX)];
        let (mut dialled, mut before) = (Dialled::default(), Dialled::default());
        for symbol in Symbols(user_part(within_brackets(raw))) {
            match symbol {
                '+' if dialled.digits.is_empty() => dialled.plus = true,
                // What follows a sign is the number, and what stands before it is a service code
                // (3GPP TS 22.030); a sign at the end ends the number.
                '*' | '#' if dialled.digits.len() <= SERVICE_DIGITS_MAX => {
                    let next = Dialled { star: symbol == '*', ..Dialled::default() };
                    let last = std::mem::replace(&mut dialled, next);
                    before = if last.digits.is_empty() { before } else { last };
                }
                '*' | '#' => break,
                // Pause, wait and extension (RFC 3601, and `x` of everyday use).
                ',' | 'p' | 'P' | 'w' | 'W' | 'x' | 'X' if !dialled.digits.is_empty() => break,
                c if c.is_alphabetic() => return Dialled::default(),
                c => {
                    if let Some(digit) = digit(c) {
                        let _ = dialled.digits.try_push(char::from(b'0' + digit));
                    }
                }
            }
        }
        if dialled.digits.is_empty() { before } else { dialled }
    }
    /// Does any way to read the digits satisfy `wanted`?
    pub fn any_reading(
        &self,
        from: DialledFrom<'_>,
        wanted: impl Fn(DialledReading<'_>) -> bool,
    ) -> bool {
        let international = from.international || self.plus;
        let view = View { from: DialledFrom { international, ..from }, wanted: &wanted };
        let digits = &*self.digits;
        // Vertical service codes have two digits.
        let behind_star = if self.star { digits.get(2..) } else { None };
        !digits.is_empty()
            && (view.any(digits) || behind_star.is_some_and(|digits| view.any(digits)))
    }
}

struct View<'a, F> {
    from: DialledFrom<'a>,
    wanted: &'a F,
}

impl<F: Fn(DialledReading<'_>) -> bool> View<'_, F> {
    fn any(&self, digits: &str) -> bool {
        let plan = self.from.plans.plan(self.from.region);
        let code = plan.map_or("", |plan| plan.code.as_str());
        let own = if code.is_empty() { None } else { digits.strip_prefix(code) };
        let whole =
            DialledReading { digits, region: self.from.region, whole: true, prefixed: false };
        (self.wanted)(whole)
            || own.is_some_and(|national| self.wanted(national, true))
            || (self.from.international && self.after_country_code(digits))
            || self.after_international_prefix(digits)
            || self.behind_access_code(digits, 0)
    }

    fn wanted(&self, digits: &str, prefixed: bool) -> bool {
        self.wanted_in(self.from.region, digits, prefixed)
    }

    fn wanted_in(&self, region: Region, digits: &str, prefixed: bool) -> bool {
        (self.wanted)(DialledReading { digits, region, whole: false, prefixed })
    }

    fn after_international_prefix(&self, digits: &str) -> bool {
        let plan = self.from.plans.plan(self.from.region);
        let prefixes = plan.map_or(&[][..], |plan| &plan.international);
        let mut prefixes = prefixes.iter().map(|prefix| prefix.as_str()).chain(["00"]);
        prefixes.any(|prefix| {
            digits.strip_prefix(prefix).is_some_and(|rest| self.after_country_code(rest))
        })
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

    /// Behind a trunk prefix, an outside-line digit or an access code; one may follow another.
    fn behind_access_code(&self, digits: &str, depth: usize) -> bool {
        let outside = OUTSIDE_LINE.iter().filter_map(|code| digits.strip_prefix(code));
        let access = ACCESS_CODES.iter().filter_map(|(region, head, length)| {
            let fits = *region == self.from.region && digits.starts_with(head);
            if fits { digits.get(*length..) } else { None }
        });
        let mut behind = outside.chain(access);
        self.after_trunk(digits)
            || behind.any(|rest| {
                self.wanted(rest, false)
                    || self.after_trunk(rest)
                    || self.after_international_prefix(rest)
                    || (depth + 1 < ACCESS_DEPTH_MAX && self.behind_access_code(rest, depth + 1))
            })
    }

    fn after_trunk(&self, digits: &str) -> bool {
        let trunk = self.from.plans.plan(self.from.region).map_or("0", |plan| plan.trunk.as_str());
        let rest = if trunk.is_empty() { None } else { digits.strip_prefix(trunk) };
        rest.is_some_and(|rest| self.wanted(rest, true))
    }
}

/// Does the address name a service rather than a number: `urn:service:sos.police` (RFC 5031),
/// `sip:sos@…` (its predecessor, still sent by some terminals)? Counselling services are listed
/// with emergency ones in RFC 5031 section 4.2, and get the same care. Only the URI itself counts:
/// names and parameters beside it are written by whoever calls.
pub fn names_help_service(raw: &[u8]) -> bool {
    const SERVICES: [&[u8]; 2] = [b"service:sos", b"service:counseling"];
    let uri = within_brackets(&raw[..raw.len().min(OCTETS_MAX)]);
    let starts = |text: &[u8], head: &[u8]| {
        text.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
    };
    let ends = |text: &[u8], at: usize| matches!(text.get(at), None | Some(b'.' | b';' | b'@'));
    let service = if starts(uri, b"urn:") { &uri[4..] } else { uri };
    let user = user_part(uri);
    SERVICES.iter().any(|name| starts(service, name) && ends(service, name.len()))
        || (starts(user, b"sos") && ends(user, 3))
}

/// `sip:110@example.net` of `"Police" <sip:110@example.net>;tag=1` (name-addr, RFC 3261 section
/// 20.10). A name in quotes may hold brackets; an address that starts with its scheme has none.
pub(super) fn within_brackets(raw: &[u8]) -> &[u8] {
    let raw = raw.trim_ascii();
    if scheme_of(raw).is_some() {
        return raw;
    }
    let (mut quoted, mut escaped) = (false, false);
    let open = raw.iter().position(|octet| {
        let found = !quoted && *octet == b'<';
        quoted ^= *octet == b'"' && !escaped;
        escaped = quoted && *octet == b'\\' && !escaped;
        found
    });
    // A quote that never ends is none.
    let open = open.or_else(|| raw.iter().position(|octet| *octet == b'<'));
    let Some(open) = open else { return raw };
    let inside = &raw[open + 1..];
    let close = inside.iter().position(|octet| *octet == b'>');
    inside[..close.unwrap_or(inside.len())].trim_ascii()
}

/// The length of the scheme that an address starts with.
fn scheme_of(address: &[u8]) -> Option<usize> {
    const SCHEMES: [&[u8]; 4] = [b"tel:", b"sip:", b"sips:", b"urn:"];
    let found = SCHEMES.into_iter().find(|scheme| {
        address.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    });
    found.map(<[u8]>::len)
}

/// What stands between the scheme and the host, password or parameters, scheme or not.
fn user_part(address: &[u8]) -> &[u8] {
    let rest = &address[scheme_of(address).unwrap_or(0)..];
    let end = rest.iter().position(|octet| matches!(octet, b'@' | b';' | b':' | b'?'));
    rest[..end.unwrap_or(rest.len())].trim_ascii()
}

/// Characters of a user part: `%31` is `1`; ill-formed octets are blanks.
struct Symbols<'a>(&'a [u8]);

impl Iterator for Symbols<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let hex = |octet: &u8| char::from(*octet).to_digit(16);
        let (symbol, length) = match self.0 {
            [] => return None,
            [b'%', high, low, ..] => match (hex(high), hex(low)) {
                // Escapes of more than ASCII are no digits that a switch would dial.
                (Some(high), Some(low)) if high < 8 => (char::from((high * 16 + low) as u8), 3),
                _ => ('%', 1),
            },
            [octet @ 0..=0x7F, ..] => (char::from(*octet), 1),
            rest => {
                let head = &rest[..rest.len().min(4)];
                let valid = match str::from_utf8(head) {
                    Ok(text) => text,
                    Err(error) => str::from_utf8(&head[..error.valid_up_to()]).unwrap_or(""),
                };
                valid.chars().next().map_or((' ', 1), |c| (c, c.len_utf8()))
            }
        };
        self.0 = &self.0[length..];
        // Full-width signs dial as their ASCII ones do.
        let symbol = match symbol {
            '＋' => '+',
            '＊' => '*',
            '＃' => '#',
            symbol => symbol,
        };
        Some(symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn any_dressing_comes_off() {
        let table: &[(&str, &str, bool)] = &[
            ("110", "110", false),
            ("tel:1-1-0", "110", false),
            ("<sip:110@10.0.0.1>", "110", false),
            ("\"110\" <sip:110@ims.example.net>;tag=9", "110", false),
            ("\"a<b\" <sip:110@x>;d=\"<sip:13800138000@h>\"", "110", false),
            ("<sip:110@x>;a=\"<b>\"", "110", false),
            ("\"open <sip:110@x>", "110", false),
            ("sip:+8613800138000@h?Subject=<110>", "8613800138000", true),
            ("<sip:+8613800138000@h>;foo=\"<110>\"", "8613800138000", true),
            ("  <tel:+86110;phone-context=+86>", "86110", true),
            ("sips:110:secret@example.net", "110", false),
            ("sip:%31%31%30@example.net", "110", false),
            ("１１０", "110", false),
            ("＋８６ １１０", "86110", true),
            ("١١٠", "110", false),
            ("११०", "110", false),
            ("①①⓪", "110", false),
            ("*31#110", "110", false),
            ("*31#+8610110", "8610110", true),
            ("*#31#110", "110", false),
            ("*67911", "67911", false),
            ("110#", "110", false),
            ("110p1", "110", false),
            ("110,,12", "110", false),
            ("110w4", "110", false),
            ("110;postd=44", "110", false),
            ("110@example.net", "110", false),
            ("sip:anna17@example.com", "", false),
            ("sip:ext-1122@x", "", false),
            ("Shop112", "", false),
            ("x110", "", false),
            ("13800138000*110", "13800138000", false),
            ("%", "", false),
            ("", "", false),
        ];
        for (raw, digits, plus) in table {
            let dialled = Dialled::read(raw.as_bytes());
            assert_eq!((dialled.digits.as_str(), dialled.plus), (*digits, *plus), "{raw}");
        }
        assert_eq!(Dialled::read(&[b'7'; 400]).digits.len(), DIGITS_MAX);
    }

    #[test]
    fn services_for_help_are_known_by_name() {
        for raw in [
            "urn:service:sos",
            " <URN:SERVICE:SOS.police>",
            "service:sos",
            "sip:sos@example.net",
            "\"help\" <sip:sos.fire@example.net>;x=1",
            "SOS",
            "urn:service:counseling.children",
        ] {
            assert!(names_help_service(raw.as_bytes()), "{raw}");
        }
        // What stands beside the URI is the caller's to write.
        for raw in [
            "",
            "sip:sosnowski@example.net",
            "urn:service:",
            "urn:service:sosx",
            "Sosua",
            "110",
            "\"service:sos\" <sip:+8613800138000@h>",
            "sip:+8613800138000@h;x=service:sos",
            "<sip:+8613800138000@h>;tag=\"urn:service:sos\"",
        ] {
            assert!(!names_help_service(raw.as_bytes()), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read(raw in prop::collection::vec(any::<u8>(), 0..96)) {
            let dialled = Dialled::read(&raw);
            prop_assert!(dialled.digits.bytes().all(|digit| digit.is_ascii_digit()));
            names_help_service(&raw);
        }
    }
}
