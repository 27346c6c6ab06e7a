//! Owns the payloads of all kinds of transactions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    attest::{Attestation, Receipt},
    crypto::address_of,
    params::value_fault,
    wire::{
        Fields, address, array, between, id, integer, key, object, only_true, optional,
        output_hash, signature, string,
    },
};

/// No escrow may last longer, whatever the params say.
const LONGEST_TTL: u64 = 10_000_000;

/// What a transaction is for.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Transfer {
        to: String,
        amount: u64,
    },
    Open(Opening),
    Assign {
        job: Job,
        miner: String,
    },
    TopUp {
        job: Job,
        amount: u64,
        ttl: Option<u64>,
    },
    Cancel {
        job_id: String,
    },
    Release {
        job: Job,
    },
    Claim(Box<Claim>),
    Report(Box<Report>),
    Bond {
        amount: u64,
    },
    Unbond {
        amount: u64,
    },
    Equivocation(Box<Equivocation>),
    Param {
        name: String,
        value: Value,
    },
    AdminAccept,
    TreasurySpend {
        to: String,
        amount: u64,
    },
    Stake {
        amount: u64,
        key: Option<(String, String)>,
    },
    Unstake {
        amount: u64,
    },
    Unjail,
}

/// Client and job id.
pub(super) type Job = (String, String);

/// An `ESCROW_OPEN`.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) job_id: String,
    /// The coordinator and then the attesters.
    pub(super) named: Vec<String>,
    pub(super) threshold: usize,
    pub(super) amount: u64,
    pub(super) ttl: u64,
    pub(super) miner: Option<String>,
    pub(super) partial: bool,
}

/// A `RECEIPT_CLAIM`.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) receipt: Receipt,
    pub(super) miner_sig: String,
    pub(super) given: Given,
    pub(super) last: bool,
    pub(super) opened: Option<u64>,
}

/// The attestations that a claim brings.
#[derive(Debug, Clone)]
pub(super) enum Given {
    None,
    One(Attestation),
    List(Vec<Attestation>),
}

/// A `RECEIPT_REPORT`.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) receipt: Receipt,
    pub(super) opened: u64,
    pub(super) miner_sig: String,
    pub(super) miner_key: Option<String>,
    pub(super) attestations: Vec<Attestation>,
}

/// An `ATTESTATION_EQUIVOCATION`.
#[derive(Debug, Clone)]
pub(super) struct Equivocation {
    pub(super) job: Job,
    pub(super) opened: u64,
    pub(super) both: [(Receipt, Attestation); 2],
}

impl Kind {
    /// All that users may send.
    pub(super) const NAMES: [&str; 17] = [
        "TRANSFER",
        "ESCROW_OPEN",
        "ESCROW_ASSIGN",
        "ESCROW_TOPUP",
        "ESCROW_CANCEL",
        "ESCROW_RELEASE",
        "RECEIPT_CLAIM",
        "RECEIPT_REPORT",
        "COORDINATOR_BOND",
        "COORDINATOR_UNBOND",
        "ATTESTATION_EQUIVOCATION",
        "PARAM_UPDATE",
        "ADMIN_ACCEPT",
        "TREASURY_SPEND",
        "STAKE",
        "UNSTAKE",
        "UNJAIL",
    ];
}

/// The payload of a transaction of this type.
pub(super) fn read_payload(name: &str, payload: &Value) -> Result<Kind, &'static str> {
    let amount_alone = || integer(object(payload, &["amount"], &[])?, "amount", 1);
    Ok(match name {
        "TRANSFER" => read_transfer(payload)?,
        "TREASURY_SPEND" => {
            let fields = object(payload, &["to", "amount"], &[])?;
            let (to, amount) = (address(fields, "to")?, integer(fields, "amount", 1)?);
            Kind::TreasurySpend { to, amount }
        }
        "ESCROW_OPEN" => Kind::Open(read_opening(payload)?),
        "RECEIPT_CLAIM" => Kind::Claim(Box::new(read_claim(payload)?)),
        "RECEIPT_REPORT" => Kind::Report(Box::new(read_report(payload)?)),
        "ATTESTATION_EQUIVOCATION" => Kind::Equivocation(Box::new(read_equivocation(payload)?)),
        "COORDINATOR_BOND" => Kind::Bond {
            amount: amount_alone()?,
        },
        "COORDINATOR_UNBOND" => Kind::Unbond {
            amount: amount_alone()?,
        },
        "PARAM_UPDATE" => read_param(payload)?,
        "STAKE" => read_stake(payload)?,
        "UNSTAKE" => Kind::Unstake {
            amount: amount_alone()?,
        },
        "ADMIN_ACCEPT" => object(payload, &[], &[]).map(|_| Kind::AdminAccept)?,
        "UNJAIL" => object(payload, &[], &[]).map(|_| Kind::Unjail)?,
        _ => read_of_escrow(name, payload)?,
    })
}

