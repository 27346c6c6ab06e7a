//! Owns `/docs`: the OpenAPI document for people, by Swagger UI, which is part of the binary. It loads nothing
//! from elsewhere.

use std::sync::{Arc, LazyLock};

use ait_api::routes::{DOCS, DOCS_FILE, OPENAPI};
use axum::{
    http::{HeaderName, header},
    response::{IntoResponse, Redirect, Response},
};
use utoipa_swagger_ui::{Config, serve};

use super::{endpoint::Endpoint, extract::PathOf};
use crate::error::{ApiError, RestCode};

/// Swagger UI styles its elements in place and draws its icons from data URLs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new([OPENAPI.path])));

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(DOCS.path, front),
        Endpoint::get(DOCS_FILE.path, file),
    ]
}

async fn front() -> Redirect {
    Redirect::permanent("/docs/index.html")
}

async fn file(PathOf(name): PathOf<String>) -> Result<Response, ApiError> {
    let found = serve(&name, CONFIG.clone()).map_err(ApiError::internal)?;
    let missing = || ApiError::new(RestCode::NotFound, "the documentation has no such file");
    let found = found.ok_or_else(missing)?;
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_TYPE, found.content_type),
        (
            header::CONTENT_SECURITY_POLICY,
            CONTENT_SECURITY_POLICY.to_owned(),
        ),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    Ok((headers, found.bytes.into_owned()).into_response())
}
