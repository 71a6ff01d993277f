//! Files as people and other programs write them, and as this one does: what is understood, what is
//! refused, and what loads again.

use airline::data::Silent;
use airline::data::load::{self, File, Kind, Problems, Report};
use airline::domain::flights::{self, Flight};
use airline::domain::passengers::{self, Passenger};
use airline::domain::{airports, bookings};

use crate::commands::run;
use crate::support::{NOW, Site};

/// Loads a file as `loaddata` does, and what the check finds is what the load would; on problems nothing is kept.
async fn load(site: &Site, text: &str, kind: Option<Kind>) -> Result<Report, Problems> {
    let file = File::read("file.csv", text.as_bytes(), kind)?;
    let files = std::slice::from_ref(&file);
    let mut conn = site.pool.conn().await.unwrap();
    let problems = load::check(&mut conn, files, &mut Silent).await.unwrap();
    drop(conn);
    let mut set = site.set().await;
    let loaded = load::load(&mut set, &file, &mut Silent).await.unwrap();
    assert_eq!(problems.first(), loaded.as_ref().err());
    let report = loaded?;
    set.commit().await.unwrap();
    Ok(report)
}

/// How many rows were added, changed and left as they were.
fn counts(report: Result<Report, Problems>) -> (usize, usize, usize) {
    let report = report.unwrap();
    (report.added, report.changed, report.unchanged)
}

/// The lines on which something is wrong.
fn bad_lines(result: Result<Report, Problems>) -> Vec<u64> {
    result.unwrap_err().lines.iter().map(|(line, _)| *line).collect()
}

async fn people(site: &Site) -> Vec<String> {
    let all = passengers::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    all.iter().map(Passenger::to_string).collect()
}

async fn flight(site: &Site, id: i64) -> Flight {
    flights::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap()
}

/// Every airport by code, to the last digit.
async fn places(site: &Site) -> Vec<String> {
    let all = airports::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    let mut all: Vec<_> =
        all.into_iter().map(|airport| format!("{:?}", airports::Draft::from(airport))).collect();
    all.sort();
    all
}

#[rocket::async_test]
async fn usual_names_of_columns_are_known_in_any_order() {
    for header in [
        "last_name,first_name",
        "Surname,Given name",
        "FAMILY-NAME,forename",
        "\"last\",\"first\"",
        "Nachname,Vorname",
        "lastName,firstName",
    ] {
        let site = Site::fresh().await;
        let text = format!("{header}\nQuill,Ada\n");
        assert_eq!(counts(load(&site, &text, None).await), (1, 0, 0), "{header}");
        assert_eq!(people(&site).await, ["Ada Quill"], "{header}");
    }
    let site = Site::fresh().await;
    let text = "Longitude;municipality;IATA code;tz;lat;Country\n\
        13,5033;Berlin;BER;Europe/Berlin;52,3667;Germany\n";
    assert_eq!(counts(load(&site, text, None).await), (1, 0, 0));
    let text = "iata_code\tCITY\tlat\tlng\nGOI\tGoa\t15.38\t73.83\n";
    assert_eq!(counts(load(&site, text, None).await), (1, 0, 0));
    let mut conn = site.pool.conn().await.unwrap();
    let berlin = airports::by_code(&mut conn, "BER").await.unwrap().unwrap();
    assert_eq!(
        (berlin.timezone.as_str(), berlin.latitude, berlin.longitude),
        ("Europe/Berlin", Some(52.3667), Some(13.5033))
    );
    drop(conn);
    let text =
        "Departure time,Seats,To,Departure airport,Minutes\n2027-03-01 08:05,9,GOI,BER,480\n";
    assert_eq!(counts(load(&site, text, None).await), (1, 0, 0));
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    let told = (all[0].origin_code.as_str(), all[0].destination_code.as_str(), all[0].capacity);
    assert_eq!(told, ("BER", "GOI", Some(9)));
}

