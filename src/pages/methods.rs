//! Which methods a path answers to. A wrong one gets 405 and an `Allow` header (RFC 9110, 15.5.6), where Rocket
//! alone would say that there is no such page.

use rocket::http::Method;
use rocket::{Request, Route};

use super::gate::REFUSED;

/// Parameters of routes that are whole numbers: nothing else is at these paths.
const NUMBERS: [&str; 3] = ["<id>", "<number>", "<session>"];

/// The methods of a request's path, looked up once: the gate may send the request elsewhere afterwards.
#[derive(Debug)]
pub(super) struct Allowed(Option<String>);

impl Allowed {
    /// The methods as an `Allow` header lists them; none for a path that does not exist.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> Option<&'r str> {
        request.local_cache(|| Self(find(request))).0.as_deref()
    }
}

fn find(request: &Request<'_>) -> Option<String> {
    let path: Vec<&str> = request.uri().path().segments().collect();
    let mut methods: Vec<&str> = Vec::new();
    for route in request.rocket().routes().filter(|route| is_at(route, &path)) {
        methods.push(route.method.as_str());
        // Rocket answers HEAD wherever it answers GET.
        if route.method == Method::Get {
            methods.push(Method::Head.as_str());
        }
    }
    methods.sort_unstable();
    methods.dedup();
    (!methods.is_empty()).then(|| methods.join(", "))
}

fn is_at(route: &Route, path: &[&str]) -> bool {
    let pattern = route.uri.path();
    let segments: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    pattern != REFUSED
        // What keeps the forms of other routes has no address of its own.
        && !pattern.contains("..>")
        && segments.len() == path.len()
        && segments.iter().zip(path).all(|(segment, part)| fits(segment, part))
}

fn fits(segment: &str, part: &str) -> bool {
    if NUMBERS.contains(&segment) {
        part.parse::<i64>().is_ok()
    } else {
        segment.starts_with('<') || segment == part
    }
}
