//! `RECEIPT_CLAIM`: what makes a receipt pay, what it pays, and that it pays once.

use ait_app::address::Address;
use ait_tests::{
    actors::{Actor, alice, bob, coordinator, miner, validator},
    chain::{Chain, Setup},
    draft::escrow_open,
    scenes::{refused, with_escrow},
    work::{Says, Work},
};
use serde_json::{Value, json};

#[test]
fn a_claim_credits_exactly_what_the_settlement_vector_says() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/protocol.json")).unwrap();
    let cases = vectors["settlements"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap();
        let offered_above = number("fee") - number("required_fee");
        // The miner has what it offers above the required fee, and not a uait more.
        let setup = Setup::default().balance(&miner(), offered_above);
        let (mut chain, work) = with_escrow(&setup, number("escrow"));
        let work = work.costing(number("compute_units"), number("price"));
        // The vector's required fee is that of a claim whose attestation stands in front.
        let claim = chain.claim_with(&miner(), &work, None).fee(number("fee"));
        assert_eq!(chain.required_fee(&claim), number("required_fee"));
        let people = [
            ("miner", miner().address()),
            ("coordinator", coordinator().address()),
            ("treasury", Address::treasury()),
            ("client", alice().address()),
            ("proposer", validator().address()),
        ];
        let before = people.map(|(_, address)| chain.balance(address));
        let answer = work.attested_by(&coordinator(), 1);
        let proposal = chain.propose(&[(claim.wire(), Some(answer))]);
        let block = chain.commit(proposal);
        assert_eq!(block.codes(), [0, 0]);
        assert_eq!(block.result(1).fee, number("fee"));
        for ((name, address), before) in people.into_iter().zip(before) {
            let credit = i128::from(chain.balance(address)) - i128::from(before);
            assert_eq!(
                credit,
                i128::from(case["credits"][name].as_i64().unwrap()),
                "{name}"
            );
        }
        assert_eq!(chain.escrow(&alice(), "job_42")["status"], "settled");
    }
}

#[test]
fn a_miner_with_an_empty_account_can_claim() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    assert_eq!(
        chain.record(&format!("/account/{}", miner().address())),
        None
    );
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(miner().address()), 2_500 * 1_000 + 50_000);
    assert_eq!(chain.nonce(miner().address()), 1);
}

#[test]
fn what_a_miner_offers_above_the_required_fee_is_its_own_to_pay() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let claim = chain.claim(&miner(), &work);
    let required = claim.fee;
    let refusal = chain.reject([claim.clone().fee(required + 1)]);
    assert_eq!(refusal.code.name(), "fee_not_affordable");
    let refusal = chain.reject([claim.clone().fee(required - 1)]);
    assert_eq!(refusal.code.name(), "fee_too_low");
    assert_eq!(chain.commit([claim]).codes(), [0]);
}

#[test]
fn the_receipt_is_kept_with_all_that_it_paid() {
    let setup = Setup::default().param("treasury_bps", 250);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let claim = chain.claim(&miner(), &work);
    let hash = ait_app::tx::TxHash::of(&claim.wire()).to_string();
    let block = chain.commit([claim]);
    let minted = 2_500_000 + 125_000 + 62_500;
    let expected = json!({
        "receipt_id": "rcpt_7f3a",
        "job_id": "job_42",
        "client": alice().address().to_string(),
        "miner": miner().address().to_string(),
        "coordinator": coordinator().address().to_string(),
        "compute_units": 2_500,
        "price": 50_000,
        "output_hash": work.output_hash,
        "minted": minted,
        "height": 2,
        "tx_hash": hash,
    });
    assert_eq!(chain.record("/receipt/rcpt_7f3a"), Some(expected));
    assert_eq!(chain.balance(Address::treasury()), 62_500);
    assert_eq!(chain.supply()["minted"], minted);
    let event = block.events("receipt_claimed")[0];
    for (name, value) in [
        ("receipt_id", "rcpt_7f3a"),
        ("job_id", "job_42"),
        ("miner", &miner().address().to_string()),
        ("client", &alice().address().to_string()),
        ("coordinator", &coordinator().address().to_string()),
        ("compute_units", "2500"),
        ("price", "50000"),
        ("minted", &minted.to_string()),
    ] {
        assert_eq!(event.get(name), Some(value), "{name}");
    }
    assert_eq!(block.events("escrow_settled").len(), 1);
    let record = chain
        .record(&format!("/miner/{}", miner().address()))
        .unwrap();
    let counted = (
        &record["units_total"],
        &record["receipts"],
        &record["epoch_units"],
    );
    assert_eq!(counted, (&json!(2_500), &json!(1), &json!(0)));
}

