//! Owns the chain on which they do it, and what the miner signs.

use ait_testkit::{
    actors::Actor,
    chain::{Chain, Setup},
    draft::{Draft, escrow_open},
    work::{Work, attestation_entry},
};
use serde_json::{Value, json};

use super::moves::{Move, SHAPES, client, coordinators, job, worker};

/// A receipt that the miner signed.
#[derive(Clone)]
pub(super) struct Signed {
    work: Work,
    sig: String,
    named: Vec<Actor>,
    threshold: usize,
}

/// One of the last three.
pub(super) fn recent<T>(all: &[T], number: u8) -> Option<&T> {
    let all = &all[all.len().saturating_sub(3)..];
    all.get(usize::from(number) % all.len().max(1))
}

pub(super) struct World {
    chain: Chain,
    /// Whether the miner works for anybody.
    is_trusting: bool,
    receipts: Vec<Signed>,
    claims: Vec<Vec<u8>>,
    /// Whose transactions stand in the block in the making.
    senders: Vec<String>,
}

impl World {
    pub(super) fn new(is_trusting: bool) -> Self {
        let all = coordinators();
        let everybody = all.iter().chain([]);
        let setup = [client(0), client(1), worker()]
            .iter()
            .chain(everybody)
            .fold(Setup::default(), |setup, one| {
                setup.balance(one, 1_000_000_000)
            });
        let setup = setup
            .coordinators(&all.iter().collect::<Vec<_>>())
            .param("offence_limit", 1)
            .param("escrow_max_ttl_blocks", 8)
            .param("cancel_notice_blocks", 1);
        Self {
            chain: setup.start(),
            is_trusting,
            receipts: Vec::new(),
            claims: Vec::new(),
            senders: Vec::new(),
        }
    }

    fn escrow(&self, c: u8, j: u8) -> Option<Value> {
        let key = format!("/escrow/{}/{}", client(c).address(), job(j));
        self.chain.record(&key)
    }

    fn named(escrow: &Value) -> Vec<Actor> {
        let first = [escrow["coordinator"].clone()];
        let names = first.iter().chain(escrow["attesters"].as_array().unwrap());
        let all = coordinators();
        let find = |name: &Value| {
            let mut all = all.iter();
            all.find(|one| *name == one.address().to_string())
                .unwrap()
                .clone()
        };
        names.map(find).collect()
    }

    /// The miner signs where bad coordinators are too few to keep the receipt from being paid.
    fn sign(&mut self, c: u8, j: u8) {
        let Some(escrow) = self
            .escrow(c, j)
            .filter(|escrow| escrow["status"] == "open")
        else {
            return;
        };
        let named = Self::named(&escrow);
        let threshold = escrow["threshold"].as_u64().unwrap() as usize;
        // The miner knows the keys that the escrow keeps, and whom it trusts.
        let keys = escrow["keys"].as_array().unwrap().iter().zip(&named);
        let bad = keys.filter(|(key, one)| {
            !one.name.starts_with("good") || **key != one.pubkey().to_string()
        });
        if !self.is_trusting && bad.count() > named.len() - threshold {
            return;
        }
        let receipt = format!("receipt_{}", self.receipts.len());
        let work = self.chain.work(&client(c), &job(j), &worker(), &receipt);
        let work = work.costing(5, 500);
        let sig = work.signed_by(&worker());
        self.receipts.push(Signed {
            work,
            sig,
            named,
            threshold,
        });
    }

    fn receipt(&self, number: u8) -> Option<&Signed> {
        recent(&self.receipts, number)
    }

