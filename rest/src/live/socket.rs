//! Owns one WebSocket (RFC 6455): it sends the feed, keeps the connection alive, and ends it when the other
//! side is gone or does not read.

use std::{sync::Arc, time::Duration};

use ait_api::node::LiveKind;
use axum::{
    body::Bytes,
    extract::{
        Extension, State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    response::Response,
};
use serde_json::json;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{Events, feed::Reader, message};
use crate::{
    caller::Caller,
    callers::Callers,
    error::{ApiError, RestCode},
    shares::Share,
};

/// How long one message may wait for the other side to read.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the other side is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long it may give none.
const SILENCE: Duration = Duration::from_secs(60);
/// After how many seconds whoever found no place shall come again.
const COME_AGAIN_SECONDS: u64 = 30;
/// Clients have nothing to say beyond pongs.
const MAX_INCOMING_BYTES: usize = 4 * 1024;

/// `GET /p2p/ws`: becomes a WebSocket of live events.
pub async fn connect(
    State(events): State<Events>,
    State(callers): State<Arc<Callers>>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade
        .map_err(|rejection| ApiError::new(RestCode::InvalidRequest, rejection.body_text()))?;
    let place = place(&events, &callers, &caller)?;
    // From here on, so that nothing is missed while the connection is upgraded.
    let reader = events.feed.reader();
    Ok(upgrade
        .max_message_size(MAX_INCOMING_BYTES)
        .max_frame_size(MAX_INCOMING_BYTES)
        .on_upgrade(move |socket| serve(events, socket, reader, place)))
}

/// One of the WebSockets that may be open, until it is dropped.
struct Place {
    _share: Option<Share>,
    _permit: OwnedSemaphorePermit,
}

fn place(events: &Events, callers: &Callers, caller: &Caller) -> Result<Place, ApiError> {
    let share = if callers.is_exempt(caller) {
        None
    } else {
        let shares = &events.shares;
        Some(shares.take(caller.address).ok_or_else(|| {
            let (address, most) = (caller.address, shares.most());
            let message = format!("{address} has {most} WebSockets open, as many as it may");
            let error = ApiError::new(RestCode::AddressLimit, message).detail("limit", most);
            error.retry_after(COME_AGAIN_SECONDS)
        })?)
    };
    let permit = events.places.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        let message = "as many WebSockets are open as this node allows";
        ApiError::new(RestCode::TooManyConnections, message).retry_after(COME_AGAIN_SECONDS)
    })?;
    Ok(Place {
        _share: share,
        _permit: permit,
    })
}

async fn serve(events: Events, mut socket: WebSocket, mut reader: Reader, _place: Place) {
    events.open.inc();
    let goodbye = talk(&events, &mut socket, &mut reader).await;
    events.open.dec();
    if let Some((code, reason)) = goodbye {
        let reason = Utf8Bytes::from_static(reason);
        let close = Message::Close(Some(CloseFrame { code, reason }));
        // The other side may be gone already.
        let _ = timeout(Duration::from_secs(1), socket.send(close)).await;
    }
}

/// Talks until the end; why it ended, where the other side shall be told.
async fn talk(
    events: &Events,
    socket: &mut WebSocket,
    reader: &mut Reader,
) -> Option<(u16, &'static str)> {
    let mut pings = interval(PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let mut last_heard = Instant::now();
    loop {
        if events.stop.has_begun() {
            return Some((close_code::AWAY, "the node stops"));
        }
        let sent = tokio::select! {
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Close(_))) | None => return None,
                Some(Ok(_)) => {
                    last_heard = Instant::now();
                    Ok(())
                }
                Some(Err(_)) => return Some((close_code::POLICY, "unreadable or too long a message")),
            },
            () = reader.more() => send_new(events, socket, reader).await,
            _ = pings.tick() => {
                if last_heard.elapsed() > SILENCE {
                    return Some((close_code::AWAY, "no sign of life"));
                }
                send(socket, Message::Ping(Bytes::new())).await
            }
            () = events.stop.begun() => continue,
        };
        if sent.is_err() {
            return Some((close_code::POLICY, "the events are not being read"));
        }
    }
}

/// The other side is gone, or does not read.
struct NotTaken;

async fn send_new(
    events: &Events,
    socket: &mut WebSocket,
    reader: &mut Reader,
) -> Result<(), NotTaken> {
    while let Some(read) = events.feed.read(reader) {
        if read.skipped > 0 {
            let lagged = message(LiveKind::Lagged, &json!({"skipped": read.skipped}));
            send(socket, Message::Text(lagged.into())).await?;
        }
        for text in &read.bundle.messages {
            if events.stop.has_begun() {
                return Ok(());
            }
            send(socket, Message::Text(text.clone())).await?;
        }
    }
    Ok(())
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), NotTaken> {
    match timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(NotTaken),
    }
}
