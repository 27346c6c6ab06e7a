//! Owns what people do in a history: transactions, evidence, and whose flags are left out.

use ait_app::{block::ConsensusAddress, state::Key};
use ait_testkit::{
    actors::{Actor, alice, coordinator},
    chain::{authority, new_authority},
    draft::Draft,
    work::Says,
};
use serde_json::{Value, json};

use super::world::{JOB, MEMBERS, MEMBERS_OF_ALL, Member, World};

/// The largest integer of the protocol.
const MOST: u64 = (1 << 53) - 1;

/// Params and values for them, the ends of their ranges among them.
const PARAMS: &[(&str, &[u64])] = &[
    ("max_validators", &[4, 5, 7, 8, 9, 12, 100]),
    ("max_validators", &[4, 6, 16, 40]),
    ("min_stake", &[1, 1_000, 1_000_000, 1_000_000_000]),
    ("min_stake", &[1, 1, 1_000_000, 1 << 40, MOST]),
    ("epoch_blocks", &[1, 2, 3, 5, 10, 30, 100]),
    ("epoch_blocks", &[1, 4, 7, 1_000_000]),
    ("unbonding_blocks", &[1, 22, 120, 1_000_012, 10_000_000]),
    ("downtime_window", &[1, 2, 5, 20]),
    ("downtime_window", &[1, 3, 100, 1_000_000]),
    ("min_signed_bps", &[0, 5_000, 9_000, 10_000]),
    ("jail_blocks", &[1, 5, 20, 1_000_000]),
    ("slash_double_sign_bps", &[0, 500, 9_999, 10_000]),
    ("slash_downtime_bps", &[0, 1, 5_000, 10_000]),
    ("work_weight_bps", &[0, 1, 2_500, 5_000]),
    ("work_decay_bps", &[0, 5_000, 9_000, 10_000]),
    ("work_score_floor", &[1, 10_000, 10_000_000, MOST]),
    ("ban_blocks", &[1, 20, 200, 1_000_000]),
    ("offence_limit", &[1, 2, 3, 1_000_000]),
    ("offence_window_blocks", &[1, 50, 1_000_000]),
    ("mint_per_unit", &[0, 1, 1_000, 1_000_000_000]),
    ("max_mint_per_price", &[1, 1_000, 1_000_000_000]),
    ("coordinator_epoch_mint_cap", &[0, 1_000_000_000, MOST]),
    ("base_fee", &[0, 2, 1_000_000]),
    ("record_fee", &[0, 1_000, 1_000_000_000]),
];

impl World {
    /// The next block's transactions.
    pub fn acts(&mut self) -> Vec<Draft> {
        if self.height() == 0 {
            return self.first_acts();
        }
        self.choose_victims();
        let number = match self.dice.roll(10) {
            0..=5 => 0,
            6..=8 => 1,
            _ => 1 + self.dice.roll(4),
        };
        let mut txs: Vec<Draft> = if self.dice.one_in(150) {
            self.everybody_leaves()
        } else {
            (0..number).filter_map(|_| self.act()).collect()
        };
        // Nobody has staked yet: the authorities come first.
        if self.height() < 6 {
            txs.extend(self.stake_of(self.height() as usize - 1, 1 << 34));
        }
        renumbered(txs)
    }

    fn act(&mut self) -> Option<Draft> {
        let number = self.dice.roll(MEMBERS as u64) as usize;
        let member = &MEMBERS_OF_ALL[number];
        let account = &member.account;
        match self.dice.roll(40) {
            0..=9 => {
                let amount = self.dice.amount();
                self.stake_of(number, amount)
            }
            10..=15 => {
                let stake = self.validator(account)?["stake"].as_u64()?;
                let kept = self.dice.amount();
                let leaving = if self.dice.one_in(3) {
                    stake
                } else {
                    stake.saturating_sub(kept)
                };
                (leaving > 0).then(|| self.chain.unstake(account, leaving))
            }
            16..=19 => Some(self.chain.unjail(account)),
            20..=24 => Some(self.work_of(member, true)),
            25..=26 => Some(self.chain.forged_claim(account, JOB)),
            27 => Some(self.work_of(member, false)),
            28 => Some(self.report_of(member)),
            29..=30 => self.authorities(),
            31..=32 => {
                let mode = self.dice.pick(&["poa", "cbp", "cbp"]);
                Some(self.chain.set_param("consensus_mode", mode))
            }
            _ => {
                let (name, values) = self.dice.pick(PARAMS);
                let value = self.dice.pick(values);
                Some(self.chain.set_param(name, value))
            }
        }
    }

