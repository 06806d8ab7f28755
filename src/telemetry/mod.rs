//! TELEMETRY: where log lines go and how they look.
//!
//! Owns the subscriber and the panic hook. There is no log line per request: what happens to
//! requests is counted in `app::metrics`. No number, sender id or text is ever logged.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Format {
    /// From its name on the command line.
    pub fn parse(text: &str) -> Option<Format> {
        match text {
            "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug)]
pub enum Error {
    /// The level or filter cannot be read.
    Filter(tracing_subscriber::filter::ParseError),
    /// There is a subscriber already.
    Installed,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Filter(_) => f.write_str("cannot read the log filter"),
            Error::Installed => f.write_str("logging is set up already"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Filter(cause) => Some(cause),
            Error::Installed => None,
        }
    }
}

/// Logs to standard error from now on. `filter` is a level (`info`) or a list of targets with
/// levels (`warn,ringfence=debug`). Without a format, text goes to a terminal and JSON elsewhere.
///
/// Errors: an unreadable filter; a second call in one process.
pub fn init(filter: &str, format: Option<Format>) -> Result<(), Error> {
    let targets: Targets = filter.parse().map_err(Error::Filter)?;
    let terminal = std::io::stderr().is_terminal();
    let default = if terminal { Format::Text } else { Format::Json };
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(terminal);
    let lines = match format.unwrap_or(default) {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(targets));
    subscriber.try_init().map_err(|_| Error::Installed)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Says where a panic happened. Its words stay out: they may quote a request.
fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name().unwrap_or("?"), "panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_an_error_and_a_second_set_up_too() {
        assert!(matches!(init("ringfence=loud", None), Err(Error::Filter(_))));
        assert!(init("warn,ringfence=debug", Some(Format::Json)).is_ok());
        assert!(matches!(init("info", None), Err(Error::Installed)));
        // Other tests of this process want to see their panics.
        let _ = std::panic::take_hook();
    }

    #[test]
    fn formats_have_names() {
        assert_eq!(Format::parse("json"), Some(Format::Json));
        assert_eq!(Format::parse("text"), Some(Format::Text));
        assert_eq!(Format::parse("xml"), None);
    }
}
