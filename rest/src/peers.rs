//! Owns what is known of CometBFT's peers: it asks now and then, counts them, and tells WebSockets who came
//! and who went.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    comet::{CometError, NetInfo, Peer},
    context::Context,
    live::message,
};

/// How often CometBFT is asked.
const INTERVAL: Duration = Duration::from_secs(2);

/// A peer as REST shows it.
pub fn view(peer: &Peer) -> Value {
    json!({
        "id": peer.node_info.id,
        "moniker": peer.node_info.moniker,
        "listen_addr": peer.node_info.listen_addr,
        "remote_ip": peer.remote_ip,
        "outbound": peer.is_outbound,
    })
}

/// Watches the peers until the node stops.
pub async fn run(context: Arc<Context>) {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
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
        let now: BTreeMap<String, Value> = net_info
            .peers
            .iter()
            .map(|peer| (peer.node_info.id.clone(), view(peer)))
            .collect();
        context
            .metrics
            .peers
            .set(i64::try_from(now.len()).unwrap_or(i64::MAX));
        let events = changes(&known, &now);
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

fn changes(known: &BTreeMap<String, Value>, now: &BTreeMap<String, Value>) -> Vec<String> {
    let came = now.iter().filter(|(id, _)| !known.contains_key(*id));
    let went = known.iter().filter(|(id, _)| !now.contains_key(*id));
    came.map(|(_, peer)| event("connected", peer))
        .chain(went.map(|(_, peer)| event("disconnected", peer)))
        .collect()
}

fn event(what: &str, peer: &Value) -> String {
    let mut data = peer.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.insert("event".into(), what.into());
    }
    message("peer", &data)
}
