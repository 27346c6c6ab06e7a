//! Owns the records of coins that lie free, and the one that says where all coins are (PROTOCOL
//! section 7).

use serde::{Deserialize, Serialize};

use crate::{
    crypto::PublicKey,
    error::InvariantViolation,
    prelude::*,
    quantity::{Nonce, Uait},
};

/// `/account/{addr}`: what an address owns and how far its transactions have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Spendable coins.
    pub balance: Uait,
    /// The nonce of its last transaction; 0 before the first.
    pub nonce: Nonce,
    /// Its key, known from its first transaction on.
    #[serde(deserialize_with = "crate::crypto::stored_key")]
    pub pubkey: Option<PublicKey>,
}

/// `/supply`: where every coin is and came from; checked in every block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supply {
    /// In accounts.
    pub balances: Uait,
    /// Bonds of coordinators.
    pub bonds: Uait,
    /// Slashed, less what informers got.
    pub burned: Uait,
    /// In open escrows.
    pub escrows: Uait,
    /// Of the genesis.
    pub genesis: Uait,
    /// Minted by claims.
    pub minted: Uait,
    /// Bonded by stakers.
    pub stakes: Uait,
    /// In existence.
    pub total: Uait,
    /// On their way out of stakes and bonds.
    pub unbonding: Uait,
}

impl Supply {
    /// What may still be minted: genesis + minted stays within 2^53-1.
    pub fn mintable(&self) -> Uait {
        let issued = self.genesis.saturating_plus(self.minted);
        Uait::MAX.floored_minus(issued)
    }

    /// Takes coins out of existence.
    ///
    /// # Errors
    /// [`InvariantViolation`] where there are none to take.
    pub fn burn(&mut self, amount: Uait) -> Result<(), InvariantViolation> {
        self.burned = self.burned.plus(amount)?;
        self.total = self.total.minus(amount)?;
        Ok(())
    }

    /// Brings coins into existence.
    ///
    /// # Errors
    /// [`InvariantViolation`] above the supply's limit: callers mint what is [`Supply::mintable`].
    pub fn mint(&mut self, amount: Uait) -> Result<(), InvariantViolation> {
        self.minted = self.minted.plus(amount)?;
        self.total = self.total.plus(amount)?;
        Ok(())
    }

    /// Checks that every coin has one place and one origin.
    ///
    /// # Errors
    /// [`InvariantViolation`] with all figures.
    pub fn check(&self) -> Result<(), InvariantViolation> {
        let held = [self.escrows, self.stakes, self.bonds, self.unbonding]
            .into_iter()
            .try_fold(self.balances, Uait::plus)?;
        let issued = self.genesis.plus(self.minted)?;
        if held != self.total || issued.minus(self.burned)? != self.total {
            return Err(InvariantViolation::new(format!(
                "the supply does not balance: {self:?}"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_record_is_the_documented_one() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let expected = vectors["account_record"]["value"].as_str().unwrap();
        let account: Account = serde_json::from_str(expected).unwrap();
        assert_eq!(
            crate::json::canonical(&account).unwrap(),
            expected.as_bytes()
        );
        let unseen = crate::json::canonical(&Account::default()).unwrap();
        assert_eq!(unseen, b"{\"balance\":0,\"nonce\":0,\"pubkey\":null}");
    }
}