    /// Who is run unstakes nearly all at once, so that hardly any power is left.
    fn everybody_leaves(&mut self) -> Vec<Draft> {
        let left = 1 + self.dice.roll(2_000);
        let running = MEMBERS_OF_ALL
            .iter()
            .filter(|member| self.is_run(&member.key.pubkey()));
        let running: Vec<&Member> = running.collect();
        running
            .into_iter()
            .filter_map(|Member { account, .. }| {
                let record = self.validator(account)?;
                let (stake, power) = (record["stake"].as_u64()?, record["power"].as_u64()?);
                let leaving = stake.saturating_sub(stake / 1_000_000 * left);
                (power > 0 && leaving > 0).then(|| self.chain.unstake(account, leaving))
            })
            .collect()
    }

    fn validator(&self, account: &Actor) -> Option<Value> {
        let key = Key::parse(&format!("/validator/{}", account.address())).unwrap();
        let bytes = self.chain.state.bytes(&key).unwrap()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    fn stake_of(&self, number: usize, amount: u64) -> Option<Draft> {
        let Member { account, key, .. } = &MEMBERS_OF_ALL[number];
        let known = self.validator(account);
        let staked = known.is_some_and(|record| !record["stake_pubkey"].is_null());
        Some(if staked {
            self.chain.stake(account, amount)
        } else {
            self.chain.first_stake(account, key, amount)
        })
    }

    /// A claim on the job that lasts, with a good attestation or a damning one.
    fn work_of(&mut self, member: &Member, good: bool) -> Draft {
        let receipt = format!("r{}", self.dice.roll(1 << 40));
        let work = self.chain.work(&alice(), JOB, &member.account, &receipt);
        let work = work.costing(1 + self.dice.amount() % 2_000_000, 3_000_000);
        let exists = work.praise().exists && good;
        let says = Says {
            exists,
            ..work.praise()
        };
        let answer = work.answered_by(&coordinator(), work.opened_height, says);
        self.chain
            .claim_naming(&member.account, &work, Some(&answer))
    }

    fn report_of(&mut self, member: &Member) -> Draft {
        let receipt = format!("r{}", self.dice.roll(1 << 40));
        let work = self.chain.work(&alice(), JOB, &member.account, &receipt);
        let says = Says {
            exists: false,
            ..work.praise()
        };
        let answer = work.answered_by(&coordinator(), work.opened_height, says);
        let report = self
            .chain
            .report(&alice(), &member.account, &work, &[answer]);
        // The chain may not know the miner's key yet.
        let report = report.with("miner_pubkey", member.account.pubkey().to_string());
        let fee = self.chain.required_fee(&report);
        report.fee(fee)
    }

    /// Other authorities: some of the present ones, some of the members, with keys new and known.
    fn authorities(&mut self) -> Option<Draft> {
        let mut list: Vec<Value> = Vec::new();
        let present = self.chain.param("authorities");
        for entry in present.as_array()? {
            if !self.dice.one_in(4) {
                let mut entry = entry.clone();
                if self.dice.one_in(3) {
                    entry["power"] = json!(1 + self.dice.roll(1_000_000_000));
                }
                list.push(entry);
            }
        }
        for _ in 0..self.dice.roll(4) {
            let number = self.dice.roll(MEMBERS as u64) as usize;
            let Member {
                account,
                key,
                other_key,
            } = &MEMBERS_OF_ALL[number];
            let key = if self.dice.one_in(3) { other_key } else { key };
            let address = account.address().to_string();
            let power = 1 + self.dice.roll(60);
            if list.iter().all(|entry| entry["address"] != address) {
                let known = self.validator(account).is_some_and(|record| {
                    let keys = record["keys"].as_array().unwrap();
                    keys.contains(&key.pubkey().to_string().into())
                });
                list.push(if known {
                    authority(account, key, power)
                } else {
                    new_authority(account, key, power)
                });
            }
        }
        (!list.is_empty()).then(|| self.chain.set_param("authorities", list))
    }

    /// Somebody's equivocation now and then, of keys in force; those that nobody runs among them.
    pub fn evidence(&mut self) -> Vec<ConsensusAddress> {
        if !self.dice.one_in(120) {
            return Vec::new();
        }
        let keys = self.keys_in_force();
        let number = 1 + self.dice.roll(2);
        (0..number)
            .map(|_| ConsensusAddress::of(&self.dice.pick(&keys)))
            .collect()
    }

    /// Every now and then proposers leave out others.
    fn choose_victims(&mut self) {
        if self.dice.one_in(25) {
            let keys = self.keys_in_force();
            let number = self.dice.roll(4);
            self.victims = (0..number).map(|_| self.dice.pick(&keys)).collect();
        }
    }
}

/// The nonces of several transactions of one sender in a block follow each other.
fn renumbered(txs: Vec<Draft>) -> Vec<Draft> {
    let senders: Vec<String> = txs.iter().map(|tx| tx.sender.clone()).collect();
    let earlier = |index: usize, sender: &String| {
        let before = senders[..index].iter().filter(|other| *other == sender);
        before.count() as u64
    };
    let numbered = txs.into_iter().enumerate();
    numbered
        .map(|(index, tx)| {
            let later = earlier(index, &tx.sender);
            tx.later(later)
        })
        .collect()
}
