//! Owns `ait tx claim`: a miner's claim from a receipt file or flags, with its coordinators'
//! attestations where the miner has or fetches them.

use std::path::PathBuf;

use ait_app::{
    address::Address,
    escrow::record::Escrow,
    identifiers::{JobId, OutputHash, ReceiptId},
    quantity::{Positive, Uait, Units},
    receipts::{attestation::Attestation, claim_payload::Brought, terms::ReceiptTerms},
};
use ait_client::{SignedReceipt, bring, brought};
use anyhow::{Result, bail};
use clap::Args;

use super::{
    receipt::{Given, Sources, escrow_of, opening},
    submit::{SendOptions, Submission, read_input},
};
use ait_home::{
    amounts::parse_amount,
    exit::{Refused, Usage},
};

/// `ait tx claim`
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// The receipt in JSON, with the fields of the claim's payload; - for standard input. Without it
    /// the next six flags are needed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["receipt_id", "job_id", "client", "compute_units", "price", "output_hash"])]
    receipt: Option<PathBuf>,
    /// The receipt's name, unique among yours
    #[arg(long, value_name = "ID")]
    receipt_id: Option<ReceiptId>,
    /// The job
    #[arg(long, value_name = "ID")]
    job_id: Option<JobId>,
    /// Whose escrow pays
    #[arg(long, value_name = "ADDRESS")]
    client: Option<Address>,
    /// Units of compute delivered
    #[arg(long, value_name = "N", value_parser = parse_units)]
    compute_units: Option<Positive<Units>>,
    /// What the escrow shall pay, in uait or such as 1.5ait
    #[arg(long, value_name = "AMOUNT", value_parser = parse_amount)]
    price: Option<Positive<Uait>>,
    /// sha256: and the hash of the job's output
    #[arg(long, value_name = "HASH")]
    output_hash: Option<OutputHash>,
    /// The opening of the escrow that you worked for [default: that of the escrow as it is]
    #[arg(long, value_name = "HEIGHT")]
    opened_height: Option<u64>,
    /// It is the last part of a partial job: what remains goes back to the client
    #[arg(long = "final")]
    is_final: bool,
    /// Where the attestations come from; without any, the nodes ask the escrow's single coordinator
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    options: SendOptions,
}

fn parse_units(text: &str) -> Result<Positive<Units>, String> {
    let units = text.parse().ok().and_then(Units::new);
    units
        .and_then(Positive::new)
        .ok_or_else(|| "must be a number of units 1..=2^53-1".to_owned())
}

/// Runs `ait tx claim`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: ClaimArgs) -> Result<()> {
    let submission = Submission::open(&args.options)?;
    let given = match &args.receipt {
        Some(file) => Given::read(&read_input(file)?)?,
        None => from_flags(&args)?,
    };
    let miner = submission.sender;
    if let Some(named) = given.miner_addr.filter(|named| *named != miner) {
        bail!(Usage(format!(
            "the receipt is of miner {named}, but --key is that of {miner}"
        )));
    }
    let named = opening(args.opened_height, given.opened_height)?;
    // Offline, what is given must do.
    let needs_no_node = args.options.sign_only && !args.sources.asks();
    let escrow = match named {
        Some(_) if needs_no_node => None,
        _ => Some(escrow_of(&submission.client, &given).await?),
    };
    let shown = escrow.as_ref().map(|escrow| escrow.opened_height);
    let Some(opened_height) = named.or(shown) else {
        bail!(Usage("--opened-height is missing".to_owned()));
    };
    if let Some(shown) = shown.filter(|shown| *shown != opened_height) {
        bail!(Refused(format!(
            "the escrow was opened in block {shown}, the receipt is for opening {opened_height}"
        )));
    }
    let chain_id = submission.chain_id().await?;
    let terms = given.terms(miner, opened_height);
    let receipt = SignedReceipt::sign(&chain_id, terms, &submission.key);
    let trust = args.options.delivery.node.trust.trust();
    let found = args
        .sources
        .gather(&receipt, &chain_id, &given, &trust)
        .await?;
    let brought = match &escrow {
        Some(escrow) => chosen(escrow, &receipt.terms, &found)?,
        None => {
            bring(found).ok_or_else(|| Usage("a claim has at most 5 attestations".to_owned()))?
        }
    };
    let claim = receipt.into_claim(brought, args.is_final || given.is_final);
    submission.submit(claim).await
}

