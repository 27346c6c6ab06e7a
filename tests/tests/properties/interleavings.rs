//! Everything that can be done to one escrow, in every order: after each step the coins have moved from
//! where they were to exactly one owner and none is lost or made, work that is attested is paid, and
//! whatever is left goes back to the client in the end.
//!
//! All sequences of up to `AIT_INTERLEAVINGS` actions (6 where it isn't set) that nobody refuses are gone
//! through, depth first; states that two of them share are looked at once and counted for both.

mod acts;
mod coins;

use std::{cell::RefCell, collections::HashMap};

use ait_app::{
    block::{BlockInput, Entry, execute},
    crypto::{PublicKey, Signature},
    identifiers::ChainId,
    state::State,
    tx::{Anew, Signatures},
};
use ait_testkit::{chain::CHAIN_ID, draft::Draft};

use acts::{ACTS, Act, FEE, Wait, by, client, kind, payload};
use coins::{Coins, coins_of, expected, is_due, number, record, start};

/// Judges every signature once.
#[derive(Default)]
struct Once(RefCell<HashMap<([u8; 32], String), bool>>);

impl Signatures for Once {
    fn hold(&self, key: &PublicKey, digest: &[u8; 32], signature: &Signature) -> bool {
        let name = (*digest, format!("{key}{signature}"));
        let mut known = self.0.borrow_mut();
        *known
            .entry(name)
            .or_insert_with(|| Anew.hold(key, digest, signature))
    }
}

struct Search {
    chain_id: ChainId,
    signatures: Once,
    /// By sender, nonce and what else the bytes depend on.
    entries: RefCell<HashMap<(Act, u64, u64), Entry>>,
    /// Sequences from a state on, by what is left to do.
    seen: HashMap<([u8; 32], u64, u32), u64>,
    blocks: u64,
    paid: u64,
}

impl Search {
    fn entry(&self, state: &State, coins: &Coins, act: Act) -> Entry {
        let (opened, two) = (coins.field("opened_height"), coins.field("threshold"));
        let which = opened.as_u64().unwrap_or(0) * 8 + two.as_u64().unwrap_or(0);
        let account = record(state, &format!("/account/{}", by(act).address()));
        let nonce = number(&account.unwrap()["nonce"]) + 1;
        let mut known = self.entries.borrow_mut();
        let entry = known.entry((act, nonce, which)).or_insert_with(|| {
            let draft = Draft::new(CHAIN_ID, &by(act), kind(act), payload(coins, act));
            let wire = draft.nonce(nonce).fee(FEE as u64).wire();
            Entry::read(&wire, &self.chain_id)
        });
        entry.clone()
    }

    /// The state after a block with these entries, and the last one's code.
    fn block(&mut self, state: &State, entries: &[Entry]) -> (State, u32) {
        self.blocks += 1;
        let outcome = execute(state, entries, &BlockInput::default(), &self.signatures).unwrap();
        let code = outcome.results.last().map_or(0, |result| result.code);
        (outcome.state, code)
    }

    /// The state after the action, where nobody refuses it and time that passes ends something.
    fn act(&mut self, state: &State, coins: &Coins, act: Act) -> Option<(State, Coins)> {
        if act == Wait {
            let mut after = state.clone();
            for _ in 0..3 {
                after = self.block(&after, &[]).0;
            }
            let then = coins_of(&after);
            assert_eq!(then, expected(coins, &then, act, state.height().get() + 3));
            return (then.escrow != coins.escrow).then_some((after, then));
        }
        let height = state.height().get() + 1;
        let entry = self.entry(state, coins, act);
        let (after, code) = self.block(state, &[entry]);
        let then = coins_of(&after);
        assert_eq!(then.total(), coins.total());
        if kind(act) == "RECEIPT_CLAIM" {
            let due = is_due(state, coins, act, height);
            assert_eq!(code == 0, due, "{act:?} {code} {:?}", coins.escrow);
            self.paid += u64::from(due);
        }
        if code != 0 {
            return None;
        }
        assert_eq!(then, expected(coins, &then, act, height), "{act:?}");
        Some((after, then))
    }

    /// How many sequences of at most so many actions go on from here.
    fn go(&mut self, state: &State, coins: &Coins, left: u32) -> u64 {
        let name = (state.root(), state.height().get(), left);
        if let Some(known) = self.seen.get(&name) {
            return *known;
        }
        let mut sequences = 0;
        if left == 0 {
            self.end(state, coins);
        } else {
            for act in ACTS {
                if let Some((after, then)) = self.act(state, coins, act) {
                    sequences += 1 + self.go(&after, &then, left - 1);
                }
            }
        }
        self.seen.insert(name, sequences);
        sequences
    }

    /// Time passes, and whatever is locked goes back to the client.
    fn end(&mut self, state: &State, coins: &Coins) {
        let mut after = state.clone();
        let last = coins.field("expires_height").as_u64().unwrap_or(0);
        while after.height().get() < last {
            after = self.block(&after, &[]).0;
        }
        let then = coins_of(&after);
        assert_eq!(then.locked(), 0);
        let client = client().address().to_string();
        let mut all = coins.balances.clone();
        *all.get_mut(&client).unwrap() += coins.locked();
        assert_eq!(then.balances, all);
        assert_ne!(then.field("status"), "open");
    }
}

#[test]
fn every_sequence_of_actions_on_an_escrow_leaves_each_coin_with_one_owner() {
    let depth = std::env::var("AIT_INTERLEAVINGS").ok();
    let depth = depth.and_then(|depth| depth.parse().ok()).unwrap_or(6);
    let state = start();
    let coins = coins_of(&state);
    let mut search = Search {
        chain_id: CHAIN_ID.parse().unwrap(),
        signatures: Once::default(),
        entries: RefCell::default(),
        seen: HashMap::new(),
        blocks: 0,
        paid: 0,
    };
    let sequences = search.go(&state, &coins, depth);
    let (states, blocks, paid) = (search.seen.len(), search.blocks, search.paid);
    eprintln!("{sequences} sequences, {states} states, {blocks} blocks, {paid} claims paid");
    assert!(paid > 100);
}
