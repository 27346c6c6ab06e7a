//! Owns what CometBFT says: its lines come out where this program's do, each marked as CometBFT's, and the last ones are
//! kept for the message that tells of its end.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};

/// A longer line is passed on in pieces.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// How many of the last lines are kept.
const KEPT_LINES: usize = 10;
/// How much of each is kept, in characters.
const KEPT_CHARACTERS: usize = 500;
/// The names that every line of this program has.
const OURS: [&str; 6] = [
    "timestamp",
    "level",
    "component",
    "event",
    "message",
    "target",
];
const COMPONENT: &str = "cometbft";

/// What CometBFT says when its consensus ends for good. The process goes on, and makes no more blocks.
const CONSENSUS_FAILURE: &str = "CONSENSUS FAILURE!!!";

/// The last lines, and what they say of the end of consensus.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    lines: VecDeque<String>,
    failure: Option<String>,
}

impl Tail {
    /// Forgets them.
    pub fn clear(&self) {
        *self.said() = Said::default();
    }

    /// All of them, the latest last.
    pub fn text(&self) -> String {
        let said = self.said();
        said.lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    /// Why consensus ended, once it has.
    pub fn failure(&self) -> Option<String> {
        self.said().failure.clone()
    }

    fn keep(&self, line: &str) {
        let mut said = self.said();
        if said.failure.is_none() {
            said.failure = failure_in(line);
        }
        if said.lines.len() >= KEPT_LINES {
            said.lines.pop_front();
        }
        said.lines
            .push_back(line.chars().take(KEPT_CHARACTERS).collect());
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        // Texts are whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why consensus ended, in the line that says so. That line's message is CometBFT's own and nothing else: peers choose
/// words too, such as their names, which stand in other lines and in other fields.
fn failure_in(line: &str) -> Option<String> {
    let reason = match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(fields) => {
            let says = |name: &str, text: &str| fields.get(name).is_some_and(|said| said == text);
            if !(says("_msg", CONSENSUS_FAILURE) && says("level", "error")) {
                return None;
            }
            match fields.get("err") {
                Some(Value::String(text)) => text.clone(),
                other => other.map(Value::to_string).unwrap_or_default(),
            }
        }
        Err(_) => {
            let (level, message) = plain(line)?;
            let reason = message.strip_prefix(CONSENSUS_FAILURE)?;
            (level == "E").then(|| reason.trim().to_owned())?
        }
    };
    Some(reason.chars().take(KEPT_CHARACTERS).collect())
}

/// Level and message of a line such as `I[2026-01-31|12:00:00.000] finalized block   module=state`.
fn plain(line: &str) -> Option<(&str, &str)> {
    let (level, rest) = line.split_once('[')?;
    Some((level, rest.split_once("] ")?.1))
}

/// Passes on what CometBFT prints, until it prints no more.
pub fn pass_on(from: impl Read, json: bool, tail: &Tail) {
    let mut from = BufReader::new(from);
    loop {
        let mut bytes = Vec::new();
        let read = from
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut bytes);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end();
        if line.is_empty() {
            continue;
        }
        tail.keep(line);
        let told = match json {
            true => marked(line),
            false => Some(format!("{COMPONENT}: {line}")),
        };
        match told {
            Some(told) => {
                // In one piece: other threads write lines, too. There is nobody to tell where that fails.
                let _ = io::stdout()
                    .lock()
                    .write_all(format!("{told}\n").as_bytes());
            }
            None => tell(line),
        }
    }
}

/// Logs a line that is no JSON: of a home whose config.toml has no log_format, or outside of CometBFT's log.
fn tell(line: &str) {
    match plain(line) {
        Some(("D", message)) => tracing::debug!(component = COMPONENT, event = "log", message),
        Some(("I", message)) => tracing::info!(component = COMPONENT, event = "log", message),
        Some(("E", message)) => tracing::error!(component = COMPONENT, event = "log", message),
        // What it prints outside of its log is how it fails.
        _ => tracing::error!(component = COMPONENT, event = "output", message = line),
    }
}

/// A line of CometBFT's log in the form of this program's: the same names for the same things, and all of the rest.
fn marked(line: &str) -> Option<String> {
    let mut theirs: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut told = Map::new();
    for (from, to) in [("ts", "timestamp"), ("_msg", "message"), ("level", "level")] {
        told.extend(theirs.remove(from).map(|value| (to.to_owned(), value)));
    }
    if let Some(Value::String(level)) = told.get_mut("level") {
        level.make_ascii_uppercase();
    }
    for (name, value) in [
        ("component", COMPONENT),
        ("event", "log"),
        ("target", COMPONENT),
    ] {
        told.insert(name.to_owned(), value.into());
    }
    told.extend(theirs.into_iter().map(|(name, value)| {
        let is_taken = OURS.contains(&name.as_str());
        let name = if is_taken {
            format!("{COMPONENT}_{name}")
        } else {
            name
        };
        (name, value)
    }));
    Some(Value::Object(told).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cometbft_has_the_names_of_ours_and_loses_nothing() {
        let line = r#"{"_msg":"finalized block","event":"x","height":7,"level":"info","module":"state","ts":"2026-01-01T00:00:00Z"}"#;
        let told: Value = serde_json::from_str(&marked(line).unwrap()).unwrap();
        let expected = serde_json::json!({
            "timestamp": "2026-01-01T00:00:00Z",
            "level": "INFO",
            "component": "cometbft",
            "event": "log",
            "target": "cometbft",
            "message": "finalized block",
            "cometbft_event": "x",
            "height": 7,
            "module": "state",
        });
        assert_eq!(told, expected);
        for other in ["panic: runtime error", "[]", "7", ""] {
            assert_eq!(marked(other), None, "{other}");
        }
    }

    #[test]
    fn the_end_of_consensus_is_what_cometbft_says_and_never_what_a_peer_is_called() {
        let failure = |line: &str| {
            let tail = Tail::default();
            pass_on(line.as_bytes(), true, &tail);
            tail.failure()
        };
        let json =
            r#"{"_msg":"CONSENSUS FAILURE!!!","err":"no space left","level":"error","stack":"x"}"#;
        assert_eq!(failure(json).as_deref(), Some("no space left"));
        let text = "E[2026-01-31|12:00:00.000] CONSENSUS FAILURE!!!    module=consensus err=full";
        assert_eq!(failure(text).as_deref(), Some("module=consensus err=full"));
        for other in [
            r#"{"_msg":"Added peer","level":"error","peer":"CONSENSUS FAILURE!!!"}"#,
            r#"{"_msg":"CONSENSUS FAILURE!!!","level":"info"}"#,
            r#"{"_msg":"x CONSENSUS FAILURE!!!","level":"error"}"#,
            "I[2026-01-31|12:00:00.000] CONSENSUS FAILURE!!!",
            "E[2026-01-31|12:00:00.000] Stopping peer    peer=\"CONSENSUS FAILURE!!!\"",
            "CONSENSUS FAILURE!!!",
        ] {
            assert_eq!(failure(other), None, "{other}");
        }
    }

    #[test]
    fn the_last_lines_are_kept_and_no_more_of_them_than_people_read() {
        let tail = Tail::default();
        let mut text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        text.push_str(&"x".repeat(200_000));
        pass_on(text.as_bytes(), false, &tail);
        let kept = tail.text();
        assert!(kept.lines().count() <= KEPT_LINES && kept.len() < 10_000);
        assert!(kept.contains("line 99") && !kept.contains("line 9\n"));
    }
}
