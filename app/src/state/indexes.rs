//! Owns the indexes that are derived from the records: what a block must find without reading
//! every record. They are not part of the app hash.

use core::cmp::Reverse;

use super::{key::Key, record::Value};
use crate::{
    address::Address,
    crypto::PublicKey,
    engine::ConsensusAddress,
    error::InvariantViolation,
    escrow::record::{Escrow, EscrowStatus},
    prelude::*,
    quantity::{Count, Height, Power, Uait},
    staking::record::Validator,
    unbonding::record::Unbonding,
};

/// Records by the block in which they are due, then by their key's bytes.
type Due = rpds::RedBlackTreeMapSync<(Height, String), Key>;

/// A validator of the set last sent to CometBFT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentValidator {
    /// Whose.
    pub address: Address,
    /// Its voting power.
    pub power: Power,
    /// Whether it has signed since it came into the set.
    pub proven: bool,
}

/// The set last sent to CometBFT, by consensus key.
pub type SentSet = BTreeMap<PublicKey, SentValidator>;

/// A client's open escrows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenEscrows {
    /// How many, those overdue and not refunded yet included.
    pub open: Count,
    /// The uait locked in them.
    pub locked: Uait,
}

/// The same while a block's changes are taken in one by one: coins that went from one escrow to
/// another count twice meanwhile, which can pass the limit of [`Uait`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    open: u64,
    locked: u128,
}

/// All that is derived from the records. Cloning is cheap: the nodes are shared.
#[derive(Clone, Default)]
pub(super) struct Indexes {
    pub(super) due_escrows: Due,
    pub(super) due_unbondings: Due,
    pub(super) due_deletions: Due,
    pub(super) key_owners: rpds::RedBlackTreeMapSync<ConsensusAddress, Address>,
    /// Who has stake and isn't jailed: the most first, then by address.
    pub(super) stakers: rpds::RedBlackTreeSetSync<(Reverse<Uait>, Address)>,
    /// Who has stake and is jailed, in the same order.
    pub(super) jailed: rpds::RedBlackTreeSetSync<(Reverse<Uait>, Address)>,
    /// Open escrows by client; none for a client without one.
    tallies: rpds::RedBlackTreeMapSync<Address, Tally>,
    pub(super) sent: Arc<SentSet>,
}

