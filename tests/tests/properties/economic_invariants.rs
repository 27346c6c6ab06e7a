//! What the protocol promises (PROTOCOL sections 1 and 11), in random hostile chains and read from the
//! chain's own records: attested work is paid, honest proposals are accepted, power follows stake, keys that
//! nobody runs hold little of it, every escrow ends and every coin is where the supply says.
//!
//! The reference model only makes the transactions here.

use ait_testkit::{
    actors::Actor,
    chain::{Block, Chain, Records},
    draft::Draft,
    work::{Work, attestation_entry},
};
use ait_tests::plan::{
    self, Plan, Start, Who, announce, block_input, build_block, key_holder, signed_answer,
};
use proptest::prelude::*;
use serde_json::Value;

/// A receipt twice paid long ago, a wrong signature, a denial.
const OFFENCES: [u32; 3] = [52, 54, 57];

/// Later than this nobody waits for.
const PATIENCE: u64 = 40;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn of_kind<'a>(records: &'a Records, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = records.iter();
    all.filter(move |(key, _)| key.starts_with(kind))
        .map(|(_, record)| record)
}

/// A look at the chain after a block, with what was planned for it and what became of it.
type Look<'a> =
    &'a mut dyn FnMut(&Chain, &plan::Built, Option<&Block>) -> Result<(), TestCaseError>;

/// Runs a plan's blocks and looks at the chain after each.
fn run(start: &Start, plans: &[Plan], look: Look<'_>) -> Result<Chain, TestCaseError> {
    let (mut chain, mut model) = (start.chain(), start.model());
    for plan in plans {
        let built = build_block(&model, plan);
        announce(&mut chain, &block_input(&built.engine));
        look(&chain, &built, None)?;
        model.block(&built.wires, &built.engine);
        let (block, _) = chain.finalize(built.wires.clone());
        look(&chain, &built, Some(&block))?;
    }
    Ok(chain)
}

/// Work for an open escrow that nobody has done yet.
struct Probe<'a> {
    chain: &'a Chain,
    records: &'a Records,
    escrow: &'a Value,
    seed: usize,
}

impl Probe<'_> {
    fn miner(&self) -> Actor {
        match self.escrow["miner"].as_str() {
            Some(bound) => Who::of(bound).actor(),
            None if self.seed.is_multiple_of(2) => Actor::named("a miner without an account"),
            None => Who::Digger.actor(),
        }
    }

    fn is_banned(&self, miner: &Actor) -> bool {
        let record = self.records.get(&format!("/miner/{}", miner.address()));
        record.is_some_and(|record| number(&record["banned_until"]) > self.chain.height())
    }

    /// The key by which a coordinator is judged; `None` where nothing that it signs holds.
    fn key(&self, coordinator: &str, kept: &Value) -> Option<Actor> {
        let revoked = list(&self.records["/param/revoked_keys"]);
        if !revoked.contains(kept) {
            return Some(key_holder(text(kept)));
        }
        let account = self.records.get(&format!("/account/{coordinator}"))?;
        let own = &account["pubkey"];
        let holds = !own.is_null() && !revoked.contains(own);
        holds.then(|| key_holder(text(own)))
    }

    /// As many as the threshold asks for, in order: name and key.
    fn attesters(&self) -> Option<Vec<(String, Actor)>> {
        let first = [self.escrow["coordinator"].clone()];
        let names = first.iter().chain(list(&self.escrow["attesters"]));
        let keys = list(&self.escrow["keys"]);
        let able = names.zip(keys).filter_map(|(name, kept)| {
            let key = self.key(text(name), kept)?;
            Some((text(name).to_owned(), key))
        });
        let mut able: Vec<_> = able.collect();
        let needed = number(&self.escrow["threshold"]) as usize;
        let spare = able.len().checked_sub(needed)?;
        let from = self.seed % (spare + 1);
        Some(able.drain(from..from + needed).collect())
    }

    fn work(&self, miner: &Actor, price: u64) -> Work {
        Work {
            chain_id: ait_testkit::chain::CHAIN_ID.into(),
            receipt_id: "a_fresh_one".into(),
            job_id: text(&self.escrow["job_id"]).into(),
            client: text(&self.escrow["client"]).into(),
            miner: miner.address().to_string(),
            compute_units: [1, 77, 1 << 40][self.seed % 3],
            price,
            output_hash: format!("sha256:{}", "cd".repeat(32)),
            opened_height: number(&self.escrow["opened_height"]),
        }
    }

    /// The claim, and the entry in front of its block; `None` where the coordinators can't attest.
    fn claim(&self, miner: &Actor, price: u64) -> Option<(Draft, Option<Vec<u8>>)> {
        let attesters = self.attesters()?;
        let work = self.work(miner, price);
        let answers = attesters.iter();
        let answers = answers.map(|(name, key)| signed_answer(&work, name, key, work.praise()));
        let mut answers: Vec<Value> = answers.collect();
        let mut payload = work.claim(&work.signed_by(miner), None);
        let alone = list(&self.escrow["attesters"]).is_empty();
        let mut front = None;
        if alone && self.seed % 4 < 2 {
            front = Some(attestation_entry(&answers));
        } else if number(&self.escrow["threshold"]) == 1 {
            payload["attestation"] = answers.remove(0);
        } else {
            payload["attestations"] = answers.into();
        }
        Some((self.chain.draft(miner, "RECEIPT_CLAIM", payload), front))
    }

    /// Claims the work in a block of its own; tells whether it could be claimed at all.
    fn is_paid(&self) -> Result<bool, TestCaseError> {
        let (miner, remaining) = (self.miner(), number(&self.escrow["remaining"]));
        let next = self.chain.height() + 1;
        if self.is_banned(&miner) || next >= number(&self.escrow["expires_height"]) {
            return Ok(false);
        }
        let price = [1, remaining.div_ceil(2), remaining, remaining][self.seed % 4];
        let Some((claim, front)) = self.claim(&miner, price) else {
            return Ok(false);
        };
        if claim.fee > remaining {
            return Ok(false);
        }
        let mut chain = self.chain.clone();
        let before = chain.balance(miner.address());
        let fee = claim.fee;
        let entries = front.into_iter().chain([claim.wire()]);
        let (block, refusal) = chain.finalize(entries);
        prop_assert!(refusal.is_none(), "{:?}", refusal);
        let results = &block.outcome.results;
        prop_assert!(
            results.iter().all(|r| r.code == 0),
            "{:?} {}",
            results,
            self.escrow
        );
        let receipt = chain.receipt(&miner, "a_fresh_one");
        prop_assert_eq!(&receipt["status"], "paid");
        prop_assert_eq!(number(&receipt["price"]), price);
        let gained = chain.balance(miner.address()) as i128 - before as i128;
        prop_assert!(
            gained >= i128::from(price) - i128::from(fee),
            "{}",
            self.escrow
        );
        let key = format!(
            "/escrow/{}/{}",
            text(&self.escrow["client"]),
            text(&self.escrow["job_id"])
        );
        let after = chain.record(&key).unwrap();
        prop_assert_eq!(number(&after["paid"]), number(&self.escrow["paid"]) + price);
        Ok(true)
    }
}

