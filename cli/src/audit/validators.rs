//! Owns a validator set as CometBFT has it: its order, its hash, how a block changes it, and whether it committed a
//! block. Signatures are judged by `ed25519-dalek`.

use std::cmp::Reverse;

use ait_app::crypto::sha256;
use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use prost::Message;
use tendermint_proto::v0_38::{
    abci::ValidatorUpdate,
    crypto::{PublicKey, public_key::Sum},
    types::{
        BlockId, BlockIdFlag, CanonicalBlockId, CanonicalPartSetHeader, CanonicalVote, Commit,
        CommitSig, SignedMsgType, SimpleValidator, Validator,
    },
};

use super::hashes::{Hash, merkle_root};

/// The first bytes of a key's hash are its address.
const ADDRESS_BYTES: usize = 20;

/// A validator of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Of its key.
    pub address: Vec<u8>,
    key: [u8; 32],
    /// Above 0.
    pub power: i64,
}

/// The validators of a block, in CometBFT's order: by power descending, then by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidatorSet(Vec<Member>);

/// Why a set can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a validator has no ed25519 key, or a negative power")]
pub struct NoValidator;

impl ValidatorSet {
    /// Of a node's answer, whatever its order.
    ///
    /// # Errors
    /// [`NoValidator`].
    pub fn of_answer(validators: &[Validator]) -> Result<Self, NoValidator> {
        let update = |validator: &Validator| ValidatorUpdate {
            pub_key: validator.pub_key.clone(),
            power: validator.voting_power,
        };
        let updates: Vec<ValidatorUpdate> = validators.iter().map(update).collect();
        Self::default().updated(&updates)
    }

    /// The set after the changes of a block; power 0 removes.
    ///
    /// # Errors
    /// [`NoValidator`].
    pub fn updated(&self, updates: &[ValidatorUpdate]) -> Result<Self, NoValidator> {
        let mut members = self.0.clone();
        for update in updates {
            let key = key_of(update.pub_key.as_ref())?;
            if update.power < 0 {
                return Err(NoValidator);
            }
            members.retain(|member| member.key != key);
            if update.power > 0 {
                members.push(Member {
                    address: sha256(&key)[..ADDRESS_BYTES].to_vec(),
                    key,
                    power: update.power,
                });
            }
        }
        members.sort_by(|one, other| {
            let order = |member: &Member| (Reverse(member.power), member.address.clone());
            order(one).cmp(&order(other))
        });
        Ok(Self(members))
    }

    /// Its members in order.
    pub fn members(&self) -> &[Member] {
        &self.0
    }

    /// `validators_hash` of a header.
    pub fn hash(&self) -> Hash {
        let leaf = |member: &Member| {
            let key = Sum::Ed25519(member.key.to_vec());
            let simple = SimpleValidator {
                pub_key: Some(PublicKey { sum: Some(key) }),
                voting_power: member.power,
            };
            simple.encode_to_vec()
        };
        let leaves: Vec<Vec<u8>> = self.0.iter().map(leaf).collect();
        merkle_root(&leaves)
    }

    /// Whether `commit` is this set's for a block: every signature in it is valid, and more than two thirds of the
    /// power signed. Gives how many signatures were verified.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check_commit(
        &self,
        chain_id: &str,
        height: i64,
        id: &BlockId,
        commit: &Commit,
    ) -> Result<u64, String> {
        if commit.height != height {
            return Err(format!("it is of height {}", commit.height));
        }
        let committed = commit.block_id.clone().unwrap_or_default();
        if committed != *id {
            let hash = hex::encode_upper(&committed.hash);
            return Err(format!("it is of block {hash}"));
        }
        let (signed, members) = (commit.signatures.len(), self.0.len());
        if signed != members {
            return Err(format!("it has {signed} votes of {members} validators"));
        }
        let (mut power, mut verified) = (0_i128, 0_u64);
        for (member, signature) in self.0.iter().zip(&commit.signatures) {
            let flag = BlockIdFlag::try_from(signature.block_id_flag);
            let voted = match flag {
                Ok(BlockIdFlag::Absent) => continue,
                Ok(BlockIdFlag::Commit) => Some(id),
                Ok(BlockIdFlag::Nil) => None,
                _ => return Err("a vote has an unknown block_id_flag".to_owned()),
            };
            let bytes = vote_bytes(chain_id, commit, voted, signature);
            if !member.signed(&bytes, signature) {
                let address = hex::encode_upper(&member.address);
                return Err(format!(
                    "the vote of validator {address} is not signed by it"
                ));
            }
            verified = verified.saturating_add(1);
            if voted.is_some() {
                power = power.saturating_add(member.power.into());
            }
        }
        let all: i128 = self.0.iter().map(|member| i128::from(member.power)).sum();
        if power.saturating_mul(3) <= all.saturating_mul(2) {
            return Err(format!(
                "power {power} of {all} signed: not above two thirds"
            ));
        }
        Ok(verified)
    }
}