#[test]
fn a_receipt_pays_only_once() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let tx = chain.open(&bob(), "job_42", 60_000, 1_000);
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    // The same receipt id for another client's escrow, by the same miner and by another one.
    let again = chain.work(&bob(), "job_42", &miner(), "rcpt_7f3a");
    let claim = chain.claim(&miner(), &again);
    refused(&mut chain, claim, "receipt_replayed");
    let digger = Actor::named("digger");
    let stolen = chain.work(&bob(), "job_42", &digger, "rcpt_7f3a");
    let claim = chain.claim(&digger, &stolen);
    let block = chain.commit([claim]);
    assert_eq!(block.code_name(0), "receipt_already_claimed");
    assert_eq!(chain.balance(digger.address()), 0);
    assert_eq!(chain.supply()["minted"], 2_625_000);
}

#[test]
fn an_escrow_pays_only_one_receipt() {
    let (mut chain, work) = with_escrow(&Setup::default(), 200_000);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let renamed = work.named("rcpt_other");
    let claim = chain.claim(&miner(), &renamed);
    refused(&mut chain, claim, "escrow_closed");
}

#[test]
fn two_claims_for_one_escrow_in_a_block_pay_one_of_them() {
    let (mut chain, work) = with_escrow(&Setup::default(), 200_000);
    let digger = Actor::named("digger");
    let rival = chain.work(&alice(), "job_42", &digger, "rcpt_rival");
    let txs = [chain.claim(&digger, &rival), chain.claim(&miner(), &work)];
    let block = chain.commit(txs);
    assert_eq!(block.code_name(0), "");
    assert_eq!(block.code_name(1), "escrow_closed");
    assert_eq!(chain.balance(miner().address()), 0);
}

#[test]
fn a_claim_needs_an_open_escrow_of_that_client_for_that_job() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    for changed in [
        Work {
            job_id: "job_43".into(),
            ..work.clone()
        },
        Work {
            client: bob().address().to_string(),
            ..work.clone()
        },
    ] {
        let answer = changed.attested_by(&coordinator(), 1);
        let claim = chain.claim_with(&miner(), &changed, Some(&answer));
        refused(&mut chain, claim, "escrow_not_found");
    }
    let tx = chain.release(&coordinator(), &alice(), "job_42");
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    refused(&mut chain, claim, "escrow_closed");
}

#[test]
fn the_escrow_must_hold_price_and_required_fee() {
    let (chain, work) = with_escrow(&Setup::default(), 60_000);
    let required = chain.claim(&miner(), &work.costing(1, 59_000)).fee;
    for (price, code) in [
        (60_000 - required, ""),
        (60_001 - required, "escrow_too_small"),
    ] {
        let mut chain = chain.clone();
        let claim = chain.claim(&miner(), &work.costing(1, price));
        assert_eq!(claim.fee, required);
        let block = chain.commit([claim]);
        assert_eq!(block.code_name(0), code);
    }
}

#[test]
fn a_miners_mint_is_limited_by_the_price() {
    let setup = Setup::default()
        .param("max_mint_per_price", 10)
        .param("mint_per_unit", 7);
    let (chain, work) = with_escrow(&setup, 60_000);
    for (units, price, code) in [(100, 70, ""), (100, 69, "mint_above_price")] {
        let mut chain = chain.clone();
        let claim = chain.claim(&miner(), &work.costing(units, price));
        assert_eq!(chain.commit([claim]).code_name(0), code);
    }
}

#[test]
fn the_largest_claim_imaginable_is_refused_and_overflows_nothing() {
    let most = (1_u64 << 53) - 1;
    let setup = Setup::default()
        .param("mint_per_unit", 1_000_000_000)
        .param("max_mint_per_price", 1_000_000_000)
        .param("coordinator_epoch_mint_cap", most)
        .param("coordinator_bps", 10_000)
        .param("treasury_bps", 10_000);
    let (mut chain, work) = with_escrow(&setup, 900_000_000);
    let claim = chain.claim(&miner(), &work.costing(most, 800_000_000));
    refused(&mut chain, claim, "mint_above_price");
    // 10^9 uait a unit at a price of 800 million: 8 * 10^17 uait, far above any cap.
    let claim = chain.claim(&miner(), &work.costing(800_000_000, 800_000_000));
    refused(&mut chain, claim, "coordinator_cap_reached");
    let claim = chain.claim(&miner(), &work.costing(most, most));
    refused(&mut chain, claim, "escrow_too_small");
}

