//! Nonces that another pending transaction has, for newcomers that may replace nothing.

use ait_abci::Verdict;
use ait_app::Code;

use crate::driver::{Comet, hash, transfer};

#[test]
fn a_newcomer_that_may_replace_nothing_leaves_a_pending_one_whatever_its_fee() {
    let mut comet = Comet::begin(&["alice"]);
    let (first, dear) = (transfer("alice", 1, 100), transfer("alice", 1, 900));
    assert_eq!(comet.submit(&first).code, 0);

    let kept = comet.node.mempool().replace_nothing(hash(&dear));
    match comet.node.mempool().preview(&dear.to_wire()).unwrap() {
        Verdict::Refused(refusal) => {
            assert_eq!(refusal.code, Code::NoncePending);
            let holder = hash(&first).to_string();
            assert!(refusal.message.contains(&holder), "{refusal}");
            assert!(refusal.message.contains("next free one is 2"), "{refusal}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(comet.submit(&dear).code, Code::NoncePending.number());
    assert!(comet.pool_has(&first));

    // Who asks for it replaces, as ever.
    drop(kept);
    assert_eq!(comet.submit(&dear).code, 0);
    let block = comet.make_block();
    assert_eq!(Comet::code_in(&block, &dear), Some(0));
    assert_eq!(Comet::code_in(&block, &first), None);
}

#[test]
fn of_two_with_a_free_nonce_that_may_replace_nothing_the_first_is_taken() {
    let mut comet = Comet::begin(&["alice"]);
    let (one, two) = (transfer("alice", 1, 100), transfer("alice", 1, 900));
    let _kept = [&one, &two].map(|tx| comet.node.mempool().replace_nothing(hash(tx)));
    // Neither sees the other before CheckTx.
    for tx in [&one, &two] {
        assert_eq!(
            comet.node.mempool().preview(&tx.to_wire()).unwrap(),
            Verdict::Ready
        );
    }
    assert_eq!(comet.submit(&one).code, 0);
    assert_eq!(comet.submit(&two).code, Code::NoncePending.number());
    // Sent again it is the same.
    assert_eq!(comet.submit(&one).code, 0);
}

#[test]
fn that_nothing_is_replaced_holds_until_the_last_who_asked_for_it_is_answered() {
    let mut comet = Comet::begin(&["alice"]);
    let (first, dear) = (transfer("alice", 1, 100), transfer("alice", 1, 900));
    comet.submit(&first);
    let early = comet.node.mempool().replace_nothing(hash(&dear));
    let late = comet.node.mempool().replace_nothing(hash(&dear));
    drop(early);
    assert_eq!(comet.submit(&dear).code, Code::NoncePending.number());
    drop(late);
    assert_eq!(comet.submit(&dear).code, 0);
}
