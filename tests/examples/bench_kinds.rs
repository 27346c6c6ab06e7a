//! How long a block takes that is filled to 4 MiB with one kind of transaction, once its signatures
//! are known: one row a kind. Each block's transactions succeed, each by an account of its own where
//! the kind allows it, with the largest payloads that are cheap to send.
//!
//! `cargo run --release --example bench_kinds [KIND]`

use std::time::Instant;

use ait_app::{
    block::{Entry, execute},
    crypto::{PublicKey, Signature},
    tx::Signatures,
};
use ait_testkit::{
    actors::{Actor, admin, coordinator},
    chain::{CHAIN_ID, Chain, MAX_BLOCK_BYTES, Setup, Staker, elected, first_stake},
    draft::{self, Draft},
};
use serde_json::{Value, json};

/// Signatures that were judged before: each is known to hold.
struct Known;

impl Signatures for Known {
    fn hold(&self, _: &PublicKey, _: &[u8; 32], _: &Signature) -> bool {
        true
    }
}

/// A kind, how its block is prepared, and its transactions.
struct Row {
    name: &'static str,
    prepare: fn(&mut World),
    make: fn(&World, usize) -> Draft,
}

/// A chain with many rich accounts.
struct World {
    chain: Chain,
    people: Vec<Actor>,
    attesters: Vec<Actor>,
}

const PEOPLE: usize = 17_000;

impl World {
    fn new() -> Self {
        let people: Vec<Actor> = (0..PEOPLE)
            .map(|n| Actor::named(&format!("p{n}")))
            .collect();
        let attesters: Vec<Actor> = (0..5)
            .map(|n| Actor::named(&format!("attester {n}")))
            .collect();
        let named: serde_json::Map<String, Value> = attesters
            .iter()
            .chain([&coordinator()])
            .map(|actor| {
                (
                    actor.address().to_string(),
                    json!(actor.pubkey().to_string()),
                )
            })
            .collect();
        let mut setup = Setup::default().param("coordinators", named);
        for person in people.iter().chain(&attesters) {
            setup = setup.balance(person, 100_000_000);
        }
        Self {
            chain: setup.start(),
            people,
            attesters,
        }
    }

    /// Executes a block of one transaction for each person, several blocks where they don't fit one.
    fn all(&mut self, count: usize, make: fn(&World, usize) -> Draft) {
        let drafts: Vec<Draft> = (0..count).map(|n| make(self, n)).collect();
        for chunk in drafts.chunks(4_000) {
            let entries = read(self, chunk.iter().map(Draft::wire));
            self.run(&entries);
        }
    }

    fn run(&mut self, entries: &[Entry]) {
        let outcome = execute(&self.chain.state, entries, &self.chain.input(), &Known).unwrap();
        let failed = outcome.results.iter().find(|result| result.code != 0);
        assert!(failed.is_none(), "{failed:?}");
        self.chain.state = outcome.state;
    }

    fn open(&self, n: usize, several: bool) -> Draft {
        let mut payload = draft::escrow_open(&job(n), self.attesters[0].address(), 60_000, 1_000);
        if several {
            let others: Vec<String> = self.attesters[1..]
                .iter()
                .map(|a| a.address().to_string())
                .collect();
            payload["attesters"] = json!(others);
        }
        self.chain.draft(&self.people[n], "ESCROW_OPEN", payload)
    }

    fn claim(&self, n: usize, several: bool) -> Draft {
        let (client, miner) = (&self.people[n], &self.people[n]);
        let work = self.chain.work(client, &job(n), miner, &receipt(n));
        let attested: Vec<Value> = self
            .attesters
            .iter()
            .map(|attester| work.attested_by(attester, work.opened_height))
            .collect();
        let mut payload = work.claim(&work.signed_by(miner), None);
        if several {
            payload["attestations"] = json!(attested);
        } else {
            payload["attestation"] = attested[0].clone();
        }
        self.chain.draft(miner, "RECEIPT_CLAIM", payload)
    }

    fn denial(&self, n: usize) -> (ait_testkit::work::Work, Value) {
        let work = self
            .chain
            .work(&self.people[n], &job(n), &self.people[n], &receipt(n));
        let says = ait_testkit::work::Says {
            exists: false,
            ..work.praise()
        };
        let answer = work.answered_by(&self.attesters[0], work.opened_height, says);
        (work, answer)
    }
}

fn job(n: usize) -> String {
    format!("j{n}")
}

