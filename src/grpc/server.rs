//! Starts the data port, watches its threads, drains it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::util::BoxCloneSyncService;

use crate::app::health::{Component, Health};
use crate::app::metrics::Metrics;
use crate::app::screening::Screen;
use crate::wire::DESCRIPTOR_SET;

use super::Config;
use super::census::Census;
use super::closing::Closing;
use super::core::Core;
use super::dispatch::{RareServices, Services};
use super::listener::{self, Door, HANDOVER_MAX, Listener};
use super::screening::{Desk, Screening};

/// How often grpc.health.v1 follows the process's own fitness: load balancers look once a second
/// at most.
const HEALTH_INTERVAL: Duration = Duration::from_millis(100);
/// What health knows our service as; the empty name is the whole server.
const HEALTH_NAMES: [&str; 2] = ["", "ringfence.screening.v1.ScreeningService"];
/// What a thread may take beyond the drain deadline to end.
const END_SLACK: Duration = Duration::from_secs(1);

/// What the data port works with.
#[derive(Clone)]
pub struct Parts {
    /// Screens attempts.
    pub screen: Arc<dyn Screen>,
    /// Counters: one cell per core.
    pub metrics: Arc<Metrics>,
    /// Fitness of the process.
    pub health: Health,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that still had work at the deadline.
    pub connections_cut: usize,
    /// Threads that did not end in time.
    pub threads_left: usize,
}

/// The running data port.
pub struct Server {
    address: SocketAddr,
    health: Health,
    closing: watch::Sender<bool>,
    ended: mpsc::Receiver<&'static str>,
    threads: usize,
    connections_cut: Arc<AtomicUsize>,
    drain_deadline: Duration,
}

impl Server {
    /// Binds and starts to serve.
    ///
    /// Errors: the address cannot be bound, a thread cannot be started.
    pub fn start(config: Config, parts: Parts) -> io::Result<Server> {
        let socket = listener::bind(config.listen)?;
        let address = socket.local_addr()?;
        let config = Arc::new(config);
        let cores = config.cores.max(1);
        let (give, closing) = Closing::new();
        // Room for every thread to say that it ended, so that none ever waits to.
        let (ended_sender, ended) = mpsc::channel(cores + 1);
        let (reporter, rare) = rare_services()?;
        let mut server = Server {
            address,
            health: parts.health.clone(),
            closing: give,
            ended,
            threads: 0,
            connections_cut: Arc::default(),
            drain_deadline: config.drain_deadline,
        };
        let mut doors = Vec::with_capacity(cores);
        for index in 0..cores {
            let cell = parts.metrics.cell(index);
            let (arrivals, receiver) = mpsc::channel(HANDOVER_MAX);
            doors.push(Door { arrivals, cell: Arc::clone(&cell) });
            let desk = Desk::new(Arc::clone(&parts.screen), Arc::clone(&cell));
            let core = Core {
                arrivals: receiver,
                services: Arc::new(Services::new(Screening(Arc::new(desk)), Arc::clone(&rare))),
                cell,
                closing: closing.clone(),
                config: Arc::clone(&config),
            };
            let cut = Arc::clone(&server.connections_cut);
            let screen = Arc::clone(&parts.screen);
            server.spawn("data-core", Component::DataCore, &ended_sender, async move {
                screen.warm();
                cut.fetch_add(core.run().await, Ordering::Relaxed);
                Ok(())
            })?;
        }
        let listener = Listener {
            socket,
            doors: doors.into(),
            census: Census::new(config.connections_max, config.peer_connections_max),
            preface_timeout: config.preface_timeout,
            closing: closing.clone(),
        };
        let health = parts.health;
        server.spawn("data-listener", Component::DataListener, &ended_sender, async move {
            tokio::select! {
                ended = listener.run() => ended?,
                () = follow_health(&reporter, &health) => {}
            }
            // The listener stopped because it was asked to; the watchers hear of it.
            set_health(&reporter, ServingStatus::NotServing).await;
            Ok(())
        })?;
        tracing::info!(%address, cores, "data port is open");
        Ok(server)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Resolves when a thread has ended that nobody asked to: the process should end as well.
    /// Gives the thread's name.
    pub async fn ended(&mut self) -> &'static str {
        match self.ended.recv().await {
            Some(name) => {
                self.threads -= 1;
                name
            }
            None => "all",
        }
    }

