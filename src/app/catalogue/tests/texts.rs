//! Words that stand in what everybody writes.

use super::*;

#[test]
fn ordinary_texts_of_any_language_pass() {
    let kind = "keyword points=900 category=CN08";
    for word in ["*th*", "in*", "*an", "*我*", "了*", "*मै*", "*นะ"] {
        refused(&with("", kind, &[word]), 4, &["too short"]);
    }
    for (words, language) in [
        (&["*ing*", "*the*", "you"][..], "language en"),
        (&["maman", "dans", "les", "le"], "language fr"),
        (&["अब", "हैं", "आज", "घर"], "language hi"),
        (&["minutos", "mañana", "las"], "language es"),
        (&["sudah", "jam", "sampai"], "language id"),
        (&["แล้ว", "นะ", "บ้าน"], "language th"),
        (&["yağmur", "geç*", "tren", "mısın"], "language tr"),
        (&["明天", "下雨", "到家", "生日"], "language zh"),
    ] {
        refused(&with("", kind, words), 2, &["list x.a would", language]);
        accepted(&with("", &kind.replace("900", "100"), words), &[]);
    }
    let terms = "%list x.c kind=conjunction points=900 category=CN08\n%columns id all\n\
                 q\t*th* ; 安全账户\n";
    accepted(&with(terms, kind, &["安全账户"]), &[]);
}

/// One everyday word is enough, scored as high as it takes to hold.
#[test]
fn single_everyday_words_are_refused() {
    let mut missed = Vec::new();
    for (language, words) in [
        (
            "en",
            &[
                "please", "you", "the", "*ing*", "your", "and", "for", "we", "is", "to", "call",
                "at", "thank*", "will", "it", "in", "have", "of",
            ][..],
        ),
        (
            "zh",
            &[
                "我们",
                "今天",
                "明天",
                "可以",
                "谢谢",
                "您的",
                "已经",
                "没有",
                "一下",
                "验证码",
                "孩子",
            ],
        ),
        ("es", &["que", "por favor", "para", "gracias", "el", "la", "su"]),
        ("hi", &["है", "आप", "के", "में", "कल", "hai"]),
        ("id", &["yang", "sudah", "ya", "di", "anda", "aku"]),
        ("th", &["ครับ", "ค่ะ", "แล้ว", "คุณ", "พรุ่งนี้"]),
        ("tr", &["bir", "için", "yarın", "bugün"]),
        ("fr", &["vous", "les", "pour", "est", "merci", "votre", "le"]),
        ("de", &["ich", "und", "die", "ist", "bitte"]),
        ("pt", &["você", "para", "que", "não"]),
        ("ru", &["не", "вы", "на", "ваш"]),
        ("ja", &["です", "ます", "ください", "ました"]),
        ("ko", &["세요", "습니다", "오늘", "*어요"]),
        ("ar", &["في", "من", "على"]),
        ("vi", &["bạn", "là", "không", "của"]),
        ("it", &["che", "per", "non", "il"]),
        ("nl", &["je", "de", "het", "een", "is"]),
        ("pl", &["nie", "na", "się", "jest"]),
    ] {
        for word in words {
            let language = format!("language {language}");
            let pack = with("", "keyword points=600 category=CN08", &[word]);
            let (refused, findings) = found(&pack);
            let said = findings.iter().any(|f| f.line == 2 && f.message.contains(&language));
            if !(refused && said) {
                missed.push(format!("{word} {language}"));
            }
        }
        let words: Vec<&str> = words.iter().copied().filter(|word| !word.contains('*')).collect();
        accepted(&with("", "keyword points=10 category=CN08", &words), &[]);
    }
    assert_eq!(missed, [""; 0]);
}

#[test]
fn conjunctions_of_everyday_facts_are_refused() {
    let mut missed = Vec::new();
    for (terms, language) in [
        ("@link ; https", "en"),
        ("@phone ; call", "en"),
        ("@code ; code", "en"),
        ("@link ; https", "zh"),
        ("@phone ; 电话", "zh"),
        ("@code ; 验证码", "zh"),
        ("@link ; example", "es"),
    ] {
        let list =
            "%pack x\n%list x.a kind=conjunction points=600 category=CN08\n%columns id all\n";
        let text = format!("{list}a\t{terms}\n");
        let pack = [PackText { name: "x.pack".into(), octets: text.into() }];
        let (refused, findings) = found(&pack);
        let language = format!("language {language}");
        let said = findings.iter().any(|f| f.line == 2 && f.message.contains(&language));
        if !(refused && said) {
            missed.push(format!("{terms} {findings:?}"));
        }
    }
    assert_eq!(missed, [""; 0]);
}
