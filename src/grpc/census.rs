//! How many connections there are, in all and from each peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::metrics::{Cell, Refusal};

/// Counts connections against the caps. Locked once when one begins and once when it ends.
#[derive(Debug)]
pub(super) struct Census {
    connections_max: usize,
    peer_connections_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    peers: HashMap<IpAddr, usize>,
}

impl Census {
    /// Nobody yet.
    pub fn new(connections_max: usize, peer_connections_max: usize) -> Arc<Census> {
        Arc::new(Census { connections_max, peer_connections_max, counts: Mutex::default() })
    }

    /// Lets a connection in, or says why not.
    pub fn admit(self: &Arc<Census>, peer: IpAddr) -> Result<Permit, Refusal> {
        let peer = network(peer);
        let mut counts = self.counts();
        if counts.total >= self.connections_max {
            return Err(Refusal::GlobalCap);
        }
        let here = counts.peers.get(&peer).copied().unwrap_or(0);
        if here >= self.peer_connections_max {
            return Err(Refusal::PeerCap);
        }
        counts.peers.insert(peer, here + 1);
        counts.total += 1;
        drop(counts);
        Ok(Permit { census: Arc::clone(self), peer })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Two integers are changed in steps that cannot panic: a poisoned lock holds sound counts.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One IPv6 peer can take any address of its /64, so that counts as one.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) >> 64 << 64;
            IpAddr::V6(prefix.into())
        }
    }
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    census: Arc<Census>,
    peer: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.census.counts();
        counts.total = counts.total.saturating_sub(1);
        if let Entry::Occupied(mut entry) = counts.peers.entry(self.peer) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// A connection's place at one core; counts as open until dropped.
pub(super) struct Seat {
    _permit: Permit,
    cell: Arc<Cell>,
}

impl Seat {
    /// Takes a seat.
    pub fn new(permit: Permit, cell: Arc<Cell>) -> Seat {
        cell.connections_opened.add();
        Seat { _permit: permit, cell }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.cell.connections_closed.add();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_hold_and_places_come_back() {
        let census = Census::new(3, 2);
        let [a, b]: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let first = census.admit(a).unwrap();
        let _second = census.admit(a).unwrap();
        assert_eq!(census.admit(a).unwrap_err(), Refusal::PeerCap);
        let _third = census.admit(b).unwrap();
        assert_eq!(census.admit(b).unwrap_err(), Refusal::GlobalCap);
        drop(first);
        drop(census.admit(b).unwrap());
        assert!(census.admit(a).is_ok());
        assert_eq!(census.counts().peers.len(), 2, "an absent peer takes no memory");
    }

    #[test]
    fn a_v6_network_is_one_peer() {
        let census = Census::new(9, 1);
        let _held = census.admit("2001:db8::1".parse().unwrap()).unwrap();
        let refused = census.admit("2001:db8::ffff:2".parse().unwrap()).unwrap_err();
        assert_eq!(refused, Refusal::PeerCap);
        assert!(census.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
        let _mapped = census.admit("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert_eq!(census.admit("10.0.0.1".parse().unwrap()).unwrap_err(), Refusal::PeerCap);
    }
}
