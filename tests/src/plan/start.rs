//! Owns what the chains of the plans begin with.

use ait_app::{genesis::Genesis, identifiers::ChainId, upgrades::record::ProtocolVersion};
use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, Chain, Setup, authority},
};
use serde_json::{Value, json};

use super::{SigningKey, Who, consensus_key, params::coordinators};
use crate::model::{LIMIT, Model};

/// CometBFT's `evidence.max_age_num_blocks` of the plans' genesis: so few that unbonding, which takes
/// longer, comes to its end.
pub const EVIDENCE_MAX_AGE: u64 = 1;

/// What a chain of the plans begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// uait that may still be minted; none is named where the limit is far.
    pub room: Option<u64>,
    /// The first block.
    pub initial_height: u64,
    /// `max_validators`.
    pub seats: u64,
    /// `work_weight_bps`.
    pub work_weight: u64,
    /// Whether the coordinators sign with their accounts' keys.
    pub own_keys: bool,
    /// Bonds are asked of coordinators, and mints limited by them.
    pub bonds: bool,
    /// Alice's key, where she is an authority beside the validator; she may stake with another one.
    pub second_authority: Option<u8>,
}

impl Start {
    /// The plainest one.
    pub fn usual() -> Self {
        Self {
            room: None,
            initial_height: 1,
            seats: 100,
            work_weight: 5_000,
            own_keys: true,
            bonds: false,
            second_authority: None,
        }
    }

    fn balances(&self) -> Setup {
        let mut setup = Setup::default();
        setup.accounts.clear();
        setup.initial_height = self.initial_height;
        let rich = [
            Who::Alice,
            Who::Bob,
            Who::Admin,
            Who::Coordinator,
            Who::Validator,
        ];
        for who in rich {
            setup = setup.balance(&who.actor(), 100_000);
        }
        for who in [Who::Arbiter, Who::Witness, Who::Miner, Who::Digger] {
            setup = setup.balance(&who.actor(), 10_000);
        }
        if let Some(room) = self.room {
            let given: u64 = setup.accounts.values().sum();
            let rest = LIMIT as u64 - given - room;
            setup = setup.balance(&Actor::named("rich stranger"), rest);
        }
        setup
    }

    fn coordinators(&self) -> Value {
        let all = [Who::Coordinator, Who::Arbiter, Who::Witness];
        let keys = all.iter().zip(0..).map(|(who, number)| {
            let spare = SigningKey::Spare(number);
            let own = SigningKey::Own(*who);
            (*who, if self.own_keys { own } else { spare })
        });
        coordinators(&keys.collect::<Vec<_>>())
    }

    fn authorities(&self) -> Value {
        let mut list = vec![authority(&Who::Validator.actor(), &consensus_key(0), 4)];
        if let Some(key) = self.second_authority {
            list.push(authority(&Who::Alice.actor(), &consensus_key(key), 1));
        }
        list.into()
    }

    /// The genesis: small amounts and short times, so that limits are met often.
    pub fn setup(&self) -> Setup {
        let (least_bond, per_bond) = if self.bonds { (1_000, 3) } else { (0, 0) };
        self.balances()
            .param("coordinators", self.coordinators())
            .param("authorities", self.authorities())
            .param("admin", Who::Admin.address())
            .param("record_fee", 20)
            .param("min_account_balance", 50)
            .param("min_escrow_amount", 10)
            .param("mint_per_unit", 7)
            .param("treasury_bps", 250)
            .param("max_mint_per_price", 10)
            .param("coordinator_epoch_mint_cap", 6_000)
            .param("coordinator_min_bond", least_bond)
            .param("mint_cap_per_bond", per_bond)
            .param("escrow_max_ttl_blocks", 6)
            .param("cancel_notice_blocks", 2)
            .param("epoch_blocks", 4)
            .param("offence_limit", 2)
            .param("offence_window_blocks", 6)
            .param("ban_blocks", 3)
            .param("min_stake", 1_000)
            .param("unbonding_blocks", 7)
            .param("downtime_window", 3)
            .param("jail_blocks", 2)
            .param("max_validators", self.seats)
            .param("work_weight_bps", self.work_weight)
            .param("work_score_floor", 100)
            .param("slash_downtime_bps", 100)
    }

    /// The chain before its first block.
    pub fn chain(&self) -> Chain {
        let setup = self.setup();
        let genesis =
            Genesis::parse(&setup.app_state(), EVIDENCE_MAX_AGE, ProtocolVersion::V2).unwrap();
        let chain_id: ChainId = CHAIN_ID.parse().unwrap();
        Chain {
            state: genesis.state(chain_id, setup.initial_height).unwrap(),
            proposer: None,
            last_commit: Vec::new(),
            misbehaviour: Vec::new(),
        }
    }

    /// The model of the same genesis.
    pub fn model(&self) -> Model {
        let setup = self.setup();
        let app_state = json!({"accounts": setup.accounts, "params": setup.params});
        Model::new(CHAIN_ID, setup.initial_height, &app_state, EVIDENCE_MAX_AGE)
    }
}
