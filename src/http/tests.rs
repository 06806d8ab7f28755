use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::screening::RulesetStatus;
use crate::model::policy::{Action, Traffic};
use crate::model::revision::{Digest, Revision};
use crate::model::time::Timestamp;

use super::*;

struct Fixed;

impl RulesetInfo for Fixed {
    fn ruleset(&self) -> Option<RulesetStatus> {
        let (revision, digest) = (Revision(7), Digest::default());
        Some(RulesetStatus {
            revision,
            digest,
            published: Timestamp(1_000),
            entries: 42,
            stale: true,
        })
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(3_500)
    }
}

struct Started {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    health: Health,
    _stop: watch::Sender<bool>,
}

async fn start() -> Started {
    let (metrics, health) = (Arc::new(Metrics::new(2)), Health::new());
    let parts = Parts {
        metrics: Arc::clone(&metrics),
        health: health.clone(),
        ruleset: Arc::new(Fixed),
        clock: Arc::new(Fixed),
        grpc: None,
    };
    let control = Control::bind("127.0.0.1:0".parse().unwrap(), parts).await.unwrap();
    let address = control.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(control.run(stopped));
    Started { address, metrics, health, _stop: stop }
}

async fn get(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn probes_follow_health() {
    let started = start().await;
    assert!(get(started.address, "GET /livez").await.starts_with("HTTP/1.1 200"));
    assert!(get(started.address, "GET /readyz").await.starts_with("HTTP/1.1 503"));
    started.health.set_warm();
    assert!(get(started.address, "GET /readyz").await.starts_with("HTTP/1.1 200"));
    started.health.set_store_broken();
    let page = get(started.address, "GET /readyz").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("store=broken"), "{page}");
    drop(started.health.guard(Component::DataCore));
    assert!(get(started.address, "GET /livez").await.starts_with("HTTP/1.1 503"));
    assert!(get(started.address, "GET /readyz").await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn metrics_show_the_counters() {
    let started = start().await;
    started.health.set_store_broken();
    started.metrics.cell(1).verdict(Traffic::Call, Action::Allow, Action::Block);
    started.metrics.cell(0).engine.record(Duration::from_micros(3));
    started.metrics.cell(0).panics.add();
    let page = get(started.address, "GET /metrics").await;
    assert!(page.starts_with("HTTP/1.1 200"));
    for line in [
        r#"ringfence_verdicts_total{traffic="call",action="ALLOW",would_action="BLOCK"} 1"#,
        r#"ringfence_screen_duration_seconds_bucket{le="0.000002"} 0"#,
        r#"ringfence_screen_duration_seconds_bucket{le="0.000005"} 1"#,
        r#"ringfence_screen_duration_seconds_bucket{le="+Inf"} 1"#,
        "ringfence_panics_total 1",
        "ringfence_list_revision 7.0",
        "ringfence_list_age_seconds 2.5",
        "ringfence_list_entries 42.0",
        "ringfence_list_stale 1.0",
        "ringfence_store_broken 1.0",
        r#"ringfence_connections_open{core="1"} 0.0"#,
        r#"ringfence_errors_total{code="INTERNAL"} 0"#,
    ] {
        assert!(page.contains(line), "{line} is not in:\n{page}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert!(page.contains(&format!("ringfence_build_info{{version=\"{version}\"}} 1")));
    let series = page.lines().filter(|line| line.starts_with("ringfence_")).count();
    assert!(series < 2_000, "{series} series");
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let started = start().await;
    assert!(get(started.address, "GET /nope").await.starts_with("HTTP/1.1 404"));
    assert!(get(started.address, "POST /metrics").await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let started = start().await;
    let mut stream = TcpStream::connect(started.address).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(HEADER_TIMEOUT * 4, stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection was closed");
}
