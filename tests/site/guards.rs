//! What guards every route: walked, so that a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use rocket::http::{ContentType, Header, Method};

use crate::support::{Fields, Site};

/// Every mounted route.
pub(crate) fn mounted(site: &Site) -> Vec<(Method, String)> {
    // (What keeps the forms of other routes has no address of its own.)
    let routes = site.client.rocket().routes().filter(|route| !route.uri.path().contains("..>"));
    let mut all: Vec<_> = routes.map(|route| (route.method, route.uri.path().to_owned())).collect();
    all.sort_by(|a, b| (&a.1, a.0.as_str()).cmp(&(&b.1, b.0.as_str())));
    all
}

/// A route's path with something in place of the parameters that name no object.
pub(crate) fn filled(path: &str) -> String {
    let path = path.replace("<field>", "passengers").replace("<name>", "none");
    path.replace("<number>", "0").replace("<session>", "1")
}

/// Every mounted route, with something in place of its parameters.
fn routes(site: &Site) -> Vec<(Method, String)> {
    let fill = |(method, path): (Method, String)| {
        let path = filled(&path).replace("<kind>", "flights").replace("<id>", "20001");
        assert!(!path.contains('<'), "{path}: say what stands for its parameter");
        (method, path)
    };
    mounted(site).into_iter().map(fill).collect()
}

#[rocket::async_test]
async fn no_unsafe_route_does_anything_without_proof() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut staff = site.staff().await;
    let token = staff.token().await;
    let mut other = site.browser();
    let foreign = other.token().await;
    let before = site.dump().await;
    let unsafe_routes: Vec<_> =
        routes(&site).into_iter().filter(|(method, _)| *method == Method::Post).collect();
    assert!(unsafe_routes.len() >= 8, "{unsafe_routes:?}");
    for (_, path) in unsafe_routes {
        let path = path.replace("20001", &flight.id.to_string());
        let pairs = |token: &str| -> Vec<(String, String)> {
            [
                ("csrf", token),
                ("passenger", &alice.id.to_string()),
                ("version", "1"),
                ("theme", "dark"),
                ("origin", "JFK"),
                ("destination", "CDG"),
                ("duration", "77"),
            ]
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
        };
        let tries: [(&str, &str, Fields<'_>); 7] = [
            ("no token", "", &[]),
            ("another browser's token", &foreign, &[]),
            ("another site", &token, &[("Sec-Fetch-Site", "cross-site")]),
            ("a sister site", &token, &[("Sec-Fetch-Site", "same-site")]),
            (
                "another origin",
                &token,
                &[("Origin", "https://evil.example"), ("Host", "localhost")],
            ),
            ("no origin", &token, &[("Origin", "null"), ("Host", "localhost")]),
            ("a wrong header", &token, &[("X-CSRF-Token", "wrong")]),
        ];
        for (what, token, headers) in tries {
            let page = staff.post_only(&path, &pairs(token), headers).await;
            assert_eq!(page.status.code, 403, "{path} with {what}");
        }
        assert_eq!(site.dump().await, before, "{path}");
    }
}

#[rocket::async_test]
async fn a_form_must_arrive_whole_as_a_form() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    let token = visitor.token().await;
    let browser = visitor.cookies["browser"].clone();
    let body = format!("csrf={token}&passenger={}", alice.id);
    let whole = body.len();
    let send = async |kind: ContentType, length: Option<usize>, body: String| {
        let mut request = site
            .client
            .post(format!("/{}/book", flight.id))
            .header(kind)
            .header(Header::new("Host", "localhost"))
            .cookie(("browser", browser.clone()));
        if let Some(length) = length {
            request = request.header(Header::new("Content-Length", length.to_string()));
        }
        request.body(body).dispatch().await.status().code
    };
    assert_eq!(send(ContentType::Form, Some(whole + 10), body.clone()).await, 400, "cut off");
    assert_eq!(send(ContentType::Form, Some(5), body.clone()).await, 400, "too long");
    assert_eq!(send(ContentType::Form, None, body.clone()).await, 411);
    assert_eq!(send(ContentType::JSON, Some(whole), body.clone()).await, 415);
    assert_eq!(send(ContentType::Plain, Some(whole), body.clone()).await, 415);
    assert_eq!(send(ContentType::Form, Some(3_000_000), "x".repeat(3_000_000)).await, 413);
    assert_eq!(site.booked(&flight).await, 0);
    assert_eq!(send(ContentType::Form, Some(whole), body).await, 303);
    assert_eq!(site.booked(&flight).await, 1);
}

