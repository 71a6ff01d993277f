//! What was done is told, cannot be changed, and can be undone: one thing, a whole set, everything.

use airline::changes::{self, Verdict};
use airline::domain::{airports, bookings, flights, passengers};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::io::Cursor;

use crate::support::{Browser, Page, Site};

async fn verdict(site: &Site) -> Verdict {
    changes::verify(&mut site.pool.conn().await.unwrap(), &mut |_| {}).await.unwrap()
}

fn airline(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_airline"))
        .args(arguments)
        .env("DATABASE_URL", &site.database.url)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The rows of objects in a dump, without their counts of changes.
fn objects(dump: &str) -> Vec<String> {
    let tables =
        ["airports", "flights", "passengers", "bookings", "users", "groups", "memberships"];
    dump.lines()
        .filter_map(|line| {
            let mut row: serde_json::Value = serde_json::from_str(line).ok()?;
            let (table, row) = row.as_object_mut()?.iter_mut().next()?;
            if !tables.contains(&table.as_str()) {
                return None;
            }
            row.as_object_mut()?.remove("version");
            Some(format!("{table} {row}"))
        })
        .collect()
}

/// Undoes a set through its page. The answer is where that leads.
async fn undo(staff: &mut Browser<'_>, set: i64) -> Page {
    let page = staff.get(&format!("/admin/log/{set}/undo/")).await;
    assert_eq!(page.status.code, 200, "{}", page.text);
    staff.submit(&page, "main form", &[]).await
}

async fn last_set(site: &Site) -> i64 {
    changes::recent(&mut site.pool.conn().await.unwrap(), 1).await.unwrap()[0].id
}

#[rocket::async_test]
async fn each_change_set_fits_the_one_before_and_verify_proves_it() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let Verdict::Whole { sets, older, head } = verdict(&site).await else {
        panic!("{:?}", verdict(&site).await)
    };
    assert_eq!((sets, older), (5, 0));
    let (code, out, _) = airline(&site, &["history", "verify"]);
    assert_eq!(code, Some(0));
    assert_eq!(out, format!("5 change sets, each fits the one before.\nThe last hash is {head}\n"));
    // A copy of everything, as a dump makes it, proves the same.
    let copy = Site::fresh().await;
    let mut tx = copy.pool.begin().await.unwrap();
    let dump = site.dump().await;
    let loaded =
        airline::data::dump::load(&mut tx, "dump", Cursor::new(&dump), &mut airline::data::Silent)
            .await;
    loaded.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(verdict(&copy).await, Verdict::Whole { sets: 5, older: 0, head: head.clone() });
    copy.passenger("Bob", "Brown").await;
    assert!(matches!(verdict(&copy).await, Verdict::Whole { sets: 6, .. }));
    let (code, ..) = airline(&copy, &["history", "verify", "--since", &head]);
    assert_eq!(code, Some(0));
    let (code, _, said) = airline(&copy, &["history", "verify", "--since", "abc"]);
    assert_eq!(code, Some(1), "{said}");
}