impl Member {
    fn signed(&self, bytes: &[u8], vote: &CommitSig) -> bool {
        let key = VerifyingKey::from_bytes(&self.key);
        let signature = Signature::from_slice(&vote.signature);
        let (Ok(key), Ok(signature)) = (key, signature) else {
            return false;
        };
        vote.validator_address == self.address && key.verify(bytes, &signature).is_ok()
    }
}

fn key_of(key: Option<&PublicKey>) -> Result<[u8; 32], NoValidator> {
    match key.and_then(|key| key.sum.as_ref()) {
        Some(Sum::Ed25519(bytes)) => bytes.as_slice().try_into().map_err(|_| NoValidator),
        _ => Err(NoValidator),
    }
}

/// What a validator signs.
fn vote_bytes(
    chain_id: &str,
    commit: &Commit,
    voted: Option<&BlockId>,
    signature: &CommitSig,
) -> Vec<u8> {
    let canonical = |id: &BlockId| {
        let parts = id.part_set_header.clone().unwrap_or_default();
        CanonicalBlockId {
            hash: id.hash.clone(),
            part_set_header: Some(CanonicalPartSetHeader {
                total: parts.total,
                hash: parts.hash,
            }),
        }
    };
    let vote = CanonicalVote {
        r#type: SignedMsgType::Precommit as i32,
        height: commit.height,
        round: commit.round.into(),
        block_id: voted.map(canonical),
        timestamp: Some(signature.timestamp.unwrap_or_default()),
        chain_id: chain_id.to_owned(),
    };
    vote.encode_length_delimited_to_vec()
}

#[cfg(test)]
mod tests {
    use ait_app::crypto::SecretKey;
    use ed25519_dalek::{Signer, SigningKey};
    use tendermint_proto::{google::protobuf::Timestamp, v0_38::types::PartSetHeader};

    use super::*;

    const CHAIN: &str = "test-1";

    fn update(seed: u8, power: i64) -> ValidatorUpdate {
        let key = SecretKey::from_seed([seed; 32]).public_key();
        ValidatorUpdate {
            pub_key: Some(PublicKey {
                sum: Some(Sum::Ed25519(key.as_bytes().to_vec())),
            }),
            power,
        }
    }

    fn set(powers: &[(u8, i64)]) -> ValidatorSet {
        let updates: Vec<ValidatorUpdate> = powers
            .iter()
            .map(|(seed, power)| update(*seed, *power))
            .collect();
        ValidatorSet::default().updated(&updates).unwrap()
    }

    fn id(byte: u8) -> BlockId {
        BlockId {
            hash: vec![byte; 32],
            part_set_header: Some(PartSetHeader {
                total: 1,
                hash: vec![byte; 32],
            }),
        }
    }

    /// The commit of a block by the validators with these seeds, of whom some vote otherwise.
    fn commit(set: &ValidatorSet, seeds: &[u8], flag: impl Fn(u8) -> BlockIdFlag) -> Commit {
        let mut commit = Commit {
            height: 7,
            round: 0,
            block_id: Some(id(1)),
            signatures: Vec::new(),
        };
        for member in &set.0 {
            let own = |seed: &&u8| {
                SigningKey::from_bytes(&[**seed; 32])
                    .verifying_key()
                    .to_bytes()
                    == member.key
            };
            let seed = *seeds.iter().find(own).unwrap();
            let flag = flag(seed);
            let mut vote = CommitSig {
                block_id_flag: flag as i32,
                validator_address: member.address.clone(),
                timestamp: Some(Timestamp {
                    seconds: 1_700_000_000,
                    nanos: 5,
                }),
                signature: Vec::new(),
            };
            let voted = (flag == BlockIdFlag::Commit).then(|| id(1));
            let bytes = vote_bytes(CHAIN, &commit, voted.as_ref(), &vote);
            vote.signature = SigningKey::from_bytes(&[seed; 32]).sign(&bytes).to_vec();
            commit.signatures.push(vote);
        }
        commit
    }

