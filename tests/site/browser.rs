//! Stories in a real browser, with scripts and without.

use airline::auth::sessions;
use thirtyfour::prelude::*;

use crate::support::stage::Stage;

#[rocket::async_test]
async fn flights_are_found_as_one_types() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let flight = stage.site.flight(&jfk, &cdg).await;
    stage.site.flight(&cdg, &jfk).await;
    stage.go("/").await;
    stage.shows("#count", &["1–2 of 2 flights"]).await;
    stage.fill("input[name=from]", "new yo").await;
    stage.shows("#count", &["1 flight"]).await;
    stage.shows("td[data-title=From]", &["New York (JFK)"]).await;
    stage.path_becomes("/?from=new+yo").await;
    // The field keeps its text and the focus through the swap.
    let focused = stage.driver.active_element().await.unwrap();
    assert_eq!(focused.attr("name").await.unwrap().as_deref(), Some("from"));
    focused.send_keys("rk").await.unwrap();
    stage.path_becomes("/?from=new+york").await;
    // Enter is no round trip either.
    focused.send_keys("" + Key::Enter).await.unwrap();
    stage.fill("input[name=to]", "paris").await;
    stage.path_becomes("/?from=new+york&to=paris").await;
    stage.click("tbody a").await;
    stage.shows("h1", &[&*format!("Flight #{}", flight.id)]).await;
    stage.driver.back().await.unwrap();
    stage.shows("#count", &["1 flight"]).await;
    stage.end().await;
}

#[rocket::async_test]
async fn pages_turn_in_place() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    for _ in 0..51 {
        stage.site.flight(&jfk, &cdg).await;
    }
    stage.go("/?sort=number").await;
    stage.click("a[rel=next]").await;
    stage.shows("#count", &["51–51 of 51 flights"]).await;
    stage.path_becomes("/?sort=number&page=2").await;
    stage.driver.back().await.unwrap();
    stage.shows("#count", &["1–50 of 51 flights"]).await;
    stage.end().await;
}

async fn book(stage: &Stage, scripts: bool) {
    let flight = stage.site.any_flight().await;
    for number in 0..15 {
        stage.site.passenger("Many", &format!("Others {number}")).await;
    }
    let zoe = stage.site.passenger("Zoë", "Zimmer").await;
    stage.go(&format!("/{}", flight.id)).await;
    stage.fill("input[name=q]", "zoe zim").await;
    if !scripts {
        stage.click(".find button").await;
    }
    stage.shows("#candidates label", &[&*format!("Zoë Zimmer #{}", zoe.id)]).await;
    stage.click("#candidates input[type=radio]").await;
    stage.click("#book button.main").await;
    stage.shows("#passengers li", &["Zoë Zimmer"]).await;
    stage.shows("#messages p", &["Zoë Zimmer is booked on this flight."]).await;
    assert_eq!(stage.site.booked(&flight).await, 1);
}

#[rocket::async_test]
async fn a_passenger_is_found_and_booked() {
    let stage = Stage::set(true).await;
    book(&stage, true).await;
    stage.end().await;
}

#[rocket::async_test]
async fn a_passenger_is_found_and_booked_without_scripts() {
    let stage = Stage::set(false).await;
    book(&stage, false).await;
    stage.end().await;
}

