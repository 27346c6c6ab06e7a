//! What a lying peer gives is refused at once, and nothing of it is taken in.

use std::sync::Arc;

use ait_app::crypto::sha256;
use ait_store::MemoryStore;
use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    ResponseApplySnapshotChunk, Snapshot, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use crate::driver::{
    Comet,
    joining::{Chain, app_hash, apply, chunks, is_accepted, offer},
};

struct Given {
    snapshot: Snapshot,
    trusted: Bytes,
    chunks: Vec<Bytes>,
}

fn given(accounts: usize) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let mut chain = Chain::begin(Arc::new(MemoryStore::new()), accounts);
    chain.block(5);
    let snapshot = chain.snapshot(folder.path());
    Given {
        trusted: chain.app_hash(),
        chunks: chunks(&chain.comet.node, &snapshot),
        snapshot,
    }
}

fn newcomer() -> Comet {
    Comet::open(Arc::new(MemoryStore::new()), 0)
}

/// An offer whose hash is that of its manifest, as a liar would make it.
fn lie(snapshot: &Snapshot, metadata: Vec<u8>) -> Snapshot {
    Snapshot {
        hash: sha256(&metadata).to_vec().into(),
        metadata: metadata.into(),
        ..snapshot.clone()
    }
}

fn assert_retried(answer: &ResponseApplySnapshotChunk, index: u32) {
    assert_eq!(answer.result, Applied::Retry as i32);
    assert_eq!(answer.refetch_chunks, [index]);
    assert_eq!(answer.reject_senders, ["liar"]);
}

#[test]
fn a_chunk_with_any_byte_flipped_is_asked_of_others() {
    let given = given(9_000);
    let comet = newcomer();
    assert_eq!(
        offer(&comet.node, &given.snapshot, &given.trusted),
        Offered::Accept
    );
    for (index, chunk) in (0..).zip(&given.chunks) {
        let step = (chunk.len() / 150).max(1);
        for position in (0..chunk.len()).step_by(step).chain([chunk.len() - 1]) {
            for bit in [1, 0x80] {
                let mut wrong = chunk.to_vec();
                wrong[position] ^= bit;
                assert_retried(&apply(&comet.node, index, &wrong.into(), "liar"), index);
            }
        }
    }
    // All of those left nothing behind that the true ones would meet.
    for (index, chunk) in (0..).zip(&given.chunks) {
        assert!(is_accepted(&apply(&comet.node, index, chunk, "peer")));
    }
    assert_eq!(app_hash(&comet.node), given.trusted);
}

#[test]
fn other_bytes_than_the_chunks_are_asked_of_others() {
    let given = given(9_000);
    let comet = newcomer();
    assert_eq!(
        offer(&comet.node, &given.snapshot, &given.trusted),
        Offered::Accept
    );
    let first = &given.chunks[0];
    let summed = |packed: &[u8]| [&sha256(packed)[..], packed].concat();
    let announced = summed(&[&u32::MAX.to_le_bytes()[..], &first[36..]].concat());
    let longer = [first, &[0][..]].concat();
    for wrong in [
        Bytes::new(),
        Bytes::from_static(b"no chunk"),
        first.slice(..first.len() - 1),
        first.slice(..first.len() / 2),
        longer.into(),
        announced.into(),
        summed(b"").into(),
        summed(b"no chunk").into(),
        summed(&first[32..first.len() - 1]).into(),
        given.chunks[1].clone(),
        vec![0; 20_000_000].into(),
    ] {
        assert_retried(&apply(&comet.node, 0, &wrong, "liar"), 0);
    }
    let beyond = u32::try_from(given.chunks.len()).unwrap();
    assert_retried(&apply(&comet.node, beyond, first, "liar"), beyond);
    assert_eq!(comet.node.info().last_block_height, 0);
}

#[test]
fn a_chunk_without_an_offer_is_refused() {
    let given = given(50);
    let answer = apply(&newcomer().node, 0, &given.chunks[0], "peer");
    assert_eq!(answer.result, Applied::RejectSnapshot as i32);
}

