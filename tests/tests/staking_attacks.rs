//! What stakers may try: self-dealing, power that flaps around an epoch's end, and making somebody
//! else lose score.

use ait_tests::{
    actors::{Actor, alice, bob, coordinator},
    chain::{Chain, Setup, Staker, elected},
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
    ["score", "epoch_units", "offences", "banned_until"]
        .iter()
        .map(|name| record[*name].clone())
        .collect()
}

/// Alice's job, done by ann and paid.
fn ann_has_worked() -> (Chain, [Staker; 3]) {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    chain.commit([chain.open(&alice(), "job", 60_000, 1_000)]);
    let work = chain.work(&alice(), "job", &stakers[0].account, "receipt");
    assert_eq!(
        chain
            .commit([chain.claim(&stakers[0].account, &work)])
            .codes(),
        [0]
    );
    chain.finish_epoch();
    (chain, stakers)
}

#[test]
fn nobody_can_make_another_miner_lose_score() {
    let (mut chain, stakers) = ann_has_worked();
    let ann = &stakers[0].account;
    let before = standing(&chain, ann);
    chain.commit([chain.open(&alice(), "next", 60_000, 1_000)]);
    let opened = chain.opened_height(&alice(), "next");
    let work = chain.work(&alice(), "next", ann, "another");
    let paid = chain.work(&alice(), "job", ann, "receipt");
    let says = Says {
        paid: false,
        ..work.praise()
    };
    let negative = work.answered_by(&coordinator(), opened, says);
    let good = work.attested_by(&coordinator(), opened);
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
    // Her own claims that fail for others' doings are no offences: the escrow is gone, the
    // attestation is for another receipt, the coordinator's key has changed.
    let release = chain.release(&coordinator(), &alice(), "next");
    let late = chain.claim_with(ann, &work, Some(&good));
    let block = chain.commit([release, late]);
    assert_eq!(block.code_name(1), "escrow_closed");
    assert_eq!(standing(&chain, ann), before);
    // Somebody else used her receipt's name first.
    chain.commit([chain.open(&alice(), "third", 60_000, 1_000)]);
    let squat = chain.work(&alice(), "third", &bob(), "wanted");
    chain.commit([chain.claim(&bob(), &squat)]);
    chain.commit([chain.open(&alice(), "fourth", 60_000, 1_000)]);
    let hers = chain.work(&alice(), "fourth", ann, "wanted");
    let block = chain.commit([chain.claim(ann, &hers)]);
    assert_eq!(block.code_name(0), "receipt_already_claimed");
    assert_eq!(standing(&chain, ann), before);
}

#[test]
fn self_dealing_needs_the_coordinator_and_ends_at_its_cap() {
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 5_000_000);
    let stakers = three();
    let mut chain = elected(setup, &stakers);
    let ann = &stakers[0].account;
    let mut codes = Vec::new();
    for n in 0..3 {
        let job = format!("own_{n}");
        chain.commit([chain.open(ann, &job, 60_000, 1_000)]);
        let work = chain.work(ann, &job, ann, &format!("own_receipt_{n}"));
        // Her own word is not the coordinator's.
        let opened = chain.opened_height(ann, &job);
        let mut own_word = work.attested_by(ann, opened);
        own_word["coordinator"] = coordinator().address().to_string().into();
        let forged = chain.claim_with(ann, &work, Some(&own_word));
        assert_eq!(chain.commit([forged]).code_name(0), "invalid_attestation");
        let block = chain.commit([chain.claim(ann, &work)]);
        codes.push(block.code_name(0));
    }
    // 2,500,000 for her and 125,000 for the coordinator each time.
    assert_eq!(
        codes,
        ["", "coordinator_cap_reached", "coordinator_cap_reached"]
    );
    assert_eq!(chain.supply()["minted"], 2_625_000);
    // What she worked beyond any client's wish is still bounded by what was attested.
    chain.finish_epoch();
    assert_eq!(chain.miner(ann)["units_total"], 2_500);
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
    assert!(chain.power(&ann.account) > 250_000);
    chain.commit([chain.unstake(&ann.account, rich)]);
    // The power stays for one epoch, with all of the stake at risk, and the coins for longer.
    chain.misbehaviour = vec![ann.key.consensus_address()];
    let mut risky = chain.clone();
    let block = risky.commit(Vec::<Draft>::new());
    let at_risk = (rich + 10_000_000) / 20;
    let slashed: u64 = block.events("slashed")[0]
        .get("amount")
        .unwrap()
        .parse()
        .unwrap();
    assert!(slashed.abs_diff(at_risk) <= 1);
    chain.misbehaviour.clear();
    chain.finish_epoch();
    assert_eq!(chain.power(&ann.account), 50_001);
    chain.advance_to(elected + 99);
    assert!(chain.balance(ann.account.address()) < 1_000);
    chain.advance_to(elected + 101);
    assert!(chain.balance(ann.account.address()) >= rich);
}

#[test]
fn flapping_below_the_minimum_forfeits_the_epoch() {
    let stakers = three();
    let mut chain = elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    chain.commit([
        chain.unstake(&ann.account, 9_500_000),
        chain.stake(&ann.account, 9_500_000).later(1),
    ]);
    // Within one block it never fell.
    assert!(chain.power(&ann.account) > 0);
    chain.commit([chain.unstake(&ann.account, 9_500_000)]);
    chain.commit([chain.stake(&ann.account, 9_500_000)]);
    assert_eq!(chain.power(&ann.account), 0);
    chain.finish_epoch();
    assert!(chain.power(&ann.account) > 0);
}
