//! `ringfence serve`: the embedded default. Loads packs, opens both ports, drains on SIGTERM.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::control::token;
use super::{Failure, PackArgs, packs};
use crate::app::catalogue::{self, PackText};
use crate::app::changes::api::Refusal;
use crate::app::changes::{Changes, Control, Seeded};
use crate::app::clock::SystemClock;
use crate::app::health::Health;
use crate::app::metrics::Metrics;
use crate::app::publisher::Publisher;
use crate::app::screener::Screener;
use crate::app::screening::Clock;
use crate::model::revision::Revision;
use crate::store::{DataDir, SqliteLog, SqliteView};
use crate::telemetry::{self, Format};
use crate::{grpc, http};

/// How often retired rulesets are looked through: a swap is rare, memory is given back soon.
const COLLECT_INTERVAL: Duration = Duration::from_secs(1);

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
    /// Log level, or targets with levels such as `warn,ringfence=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "RINGFENCE_LOG")]
    log: String,
    /// text or json [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    log_format: Option<String>,
    #[command(flatten)]
    packs: PackArgs,
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
    prepare(&args.data_dir)?;
    let start = Instant::now();
    let catalogue = Catalogue::open(args)?;
    let load_time = start.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(args, catalogue, load_time))
}

/// The catalogue with its store.
struct Catalogue {
    publisher: Arc<Publisher>,
    changes: Arc<Changes>,
    seeded: Seeded,
}

impl Catalogue {
    /// Opens the store and compiles what it holds; an empty one begins with the packs.
    fn open(args: &ServeArgs) -> Result<Catalogue, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let dir = Arc::new(DataDir::open(&args.data_dir)?);
        let log = Arc::new(SqliteLog::open(&dir)?);
        if dir.is_read_only() {
            tracing::warn!("the data directory is read-only: no change can be committed");
        } else {
            log.sweep(&log.named_blobs()?)?;
        }
        let packs = packs(args)?;
        let empty =
            catalogue::compile(&[], Revision(0)).map_err(|_| "nothing cannot be compiled")?;
        let publisher = Arc::new(Publisher::new(empty, clock.now()));
        let open = |view: SqliteView| {
            let (publisher, clock) = (Arc::clone(&publisher), Arc::clone(&clock));
            Changes::open(Arc::clone(&log) as Arc<_>, Box::new(view), publisher, clock)
        };
        let kept = if dir.is_read_only() { None } else { kept_view(&dir) };
        let changes = match kept.map(open) {
            Some(Ok(changes)) => changes,
            failed => {
                if let Some(Err(refusal)) = failed {
                    tracing::warn!(%refusal, "the view cannot be kept on disk");
                }
                open(SqliteView::in_memory()?).map_err(refused)?
            }
        };
        let seeded = match changes.seed(&packs) {
            // What is there is better than nothing; the packs wait for room.
            Err(Refusal::Unavailable(what)) if changes.revision() > Revision(0) => {
                tracing::warn!(what, "the packs were not compared");
                Seeded::Same
            }
            seeded => seeded.map_err(refused)?,
        };
        Ok(Catalogue { publisher, changes: Arc::new(changes), seeded })
    }
}

/// The view on disk; made anew where it is damaged, `None` where it cannot be.
fn kept_view(dir: &DataDir) -> Option<SqliteView> {
    let made = SqliteView::open(&dir.view_path()).or_else(|error| {
        tracing::warn!(%error, "the view of the catalogue is made anew from the log");
        SqliteView::create(&dir.view_path())
    });
    made.inspect_err(|error| tracing::warn!(%error, "the view cannot be kept on disk")).ok()
}

fn refused(refusal: Refusal) -> Failure {
    format!("the catalogue cannot be used: {refusal}").into()
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

async fn serve(args: &ServeArgs, catalogue: Catalogue, load_time: Duration) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Catalogue { publisher, changes, seeded } = catalogue;
    let ruleset = Arc::clone(&publisher.load());
    let summary = Summary {
        revision: ruleset.revision.0,
        digest: ruleset.digest.to_string(),
        lists: ruleset.lists(),
        entries: ruleset.entries(),
        load_ms: load_time.as_millis(),
        seeded,
    };
    drop(ruleset);
    let mut config = grpc::Config::new(args.listen);
    config.cores = args.cores.map_or(config.cores, usize::from);
    let metrics = Arc::new(Metrics::new(config.cores));
    let health = Health::new();
    health.set_warm();

    let control = http::Control::bind(
        args.control_listen,
        http::Parts {
            metrics: Arc::clone(&metrics),
            health: health.clone(),
            ruleset: Arc::clone(&publisher) as Arc<_>,
            clock: Arc::clone(&clock),
            grpc: Some(control_service(args, Arc::clone(&changes) as Arc<dyn Control>)?),
        },
    )
    .await
    .map_err(|e| port_failure("control", args.control_listen, &e))?;
    let control_address = control.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let control = tokio::spawn(control.run(stopped));

    let screener = Arc::new(Screener::new(Arc::clone(&publisher), clock));
    let parts = grpc::Parts { screen: screener, metrics, health };
    let mut data =
        grpc::Server::start(config, parts).map_err(|e| port_failure("data", args.listen, &e))?;
    summary.print(data.local_addr(), control_address)?;

    let ended = tokio::select! {
        () = asked_to_stop() => None,
        name = data.ended() => Some(name),
        never = tend(&publisher, &changes) => match never {},
    };
    let drained = data.drain().await;
    // The control port answers until the data port is empty, so that the drain can be watched.
    stop.send_replace(true);
    drop(control.await);
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

/// Gives memory of retired rulesets back, on this thread and never on a data core, and compiles a
/// new base where the overlay has grown.
async fn tend(publisher: &Publisher, changes: &Arc<Changes>) -> std::convert::Infallible {
    let mut tick = tokio::time::interval(COLLECT_INTERVAL);
    loop {
        tick.tick().await;
        publisher.collect();
        let changes = Arc::clone(changes);
        let tended = tokio::task::spawn_blocking(move || changes.tend()).await;
        if let Ok(Err(refusal)) = tended {
            tracing::error!(%refusal, "a new base could not be compiled; the old one stays");
        }
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
    seeded: Seeded,
}

impl Summary {
    fn print(&self, data: SocketAddr, control: SocketAddr) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "ready data={data} control={control} revision={} digest={} lists={} entries={} \
             load_ms={}",
            self.revision, self.digest, self.lists, self.entries, self.load_ms
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
