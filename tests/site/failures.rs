//! The machine fails, the site does not: a database that cannot be written, is slow or gone, and clients
//! that leave.

use std::time::{Duration, Instant};

use airline::auth::first::FirstLink;
use airline::db::{Kind, Select};
use airline::error::Error;
use airline::wire::Deadlines;
use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use rocket::tokio::net::TcpStream;
use rocket::tokio::time::sleep;

use crate::support::{Browser, Site, serve, settings};

/// Minutes of work that reads.
const SLOW: Select = Select::new(
    "SELECT COUNT(*) FROM (
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)
         SELECT x FROM n) AS numbers",
);
/// Makes whatever reads flights take minutes.
const SLOW_FLIGHTS: &str = "ALTER TABLE flights RENAME TO quick_flights;
     CREATE VIEW flights AS SELECT * FROM quick_flights WHERE (
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)
         SELECT COUNT(*) FROM n) > quick_flights.id";

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(15), "{what}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn book(visitor: &mut Browser<'_>, flight: i64, passenger: i64) -> u16 {
    let page = visitor.get(&format!("/{flight}")).await;
    visitor.submit(&page, "#book", &[("passenger", &passenger.to_string())]).await.status.code
}

/// After a full disk SQLite has rolled back by itself, and the connection is not what the pool believes.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_transaction_that_the_database_ended_itself_spoils_no_connection() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let (broken, repaired) = match site.pool.kind() {
        Kind::Sqlite => (
            "CREATE TRIGGER full BEFORE INSERT ON bookings
             BEGIN SELECT RAISE(ROLLBACK, 'no room'); END",
            "DROP TRIGGER full",
        ),
        Kind::Postgres => (
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER full_disk BEFORE INSERT ON bookings
             FOR EACH ROW EXECUTE FUNCTION full_disk()",
            "DROP TRIGGER full_disk ON bookings",
        ),
    };
    site.database.run(broken).await;
    let mut visitor = site.browser();
    for _ in 0..12 {
        let status = book(&mut visitor, flight.id, alice.id).await;
        if site.pool.kind() == Kind::Postgres {
            assert_eq!(status, 503);
        }
        assert_eq!(visitor.get("/").await.status.code, 200);
    }
    site.database.run(repaired).await;
    assert_eq!(book(&mut visitor, flight.id, alice.id).await, 200);
    assert_eq!(site.booked(&flight).await, 1);
}

#[rocket::async_test(flavor = "multi_thread")]
async fn a_database_that_became_read_only_is_read_and_says_so() {
    let site = Site::fresh().await;
    if site.pool.kind() == Kind::Sqlite {
        a_file_that_is_gone(&site).await;
        return;
    }
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    // What a primary says that has become a replica.
    site.database
        .run(
            "CREATE FUNCTION demoted() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION USING ERRCODE = '25006'; END $$;
             CREATE TRIGGER demoted BEFORE UPDATE ON readiness EXECUTE FUNCTION demoted();
             CREATE TRIGGER demoted BEFORE INSERT ON bookings EXECUTE FUNCTION demoted()",
        )
        .await;
    assert_eq!(book(&mut visitor, flight.id, alice.id).await, 503);
    assert_eq!(visitor.get("/").await.status.code, 200);
    until("not ready", async || visitor.get("/readyz").await.status.code == 503).await;
    site.database.run("DROP TRIGGER demoted ON bookings; DROP TRIGGER demoted ON readiness").await;
    assert_eq!(book(&mut visitor, flight.id, alice.id).await, 200);
    until("ready", async || visitor.get("/readyz").await.status.code == 200).await;
}

async fn a_file_that_is_gone(site: &Site) {
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    let file = site.database.url.trim_start_matches("sqlite:").to_owned();
    let aside = format!("{file}.aside");
    std::fs::rename(&file, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::copy(&aside, &file).unwrap();
        }
        assert_eq!(book(&mut visitor, flight.id, alice.id).await, 503);
        assert_eq!(visitor.get(&format!("/{}", flight.id)).await.status.code, 200);
        until("not ready", async || visitor.get("/readyz").await.status.code == 503).await;
    }
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(book(&mut visitor, flight.id, alice.id).await, 200);
    assert_eq!(site.booked(&flight).await, 1);
    until("ready", async || visitor.get("/readyz").await.status.code == 200).await;
}

#[rocket::async_test(flavor = "multi_thread")]
async fn a_statement_that_reads_for_too_long_is_ended() {
    let site = Site::fresh().await;
    let pool = site.site_pool();
    let begin = Instant::now();
    let ended = pool.conn().await.unwrap().query(SLOW).all::<(i64,)>().await;
    assert!(matches!(ended, Err(Error::Slow | Error::Busy)), "{ended:?}");
    assert!(begin.elapsed() < Duration::from_secs(8), "after {:?}", begin.elapsed());
    // Nothing goes on behind it: every connection can be had again.
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(pool.conn().await.unwrap());
    }
}

