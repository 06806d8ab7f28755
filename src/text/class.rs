//! What kind of character a folded unit is, as far as word borders go.

/// Kinds of folded UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum UnitClass {
    /// Space, punctuation, symbols: between words.
    Separator = 0,
    /// Letter (or vowel sign) of a script that puts spaces between words.
    Letter = 1,
    /// ASCII digit; digits of other scripts fold to these.
    Digit = 2,
    /// Scripts without spaces between words: Han, kana, Hangul, Thai, Lao, Khmer, Myanmar,
    /// Tibetan; and surrogate halves (rare Han, emoji).
    Ideograph = 3,
}

/// The class of a folded unit.
#[inline]
pub fn class_of(unit: u16) -> UnitClass {
    match unit {
        0x61..=0x7A => UnitClass::Letter,
        0x30..=0x39 => UnitClass::Digit,
        0x00..=0x7F => UnitClass::Separator,
        0x4E00..=0x9FFF => UnitClass::Ideograph,
        _ => class_of_other(unit),
    }
}

fn class_of_other(unit: u16) -> UnitClass {
    match unit {
        0xAA | 0xB5 | 0xBA => UnitClass::Letter,
        0x80..=0xBF | 0xD7 | 0xF7 => UnitClass::Separator,
        0xC0..=0x02C1 => UnitClass::Letter,
        0x0370..=0x0DFF if is_punctuation(unit) => UnitClass::Separator,
        0x0370..=0x0DFF => UnitClass::Letter,
        0x0E3F | 0x0E4F | 0x0E5A | 0x0E5B => UnitClass::Separator,
        0x0E00..=0x109F => UnitClass::Ideograph,
        0x10FB | 0x1360..=0x1368 | 0x1400 | 0x166D | 0x166E => UnitClass::Separator,
        0x10A0..=0x10FF => UnitClass::Letter,
        0x1100..=0x11FF => UnitClass::Ideograph,
        0x1200..=0x177F => UnitClass::Letter,
        0x1780..=0x17FF => UnitClass::Ideograph,
        0x1800..=0x180A => UnitClass::Separator,
        0x180B..=0x1FFF => UnitClass::Letter,
        0x214E | 0x2180..=0x2188 | 0x2C00..=0x2DFF => UnitClass::Letter,
        0x2E80..=0x2FDF => UnitClass::Ideograph,
        0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x3035 | 0x3038..=0x303C => {
            UnitClass::Ideograph
        }
        0x30A0 | 0x30FB => UnitClass::Separator,
        0x3040..=0x31FF | 0x3400..=0x4DBF => UnitClass::Ideograph,
        0xA960..=0xA97F | 0xA9E0..=0xA9FF | 0xAA60..=0xAADF => UnitClass::Ideograph,
        0xA000..=0xABFF => UnitClass::Letter,
        0xAC00..=0xDFFF | 0xF900..=0xFAFF => UnitClass::Ideograph,
        0xFB00..=0xFDFF | 0xFE70..=0xFEFE => UnitClass::Letter,
        _ => UnitClass::Separator,
    }
}

/// Punctuation in the blocks of alphabets, Greek to Sinhala: what ends a sentence or a word.
fn is_punctuation(unit: u16) -> bool {
    matches!(unit,
        0x037E | 0x0387 | 0x0482 | 0x055A..=0x055F | 0x0589..=0x058F
        | 0x05BE | 0x05C0 | 0x05C3 | 0x05C6 | 0x05F3 | 0x05F4
        | 0x0600..=0x060F | 0x061B..=0x061F | 0x066A..=0x066D | 0x06D4 | 0x06DD | 0x06DE
        | 0x06E9 | 0x06FD | 0x06FE | 0x0700..=0x070D | 0x07F7..=0x07F9 | 0x0830..=0x083E
        | 0x0964 | 0x0965 | 0x0970 | 0x09F2 | 0x09F3 | 0x0AF0 | 0x0AF1 | 0x0BF3..=0x0BFA
        | 0x0C77 | 0x0DF4)
}

/// Is there a word border between two neighbouring units? None inside a run of letters or inside
/// a run of digits; one everywhere else, so `free4u` is three words and `加qq` lets `qq` stand
/// alone.
#[inline]
pub fn is_border(left: UnitClass, right: UnitClass) -> bool {
    left != right || matches!(left, UnitClass::Ideograph | UnitClass::Separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let class = |c: char| class_of(u16::try_from(c as u32).unwrap());
        for c in "azßæджλاहกา".chars().filter(|c| !"กา".contains(*c)) {
            assert_eq!(class(c), UnitClass::Letter, "{c:?}");
        }
        for c in "中㐀々かカー한กาພမ〇⺀".chars() {
            assert_eq!(class(c), UnitClass::Ideograph, "{c:?}");
        }
        for c in " .-_|¥€“”…—·、。【】，،؛؟।׃・\u{FFFD}\u{E000}".chars() {
            assert_eq!(class(c), UnitClass::Separator, "{c:?}");
        }
        assert_eq!(class('7'), UnitClass::Digit);
        assert_eq!(class_of(0xD83D), UnitClass::Ideograph);
    }

    #[test]
    fn borders() {
        use UnitClass::{Digit, Ideograph, Letter, Separator};
        assert!(!is_border(Letter, Letter) && !is_border(Digit, Digit));
        for (left, right) in [
            (Letter, Digit),
            (Ideograph, Letter),
            (Ideograph, Ideograph),
            (Separator, Separator),
            (Letter, Separator),
        ] {
            assert!(is_border(left, right) && is_border(right, left));
        }
    }

    /// Every letter and digit that can come out of the fold counts as part of a word.
    #[test]
    fn letters_are_no_separators() {
        let mut wrong = Vec::new();
        for unit in 0..0xD800u16 {
            let c = char::from_u32(u32::from(unit)).unwrap();
            let alone = crate::text::fold::fold_phrase(c.encode_utf8(&mut [0; 4])) == [unit];
            // Tone marks that stand alone are written between words or as ornament.
            let is_tone = matches!(unit, 0x02C6..=0x02EE | 0x2E2F);
            if alone && !is_tone && c.is_alphabetic() && class_of(unit) == UnitClass::Separator {
                wrong.push(format!("{unit:04X}"));
            }
            assert_eq!(class_of(unit) == UnitClass::Digit, c.is_ascii_digit());
        }
        assert_eq!(wrong, [""; 0]);
    }
}