fn read_transfer(payload: &Value) -> Result<Kind, &'static str> {
    let fields = object(payload, &["to", "amount"], &["memo"])?;
    let bytes = |fields: &Fields, name: &str| Ok(string(fields, name)?.len());
    if optional(fields, "memo", bytes)?.is_some_and(|bytes| bytes > 256) {
        return Err("invalid_field");
    }
    let (to, amount) = (address(fields, "to")?, integer(fields, "amount", 1)?);
    Ok(Kind::Transfer { to, amount })
}

fn read_param(payload: &Value) -> Result<Kind, &'static str> {
    let fields = object(payload, &["key", "value"], &[])?;
    let (name, value) = (string(fields, "key")?.to_owned(), fields["value"].clone());
    if let Some(fault) = value_fault(&name, &value) {
        return Err(fault);
    }
    Ok(Kind::Param { name, value })
}

/// What changes an escrow that is there.
fn read_of_escrow(name: &str, payload: &Value) -> Result<Kind, &'static str> {
    Ok(match name {
        "ESCROW_ASSIGN" => {
            let fields = object(payload, &["client_addr", "job_id", "miner"], &[])?;
            let miner = address(fields, "miner")?;
            Kind::Assign {
                job: job(fields)?,
                miner,
            }
        }
        "ESCROW_TOPUP" => {
            let required = ["client_addr", "job_id", "amount"];
            let fields = object(payload, &required, &["ttl_blocks"])?;
            let amount = integer(fields, "amount", 1)?;
            let ttl = optional(fields, "ttl_blocks", ttl)?;
            Kind::TopUp {
                job: job(fields)?,
                amount,
                ttl,
            }
        }
        "ESCROW_CANCEL" => {
            let fields = object(payload, &["job_id"], &[])?;
            Kind::Cancel {
                job_id: id(fields, "job_id")?,
            }
        }
        "ESCROW_RELEASE" => {
            let fields = object(payload, &["client_addr", "job_id"], &[])?;
            Kind::Release { job: job(fields)? }
        }
        _ => return Err("unknown_type"),
    })
}

fn job(fields: &Fields) -> Result<Job, &'static str> {
    Ok((address(fields, "client_addr")?, id(fields, "job_id")?))
}

fn ttl(fields: &Fields, name: &str) -> Result<u64, &'static str> {
    between(fields, name, 1, LONGEST_TTL)
}

fn read_stake(payload: &Value) -> Result<Kind, &'static str> {
    let fields = object(payload, &["amount"], &["validator_pubkey", "validator_sig"])?;
    let amount = integer(fields, "amount", 1)?;
    let pubkey = optional(fields, "validator_pubkey", key)?;
    let sig = optional(fields, "validator_sig", signature)?;
    if pubkey.is_some() != sig.is_some() {
        return Err("invalid_field");
    }
    Ok(Kind::Stake {
        amount,
        key: pubkey.zip(sig),
    })
}

fn read_opening(payload: &Value) -> Result<Opening, &'static str> {
    let required = ["job_id", "coordinator", "amount", "ttl_blocks"];
    let allowed = ["miner", "partial", "attesters", "threshold"];
    let fields = object(payload, &required, &allowed)?;
    let mut named = vec![address(fields, "coordinator")?];
    if let Some(attesters) = optional(fields, "attesters", addresses)? {
        if !(1..=4).contains(&attesters.len()) {
            return Err("invalid_field");
        }
        named.extend(attesters);
    } else if fields.contains_key("threshold") {
        return Err("invalid_field");
    }
    if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
        return Err("invalid_field");
    }
    let all = named.len() as u64;
    let within = |fields: &Fields, name: &str| between(fields, name, 1, all);
    Ok(Opening {
        job_id: id(fields, "job_id")?,
        threshold: optional(fields, "threshold", within)?.unwrap_or(all) as usize,
        named,
        amount: integer(fields, "amount", 1)?,
        ttl: ttl(fields, "ttl_blocks")?,
        miner: optional(fields, "miner", address)?,
        partial: only_true(fields, "partial")?,
    })
}

