//! The base image in its file: `image` in the data directory.
//!
//! Owns how it gets durable. Must not know what stands in it. Invariant: under the final name there
//! is a whole image or none; a crash leaves the one before.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;

use super::dir;

/// Its name within the data directory.
const NAME: &str = "image";
/// Its name while it is being written.
const UNFINISHED: &str = "image.part";
/// Larger than an image of a hundred million numbers; more is read into memory by nobody.
const IMAGE_BYTES_MAX: u64 = 4 << 30;
/// Octets gathered before they go out.
const BUFFER_BYTES: usize = 1 << 20;

/// Where the image of a data directory is kept.
#[derive(Clone, Debug)]
pub struct ImageFile {
    folder: PathBuf,
}

impl ImageFile {
    /// Of this data directory. Nothing is opened yet.
    pub fn new(folder: impl Into<PathBuf>) -> ImageFile {
        ImageFile { folder: folder.into() }
    }

    /// The octets, not checked; `None` where there is no image.
    ///
    /// Errors: what the system says, or that it is too large to be one.
    pub fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.folder.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.metadata()?.len();
        if length > IMAGE_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let mut octets = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut octets)?;
        Ok(Some(octets))
    }

    /// Puts what `fill` gives, piece by piece, in the place of the image; durable when it returns.
    ///
    /// Errors: those of the system, as soon as `fill` is through; the image before stays then.
    pub fn write(
        &self,
        fill: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), String>,
    ) -> io::Result<()> {
        let part = self.folder.join(UNFINISHED);
        let written = File::create(&part).and_then(|file| {
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
            let mut result = Ok(());
            let filled = fill(&mut |octets| {
                if result.is_ok() {
                    result = out.write_all(octets);
                }
            });
            result?;
            filled.map_err(io::Error::other)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&part, self.folder.join(NAME))) {
            // Room is what may be missing.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        dir::sync(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_before_stays_until_the_next_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = ImageFile::new(folder.path());
        assert_eq!(file.read().unwrap(), None);
        let pieces = |sink: &mut dyn FnMut(&[u8])| {
            sink(b"one ");
            sink(b"image");
            Ok(())
        };
        file.write(pieces).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"one image");
        let torn = file.write(|sink| {
            sink(b"half");
            Err("no more".into())
        });
        assert_eq!(torn.unwrap_err().to_string(), "no more");
        assert_eq!(file.read().unwrap().unwrap(), b"one image");
        assert!(!folder.path().join(UNFINISHED).exists());
        // What a crash left behind is overwritten.
        fs::write(folder.path().join(UNFINISHED), vec![0; 100]).unwrap();
        file.write(pieces).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"one image");
        file.write(|_| Ok(())).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"");
    }
}
