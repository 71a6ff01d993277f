//! What is known of the client behind each connection that Rocket sees.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rocket::tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Who is at the other end of each connection to Rocket, by the address that Rocket sees.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    table: Arc<Mutex<HashMap<SocketAddr, Peer>>>,
    served: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Peer {
    address: IpAddr,
    gone: CancellationToken,
    breaker: Breaker,
}

/// Breaks one connection off. An answer of unknown length that fails in the middle needs this: Rocket
/// would end it like a complete one.
#[derive(Debug, Clone)]
pub struct Breaker(watch::Sender<bool>);

impl Breaker {
    /// Breaks the connection off. Once this returns, no further byte reaches the client.
    pub async fn break_off(&self) {
        self.0.send_replace(true);
        self.0.closed().await;
    }
}

impl Peers {
    /// Whether the site is served through the wire: then whoever is not in the table is nobody known.
    #[must_use]
    pub fn are_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }

    /// Says that the site is served through the wire.
    pub(super) fn serve(&self) {
        self.served.store(true, Ordering::Relaxed);
    }

    /// The address of whoever speaks on a connection that Rocket got.
    #[must_use]
    pub fn behind(&self, seen: SocketAddr) -> Option<IpAddr> {
        self.table.lock().ok()?.get(&seen).map(|peer| peer.address)
    }

    /// Cancelled once the client of a connection that Rocket got is gone.
    #[must_use]
    pub fn presence(&self, seen: SocketAddr) -> Option<CancellationToken> {
        self.table.lock().ok()?.get(&seen).map(|peer| peer.gone.clone())
    }

    /// What breaks off a connection that Rocket got.
    #[must_use]
    pub fn breaker(&self, seen: SocketAddr) -> Option<Breaker> {
        self.table.lock().ok()?.get(&seen).map(|peer| peer.breaker.clone())
    }

    pub(super) fn enter(
        &self,
        seen: SocketAddr,
        address: IpAddr,
    ) -> (Entered, watch::Receiver<bool>) {
        let gone = CancellationToken::new();
        let (breaker, broken) = watch::channel(false);
        if let Ok(mut table) = self.table.lock() {
            table.insert(seen, Peer { address, gone: gone.clone(), breaker: Breaker(breaker) });
        }
        (Entered { peers: self.clone(), seen, _gone: gone.drop_guard() }, broken)
    }
}

/// A line in [`Peers`], for as long as the connection lasts.
pub(super) struct Entered {
    peers: Peers,
    seen: SocketAddr,
    _gone: DropGuard,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Ok(mut table) = self.peers.table.lock() {
            table.remove(&self.seen);
        }
    }
}