#[rocket::async_test]
async fn staff_routes_are_closed_to_strangers() {
    let site = Site::fresh().await;
    site.any_flight().await;
    let open = [
        "/admin/login",
        "/admin/login/code",
        "/admin/first",
        "/admin/reset",
        "/admin/reset/choose",
    ];
    let closed: Vec<_> = routes(&site)
        .into_iter()
        .filter(|(method, path)| {
            *method == Method::Get && path.starts_with("/admin") && !open.contains(&path.as_str())
        })
        .collect();
    assert!(closed.len() >= 9, "{closed:?}");
    let mut stranger = site.browser();
    for (_, path) in closed {
        let page = stranger.get(&path).await;
        assert!(page.path.starts_with("/admin/login/?next="), "{path}: {}", page.path);
        let live = stranger.ask(&path, &[("HX-Request", "true")]).await;
        assert_eq!(live.status.code, 401, "{path}");
        assert!(live.header("HX-Redirect").unwrap().starts_with("/admin/login/"), "{path}");
    }
}

#[rocket::async_test]
async fn reading_changes_nothing() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let before = site.dump().await;
    for (_, path) in routes(&site).into_iter().filter(|(method, _)| *method == Method::Get) {
        let path = path.replace("20001", &flight.id.to_string());
        let page = staff.get(&path).await;
        assert!(page.status.code < 500, "{path}");
    }
    assert_eq!(site.dump().await, before);
}

