//! Finds the objects of a JSON source without holding more than one: objects one after the other,
//! an array of objects, or those in the array `objects` of one (a STIX bundle).
//!
//! Owns brackets and strings, no more: what is inside an object is read by the JSON parser.
//! Invariant: at most the limit is held; a larger object is passed over and told.

use crate::lists::import::{ImportError, Octets};

/// Brackets within brackets; the JSON parser has the same limit.
const DEPTH_MAX: u32 = 128;

/// The key of a bundle that holds its objects.
const KEY: &[u8] = b"objects";

/// An object with the line on which it starts, or why it is left out.
pub type Found<T> = (u64, Result<T, String>);

/// Reads objects one by one.
pub struct Scanner<'a> {
    source: Octets<'a>,
    limit: usize,
    state: State,
}

struct State {
    line: u64,
    octets: u64,
    depth: u32,
    /// How deep the objects stand that are wanted.
    level: u32,
    in_string: bool,
    escaped: bool,
    /// The string read last at depth 1, cut.
    key: Vec<u8>,
    /// The value that follows is that of the key `objects`.
    at_objects: bool,
    object: Option<Object>,
    held: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Object {
    line: u64,
    too_long: bool,
}

impl<'a> Scanner<'a> {
    /// Reads objects of at most `limit` octets.
    pub fn new(source: Octets<'a>, limit: usize) -> Scanner<'a> {
        let state = State {
            line: 1,
            octets: 0,
            depth: 0,
            level: 0,
            in_string: false,
            escaped: false,
            key: Vec::new(),
            at_objects: false,
            object: None,
            held: Vec::new(),
        };
        Scanner { source, limit, state }
    }

    /// The next object with the line on which it starts; `None` after the last.
    ///
    /// # Errors
    /// The source cannot be read or is no JSON.
    pub fn next_object(&mut self) -> Result<Option<Found<&[u8]>>, ImportError> {
        loop {
            let chunk = match self.source.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            if chunk.is_empty() {
                if self.state.depth > 0 || self.state.in_string {
                    return Err(self.state.wrong("the JSON ends in the middle"));
                }
                return Ok(None);
            }
            let (mut used, mut found) = (0, None);
            for octet in chunk {
                used += 1;
                found = self.state.octet(*octet, self.limit)?;
                if found.is_some() {
                    break;
                }
            }
            self.source.consume(used);
            let Some(object) = found else { continue };
            let held = if object.too_long {
                Err(format!("the object is longer than {} octets", self.limit))
            } else {
                Ok(&self.state.held[..])
            };
            return Ok(Some((object.line, held)));
        }
    }
}

impl State {
    fn wrong(&self, what: &str) -> ImportError {
        ImportError::Form { line: self.line, what: what.to_owned() }
    }

    /// Takes one octet; gives the object that it ends.
    fn octet(&mut self, octet: u8, limit: usize) -> Result<Option<Object>, ImportError> {
        self.octets += 1;
        self.line += u64::from(octet == b'\n');
        if let Some(object) = &mut self.object {
            object.too_long |= self.held.len() == limit;
            if !object.too_long {
                self.held.push(octet);
            }
        }
        if self.in_string {
            self.string(octet);
            return Ok(None);
        }
        match octet {
            b'"' if self.depth > 0 => {
                self.in_string = true;
                if self.depth == 1 {
                    self.key.clear();
                }
            }
            b':' if self.depth == 1 => self.at_objects = self.key == KEY,
            b',' if self.depth == 1 => self.at_objects = false,
            b'{' | b'[' => self.open(octet)?,
            b'}' | b']' => return self.close(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // A byte order mark at the start, a record separator between texts.
            0xef | 0xbb | 0xbf if self.octets <= 3 => {}
            0x1e if self.depth == 0 => {}
            _ if self.depth == 0 => {
                return Err(self.wrong("this is no JSON: expected { or ["));
            }
            _ => {}
        }
        Ok(None)
    }

    fn string(&mut self, octet: u8) {
        match octet {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                return;
            }
            _ => {}
        }
        // One octet more than the key tells a longer string apart.
        if self.depth == 1 && self.key.len() <= KEY.len() {
            self.key.push(octet);
        }
    }

    fn open(&mut self, octet: u8) -> Result<(), ImportError> {
        if octet == b'{' && self.depth == self.level && self.object.is_none() {
            self.object = Some(Object { line: self.line, too_long: false });
            self.held.clear();
            self.held.push(octet);
        }
        if octet == b'[' && self.level == 0 {
            if self.depth == 0 {
                self.level = 1;
            } else if self.depth == 1 && self.at_objects {
                self.level = 2;
                self.object = None;
            }
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong("brackets stand too deep"));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<Option<Object>, ImportError> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.wrong("a bracket closes that was never opened"));
        };
        self.depth = depth;
        if depth == self.level && self.object.is_some() {
            return Ok(self.object.take());
        }
        if self.level > 0 && depth < self.level {
            // The array of objects ends; what stands behind it is not wanted.
            self.level = 0;
            self.at_objects = false;
        }
        Ok(None)
    }
}
