//! Who asks: a token, or a name from this machine.
//!
//! Until staff have identities of their own, a person on this machine names themselves; a person
//! elsewhere needs the admin token. Whoever can open a loopback connection can say any name: that
//! is a record of who said they acted, not a proof.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Status};

use crate::app::changes::api::Caller;
use crate::model::catalogue::Actor;

use super::errors;

/// The metadata that names who acts.
const ACTOR: &str = "ringfence-actor";
/// Who acts with the token and without a name.
const ADMIN: &str = "admin";
/// Ours take 64; anything much longer is no token.
const TOKEN_BYTES_MAX: usize = 512;

/// Lets callers in.
#[derive(Clone, Copy, Default)]
pub struct Gate {
    /// SHA-256 of the admin token; `None` where there is none.
    pub token_sha256: Option<[u8; 32]>,
}

impl Gate {
    /// Who sent the request.
    ///
    /// Errors: UNAUTHENTICATED, saying what to do.
    pub(super) fn caller<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        self.decide(request.metadata(), request.extensions())
    }

    fn decide(&self, metadata: &MetadataMap, extensions: &Extensions) -> Result<Caller, Status> {
        let by_token = match metadata.get("authorization") {
            None => false,
            Some(value) if self.is_token(value.as_bytes()) => true,
            Some(_) => return Err(errors::unauthenticated("BAD_TOKEN", BAD_TOKEN)),
        };
        let peer = extensions.get::<SocketAddr>();
        let is_local = peer.is_some_and(|peer| is_loopback(peer.ip()));
        if !by_token && !is_local {
            return Err(errors::unauthenticated("TOKEN_NEEDED", TOKEN_NEEDED));
        }
        let name = match metadata.get(ACTOR).map(|name| name.to_str()) {
            Some(Ok(name)) => name,
            Some(Err(_)) => return Err(errors::unauthenticated("BAD_ACTOR", BAD_ACTOR)),
            None if by_token => ADMIN,
            None => return Err(errors::unauthenticated("ACTOR_NEEDED", ACTOR_NEEDED)),
        };
        // One person is one name, however it is written: else `Anna` could agree to what `anna`
        // drafts.
        let name = name.to_ascii_lowercase();
        // The program's own name would make a person's change look like one of ours.
        let actor = Actor::parse(&name).filter(|actor| *actor != Actor::program());
        match actor {
            Some(actor) => Ok(Caller { actor }),
            None => Err(errors::unauthenticated("BAD_ACTOR", BAD_ACTOR)),
        }
    }

    /// Constant in time for texts of one length: digests are compared, whole.
    fn is_token(&self, authorization: &[u8]) -> bool {
        let Some(expected) = self.token_sha256 else { return false };
        let Some((scheme, token)) = authorization.split_at_checked(7) else { return false };
        if !scheme.eq_ignore_ascii_case(b"bearer ") || token.len() > TOKEN_BYTES_MAX {
            return false;
        }
        let found: [u8; 32] = Sha256::digest(token.trim_ascii()).into();
        let differing = expected.iter().zip(found).fold(0, |differing, (a, b)| differing | (a ^ b));
        std::hint::black_box(differing) == 0
    }
}

const BAD_TOKEN: &str = "the token is not the one of this server: see --token-file; the server \
    prints the token once, at its first start, and keeps only a digest of it";
const TOKEN_NEEDED: &str = "from another machine, a token is needed: send `authorization: Bearer \
    TOKEN` (--token-file), or ask from the server's own machine";
const ACTOR_NEEDED: &str = "say who acts: send `ringfence-actor: NAME` (--as NAME), or bring a \
    token";
const BAD_ACTOR: &str = "the name of who acts must be letters, digits, `.`, `_`, `@` and `-`, at \
    most 64, and not `ringfence`: see --as";

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(gate: &Gate, peer: &str, headers: &[(&'static str, &str)]) -> Result<String, Status> {
        let mut request = Request::new(());
        request.extensions_mut().insert(peer.parse::<SocketAddr>().unwrap());
        for (name, value) in headers {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        gate.caller(&request).map(|caller| caller.actor.to_string())
    }

    #[test]
    fn callers_are_told_apart_and_told_what_to_do() {
        let with = Gate { token_sha256: Some(Sha256::digest(b"secret").into()) };
        let without = Gate::default();
        let (here, mapped, away) = ("127.0.0.1:9", "[::ffff:127.0.0.1]:9", "192.0.2.1:9");
        let token = ("authorization", "Bearer secret");
        let anna = ("ringfence-actor", "anna");
        for (gate, peer, headers, expected) in [
            (&without, here, vec![anna], Ok("anna")),
            (&without, mapped, vec![anna], Ok("anna")),
            (&without, "[::1]:9", vec![anna], Ok("anna")),
            (&without, here, vec![], Err("--as NAME")),
            (&without, away, vec![anna], Err("--token-file")),
            (&without, here, vec![("ringfence-actor", "an na")], Err("letters, digits")),
            (&without, here, vec![("ringfence-actor", "ringfence")], Err("not `ringfence`")),
            (&without, here, vec![("ringfence-actor", "RingFence")], Err("not `ringfence`")),
            (&without, here, vec![("ringfence-actor", "Anna")], Ok("anna")),
            (&without, here, vec![anna, token], Err("not the one of this server")),
            (&with, here, vec![anna], Ok("anna")),
            (&with, away, vec![token], Ok("admin")),
            (&with, away, vec![token, anna], Ok("anna")),
            (&with, away, vec![("authorization", "bearer  secret ")], Ok("admin")),
            (&with, here, vec![anna, ("authorization", "Bearer secre")], Err("not the one")),
            (&with, here, vec![anna, ("authorization", "Basic secret")], Err("not the one")),
            (&with, here, vec![anna, ("authorization", "")], Err("not the one")),
        ] {
            match (ask(gate, peer, &headers), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(status), Err(words)) => {
                    assert_eq!(status.code(), tonic::Code::Unauthenticated);
                    assert!(status.message().contains(words), "{}", status.message());
                }
                (found, _) => panic!("{peer} {headers:?}: {found:?}"),
            }
        }
    }
}
