//! Owns how requests are read, strictly: what can't be read is refused with REST's own errors.

use std::{num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

use ait_app::Refusal;
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRef, FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{
    administration::Administration,
    caller::Caller,
    callers::Callers,
    error::{ApiError, RestCode},
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
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, ApiError> {
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
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, ApiError> {
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

/// A request that its caller had left (PROTOCOL section 9): one of `sendTx`, `sendTxs` or the faucet.
pub struct WithinLimit {
    caller: Caller,
    callers: Arc<Callers>,
}

impl WithinLimit {
    /// Takes more of what the caller may send, for a request that stands for several.
    ///
    /// # Errors
    /// 429 where it has not as many left.
    pub fn take_more(&self, count: usize) -> Result<(), ApiError> {
        match NonZeroU32::new(u32::try_from(count).unwrap_or(u32::MAX)) {
            Some(count) => self.callers.take_sends(&self.caller, count),
            None => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WithinLimit
where
    Arc<Callers>: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, ApiError> {
        let callers = Arc::<Callers>::from_ref(state);
        let caller = callers.of(&parts.extensions, &parts.headers)?;
        callers.take_sends(&caller, NonZeroU32::MIN)?;
        Ok(Self { caller, callers })
    }
}

/// A request of an administrator.
pub struct Admin;

impl<S: Send + Sync> FromRequestParts<S> for Admin
where
    Arc<Callers>: FromRef<S>,
    Arc<Administration>: FromRef<S>,
{
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Arc::<Callers>::from_ref(state).of(&parts.extensions, &parts.headers)?;
        Arc::<Administration>::from_ref(state).admit(&caller, &parts.headers)?;
        Ok(Self)
    }
}
