//! Owns an RPC that answers as a node's CometBFT does, but for what a test changes in it.

use axum::{Json, Router, extract::DefaultBodyLimit, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Changes the result of a method with these params.
pub trait Lie: Fn(&str, &Value, &mut Value) + Clone + Send + Sync + 'static {}

impl<F: Fn(&str, &Value, &mut Value) + Clone + Send + Sync + 'static> Lie for F {}

/// The URL of an RPC that asks the one at `url` and changes its answers.
pub async fn start(url: &str, lie: impl Lie) -> String {
    let (url, client) = (url.to_owned(), reqwest::Client::new());
    let handle = move |Json(request): Json<Value>| {
        let (url, client, lie) = (url.clone(), client.clone(), lie.clone());
        async move {
            let asked = client.post(&url).json(&request).send().await;
            let mut answer: Value = match asked {
                Ok(answer) => answer.json().await.unwrap_or(Value::Null),
                Err(error) => json!({"error": {"message": error.to_string()}}),
            };
            let method = request["method"].as_str().unwrap_or_default();
            if answer["result"].is_object() {
                lie(method, &request["params"], &mut answer["result"]);
            }
            Json(answer)
        }
    };
    let router = Router::new()
        .route("/", post(handle))
        .layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Another character in the place of one of a text in hex or base64.
pub fn change(text: &mut Value, place: usize) {
    let mut characters: Vec<char> = text.as_str().expect("text").chars().collect();
    let place = characters.get_mut(place).expect("a character");
    *place = if *place == 'A' { 'B' } else { 'A' };
    *text = characters.into_iter().collect::<String>().into();
}
