//! Owns slashing and jailing, for equivocation and for downtime (SPEC section 6).

use super::{
    Model,
    transactions::Params,
    validators::{FOR_GOOD, Validator},
};

impl Validator {
    /// Burns this share of stake and of every unbonding, and gives what was burned.
    fn slash(&mut self, basis_points: u128) -> u128 {
        let mut burned = 0;
        let unbonding = self.unbonding.iter_mut().map(|entry| &mut entry.amount);
        for amount in unbonding.chain([&mut self.stake]) {
            let lost = *amount * basis_points / 10_000;
            *amount -= lost;
            burned += lost;
        }
        self.unbonding.retain(|entry| entry.amount > 0);
        burned
    }

    fn jail(&mut self, until: u64) {
        self.jailed_until = until;
        self.end_window();
    }
}

impl Model {
    /// Who signed two blocks at one height, with any key it ever had, is jailed for good.
    pub(super) fn punish_equivocation(&mut self, params: &Params, evidence: &[String]) {
        let share = u128::from(params["slash_double_sign_bps"].as_u64().unwrap());
        for key in evidence {
            let Some(address) = self.key_owners.get(key) else {
                continue;
            };
            let record = self.validators.get_mut(address).unwrap();
            if record.jailed_until != FOR_GOOD {
                self.burned += record.slash(share);
                record.jail(FOR_GOOD);
            }
        }
    }

    /// Who signed too few blocks of its window is jailed for a while.
    pub(super) fn punish_downtime(&mut self, params: &Params, votes: &[(String, bool)]) {
        let param = |name: &str| params[name].as_u64().unwrap();
        for (key, signed) in votes {
            let address = self.key_owners[key].clone();
            let in_set = self.power_of(&address) > 0;
            let record = self.validators.get_mut(&address).unwrap();
            if !in_set || record.pubkey != *key || record.jailed_until != 0 {
                continue;
            }
            if record.window_start == 0 {
                record.window_start = self.height;
            }
            record.missed += u64::from(!signed);
            let blocks = self.height - record.window_start + 1;
            if blocks < param("downtime_window") {
                continue;
            }
            if (blocks - record.missed) * 10_000 < param("min_signed_bps") * blocks {
                self.burned += record.slash(param("slash_downtime_bps").into());
                record.jail(self.height + param("jail_blocks"));
            }
            record.end_window();
        }
    }
}
