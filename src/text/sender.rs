//! Sender ids: the exact key under which lists hold them, and the skeleton under which those that
//! look alike meet.
//!
//! A sender id is what the network shows as originator in letters, at most 11 characters by the
//! standard, anything in practice. Must not know which sender ids are listed.

use super::class::{UnitClass, class_of};
use super::fold::fold_to_string;

/// The key of a sender id as written: trimmed, lower case.
pub fn sender_exact_key(sender: &str) -> String {
    sender.trim().to_lowercase()
}

/// What a sender id looks like: folded, separators dropped, digits and signs read as the letters
/// that they stand for, `rn` as `m` and `vv` as `w`.
///
/// Two senders with one skeleton look alike; it says nothing of which of them is real. Empty for
/// a sender of nothing but separators.
pub fn sender_skeleton(sender: &str) -> String {
    let letters: String = sender.chars().map(capital_letter).collect();
    let folded = fold_to_string(&letters);
    let letters = folded.chars().map(letter);
    let kept: String = letters.filter(|&c| !is_separator(c)).collect();
    kept.replace("rn", "m").replace("vv", "w")
}

/// Greek capitals that look like another Latin letter than their small forms do. Texts fold by
/// letter, whatever its case; sender ids are short and often all capitals.
fn capital_letter(c: char) -> char {
    match c {
        'Η' => 'h',
        'Ν' => 'n',
        'Υ' => 'y',
        c => c,
    }
}

fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '8' => 'b',
        c => c,
    }
}

fn is_separator(c: char) -> bool {
    u16::try_from(u32::from(c)).is_ok_and(|unit| class_of(unit) == UnitClass::Separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_keys() {
        assert_eq!(sender_exact_key("  MyBank "), "mybank");
        assert_eq!(sender_exact_key("My-Bank"), "my-bank");
        assert_ne!(sender_exact_key("MyBаnk"), sender_exact_key("MyBank"));
    }

    #[test]
    fn look_alikes_meet() {
        for (one, other) in [
            ("PayPal", "PAYPA1"),
            ("PayPal", "РауРаl"),
            ("PayPal", "Pay-Pal"),
            ("PayPal", "P.a.y P.a.l"),
            ("AMAZON", "AMAZ0N"),
            ("AMAZON", "ARNAZON"),
            ("AMAZON", "ΑΜΑΖΟΝ"),
            ("AMAZON", "@maz0n"),
            ("HSBC", "H5BC"),
            ("HSBC", "ΗSΒС"),
            ("Netflix", "NetfIix"),
            ("Netflix", "N3tfl|x"),
            ("WeChat", "VVeChat"),
            ("USPS", "U$P$"),
            ("DBS Bank", "D8S_Bank"),
            ("招商银行", "招商銀行"),
            ("EASY", "EAΣY".replace('Σ', "S").as_str()),
        ] {
            assert_eq!(sender_skeleton(one), sender_skeleton(other), "{one:?} {other:?}");
        }
        assert_ne!(sender_skeleton("PayPal"), sender_skeleton("PayPay"));
        assert_eq!(sender_skeleton(" -. "), "");
    }

    #[test]
    fn skeletons_stand_still() {
        for sender in ["ARNAZON", "rnrn", "vvv", "1i|l", "①②", "ＡＢＣ", "中国移动10086"]
        {
            let skeleton = sender_skeleton(sender);
            assert_eq!(sender_skeleton(&skeleton), skeleton, "{sender:?}");
        }
    }
}
