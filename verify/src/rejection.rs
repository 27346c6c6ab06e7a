//! Owns why something is not verified, and what a caller can do about it.

use crate::{malformed::Malformed, unix_time::UnixTime};

/// Why it is not verified. Each has a number that stays ([`Rejection::code`]).
///
/// | codes | what they mean | what to do |
/// |---|---|---|
/// | 1 to 49 | refuted ([`Rejection::is_refuted`]): somebody lies, or the file is damaged | ask another node |
/// | 50 to 69 | it can't be told from this trusted state | see each |
///
/// | code | variant |
/// |---|---|
/// | 1 | [`Malformed`](Rejection::Malformed) |
/// | 2 | [`OtherChain`](Rejection::OtherChain) |
/// | 3 | [`OtherHeight`](Rejection::OtherHeight) |
/// | 4 | [`OtherHash`](Rejection::OtherHash) |
/// | 5 | [`Validators`](Rejection::Validators) |
/// | 6 | [`NextValidators`](Rejection::NextValidators) |
/// | 7 | [`OtherBlockSigned`](Rejection::OtherBlockSigned) |
/// | 8 | [`SignatureCount`](Rejection::SignatureCount) |
/// | 9 | [`Signer`](Rejection::Signer) |
/// | 10 | [`Signature`](Rejection::Signature) |
/// | 11 | [`Power`](Rejection::Power) |
/// | 12 | [`UnexpectedSet`](Rejection::UnexpectedSet) |
/// | 13 | [`TimeNotLater`](Rejection::TimeNotLater) |
/// | 14 | [`Fork`](Rejection::Fork) |
/// | 15 | [`Commit`](Rejection::Commit) |
/// | 16 | [`AppHash`](Rejection::AppHash) |
/// | 17 | [`BundleHeight`](Rejection::BundleHeight) |
/// | 18 | [`ProofKind`](Rejection::ProofKind) |
/// | 19 | [`RecordProof`](Rejection::RecordProof) |
/// | 20 | [`RootProof`](Rejection::RootProof) |
/// | 21 | [`OtherHeader`](Rejection::OtherHeader) |
/// | 22 | [`NotInBlock`](Rejection::NotInBlock) |
/// | 50 | [`Expired`](Rejection::Expired) |
/// | 51 | [`Overlap`](Rejection::Overlap) |
/// | 52 | [`Older`](Rejection::Older) |
/// | 53 | [`Future`](Rejection::Future) |
/// | 54 | [`NotFollowed`](Rejection::NotFollowed) |
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The document is not of its form.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The header is of another chain than the trusted one.
    #[error("the header is of chain {got}: {expected} is trusted")]
    OtherChain {
        /// The trusted chain.
        expected: String,
        /// The header's.
        got: String,
    },
    /// Not the block that was asked for.
    #[error("the header is of height {got}: {expected} was asked for")]
    OtherHeight {
        /// The height that was asked for.
        expected: u64,
        /// The header's.
        got: u64,
    },
    /// The block of that height is not the one that is trusted.
    #[error("the header of height {height} has the hash {got}: {expected} is trusted")]
    OtherHash {
        /// Of both.
        height: u64,
        /// The trusted hash, upper-case hex.
        expected: String,
        /// That of the header, computed here.
        got: String,
    },
    /// The validators are not the set that the header names.
    #[error("validators: their hash is {got}, the header's validators_hash {expected}")]
    Validators {
        /// `validators_hash` of the header.
        expected: String,
        /// The hash of the set, computed here.
        got: String,
    },
    /// The next validators, or where none are given the validators, are not the set that the header names.
    #[error("next_validators: their hash is {got}, the header's next_validators_hash {expected}")]
    NextValidators {
        /// `next_validators_hash` of the header.
        expected: String,
        /// The hash of the set, computed here.
        got: String,
    },
    /// The commit is for another block than the header's.
    #[error("commit.block_id.hash is {got}, the header's hash {expected}")]
    OtherBlockSigned {
        /// The hash of the header, computed here.
        expected: String,
        /// What the commit names.
        got: String,
    },
    /// There has to be one entry in the commit for each validator, be it an absent one.
    #[error("commit.signatures has {got} entries for {expected} validators")]
    SignatureCount {
        /// How many validators there are.
        expected: usize,
        /// How many entries there are.
        got: usize,
    },
    /// An entry of the commit names another validator than the one in its place.
    #[error("commit.signatures[{index}] names {got}: validator {index} is {expected}")]
    Signer {
        /// The place in the set, from 0.
        index: usize,
        /// The address of the validator in that place.
        expected: String,
        /// The address that the entry names.
        got: String,
    },
    /// A signature is not that of the validator over this block, this chain, height, round and time.
    #[error("commit.signatures[{index}] is no signature of validator {address} over this block")]
    Signature {
        /// The place in the set, from 0.
        index: usize,
        /// The validator's address.
        address: String,
    },
    /// Two thirds of the power or less signed the block.
    #[error("validators with {signed} of {total} power signed the block: more than 2/3 is needed")]
    Power {
        /// The power of those who signed.
        signed: u64,
        /// The power of the whole set.
        total: u64,
    },
    /// The next block's validators are not those that the trusted block announces.
    #[error(
        "the validators of height {height} are not those that the trusted block before it announces"
    )]
    UnexpectedSet {
        /// The height of the block that is refused.
        height: u64,
    },
    /// A later block is not of a later time.
    #[error(
        "the header of height {height} is of {got}: that is not after the trusted header's {trusted}"
    )]
    TimeNotLater {
        /// The height of the block that is refused.
        height: u64,
        /// The time of the trusted header.
        trusted: UnixTime,
        /// The time in its header.
        got: UnixTime,
    },
    /// Another block than the trusted one, signed by the set that it names: evidence of a fork if that set
    /// is the chain's.
    #[error("another block of the trusted height {height} was signed: {got}, {trusted} is trusted")]
    Fork {
        /// Of both.
        height: u64,
        /// The trusted hash.
        trusted: String,
        /// The hash of the other, computed here.
        got: String,
    },
    /// tendermint-light-client-verifier refuses the commit for another reason.
    #[error("commit: {reason}")]
    Commit {
        /// What it says.
        reason: String,
    },
    /// The app hash of the bundle is not that of its header.
    #[error("app_hash is {got}, the header's {expected}")]
    AppHash {
        /// That of the header.
        expected: String,
        /// That of the bundle.
        got: String,
    },
    /// The header is not that of the block after the bundle's height.
    #[error("height is {height}, the header's {header}: it has to be the next one")]
    BundleHeight {
        /// That of the bundle.
        height: u64,
        /// That of its header.
        header: u64,
    },
    /// A value with a proof of absence, or none with a proof of presence.
    #[error("value is {}, ops[0] proves {}", if *present { "null" } else { "given" }, if *present { "a presence" } else { "an absence" })]
    ProofKind {
        /// Whether the proof is one of presence.
        present: bool,
    },
    /// The first proof does not hold: of this key and value, or of its absence, under this root.
    #[error("ops[0] does not prove this of {key} under the root in ops[1]")]
    RecordProof {
        /// The state key.
        key: String,
    },
    /// The second proof does not hold: of the state's root under the app hash.
    #[error("ops[1] does not prove the state's root under the app hash")]
    RootProof,
    /// The header of the transaction's block is not the one that the signed header names.
    #[error("the header of the block is {got}, the signed one after it names {expected}")]
    OtherHeader {
        /// The hash in the signed header.
        expected: String,
        /// That of the header, computed here.
        got: String,
    },
    /// A path does not lead to the hash in the header: the transaction or its result is not that block's.
    #[error("{field} does not lead to {root} in the header")]
    NotInBlock {
        /// The path.
        field: &'static str,
        /// The field of the header.
        root: &'static str,
    },
    /// The trusted header is too old to follow anything from it: its validators may have taken their stake
    /// back. Begin anew from a height and hash that somebody trusts.
    #[error(
        "what is trusted expired at {expired}, now it is {now}: begin anew from a recent height and hash"
    )]
    Expired {
        /// When it expired.
        expired: UnixTime,
        /// The caller's clock.
        now: UnixTime,
    },
    /// Too few of the trusted validators signed the later block. [`Rejection::needs_between`] tells what to
    /// fetch.
    #[error(
        "validators with {signed} of {total} power trusted at height {trusted} signed the block of height {height}: \
         more than 1/3 is needed, so a block between has to be verified first"
    )]
    Overlap {
        /// The trusted height.
        trusted: u64,
        /// The height of the block that is not verified yet.
        height: u64,
        /// The power of those trusted validators who signed.
        signed: u64,
        /// The power of the whole trusted set.
        total: u64,
    },
    /// The header is before the trusted one: nothing can be followed backwards. Take an older trusted state.
    #[error("the header is of height {height}, before the trusted height {trusted}")]
    Older {
        /// The trusted height.
        trusted: u64,
        /// The header's height.
        height: u64,
    },
    /// The header is after the trusted one, of which only the hash is known: its validators are needed to follow it.
    #[error(
        "the header is of height {height}, after the trusted height {trusted}, of which the hash alone is known"
    )]
    NotFollowed {
        /// The trusted height.
        trusted: u64,
        /// The header's height.
        height: u64,
    },
    /// The header is of a time that has not come by the caller's clock. One of both clocks is wrong.
    #[error("the header is of {time}, now it is {now}: at most {drift} s ahead are accepted")]
    Future {
        /// The time of the header.
        time: UnixTime,
        /// The caller's clock.
        now: UnixTime,
        /// How far ahead it may be, in seconds.
        drift: u64,
    },
}