#[rocket::async_test]
async fn a_header_and_a_number_are_nobody() {
    let site = Site::fresh().await;
    for text in [
        "Full name,Email\nAda Quill,a@example.org\n",
        "frist_name,lsat_name\nAda,Quill\n",
        "Passenger,Age\nAda,1\n",
        "Person,Seat\nAda,Quill\n",
        "Ada,1\nGrace,2\n",
        "Ada,---\n",
    ] {
        assert_eq!(bad_lines(load(&site, text, Some(Kind::Passengers)).await)[0], 1, "{text}");
    }
    // Some people are called as columns are.
    let text = "Ada,Long\nTheo,\"Vane, Jr.\"\nMin,No\n";
    assert_eq!(counts(load(&site, text, Some(Kind::Passengers)).await), (3, 0, 0));
    assert_eq!(people(&site).await, ["Ada Long", "Theo Vane, Jr.", "Min No"]);
}

#[test]
fn what_was_understood_is_said() {
    for (text, kind, said) in [
        (
            "first,last\nAda,Quill\nGrace,Moss\n",
            None,
            "columns: first, last · 2 rows · first row: Ada Quill",
        ),
        (
            "Surname;forename;flights;;\nQuill;Ada;3;;\n;;;;\n",
            None,
            "columns: last, first · ignored: flights · 1 row · first row: Ada Quill",
        ),
        (
            "Ada,Quill\n",
            Some(Kind::Passengers),
            "columns: first, last · 1 row · first row: Ada Quill",
        ),
        (
            "city,code\nPar\u{1b}[1mis,CDG\n",
            None,
            "columns: city, code · 1 row · first row: Par [1mis (CDG)",
        ),
        ("from,to,minutes\n", None, "columns: origin, destination, duration · 0 rows"),
    ] {
        let file = File::read("file.csv", text.as_bytes(), kind).unwrap();
        assert_eq!(file.understood(), said);
    }
}

/// What a spreadsheet does with a file: it is read, and written again with other signs.
#[rocket::async_test]
async fn separators_quotes_and_empty_columns_are_read_as_they_are_meant() {
    for text in [
        "first,last\nAda,\"Quill\"\n",
        "first, last\nAda, \"Quill\"\n",
        "first,last\n \"Ada\" ,\"Quill\" \n",
        "first;last\nAda;Quill\n",
        "first\tlast\nAda\tQuill\n",
        "sep=;\nfirst;last\nAda;Quill\n",
        "SEP=\t\r\nfirst\tlast\r\nAda\tQuill\r\n",
        "\u{feff}sep=,\nfirst,last\nAda,Quill",
        "first,last,,\nAda,Quill,,\n,,,\n",
        "first,last\nAda,Quill,,,\n,,,,\n",
    ] {
        let site = Site::fresh().await;
        assert_eq!(counts(load(&site, text, None).await), (1, 0, 0), "{text:?}");
        assert_eq!(people(&site).await, ["Ada Quill"], "{text:?}");
    }
    let site = Site::fresh().await;
    let text = "first; last\n\"Ada; B.\"; \"O\"\"Quill, Jr.\"\n";
    assert_eq!(counts(load(&site, text, None).await), (1, 0, 0));
    assert_eq!(people(&site).await, ["Ada; B. O\"Quill, Jr."]);
    // The line of a mistake is the one that an editor shows.
    assert_eq!(bad_lines(load(&site, "sep=;\nfirst;last\nAda;Quill\n;Moss\n", None).await), [4]);
}

#[test]
fn all_that_is_wrong_with_a_header_is_said_at_once() {
    let text = "code,city,timezon,latitud,colour\nJFK,New York,,,\n";
    let problems = File::read("file.csv", text.as_bytes(), None).unwrap_err();
    assert_eq!(problems.lines.len(), 1);
    let (line, why) = &problems.lines[0];
    assert_eq!(*line, 1);
    for part in ["“timezon” (timezone?)", "“latitud” (latitude?)", "“colour”"] {
        assert!(why.contains(part), "{why}");
    }
    let text = "origin,orig,colour\nJFK,CDG,red\n";
    let problems = File::read("file.csv", text.as_bytes(), Some(Kind::Flights)).unwrap_err();
    for part in ["“colour”", "destination", "duration", "“orig”"] {
        assert!(problems.lines[0].1.contains(part), "{problems}");
    }
}