fn attested_work_is_paid(chain: &Chain, seed: usize) -> Result<u32, TestCaseError> {
    let records = chain.records();
    let mut chain = chain.clone();
    chain.misbehaviour.clear();
    let mut paid = 0;
    let open = of_kind(&records, "/escrow/").filter(|escrow| escrow["status"] == "open");
    for (place, escrow) in open.enumerate() {
        let probe = Probe {
            chain: &chain,
            records: &records,
            escrow,
            seed: seed + place,
        };
        paid += u32::from(probe.is_paid()?);
    }
    Ok(paid)
}

/// What is left of a block's transactions by an honest proposer is accepted, and nothing in it fails but
/// offences.
fn honest_proposals_are_accepted(chain: &Chain, built: &plan::Built) -> Result<(), TestCaseError> {
    let mut chain = chain.clone();
    let proposal = chain.propose(&built.candidates);
    let (block, refusal) = chain.finalize(proposal);
    prop_assert!(refusal.is_none(), "{:?}", refusal);
    let codes = block.codes();
    let fine = codes
        .iter()
        .all(|code| *code == 0 || OFFENCES.contains(code));
    prop_assert!(fine, "{:?}", codes);
    Ok(())
}

/// Records of the set that was sent last.
fn seated(records: &Records) -> Vec<&Value> {
    let all = of_kind(records, "/validator/");
    all.filter(|record| record["power"] != 0).collect()
}

fn keys_nobody_runs_hold_little(before: &Records, after: &Records, block: &Block) {
    let seated = seated(after);
    let (proven, unproven): (Vec<&Value>, Vec<&Value>) =
        seated.iter().partition(|record| record["proven"] == true);
    let power: u64 = proven.iter().map(|record| number(&record["power"])).sum();
    let most = number(&before["/param/max_validators"]) / 4;
    let most = most.min(power.saturating_sub(1) / 2);
    let by_stake = after["/consensus"]["mode"] == "cbp";
    // A set that would be empty is not sent.
    let is_sent = !block.outcome.validator_updates.is_empty();
    if by_stake && is_sent {
        assert!(unproven.len() as u64 <= most, "{unproven:?}");
        assert!(unproven.iter().all(|record| record["power"] == 1));
    }
}

