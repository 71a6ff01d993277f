//! Proof that a request comes from one of this site's own pages: Fetch Metadata, with Origin as the
//! fall-back, *and* a token that is bound to the session (OWASP CSRF Prevention Cheat Sheet).

use rocket::Request;
use subtle::ConstantTimeEq as _;

use crate::random;

/// The field of every form that changes something; it comes first.
pub const FIELD: &str = "csrf";

/// The token of a browser (its CSRF cookie), a session (its secret; empty for a visitor) and an account (0 for
/// a visitor). It begins with the account, so that a form says whose it is.
#[must_use]
pub fn token(browser: &str, session: &str, user: i64) -> String {
    let digest = random::digest(&format!("csrf\n{browser}\n{session}\n{user}"));
    if user == 0 { digest } else { format!("{user}.{digest}") }
}

/// The account whose form a token says it is; 0 for a visitor.
#[must_use]
pub fn owner(token: &str) -> i64 {
    token.split_once('.').and_then(|(user, _)| user.parse().ok()).unwrap_or(0)
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

/// Whether the browser says that this site sent the request. Unlike [`is_foreign`], silence is no proof.
#[must_use]
pub fn is_own(request: &Request<'_>) -> bool {
    let headers = request.headers();
    let speaks =
        headers.contains("Origin") || headers.get_one("Sec-Fetch-Site") == Some("same-origin");
    speaks && !is_foreign(request)
}
