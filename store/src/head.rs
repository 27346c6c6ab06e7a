//! The head record: what the store holds. One value under one key of the database.

use crate::{Head, StoreError, marker::FORMAT};
use std::path::Path;

/// The head with the chain it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainHead {
    pub(crate) chain_id: String,
    pub(crate) head: Head,
}

/// Why a head cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// Of another format than [`FORMAT`].
    Format(u32),
    /// Not a head of any format.
    Undecodable,
}

impl ChainHead {
    /// Format (u32), height (u64), length of the chain id (u32), chain id, meta; integers big-endian.
    pub(crate) fn encode(chain_id: &str, height: u64, meta: &[u8]) -> Vec<u8> {
        let length = u32::try_from(chain_id.len()).unwrap_or(u32::MAX);
        [
            &FORMAT.to_be_bytes()[..],
            &height.to_be_bytes(),
            &length.to_be_bytes(),
            chain_id.as_bytes(),
            meta,
        ]
        .concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let (format, rest) = bytes.split_first_chunk().ok_or(HeadError::Undecodable)?;
        match u32::from_be_bytes(*format) {
            FORMAT => Self::decode_fields(rest).ok_or(HeadError::Undecodable),
            0 => Err(HeadError::Undecodable),
            other => Err(HeadError::Format(other)),
        }
    }

    fn decode_fields(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (chain_id, meta) = rest.split_at_checked(length)?;
        Some(Self {
            chain_id: String::from_utf8(chain_id.to_vec()).ok()?,
            head: Head {
                height: u64::from_be_bytes(*height),
                meta: meta.to_vec(),
            },
        })
    }
}

/// Reads a head record of the store in this folder.
pub(crate) fn read(folder: &Path, bytes: Option<&[u8]>) -> Result<Option<ChainHead>, StoreError> {
    let decoded = bytes.map(ChainHead::decode).transpose();
    decoded.map_err(|error| match error {
        HeadError::Format(found) => StoreError::format(folder, found),
        HeadError::Undecodable => StoreError::Corrupt {
            path: folder.to_owned(),
            detail: "its head record cannot be understood".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for meta in [&b""[..], b"meta", &[7; 3_000]] {
            let encoded = ChainHead::encode("ait-devnet", 7, meta);
            let head = Head {
                height: 7,
                meta: meta.to_vec(),
            };
            let chain_id = "ait-devnet".to_owned();
            assert_eq!(
                ChainHead::decode(&encoded),
                Ok(ChainHead { chain_id, head })
            );
        }
    }

    #[test]
    fn a_head_of_another_format_is_told_apart_from_a_damaged_one() {
        for format in [1, 3] {
            let head = [0, 0, 0, format, 9, 9];
            let expected = Err(HeadError::Format(u32::from(format)));
            assert_eq!(ChainHead::decode(&head), expected);
        }
        for damaged in [&[][..], &[0, 0, 0], &[0, 0, 0, 0], &[0, 0, 0, 2, 0]] {
            let expected = Err(HeadError::Undecodable);
            assert_eq!(ChainHead::decode(damaged), expected, "{damaged:?}");
        }
    }
}
