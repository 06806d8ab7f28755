//! STIX patterns, as far as a list entry can say them: one comparison, or several with OR.
//!
//! Owns the grammar `[type:path = 'text']`, `IN ('a', 'b')`, `LIKE 'text%'`, joined by OR.
//! Everything that narrows a match (AND, FOLLOWEDBY, NOT, time qualifiers) is refused, because an
//! entry that left it out would match more than its author meant.

/// One value of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Type and path as written: `domain-name:value`.
    pub path: String,
    /// What it is compared with.
    pub text: String,
    /// Only the beginning is compared.
    pub prefix: bool,
}

/// The values of a pattern, in order.
pub fn values(pattern: &str) -> Result<Vec<Value>, String> {
    let mut tokens = tokens(pattern)?.into_iter().peekable();
    let mut values = Vec::new();
    let mut depth = 0_i32;
    let mut joined = true;
    while let Some(token) = tokens.next() {
        match token {
            Token::Sign('[' | '(') => depth += 1,
            Token::Sign(']' | ')') => depth -= 1,
            Token::Word(word) if word.eq_ignore_ascii_case("OR") && !joined => joined = true,
            Token::Word(path) if path.contains(':') && joined && depth > 0 => {
                joined = false;
                comparison(path, &mut tokens, &mut values)?;
            }
            Token::Word(word) => return Err(unsayable(&word)),
            Token::Text(_) | Token::Sign(_) => return Err(broken()),
        }
        if depth < 0 {
            return Err(broken());
        }
    }
    if depth != 0 || joined { Err(broken()) } else { Ok(values) }
}

/// What follows a path: an operator and its texts.
fn comparison(
    path: String,
    tokens: &mut impl Iterator<Item = Token>,
    values: &mut Vec<Value>,
) -> Result<(), String> {
    let operator = tokens.next();
    match operator {
        Some(Token::Sign('=')) => match tokens.next() {
            Some(Token::Text(text)) => values.push(Value { path, text, prefix: false }),
            _ => return Err(broken()),
        },
        Some(Token::Word(word)) if word.eq_ignore_ascii_case("LIKE") => match tokens.next() {
            Some(Token::Text(text)) => {
                let start = text.strip_suffix('%').filter(|start| !start.contains(['%', '_']));
                let start = start.ok_or("LIKE is known only with one % at the end")?;
                values.push(Value { path, text: start.to_owned(), prefix: true });
            }
            _ => return Err(broken()),
        },
        Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => {
            if tokens.next() != Some(Token::Sign('(')) {
                return Err(broken());
            }
            loop {
                match tokens.next() {
                    Some(Token::Text(text)) => {
                        values.push(Value { path: path.clone(), text, prefix: false });
                    }
                    _ => return Err(broken()),
                }
                match tokens.next() {
                    Some(Token::Sign(',')) => {}
                    Some(Token::Sign(')')) => break,
                    _ => return Err(broken()),
                }
            }
        }
        Some(Token::Word(word)) => return Err(unsayable(&word)),
        Some(Token::Sign(sign)) => return Err(unsayable(&sign.to_string())),
        _ => return Err(broken()),
    }
    Ok(())
}

fn broken() -> String {
    "the pattern is no STIX pattern such as [domain-name:value = 'example.com']".into()
}

fn unsayable(word: &str) -> String {
    let word: String = word.chars().take(20).collect();
    format!("the pattern holds {word}, which no list entry can say: only =, IN, LIKE and OR are")
}

/// Characters of a path: every value of a pattern keeps its own copy.
const PATH_CHARS_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(first) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        if first == '\'' {
            tokens.push(Token::Text(quoted(&mut chars)?));
            continue;
        }
        if !first.is_alphanumeric() {
            tokens.push(Token::Sign(first));
            continue;
        }
        let mut word = String::from(first);
        while let Some(next) = chars.peek().copied() {
            // Paths may hold quoted parts and places: `x-a:'b c'[*]`.
            let within = matches!(next, '-' | '_' | ':' | '.') || next.is_alphanumeric();
            if within {
                word.push(next);
                chars.next();
            } else if next == '\'' && word.ends_with([':', '.']) {
                chars.next();
                word += &quoted(&mut chars)?;
            } else if next == '[' && word.contains(':') {
                for part in chars.by_ref() {
                    word.push(part);
                    if part == ']' {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        if word.len() > PATH_CHARS_MAX {
            return Err(broken());
        }
        tokens.push(Token::Word(word));
    }
    Ok(tokens)
}

/// A text up to its closing quote; a backslash takes the next character as it is.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err(broken()),
            Some('\'') => return Ok(text),
            Some('\\') => text.extend(chars.next()),
            Some(c) => text.push(c),
        }
    }
}
