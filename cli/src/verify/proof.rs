//! Owns what is verified, of either kind: a record of the state, or a transaction in its block.

use ait_app::tx::TxHash;
use ait_home::comet::state_sync::TrustedBlock;
use ait_verify::{
    Bundle, Malformed, Policy, Rejection, Trusted, TxBundle, UnixTime, Verified, VerifiedTx,
};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

/// A proof that a node gave, or that is in a file.
pub enum Proof {
    Record(Bundle),
    Tx(TxBundle),
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    Record(Verified),
    Tx(VerifiedTx),
}

/// As it is shown.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    Record {
        /// The state after this block.
        height: u64,
        key: String,
        /// Null where there is none.
        record: Value,
        app_hash: String,
    },
    Tx {
        /// The block.
        height: u64,
        hash: String,
        /// The code that it ended with; 0: it succeeded.
        code: u32,
        tx: Value,
    },
}

impl Proof {
    /// Reads either kind: the bundle, or an answer with one.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        // Which of the two it is meant to be; each is read strictly then.
        let value: Value = serde_json::from_slice(json).unwrap_or_default();
        let bundle = value.get("proof").unwrap_or(&value);
        if bundle.get("tx_path").is_some() {
            return TxBundle::parse(json).map(Self::Tx);
        }
        Bundle::parse(json).map(Self::Record)
    }

    /// The height of the header that it hangs from.
    pub fn header_height(&self) -> u64 {
        match self {
            Self::Record(bundle) => bundle.header_height(),
            Self::Tx(bundle) => bundle.header_height(),
        }
    }

    /// The chain that the header claims.
    pub fn chain_id(&self) -> &str {
        match self {
            Self::Record(bundle) => bundle.chain_id(),
            Self::Tx(bundle) => bundle.chain_id(),
        }
    }

    /// Verifies it by what is trusted.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify(
        &self,
        trusted: &Trusted,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<Proven, Rejection> {
        match self {
            Self::Record(bundle) => trusted.verify(bundle, now, policy).map(Proven::Record),
            Self::Tx(bundle) => trusted.verify_tx(bundle, now, policy).map(Proven::Tx),
        }
    }

    /// Verifies it where the header that it hangs from is the trusted one.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify_at(&self, block: &TrustedBlock) -> Result<Proven, Rejection> {
        let hash = block.hash.bytes();
        match self {
            Self::Record(bundle) => {
                Trusted::verify_at(block.height, hash, bundle).map(Proven::Record)
            }
            Self::Tx(bundle) => Trusted::verify_tx_at(block.height, hash, bundle).map(Proven::Tx),
        }
    }
}

impl Proven {
    /// The header that it hangs from: its height and hash.
    pub fn header(&self) -> (u64, [u8; 32]) {
        match self {
            Self::Record(verified) => (verified.header_height, verified.header_hash),
            Self::Tx(verified) => (verified.header_height, verified.header_hash),
        }
    }

    /// The chain.
    pub fn chain_id(&self) -> &str {
        match self {
            Self::Record(verified) => &verified.chain_id,
            Self::Tx(verified) => &verified.chain_id,
        }
    }

    /// The time of the header, or of the transaction's block.
    pub fn time(&self) -> UnixTime {
        match self {
            Self::Record(verified) => verified.time,
            Self::Tx(verified) => verified.time,
        }
    }

    /// What it is of: the state key, or the transaction's hash in upper-case hex.
    pub fn subject(&self) -> String {
        match self {
            Self::Record(verified) => verified.key.clone(),
            Self::Tx(verified) => TxHash::of(&verified.tx).to_string(),
        }
    }

    /// As it is shown.
    ///
    /// # Errors
    /// When what was verified is no JSON.
    pub fn shown(&self) -> Result<Shown> {
        let parse = |text: &[u8]| serde_json::from_slice(text).context("it is no JSON");
        Ok(match self {
            Self::Record(verified) => Shown::Record {
                height: verified.height,
                key: verified.key.clone(),
                record: match &verified.value {
                    Some(text) => parse(text.as_bytes())?,
                    None => Value::Null,
                },
                app_hash: hex::encode_upper(verified.app_hash),
            },
            Self::Tx(verified) => Shown::Tx {
                height: verified.height,
                hash: self.subject(),
                code: verified.code,
                tx: parse(&verified.tx)?,
            },
        })
    }
}
