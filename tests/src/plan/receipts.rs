//! Owns the kinds of planned claims, reports and evidence.

use super::{Job, Who};

/// What a coordinator says of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    Good,
    /// With more room in its quote.
    Generous,
    NotPaid,
    DoubleSpent,
    /// The job doesn't exist.
    Unknown,
    /// A lower price was quoted.
    TooDear,
    /// Fewer units were quoted.
    TooMany,
}

/// How an answer is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// By the key that counts.
    Right,
    /// By the key that the escrow keeps, revoked or not.
    OfTheOpening,
    /// By the key of the coordinator's account.
    OfTheAccount,
    /// By somebody else's key.
    Forged,
    /// For another receipt.
    OtherReceipt,
    /// For another chain.
    OtherChain,
    /// For an escrow opened one block earlier.
    OlderOpening,
    /// Rightly, but it names another coordinator, which no signature covers.
    Misnamed,
    /// Changed after it was signed.
    Tampered,
}

/// One coordinator's answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub says: Saying,
    pub signing: Signing,
}

/// Which attestations are brought, of those that the escrow asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As many as are needed, in order, in the field for them.
    Fitting,
    /// Fewer by one, at least one.
    OneFewer,
    /// One more, where there is another coordinator.
    OneMore,
    /// The other way round.
    Reversed,
    /// The first one twice.
    Doubled,
    /// In the field for the other kind of escrow.
    OtherField,
}

/// Where a claim's attestation is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In the claim.
    Inline,
    /// In front of the block.
    InFront,
    Nowhere,
}

/// Whose signature stands under the receipt.
#[derive(Debug, Clone, Copy)]
pub enum MinerSig {
    /// The miner's.
    Own,
    /// The miner's under another receipt.
    UnderOther,
    /// Another miner's.
    OfAnother,
    /// The miner's for another chain.
    ForOtherChain,
    /// The miner's for an escrow opened one block earlier.
    ForOlderOpening,
}

/// A receipt's price.
#[derive(Debug, Clone, Copy)]
pub enum Price {
    /// This.
    Plain(u64),
    /// All that the escrow can pay besides the required fee.
    AllButTheFee,
    /// All that is in it.
    All,
    /// One uait more.
    OneTooMuch,
    /// Half of it.
    Half,
}

/// What was done for how much.
#[derive(Debug, Clone, Copy)]
pub enum Terms {
    /// What the receipt's number stands for, the same every time.
    Usual,
    Of {
        units: u64,
        price: Price,
    },
}

/// Which opening of the escrow is named.
#[derive(Debug, Clone, Copy)]
pub enum Opening {
    Right,
    /// None, where none need be named.
    Unnamed,
    Wrong,
}

/// Which key a report names for the miner.
#[derive(Debug, Clone, Copy)]
pub enum MinerKey {
    Unnamed,
    Right,
}

/// A claim; its sender is the miner.
#[derive(Debug, Clone)]
pub struct Claim {
    pub job: Job,
    pub receipt: u8,
    pub terms: Terms,
    /// In turn, round and round.
    pub answers: Vec<Answer>,
    /// Which of the escrow's coordinators is the first of those that answer.
    pub first: u8,
    pub form: Form,
    pub place: Place,
    pub miner_sig: MinerSig,
    pub last: bool,
    pub opening: Opening,
}

/// A report of a receipt that its miner signed.
#[derive(Debug, Clone)]
pub struct Report {
    pub job: Job,
    pub miner: Who,
    pub receipt: u8,
    pub terms: Terms,
    pub answers: Vec<Answer>,
    pub first: u8,
    pub form: Form,
    pub miner_sig: MinerSig,
    pub key: MinerKey,
    pub opening: Opening,
}

/// Two answers of a coordinator.
#[derive(Debug, Clone)]
pub struct Equivocation {
    pub job: Job,
    pub miner: Who,
    pub receipts: [u8; 2],
    pub answers: [Answer; 2],
    /// Which of the escrow's coordinators answers.
    pub first: u8,
    /// Whether another one gives the second answer.
    pub two: bool,
    pub opening: Opening,
}
