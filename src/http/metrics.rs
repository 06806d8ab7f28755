//! `/metrics`: the counters of `app` in the words of Prometheus.
//!
//! Labels are closed sets; no number, sender id or text is ever among them. The counters are read
//! when somebody asks, so that the hot path knows nothing of names.

use std::fmt::{Debug, Error};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use crate::app::metrics::{
    BUCKETS_NS, Cell, ErrorCode, FailOpen, Metrics, Refusal, Report, TRAFFIC, Times,
};
use crate::model::policy::Action;
use crate::model::revision::ENGINE_VERSION;

use super::Parts;

const NS_PER_S: f64 = 1e9;

/// Renders the page.
pub(super) struct Page(Registry);

impl Page {
    /// A page that reads `parts`.
    pub fn new(parts: Parts) -> Page {
        let mut registry = Registry::with_prefix("ringfence");
        registry.register_collector(Box::new(Counters(parts)));
        Page(registry)
    }

    /// The page as it is now.
    ///
    /// Errors: never in practice; writing to a string does not fail.
    pub fn render(&self) -> Result<String, Error> {
        let mut page = String::with_capacity(16 * 1024);
        text::encode(&mut page, &self.0)?;
        Ok(page)
    }
}

/// Reads everything when it is asked.
struct Counters(Parts);

impl Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counters")
    }
}

impl Collector for Counters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let metrics = &*self.0.metrics;
        verdicts(&mut encoder, metrics)?;
        let engine = metrics.times(|cell| &cell.engine);
        times(&mut encoder, "screen_duration", "Time in the engine for one attempt", &engine)?;
        let request = metrics.times(|cell| &cell.request);
        times(&mut encoder, "request_duration", "Time from request head to answer", &request)?;
        failures(&mut encoder, metrics)?;
        connections(&mut encoder, metrics)?;
        self.ruleset(&mut encoder)?;
        let help = "How far the machine's time of day, not believed, is ahead; 0 is well";
        let doubt = self.0.clock.doubt_ms() as f64 / 1000.0;
        gauge(&mut encoder, "clock_doubt", help, Some(&Unit::Seconds), doubt)?;
        let name = "build";
        let mut info = encoder.encode_descriptor(name, "What runs", None, MetricType::Info)?;
        info.encode_info(&[("version", ENGINE_VERSION)])
    }
}

impl Counters {
    fn ruleset(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Some(status) = self.0.ruleset.ruleset() else { return Ok(()) };
        let age_ms = self.0.clock.now().0.saturating_sub(status.published.0);
        let revision = status.revision.0 as f64;
        gauge(encoder, "list_revision", "Revision of the ruleset in use", None, revision)?;
        let help = "Time since the ruleset in use was published here";
        gauge(encoder, "list_age", help, Some(&Unit::Seconds), age_ms as f64 / 1000.0)?;
        let entries = status.entries as f64;
        gauge(encoder, "list_entries", "Entries in all lists", None, entries)?;
        let help = "1 while the log, not read yet or unreadable, may hold newer revisions";
        gauge(encoder, "list_stale", help, None, f64::from(u8::from(status.stale)))?;
        let broken = self.0.health.is_store_broken();
        let help = "1 where the store cannot be read and nothing can be changed";
        gauge(encoder, "store_broken", help, None, f64::from(u8::from(broken)))?;
        let Some(watched) = self.0.ruleset.watched() else { return Ok(()) };
        for (name, help, count) in [
            (
                "watch_alerts",
                "Changes that decided too much in their first minute",
                &watched.alerts,
            ),
            ("watch_drops", "Change-sets that dropped such changes to shadow", &watched.drops),
        ] {
            encoder
                .encode_descriptor(name, help, None, MetricType::Counter)?
                .encode_counter::<NoLabelSet, _, u64>(&count.get(), None)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: f64,
) -> Result<(), Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
}

fn verdicts(encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics) -> Result<(), Error> {
    let help = "Verdicts by traffic, action and the action without mode and limits";
    let mut family = encoder.encode_descriptor("verdicts", help, None, MetricType::Counter)?;
    for traffic in TRAFFIC {
        for action in Action::ALL {
            for would in Action::ALL {
                let labels = [
                    ("traffic", traffic.as_str()),
                    ("action", action.as_str()),
                    ("would_action", would.as_str()),
                ];
                let count = metrics.verdicts(traffic, action, would);
                family
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
    }
    Ok(())
}

fn times(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    times: &Times,
) -> Result<(), Error> {
    let unit = Some(&Unit::Seconds);
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    let bounds = BUCKETS_NS.iter().map(|ns| *ns as f64 / NS_PER_S).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(times.buckets).collect();
    let sum = times.sum_ns as f64 / NS_PER_S;
    metric.encode_histogram::<NoLabelSet>(sum, times.count(), &buckets, None)
}

/// A counter family with one label out of a closed set.
fn counters<L: Copy>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    (label, values): (&str, &[L]),
    text: impl Fn(L) -> &'static str,
    count: impl Fn(L) -> u64,
) -> Result<(), Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for value in values {
        family
            .encode_family(&[(label, text(*value))])?
            .encode_counter::<NoLabelSet, _, u64>(&count(*value), None)?;
    }
    Ok(())
}

fn failures(encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics) -> Result<(), Error> {
    let words = ("errors", "Failed requests and items by gRPC code");
    counters(encoder, words, ("code", ErrorCode::ALL), ErrorCode::as_str, |code| {
        metrics.errors(code)
    })?;
    let words = ("fail_open", "Verdicts that callers report as not carried out");
    counters(encoder, words, ("reason", FailOpen::ALL), FailOpen::as_str, |reason| {
        metrics.fail_opens(reason)
    })?;
    let words = ("reports", "Reports taken from the field");
    counters(encoder, words, ("report", Report::ALL), Report::as_str, |report| {
        metrics.reports(report)
    })?;
    let decode_rejects = metrics.sum(|cell| &cell.decode_rejects);
    let panics = metrics.sum(|cell| &cell.panics);
    let deadline_drops = metrics.sum(|cell| &cell.deadline_drops);
    for (name, help, count) in [
        ("decode_rejects", "Requests refused because fields were wrong", decode_rejects),
        ("panics", "Panics contained; each is a bug", panics),
        ("deadline_drops", "Work dropped because its deadline had passed", deadline_drops),
    ] {
        encoder
            .encode_descriptor(name, help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
    }
    Ok(())
}

fn connections(encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics) -> Result<(), Error> {
    let words = ("connections_refused", "Connections of the data port not served");
    counters(encoder, words, ("reason", Refusal::ALL), Refusal::as_str, |reason| {
        metrics.refusals(reason)
    })?;
    let cells: Vec<(usize, &Cell)> = metrics.cells().enumerate().collect();
    let help = "Connections of the data port open now, by core";
    let mut family =
        encoder.encode_descriptor("connections_open", help, None, MetricType::Gauge)?;
    for (core, cell) in &cells {
        let open = cell.connections_open() as f64;
        family.encode_family(&[("core", core.to_string())])?.encode_gauge(&open)?;
    }
    let help = "Connections of the data port served so far, by core";
    let mut family = encoder.encode_descriptor("connections", help, None, MetricType::Counter)?;
    for (core, cell) in &cells {
        let opened = cell.connections_opened.get();
        family
            .encode_family(&[("core", core.to_string())])?
            .encode_counter::<NoLabelSet, _, u64>(&opened, None)?;
    }
    Ok(())
}
