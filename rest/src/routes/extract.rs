//! Owns how requests are read, strictly: what can't be read is refused with REST's own errors.

use std::{net::IpAddr, num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

use ait_app::{Refusal, crypto::sha256};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;
use tokio::time::timeout;

use crate::{
    client::{Client, Peer},
    context::Context,
    error::{ApiError, RestCode},
    limit::TooMany,
};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The variable parts of a path.
pub struct PathOf<T>(pub T);

impl<T, S> FromRequestParts<S> for PathOf<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(value) = Path::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::new(RestCode::InvalidRequest, rejection.body_text()))?;
        Ok(Self(value))
    }
}

/// The query; unknown and repeated fields are refused.
pub struct QueryOf<T>(pub T);

impl<T, S> FromRequestParts<S> for QueryOf<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(value) = Query::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::new(RestCode::InvalidRequest, rejection.body_text()))?;
        Ok(Self(value))
    }
}

/// The body's bytes, [`super::endpoint::MAX_BODY_BYTES`] at most.
pub struct Body(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read_body(request, state, super::endpoint::MAX_BODY_BYTES)
            .await
            .map(Self)
    }
}

/// Reads a body of at most so many bytes.
///
/// # Errors
/// 408, 413.
pub async fn read_body<S: Send + Sync>(
    mut request: Request,
    state: &S,
    most_bytes: usize,
) -> Result<Bytes, ApiError> {
    DefaultBodyLimit::max(most_bytes).apply(&mut request);
    let read = timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await;
    let read = read.map_err(|_| {
        ApiError::new(
            RestCode::RequestTimeout,
            "the body did not arrive within 10 s",
        )
    })?;
    read.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = format!("the body has more than {most_bytes} bytes");
            ApiError::new(RestCode::BodyTooLarge, message).detail("limit_bytes", most_bytes)
        } else {
            ApiError::new(RestCode::InvalidRequest, rejection.body_text())
        }
    })
}

/// Reads one part of a path: an address or an id.
///
/// # Errors
/// The refusal of that kind of text.
pub fn parse<T: FromStr<Err = Refusal>>(text: &str) -> Result<T, ApiError> {
    Ok(text.parse()?)
}

fn client(parts: &Parts, context: &Context) -> Result<Client, ApiError> {
    let peer = parts.extensions.get::<Peer>();
    let peer = peer.ok_or_else(|| ApiError::internal("a request without a peer"))?;
    let proxies = &context.trusted_proxies;
    Ok(Client::of(peer.0.ip(), &parts.headers, proxies))
}

/// A request that its client had left (PROTOCOL section 9): one of `sendTx`, `sendTxs` or the faucet.
pub struct WithinLimit {
    /// Whose limit it counts for; `None` where none holds.
    client: Option<IpAddr>,
}

impl WithinLimit {
    /// Takes more of what the client may send, for a request that stands for several.
    ///
    /// # Errors
    /// 429 where it has not as many left.
    pub fn take_more(&self, context: &Context, count: usize) -> Result<(), ApiError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match (self.client, NonZeroU32::new(count)) {
            (Some(client), Some(count)) => take(context, client, count),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<Context>> for WithinLimit {
    type Rejection = ApiError;
    async fn from_request_parts(
        parts: &mut Parts,
        context: &Arc<Context>,
    ) -> Result<Self, ApiError> {
        let client = client(parts, context)?;
        if context.devnet && client.is_local {
            return Ok(Self { client: None });
        }
        take(context, client.address, NonZeroU32::MIN)?;
        Ok(Self {
            client: Some(client.address),
        })
    }
}

fn take(context: &Context, client: IpAddr, count: NonZeroU32) -> Result<(), ApiError> {
    let Err(too_many) = context.limiter.take(client, count) else {
        return Ok(());
    };
    context.metrics.rate_limited.inc();
    Err(match too_many {
        TooMany::ForNow { seconds } => {
            let message = format!("{client} sends too many transactions");
            ApiError::new(RestCode::RateLimited, message).retry_after(seconds)
        }
        TooMany::AtOnce { most } => {
            let message = format!("{client} may send at most {most} transactions at once");
            ApiError::new(RestCode::RateLimited, message).detail("limit", most)
        }
    })
}

/// A request of an administrator: with the token or, where none is set, on a devnet from this machine.
pub struct Admin;

impl FromRequestParts<Arc<Context>> for Admin {
    type Rejection = ApiError;
    async fn from_request_parts(
        parts: &mut Parts,
        context: &Arc<Context>,
    ) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        if let Some(expected) = &context.admin_token {
            return match bearer_token(headers) {
                // Of hashes, so that neither content nor length of the token shows in the time.
                Some(token) if bool::from(sha256(token).ct_eq(expected)) => Ok(Self),
                _ => Err(ApiError::new(
                    RestCode::Unauthorized,
                    "admin routes need the header Authorization: Bearer ADMIN_TOKEN",
                )),
            };
        }
        let refuse = |why: &str| Err(ApiError::new(RestCode::Forbidden, why));
        if !context.devnet {
            return refuse("admin routes are off: this node has no ADMIN_TOKEN");
        }
        if !client(parts, context)?.is_local {
            return refuse("without an ADMIN_TOKEN admin routes answer to loopback only");
        }
        if !comes_from_here(headers) {
            return refuse("without an ADMIN_TOKEN admin routes answer to pages of this node only");
        }
        Ok(Self)
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Whether no other site's page sends this through a browser on this machine: a page's requests name their
/// origin, and a name that was pointed at loopback is not one of loopback's own.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(header::HOST).unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let own_origin = text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    is_loopback && own_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn pages_of_other_sites_cannot_use_this_machine() {
        let own = [
            ("127.0.0.1:8080", None),
            ("localhost:8080", Some("http://localhost:8080")),
            ("127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("[::1]", None),
        ];
        for (host, origin) in own {
            assert!(comes_from_here(&headers(host, origin)), "{host} {origin:?}");
        }
        let foreign = [
            ("127.0.0.1:8080", Some("https://example.org")),
            ("127.0.0.1:8080", Some("http://127.0.0.1:9090")),
            ("127.0.0.1:8080", Some("null")),
            (
                "rebound.example.org:8080",
                Some("http://rebound.example.org:8080"),
            ),
            ("rebound.example.org:8080", None),
            ("192.0.2.1:8080", None),
        ];
        for (host, origin) in foreign {
            assert!(
                !comes_from_here(&headers(host, origin)),
                "{host} {origin:?}"
            );
        }
    }

    #[test]
    fn a_token_is_read_whole() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer_token(&headers), None);
        for (value, token) in [
            ("Bearer secret", Some(b"secret".as_slice())),
            ("bearer secret", Some(b"secret")),
            ("Bearer secret ", Some(b"secret ")),
            ("Basic secret", None),
            ("secret", None),
            ("Bearer", None),
        ] {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(bearer_token(&headers), token, "{value}");
        }
    }
}