#[rocket::async_test]
async fn staff_add_a_flight_with_two_passengers_by_keyboard() {
    let stage = Stage::set(true).await;
    stage.site.two_airports().await;
    let alice = stage.site.passenger("Alice", "Adams").await;
    let bob = stage.site.passenger("Bob", "Baker").await;
    stage.sign_in().await;
    stage.go("/admin/flights/add/").await;
    stage.fill("#origin", "new").await;
    stage.shows("#origin-options li", &["New York (JFK)"]).await;
    let origin = stage.find("#origin").await;
    origin.send_keys(Key::Down + Key::Enter).await.unwrap();
    assert_eq!(origin.prop("value").await.unwrap().as_deref(), Some("New York (JFK)"));
    stage.fill("#destination", "CDG").await;
    stage.fill("#duration", "430").await;
    stage.fill("#passengers-0", "ali").await;
    stage.click("#passengers-0-options li").await;
    stage.click("button[data-row]").await;
    stage.find("#passengers-new .new-row:nth-child(2) input").await;
    let row = stage.driver.active_element().await.unwrap();
    row.send_keys("Bob Baker").await.unwrap();
    row.send_keys(Key::Escape + Key::Enter).await.unwrap();
    stage.shows("h1", &["Flights"]).await;
    stage.shows("td[data-title=Booked]", &["2"]).await;
    stage.click("tbody a").await;
    let names = [format!("Alice Adams (#{})", alice.id), format!("Bob Baker (#{})", bob.id)];
    stage.shows("#passengers td:first-child", &[&*names[0], &*names[1]]).await;
    stage.end().await;
}

#[rocket::async_test]
async fn staff_add_change_and_delete_without_scripts() {
    let stage = Stage::set(false).await;
    stage.site.two_airports().await;
    stage.site.passenger("Alice", "Adams").await;
    stage.site.passenger("Bob", "Baker").await;
    stage.sign_in().await;
    stage.click("nav.side a[href='/admin/flights/']").await;
    stage.click(".heading a.main").await;
    stage.fill("#origin", "jfk").await;
    stage.fill("#destination", "paris").await;
    stage.fill("#duration", "430").await;
    stage.fill("#passengers-0", "Alice Adams").await;
    stage.click("button[data-row]").await;
    stage.fill("#passengers-1", "Bob Baker").await;
    stage.click(".actions button.main").await;
    stage.shows("td[data-title=Booked]", &["2"]).await;
    stage.click("tbody a").await;
    stage.click("a.danger").await;
    stage.shows(".falls h2", &["2 bookings will be deleted", "1 flight will be deleted"]).await;
    stage.click("button.danger").await;
    stage.shows("#count", &["None"]).await;
    stage.end().await;
}

#[rocket::async_test]
async fn flights_are_chosen_in_two_panes() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let gru = stage.site.airport("GRU,São Paulo").await;
    let first = stage.site.flight(&jfk, &cdg).await;
    let second = stage.site.flight(&cdg, &gru).await;
    let osl = stage.site.airport("OSL,Oslo").await;
    let third = stage.site.flight(&jfk, &gru).await;
    let fourth = stage.site.flight(&gru, &jfk).await;
    let fifth = stage.site.flight(&cdg, &osl).await;
    let sixth = stage.site.flight(&jfk, &cdg).await;
    let alice = stage.site.passenger("Alice", "Adams").await;
    stage.site.book(&first, &alice).await;
    stage.sign_in().await;
    stage.go(&format!("/admin/passengers/{}/change/", alice.id)).await;
    stage.fill("input[name=flights-search]", "sao cdg").await;
    stage.shows("#flights-candidates li", &[&*second.to_string()]).await;
    stage.click("#flights-candidates input").await;
    stage.shows("#flights-chosen li", &[&*first.to_string(), &*second.to_string()]).await;
    stage.shows("#flights-candidates li", &[]).await;
    // A filter among the chosen ones says how many it hides.
    stage.fill("input[aria-label='Filter what is chosen']", "sao").await;
    stage.shows(".pane button[aria-live]", &["1 chosen not shown: show all"]).await;
    stage.click(".pane button[aria-live]").await;
    stage.shows("#flights-chosen li", &[&*first.to_string(), &*second.to_string()]).await;
    // All that the search shows are chosen at once, and no other; Enter takes one over, too.
    stage.fill("input[name=flights-search]", "gru jfk").await;
    stage.shows("#flights-candidates li", &[&*third.to_string(), &*fourth.to_string()]).await;
    stage.click(".pane:first-child > button").await;
    stage.shows("#flights-candidates li", &[]).await;
    stage.fill("input[name=flights-search]", "oslo").await;
    stage.shows("#flights-candidates li", &[&*fifth.to_string()]).await;
    stage.find("#flights-candidates input").await.send_keys("" + Key::Enter).await.unwrap();
    stage.shows("#flights-candidates li", &[]).await;
    stage.click("#flights-chosen li:first-child input").await;
    stage.click(".actions button.main").await;
    stage.shows("h1", &["Passengers"]).await;
    let mut booked = Vec::new();
    for flight in [&first, &second, &third, &fourth, &fifth, &sixth] {
        booked.push(stage.site.booked(flight).await);
    }
    assert_eq!(booked, [0, 1, 1, 1, 1, 0]);
    stage.end().await;
}

