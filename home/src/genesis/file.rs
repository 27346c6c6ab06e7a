//! Owns the check of a genesis file before anything is made of it: that CometBFT reads it, that it keeps what the
//! protocol fixes (PROTOCOL sections 5.2 and 6.11), and that the state machine starts on it.

use std::collections::BTreeSet;

use ait_app::{
    Failure, block::entry::MOST_BLOCK_BYTES, crypto::PublicKey, genesis::Genesis,
    identifiers::ChainId, state::State, upgrades::record::ProtocolVersion,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Nanoseconds that evidence may last for each block of its age (PROTOCOL section 5.2).
const NANOSECONDS_PER_BLOCK: u64 = 1_000_000_000;

/// CometBFT's genesis file. What it names twice is refused.
#[derive(Deserialize)]
struct File<'a> {
    chain_id: String,
    genesis_time: String,
    #[serde(default)]
    initial_height: Option<String>,
    consensus_params: ConsensusParams,
    #[serde(default)]
    validators: Option<Vec<Validator>>,
    /// As it stands: a name that is there twice would be lost in a tree of values.
    #[serde(borrow)]
    app_state: &'a RawValue,
}

#[derive(Deserialize)]
struct ConsensusParams {
    block: Block,
    evidence: Evidence,
    validator: ValidatorParams,
    #[serde(default)]
    version: Version,
    #[serde(default)]
    abci: Abci,
}

#[derive(Default, Deserialize)]
struct Version {
    #[serde(default)]
    app: Option<String>,
}

#[derive(Deserialize)]
struct Block {
    max_bytes: String,
    max_gas: String,
}

#[derive(Deserialize)]
struct Evidence {
    max_age_num_blocks: String,
    max_age_duration: String,
}

#[derive(Deserialize)]
struct ValidatorParams {
    pub_key_types: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Abci {
    #[serde(default)]
    vote_extensions_enable_height: Option<String>,
}

#[derive(Deserialize)]
struct Validator {
    pub_key: Key,
    power: String,
}

#[derive(Deserialize)]
struct Key {
    value: String,
}

/// Whether a chain can start on the text of a genesis file; gives its chain's name.
///
/// # Errors
/// A message that names what is wrong.
pub fn check(text: &str) -> Result<ChainId> {
    let file: File<'_> =
        serde_json::from_str(text).context("the genesis file is none of this kind of chain")?;
    let chain_id: ChainId = file.chain_id.parse()?;
    OffsetDateTime::parse(&file.genesis_time, &Rfc3339).with_context(|| {
        format!(
            "genesis_time is {:?}, no time such as 2026-01-31T12:00:00Z (RFC 3339)",
            file.genesis_time
        )
    })?;
    let initial_height = match file.initial_height.as_deref() {
        None | Some("0") => 1,
        Some(height) => number("initial_height", height)?,
    };
    let evidence_age = file.consensus_params.check()?;
    let protocol = file.consensus_params.version.protocol()?;
    let parsed = Genesis::parse(file.app_state.get().as_bytes(), evidence_age, protocol)
        .map_err(|refusal| anyhow!("the genesis is refused: {refusal}"))?;
    let state = parsed.state(chain_id.clone(), initial_height);
    let state = state.map_err(|failure| match failure {
        Failure::Refused(refusal) | Failure::Offence(refusal) => {
            anyhow!("the genesis is refused: {refusal}")
        }
        Failure::Violation(violation) => anyhow!("the genesis contradicts itself: {violation}"),
    })?;
    check_validators(file.validators.as_deref().unwrap_or_default(), &state)?;
    Ok(chain_id)
}

fn number(name: &str, text: &str) -> Result<u64> {
    let number = text.parse::<u64>();
    number.with_context(|| format!("{name} of the genesis file is {text:?}, no whole number"))
}

impl Version {
    /// 2 where there is none, or 0, which CometBFT takes for none.
    fn protocol(&self) -> Result<ProtocolVersion> {
        match self.app.as_deref() {
            None | Some("0") => Ok(ProtocolVersion::V2),
            Some(app) => Ok(ProtocolVersion::of(number("version.app", app)?)),
        }
    }
}

impl ConsensusParams {
    /// Gives the age of evidence in blocks.
    fn check(&self) -> Result<u64> {
        // -1 stands for CometBFT's own limit, which is the same.
        let is_size = |bytes: &usize| (1..=MOST_BLOCK_BYTES).contains(bytes);
        let max_bytes = &self.block.max_bytes;
        ensure!(
            max_bytes == "-1" || max_bytes.parse().is_ok_and(|bytes| is_size(&bytes)),
            "block.max_bytes is {max_bytes}, not 1 to {MOST_BLOCK_BYTES} bytes (100 MiB)"
        );
        ensure!(
            self.block.max_gas == "-1",
            "block.max_gas is {}, not -1: this chain knows no gas",
            self.block.max_gas
        );
        ensure!(
            self.validator.pub_key_types == ["ed25519"],
            "validator.pub_key_types is {:?}, not [\"ed25519\"] alone: the first change of validators would halt \
             the chain",
            self.validator.pub_key_types
        );
        let extensions = self.abci.vote_extensions_enable_height.as_deref();
        ensure!(
            matches!(extensions, None | Some("0" | "")),
            "abci.vote_extensions_enable_height is {}, not 0: this chain extends no votes",
            extensions.unwrap_or_default()
        );
        let max_age = number("max_age_num_blocks", &self.evidence.max_age_num_blocks)?;
        let duration = number("max_age_duration", &self.evidence.max_age_duration)?;
        ensure!(
            duration <= max_age.saturating_mul(NANOSECONDS_PER_BLOCK),
            "evidence.max_age_duration is {duration} ns, above 1 s a block of evidence.max_age_num_blocks \
             {max_age}: evidence would outlive what unbonds"
        );
        Ok(max_age)
    }
}

/// Validators in CometBFT's genesis are none, or the authorities with their powers.
fn check_validators(given: &[Validator], state: &State) -> Result<()> {
    let mut named: BTreeSet<(Vec<u8>, String)> = BTreeSet::new();
    for validator in given {
        let key = STANDARD.decode(&validator.pub_key.value);
        named.insert((key.unwrap_or_default(), validator.power.clone()));
    }
    let authorities: BTreeSet<(Vec<u8>, String)> = state
        .sent_validators()
        .iter()
        .map(|(key, authority): (&PublicKey, _)| {
            (key.as_bytes().to_vec(), authority.power.get().to_string())
        })
        .collect();
    if !given.is_empty() && (named.len() != given.len() || named != authorities) {
        bail!("validators must be empty or exactly the authorities of app_state.params");
    }
    Ok(())
}
