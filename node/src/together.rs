//! Owns which transactions go to CometBFT together (PROTOCOL section 3.26): under load, what arrives within a
//! few milliseconds. They are judged together too, since waking a thread for each costs more than judging it.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{
    carrier::{Carrier, OneOfMany},
    stop::Stop,
};

/// How long transactions are gathered after the last that were sent; one that comes later goes at once.
const GATHERING: Duration = Duration::from_millis(5);
/// Transactions that go together: what judges them, here and at CheckTx, holds the mempool meanwhile.
pub(crate) const TOGETHER: usize = 250;
/// Transactions that wait to be gathered: more wait for their place.
const MAX_WAITING: usize = 4_096;

/// A transaction that waits for its envelope.
struct Passenger {
    wire: Bytes,
    told: oneshot::Sender<OneOfMany>,
}

/// Gathers transactions and hands them to CometBFT. Cloning is cheap: every clone is of the same one.
#[derive(Clone)]
pub(crate) struct Gatherer {
    waiting: mpsc::Sender<Passenger>,
}

impl Gatherer {
    /// Begins to gather, until the node stops; and what then runs.
    pub(crate) fn new(carrier: Carrier, stop: Stop) -> (Self, impl Future<Output = ()> + Send) {
        let (waiting, arrivals) = mpsc::channel(MAX_WAITING);
        (Self { waiting }, gather(arrivals, carrier, stop))
    }

    /// Hands a transaction over with those that arrive at the same time, and says what became of it. Where it
    /// was alone, nothing did.
    pub(crate) async fn send(&self, wire: Bytes) -> OneOfMany {
        let (told, became) = oneshot::channel();
        let passenger = Passenger { wire, told };
        if self.waiting.send(passenger).await.is_err() {
            return OneOfMany::Alone;
        }
        became.await.unwrap_or(OneOfMany::Alone)
    }
}

async fn gather(mut arrivals: mpsc::Receiver<Passenger>, carrier: Carrier, stop: Stop) {
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
        tokio::spawn(load.deliver(carrier.clone()));
    }
}

/// What goes together, and who is to be told of it. The same transaction of several senders goes once.
#[derive(Default)]
struct Load {
    wires: Vec<Bytes>,
    told: Vec<Vec<oneshot::Sender<OneOfMany>>>,
    places: HashMap<Bytes, usize>,
}

impl Load {
    /// Takes a passenger in, or gives it back where there is no room.
    fn add(&mut self, passenger: Passenger) -> Result<(), Passenger> {
        let place = self.places.get(&passenger.wire);
        if let Some(told) = place.and_then(|place| self.told.get_mut(*place)) {
            told.push(passenger.told);
            return Ok(());
        }
        if self.wires.len() >= TOGETHER {
            return Err(passenger);
        }
        let Passenger { wire, told } = passenger;
        self.places.insert(wire.clone(), self.wires.len());
        self.wires.push(wire);
        self.told.push(vec![told]);
        Ok(())
    }

    async fn deliver(self, carrier: Carrier) {
        // A lone one is judged and sent by its sender.
        if self.wires.len() < 2 {
            return;
        }
        // Nor is anybody told where none could be judged.
        let became = carrier.carry(self.wires).await.unwrap_or_default();
        for (told, one) in self.told.into_iter().zip(became) {
            for told in told {
                // Whoever asked may be gone.
                let _ = told.send(one.clone());
            }
        }
    }
}