#[test]
fn a_coordinator_mints_no_more_than_its_cap_in_an_epoch() {
    // A claim mints 2,500,000 + 125,000.
    let setup = Setup::default().param("coordinator_epoch_mint_cap", 2 * 2_625_000);
    let mut chain = setup.start();
    let jobs = ["a", "b", "c"];
    let opens: Vec<_> = jobs
        .iter()
        .zip(0..)
        .map(|(job, n)| chain.open(&alice(), job, 60_000, 1_000).later(n))
        .collect();
    chain.commit(opens);
    let claim = |chain: &Chain, job: &str| {
        let work = chain.work(&alice(), job, &miner(), &format!("rcpt_{job}"));
        chain.claim(&miner(), &work)
    };
    chain.advance_to(8);
    let txs = [
        claim(&chain, "a"),
        claim(&chain, "b").later(1),
        claim(&chain, "c").later(2),
    ];
    let block = chain.commit(txs);
    let names: Vec<_> = (0..3).map(|i| block.code_name(i)).collect();
    assert_eq!(names, ["", "", "coordinator_cap_reached"]);
    // Block 10 is the epoch's last.
    let tx = claim(&chain, "c");
    assert_eq!(chain.commit([tx]).code_name(0), "coordinator_cap_reached");
    assert_eq!(chain.height(), 10);
    let tx = claim(&chain, "c");
    assert_eq!(chain.commit([tx]).code_name(0), "");
}

#[test]
fn all_that_a_claim_mints_counts_for_the_cap() {
    // 2,500,000 to the miner, 125,000 to the coordinator, 25,000 to the treasury.
    for (cap, code) in [(2_650_000, ""), (2_649_999, "coordinator_cap_reached")] {
        let setup = Setup::default()
            .param("treasury_bps", 100)
            .param("coordinator_epoch_mint_cap", cap);
        let (mut chain, work) = with_escrow(&setup, 60_000);
        let claim = chain.claim(&miner(), &work);
        assert_eq!(chain.commit([claim]).code_name(0), code);
    }
}

#[test]
fn each_coordinator_has_a_cap_of_its_own() {
    let other = Actor::named("other coordinator");
    let both = json!({
        coordinator().address().to_string(): coordinator().pubkey().to_string(),
        other.address().to_string(): other.pubkey().to_string(),
    });
    let setup = Setup::default()
        .param("coordinators", both)
        .param("coordinator_epoch_mint_cap", 2_625_000);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let payload = escrow_open("other", other.address(), 60_000, 100);
    let tx = chain.draft(&alice(), "ESCROW_OPEN", payload);
    chain.commit([tx]);
    let claim = chain.claim(&miner(), &work);
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let work = chain.work(&alice(), "other", &miner(), "rcpt_other");
    let answer = work.attested_by(&other, 2);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(other.address()), 125_000);
}

#[test]
fn a_generous_quote_is_good_and_the_price_stays_the_receipts() {
    let (mut chain, work) = with_escrow(&Setup::default(), 60_000);
    let says = Says {
        quote_price: 1 << 50,
        quote_units: 1 << 50,
        ..work.praise()
    };
    let answer = work.answered_by(&coordinator(), 1, says);
    let claim = chain.claim_with(&miner(), &work, Some(&answer));
    assert_eq!(chain.commit([claim]).codes(), [0]);
    assert_eq!(chain.balance(miner().address()), 2_500_000 + 50_000);
}

#[test]
fn one_account_may_be_client_coordinator_and_miner_at_once() {
    let alone = coordinator();
    let mut chain = Chain::start();
    let tx = chain.open(&alone, "own", 60_000, 10);
    let opening_fee = tx.fee;
    chain.commit([tx]);
    let work = chain.work(&alone, "own", &alone, "rcpt_own");
    let claim = chain.claim(&alone, &work);
    let claim_fee = claim.fee;
    assert_eq!(chain.commit([claim]).codes(), [0]);
    let expected = 1_000_000_000 - opening_fee - claim_fee + 2_500_000 + 125_000;
    assert_eq!(chain.balance(alone.address()), expected);
}

#[test]
fn units_are_counted_up_to_the_largest_integer_and_no_further() {
    let most = (1_u64 << 53) - 1;
    let setup = Setup::default().param("mint_per_unit", 0);
    let mut chain = setup.start();
    for (n, job) in ["a", "b"].into_iter().enumerate() {
        let tx = chain.open(&alice(), job, 60_000, 10);
        chain.commit([tx]);
        let work = chain
            .work(&alice(), job, &miner(), job)
            .costing(most - 5, 10);
        let claim = chain.claim(&miner(), &work);
        assert_eq!(chain.commit([claim]).codes(), [0]);
        let record = chain
            .record(&format!("/miner/{}", miner().address()))
            .unwrap();
        assert_eq!(record["units_total"], if n == 0 { most - 5 } else { most });
    }
    assert_eq!(chain.supply()["minted"], 0);
}
