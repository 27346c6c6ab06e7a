//! Every param at both ends of its range, alone and with every other one, on a chain under
//! compute-backed proof where work goes on: an update is accepted or refused with a code, and whatever
//! is accepted, blocks go on to be judged and executed alike, the books balance, nothing is locked for
//! ever and the keys that are run carry the chain.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ait_testkit::{
    actors::{Actor, admin, alice, bob, coordinator},
    chain::{Chain, Live, Setup, Staker, authority, elected, new_authority},
    draft::Draft,
    work::{Says, Work},
};
use serde_json::{Value, json};

const MOST: u64 = (1 << 53) - 1;

/// The integers of PROTOCOL section 5.
const RANGES: [(&str, u64, u64); 31] = [
    ("base_fee", 0, 1_000_000),
    ("fee_per_kib", 0, 1_000_000),
    ("record_fee", 0, 1_000_000_000),
    ("min_account_balance", 0, 1_000_000_000),
    ("min_escrow_amount", 1, 1_000_000_000),
    ("mint_per_unit", 0, 1_000_000_000),
    ("coordinator_bps", 0, 10_000),
    ("treasury_bps", 0, 10_000),
    ("max_mint_per_price", 1, 1_000_000_000),
    ("coordinator_epoch_mint_cap", 0, MOST),
    ("mint_cap_per_bond", 0, 1_000_000_000),
    ("coordinator_min_bond", 0, MOST),
    ("slash_coordinator_bps", 0, 10_000),
    ("informer_bps", 0, 5_000),
    ("escrow_max_ttl_blocks", 1, 10_000_000),
    ("cancel_notice_blocks", 1, 1_000_000),
    ("min_stake", 1, MOST),
    ("max_validators", 4, 100),
    ("epoch_blocks", 1, 1_000_000),
    ("downtime_window", 1, 1_000_000),
    ("jail_blocks", 1, 1_000_000),
    ("offence_limit", 1, 1_000_000),
    ("offence_window_blocks", 1, 1_000_000),
    ("ban_blocks", 1, 1_000_000),
    ("unbonding_blocks", 1, 10_000_000),
    ("work_weight_bps", 0, 5_000),
    ("work_decay_bps", 0, 10_000),
    ("slash_double_sign_bps", 0, 10_000),
    ("slash_downtime_bps", 0, 10_000),
    ("min_signed_bps", 0, 10_000),
    ("work_score_floor", 1, MOST),
];

/// Blocks after the update of one param, and after those of two: epochs have three.
const BLOCKS: [u64; 2] = [20, 9];

