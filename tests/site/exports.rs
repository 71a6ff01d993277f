//! Lists as files: whole, in constant memory, and never cut without a word.

use std::collections::HashSet;

use airline::auth::first::FirstLink;
use airline::wire::Deadlines;
use rocket::http::{Cookie, Header, Status};
use rocket::local::asynchronous::LocalResponse;
use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use rocket::tokio::net::TcpStream;

use crate::commands::{airline, said};
use crate::support::{Browser, Site, serve, settings};

/// Puts many passengers into a database, past the history.
async fn passengers(site: &Site, count: usize, first: &str) {
    let text = format!(
        "INSERT INTO passengers (first, last, folded, version)
         WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {count})
         SELECT '{first}', 'Many', CASE WHEN n % 3 = 0 THEN 'a' ELSE 'b' END, 1 FROM many"
    );
    site.database.run(&text).await;
}

/// Asks for an export, and leaves its body where it is.
async fn begin<'s>(site: &'s Site, by: &Browser<'_>, path: &'s str) -> LocalResponse<'s> {
    let request = site.client.get(path).header(Header::new("Host", "localhost"));
    request.cookie(Cookie::new("session", by.cookies["session"].clone())).dispatch().await
}

fn rows(bytes: &[u8]) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(bytes).records().map(Result::unwrap).collect()
}

#[rocket::async_test]
async fn a_long_list_is_exported_to_its_last_row() {
    let site = Site::fresh().await;
    passengers(&site, 100_001, "Ann").await;
    let mut staff = site.staff().await;
    let page = staff.get("/admin/passengers/export/?show=number&sort=number").await;
    let numbers: Vec<i64> = rows(&page.bytes).iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers.len(), 100_001);
    assert!(numbers.is_sorted_by(|one, next| one < next));
}

/// Rows that are equal in the order, or lack what it is by, are each there once.
#[rocket::async_test]
async fn no_row_is_lost_or_doubled_between_two_batches() {
    let site = Site::fresh().await;
    passengers(&site, 6_500, "Ann").await;
    let (from, to) = site.two_airports().await;
    let text = format!(
        "INSERT INTO flights (origin_id, destination_id, duration, departs_at, departs_on, capacity, version)
         WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 6500)
         SELECT {}, {}, 100, CASE WHEN n % 2 = 0 THEN 1830000000 + n / 100 END, '', n % 5, 1 FROM many",
        from.id, to.id
    );
    site.database.run(&text).await;
    let mut staff = site.staff().await;
    for (kind, sort) in [
        ("passengers", "last"),
        ("passengers", "-last"),
        ("flights", "number"),
        ("flights", "departs"),
        ("flights", "-departs"),
        ("flights", "seats,-departs"),
        ("flights", "origin,-duration"),
    ] {
        let path = format!("/admin/{kind}/export/?show=number&sort={sort}");
        let page = staff.get(&path).await;
        let found = rows(&page.bytes);
        let numbers: HashSet<&str> = found.iter().map(|row| &row[0]).collect();
        assert_eq!((found.len(), numbers.len()), (6_500, 6_500), "{kind} by {sort}");
    }
}

#[rocket::async_test]
async fn eight_files_are_written_at_once_and_others_wait() {
    let site = Site::fresh().await;
    passengers(&site, 5_000, "Ann").await;
    let mut staff = site.staff().await;
    let path = "/admin/passengers/export/";
    let mut running = Vec::new();
    for _ in 0..8 {
        let response = begin(&site, &staff, path).await;
        assert_eq!(response.status(), Status::Ok);
        running.push(response);
    }
    let refused = begin(&site, &staff, path).await;
    assert_eq!(refused.status(), Status::ServiceUnavailable);
    assert!(refused.headers().get_one("Retry-After").is_some());
    // They keep no connection: pages are served, although there are only four.
    assert_eq!(staff.get("/admin/passengers/").await.status.code, 200);
    for response in running {
        assert_eq!(rows(&response.into_bytes().await.unwrap()).len(), 5_000);
    }
    assert_eq!(rows(&staff.get(path).await.bytes).len(), 5_000);
}