fn receipt(n: usize) -> String {
    format!("r{n}")
}

fn read(world: &World, wires: impl IntoIterator<Item = Vec<u8>>) -> Vec<Entry> {
    let chain_id = world.chain.state.chain_id();
    wires
        .into_iter()
        .map(|wire| Entry::read(&wire, chain_id))
        .collect()
}

fn nothing(_: &mut World) {}

fn escrows(world: &mut World) {
    world.all(9_000, |world, n| world.open(n, false));
}

fn large_escrows(world: &mut World) {
    world.all(3_000, |world, n| world.open(n, true));
}

fn bonded(world: &mut World) {
    world.all(13_000, |world, n| world.chain.bond(&world.people[n], 1_000));
}

fn staked(world: &mut World) {
    world.all(13_000, stake);
}

fn stake(world: &World, n: usize) -> Draft {
    let key = Actor::named(&format!("key of p{n}"));
    let payload = first_stake(
        ait_testkit::chain::CHAIN_ID,
        &world.people[n],
        &key,
        2_000_000,
    );
    world.chain.draft(&world.people[n], "STAKE", payload)
}

const ROWS: &[Row] = &[
    Row {
        name: "TRANSFER to a new account",
        prepare: nothing,
        make: |world, n| {
            let to = Actor::named(&format!("new {n}"));
            world.chain.transfer(&world.people[n], &to, 1_000)
        },
    },
    Row {
        name: "ESCROW_OPEN, 5 coordinators",
        prepare: nothing,
        make: |world, n| world.open(n, true),
    },
    Row {
        name: "ESCROW_OPEN",
        prepare: nothing,
        make: |world, n| world.open(n, false),
    },
    Row {
        name: "ESCROW_ASSIGN",
        prepare: escrows,
        make: |world, n| {
            let by = &world.attesters[0];
            let n = n % 9_000;
            let payload = draft::escrow_assign(
                world.people[n].address(),
                &job(n),
                world.people[n].address(),
            );
            world.chain.draft(by, "ESCROW_ASSIGN", payload)
        },
    },
    Row {
        name: "ESCROW_TOPUP",
        prepare: escrows,
        make: |world, n| {
            let escrow = n % 9_000;
            world
                .chain
                .top_up(&world.people[n], &world.people[escrow], &job(escrow), 1)
        },
    },
    Row {
        name: "ESCROW_CANCEL",
        prepare: escrows,
        make: |world, n| world.chain.cancel(&world.people[n], &job(n)),
    },
    Row {
        name: "ESCROW_RELEASE",
        prepare: escrows,
        make: |world, n| {
            world
                .chain
                .release(&world.attesters[0], &world.people[n], &job(n))
        },
    },
    Row {
        name: "RECEIPT_CLAIM, 1 attestation",
        prepare: escrows,
        make: |world, n| world.claim(n, false),
    },
    Row {
        name: "RECEIPT_CLAIM, 5 attestations",
        prepare: large_escrows,
        make: |world, n| world.claim(n, true),
    },
    Row {
        name: "RECEIPT_REPORT",
        prepare: escrows,
        make: |world, n| {
            let (work, answer) = world.denial(n);
            let mut payload = work.report(&work.signed_by(&world.people[n]), &[answer]);
            payload["miner_pubkey"] = json!(world.people[n].pubkey().to_string());
            world
                .chain
                .draft(&world.people[n], "RECEIPT_REPORT", payload)
        },
    },
    Row {
        name: "ATTESTATION_EQUIVOCATION",
        prepare: escrows,
        make: |world, n| {
            let (work, answer) = world.denial(n);
            let good = work.attested_by(&world.attesters[0], work.opened_height);
            let payload = work.equivocation(&good, &work, &answer);
            world
                .chain
                .draft(&world.people[n], "ATTESTATION_EQUIVOCATION", payload)
        },
    },
    Row {
        name: "COORDINATOR_BOND",
        prepare: nothing,
        make: |world, n| world.chain.bond(&world.people[n], 1_000),
    },
    Row {
        name: "COORDINATOR_UNBOND",
        prepare: bonded,
        make: |world, n| world.chain.unbond(&world.people[n], 1),
    },
    Row {
        name: "PARAM_UPDATE",
        prepare: nothing,
        make: |world, _| world.chain.set_param("base_fee", 2),
    },
    Row {
        name: "TREASURY_SPEND",
        prepare: |world| {
            world.all(1, |world, n| {
                let payload = draft::transfer(ait_app::address::Address::treasury(), 50_000_000);
                world.chain.draft(&world.people[n], "TRANSFER", payload)
            })
        },
        make: |world, n| {
            let payload = draft::transfer(world.people[n].address(), 1);
            world.chain.draft(&admin(), "TREASURY_SPEND", payload)
        },
    },
    Row {
        name: "STAKE, the first",
        prepare: nothing,
        make: stake,
    },
    Row {
        name: "UNSTAKE",
        prepare: staked,
        make: |world, n| world.chain.unstake(&world.people[n], 1),
    },
];