impl Indexes {
    /// Takes in the change of a record.
    ///
    /// # Errors
    /// [`InvariantViolation`] when `old` is not the record that was taken in before.
    pub(super) fn update(
        &mut self,
        key: &Key,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<(), InvariantViolation> {
        match old {
            Some(Value::Escrow(escrow)) => self.forget_escrow(key, escrow)?,
            Some(Value::Validator(validator)) => self.forget_validator(key, validator),
            Some(Value::Coordinator(record)) => self.forget_unbondings(key, &record.unbonding),
            _ => {}
        }
        match new {
            Some(Value::Escrow(escrow)) => self.learn_escrow(key, escrow)?,
            Some(Value::Validator(validator)) => self.learn_validator(key, validator),
            Some(Value::Coordinator(record)) => self.learn_unbondings(key, &record.unbonding),
            _ => {}
        }
        Ok(())
    }

    /// Whether anything is derived from a record: a start reads those.
    pub(super) fn need(value: &Value) -> bool {
        match value {
            Value::Escrow(escrow) => !matches!(escrow.status, EscrowStatus::Settled { .. }),
            Value::Validator(_) => true,
            Value::Coordinator(record) => !record.unbonding.is_empty(),
            _ => false,
        }
    }

    /// A client's open escrows.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they hold more coins than there can be.
    pub(super) fn open_escrows(&self, client: &Address) -> Result<OpenEscrows, InvariantViolation> {
        let tally = self.tallies.get(client).copied().unwrap_or_default();
        let locked = u64::try_from(tally.locked).ok().and_then(Uait::new);
        Count::new(tally.open)
            .zip(locked)
            .map(|(open, locked)| OpenEscrows { open, locked })
            .ok_or_else(|| off_balance(client))
    }

    fn forget_escrow(&mut self, key: &Key, escrow: &Escrow) -> Result<(), InvariantViolation> {
        match escrow.status {
            EscrowStatus::Open { remaining, .. } => {
                self.due_escrows
                    .remove_mut(&(escrow.expires_height, key.to_string()));
                self.count_out(&escrow.client, remaining)?;
            }
            EscrowStatus::Refunded { deleted_height, .. } => {
                self.due_deletions
                    .remove_mut(&(deleted_height, key.to_string()));
            }
            EscrowStatus::Settled { .. } => {}
        }
        Ok(())
    }

    fn learn_escrow(&mut self, key: &Key, escrow: &Escrow) -> Result<(), InvariantViolation> {
        match escrow.status {
            EscrowStatus::Open { remaining, .. } => {
                let due = (escrow.expires_height, key.to_string());
                self.due_escrows.insert_mut(due, key.clone());
                self.count_in(&escrow.client, remaining)?;
            }
            EscrowStatus::Refunded { deleted_height, .. } => {
                let due = (deleted_height, key.to_string());
                self.due_deletions.insert_mut(due, key.clone());
            }
            EscrowStatus::Settled { .. } => {}
        }
        Ok(())
    }

    fn count_in(&mut self, client: &Address, remaining: Uait) -> Result<(), InvariantViolation> {
        let tally = self.tallies.get(client).copied().unwrap_or_default();
        let open = tally.open.checked_add(1);
        let locked = tally.locked.checked_add(u128::from(remaining.get()));
        let (open, locked) = open.zip(locked).ok_or_else(|| off_balance(client))?;
        self.tallies.insert_mut(*client, Tally { open, locked });
        Ok(())
    }

    fn count_out(&mut self, client: &Address, remaining: Uait) -> Result<(), InvariantViolation> {
        let tally = self.tallies.get(client).copied().unwrap_or_default();
        let open = tally.open.checked_sub(1);
        let locked = tally.locked.checked_sub(u128::from(remaining.get()));
        match open.zip(locked) {
            Some((0, 0)) => {
                self.tallies.remove_mut(client);
            }
            // Without escrows there is nothing locked.
            None | Some((0, _)) => return Err(off_balance(client)),
            Some((open, locked)) => {
                self.tallies.insert_mut(*client, Tally { open, locked });
            }
        }
        Ok(())
    }

    fn forget_validator(&mut self, key: &Key, record: &Validator) {
        let sent = self.sent.get(&record.pubkey);
        if sent.is_some_and(|sent| sent.address == record.address) {
            Arc::make_mut(&mut self.sent).remove(&record.pubkey);
        }
        let rank = (Reverse(record.stake), record.address);
        self.stakers.remove_mut(&rank);
        self.jailed.remove_mut(&rank);
        self.forget_unbondings(key, &record.unbonding);
    }

    fn learn_validator(&mut self, key: &Key, record: &Validator) {
        if !record.power.is_zero() {
            let sent = SentValidator {
                address: record.address,
                power: record.power,
                proven: record.proven,
            };
            Arc::make_mut(&mut self.sent).insert(record.pubkey, sent);
        }
        if !record.stake.is_zero() {
            let rank = (Reverse(record.stake), record.address);
            match record.jail {
                None => self.stakers.insert_mut(rank),
                Some(_) => self.jailed.insert_mut(rank),
            }
        }
        self.learn_unbondings(key, &record.unbonding);
        for consensus_key in &record.keys {
            let owned = ConsensusAddress::of(consensus_key);
            if self.key_owners.get(&owned).is_none() {
                self.key_owners.insert_mut(owned, record.address);
            }
        }
    }

    fn forget_unbondings(&mut self, key: &Key, entries: &[Unbonding]) {
        for entry in entries {
            self.due_unbondings
                .remove_mut(&(entry.due_height, key.to_string()));
        }
    }

    fn learn_unbondings(&mut self, key: &Key, entries: &[Unbonding]) {
        for entry in entries {
            let due = (entry.due_height, key.to_string());
            self.due_unbondings.insert_mut(due, key.clone());
        }
    }
}

fn off_balance(client: &Address) -> InvariantViolation {
    InvariantViolation::new(format!(
        "the open escrows of {client} are not those that were counted"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        crypto::SecretKey,
        escrow::record::{Attester, Binding, Reason},
    };

    fn escrow(job: &str, status: EscrowStatus) -> Escrow {
        let key = SecretKey::from_seed([1; 32]).public_key();
        let address = Address::of(&key);
        Escrow {
            client: Address::treasury(),
            job_id: job.parse().unwrap(),
            attesters: vec![Attester { address, key }],
            threshold: 1,
            binding: Binding::Unbound,
            partial: false,
            amount: Uait::MAX,
            paid: Uait::ZERO,
            claims: Count::ZERO,
            last_receipt: None,
            opened_height: Height::constant(1),
            expires_height: Height::constant(9),
            status,
            convicted: BTreeSet::new(),
        }
    }

    fn open(job: &str, remaining: Uait) -> Value {
        let cancelled = false;
        Value::Escrow(escrow(
            job,
            EscrowStatus::Open {
                remaining,
                cancelled,
            },
        ))
    }

    fn refunded(job: &str) -> Value {
        let height = Height::constant(9);
        Value::Escrow(escrow(
            job,
            EscrowStatus::Refunded {
                closed_height: height,
                deleted_height: height,
                reason: Reason::Expired,
            },
        ))
    }

    fn change(indexes: &mut Indexes, job: &str, old: Option<&Value>, new: Option<&Value>) {
        let key = Key::Escrow(Address::treasury(), job.parse().unwrap());
        indexes.update(&key, old, new).unwrap();
    }

    fn counted(indexes: &Indexes) -> (u64, u64) {
        let escrows = indexes.open_escrows(&Address::treasury()).unwrap();
        (escrows.open.get(), escrows.locked.get())
    }

    #[test]
    fn open_escrows_are_counted_until_they_close() {
        let mut indexes = Indexes::default();
        assert_eq!(counted(&indexes), (0, 0));
        let (first, topped_up) = (open("a", Uait::constant(5)), open("a", Uait::constant(8)));
        let second = open("b", Uait::constant(100));
        change(&mut indexes, "a", None, Some(&first));
        change(&mut indexes, "b", None, Some(&second));
        assert_eq!(counted(&indexes), (2, 105));
        change(&mut indexes, "a", Some(&first), Some(&topped_up));
        assert_eq!(counted(&indexes), (2, 108));
        change(&mut indexes, "b", Some(&second), Some(&refunded("b")));
        change(&mut indexes, "b", Some(&refunded("b")), None);
        assert_eq!(counted(&indexes), (1, 8));
        change(&mut indexes, "a", Some(&topped_up), None);
        assert_eq!(counted(&indexes), (0, 0));
        assert!(indexes.tallies.is_empty());
    }

    #[test]
    fn all_coins_may_move_from_one_escrow_to_another_in_a_block() {
        let mut indexes = Indexes::default();
        let (before, after) = (open("b", Uait::MAX), open("a", Uait::MAX));
        change(&mut indexes, "b", None, Some(&before));
        change(&mut indexes, "a", None, Some(&after));
        assert!(indexes.open_escrows(&Address::treasury()).is_err());
        change(&mut indexes, "b", Some(&before), Some(&refunded("b")));
        assert_eq!(counted(&indexes), (1, Uait::MAX.get()));
    }

    #[test]
    fn an_escrow_that_was_not_counted_is_an_invariant_violation() {
        let mut indexes = Indexes::default();
        change(&mut indexes, "a", None, Some(&open("a", Uait::constant(5))));
        let key = Key::Escrow(Address::treasury(), "a".parse().unwrap());
        let other = open("a", Uait::constant(4));
        assert!(indexes.update(&key, Some(&other), None).is_err());
    }
}
