//! Owns how transactions go to CometBFT together (PROTOCOL section 3.26): under load, what arrives within a
//! few milliseconds is one envelope. What an envelope loses is for its sender to offer singly, so that no
//! transaction decides the fate of another.

use std::{collections::HashMap, time::Duration};

use ait_abci::{Envelope, Mempool};
use ait_app::tx::TxHash;
use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{comet::Comet, stop::Stop, unanswered::off_thread};

/// How long transactions are gathered after the last that were sent; one that comes later goes at once.
const GATHERING: Duration = Duration::from_millis(5);
/// Transactions that wait to be gathered: more wait for their place.
const MAX_WAITING: usize = 4_096;

/// A transaction that waits for its envelope.
struct Passenger {
    wire: Bytes,
    /// Told whether it is pending: else it is to be sent singly.
    is_taken: oneshot::Sender<bool>,
}

/// Gathers transactions and hands them to CometBFT. Cloning is cheap: every clone is of the same one.
#[derive(Clone)]
pub(crate) struct Gatherer {
    waiting: mpsc::Sender<Passenger>,
}

impl Gatherer {
    /// Begins to gather, until the node stops; and what then runs.
    pub(crate) fn new(
        mempool: Mempool,
        comet: Comet,
        stop: Stop,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (waiting, arrivals) = mpsc::channel(MAX_WAITING);
        (Self { waiting }, gather(arrivals, mempool, comet, stop))
    }

    /// Hands a transaction over with those that arrive at the same time. Whether it is pending then: if not,
    /// or if it was alone, it is to be sent singly.
    pub(crate) async fn send(&self, wire: Bytes) -> bool {
        let (is_taken, taken) = oneshot::channel();
        let passenger = Passenger { wire, is_taken };
        if self.waiting.send(passenger).await.is_err() {
            return false;
        }
        taken.await.unwrap_or(false)
    }
}

async fn gather(
    mut arrivals: mpsc::Receiver<Passenger>,
    mempool: Mempool,
    comet: Comet,
    stop: Stop,
) {
    let mut sent = Instant::now();
    let mut left_over: Option<Passenger> = None;
    loop {
        let first = match left_over.take() {
            Some(passenger) => passenger,
            None => tokio::select! {
                arrived = arrivals.recv() => match arrived {
                    Some(passenger) => passenger,
                    None => return,
                },
                () = stop.begun() => return,
            },
        };
        sleep_until(sent + GATHERING).await;
        let mut load = Load::default();
        let mut next = Some(first);
        while let Some(passenger) = next {
            left_over = load.add(passenger).err();
            if left_over.is_some() {
                break;
            }
            next = arrivals.try_recv().ok();
        }
        sent = Instant::now();
        tokio::spawn(load.deliver(mempool.clone(), comet.clone()));
    }
}

/// What goes together, and who is to be told of it. The same transaction of several senders goes once.
#[derive(Default)]
struct Load {
    envelope: Envelope,
    told: Vec<Vec<oneshot::Sender<bool>>>,
    places: HashMap<Bytes, usize>,
}

impl Load {
    /// Takes a passenger in, or gives it back where there is no room.
    fn add(&mut self, passenger: Passenger) -> Result<(), Passenger> {
        let Passenger { wire, is_taken } = passenger;
        if let Some(told) = self
            .places
            .get(&wire)
            .and_then(|place| self.told.get_mut(*place))
        {
            told.push(is_taken);
            return Ok(());
        }
        if let Err(wire) = self.envelope.push(wire.clone()) {
            return Err(Passenger { wire, is_taken });
        }
        self.places.insert(wire, self.told.len());
        self.told.push(vec![is_taken]);
        Ok(())
    }

    async fn deliver(self, mempool: Mempool, comet: Comet) {
        let taken = send_envelope(&self.envelope, &mempool, &comet).await;
        for (told, taken) in self.told.into_iter().zip(taken) {
            for is_taken in told {
                // Whoever asked may be gone.
                let _ = is_taken.send(taken);
            }
        }
    }
}

/// Hands an envelope to CometBFT, and says which of its transactions are pending then. A lone one is no
/// envelope, and is not sent.
pub(crate) async fn send_envelope(
    envelope: &Envelope,
    mempool: &Mempool,
    comet: &Comet,
) -> Vec<bool> {
    let transactions = envelope.transactions();
    if transactions.len() < 2 {
        return vec![false; transactions.len()];
    }
    match comet.broadcast_tx_sync(&envelope.to_wire()).await {
        Ok(answer) if answer.code == 0 => {}
        Ok(answer) => {
            tracing::debug!(
                component = "node",
                event = "envelope_refused",
                log = answer.log
            );
        }
        Err(error) => {
            tracing::debug!(component = "node", event = "envelope_not_sent", %error);
        }
    }
    let (mempool, transactions) = (mempool.clone(), transactions.to_vec());
    let count = transactions.len();
    let pending = off_thread(move || {
        let hashes: Vec<TxHash> = transactions.iter().map(|wire| TxHash::of(wire)).collect();
        mempool.are_pending(&hashes)
    });
    pending.await.unwrap_or_else(|_| vec![false; count])
}