    /// Stops accepting, tells health watchers and clients, answers what is in progress, and ends.
    pub async fn drain(mut self) -> Drained {
        self.health.set_draining();
        self.closing.send_replace(true);
        let all = async {
            while self.threads > 0 && self.ended.recv().await.is_some() {
                self.threads -= 1;
            }
        };
        let _ = tokio::time::timeout(self.drain_deadline + END_SLACK, all).await;
        let connections_cut = self.connections_cut.load(Ordering::Relaxed);
        let drained = Drained { connections_cut, threads_left: self.threads };
        tracing::info!(connections_cut, threads_left = self.threads, "data port is closed");
        drained
    }

    /// A named thread with a runtime of its own that runs `task`; its end is always noticed.
    fn spawn(
        &mut self,
        name: &'static str,
        component: Component,
        ended: &mpsc::Sender<&'static str>,
        task: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = self.health.guard(component);
        let note = EndNote { name, ended: ended.clone() };
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Dropped in a panic too, and in this order: first unfit, then ended.
            let (_note, guard) = (note, guard);
            match runtime.block_on(task) {
                Ok(()) => guard.done(),
                Err(error) => tracing::error!(name, %error, "a thread of the data port failed"),
            }
        })?;
        self.threads += 1;
        Ok(())
    }
}

/// Says that its thread ended, when dropped.
struct EndNote {
    name: &'static str,
    ended: mpsc::Sender<&'static str>,
}

impl Drop for EndNote {
    fn drop(&mut self) {
        // There is room for every thread; a receiver that is gone does not care.
        let _ = self.ended.try_send(self.name);
    }
}

/// Health and reflection, shared by all cores.
fn rare_services() -> io::Result<(HealthReporter, RareServices)> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = reflection().build_v1().map_err(io::Error::other)?;
    let v1alpha = reflection().build_v1alpha().map_err(io::Error::other)?;
    let rare: RareServices = Arc::new([
        ("/grpc.health.v1.Health/", BoxCloneSyncService::new(health)),
        ("/grpc.reflection.v1.ServerReflection/", BoxCloneSyncService::new(v1)),
        ("/grpc.reflection.v1alpha.ServerReflection/", BoxCloneSyncService::new(v1alpha)),
    ]);
    Ok((reporter, rare))
}

/// Keeps grpc.health.v1 at what the process says of itself; never ends.
async fn follow_health(reporter: &HealthReporter, health: &Health) {
    let mut said = None;
    loop {
        let ready = health.is_ready();
        if said != Some(ready) {
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            set_health(reporter, status).await;
            said = Some(ready);
        }
        tokio::time::sleep(HEALTH_INTERVAL).await;
    }
}

async fn set_health(reporter: &HealthReporter, status: ServingStatus) {
    for name in HEALTH_NAMES {
        reporter.set_service_status(name, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server without threads, and where its threads say that they ended.
    fn bare() -> (Server, mpsc::Sender<&'static str>) {
        let (sender, ended) = mpsc::channel(4);
        let server = Server {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            health: Health::new(),
            closing: Closing::new().0,
            ended,
            threads: 0,
            connections_cut: Arc::default(),
            drain_deadline: Duration::from_millis(50),
        };
        (server, sender)
    }

    #[tokio::test]
    async fn a_thread_that_fails_or_panics_is_noticed() {
        let failing = async { Err(io::Error::other("asked to")) };
        let (mut server, ended) = bare();
        server.spawn("a", Component::DataCore, &ended, failing).unwrap();
        assert_eq!(server.ended().await, "a");
        assert!(!server.health.is_live());

        let (mut server, ended) = bare();
        let panicking = async { panic!("asked to") };
        server.spawn("b", Component::DataListener, &ended, panicking).unwrap();
        assert_eq!(server.ended().await, "b");
        assert!(!server.health.is_live());

        let (mut server, ended) = bare();
        server.spawn("c", Component::DataCore, &ended, async { Ok(()) }).unwrap();
        assert_eq!(server.ended().await, "c");
        assert!(server.health.is_live());
    }

    #[tokio::test]
    async fn a_thread_that_does_not_end_is_counted() {
        let (mut server, ended) = bare();
        let endless = async {
            std::future::pending::<()>().await;
            Ok(())
        };
        server.spawn("d", Component::DataCore, &ended, endless).unwrap();
        assert_eq!(server.drain().await.threads_left, 1);
    }

    #[test]
    fn a_taken_address_is_an_error() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = listener::bind(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
