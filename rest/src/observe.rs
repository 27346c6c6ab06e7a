//! Owns what is counted and logged of every request, and what becomes of a handler that panics.

use std::{any::Any, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    error::{ApiError, RestCode},
    metrics::Metrics,
};

/// Measures a request.
pub async fn observe(
    State(metrics): State<Arc<Metrics>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    let method = known(request.method());
    // The route's pattern: a label for each path would never end.
    let route = path.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    let elapsed = begin.elapsed();
    let status = response.status();
    metrics
        .http
        .with_label_values(&[method, &route, status.as_str()])
        .observe(elapsed.as_secs_f64());
    let latency_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let status_number = status.as_u16();
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        tracing::error!(
            component = "rest",
            event = "request",
            method,
            route,
            status = status_number,
            latency_ms
        );
    } else {
        tracing::debug!(
            component = "rest",
            event = "request",
            method,
            route,
            status = status_number,
            latency_ms
        );
    }
    response
}

/// The method as a label; clients may invent others.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The answer of a handler that panicked: the node goes on.
pub fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(component = "rest", event = "handler_panicked", cause);
    ApiError::new(
        RestCode::Internal,
        "internal error; the node's log says more",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::get};
    use tokio::net::TcpListener;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn broken() -> &'static str {
        panic!("a bug with a secret")
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_a_500_and_the_next_request_is_served() {
        let router = Router::new()
            .route("/broken", get(broken))
            .route("/whole", get(|| async { "fine" }))
            .layer(CatchPanicLayer::custom(panicked));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let answer = reqwest::get(format!("{base}/broken")).await.unwrap();
        assert_eq!(answer.status(), 500);
        let text = answer.text().await.unwrap();
        assert!(
            text.contains("internal_error") && !text.contains("secret"),
            "{text}"
        );
        let answer = reqwest::get(format!("{base}/whole")).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "fine");
        server.abort();
    }
}
