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
    use std::path::Path;

    use super::*;
    use crate::lists::CountingSink;
    use crate::lists::pack::Reader;

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
