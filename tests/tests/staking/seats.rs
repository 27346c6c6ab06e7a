//! Who has a seat under compute-backed proof: newcomers wait for their power, keys that nobody runs
//! never get any, and there is always somebody in the set.

use ait_testkit::{
    actors::alice,
    chain::{Live, Setup, Staker},
    draft::Draft,
};

fn three() -> [Staker; 3] {
    [
        Staker::named("ann", 10_000_000),
        Staker::named("ben", 30_000_000),
        Staker::named("cat", 60_000_000),
    ]
}

/// So many stakers with this stake each, by address.
fn alike(name: &str, count: usize, stake: u64) -> Vec<Staker> {
    let mut stakers: Vec<Staker> = (0..count)
        .map(|n| Staker::named(&format!("{name}{n}"), stake))
        .collect();
    stakers.sort_by_key(|staker| staker.account.address());
    stakers
}

/// They stake, in two blocks.
fn join(live: &mut Live, newcomers: &[Staker]) {
    let gifts: Vec<Draft> = newcomers
        .iter()
        .zip(0..)
        .map(|(staker, n)| {
            live.transfer(&alice(), &staker.account, staker.stake + 1_000_000)
                .later(n)
        })
        .collect();
    assert!(live.commit(gifts).codes().iter().all(|code| *code == 0));
    let stakes: Vec<Draft> = newcomers
        .iter()
        .map(|staker| live.first_stake(&staker.account, &staker.key, staker.stake))
        .collect();
    assert!(live.commit(stakes).codes().iter().all(|code| *code == 0));
}

fn proven(live: &Live, staker: &Staker) -> bool {
    live.validator(&staker.account)["proven"] == true
}

#[test]
fn a_newcomer_has_power_one_until_it_signed_for_an_epoch() {
    let stakers = three();
    let mut live = Live::elected(Setup::default(), &stakers);
    let dan = Staker::named("dan", 100_000_000);
    join(&mut live, std::slice::from_ref(&dan));
    assert_eq!(live.power(&dan.account), 0);
    live.finish_epoch();
    assert_eq!(live.power(&dan.account), 1);
    // Its stake takes nothing from the others as long as it has not signed.
    assert_eq!(live.powers(&stakers), [50_001, 150_001, 300_001]);
    // In force from block 22, whose commit is in block 23.
    live.advance_to(22);
    assert!(!proven(&live, &dan));
    let block = live.empty();
    assert!(proven(&live, &dan));
    assert!(block.updates().is_empty(), "until the next election");
    live.finish_epoch();
    assert_eq!(live.power(&dan.account), 250_001);
    assert_eq!(live.powers(&stakers), [25_001, 75_001, 150_001]);
}

#[test]
fn a_key_that_nobody_runs_never_gets_more_than_one() {
    let stakers = three();
    let mut live = Live::elected(Setup::default(), &stakers);
    let ghost = Staker::named("ghost", 900_000_000);
    live.stop(&ghost.key);
    join(&mut live, std::slice::from_ref(&ghost));
    for _ in 0..12 {
        live.finish_epoch();
        assert!(live.power(&ghost.account) <= 1 && !proven(&live, &ghost));
        assert_eq!(live.powers(&stakers), [50_001, 150_001, 300_001]);
        assert!(live.goes_on());
    }
    // It was jailed for downtime on the way, and lost its seat.
    assert_eq!(live.power(&ghost.account), 0);
    assert!(live.validator(&ghost.account)["jail"]["until"].as_u64() > Some(0));
}

#[test]
fn newcomers_take_at_most_a_quarter_of_the_seats_most_stake_first() {
    let stakers = three();
    let mut live = Live::elected(Setup::default().param("max_validators", 8), &stakers);
    let rich = Staker::named("rich", 2_000_001);
    let poor = alike("poor", 3, 2_000_000);
    join(&mut live, &[poor.clone(), vec![rich.clone()]].concat());
    live.finish_epoch();
    assert_eq!(live.power(&rich.account), 1);
    // Of equals the lower address.
    assert_eq!(live.powers(&poor), [1, 0, 0]);
    assert_eq!(live.set().len(), 5);
    // Once those have signed, it is the next ones' turn.
    live.finish_epoch();
    assert_eq!(live.powers(&poor)[1..], [1, 1]);
    assert_eq!(live.set().len(), 7);
    live.finish_epoch();
    assert!(live.powers(&poor).iter().all(|power| *power > 1));
}

