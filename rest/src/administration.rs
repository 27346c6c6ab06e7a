//! Owns who may use the administrator's routes: who has the token or, where none is set, on a devnet who asks
//! from this machine.

use ait_app::crypto::sha256;
use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use crate::{
    caller::Caller,
    config::Config,
    error::{ApiError, RestCode},
};

/// Who is let in.
pub enum Administration {
    /// Who has the token of this sha256.
    Token([u8; 32]),
    /// On a devnet without a token: who asks from this machine.
    Loopback,
    /// Nobody.
    Off,
}

impl Administration {
    /// As it is configured. An empty token counts as none.
    pub fn new(config: &Config) -> Self {
        let token = config.admin_token.as_deref();
        match token.filter(|token| !token.is_empty()) {
            Some(token) => Self::Token(sha256(token.as_bytes())),
            None if config.devnet => Self::Loopback,
            None => Self::Off,
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// 401 without the token, 403 where none would help.
    pub fn admit(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), ApiError> {
        let refuse = |why: &str| Err(ApiError::new(RestCode::Forbidden, why));
        match self {
            Self::Token(expected) => match bearer_token(headers) {
                // Of hashes, so that neither content nor length of the token shows in the time.
                Some(token) if bool::from(sha256(token).ct_eq(expected)) => Ok(()),
                _ => Err(ApiError::new(
                    RestCode::Unauthorized,
                    "admin routes need the header Authorization: Bearer ADMIN_TOKEN",
                )),
            },
            Self::Off => refuse("admin routes are off: this node has no ADMIN_TOKEN"),
            Self::Loopback if !caller.is_local => {
                refuse("without an ADMIN_TOKEN admin routes answer to loopback only")
            }
            Self::Loopback if !comes_from_here(headers) => {
                refuse("without an ADMIN_TOKEN admin routes answer to pages of this node only")
            }
            Self::Loopback => Ok(()),
        }
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
