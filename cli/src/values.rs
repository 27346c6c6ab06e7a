//! Owns how the values of settings are read that a node and its store share.

use ait_abci::HistoryKept;
use ait_store::Engine;

/// Reads `--store-engine`.
///
/// # Errors
/// For people: what it may be.
pub fn parse_engine(text: &str) -> Result<Engine, String> {
    [Engine::Fjall, Engine::Sled]
        .into_iter()
        .find(|engine| engine.name() == text)
        .ok_or_else(|| "must be fjall or sled".to_owned())
}

/// Reads `--state-history`.
///
/// # Errors
/// For people: what it may be.
pub fn parse_history(text: &str) -> Result<HistoryKept, String> {
    match text.parse() {
        Ok(0) => Ok(HistoryKept::InMemory),
        Ok(blocks) => Ok(HistoryKept::Last(blocks)),
        Err(_) if text == "all" => Ok(HistoryKept::All),
        Err(_) => Err("must be a number of blocks, or all".to_owned()),
    }
}

/// Reads a setting that is on or off.
///
/// # Errors
/// For people: what it may be.
pub fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("must be 0 or 1".to_owned()),
    }
}

/// Reads `--state-cache-mb`.
///
/// # Errors
/// For people: its limits.
pub fn parse_state_cache(text: &str) -> Result<usize, String> {
    let megabytes = text.parse().ok();
    megabytes
        .filter(|megabytes| (8..=1_048_576).contains(megabytes))
        .ok_or_else(|| "must be 8 to 1048576 MiB".to_owned())
}