#[test]
fn a_newcomer_with_more_stake_takes_the_seat_of_the_weakest() {
    let stakers = alike("val", 4, 10_000_000);
    let setup = Setup::default().param("max_validators", 4);
    let mut live = Live::elected(setup, &stakers);
    assert_eq!(live.powers(&stakers), [125_001; 4]);
    // As much stake is not enough.
    let equal = Staker::named("equal", 10_000_000);
    join(&mut live, std::slice::from_ref(&equal));
    live.finish_epoch();
    assert_eq!(live.power(&equal.account), 0);
    // Of the equally strong the highest address is the weakest; one seat is a quarter of four.
    let mut more = alike("more", 2, 10_000_001);
    more[1].stake += 1;
    join(&mut live, &more);
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [125_001, 125_001, 125_001, 0]);
    assert_eq!(live.powers(&more), [0, 1]);
    // Who lost its seat is a newcomer when it comes back.
    let last = &stakers[3];
    assert!(!proven(&live, last));
    live.commit([live.stake(&last.account, 50_000_000)]);
    live.finish_epoch();
    assert_eq!(live.power(&last.account), 1);
}

#[test]
fn newcomers_leave_with_the_power_that_carries_them() {
    let stakers = alike("val", 4, 100_000_000);
    let setup = Setup::default().param("max_validators", 40);
    let mut live = Live::elected(setup, &stakers);
    let mut newcomers = alike("new", 10, 2_000_000);
    for (more, newcomer) in newcomers.iter_mut().enumerate() {
        newcomer.stake += more as u64;
        live.stop(&newcomer.key);
    }
    join(&mut live, &newcomers);
    live.finish_epoch();
    assert_eq!(live.powers(&newcomers), [1; 10]);
    // Powers 0, 0, 0 and floor(125,001 * 64 / 10^8) * 100 = 8: they carry three.
    let mut txs: Vec<Draft> = stakers[..3]
        .iter()
        .map(|staker| live.unstake(&staker.account, 99_999_999))
        .collect();
    txs.push(live.unstake(&stakers[3].account, 99_993_600));
    let block = live.commit(txs);
    assert_eq!(block.codes(), [0; 4]);
    assert_eq!(live.powers(&stakers), [0, 0, 0, 8]);
    assert_eq!(live.powers(&newcomers), [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    for _ in 0..30 {
        live.empty();
        assert!(live.goes_on());
    }
}

#[test]
fn fewer_seats_put_newcomers_out_at_once_and_proven_ones_at_the_election() {
    let stakers = alike("val", 6, 10_000_000);
    let mut live = Live::elected(Setup::default(), &stakers);
    let newcomers = alike("new", 3, 20_000_000);
    newcomers
        .iter()
        .for_each(|newcomer| live.stop(&newcomer.key));
    join(&mut live, &newcomers);
    live.finish_epoch();
    assert_eq!(live.powers(&newcomers), [1; 3]);
    live.commit([live.set_param("max_validators", 4)]);
    assert_eq!(live.powers(&newcomers), [1; 3]);
    let block = live.empty();
    assert_eq!(block.updates().len(), 2);
    assert_eq!(live.powers(&newcomers), [1, 0, 0]);
    assert!(live.powers(&stakers).iter().all(|power| *power > 0));
    live.finish_epoch();
    let seated = live.powers(&stakers);
    assert_eq!(seated.iter().filter(|power| **power > 0).count(), 3);
    assert_eq!(live.powers(&newcomers), [1, 0, 0]);
}

#[test]
fn leaving_the_set_ends_what_a_key_has_proven() {
    let stakers = three();
    let mut live = Live::elected(Setup::default(), &stakers);
    let ann = &stakers[0];
    live.commit([
        live.unstake(&ann.account, 10_000_000),
        live.stake(&ann.account, 10_000_000).later(1),
    ]);
    assert!(!proven(&live, ann));
    // CometBFT still has it for two blocks, whose commits prove nothing.
    live.advance_to(19);
    assert!(!proven(&live, ann));
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [1, 166_667, 333_334]);
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [50_001, 150_001, 300_001]);
}