/// What no statement of the program does, somebody with the database's password may try.
#[rocket::async_test]
async fn history_is_append_only_and_a_forgery_shows() {
    let site = Site::fresh().await;
    site.any_flight().await;
    site.passenger("Alice", "Adams").await;
    let mut tx = site.pool.begin().await.unwrap();
    for text in [
        "UPDATE change_sets SET actor = 'nobody'",
        "UPDATE changes SET after = '{}'",
        "UPDATE change_subjects SET object_id = 1",
        "DELETE FROM change_subjects",
        "DELETE FROM changes",
        "DELETE FROM change_sets",
    ] {
        tx.begin_part().await.unwrap();
        let done = tx.upkeep(airline::db::Upkeep::new(text)).execute().await;
        assert!(done.is_err(), "{text}");
        tx.take_part_back().await.unwrap();
    }
    drop(tx);
    // Whoever takes the guards away first can write, and is found out.
    site.database.lift_the_guards_of_history().await;
    let forge = |text: &'static str| {
        let database = &site.database;
        async move { database.run(text).await }
    };
    forge("UPDATE changes SET after = REPLACE(after, 'Paris', 'Pariz')").await;
    assert_eq!(verdict(&site).await, Verdict::Broken { set: 2 });
    let (code, _, said) = airline(&site, &["history", "verify"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("change set 2 is not what was written"), "{said}");
    forge("UPDATE changes SET after = REPLACE(after, 'Pariz', 'Paris')").await;
    assert!(matches!(verdict(&site).await, Verdict::Whole { .. }));
    forge("UPDATE change_sets SET actor = 'nobody' WHERE id = 3").await;
    assert_eq!(verdict(&site).await, Verdict::Broken { set: 3 });
    forge("UPDATE change_sets SET actor = 'the test' WHERE id = 3").await;
    // Nothing can be put in before the first.
    forge("INSERT INTO change_sets (id, at, actor, request_id, action, reason, hash, folded) VALUES (-5, 1, 'x', '', 'add', '', '', '')").await;
    assert_eq!(verdict(&site).await, Verdict::CutOff);
    forge("DELETE FROM change_sets WHERE id = -5").await;
    assert!(matches!(verdict(&site).await, Verdict::Whole { .. }));
    // The end cut off; and a set taken out of the middle.
    forge("DELETE FROM change_subjects WHERE change_id = 4; DELETE FROM changes WHERE id = 4; DELETE FROM change_sets WHERE id = 4").await;
    assert_eq!(verdict(&site).await, Verdict::CutOff);
    forge("DELETE FROM change_subjects WHERE change_id = 2; DELETE FROM changes WHERE id = 2; DELETE FROM change_sets WHERE id = 2").await;
    assert_eq!(verdict(&site).await, Verdict::Broken { set: 3 });
}

#[rocket::async_test]
async fn the_log_tells_who_did_what_to_what_and_why() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Ádams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let confirm = staff.get(&format!("/admin/flights/{}/delete/", flight.id)).await;
    staff.submit(&confirm, "main form", &[("reason", "strike in Paris")]).await;
    let page = staff.get("/admin/log/").await;
    assert_eq!(page.all("tbody td[data-title=What]")[0], "delete");
    assert_eq!(page.all("tbody td[data-title=About]")[0], flight.to_string());
    assert_eq!(page.all("tbody td[data-title=Changes]")[0], "2");
    assert_eq!(page.all("tbody td[data-title=Reason]")[0], "strike in Paris");
    assert_eq!(page.count("#bulk, .heading .button, .tick-cell"), 0, "it is only looked at");
    for (search, found) in [
        ("who:boss", 1),
        ("who:test kind:flights", 1),
        ("kind:bookings", 2),
        ("what:delete", 1),
        ("strike", 1),
        ("adams", 3),
        ("STRÍKE", 1),
        ("is:reasoned", 1),
        ("when:2027-01-15", 7),
        ("when<2027-01-15", 0),
        ("when>=2027 -kind:users", 6),
        ("is:undone", 0),
    ] {
        let query: String = form_urlencoded::byte_serialize(search.as_bytes()).collect();
        let page = staff.get(&format!("/admin/log/?q={query}")).await;
        assert_eq!(page.count("tbody tr"), found, "{search}");
    }
    // Everything of one act is told together, with the values.
    let set = staff.get(&page.attribute("tbody a.row", "href")).await;
    assert_eq!(set.one("h1"), "boss: delete");
    assert_eq!(set.all(".history > li > p").len(), 2);
    assert!(set.all(".history .old").contains(&"100".to_owned()), "{}", set.text);
    assert_eq!(set.all(".facts dd")[1], "strike in Paris");
    // It can be taken home, and listed by a command.
    let file = staff.get("/admin/log/export/?q=what:delete").await;
    assert!(String::from_utf8_lossy(&file.bytes).contains("strike in Paris"));
    let (_, out, _) = airline(&site, &["list", "log", "is:reasoned"]);
    assert!(out.contains("strike in Paris"), "{out}");
    // Who may view only some kinds sees what is about these, and nothing else.
    let mut clerk = site.staff_with("clerk", "view_airports").await;
    let page = clerk.get("/admin/log/").await;
    assert_eq!(page.all("tbody td[data-title=About]"), ["Paris (CDG)", "New York (JFK)"]);
    let number = last_set(&site).await;
    assert_eq!(clerk.get(&format!("/admin/log/{number}/")).await.status.code, 403);
    // Nor does the start page tell of more than that, not even how much there is.
    assert_eq!(clerk.get("/admin/").await.count(".recent li"), 2);
    let mut planner = site.staff_with("planner", "view_flights").await;
    assert_eq!(planner.get("/admin/").await.count(".recent li"), 1, "not the one with a booking");
    assert_eq!(clerk.get(&format!("/admin/log/{number}/undo/")).await.status.code, 403);
    assert_eq!(staff.get("/admin/log/999999/").await.status.code, 404);
    assert_eq!(staff.get("/admin/log/1/change/").await.status.code, 404);
}

