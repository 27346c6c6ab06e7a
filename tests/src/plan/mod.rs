//! Random blocks as readable plans: what a plan says depends on the state it meets (the next nonce,
//! an escrow that is open), so it stays meaningful while a counterexample shrinks.
//!
//! Owns the kinds of plan. `strategies` and `changes` say how often each comes, `build`, `broken`,
//! `claims` and `validators` turn them into bytes and into what CometBFT says.

mod broken;
mod build;
mod changes;
mod claims;
mod strategies;
mod validators;

use serde_json::Value;

pub use build::{Built, build_block};
pub use strategies::{action, block, cases, chain};
pub use validators::{announce, block_input};

use crate::actors::Actor;

/// Somebody with an account key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Who {
    Alice,
    Bob,
    Miner,
    Digger,
    Coordinator,
    Arbiter,
    Admin,
    Validator,
    Stranger,
}

/// Everybody.
pub const EVERYBODY: &[Who] = &[
    Who::Alice,
    Who::Bob,
    Who::Miner,
    Who::Digger,
    Who::Coordinator,
    Who::Arbiter,
    Who::Admin,
    Who::Validator,
    Who::Stranger,
];

impl Who {
    /// Its actor.
    pub fn actor(self) -> Actor {
        Actor::named(&format!("{self:?}").to_lowercase())
    }
}

/// The consensus keys of the plans.
pub fn consensus_key(number: u8) -> Actor {
    Actor::named(&format!("consensus key {number}"))
}

/// An amount of uait, by what it is measured against.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// This many.
    Plain(u64),
    /// All that there is to spend, after the fee; for an `UNSTAKE`, the whole stake.
    All,
    /// One more than that.
    OneTooMuch,
    /// The largest integer of the protocol.
    Largest,
}

/// How a transaction's fee relates to the required one.
#[derive(Debug, Clone, Copy)]
pub enum Fee {
    /// Exactly that.
    Required,
    /// More by this.
    Above(u64),
    /// Less by one.
    TooLow,
    /// The sender's whole balance, where that is enough; for a claim, that on top of the required fee.
    Everything,
    /// One uait more than the sender can pay.
    Unaffordable,
}

/// What is wrong with a transaction before anybody looks at what it is for.
#[derive(Debug, Clone, Copy)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its nonce was used by the transaction before.
    UsedNonce,
    /// It skips a nonce.
    SkippedNonce,
    /// It is signed for another chain.
    OtherChain,
    /// Somebody else signed it and put the own key in.
    OthersKey,
    /// It was changed after it was signed.
    Tampered,
}

/// Which job of which client.
#[derive(Debug, Clone, Copy)]
pub enum Job {
    /// One of the open escrows, counted round and round; job 0 of Alice where there is none.
    Open(u8),
    /// By its name.
    Of(Who, u8),
}

/// What the coordinator answers about a receipt.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Good.
    Good,
    /// Good, with more room in its quote.
    Generous,
    /// Negative: not paid.
    NotPaid,
    /// Negative: the job doesn't exist.
    Unknown,
    /// Negative: attested before.
    DoubleSpent,
    /// Negative: a lower price was quoted.
    TooDear,
    /// Negative: fewer units were quoted.
    TooMany,
    /// Signed by a key that is not the coordinator's.
    Forged,
    /// By the other coordinator.
    OfAnother,
    /// Rightly signed, but naming the other coordinator, which no signature covers.
    Misnamed,
    /// About another receipt.
    ForOtherReceipt,
    /// For another chain.
    ForOtherChain,
    /// For an escrow opened one block earlier.
    ForOlderEscrow,
    /// Changed after it was signed.
    Tampered,
}

/// Where a claim's attestation is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In the claim.
    Inline,
    /// In front of the block.
    InFront,
    /// Nowhere.
    Nowhere,
}

