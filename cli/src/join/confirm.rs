//! Owns what is shown of a network before it is trusted, and the question whether it is. All of it goes to standard
//! error and comes from a terminal: standard output has the report alone.

use std::{
    ffi::OsString,
    io::{self, BufRead, IsTerminal, Read},
    path::Path,
    time::Duration,
};

use ait_home::{comet::state_sync::TrustedBlock, output::shell_word};

use super::{
    error::{Answers, JoinError},
    network::Network,
};

/// The longest answer that is read of a question that is answered by a word.
const MOST_ANSWER_BYTES: u64 = 64;
/// The flag whose value may be a secret.
const SECRET_FLAG: &str = "--validator-seed";

/// Shows what the nodes agree on.
pub fn show(network: &Network, trust_period: Duration, undialled: &Answers) {
    let urls: Vec<&str> = network
        .witnesses
        .iter()
        .map(|node| node.witness.url.as_str())
        .collect();
    eprintln!(
        "chain    {}\nblock    {}\nhash     {}\ntime     {}\nsaid by  {}\ntrusted  for {} from its time on",
        network.chain_id,
        network.height,
        network.block.hash,
        humantime::format_rfc3339_seconds(network.block.time),
        urls.join(", "),
        humantime::format_duration(trust_period),
    );
    if !network.silent.0.is_empty() {
        eprintln!("Left out, since they did not say so:{}", network.silent);
    }
    if !undialled.0.is_empty() {
        eprintln!("Asked, and no peers of the new node:{undialled}");
    }
}

/// Asks whether to trust the block.
///
/// # Errors
/// [`JoinError::NotAsked`] where nobody can answer, [`JoinError::Declined`] for any answer but yes.
pub fn ask(block: &TrustedBlock) -> Result<(), JoinError> {
    if !io::stdin().is_terminal() {
        return Err(JoinError::NotAsked {
            block: *block,
            command: with_trust(std::env::args_os(), block),
        });
    }
    eprint!("Trust this? [y/N] ");
    let mut answer = String::new();
    let read = io::stdin()
        .lock()
        .take(MOST_ANSWER_BYTES)
        .read_line(&mut answer);
    if read.is_ok() && is_yes(&answer) {
        return Ok(());
    }
    Err(JoinError::Declined {
        height: block.height,
        hash: block.hash,
    })
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

/// The command as it was typed, for a shell, with the block to trust. A seed is left out: no message shows one.
fn with_trust(arguments: impl IntoIterator<Item = OsString>, block: &TrustedBlock) -> String {
    let mut words = Vec::new();
    let mut is_secret = false;
    for argument in arguments {
        let text = argument.to_string_lossy();
        let prefix = format!("{SECRET_FLAG}=");
        words.push(match text.strip_prefix(&prefix) {
            Some(secret) => format!("{prefix}{}", without_seed(secret)),
            None if is_secret => without_seed(&text),
            None => shell_word(Path::new(&argument)),
        });
        is_secret = text == SECRET_FLAG;
    }
    words.push(format!("--trust {block}"));
    words.join(" ")
}

fn without_seed(value: &str) -> String {
    match value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => "SEED".to_owned(),
        false => shell_word(Path::new(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for yes in ["y\n", "Y", " yes \n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no", "yess", "yes no"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn the_command_to_repeat_is_whole_for_a_shell_and_shows_no_seed() {
        let block: TrustedBlock = format!("7:{}", "ab".repeat(32)).parse().unwrap();
        let seed = "cd".repeat(32);
        let words = ["ait", "init", "--home", "my node", "--join", "http://a:1"];
        let command = |more: &[&str]| {
            let words = words.iter().chain(more).map(OsString::from);
            with_trust(words, &block)
        };
        let trust = format!("--trust 7:{}", "AB".repeat(32));
        let plain = "ait init --home 'my node' --join http://a:1";
        assert_eq!(command(&[]), format!("{plain} {trust}"));
        let seeded = format!("{plain} --validator-seed SEED {trust}");
        assert_eq!(command(&["--validator-seed", &seed]), seeded);
        let seeded = format!("{plain} --validator-seed=SEED {trust}");
        assert_eq!(command(&[&format!("--validator-seed={seed}")]), seeded);
        let file = command(&["--validator-seed", "key.json"]);
        assert!(file.contains("--validator-seed key.json"), "{file}");
    }
}