#[rocket::async_test]
async fn what_is_no_table_says_what_it_is_and_what_to_do() {
    for (bytes, line, part) in [
        (&b"[{\"model\": \"flights.airport\"}]"[..], 0, "import-django"),
        (&b"\xef\xbb\xbf\n {\"a\": 1}"[..], 0, "CSV"),
        (&b"PK\x03\x04\x14\0"[..], 0, "CSV"),
        (&b"\xff\xfef\0i\0"[..], 0, "UTF-8"),
        (&b"origin,destination,minutes\nLHR,JFK,480\n\"CDG,HND,720\nHND,CDG,740\n"[..], 3, "uote"),
    ] {
        let problems = File::read("file", bytes, None).unwrap_err();
        assert_eq!(problems.lines.len(), 1, "{problems}");
        assert_eq!(problems.lines[0].0, line, "{problems}");
        assert!(problems.lines[0].1.contains(part), "{problems}");
    }
    let site = Site::fresh().await;
    site.two_airports().await;
    let text = "origin,destination,minutes,departs\nJFK,CDG,430,11/23/2026\n\
        JFK,CDG,430,23/11/2026 09:30\nJFK,CDG,430,1/5/2027 09:30\n";
    let problems = load(&site, text, None).await.unwrap_err();
    let parts = [
        &["2026-11-23 HH:MM"][..],
        &["2026-11-23 09:30"],
        &["2027-01-05 09:30", "2027-05-01 09:30"],
    ];
    assert_eq!(problems.lines.len(), parts.len());
    for ((_, why), parts) in problems.lines.iter().zip(parts) {
        assert!(parts.iter().all(|part| why.contains(part)), "{why}");
    }
}

#[rocket::async_test]
async fn one_code_stands_once_in_a_file_whether_or_not_it_is_known() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let before = site.dump().await;
    for text in ["code,city\nJFK,One\nCDG,Two\njfk,Three\n", "code,city\nABC,One\n\nabc ,Two\n"] {
        let problems = load(&site, text, None).await.unwrap_err();
        assert_eq!(problems.lines.len(), 1);
        assert_eq!(problems.lines[0].0, 4);
        assert!(problems.lines[0].1.contains("line 2"), "{problems}");
    }
    assert_eq!(site.dump().await, before);
}

#[rocket::async_test]
async fn an_empty_cell_takes_nothing_away() {
    let site = Site::fresh().await;
    let text = "code,city,country,timezone,latitude,longitude\n\
        JFK,New York,United States,America/New_York,40.6398,-73.7789\n";
    load(&site, text, None).await.unwrap();
    let before = site.dump().await;
    let text = "code,city,country,timezone,latitude,longitude\njfk,New York,,,,\n";
    assert_eq!(counts(load(&site, text, None).await), (0, 0, 1));
    assert_eq!(counts(load(&site, "code,city,timezone\nJFK,, \n", None).await), (0, 0, 1));
    assert_eq!(site.dump().await, before);
    // Half of a place is a mistake, not the other half of what is known.
    let text = "code,city,latitude,longitude\nJFK,New York,41,\n";
    assert_eq!(bad_lines(load(&site, text, None).await), [2]);
}