#[test]
fn a_manifest_that_is_not_that_of_the_trusted_state_is_refused_with_its_sender() {
    let given = given(50);
    let comet = newcomer();
    let (snapshot, trusted) = (&given.snapshot, &given.trusted);
    let metadata = snapshot.metadata.to_vec();
    for position in 0..metadata.len() {
        let mut wrong = metadata.clone();
        wrong[position] ^= 1;
        let offered = offer(&comet.node, &lie(snapshot, wrong), trusted);
        // The count of records, which is the last, is not in the app hash: no chunk will have as many.
        let is_count = position >= metadata.len() - 4;
        let expected = matches!(
            offered,
            Offered::RejectSender | Offered::Accept if is_count || offered != Offered::Accept
        );
        assert!(expected, "byte {position}: {offered:?}");
    }
    for length in 0..metadata.len() {
        let wrong = lie(snapshot, metadata[..length].to_vec());
        assert_eq!(
            offer(&comet.node, &wrong, trusted),
            Offered::RejectSender,
            "{length}"
        );
    }
    let twice = [&metadata[..], &metadata[metadata.len() - 37..]].concat();
    for wrong in [twice, vec![0xff; 3_900_001], vec![0; 100_000]] {
        assert_eq!(
            offer(&comet.node, &lie(snapshot, wrong), trusted),
            Offered::RejectSender
        );
    }
    assert_eq!(comet.node.info().last_block_height, 0);
}

#[test]
fn a_manifest_that_miscounts_is_given_up_with_its_first_true_chunk() {
    let given = given(50);
    let comet = newcomer();
    let mut metadata = given.snapshot.metadata.to_vec();
    *metadata.last_mut().unwrap() ^= 1;
    let wrong = lie(&given.snapshot, metadata);
    assert_eq!(offer(&comet.node, &wrong, &given.trusted), Offered::Accept);
    let answer = apply(&comet.node, 0, &given.chunks[0], "honest");
    assert_eq!(answer.result, Applied::RejectSnapshot as i32);
    assert!(answer.reject_senders.is_empty());
    // The true one is taken then.
    let offered = offer(&comet.node, &given.snapshot, &given.trusted);
    assert_eq!(offered, Offered::Accept);
    assert!(is_accepted(&apply(
        &comet.node,
        0,
        &given.chunks[0],
        "honest"
    )));
    assert_eq!(app_hash(&comet.node), given.trusted);
}

#[test]
fn an_offer_that_contradicts_its_manifest_is_refused() {
    let given = given(50);
    let comet = newcomer();
    let refused = |change: &dyn Fn(&mut Snapshot), expected: Offered| {
        let mut snapshot = given.snapshot.clone();
        change(&mut snapshot);
        assert_eq!(offer(&comet.node, &snapshot, &given.trusted), expected);
    };
    refused(&|snapshot| snapshot.height += 1, Offered::RejectSender);
    refused(&|snapshot| snapshot.chunks += 1, Offered::RejectSender);
    refused(
        &|snapshot| snapshot.hash = Bytes::new(),
        Offered::RejectSender,
    );
    refused(&|snapshot| snapshot.format = 2, Offered::RejectFormat);
    let other = Bytes::from_static(&[7; 32]);
    assert_eq!(
        offer(&comet.node, &given.snapshot, &other),
        Offered::RejectSender
    );
    assert_eq!(
        offer(&comet.node, &given.snapshot, &given.trusted),
        Offered::Accept
    );
}

#[test]
fn a_node_that_executed_blocks_restores_nothing() {
    let given = given(50);
    let mut chain = Chain::begin(Arc::new(MemoryStore::new()), 50);
    chain.block(2);
    let before = chain.app_hash();
    assert_eq!(
        offer(&chain.comet.node, &given.snapshot, &given.trusted),
        Offered::Abort
    );
    let answer = apply(&chain.comet.node, 0, &given.chunks[0], "peer");
    assert_eq!(answer.result, Applied::RejectSnapshot as i32);
    assert_eq!(chain.app_hash(), before);
    chain.block(2);
}
