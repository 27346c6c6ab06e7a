//! Owns what a devnet says on the terminal: steps with their durations, balances before and after,
//! and plain lines. A detached devnet says it into its log too.

use std::{
    fmt::Display,
    fs::File,
    io::{IsTerminal, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};

/// Emphasis of titles and figures.
pub const BOLD: Style = Style::new().bold();
/// What is there for who looks closer.
pub const DIM: Style = Style::new().dimmed();
/// What went well, and what grew.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub const NOTICE: Style = AnsiColor::Yellow.on_default();

/// The width that lines are laid out for, columns.
const WIDTH: usize = 78;
/// A step that takes longer says so.
const SAY_AFTER: Duration = Duration::from_secs(5);

/// `text` in a style.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// uait as AIT with all six decimals: `12.345000`.
pub fn ait(uait: u64) -> String {
    let whole = uait / ait_app::quantity::UAIT_PER_AIT;
    let rest = uait % ait_app::quantity::UAIT_PER_AIT;
    format!("{}.{rest:06}", grouped(whole))
}

/// A count with its thousands apart: `12 345`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The terminal, and the log of a detached devnet.
#[derive(Clone)]
pub struct Console {
    terminal: bool,
    silent: bool,
    log: Option<Arc<Mutex<File>>>,
}

impl Console {
    /// A console that also writes into `log`, without colours.
    pub fn new(log: Option<File>) -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
            silent: false,
            log: log.map(|file| Arc::new(Mutex::new(file))),
        }
    }

    /// From now on only the log gets what is said.
    pub fn forget_terminal(&mut self) {
        self.terminal = false;
        self.silent = true;
    }

    pub fn line(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !self.silent {
            // Nobody may be reading any more; the devnet goes on all the same.
            let _ = writeln!(anstream::stdout(), "{text}");
        }
        if let Some(log) = &self.log
            && let Ok(mut log) = log.lock()
        {
            let _ = writeln!(log, "{}", anstream::adapter::strip_str(text));
        }
    }

    /// An empty line and a title.
    pub fn title(&self, text: &str) {
        self.line("");
        self.line(paint(BOLD, text));
        self.line("");
    }

    /// A name and what it stands for.
    pub fn entry(&self, name: &str, value: impl Display) {
        self.line(format!("  {name:<15} {value}"));
    }

    /// Something that deserves a look.
    pub fn notice(&self, text: &str) {
        self.line(format!("  {} {text}", paint(NOTICE, "!")));
    }

    /// Runs a step: shows that it runs, and how long it took when it is through.
    ///
    /// # Errors
    /// Those of the step.
    pub async fn step<T>(
        &self,
        name: &str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let mut work = std::pin::pin!(work);
        let mut said = Duration::ZERO;
        self.working(name, begun.elapsed());
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            let elapsed = begun.elapsed();
            if self.terminal {
                self.working(name, elapsed);
            } else if elapsed >= said + SAY_AFTER {
                said = elapsed;
                self.line(format!("  … {name}, {} s so far", elapsed.as_secs()));
            }
        };
        self.clear();
        let took = format!("{:.1} s", begun.elapsed().as_secs_f64());
        let room = WIDTH.saturating_sub(4 + name.chars().count());
        match &result {
            Ok(_) => self.line(format!(
                "  {} {name}{}",
                paint(GOOD, "✓"),
                paint(DIM, format!("{took:>room$}"))
            )),
            Err(_) => self.line(format!("  {} {name}", paint(BAD, "✗"))),
        }
        result
    }

    fn working(&self, name: &str, elapsed: Duration) {
        if self.terminal {
            let text = format!(
                "\r  … {name} {}",
                paint(DIM, format!("{} s", elapsed.as_secs()))
            );
            let mut out = anstream::stdout();
            let _ = write!(out, "{text}").and_then(|()| out.flush());
        }
    }

    fn clear(&self) {
        if self.terminal {
            let mut out = anstream::stdout();
            let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_ait_to_the_last_uait() {
        assert_eq!(ait(0), "0.000000");
        assert_eq!(ait(12_345), "0.012345");
        assert_eq!(ait(1_234_567_000_001), "1 234 567.000001");
    }
}