#[rocket::async_test]
async fn what_is_exported_loads_again() {
    const SECOND_TIME: i64 = 1_793_514_600;
    let site = Site::fresh().await;
    let (from, to) = site.two_airports().await;
    let text =
        "code,city,latitude,longitude\nLHR,London,51.4703,-0.453630839129292\nGIG,Rio,-22,\"\"\n";
    assert_eq!(bad_lines(load(&site, text, None).await), [3]);
    load(&site, text.split_once("GIG").unwrap().0, None).await.unwrap();
    // To the second; in the hour that comes twice; without a time; not valid, as an old copy may hold it.
    let timed = site
        .flight_with(&from, &to, |draft| {
            draft.duration = 415;
            draft.departs_at = Some(NOW + 30);
            draft.capacity = Some(9);
        })
        .await;
    site.flight_with(&from, &to, |draft| draft.departs_at = Some(SECOND_TIME)).await;
    site.flight_with(&from, &from, |draft| draft.duration = -5).await;
    let ann = site.passenger("=SUM(A1)", "Other").await;
    site.passenger("'=SUM(A1)", "'Quoted").await;
    site.passenger("1", "-").await;
    site.book(&timed, &ann).await;
    let before = site.dump().await;
    let folder = tempfile::tempdir().unwrap();
    let mut staff = site.staff().await;
    let with_staff = site.dump().await;
    assert_ne!(before, with_staff);
    for (kind, count) in [("airports", 3), ("flights", 3), ("passengers", 3)] {
        let page = staff.get(&format!("/admin/{kind}/export/")).await;
        let by_command = run(folder.path(), &site.database.url, &["list", kind, "--csv"]).out;
        for text in [page.text, by_command] {
            let text = text.replace("\r\n", "\n");
            assert_eq!(counts(load(&site, &text, None).await), (0, 0, count), "{text}");
            // As other spreadsheets save it.
            let mut other = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
            let mut reader = csv::ReaderBuilder::new();
            for row in reader.has_headers(false).from_reader(text.as_bytes()).records() {
                other.write_record(&row.unwrap()).unwrap();
            }
            let other = String::from_utf8(other.into_inner().unwrap()).unwrap();
            assert_eq!(counts(load(&site, &other, None).await), (0, 0, count), "{other}");
        }
    }
    assert_eq!(site.dump().await, with_staff);

    let copy = Site::fresh().await;
    let exported = staff.get("/admin/airports/export/").await.text;
    assert_eq!(counts(load(&copy, &exported, None).await), (3, 0, 0));
    assert_eq!(places(&copy).await, places(&site).await);
}

#[rocket::async_test]
async fn an_edited_export_changes_what_it_names_and_adds_the_rest() {
    let site = Site::fresh().await;
    let (from, to) = site.two_airports().await;
    let timed = site
        .flight_with(&from, &to, |draft| {
            draft.duration = 415;
            draft.departs_at = Some(NOW + 30);
            draft.capacity = Some(9);
        })
        .await;
    let other = site.flight(&from, &to).await;
    let ann = site.passenger("Ann", "Smith").await;
    let bob = site.passenger("Bob", "Jones").await;
    let mut staff = site.staff().await;

    let text = staff.get("/admin/passengers/export/").await.text;
    let text = text.replace("Smith,Ann", "Baker,Anne") + "Quill,Ada,,\n";
    assert_eq!(counts(load(&site, &text, None).await), (1, 1, 1));
    assert_eq!(people(&site).await, ["Anne Baker", "Bob Jones", "Ada Quill"]);

    let text = staff.get("/admin/flights/export/").await.text;
    let text = text.replace(",415,", ",420,");
    assert_eq!(counts(load(&site, &text, None).await), (0, 1, 1));
    let after = flight(&site, timed.id).await;
    assert_eq!((after.duration, after.departs_at), (420, Some(NOW + 30)), "the rest is as it was");
    // Columns that were left out, and cells that were emptied, say nothing.
    let text = format!("number,seats,departs\n{},12,\n{},,2027-06-01 08:05\n", timed.id, other.id);
    assert_eq!(counts(load(&site, &text, Some(Kind::Flights)).await), (0, 2, 0));
    let after = flight(&site, timed.id).await;
    assert_eq!((after.capacity, after.departs_at), (Some(12), Some(NOW + 30)));
    assert!(flight(&site, other.id).await.departs_at.is_some());
    // An offset that the clocks there do not have is a mistake.
    let text = format!("number,departs\n{},2027-06-01T08:05+05:00\n", other.id);
    assert_eq!(bad_lines(load(&site, &text, Some(Kind::Flights)).await), [2]);

    // What is gone, what never was and what stands twice is refused.
    let mut set = site.set().await;
    passengers::delete(&mut set, bob.id).await.unwrap();
    set.commit().await.unwrap();
    let before = site.dump().await;
    let text = format!(
        "number,first,last\n{},Bob,Jones\n99999999999999999999,A,B\n-1,A,B\nx,A,B\n{},Ann,S\n{},Ann,T\n",
        bob.id, ann.id, ann.id
    );
    assert_eq!(bad_lines(load(&site, &text, None).await), [2, 3, 4, 5, 7]);
    assert_eq!(site.dump().await, before);
}

