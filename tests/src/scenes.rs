//! Owns situations in which tests of several files begin or end.

use ait_app::block::Entry;
use ait_testkit::{
    actors::{Actor, alice, arbiter, coordinator, miner, witness},
    chain::{Block, Chain, Records, Setup, differences, read_entries},
    draft::Draft,
    work::Work,
};

/// uait with which a miner can pay for its failures.
pub const POCKET_MONEY: u64 = 100_000;

/// The usual setup, and a miner that can pay for its failures.
pub fn miner_with_money() -> Setup {
    Setup::default().balance(&miner(), POCKET_MONEY)
}

/// A chain with an escrow of Alice's, opened in block 1, and the work that is done for it.
pub fn with_escrow(setup: &Setup, amount: u64) -> (Chain, Work) {
    with_opening(setup, |chain| chain.open(&alice(), "job_42", amount, 1_000))
}

/// The same with an opening of Alice's for `job_42` as the test wants it.
pub fn with_opening(setup: &Setup, opening: impl FnOnce(&Chain) -> Draft) -> (Chain, Work) {
    let mut chain = setup.start();
    let tx = chain.priced(opening(&chain));
    assert_eq!(chain.commit([tx]).names(), [""]);
    let work = chain.work(&alice(), "job_42", &miner(), "rcpt_7f3a");
    (chain, work)
}

/// The coordinators of [`with_attesters`], in the escrow's order.
pub fn three() -> [Actor; 3] {
    [coordinator(), arbiter(), witness()]
}

/// A chain with three registered coordinators and an escrow of Alice's that names them all, of
/// 60,000 uait, opened in block 1; so many of them must attest.
pub fn with_attesters(setup: &Setup, threshold: u64) -> (Chain, Work) {
    let [first, second, third] = three();
    let setup = setup.clone().coordinators(&[&first, &second, &third]);
    with_opening(&setup, |chain| {
        chain
            .open(&alice(), "job_42", 60_000, 1_000)
            .with(
                "attesters",
                [second, third].map(|a| a.address().to_string()).to_vec(),
            )
            .with("threshold", threshold)
    })
}

/// What a refused transaction must leave alone: all records but the accounts, which pay its fee, without
/// what the end of any block may change.
fn lasting(chain: &Chain) -> Records {
    let mut records = chain.records();
    records.retain(|key, _| !key.starts_with("/account/") && key != "/consensus");
    for (key, record) in &mut records {
        if let (true, Some(fields)) = (key.starts_with("/validator/"), record.as_object_mut()) {
            for counter in [
                "counted_blocks",
                "missed_blocks",
                "window",
                "power",
                "proven",
            ] {
                fields.remove(counter);
            }
        }
    }
    records
}

/// A transaction that is refused with this code: it pays the required fee, and nothing else moves but
/// its sender's nonce.
pub fn refused(chain: &mut Chain, tx: Draft, code: &str) -> Block {
    let sender = tx.signer.address();
    let required = chain.required_fee(&tx);
    let (before, balance) = (lasting(chain), chain.balance(sender));
    let block = chain.commit([tx]);
    assert_eq!(block.code_name(0), code, "{}", block.result(0).log);
    assert_eq!(block.fee(0), required);
    assert_eq!(chain.balance(sender), balance - required);
    let moved = differences(&before, &lasting(chain));
    assert!(moved.is_empty(), "{moved:?}");
    block
}

/// Why these bytes are refused without a look at any state: the code and the message. Panics where they
/// are not.
pub fn refusal(wire: &[u8]) -> (&'static str, String) {
    match read_entries(&[wire.to_vec()]).remove(0) {
        Entry::Invalid(refusal) => (refusal.code.name(), refusal.message),
        _ => panic!("accepted: {}", String::from_utf8_lossy(wire)),
    }
}

/// These bytes are refused with a code and a message that names what is wrong, no honest validator takes
/// a block that holds them, and where two thirds of the validators are mad they do nothing.
pub fn assert_unreadable(wire: &[u8], code: &str, named: &str) {
    let (name, message) = refusal(wire);
    let shown: String = String::from_utf8_lossy(wire).chars().take(300).collect();
    assert_eq!(name, code, "{message}\n{shown}");
    assert!(message.contains(named), "{named}: {message}\n{shown}");
    let mut chain = Chain::start();
    let before = chain.state.app_hash();
    assert_eq!(chain.reject([wire.to_vec()]).code.name(), code);
    chain.finalize([wire.to_vec()]);
    assert_eq!(chain.state.app_hash(), before);
}
