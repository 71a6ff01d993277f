//! What comes over the wire: broken, cut off, slow, far too much. Raw sockets, against the site as the
//! program serves it.

use std::time::{Duration, Instant};

use airline::auth::first::FirstLink;
use airline::wire::Deadlines;
use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use rocket::tokio::net::TcpStream;
use rocket::tokio::time::{sleep, timeout};

use crate::support::{PASSWORD, Running, Site, serve, settings};

/// Shorter than the program's, in the same order.
const SHORT: Deadlines = Deadlines {
    answer: Duration::from_millis(1_500),
    idle: Duration::from_secs(3),
    take: Duration::from_millis(1_500),
};

struct Served {
    site: Site,
    port: u16,
    running: Running,
}

impl Served {
    async fn with(deadlines: Deadlines) -> Self {
        let site = Site::fresh().await;
        let rocket =
            airline::site::site(settings(&site.database), site.clock.clone(), FirstLink::default());
        let (port, running) = serve(rocket.unwrap(), deadlines).await;
        Self { site, port, running }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// Sends bytes, and answers everything that comes back until the other end closes.
    async fn raw(&self, bytes: &[u8], says_no_more: bool) -> String {
        let mut socket = self.connect().await;
        // The other end may close before it has everything: what it said is read all the same.
        let _ = socket.write_all(bytes).await;
        if says_no_more {
            let _ = socket.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The statuses of all answers to some bytes.
    async fn statuses(&self, bytes: &[u8]) -> Vec<u16> {
        statuses(&self.raw(bytes, false).await)
    }
}

fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).map(|part| part[..3].parse().unwrap()).collect()
}

#[rocket::async_test(flavor = "multi_thread")]
async fn a_head_that_is_broken_is_never_a_page() {
    let served = Served::with(Deadlines::default()).await;
    let get = |rest: &str| format!("GET /healthz HTTP/1.1\r\nConnection: close\r\n{rest}\r\n");
    let host = "Host: localhost\r\nConnection: close\r\n";
    for (what, request, expected) in [
        ("a plain request", get(host), &[200][..]),
        ("no name", get(""), &[400]),
        ("two names", get("Host: localhost\r\nHost: localhost\r\n"), &[400]),
        ("an empty name", get("Host:\r\n"), &[400]),
        ("two words", get("Host: a b\r\n"), &[400]),
        ("another name", get("Host: evil.example\r\n"), &[400]),
        ("a name and a stranger's", get("Host: localhost@evil.example\r\n"), &[400]),
        ("a trailing dot", get("Host: localhost.\r\n"), &[200]),
        ("capitals and a port", get("Host: LOCALHOST:8000\r\n"), &[200]),
        (
            "another name in the address",
            "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(),
            &[200],
        ),
        ("HTTP/1.0", "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n".to_owned(), &[]),
        ("HTTP/1.2", "GET /healthz HTTP/1.2\r\nHost: localhost\r\n\r\n".to_owned(), &[400]),
        ("HTTP/0.9", "GET /healthz\r\n\r\n".to_owned(), &[400]),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[]),
        ("NUL in a header", get("Host: localhost\r\nX: a\0b\r\n"), &[400]),
        ("a bare CR", get("Host: localhost\r\nX: a\rb\r\n"), &[400]),
        ("a folded line", get("Host: localhost\r\nX: a\r\n b\r\n"), &[400]),
        ("a blank before the colon", get("Host : localhost\r\n"), &[400]),
        ("TRACE", format!("TRACE / HTTP/1.1\r\n{host}\r\n"), &[405]),
        ("CONNECT", format!("CONNECT localhost:80 HTTP/1.1\r\n{host}\r\n"), &[400]),
        ("FOO", format!("FOO / HTTP/1.1\r\n{host}\r\n"), &[400]),
        ("OPTIONS", format!("OPTIONS / HTTP/1.1\r\n{host}\r\n"), &[405]),
        ("a path with NUL", format!("GET /%00 HTTP/1.1\r\n{host}\r\n"), &[404]),
        ("an id that is none", format!("GET /%EF%BC%91 HTTP/1.1\r\n{host}\r\n"), &[404]),
        ("an id with SQL", format!("GET /1%20OR%201=1 HTTP/1.1\r\n{host}\r\n"), &[404]),
        ("an id past the end", format!("GET /9223372036854775808 HTTP/1.1\r\n{host}\r\n"), &[404]),
        ("up the tree", format!("GET /static/..%2f..%2fCargo.toml HTTP/1.1\r\n{host}\r\n"), &[404]),
        ("100 headers more", get(&format!("{host}{}", "X: y\r\n".repeat(101))), &[431]),
        ("a very long header", get(&format!("{host}X: {}\r\n", "y".repeat(40_000))), &[431]),
        ("a long header", get(&format!("{host}X: {}\r\n", "y".repeat(20_000))), &[200]),
        (
            "a very long address",
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "y".repeat(70_000)),
            &[414],
        ),
        ("a junk cookie", get(&format!("{host}Cookie: session=\u{1}; ;;=; a\r\n")), &[400]),
        ("long cookies", get(&format!("{host}Cookie: session={}\r\n", "y".repeat(8_000))), &[200]),
        ("a cookie twice", get(&format!("{host}Cookie: session=a; session=b\r\n")), &[200]),
    ] {
        let got = served.statuses(request.as_bytes()).await;
        if what == "HTTP/1.0" {
            // Answered as HTTP/1.0.
            assert!(served.raw(request.as_bytes(), false).await.starts_with("HTTP/1.0 200"), "{what}");
            continue;
        }
        assert_eq!(got, expected, "{what}");
    }
    let raw = served.statuses(b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(raw, [400], "a byte that is no text");
    let cookie = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: session=\xff\xfe\r\n\r\n";
    assert_eq!(served.statuses(cookie).await, [200], "a cookie that is no text is nobody's");
}