    /// CometBFT: types/vote_test.go, TestVoteSignBytesTestVectors.
    #[test]
    fn what_is_signed_is_what_cometbft_signs() {
        let commit = Commit {
            height: 1,
            round: 1,
            ..Commit::default()
        };
        let vote = CommitSig {
            timestamp: Some(Timestamp {
                // Go's zero time, 0001-01-01T00:00:00Z.
                seconds: -62_135_596_800,
                nanos: 0,
            }),
            ..CommitSig::default()
        };
        let bytes = vote_bytes("", &commit, None, &vote);
        let expected = "21080211010000000000000019010000000000000\
                        02a0b088092b8c398feffffff01";
        assert_eq!(hex::encode(bytes), expected);
    }

    #[test]
    fn the_strongest_come_first_and_power_0_leaves() {
        let set = set(&[(1, 10), (2, 30), (3, 20), (4, 20)]);
        let powers: Vec<i64> = set.members().iter().map(|member| member.power).collect();
        assert_eq!(powers, [30, 20, 20, 10]);
        assert!(set.0[1].address < set.0[2].address);
        let changed = set.updated(&[update(2, 0), update(1, 25)]).unwrap();
        let powers: Vec<i64> = changed
            .members()
            .iter()
            .map(|member| member.power)
            .collect();
        assert_eq!(powers, [25, 20, 20]);
        assert_eq!(set.updated(&[update(2, -1)]), Err(NoValidator));
        assert_ne!(set.hash(), changed.hash());
    }

    #[test]
    fn more_than_two_thirds_of_the_power_commit_a_block() {
        let set = set(&[(1, 10), (2, 10), (3, 10)]);
        let check = |commit: &Commit| set.check_commit(CHAIN, 7, &id(1), commit);
        let of = |absent: &[u8], otherwise: BlockIdFlag| {
            commit(&set, &[1, 2, 3], |seed| match absent.contains(&seed) {
                true => otherwise,
                false => BlockIdFlag::Commit,
            })
        };
        assert_eq!(check(&of(&[], BlockIdFlag::Absent)), Ok(3));
        let two = check(&of(&[3], BlockIdFlag::Absent)).unwrap_err();
        assert!(two.contains("20 of 30"), "{two}");
        assert!(check(&of(&[3], BlockIdFlag::Nil)).is_err());
        assert!(
            set.check_commit(CHAIN, 8, &id(1), &of(&[], BlockIdFlag::Nil))
                .is_err()
        );
        let whole = of(&[], BlockIdFlag::Nil);
        assert!(set.check_commit(CHAIN, 7, &id(2), &whole).is_err());
        assert!(set.check_commit("test-2", 7, &id(1), &whole).is_err());
    }

    #[test]
    fn a_vote_that_its_validator_did_not_sign_spoils_a_commit() {
        let set = set(&[(1, 10), (2, 10), (3, 10), (4, 1)]);
        let honest = commit(&set, &[1, 2, 3, 4], |_| BlockIdFlag::Commit);
        let change = |change: fn(&mut CommitSig)| {
            let mut commit = honest.clone();
            change(commit.signatures.last_mut().unwrap());
            set.check_commit(CHAIN, 7, &id(1), &commit)
        };
        assert_eq!(change(|_| ()), Ok(4));
        assert!(change(|vote| vote.signature[3] ^= 1).is_err());
        assert!(change(|vote| vote.signature.clear()).is_err());
        assert!(change(|vote| vote.validator_address = vec![0; 20]).is_err());
        assert!(change(|vote| vote.timestamp = None).is_err());
        assert!(change(|vote| vote.block_id_flag = 9).is_err());
        assert!(change(|vote| vote.block_id_flag = BlockIdFlag::Nil as i32).is_err());
    }
}