fn main() {
    let wanted = std::env::args().nth(1);
    println!(
        "{:<32} {:>6} {:>9} {:>9} {:>9}",
        "kind", "txs", "MiB", "ms", "us a tx"
    );
    for row in ROWS {
        if wanted
            .as_ref()
            .is_some_and(|wanted| !row.name.starts_with(wanted.as_str()))
        {
            continue;
        }
        measure(row);
    }
    if wanted.is_none_or(|wanted| wanted == "EPOCH") {
        measure_epoch_end();
    }
}

/// The blocks before and at an epoch's end under compute-backed proof, with many stakers of the least
/// stake: what elections cost by those who merely stake.
fn measure_epoch_end() {
    let authority = Staker::named("authority", 1_000_000_000_000_000);
    let mut setup = Setup::default();
    let people: Vec<Actor> = (0..20_000)
        .map(|n| Actor::named(&format!("p{n}")))
        .collect();
    for person in &people {
        setup = setup.balance(person, 100_000_000);
    }
    let mut world = World {
        chain: elected(setup, &[authority]),
        people,
        attesters: Vec::new(),
    };
    world.all(20_000, |world, n| {
        let key = Actor::named(&format!("key of p{n}"));
        let payload = first_stake(CHAIN_ID, &world.people[n], &key, 1_000_000);
        world.chain.draft(&world.people[n], "STAKE", payload)
    });
    world.chain.finish_epoch();
    let mut times = Vec::new();
    for _ in 0..10 {
        let begun = Instant::now();
        world.run(&[]);
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    let (end, others) = (times.pop().unwrap(), times);
    let most = others.iter().copied().fold(0.0, f64::max);
    println!(
        "an epoch's end with 20,000 stakers: {end:.2} ms; the other blocks at most {most:.2} ms"
    );
}

fn measure(row: &Row) {
    let mut world = World::new();
    (row.prepare)(&mut world);
    let (mut wires, mut bytes) = (Vec::new(), 0);
    let mut sent = std::collections::BTreeMap::<String, u64>::new();
    for n in 0..PEOPLE {
        let mut draft = (row.make)(&world, n);
        let earlier = sent.entry(draft.sender.clone()).or_default();
        draft = draft.later(*earlier);
        *earlier += 1;
        let wire = draft.wire();
        bytes += wire.len() + 4;
        if bytes > MAX_BLOCK_BYTES {
            break;
        }
        wires.push(wire);
        if limit_of(row.name).is_some_and(|limit| wires.len() >= limit) {
            break;
        }
    }
    let size: usize = wires.iter().map(Vec::len).sum();
    let entries = read(&world, wires);
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let outcome = execute(&world.chain.state, &entries, &world.chain.input(), &Known).unwrap();
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        let failed = outcome.results.iter().find(|result| result.code != 0);
        assert!(failed.is_none(), "{}: {failed:?}", row.name);
    }
    times.sort_by(f64::total_cmp);
    let (median, count) = (times[2], entries.len());
    println!(
        "{:<32} {count:>6} {:>9.2} {median:>9.1} {:>9.1}",
        row.name,
        size as f64 / 1_048_576.0,
        median * 1_000.0 / count as f64
    );
}

/// Kinds that one escrow or account allows only so many of.
fn limit_of(name: &str) -> Option<usize> {
    match name {
        "ESCROW_CANCEL" | "ESCROW_RELEASE" | "ATTESTATION_EQUIVOCATION" | "RECEIPT_REPORT" => {
            Some(9_000)
        }
        name if name.starts_with("RECEIPT_CLAIM, 1") => Some(9_000),
        name if name.starts_with("RECEIPT_CLAIM, 5") => Some(3_000),
        "COORDINATOR_UNBOND" | "UNSTAKE" => Some(13_000),
        _ => None,
    }
}
