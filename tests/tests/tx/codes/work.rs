//! The codes of claims, reports and evidence.

use ait_testkit::{
    actors::{alice, arbiter, bob, coordinator, miner},
    chain::Chain,
    work::{Says, Work},
};
use serde_json::Value;

use super::{Given, evidence, last, one, work};

pub fn of_claims(chain: &Chain, settled: &Chain) -> Vec<Given> {
    let b = work(chain, "b");
    let paid_not = Says {
        paid: false,
        ..b.praise()
    };
    let negative = b.answered_by(&coordinator(), 1, paid_not);
    let forged = b.attested_by(&bob(), 1);
    let with = |answer: &Value| chain.claim_with(&miner(), &b, Some(answer));
    let signed_by_bob = b.claim(
        &b.signed_by(&bob()),
        Some(&b.attested_by(&coordinator(), 1)),
    );
    let offences = [0, 1, 2].map(|n| with(&b.denied_by(&coordinator())).later(n));
    let mut late = settled.clone();
    late.advance_to(30);
    let mut assigned = chain.clone();
    assigned.commit([chain.assign(&alice(), "b", &bob())]);
    vec![
        (
            "not_the_miner",
            one(
                chain,
                chain.draft(&bob(), "RECEIPT_CLAIM", signed_by_bob.clone()),
            ),
        ),
        ("miner_banned", last(chain, offences)),
        (
            "receipt_replayed",
            one(&late, late.claim(&miner(), &b.named("rcpt_a"))),
        ),
        (
            "receipt_already_claimed",
            one(settled, settled.claim(&miner(), &b.named("rcpt_a"))),
        ),
        (
            "wrong_opening",
            one(chain, with(&negative).with("opened_height", 7)),
        ),
        (
            "bound_to_another_miner",
            one(&assigned, assigned.claim(&miner(), &b)),
        ),
        (
            "final_not_allowed",
            one(chain, with(&negative).with("final", true)),
        ),
        (
            "invalid_miner_signature",
            one(chain, chain.draft(&miner(), "RECEIPT_CLAIM", signed_by_bob)),
        ),
        (
            "attestation_missing",
            last(chain, [chain.claim_with(&miner(), &b, None)]),
        ),
        ("invalid_attestation", one(chain, with(&forged))),
        ("attestation_negative", one(chain, with(&negative))),
        (
            "escrow_too_small",
            one(chain, chain.claim(&miner(), &b.costing(1, 60_001))),
        ),
    ]
}

pub fn of_reports_and_evidence(chain: &Chain) -> Vec<Given> {
    let b = work(chain, "b");
    let several = work(chain, "several");
    let report = |work: &Work, answer: &Value| {
        chain
            .report(&bob(), &miner(), work, std::slice::from_ref(answer))
            .with("miner_pubkey", miner().pubkey().to_string())
    };
    let denial = b.denied_by(&coordinator());
    let mut refused = chain.clone();
    let first = chain.priced(report(&b, &denial));
    assert_eq!(refused.commit([first]).names(), [""]);
    let mut closed = chain.clone();
    closed.commit([chain.release(&coordinator(), &alice(), "b")]);
    closed.advance_to(1_100);
    let unnamed = chain.report(&bob(), &miner(), &b, std::slice::from_ref(&denial));
    let mut convicted = chain.clone();
    convicted.commit([evidence(chain, "b")]);
    let praise = b.attested_by(&coordinator(), 1);
    let of_two = chain.equivocation(
        &bob(),
        (&several, &several.attested_by(&coordinator(), 1)),
        (&several, &several.denied_by(&arbiter())),
    );
    // By threshold 1 of 2 it takes both, by 2 of 2 one.
    let mut by_one = chain.clone();
    let open = chain.open(&bob(), "one_of_two", 60_000, 1_000);
    let open = open
        .with("attesters", vec![arbiter().address().to_string()])
        .with("threshold", 1);
    by_one.commit([chain.priced(open)]);
    let one_of_two = by_one.work(&bob(), "one_of_two", &miner(), "rcpt");
    let too_few = by_one
        .report(
            &bob(),
            &miner(),
            &one_of_two,
            &[one_of_two.denied_by(&coordinator())],
        )
        .with("miner_pubkey", miner().pubkey().to_string());
    vec![
        ("not_damning", one(chain, report(&b, &praise))),
        (
            "receipt_already_refused",
            one(&refused, report(&b, &denial).nonce(2)),
        ),
        ("report_too_late", one(&closed, report(&b, &denial))),
        ("miner_key_unknown", one(chain, unnamed)),
        ("too_few_attestations", one(&by_one, too_few)),
        (
            "no_contradiction",
            one(
                chain,
                chain.equivocation(&bob(), (&b, &praise), (&b, &praise)),
            ),
        ),
        (
            "already_convicted",
            one(&convicted, evidence(&convicted, "b")),
        ),
        ("not_its_coordinator", one(chain, of_two)),
    ]
}
