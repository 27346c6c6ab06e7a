//! Owns how the chain's records look as JSON (PROTOCOL section 7; `docs/state.md` has examples). The types here
//! are read by the document alone: the records themselves are `ait_app`'s, and every answer of the tests is
//! held against what stands here.
#![allow(dead_code, missing_docs, reason = "read by the schema derive alone")]

use utoipa::ToSchema;

use crate::schema::{
    Address, Amount, Count, Hash, Height, Id, OutputHash, Power, PublicKey, Signature, Units,
};

/// Coins on their way out of a stake or a bond.
#[derive(ToSchema)]
pub struct Unbonding {
    amount: Amount,
    /// The block that makes them spendable.
    due_height: Height,
}

/// An escrow (PROTOCOL section 7.8).
#[derive(ToSchema)]
pub struct EscrowRecord {
    /// uait ever locked in this opening.
    amount: Amount,
    /// Whether its coordinator bound it to the miner.
    assigned: bool,
    /// Who attests besides the coordinator.
    attesters: Vec<Address>,
    cancelled: bool,
    /// Receipts that it paid.
    claims: Count,
    client: Address,
    #[schema(required = true)]
    closed_height: Option<Height>,
    /// Those of its coordinators that contradicted themselves.
    convicted: Vec<Address>,
    coordinator: Address,
    #[schema(required = true)]
    deleted_height: Option<Height>,
    expires_height: Height,
    job_id: Id,
    /// The coordinator's, then each attester's, as they were when it opened.
    keys: Vec<PublicKey>,
    #[schema(required = true)]
    last_receipt: Option<LastReceipt>,
    #[schema(required = true)]
    miner: Option<Address>,
    opened_height: Height,
    /// uait paid to miners.
    paid: Amount,
    partial: bool,
    #[schema(required = true)]
    reason: Option<EscrowReason>,
    /// uait still in it.
    remaining: Amount,
    status: EscrowStatus,
    threshold: Count,
}

/// The receipt that an escrow paid last.
#[derive(ToSchema)]
pub struct LastReceipt {
    miner: Address,
    receipt_id: Id,
}

/// Whether an escrow pays, or how it ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EscrowStatus {
    Open,
    Settled,
    Refunded,
}

/// Why an escrow ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum EscrowReason {
    Settled,
    Released,
    Cancelled,
    Expired,
}

/// A receipt that was paid or refused (PROTOCOL section 7.11).
#[derive(ToSchema)]
pub struct ReceiptRecord {
    client: Address,
    compute_units: Units,
    /// The escrow's first one.
    coordinator: Address,
    /// The block that paid or refused it.
    height: Height,
    job_id: Id,
    /// What lowered the mint.
    #[schema(required = true)]
    limited_by: Option<LimitedBy>,
    miner: Address,
    miner_sig: Signature,
    /// In all, the coordinators' and the treasury's parts included.
    minted: Amount,
    opened_height: Height,
    output_hash: OutputHash,
    price: Amount,
    receipt_id: Id,
    status: ReceiptStatus,
    tx_hash: Hash,
}

/// What became of a receipt.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ReceiptStatus {
    Paid,
    Refused,
}

/// What lowered a mint.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum LimitedBy {
    Price,
    Coordinator,
    Supply,
}

/// A miner (PROTOCOL section 7.9).
#[derive(ToSchema)]
pub struct MinerRecord {
    address: Address,
    /// The last block of its latest ban; 0 where it never had one.
    banned_until: Height,
    epoch: Count,
    epoch_units: Units,
    offences: Count,
    receipts: Count,
    recent_offences: Vec<Height>,
    score: Units,
    units_total: Units,
}

/// A validator (PROTOCOL section 7.13).
#[derive(ToSchema)]
pub struct ValidatorRecord {
    address: Address,
    counted_blocks: Count,
    #[schema(required = true)]
    jail: Option<Jail>,
    keys: Vec<PublicKey>,
    missed_blocks: Count,
    power: Power,
    proven: bool,
    pubkey: PublicKey,
    stake: Amount,
    #[schema(required = true)]
    stake_pubkey: Option<PublicKey>,
    unbonding: Vec<Unbonding>,
    window: Count,
}

/// For how long a validator is jailed.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Jail {
    /// The height from which `UNJAIL` works.
    Until(Height),
    /// For good.
    Tombstoned,
}

/// A coordinator (PROTOCOL section 7.7).
#[derive(ToSchema)]
pub struct CoordinatorRecord {
    address: Address,
    bond: Amount,
    cancelled: Count,
    epoch_end: Height,
    epoch_minted: Amount,
    expired: Count,
    opened: Count,
    released: Count,
    settled: Count,
    /// The key whose attestations contradicted each other.
    #[schema(required = true)]
    suspended: Option<PublicKey>,
    unbonding: Vec<Unbonding>,
}

/// The books: total = genesis + minted - burned = balances + escrows + stakes + bonds + unbonding
/// (PROTOCOL section 7.12).
#[derive(ToSchema)]
pub struct SupplyRecord {
    balances: Amount,
    bonds: Amount,
    burned: Amount,
    escrows: Amount,
    genesis: Amount,
    minted: Amount,
    stakes: Amount,
    total: Amount,
    unbonding: Amount,
}