#[rocket::async_test(flavor = "multi_thread")]
async fn lengths_that_disagree_are_no_second_request() {
    let served = Served::with(Deadlines::default()).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = |headers: &str, body: &str| {
        format!(
            "POST /appearance HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/x-www-form-urlencoded\r\n{headers}\r\n{body}"
        )
    };
    for (what, request) in [
        (
            "both lengths",
            post(
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                &format!("0\r\n\r\n{smuggled}"),
            ),
        ),
        (
            "two lengths",
            post("Content-Length: 5\r\nContent-Length: 6\r\n", &format!("a=bcd{smuggled}")),
        ),
        ("a plus", post("Content-Length: +5\r\n", &format!("a=bcd{smuggled}"))),
        ("a list", post("Content-Length: 5, 5\r\n", &format!("a=bcd{smuggled}"))),
        ("less than none", post("Content-Length: -1\r\n", smuggled)),
        ("hexadecimal", post("Content-Length: 0x5\r\n", &format!("a=bcd{smuggled}"))),
        ("past the end", post("Content-Length: 18446744073709551616\r\n", smuggled)),
        (
            "an unknown encoding",
            post("Transfer-Encoding: xchunked\r\n", &format!("0\r\n\r\n{smuggled}")),
        ),
        (
            "another one last",
            post("Transfer-Encoding: chunked, identity\r\n", &format!("0\r\n\r\n{smuggled}")),
        ),
        (
            "a size past the end",
            post("Transfer-Encoding: chunked\r\n", &format!("fffffffffffffffff\r\n{smuggled}")),
        ),
        (
            "a size with a prefix",
            post("Transfer-Encoding: chunked\r\n", &format!("0x5\r\na=bcd\r\n0\r\n\r\n{smuggled}")),
        ),
    ] {
        let statuses = served.statuses(request.as_bytes()).await;
        assert_eq!(statuses.len(), 1, "{what}: {statuses:?}");
        assert!((400..500).contains(&statuses[0]), "{what}: {statuses:?}");
    }
    // A body that nobody reads is not taken for the next request either.
    let body = "GET /smuggled HTTP/1.1\r\nX: y\r\n\r\n";
    let whole = format!(
        "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}GET /healthz \
         HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        body.len()
    );
    assert_eq!(served.statuses(whole.as_bytes()).await, [404, 200]);
}