/// Every route, and every kind of error, for a stranger and for a superuser.
#[rocket::async_test]
async fn every_answer_carries_the_headers() {
    let site = Site::with(|settings| settings.https = true).await;
    let flight = site.any_flight().await;
    let mut visitor = site.browser();
    let css = visitor.get("/").await.attribute("link[rel=stylesheet]", "href");
    let mut staff = site.staff().await;
    let secret = staff.cookies.remove("session").unwrap();
    staff.cookies.insert("__Host-session".to_owned(), secret);
    let mut answers = Vec::new();
    for (method, path) in routes(&site) {
        if path.contains("logout") || path.contains("/end-") {
            continue;
        }
        let path = path.replace("20001", &flight.id.to_string());
        for browser in [&mut visitor, &mut staff] {
            answers.push(if method == Method::Get {
                browser.get_only(&path).await
            } else {
                browser.post_only(&path, &[], &[]).await
            });
        }
    }
    for path in
        ["/999", "/nowhere", "/robots.txt", &css, "/admin/flights/9999999999999999999/change"]
    {
        answers.push(visitor.get_only(path).await);
    }
    answers.push(visitor.ask("/", &[("Host", "evil.example")]).await);
    answers.push(visitor.ask("/", &[("X", &"y".repeat(40_000))]).await);
    answers.push(visitor.send_as("/appearance", "text/plain", Vec::new()).await);
    answers.push(visitor.send_raw("/appearance", vec![b'x'; 3_000_000]).await);
    let form = staff.get("/admin/airports/add/").await;
    answers.push(staff.submit(&form, "form.edit", &[("_save", "1")]).await);
    {
        site.site_pool().shut().await;
        answers.push(visitor.get_only("/").await);
    }
    let mut statuses: Vec<_> = answers.iter().map(|page| page.status.code).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in [200, 303, 400, 403, 404, 413, 415, 422, 431, 503] {
        assert!(statuses.contains(&status), "{status} is not among {statuses:?}");
    }
    for page in answers {
        let path = format!("{} ({})", page.path, page.status);
        let policy = page.header("Content-Security-Policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert_eq!(page.header("X-Request-Id").map(str::len), Some(16), "{path}");
        assert!(page.header("Server").is_none(), "{path}");
        if !page.bytes.is_empty() {
            let kind = page.header("Content-Type").unwrap_or_default();
            let text = kind.starts_with("text/") || kind.contains("json");
            assert!(
                !kind.is_empty() && (!text || kind.contains("charset=utf-8")),
                "{path}: {kind}"
            );
        }
    }
}

/// What stands in front of the site says how somebody came, where from, and what the request is called;
/// but only where it is trusted, and only what it said last.
#[rocket::async_test]
async fn what_a_proxy_says_counts_only_where_it_is_trusted() {
    for (trust, https) in [(false, true), (true, false), (true, true)] {
        let site = Site::with(|settings| {
            settings.trust_proxy = trust;
            settings.https = https;
        })
        .await;
        let mut visitor = site.browser();
        let http = visitor.ask("/1?q=x", &[("X-Forwarded-Proto", "https, http")]).await;
        if trust && https {
            assert_eq!(http.status.code, 308);
            assert_eq!(http.header("Location"), Some("https://airline.example/1?q=x"));
        } else {
            assert_eq!(http.status.code, 404);
        }
        let invented = visitor.ask("/1", &[("X-Forwarded-Proto", "http, https")]).await;
        assert_eq!(invented.status.code, 404, "trust {trust}, https {https}");
        let name = [("X-Request-Id", "0123-abcdef-proxy")];
        let id = visitor.ask("/1", &name).await.header("X-Request-Id").unwrap().to_owned();
        assert_eq!(id == "0123-abcdef-proxy", trust);
        for bad in ["short", "a b c d e f g h", &"x".repeat(65), "abc\"def\"gh"] {
            let page = visitor.ask("/1", &[("X-Request-Id", bad)]).await;
            assert_ne!(page.header("X-Request-Id"), Some(bad));
        }
        // It never says which site this is.
        let host = [("X-Forwarded-Host", "evil.example")];
        assert!(!visitor.ask("/admin/", &host).await.text.contains("evil.example"));
    }
}

#[rocket::async_test]
async fn what_depends_on_who_asks_is_kept_nowhere() {
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/").await.header("Cache-Control"), Some("no-cache"));
    assert!(visitor.cookies.is_empty(), "reading sets no cookie");
    let mut staff = site.staff().await;
    for path in ["/", "/admin/", "/admin/flights/"] {
        assert_eq!(staff.get(path).await.header("Cache-Control"), Some("no-store"), "{path}");
    }
}

#[rocket::async_test]
async fn a_database_that_is_gone_is_no_reason_to_sign_anybody_out() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let token = staff.token().await;
    site.site_pool().shut().await;
    let form = [("csrf".to_owned(), token), ("passenger".to_owned(), "1".to_owned())];
    for path in [
        "/".to_owned(),
        format!("/{}", flight.id),
        "/admin/".to_owned(),
        "/admin/flights/add/".to_owned(),
    ] {
        let page = staff.get(&path).await;
        assert_eq!((page.status.code, page.count("#why")), (503, 1), "{path}");
    }
    // Nobody can tell whose session this is, so nothing is done.
    assert!(staff.post_only("/admin/flights/add/", &form, &[]).await.status.code >= 403);
    assert_eq!(staff.get("/healthz").await.status.code, 200);
    // The database itself is well: `failures` sees `/readyz` refuse.
    assert_eq!(staff.get("/readyz").await.status.code, 200);
}

/// NUL, broken UTF-8, numbers past every range: in every part of every address of the staff site.
#[rocket::async_test]
async fn nothing_in_an_address_breaks_the_staff_site() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    for value in [
        "%00",
        "%ff",
        "a%00b",
        "%F0%9F%9B%AB",
        "99999999999999999999",
        "-1",
        "%27",
        "%22%3E%3Cscript%3E",
        "%25",
    ] {
        for path in [
            "/admin/flights/?q=",
            "/admin/flights/?origin=",
            "/admin/flights/?valid=",
            "/admin/flights/?sort=",
            "/admin/flights/?page=",
            "/admin/airports/suggestions/?name=q&q=",
            "/admin/airports/suggestions/?name=",
            "/admin/passengers/suggestions/?name=q&q=",
            "/admin/flights/candidates/?name=f&f-search=",
            "/admin/flights/candidates/?name=",
            "/admin/flights/candidates/?for=",
            "/admin/flights/add/?origin=",
            "/admin/passengers/add/?flights=",
            "/admin/airports/add/?back=",
            "/admin/flights/row/passengers/",
            &format!("/admin/flights/{}/history/?page=", flight.id),
            &format!("/{}?q=", flight.id),
            &format!("/{}?passenger=", flight.id),
            "/appearance?next=",
        ] {
            let page = staff.get(&format!("{path}{value}")).await;
            assert!(page.status.code < 500, "{path}{value}: {}", page.status);
            assert_eq!(page.count("body script:not([src])"), 0, "{path}{value}");
        }
    }
}

