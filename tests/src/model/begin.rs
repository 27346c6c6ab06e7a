//! Owns the beginning of a block: escrows, unbondings and deletions that are due.

use super::{Event, Model, event};

/// At most this many of each kind a block.
const MOST: usize = 10_000;

impl Model {
    /// The next block begins: an upgrade comes first, due escrows go back, due unbondings are paid out, records of refunded
    /// escrows that are old enough go.
    pub fn begin_block(&mut self) -> Vec<Event> {
        self.look_back();
        self.height += 1;
        let mut events = self.upgrade();
        events.extend(self.end_due_escrows());
        events.extend(self.pay_unbondings());
        self.delete_old_escrows();
        events
    }

    fn end_due_escrows(&mut self) -> Vec<Event> {
        let mut due = Vec::new();
        for (key, escrow) in &self.escrows {
            if escrow.status == "open" && escrow.due <= self.height {
                due.push((escrow.due, path(key), key.clone()));
            }
        }
        due.sort();
        let due = due.into_iter().take(MOST);
        due.map(|(_, _, key)| self.end_overdue(&key)).collect()
    }

    fn pay_unbondings(&mut self) -> Vec<Event> {
        let mut due = Vec::new();
        for (address, record) in &self.coordinators {
            for entry in record.unbonding.iter().filter(|e| e.due <= self.height) {
                due.push((
                    entry.due,
                    format!("/coordinator/{address}"),
                    address.clone(),
                ));
            }
        }
        for (address, record) in &self.validators {
            for entry in record.unbonding.iter().filter(|e| e.due <= self.height) {
                due.push((entry.due, format!("/validator/{address}"), address.clone()));
            }
        }
        // Entries of one record that are due together stand in their order, which the removal keeps.
        due.sort();
        let mut events = Vec::new();
        for (height, path, address) in due.into_iter().take(MOST) {
            let (kind, entries) = if path.starts_with("/coordinator/") {
                (
                    "bond",
                    &mut self.coordinators.get_mut(&address).unwrap().unbonding,
                )
            } else {
                (
                    "stake",
                    &mut self.validators.get_mut(&address).unwrap().unbonding,
                )
            };
            let place = entries.iter().position(|entry| entry.due == height);
            let amount = entries.remove(place.unwrap()).amount;
            self.credit(&address, amount);
            events.push(event(
                "unbonded",
                &[("account", &address), ("kind", &kind), ("amount", &amount)],
            ));
        }
        events
    }

    fn delete_old_escrows(&mut self) {
        let mut due = Vec::new();
        for (key, escrow) in &self.escrows {
            if let Some(deleted) = escrow.deleted.filter(|deleted| *deleted <= self.height) {
                due.push((deleted, path(key), key.clone()));
            }
        }
        due.sort();
        for (_, _, key) in due.into_iter().take(MOST) {
            self.escrows.remove(&key);
        }
    }
}

fn path((client, job): &(String, String)) -> String {
    format!("/escrow/{client}/{job}")
}
