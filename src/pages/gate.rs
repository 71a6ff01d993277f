//! What is looked at before any handler runs: the name that a request is for (RFC 9112, 3.2; Django's
//! `ALLOWED_HOSTS`), how much its head holds, and whether it came by HTTPS where that is asked for.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::uri::Origin;
use rocket::http::{Method, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::response::{self, Responder};
use rocket::{Data, Request, Response, Route, routes};

use super::catchers::Why;
use super::methods::Allowed;
use crate::config::Settings;

/// Where refused requests are sent: Rocket's fairings cannot answer themselves.
pub(super) const REFUSED: &str = "/.refused";

/// More bytes than these in a request's headers are refused (431).
const LONGEST_HEAD: usize = 32 * 1024;

/// Why a request gets no further.
#[derive(Debug, Clone)]
enum Refused {
    /// The site does not answer to the name.
    Host,
    /// The headers hold too much.
    Head,
    /// It is a form that calls itself a HEAD: Rocket takes `_method=head` for one, and would answer a client
    /// that waits for a body without any.
    HeadForm,
    /// It came by HTTP, and goes on here.
    Insecure(String),
    /// There is no such page: somebody asked for [`REFUSED`] itself, or sent such a form to nowhere.
    Not,
}

/// The route of refused requests.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![refused]
}

#[rocket::get("/.refused")]
fn refused(why: Refused) -> Refused {
    why
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Refused {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(request.local_cache(|| Self::Not).clone())
    }
}

impl<'r> Responder<'r, 'static> for Refused {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self {
            Self::Host => {
                Why::tell(request, "This site does not answer to that name.");
                Err(Status::BadRequest)
            }
            Self::Head => Err(Status::RequestHeaderFieldsTooLarge),
            Self::HeadForm => Err(Status::MethodNotAllowed),
            Self::Insecure(there) => Response::build()
                .status(Status::PermanentRedirect)
                .raw_header("Location", there)
                .ok(),
            Self::Not => Err(Status::NotFound),
        }
    }
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

/// Looks at every request.
#[derive(Debug)]
pub struct Gate;

/// Whether a request says that a body follows.
fn has_body(request: &Request<'_>) -> bool {
    let headers = request.headers();
    headers.contains("Transfer-Encoding")
        || headers.get_one("Content-Length").is_some_and(|length| length != "0")
}

fn look(request: &Request<'_>, settings: &Settings) -> Option<Refused> {
    let headers = request.headers();
    let held: usize =
        headers.iter().map(|header| header.name().as_str().len() + header.value().len()).sum();
    if held > LONGEST_HEAD {
        return Some(Refused::Head);
    }
    let mut hosts = headers.get("Host");
    let only = hosts.next().filter(|_| hosts.next().is_none());
    if !only.and_then(name).is_some_and(|name| is_allowed(&name, &settings.hosts)) {
        return Some(Refused::Host);
    }
    let is_form = request.content_type().is_some_and(|kind| kind.is_form());
    if request.method() == Method::Head && is_form && has_body(request) {
        let there_is_a_page = Allowed::of(request).is_some();
        return Some(if there_is_a_page { Refused::HeadForm } else { Refused::Not });
    }
    // What our proxy says last; where it leads comes from the settings, never from the request.
    let proto = headers.get("X-Forwarded-Proto").last()?.rsplit(',').next()?.trim();
    match &settings.url {
        Some(url) if settings.https && settings.trust_proxy && proto == "http" => {
            Some(Refused::Insecure(format!("{url}{}", request.uri())))
        }
        _ => None,
    }
}

#[rocket::async_trait]
impl Fairing for Gate {
    fn info(&self) -> Info {
        Info { name: "The gate", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        let refused = match request.rocket().state::<Settings>() {
            Some(settings) => look(request, settings),
            None => Some(Refused::Host),
        };
        if let Some(refused) = refused {
            request.local_cache(|| refused);
            request.set_method(Method::Get);
            if let Ok(there) = Origin::parse(REFUSED) {
                request.set_uri(there);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_allowed, name};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// What is let in is one of ours, whatever stands around it.
        #[test]
        fn no_other_name_is_let_in(
            host in prop_oneof![
                "(airline\\.example|evil\\.example|localhost|\\[::1\\])?[.:@a-z0-9\\[\\] /%]{0,12}(airline\\.example)?(:[0-9]{0,6})?",
                any::<String>(),
            ]
        ) {
            let ours = ["airline.example".to_owned()];
            if let Some(name) = name(&host).filter(|name| is_allowed(name, &ours)) {
                let bare = host.to_ascii_lowercase();
                let bare = match bare.rsplit_once(':') {
                    Some((bare, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
                    _ => &bare,
                };
                prop_assert_eq!(bare.trim_end_matches('.'), &name);
                prop_assert!(["airline.example", "localhost", "127.0.0.1", "[::1]"].contains(&&*name));
            }
        }
    }

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
