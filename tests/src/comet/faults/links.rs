//! Owns links between nodes that misbehave as a test says: each pair of nodes talks over one TCP proxy of this process,
//! which delays, holds or cuts what goes through it. TCP loses nothing: a segment that is lost is one that comes after
//! a retransmission, and so does all that follows it.

use std::{collections::BTreeMap, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use super::Dice;
use crate::comet::{Network, Node};

/// What one segment carries over Ethernet.
const SEGMENT: usize = 1_448;
/// Segments on their way in one direction.
const IN_FLIGHT: usize = 4_096;
/// The least that Linux waits before it sends a segment again.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It carries everything, later than it came.
    Open {
        /// In each direction.
        latency: Duration,
        /// Of 100 segments, so many come after a retransmission.
        loss_percent: u64,
    },
    /// Nothing comes through until it opens, and then all of it does.
    Held,
    /// Connections end, and new ones are refused.
    Cut,
}

impl Link {
    /// As if nothing was between.
    pub const CLEAR: Self = Self::Open {
        latency: Duration::ZERO,
        loss_percent: 0,
    };
}

/// The links of a network. They end with it.
pub struct Links {
    links: BTreeMap<(usize, usize), watch::Sender<Link>>,
    proxies: Vec<JoinHandle<()>>,
}

impl Links {
    /// Puts a link between each two nodes of a network that is not started yet; they know no other way.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn between(network: &mut Network, dice: &mut Dice) -> Self {
        let mut links = BTreeMap::new();
        let mut proxies = Vec::new();
        let targets: Vec<SocketAddr> = network.nodes.iter().map(Node::p2p).collect();
        for i in 0..targets.len() {
            let mut peers = Vec::new();
            for (j, target) in targets.iter().enumerate().skip(i + 1) {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let port = listener.local_addr().expect("a bound address").port();
                peers.push(network.nodes[j].peer_at(port));
                let (sender, link) = watch::channel(Link::CLEAR);
                links.insert((i, j), sender);
                proxies.push(tokio::spawn(serve(listener, *target, link, dice.fork())));
            }
            network.nodes[i].set_peers(peers);
            // Nobody is told of another way.
            network.nodes[i].comet_arguments = vec!["--p2p.pex=false".to_owned()];
        }
        Self { links, proxies }
    }

    /// All links do this from now on.
    pub fn all(&self, link: Link) {
        self.change(|_, _| true, link);
    }

    /// The links between these nodes and all others do this from now on.
    pub fn around(&self, nodes: &[usize], link: Link) {
        self.change(|i, j| nodes.contains(&i) != nodes.contains(&j), link);
    }

    fn change(&self, is_meant: impl Fn(usize, usize) -> bool, link: Link) {
        for ((i, j), sender) in &self.links {
            if is_meant(*i, *j) {
                sender.send_replace(link);
            }
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for proxy in &self.proxies {
            proxy.abort();
        }
    }
}

/// Carries every connection until it is aborted, and then none.
async fn serve(
    listener: TcpListener,
    target: SocketAddr,
    link: watch::Receiver<Link>,
    mut dice: Dice,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if *link.borrow() == Link::Cut {
            continue;
        }
        let (link, dice) = (link.clone(), [dice.fork(), dice.fork()]);
        connections.spawn(async move {
            // One that breaks ends at both nodes; they dial again.
            let _ = carry(stream, target, link, dice).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn carry(
    from: TcpStream,
    target: SocketAddr,
    mut link: watch::Receiver<Link>,
    [there, back]: [Dice; 2],
) -> io::Result<()> {
    let to = TcpStream::connect(target).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let (from_read, from_write) = from.into_split();
    let (to_read, to_write) = to.into_split();
    tokio::select! {
        ended = carry_one_way(from_read, to_write, link.clone(), there) => ended,
        ended = carry_one_way(to_read, from_write, link.clone(), back) => ended,
        _ = link.wait_for(|link| *link == Link::Cut) => Ok(()),
    }
}

async fn carry_one_way(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    link: watch::Receiver<Link>,
    dice: Dice,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    tokio::select! {
        ended = take(from, sender, link.clone(), dice) => ended,
        ended = give(receiver, to, link) => ended,
    }
}

async fn take(
    mut from: OwnedReadHalf,
    sender: mpsc::Sender<(Instant, Vec<u8>)>,
    link: watch::Receiver<Link>,
    mut dice: Dice,
) -> io::Result<()> {
    let mut buffer = [0; SEGMENT];
    let mut due = Instant::now();
    loop {
        let count = from.read(&mut buffer).await?;
        let seen = *link.borrow();
        if let Link::Open {
            latency,
            loss_percent,
        } = seen
        {
            let is_lost = dice.within(0..100) < loss_percent;
            let late = if is_lost {
                RETRANSMISSION
            } else {
                Duration::ZERO
            };
            due = due.max(Instant::now() + latency + late);
        }
        let segment = buffer[..count].to_vec();
        if count == 0 || sender.send((due, segment)).await.is_err() {
            return Ok(());
        }
    }
}

async fn give(
    mut receiver: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    mut link: watch::Receiver<Link>,
) -> io::Result<()> {
    while let Some((due, segment)) = receiver.recv().await {
        sleep_until(due).await;
        if link.wait_for(|link| *link != Link::Held).await.is_err() {
            return Ok(());
        }
        to.write_all(&segment).await?;
    }
    Ok(())
}
