//! Owns where the coins are, and where they must be after an action.

use std::collections::BTreeMap;

use ait_app::state::{Key, State};
use ait_testkit::{
    actors::{Actor, arbiter, coordinator, miner},
    chain::Setup,
};
use ait_tests::model::treasury;
use serde_json::Value;

use super::acts::{
    Act::{self, *},
    FEE, JOB, OPENED, by, client, other_miner, stranger, work,
};

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub(super) fn start() -> State {
    let people = [
        client(),
        stranger(),
        miner(),
        other_miner(),
        coordinator(),
        arbiter(),
    ];
    let setup = people
        .iter()
        .fold(Setup::default(), |setup, one| setup.balance(one, 10_000));
    let setup = setup
        .coordinators(&[&coordinator(), &arbiter()])
        .param("base_fee", FEE as u64)
        .param("fee_per_kib", 0)
        .param("record_fee", 0)
        .param("mint_per_unit", 0)
        .param("min_escrow_amount", 1)
        .param("escrow_max_ttl_blocks", 5)
        .param("cancel_notice_blocks", 1)
        .param("offence_limit", 2)
        .param("offence_window_blocks", 4)
        .param("ban_blocks", 2);
    let mut chain = setup.start();
    chain.proposer = None;
    let bond = chain.bond(&coordinator(), 1_000);
    assert_eq!(chain.commit([bond]).codes(), [0]);
    chain.state
}

/// What can be seen of coins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coins {
    /// uait by account.
    pub(super) balances: BTreeMap<String, i128>,
    pub(super) escrow: Option<Value>,
    pub(super) bonds: i128,
    pub(super) burned: i128,
}

impl Coins {
    pub(super) fn locked(&self) -> i128 {
        let remaining = self
            .escrow
            .as_ref()
            .map(|escrow| number(&escrow["remaining"]));
        remaining.unwrap_or(0).into()
    }

    pub(super) fn total(&self) -> i128 {
        self.balances.values().sum::<i128>() + self.locked() + self.bonds + self.burned
    }

    pub(super) fn is_open(&self, height: u64) -> bool {
        self.escrow.as_ref().is_some_and(|escrow| {
            escrow["status"] == "open" && height < number(&escrow["expires_height"])
        })
    }

    pub(super) fn field(&self, name: &str) -> Value {
        let escrow = self.escrow.as_ref();
        escrow.map_or(Value::Null, |escrow| escrow[name].clone())
    }
}

pub(super) fn record(state: &State, key: &str) -> Option<Value> {
    let bytes = state.bytes(&Key::parse(key).unwrap()).unwrap()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

pub(super) fn coins_of(state: &State) -> Coins {
    let people = [
        client(),
        stranger(),
        miner(),
        other_miner(),
        coordinator(),
        arbiter(),
    ];
    let names = people
        .iter()
        .map(|one| one.address().to_string())
        .chain([treasury()]);
    let balance = |name: String| {
        let record = record(state, &format!("/account/{name}"));
        let uait = record.map_or(0, |record| number(&record["balance"]));
        (name, i128::from(uait))
    };
    let bond = record(state, &format!("/coordinator/{}", coordinator().address()));
    let supply = record(state, "/supply").unwrap();
    let coins = Coins {
        balances: names.map(balance).collect(),
        escrow: record(state, &format!("/escrow/{}/{JOB}", client().address())),
        bonds: number(&bond.unwrap()["bond"]).into(),
        burned: number(&supply["burned"]).into(),
    };
    assert_eq!(number(&supply["escrows"]), coins.locked() as u64);
    assert_eq!(number(&supply["bonds"]), coins.bonds as u64);
    coins
}

/// Whether a claim, all of which are attested, must be paid.
pub(super) fn is_due(state: &State, coins: &Coins, act: Act, height: u64) -> bool {
    let claimant = by(act).address();
    let work = work(coins, act);
    let receipt = record(state, &format!("/receipt/{claimant}/{}", work.receipt_id));
    let is_paid = receipt.is_some_and(|receipt| receipt["status"] == "paid");
    let record = record(state, &format!("/miner/{claimant}"));
    let is_banned = record.is_some_and(|record| number(&record["banned_until"]) >= height);
    let bound = coins.field("miner");
    let is_bound = bound == claimant.to_string();
    let may_be_last = act != Final || (coins.field("partial") == true && is_bound);
    coins.is_open(height)
        && !is_paid
        && !is_banned
        && (bound.is_null() || is_bound)
        && may_be_last
        && i128::from(work.price).max(FEE) <= coins.locked()
}

/// Where the coins are after a successful action; what else the escrow's record says is left to itself.
pub(super) fn expected(before: &Coins, after: &Coins, act: Act, height: u64) -> Coins {
    let mut coins = before.clone();
    let mut locked = before.locked();
    let mut give = |who: &Actor, uait: i128| {
        *coins.balances.get_mut(&who.address().to_string()).unwrap() += uait;
    };
    if before.field("status") == "open" && !before.is_open(height) {
        give(&client(), std::mem::take(&mut locked));
    }
    match act {
        OpenPlain | OpenForMiner | OpenWithTwo => {
            locked = OPENED.into();
            give(&client(), -i128::from(OPENED) - FEE);
        }
        TopUp => {
            locked += 90;
            give(&stranger(), -90 - FEE);
        }
        Extend => {
            locked += 40;
            give(&client(), -40 - FEE);
        }
        Release => {
            give(&client(), std::mem::take(&mut locked));
            give(&coordinator(), -FEE);
        }
        Equivocate => {
            let lost = before.bonds / 2;
            give(&stranger(), lost / 10 - FEE);
            coins.bonds -= lost;
            coins.burned += lost - lost / 10;
        }
        ClaimA | ClaimB | ClaimOther | Final => {
            let price = i128::from(work(before, act).price);
            let is_partial = before.field("partial") == true;
            // Of parts the fee comes from the price, else from the rest as far as that goes.
            let rest = locked - price;
            let from_price = if is_partial { FEE } else { (FEE - rest).max(0) };
            give(&by(act), price - from_price);
            locked = rest - (FEE - from_price);
            if !is_partial || act == Final {
                give(&client(), std::mem::take(&mut locked));
            }
        }
        AssignMiner | AssignOther | Cancel | Report => give(&by(act), -FEE),
        Wait => {}
    }
    if act != Wait {
        *coins.balances.get_mut(&treasury()).unwrap() += FEE;
    }
    assert_eq!(after.locked(), locked, "{act:?}");
    coins.escrow.clone_from(&after.escrow);
    coins
}
