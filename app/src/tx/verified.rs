//! Owns transactions that were read and whose signature was judged.

use super::{
    auth,
    codec::{Transaction, decode_slowly},
    hash::TxHash,
    wire::Wire,
};
use crate::{error::Refusal, identifiers::ChainId};

/// A well-formed transaction whose signature holds on this chain, whatever the state says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTx {
    /// The transaction.
    pub tx: Transaction,
    /// Its hash.
    pub hash: TxHash,
    /// The length of its canonical payload.
    pub payload_bytes: usize,
}

impl VerifiedTx {
    /// Reads wire bytes, accepting the canonical encoding alone, so that one transaction has one
    /// hash, and checks sender and signature.
    ///
    /// # Errors
    /// A code of `auth` (or of a payload's own), with a message that names the field and the limit.
    pub fn verify(wire: &[u8], chain_id: &ChainId) -> Result<Self, Refusal> {
        Self::verify_hashed(wire, TxHash::of(wire), chain_id)
    }

    /// As [`VerifiedTx::verify`], for who knows the hash of the bytes already.
    ///
    /// # Errors
    /// As [`VerifiedTx::verify`].
    pub fn verify_hashed(wire: &[u8], hash: TxHash, chain_id: &ChainId) -> Result<Self, Refusal> {
        let Some(read) = Wire::read(wire) else {
            let (tx, payload_bytes) = decode_slowly(wire)?;
            auth::check_signature(&tx, chain_id)?;
            return Ok(Self::trusted(tx, hash, payload_bytes));
        };
        let key = read.key()?;
        auth::check_wire(&read, &key, chain_id)?;
        let payload_bytes = read.payload_text().len();
        let tx = Transaction::of(read, key.public_key());
        Ok(Self::trusted(tx, hash, payload_bytes))
    }

    pub(crate) fn trusted(tx: Transaction, hash: TxHash, payload_bytes: usize) -> Self {
        Self {
            tx,
            hash,
            payload_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{crypto::SecretKey, prelude::*};

    #[test]
    fn transactions_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["transactions"].as_array().unwrap();
        assert!(cases.len() >= 23);
        for case in cases {
            let name = case["name"].as_str().unwrap();
            let chain_id: ChainId = case["chain_id"].as_str().unwrap().parse().unwrap();
            let wire = case["wire"].as_str().unwrap();
            let verified = VerifiedTx::verify(wire.as_bytes(), &chain_id)
                .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert_eq!(
                verified.hash.to_string(),
                case["hash"].as_str().unwrap(),
                "{name}"
            );
            let payload = case["canonical_payload"].as_str().unwrap();
            assert_eq!(verified.payload_bytes, payload.len(), "{name}");
            let signed = hex::encode(verified.tx.sign_bytes(&chain_id));
            assert_eq!(signed, case["sign_bytes"].as_str().unwrap(), "{name}");
            let mut seed = [0; 32];
            hex::decode_to_slice(case["secret_seed"].as_str().unwrap(), &mut seed).unwrap();
            let tx = verified.tx;
            let again = Transaction::sign(
                &chain_id,
                &SecretKey::from_seed(seed),
                tx.nonce,
                tx.fee,
                tx.payload,
            );
            assert_eq!(String::from_utf8(again.to_wire()).unwrap(), wire, "{name}");
        }
    }
}