#[rocket::async_test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_never_carried_out() {
    let served = Served::with(Deadlines::default()).await;
    let flight = served.site.any_flight().await;
    let alice = served.site.passenger("Alice", "Adams").await;
    let mut visitor = served.site.browser();
    let token = visitor.token().await;
    let browser = visitor.cookies["browser"].clone();
    let body = format!("csrf={token}&passenger={}&q={}", alice.id, "x".repeat(6_000));
    let head = |length: &str| {
        format!(
            "POST /{}/book HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: browser={browser}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{length}\r\n\r\n",
            flight.id
        )
    };
    let length = format!("Content-Length: {}", body.len());
    for sent in [0, 1, 10, 13, 14, 16, 75, 90, 110, 600, 5_010, body.len() - 1] {
        let request = format!("{}{}", head(&length), &body[..sent]);
        let statuses = statuses(&served.raw(request.as_bytes(), true).await);
        assert!(statuses.iter().all(|status| *status == 400), "{sent} bytes: {statuses:?}");
    }
    let chunked = head("Transfer-Encoding: chunked");
    for chunks in [
        format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        format!("{:x}\r\n{body}", body.len() + 9),
        format!("zz\r\n{body}"),
    ] {
        let statuses = statuses(&served.raw(format!("{chunked}{chunks}").as_bytes(), true).await);
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{statuses:?}");
    }
    assert_eq!(served.site.booked(&flight).await, 0);
    // The same, whole: what was refused was the missing part.
    let request = format!("{}{body}", head(&length));
    assert_eq!(served.statuses(request.as_bytes()).await, [303]);
    assert_eq!(served.site.booked(&flight).await, 1);
}

