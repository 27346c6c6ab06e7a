//! Owns serving the web page from the binary: `/` and `/web/{file}`, and what the page may do in a browser.

use ait_api::routes::{PAGE, PAGE_FILE};
use axum::{
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};

use super::{endpoint::Endpoint, extract::PathOf};
use crate::error::{ApiError, RestCode};

/// The page may load its own files and talk to its own node, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const INDEX: &[u8] = include_bytes!("../../web/index.html");

macro_rules! files {
    ($($name:literal,)+) => {
        /// Every file under `/web/`: its name and its bytes.
        const FILES: &[(&str, &[u8])] = &[
            $(($name, include_bytes!(concat!("../../web/", $name)).as_slice()),)+
        ];
    };
}

files! {
    "account-panel.js",
    "activity-panel.js",
    "amount.js",
    "anchor.js",
    "api.js",
    "app.js",
    "bech32.js",
    "canonical.js",
    "chain-panel.js",
    "chain.js",
    "dom.js",
    "escrow-form.js",
    "escrow-panel.js",
    "escrows.js",
    "events.js",
    "form.js",
    "icon.svg",
    "keystore.js",
    "live.js",
    "outbox.js",
    "panels.css",
    "payment.js",
    "records.js",
    "silence.js",
    "style.css",
    "timing.js",
    "transfer-form.js",
    "wallet.js",
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(PAGE.path, index),
        Endpoint::get(PAGE_FILE.path, file),
    ]
}

async fn index() -> Response {
    answer("index.html", INDEX)
}

async fn file(PathOf(name): PathOf<String>) -> Result<Response, ApiError> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let (known, bytes) =
        found.ok_or_else(|| ApiError::new(RestCode::NotFound, "the page has no such file"))?;
    Ok(answer(known, bytes))
}

fn answer(name: &str, bytes: &'static [u8]) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        // A new binary brings new files under the same names.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_binary_with_a_type() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
        let on_disk: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "index.html")
            .collect();
        let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(on_disk, embedded);
        for name in &on_disk {
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
        }
    }
}
