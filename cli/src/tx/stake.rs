//! Owns `ait tx stake`: bonds coins; with a consensus key it proves that the sender holds it.

use ait_app::{
    address::Address,
    crypto::SecretKey,
    identifiers::ChainId,
    params::values::possession_bytes,
    quantity::{Positive, Uait},
    staking::stake::{Stake, ValidatorKey},
};
use ait_client::SendError;
use anyhow::Result;
use clap::Args;

use super::submit::{SendOptions, Submission};
use ait_home::{amounts::parse_amount, exit::Usage, keys};

/// `ait tx stake`
#[derive(Debug, Args)]
pub struct StakeArgs {
    /// How much to bond, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    /// The consensus key to validate with, which the account's first stake must prove: CometBFT's
    /// priv_validator_key.json, a key file, a PEM, a seed in hex, or - for standard input. It is the account's
    /// for ever
    #[arg(long, value_name = "FILE|HEX|-")]
    validator_key: Option<String>,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx stake`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: StakeArgs) -> Result<()> {
    let consensus_key = args.validator_key.as_deref().map(consensus_key);
    let consensus_key = consensus_key.transpose()?;
    let submission = Submission::open(&args.options)?;
    let payload = match &consensus_key {
        Some(key) => {
            let chain_id = submission.chain_id().await?;
            first(&chain_id, submission.sender, args.amount, key)
        }
        None => Stake {
            amount: args.amount,
            validator: None,
        },
    };
    submission.submit(payload).await.map_err(|error| {
        let cause = error.downcast_ref::<SendError>();
        if cause.is_some_and(|cause| cause.is("validator_key_missing")) {
            error.context(
                "name the consensus key by --validator-key: it is the account's first stake",
            )
        } else {
            error
        }
    })
}

/// A key that is not shown where it is refused.
fn consensus_key(text: &str) -> Result<SecretKey> {
    keys::secret(text).map_err(|rule| Usage(format!("--validator-key: {rule}")).into())
}

/// The payload of a stake that names its validator key.
fn first(chain_id: &ChainId, sender: Address, amount: Positive<Uait>, key: &SecretKey) -> Stake {
    let pubkey = key.public_key();
    let sig = key.sign(&possession_bytes(chain_id, &sender, &pubkey));
    Stake {
        amount,
        validator: Some(ValidatorKey { pubkey, sig }),
    }
}

#[cfg(test)]
mod tests {
    use ait_app::{quantity::Nonce, tx::Transaction};
    use serde_json::Value;

    use super::*;
    use ait_home::{comet::keys::validator_key_json, exit, files};

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap()
    }

    fn seed_of(name: &str) -> String {
        let vectors = vectors();
        let mut keys = vectors["keys"].as_array().unwrap().iter();
        let key = keys.find(|key| key["name"] == name).unwrap();
        key["secret_seed"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_first_stake_is_that_of_the_vectors() {
        let vectors = vectors();
        let mut cases = vectors["transactions"].as_array().unwrap().iter();
        let case = cases.find(|case| case["name"] == "stake").unwrap();
        let text = |name: &str| case[name].as_str().unwrap();
        let account = keys::parse_seed(text("secret_seed")).unwrap();
        let sender = Address::of(&account.public_key());
        let chain_id: ChainId = text("chain_id").parse().unwrap();
        // The vectors give the validator Bob's key to sign blocks with.
        let seed = seed_of("bob");
        let folder = tempfile::tempdir().unwrap();
        let of_ait = folder.path().join("key.json");
        keys::write(&of_ait, &keys::parse_seed(&seed).unwrap()).unwrap();
        let of_comet = folder.path().join("priv_validator_key.json");
        let json = validator_key_json(&keys::parse_seed(&seed).unwrap());
        files::write_new(&of_comet, json.to_string().as_bytes(), files::SECRET).unwrap();
        for given in [
            seed.as_str(),
            of_ait.to_str().unwrap(),
            of_comet.to_str().unwrap(),
        ] {
            let key = consensus_key(given).unwrap();
            let amount = parse_amount("5ait").unwrap();
            let payload = first(&chain_id, sender, amount, &key);
            let canonical = serde_json::to_string(&payload).unwrap();
            assert_eq!(canonical, text("canonical_payload"));
            let wire: Value = serde_json::from_str(text("wire")).unwrap();
            let nonce = Nonce::constant(wire["nonce"].as_u64().unwrap());
            let fee = Uait::constant(wire["fee"].as_u64().unwrap());
            let tx = Transaction::sign(&chain_id, &account, nonce, fee, payload);
            assert_eq!(String::from_utf8(tx.to_wire()).unwrap(), text("wire"));
        }
    }

    #[test]
    fn a_consensus_key_that_is_none_is_refused_by_its_flag_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("priv_validator_key.json");
        let seed = seed_of("bob");
        let json = validator_key_json(&keys::parse_seed(&seed).unwrap()).to_string();
        let other = validator_key_json(&keys::parse_seed(&seed_of("alice")).unwrap());
        let public = other["pub_key"]["value"].as_str().unwrap();
        let own: Value = serde_json::from_str(&json).unwrap();
        let mixed = json.replacen(own["pub_key"]["value"].as_str().unwrap(), public, 1);
        files::write_new(&path, mixed.as_bytes(), files::SECRET).unwrap();
        let upper = seed.to_uppercase();
        for bad in ["", "/nowhere/key.json", &upper, path.to_str().unwrap()] {
            let error = consensus_key(bad).map(|_| ()).unwrap_err();
            assert!(
                error.to_string().starts_with("--validator-key: "),
                "{error}"
            );
            assert!(!error.to_string().contains(&upper), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE);
        }
    }
}
