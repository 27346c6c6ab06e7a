//! Owns which CometBFT a node runs with: decided by the protocols it speaks, since the version that a build prints may
//! be that of another release (v0.40.0 calls itself 0.39.0).

use serde::Deserialize;

/// ABCI as this project's application speaks it: the first two numbers count, the third is for mends.
const ABCI: (u64, u64) = (2, 0);
/// The form of blocks (CometBFT's `version.BlockProtocol`).
const BLOCK_PROTOCOL: u64 = 11;
/// The oldest that is accepted: the ones before it have known faults. Later ones are newer by this number, too.
const OLDEST: (u64, u64, u64) = (0, 38, 26);
/// What is said to whoever has another.
pub const ACCEPTED: &str =
    "CometBFT 0.38.26 or newer with ABCI 2.0 and block protocol 11, such as v0.38.26 or v0.40.0";

/// What `cometbft version --verbose` prints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// What the build calls itself.
    pub cometbft: String,
    /// The version of ABCI.
    pub abci: String,
    /// The form of blocks.
    pub block_protocol: u64,
}

/// Why a CometBFT is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// What it prints is none of `cometbft version --verbose`.
    #[error("it does not say which protocols it speaks ({0:?})")]
    Unreadable(String),
    /// It speaks another ABCI.
    #[error("it speaks ABCI {0}, and 2.0 is needed")]
    Abci(String),
    /// Its blocks have another form.
    #[error("its block protocol is {0}, and 11 is needed")]
    BlockProtocol(u64),
    /// It is older than the oldest that is accepted.
    #[error("it is {0}, and 0.38.26 or newer is needed")]
    TooOld(String),
}

impl Version {
    /// Reads what `cometbft version --verbose` printed, and accepts it.
    ///
    /// # Errors
    /// [`VersionError`].
    pub fn accepted(printed: &str) -> Result<Self, VersionError> {
        let version: Self = serde_json::from_str(printed)
            .map_err(|_| VersionError::Unreadable(printed.trim().chars().take(80).collect()))?;
        let abci = numbers(&version.abci);
        if abci.map(|(major, minor, _)| (major, minor)) != Some(ABCI) {
            return Err(VersionError::Abci(version.abci));
        }
        if version.block_protocol != BLOCK_PROTOCOL {
            return Err(VersionError::BlockProtocol(version.block_protocol));
        }
        if numbers(&version.cometbft).is_none_or(|numbers| numbers < OLDEST) {
            return Err(VersionError::TooOld(version.cometbft));
        }
        Ok(version)
    }
}

/// `1.2.3`, whatever stands before (`v`) or after it (`+commit`, `-rc1`).
fn numbers(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let plain = text.split(['+', '-']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    let numbers = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(cometbft: &str, abci: &str, block: u64) -> String {
        format!(
            r#"{{"cometbft":"{cometbft}","abci":"{abci}","block_protocol":{block},"p2p_protocol":8}}"#
        )
    }

    #[test]
    fn the_protocols_decide_and_not_the_name() {
        for name in ["0.38.26", "v0.38.26", "0.38.26+e1b2c3d", "0.39.0", "0.40.0"] {
            let version = Version::accepted(&printed(name, "2.0.0", 11)).unwrap();
            assert_eq!(version.cometbft, name);
        }
        assert!(Version::accepted(&printed("0.40.0", "2.0.3", 11)).is_ok());
    }

    #[test]
    fn another_is_refused_with_what_is_wrong_with_it() {
        for (text, told) in [
            (printed("1.0.1", "2.1.0", 11), "ABCI 2.1.0"),
            (printed("0.39.0", "2.0.0", 12), "block protocol is 12"),
            (printed("0.38.17", "2.0.0", 11), "it is 0.38.17"),
            (printed("devel", "2.0.0", 11), "it is devel"),
            ("0.38.26\n".to_owned(), "\"0.38.26\""),
        ] {
            let error = Version::accepted(&text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