/// Whose signature stands under the receipt.
#[derive(Debug, Clone, Copy)]
pub enum MinerSig {
    /// The sender's.
    Own,
    /// The sender's under another receipt.
    UnderOther,
    /// Another miner's.
    OfAnother,
    /// The sender's for another chain.
    ForOtherChain,
}

/// A receipt's price.
#[derive(Debug, Clone, Copy)]
pub enum Price {
    /// All that the escrow can pay besides the required fee.
    WholeEscrow,
    /// One uait more.
    OneTooMuch,
    /// This.
    Plain(u64),
}

/// A claim.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Claim {
    pub job: Job,
    pub receipt: u8,
    pub units: u64,
    pub price: Price,
    pub answer: Answer,
    pub place: Place,
    pub miner_sig: MinerSig,
}

/// Which validator key a `STAKE` names, and what proves it.
#[derive(Debug, Clone, Copy)]
pub enum StakeKey {
    /// The one that the sender calls its own.
    Own,
    /// None.
    Unnamed,
    /// This, rightly proven.
    Number(u8),
    /// Its own, proven for another account.
    ProvenForAnother,
    /// Its own, proven for another chain.
    ProvenElsewhere,
    /// Its own, with another key's signature.
    Forged,
}

/// A new value of a param.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of one that is a number.
    Number(&'static str, u64),
    /// Any JSON under any name.
    Other(&'static str, Value),
    /// Registered coordinators: the usual, the arbiter, none, or somebody with another's key.
    Coordinators(Vec<(Who, Who)>),
    /// Accounts, consensus keys and powers.
    Authorities(Vec<(Who, u8, u64)>),
}

/// Bytes that are no transaction.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Broken {
    Empty,
    Garbage,
    Truncated,
    NotCanonical,
    UnknownField,
    NullFee,
    AmountZero,
    AmountTooLarge,
    AmountAsText,
    UnknownType,
    PayloadOfAnotherKind,
    TooLarge,
    OfAnotherMiner,
    AttestationsWithoutType,
    StakeWithoutProof,
    StakeWithoutKey,
    UnjailWithField,
}

/// What a transaction is for.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Does {
    Transfer {
        to: Who,
        amount: Amount,
    },
    Open {
        job: u8,
        coordinator: Who,
        amount: Amount,
        ttl: u64,
    },
    Release {
        job: Job,
    },
    Claim(Claim),
    Param(Change),
    Stake {
        amount: Amount,
        key: StakeKey,
    },
    Unstake {
        amount: Amount,
    },
    Unjail,
    Bytes(Broken),
}

/// One transaction.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Action {
    pub by: Who,
    pub does: Does,
    pub fee: Fee,
    pub flaw: Flaw,
}

/// Who proposes a block.
#[derive(Debug, Clone, Copy)]
pub enum Proposer {
    /// A consensus key, known or not.
    Key(u8),
    /// Nobody is named.
    Nobody,
}

/// What the proposer does with the attestation entry.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Front {
    AsNeeded,
    LeftOut,
    OneMissing,
    OneTooMany,
    Reversed,
    Twice,
    AtTheEnd,
    Always,
}

/// Who of the set didn't sign the block before.
#[derive(Debug, Clone, Copy)]
pub enum Absent {
    /// The consensus keys whose bits are set, 1 for key 0.
    Keys(u16),
    /// The whole set.
    Everybody,
}

/// Whose equivocation a block proves.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// These consensus keys', in the set or not, known or not.
    Against(Vec<u8>),
    /// The whole set's.
    AgainstEverybody,
}

/// One block.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Plan {
    pub proposer: Proposer,
    pub absent: Absent,
    pub evidence: Evidence,
    pub front: Front,
    pub actions: Vec<Action>,
}

/// What a chain of the plans begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// uait that may still be minted; none is named where the limit is far.
    pub room: Option<u64>,
    /// The first block.
    pub initial_height: u64,
    /// `max_validators`.
    pub seats: u64,
    /// `work_weight_bps`.
    pub work_weight: u64,
}
