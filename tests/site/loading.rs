//! Files in and out.

use std::fmt::Write as _;
use std::io::Cursor;

use airline::data::load::{File, Kind, Problems, Report};
use airline::data::{Silent, dump, load, sample};
use airline::domain::{airports, flights, passengers};

use crate::support::{self, Database, Site};

/// Loads a file; on problems nothing is kept.
async fn load(site: &Site, text: &str, kind: Option<Kind>) -> Result<Report, Problems> {
    let file = File::read("file.csv", text.as_bytes(), kind)?;
    let mut set = site.set().await;
    let report = load::load(&mut set, &file, &mut Silent).await.unwrap()?;
    set.commit().await.unwrap();
    Ok(report)
}

fn lines(problems: &Problems) -> Vec<String> {
    problems.to_string().lines().map(str::to_owned).collect()
}

const AIRPORTS: &str = "code,city,country,timezone,latitude,longitude\n\
    CDG,Paris,France,Europe/Paris,49.0,2.5\nJFK,New York,United States,America/New_York,40.6,-73.8\n\
    HND,Tokyo\nPVG,Shanghai\nICN,Seoul\nMEX,Mexico City\nLIM,Lima\nHKG,Hong Kong\n";

const DEMO: &str = include_str!("../../src/data/sample/flights.csv");

#[rocket::async_test]
async fn the_demos_flights_load() {
    let site = Site::fresh().await;
    let report = load(&site, AIRPORTS, None).await.unwrap();
    assert_eq!((report.kind, report.added), ("airports", 8));
    let report = load(&site, DEMO, None).await.unwrap();
    assert_eq!((report.kind, report.added), ("flights", 5));
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|flight| {
            format!("{} {} {}", flight.origin_code, flight.destination_code, flight.duration)
        })
        .collect();
    assert_eq!(told, ["CDG JFK 540", "HND PVG 185", "ICN MEX 825", "MEX LIM 350", "HKG PVG 130"]);
}

#[rocket::async_test]
async fn a_broken_file_is_refused_whole_with_lines_and_reasons() {
    let site = Site::fresh().await;
    load(&site, &format!("{AIRPORTS}LHR,London\nLGW,London\n"), None).await.unwrap();
    let before = site.dump().await;
    let text = "origin,destination,minutes,departs,capacity\nParis,Tokyo,700,,\nAtlantis,Paris,60,,\n\
        London,Paris,75,,\nParis,Seoul,many,,\nParis,Lima,99999,,\nParis,Lima,60,soon,\n,Paris,1,,\n\"Par\nis\",Lima,1,,\n";
    let problems = load(&site, text, None).await.unwrap_err();
    assert_eq!(
        lines(&problems),
        [
            "file.csv, line 3: origin: There is no airport “Atlantis”. Enter a code or a city that is known.",
            "file.csv, line 4: origin: Which one? Enter London (LHR) or London (LGW).",
            "file.csv, line 5: duration: “many” is not a whole number from -2880 to 2880.",
            "file.csv, line 6: duration: Give a number from -2880 to 2880.",
            "file.csv, line 7: departs: Give date and time like 2026-11-23 08:05.",
            "file.csv, line 8: origin: Enter an airport: a code or a city.",
            "file.csv, line 9: origin: There is no airport “Par is”. Enter a code or a city that is known.",
            "file.csv, line 9: origin: It holds a line break: is a quote missing?",
        ]
    );
    assert_eq!(site.dump().await, before);

    let long = "x".repeat(65);
    let problems =
        load(&site, &format!("first,last\nAnn,{long}\n,Bob\nA\tb,C\n"), None).await.unwrap_err();
    assert_eq!(
        lines(&problems),
        [
            "file.csv, line 2: last: At most 64 characters fit here; this has 65.",
            "file.csv, line 3: first: This is needed.",
            "file.csv, line 4: first: Take out the control characters, such as line breaks and NUL.",
        ]
    );
    assert_eq!(site.dump().await, before);
}

