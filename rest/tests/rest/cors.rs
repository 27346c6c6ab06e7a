//! Which other sites' pages may use a node.

use reqwest::{Method, Response};

use crate::harness::Chain;

const SITE: &str = "https://wallet.example";

async fn request(chain: &Chain, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let url = format!("{}{path}", chain.base);
    let request = headers
        .iter()
        .fold(chain.http.request(method, url), |request, (name, value)| {
            request.header(*name, *value)
        });
    request.send().await.unwrap()
}

fn allowed(answer: &Response) -> Option<&str> {
    let value = answer.headers().get("access-control-allow-origin")?;
    value.to_str().ok()
}

/// What a browser asks before it sends JSON.
async fn preflight(chain: &Chain, path: &str) -> Response {
    let headers = [
        ("origin", SITE),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    request(chain, Method::OPTIONS, path, &headers).await
}

#[tokio::test]
async fn without_a_setting_no_other_page_may_read() {
    let chain = Chain::start().await;
    let answer = request(&chain, Method::GET, "/rpc/getHead", &[("origin", SITE)]).await;
    assert_eq!((answer.status().as_u16(), allowed(&answer)), (200, None));
    let answer = preflight(&chain, "/rpc/sendTx").await;
    assert_eq!((answer.status().as_u16(), allowed(&answer)), (405, None));
}

#[tokio::test]
async fn pages_of_named_origins_may_read_and_send_and_no_others() {
    let chain = Chain::with(|config| config.rest.cors_origins = vec![SITE.into()]).await;
    let answer = request(&chain, Method::GET, "/rpc/getHead", &[("origin", SITE)]).await;
    assert_eq!(allowed(&answer), Some(SITE));
    let answer = preflight(&chain, "/rpc/sendTx").await;
    assert_eq!(
        (answer.status().as_u16(), allowed(&answer)),
        (200, Some(SITE))
    );
    let header = |name| answer.headers()[name].to_str().unwrap().to_lowercase();
    assert!(header("access-control-allow-methods").contains("post"));
    assert!(header("access-control-allow-headers").contains("content-type"));
    // Refusals too, or a page could not show them.
    let answer = request(&chain, Method::GET, "/rpc/getTx/x", &[("origin", SITE)]).await;
    assert_eq!(
        (answer.status().as_u16(), allowed(&answer)),
        (400, Some(SITE))
    );
    for other in ["https://evil.example", "http://wallet.example", "null"] {
        let answer = request(&chain, Method::GET, "/rpc/getHead", &[("origin", other)]).await;
        assert_eq!(allowed(&answer), None, "{other}");
    }
}

#[tokio::test]
async fn any_page_may_where_that_is_set() {
    let chain = Chain::with(|config| config.rest.cors_origins = vec!["*".into()]).await;
    let answer = request(&chain, Method::GET, "/rpc/getHead", &[("origin", SITE)]).await;
    assert_eq!(allowed(&answer), Some("*"));
    assert!(
        answer
            .headers()
            .get("access-control-allow-credentials")
            .is_none()
    );
}

#[tokio::test]
async fn no_setting_opens_admin_routes_to_pages() {
    for origins in ["*", SITE] {
        let chain = Chain::with(|config| config.rest.cors_origins = vec![origins.into()]).await;
        for path in ["/admin/mintFaucet", "/admin/paramSet", "/admin/peers/add"] {
            let answer = preflight(&chain, path).await;
            assert_eq!((answer.status().as_u16(), allowed(&answer)), (405, None));
            let answer = request(&chain, Method::POST, path, &[("origin", SITE)]).await;
            assert_eq!((answer.status().as_u16(), allowed(&answer)), (403, None));
        }
    }
}