#[rocket::async_test]
async fn a_session_that_ended_leads_to_signing_in_also_as_one_types() {
    let stage = Stage::set(true).await;
    stage.sign_in().await;
    stage.go("/admin/passengers/").await;
    stage.site.clock.advance(sessions::IDLE + 1);
    stage.fill("input[name=q]", "ada").await;
    stage.shows("h1", &["Sign in"]).await;
    stage.seat.driver.quit().await.unwrap();
}

/// Every page in both colour schemes, at four widths: nothing sticks out sideways.
#[rocket::async_test]
async fn nothing_sticks_out_sideways() {
    let stage = Stage::set(true).await;
    let flight = stage.site.any_flight().await;
    let long =
        stage.site.passenger(&"Wolfeschlegelsteinhausen".repeat(2), &"Bergerdorff".repeat(5)).await;
    stage.site.book(&flight, &long).await;
    stage.sign_in().await;
    for width in [320, 390, 800, 1600] {
        stage.driver.set_window_rect(0, 0, width, 900).await.unwrap();
        for path in [
            "/".to_owned(),
            format!("/{}", flight.id),
            "/admin/".to_owned(),
            "/admin/flights/".to_owned(),
            format!("/admin/flights/{}/change/", flight.id),
            format!("/admin/passengers/{}/change/", long.id),
            format!("/admin/passengers/{}/history/", long.id),
            format!("/admin/airports/{}/delete/", flight.origin_id),
        ] {
            stage.go(&path).await;
            let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over = stage.driver.execute(script, Vec::new()).await.unwrap();
            assert_eq!(over.json().as_i64(), Some(0), "{path} at {width}");
        }
    }
    stage.end().await;
}

#[rocket::async_test]
async fn lists_are_worked_by_keys_alone() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let one = stage.site.flight(&jfk, &cdg).await;
    let two = stage.site.flight(&jfk, &cdg).await;
    stage.site.flight(&cdg, &jfk).await;
    stage.sign_in().await;
    stage.press("?").await;
    stage.shows("dialog.keys h2", &["Keys on this page"]).await;
    stage.press(Key::Escape).await;
    stage.shows("dialog.keys h2", &[]).await;
    stage.press("gf").await;
    stage.shows("h1", &["Flights"]).await;
    // Search: the focus stays in the box through each swap, and what is found is announced.
    stage.press("/").await;
    assert_eq!(stage.focus().await, "q");
    stage.press("from:jfk").await;
    stage.shows("#count", &["1–2 of 2"]).await;
    stage.shows(".chips span", &["from:jfk"]).await;
    assert_eq!(stage.focus().await, "q");
    assert_eq!(
        stage.ask("return document.querySelector('#count').getAttribute('role')").await,
        "status"
    );
    stage.path_becomes("/admin/flights/?q=from%3Ajfk").await;
    stage.shows(".htmx-request", &[]).await;
    // Rows: down, tick, down, tick, up. To leave the box is no new search: it would take the ticks.
    stage
        .ask("window.asked = 0; addEventListener('htmx:before:request', () => { asked += 1; })")
        .await;
    stage.press(Key::Escape).await;
    stage.press("jxjx").await;
    stage.shows("[data-ticked]", &["2 of 2 on this page ticked"]).await;
    stage.press("kx").await;
    stage.shows("[data-ticked]", &["1 of 2 on this page ticked"]).await;
    assert_eq!(stage.ask("return asked").await, 0);
    // Edit the row where it stands, and save by Enter; the focus goes on in the row.
    stage.press("e").await;
    stage.find("tr form").await;
    assert_eq!(stage.focus().await, "origin");
    let duration = stage.find("tr #duration").await;
    duration.clear().await.unwrap();
    duration.send_keys("77" + Key::Enter).await.unwrap();
    stage.shows("#messages p", &[&*format!("The flight was changed: {one} Undo")]).await;
    stage.shows("td[data-title=Duration]", &["1 h 17 min", "1 h 40 min"]).await;
    stage.shows("tr.at td[data-title=Number]", &[&*one.id.to_string()]).await;
    assert_eq!(stage.focus().await, one.id.to_string(), "the focus is on the row's link");
    // Esc leaves a row as it was.
    stage.press("e").await;
    stage.find("tr form").await;
    stage.press(Key::Escape).await;
    stage.shows("tr form", &[]).await;
    stage.shows("tr.at td[data-title=Number]", &[&*one.id.to_string()]).await;
    // Into the form, change something, save by key, on to the next one.
    stage.press("j" + Key::Enter).await;
    stage.shows("h1", &[&*two.to_string()]).await;
    stage.fill("#capacity", "9").await;
    let chain = stage.driver.action_chain();
    chain.key_down(Key::Control).send_keys("s").key_up(Key::Control).perform().await.unwrap();
    stage.shows("h1", &["Flights"]).await;
    stage.shows("td[data-title=Seats]", &["", "9"]).await;
    // And what was done is undone.
    stage.press("u").await;
    stage.shows("h1", &["Undo this?"]).await;
    stage.shows(".falls .change", &["Seats 9 →"]).await;
    stage.click("main form button.main").await;
    stage.shows("#messages p", &["Undone: 1 change. Undo"]).await;
    stage.end().await;
}

