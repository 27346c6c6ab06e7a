//! Owns how planned changes of escrows become payloads, and whom a plan means by "the client".

use ait_testkit::{actors::Actor, draft};
use serde_json::{Value, json};

use super::{Action, Does, Job, OpenPlan, Sender, Who, build::Builder};

impl Builder {
    /// Client and job id.
    pub(super) fn job(&self, job: Job) -> (String, String) {
        let nth = |number: u8, open_only: bool| {
            let all = self.now.escrows.iter();
            let fitting = all.filter(|(_, escrow)| !open_only || escrow.status == "open");
            let keys: Vec<_> = fitting.map(|(key, _)| key.clone()).collect();
            let place = usize::from(number) % keys.len().max(1);
            let first = (Who::Alice.address(), "job_0".to_owned());
            keys.get(place).cloned().unwrap_or(first)
        };
        match job {
            Job::Open(number) => nth(number, true),
            Job::Any(number) => nth(number, false),
            Job::Of(client, number) => (client.address(), format!("job_{number}")),
        }
    }

    /// Who sends it.
    pub(super) fn sender(&self, action: &Action) -> Actor {
        let job = match &action.does {
            Does::Assign { job, .. }
            | Does::TopUp { job, .. }
            | Does::Cancel { job }
            | Does::Release { job } => Some(*job),
            Does::Claim(claim) => Some(claim.job),
            Does::Report(report) => Some(report.job),
            Does::Equivocation(evidence) => Some(evidence.job),
            _ => None,
        };
        let key = job.map(|job| self.job(job));
        let escrow = key.as_ref().and_then(|key| self.now.escrows.get(key));
        let who = match action.by {
            Sender::Is(who) => who,
            Sender::TheClient => key.as_ref().map_or(Who::Alice, |key| Who::of(&key.0)),
            Sender::TheCoordinator => {
                escrow.map_or(Who::Coordinator, |escrow| Who::of(&escrow.named[0]))
            }
            Sender::TheMiner => {
                let bound = escrow.and_then(|escrow| escrow.miner.as_ref());
                bound.map_or(Who::Miner, |miner| Who::of(miner))
            }
            Sender::TheAdmin => Who::of(self.now.params["admin"].as_str().unwrap()),
            Sender::TheCandidate => {
                let named = self.now.consensus.admin_candidate.as_deref();
                named.map_or(Who::Bob, Who::of)
            }
        };
        who.actor()
    }

    pub(super) fn opening(&self, open: &OpenPlan, amount: u64) -> Value {
        let coordinator = open.named[0].actor().address();
        let job = format!("job_{}", open.job);
        let mut payload = draft::escrow_open(&job, coordinator, amount, open.ttl);
        if open.named.len() > 1 {
            let attesters = open.named[1..].iter().map(|who| who.address());
            payload["attesters"] = attesters.collect::<Vec<_>>().into();
            if let Some(threshold) = open.threshold {
                payload["threshold"] = threshold.into();
            }
        }
        if let Some(miner) = open.miner {
            payload["miner"] = miner.address().into();
        }
        if open.partial {
            payload["partial"] = true.into();
        }
        payload
    }

    pub(super) fn top_up(&self, job: Job, amount: u64, ttl: Option<u64>) -> Value {
        let (client, job) = self.job(job);
        let mut payload = json!({"client_addr": client, "job_id": job, "amount": amount});
        if let Some(ttl) = ttl {
            payload["ttl_blocks"] = ttl.into();
        }
        payload
    }

    /// What assigns, cancels or releases an escrow.
    pub(super) fn about_escrow(&self, does: &Does) -> (&'static str, Value) {
        match does {
            Does::Assign { job, miner } => {
                let (client, job) = self.job(*job);
                let payload =
                    json!({"client_addr": client, "job_id": job, "miner": miner.address()});
                ("ESCROW_ASSIGN", payload)
            }
            Does::Cancel { job } => ("ESCROW_CANCEL", json!({"job_id": self.job(*job).1})),
            Does::Release { job } => {
                let (client, job) = self.job(*job);
                let payload = json!({"client_addr": client, "job_id": job});
                ("ESCROW_RELEASE", payload)
            }
            other => panic!("{other:?} is about no escrow"),
        }
    }
}
