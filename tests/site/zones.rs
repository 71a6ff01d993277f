//! One clock, one database of time zones: which zones there are, which times are read, and what a zone that moves
//! does to flights.

use airline::changes;
use airline::domain::flights::{self, Flight};
use airline::domain::times::{UNKNOWN_ZONE, parse_local};
use airline::domain::zones::CONFIRMED;
use airline::domain::{airports, times};

use crate::commands::{airline, run, said};
use crate::support::{Page, Site};

/// 2027-01-15 23:30 UTC: the next day in Paris and further east.
const LATE: i64 = 1_800_055_800;

async fn flights_of(site: &Site) -> Vec<Flight> {
    flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap()
}

async fn zone_of(site: &Site, code: &str) -> String {
    let found = airports::by_code(&mut site.pool.conn().await.unwrap(), code).await.unwrap();
    found.unwrap().timezone
}

/// A file of time zones, as a machine has them, that says UTC under whatever name it has.
fn says_utc() -> Vec<u8> {
    let mut block = b"TZif2".to_vec();
    block.extend([0_u8; 15]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        block.extend(count.to_be_bytes());
    }
    block.extend([0_u8; 6]);
    block.extend(b"UTC\0");
    let mut file = block.repeat(2);
    file.extend(b"\nUTC0\n");
    file
}

#[rocket::async_test]
async fn what_the_machine_says_of_time_zones_changes_nothing() {
    let site = Site::fresh().await;
    let ccu = site.airport("CCU,Kolkata,India,Asia/Calcutta").await;
    let cdg = site.airport("CDG,Paris,France,Europe/Paris").await;
    for (from, to) in [(&ccu, &cdg), (&cdg, &ccu)] {
        site.flight_with(from, to, |flight| flight.departs_at = Some(LATE)).await;
    }
    let machine = tempfile::tempdir().unwrap();
    std::fs::create_dir(machine.path().join("Europe")).unwrap();
    std::fs::write(machine.path().join("Europe/Paris"), says_utc()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = airline(folder.path(), &["list", "flights", "--csv"]);
    command.env("DATABASE_URL", &site.database.url).env("TZDIR", machine.path());
    let listed = said(command.output().unwrap());
    assert!(listed.out.contains("2027-01-16T05:00+05:30"), "{} {}", listed.out, listed.err);
    assert!(listed.out.contains("2027-01-16T00:30+01:00"), "{}", listed.out);
}

#[rocket::async_test]
async fn a_zone_is_stored_by_the_name_that_the_database_has() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for (code, typed, stored) in [
        ("CDG", "europe/paris", "Europe/Paris"),
        ("CCU", "ASIA/CALCUTTA", "Asia/Calcutta"),
        ("AAA", "utc", "UTC"),
    ] {
        let form = staff.get("/admin/airports/add/").await;
        let fields = [("code", code), ("city", "City"), ("timezone", typed), ("_save", "1")];
        assert_eq!(staff.submit(&form, "form.edit", &fields).await.status.code, 200, "{typed}");
        assert_eq!(zone_of(&site, code).await, stored);
    }
    for typed in ["Etc/Unknown", "etc/unknown", "localtime", "posixrules"] {
        let form = staff.get("/admin/airports/add/").await;
        let fields = [("code", "BBB"), ("city", "City"), ("timezone", typed), ("_save", "1")];
        let refused = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!(
            (refused.status.code, refused.count("#timezone-errors li")),
            (422, 1),
            "{typed}"
        );
    }
}