fn power_follows_stake(before: &Records, after: &Records, height: u64) -> u32 {
    let ends = height.is_multiple_of(number(&before["/param/epoch_blocks"]));
    if after["/consensus"]["mode"] != "cbp" || !ends {
        return 0;
    }
    let least = number(&before["/param/min_stake"]);
    let seated = seated(after);
    let elected = seated.iter().filter(|record| {
        record["proven"] == true
            && record["jail"].is_null()
            && number(&record["stake"]) >= least
            && record["stake_pubkey"] == record["pubkey"]
    });
    let elected: Vec<&&Value> = elected.collect();
    let proven = seated
        .iter()
        .filter(|record| record["proven"] == true)
        .count();
    if elected.is_empty() || elected.len() < proven {
        // Nobody who is eligible is proven, and so those before keep their seats.
        return 0;
    }
    let whole: u128 = seated
        .iter()
        .map(|record| u128::from(number(&record["power"])))
        .sum();
    let stakes: u128 = elected
        .iter()
        .map(|record| u128::from(number(&record["stake"])))
        .sum();
    for record in &elected {
        let power = u128::from(number(&record["power"]) - 1);
        let stake = u128::from(number(&record["stake"]));
        // power / whole <= 2 * stake / stakes
        assert!(power * stakes <= 2 * stake * whole, "{record}");
    }
    1
}

/// Lets time pass until nothing is due any more.
fn every_escrow_ends(mut chain: Chain) {
    chain.last_commit.clear();
    chain.misbehaviour.clear();
    let records = chain.records();
    let open = of_kind(&records, "/escrow/").filter(|escrow| escrow["status"] == "open");
    let last = open.map(|escrow| number(&escrow["expires_height"])).max();
    chain.advance_to(last.unwrap_or(0));
    let records = chain.records();
    assert!(of_kind(&records, "/escrow/").all(|escrow| escrow["status"] != "open"));
    assert!(of_kind(&records, "/escrow/").all(|escrow| escrow["remaining"] == 0));
    assert_eq!(chain.supply()["escrows"], 0);
    let stakes = of_kind(&records, "/validator/").chain(of_kind(&records, "/coordinator/"));
    let dues = stakes.flat_map(|record| list(&record["unbonding"]));
    let dues = dues.map(|entry| number(&entry["due_height"]));
    let deletions = of_kind(&records, "/escrow/").filter_map(|one| one["deleted_height"].as_u64());
    let Some(last) = dues.chain(deletions).max() else {
        return;
    };
    if last <= chain.height() + PATIENCE {
        chain.advance_to(last);
        assert_eq!(chain.supply()["unbonding"], 0);
        let records = chain.records();
        assert!(of_kind(&records, "/escrow/").all(|escrow| escrow["status"] == "settled"));
    }
}

proptest! {
    #![proptest_config(plan::cases(40))]

    /// Whatever the params, other escrows and validators have become.
    #[test]
    fn attested_work_with_an_open_escrow_is_paid((start, plans) in plan::chain(24)) {
        run(&start, &plans, &mut |chain, _, block| {
            if block.is_some() {
                attested_work_is_paid(chain, chain.height() as usize)?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_an_honest_proposer_makes_is_accepted((start, plans) in plan::chain(24)) {
        run(&start, &plans, &mut |chain, built, block| {
            if block.is_none() {
                honest_proposals_are_accepted(chain, built)?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn power_follows_stake_and_unproven_keys_hold_little((start, plans) in plan::chain(32)) {
        let mut before = start.chain().records();
        run(&start, &plans, &mut |chain, _, block| {
            let Some(block) = block else {
                return Ok(());
            };
            let after = chain.records();
            keys_nobody_runs_hold_little(&before, &after, block);
            power_follows_stake(&before, &after, block.height);
            before = after;
            Ok(())
        })?;
    }

    /// The books are counted anew in every block by the chain of the tests itself.
    #[test]
    fn every_escrow_ends_and_every_coin_is_somewhere((start, plans) in plan::chain(24)) {
        let chain = run(&start, &plans, &mut |_, _, _| Ok(()))?;
        every_escrow_ends(chain);
    }
}

/// The properties above are about something.
#[test]
fn the_random_chains_have_work_to_pay_and_elections() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut paid, mut elections) = (0, 0);
    for _ in 0..20 {
        let tree = plan::chain(24).new_tree(&mut runner).unwrap();
        let (start, plans) = tree.current();
        let mut before = start.chain().records();
        let ran = run(&start, &plans, &mut |chain, _, block| {
            if let Some(block) = block {
                paid += attested_work_is_paid(chain, chain.height() as usize)?;
                let after = chain.records();
                elections += power_follows_stake(&before, &after, block.height);
                before = after;
            }
            Ok(())
        });
        ran.unwrap();
    }
    eprintln!("{paid} claims paid, {elections} elections");
    assert!(paid > 200 && elections > 10);
}