/// Blanking every hash makes no old history of it.
#[rocket::async_test]
async fn a_chain_that_was_blanked_shows() {
    let site = Site::fresh().await;
    site.passenger("Alice", "Adams").await;
    site.database.lift_the_guards_of_history().await;
    site.database.run("UPDATE change_sets SET hash = ''; UPDATE data_version SET head = ''").await;
    assert_eq!(verdict(&site).await, Verdict::CutOff);
}

/// A set that is read in several pieces is checked as one.
#[rocket::async_test]
async fn a_set_of_any_size_is_verified_to_its_last_change() {
    let site = Site::fresh().await;
    site.passenger("Alice", "Adams").await;
    let mut set = site.set().await;
    for number in 0..40_500 {
        set.remark(format!("Remark {number}"), Some(("passengers", number)), "{}".to_owned())
            .unwrap();
    }
    let large = set.commit().await.unwrap().unwrap();
    site.passenger("Bob", "Brown").await;
    assert!(matches!(verdict(&site).await, Verdict::Whole { sets: 3, .. }));
    site.database.lift_the_guards_of_history().await;
    for [forged, restored] in [
        [
            "UPDATE changes SET after = '[]' WHERE label = 'Remark 40499'",
            "UPDATE changes SET after = '{}' WHERE label = 'Remark 40499'",
        ],
        [
            "UPDATE change_subjects SET object_id = -1 WHERE object_id = 40450",
            "UPDATE change_subjects SET object_id = 40450 WHERE object_id = -1",
        ],
        [
            "INSERT INTO changes (change_set_id, kind, object_id, label, folded, before, after)
             SELECT change_set_id, kind, object_id, label, folded, before, after FROM changes
             WHERE label = 'Remark 7'",
            "DELETE FROM changes WHERE label = 'Remark 7'
             AND id > (SELECT MIN(id) FROM changes WHERE label = 'Remark 7')",
        ],
    ] {
        site.database.run(forged).await;
        assert_eq!(verdict(&site).await, Verdict::Broken { set: large }, "{forged}");
        site.database.run(restored).await;
        assert!(matches!(verdict(&site).await, Verdict::Whole { .. }), "{restored}");
    }
}

/// History outlives whom it tells of.
#[rocket::async_test]
async fn the_log_outlives_people_and_objects() {
    let site = Site::fresh().await;
    let mut boss = site.staff().await;
    let id = site.superuser("temp", "").await;
    let mut temp = site.session_of(id).await;
    let form = temp.get("/admin/airports/add/").await;
    temp.submit(&form, "form.edit", &[("code", "OSL"), ("city", "Oslo"), ("_save", "1")]).await;
    let confirm = boss.get(&format!("/admin/users/{id}/delete/")).await;
    let done = boss.submit(&confirm, "main form", &[]).await;
    assert_eq!(done.messages().len(), 1, "{}", done.text);
    let page = boss.get("/admin/log/?q=who:temp").await;
    assert_eq!(page.all("tbody td[data-title=About]"), ["Oslo (OSL)"]);
    assert!(matches!(verdict(&site).await, Verdict::Whole { .. }));
}