#[rocket::async_test]
async fn a_stored_zone_that_is_not_known_is_said_everywhere_and_found() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let there = site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(LATE)).await;
    let back = site.flight_with(&cdg, &jfk, |flight| flight.departs_at = Some(LATE)).await;
    site.database.run("UPDATE airports SET timezone = 'Mars/Phobos' WHERE code = 'CDG'").await;

    let mut staff = site.staff().await;
    for (path, times) in [
        (format!("/{}", back.id), ".leg time"),
        (format!("/{}", there.id), ".leg time"),
        ("/?past=1".to_owned(), "td time"),
        ("/admin/flights/".to_owned(), "tbody td"),
    ] {
        let page = staff.get(&path).await;
        let said = page.all(times).iter().any(|time| time.ends_with(UNKNOWN_ZONE));
        assert!(said, "{path}: {:?}", page.all(times));
    }
    // Its form says that the time is UTC, and saves what else is typed.
    let form = staff.get(&format!("/admin/flights/{}/change/", back.id)).await;
    assert_eq!(form.attribute("#departs", "value"), "2027-01-15T23:30Z");
    assert_eq!(form.count("#departs[type=datetime-local]"), 0, "it takes no offset");
    let saved = staff.submit(&form, "form.edit", &[("capacity", "9"), ("_save", "1")]).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let after = flights_of(&site).await.into_iter().find(|flight| flight.id == back.id).unwrap();
    assert_eq!((after.departs_at, after.capacity), (Some(LATE), Some(9)));

    let folder = tempfile::tempdir().unwrap();
    let checked = run(folder.path(), &site.database.url, &["check"]);
    assert!(!checked.ok && checked.err.contains("(CDG)"), "{}", checked.err);
    assert!(checked.err.contains("Mars/Phobos") && !checked.err.contains("(JFK)"));
}

/// Rules of time zones change within a day, too, at either end. Saving the flight says that somebody has seen it;
/// moving a zone is no such change.
#[rocket::async_test]
async fn check_lists_flights_whose_shown_times_changed() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let flight =
            site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(1_900_000_000)).await;
        ids.push(flight.id);
    }
    let folder = tempfile::tempdir().unwrap();
    let check = || run(folder.path(), &site.database.url, &["check"]);
    assert!(!check().err.contains("flight "), "{}", check().err);
    // As if two had been saved under other rules, of one end each.
    for (id, column) in ids.iter().zip(["departs_offset", "arrives_offset"]) {
        let text =
            format!("UPDATE flight_clocks SET {column} = {column} + 1800 WHERE flight_id = {id}");
        site.database.run(&text).await;
    }
    let found = check();
    assert!(!found.ok && found.err.contains("2 flights"), "{}", found.err);
    assert!(found.err.contains(&format!("flight {} leaves ", ids[0])), "{}", found.err);
    assert!(found.err.contains(&format!("flight {} arrives ", ids[1])), "{}", found.err);
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/flights/{}/change/", ids[0])).await;
    assert_eq!(staff.submit(&form, "form.edit", &[("_save", "1")]).await.status.code, 200);
    assert!(check().err.contains("1 flight "));
    // A zone that somebody moves is no change of rules.
    let form = staff.get(&format!("/admin/airports/{}/change/", cdg.id)).await;
    let asked =
        staff.submit(&form, "form.edit", &[("timezone", "Asia/Tokyo"), ("_save", "1")]).await;
    assert_eq!(staff.submit(&asked, "form.edit", &[("_save", "1")]).await.status.code, 200);
    assert!(!check().err.contains("flight "), "{}", check().err);
}

#[rocket::async_test]
async fn check_lists_flights_that_are_stored_under_another_day_than_they_have() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    for _ in 0..25 {
        site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(LATE)).await;
    }
    site.flight(&cdg, &jfk).await;
    let folder = tempfile::tempdir().unwrap();
    let check = || run(folder.path(), &site.database.url, &["check"]);
    assert_eq!(check().err.matches("2027-01-15").count(), 0);

    // As if they had been stored under other rules.
    site.database.run("UPDATE flights SET departs_on = '2027-01-14' WHERE departs_on <> ''").await;
    let found = check();
    assert!(!found.ok && found.err.contains("25 flights"), "{}", found.err);
    assert_eq!(found.err.matches("2027-01-14, now 2027-01-15").count(), 20);

    // Saving a flight as it is stores its day again.
    let mut staff = site.staff().await;
    let first = flights_of(&site).await[0].id;
    let form = staff.get(&format!("/admin/flights/{first}/change/")).await;
    assert_eq!(staff.submit(&form, "form.edit", &[("_save", "1")]).await.status.code, 200);
    assert!(check().err.contains("24 flights"));
    let verified = run(folder.path(), &site.database.url, &["history", "verify"]);
    assert!(verified.ok, "{}", verified.err);
}

