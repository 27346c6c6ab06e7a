//! An https address is asked where its certificate is by an authority that is trusted, and not else.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{error::Error, fs, sync::Arc};

use ait_client::http::{Trust, TrustError, builder};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A server that says `hello`, and the authority that signed for it.
async fn server() -> (Url, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let answer =
                    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    let url = format!("https://localhost:{port}/").parse().unwrap();
    (url, authority_pem)
}

async fn ask(url: &Url, trust: &Trust) -> Result<String, reqwest::Error> {
    let client = builder(url, trust).build()?;
    client.get(url.clone()).send().await?.text().await
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn an_authority_that_the_user_names_is_trusted() {
    let (url, authority) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, authority).unwrap();
    let trust = Trust::with_file(&file).unwrap();
    assert_eq!(ask(&url, &trust).await.unwrap(), "hello");
}

#[tokio::test]
async fn one_that_nobody_named_is_not() {
    let (url, _) = server().await;
    let (_, another) = server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, another).unwrap();
    let trust = Trust::with_file(&file).unwrap();
    let refused = ask(&url, &trust).await.unwrap_err();
    assert!(
        causes(&refused).contains("certificate"),
        "{}",
        causes(&refused)
    );
}

#[test]
fn a_file_without_certificates_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let missing = Trust::with_file(&file).unwrap_err();
    assert!(matches!(&missing, TrustError::Unreadable { path, .. } if *path == file));
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"] {
        fs::write(&file, text).unwrap();
        let refused = Trust::with_file(&file).unwrap_err();
        assert!(refused.to_string().contains("ca.pem"), "{refused}");
        assert!(matches!(refused, TrustError::NoCertificates(path) if path == file));
    }
}
