//! Owns the command `ait genesis`: its flags, and what it writes and prints.

use std::{collections::BTreeMap, path::PathBuf, time::SystemTime};

use ait_app::{
    address::Address,
    crypto::PublicKey,
    identifiers::ChainId,
    params::{ParamKey, ParamValue, values::Authority},
    quantity::Uait,
};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use ait_home::{
    amounts::parse_uait,
    exit::Usage,
    files,
    genesis::{DEFAULT_EVIDENCE_AGE, GenesisPlan, ParamArgs, build, parse_power},
    output,
    settings::{DEFAULT_CHAIN_ID, parse_chain_id},
};

/// `ait genesis`
#[derive(Debug, Args)]
pub struct GenesisArgs {
    /// Where to write it; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The chain's name
    #[arg(long, env = "CHAIN_ID", default_value = DEFAULT_CHAIN_ID, value_parser = parse_chain_id)]
    chain_id: ChainId,
    /// The account that may change params
    #[arg(long, value_name = "ADDRESS")]
    admin: Address,
    /// A validator: the account that earns its fees, its consensus key, its voting power (1 if not
    /// given); at least one
    #[arg(long = "authority", value_name = "ADDRESS=PUBKEY[:POWER]", value_parser = parse_authority)]
    authorities: Vec<Authority>,
    /// A registered coordinator and the key that signs its attestations
    #[arg(long = "coordinator", value_name = "ADDRESS=PUBKEY", value_parser = parse_coordinator)]
    coordinators: Vec<(Address, PublicKey)>,
    /// An account and its balance, in uait or such as 1.5ait
    #[arg(long = "account", value_name = "ADDRESS=AMOUNT", value_parser = parse_account)]
    accounts: Vec<(Address, Uait)>,
    /// Any other param (docs/PROTOCOL.md section 5) and its value in JSON, such as epoch_blocks=20
    #[arg(long = "param", value_name = "NAME=JSON", value_parser = parse_param)]
    params: Vec<(String, Value)>,
    /// Blocks after which evidence of equivocation counts no more; unbonding_blocks must be at least
    /// this, epoch_blocks and 2 together
    #[arg(long, value_name = "BLOCKS", default_value_t = DEFAULT_EVIDENCE_AGE, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    evidence_age: u64,
    #[command(flatten)]
    configured: ParamArgs,
    /// When the chain begins, such as 2030-01-31T12:00:00Z; now if not given
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_rfc3339)]
    genesis_time: Option<SystemTime>,
}

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    chain_id: ChainId,
    accounts: usize,
    supply: u64,
    authorities: usize,
    coordinators: usize,
}

/// Runs `ait genesis`.
///
/// # Errors
/// What went wrong, for people; then nothing was written.
pub fn run(args: GenesisArgs) -> Result<()> {
    let out = args.out.clone();
    let plan = plan(args)?;
    let text = build(&plan)?;
    files::write_new(&out, text.as_bytes(), files::PUBLIC)?;
    output::done(&Report {
        file: out,
        chain_id: plan.chain_id,
        accounts: plan.accounts.len(),
        supply: plan.accounts.values().map(|balance| balance.get()).sum(),
        authorities: plan.authorities.len(),
        coordinators: plan.coordinators.len(),
    })
}

fn plan(args: GenesisArgs) -> Result<GenesisPlan> {
    let mut params = args.configured.params();
    params.extend(unique("--param", args.params)?);
    Ok(GenesisPlan {
        chain_id: args.chain_id,
        time: args.genesis_time.unwrap_or_else(SystemTime::now),
        admin: args.admin,
        authorities: args.authorities,
        coordinators: unique("--coordinator", args.coordinators)?,
        accounts: unique("--account", args.accounts)?,
        params,
        evidence_age: args.evidence_age,
        block_bytes: args.configured.block_bytes,
        protocol: args.configured.protocol,
    })
}

fn unique<K: Ord + ToString, V>(flag: &str, entries: Vec<(K, V)>) -> Result<BTreeMap<K, V>> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        if map.contains_key(&key) {
            bail!(Usage(format!("{flag}: {} is given twice", key.to_string())));
        }
        map.insert(key, value);
    }
    Ok(map)
}

fn split<'a>(text: &'a str, form: &str) -> Result<(&'a str, &'a str), String> {
    text.split_once('=')
        .ok_or_else(|| format!("must have the form {form}"))
}

fn parse_address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|refusal: ait_app::Refusal| refusal.message)
}

fn parse_key(text: &str) -> Result<PublicKey, String> {
    text.parse()
        .map_err(|refusal: ait_app::Refusal| refusal.message)
}

fn parse_authority(text: &str) -> Result<Authority, String> {
    let (address, rest) = split(text, "ADDRESS=PUBKEY[:POWER]")?;
    let (pubkey, power) = rest.split_once(':').unwrap_or((rest, "1"));
    Ok(Authority {
        address: parse_address(address)?,
        power: parse_power(power)?,
        proof: None,
        pubkey: parse_key(pubkey)?,
    })
}

fn parse_coordinator(text: &str) -> Result<(Address, PublicKey), String> {
    let (address, pubkey) = split(text, "ADDRESS=PUBKEY")?;
    Ok((parse_address(address)?, parse_key(pubkey)?))
}

fn parse_account(text: &str) -> Result<(Address, Uait), String> {
    let (address, amount) = split(text, "ADDRESS=AMOUNT")?;
    Ok((parse_address(address)?, parse_uait(amount)?))
}

fn parse_param(text: &str) -> Result<(String, Value), String> {
    let (name, value) = split(text, "NAME=JSON")?;
    let key = ParamKey::named(name).map_err(|refusal| refusal.message)?;
    let json = serde_json::from_str(value).map_err(|error| {
        format!("the value is no JSON ({error}); text stands in quotes of its own: '\"cbp\"'")
    })?;
    // As strictly as the state machine, which sees the text written again.
    ParamValue::read(key, value.as_bytes()).map_err(|refusal| refusal.message)?;
    Ok((name.to_owned(), json))
}

#[cfg(test)]
mod tests {
    use ait_app::crypto::SecretKey;

    use super::*;
    use ait_home::keys::PublicParts;

    #[test]
    fn flags_are_read_exactly() {
        let key = PublicParts::of(&SecretKey::from_seed([2; 32]));
        let (address, pubkey) = (key.address, key.pubkey);
        let authority = parse_authority(&format!("{address}={pubkey}:12")).unwrap();
        assert_eq!((authority.address, authority.power.get()), (address, 12));
        let one = parse_authority(&format!("{address}={pubkey}")).unwrap();
        assert_eq!(one.power.get(), 1);
        assert_eq!(
            parse_account(&format!("{address}=1.5ait")),
            Ok((address, Uait::constant(1_500_000)))
        );
        let zero = format!("{address}={pubkey}:0");
        for bad in ["", "x", "x=y", &format!("{address}={pubkey}:-1"), &zero] {
            assert!(parse_authority(bad).is_err(), "{bad}");
        }
        assert!(parse_param("consensus_mode=cbp").is_err());
        assert!(parse_param("consensus_mode=\"cbp\"").is_ok());
        for bad in ["base_fee=1.5", "base_fee=-1", "epoch_blocks=0", "no_such=1"] {
            assert!(parse_param(bad).is_err(), "{bad}");
        }
        assert!(unique("--account", vec![(address, 1), (address, 2)]).is_err());
    }
}
