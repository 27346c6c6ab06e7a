//! Owns what a client must have left before a request of it is begun: a share of the requests that proxies send
//! for it, and reads that take work (PROTOCOL section 9). Tells what comes after who asks.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    client::{Client, Peer},
    context::Context,
    error::{ApiError, RestCode},
    limit::TooMany,
    shares::Share,
};

/// The routes whose every request takes work.
const COSTLY: [&str; 1] = ["/rpc/simulate"];

/// Lets a request through, or refuses it with 429.
pub async fn guard(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return ApiError::internal("a request without a peer").into_response();
    };
    let client = Client::of(peer.ip(), request.headers(), &context.trusted_proxies);
    let admitted = admit(&context, &client, &request);
    request.extensions_mut().insert(client);
    match admitted {
        Ok(_share) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn admit(context: &Context, client: &Client, request: &Request) -> Result<Option<Share>, ApiError> {
    if context.is_exempt(client) {
        return Ok(None);
    }
    let share = if client.is_forwarded {
        let shares = &context.forwarded;
        let share = shares.take(client.address);
        Some(share.ok_or_else(|| {
            let most = shares.most();
            let message = format!("{} has {most} requests under way", client.address);
            let error = ApiError::new(RestCode::AddressLimit, message).detail("limit", most);
            error.retry_after(1)
        })?)
    } else {
        None
    };
    if is_costly(request) {
        take_read(context, client)?;
    }
    Ok(share)
}

/// Whole blocks, proofs and simulations. Queries ask for nothing else on routes that read.
fn is_costly(request: &Request) -> bool {
    let uri = request.uri();
    let asks_for_more = uri.query().is_some_and(|query| !query.is_empty());
    COSTLY.contains(&uri.path()) || (request.method() != Method::POST && asks_for_more)
}

fn take_read(context: &Context, client: &Client) -> Result<(), ApiError> {
    let Err(too_many) = context.reads.take(client.address, NonZeroU32::MIN) else {
        return Ok(());
    };
    context.metrics.rate_limited.inc();
    let (limit, address) = (context.reads.per_second(), client.address);
    let message = format!(
        "{address} asks for more than {limit} whole blocks, proofs and simulations a second"
    );
    let seconds = match too_many {
        TooMany::ForNow { seconds } => seconds,
        TooMany::AtOnce { .. } => 1,
    };
    let error = ApiError::new(RestCode::RateLimited, message).detail("limit", limit);
    Err(error.retry_after(seconds))
}
