//! Owns light blocks: a signed header, the validators who sign it and those who sign the next.

use serde::Deserialize;
use serde_json::value::RawValue;
use tendermint::{block::signed_header::SignedHeader, validator::Set};

use crate::{
    document,
    malformed::Malformed,
    rejection::Rejection,
    signed_header,
    unix_time::UnixTime,
    validators::{self, Validator},
};

/// A header with its commit, the whole set that signs it, and the set that signs the next block.
///
/// Parsed is not judged: what it says holds once a [`Trusted`](crate::Trusted) state was made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightBlock {
    pub(crate) signed_header: SignedHeader,
    pub(crate) validators: Set,
    next_validators: Option<Set>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow)]
    signed_header: &'a RawValue,
    validators: Vec<Validator>,
    next_validators: Option<Vec<Validator>>,
}

impl LightBlock {
    /// Reads `{"signed_header": …, "validators": [{"pub_key", "power"}], "next_validators": […]}`.
    /// `signed_header` is what CometBFT's RPC answers to `commit`. `next_validators` may be left out where
    /// it is the same set.
    ///
    /// # Errors
    /// [`Malformed`] names the field: one that is unknown, missing, given twice or not written as CometBFT
    /// writes it, a set that is none, and more than [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    pub fn parse(json: &[u8]) -> Result<Self, Malformed> {
        let wire: Wire<'_> = document::read("light block", json)?;
        Ok(Self {
            signed_header: signed_header::read(wire.signed_header)?,
            validators: validators::read("validators", &wire.validators)?,
            next_validators: wire
                .next_validators
                .map(|listed| validators::read("next_validators", &listed))
                .transpose()?,
        })
    }

    /// The header's height, from 1.
    pub fn height(&self) -> u64 {
        self.signed_header.header.height.value()
    }

    /// The header's hash, computed from its fields.
    pub fn hash(&self) -> [u8; 32] {
        signed_header::hash(&self.signed_header.header)
    }

    /// The header's chain.
    pub fn chain_id(&self) -> &str {
        self.signed_header.header.chain_id.as_str()
    }

    /// The header's time.
    pub fn time(&self) -> UnixTime {
        signed_header::time(&self.signed_header.header)
    }

    /// The set that signs the next block.
    pub(crate) fn next_validators(&self) -> &Set {
        self.next_validators.as_ref().unwrap_or(&self.validators)
    }

    /// Whether it holds by itself: [`signed_header::judge`], and the next set is the one that the header
    /// names.
    pub(crate) fn judge(&self) -> Result<(), Rejection> {
        signed_header::judge(&self.signed_header, &self.validators)?;
        let (expected, got) = (
            self.signed_header.header.next_validators_hash,
            self.next_validators().hash(),
        );
        if expected == got {
            return Ok(());
        }
        Err(Rejection::NextValidators {
            expected: expected.to_string(),
            got: got.to_string(),
        })
    }
}