/// The head of a form comes, then somebody takes away what its sender may, then the body comes.
#[rocket::async_test(flavor = "multi_thread")]
async fn what_is_taken_away_while_a_body_arrives_is_gone() {
    let served = Served::with(Deadlines::default()).await;
    served.site.superuser("boss", "unusable").await;
    let id = served.site.superuser_with_password("second").await;
    for (path, form, fields) in [
        (
            format!("/admin/users/{id}/change/"),
            "form.edit",
            vec![("_save", "1"), ("email", "a@b.example")],
        ),
        (
            "/admin/airports/add/".to_owned(),
            "form.edit",
            vec![("code", "JFK"), ("city", "New York")],
        ),
        (
            "/admin/password/".to_owned(),
            "main form",
            vec![
                ("old", PASSWORD),
                ("new", "eight yellow umbrellas"),
                ("again", "eight yellow umbrellas"),
            ],
        ),
    ] {
        served.site.database.run("UPDATE users SET is_active = TRUE, is_superuser = TRUE").await;
        let mut second = served.site.session_of(id).await;
        let page = second.get(&path).await;
        let (action, _, mut pairs) = page.form(form, &fields);
        // He knows what the others' change will count.
        if let Some(version) = pairs.iter_mut().find(|(name, _)| name == "version") {
            version.1 = (version.1.parse::<i64>().unwrap() + 1).to_string();
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let head = format!(
            "POST {action} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: browser={}; \
             session={}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
             {}\r\n\r\n{}",
            second.cookies["browser"],
            second.cookies["session"],
            body.len(),
            &body[..40]
        );
        let before = served.site.pool.statements();
        let mut socket = served.connect().await;
        socket.write_all(head.as_bytes()).await.unwrap();
        // His guard has asked who he is before this answer comes.
        sleep(Duration::from_millis(300)).await;
        assert_eq!(served.site.pool.statements(), before, "another pool");
        served
            .site
            .database
            .run(&format!(
                "UPDATE users SET is_superuser = FALSE, is_staff = FALSE, version = version + 1 WHERE id = {id}"
            ))
            .await;
        let kept = served.site.dump().await;
        socket.write_all(&body.as_bytes()[40..]).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert_eq!(served.site.dump().await, kept, "{path}");
    }
}

/// Waits until the other end closes, writing a byte now and then, and answers how long that took.
async fn until_closed(mut socket: TcpStream, drip: Option<&[u8]>, most: Duration) -> Duration {
    let begin = Instant::now();
    let mut piece = [0; 1024];
    loop {
        assert!(begin.elapsed() < most, "still open after {most:?}");
        match timeout(Duration::from_millis(100), socket.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => return begin.elapsed(),
            Ok(Ok(_)) => {}
            Err(_) => {
                if let Some(drip) = drip
                    && socket.write_all(drip).await.is_err()
                {
                    return begin.elapsed();
                }
            }
        }
    }
}

#[rocket::async_test(flavor = "multi_thread")]
async fn who_is_too_slow_is_cut_off() {
    let served = Served::with(SHORT).await;
    let most = SHORT.answer + Duration::from_secs(3);
    let silent = until_closed(served.connect().await, None, most);
    let head = async {
        let mut socket = served.connect().await;
        socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await.unwrap();
        until_closed(socket, Some(b"y"), most).await
    };
    let body = async {
        let mut socket = served.connect().await;
        let head = "POST /appearance HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\
            Content-Type: application/x-www-form-urlencoded\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        until_closed(socket, Some(b"y"), most).await
    };
    // A second request on a connection has as long as the first.
    let second = async {
        let mut socket = served.connect().await;
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut piece = [0; 2048];
        assert!(socket.read(&mut piece).await.unwrap() > 0);
        sleep(Duration::from_millis(500)).await;
        socket.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        until_closed(socket, Some(b"X: y\r\n"), most).await
    };
    let (silent, head, body, second) = futures::join!(silent, head, body, second);
    for (what, took) in [("silent", silent), ("head", head), ("body", body), ("second", second)] {
        assert!(took + Duration::from_millis(100) >= SHORT.answer, "{what} after {took:?}");
    }
    // Others are answered all the while.
    assert_eq!(
        served
            .statuses(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await,
        [200]
    );
}

#[rocket::async_test(flavor = "multi_thread")]
async fn an_idle_connection_is_kept_and_then_closed() {
    let served = Served::with(SHORT).await;
    let mut socket = served.connect().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut piece = [0; 4096];
    for _ in 0..2 {
        // Longer than for an answer, shorter than idle.
        socket.write_all(request).await.unwrap();
        assert!(socket.read(&mut piece).await.unwrap() > 0);
        sleep(SHORT.answer + Duration::from_millis(500)).await;
    }
    let rest = until_closed(socket, None, SHORT.idle + Duration::from_secs(2)).await;
    assert!(rest < SHORT.idle, "counted from the last byte: {rest:?}");
    // The program's own: between 91 and 120 seconds, and 25 for an answer.
    let real = Deadlines::default();
    assert!((91..=120).contains(&real.idle.as_secs()) && real.answer.as_secs() <= 25);
}

/// Whoever does not read what he asked for is cut off, long before he would be for being idle.
#[rocket::async_test(flavor = "multi_thread")]
async fn who_does_not_read_is_cut_off() {
    const TIMES: usize = 200;
    let deadlines = Deadlines {
        answer: Duration::from_mins(1),
        idle: Duration::from_mins(1),
        take: Duration::from_secs(1),
    };
    let served = Served::with(deadlines).await;
    let mut visitor = served.site.browser();
    let script = visitor.get("/").await.attribute("script", "src");
    let size = visitor.get(&script).await.bytes.len();
    let mut socket = served.connect().await;
    let request = format!("GET {script} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.write_all(request.repeat(TIMES).as_bytes()).await.unwrap();
    // The system's buffers fill up; then nothing moves, for longer than is waited.
    sleep(Duration::from_secs(4)).await;
    let mut got = 0;
    let mut piece = vec![0; 64 * 1024];
    let read = async {
        while let Ok(count @ 1..) = socket.read(&mut piece).await {
            got += count;
        }
    };
    assert!(timeout(Duration::from_secs(10), read).await.is_ok(), "still open");
    assert!(got < size * TIMES, "{got} bytes: everything came after all");
    assert!(got > size, "{got} bytes: the first answers were on their way");
}

/// The address of whoever asks is his, not that of the wire in between.
#[rocket::async_test(flavor = "multi_thread")]
async fn the_wire_hides_nobody() {
    let served = Served::with(Deadlines::default()).await;
    served.site.superuser_with_password("boss").await;
    let from = |ip: [u8; 4]| async move {
        let socket = rocket::tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((ip, 0).into()).unwrap();
        let mut socket = socket.connect(([127, 0, 0, 1], served.port).into()).await.unwrap();
        socket.write_all(b"GET /admin/login HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut piece = vec![0; 16 * 1024];
        let mut text = String::new();
        while !text.contains("</html>") {
            let count = socket.read(&mut piece).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        let after = |mark: &str| text.split(mark).nth(1).unwrap()[..64].to_owned();
        let (cookie, token) = (after("set-cookie: browser="), after("name=\"csrf\" value=\""));
        let body = format!("csrf={token}&username=nobody{}&password=x", ip[3]);
        let mut last = 0;
        for _ in 0..21 {
            let request = format!(
                "POST /admin/login HTTP/1.1\r\nHost: localhost\r\nCookie: browser={cookie}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            while !text.contains("</html>") {
                let count = socket.read(&mut piece).await.unwrap();
                text.push_str(&String::from_utf8_lossy(&piece[..count]));
            }
            last = text[9..12].parse().unwrap();
            if last == 429 {
                break;
            }
        }
        last
    };
    let _ = from([127, 0, 0, 2]).await;
    let mut conn = served.site.pool.conn().await.unwrap();
    let subjects: Vec<(String,)> =
        conn.query(airline::db::Select::new("SELECT subject FROM throttle")).all().await.unwrap();
    assert!(subjects.contains(&("address:127.0.0.2".to_owned(),)), "{subjects:?}");
}

/// Told to stop, it takes nobody new, finishes what runs with its database, and then is done.
#[rocket::async_test(flavor = "multi_thread")]
async fn what_runs_is_finished_before_it_stops() {
    let served = Served::with(Deadlines::default()).await;
    let flight = served.site.any_flight().await;
    let alice = served.site.passenger("Alice", "Adams").await;
    let mut visitor = served.site.browser();
    let token = visitor.token().await;
    let body = format!("csrf={token}&passenger={}", alice.id);
    let head = format!(
        "POST /{}/book HTTP/1.1\r\nHost: localhost\r\nCookie: browser={}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        flight.id,
        visitor.cookies["browser"],
        body.len()
    );
    let mut runs = served.connect().await;
    runs.write_all(head.as_bytes()).await.unwrap();
    let silent = served.connect().await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut piece = [0; 4096];
    assert!(idle.read(&mut piece).await.unwrap() > 0);
    drop(served.running);
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", served.port)).await.is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(5), "still taking connections");
        sleep(Duration::from_millis(20)).await;
    }
    // Its sender is slow: by now Rocket stops too, and who waits for nothing is let go.
    until_closed(idle, None, Duration::from_secs(5)).await;
    until_closed(silent, None, Duration::from_secs(2)).await;
    runs.write_all(body.as_bytes()).await.unwrap();
    let count = timeout(Duration::from_secs(5), runs.read(&mut piece)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&piece[..count]);
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(served.site.booked(&flight).await, 1);
    until_closed(runs, None, Duration::from_secs(5)).await;
}

/// With few descriptors fewer are served at once, and nobody is turned away.
#[test]
fn with_few_descriptors_everybody_is_served() {
    use std::io::{Read as _, Write as _};

    use crate::commands::{Server, airline, free_port};

    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let program = airline(folder.path(), &["serve"]);
    let mut command = std::process::Command::new("prlimit");
    command.args(["--nofile=64:64", "--"]).arg(program.get_program()).args(program.get_args());
    command.current_dir(folder.path()).env("ROCKET_PORT", port.to_string());
    command.env_remove("DATABASE_URL").stderr(std::process::Stdio::null());
    let _server = Server::start_logging(command, port);
    let clients: Vec<_> = (0..100)
        .map(|_| {
            std::thread::spawn(move || {
                let mut socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
                socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                // Each keeps its connection, as browsers do.
                socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
                let mut head = [0; 12];
                socket.read_exact(&mut head).unwrap();
                let mut rest = Vec::new();
                let _ = socket.read_to_end(&mut rest);
                String::from_utf8_lossy(&head).into_owned()
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), "HTTP/1.1 200");
    }
}

/// A form that calls itself a HEAD is answered whole: its client waits for a body.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_form_that_calls_itself_a_head_is_answered() {
    let served = Served::with(Deadlines::default()).await;
    let answer = served
        .raw(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 12\r\n\
              Content-Type: application/x-www-form-urlencoded\r\n\r\n_method=head",
            false,
        )
        .await;
    assert_eq!(statuses(&answer), [405]);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(body.len(), length.parse::<usize>().unwrap());
    assert!(!body.is_empty());
    // It is told what the page answers to; a page that does not exist stays one.
    assert!(head.lines().any(|line| line.eq_ignore_ascii_case("allow: GET, HEAD")), "{head}");
    let nowhere = served
        .raw(
            b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 12\r\n\
              Content-Type: application/x-www-form-urlencoded\r\n\r\n_method=head",
            false,
        )
        .await;
    assert_eq!(statuses(&nowhere), [404]);
    // A real HEAD sends no body, whatever it says of one.
    let head = served
        .raw(
            b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
              Content-Type: application/x-www-form-urlencoded\r\n\r\n",
            false,
        )
        .await;
    assert_eq!(statuses(&head), [200]);
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}
