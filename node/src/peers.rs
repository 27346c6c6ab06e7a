//! Owns what is known of CometBFT's peers: it asks now and then, counts them, and tells the log
//! and whoever listens who came and who went.

use std::{collections::BTreeMap, time::Duration};

use ait_api::node::{Peer, PeerChange, PeerEvent};
use prometheus::IntGauge;
use tokio::{
    sync::broadcast,
    time::{MissedTickBehavior, interval},
};

use crate::{
    comet::{self, Comet, CometError, NetInfo},
    stop::Stop,
};

/// How often CometBFT is asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// A peer as users are shown it.
pub fn view(peer: comet::Peer) -> Peer {
    Peer {
        id: peer.node_info.id,
        moniker: peer.node_info.moniker,
        listen_addr: peer.node_info.listen_addr,
        remote_ip: peer.remote_ip,
        outbound: peer.is_outbound,
    }
}

/// What watches the peers.
pub(crate) struct Watcher {
    pub comet: Comet,
    /// `ait_peers`.
    pub count: IntGauge,
    pub changes: broadcast::Sender<PeerChange>,
}

/// Watches the peers until the node stops.
pub(crate) async fn run(watcher: Watcher, stop: Stop) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeMap<String, Peer> = BTreeMap::new();
    let mut reachable = false;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stop.begun() => return,
        }
        let answer = watcher.comet.net_info().await;
        if reachable != answer.is_ok() {
            reachable = answer.is_ok();
            tell(&answer);
        }
        let Ok(net_info) = answer else {
            watcher.count.set(0);
            continue;
        };
        let now: BTreeMap<String, Peer> = net_info
            .peers
            .into_iter()
            .map(view)
            .map(|peer| (peer.id.clone(), peer))
            .collect();
        watcher
            .count
            .set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        let changed = changed(&known, &now);
        log(&changed, now.len());
        for change in changes(&changed) {
            // Nobody listening is no error.
            let _ = watcher.changes.send(change);
        }
        known = now;
    }
}

fn tell(answer: &Result<NetInfo, CometError>) {
    match answer {
        Ok(_) => tracing::info!(component = "node", event = "comet_answers"),
        Err(error) => tracing::warn!(component = "node", event = "comet_away", reason = %error),
    }
}

/// Who came and who went.
type Changed<'a> = (Vec<&'a Peer>, Vec<&'a Peer>);

fn changed<'a>(known: &'a BTreeMap<String, Peer>, now: &'a BTreeMap<String, Peer>) -> Changed<'a> {
    let missing = |from: &'a BTreeMap<String, Peer>, these: &'a BTreeMap<String, Peer>| {
        let missing = these.iter().filter(|(id, _)| !from.contains_key(*id));
        missing.map(|(_, peer)| peer).collect()
    };
    (missing(known, now), missing(now, known))
}

fn log((came, went): &Changed<'_>, peers: usize) {
    for (event, changed) in [("peer_connected", came), ("peer_lost", went)] {
        for peer in changed {
            tracing::info!(
                component = "p2p",
                event,
                id = peer.id,
                moniker = peer.moniker,
                remote_ip = peer.remote_ip,
                peers,
            );
        }
    }
}

fn changes((came, went): &Changed<'_>) -> Vec<PeerChange> {
    let change = |event: PeerEvent| {
        move |peer: &&Peer| PeerChange {
            event,
            peer: (*peer).clone(),
        }
    };
    let came = came.iter().map(change(PeerEvent::Connected));
    came.chain(went.iter().map(change(PeerEvent::Disconnected)))
        .collect()
}