/// A param and a value for it.
type Update = (&'static str, Value);

static STAKERS: LazyLock<Vec<Staker>> = LazyLock::new(|| {
    ["ann", "ben", "cat", "dan", "eve"]
        .iter()
        .map(|name| Staker::named(name, 1_000_000_000))
        .collect()
});

/// A chain in whose epochs of three blocks something has happened already.
fn base() -> Live {
    let setup = [alice(), bob(), admin(), coordinator()]
        .iter()
        .fold(Setup::default(), |setup, actor| {
            setup.balance(actor, 1 << 48)
        })
        .param("epoch_blocks", 3)
        .param("downtime_window", 4);
    let people = &STAKERS;
    let mut live = Live::of(elected(setup, people));
    let gifts = people.iter().zip(0..);
    let gifts: Vec<Draft> = gifts
        .map(|(staker, n)| live.transfer(&alice(), &staker.account, 1 << 43).later(n))
        .collect();
    live.commit(gifts);
    live.commit([live.bond(&coordinator(), 1_000_000_000)]);
    for step in 0..5 {
        let txs = proposal(&live, step);
        assert!(!txs.is_empty());
        live.commit(txs);
    }
    live
}

/// Both ends of every param; those that are no numbers as small and as large as they can be.
fn ends() -> Vec<[Update; 2]> {
    let integers = RANGES
        .iter()
        .map(|(name, least, most)| [(*name, json!(least)), (*name, json!(most))]);
    let people = &STAKERS;
    let present: Vec<Value> = people
        .iter()
        .map(|staker| authority(&staker.account, &staker.key, 1_000_000_000))
        .collect();
    let forty: Vec<Value> = (0..40)
        .map(|n| new_authority(&named("authority", n), &named("authority's key", n), 1))
        .collect();
    let crowd = [present.clone(), forty].concat();
    let known: Value = (0..100)
        .map(|n| (named("coordinator", n), named("coordinator's key", n)))
        .map(|(account, key)| {
            (
                account.address().to_string(),
                json!(key.pubkey().to_string()),
            )
        })
        .collect();
    let revoked: Value = (0..200)
        .map(|n| json!(named("revoked", n).pubkey().to_string()))
        .collect();
    integers
        .chain([
            [
                ("authorities", json!(present[..1])),
                ("authorities", json!(crowd)),
            ],
            [("coordinators", json!({})), ("coordinators", known)],
            [("revoked_keys", json!([])), ("revoked_keys", revoked)],
            [
                ("consensus_mode", json!("poa")),
                ("consensus_mode", json!("cbp")),
            ],
            [
                ("admin", json!(admin().address().to_string())),
                ("admin", json!(alice().address().to_string())),
            ],
        ])
        .collect()
}

fn named(what: &str, number: u64) -> Actor {
    Actor::named(&format!("{what} {number}"))
}

/// What an honest proposer puts into the next block of what everybody would like to do.
fn proposal(live: &Live, step: u64) -> Vec<Vec<u8>> {
    let wishes: Vec<_> = wishes(live, step)
        .into_iter()
        .map(|draft| (draft.wire(), None))
        .collect();
    live.propose(&wishes)
}

/// The usual coordinator's answer that denies a job.
fn denial(work: &Work) -> Value {
    let says = Says {
        exists: false,
        ..work.praise()
    };
    work.answered_by(&coordinator(), work.opened_height, says)
}

/// A round of five blocks: jobs are opened, claimed, denied, ended; coins are staked, bonded, spent.
fn wishes(live: &Live, step: u64) -> Vec<Draft> {
    let people = &STAKERS;
    let [ann, ben, cat, dan] = [0, 1, 2, 3].map(|n: usize| people[n].account.clone());
    let (round, number) = (step / 5, |name: &str| live.param(name).as_u64().unwrap());
    let (a, b) = (format!("a{round}"), format!("b{round}"));
    let receipt = |client: &Actor, job: &str, miner: &Actor, name: &str| {
        let work = live.work(client, job, miner, &format!("{name}{round}"));
        work.costing(2_000_000, 100_000_000)
    };
    match step % 5 {
        0 => {
            let amount = number("min_escrow_amount").max(200_000_000);
            let ttl = number("escrow_max_ttl_blocks").min(30);
            let partial = live.open(&bob(), &b, amount, ttl).with("partial", true);
            vec![
                live.open(&alice(), &a, amount, ttl),
                live.priced(partial),
                live.stake(&cat, 5_000_000),
            ]
        }
        1 => {
            let work = receipt(&alice(), &a, &ann, "r");
            vec![
                live.forged_claim(&ben, &a),
                live.claim(&ann, &work),
                live.bond(&coordinator(), 10_000_000),
            ]
        }
        2 => {
            let denied = receipt(&alice(), &a, &cat, "d");
            vec![
                live.claim(&ben, &receipt(&bob(), &b, &ben, "p")),
                live.report(&alice(), &cat, &denied, &[denial(&denied)]),
                live.unstake(&cat, 3_000_000),
                live.unbond(&coordinator(), 1_000_000),
            ]
        }
        3 => {
            let work = receipt(&bob(), &b, &ann, "x");
            let good = work.attested_by(&coordinator(), work.opened_height);
            let bad = denial(&work);
            let new = Actor::named(&format!("new {}", live.height()));
            let spend = json!({"to": alice().address().to_string(), "amount": 1});
            // Once: whoever is convicted takes no more jobs.
            let lied =
                (round == 2).then(|| live.equivocation(&bob(), (&work, &bad), (&work, &good)));
            let others = vec![
                live.unjail(&dan),
                live.draft(&admin(), "TREASURY_SPEND", spend),
                live.transfer(&alice(), &new, number("min_account_balance").max(1)),
                live.unstake(&ann, 1_000_000),
            ];
            lied.into_iter().chain(others).collect()
        }
        _ => vec![
            live.cancel(&bob(), &b),
            live.top_up(&alice(), &bob(), &b, 5),
            live.transfer(&ben, &bob(), 1),
        ],
    }
}

/// Runs a chain on with updates in one block. Gives their codes.
fn with(base: &Live, updates: &[&Update]) -> Vec<&'static str> {
    let mut live = base.clone();
    let people = &STAKERS;
    let txs: Vec<Draft> = updates
        .iter()
        .zip(0..)
        .map(|((name, value), n)| live.set_param(name, value.clone()).later(n))
        .collect();
    let block = live.commit(txs);
    let codes = (0..updates.len())
        .map(|index| block.code_name(index))
        .collect();
    for step in 5..5 + BLOCKS[updates.len() - 1] {
        let txs = proposal(&live, step);
        if step == 7 {
            live.misbehaviour = vec![people[4].key.consensus_address()];
        }
        if step == 8 {
            live.stop(&people[3].key);
        }
        live.commit(txs);
        // Dan has less than a third, and none of the keys that nobody runs has more than its due.
        assert!(live.goes_on(), "the chain stands still");
    }
    nothing_is_locked(&live);
    codes
}

