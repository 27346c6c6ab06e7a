//! Owns the list of all routes (PROTOCOL section 9) and what holds for every one of them. The router is made from
//! this list alone, and a test holds it against `openapi.json`.

mod accounts;
mod admin;
mod attest;
mod batch;
mod blocks;
mod coordinators;
mod docs;
mod endpoint;
mod escrows;
mod extract;
mod fees;
mod guard;
mod health;
mod light;
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

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, Uri, header},
    middleware,
};
use tower_http::{
    catch_panic::CatchPanicLayer, cors::CorsLayer, set_header::SetResponseHeaderLayer,
};

use endpoint::{Endpoint, MAX_BODY_BYTES};
pub use extract::QueryOf;

use crate::{
    error::{ApiError, RestCode},
    gate::Full,
    observe,
    parts::Parts,
};

/// What the paths of the administrator's routes begin with.
const ADMIN: &str = "/admin/";

fn endpoints() -> Vec<Endpoint> {
    [
        transactions::endpoints(),
        batch::endpoints(),
        fees::endpoints(),
        blocks::endpoints(),
        light::endpoints(),
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
        docs::endpoints(),
        peers::endpoints(),
        admin::endpoints(),
        page::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// All routes, with JSON errors for what is none. `cors` tells browsers which other sites' pages may use them; it is
/// never told of the admin's.
pub fn router(parts: Parts, cors: Option<CorsLayer>) -> Router {
    let (admin, public): (Vec<Endpoint>, Vec<Endpoint>) = endpoints()
        .into_iter()
        .partition(|endpoint| endpoint.path.starts_with(ADMIN));
    let guard = || middleware::from_fn_with_state(parts.clone(), guard::guard);
    let admin = routes(admin).layer(guard());
    // Outside of the guard: preflights cost nothing, and pages may read why they are refused.
    let public = with_cors(routes(public).layer(guard()), cors);
    let router = admin.merge(public).fallback(unknown_route);
    finish(router, parts)
}

/// What the reserve and the operator's own listener answer: how the node is.
pub fn ops_router(parts: Parts) -> Router {
    let router = routes(ops_endpoints()).fallback(unknown_route);
    finish(router, parts)
}

/// The same for those who found no place elsewhere; whatever else they ask for, they are told so.
pub fn reserve_router(parts: Parts, cors: Option<CorsLayer>) -> Router {
    let router = routes(ops_endpoints()).fallback(no_place);
    finish(with_cors(router, cors), parts)
}

fn ops_endpoints() -> Vec<Endpoint> {
    [health::endpoints(), metrics::endpoints()]
        .into_iter()
        .flatten()
        .collect()
}

fn routes(endpoints: Vec<Endpoint>) -> Router<Parts> {
    endpoints
        .into_iter()
        .fold(Router::new(), |router, endpoint| {
            router.route(endpoint.path, endpoint.handler)
        })
        .method_not_allowed_fallback(wrong_method)
}

fn with_cors(router: Router<Parts>, cors: Option<CorsLayer>) -> Router<Parts> {
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// What holds for every answer.
fn finish(router: Router<Parts>, parts: Parts) -> Router {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(
            parts.clone(),
            observe::observe,
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(parts)
}

async fn no_place(Extension(full): Extension<Full>) -> ApiError {
    full.into()
}

async fn unknown_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    let message = format!("there is no route {path}; GET /openapi.json lists all");
    ApiError::new(RestCode::NotFound, message)
}

async fn wrong_method() -> ApiError {
    let message = "this route has another method; GET /openapi.json lists all";
    ApiError::new(RestCode::MethodNotAllowed, message)
}