#[rocket::async_test]
async fn many_rows_are_ticked_at_once_and_changed_under_a_seal_while_another_works() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(stage.site.flight(&jfk, &cdg).await);
    }
    stage.sign_in().await;
    let rival = stage.somebody_else("rival").await;
    stage.go("/admin/flights/").await;
    // A range with Shift.
    stage.click("#row-20001 input[name=id]").await;
    let last = stage.find("#row-20004 input[name=id]").await;
    stage
        .driver
        .action_chain()
        .key_down(Key::Shift)
        .click_element(&last)
        .key_up(Key::Shift)
        .perform()
        .await
        .unwrap();
    stage.shows("[data-ticked]", &["4 of 5 on this page ticked"]).await;
    stage.click("[data-tick-all]").await;
    stage.shows("[data-ticked]", &["5 of 5 on this page ticked"]).await;
    stage.click("#row-20005 input[name=id]").await;
    stage.click("#bulk button[value=edit]").await;
    stage.shows("h1", &["Edit 4 flights"]).await;
    // Filling a field in ticks it.
    stage.fill("#duration", "50").await;
    stage.click("main button.main").await;
    stage.shows(".falls h2", &["4 flights will change"]).await;
    // The other deletes one meanwhile.
    rival.go("/admin/flights/20002/delete/").await;
    rival.click("button.danger").await;
    rival.shows("h1", &["Flights"]).await;
    stage.click("main form button.main").await;
    stage.shows("[role=alert] li", &[&*format!("{} is otherwise now.", made[1])]).await;
    stage.shows(".refusals li", &[&*format!("{}: It is gone.", made[1])]).await;
    stage.click("main form button.main").await;
    stage.shows("#messages p", &["3 flights were changed. Undo"]).await;
    rival.end().await;
    stage.end().await;
}

