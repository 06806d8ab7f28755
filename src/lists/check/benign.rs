//! Ordinary messages that no phrase may stop, and whether one does.
//!
//! Owns the messages, written for Ringfence. A phrase is looked for in folded text at word borders,
//! as the engine does; that is enough to see that it is everyday speech.

use crate::model::entry::{Term, Value};
use crate::text::class::{class_of, is_border};
use crate::text::fold::fold_phrase;

/// Points from which a phrase labels by itself.
pub(super) const LABEL_POINTS: i16 = 300;
/// Points from which a phrase holds by itself.
pub(super) const HOLD_POINTS: i16 = 600;

/// What people, couriers, banks, schools and clinics write.
const SAMPLES: &[&str] = &[
    // Chinese
    "好的，明天下午三点公司楼下见，路上小心",
    "妈，我到家了，晚饭不用等我，先吃吧",
    "您的快递已放在小区门口快递柜，取件码 5-2-3081，请及时领取",
    "您尾号1234的储蓄卡今日消费人民币58.00元，余额1205.30元",
    "验证码 482913，五分钟内有效，请勿告诉他人",
    "家长您好，明天学校开运动会，请孩子穿运动鞋，带水杯",
    "您预约的门诊时间是周三上午九点，请携带身份证和医保卡",
    "今天电费账单已出，请登录网上国网查看，谢谢",
    "转账收到了吗？房租我刚刚打给你了",
    // English
    "OK, see you tomorrow at three in front of the office, drive safely",
    "Hi mum, I got home fine, don't wait with dinner, love you",
    "Your parcel will be delivered today between 10 and 12, no need to be at home",
    "Card ending 1234: payment of 58.00 at the supermarket, balance 1205.30",
    "Your code is 482913, it is valid for five minutes, do not share it with anyone",
    "Dear parents, school closes at noon on Friday, please pick up your children on time",
    "Reminder: your appointment with Dr. Miller is on Wednesday at nine, call us to change it",
    "Did you get the money? I sent you the rent this morning by bank transfer",
    "Happy birthday! Have a great day and click some nice pictures for us",
    // Spanish
    "Vale, nos vemos mañana a las tres delante de la oficina, conduce con cuidado",
    "Su paquete se entregará hoy entre las 10 y las 12, gracias por su compra",
    "Su código es 482913, válido durante cinco minutos, no lo comparta con nadie",
    "Le recordamos su cita con el médico el miércoles a las nueve, llame para cambiarla",
    "¿Te llegó el dinero? Te hice la transferencia del alquiler esta mañana",
    // French
    "D'accord, on se voit demain à quinze heures devant le bureau, bonne route",
    "Votre colis sera livré aujourd'hui entre 10h et 12h, merci de votre confiance",
    "Votre code est 482913, il est valable cinq minutes, ne le communiquez à personne",
    "Rappel : rendez-vous avec le médecin mercredi à neuf heures, appelez pour le changer",
    "As-tu reçu l'argent ? J'ai fait le virement du loyer ce matin depuis ma banque",
    // Hindi
    "ठीक है, कल तीन बजे दफ़्तर के सामने मिलते हैं, आराम से आना",
    "आपका पार्सल आज शाम तक पहुँच जाएगा, धन्यवाद",
    "आपका कोड 482913 है, यह पाँच मिनट तक मान्य है, किसी को न बताएं",
    "theek hai, kal teen baje office ke saamne milte hain, ghar pahunch kar call karna",
    // Indonesian
    "Oke, besok jam tiga kita ketemu di depan kantor, hati-hati di jalan",
    "Paket Anda akan dikirim hari ini antara jam 10 dan 12, terima kasih",
    "Kode Anda 482913, berlaku lima menit, jangan berikan kepada siapa pun",
    "Sudah terima uangnya? Tadi pagi saya transfer uang sewa lewat bank",
    // Thai
    "โอเค พรุ่งนี้บ่ายสามเจอกันหน้าออฟฟิศนะ ขับรถดีๆ",
    "พัสดุของคุณจะจัดส่งวันนี้ระหว่าง 10 ถึง 12 นาฬิกา ขอบคุณค่ะ",
    "รหัสของคุณคือ 482913 ใช้ได้ภายในห้านาที ห้ามบอกผู้อื่น",
    // Turkish
    "Tamam, yarın saat üçte ofisin önünde görüşürüz, dikkatli sür",
    "Kargonuz bugün 10 ile 12 arasında teslim edilecek, teşekkür ederiz",
    "Kodunuz 482913, beş dakika geçerlidir, kimseyle paylaşmayın",
    "Para geldi mi? Kirayı bu sabah banka havalesiyle gönderdim",
];

/// The first ordinary message in which a keyword or conjunction stands.
pub(super) fn matched(value: &Value<'_>) -> Option<&'static str> {
    let mut samples = SAMPLES.iter().copied();
    match value {
        Value::Keyword(phrase) => {
            let phrase = Phrase::new(phrase);
            samples.find(|sample| phrase.stands_in(&fold_phrase(sample)))
        }
        Value::Conjunction(conjunction) => {
            let phrases = |terms: &[Term]| -> Vec<Phrase> {
                let phrase = |term: &Term| match term {
                    Term::Phrase(phrase) => Some(Phrase::new(phrase)),
                    Term::Link | Term::Phone | Term::Code => None,
                };
                terms.iter().filter_map(phrase).collect()
            };
            let groups: Vec<Vec<Phrase>> = conjunction.groups.iter().map(|g| phrases(g)).collect();
            let none = phrases(&conjunction.none);
            samples.find(|sample| {
                let text = fold_phrase(sample);
                let any = |group: &Vec<Phrase>| group.iter().any(|p| p.stands_in(&text));
                groups.iter().all(any) && !any(&none)
            })
        }
        _ => None,
    }
}

/// A folded phrase and which of its ends are open.
struct Phrase {
    units: Vec<u16>,
    open_left: bool,
    open_right: bool,
}

impl Phrase {
    fn new(text: &str) -> Phrase {
        Phrase {
            units: fold_phrase(text.trim_matches('*')),
            open_left: text.starts_with('*'),
            open_right: text.ends_with('*'),
        }
    }

    fn stands_in(&self, text: &[u16]) -> bool {
        let long = self.units.len();
        let border = |at: usize| {
            let sides = at.checked_sub(1).and_then(|left| Some((*text.get(left)?, *text.get(at)?)));
            sides.is_none_or(|(left, right)| is_border(class_of(left), class_of(right)))
        };
        long > 0
            && text.windows(long).enumerate().any(|(at, window)| {
                window == self.units
                    && (self.open_left || border(at))
                    && (self.open_right || border(at + long))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_at_word_borders() {
        let keyword = |phrase| matched(&Value::Keyword(phrase)).is_some();
        for phrase in ["rent", "快递", "*irthday", "transfer uang", "คุณ", "KARGONUZ", "MÉDECIN"]
        {
            assert!(keyword(phrase), "{phrase}");
        }
        for phrase in ["ren", "irthday", "安全账户", "safe account", "urgent*", "*"] {
            assert!(!keyword(phrase), "{phrase}");
        }
    }
}
