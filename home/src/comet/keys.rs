//! Owns CometBFT's key files: `priv_validator_key.json`, `priv_validator_state.json` and
//! `node_key.json`, in its amino JSON (ed25519 private keys are base64 of seed and public key).

use ait_app::crypto::{PublicKey, SecretKey, sha256};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const PUBLIC: &str = "tendermint/PubKeyEd25519";
const PRIVATE: &str = "tendermint/PrivKeyEd25519";
const ADDRESS_BYTES: usize = 20;
const SEED_BYTES: usize = 32;

/// CometBFT's address of a key: the first 20 bytes of its sha256.
fn address_bytes(key: &PublicKey) -> Vec<u8> {
    sha256(key.as_bytes())
        .into_iter()
        .take(ADDRESS_BYTES)
        .collect()
}

/// A node's id in `id@host:port`: the lower-case hex address of its node key.
pub fn node_id(key: &SecretKey) -> String {
    hex::encode(address_bytes(&key.public_key()))
}

fn private_json(key: &SecretKey) -> Value {
    let mut bytes = key.seed().to_vec();
    bytes.extend_from_slice(key.public_key().as_bytes());
    json!({ "type": PRIVATE, "value": STANDARD.encode(bytes) })
}

/// `config/priv_validator_key.json`.
pub fn validator_key_json(key: &SecretKey) -> Value {
    let public = key.public_key();
    json!({
        "address": hex::encode_upper(address_bytes(&public)),
        "pub_key": { "type": PUBLIC, "value": STANDARD.encode(public.as_bytes()) },
        "priv_key": private_json(key),
    })
}

/// `data/priv_validator_state.json` of a validator that never signed.
pub fn fresh_validator_state_json() -> Value {
    json!({ "height": "0", "round": 0, "step": 0 })
}

/// `config/node_key.json`.
pub fn node_key_json(key: &SecretKey) -> Value {
    json!({ "priv_key": private_json(key) })
}

/// Whether a text is a `priv_validator_key.json`, be it a damaged one.
pub fn is_consensus_file(text: &str) -> bool {
    let json: Option<Value> = serde_json::from_str(text).ok();
    json.is_some_and(|json| json.get("priv_key").is_some() && json.get("pub_key").is_some())
}

/// The public key in the text of a `priv_validator_key.json`.
pub fn consensus_key_of(text: &str) -> Option<PublicKey> {
    let json: Value = serde_json::from_str(text).ok()?;
    let encoded = json.get("pub_key")?.get("value")?.as_str()?;
    let bytes: [u8; 32] = STANDARD.decode(encoded).ok()?.try_into().ok()?;
    PublicKey::from_bytes(bytes).ok()
}

/// The key in the text of a `priv_validator_key.json`; `None` where it holds none that fits its own
/// public key.
pub fn consensus_secret_of(text: &str) -> Option<SecretKey> {
    let json: Value = serde_json::from_str(text).ok()?;
    let private = json.get("priv_key")?;
    let encoded = private.get("value")?.as_str()?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (seed, public) = bytes.split_first_chunk::<SEED_BYTES>()?;
    let key = SecretKey::from_seed(*seed);
    let fits = private.get("type")?.as_str()? == PRIVATE
        && public == key.public_key().as_bytes()
        && consensus_key_of(text)? == key.public_key();
    fits.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CometBFT 0.38.26 generated itself.
    const GENERATED: &str = r#"{
      "address": "1C304EA8E41A7BC1A80E62800834CF17997F4311",
      "pub_key": {
        "type": "tendermint/PubKeyEd25519",
        "value": "aKSdpWDQSbYftYDdEMDBMd2hTYqJJpcjCr4lTpQyhCY="
      },
      "priv_key": {
        "type": "tendermint/PrivKeyEd25519",
        "value": "kPJ92HEFaiV9Kvwmmwtgu2+1EvLZV0dongzFCy2rBB9opJ2lYNBJth+1gN0QwMEx3aFNiokmlyMKviVOlDKEJg=="
      }
    }"#;

    #[test]
    fn a_validator_key_is_written_as_cometbft_writes_it() {
        let theirs: Value = serde_json::from_str(GENERATED).unwrap();
        let private = theirs["priv_key"]["value"].as_str().unwrap();
        let seed: [u8; 32] = STANDARD.decode(private).unwrap()[..32].try_into().unwrap();
        let key = SecretKey::from_seed(seed);
        assert_eq!(validator_key_json(&key), theirs);
        assert_eq!(consensus_key_of(GENERATED), Some(key.public_key()));
        let read = consensus_secret_of(GENERATED).unwrap();
        assert_eq!(read.seed(), key.seed());
    }

    #[test]
    fn a_validator_key_whose_parts_are_of_different_keys_is_not_read() {
        for (from, to) in [
            ("\"aKSd", "\"aKSe"),
            ("kPJ9", "kPJ8"),
            ("DKEJg==", "DKEJw=="),
            ("PrivKeyEd25519", "PrivKeySecp256k1"),
            ("kPJ92HEF", "kPJ9"),
        ] {
            let text = GENERATED.replacen(from, to, 1);
            assert_ne!(text, GENERATED);
            assert!(consensus_secret_of(&text).is_none(), "{from} -> {to}");
        }
    }

    #[test]
    fn other_json_has_no_consensus_key() {
        for text in ["", "{}", "{\"pub_key\":{\"value\":\"AAAA\"}}"] {
            assert_eq!(consensus_key_of(text), None, "{text}");
        }
    }
}
