//! Headers of every answer, errors and files included.

use std::sync::LazyLock;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::{Header, Status};
use rocket::{Request, Response};

use super::methods::Allowed;
use crate::config::Settings;
use crate::random;

/// No inline script or style, nothing from elsewhere, no frames; only htmx's own policy may turn
/// text into markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx staff";

const ALWAYS: [(&str, &str); 7] = [
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The name of a request, in its answer, in history, in logs and in error pages: our proxy's, where one
/// is trusted and gives one, or ours.
#[derive(Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r str {
        &request.local_cache(|| Self(given(request).unwrap_or_else(random::request_id))).0
    }
}

/// What a trusted proxy calls a request, if it is a name.
fn given(request: &Request<'_>) -> Option<String> {
    let fits = |id: &&str| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let trusted = request.rocket().state::<Settings>().is_some_and(|known| known.trust_proxy);
    let id = request.headers().get_one("X-Request-Id").filter(fits)?;
    trusted.then(|| id.to_owned())
}

/// Sets them.
#[derive(Debug)]
pub struct Headers;

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "Headers of every answer", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        static HEADERS: LazyLock<Vec<Header<'static>>> = LazyLock::new(|| {
            ALWAYS.iter().map(|(name, value)| Header::new(*name, *value)).collect()
        });
        for header in HEADERS.iter() {
            response.set_header(header.clone());
        }
        if response.status() == Status::MethodNotAllowed
            && let Some(methods) = Allowed::of(request)
        {
            response.set_header(Header::new("Allow", methods.to_owned()));
        }
        response.set_header(Header::new("X-Request-Id", RequestId::of(request).to_owned()));
        if let Some(settings) =
            request.rocket().state::<Settings>().filter(|settings| settings.https)
        {
            let value = if settings.hsts_preload {
                "max-age=63072000; includeSubDomains; preload"
            } else {
                "max-age=63072000; includeSubDomains"
            };
            response.set_header(Header::new("Strict-Transport-Security", value));
        }
    }
}
