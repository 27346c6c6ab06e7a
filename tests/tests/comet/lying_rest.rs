//! Owns a REST that answers as a node does, but for what a test changes in it.

use axum::{
    Json, Router,
    http::{StatusCode, Uri},
    response::IntoResponse,
};
use serde_json::Value;
use tokio::net::TcpListener;

/// The URL of a REST that asks the one at `url` and changes its answers; `lie` is told the path.
pub async fn start(
    url: &str,
    lie: impl Fn(&str, &mut Value) + Clone + Send + Sync + 'static,
) -> String {
    let (url, client) = (url.to_owned(), reqwest::Client::new());
    let handle = move |asked: Uri| {
        let (url, client, lie) = (url.clone(), client.clone(), lie.clone());
        async move {
            let Ok(answer) = client.get(format!("{url}{asked}")).send().await else {
                return StatusCode::BAD_GATEWAY.into_response();
            };
            let status = answer.status();
            let mut answer: Value = answer.json().await.unwrap_or(Value::Null);
            lie(asked.path(), &mut answer);
            (status, Json(answer)).into_response()
        }
    };
    let router = Router::new().fallback(handle);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
