//! The codes of stakes.

use ait_testkit::{
    actors::{Actor, alice, bob, validator, validator_key},
    chain::Chain,
    draft::Draft,
};

use super::{Given, last};

pub fn of_staking(chain: &Chain) -> Vec<Given> {
    let draft = |draft: Draft| last(chain, [draft]);
    let key = |name: &str| Actor::named(name);
    let first = |actor: &Actor, name: &str| chain.first_stake(actor, &key(name), 100);
    let forged = chain.first_stake(&bob(), &key("k"), 100);
    let forged = forged.with("validator_sig", "00".repeat(64));
    let mut staked = chain.clone();
    staked.commit([first(&alice(), "k")]);
    let ones = (0..17).map(|n| staked.unstake(&alice(), 1).later(n));
    let of_staked = |draft: Draft| last(&staked, [draft]);
    let mut jailed = staked_and_elected(chain);
    jailed.misbehaviour = vec![key("k").consensus_address()];
    jailed.commit(Vec::<Vec<u8>>::new());
    let mut idle = staked_and_elected(chain);
    idle.all_sign(&[&key("k")]);
    idle.stops_signing(&key("k"));
    idle.advance_to(idle.height() + 4);
    vec![
        ("validator_key_missing", draft(chain.stake(&bob(), 1))),
        ("invalid_validator_signature", draft(forged)),
        (
            "validator_key_taken",
            of_staked(staked.first_stake(&bob(), &key("k"), 1)),
        ),
        (
            "validator_key_fixed",
            of_staked(staked.first_stake(&alice(), &key("other"), 1)),
        ),
        ("never_staked", draft(chain.unstake(&bob(), 1))),
        ("stake_too_small", of_staked(staked.unstake(&alice(), 101))),
        ("too_many_unbondings", last(&staked, ones)),
        ("not_jailed", of_staked(staked.unjail(&alice()))),
        ("jailed_for_good", last(&jailed, [jailed.unjail(&alice())])),
        ("jailed_still", last(&idle, [idle.unjail(&alice())])),
    ]
}

/// Alice and the only authority staked, and were elected.
fn staked_and_elected(chain: &Chain) -> Chain {
    let mut chain = chain.clone();
    let fund = chain.transfer(&bob(), &validator(), 500_000_000);
    chain.commit([fund]);
    chain.commit([
        chain.set_param("consensus_mode", "cbp"),
        chain.set_param("downtime_window", 4).later(1),
        chain.first_stake(&alice(), &Actor::named("k"), 10_000_000),
        chain.first_stake(&validator(), &validator_key(), 400_000_000),
    ]);
    chain.finish_epoch();
    assert!(chain.power(&alice()) > 0);
    chain
}
