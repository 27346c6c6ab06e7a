//! Owns the ids that people choose (PROTOCOL section 2): chain ids, job ids, receipt ids, output hashes.
//! None can contain `|` or `/`, so none can be confused inside sign bytes or state keys.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{crypto::lower_hex, error::Refusal, json, prelude::*};

macro_rules! identifier {
    ($(#[doc = $doc:literal])+ $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(String);

        impl $name {
            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            fn from_str(text: &str) -> Result<Self, Refusal> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                let shown: String = text.chars().take(100).collect();
                Err(Refusal::field(format!(concat!($what, " {:?} is not ", $rule), shown)))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                json::parsed(deserializer)
            }
        }
    };
}

identifier!(
    /// The chain's name, CometBFT's `chain_id`: 1..=50 of `[a-z0-9-]`.
    ChainId, "chain_id", "1 to 50 characters of a-z 0-9 -",
    |text| (1..=50).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
);
identifier!(
    /// A client's name for a job: 1..=64 of `[A-Za-z0-9_.-]`, not beginning with `.`.
    JobId, "job_id", "1 to 64 characters of A-Z a-z 0-9 _ . - that begin with no dot", is_free_id
);
identifier!(
    /// A miner's name for a receipt, its own among all of that miner: 1..=64 of `[A-Za-z0-9_.-]`, not beginning with `.`.
    ReceiptId, "receipt_id", "1 to 64 characters of A-Z a-z 0-9 _ . - that begin with no dot", is_free_id
);
identifier!(
    /// The hash of a job's output: `sha256:` and 64 lower-case hex characters.
    OutputHash, "output_hash", "\"sha256:\" and 64 lower-case hex characters",
    |text| text.strip_prefix("sha256:").and_then(lower_hex::<32>).is_some()
);

fn is_free_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_to_their_alphabet_and_length() {
        for good in ["a", "job_42", "A.b-c_9", &"x".repeat(64)] {
            assert!(good.parse::<JobId>().is_ok(), "{good}");
        }
        for bad in ["", ".a", "a/b", "a|b", "ä", "a b", &"x".repeat(65)] {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
            assert!(bad.parse::<ReceiptId>().is_err(), "{bad}");
        }
        assert!("ait-devnet".parse::<ChainId>().is_ok());
        for bad in ["", "Ait", "a_b", &"x".repeat(51)] {
            assert!(bad.parse::<ChainId>().is_err(), "{bad}");
        }
        let hash = format!("sha256:{}", "ab".repeat(32));
        assert!(hash.parse::<OutputHash>().is_ok());
        for bad in [
            &hash[7..],
            &hash[..70],
            &hash.to_uppercase(),
            &hash.replace("ab", "AB"),
        ] {
            assert!(bad.parse::<OutputHash>().is_err(), "{bad}");
        }
    }
}
