//! Owns which names of a settings file are mistakes: a file may serve other programs too, so only what looks like
//! one of ours is looked at. The names that there are, are those that `.env.example` explains.

use strsim::damerau_levenshtein;

use crate::{exit::Usage, output::shell_word};

const EXAMPLE: &str = include_str!("../../.env.example");
/// Names that begin so are nobody else's.
const PREFIX: &str = "AIT_";
/// Read from the environment alone.
const OF_THE_ENVIRONMENT: [&str; 2] = ["AIT_DEVNET_HOME", "COMETBFT"];
/// Letters of a name for each that may be wrong in it.
const LETTERS_PER_MISTAKE: usize = 6;

/// The settings that a file may have.
pub fn known() -> impl Iterator<Item = &'static str> {
    let names = EXAMPLE.lines().filter_map(|line| line.split_once('='));
    names
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with('#') && !name.contains(' '))
}

/// Refuses a name that is none of ours and is meant to be; says of one that may be meant so what it may mean.
///
/// # Errors
/// Names the file, the name and the nearest setting.
pub fn check(name: &str, file: &std::path::Path) -> Result<(), Usage> {
    if known().any(|known| known == name) {
        return Ok(());
    }
    let file = shell_word(file);
    if OF_THE_ENVIRONMENT.contains(&name) {
        return Err(Usage(format!(
            "{name} in {file} has no effect: it is read from the environment alone"
        )));
    }
    let upper = name.to_ascii_uppercase();
    let Some((nearest, distance)) = nearest(&upper) else {
        return Ok(());
    };
    if distance <= (nearest.len() / LETTERS_PER_MISTAKE).max(1) || name.starts_with(PREFIX) {
        return Err(Usage(format!(
            "{name} in {file} is no setting: the nearest one is {nearest}"
        )));
    }
    let family = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    if known().any(|known| family(known) == family(name)) {
        eprintln!("ait: note: {name} in {file} is no setting of ait; the nearest one is {nearest}");
    }
    Ok(())
}

fn nearest(name: &str) -> Option<(&'static str, usize)> {
    known()
        .map(|known| (known, damerau_levenshtein(known, name)))
        .min_by_key(|(_, distance)| *distance)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_misspelt_setting_is_named_with_the_one_that_is_meant() {
        for (name, meant) in [
            ("ADMIN_TOKN", "ADMIN_TOKEN"),
            ("COORDINATOR_URL", "COORDINATOR_URLS"),
            ("CHAINID", "CHAIN_ID"),
            ("RPC_BIDN", "RPC_BIND"),
            ("chain_id", "CHAIN_ID"),
            ("AIT_NODE_URL", "AIT_NODE"),
        ] {
            let error = check(name, Path::new(".env")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} in .env")), "{error}");
            assert!(error.ends_with(meant), "{error}");
        }
        let error = check("COMETBFT", Path::new("my settings")).unwrap_err();
        assert!(error.to_string().contains("'my settings'"), "{error}");
    }

    #[test]
    fn what_other_programs_read_from_the_same_file_is_left_alone() {
        for name in [
            "POSTGRES_PASSWORD",
            "DB_PASS",
            "RUST_LOG",
            "PATH",
            "RPC_URL",
            "X",
        ] {
            assert!(check(name, Path::new(".env")).is_ok(), "{name}");
        }
        for name in known() {
            assert!(check(name, Path::new(".env")).is_ok(), "{name}");
        }
        assert!(known().count() > 20);
    }
}
