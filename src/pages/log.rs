//! One line for each request: what was asked, what was answered, how long it took. The query is left
//! out: it can hold names, and the key of the first superuser's link.

use std::time::Instant;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Method;
use rocket::{Data, Request, Response};
use tracing::info;

use super::headers::RequestId;
use crate::auth::address::Address;

/// A path of any length, as much of it as tells which one it was. (It is percent-encoded: it holds no
/// line's end.)
fn cut(path: &str) -> &str {
    path.get(..200).unwrap_or(path)
}

/// Writes the line.
#[derive(Debug)]
pub struct RequestLog;

/// A request as it came, before the gate led it elsewhere.
struct Begun {
    at: Instant,
    method: Method,
    path: String,
}

impl Begun {
    fn of(request: &Request<'_>) -> Self {
        let path = cut(request.uri().path().as_str()).to_owned();
        Self { at: Instant::now(), method: request.method(), path }
    }
}

#[rocket::async_trait]
impl Fairing for RequestLog {
    fn info(&self) -> Info {
        Info { name: "One line for each request", kind: Kind::Request | Kind::Response }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        request.local_cache(|| Begun::of(request));
        // Now, while the connection stands.
        let _ = Address::of(request);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let begun = request.local_cache(|| Begun::of(request));
        info!(
            target: "request",
            method = %begun.method,
            path = begun.path,
            status = response.status().code,
            ms = begun.at.elapsed().as_millis(),
            address = %Address::of(request).0,
            request = RequestId::of(request),
        );
    }
}
