//! Owns the one table of result codes. They are consensus: CometBFT hashes them into the next
//! header, so a number is given once and never reused (PROTOCOL section 8).

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $codespace:literal, $name:literal;)+) => {
        /// Why a transaction was refused or failed (PROTOCOL section 8; `docs/errors.md` is the same table).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, by number ascending.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The number in ABCI results; success is 0 and has no `Code`.
            pub const fn number(self) -> u32 {
                match self { $(Code::$variant => $number,)+ }
            }

            /// The ABCI codespace: `auth`, `bank`, `escrow`, `receipt`, `coordinator`, `params` or `stake`.
            pub const fn codespace(self) -> &'static str {
                match self { $(Code::$variant => $codespace,)+ }
            }

            /// The stable name of REST errors, snake_case.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// What it means, one sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }

            /// The code with that number.
            pub fn from_number(number: u32) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.number() == number)
            }
        }
    };
}

codes! {
    /// The bytes are not one JSON object: truncated, not UTF-8, a byte order mark, a lone surrogate, a repeated field, nested too deeply.
    MalformedJson = 1, "auth", "malformed_json";
    /// The bytes are not the RFC 8785 canonical form of the transaction.
    NotCanonical = 2, "auth", "not_canonical";
    /// The transaction is larger than 16 KiB in its canonical form.
    TooLarge = 3, "auth", "too_large";
    /// A field is missing, unknown, null, mistyped or out of its range: an address, key, signature, id, hash or number of the wrong form too.
    InvalidField = 4, "auth", "invalid_field";
    /// `type` names no kind of transaction that users may send.
    UnknownType = 5, "auth", "unknown_type";
    /// The sender is not the address of `pubkey`.
    SenderMismatch = 8, "auth", "sender_mismatch";
    /// `sig` does not verify strictly for this chain id and content.
    InvalidSignature = 9, "auth", "invalid_signature";
    /// The nonce was used already.
    NonceUsed = 10, "auth", "nonce_used";
    /// The nonce skips one or more: it must be the account's nonce + 1, or continue the pending run.
    NonceGap = 11, "auth", "nonce_gap";
    /// The fee is below the required one, which includes `record_fee` where a lasting record is made.
    FeeTooLow = 12, "auth", "fee_too_low";
    /// The balance cannot pay the fee; of a claim, the part of it above the required one.
    FeeNotAffordable = 13, "auth", "fee_not_affordable";
    /// The nonce is further ahead than the node keeps transactions for.
    NonceTooFarAhead = 14, "auth", "nonce_too_far_ahead";
    /// The node's pool is full, and this transaction does not pay enough a byte to take another's place.
    PoolFull = 15, "auth", "pool_full";
    /// A pending transaction stands in this place, and the fee must be at least 10 % and at least 1 uait above that one's.
    ReplacementUnderpriced = 16, "auth", "replacement_underpriced";
    /// An `ATTESTATIONS` entry where none may stand, or one that breaks its rule: only a proposer writes one, in front of its block.
    UnexpectedAttestations = 17, "auth", "unexpected_attestations";
    /// The transaction left the node's pool without being committed.
    Dropped = 18, "auth", "dropped";
    /// An envelope stands in a block: envelopes travel in mempools only.
    UnexpectedEnvelope = 19, "auth", "unexpected_envelope";
    /// The node's pool already holds as many rival transactions as it keeps where only one can succeed: of one validator key, one receipt, one coordinator in one escrow, or claims on one escrow.
    Contested = 20, "auth", "contested";
    /// As many claims wait for attestations as the node keeps, of this escrow or in all, or as many transactions wait behind the sender's claim.
    TooManyWaiting = 21, "auth", "too_many_waiting";
    /// As many transactions that only a later block could make valid are parked as the node keeps, of this sender or in all.
    TooManyParked = 22, "auth", "too_many_parked";
    /// Another pending transaction of the sender has this nonce, and it was asked that none be replaced.
    NoncePending = 23, "auth", "nonce_pending";
    /// The balance, after the fee, cannot pay the amount; of a `TREASURY_SPEND` it is the treasury's balance.
    InsufficientBalance = 30, "bank", "insufficient_balance";
    /// Sender and recipient are the same account.
    SelfTransfer = 31, "bank", "self_transfer";
    /// The recipient has no record yet and would receive less than `min_account_balance`.
    BelowMinBalance = 32, "bank", "below_min_balance";
    /// The coordinator, or one of the attesters, is not registered in the params.
    UnknownCoordinator = 40, "escrow", "unknown_coordinator";
    /// `ttl_blocks` is above `escrow_max_ttl_blocks`.
    TtlTooLong = 41, "escrow", "ttl_too_long";
    /// An escrow of this client for this job is open already.
    EscrowAlreadyOpen = 42, "escrow", "escrow_already_open";
    /// This client's escrow for this job was settled: the job id is used up.
    EscrowAlreadySettled = 43, "escrow", "escrow_already_settled";
    /// The chain has no escrow of this client for this job: it was never opened, or refunded and deleted since.
    EscrowNotFound = 44, "escrow", "escrow_not_found";
    /// The escrow is no longer open: settled, refunded or past its last block.
    EscrowClosed = 45, "escrow", "escrow_closed";
    /// Only the escrow's first coordinator may assign its miner or release it.
    NotTheCoordinator = 46, "escrow", "not_the_coordinator";
    /// The amount is below `min_escrow_amount`.
    EscrowTooLow = 47, "escrow", "escrow_too_low";
    /// The coordinator, or one of the attesters, is suspended for attestations that contradict each other, until the params name another key for it.
    CoordinatorSuspended = 48, "escrow", "coordinator_suspended";
    /// The bond of the coordinator, or of one of the attesters, is below `coordinator_min_bond`.
    BondTooSmall = 49, "escrow", "bond_too_small";
    /// `miner_addr` is not the sender.
    NotTheMiner = 50, "receipt", "not_the_miner";
    /// The miner is banned for the present.
    MinerBanned = 51, "receipt", "miner_banned";
    /// This receipt was paid to this miner more than 20 blocks ago; claiming it again in a block is an offence.
    ReceiptReplayed = 52, "receipt", "receipt_replayed";
    /// This receipt was paid to this miner already.
    ReceiptAlreadyClaimed = 53, "receipt", "receipt_already_claimed";
    /// `miner_sig` does not verify for this receipt and the escrow's opening; of a claim in a block that is an offence.
    InvalidMinerSignature = 54, "receipt", "invalid_miner_signature";
    /// The claim has no attestation, neither its own nor one in front of the block.
    AttestationMissing = 55, "receipt", "attestation_missing";
    /// An attestation is not rightly signed by a coordinator of the escrow for this receipt, is repeated, or is not in the field, number and order that the escrow's threshold asks for.
    InvalidAttestation = 56, "receipt", "invalid_attestation";
    /// A coordinator attests that the claim is not good; in a block that is an offence where it is the escrow's only one and denies that the work exists or quotes less.
    AttestationNegative = 57, "receipt", "attestation_negative";
    /// What remains in the escrow is less than the price, or less than the required fee.
    EscrowTooSmall = 58, "receipt", "escrow_too_small";
    /// `opened_height` is not that of the escrow: it was opened again, or the receipt is for another opening.
    WrongOpening = 62, "receipt", "wrong_opening";
    /// The escrow is bound to another miner.
    BoundToAnotherMiner = 63, "receipt", "bound_to_another_miner";
    /// `final` may stand only where the escrow is partial and bound to the sender.
    FinalNotAllowed = 64, "receipt", "final_not_allowed";
    /// An attestation of the report neither denies that the work exists nor quotes less than the receipt asks for.
    NotDamning = 65, "receipt", "not_damning";
    /// This receipt of this miner was refused already.
    ReceiptAlreadyRefused = 66, "receipt", "receipt_already_refused";
    /// The escrow closed more than `offence_window_blocks` ago.
    ReportTooLate = 67, "receipt", "report_too_late";
    /// The chain does not know the miner's key, and `miner_pubkey` is missing or not the key of `miner_addr`.
    MinerKeyUnknown = 68, "receipt", "miner_key_unknown";
    /// The report has damning attestations of fewer coordinators than could keep the receipt from being paid.
    TooFewAttestations = 69, "receipt", "too_few_attestations";
    /// Only the `admin` account may change params and spend from the treasury.
    NotTheAdmin = 70, "params", "not_the_admin";
    /// There is no param of that name.
    UnknownParam = 71, "params", "unknown_param";
    /// The param is fixed in the genesis.
    ParamFixed = 72, "params", "param_fixed";
    /// The value is mistyped or out of the param's range.
    InvalidParamValue = 73, "params", "invalid_param_value";
    /// A consensus key of `authorities` belongs to another account for ever.
    ConsensusKeyTaken = 74, "params", "consensus_key_taken";
    /// The value does not fit the other params: `unbonding_blocks` must be at least `evidence_max_age_num_blocks` + `epoch_blocks` + 2, `authorities` may have at most 40 new keys, and `work_decay_bps` may change 1,000 times.
    ParamConflict = 75, "params", "param_conflict";
    /// The sender is not the account that was named as the next admin before this block.
    NotNamedAdmin = 76, "params", "not_named_admin";
    /// A new consensus key of `authorities` has no `proof`, or one that does not verify for its address and this chain.
    InvalidAuthorityProof = 77, "params", "invalid_authority_proof";
    /// Keys that are proven to sign would not hold more than two thirds of the power of the authorities.
    AuthoritiesNotProven = 78, "params", "authorities_not_proven";
    /// The account's first `STAKE` must name its validator key with a proof that it holds it.
    ValidatorKeyMissing = 80, "stake", "validator_key_missing";
    /// `validator_sig` does not verify for this validator key, sender and chain.
    InvalidValidatorSignature = 81, "stake", "invalid_validator_signature";
    /// The validator key belongs to another account for ever.
    ValidatorKeyTaken = 82, "stake", "validator_key_taken";
    /// The account's first `STAKE` named another validator key, which it keeps for ever.
    ValidatorKeyFixed = 83, "stake", "validator_key_fixed";
    /// The account never staked.
    NeverStaked = 84, "stake", "never_staked";
    /// The account has less stake than it wants to unbond.
    StakeTooSmall = 85, "stake", "stake_too_small";
    /// 16 unbondings of the account's stake are under way already.
    TooManyUnbondings = 86, "stake", "too_many_unbondings";
    /// The account is not jailed.
    NotJailed = 87, "stake", "not_jailed";
    /// The validator was jailed for equivocation, which no `UNJAIL` ends.
    JailedForGood = 88, "stake", "jailed_for_good";
    /// The validator's time in jail is not over.
    JailedStill = 89, "stake", "jailed_still";
    /// A miner is bound: the client cannot cancel, nor the coordinator release an escrow whose threshold is above 1.
    MinerBound = 100, "escrow", "miner_bound";
    /// The miner cannot be assigned: `ESCROW_OPEN` named it, or one was assigned already and the threshold is above 1.
    MinerFixed = 101, "escrow", "miner_fixed";
    /// Only the client may extend the escrow.
    NotTheClient = 102, "escrow", "not_the_client";
    /// The escrow was opened in this very block, and can be opened again in a later one.
    OpenedInThisBlock = 103, "escrow", "opened_in_this_block";
    /// The account has less bond than it wants to unbond.
    BondInsufficient = 110, "coordinator", "bond_insufficient";
    /// 16 unbondings of the account's bond are under way already.
    TooManyBondUnbondings = 111, "coordinator", "too_many_bond_unbondings";
    /// The two attestations do not contradict each other.
    NoContradiction = 112, "coordinator", "no_contradiction";
    /// The coordinator was convicted in this opening of the escrow already.
    AlreadyConvicted = 113, "coordinator", "already_convicted";
    /// The two attestations are not of one and the same coordinator of the escrow.
    NotItsCoordinator = 114, "coordinator", "not_its_coordinator";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn numbers_and_names_are_unique_and_ascending() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.windows(2).all(|w| w[0].number() < w[1].number()));
        assert!(Code::ALL.iter().all(|c| c.number() != 0));
    }

    #[test]
    fn the_documented_table_is_this_one() {
        let table = include_str!("../../docs/errors.md");
        for code in Code::ALL {
            let row = format!(
                "| {} | {} | `{}` | {} |",
                code.number(),
                code.codespace(),
                code.name(),
                code.meaning()
            );
            assert!(table.contains(&row), "docs/errors.md lacks the row\n{row}");
        }
    }
}
