//! Lists of domains as ad blockers and resolvers keep them: `0.0.0.0 example.com`,
//! `127.0.0.1 example.com www.example.com`, `||example.com^`, or a domain alone.
//!
//! Names of the machine itself, comments (`#`, `!`) and section marks are passed over.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::lines::LineReader;
use super::{ImportError, Lines, Octets, Options, Record, Step, look};
use crate::model::entry::ListKind;

/// Names that every hosts file opens with.
const OWN_NAMES: [&str; 4] = ["localhost", "localhost.localdomain", "local", "broadcasthost"];

/// Reads a list of domains.
///
/// # Errors
/// The source is no text, or the list is none of domains.
pub fn hosts<'a>(
    source: Octets<'a>,
    options: Options<'a>,
) -> Result<Box<dyn Lines + 'a>, ImportError> {
    options.only_values("a hosts file")?;
    if options.kind != ListKind::Domain {
        let kind = options.kind.as_str();
        let what = format!("a hosts file fills a list of domains, this one is of kind {kind}");
        return Err(ImportError::Header(what));
    }
    let lines = LineReader::new(look::look(source)?);
    Ok(Box::new(Hosts { lines, options, waiting: VecDeque::new() }))
}

struct Hosts<'a> {
    lines: LineReader<'a>,
    options: Options<'a>,
    /// Further names of the line read last: at most as many as fit in a line.
    waiting: VecDeque<String>,
}

impl Lines for Hosts<'_> {
    fn read(&mut self, record: &mut Record) -> Result<Step, ImportError> {
        loop {
            if let Some(name) = self.waiting.pop_front() {
                record.begin(self.lines.number());
                return Ok(match record.take("value", &name, &self.options) {
                    Ok(()) => record.check(&self.options).map_or_else(Step::Bad, |()| Step::Row),
                    Err(why) => Step::Bad(why),
                });
            }
            record.begin(self.lines.number() + 1);
            match self.lines.next_line()? {
                None => return Ok(Step::End),
                Some(Err(why)) => return Ok(Step::Bad(why)),
                Some(Ok(line)) => match names(line, &mut self.waiting) {
                    Ok(()) => {}
                    Err(why) => return Ok(Step::Bad(why)),
                },
            }
        }
    }
}

/// The names of one line.
fn names(line: &str, found: &mut VecDeque<String>) -> Result<(), String> {
    let line = line.trim();
    if line.starts_with(['#', '!', '[']) {
        return Ok(());
    }
    if line.starts_with("@@") {
        return Err("an exception (@@): import it into an allowlist".into());
    }
    if let Some(rule) = line.strip_prefix("||") {
        let name = rule.strip_suffix('^').unwrap_or(rule);
        if name.contains(['^', '$', '*', '/', '|']) {
            return Err("a rule with options or a path: only ||example.com^ can be a domain".into());
        }
        found.push_back(name.to_owned());
        return Ok(());
    }
    let text = line.split('#').next().unwrap_or("");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let mapped = words.first().is_some_and(|word| address(word));
    let names = if mapped { &words[1..] } else { &words[..] };
    let fits = if mapped { !names.is_empty() } else { names.len() <= 1 };
    if !fits {
        return Err("expected a domain, or an address and the domains it stands for".into());
    }
    let own = |word: &&&str| {
        let name = word.to_ascii_lowercase();
        OWN_NAMES.contains(&&*name) || name.starts_with("ip6-") || (mapped && **word == words[0])
    };
    found.extend(names.iter().filter(|word| !own(word)).map(|word| (*word).to_owned()));
    Ok(())
}

fn address(word: &str) -> bool {
    // `fe80::1%lo0` carries the name of an interface.
    word.split('%').next().is_some_and(|word| word.parse::<IpAddr>().is_ok())
}
