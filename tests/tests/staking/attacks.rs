//! What stakers may try: self-dealing, power that flaps around an epoch's end, dodging judgements, and
//! making somebody else lose score.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator},
    chain::{Chain, Live, Setup, Staker, elected},
    draft::Draft,
    work::Says,
};

fn three() -> [Staker; 3] {
    [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 30_000_000),
        Staker::named("cat", 60_000_000),
    ]
}

fn standing(chain: &Chain, account: &Actor) -> serde_json::Value {
    let record = chain.miner(account);
    [
        "score",
        "epoch_units",
        "offences",
        "banned_until",
        "recent_offences",
    ]
    .iter()
    .map(|name| record[*name].clone())
    .collect()
}

/// Alice's job, done by ann and paid.
fn ann_has_worked() -> (Chain, [Staker; 3]) {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let ann = &stakers[0].account;
    let work = chain.work(&alice(), "job", ann, "receipt");
    assert_eq!(chain.commit([chain.claim(ann, &work)]).codes(), [0]);
    (chain, stakers)
}

#[test]
fn nobody_can_make_another_miner_lose_score() {
    let (mut chain, stakers) = ann_has_worked();
    let ann = &stakers[0].account;
    let before = standing(&chain, ann);
    chain.commit([chain.open(&alice(), "next", 60_000, 1_000)]);
    let work = chain.work(&alice(), "next", ann, "another");
    let paid = chain.work(&alice(), "job", ann, "receipt");
    let says = Says {
        exists: false,
        ..work.praise()
    };
    let negative = work.answered_by(&coordinator(), work.opened_height, says);
    let good = work.attested_by(&coordinator(), work.opened_height);
    // Ann's receipts, in claims that bob sends: her signature is true, he is not her.
    let in_her_name = |payload| chain.draft(&bob(), "RECEIPT_CLAIM", payload);
    let attempts: Vec<Draft> = vec![
        in_her_name(work.claim(&work.signed_by(ann), Some(&negative))),
        in_her_name(work.claim(&work.signed_by(&bob()), Some(&good))),
        in_her_name(paid.claim(&paid.signed_by(ann), Some(&good))),
    ];
    for draft in attempts {
        assert_eq!(chain.reject([draft]).code.name(), "not_the_miner");
    }
    // Her own claim that fails for others' doings is no offence: the escrow is gone.
    let release = chain.release(&coordinator(), &alice(), "next");
    let late = chain.claim_with(ann, &work, Some(&good));
    let block = chain.commit([release, late]);
    assert_eq!(block.code_name(1), "escrow_closed");
    assert_eq!(standing(&chain, ann), before);
    // Somebody else used her receipt's name first: it is another miner's receipt.
    chain.commit([chain.open(&alice(), "third", 60_000, 1_000)]);
    let squat = chain.work(&alice(), "third", &bob(), "wanted");
    chain.commit([chain.claim(&bob(), &squat)]);
    chain.commit([chain.open(&alice(), "fourth", 60_000, 1_000)]);
    let hers = chain.work(&alice(), "fourth", ann, "wanted");
    assert_eq!(chain.commit([chain.claim(ann, &hers)]).codes(), [0]);
}

#[test]
fn a_job_that_is_reopened_under_a_claim_makes_no_offender_of_its_miner() {
    let stakers = three();
    let setup = Setup::default().param("offence_limit", 1);
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0].account;
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let work = chain.work(&alice(), "job", ann, "receipt");
    // Her claim doesn't say which opening it is for, and the client has another one made of it.
    let claim = chain.claim(ann, &work);
    chain.commit([chain.release(&coordinator(), &alice(), "job")]);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let block = chain.commit([claim]);
    assert_eq!(block.code_name(0), "invalid_miner_signature");
    assert!(block.events("banned").is_empty());
    assert_eq!(chain.record(&format!("/miner/{}", ann.address())), None);
}

#[test]
fn self_dealing_needs_the_coordinator_and_ends_at_its_cap() {
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 5_000_000);
    let stakers = three();
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0].account;
    for n in 0..2 {
        let job = format!("own_{n}");
        chain.commit([chain.open(ann, &job, 60_000, 1_000)]);
        let work = chain.work(ann, &job, ann, &format!("own_receipt_{n}"));
        // Her own word is not the coordinator's.
        let mut own_word = work.attested_by(ann, work.opened_height);
        own_word["coordinator"] = coordinator().address().to_string().into();
        let forged = chain.claim_with(ann, &work, Some(&own_word));
        assert_eq!(chain.commit([forged]).code_name(0), "invalid_attestation");
        assert_eq!(chain.commit([chain.claim(ann, &work)]).codes(), [0]);
    }
    // 2,500,000 for her and 125,000 for the coordinator, then what is left of the cap.
    let minted = chain.supply()["minted"].as_u64().unwrap();
    assert!((4_999_990..=5_000_000).contains(&minted), "{minted}");
    // What counts as work is what was minted: 2,500 and 2,261 units.
    assert_eq!(chain.miner(ann)["units_total"], 4_761);
}

