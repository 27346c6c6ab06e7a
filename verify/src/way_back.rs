//! Owns the way from a trusted header to an earlier one. Each header has the hash of the one before it, so nothing is
//! asked of signatures, of time, or of how long trust lasts. Fetches nothing.

use serde::Deserialize;
use serde_json::value::RawValue;
use tendermint::Hash;

use crate::{document, rejection::Rejection, signed_header, trusted::Trusted};

/// The way back, block by block.
///
/// ```no_run
/// # use ait_verify::{Rejection, Trusted, WayBack};
/// # fn fetch(height: u64) -> Vec<u8> { unimplemented!() }
/// # fn go_back(trusted: &Trusted, target: u64) -> Result<[u8; 32], Rejection> {
/// let mut way = WayBack::from(trusted);
/// while way.height() > target {
///     way.take(&fetch(way.height()))?;
/// }
/// # Ok(way.hash())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayBack {
    height: u64,
    hash: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow)]
    signed_header: &'a RawValue,
}

impl From<&Trusted> for WayBack {
    fn from(trusted: &Trusted) -> Self {
        Self {
            height: trusted.height(),
            hash: trusted.hash(),
        }
    }
}

impl WayBack {
    /// How far back it led: the block to take next.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The hash of that block's header, which is as trusted as the one at which it began.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Takes the block of [`WayBack::height`], and goes one further back. Reads `{"signed_header": …}`, what `getCommit`
    /// answers; its commit is not judged.
    ///
    /// # Errors
    /// [`Rejection`]: it is malformed, or another block; the first block has none before it.
    pub fn take(&mut self, json: &[u8]) -> Result<(), Rejection> {
        let wire: Wire<'_> = document::read("signed header", json)?;
        let header = signed_header::read(wire.signed_header)?.header;
        let (height, hash) = (header.height.value(), signed_header::hash(&header));
        if height != self.height {
            return Err(Rejection::OtherHeight {
                expected: self.height,
                got: height,
            });
        }
        if hash != self.hash {
            return Err(Rejection::OtherHash {
                height,
                expected: hex::encode_upper(self.hash),
                got: hex::encode_upper(hash),
            });
        }
        match header.last_block_id.map(|before| before.hash) {
            Some(Hash::Sha256(before)) if height > 1 => {
                *self = Self {
                    height: height - 1,
                    hash: before,
                };
                Ok(())
            }
            _ => Err(Rejection::Older {
                trusted: height,
                height: 0,
            }),
        }
    }
}
