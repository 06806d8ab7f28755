//! URLs of sources: https with a host, nothing secret in them; where a redirect leads.

use ureq::http::Uri;

use super::FetchError;

/// Characters of a URL: what servers take.
const URL_CHARS_MAX: usize = 2048;

/// Reads a URL that may be fetched.
pub fn parse(url: &str) -> Result<Uri, FetchError> {
    let refused = |what: &str| Err(FetchError::Url(what.to_owned()));
    if url.len() > URL_CHARS_MAX {
        return refused("the URL is longer than 2048 characters");
    }
    let url = url.split('#').next().unwrap_or("");
    if !url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
        return refused("only https URLs are fetched");
    }
    let Ok(uri) = url.parse::<Uri>() else { return refused("this is no URL") };
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            refused("a URL with a user name is not fetched: it would stand in logs and records")
        }
        Some(authority) if !authority.host().is_empty() => Ok(uri),
        _ => refused("the URL names no host"),
    }
}

/// Where a redirect from `base` leads.
pub fn join(base: &Uri, location: &str) -> Result<Uri, FetchError> {
    let scheme = location.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':'));
    if scheme {
        return parse(location);
    }
    let host = base.authority().map_or("", |authority| authority.as_str());
    if location.starts_with("//") {
        return parse(&format!("https:{location}"));
    }
    let path = base.path();
    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
    parse(&match location.chars().next() {
        Some('/') => format!("https://{host}{location}"),
        Some('?') => format!("https://{host}{path}{location}"),
        _ => {
            let (path, query) = location.split_at(location.find('?').unwrap_or(location.len()));
            format!("https://{host}{}{query}", undotted(&format!("{folder}{path}")))
        }
    })
}

/// A path without `.` and `..` (RFC 3986, 5.2.4).
fn undotted(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}