#[test]
fn stake_that_comes_for_an_epochs_end_is_bound_for_the_whole_unbonding() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    chain.proposer = Some(stakers[1].key.consensus_address());
    let rich = chain.balance(ann.account.address()) - 1_000;
    chain.advance_to(chain.height() + 8);
    chain.commit([chain.stake(&ann.account, rich)]);
    let elected = chain.height() + 1;
    chain.advance_to(elected);
    let power = chain.power(&ann.account);
    assert!(power > 250_000);
    // The power goes with the stake at once; the coins stay at risk.
    chain.commit([chain.unstake(&ann.account, rich)]);
    let left = u128::from(power) * 10_000_000 / u128::from(rich + 10_000_000);
    assert_eq!(u128::from(chain.power(&ann.account)), left);
    let mut risky = chain.clone();
    risky.misbehaviour = vec![ann.key.consensus_address()];
    let block = risky.commit(Vec::<Draft>::new());
    let at_risk = (rich + 10_000_000) / 20;
    let slashed: u64 = block.events("slashed")[0]
        .get("amount")
        .unwrap()
        .parse()
        .unwrap();
    assert!(slashed.abs_diff(at_risk) <= 1);
    chain.advance_to(elected + 120);
    assert!(chain.balance(ann.account.address()) < 1_000);
    chain.advance_to(elected + 121);
    assert!(chain.balance(ann.account.address()) >= rich);
}

#[test]
fn flapping_within_a_block_costs_the_power() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0].account;
    chain.commit([
        chain.unstake(ann, 9_500_000),
        chain.stake(ann, 9_500_000).later(1),
    ]);
    assert_eq!(
        chain.power(ann),
        2_500,
        "what came back waits for the election"
    );
    chain.finish_epoch();
    assert_eq!(chain.power(ann), 50_001);
}

#[test]
fn a_judgement_put_off_because_of_others_comes_when_they_are_gone() {
    // All four are away: half of the power may be jailed in a block, the rest in the next ones.
    let stakers: Vec<Staker> = (0..4)
        .map(|n| Staker::named(&format!("v{n}"), 10_000_000))
        .collect();
    let setup = Setup::default()
        .param("downtime_window", 10)
        .param("slash_downtime_bps", 100);
    let mut chain = elected(setup, &stakers);
    stakers
        .iter()
        .for_each(|staker| chain.stops_signing(&staker.key));
    chain.advance_to(19);
    let jailed = |chain: &mut Chain| chain.commit(Vec::<Draft>::new()).events("jailed").len();
    assert_eq!(jailed(&mut chain), 2);
    let put_off: Vec<&Staker> = stakers
        .iter()
        .filter(|staker| chain.power(&staker.account) > 0)
        .collect();
    for staker in &put_off {
        let record = chain.validator(&staker.account);
        assert_eq!(
            (&record["counted_blocks"], &record["missed_blocks"]),
            (&10.into(), &10.into())
        );
        assert_eq!(
            (&record["stake"], record["jail"].is_null()),
            (&10_000_000.into(), true)
        );
    }
    assert_eq!(jailed(&mut chain), 1, "half of what is left");
    assert_eq!(jailed(&mut chain), 0, "the last one is more than half");
    let last = put_off
        .iter()
        .find(|staker| chain.power(&staker.account) > 0)
        .unwrap();
    assert_eq!(chain.validator(&last.account)["counted_blocks"], 12);
    // One block in which it signed changes nothing about the eleven before.
    chain.finish_epoch();
    assert_eq!(chain.set().len(), 1);
    assert_eq!(chain.supply()["burned"], 300_000);
}

#[test]
fn the_order_of_the_commit_decides_who_is_judged_first() {
    let stakers = three();
    let setup = Setup::default().param("downtime_window", 10);
    let mut chain = elected(setup, &stakers);
    // Cat has 60 of 100: jailed first she would leave less than half, so she waits.
    let order = [&stakers[2].key, &stakers[0].key, &stakers[1].key];
    chain.all_sign(&order);
    order.iter().for_each(|key| chain.stops_signing(key));
    chain.advance_to(20);
    assert_eq!(chain.powers(&stakers[..2]), [0, 0]);
    assert!(chain.power(&stakers[2].account) > 0);
    assert_eq!(chain.validator(&stakers[2].account)["counted_blocks"], 10);
}

#[test]
fn evidence_is_not_limited_by_how_much_power_it_takes() {
    let stakers = three();
    let mut live = Live::elected(Setup::default(), &stakers);
    live.misbehaviour = stakers[1..]
        .iter()
        .map(|s| s.key.consensus_address())
        .collect();
    let block = live.empty();
    assert_eq!(block.events("slashed").len(), 2);
    assert_eq!(live.powers(&stakers), [50_001, 0, 0]);
}
