//! Owns transactions that were read and whose signature was judged.

use super::{
    auth,
    codec::{Transaction, decode},
    hash::TxHash,
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
        let (tx, payload_bytes) = decode(wire)?;
        auth::check_signature(&tx, chain_id)?;
        Ok(Self::trusted(tx, TxHash::of(wire), payload_bytes))
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
