//! Tables, colour and errors for people.

use std::error::Error;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use crate::model::policy::Action;

/// Bold.
pub const BOLD: Style = Style::new().bold();
/// For what matters less.
pub const DIM: Style = Style::new().dimmed();

/// The colour of an action.
pub fn action_style(action: Action) -> Style {
    let colour = match action {
        Action::Allow => AnsiColor::Green,
        Action::Label => AnsiColor::Yellow,
        Action::Hold => AnsiColor::Magenta,
        Action::Block => AnsiColor::Red,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

/// Text in a style, with the reset behind it.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Standard output, for a few lines. Tests run commands as they are and look at what they did, so
/// nothing is printed there.
#[cfg(not(test))]
pub fn stdout() -> impl std::io::Write {
    anstream::stdout().lock()
}

/// See the other one.
#[cfg(test)]
pub fn stdout() -> impl std::io::Write {
    std::io::sink()
}

/// Says on stderr what went wrong, each cause once.
pub fn error(failure: &dyn Error) {
    let style = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    // Nothing is left to be done where stderr is gone.
    drop(writeln!(anstream::stderr(), "{}: {text}", styled(style, "error")));
}

/// Prints a table: a header, rows, columns parted by two spaces; numbers to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let mut widths: Vec<usize> = header.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            widths[at] = widths[at].max(width(cell));
        }
    }
    let mut out = stdout();
    let head: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    writeln!(out, "{}", styled(BOLD, &line(&head, &widths)))?;
    for row in rows {
        writeln!(out, "{}", line(row, &widths))?;
    }
    Ok(())
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, &wide) in cells.iter().zip(widths) {
        let pad = " ".repeat(wide.saturating_sub(width(cell)));
        let number = cell.starts_with(|c: char| c.is_ascii_digit());
        let padded = if number { format!("{pad}{cell}") } else { format!("{cell}{pad}") };
        text.push_str(&padded);
        text.push_str("  ");
    }
    text.trim_end().to_owned()
}

/// Columns a text takes on a terminal: wide for Han and other East Asian characters, none for
/// colour sequences.
fn width(text: &str) -> usize {
    let plain = anstream::adapter::strip_str(text).to_string();
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}');
    plain.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
