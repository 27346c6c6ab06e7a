//! Owns what one route is: how it is asked, where, and who answers.

use axum::{
    handler::Handler,
    routing::{MethodRouter, get, post},
};

use crate::parts::Parts;

/// The longest body that is read, of all routes but `sendTxs`: a transaction of 16 KiB in any formatting.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;

/// One route.
pub(super) struct Endpoint {
    #[cfg_attr(not(test), allow(dead_code, reason = "held against the documentation"))]
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) handler: MethodRouter<Parts>,
}

impl Endpoint {
    pub(super) fn get<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Parts>,
        T: 'static,
    {
        Self {
            method: "get",
            path,
            handler: get(handler),
        }
    }

    pub(super) fn post<H, T>(path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Parts>,
        T: 'static,
    {
        Self {
            method: "post",
            path,
            handler: post(handler),
        }
    }
}
