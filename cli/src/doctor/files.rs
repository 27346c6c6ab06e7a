//! Owns the checks of a home's files: whether they are there and fit together, who may read its secrets, whether the
//! record of what was signed last can be trusted, and what of its `config.toml` differs from what `ait init` writes.

use std::{fs, os::unix::fs::PermissionsExt as _};

use ait_home::{
    comet::{config, keys::consensus_key_of, program, settings::MAX_CONFIG_BYTES},
    files, genesis,
};
use ait_store::Engine;
use serde::Deserialize;

use super::{Finding, Patient};

/// The longest key or state file.
const MOST_BYTES: u64 = 64 * 1024;
/// What others may do to a file, or read of it.
const OTHERS: u32 = 0o077;

/// All of them.
pub(super) fn look(patient: &Patient) -> Vec<Finding> {
    let mut findings = vec![genesis_file(patient), cometbft(), consensus_key(patient)];
    findings.extend(signed_last(patient));
    findings.push(configuration(patient));
    findings
}

fn genesis_file(patient: &Patient) -> Finding {
    const CHECK: &str = "genesis";
    let path = patient.home.genesis();
    let checked =
        files::read_text(&path, genesis::MAX_FILE_BYTES).and_then(|text| genesis::check(&text));
    match checked {
        Ok(chain_id) => Finding::ok(CHECK, format!("of chain {chain_id}")),
        Err(error) => Finding::problem(
            CHECK,
            format!("{error:#}"),
            format!("put the chain's genesis file into {}", path.display()),
        ),
    }
}

fn cometbft() -> Finding {
    const CHECK: &str = "cometbft";
    match program::find() {
        Ok(path) => Finding::ok(CHECK, format!("{} fits", path.display())),
        Err(error) => Finding::problem(
            CHECK,
            format!("{error:#}"),
            "install one that fits, and name it in COMETBFT",
        ),
    }
}

fn consensus_key(patient: &Patient) -> Finding {
    const CHECK: &str = "consensus_key";
    let path = patient.home.config().join("priv_validator_key.json");
    let text = match files::read_text(&path, MOST_BYTES) {
        Ok(text) => text,
        Err(error) => {
            let advice = "take it from a backup, or make the home anew: a node needs one, also where it validates not";
            return Finding::problem(CHECK, format!("{error:#}"), advice);
        }
    };
    let Some(key) = consensus_key_of(&text) else {
        let found = format!("{} holds no key", path.display());
        return Finding::problem(CHECK, found, "take it from a backup");
    };
    let mode = fs::metadata(&path).map_or(0, |found| found.permissions().mode());
    if mode & OTHERS != 0 {
        return Finding::problem(
            CHECK,
            format!(
                "others on this machine may read {} (mode {:o})",
                path.display(),
                mode & 0o777
            ),
            format!("chmod 600 {}", path.display()),
        );
    }
    Finding::ok(CHECK, format!("of {key}, for its owner alone"))
}

/// What a validator signed last.
#[derive(Deserialize)]
struct SignState {
    height: String,
    #[serde(default)]
    signature: Option<String>,
}

/// The double-sign guard: that record must be as new as the blocks that the node has, else it may sign what it signed
/// already. `None` where nothing can be said.
fn signed_last(patient: &Patient) -> Option<Finding> {
    const CHECK: &str = "signed_last";
    let path = patient.home.data().join("priv_validator_state.json");
    let advice = "never start a validator with the record of another time or without one: keep this node stopped for \
                  as long as evidence lasts, or give it a new key";
    let text = match files::read_text(&path, MOST_BYTES) {
        Ok(text) => text,
        Err(error) => return Some(Finding::problem(CHECK, format!("{error:#}"), advice)),
    };
    let state: Option<SignState> = serde_json::from_str(&text).ok();
    let Some((state, signed)) = state.and_then(|state| {
        let height: u64 = state.height.parse().ok()?;
        Some((state, height))
    }) else {
        let found = format!("{} can't be understood", path.display());
        return Some(Finding::problem(CHECK, found, advice));
    };
    if state.signature.is_none() && signed == 0 {
        return Some(Finding::ok(
            CHECK,
            "nothing yet: it never validated, or its home is new",
        ));
    }
    let Some(head) = head_of(patient) else {
        return Some(Finding::ok(CHECK, format!("block {signed}")));
    };
    // A validator that is not elected signs nothing while blocks go on.
    if signed > 0 && head > signed.saturating_add(1) {
        return Some(Finding::warning(
            CHECK,
            format!("block {signed}, and the node has blocks up to {head}"),
            "right where it was no validator meanwhile, or away; where its files come from a backup, it may sign twice: \
             start it only if nothing else signed with its key since",
        ));
    }
    Some(Finding::ok(
        CHECK,
        format!("block {signed}; the node has blocks up to {head}"),
    ))
}

/// The last block of the node's store, where no node holds it.
fn head_of(patient: &Patient) -> Option<u64> {
    if patient.is_running {
        return None;
    }
    let place = &patient.place.store;
    let engine = Engine::of(&place.db_path)?;
    let store = ait_store::open(&place.db_path, place.chain_id.as_str(), engine).ok()?;
    Some(store.head().ok()??.height)
}

fn configuration(patient: &Patient) -> Finding {
    const CHECK: &str = "configuration";
    let path = patient.home.config_file();
    let drift = files::read_text(&path, MAX_CONFIG_BYTES).and_then(|text| config::drift(&text));
    match drift {
        Ok(drift) if drift.is_empty() => Finding::ok(CHECK, "config.toml is as ait init writes it"),
        Ok(drift) => Finding::warning(
            CHECK,
            format!(
                "config.toml differs from what ait init writes: {}",
                drift.join("; ")
            ),
            "each has its reason in cometbft-config/config.toml: take them over, unless yours are meant",
        ),
        Err(error) => Finding::problem(
            CHECK,
            format!("{error:#}"),
            "mend it, or take it from a home that ait init makes anew",
        ),
    }
}