#[rocket::async_test]
async fn seats_that_are_taken_are_not_loaded_away() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    for name in ["Ann", "Bob"] {
        let passenger = site.passenger(name, "Smith").await;
        site.book(&flight, &passenger).await;
    }
    let text = format!("number,seats\n{},1\n", flight.id);
    let file = File::read("file.csv", text.as_bytes(), Some(Kind::Flights)).unwrap();
    let mut set = site.set().await;
    let problems = load::load(&mut set, &file, &mut Silent).await.unwrap().unwrap_err();
    drop(set);
    assert_eq!(problems.lines[0].0, 2);
    let mut conn = site.pool.conn().await.unwrap();
    assert_eq!(bookings::count(&mut conn, flight.id).await.unwrap(), 2);
}

/// The same in a file as in a form.
#[rocket::async_test]
async fn invisible_text_is_no_name_in_a_file() {
    let site = Site::fresh().await;
    let text = "first,last\n\u{202e}Eve,Moss\nE\u{fffd}e,Moss\n\u{200b},Moss\n\u{3164},Moss\n\
        \u{feff}می\u{200c}خواهم\u{200b},क्\u{200d}ष\n";
    assert_eq!(bad_lines(load(&site, text, None).await), [2, 3, 4, 5]);
    let fine = "first,last\n\u{feff}می\u{200c}خواهم\u{200b},क्\u{200d}ष\n";
    assert_eq!(counts(load(&site, fine, None).await), (1, 0, 0));
    assert_eq!(people(&site).await, ["می\u{200c}خواهم क्\u{200d}ष"]);
}

/// A row that has more than its columns is refused on every line, also on the first of a file without a header.
#[rocket::async_test]
async fn nothing_of_the_first_row_is_lost() {
    let site = Site::fresh().await;
    site.two_airports().await;
    for (text, kind, lines) in [
        ("Ada,Quill,vegetarian\nGrace,Moss\n", Kind::Passengers, &[1][..]),
        ("Ms,Ada,Quill\n", Kind::Passengers, &[1]),
        ("Ms,Ada,Quill\nMs,Grace,Moss\n", Kind::Passengers, &[1, 2]),
        ("JFK,CDG,480,2027-01-05 08:00\n", Kind::Flights, &[1]),
    ] {
        assert_eq!(bad_lines(load(&site, text, Some(kind)).await), lines, "{text}");
    }
    assert!(people(&site).await.is_empty());
}

