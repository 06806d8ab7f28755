//! The starter packs, built into the program so that it answers with nothing but itself.

/// Embeds pack files by their names below `packs/`.
macro_rules! embed {
    ($($name:literal,)*) => {
        &[$((
            concat!("packs/", $name, ".pack"),
            include_str!(concat!("../../packs/", $name, ".pack")),
        )),*]
    };
}

/// Name and text of each starter pack, in reading order: what others build on comes first.
pub const PACKS: &[(&str, &str)] = embed![
    "numbers/classes-cn",
    "numbers/classes-eu",
    "numbers/classes-gb",
    "numbers/classes-us",
    "numbers/emergency",
    "numbers/never-block",
    "numbers/plans",
    "numbers/receive-only",
    "links/brands",
    "links/shorteners",
    "policy/default",
    "senders/brand-senders",
    "en/account-scams",
    "en/authority-family",
    "en/benign-profiles",
    "en/lures-illegal",
    "en/marketing",
    "en/money-scams",
    "en/robocalls-premium",
    "es/mensajes",
    "fr/messages",
    "hi/sandesh",
    "id/pesan",
    "th/khwam",
    "tr/mesaj",
    "zh/benign-profiles",
    "zh/illegal-goods",
    "zh/lures-contact-app",
    "zh/nuisance-marketing",
    "zh/scripts-finance",
    "zh/scripts-jobs-mules",
    "zh/scripts-people",
    "zh/scripts-police-gov",
    "zh/scripts-shopping-service",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::lists::pack::Reader;
    use crate::lists::{CountingSink, Sink};
    use crate::model::category::{Category, Family};
    use crate::model::entry::{Entry, ListSpec, Value};

    #[test]
    fn every_pack_file_is_built_in() {
        fn walk(dir: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else if path.extension().is_some_and(|e| e == "pack") {
                    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
                    found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut files = Vec::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packs"), &mut files);
        files.sort();
        let mut built_in: Vec<String> = PACKS.iter().map(|(name, _)| (*name).to_owned()).collect();
        built_in.sort();
        assert_eq!(files, built_in);
    }

    /// Every scam script and illegal trade of the taxonomy has phrases or combinations: Chinese
    /// scripts in Chinese, global ones in English, illegal trades in both.
    #[test]
    fn every_script_category_is_covered() {
        struct Seen(BTreeSet<(bool, &'static str)>, bool);
        impl Sink for Seen {
            fn list(&mut self, _: &ListSpec) {}
            fn entry(&mut self, entry: Entry<'_>) -> Result<(), String> {
                if matches!(entry.value, Value::Keyword(_) | Value::Conjunction(_)) {
                    let category = entry.meta.category.expect("a scored text has a category");
                    self.0.insert((self.1, category.code()));
                }
                Ok(())
            }
        }
        let (mut reader, mut seen) = (Reader::default(), Seen(BTreeSet::new(), false));
        for (name, text) in PACKS {
            seen.1 = name.contains("/zh/");
            if seen.1 || name.contains("/en/") {
                reader.read(name, text.as_bytes(), &mut seen);
            }
        }
        for category in Category::all() {
            let wanted: &[bool] = match category.family() {
                Family::ScriptCn => &[true],
                Family::ScriptGlobal => &[false],
                Family::Illegal => &[true, false],
                _ => &[],
            };
            for chinese in wanted {
                assert!(seen.0.contains(&(*chinese, category.code())), "{category} {chinese}");
            }
        }
    }

    #[test]
    fn every_pack_is_free_of_findings() {
        let (mut reader, mut sink) = (Reader::default(), CountingSink::default());
        for (name, text) in PACKS {
            reader.read(name, text.as_bytes(), &mut sink);
        }
        let lines: Vec<String> = reader.findings().kept.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
        assert!(sink.entries > 1000, "{} entries in {} lists", sink.entries, sink.lists);
    }
}
