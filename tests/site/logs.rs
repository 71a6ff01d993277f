//! The log of a running server: one line for each request and for each event, no secret in it, and none
//! that a visitor wrote.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;

use crate::commands::{Server, airline, free_port, said};
use crate::support::{Database, PASSWORD};

/// A client that keeps its cookies.
struct Client {
    port: u16,
    cookies: Vec<(String, String)>,
}

impl Client {
    fn ask(&mut self, method: &str, path: &str, extra: &str, body: &str) -> String {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{extra}\r\n{body}",
            cookies.join("; "),
            body.len()
        );
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        for line in answer.lines() {
            let Some(cookie) = line.strip_prefix("set-cookie: ") else { continue };
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    fn token(&mut self) -> String {
        let page = self.ask("GET", "/appearance", "", "");
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect(&page);
        rest.split('"').next().unwrap().to_owned()
    }

    fn sign_in(&mut self, name: &str, password: &str) -> String {
        let token = self.token();
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("csrf", &token).append_pair("username", name);
        body.append_pair("password", password);
        self.ask("POST", "/admin/login", "", &body.finish())
    }
}

#[rocket::async_test]
async fn events_are_told_and_secrets_are_not() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let mut make = airline(folder.path(), &["createsuperuser", "--noinput"]);
    make.env("DATABASE_URL", &database.url)
        .env("AIRLINE_SUPERUSER_USERNAME", "boss")
        .env("AIRLINE_SUPERUSER_PASSWORD", PASSWORD);
    assert!(said(make.output().unwrap()).ok);

    let port = free_port();
    let mut command = airline(folder.path(), &[]);
    command.env("DATABASE_URL", &database.url).env("ROCKET_PORT", port.to_string());
    command.env("AIRLINE_LOG", "debug,hyper=info");
    let log = folder.path().join("log");
    command.stderr(std::fs::File::create(&log).unwrap());
    let server = Server::start_logging(command, port);

    let mut client = Client { port, cookies: Vec::new() };
    let forged = "x\r\nts=2026-01-01T00:00:00Z level=info event=authn_login_success user=1";
    client.sign_in(forged, "a wrong secret");
    client.sign_in("a secret in the wrong field", "x");
    client.ask("GET", "/%0d%0aevent=authn_login_success", "", "");
    client.ask("GET", "/%1b[31mred", "User-Agent: evil\u{1b}[31m\r\n", "");
    client.ask("GET", &format!("/{}?q=a%20secret%20query", "y".repeat(10_000)), "", "");
    client.ask("GET", "/?q=another%20secret%20query", "", "");
    client.ask("GET", "/admin/first/?key=a-secret-key", "", "");
    client.ask("POST", "/for/another", "Host: elsewhere.example\r\n", "");
    let token = client.token();
    client.ask("POST", "/appearance", "Sec-Fetch-Site: cross-site\r\n", &format!("csrf={token}"));
    client.ask("POST", "/appearance", "", "csrf=nonsense");
    let signed_in = client.sign_in("boss", PASSWORD);
    assert!(signed_in.starts_with("HTTP/1.1 303"), "{signed_in}");
    let mut secrets: Vec<String> = client
        .cookies
        .iter()
        .map(|(_, value)| value.clone())
        .filter(|value| value.len() == 64)
        .collect();
    assert_eq!(secrets.len(), 3, "session, browser, device");
    secrets.push(client.token());
    let form = format!(
        "csrf={}&username=clerk&email=clerk%40example.org&is_active=1&is_staff=1&rights=book&_save=1",
        client.token()
    );
    client.ask("POST", "/admin/users/add", "", &form);
    let form = format!("csrf={}", client.token());
    client.ask("POST", "/admin/users/1/invite", "", &form);
    let device = client.cookies.iter().any(|(name, _)| name == "device");
    let left = client.ask("POST", "/admin/logout", "", &form).to_ascii_lowercase();
    // What the browser stored goes; the cookie of a known device stays.
    assert!(left.contains("clear-site-data: \"cache\", \"storage\"\r\n"), "{left}");
    assert!(device && client.cookies.iter().any(|(name, _)| name == "device"));
    for number in 0..21 {
        client.sign_in(&format!("nobody{number}"), "x");
    }
    drop(server);

