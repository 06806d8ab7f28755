//! EDGE: lists from URLs.
//!
//! Owns one request over https: redirects, limits, which addresses may be reached. Must not know
//! formats, change-sets or when to ask: `app` is told what came.
//! Invariants: every hop is https and only goes to addresses that were checked, because the
//! connection uses the very addresses that the check saw; no proxy, no cookies, no credentials; a
//! source takes at most [`Limits::octets`] and [`Limits::time`], whatever it answers.

pub mod address;

mod error;
mod url;

use std::io::{Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use ureq::http::header::{CONTENT_LENGTH, ETAG, IF_NONE_MATCH, LOCATION};
use ureq::http::{HeaderMap, HeaderName, Response, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

pub use error::FetchError;

use crate::model::catalogue::BlobId;

/// Redirects that are followed: a source moves once or twice, a loop never ends.
pub const REDIRECTS_MAX: u32 = 3;

/// Characters of an ETag that are kept and sent back.
pub const ETAG_CHARS_MAX: usize = 256;

/// Octets of all headers of one answer.
const HEADER_OCTETS_MAX: usize = 32 * 1024;

/// Octets that are read at once.
const CHUNK_OCTETS: usize = 64 * 1024;

/// How much a source may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets as they come; 512 MiB packed hold more than any list here.
    pub octets: u64,
    /// From the first look-up of a name to the last octet, over all hops.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { octets: 512 << 20, time: Duration::from_secs(10 * 60) }
    }
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Nothing new: the ETag still holds.
    NotModified,
    /// The octets were written out.
    New {
        /// What to ask with next time.
        etag: Option<String>,
        /// Of the octets as they came.
        sha256: BlobId,
        /// How many.
        octets: u64,
    },
}

/// What the operator lets a fetcher do beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Addresses that may be reached though they are not public: a mirror in the carrier's own
    /// network.
    pub addresses: Vec<IpAddr>,
    /// Certificates in PEM that are trusted instead of those built in; empty keeps these.
    pub roots_pem: Vec<u8>,
}

/// Fetches lists.
#[derive(Debug)]
pub struct Fetcher {
    limits: Limits,
    addresses: Vec<IpAddr>,
    roots: RootCerts,
}

impl Fetcher {
    /// A fetcher with these limits.
    ///
    /// # Errors
    /// A certificate cannot be read.
    pub fn new(limits: Limits, trust: Trust) -> Result<Fetcher, FetchError> {
        let roots = if trust.roots_pem.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::from(certificates(&trust.roots_pem)?)
        };
        Ok(Fetcher { limits, addresses: trust.addresses, roots })
    }

    /// Asks a source and writes what is new to `out`; `progress` gets octets so far and, where the
    /// source says it, how many there will be. After an error `out` holds nothing of use.
    ///
    /// # Errors
    /// The URL, an address, an answer or a limit; see [`FetchError`].
    pub fn fetch(
        &self,
        url: &str,
        etag: Option<&str>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + self.limits.time;
        let mut uri = url::parse(url)?;
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.ask(&uri, etag, deadline)?;
            match answer.status().as_u16() {
                200 => return self.take(answer, deadline, out, progress),
                304 if etag.is_some() => return Ok(Fetched::NotModified),
                301 | 302 | 303 | 307 | 308 => {
                    let location = text(answer.headers(), LOCATION);
                    uri = url::join(&uri, location.ok_or(FetchError::Status(302))?)?;
                }
                status => return Err(FetchError::Status(status)),
            }
        }
        Err(FetchError::Redirects)
    }

    fn ask(
        &self,
        uri: &Uri,
        etag: Option<&str>,
        deadline: Instant,
    ) -> Result<Response<Body>, FetchError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::Time(self.limits.time));
        }
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(left))
            .max_response_header_size(HEADER_OCTETS_MAX)
            .max_idle_connections(0)
            .user_agent(concat!("ringfence/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .tls_config(TlsConfig::builder().root_certs(self.roots.clone()).build())
            .build();
        let resolver = Guarded { addresses: self.addresses.clone() };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        let mut request = agent.get(uri.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        request.call().map_err(|e| error::of(e, self.limits.time))
    }

    fn take(
        &self,
        mut answer: Response<Body>,
        deadline: Instant,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Fetched, FetchError> {
        let said = text(answer.headers(), CONTENT_LENGTH).and_then(|said| said.parse().ok());
        let too_large = FetchError::Size(self.limits.octets);
        if said.is_some_and(|said: u64| said > self.limits.octets) {
            return Err(too_large);
        }
        let etag = text(answer.headers(), ETAG).filter(|etag| etag.len() <= ETAG_CHARS_MAX);
        let etag = etag.map(str::to_owned);
        let mut body = answer.body_mut().as_reader();
        let (mut hash, mut octets) = (Sha256::new(), 0_u64);
        let mut chunk = vec![0; CHUNK_OCTETS];
        loop {
            let count = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(error::of(e.into(), self.limits.time)),
            };
            // The library looks at the clock only where it has to wait.
            if Instant::now() >= deadline {
                return Err(FetchError::Time(self.limits.time));
            }
            octets += count as u64;
            if octets > self.limits.octets {
                return Err(too_large);
            }
            hash.update(&chunk[..count]);
            out.write_all(&chunk[..count]).map_err(|e| FetchError::Write(e.to_string()))?;
            progress(octets, said);
        }
        out.flush().map_err(|e| FetchError::Write(e.to_string()))?;
        Ok(Fetched::New { etag, sha256: BlobId(hash.finalize().into()), octets })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, FetchError> {
    let bad = || FetchError::Roots("the file holds no certificates in PEM".into());
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(bad()),
        }
    }
    if found.is_empty() { Err(bad()) } else { Ok(found) }
}

/// Looks names up and gives their addresses only if all of them may be reached.
#[derive(Debug)]
struct Guarded {
    addresses: Vec<IpAddr>,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        for socket in found.iter() {
            let address = socket.ip();
            if self.addresses.contains(&address) {
                continue;
            }
            if let Err(what) = address::public(address) {
                let host = uri.host().unwrap_or("").to_owned();
                return Err(ureq::Error::Other(Box::new(FetchError::Address { host, what })));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