#[rocket::async_test]
async fn a_departure_without_a_zone_is_refused_and_one_with_an_offset_is_read() {
    let site = Site::fresh().await;
    let nowhere = site.airport("AAA,Nowhere").await;
    let cdg = site.airport("CDG,Paris,France,Europe/Paris").await;
    // Stored before: it stays, and says that it is UTC.
    let old = site.flight_with(&nowhere, &cdg, |flight| flight.departs_at = Some(LATE + 7)).await;
    let mut staff = site.staff().await;
    let page = staff.get(&format!("/{}", old.id)).await;
    assert!(page.all(".leg time")[0].ends_with("UTC"), "{:?}", page.all(".leg time"));
    let form = staff.get(&format!("/admin/flights/{}/change/", old.id)).await;
    assert_eq!(form.attribute("#departs", "value"), "2027-01-15T23:30Z");
    staff.submit(&form, "form.edit", &[("duration", "61"), ("_save", "1")]).await;
    let kept = flights_of(&site).await.into_iter().find(|flight| flight.id == old.id).unwrap();
    assert_eq!((kept.departs_at, kept.duration), (Some(LATE + 7), 61));

    let form = staff.get("/admin/flights/add/").await;
    assert_eq!(form.count("#departs[type=datetime-local]"), 1);
    let fields = [
        ("origin", "AAA"),
        ("destination", "CDG"),
        ("duration", "60"),
        ("departs", "2026-11-23T08:05"),
        ("_save", "1"),
    ];
    let refused = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(refused.status.code, 422);
    assert!(refused.one("#departs-errors").contains("2026-11-23T08:05Z"), "{}", refused.text);
    assert_eq!(refused.attribute("#departs", "value"), "2026-11-23T08:05");
    assert_eq!(refused.count("#departs[type=datetime-local]"), 0, "an offset can be typed");
    let typed = [("departs", "2026-11-23 09:05 +01:00"), ("_save", "1")];
    assert_eq!(staff.submit(&refused, "form.edit", &typed).await.status.code, 200);

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("local.csv", "origin,destination,minutes,departs\nAAA,CDG,60,2026-11-23 08:05\n");
    write("offset.csv", "origin,destination,minutes,departs\nAAA,CDG,60,2026-11-23T08:05Z\n");
    let local = run(folder.path(), &site.database.url, &["loaddata", "local.csv"]);
    assert!(!local.ok && local.err.contains("local.csv, line 2: departs: "), "{}", local.err);
    let offset = run(folder.path(), &site.database.url, &["loaddata", "offset.csv"]);
    assert!(offset.ok, "{}", offset.err);
    let at = parse_local("2026-11-23T08:05", "UTC").unwrap();
    let new = flights_of(&site).await.into_iter().filter(|flight| flight.departs_at == Some(at));
    assert_eq!(new.count(), 2);
}

#[rocket::async_test]
async fn the_hour_that_clocks_show_twice_is_asked_about_and_entered_both_ways() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    let mut fields = vec![
        ("origin", "JFK"),
        ("destination", "CDG"),
        ("duration", "60"),
        ("departs", "2027-11-07T01:30"),
        ("_save", "1"),
    ];
    let asked = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(asked.status.code, 422);
    let why = asked.one("#departs-errors");
    for (text, at) in
        [("2027-11-07T01:30-04:00", 1_825_565_400), ("2027-11-07T01:30-05:00", 1_825_569_000)]
    {
        assert!(why.contains(text), "{why}");
        let saved = staff.submit(&asked, "form.edit", &[("departs", text), ("_save", "1")]).await;
        assert_eq!(saved.status.code, 200, "{}", saved.text);
        let flight = flights_of(&site).await.pop().unwrap();
        assert_eq!(flight.departs_at, Some(at));
        // Through its form unchanged, and back from what the form says.
        let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
        assert_eq!(form.attribute("#departs", "value"), text);
        assert_eq!(form.count("#departs[type=datetime-local]"), 0, "it would drop the offset");
        staff.submit(&form, "form.edit", &[("duration", "70"), ("_save", "1")]).await;
        let after = flights_of(&site).await.pop().unwrap();
        assert_eq!((after.departs_at, after.duration), (Some(at), 70));
    }
    // An offset that the origin's clocks do not have then names the one that they have.
    fields[3] = ("departs", "2027-06-01T10:00+02:00");
    let refused = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(refused.status.code, 422);
    assert!(refused.one("#departs-errors").contains("2027-06-01T04:00-04:00"), "{}", refused.text);
    fields[3] = ("departs", "2027-06-01T10:00-04:00");
    assert_eq!(staff.submit(&form, "form.edit", &fields).await.status.code, 200);
}

