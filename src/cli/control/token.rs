//! The admin token of a server: made at its first start, said once, kept as a digest only.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::catalogue::BlobId;

/// The file in the data folder; delete it, and the next start makes another token.
pub const FILE: &str = "admin-token.sha256";
/// 256 bits: nobody guesses it.
const TOKEN_BYTES: usize = 32;

/// The digest of the admin token, and the token itself when it has just been made.
///
/// Errors: the file cannot be read or written, or holds no digest.
pub fn load_or_make(folder: &Path) -> io::Result<([u8; 32], Option<String>)> {
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let wrong = || {
                let text = format!("{} holds no digest: delete it for a new token", path.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            };
            Ok((BlobId::parse(text.trim()).ok_or_else(wrong)?.0, None))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let mut octets = [0; TOKEN_BYTES];
            File::open("/dev/urandom")?.read_exact(&mut octets)?;
            let token = octets.iter().fold("rf-".to_owned(), |mut text, octet| {
                write!(text, "{octet:02x}").expect("a String takes everything");
                text
            });
            let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
            // Whole before it has its name: a crash in between would leave a file without a digest.
            let part = folder.join(format!("{FILE}.part"));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?;
            writeln!(file, "{}", BlobId(digest))?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            Ok((digest, Some(token)))
        }
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_only_its_digest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (digest, token) = load_or_make(folder.path()).unwrap();
        let token = token.expect("the first start says it");
        assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(token.as_bytes())));
        let kept = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!kept.contains(&token) && token.len() > 60);
        assert_eq!(load_or_make(folder.path()).unwrap(), (digest, None));
        fs::write(folder.path().join(FILE), "x").unwrap();
        assert!(load_or_make(folder.path()).is_err());
    }
}