fn addresses(fields: &Fields, name: &str) -> Result<Vec<String>, &'static str> {
    let one = |value: &Value| {
        let fields = Fields::from_iter([("one".to_owned(), value.clone())]);
        address(&fields, "one")
    };
    array(fields, name)?.iter().map(one).collect()
}

const RECEIPT: [&str; 8] = [
    "receipt_id",
    "job_id",
    "client_addr",
    "miner_addr",
    "compute_units",
    "price",
    "output_hash",
    "miner_sig",
];

fn read_receipt(fields: &Fields, (client, job_id): Job) -> Result<Receipt, &'static str> {
    Ok(Receipt {
        receipt_id: id(fields, "receipt_id")?,
        job_id,
        client,
        miner: address(fields, "miner_addr")?,
        units: integer(fields, "compute_units", 1)?,
        price: integer(fields, "price", 1)?,
        output_hash: output_hash(fields)?,
    })
}

/// One to five attestations.
fn attestations(fields: &Fields, name: &str) -> Result<Vec<Attestation>, &'static str> {
    let list = array(fields, name)?;
    if !(1..=5).contains(&list.len()) {
        return Err("invalid_field");
    }
    list.iter().map(Attestation::read).collect()
}

fn attestation(fields: &Fields, name: &str) -> Result<Attestation, &'static str> {
    Attestation::read(&fields[name])
}

fn height(fields: &Fields, name: &str) -> Result<u64, &'static str> {
    integer(fields, name, 0)
}

fn read_claim(payload: &Value) -> Result<Claim, &'static str> {
    let allowed = ["attestation", "attestations", "final", "opened_height"];
    let fields = object(payload, &RECEIPT, &allowed)?;
    let one = optional(fields, "attestation", attestation)?;
    let list = optional(fields, "attestations", attestations)?;
    let given = match (one, list) {
        (None, None) => Given::None,
        (Some(one), None) => Given::One(one),
        (None, Some(list)) => Given::List(list),
        (Some(_), Some(_)) => return Err("invalid_field"),
    };
    Ok(Claim {
        receipt: read_receipt(fields, job(fields)?)?,
        miner_sig: signature(fields, "miner_sig")?,
        given,
        last: only_true(fields, "final")?,
        opened: optional(fields, "opened_height", height)?,
    })
}

fn read_report(payload: &Value) -> Result<Report, &'static str> {
    let required = [&RECEIPT[..], &["opened_height", "attestations"]].concat();
    let fields = object(payload, &required, &["miner_pubkey"])?;
    let receipt = read_receipt(fields, job(fields)?)?;
    let miner_key = optional(fields, "miner_pubkey", key)?;
    let is_others = |key: &String| address_of(key) != receipt.miner;
    if miner_key.as_ref().is_some_and(is_others) {
        return Err("invalid_field");
    }
    Ok(Report {
        receipt,
        opened: height(fields, "opened_height")?,
        miner_sig: signature(fields, "miner_sig")?,
        miner_key,
        attestations: attestations(fields, "attestations")?,
    })
}

fn read_equivocation(payload: &Value) -> Result<Equivocation, &'static str> {
    let required = ["client_addr", "job_id", "opened_height", "a", "b"];
    let fields = object(payload, &required, &[])?;
    let job = job(fields)?;
    let side = |name: &str| {
        let required = [
            "receipt_id",
            "miner_addr",
            "compute_units",
            "price",
            "output_hash",
            "attestation",
        ];
        let side = object(&fields[name], &required, &[])?;
        let receipt = read_receipt(side, job.clone())?;
        Ok::<_, &'static str>((receipt, attestation(side, "attestation")?))
    };
    let both = [side("a")?, side("b")?];
    let opened = height(fields, "opened_height")?;
    Ok(Equivocation { job, opened, both })
}