#[rocket::async_test(flavor = "multi_thread")]
async fn a_page_that_reads_for_too_long_is_a_503_in_time() {
    let site = Site::fresh().await;
    site.any_flight().await;
    site.database.run(SLOW_FLIGHTS).await;
    let begin = Instant::now();
    let page = site.browser().get("/").await;
    assert_eq!(page.status.code, 503);
    assert!(begin.elapsed() < Duration::from_secs(10), "after {:?}", begin.elapsed());
}

#[rocket::async_test(flavor = "multi_thread")]
async fn clients_that_leave_take_their_work_with_them() {
    let site = Site::fresh().await;
    site.any_flight().await;
    site.database.run(SLOW_FLIGHTS).await;
    let rocket =
        airline::site::site(settings(&site.database), site.clock.clone(), FirstLink::default());
    let (port, _running) = serve(rocket.unwrap(), Deadlines::default()).await;
    // More than there are connections to the database.
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    sleep(Duration::from_millis(500)).await;
    let begin = Instant::now();
    drop(clients);
    // A page that needs a connection, and no flights.
    let user = site.superuser("boss", "unusable").await;
    let session = site.session_of(user).await.cookies["session"].clone();
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!(
        "GET /admin/passengers/ HTTP/1.1\r\nHost: localhost\r\nCookie: session={session}\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&head), "HTTP/1.1 200");
    assert!(begin.elapsed() < Duration::from_secs(3), "after {:?}", begin.elapsed());
}

/// A booking whose visitor left before it could begin is not made.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_booking_that_nobody_waits_for_is_not_made() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let rocket =
        airline::site::site(settings(&site.database), site.clock.clone(), FirstLink::default());
    let (port, _running) = serve(rocket.unwrap(), Deadlines::default()).await;
    let mut visitor = site.browser();
    let token = visitor.token().await;
    let cookies: Vec<_> =
        visitor.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = format!("csrf={token}&passenger={}", alice.id);
    let request = format!(
        "POST /{}/book HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nCookie: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        flight.id,
        cookies.join("; "),
        body.len()
    );
    for leaves in [true, false] {
        let mut held = site.set().await;
        airline::domain::flights::lock(&mut held, flight.id).await.unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(700)).await;
        let client = (!leaves).then_some(client);
        sleep(Duration::from_millis(300)).await;
        drop(held);
        let wanted = i64::from(!leaves);
        sleep(Duration::from_secs(1)).await;
        until("the booking", async || site.booked(&flight).await == wanted).await;
        drop(client);
    }
}

/// A site that is busy is a ready site: its writers hold everything for a while.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_busy_site_is_a_ready_site() {
    let site = Site::fresh().await;
    let pool = site.site_pool();
    let writer = site.set().await;
    let mut readers = Vec::new();
    while readers.len() < 4 {
        readers.push(pool.conn().await.unwrap());
    }
    let page = site.browser().get("/readyz").await;
    assert_eq!(page.status.code, 200, "{}", page.text);
    drop(writer);
}

/// What a power cut, a lost network or a long transaction may do is set on every connection of requests.
#[rocket::async_test(flavor = "multi_thread")]
async fn connections_keep_what_is_acknowledged_and_no_lock_for_long() {
    const SYNCHRONOUS: Select = Select::new("SELECT synchronous FROM pragma_synchronous");
    const IDLE: Select =
        Select::new("SELECT current_setting('idle_in_transaction_session_timeout')");
    const LOCK: Select = Select::new("SELECT id FROM flights WHERE id = $1");
    let site = Site::fresh().await;
    let mut conn = site.site_pool().conn().await.unwrap();
    match site.pool.kind() {
        // FULL.
        Kind::Sqlite => {
            let (level,): (i64,) = conn.query(SYNCHRONOUS).one().await.unwrap();
            assert_eq!(level, 2);
        }
        Kind::Postgres => {
            let (idle,): (String,) = conn.query(IDLE).one().await.unwrap();
            assert_eq!(idle, "2s");
            // A transaction that says nothing is ended, and what it locked is free again.
            let flight = site.any_flight().await;
            let mut silent = site.site_pool().begin().await.unwrap();
            let _: (i64,) = silent.lock(LOCK).bind(flight.id).one().await.unwrap();
            let alice = site.passenger("Alice", "Adams").await;
            assert_eq!(book(&mut site.browser(), flight.id, alice.id).await, 200);
        }
    }
}

/// Writers of SQLite queue before they take a connection: readers always find one.
#[rocket::async_test(flavor = "multi_thread")]
async fn readers_do_not_wait_for_writers() {
    let site = Site::fresh().await;
    if site.pool.kind() == Kind::Postgres {
        // Its writers wait for rows, not for the whole database.
        return;
    }
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let writer = site.set().await;
    let bookings = futures::future::join_all(
        (0..12).map(|_| async { book(&mut site.browser(), flight.id, alice.id).await }),
    );
    let reading = async {
        sleep(Duration::from_millis(500)).await;
        let begin = Instant::now();
        let status = site.browser().get("/").await.status.code;
        let took = begin.elapsed();
        drop(writer);
        (status, took)
    };
    let (booked, (status, took)) = futures::future::join(bookings, reading).await;
    assert_eq!(status, 200);
    assert!(took < Duration::from_secs(1), "after {took:?}");
    assert_eq!(booked, [200; 12]);
    assert_eq!(site.booked(&flight).await, 1);
}