/// Every open escrow and every coin on its way out has a height at which it is free.
fn nothing_is_locked(chain: &Chain) {
    let height = chain.height();
    for (key, record) in chain.records() {
        if record["status"] == "open" {
            let end = record["expires_height"].as_u64().unwrap();
            assert!(end > height && end <= height + 10_000_000, "{key}");
        }
        for entry in record["unbonding"].as_array().into_iter().flatten() {
            let due = entry["due_height"].as_u64().unwrap();
            assert!(due > height && due <= height + 20_000_000, "{key}");
        }
    }
}

/// Runs all cases on all cores; gives what each was refused with.
fn run_all(cases: &[Vec<Update>]) -> Vec<Vec<&'static str>> {
    let base = base();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![Vec::new(); cases.len()]);
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { break };
                    let updates: Vec<&Update> = case.iter().collect();
                    match panic::catch_unwind(AssertUnwindSafe(|| with(&base, &updates))) {
                        Ok(codes) => results.lock().unwrap()[index] = codes,
                        Err(_) => faults.lock().unwrap().push(names(case)),
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} of {}: {faults:#?}",
        faults.len(),
        cases.len()
    );
    results.into_inner().unwrap()
}

fn names(case: &[Update]) -> String {
    let short = |value: &Value| value.to_string().chars().take(20).collect::<String>();
    let texts: Vec<String> = case
        .iter()
        .map(|(name, value)| format!("{name} = {}", short(value)))
        .collect();
    texts.join(", ")
}

#[test]
fn every_param_may_have_either_end_of_its_range() {
    let cases: Vec<Vec<Update>> = ends()
        .into_iter()
        .flatten()
        .map(|update| vec![update])
        .collect();
    let codes = run_all(&cases);
    assert_eq!(codes.len(), 72);
    for (case, codes) in cases.iter().zip(codes) {
        let (name, value) = &case[0];
        let conflict = match *name {
            // Evidence lasts for a hundred blocks, epochs have three, unbonding lasts 120.
            "unbonding_blocks" => *value == 1,
            "epoch_blocks" => *value == 1_000_000,
            _ => false,
        };
        let expected = if conflict { "param_conflict" } else { "" };
        assert_eq!(codes, [expected], "{}", names(case));
    }
}

#[test]
fn any_two_params_may_be_at_the_ends_of_their_ranges() {
    let ends = ends();
    let mut cases = Vec::new();
    for (index, ones) in ends.iter().enumerate() {
        for others in &ends[index + 1..] {
            for one in ones {
                cases.extend(others.iter().map(|other| vec![other.clone(), one.clone()]));
            }
        }
    }
    assert_eq!(cases.len(), 36 * 35 / 2 * 4);
    let codes = run_all(&cases);
    for (case, codes) in cases.iter().zip(&codes) {
        for ((name, _), code) in case.iter().zip(codes) {
            let may_conflict = ["unbonding_blocks", "epoch_blocks"].contains(name);
            assert!(
                code.is_empty() || may_conflict && *code == "param_conflict",
                "{}: {code}",
                names(case)
            );
        }
    }
    // An epoch as long as can be is allowed where unbonding is longer.
    let longest: Vec<Update> = vec![
        ("unbonding_blocks", json!(10_000_000)),
        ("epoch_blocks", json!(1_000_000)),
    ];
    let both = cases.iter().position(|case| *case == longest);
    assert_eq!(codes[both.unwrap()], ["", ""]);
}

#[test]
fn the_work_that_goes_on_meanwhile_does_everything() {
    let mut live = base();
    let mut kinds = std::collections::BTreeSet::new();
    for step in 5..25 {
        if step == 12 {
            live.misbehaviour = vec![STAKERS[4].key.consensus_address()];
        }
        if step == 8 {
            live.stop(&STAKERS[3].key);
        }
        let txs = proposal(&live, step);
        let block = live.commit(txs);
        let own = block.outcome.events.iter();
        let events = own.chain(
            block
                .outcome
                .results
                .iter()
                .flat_map(|result| &result.events),
        );
        kinds.extend(events.map(|event| event.kind.to_string()));
    }
    let expected = "bonded bond_unbonding coordinator_suspended escrow_cancelled escrow_opened \
                    escrow_settled escrow_topped_up jailed receipt_claimed receipt_refused slashed \
                    staked transfer unstaked";
    for kind in expected.split(' ') {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}