    fn claim(&mut self, receipt: u8, names: bool, bare: bool) {
        let Some(Signed {
            work,
            sig,
            named,
            threshold,
        }) = self.receipt(receipt).cloned()
        else {
            return;
        };
        // The miner sees what it was paid for.
        let key = format!("/receipt/{}/{}", work.miner, work.receipt_id);
        let record = self.chain.record(&key);
        if record.is_some_and(|record| record["status"] == "paid") {
            return;
        }
        let mut payload = work.claim(&sig, None);
        if names {
            payload["opened_height"] = work.opened_height.into();
        }
        // Honest ones first; the others may say yes as well.
        let mut places: Vec<usize> = (0..named.len()).collect();
        places.sort_by_key(|place| !named[*place].name.starts_with("good"));
        places.truncate(threshold);
        places.sort_unstable();
        let answers = places.iter();
        let answers = answers.map(|place| work.attested_by(&named[*place], work.opened_height));
        let mut answers: Vec<Value> = answers.collect();
        match (bare, threshold) {
            (true, _) => {}
            (false, 1) => payload["attestation"] = answers.remove(0),
            (false, _) => payload["attestations"] = answers.into(),
        }
        let draft = self.chain.draft(&worker(), "RECEIPT_CLAIM", payload);
        self.claims.push(draft.wire());
    }

    /// A claim, with what the escrow's coordinator of today says of it in front.
    fn include(&self, claim: u8, front: Option<bool>) -> Vec<Vec<u8>> {
        // Others can't be included any more, or not yet.
        let next = self.chain.nonce(worker().address()) + 1;
        let fits =
            |wire: &&Vec<u8>| serde_json::from_slice::<Value>(wire).unwrap()["nonce"] == next;
        let fitting: Vec<&Vec<u8>> = self.claims.iter().filter(fits).collect();
        let Some(&wire) = recent(&fitting, claim) else {
            return Vec::new();
        };
        let payload = serde_json::from_slice::<Value>(wire).unwrap()["payload"].clone();
        let signed = self.receipts.iter();
        let mut signed = signed.filter(|one| payload["receipt_id"] == *one.work.receipt_id);
        let work = &signed.next().unwrap().work;
        let of = |n: u8| work.client == client(n).address().to_string();
        let c = u8::from(!of(0));
        let j = u8::from(work.job_id == job(1));
        let answer = front.and_then(|is_good| {
            let escrow = self.escrow(c, j)?;
            let one = Self::named(&escrow).remove(0);
            let opened = escrow["opened_height"].as_u64().unwrap();
            let is_honest = one.name.starts_with("good");
            let knows = work.opened_height == opened;
            let says = match (is_good, is_honest) {
                (true, true) if !knows => return None,
                (true, _) => work.praise(),
                (false, true) => return None,
                (false, false) => work.denial(),
            };
            Some(work.answered_by(&one, opened, says))
        });
        let front = answer.map(|answer| attestation_entry(&[answer]));
        front.into_iter().chain([wire.clone()]).collect()
    }

    fn report(&self, receipt: u8, bad: u8, good: bool) -> Option<Draft> {
        let signed = self.receipt(receipt)?;
        let work = &signed.work;
        let mut answers = Vec::new();
        for (place, one) in signed.named.iter().enumerate() {
            if one.name.starts_with("good") {
                // Only what an honest one says of such work can be had, or a forgery.
                if good {
                    answers.push(work.attested_by(one, work.opened_height));
                }
            } else if bad & (1 << place) == 0 {
                answers.push(work.denied_by(one));
            }
        }
        if bad & 0b1000_0000 != 0 {
            let again = answers.first().cloned();
            answers.extend(again);
        }
        if answers.is_empty() {
            answers.push(work.denied_by(&Actor::named("eve")));
        }
        let mut payload = work.report(&signed.sig, &answers);
        payload["miner_pubkey"] = worker().pubkey().to_string().into();
        Some(self.chain.draft(&client(1), "RECEIPT_REPORT", payload))
    }

    fn open(&self, shape: usize, ttl: u64, partial: bool, c: u8, j: u8) -> Draft {
        let (names, threshold) = SHAPES[shape];
        let named: Vec<Actor> = names.iter().map(|name| Actor::named(name)).collect();
        let mut payload = escrow_open(&job(j), named[0].address(), 20_000, ttl);
        if named.len() > 1 {
            let others = named[1..].iter().map(|one| one.address().to_string());
            payload["attesters"] = others.collect::<Vec<_>>().into();
            payload["threshold"] = threshold.into();
        }
        if partial {
            payload["partial"] = true.into();
        }
        self.chain.draft(&client(c), "ESCROW_OPEN", payload)
    }

