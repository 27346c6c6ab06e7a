//! Owns the wait for a devnet's first blocks, the same on all nodes, and what is said of each node where none come.

use std::time::Duration;

use ait_api::node::{Health, HealthStatus};
use ait_client::{Client, http::Trust};
use ait_home::output::shell_word;

use super::{
    manifest::{Manifest, NodeEntry},
    process::POLL,
};

/// Waits until all nodes are healthy and name the same hash for one block.
///
/// # Errors
/// After `patience`: what each node says of itself, and where its logs are.
pub async fn wait(manifest: &Manifest, patience: Duration) -> anyhow::Result<()> {
    let nodes = manifest.nodes.iter().map(|node| {
        let client = Client::new(&node.rest, &Trust::default())?;
        anyhow::Ok((node, client))
    });
    let nodes: Vec<(&NodeEntry, Client)> = nodes.collect::<Result<_, _>>()?;
    match tokio::time::timeout(patience, same_block(&nodes)).await {
        Ok(()) => Ok(()),
        Err(_) => Err(none_came(&nodes, patience).await),
    }
}

async fn same_block(nodes: &[(&NodeEntry, Client)]) {
    loop {
        tokio::time::sleep(POLL).await;
        let mut lowest = u64::MAX;
        for (_, client) in nodes {
            let health = client.health::<Health>().await;
            let healthy = health
                .ok()
                .filter(|health| health.status == HealthStatus::Ok);
            lowest = lowest.min(healthy.map_or(0, |health| health.height));
        }
        if lowest > 0 && agree_on(nodes, lowest).await {
            return;
        }
    }
}

async fn agree_on(nodes: &[(&NodeEntry, Client)], height: u64) -> bool {
    let mut hashes = Vec::new();
    for (_, client) in nodes {
        let path = format!("/rpc/getBlock/{height}");
        let Ok(block) = client.get::<serde_json::Value>(&path).await else {
            return false;
        };
        hashes.push(block["hash"].clone());
    }
    hashes.windows(2).all(|pair| pair.first() == pair.last())
}

/// What to do where a chain goes no further: mostly one that was ended by force in the middle of a vote.
async fn none_came(nodes: &[(&NodeEntry, Client)], patience: Duration) -> anyhow::Error {
    let mut message = format!(
        "the nodes make no block within {}",
        humantime::format_duration(patience)
    );
    for (number, (node, client)) in nodes.iter().enumerate() {
        let said = match client.health::<Health>().await {
            Ok(health) => {
                let reason = health.reason.map(|reason| format!(", {}", reason.name()));
                let (status, reason) = (health.status.name(), reason.unwrap_or_default());
                format!("{status}{reason}, at block {}", health.height)
            }
            Err(error) => format!("does not answer: {error}"),
        };
        let comet = match answers(&node.rpc).await {
            true => "",
            false => "; its CometBFT does not answer",
        };
        let logs = ["cometbft.log", "app.log"].map(|log| shell_word(&node.home.join(log)));
        message += &format!(
            "\n  node {number}: {said}{comet}. Look into {}",
            logs.join(" and ")
        );
    }
    message += "\ndocs/operators.md tells of validators that no longer sign after crashes; --fresh begins anew";
    anyhow::anyhow!(message)
}

/// Whether anybody listens at an `http://` address.
async fn answers(url: &str) -> bool {
    let address = url.trim_start_matches("http://");
    tokio::net::TcpStream::connect(address).await.is_ok()
}
