//! Owns the list of all routes (PROTOCOL section 9) and what holds for every one of them. The router is made from
//! this list alone, and a test holds it against `openapi.json`.

mod accounts;
mod admin;
mod attest;
mod batch;
mod blocks;
mod coordinators;
mod escrows;
mod extract;
mod fees;
mod health;
mod metrics;
mod miners;
mod openapi;
mod page;
mod params;
mod peers;
mod receipts;
mod supply;
mod transactions;
mod validators;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::{HeaderValue, Uri, header},
    middleware,
    routing::{MethodRouter, get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::{
    context::Context,
    error::{ApiError, Reason},
    observe,
};

/// The longest body that is read, of all routes but `sendTxs`: a transaction of 16 KiB in any formatting.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// One route.
struct Endpoint {
    #[cfg_attr(not(test), allow(dead_code, reason = "held against the documentation"))]
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<Arc<Context>>,
}

impl Endpoint {
    fn get<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Context>>,
        T: 'static,
    {
        Self {
            method: "get",
            path,
            handler: get(handler),
        }
    }

    fn post<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Context>>,
        T: 'static,
    {
        Self {
            method: "post",
            path,
            handler: post(handler),
        }
    }
}

fn endpoints() -> Vec<Endpoint> {
    [
        transactions::endpoints(),
        batch::endpoints(),
        fees::endpoints(),
        blocks::endpoints(),
        accounts::endpoints(),
        escrows::endpoints(),
        receipts::endpoints(),
        miners::endpoints(),
        coordinators::endpoints(),
        supply::endpoints(),
        validators::endpoints(),
        params::endpoints(),
        attest::endpoints(),
        metrics::endpoints(),
        health::endpoints(),
        openapi::endpoints(),
        peers::endpoints(),
        admin::endpoints(),
        page::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All routes, with JSON errors for what is none.
pub fn router(context: Arc<Context>) -> Router {
    endpoints()
        .into_iter()
        .fold(Router::new(), |router, endpoint| {
            router.route(endpoint.path, endpoint.handler)
        })
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(
            context.clone(),
            observe::observe,
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(context)
}

async fn unknown_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("there is no route {path}; GET /openapi.json lists all");
    ApiError::new(Reason::NotFound, message)
}

async fn wrong_method() -> ApiError {
    let message = "this route has another method; GET /openapi.json lists all";
    ApiError::new(Reason::MethodNotAllowed, message)
}