/// Three airports in UTC; two flights of the first, one from and one to it, and one of the others.
async fn three_in_utc(site: &Site) -> i64 {
    let a = site.airport("AAA,Alpha,,UTC").await;
    let b = site.airport("BBB,Beta,,UTC").await;
    let c = site.airport("CCC,Gamma,,UTC").await;
    for (from, to) in [(&a, &b), (&b, &a), (&b, &c)] {
        site.flight_with(from, to, |flight| flight.departs_at = Some(LATE)).await;
    }
    // Without a departure it shows no time.
    site.flight(&a, &b).await;
    a.id
}

/// What a form says before it moves a zone: how many flights, and which zone a click more confirms.
#[track_caller]
fn asks(page: &Page, count: usize, zone: &str) {
    assert_eq!(page.status.code, 422, "{}", page.text);
    let why = page.one("#timezone-errors li");
    assert!(why.starts_with(&format!("{count} flight")), "{why}");
    assert_eq!(page.values(&format!("input[name={CONFIRMED}]")).len(), 1);
    assert_eq!(page.attribute("#timezone", "value"), zone);
}

#[rocket::async_test]
async fn a_zone_that_moves_says_first_which_flights_show_other_times() {
    let site = Site::fresh().await;
    let id = three_in_utc(&site).await;
    let mut staff = site.staff().await;
    let path = format!("/admin/airports/{id}/change/");
    let form = staff.get(&path).await;
    let before = site.dump().await;
    let tokyo = [("timezone", "asia/tokyo"), ("_save", "1")];
    let asked = staff.submit(&form, "form.edit", &tokyo).await;
    assert!(
        asked.one("#timezone-errors li").contains("Sat 16 Jan 2027 08:30 JST"),
        "{}",
        asked.text
    );
    assert_eq!(site.dump().await, before, "nothing is saved yet");
    // Another zone than the one that was confirmed asks again.
    let other = staff.submit(&asked, "form.edit", &[("timezone", "Europe/Paris"), ("_save", "1")]);
    asks(&other.await, 2, "Europe/Paris");
    // So does a flight that came meanwhile: it was not among those that were shown.
    let mut db = site.pool.conn().await.unwrap();
    let [from, to] = ["AAA", "BBB"];
    let from = airports::by_code(&mut db, from).await.unwrap().unwrap();
    let to = airports::by_code(&mut db, to).await.unwrap().unwrap();
    drop(db);
    site.flight_with(&from, &to, |flight| flight.departs_at = Some(1_900_000_000)).await;
    let asked = staff.submit(&asked, "form.edit", &[("_save", "1")]).await;
    asks(&asked, 3, "asia/tokyo");
    let saved = staff.submit(&asked, "form.edit", &[("_save", "1")]).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    assert_eq!(zone_of(&site, "AAA").await, "Asia/Tokyo");

    // So does emptying it.
    let form = staff.get(&path).await;
    let asked = staff.submit(&form, "form.edit", &[("timezone", ""), ("_save", "1")]).await;
    asks(&asked, 3, "");
    assert_eq!(staff.submit(&asked, "form.edit", &[("_save", "1")]).await.status.code, 200);
    assert_eq!(zone_of(&site, "AAA").await, "");

    // And the list's row; what shows the same times asks nothing.
    let list = staff.get(&format!("/admin/airports/?edit={id}")).await;
    let row = format!("#edit-{id}");
    let asked = staff.submit(&list, &row, &[("timezone", "Asia/Tokyo")]).await;
    asks(&asked, 3, "Asia/Tokyo");
    let same = staff.submit(&list, &row, &[("timezone", "Etc/UTC")]).await;
    assert_eq!((same.status.code, zone_of(&site, "AAA").await), (200, "Etc/UTC".to_owned()));
}

