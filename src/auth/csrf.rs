//! Proof that a request comes from one of this site's own pages: Fetch Metadata, with Origin as the
//! fall-back, *and* a token that is bound to the session (OWASP CSRF Prevention Cheat Sheet).

use rocket::Request;
use subtle::ConstantTimeEq as _;

use crate::random;

/// The field of every form that changes something; it comes first.
pub const FIELD: &str = "csrf";

/// The token of a browser (its CSRF cookie) and a session (its secret; empty for a visitor).
#[must_use]
pub fn token(browser: &str, session: &str) -> String {
    random::digest(&format!("csrf\n{browser}\n{session}"))
}

/// Whether a token is the right one, in constant time.
#[must_use]
pub fn matches(token: &str, expected: &str) -> bool {
    !expected.is_empty() && bool::from(token.as_bytes().ct_eq(expected.as_bytes()))
}

/// Whether the browser says that another site sent the request. What says nothing (a command
/// line) is left to the token.
#[must_use]
pub fn is_foreign(request: &Request<'_>) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get_one("Sec-Fetch-Site") {
        return site != "same-origin" && site != "none";
    }
    match (headers.get_one("Origin"), headers.get_one("Host")) {
        (None, _) => false,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_none_or(|(_, there)| !there.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => true,
    }
}
