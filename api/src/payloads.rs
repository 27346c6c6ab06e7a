//! Owns how payloads look as JSON (PROTOCOL sections 3 and 4). As in [`crate::records`], the types are read by
//! the document alone; a test holds the protocol's examples of every kind against them.
#![allow(dead_code, reason = "read by the schema derive alone")]

use utoipa::ToSchema;

use crate::schema::{
    Address, Amount, Blocks, Height, Id, OutputHash, PositiveAmount, PositiveUnits, PublicKey,
    Signature, Units,
};

/// `TRANSFER`: pays.
#[derive(ToSchema)]
pub struct Transfer {
    amount: PositiveAmount,
    /// At most 256 bytes.
    #[schema(nullable = false)]
    memo: Option<String>,
    to: Address,
}

/// `ESCROW_OPEN`: locks coins for a job.
#[derive(ToSchema)]
pub struct EscrowOpen {
    amount: PositiveAmount,
    /// Who attests besides the coordinator.
    #[schema(nullable = false, min_items = 1, max_items = 4)]
    attesters: Option<Vec<Address>>,
    coordinator: Address,
    job_id: Id,
    /// The only miner that may claim it.
    #[schema(nullable = false)]
    miner: Option<Address>,
    /// `true`: it may be claimed in parts.
    #[schema(nullable = false)]
    partial: Option<bool>,
    /// How many must attest.
    #[schema(nullable = false, minimum = 1, maximum = 5)]
    threshold: Option<u8>,
    ttl_blocks: Blocks,
}

/// `ESCROW_ASSIGN`: the coordinator binds the escrow to a miner.
#[derive(ToSchema)]
pub struct EscrowAssign {
    client_addr: Address,
    job_id: Id,
    miner: Address,
}

/// `ESCROW_TOPUP`: adds coins.
#[derive(ToSchema)]
pub struct EscrowTopUp {
    amount: PositiveAmount,
    client_addr: Address,
    job_id: Id,
    /// By the client alone: it ends this many blocks from this one, if that is later.
    #[schema(nullable = false)]
    ttl_blocks: Option<Blocks>,
}

/// `ESCROW_CANCEL`: the client asks for its coins back.
#[derive(ToSchema)]
pub struct EscrowCancel {
    job_id: Id,
}

/// `ESCROW_RELEASE`: the coordinator gives the coins back.
#[derive(ToSchema)]
pub struct EscrowRelease {
    client_addr: Address,
    job_id: Id,
}

/// What a coordinator says of a receipt.
#[derive(ToSchema)]
pub struct Attestation {
    coordinator: Address,
    exists: bool,
    not_double_spent: bool,
    paid: bool,
    quote: Quote,
    sig: Signature,
}

/// The most that a job may cost.
#[derive(ToSchema)]
pub struct Quote {
    compute_units: Units,
    price: Amount,
}

/// `RECEIPT_CLAIM`: a miner asks for its pay.
#[derive(ToSchema)]
pub struct ReceiptClaim {
    #[schema(nullable = false)]
    attestation: Option<Attestation>,
    #[schema(nullable = false, min_items = 1, max_items = 5)]
    attestations: Option<Vec<Attestation>>,
    client_addr: Address,
    compute_units: PositiveUnits,
    /// `true`: the last part of a job.
    #[schema(rename = "final", nullable = false)]
    is_final: Option<bool>,
    job_id: Id,
    miner_addr: Address,
    miner_sig: Signature,
    #[schema(nullable = false)]
    opened_height: Option<Height>,
    output_hash: OutputHash,
    price: PositiveAmount,
    receipt_id: Id,
}

/// `RECEIPT_REPORT`: shows that a miner claimed work that it did not do.
#[derive(ToSchema)]
pub struct ReceiptReport {
    #[schema(min_items = 1, max_items = 5)]
    attestations: Vec<Attestation>,
    client_addr: Address,
    compute_units: PositiveUnits,
    job_id: Id,
    miner_addr: Address,
    #[schema(nullable = false)]
    miner_pubkey: Option<PublicKey>,
    miner_sig: Signature,
    opened_height: Height,
    output_hash: OutputHash,
    price: PositiveAmount,
    receipt_id: Id,
}

/// `COORDINATOR_BOND`: locks coins that stand for its word.
#[derive(ToSchema)]
pub struct CoordinatorBond {
    amount: PositiveAmount,
}

/// `COORDINATOR_UNBOND`: takes some of them out.
#[derive(ToSchema)]
pub struct CoordinatorUnbond {
    amount: PositiveAmount,
}

/// One of two statements that contradict each other.
#[derive(ToSchema)]
pub struct Statement {
    attestation: Attestation,
    compute_units: PositiveUnits,
    miner_addr: Address,
    output_hash: OutputHash,
    price: PositiveAmount,
    receipt_id: Id,
}

/// `ATTESTATION_EQUIVOCATION`: shows that a coordinator contradicted itself.
#[derive(ToSchema)]
pub struct AttestationEquivocation {
    a: Statement,
    b: Statement,
    client_addr: Address,
    job_id: Id,
    opened_height: Height,
}

/// `PARAM_UPDATE`: the admin changes a param.
#[derive(ToSchema)]
pub struct ParamUpdate {
    key: String,
    /// Of the param's own kind.
    value: serde_json::Value,
}

/// `ADMIN_ACCEPT`: who was named becomes the admin.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminAccept {}

/// `TREASURY_SPEND`: the admin pays from the treasury.
#[derive(ToSchema)]
pub struct TreasurySpend {
    amount: PositiveAmount,
    to: Address,
}

/// `STAKE`: locks coins to stand as a validator.
#[derive(ToSchema)]
pub struct Stake {
    amount: PositiveAmount,
    /// The key to validate with; the first `STAKE` names it.
    #[schema(nullable = false)]
    validator_pubkey: Option<PublicKey>,
    /// By that key, over the sender's address.
    #[schema(nullable = false)]
    validator_sig: Option<Signature>,
}

/// `UNSTAKE`: takes some of them out.
#[derive(ToSchema)]
pub struct Unstake {
    amount: PositiveAmount,
}

/// `UNJAIL`: lets a validator that was down stand again.
#[derive(ToSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unjail {}

/// What a coordinator is asked (PROTOCOL section 4.2).
#[derive(ToSchema)]
pub struct AttestationRequest {
    chain_id: crate::schema::ChainId,
    receipt_id: Id,
    job_id: Id,
    client: Address,
    miner: Address,
    compute_units: PositiveUnits,
    price: PositiveAmount,
    output_hash: OutputHash,
    opened_height: Height,
    miner_sig: Signature,
    /// Where the chain does not know the miner's key yet.
    #[schema(nullable = false)]
    miner_pubkey: Option<PublicKey>,
}

/// What a coordinator is asked for the facts alone (PROTOCOL section 4.2).
#[derive(ToSchema)]
pub struct FactsRequest {
    client: Address,
    compute_units: PositiveUnits,
    job_id: Id,
    miner: Address,
    output_hash: OutputHash,
    price: PositiveAmount,
}

/// What a coordinator says of a receipt without signing it.
#[derive(ToSchema)]
pub struct Facts {
    exists: bool,
    not_double_spent: bool,
    paid: bool,
    quote: Quote,
}
