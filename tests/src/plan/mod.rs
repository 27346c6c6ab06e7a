//! Random blocks as readable plans: what a plan says depends on the state it meets (the next nonce,
//! an escrow that is open), so it stays meaningful while a counterexample shrinks.
//!
//! Owns the kinds of plan, with `receipts` and `values`. `strategies`, `stories`, `of_work`, `of_stake`,
//! `changes` and `mutations` say how often each comes; `start`, `build`, `escrows`, `claims`, `params`,
//! `broken` and `validators` turn them into bytes and into what CometBFT says.

mod broken;
mod build;
mod changes;
mod claims;
mod escrows;
mod mutations;
mod of_stake;
mod of_work;
mod params;
mod receipts;
mod start;
mod stories;
mod strategies;
mod validators;
mod values;

pub use broken::examples;
pub use build::{Built, build_block};
pub use claims::{key_holder, signed_answer};
pub use mutations::{Edit, Mutation, edit, edited, mutate, mutation};
pub use receipts::{Answer, Claim, Equivocation, Form, MinerKey, MinerSig, Opening, Place};
pub use receipts::{Price, Report, Saying, Signing, Terms};
pub use start::{EVIDENCE_MAX_AGE, Start};
pub use strategies::{action, block, cases, chain, start};
pub use validators::{announce, block_input};
pub use values::{Change, Proof, StakeKey};

use ait_testkit::actors::Actor;

/// Somebody with an account key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Alice,
    Bob,
    Miner,
    Digger,
    Coordinator,
    Arbiter,
    Witness,
    Admin,
    Validator,
    Stranger,
}

pub const EVERYBODY: &[Who] = &[
    Who::Alice,
    Who::Bob,
    Who::Miner,
    Who::Digger,
    Who::Coordinator,
    Who::Arbiter,
    Who::Witness,
    Who::Admin,
    Who::Validator,
    Who::Stranger,
];

impl Who {
    pub fn actor(self) -> Actor {
        Actor::named(&format!("{self:?}").to_lowercase())
    }

    pub fn address(self) -> String {
        self.actor().address().to_string()
    }

    /// Whose address this is; the stranger's where it is nobody's of the plans.
    pub fn of(address: &str) -> Self {
        let mut everybody = EVERYBODY.iter().copied();
        let found = everybody.find(|who| who.address() == address);
        found.unwrap_or(Who::Stranger)
    }
}

/// The consensus keys of the plans.
pub fn consensus_key(number: u8) -> Actor {
    Actor::named(&format!("consensus key {number}"))
}

/// A key with which a coordinator signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKey {
    /// The account key.
    Own(Who),
    /// A key for nothing else.
    Spare(u8),
}

impl SigningKey {
    /// Who holds it.
    pub fn actor(self) -> Actor {
        match self {
            SigningKey::Own(who) => who.actor(),
            SigningKey::Spare(number) => Actor::named(&format!("spare key {number}")),
        }
    }

    /// Every key with which a coordinator of the plans may sign.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = EVERYBODY.iter().map(|who| SigningKey::Own(*who));
        own.chain((0..4).map(SigningKey::Spare))
    }
}

/// Who sends a transaction.
#[derive(Debug, Clone, Copy)]
pub enum Sender {
    /// This one.
    Is(Who),
    /// The client of the escrow that it is about.
    TheClient,
    /// The coordinator of the escrow that it is about.
    TheCoordinator,
    /// Whom the escrow that it is about is bound to; the miner where it isn't.
    TheMiner,
    /// Who is the admin.
    TheAdmin,
    /// Who was named as the next admin.
    TheCandidate,
}

/// Whose account receives something.
#[derive(Debug, Clone, Copy)]
pub enum Recipient {
    /// This one's.
    Known(Who),
    /// One that has no record before.
    Fresh(u8),
    /// The treasury's.
    Treasury,
}

/// An amount of uait, by what it is measured against.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// This many.
    Plain(u64),
    /// All that there is to spend, after the fee; for an unbonding, all that is bonded.
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
    /// It stands in the block twice.
    Twice,
}

/// Which job of which client.
#[derive(Debug, Clone, Copy)]
pub enum Job {
    /// One of the open escrows, counted round and round; job 0 of Alice where there is none.
    Open(u8),
    /// One of all escrows with a record.
    Any(u8),
    /// By its name.
    Of(Who, u8),
}

/// An escrow in the making.
#[derive(Debug, Clone)]
pub struct OpenPlan {
    pub job: u8,
    /// The coordinator and then the attesters.
    pub named: Vec<Who>,
    pub threshold: Option<u8>,
    pub miner: Option<Who>,
    pub partial: bool,
    pub amount: Amount,
    pub ttl: u64,
}

/// Bytes that are no transaction.
#[derive(Debug, Clone, Copy)]
pub enum Broken {
    Empty,
    Garbage,
    Truncated,
    NotCanonical,
    UnknownField,
    NullFee,
    RepeatedField,
    HugeNumber,
    AmountZero,
    AmountTooLarge,
    AmountAsText,
    UnknownType,
    PayloadOfAnotherKind,
    TooLarge,
    OfAnotherMiner,
    AttestationsWithoutType,
    StakeWithoutProof,
    UnjailWithField,
    Envelope,
    OthersMinerKey,
    BothFormsOfAttestations,
    ThresholdWithoutAttesters,
    PartialFalse,
    WeakKey,
}

/// What a transaction is for.
#[derive(Debug, Clone)]
pub enum Does {
    Transfer {
        to: Recipient,
        amount: Amount,
        memo: bool,
    },
    Open(OpenPlan),
    Assign {
        job: Job,
        miner: Who,
    },
    TopUp {
        job: Job,
        amount: Amount,
        ttl: Option<u64>,
    },
    Cancel {
        job: Job,
    },
    Release {
        job: Job,
    },
    Claim(Claim),
    Report(Report),
    Equivocation(Equivocation),
    Bond {
        amount: Amount,
    },
    Unbond {
        amount: Amount,
    },
    Param(Change),
    AdminAccept,
    Spend {
        to: Recipient,
        amount: Amount,
    },
    Stake {
        amount: Amount,
        key: StakeKey,
    },
    Unstake {
        amount: Amount,
    },
    Unjail,
    Bytes(Broken),
    /// A transaction whose bytes were changed.
    Mutated(Vec<Mutation>),
    /// A transaction whose fields were changed before it was signed.
    Edited(Vec<Edit>),
}

/// One transaction.
#[derive(Debug, Clone)]
pub struct Action {
    pub by: Sender,
    pub does: Does,
    pub fee: Fee,
    pub flaw: Flaw,
}

impl Action {
    /// One that is as it should be.
    pub fn plain(by: impl Into<Sender>, does: Does) -> Self {
        Self {
            by: by.into(),
            does,
            fee: Fee::Required,
            flaw: Flaw::None,
        }
    }
}

impl From<Who> for Sender {
    fn from(who: Who) -> Self {
        Sender::Is(who)
    }
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
pub struct Plan {
    pub proposer: Proposer,
    pub absent: Absent,
    pub evidence: Evidence,
    pub front: Front,
    pub actions: Vec<Action>,
}
