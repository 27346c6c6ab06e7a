//! Owns the hashes of CometBFT 0.38 that a header has of its block and of the block before: each a Merkle root by
//! RFC 6962 over protobuf messages.

use ait_app::crypto::sha256;
use prost::Message;
use tendermint_proto::v0_38::{
    abci::ExecTxResult,
    types::{BlockId, Commit, Header, PartSetHeader},
};

/// What a hash is here.
pub type Hash = [u8; 32];

/// The Merkle root over these leaves by RFC 6962.
pub fn merkle_root<T: AsRef<[u8]>>(leaves: &[T]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf.as_ref()].concat()),
        _ => {
            // The largest power of two below the count.
            let half = leaves.len().div_ceil(2).next_power_of_two();
            let (left, right) = leaves.split_at(half);
            sha256(&[&[1], &merkle_root(left)[..], &merkle_root(right)].concat())
        }
    }
}

/// `data_hash`: of the transactions as they are executed.
pub fn data_hash<T: AsRef<[u8]>>(txs: &[T]) -> Hash {
    let hashes: Vec<Hash> = txs.iter().map(|tx| sha256(tx.as_ref())).collect();
    merkle_root(&hashes)
}

/// `last_results_hash`: of what is the same on every node.
pub fn results_hash(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results
        .iter()
        .map(|result| deterministic(result).encode_to_vec())
        .collect();
    merkle_root(&leaves)
}

/// What of a result counts: code, data and gas.
pub fn deterministic(result: &ExecTxResult) -> ExecTxResult {
    ExecTxResult {
        code: result.code,
        data: result.data.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        ..ExecTxResult::default()
    }
}

/// `last_commit_hash`: of the signatures.
pub fn commit_hash(commit: &Commit) -> Hash {
    let leaves: Vec<Vec<u8>> = commit
        .signatures
        .iter()
        .map(|signature| {
            let mut signature = signature.clone();
            // Go writes every embedded message, be it empty.
            signature.timestamp.get_or_insert_default();
            signature.encode_to_vec()
        })
        .collect();
    merkle_root(&leaves)
}

/// The hash of a header, which is its block's.
pub fn header_hash(header: &Header) -> Hash {
    merkle_root(&[
        header.version.unwrap_or_default().encode_to_vec(),
        header.chain_id.encode_to_vec(),
        header.height.encode_to_vec(),
        header.time.unwrap_or_default().encode_to_vec(),
        whole(header.last_block_id.as_ref()).encode_to_vec(),
        header.last_commit_hash.encode_to_vec(),
        header.data_hash.encode_to_vec(),
        header.validators_hash.encode_to_vec(),
        header.next_validators_hash.encode_to_vec(),
        header.consensus_hash.encode_to_vec(),
        header.app_hash.encode_to_vec(),
        header.last_results_hash.encode_to_vec(),
        header.evidence_hash.encode_to_vec(),
        header.proposer_address.encode_to_vec(),
    ])
}

/// A block's id with all of its parts: Go writes every embedded message, be it empty.
pub fn whole(id: Option<&BlockId>) -> BlockId {
    let mut id = id.cloned().unwrap_or_default();
    id.part_set_header
        .get_or_insert_with(PartSetHeader::default);
    id
}

#[cfg(test)]
mod tests {
    use tendermint_proto::{google::protobuf::Timestamp, v0_38::version::Consensus};

    use super::*;

    fn root(leaves: &[&[u8]]) -> String {
        hex::encode(merkle_root(leaves))
    }

    /// CometBFT: crypto/merkle/rfc6962_test.go.
    #[test]
    fn roots_are_those_of_rfc_6962() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(root(&[]), empty);
        let empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(root(&[b""]), empty_leaf);
        let leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56";
        assert_eq!(root(&[b"L123456"]), leaf);
    }

    /// CometBFT: crypto/merkle/tree.go, getSplitPoint.
    #[test]
    fn the_left_half_is_the_largest_power_of_two_below_the_count() {
        let inner = |left: Hash, right: Hash| sha256(&[&[1], &left[..], &right].concat());
        for (count, split) in [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), (20, 16)] {
            let leaves: Vec<[u8; 1]> = (0..count).map(|byte| [byte]).collect();
            let (left, right) = leaves.split_at(split);
            let expected = inner(merkle_root(left), merkle_root(right));
            assert_eq!(merkle_root(&leaves), expected, "{count}");
        }
    }

    /// CometBFT: types/block_test.go, TestHeaderHash.
    #[test]
    fn a_header_has_the_hash_that_cometbft_gives_it() {
        let of = |text: &str| sha256(text.as_bytes()).to_vec();
        let header = Header {
            version: Some(Consensus { block: 1, app: 2 }),
            chain_id: "chainId".to_owned(),
            height: 3,
            // 2019-10-13T16:14:44Z
            time: Some(Timestamp {
                seconds: 1_570_983_284,
                nanos: 0,
            }),
            last_block_id: Some(BlockId {
                hash: vec![0; 32],
                part_set_header: Some(PartSetHeader {
                    total: 6,
                    hash: vec![0; 32],
                }),
            }),
            last_commit_hash: of("last_commit_hash"),
            data_hash: of("data_hash"),
            validators_hash: of("validators_hash"),
            next_validators_hash: of("next_validators_hash"),
            consensus_hash: of("consensus_hash"),
            app_hash: of("app_hash"),
            last_results_hash: of("last_results_hash"),
            evidence_hash: of("evidence_hash"),
            proposer_address: of("proposer_address")[..20].to_vec(),
        };
        assert_eq!(
            hex::encode_upper(header_hash(&header)),
            "F740121F553B5418C3EFBD343C2DBFE9E007BB67B0D020A0741374BAB65242A4"
        );
    }
}