/// A quote that is not closed is told where it opens, and never decides what separates the cells.
#[rocket::async_test]
async fn a_missing_quote_is_told_where_it_is_missing() {
    let site = Site::fresh().await;
    for text in ["Ada,\"Quill\nGrace,Moss\n", "first,\"last\nGrace,Moss\n"] {
        let problems = load(&site, text, Some(Kind::Passengers)).await.unwrap_err();
        assert_eq!(problems.lines.len(), 1, "{problems}");
        assert!(problems.lines[0].0 == 1 && problems.to_string().contains("quote"), "{problems}");
    }
    let text = "first,last\nAda,\"Quill\nTheo,\"Vane\n";
    let problems = load(&site, text, None).await.unwrap_err();
    assert!(problems.lines[0].0 == 2 && problems.to_string().contains("quote"), "{problems}");
    // Two cells either way: the second record tells.
    let text = "Vane, Jr.;Theo\nMoss;Grace\n";
    assert_eq!(counts(load(&site, text, Some(Kind::Passengers)).await), (2, 0, 0));
    assert_eq!(people(&site).await, ["Vane, Jr. Theo", "Moss Grace"]);
    let problems = load(&site, "first|last\nAda|Quill\n", None).await.unwrap_err();
    assert!(problems.to_string().contains('|') && problems.lines.len() == 1, "{problems}");
}

/// Dates as countries write them are refused with what to write, and that is read.
#[rocket::async_test]
async fn what_is_advised_instead_of_a_local_date_is_read() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let file =
        |departs: &str| format!("origin,destination,minutes,departs\nJFK,CDG,60,{departs}\n");
    for (departs, advice) in [
        ("11/23/2026 3:05 PM", &["2026-11-23 15:05"][..]),
        ("7/1/2021 12:00:00 AM", &["2021-07-01 00:00", "2021-01-07 00:00"]),
        ("23.11.2026 08:05", &["2026-11-23 08:05"]),
        ("2026/11/23 08:05", &["2026-11-23 08:05"]),
        ("11-23-2026 08:05", &["2026-11-23 08:05"]),
        ("2/30/2027 10:00", &[]),
    ] {
        let problems = load(&site, &file(departs), None).await.unwrap_err().to_string();
        for instead in advice {
            assert!(problems.contains(instead), "{departs}: {problems}");
            assert_eq!(counts(load(&site, &file(instead), None).await), (1, 0, 0), "{instead}");
        }
        assert!(!problems.contains("02-30"), "{problems}");
    }
    let short = load(&site, &file("11/23/26"), None).await.unwrap_err().to_string();
    assert!(!short.contains("0026") && short.contains("four digits"), "{short}");
}

/// Headings in other languages are no people, and name the columns.
#[rocket::async_test]
async fn headings_in_other_languages_are_known() {
    for header in [
        "Nome,Cognome",
        "Voornaam,Achternaam",
        "Förnamn,Efternamn",
        "Imię,Nazwisko",
        "Имя,Фамилия",
        "名,姓",
        "Prénom,Nom",
    ] {
        let site = Site::fresh().await;
        let text = format!("{header}\nAda,Quill\n");
        assert_eq!(counts(load(&site, &text, Some(Kind::Passengers)).await), (1, 0, 0), "{header}");
        assert_eq!(people(&site).await, ["Ada Quill"], "{header}");
    }
    let site = Site::fresh().await;
    assert!(load(&site, "Pax,Seat\nAda,3\n", Some(Kind::Passengers)).await.is_err());
    site.two_airports().await;
    let text = "origin,destination,duration,departure,arrival\nJFK,CDG,60,2027-01-05 08:00,2027-01-05 09:00\n";
    assert_eq!(counts(load(&site, text, None).await), (1, 0, 0));
}

/// An export loads back although it holds what could not be given today.
#[rocket::async_test]
async fn what_is_stored_already_is_no_mistake() {
    let site = Site::fresh().await;
    site.two_airports().await;
    for text in [
        "UPDATE airports SET timezone = 'Mars/Phobos' WHERE code = 'JFK'",
        "UPDATE airports SET city = 'Par\u{202e}is' WHERE code = 'CDG'",
    ] {
        site.database.run(text).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let listed = run(folder.path(), &site.database.url, &["list", "airports", "--csv"]).out;
    assert_eq!(counts(load(&site, &listed, None).await), (0, 0, 2));
}
