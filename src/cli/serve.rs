//! `ringfence serve`: the embedded default. Loads packs, opens both ports, drains on SIGTERM.

#[cfg(feature = "fetch")]
mod sources;
mod start;

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::control::token;
use super::{Failure, PackArgs, packs};
use crate::app::catalogue::PackText;
use crate::app::changes::{Changes, Control, Door, Seeded};
use crate::app::clock::SteadyClock;
use crate::app::health::Health;
use crate::app::metrics::Metrics;
use crate::app::publisher::Publisher;
use crate::app::screener::Screener;
use crate::app::screening::Clock;
use crate::telemetry::{self, Format};
use crate::{grpc, http};
use start::{Catalogue, Images, Store};

/// How often retired rulesets are looked through: a swap is rare, memory is given back soon.
const COLLECT_INTERVAL: Duration = Duration::from_secs(1);

/// How long the ready line waits for the store when there is an image: long enough for most, and
/// within two seconds with what comes before it.
const STORE_WAIT: Duration = Duration::from_millis(1_200);

/// How long an import or a download that still runs may keep the process after the last answer:
/// what they write is durable or not there.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Arguments of `serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// Folder for what must outlive the process; packs in its `packs` folder are loaded too
    #[arg(long, value_name = "DIR", default_value = "ringfence-data", env = "RINGFENCE_DATA_DIR")]
    data_dir: PathBuf,
    /// Data port: gRPC screening
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Control port: metrics and probes
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50052")]
    control_listen: SocketAddr,
    /// Cores that serve [default: all]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Option<u16>,
    /// Listen on other addresses than loopback although there is no TLS and no token yet
    #[arg(long)]
    allow_insecure_listen: bool,
    /// Believe the machine's clock although the last change is dated after it
    #[arg(long)]
    trust_clock: bool,
    /// Log level, or targets with levels such as `warn,ringfence=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "RINGFENCE_LOG")]
    log: String,
    /// text or json [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    log_format: Option<String>,
    #[command(flatten)]
    packs: PackArgs,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    fetch: sources::FetchArgs,
}

/// Runs until it is told to stop or a part of it dies.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    telemetry::init(&args.log, args.log_format.as_deref().and_then(Format::parse))?;
    for address in [args.listen, args.control_listen] {
        if !address.ip().is_loopback() && !args.allow_insecure_listen {
            return Err(format!(
                "refusing to listen on {address}: there is no TLS and no token yet, and whoever \
                 reaches the port may ask; use a loopback address, or --allow-insecure-listen on \
                 a network that you trust"
            )
            .into());
        }
    }
    let start = Instant::now();
    let clock = Arc::new(SteadyClock::new());
    let catalogue = Catalogue::open(args, &clock)?;
    let load_time = start.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(serve(args, clock, catalogue, load_time));
    runtime.shutdown_timeout(LAST_WAIT);
    done
}