#[rocket::async_test]
async fn two_who_save_the_same_flight_choose_between_theirs() {
    let stage = Stage::set(true).await;
    let flight = stage.site.any_flight().await;
    stage.sign_in().await;
    let rival = stage.somebody_else("rival").await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    stage.go(&path).await;
    rival.go(&path).await;
    rival.fill("#duration", "222").await;
    rival.fill("#capacity", "40").await;
    rival.click(".actions button.main").await;
    rival.shows("h1", &["Flights"]).await;
    stage.fill("#duration", "333").await;
    stage.click(".actions button.main").await;
    stage.shows("#problems h2", &["Not saved: rival changed the same meanwhile"]).await;
    assert_eq!(stage.focus().await, "problems");
    stage.shows(".clash b", &["222", "333"]).await;
    stage.click(".clash input[value=yours]").await;
    stage.click(".actions button.main").await;
    stage.shows("td[data-title=Duration]", &["5 h 33 min"]).await;
    stage.shows("td[data-title=Seats]", &["40"]).await;
    rival.end().await;
    stage.end().await;
}

/// A word before typed text is lost, and none where nothing is.
#[rocket::async_test]
async fn typed_text_is_not_lost_without_a_word() {
    let stage = Stage::set(true).await;
    let flight = stage.site.any_flight().await;
    stage.sign_in().await;
    let warned = "const event = new Event('beforeunload', { cancelable: true }); window.dispatchEvent(event); return event.defaultPrevented";
    stage.go(&format!("/admin/flights/{}/change/", flight.id)).await;
    assert_eq!(stage.ask(warned).await, false, "nothing was typed");
    stage.fill("#duration", "5").await;
    assert_eq!(stage.ask(warned).await, true);
    stage.fill("#duration", "100").await;
    assert_eq!(stage.ask(warned).await, false, "it is as it was");
    stage.fill("#destination", "JFK").await;
    stage.click(".actions button.main").await;
    stage.shows("#problems h2", &["Not saved: please mend one thing"]).await;
    assert_eq!(stage.ask(warned).await, true, "it was not saved");
    // Another form on the page is not what was typed into.
    stage.go("/admin/flights/?edit=20001").await;
    stage.fill("tr #duration", "7").await;
    assert_eq!(stage.ask(warned).await, true);
    // Nor does an act on ticked rows take it along unnoticed.
    let act =
        "document.getElementById('bulk').dispatchEvent(new Event('submit', { bubbles: true }));";
    assert_eq!(stage.ask(&format!("{act} {warned}")).await, true);
    // A search asks first, and what was typed stays.
    stage.click("#q").await;
    stage.press("jfk").await;
    stage.refuses("The row that you are editing is not saved. Go on without it?").await;
    assert_eq!(stage.find("tr #duration").await.prop("value").await.unwrap().unwrap(), "7");
    assert_eq!(stage.focus().await, "origin");
    stage.click("[data-cancel]").await;
    stage.shows("tr form", &[]).await;
    // A search in a chooser, a filter there, and a row that is left empty are nothing to lose.
    let alice = stage.site.passenger("Alice", "Adams").await;
    stage.go(&format!("/admin/passengers/{}/change/", alice.id)).await;
    stage.fill("input[name=flights-search]", "jfk").await;
    stage.shows("#flights-candidates li", &[&*flight.to_string()]).await;
    assert_eq!(stage.ask(warned).await, false);
    stage.go(&format!("/admin/flights/{}/change/", flight.id)).await;
    stage.click("button[data-row]").await;
    stage.find("#passengers-new .new-row:nth-child(2) input").await;
    assert_eq!(stage.ask(warned).await, false);
    // A dialog that Esc would close asks first, too; without a network it says so, and keeps it all.
    stage.click("button[value='origin:add']").await;
    stage.fill("dialog #city", "Oslo").await;
    assert_eq!(stage.ask(warned).await, true);
    stage.press(Key::Escape).await;
    stage.refuses("What you typed here is not saved. Close it nevertheless?").await;
    stage.ask("window.fetch = () => Promise.reject(new TypeError('no network'))").await;
    stage.click("dialog .actions button.main").await;
    let silent = "The site does not answer: is the network there? Nothing is lost; try again.";
    stage.shows("dialog [role=alert]", &[silent]).await;
    assert_eq!(stage.find("dialog #city").await.prop("value").await.unwrap().unwrap(), "Oslo");
    // What is to be set on many is typed text as well.
    stage.go("/admin/flights/").await;
    stage.click("#bulk input[name=all]").await;
    stage.click("button[value=edit]").await;
    stage.find(".setting").await;
    assert_eq!(stage.ask(warned).await, false);
    stage.fill(".setting #duration", "9").await;
    assert_eq!(stage.ask(warned).await, true);
    stage.end().await;
}