#[rocket::async_test]
async fn what_was_deleted_returns_with_its_id_and_its_bookings() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let flight = site.flight(&jfk, &cdg).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let before = objects(&site.dump().await);
    let confirm = staff.get(&format!("/admin/airports/{}/delete/", jfk.id)).await;
    let done = staff.submit(&confirm, "main form", &[]).await;
    assert_ne!(objects(&site.dump().await), before);
    // From the message after the act.
    let there = done.attribute("#messages a.undo", "href");
    let preview = staff.get(&there).await;
    assert_eq!(
        preview.all(".falls h2"),
        [
            "1 airport will be made again",
            "1 booking will be made again",
            "1 flight will be made again"
        ]
    );
    let looked = objects(&site.dump().await);
    assert_ne!(looked, before, "looking changes nothing");
    let done = staff.submit(&preview, "main form", &[]).await;
    assert_eq!(done.messages(), ["Undone: 3 changes."]);
    assert_eq!(objects(&site.dump().await), before);
    assert_eq!(site.booked(&flight).await, 1);
    // The undo is a change set, and can be undone; and what was undone says so.
    let set = last_set(&site).await;
    let page = staff.get(&format!("/admin/log/{set}/")).await;
    assert!(page.all(".facts dt").contains(&"Undoes".to_owned()));
    undo(&mut staff, set).await;
    assert_eq!(objects(&site.dump().await), looked);
    assert_eq!(staff.get("/admin/log/?q=is:undone").await.count("tbody tr"), 2);
    // Done twice, there is nothing left to do.
    let again = staff.get(&there).await;
    assert_eq!(again.count("main form button"), 1, "the deletion can be undone once more");
    let again = staff.get(&format!("/admin/log/{set}/undo/")).await;
    assert!(
        again.all(".refusals li").iter().all(|why| why.ends_with("It is gone already."))
            || again.count(".refusals") == 0
    );
}

#[rocket::async_test]
async fn an_undo_checks_what_has_happened_since_and_offers_the_rest() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let flight = site.flight_with(&jfk, &cdg, |flight| flight.capacity = Some(1)).await;
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Brown").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    // Alice goes, with her booking; Bob takes the seat.
    let confirm = staff.get(&format!("/admin/passengers/{}/delete/", alice.id)).await;
    staff.submit(&confirm, "main form", &[]).await;
    let deletion = last_set(&site).await;
    site.book(&flight, &bob).await;
    let preview = staff.get(&format!("/admin/log/{deletion}/undo/")).await;
    assert_eq!(preview.all(".falls h2"), ["1 passenger will be made again"]);
    assert_eq!(
        preview.all(".refusals li"),
        [format!("Alice Adams on {flight}: This flight is full.")]
    );
    assert_eq!(preview.one("main form button"), "Yes, undo the part that can be");
    // What was changed since is not put back over.
    let form = staff.get(&format!("/admin/airports/{}/change/", jfk.id)).await;
    staff.submit(&form, "form.edit", &[("city", "Gotham"), ("_save", "1")]).await;
    let first = last_set(&site).await;
    let form = staff.get(&format!("/admin/airports/{}/change/", jfk.id)).await;
    staff.submit(&form, "form.edit", &[("city", "Metropolis"), ("_save", "1")]).await;
    let page = staff.get(&format!("/admin/log/{first}/undo/")).await;
    assert_eq!(page.all(".refusals li"), ["Gotham (JFK): boss changed it since."]);
    assert_eq!(page.count("main form button"), 0);
    // A seal is over what was seen: when the seat is free again, more would come back than was seen.
    let mut set = site.set().await;
    for booking in bookings::of_flight(&mut set, flight.id).await.unwrap() {
        bookings::cancel(&mut set, &booking).await.unwrap();
    }
    set.commit().await.unwrap();
    let answer = staff.submit(&preview, "main form", &[]).await;
    assert_eq!(answer.status.code, 409);
    assert_eq!(
        answer.all("[role=alert] li"),
        [format!("Alice Adams on {flight} is otherwise now.")]
    );
    assert_eq!(site.booked(&flight).await, 0, "nothing was done");
    let done = staff.submit(&answer, "main form", &[]).await;
    assert_eq!(done.messages(), ["Undone: 2 changes."]);
    assert_eq!(site.booked(&flight).await, 1);
    // Without a seal nothing is done at all.
    let last = last_set(&site).await;
    let page = staff.get(&format!("/admin/log/{last}/undo/")).await;
    let again = staff.submit(&page, "main form", &[("-seal", "")]).await;
    assert_eq!((again.status.code, again.count("main form")), (200, 1));
    assert_eq!(last_set(&site).await, last);
}