    fn param(&self, which: usize) -> Draft {
        let key = |name: &str| Actor::named(name).pubkey().to_string();
        let named = |keys: [&str; 4]| -> Value {
            let pairs = coordinators().into_iter().zip(keys);
            pairs
                .map(|(one, holder)| (one.address().to_string(), Value::from(key(holder))))
                .collect()
        };
        match which {
            0 => self.chain.set_param("revoked_keys", json!([key("good 1")])),
            1 => self.chain.set_param("revoked_keys", json!([key("bad 1")])),
            2 => self.chain.set_param("revoked_keys", json!([])),
            3 => {
                // The admin's friend signs for honest ones.
                let list = named(["eve", "admin", "bad 1", "bad 2"]);
                self.chain.set_param("coordinators", list)
            }
            _ => {
                let list = named(["good 1", "good 2", "bad 1", "bad 2"]);
                self.chain.set_param("coordinators", list)
            }
        }
    }

    fn of_coordinator(&self, kind: &str, c: u8, j: u8, more: Value) -> Option<Draft> {
        let escrow = self.escrow(c, j)?;
        let one = Self::named(&escrow).remove(0);
        let mut payload = json!({"client_addr": client(c).address().to_string(), "job_id": job(j)});
        if !more.is_null() {
            payload["miner"] = more;
        }
        Some(self.chain.draft(&one, kind, payload))
    }

    /// The entries that a move puts into the block.
    fn act(&mut self, one: &Move) -> Vec<Vec<u8>> {
        let draft = match *one {
            Move::Open(shape, ttl, partial, c, j) => Some(self.open(shape, ttl, partial, c, j)),
            Move::Sign(c, j) => {
                self.sign(c, j);
                None
            }
            Move::Claim {
                receipt,
                names,
                bare,
            } => {
                self.claim(receipt, names, bare);
                None
            }
            Move::Include { claim, front } => return self.include(claim, front),
            Move::Report { receipt, bad, good } => self.report(receipt, bad, good),
            Move::Steal(receipt) => self.receipt(receipt).map(|signed| {
                let mut payload = signed.work.claim(&signed.sig, None);
                payload["miner_addr"] = client(0).address().to_string().into();
                self.chain.draft(&client(0), "RECEIPT_CLAIM", payload)
            }),
            Move::Release(c, j) => self.of_coordinator("ESCROW_RELEASE", c, j, Value::Null),
            Move::Assign(to_worker, c, j) => {
                let to = if to_worker { worker() } else { client(0) };
                let to = to.address().to_string();
                self.of_coordinator("ESCROW_ASSIGN", c, j, to.into())
            }
            Move::Cancel(c, j) => Some(self.chain.cancel(&client(c), &job(j))),
            Move::TopUp(c, j) => Some(self.chain.top_up(&client(1 - c), &client(c), &job(j), 10)),
            Move::Param(which) => Some(self.param(which)),
            Move::Wait => None,
        };
        let draft = draft.map(|draft| {
            let earlier = self.senders.iter().filter(|one| **one == draft.sender);
            let behind = draft.clone().later(earlier.count() as u64);
            self.senders.push(draft.sender);
            behind.wire()
        });
        draft.into_iter().collect()
    }

    /// One block of moves, or two.
    pub(super) fn block(&mut self, moves: &[Move]) {
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for one in moves {
            let more = self.act(one);
            // What stands in front is judged by the state before the block.
            if more.len() == 2 && !entries.is_empty() {
                self.finalize(std::mem::take(&mut entries));
            }
            entries.extend(more);
        }
        self.finalize(entries);
    }

    fn finalize(&mut self, entries: Vec<Vec<u8>>) {
        self.chain.finalize(entries);
        self.senders.clear();
    }

    pub(super) fn offences(&self) -> u64 {
        let record = self.chain.record(&format!("/miner/{}", worker().address()));
        record.map_or(0, |record| record["offences"].as_u64().unwrap())
    }

    pub(super) fn paid(&self) -> u64 {
        let record = self.chain.record(&format!("/miner/{}", worker().address()));
        record.map_or(0, |record| record["receipts"].as_u64().unwrap())
    }
}