#[rocket::async_test]
async fn a_file_that_is_no_such_file_says_so() {
    let site = Site::fresh().await;
    for (text, kind, why) in [
        ("", None, "file.csv: The file is empty."),
        (
            "a,b\n",
            None,
            "file.csv, line 1: It does not say what it holds: give --kind airports, flights or passengers.",
        ),
        (
            "JFK,New York\n",
            Some(Kind::Airports),
            "file.csv, line 1: The first line must name the columns: at least code,city.",
        ),
        (
            "code,country\nJFK,US\n",
            Some(Kind::Airports),
            "file.csv, line 1: The column city is missing.",
        ),
        (
            "code,city,timezon\nJFK,New York,x\n",
            None,
            "file.csv, line 1: Not known: “timezon” (timezone?). Rename or delete it; these columns are known: code, city, country, timezone, latitude, longitude.",
        ),
        (
            "first,last\nA,B,C\n",
            None,
            "file.csv, line 2: 3 values, but only 2 columns: first, last.",
        ),
    ] {
        let problems = load(&site, text, kind).await.unwrap_err();
        assert_eq!(lines(&problems), [why]);
    }
    let problems = File::read("file.csv", b"first,last\nA,\xff\xfe\n", None).unwrap_err();
    assert_eq!(problems.lines[0].0, 2);
}

#[rocket::async_test]
async fn spreadsheets_way_of_writing_is_read() {
    let site = Site::fresh().await;
    let report = load(&site, "\u{feff}First,Last\r\n\r\n\"O\"\"Brien\",\"van, der\"\r\n", None)
        .await
        .unwrap();
    assert_eq!(report.added, 1);
    let all = passengers::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(all[0].to_string(), "O\"Brien van, der");
}

#[rocket::async_test]
async fn airports_that_are_known_are_brought_up_to_date() {
    let site = Site::fresh().await;
    load(&site, AIRPORTS, None).await.unwrap();
    let report =
        load(&site, "code,city\nJFK,New York\nCDG,Paris-Roissy\nORY,Paris\n", None).await.unwrap();
    assert_eq!((report.added, report.changed, report.unchanged), (1, 1, 1));
    let mut conn = site.pool.conn().await.unwrap();
    let cdg = airports::by_code(&mut conn, "CDG").await.unwrap().unwrap();
    assert_eq!(
        (cdg.city.as_str(), cdg.timezone.as_str(), cdg.latitude),
        ("Paris-Roissy", "Europe/Paris", Some(49.0))
    );
    drop(conn);
    let problems = load(&site, "code,city\nABC,One\nABC,Two\n", None).await.unwrap_err();
    assert_eq!(problems.lines.len(), 1);
    assert_eq!(problems.lines[0].0, 3);
    assert!(problems.lines[0].1.contains("line 2"), "{problems}");
}

#[rocket::async_test]
async fn a_flight_that_would_not_be_valid_is_refused_at_its_line() {
    let site = Site::fresh().await;
    load(&site, AIRPORTS, None).await.unwrap();
    let text = "Paris,Lima,10\nParis,Paris,10\nTokyo,Lima,-5\n";
    let problems = load(&site, text, Some(Kind::Flights)).await.unwrap_err();
    assert_eq!(
        lines(&problems),
        [
            "file.csv, line 2: destination: A flight must go somewhere else than it comes from.",
            "file.csv, line 3: duration: Duration can't be negative.",
        ]
    );
}

#[rocket::async_test]
async fn a_dump_loads_back_to_an_equal_database() {
    let site = Site::fresh().await;
    let mut set = site.set().await;
    sample::load(&mut set, &mut Silent).await.unwrap();
    set.commit().await.unwrap();
    site.superuser("boss", "a hash").await;
    let whole = site.dump().await;
    assert!(whole.lines().count() > 800, "{}", whole.lines().count());

    let other = Database::empty().await;
    let pool = other.open().await;
    pool.migrate().await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    dump::load(&mut tx, "dump", Cursor::new(&whole), &mut Silent).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(support::dump(&pool).await, whole);

    // New rows follow the old ones.
    let mut tx = pool.begin().await.unwrap();
    let again =
        dump::load(&mut tx, "dump", Cursor::new(&whole), &mut Silent).await.unwrap().unwrap_err();
    assert_eq!(
        again.to_string(),
        "dump: A dump goes into an empty database; this one has rows in airports."
    );
    drop(tx);
    let last = passengers::all(&mut pool.conn().await.unwrap()).await.unwrap().last().unwrap().id;
    let intent = airline::changes::Intent {
        actor: airline::changes::Actor::visitor(),
        action: "add",
        at: 0,
        request_id: String::new(),
    };
    let mut set = airline::changes::ChangeSet::begin(&pool, intent).await.unwrap();
    let draft = passengers::Draft { first: "New".to_owned(), last: "One".to_owned() };
    assert_eq!(passengers::insert(&mut set, draft).await.unwrap().id, last + 1);
}