#[rocket::async_test]
async fn a_right_that_is_taken_away_ends_the_file() {
    let site = Site::fresh().await;
    passengers(&site, 5_000, "Ann").await;
    let clerk = site.staff_with("clerk", "view_passengers export").await;
    for (taken, given) in [
        ("rights = 'view_passengers'", "rights = 'view_passengers export'"),
        ("rights = 'export'", "rights = 'view_passengers export'"),
        ("is_active = FALSE", "is_active = TRUE"),
    ] {
        let mut response = begin(&site, &clerk, "/admin/passengers/export/").await;
        let mut read = vec![0; 100];
        response.read_exact(&mut read).await.unwrap();
        site.database.run(&format!("UPDATE users SET {taken}")).await;
        assert!(response.read_to_end(&mut read).await.is_err(), "{taken}");
        site.database.run(&format!("UPDATE users SET {given}")).await;
    }
    let whole = begin(&site, &clerk, "/admin/passengers/export/").await;
    assert_eq!(rows(&whole.into_bytes().await.unwrap()).len(), 5_000);
}

/// How a body of unknown length ends.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// Over the wire a body that fails must not look like one that is complete.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_file_that_fails_in_the_middle_breaks_its_connection() {
    let site = Site::fresh().await;
    // More than all buffers on the way hold.
    passengers(&site, 100_000, &"🛫".repeat(64)).await;
    let staff = site.staff().await;
    let rocket =
        airline::site::site(settings(&site.database), site.clock.clone(), FirstLink::default());
    let (port, _running) = serve(rocket.unwrap(), Deadlines::default()).await;
    let ask = async |version: &str| {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!(
            "GET /admin/passengers/export/?sort=number HTTP/{version}\r\nHost: localhost\r\n\
             Connection: close\r\nCookie: session={}\r\n\r\n",
            staff.cookies["session"]
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = vec![0; 12];
        socket.read_exact(&mut head).await.unwrap();
        assert!(head.ends_with(b" 200"), "{head:?}");
        socket
    };
    let mut whole = Vec::new();
    ask("1.1").await.read_to_end(&mut whole).await.unwrap();
    assert!(whole.ends_with(END));
    let mut runs = [ask("1.1").await, ask("1.0").await];
    site.database.run("DELETE FROM sessions").await;
    for socket in &mut runs {
        let mut rest = Vec::new();
        let ended = socket.read_to_end(&mut rest).await;
        assert!(ended.is_err(), "a plain end would look complete");
        assert!(!rest.ends_with(END) && rest.len() < whole.len() - 12);
    }
}

#[rocket::async_test]
async fn the_command_writes_every_row_as_csv() {
    let site = Site::fresh().await;
    passengers(&site, 4_500, "Ann").await;
    let folder = tempfile::tempdir().unwrap();
    let list = |arguments: &[&str]| {
        let mut command = airline(folder.path(), &[&["list", "passengers"], arguments].concat());
        said(command.env("DATABASE_URL", &site.database.url).output().unwrap())
    };
    let all = list(&["--csv"]);
    assert!(all.ok && all.err.is_empty(), "{}", all.err);
    let numbers: HashSet<String> =
        rows(all.out.as_bytes()).iter().map(|row| row[2].to_owned()).collect();
    assert_eq!(numbers.len(), 4_500);
    let table = list(&[]);
    assert_eq!(table.out.lines().count(), 101);
    assert!(table.err.contains("100 of 4,500"), "{}", table.err);
    let some = list(&["--csv", "--most", "2500"]);
    assert_eq!(rows(some.out.as_bytes()).len(), 2_500);
    assert!(some.err.contains("2,500 of 4,500"), "{}", some.err);
    assert_eq!(list(&["--most", "3000"]).out.lines().count(), 3_001);
}

/// A form that many flights were chosen in shows all of them again.
#[rocket::async_test]
async fn flights_are_found_by_any_number_of_ids() {
    let site = Site::fresh().await;
    let (from, to) = site.two_airports().await;
    let first = site.flight(&from, &to).await.id;
    let text = format!(
        "INSERT INTO flights (origin_id, destination_id, duration, departs_on, version)
         WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 1100)
         SELECT {}, {}, 100, '', 1 FROM many",
        from.id, to.id
    );
    site.database.run(&text).await;
    let ids: Vec<i64> = (first..=first + 1_100).rev().collect();
    let mut conn = site.pool.conn().await.unwrap();
    let found = airline::domain::flights::of_ids(&mut conn, &ids).await.unwrap();
    let found: Vec<i64> = found.iter().map(|flight| flight.id).collect();
    assert_eq!(found, (first..=first + 1_100).collect::<Vec<_>>());
}
