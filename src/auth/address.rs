//! Where a request comes from: the other end of the connection, unless we were told that a proxy of
//! ours is in front.

use std::net::IpAddr;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use crate::config::Settings;
use crate::wire::Peers;

/// The address that counts for throttling and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(pub String);

/// The address of the one who spoke to our proxy: the right-most entry of `X-Forwarded-For`, which
/// the proxy itself wrote. What stands before it anybody can invent.
fn forwarded(headers: &[&str]) -> Option<IpAddr> {
    headers.last()?.rsplit(',').next()?.trim().parse().ok()
}

impl Address {
    /// Finds it, once a request: the connection may be gone before the request is done.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        request.local_cache(|| Self::find(request)).clone()
    }

    fn find(request: &Request<'_>) -> Self {
        let trusted =
            request.rocket().state::<Settings>().is_some_and(|settings| settings.trust_proxy);
        let headers: Vec<_> = request.headers().get("X-Forwarded-For").collect();
        let told = if trusted { forwarded(&headers) } else { None };
        let address = told.or_else(|| {
            let seen = request.remote()?;
            let peers = request.rocket().state::<Peers>();
            match peers {
                Some(peers) if peers.are_served() => peers.behind(seen),
                _ => Some(seen.ip()),
            }
        });
        Self(
            address
                .map_or_else(|| "unknown".to_owned(), |address| address.to_canonical().to_string()),
        )
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Address {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self::of(request))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::forwarded;

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Whatever a visitor sends, what our proxy adds at the end is what counts.
        #[test]
        fn nothing_before_the_proxy_counts(
            invented in prop_oneof!["[0-9a-f.:, ]{0,40}", any::<String>()],
            address in any::<std::net::IpAddr>(),
        ) {
            let added = format!("{invented}, {address}");
            prop_assert_eq!(forwarded(&[&added]), Some(address));
            let own = address.to_string();
            prop_assert_eq!(forwarded(&[&invented, &own]), Some(address));
            // Alone it may be anything but a fault.
            let _ = forwarded(&[&invented]);
        }
    }

    #[test]
    fn only_what_the_proxy_wrote_counts() {
        let told = |headers: &[&str]| forwarded(headers).map(|address| address.to_string());
        assert_eq!(told(&["6.6.6.6, 10.0.0.1"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(told(&["6.6.6.6", "10.0.0.2"]).as_deref(), Some("10.0.0.2"));
        assert_eq!(told(&["10.0.0.1, evil"]), None);
        assert_eq!(told(&["2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(told(&[]), None);
    }
}
