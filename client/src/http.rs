//! Owns how connections are made: `http` as it is, `https` by rustls with the system's authorities and those that
//! the user names (`CA_FILE`).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use reqwest::Url;
use reqwest::{Certificate, Client, ClientBuilder, redirect::Policy};

/// Authorities that `https` is trusted by, besides the system's.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    own: Vec<Certificate>,
}

/// Why a file names no authorities.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds none.
    #[error("{0} holds no certificates in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificates(PathBuf),
}

impl Trust {
    /// The system's authorities, and those of a file in PEM.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn with_file(path: &Path) -> Result<Self, TrustError> {
        let text = fs::read(path).map_err(|source| TrustError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        match Certificate::from_pem_bundle(&text) {
            Ok(own) if !own.is_empty() => Ok(Self { own }),
            _ => Err(TrustError::NoCertificates(path.to_owned())),
        }
    }
}

/// The beginning of every client: it asks whom the URL names and nobody else, so it follows no redirects and uses no
/// proxy of the environment.
pub fn builder(url: &Url, trust: &Trust) -> ClientBuilder {
    let builder = Client::builder().no_proxy().redirect(Policy::none());
    if url.scheme() != "https" {
        // The system's authorities are not read for nothing: a small machine may have none.
        return builder.tls_certs_only([]);
    }
    if trust.own.is_empty() {
        builder
    } else {
        builder.tls_certs_merge(trust.own.clone())
    }
}

/// Whether a URL can be asked: `http` or `https`, with a host, and neither user nor password.
pub fn is_askable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
}