/// The same in every field of every form.
#[rocket::async_test]
async fn nothing_in_a_form_breaks_the_site() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.superuser_with_password("other").await;
    let mut staff = site.staff().await;
    let before = site.dump().await;
    for value in [
        "\0",
        "a\0b",
        "\u{fffd}",
        "🛫",
        "99999999999999999999",
        "-99999999999999999999",
        "' OR 1=1 --",
        "#",
        "#99999999999999999999",
        "()",
        "(((",
        "\u{202e}",
    ] {
        for path in [
            "/admin/airports/add/".to_owned(),
            "/admin/flights/add/".to_owned(),
            "/admin/passengers/add/".to_owned(),
            format!("/admin/flights/{}/change/", flight.id),
            format!("/admin/passengers/{}/change/", alice.id),
        ] {
            let form = staff.get(&path).await;
            let (action, _, pairs) = form.form("form.edit", &[("_save", "1")]);
            for (field, _) in
                pairs.iter().filter(|(field, _)| !matches!(field.as_str(), "csrf" | "_save"))
            {
                let mut changed: Vec<_> =
                    pairs.iter().filter(|(name, _)| name != field).cloned().collect();
                changed.push((field.clone(), value.to_owned()));
                let page = staff.post_only(&action, &changed, &[]).await;
                assert!(page.status.code < 500, "{path} {field}={value:?}: {}", page.status);
            }
        }
        let mut stranger = site.browser();
        let login = stranger.get("/admin/login/").await;
        let page =
            stranger.submit(&login, "main form", &[("username", value), ("password", value)]).await;
        assert_eq!(page.status.code, 422, "{value:?}");
    }
    assert!(site.dump().await.len() >= before.len());
}

#[rocket::async_test]
async fn only_our_own_names_are_answered_to() {
    let site = Site::with(|settings| settings.hosts = vec![".airline.example".to_owned()]).await;
    let mut visitor = site.browser();
    for (host, status) in [
        ("airline.example", 200),
        ("www.AIRLINE.example:8000", 200),
        ("localhost:8000", 200),
        ("[::1]", 200),
        ("evil.example", 400),
        ("airline.example.evil.example", 400),
        ("a b", 400),
        ("", 400),
        ("airline.example@evil.example", 400),
    ] {
        for path in ["/", "/healthz", "/robots.txt", "/nowhere"] {
            let page = visitor.ask(path, &[("Host", host)]).await;
            let expected = if path == "/nowhere" && status == 200 { 404 } else { status };
            assert_eq!(page.status.code, expected, "{host:?} {path}");
        }
    }
    assert_eq!(site.client.get("/").dispatch().await.status().code, 400, "no name at all");
    let two = site
        .client
        .get("/")
        .header(Header::new("Host", "localhost"))
        .header(Header::new("Host", "localhost"));
    assert_eq!(two.dispatch().await.status().code, 400, "two names");
}

/// A request holds one connection at a time: else many at once wait for each other's second.
#[rocket::async_test]
async fn one_connection_is_enough_for_every_page() {
    let site = Site::with(|settings| settings.connections = 1).await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let mut stranger = site.browser();
    stranger.cookies.insert("session".to_owned(), "garbage".to_owned());
    for (_, path) in routes(&site).into_iter().filter(|(method, _)| *method == Method::Get) {
        let path = path.replace("20001", &flight.id.to_string());
        for browser in [&mut staff, &mut stranger] {
            let begin = std::time::Instant::now();
            let page = browser.get(&path).await;
            assert!(page.status.code < 500, "{path}: {}", page.status);
            assert!(begin.elapsed().as_secs() < 4, "{path} waited for a second connection");
        }
    }
    assert!(staff.get("/").await.one(".who").contains("boss"));
}

