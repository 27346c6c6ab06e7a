//! Mutated wires: bit flips, cuts, splices and edits of JSON never panic, and none of them is taken
//! for a transaction, because every byte of one is signed or canonical.

use ait_app::{
    block::{BlockInput, Entry, attestations_wire, execute},
    simulate::simulate,
    state::Key,
    tx::{Anew, canonicalise},
};
use ait_testkit::{
    actors::{admin, alice, bob, coordinator, miner},
    chain::{CHAIN_ID, Chain, new_authority, read_entries},
    draft::Draft,
    work::attestation_entry,
};
use ait_tests::plan;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;

/// One transaction of each kind, and an attestation entry.
fn wires(chain: &Chain) -> Vec<Vec<u8>> {
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let answer = work.attested_by(&coordinator(), 1);
    vec![
        chain
            .transfer(&bob(), &alice(), 12_345)
            .with("memo", "naïve \u{7} 😀")
            .wire(),
        chain.open(&bob(), "job_2", 60_000, 100).wire(),
        open_with_everything(chain).wire(),
        chain.assign(&alice(), "job", &miner()).wire(),
        chain.top_up(&bob(), &alice(), "job", 5).wire(),
        chain.cancel(&alice(), "job").wire(),
        chain.release(&coordinator(), &alice(), "job").wire(),
        chain.claim(&miner(), &work).wire(),
        chain.claim_with(&miner(), &work, None).wire(),
        chain
            .claim_by(&miner(), &work, &[&coordinator(), &bob()])
            .with("final", true)
            .with("opened_height", 1)
            .wire(),
        chain
            .report(&bob(), &miner(), &work, std::slice::from_ref(&answer))
            .with("miner_pubkey", miner().pubkey().to_string())
            .wire(),
        chain
            .equivocation(&bob(), (&work, &answer), (&work, &answer))
            .wire(),
        chain.bond(&bob(), 5).wire(),
        chain.unbond(&bob(), 5).wire(),
        chain.set_param("base_fee", 3).wire(),
        chain.set_param("coordinators", json!({})).wire(),
        chain
            .set_param("authorities", vec![new_authority(&alice(), &bob(), 1_000)])
            .wire(),
        chain.accept_admin(&bob()).wire(),
        chain.spend_treasury(&admin(), bob().address(), 5).wire(),
        chain.first_stake(&bob(), &miner(), 5).wire(),
        chain.unstake(&bob(), 5).wire(),
        chain.unjail(&bob()).wire(),
        attestation_entry(&[answer]),
    ]
}

fn open_with_everything(chain: &Chain) -> Draft {
    let more = [bob(), miner()].map(|a| a.address().to_string());
    chain
        .open(&bob(), "job_3", 60_000, 100)
        .with("miner", miner().address().to_string())
        .with("partial", true)
        .with("attesters", more.to_vec())
        .with("threshold", 2)
}

fn a_chain() -> Chain {
    let mut chain = Chain::start();
    let tx = chain.open(&alice(), "job", 60_000, 100);
    chain.commit([tx]);
    chain
}

