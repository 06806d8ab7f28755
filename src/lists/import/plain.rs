//! Plain lists: one value a line; blank lines and lines that start with `#` say nothing.

use super::lines::LineReader;
use super::{ImportError, Lines, Octets, Options, Record, Step, look};

/// Reads one value a line.
///
/// # Errors
/// The source is no text, or the list needs more than values.
pub fn plain<'a>(
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    options.only_values("a plain list")?;
    Ok(Box::new(Plain { lines: LineReader::new(look::look(source)?), options }))
}

struct Plain<'a> {
    lines: LineReader<'a>,
    options: Options<'a>,
}

impl Lines for Plain<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        loop {
            record.begin(self.lines.number() + 1);
            let line = match self.lines.next_line()? {
                None => return Ok(Step::End),
                Some(Err(why)) => return Ok(Step::Bad(why)),
                Some(Ok(line)) => line.trim(),
            };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            return Ok(match record.take("value", line, &self.options) {
                Ok(()) => record.check(&self.options).map_or_else(Step::Bad, |()| Step::Row),
                Err(why) => Step::Bad(why),
            });
        }
    }
}