async fn add_an_airport_on_the_way(stage: &Stage, scripts: bool) {
    stage.site.two_airports().await;
    stage.sign_in().await;
    stage.go("/admin/flights/add/").await;
    stage.fill("#duration", "95").await;
    stage.fill("#destination", "CDG").await;
    stage.click("button[value='origin:add']").await;
    let form = if scripts { "dialog " } else { "" };
    stage.find(&format!("{form}#code")).await;
    // What is wrong is told there, and the flight's form waits.
    stage.fill(&format!("{form}#code"), "OS1").await;
    stage.fill(&format!("{form}#city"), "Oslo").await;
    stage.click(&format!("{form}.actions button.main")).await;
    stage
        .shows(&format!("{form}#code-errors li"), &["A code has three letters, such as JFK."])
        .await;
    stage.fill(&format!("{form}#code"), "OSL").await;
    stage.click(&format!("{form}.actions button.main")).await;
    stage.shows("h1", &["Add flight"]).await;
    let value = async |name: &str| {
        stage.find(&format!("form.edit #{name}")).await.prop("value").await.unwrap().unwrap()
    };
    assert_eq!(value("origin").await, "Oslo (OSL)");
    assert_eq!(
        (value("duration").await, value("destination").await),
        ("95".to_owned(), "CDG".to_owned())
    );
    // One that is there is opened from its name, changed, and comes back as it is now called.
    stage.fill("#destination", "paris").await;
    if scripts {
        stage.press(Key::Escape).await;
    }
    stage.click("button[value='destination:open']").await;
    stage.fill(&format!("{form}#city"), "Lutetia").await;
    stage.click(&format!("{form}.actions button.main")).await;
    stage.shows("h1", &["Add flight"]).await;
    assert_eq!(value("destination").await, "Lutetia (CDG)");
    if scripts {
        assert_eq!(stage.focus().await, "destination");
    }
    stage.click(".actions button.main").await;
    stage.shows("td[data-title=Origin]", &["Oslo (OSL)"]).await;
    stage.shows("td[data-title=Destination]", &["Lutetia (CDG)"]).await;
}

#[rocket::async_test]
async fn an_airport_is_added_in_a_dialog_on_the_way() {
    let stage = Stage::set(true).await;
    add_an_airport_on_the_way(&stage, true).await;
    stage.end().await;
}

#[rocket::async_test]
async fn an_airport_is_added_on_the_way_without_scripts() {
    let stage = Stage::set(false).await;
    add_an_airport_on_the_way(&stage, false).await;
    stage.end().await;
}

#[rocket::async_test]
async fn a_view_is_saved_pinned_and_counts_by_itself() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    stage.site.flight(&jfk, &cdg).await;
    stage.site.flight(&cdg, &cdg).await;
    stage.sign_in().await;
    stage.go("/admin/flights/").await;
    stage.click("a[aria-expanded=false]").await;
    stage.click(".filters section:nth-child(1) li:nth-child(2) a").await;
    stage.shows(".chips span", &["is:invalid"]).await;
    stage.click(".bar a.end").await;
    stage.fill("#name", "To mend").await;
    stage.click("form.edit button.main").await;
    stage.shows(".pinned a", &["To mend 1"]).await;
    stage.shows(".views [aria-current]", &["To mend"]).await;
    // Columns, chosen and put in order.
    stage.click("details.menu summary.button").await;
    for name in ["origin", "destination", "departs", "booked", "seats", "valid"] {
        stage.click(&format!(".columns-form input[value={name}]")).await;
    }
    stage.fill("input[name=place-duration]", "1").await;
    stage.fill("input[name=place-number]", "2").await;
    stage.click(".columns-form button").await;
    stage.shows("thead a:not(.unsort)", &["Duration", "Number"]).await;
    stage.end().await;
}