/// One change of bytes.
#[derive(Debug, Clone)]
enum Mutation {
    FlipBit(Index, u8),
    Cut(Index),
    Remove(Index, u8),
    Insert(Index, Vec<u8>),
    Repeat(Index, u8),
    Splice(Index, Index, Index),
    Token(Index, &'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "null",
        "true",
        "-0",
        "1e9",
        "9007199254740992",
        "\\u0000",
        "\\ud800",
        "\u{feff}",
        " ",
        "\n",
        "{\"attestations\":[",
        "AIT-ENVELOPE/1\n",
        "1e999",
        "\"fee\":0,",
    ]);
    let place = any::<Index>;
    prop_oneof![
        (place(), 0_u8..8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        place().prop_map(Mutation::Cut),
        (place(), 1_u8..40).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (place(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (place(), 1_u8..60).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        (place(), place(), place()).prop_map(|(a, b, c)| Mutation::Splice(a, b, c)),
        (place(), token).prop_map(|(at, token)| Mutation::Token(at, token)),
    ]
}

fn mutate(wire: &mut Vec<u8>, wires: &[Vec<u8>], mutation: &Mutation) {
    if wire.is_empty() {
        return;
    }
    let range = |at: &Index, count: u8| {
        let from = at.index(wire.len());
        from..(from + usize::from(count)).min(wire.len())
    };
    match mutation {
        Mutation::FlipBit(at, bit) => {
            let at = at.index(wire.len());
            wire[at] ^= 1 << bit;
        }
        Mutation::Cut(at) => wire.truncate(at.index(wire.len())),
        Mutation::Remove(at, count) => drop(wire.drain(range(at, *count))),
        Mutation::Insert(at, bytes) => {
            let at = at.index(wire.len());
            wire.splice(at..at, bytes.iter().copied());
        }
        Mutation::Repeat(at, count) => {
            let range = range(at, *count);
            let copy = wire[range.clone()].to_vec();
            wire.splice(range.start..range.start, copy);
        }
        Mutation::Splice(other, from, to) => {
            let other = other.get(wires);
            let tail = &other[from.index(other.len())..];
            wire.truncate(to.index(wire.len()));
            wire.extend_from_slice(tail);
        }
        Mutation::Token(at, token) => {
            let at = at.index(wire.len());
            wire.splice(at..at, token.bytes());
        }
    }
}

proptest! {
    #![proptest_config(plan::cases(1_500))]

    #[test]
    fn mutated_wires_never_panic_and_never_verify(
        which in any::<Index>(),
        mutations in vec(mutation(), 1..4),
    ) {
        let chain = a_chain();
        let wires = wires(&chain);
        let mut wire = which.get(&wires).clone();
        for mutation in &mutations {
            mutate(&mut wire, &wires, mutation);
        }
        match read_entries(std::slice::from_ref(&wire)).remove(0) {
            Entry::Transaction(_) => prop_assert!(wires.contains(&wire)),
            // Signed is only what is inside of it, which the block's rule judges.
            Entry::Attestations(list) => prop_assert_eq!(attestations_wire(&list).unwrap(), wire.clone()),
            Entry::Invalid(refusal) => prop_assert!(!refusal.message.is_empty()),
        }
        let _ = canonicalise(&wire, |_| None);
        let _ = simulate(&chain.state, &wire);
    }

    #[test]
    fn a_block_with_mutated_entries_has_a_result_for_each_and_loses_no_coin(
        mutations in vec((any::<Index>(), vec(mutation(), 0..2)), 1..6),
    ) {
        let mut chain = a_chain();
        let wires = wires(&chain);
        let entries: Vec<Vec<u8>> = mutations
            .iter()
            .map(|(which, mutations)| {
                let mut wire = which.get(&wires).clone();
                for mutation in mutations {
                    mutate(&mut wire, &wires, mutation);
                }
                wire
            })
            .collect();
        let count = entries.len();
        let (block, _) = chain.finalize(entries);
        prop_assert_eq!(block.outcome.results.len(), count);
    }

    #[test]
    fn any_bytes_at_all_are_refused(bytes in vec(any::<u8>(), 0..400)) {
        let chain = a_chain();
        let read = read_entries(std::slice::from_ref(&bytes));
        prop_assert!(matches!(read[0], Entry::Invalid(_)));
        let outcome = execute(&chain.state, &read, &BlockInput::default(), &Anew).unwrap();
        prop_assert_eq!(outcome.state.app_hash(), chain.state.app_hash());
    }

    #[test]
    fn any_path_is_a_key_or_refused(
        path in "[/a-z0-9._-]{0,80}|/(account|escrow|receipt|param|coordinator)/.{0,60}",
    ) {
        if let Ok(key) = Key::parse(&path) {
            prop_assert_eq!(key.to_string(), path);
        }
    }
}

#[test]
fn every_single_bit_flip_of_every_kind_is_refused() {
    let chain = a_chain();
    let chain_id = CHAIN_ID.parse().unwrap();
    for wire in wires(&chain) {
        if wire.starts_with(b"{\"attestations\":") {
            continue;
        }
        for bit in 0..wire.len() * 8 {
            let mut flipped = wire.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                matches!(Entry::read(&flipped, &chain_id), Entry::Invalid(_)),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn every_bit_of_an_attestation_in_front_counts() {
    let chain = a_chain();
    let work = chain.work(&alice(), "job", &miner(), "rcpt");
    let front = attestation_entry(&[work.attested_by(&coordinator(), 1)]);
    let claim = chain.claim_with(&miner(), &work, None).wire();
    assert_eq!(
        chain.clone().commit([front.clone(), claim.clone()]).codes(),
        [0, 0]
    );
    for bit in 0..front.len() * 8 {
        let mut flipped = front.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        chain.reject([flipped, claim.clone()]);
    }
}
