//! Owns what is known of CometBFT's peers: it asks now and then, counts them, and tells the log
//! and WebSockets who came and who went.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ait_api::node::{LiveKind, Peer, PeerChange, PeerEvent};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    comet::{self, CometError, NetInfo},
    context::Context,
    live::message,
};

/// How often CometBFT is asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// A peer as REST shows it.
pub fn view(peer: comet::Peer) -> Peer {
    Peer {
        id: peer.node_info.id,
        moniker: peer.node_info.moniker,
        listen_addr: peer.node_info.listen_addr,
        remote_ip: peer.remote_ip,
        outbound: peer.is_outbound,
    }
}

/// Watches the peers until the node stops.
pub async fn run(context: Arc<Context>) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeMap<String, Peer> = BTreeMap::new();
    let mut reachable = false;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = context.stopped() => return,
        }
        let answer = context.comet.net_info().await;
        if reachable != answer.is_ok() {
            reachable = answer.is_ok();
            tell(&answer);
        }
        let Ok(net_info) = answer else {
            context.metrics.peers.set(0);
            continue;
        };
        let now: BTreeMap<String, Peer> = net_info
            .peers
            .into_iter()
            .map(view)
            .map(|peer| (peer.id.clone(), peer))
            .collect();
        context
            .metrics
            .peers
            .set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        let changed = changed(&known, &now);
        log(&changed, now.len());
        let events = events(&changed);
        if !events.is_empty() {
            context.feed.push(events);
        }
        known = now;
    }
}

fn tell(answer: &Result<NetInfo, CometError>) {
    match answer {
        Ok(_) => tracing::info!(component = "rest", event = "comet_answers"),
        Err(error) => tracing::warn!(component = "rest", event = "comet_away", reason = %error),
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

fn events((came, went): &Changed<'_>) -> Vec<String> {
    let came = came.iter().map(|peer| event(PeerEvent::Connected, peer));
    came.chain(went.iter().map(|peer| event(PeerEvent::Disconnected, peer)))
        .collect()
}

fn event(event: PeerEvent, peer: &Peer) -> String {
    let peer = peer.clone();
    message(LiveKind::Peer, &PeerChange { event, peer })
}
