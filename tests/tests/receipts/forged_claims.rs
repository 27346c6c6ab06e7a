//! Claims that somebody made up: stolen receipts, and signatures that were given for something else.

use ait_testkit::{
    actors::{Actor, alice, bob, coordinator, miner},
    work::{Says, Work},
};
use ait_tests::scenes::{POCKET_MONEY, miner_with_money, refused, with_escrow};

#[test]
fn a_receipt_of_another_miner_is_worth_nothing_to_a_thief() {
    let thief = Actor::named("thief");
    let setup = miner_with_money().balance(&thief, POCKET_MONEY);
    let (mut chain, work) = with_escrow(&setup, 60_000);
    let answer = work.attested_by(&coordinator(), 1);
    let own_signature = work.signed_by(&miner());
    // As it is, from the thief's account.
    let copied = chain.draft(
        &thief,
        "RECEIPT_CLAIM",
        work.claim(&own_signature, Some(&answer)),
    );
    assert_eq!(chain.reject([copied]).code.name(), "not_the_miner");
    // With the thief named as its miner, under the old signature and under a new one.
    let mut renamed = work.clone();
    renamed.miner = thief.address().to_string();
    let payload = renamed.claim(&own_signature, Some(&answer));
    let claim = chain.draft(&thief, "RECEIPT_CLAIM", payload);
    refused(&mut chain, claim, "invalid_miner_signature");
    let claim = chain.claim_with(&thief, &renamed, Some(&answer));
    refused(&mut chain, claim, "invalid_attestation");
    assert!(chain.balance(thief.address()) < POCKET_MONEY);
}

#[test]
fn an_attestation_holds_for_one_receipt_one_escrow_and_one_chain() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let tx = chain.open(&alice(), "job_43", 60_000, 100);
    chain.commit([tx]);
    let elsewhere = Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    };
    let other_job = Work {
        job_id: "job_43".into(),
        ..work.clone()
    };
    let mut misnamed = work.attested_by(&coordinator(), 1);
    misnamed["coordinator"] = bob().address().to_string().into();
    let answers = [
        (
            "another receipt id",
            work.named("rcpt_other").attested_by(&coordinator(), 1),
        ),
        ("another job", other_job.attested_by(&coordinator(), 1)),
        ("another opening", work.attested_by(&coordinator(), 2)),
        ("another chain", elsewhere.attested_by(&coordinator(), 1)),
        (
            "another price",
            work.costing(2_500, 50_001).attested_by(&coordinator(), 1),
        ),
        (
            "more units",
            work.costing(2_501, 50_000).attested_by(&coordinator(), 1),
        ),
        ("another coordinator's name", misnamed),
        ("another coordinator", work.attested_by(&bob(), 1)),
    ];
    for (what, answer) in answers {
        let claim = chain.claim_with(&miner(), &work, Some(&answer));
        let block = refused(&mut chain, claim, "invalid_attestation");
        assert!(block.events("banned").is_empty(), "{what}");
    }
    let mut raised = work.answered_by(
        &coordinator(),
        1,
        Says {
            quote_price: 49_999,
            ..work.praise()
        },
    );
    raised["quote"]["price"] = 50_000.into();
    let claim = chain.claim_with(&miner(), &work, Some(&raised));
    refused(&mut chain, claim, "invalid_attestation");
    let record = chain.record(&format!("/miner/{}", miner().address()));
    assert_eq!(record, None, "none of it is an offence");
}

#[test]
fn a_receipt_for_another_chain_is_refused() {
    let (mut chain, work) = with_escrow(&miner_with_money(), 60_000);
    let elsewhere = Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    };
    let answer = work.attested_by(&coordinator(), 1);
    let payload = work.claim(&elsewhere.signed_by(&miner()), Some(&answer));
    let claim = chain.draft(&miner(), "RECEIPT_CLAIM", payload);
    refused(&mut chain, claim, "invalid_miner_signature");
}