#[rocket::async_test]
async fn an_undo_needs_the_rights_of_its_opposite() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut boss = site.staff().await;
    let confirm = boss.get(&format!("/admin/flights/{}/delete/", flight.id)).await;
    boss.submit(&confirm, "main form", &[]).await;
    let set = last_set(&site).await;
    let mut changer =
        site.staff_with("changer", "view_flights change_flights delete_flights").await;
    let page = changer.get(&format!("/admin/log/{set}/undo/")).await;
    assert_eq!(page.count("main form button"), 0);
    assert!(page.one(".refusals li").contains("Add flights"), "{}", page.one(".refusals li"));
    let mut adder = site.staff_with("adder", "view_flights add_flights").await;
    let done = undo(&mut adder, set).await;
    assert_eq!(done.messages(), ["Undone: 1 change."]);
    // Who may do what is undone by superusers, who prove once more that it is they.
    let id = site.user("climber", "", |draft| draft.is_superuser = true).await;
    let form = boss.get(&format!("/admin/users/{id}/change/")).await;
    let done = boss.submit(&form, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await;
    assert_eq!(done.messages().len(), 1, "{}", done.text);
    let set = last_set(&site).await;
    site.clock.advance(600);
    let page = boss.get(&format!("/admin/log/{set}/undo/")).await;
    assert_eq!(page.all("main form button"), ["Try again"]);
    assert_eq!(page.one("[role=alert] h2"), "Is it you?");
    let mut manager =
        site.staff_with("manager", "view_users change_users manage_users view_groups").await;
    let page = manager.get(&format!("/admin/log/{set}/undo/")).await;
    assert_eq!(page.all(".refusals li"), ["climber: This needs a superuser."]);
}

/// Whatever was done, undoing all of it in reverse leaves everything as it was (but for the counts of
/// changes, which never go back: a form that somebody opened between must be seen to be stale).
#[rocket::async_test]
async fn random_acts_undone_in_reverse_leave_everything_as_it_was() {
    for seed in 0..8 {
        let site = Site::fresh().await;
        let mut random = StdRng::seed_from_u64(seed);
        for code in ["AAA", "BBB", "CCC"] {
            site.airport(&format!("{code},City {code},,Europe/Paris")).await;
        }
        let mut staff = site.staff().await;
        let start = objects(&site.dump().await);
        let first = last_set(&site).await;
        for step in 0..40 {
            act(&site, &mut random, step).await;
        }
        let last = last_set(&site).await;
        assert!(last > first + 15, "seed {seed} did hardly anything");
        assert_ne!(objects(&site.dump().await), start);
        for set in (first + 1..=last).rev() {
            let page = staff.get(&format!("/admin/log/{set}/undo/")).await;
            if page.status.code == 404 {
                continue;
            }
            assert_eq!(
                page.count(".refusals"),
                0,
                "seed {seed}, set {set}: {:?}",
                page.all(".refusals li")
            );
            if page.count("main form button") > 0 {
                let done = staff.submit(&page, "main form", &[]).await;
                assert_eq!(done.messages().len(), 1, "{}", done.text);
            }
        }
        assert_eq!(objects(&site.dump().await), start, "seed {seed}");
        assert!(matches!(verdict(&site).await, Verdict::Whole { .. }));
    }
}