impl Rejection {
    /// The number in the table above; it stays the same from version to version.
    pub fn code(&self) -> u16 {
        match self {
            Self::Malformed(_) => 1,
            Self::OtherChain { .. } => 2,
            Self::OtherHeight { .. } => 3,
            Self::OtherHash { .. } => 4,
            Self::Validators { .. } => 5,
            Self::NextValidators { .. } => 6,
            Self::OtherBlockSigned { .. } => 7,
            Self::SignatureCount { .. } => 8,
            Self::Signer { .. } => 9,
            Self::Signature { .. } => 10,
            Self::Power { .. } => 11,
            Self::UnexpectedSet { .. } => 12,
            Self::TimeNotLater { .. } => 13,
            Self::Fork { .. } => 14,
            Self::Commit { .. } => 15,
            Self::AppHash { .. } => 16,
            Self::BundleHeight { .. } => 17,
            Self::ProofKind { .. } => 18,
            Self::RecordProof { .. } => 19,
            Self::RootProof => 20,
            Self::OtherHeader { .. } => 21,
            Self::NotInBlock { .. } => 22,
            Self::Expired { .. } => 50,
            Self::Overlap { .. } => 51,
            Self::Older { .. } => 52,
            Self::Future { .. } => 53,
            Self::NotFollowed { .. } => 54,
        }
    }

    /// Whether it is wrong, so that somebody lies or the file is damaged; else it can't be told.
    pub fn is_refuted(&self) -> bool {
        self.code() < 50
    }

    /// The height to fetch and advance to before the refused block is tried again.
    pub fn needs_between(&self) -> Option<u64> {
        match self {
            Self::Overlap {
                trusted, height, ..
            } => Some(trusted.midpoint(*height)),
            _ => None,
        }
    }
}
