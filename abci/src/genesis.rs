//! Owns what InitChain asks of CometBFT's side of the genesis (PROTOCOL sections 5 and 6), beside what
//! the state machine asks of `app_state`.

use ait_app::{block::entry::MOST_BLOCK_BYTES, state::SentSet, upgrades::record::ProtocolVersion};
use tendermint_proto::{
    google::protobuf::Duration,
    v0_38::{
        abci::ValidatorUpdate,
        crypto::public_key::Sum,
        types::{ConsensusParams, EvidenceParams, VersionParams},
    },
};

/// What the state machine and the node need to know of CometBFT's params.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `evidence.max_age_num_blocks`.
    pub evidence_blocks: u64,
    /// `block.max_bytes`, the bytes of a block's transactions by protobuf size.
    pub block_bytes: usize,
    /// `version.app`; 2 where it is 0, which CometBFT takes for none.
    pub protocol: ProtocolVersion,
}

/// Reads CometBFT's params, or says why no chain may start on them.
pub fn limits(params: Option<&ConsensusParams>) -> Result<Limits, String> {
    let params = params.ok_or("it has no consensus_params")?;
    let evidence = params.evidence.unwrap_or_default();
    let evidence_blocks = evidence_blocks(&evidence)?;
    let block = params.block.unwrap_or_default();
    let most = MOST_BLOCK_BYTES;
    let block_bytes = match block.max_bytes {
        -1 => most,
        bytes => usize::try_from(bytes)
            .ok()
            .filter(|bytes| (1..=most).contains(bytes))
            .ok_or_else(|| {
                format!("block.max_bytes is {bytes}, but must be -1 or 1 to {most} (100 MiB)")
            })?,
    };
    if block.max_gas != -1 {
        let gas = block.max_gas;
        return Err(format!(
            "block.max_gas is {gas}, not -1: this chain knows no gas"
        ));
    }
    let extensions = params
        .abci
        .unwrap_or_default()
        .vote_extensions_enable_height;
    if extensions != 0 {
        return Err(format!(
            "abci.vote_extensions_enable_height is {extensions}, not 0: this chain extends no votes"
        ));
    }
    let key_types = params
        .validator
        .as_ref()
        .map(|params| &params.pub_key_types);
    if key_types.is_none_or(|types| *types != ["ed25519"]) {
        return Err("validator.pub_key_types must be [\"ed25519\"] alone".into());
    }
    let protocol = match params.version.as_ref().map_or(0, |version| version.app) {
        0 => ProtocolVersion::V2,
        number => ProtocolVersion::of(number),
    };
    Ok(Limits {
        evidence_blocks,
        block_bytes,
        protocol,
    })
}

/// CometBFT lets evidence expire only when both of its ages have passed; coins stay slashable by the
/// blocks alone.
fn evidence_blocks(evidence: &EvidenceParams) -> Result<u64, String> {
    let blocks = u64::try_from(evidence.max_age_num_blocks)
        .map_err(|_| "evidence.max_age_num_blocks is negative".to_owned())?;
    let Duration { seconds, nanos } = evidence.max_age_duration.unwrap_or_default();
    let whole = u64::try_from(seconds).unwrap_or(0);
    if whole > blocks || (whole == blocks && nanos > 0) {
        return Err(format!(
            "evidence.max_age_duration is {seconds}.{:09} s, above 1 s for each of the {blocks} blocks \
             of evidence.max_age_num_blocks",
            nanos.max(0)
        ));
    }
    Ok(blocks)
}

/// Validators in CometBFT's genesis are none, or the authorities with their powers.
pub fn check_validators(given: &[ValidatorUpdate], authorities: &SentSet) -> Result<(), String> {
    if given.is_empty() {
        return Ok(());
    }
    let is_authority = |update: &ValidatorUpdate| {
        let key = update.pub_key.as_ref().and_then(|key| key.sum.as_ref());
        let Some(Sum::Ed25519(bytes)) = key else {
            return false;
        };
        authorities.iter().any(|(key, authority)| {
            key.as_bytes().as_slice() == bytes.as_slice()
                && u64::try_from(update.power) == Ok(authority.power.get())
        })
    };
    let distinct = given.iter().enumerate().all(|(index, update)| {
        let before = given.get(..index).unwrap_or_default();
        before.iter().all(|other| other.pub_key != update.pub_key)
    });
    if given.len() == authorities.len() && distinct && given.iter().all(is_authority) {
        return Ok(());
    }
    Err("validators must be empty or exactly the authorities of app_state.params".into())
}

/// What InitChain and the block of an upgrade change of CometBFT's params: the version, so that every header
/// and light client finds the one that Info says.
pub fn version(of: ProtocolVersion) -> ConsensusParams {
    ConsensusParams {
        version: Some(VersionParams { app: of.number() }),
        ..ConsensusParams::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tendermint_proto::v0_38::types::{BlockParams, ValidatorParams};

    use super::*;

    fn params() -> ConsensusParams {
        ConsensusParams {
            block: Some(BlockParams {
                max_bytes: 4_194_304,
                max_gas: -1,
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: 100,
                max_age_duration: Some(Duration {
                    seconds: 100,
                    nanos: 0,
                }),
                max_bytes: 1_048_576,
            }),
            validator: Some(ValidatorParams {
                pub_key_types: vec!["ed25519".into()],
            }),
            ..ConsensusParams::default()
        }
    }

    fn with_bytes(max_bytes: i64) -> Result<Limits, String> {
        let mut params = params();
        params.block.as_mut().unwrap().max_bytes = max_bytes;
        limits(Some(&params))
    }

    #[test]
    fn a_block_has_1_byte_to_100_mib() {
        assert_eq!(with_bytes(1).unwrap().block_bytes, 1);
        assert_eq!(with_bytes(104_857_600).unwrap().block_bytes, 104_857_600);
        assert_eq!(with_bytes(-1).unwrap().block_bytes, 104_857_600);
        for bad in [0, -2, 104_857_601, i64::MIN, i64::MAX] {
            assert!(
                with_bytes(bad).unwrap_err().contains("block.max_bytes"),
                "{bad}"
            );
        }
    }

    #[test]
    fn evidence_lasts_at_most_a_second_for_each_block_of_its_age() {
        let with = |seconds, nanos| {
            let mut params = params();
            params.evidence.as_mut().unwrap().max_age_duration = Some(Duration { seconds, nanos });
            limits(Some(&params))
        };
        assert_eq!(with(100, 0).unwrap().evidence_blocks, 100);
        assert!(with(0, 1_000_000).is_ok() && with(99, 999_999_999).is_ok());
        assert!(with(100, 1).is_err() && with(101, 0).is_err());
    }

    #[test]
    fn validators_have_ed25519_keys() {
        let mut other = params();
        other.validator.as_mut().unwrap().pub_key_types = vec!["secp256k1".into()];
        assert!(limits(Some(&other)).is_err());
        other.validator = None;
        assert!(limits(Some(&other)).is_err());
        assert!(limits(None).is_err());
    }
}