#[rocket::async_test]
async fn a_broken_dump_is_refused_at_its_line() {
    let database = Database::empty().await;
    let pool = database.open().await;
    pool.migrate().await.unwrap();
    let good = r#"{"passengers":{"id":1,"first":"A","last":"B","folded":"b a","version":1}}"#;
    for (line, why) in [
        (r#"{"passengers":{"id":2}}"#, "This is no row of a dump"),
        (r#"{"secrets":{}}"#, "This is no row of a dump"),
        (good, "The row does not fit those before it."),
        (
            r#"{"bookings":{"id":1,"flight_id":9,"passenger_id":1,"booked_at":0,"booked_by":""}}"#,
            "The row does not fit",
        ),
    ] {
        let text = format!("{}\n{good}\n{line}\n{{\"end\":2}}\n", dump::FIRST_LINE);
        let mut tx = pool.begin().await.unwrap();
        let problems = dump::load(&mut tx, "dump", Cursor::new(&text), &mut Silent)
            .await
            .unwrap()
            .unwrap_err();
        assert!(problems.to_string().starts_with(&format!("dump, line 3: {why}")), "{problems}");
    }
}

#[rocket::async_test]
async fn the_sample_is_whole() {
    let site = Site::fresh().await;
    let mut set = site.set().await;
    sample::load(&mut set, &mut Silent).await.unwrap();
    set.commit().await.unwrap();
    let mut conn = site.pool.conn().await.unwrap();
    let all = airports::all(&mut conn).await.unwrap();
    assert!(all.len() >= 120, "{}", all.len());
    assert!(all.iter().all(|airport| !airport.timezone.is_empty() && airport.latitude.is_some()));
    let flights = flights::all(&mut conn).await.unwrap();
    assert!(flights.len() >= 40 && flights.iter().all(flights::Flight::is_valid));
    assert!(passengers::all(&mut conn).await.unwrap().len() >= 50);
}

#[rocket::async_test]
async fn lines_are_counted_as_an_editor_does() {
    for (text, line) in [
        ("first,last\r\nA,B\r\n,C\r\n", 3),
        ("first,last\n\n\n,C\n", 4),
        ("first,last\r\n\r\n,C\r\n", 3),
        ("first,last\rA,B\r,C\r", 3),
        ("\u{feff}first,last\n\"A\nB\",\"C\n\"\n,C\n", 5),
        ("first,last\nA,B\n,C", 3),
    ] {
        let site = Site::fresh().await;
        let problems = load(&site, text, None).await.unwrap_err();
        assert_eq!(problems.lines.last().unwrap().0, line, "{text:?}: {problems}");
    }
    let site = Site::fresh().await;
    let problems = load(&site, "code,city,city\nABC,X,Y\n", None).await.unwrap_err();
    assert_eq!(problems.lines.len(), 1);
    assert_eq!(problems.lines[0].0, 1);
}

/// A dump brings every number to the last digit, and no id back that was ever given.
#[rocket::async_test]
async fn a_dump_brings_exact_numbers_and_no_id_twice() {
    let site = Site::fresh().await;
    let mut text = "code,city,country,timezone,latitude,longitude\n".to_owned();
    for number in 0..200_u8 {
        let code: String =
            [b'A' + number / 26, b'A' + number % 26, b'X'].map(char::from).iter().collect();
        let degrees = f64::from(number) * 0.453_630_839_129_292_7 / 1.000_000_3;
        writeln!(text, "{code},City,,,{},{degrees}", degrees / 3.0).unwrap();
    }
    load(&site, &text, None).await.unwrap();
    let gone = site.passenger("Gone", "Soon").await;
    let mut set = site.set().await;
    passengers::delete(&mut set, gone.id).await.unwrap();
    set.commit().await.unwrap();
    let whole = site.dump().await;

    let cut: Vec<_> = whole.lines().take(50).collect();
    for broken in [
        cut.join("\n"),
        whole.lines().next().unwrap().to_owned(),
        whole.replace("{\"end\":", "{\"end\":1"),
    ] {
        let other = Database::empty().await;
        let pool = other.open().await;
        pool.migrate().await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        let problems = dump::load(&mut tx, "dump", Cursor::new(&broken), &mut Silent)
            .await
            .unwrap()
            .unwrap_err();
        assert!(problems.to_string().starts_with("dump: The dump is cut off"), "{problems}");
    }

    let copy = Site::fresh().await;
    let mut tx = copy.pool.begin().await.unwrap();
    dump::load(&mut tx, "dump", Cursor::new(&whole), &mut Silent).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(copy.dump().await, whole);
    assert_eq!(copy.passenger("New", "One").await.id, gone.id + 1);
}
