//! Loads and dumps of many rows: in little memory, and beside a site that goes on booking.

use std::fmt::Write as _;
use std::io::Cursor;
use std::process::Stdio;

use airline::changes::{self, Actor, ChangeSet, Intent, Verdict};
use airline::data::load::{self, File};
use airline::data::{Silent, dump};
use airline::domain::bookings::{self, Booked};

use crate::commands::{airline, run, said};
use crate::support::{Database, Site};

/// More than a change set has in memory, twice.
const MANY: usize = 12_345;

fn passengers(count: usize) -> String {
    (0..count).fold("first,last\n".to_owned(), |mut text, number| {
        writeln!(text, "Ann,Number {number}").unwrap();
        text
    })
}

fn rows(dump: &str, table: &str) -> Vec<serde_json::Value> {
    let lines = dump.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|mut line| line.get_mut(table).map(serde_json::Value::take)).collect()
}

#[rocket::async_test]
async fn a_change_set_of_any_size_remembers_each_row_once_and_in_order() {
    let site = Site::fresh().await;
    site.passenger("Was", "Here").await;
    let text = passengers(MANY);
    let file = File::read("many.csv", text.as_bytes(), None).unwrap();
    let intent = Intent {
        actor: Actor::command("loaddata"),
        action: "load",
        at: 0,
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin_large(&site.pool, intent).await.unwrap();
    let report = load::load(&mut set, &file, &mut Silent).await.unwrap().unwrap();
    assert_eq!((report.added, set.len()), (MANY, MANY));
    assert!(set.remembered().count() < MANY / 2, "the others are in a file");
    // What was written to a file stays when a part is taken back.
    let part = set.begin_part().await.unwrap();
    let again = File::read("again.csv", b"first,last\nGone,Again\n", None).unwrap();
    load::load(&mut set, &again, &mut Silent).await.unwrap().unwrap();
    set.take_part_back(part).await.unwrap();
    let mut told = 0;
    let id = set.commit_with(&mut |count| told += count).await.unwrap().unwrap();
    assert_eq!(told, MANY);

    let dump = site.dump().await;
    let passengers = rows(&dump, "passengers");
    let changes = rows(&dump, "changes");
    let changes: Vec<_> = changes.iter().filter(|change| change["change_set_id"] == id).collect();
    assert_eq!((passengers.len(), changes.len()), (MANY + 1, MANY));
    for (number, (passenger, change)) in passengers[1..].iter().zip(changes).enumerate() {
        assert_eq!(passenger["last"], format!("Number {number}"));
        assert_eq!(change["object_id"], passenger["id"]);
        assert_eq!(change["label"], format!("Ann Number {number}"));
    }
    let mut db = site.pool.conn().await.unwrap();
    let verdict = changes::verify(&mut db, &mut |_| {}).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { sets: 2, .. }), "{verdict:?}");
}

#[rocket::async_test]
async fn the_bad_line_of_a_dump_is_named_among_many() {
    let row = |id: usize| {
        format!(
            r#"{{"passengers":{{"id":{id},"first":"A","last":"B","folded":"b a","version":1}}}}"#
        )
    };
    // The row of line 778 has an id that is taken; the one after it would not fit either.
    let ids: Vec<usize> =
        (1..=1_200).map(|id| if (777..779).contains(&id) { 5 } else { id }).collect();
    let lines: Vec<String> = ids.into_iter().map(row).collect();
    let text = format!("{}\n{}\n{{\"end\":1200}}\n", dump::FIRST_LINE, lines.join("\n"));
    let database = Database::migrated().await;
    let pool = database.open().await;
    let mut tx = pool.begin().await.unwrap();
    let problems =
        dump::load(&mut tx, "dump", Cursor::new(&text), &mut Silent).await.unwrap().unwrap_err();
    assert_eq!(problems.lines.len(), 1);
    assert_eq!(problems.lines[0].0, 778);
}

/// Rows are checked before anything is written: a broken file makes nobody wait.
#[rocket::async_test]
async fn a_file_is_checked_while_others_write() {
    let site = Site::fresh().await;
    site.airport("LHR,London").await;
    let folder = tempfile::tempdir().unwrap();
    // The first file tells of a city what the second relies on.
    std::fs::write(folder.path().join("airports.csv"), "code,city\nLHR,Londinium\nCDG,Paris\n")
        .unwrap();
    std::fs::write(
        folder.path().join("flights.csv"),
        "origin,destination,minutes\nLondinium,CDG,60\nParis,LHR,60\nLondinium,Atlantis,60\n",
    )
    .unwrap();
    let writer = site.pool.begin().await.unwrap();
    let said = run(folder.path(), &site.database.url, &["loaddata", "airports.csv", "flights.csv"]);
    drop(writer);
    assert!(!said.ok);
    let found: Vec<_> = said.err.lines().filter(|line| line.contains(", line ")).collect();
    assert_eq!(found.len(), 1, "{}", said.err);
    assert!(found[0].starts_with("flights.csv, line 4: destination"), "{}", said.err);
}

#[rocket::async_test]
async fn bookings_wait_for_a_load_and_none_fails() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let ann = site.passenger("Ann", "Smith").await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("many.csv"), passengers(MANY)).unwrap();
    let mut load = airline(folder.path(), &["loaddata", "many.csv"])
        .env("DATABASE_URL", &site.database.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acts = 0;
    while load.try_wait().unwrap().is_none() {
        let mut set = site.set().await;
        let booked = bookings::book(&mut set, flight.id, ann.id).await.unwrap();
        assert!(matches!(booked, Ok(Booked::New(_))), "{booked:?}");
        set.commit().await.unwrap();
        let mut set = site.set().await;
        let booking = bookings::of_flight(&mut set, flight.id).await.unwrap().remove(0);
        bookings::cancel(&mut set, &booking).await.unwrap();
        set.commit().await.unwrap();
        acts += 2;
    }
    let loaded = said(load.wait_with_output().unwrap());
    assert!(loaded.ok, "{}", loaded.err);
    assert!(acts >= 4, "{acts} sets beside the load");
    let dump = site.dump().await;
    assert_eq!(rows(&dump, "passengers").len(), MANY + 1);
    let mut db = site.pool.conn().await.unwrap();
    let verdict = changes::verify(&mut db, &mut |_| {}).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
}

/// What can be read only once is read all the same.
#[rocket::async_test]
async fn a_dump_comes_through_a_pipe() {
    let site = Site::fresh().await;
    site.any_flight().await;
    let whole = site.dump().await;
    let other = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let loaded =
        crate::commands::with_input(folder.path(), &other.url, &["loaddata", "/dev/stdin"], &whole);
    assert!(loaded.ok, "{}", loaded.err);
    assert_eq!(crate::support::dump(&other.open().await).await, whole);
}