/// Something that staff do, in a set of its own; what is refused leaves no trace.
async fn act(site: &Site, random: &mut StdRng, step: i64) {
    let mut set = site.set().await;
    let airports = airports::all(&mut set).await.unwrap();
    let flights = flights::all(&mut set).await.unwrap();
    let passengers = passengers::all(&mut set).await.unwrap();
    let mut pick = |length: usize| random.random_range(0..length.max(1));
    let done = match pick(12) {
        0 => {
            let letter = char::from(b'D' + u8::try_from(step % 20).unwrap());
            let code = format!("X{letter}{}", char::from(b'A' + u8::try_from(step / 20).unwrap()));
            let mut values = airline::input::Values::default();
            values.set("code", code);
            values.set("city", format!("City {step}"));
            let draft = airports::Draft::parse(&values).unwrap();
            airports::insert(&mut set, draft).await.is_ok()
        }
        1 if airports.len() > 1 => {
            airports::delete(&mut set, airports[pick(airports.len())].id).await.is_ok()
        }
        2 if !airports.is_empty() => {
            let airport = &airports[pick(airports.len())];
            let mut draft = airports::Draft::from(airport.clone());
            draft.city = format!("Town {step}");
            ["", "Asia/Tokyo", "America/New_York"][pick(3)].clone_into(&mut draft.timezone);
            airports::update(&mut set, airport, draft).await.is_ok()
        }
        3..=5 if airports.len() > 1 => {
            let draft = flights::Draft {
                origin: airports[pick(airports.len())].clone(),
                destination: airports[pick(airports.len())].clone(),
                duration: step,
                departs_at: (pick(2) > 0).then_some(1_900_000_000 + step * 40_000),
                capacity: (pick(2) > 0).then_some(2),
            };
            flights::insert(&mut set, draft).await.is_ok()
        }
        6 if !flights.is_empty() => {
            let flight = flights[pick(flights.len())].clone();
            let find = |id| airports.iter().find(|airport| airport.id == id).unwrap().clone();
            let draft = flights::Draft {
                origin: find(flight.origin_id),
                destination: find(flight.destination_id),
                duration: flight.duration + 1,
                departs_at: None,
                capacity: None,
            };
            flights::update(&mut set, &flight, draft).await.is_ok()
        }
        7 if !flights.is_empty() => {
            flights::delete(&mut set, flights[pick(flights.len())].id).await.is_ok()
        }
        8 => {
            let draft = passengers::Draft { first: "P".to_owned(), last: format!("L{step}") };
            passengers::insert(&mut set, draft).await.is_ok()
        }
        9 if !passengers.is_empty() => {
            passengers::delete(&mut set, passengers[pick(passengers.len())].id).await.is_ok()
        }
        _ if !passengers.is_empty() && !flights.is_empty() => {
            let mut booked = false;
            for _ in 0..3 {
                let flight = flights[pick(flights.len())].id;
                let passenger = passengers[pick(passengers.len())].id;
                booked |= bookings::book(&mut set, flight, passenger).await.unwrap().is_ok();
            }
            booked
        }
        _ => {
            let draft = passengers::Draft { first: "Q".to_owned(), last: format!("M{step}") };
            passengers::insert(&mut set, draft).await.is_ok()
        }
    };
    if done {
        set.commit().await.unwrap();
    }
}

/// What only notes tell of is shown to those only who may see whom it names.
#[rocket::async_test]
async fn notes_in_the_log_are_not_for_everybody() {
    let site = Site::fresh().await;
    let mut set = site.set().await;
    set.remark("Alice was on board".to_owned(), None, "{}".to_owned()).unwrap();
    let noted = set.commit().await.unwrap().unwrap();
    let mut boss = site.staff().await;
    assert_eq!(boss.get("/admin/log/?q=alice").await.count("tbody tr"), 1);
    let mut clerk = site.staff_with("clerk", "export").await;
    for path in ["/admin/log/", "/admin/log/?q=alice", "/admin/log/?kind=remarks"] {
        let page = clerk.get(path).await;
        assert_eq!((page.status.code, page.text.contains("Alice")), (200, false), "{path}");
    }
    assert!(!clerk.get("/admin/").await.text.contains("Alice"));
    assert!(!clerk.get("/admin/log/export/").await.text.contains("Alice"));
    assert_eq!(clerk.get(&format!("/admin/log/{noted}/")).await.status.code, 403);
}
