//! Owns what a caller must have left before a request of it is begun: a share of the requests that proxies send
//! for it, and reads that take work (PROTOCOL section 9). Tells what comes after who asks.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{caller::Caller, callers::Callers, error::ApiError, shares::Share};

/// What the paths of the routes begin with whose every request takes work, here or in CometBFT.
const COSTLY: [&str; 3] = ["/rpc/simulate", "/rpc/getCommit/", "/rpc/getValidatorSet/"];

/// Lets a request through, or refuses it with 429.
pub async fn guard(
    State(callers): State<Arc<Callers>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match callers.of(request.extensions(), request.headers()) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let admitted = admit(&callers, &caller, &request);
    request.extensions_mut().insert(caller);
    match admitted {
        Ok(_share) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn admit(callers: &Callers, caller: &Caller, request: &Request) -> Result<Option<Share>, ApiError> {
    let share = callers.take_place(caller)?;
    if is_costly(request) {
        callers.take_read(caller)?;
    }
    Ok(share)
}

/// Whole blocks, proofs, what light clients follow, and simulations. Queries ask for nothing else on routes that read.
fn is_costly(request: &Request) -> bool {
    let uri = request.uri();
    let asks_for_more = uri.query().is_some_and(|query| !query.is_empty());
    let is_costly = COSTLY.iter().any(|route| uri.path().starts_with(route));
    is_costly || (request.method() != Method::POST && asks_for_more)
}