#[rocket::async_test]
async fn previews_say_how_many_flights_show_other_times() {
    let site = Site::fresh().await;
    let id = three_in_utc(&site).await;
    let mut staff = site.staff().await;
    let list = staff.get("/admin/airports/").await;
    let (alpha, beta) = (id.to_string(), (id + 1).to_string());
    let ticked = [("id", &*alpha), ("id", &*beta), ("action", "edit")];
    let fields = staff.submit(&list, "#bulk", &ticked).await;
    let set = [("set", "timezone"), ("timezone", "Asia/Tokyo")];
    let preview = staff.submit(&fields, "main form", &set).await;
    // Both ends of two flights move, one end of the third: each counts once.
    assert!(preview.one("#effects li").starts_with("3 flights"), "{}", preview.text);
    let done = staff.submit(&preview, "main form", &[]).await;
    assert_eq!((done.status.code, zone_of(&site, "AAA").await), (200, "Asia/Tokyo".to_owned()));

    let set = changes::recent(&mut site.pool.conn().await.unwrap(), 1).await.unwrap()[0].id;
    let undo = staff.get(&format!("/admin/log/{set}/undo/")).await;
    assert!(undo.one("#effects li").starts_with("3 flights"), "{}", undo.text);
}

#[rocket::async_test]
async fn a_load_that_moves_zones_says_so_and_waits_for_permission() {
    let site = Site::fresh().await;
    three_in_utc(&site).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let load = |arguments: &[&str]| {
        run(folder.path(), &site.database.url, &[&["loaddata"][..], arguments].concat())
    };
    write("empty.csv", "code,city,timezone\nAAA,Alpha,\nBBB,Beta,\n");
    write("tokyo.csv", "code,city,timezone\nAAA,Alpha,Asia/Tokyo\nBBB,Beta,Asia/Tokyo\n");
    let empty = load(&["empty.csv"]);
    assert!(empty.ok, "{}", empty.err);
    assert_eq!(zone_of(&site, "AAA").await, "UTC", "an empty cell takes no zone away");

    let before = site.dump().await;
    let refused = load(&["tokyo.csv"]);
    assert!(!refused.ok && refused.err.contains("--allow-time-changes"), "{}", refused.err);
    assert!(refused.err.contains(" 3 flights"), "{}", refused.err);
    let dry = load(&["tokyo.csv", "--dry-run"]);
    assert!(dry.ok && dry.out.contains(" 3 flights"), "{} {}", dry.out, dry.err);
    assert_eq!(site.dump().await, before);
    let allowed = load(&["tokyo.csv", "--allow-time-changes"]);
    assert!(allowed.ok && allowed.out.contains(" 3 flights"), "{} {}", allowed.out, allowed.err);
    assert_eq!(zone_of(&site, "BBB").await, "Asia/Tokyo");
    let day = times::local_day(Some(LATE), "Asia/Tokyo");
    let mut visitor = site.browser();
    assert_eq!(visitor.get(&format!("/?on={day}")).await.count("tr[id^=flight-]"), 3);
    // A flight of the same load is read by the zone that the load has brought.
    write("new.csv", "code,city,timezone\nDDD,Delta,\nAAA,Alpha,\n");
    write("flights.csv", "origin,destination,minutes,departs\nAAA,DDD,60,2027-02-01 08:05\n");
    let both = load(&["new.csv", "flights.csv"]);
    assert!(both.ok, "{}", both.err);
}
