//! The names that this site answers to. A request without a name, with two, or with another one gets
//! 400 before any handler runs (RFC 9112, 3.2; Django's `ALLOWED_HOSTS`).

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Method;
use rocket::http::uri::Origin;
use rocket::{Data, Request, Route, get, routes};

use crate::config::Settings;
use crate::error::Error;

/// Where refused requests are sent: Rocket's fairings cannot answer themselves.
const REFUSED: &str = "/.host-refused";

/// The route of refused requests.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![refused]
}

#[get("/.host-refused")]
fn refused() -> Error {
    Error::BadRequest("This site does not answer to that name.")
}

/// Names that mean this machine: always answered to, for health checks.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The name in a `Host` header, without its port, in small letters; none for what is no name.
fn name(host: &str) -> Option<String> {
    let (name, port) = if host.starts_with('[') {
        let end = host.find(']')? + 1;
        (
            host.get(..end)?,
            host.get(end..)?.strip_prefix(':').or_else(|| (end == host.len()).then_some("0"))?,
        )
    } else {
        host.split_once(':').unwrap_or((host, "0"))
    };
    let inner = name.trim_matches(['[', ']']);
    let v6 = name.starts_with('[');
    let fits = |letter: char| {
        if v6 {
            letter.is_ascii_hexdigit() || ":.".contains(letter)
        } else {
            letter.is_ascii_alphanumeric() || "-.".contains(letter)
        }
    };
    let fine = !inner.is_empty()
        && inner.len() <= 253
        && inner.chars().all(fits)
        && !port.is_empty()
        && port.len() <= 5
        && port.bytes().all(|digit| digit.is_ascii_digit());
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    (fine && !name.is_empty()).then_some(name)
}

/// Whether a name is one of a list: `example.org`, `.example.org` for it and all below it, `*` for
/// every one.
fn is_allowed(name: &str, allowed: &[String]) -> bool {
    LOCAL.contains(&name)
        || allowed.iter().any(|known| match known.strip_prefix('.') {
            Some(domain) => {
                name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            }
            None => known == "*" || known == name,
        })
}

/// Looks at the name that each request is for.
#[derive(Debug)]
pub struct Hosts;

#[rocket::async_trait]
impl Fairing for Hosts {
    fn info(&self) -> Info {
        Info { name: "The names this site answers to", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let mut hosts = request.headers().get("Host");
        let only = hosts.next().filter(|_| hosts.next().is_none());
        let settings = request.rocket().state::<Settings>();
        let fine = only.and_then(name).is_some_and(|name| {
            settings.is_some_and(|settings| is_allowed(&name, &settings.hosts))
        });
        drop(hosts);
        if !fine {
            request.set_method(Method::Get);
            if let Ok(there) = Origin::parse(REFUSED) {
                request.set_uri(there);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_allowed, name};

    #[test]
    fn names_are_read_as_names_only() {
        for (host, expected) in [
            ("example.org", Some("example.org")),
            ("EXAMPLE.org:8000", Some("example.org")),
            ("example.org.", Some("example.org")),
            ("[::1]:80", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("", None),
            ("a b", None),
            ("a@evil.example", None),
            ("a/b", None),
            ("a:", None),
            ("a:b", None),
            ("a:123456", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[]", None),
            ("é.example", None),
            (".", None),
        ] {
            assert_eq!(name(host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_list_says_which_are_ours() {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        assert!(is_allowed("a.example", &list("b.example,a.example")));
        assert!(!is_allowed("evil.example", &list("a.example")));
        assert!(is_allowed("x.a.example", &list(".a.example")));
        assert!(is_allowed("a.example", &list(".a.example")));
        assert!(!is_allowed("evila.example", &list(".a.example")));
        assert!(is_allowed("any.example", &list("*")));
        assert!(is_allowed("127.0.0.1", &[]));
    }
}
