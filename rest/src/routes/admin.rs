//! Owns what an administrator may do (PROTOCOL section 9): change a param, dial a peer, pay from the faucet.

use std::sync::Arc;

use ait_api::{
    admin::{AddPeer, Dialing, MintFaucet},
    routes::{ADD_PEER, MINT_FAUCET, PARAM_SET},
    tx::Sent,
};
use ait_app::{Refusal, bank::transfer::Transfer, json, params::update::ParamUpdate, tx::Payload};
use ait_node::comet::Comet;
use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    endpoint::Endpoint,
    extract::{Admin, Body, WithinLimit},
};
use crate::{
    error::{ApiError, RestCode},
    wallet::{Wallet, Wallets},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(PARAM_SET.path, param_set),
        Endpoint::post(ADD_PEER.path, add_peer),
        Endpoint::post(MINT_FAUCET.path, mint_faucet),
    ]
}

/// What a param is set to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamSet<'a> {
    key: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

async fn param_set(
    _: Admin,
    State(wallets): State<Arc<Wallets>>,
    Body(text): Body,
) -> Result<Json<Sent>, ApiError> {
    let asked: ParamSet<'_> = json::read(&text, "")?;
    let update = ParamUpdate::new(&asked.key, asked.value.get().as_bytes())?;
    let payload = Payload::from(update);
    send(wallets.admin.as_ref(), "admin key", &payload).await
}

async fn mint_faucet(
    _: WithinLimit,
    _: Admin,
    State(wallets): State<Arc<Wallets>>,
    Body(text): Body,
) -> Result<Json<Sent>, ApiError> {
    let asked: MintFaucet = json::read(&text, "")?;
    let payload = Payload::from(Transfer {
        to: asked.address,
        amount: asked.amount,
        memo: None,
    });
    send(wallets.faucet.as_ref(), "FAUCET_KEY", &payload).await
}

async fn send(
    wallet: Option<&Wallet>,
    key_name: &str,
    payload: &Payload,
) -> Result<Json<Sent>, ApiError> {
    let wallet = wallet.ok_or_else(|| {
        ApiError::new(
            RestCode::NotConfigured,
            format!("this node has no {key_name}"),
        )
    })?;
    let hash = wallet.send(payload).await?;
    let tx_hash = hash.to_string();
    Ok(Json(Sent { tx_hash }))
}

async fn add_peer(
    _: Admin,
    State(comet): State<Comet>,
    Body(text): Body,
) -> Result<Json<Dialing>, ApiError> {
    let AddPeer { addr: address } = json::read(&text, "")?;
    if !is_peer_address(&address) {
        let why = "field addr: must be id@host:port, the id 40 lower-case hex characters";
        return Err(Refusal::field(why).into());
    }
    match comet.dial_peer(&address).await {
        Ok(()) => Ok(Json(Dialing {
            addr: address,
            status: "dialing".to_owned(),
        })),
        Err(error) if error.is_unknown_method() => Err(ApiError::new(
            RestCode::CometRefused,
            "CometBFT dials peers on request only with rpc.unsafe = true in its config.toml",
        )),
        Err(error) => Err(error.into()),
    }
}

/// CometBFT's form of a peer's address.
fn is_peer_address(text: &str) -> bool {
    let Some((id, place)) = text.split_once('@') else {
        return false;
    };
    let Some((host, port)) = place.rsplit_once(':') else {
        return false;
    };
    let id_holds = id.len() == 40 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let port_holds =
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_holds = match in_brackets {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        }
    };
    id_holds && port_holds && host_holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_named_by_id_host_and_port() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        for good in ["127.0.0.1:26656", "node-1.example.org:1", "[::1]:65535"] {
            assert!(is_peer_address(&format!("{id}@{good}")), "{good}");
        }
        for bad in [
            "",
            ":1",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "::1:1",
            "[x]:1",
            "a b:1",
            "host:1,x@host:1",
            "tcp://host:1",
        ] {
            assert!(!is_peer_address(&format!("{id}@{bad}")), "{bad}");
        }
        assert!(!is_peer_address("127.0.0.1:26656"));
        assert!(!is_peer_address(&format!("{}@host:1", id.to_uppercase())));
        assert!(!is_peer_address(&format!("{}@host:1", &id[1..])));
    }
}