fn from_flags(args: &ClaimArgs) -> Result<Given> {
    fn needed<T: Clone>(name: &str, value: &Option<T>) -> Result<T> {
        let missing = || {
            Usage(format!(
                "{name} is missing (or give the receipt by --receipt FILE)"
            ))
        };
        Ok(value.clone().ok_or_else(missing)?)
    }
    Ok(Given {
        receipt_id: needed("--receipt-id", &args.receipt_id)?,
        job_id: needed("--job-id", &args.job_id)?,
        client_addr: needed("--client", &args.client)?,
        compute_units: needed("--compute-units", &args.compute_units)?,
        price: needed("--price", &args.price)?,
        output_hash: needed("--output-hash", &args.output_hash)?,
        miner_addr: None,
        miner_sig: None,
        miner_pubkey: None,
        opened_height: None,
        is_final: false,
        attestation: None,
        attestations: Vec::new(),
    })
}

/// As many good attestations as the escrow asks for, in its order.
///
/// # Errors
/// When there are fewer: a claim with less is refused, or an offence.
fn chosen(escrow: &Escrow, terms: &ReceiptTerms, found: &[Attestation]) -> Result<Brought> {
    brought(escrow, terms, found).map_err(|error| {
        let how = "ask each by --attest URL, or bring theirs by --attestation FILE";
        let message = if error.said.is_empty() {
            format!("{error}: {how}")
        } else {
            error.to_string()
        };
        Refused(message).into()
    })
}

#[cfg(test)]
mod tests {
    use ait_app::{
        crypto::SecretKey,
        escrow::record::{Attester, Binding, EscrowStatus},
        quantity::{Count, Height},
        receipts::attestation::{Facts, Quote},
    };

    use super::*;
    use ait_home::exit;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    fn address(seed: u8) -> Address {
        Address::of(&key(seed).public_key())
    }

    fn terms() -> ReceiptTerms {
        ReceiptTerms {
            receipt_id: "r".parse().unwrap(),
            job_id: "job_1".parse().unwrap(),
            client: Address::module("client"),
            miner: Address::module("miner"),
            compute_units: parse_units("10").unwrap(),
            price: parse_amount("500").unwrap(),
            output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
            opened_height: Height::constant(7),
        }
    }

    fn escrow(coordinators: &[u8], threshold: usize) -> Escrow {
        let attesters = coordinators.iter().map(|seed| Attester {
            address: address(*seed),
            key: key(*seed).public_key(),
        });
        Escrow {
            client: Address::module("client"),
            job_id: "job_1".parse().unwrap(),
            attesters: attesters.collect(),
            threshold,
            binding: Binding::Unbound,
            partial: false,
            amount: Uait::constant(1_000),
            paid: Uait::ZERO,
            claims: Count::ZERO,
            last_receipt: None,
            opened_height: Height::constant(7),
            expires_height: Height::constant(100),
            status: EscrowStatus::Open {
                remaining: Uait::constant(1_000),
                cancelled: false,
            },
            convicted: Default::default(),
        }
    }

    fn attestation(seed: u8, price: u64) -> Attestation {
        let facts = Facts {
            exists: true,
            paid: true,
            not_double_spent: true,
            quote: Quote {
                compute_units: Units::constant(10),
                price: Uait::constant(price),
            },
        };
        let chain = "ait-devnet".parse().unwrap();
        Attestation::sign(&chain, &terms(), facts, address(seed), &key(seed))
    }

    fn signers(brought: Brought) -> Vec<Address> {
        match brought {
            Brought::Nothing => Vec::new(),
            Brought::One(one) => vec![one.coordinator],
            Brought::Several(list) => list.as_slice().iter().map(|one| one.coordinator).collect(),
        }
    }

    #[test]
    fn a_claim_brings_as_many_as_the_escrow_asks_for_in_its_order() {
        let found = [
            attestation(3, 500),
            attestation(1, 500),
            attestation(2, 500),
        ];
        let three = escrow(&[1, 2, 3], 2);
        let brought = chosen(&three, &terms(), &found).unwrap();
        assert_eq!(signers(brought), [address(1), address(2)]);
        let one_of_three = chosen(&escrow(&[1, 2, 3], 1), &terms(), &found).unwrap();
        assert!(matches!(one_of_three, Brought::One(_)));
        let alone = chosen(&escrow(&[1], 1), &terms(), &[]).unwrap();
        assert_eq!(alone, Brought::Nothing, "the node asks");
    }

    #[test]
    fn what_would_be_refused_or_an_offence_is_not_sent() {
        let two = escrow(&[1, 2], 2);
        for found in [
            vec![],
            vec![attestation(1, 500)],
            vec![attestation(1, 500), attestation(2, 499)],
            vec![attestation(1, 500), attestation(9, 500)],
            vec![attestation(1, 500), attestation(1, 500)],
        ] {
            let error = chosen(&two, &terms(), &found).unwrap_err();
            assert_eq!(exit::code_of(&error), exit::REFUSED, "{error}");
        }
        let denied = chosen(&escrow(&[1], 1), &terms(), &[attestation(1, 499)]);
        assert!(
            denied
                .unwrap_err()
                .to_string()
                .contains("price at most 499")
        );
    }
}
