//! Owns `/openapi.json`, the description of every route (OpenAPI 3.1), made once from the types that the routes
//! answer.

use std::sync::LazyLock;

use ait_api::{document, routes::OPENAPI};
use axum::{http::header, response::IntoResponse};

use super::endpoint::Endpoint;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document::openapi().to_string());

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(OPENAPI.path, document)]
}

async fn document() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        DOCUMENT.as_str(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ait_api::routes;

    #[test]
    fn the_contract_lists_every_route_and_no_other() {
        let described: BTreeSet<(&str, &str)> = routes::ALL
            .iter()
            .map(|route| (route.path, route.method.word()))
            .collect();
        let endpoints = super::super::endpoints();
        let served = endpoints
            .iter()
            .map(|endpoint| (endpoint.path, endpoint.method));
        assert_eq!(described, served.collect());
    }
}