/// Makes the data folder and checks that it can be written, before anything depends on it. One that
/// holds a log already is good for screening also where it cannot be written.
fn prepare(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join(".writable");
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, b""))
        .and_then(|()| fs::remove_file(&probe));
    match written {
        Err(error) if !folder.join("log.db").is_file() => Err(format!(
            "the data folder {} cannot be written: {error}; name another one with --data-dir",
            folder.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// The packs that an empty store begins with, and that later starts compare with.
fn packs(args: &ServeArgs) -> Result<Vec<PackText>, Failure> {
    let mut wanted = args.packs.clone();
    let own = args.data_dir.join("packs");
    if own.is_dir() {
        wanted.packs.insert(0, own);
    }
    packs::texts(&wanted)
}

async fn serve(
    args: &ServeArgs,
    clock: Arc<SteadyClock>,
    catalogue: Catalogue,
    load_time: Duration,
) -> Result<(), Failure> {
    let steady = clock;
    let clock: Arc<dyn Clock> = Arc::clone(&steady) as Arc<dyn Clock>;
    let Catalogue { publisher, door, images, dir: _dir, store, seeded } = catalogue;
    let mut config = grpc::Config::new(args.listen);
    config.cores = args.cores.map_or(config.cores, usize::from);
    let metrics = Arc::new(Metrics::new(config.cores));
    let health = Health::new();
    health.set_warm();
    #[cfg(feature = "fetch")]
    sources::ask_in_time(Arc::clone(&door))?;
    let mut reading = store.map(|store| tokio::spawn(read_store(store, health.clone())));

    let control = http::Control::bind(
        args.control_listen,
        http::Parts {
            metrics: Arc::clone(&metrics),
            health: health.clone(),
            ruleset: Arc::clone(&publisher) as Arc<_>,
            clock: Arc::clone(&clock),
            grpc: Some(control_service(args, Arc::clone(&door) as Arc<dyn Control>)?),
        },
    )
    .await
    .map_err(|e| port_failure("control", args.control_listen, &e))?;
    let control_address = control.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let control = tokio::spawn(control.run(stopped));

    let screener = Arc::new(Screener::new(Arc::clone(&publisher), clock));
    let parts = grpc::Parts { screen: screener, metrics, health: health.clone() };
    let mut data =
        grpc::Server::start(config, parts).map_err(|e| port_failure("data", args.listen, &e))?;
    // Attempts are answered from here on; whoever waits for the line may want to change lists.
    let read = match &mut reading {
        Some(reading) => tokio::time::timeout(STORE_WAIT, reading).await.ok(),
        None => Some(Ok(seeded)),
    };
    let store = match read {
        _ if health.is_store_broken() => "broken",
        None => "reading",
        Some(_) => "ok",
    };
    let seeded = read.and_then(Result::ok).unwrap_or(Seeded::Same);
    Summary::new(&publisher, store, load_time, seeded).print(data.local_addr(), control_address)?;

    let images = Arc::new(Mutex::new(images));
    let ended = tokio::select! {
        () = asked_to_stop() => None,
        name = data.ended() => Some(name),
        never = tend(&steady, &publisher, &door, &images) => match never {},
    };
    let drained = data.drain().await;
    let (last, behind) = (Arc::clone(&images), Arc::clone(&door));
    let kept = tokio::task::spawn_blocking(move || keep_image(&last, &behind, Images::write));
    // The control port answers until the data port is empty, so that the drain can be watched.
    stop.send_replace(true);
    drop(control.await);
    drop(kept.await);
    ended_well(ended, &drained)
}

/// Errors: a part died by itself, or not all that was in progress could be answered.
fn ended_well(ended: Option<&str>, drained: &grpc::Drained) -> Result<(), Failure> {
    if let Some(name) = ended {
        return Err(format!("the thread {name} ended by itself; see the log").into());
    }
    if drained.connections_cut > 0 || drained.threads_left > 0 {
        return Err(format!(
            "drain deadline passed: {} connections cut, {} threads left",
            drained.connections_cut, drained.threads_left
        )
        .into());
    }
    Ok(())
}

/// The services of the control port, and the admin token of the first start.
fn control_service(args: &ServeArgs, control: Arc<dyn Control>) -> Result<http::Grpc, Failure> {
    let (digest, made) = token::load_or_make(&args.data_dir)
        .map_err(|e| format!("the admin token cannot be kept: {e}"))?;
    if let Some(token) = made {
        let path = args.data_dir.join(token::FILE);
        writeln!(
            anstream::stderr(),
            "admin token, said only this once: {token}\nneeded from other machines \
             (--token-file); for another one, delete {} and start again",
            path.display()
        )?;
    }
    let gate = grpc::control::Gate { token_sha256: Some(digest) };
    Ok(grpc::control::service(grpc::control::Parts { control, gate })?)
}

/// Reads the store while attempts are screened with the image.
async fn read_store(store: Store, health: Health) -> Seeded {
    let read = tokio::task::spawn_blocking(move || store.open()).await;
    let why = match read {
        Ok(Ok(seeded)) => return seeded,
        Ok(Err(why)) => why,
        Err(error) => error.to_string(),
    };
    health.set_store_broken();
    tracing::error!(
        why,
        "the store cannot be read; screening goes on with the base image, nothing can be changed"
    );
    Seeded::Same
}

/// Gives memory of retired rulesets back, on this thread and never on a data core, compiles a new
/// base where the overlay has grown, and keeps images of bases.
async fn tend(
    clock: &SteadyClock,
    publisher: &Publisher,
    door: &Arc<Door>,
    images: &Arc<Mutex<Images>>,
) -> std::convert::Infallible {
    let mut tick = tokio::time::interval(COLLECT_INTERVAL);
    loop {
        tick.tick().await;
        publisher.collect();
        if clock.follow() {
            start::doubted(clock);
        }
        let Some(changes) = door.changes() else { continue };
        let tended = tokio::task::spawn_blocking(move || changes.tend()).await;
        if let Ok(Err(refusal)) = tended {
            tracing::error!(%refusal, "a new base could not be compiled; the old one stays");
        }
        let (images, door) = (Arc::clone(images), Arc::clone(door));
        let kept = move || keep_image(&images, &door, Images::tend);
        drop(tokio::task::spawn_blocking(kept).await);
    }
}

fn keep_image(images: &Mutex<Images>, door: &Door, keep: fn(&mut Images, &Changes)) {
    if let Some(changes) = door.changes() {
        keep(&mut images.lock().unwrap_or_else(PoisonError::into_inner), &changes);
    }
}

/// Resolves on SIGTERM or SIGINT.
async fn asked_to_stop() {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        tracing::warn!("signals cannot be heard; stop the process by other means");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop, draining");
}

fn port_failure(name: &str, address: SocketAddr, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::AddrInUse => "; is it running already? choose another with",
        _ => "; choose another with",
    };
    let flag = if name == "data" { "--listen" } else { "--control-listen" };
    format!("cannot open the {name} port {address}: {error}{hint} {flag}").into()
}

/// What the ready line says.
struct Summary {
    revision: u64,
    digest: String,
    lists: usize,
    entries: u64,
    load_ms: u128,
    /// ok, reading or broken.
    store: &'static str,
    stale: bool,
    seeded: Seeded,
}

impl Summary {
    fn new(
        publisher: &Publisher,
        store: &'static str,
        load_time: Duration,
        seeded: Seeded,
    ) -> Summary {
        let ruleset = publisher.load();
        Summary {
            revision: ruleset.revision.0,
            digest: ruleset.digest.to_string(),
            lists: ruleset.lists(),
            entries: ruleset.entries(),
            load_ms: load_time.as_millis(),
            store,
            stale: publisher.is_stale(),
            seeded,
        }
    }

    fn print(&self, data: SocketAddr, control: SocketAddr) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "ready data={data} control={control} revision={} digest={} lists={} entries={} \
             load_ms={} store={} stale={}",
            self.revision,
            self.digest,
            self.lists,
            self.entries,
            self.load_ms,
            self.store,
            if self.stale { "yes" } else { "no" }
        )?;
        if let Seeded::Upgrade(id) = self.seeded {
            writeln!(
                out,
                "the packs have changed: change-set {id} waits (ringfence changeset show {id})"
            )?;
        }
        if std::io::stdout().is_terminal() {
            writeln!(
                out,
                "\nnext, from another terminal:\n  \
                 ringfence screen message --from 95588 --to +8613800138000 --text '…'\n  \
                 ringfence screen call --from 110 --to +8613800138000 \
                 --trunk-class international\n  \
                 curl http://{control}/metrics\n\
                 stop with ctrl-c; what is in progress is answered first"
            )?;
        }
        out.flush()
    }
}
