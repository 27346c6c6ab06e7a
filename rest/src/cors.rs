//! Owns which other sites' pages may use this node from a browser (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use reqwest::Url;
use tower_http::cors::{AllowOrigin, CorsLayer};

use ait_node::ConfigError;

/// How long a browser may remember what it was told.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// What tells browsers so; `None` where no other site may.
///
/// # Errors
/// [`ConfigError`] names an origin that no browser ever sends.
pub fn layer(origins: &[String]) -> Result<Option<CorsLayer>, ConfigError> {
    let allowed = match origins {
        [] => return Ok(None),
        [any] if any == "*" => AllowOrigin::any(),
        some => AllowOrigin::list(
            some.iter()
                .map(|text| origin(text))
                .collect::<Result<Vec<_>, _>>()?,
        ),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .max_age(MAX_AGE);
    Ok(Some(layer))
}

/// Whether these can be [`crate::Config::cors_origins`].
///
/// # Errors
/// [`ConfigError`] names an origin that no browser ever sends.
pub fn check_origins(origins: &[String]) -> Result<(), ConfigError> {
    layer(origins).map(|_| ())
}

/// An origin, written as browsers write it: they and we compare bytes.
fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let refuse = |reason: String| ConfigError {
        setting: "CORS_ORIGINS".into(),
        value: text.chars().take(200).collect(),
        reason,
    };
    if text == "*" {
        return Err(refuse("stands for every origin, and so alone".into()));
    }
    let rule = "must be an origin, such as https://example.org or http://127.0.0.1:3000";
    let url = Url::parse(text).map_err(|error| refuse(format!("{rule} ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || text.contains('*') {
        return Err(refuse(rule.into()));
    }
    let written = url.origin().ascii_serialization();
    if written != text {
        return Err(refuse(format!("{rule}; browsers write this one {written}")));
    }
    HeaderValue::from_str(text).map_err(|_| refuse(rule.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send_and_nothing_else() {
        for good in [
            "https://example.org",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
        ] {
            assert_eq!(origin(good).unwrap(), good);
        }
        for bad in [
            "",
            "*",
            "null",
            "example.org",
            "https://example.org/",
            "https://example.org/path",
            "https://Example.org",
            "https://example.org:443",
            "https://user@example.org",
            "https://example.org https://example.com",
            "https://*.example.org",
            "ftp://example.org",
            "https://",
        ] {
            let error = layer(&[bad.to_owned(), "https://example.com".into()]).unwrap_err();
            assert_eq!(error.setting, "CORS_ORIGINS", "{bad}");
            assert_eq!(error.value, bad);
        }
    }

    #[test]
    fn without_a_setting_there_is_none() {
        assert!(layer(&[]).unwrap().is_none());
        assert!(layer(&["*".into()]).unwrap().is_some());
    }
}
