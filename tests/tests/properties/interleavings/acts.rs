//! Owns what can be done to the escrow: who does it, and with which payload.

use ait_testkit::{
    actors::{Actor, arbiter, coordinator, miner},
    chain::CHAIN_ID,
    draft,
    work::Work,
};
use serde_json::{Value, json};

use super::coins::Coins;

/// Every fee, uait.
pub(super) const FEE: i128 = 7;

pub(super) const JOB: &str = "job";

pub(super) const OPENED: u64 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// One coordinator, one claim.
    OpenPlain,
    /// Parts, for a miner whom the client names.
    OpenForMiner,
    /// Parts, and two coordinators must attest.
    OpenWithTwo,
    AssignMiner,
    AssignOther,
    /// By a stranger.
    TopUp,
    /// By the client, who wants it to last.
    Extend,
    Cancel,
    Release,
    ClaimA,
    ClaimB,
    /// By another miner.
    ClaimOther,
    /// The last part.
    Final,
    /// A stranger reports receipt A, which its coordinators deny.
    Report,
    /// A stranger shows that the coordinator denies what it attested.
    Equivocate,
    /// Three blocks pass.
    Wait,
}

pub(super) use Act::*;

pub(super) const ACTS: [Act; 16] = [
    OpenPlain,
    OpenForMiner,
    OpenWithTwo,
    AssignMiner,
    AssignOther,
    TopUp,
    Extend,
    Cancel,
    Release,
    ClaimA,
    ClaimB,
    ClaimOther,
    Final,
    Report,
    Equivocate,
    Wait,
];

pub(super) fn client() -> Actor {
    Actor::named("client")
}

pub(super) fn other_miner() -> Actor {
    Actor::named("other miner")
}

pub(super) fn stranger() -> Actor {
    Actor::named("stranger")
}

pub(super) fn by(act: Act) -> Actor {
    match act {
        OpenPlain | OpenForMiner | OpenWithTwo | Extend | Cancel => client(),
        AssignMiner | AssignOther | Release => coordinator(),
        TopUp | Report | Equivocate => stranger(),
        ClaimOther => other_miner(),
        _ => miner(),
    }
}

pub(super) fn kind(act: Act) -> &'static str {
    match act {
        OpenPlain | OpenForMiner | OpenWithTwo => "ESCROW_OPEN",
        AssignMiner | AssignOther => "ESCROW_ASSIGN",
        TopUp | Extend => "ESCROW_TOPUP",
        Cancel => "ESCROW_CANCEL",
        Release => "ESCROW_RELEASE",
        Report => "RECEIPT_REPORT",
        Equivocate => "ATTESTATION_EQUIVOCATION",
        _ => "RECEIPT_CLAIM",
    }
}

pub(super) fn work(coins: &Coins, act: Act) -> Work {
    let (miner, receipt, price) = match act {
        ClaimA | Report | Equivocate => (miner(), "a", 300),
        ClaimB => (miner(), "b", 200),
        ClaimOther => (other_miner(), "c", 300),
        _ => (miner(), "d", 100),
    };
    Work {
        chain_id: CHAIN_ID.into(),
        receipt_id: receipt.into(),
        job_id: JOB.into(),
        client: client().address().to_string(),
        miner: miner.address().to_string(),
        compute_units: 5,
        price,
        output_hash: format!("sha256:{}", "ab".repeat(32)),
        opened_height: coins.field("opened_height").as_u64().unwrap_or(0),
    }
}

pub(super) fn opening(act: Act) -> Value {
    let mut payload = draft::escrow_open(JOB, coordinator().address(), OPENED, 4);
    if act != OpenPlain {
        payload["partial"] = true.into();
    }
    if act == OpenForMiner {
        payload["miner"] = miner().address().to_string().into();
    }
    if act == OpenWithTwo {
        payload["attesters"] = json!([arbiter().address().to_string()]);
        payload["threshold"] = 2.into();
    }
    payload
}

pub(super) fn claim(coins: &Coins, act: Act, by: &Actor) -> Value {
    let work = work(coins, act);
    let opened = work.opened_height;
    let mut payload = work.claim(&work.signed_by(by), None);
    payload["opened_height"] = opened.into();
    if act == Final {
        payload["final"] = true.into();
    }
    let first = work.attested_by(&coordinator(), opened);
    if coins.field("threshold") == 2 {
        payload["attestations"] = json!([first, work.attested_by(&arbiter(), opened)]);
    } else {
        payload["attestation"] = first;
    }
    payload
}

pub(super) fn payload(coins: &Coins, act: Act) -> Value {
    let address = client().address();
    let work = work(coins, act);
    match act {
        OpenPlain | OpenForMiner | OpenWithTwo => opening(act),
        AssignMiner => draft::escrow_assign(address, JOB, miner().address()),
        AssignOther => draft::escrow_assign(address, JOB, other_miner().address()),
        TopUp => draft::escrow_topup(address, JOB, 90),
        Extend => {
            let mut payload = draft::escrow_topup(address, JOB, 40);
            payload["ttl_blocks"] = 4.into();
            payload
        }
        Cancel => json!({ "job_id": JOB }),
        Release => draft::escrow_release(address, JOB),
        Report => {
            let denial = work.denied_by(&coordinator());
            work.report(&work.signed_by(&miner()), &[denial])
        }
        Equivocate => {
            let praise = work.attested_by(&coordinator(), work.opened_height);
            let denial = work.denied_by(&coordinator());
            work.equivocation(&praise, &work, &denial)
        }
        _ => claim(coins, act, &by(act)),
    }
}
