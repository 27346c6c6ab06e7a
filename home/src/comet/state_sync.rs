//! Owns what CometBFT is told for state sync (`[statesync]` of `config.toml`): the block that is trusted, for how long,
//! and whose headers are asked for. CometBFT 0.38 and 0.40 have the same keys and the same rules for them.

use std::{fmt, str::FromStr, time::Duration};

use ait_app::quantity;
use serde::{Serialize, Serializer};
use toml_edit::{Item, value};

/// CometBFT wants two addresses at least, to compare what they say.
const LEAST_RPC_SERVERS: usize = 2;
/// The least blocks for which a header is trusted. CometBFT takes no snapshot whose header is older than the trust
/// period, and the newest one on offer has as many blocks as lie between two.
const LEAST_TRUST_BLOCKS: u64 = 3_600;
/// The least time that a block is counted with.
const LEAST_BLOCK_TIME: Duration = Duration::from_secs(1);
/// What is the usual trust period of chains whose stakes are locked for three weeks: no longer one is ever derived.
const LONGEST_TRUST_PERIOD: Duration = Duration::from_secs(14 * 24 * 3600);

/// A block that a new node trusts without having seen those before it. Written `HEIGHT:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedBlock {
    /// 1 to 2^53-1.
    pub height: u64,
    /// The hash of its header.
    pub hash: BlockHash,
}

/// The hash of a block's header. Written as 64 upper-case hex characters, read in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHash([u8; 32]);

/// What CometBFT is told for state sync.
#[derive(Debug, Clone, Serialize)]
pub struct StateSync {
    /// Whose headers are asked for: CometBFT's RPC of other nodes, at least one, without commas.
    pub rpc_servers: Vec<String>,
    /// The block that is trusted.
    pub trusted: TrustedBlock,
    /// How old a header may be from which others are verified.
    #[serde(serialize_with = "as_duration")]
    pub trust_period: Duration,
}

impl BlockHash {
    /// Its bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl From<[u8; 32]> for BlockHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(self.0))
    }
}

impl FromStr for BlockHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash)
            .map_err(|_| "a block's hash is 64 hex characters".to_owned())?;
        Ok(Self(hash))
    }
}

impl fmt::Display for TrustedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.height, self.hash)
    }
}

impl FromStr for TrustedBlock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (height, hash) = text
            .split_once(':')
            .ok_or("must be HEIGHT:HASH, such as 1200:1A2B…, the hash 64 hex characters")?;
        let height = height.parse().ok();
        let height = height.filter(|height| (1..=quantity::MAX).contains(height));
        Ok(Self {
            height: height.ok_or("the height of HEIGHT:HASH is a number 1..=2^53-1")?,
            hash: hash.parse()?,
        })
    }
}

/// How long a header is trusted where nothing else is said: for two thirds of the blocks for which evidence counts,
/// as is usual, so that who signed it can still be punished; but for no less than 3,600 blocks, and no longer than
/// 14 days. A block is counted with its pause, and with no less than a second.
pub fn trust_period(evidence_blocks: u64, block_interval: Duration) -> Duration {
    let punishable = evidence_blocks.saturating_mul(2) / 3;
    let blocks = u32::try_from(punishable.max(LEAST_TRUST_BLOCKS)).unwrap_or(u32::MAX);
    let time = block_interval
        .max(LEAST_BLOCK_TIME)
        .saturating_mul(blocks)
        .min(LONGEST_TRUST_PERIOD);
    Duration::from_secs(time.as_secs())
}

impl StateSync {
    /// The values of `[statesync]`, by key.
    pub(super) fn values(&self) -> [(&'static str, Item); 5] {
        let servers: Vec<&str> = self.rpc_servers.iter().map(String::as_str).collect();
        // One that is alone can't be compared with anybody: CometBFT asks it twice.
        let again = LEAST_RPC_SERVERS.saturating_sub(servers.len());
        let repeated = servers.iter().cycle().take(again);
        let servers: Vec<&str> = servers.iter().chain(repeated).copied().collect();
        let height = i64::try_from(self.trusted.height).unwrap_or(i64::MAX);
        [
            ("enable", value(true)),
            ("rpc_servers", value(servers.join(","))),
            ("trust_height", value(height)),
            ("trust_hash", value(self.trusted.hash.to_string())),
            (
                "trust_period",
                value(format!("{}s", self.trust_period.as_secs())),
            ),
        ]
    }
}

impl Serialize for TrustedBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn as_duration<S: Serializer>(period: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_block_is_a_height_and_a_hash() {
        let hash = "ab".repeat(32);
        let block: TrustedBlock = format!("7:{hash}").parse().unwrap();
        assert_eq!(block.height, 7);
        assert_eq!(block.to_string(), format!("7:{}", hash.to_uppercase()));
        for bad in [
            "",
            "7",
            "7:",
            &hash,
            &format!("0:{hash}"),
            &format!("-1:{hash}"),
            &format!("9007199254740992:{hash}"),
            &format!("7:{hash}ab"),
            &format!("7:{}", "x".repeat(64)),
            &format!("7:{hash}:{hash}"),
        ] {
            assert!(bad.parse::<TrustedBlock>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_is_trusted_while_its_signers_can_be_punished_and_long_enough_for_a_snapshot() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let second = Duration::from_secs(1);
        assert_eq!(trust_period(100, second), hours(1));
        assert_eq!(trust_period(10_800, second), hours(2));
        assert_eq!(trust_period(100, Duration::ZERO), hours(1));
        assert_eq!(trust_period(100, 10 * second), hours(10));
        assert_eq!(trust_period(u64::MAX, hours(1)), hours(14 * 24));
    }

    #[test]
    fn cometbft_is_given_two_servers_even_where_there_is_one() {
        let with = |servers: &[&str]| {
            let sync = StateSync {
                rpc_servers: servers.iter().map(|url| (*url).to_owned()).collect(),
                trusted: format!("7:{}", "ab".repeat(32)).parse().unwrap(),
                trust_period: Duration::from_secs(3600),
            };
            let [_, (_, servers), ..] = sync.values();
            servers.as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(with(&["http://a:1"]), "http://a:1,http://a:1");
        assert_eq!(with(&["http://a:1", "http://b:1"]), "http://a:1,http://b:1");
    }
}
