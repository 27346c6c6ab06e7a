//! Owns the one table of result codes. They are consensus: CometBFT hashes them into the next
//! header, so a number is given once and never reused (SPEC section 8).

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $codespace:literal, $name:literal;)+) => {
        /// Why a transaction was refused or failed (SPEC section 8; `docs/errors.md` is the same table).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Code { $($(#[doc = $doc])+ $variant = $number,)+ }

        impl Code {
            /// Every code, by number ascending.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The number in ABCI results; success is 0 and has no `Code`.
            pub const fn number(self) -> u32 { self as u32 }

            /// The ABCI codespace: `auth`, `bank`, `escrow`, `receipt`, `params` or `stake`.
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
    /// A field is missing, unknown, mistyped or out of its range.
    InvalidField = 4, "auth", "invalid_field";
    /// `type` names no kind of transaction that users may send.
    UnknownType = 5, "auth", "unknown_type";
    /// An address is not lower-case bech32 of 20 bytes with the prefix `ait`.
    InvalidAddress = 6, "auth", "invalid_address";
    /// A public key is not 64 lower-case hex characters of an ed25519 point, or is of small order.
    InvalidPublicKey = 7, "auth", "invalid_public_key";
    /// The sender is not the address of `pubkey`.
    SenderMismatch = 8, "auth", "sender_mismatch";
    /// `sig` does not verify strictly for this chain id and content.
    InvalidSignature = 9, "auth", "invalid_signature";
    /// The nonce was used already.
    NonceUsed = 10, "auth", "nonce_used";
    /// The nonce skips one or more: it must be the account's nonce + 1, or continue the pending run.
    NonceGap = 11, "auth", "nonce_gap";
    /// The fee is below the required one.
    FeeTooLow = 12, "auth", "fee_too_low";
    /// The balance cannot pay the fee.
    FeeNotAffordable = 13, "auth", "fee_not_affordable";
    /// The nonce is further ahead than the node keeps transactions for.
    NonceTooFarAhead = 14, "auth", "nonce_too_far_ahead";
    /// The node's pool (or this sender's or escrow's part of it) is full.
    PoolFull = 15, "auth", "pool_full";
    /// A pending transaction with this nonce offers too much for this one to replace it.
    ReplacementUnderpriced = 16, "auth", "replacement_underpriced";
    /// An `ATTESTATIONS` entry where none may stand: only a proposer writes one, in front of its block.
    UnexpectedAttestations = 17, "auth", "unexpected_attestations";
    /// The transaction left the node's pool without being committed.
    Dropped = 18, "auth", "dropped";

    /// The balance cannot pay amount and fee.
    InsufficientBalance = 30, "bank", "insufficient_balance";
    /// Sender and recipient are the same account.
    SelfTransfer = 31, "bank", "self_transfer";

    /// The coordinator is not registered in the params.
    UnknownCoordinator = 40, "escrow", "unknown_coordinator";
    /// `ttl_blocks` is above `escrow_max_ttl_blocks`.
    TtlTooLong = 41, "escrow", "ttl_too_long";
    /// An escrow of this client for this job is open already.
    EscrowAlreadyOpen = 42, "escrow", "escrow_already_open";
    /// This client's escrow for this job was settled: the job id is used up.
    EscrowAlreadySettled = 43, "escrow", "escrow_already_settled";
    /// This client never opened an escrow for this job.
    EscrowNotFound = 44, "escrow", "escrow_not_found";
    /// The escrow is no longer open: settled, refunded or past its last block.
    EscrowClosed = 45, "escrow", "escrow_closed";
    /// Only the escrow's coordinator may release it.
    NotTheCoordinator = 46, "escrow", "not_the_coordinator";

    /// `miner_addr` is not the sender.
    NotTheMiner = 50, "receipt", "not_the_miner";
    /// The miner is banned for the present.
    MinerBanned = 51, "receipt", "miner_banned";
    /// This miner claimed this receipt id before; in a block that is an offence.
    ReceiptReplayed = 52, "receipt", "receipt_replayed";
    /// Another miner claimed this receipt id before.
    ReceiptAlreadyClaimed = 53, "receipt", "receipt_already_claimed";
    /// `miner_sig` does not verify; in a block that is an offence.
    InvalidMinerSignature = 54, "receipt", "invalid_miner_signature";
    /// The claim has no attestation, neither its own nor one in front of the block.
    AttestationMissing = 55, "receipt", "attestation_missing";
    /// The attestation is not rightly signed by the escrow's registered coordinator for this receipt.
    InvalidAttestation = 56, "receipt", "invalid_attestation";
    /// The coordinator attests that the claim is not good; in a block that is an offence.
    AttestationNegative = 57, "receipt", "attestation_negative";
    /// The escrow is smaller than price and required fee.
    EscrowTooSmall = 58, "receipt", "escrow_too_small";
    /// The miner's mint is above `max_mint_per_price * price`.
    MintAbovePrice = 59, "receipt", "mint_above_price";
    /// The mints pass what this coordinator's attestations may mint in an epoch.
    CoordinatorCapReached = 60, "receipt", "coordinator_cap_reached";
    /// The mints would lift the supply above 2^53-1 uait.
    SupplyLimitReached = 61, "receipt", "supply_limit_reached";

    /// Only the `admin` account may change params.
    NotTheAdmin = 70, "params", "not_the_admin";
    /// There is no param of that name.
    UnknownParam = 71, "params", "unknown_param";
    /// The param is fixed in the genesis.
    ParamFixed = 72, "params", "param_fixed";
    /// The value is mistyped or out of the param's range.
    InvalidParamValue = 73, "params", "invalid_param_value";
    /// A consensus key of `authorities` belongs to another account already.
    ConsensusKeyTaken = 74, "params", "consensus_key_taken";

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
    /// 16 unbondings of the account are under way already.
    TooManyUnbondings = 86, "stake", "too_many_unbondings";
    /// The account is not jailed.
    NotJailed = 87, "stake", "not_jailed";
    /// The validator was jailed for equivocation, which no `UNJAIL` ends.
    JailedForGood = 88, "stake", "jailed_for_good";
    /// The validator's time in jail is not over.
    JailedStill = 89, "stake", "jailed_still";
}

impl Code {
    /// Whether a claim that fails with it in a block is an offence of its miner (SPEC section 4).
    pub const fn is_offence(self) -> bool {
        matches!(
            self,
            Code::ReceiptReplayed | Code::InvalidMinerSignature | Code::AttestationNegative
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_ascending() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.name()).collect();
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