#[test]
fn the_set_is_never_empty() {
    let ann = Staker::named("ann", 10_000_000);
    let mut live = Live::elected(Setup::default(), std::slice::from_ref(&ann));
    assert_eq!(live.power(&ann.account), 500_001);
    let block = live.commit([live.unstake(&ann.account, 10_000_000)]);
    assert!(block.updates().is_empty());
    assert_eq!(live.power(&ann.account), 500_001, "the cut is undone");
    live.finish_epoch();
    assert_eq!(live.power(&ann.account), 500_001);
    // Whoever stakes next has to sign before it takes over.
    let ben = Staker::named("ben", 2_000_000);
    join(&mut live, std::slice::from_ref(&ben));
    live.finish_epoch();
    assert_eq!(
        (live.power(&ann.account), live.power(&ben.account)),
        (500_001, 1)
    );
    live.finish_epoch();
    assert_eq!(
        (live.power(&ann.account), live.power(&ben.account)),
        (0, 500_001)
    );
}

#[test]
fn a_set_that_everybody_leaves_at_once_stays_as_it_was() {
    let stakers = alike("val", 4, 10_000_000);
    let mut live = Live::elected(Setup::default(), &stakers);
    let all_leave = |live: &Live| -> Vec<Draft> {
        let leave = |staker: &Staker| live.unstake(&staker.account, staker.stake);
        stakers.iter().map(leave).collect()
    };
    // With coins that come back in the same block, and without.
    let back = stakers.iter();
    let back = back.map(|staker| live.stake(&staker.account, staker.stake).later(1));
    let both: Vec<Draft> = all_leave(&live).into_iter().chain(back).collect();
    assert!(live.commit(both).updates().is_empty());
    assert!(live.commit(all_leave(&live)).updates().is_empty());
    assert_eq!(live.powers(&stakers), [125_001; 4]);
    assert!(stakers.iter().all(|staker| proven(&live, staker)));
    // Nobody may stand at the election either.
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [125_001; 4]);
}

#[test]
fn where_only_a_newcomer_may_stand_those_who_signed_go_on_beside_it() {
    let stakers = alike("val", 4, 1_000_000);
    let mut live = Live::elected(Setup::default(), &stakers);
    let newcomer = Staker::named("new", 1_000_000);
    join(&mut live, std::slice::from_ref(&newcomer));
    let mut cuts: Vec<Draft> = stakers[..3]
        .iter()
        .map(|staker| live.unstake(&staker.account, 999_990))
        .collect();
    cuts.push(live.unstake(&stakers[3].account, 999_000));
    live.commit(cuts);
    assert_eq!(live.powers(&stakers), [1, 1, 1, 125]);
    live.finish_epoch();
    // 128 are too few to carry newcomers: ceil(1,000 / 128) = 8 times as much.
    assert_eq!(live.powers(&stakers), [8, 8, 8, 1_000]);
    assert_eq!(live.power(&newcomer.account), 1);
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [0; 4]);
    assert_eq!(live.power(&newcomer.account), 500_001);
}

#[test]
fn where_nobody_may_stand_those_who_validate_go_on() {
    let stakers = three();
    let mut live = Live::elected(Setup::default(), &stakers);
    let most = (1_u64 << 53) - 1;
    live.commit([live.set_param("min_stake", most)]);
    for _ in 0..3 {
        live.finish_epoch();
        assert_eq!(live.powers(&stakers), [50_001, 150_001, 300_001]);
    }
    // With little power left they get enough to carry newcomers: 5 + 15 + 30 times 20.
    let cuts: Vec<Draft> = stakers
        .iter()
        .map(|staker| live.unstake(&staker.account, staker.stake - staker.stake / 10_000))
        .collect();
    live.commit(cuts);
    assert_eq!(live.powers(&stakers), [5, 15, 30]);
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [100, 300, 600]);
    live.finish_epoch();
    assert_eq!(live.powers(&stakers), [100, 300, 600]);
}
