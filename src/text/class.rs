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
        0xAA | 0xB5 | 0xBA => UnitClass::Letter,
        0x80..=0xBF | 0xD7 | 0xF7 => UnitClass::Separator,
        0xC0..=0x02FF => UnitClass::Letter,
        0x0370..=0x0DFF => UnitClass::Letter,
        0x0E00..=0x0FFF => UnitClass::Ideograph,
        0x1000..=0x109F => UnitClass::Ideograph,
        0x10A0..=0x10FF => UnitClass::Letter,
        0x1100..=0x11FF => UnitClass::Ideograph,
        0x1200..=0x177F => UnitClass::Letter,
        0x1780..=0x17FF => UnitClass::Ideograph,
        0x1800..=0x1FFF => UnitClass::Letter,
        0x2C00..=0x2DFF => UnitClass::Letter,
        0x3005..=0x3007 | 0x3040..=0x312F | 0x3130..=0x318F | 0x31A0..=0x31FF => {
            UnitClass::Ideograph
        }
        0x3400..=0x9FFF => UnitClass::Ideograph,
        0xA000..=0xABFF => UnitClass::Letter,
        0xAC00..=0xD7FF | 0xD800..=0xDFFF => UnitClass::Ideograph,
        0xF900..=0xFAFF => UnitClass::Ideograph,
        0xFB00..=0xFDFF | 0xFE70..=0xFEFE => UnitClass::Letter,
        _ => UnitClass::Separator,
    }
}

/// Is there a word border between two neighbouring units? None inside a run of letters or inside
/// a run of digits; one everywhere else, so `free4u` is three words and `加qq` lets `qq` stand alone.
#[inline]
pub fn is_border(left: UnitClass, right: UnitClass) -> bool {
    left != right || matches!(left, UnitClass::Ideograph | UnitClass::Separator)
}
