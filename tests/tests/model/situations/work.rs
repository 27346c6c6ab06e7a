//! Owns the situations of receipts and escrows.

use ait_tests::model::Escrow;

use super::{Situations, Step};

impl Step<'_> {
    /// What happened to receipts and escrows.
    pub(super) fn of_work(&self) -> Situations {
        let (before, after) = (self.before, self.after);
        let replaced = before.receipts.iter().any(|(key, receipt)| {
            receipt.status == "refused" && after.receipts[key].status == "paid"
        });
        let acquitted = replaced
            && before.receipts.iter().any(|((miner, id), receipt)| {
                let key = (miner.clone(), id.clone());
                let was = &before.miners[miner].recent_offences;
                let is = &after.miners[miner].recent_offences;
                after.receipts[&key].status == "paid"
                    && receipt.status == "refused"
                    && was.contains(&receipt.height)
                    && !is.contains(&receipt.height)
                    && receipt.height + before.number("offence_window_blocks") > after.height
            });
        let was = |key: &(String, String)| before.escrows.get(key);
        let any = |test: &dyn Fn(&(String, String), &Escrow) -> bool| {
            after.escrows.iter().any(|(key, escrow)| test(key, escrow))
        };
        let paid = |key: &(String, String), escrow: &Escrow| {
            escrow.claims > was(key).map_or(0, |was| was.claims)
        };
        let revoked = after.params["revoked_keys"].as_array().unwrap();
        let is_revoked = |key: &String| revoked.iter().any(|one| one == key);
        let suspended = before
            .coordinators
            .values()
            .any(|record| record.suspended.is_some());
        let rotated = |escrow: &Escrow| {
            let named = &before.params["coordinators"][&escrow.named[0]];
            *named != *escrow.keys[0]
        };
        let is_last = |key: &(String, String), e: &Escrow| {
            e.partial && e.status == "settled" && e.amount > e.paid + 50 && paid(key, e)
        };
        let fees = self.outcome.entries.iter();
        let failed = fees
            .filter(|entry| entry.code != 0 && entry.fee > 0)
            .count();
        vec![
            ("a refused receipt is paid", replaced),
            ("its offence leaves the window", acquitted),
            (
                "a part is paid and more is left",
                any(&|k, e| paid(k, e) && e.status == "open"),
            ),
            ("the last part is paid", any(&is_last)),
            ("two attest", any(&|k, e| paid(k, e) && e.threshold == 2)),
            (
                "one of several attests",
                any(&|k, e| paid(k, e) && e.threshold == 1 && e.named.len() > 1),
            ),
            (
                "an assigned miner is paid",
                any(&|k, e| paid(k, e) && e.assigned),
            ),
            (
                "a named miner is paid",
                any(&|k, e| paid(k, e) && e.miner.is_some() && !e.assigned),
            ),
            (
                "a miner is assigned anew",
                any(&|k, e| {
                    was(k).is_some_and(|was| {
                        was.opened == e.opened && was.assigned && was.miner != e.miner
                    })
                }),
            ),
            (
                "paid by a rotated coordinator",
                any(&|k, e| paid(k, e) && rotated(e)),
            ),
            (
                "paid although the key is revoked",
                any(&|k, e| paid(k, e) && is_revoked(&e.keys[0])),
            ),
            (
                "a job is opened again",
                any(&|k, e| was(k).is_some_and(|was| was.opened < e.opened)),
            ),
            (
                "a cancelled escrow is extended",
                any(&|k, e| {
                    e.status == "open" && was(k).is_some_and(|was| was.cancelled && !e.cancelled)
                }),
            ),
            (
                "a record is deleted",
                before
                    .escrows
                    .keys()
                    .any(|key| !after.escrows.contains_key(key)),
            ),
            (
                "two of an escrow are convicted",
                any(&|_, e| e.convicted.len() > 1),
            ),
            ("a coordinator is suspended", suspended),
            ("a failure pays", failed > 0),
        ]
    }
}