#[rocket::async_test]
async fn what_is_far_too_long_or_far_too_great_is_no_fault_of_ours() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let long = "a".repeat(60_000);
    for path in [
        format!("/admin/flights/{}/history/?page=9223372036854775807", flight.id),
        format!("/{}?q={long}", flight.id),
        format!("/{}/passengers?q={long}", flight.id),
        format!("/?from={long}"),
        format!("/admin/flights/?q={long}&origin={long}"),
        format!("/admin/airports/suggestions/?name=q&q={long}"),
        format!("/admin/flights/candidates/?name=f&f-search={long}"),
    ] {
        assert_eq!(staff.get(&path).await.status.code, 200, "{}", &path[..40]);
    }
    let form = staff.get("/admin/flights/add/").await;
    let fields = [("origin", &*long), ("passengers", &*long), ("_save", "1")];
    assert_eq!(staff.submit(&form, "form.edit", &fields).await.status.code, 422);
    for next in ["/\"", "/{a}", "/^", "/|", "/<x>", "/a#b#c"] {
        let form = staff.get("/appearance").await;
        let back = staff.submit(&form, "main form", &[("theme", "dark"), ("next", next)]).await;
        assert_eq!((back.status.code, back.path.as_str()), (200, "/"), "{next}");
    }
}

/// A page that is asked for by a wrong method says which are right (RFC 9110, 15.5.6); one that does not exist
/// stays one that does not exist.
#[rocket::async_test]
async fn a_wrong_method_is_told_which_are_right() {
    let site = Site::fresh().await;
    let ask = async |method: Method, path: &str, partial: bool| {
        let mut request =
            site.client.req(method, path.to_owned()).header(Header::new("Host", "localhost"));
        if partial {
            request = request.header(Header::new("HX-Request", "true"));
        }
        let response = request.dispatch().await;
        let header = |name: &str| response.headers().get_one(name).map(str::to_owned);
        (response.status().code, header("Allow"), header("HX-Retarget"))
    };
    let mut methods: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (method, path) in routes(&site) {
        let of_path = methods.entry(path).or_default();
        of_path.insert(method.as_str());
        if method == Method::Get {
            of_path.insert("HEAD");
        }
    }
    assert_eq!(methods.remove("/.refused").map(|known| known.len()), Some(2));
    assert!(methods.len() > 40, "{} paths", methods.len());
    for (path, known) in &methods {
        for wrong in [Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Trace] {
            let (status, allow, _) = ask(wrong, path, false).await;
            assert_eq!(status, 405, "{wrong} {path}");
            let allow = allow.unwrap_or_default();
            let told: BTreeSet<&str> = allow.split(", ").collect();
            assert!(told.is_superset(known), "{path}: {told:?}");
            assert!(!told.contains(wrong.as_str()), "{path}: {told:?}");
        }
    }
    for (method, path, allowed) in [
        (Method::Post, "/7", "GET, HEAD"),
        (Method::Post, "/", "GET, HEAD"),
        (Method::Post, "/healthz", "GET, HEAD"),
        (Method::Get, "/7/book", "POST"),
        (Method::Head, "/7/book/", "POST"),
        (Method::Get, "/admin/factor/off", "POST"),
        (Method::Put, "/appearance?theme=dark", "GET, HEAD, POST"),
    ] {
        let (status, allow, _) = ask(method, path, false).await;
        assert_eq!((status, allow.as_deref()), (405, Some(allowed)), "{method} {path}");
    }
    let (status, _, target) = ask(Method::Put, "/", true).await;
    assert_eq!((status, target.as_deref()), (405, Some("#messages")));
    for (method, path) in [
        (Method::Post, "/nowhere"),
        (Method::Put, "/a/b/c"),
        (Method::Get, "/7/nothing"),
        (Method::Put, "/.refused"),
        (Method::Delete, "/99999999999999999999"),
    ] {
        let (status, allow, _) = ask(method, path, false).await;
        assert_eq!((status, allow), (404, None), "{method} {path}");
    }
}