    let log = std::fs::read_to_string(log).unwrap();
    for secret in
        [PASSWORD, "a wrong secret", "a secret in", "secret%20query", "a-secret-key", "\u{1b}"]
    {
        assert!(!log.contains(secret), "{secret:?}");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret}");
    }
    if let Some((_, rest)) = database.url.split_once("://")
        && let Some((_, password)) = rest.split_once('@').and_then(|(user, _)| user.split_once(':'))
    {
        assert!(!log.contains(password));
    }
    for line in log.lines() {
        assert!(line.starts_with("ts=2"), "{line}");
        assert!(line.contains(" level="), "{line}");
        assert!(line.len() < 2_000, "{} bytes", line.len());
    }
    let count =
        |event: &str| log.lines().filter(|line| line.contains(&format!(" event={event} "))).count();
    for (event, least) in [
        ("sys_startup", 1),
        ("authn_login_fail", 2),
        ("malicious_cors", 1),
        ("sequence_fail", 1),
        ("user_created", 1),
        ("session_expired", 1),
        ("excess_rate_limit_exceeded", 1),
    ] {
        assert!(count(event) >= least, "{event}: {}", count(event));
    }
    // Who is turned away at the gate is told of as he came.
    assert!(log.contains(" method=POST path=/for/another status=400 "), "{log}");
    assert_eq!(count("authn_login_success"), 1, "one came in, and nobody wrote another line");
    // Each event says in which request it was, and that request has its line.
    let fail = log.lines().find(|line| line.contains(" event=authn_login_fail ")).unwrap();
    let request = fail.split(" request=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(
        log.lines().any(|line| line.contains("target=request") && line.contains(request)),
        "{fail}"
    );
}

/// A full disk, and a collector that stalls: nobody who asks the site notices.
#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let port = free_port();
    let mut command = airline(folder.path(), &["serve"]);
    command.env("ROCKET_PORT", port.to_string()).stdout(full()).stderr(full());
    let _server = Server::start_silent(command, port);
    let mut client = Client { port, cookies: Vec::new() };
    for _ in 0..20 {
        assert!(client.ask("GET", "/", "", "").starts_with("HTTP/1.1 200"));
    }

    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = airline(folder.path(), &["serve"]);
    command.env("ROCKET_PORT", port.to_string());
    // The pipe is not read.
    let mut server = Server::start(command, port);
    let asked: usize = 6_000;
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    let mut answers = 0;
    let mut text = Vec::new();
    for _ in 0..asked / 100 {
        socket.write_all(request.as_bytes()).unwrap();
        let wanted = answers + 100;
        while answers < wanted {
            let mut piece = [0; 16 * 1024];
            let count = socket.read(&mut piece).unwrap();
            assert!(count > 0, "closed after {answers} answers");
            text.extend_from_slice(&piece[..count]);
            let whole = String::from_utf8_lossy(&text).into_owned();
            let (done, rest) = whole.rsplit_once("alive\n").unwrap_or(("", &whole));
            answers += done.matches("alive\n").count() + usize::from(!done.is_empty());
            text = rest.as_bytes().to_vec();
        }
    }
    // Once the pipe is read, the log says how many lines are missing, at the next lines that there are.
    let (enough, more) = std::sync::mpsc::channel::<()>();
    let asking = std::thread::spawn(move || {
        while more.try_recv().is_err() {
            Client { port, cookies: Vec::new() }.ask("GET", "/appearance", "", "");
        }
    });
    let (mut told, mut lost) = (0, 0);
    for line in std::io::BufReader::new(server.errors()).lines() {
        let line = line.unwrap();
        told += usize::from(line.contains("path=/healthz"));
        if let Some((_, count)) = line.split_once("event=lines_lost count=") {
            lost += count.parse::<usize>().unwrap();
        }
        if told + lost >= asked {
            break;
        }
    }
    assert!(lost > 0, "{told} lines of {asked}");
    enough.send(()).unwrap();
    asking.join().unwrap();
}
