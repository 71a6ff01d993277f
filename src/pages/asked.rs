//! What a request says besides its path: whether htmx asks, and the query of its address.

use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use crate::input::Values;

/// Whether htmx asks, and for what.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hx {
    /// htmx asks, and will put what it gets into a part of the page.
    pub partial: bool,
    /// It does so for a plain link or form of the page.
    pub boosted: bool,
}

impl Hx {
    /// Reads the headers of a request.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let headers = request.headers();
        let partial = headers.get_one("HX-Request") == Some("true")
            && headers.get_one("HX-History-Restore-Request").is_none();
        Self { partial, boosted: headers.get_one("HX-Boosted") == Some("true") }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Hx {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self::of(request))
    }
}

/// The query of an address, whatever it holds: what cannot be read is up to the page.
#[derive(Debug, Default)]
pub struct Query(pub Values);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let query = request.uri().query().map_or("", |query| query.as_str());
        Outcome::Success(Self(Values::from_urlencoded(query)))
    }
}
