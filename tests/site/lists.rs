//! The lists of the staff site: what Django's change list does, and the search language.

use crate::support::{Browser, Page, Site};

async fn world() -> Site {
    let site = Site::fresh().await;
    let jfk = site.airport("JFK,New York,United States,America/New_York").await;
    let cdg = site.airport("CDG,Paris,France,Europe/Paris").await;
    let gru = site.airport("GRU,São Paulo,Brazil,America/Sao_Paulo").await;
    site.flight_with(&jfk, &cdg, |flight| {
        flight.duration = 430;
        flight.departs_at = Some(1_830_000_000); // 2027-12-28 in New York
    })
    .await;
    let full = site
        .flight_with(&gru, &cdg, |flight| {
            (flight.duration, flight.capacity) = (690, Some(1));
            flight.departs_at = Some(1_861_000_000); // 2028-12-21 in São Paulo
        })
        .await;
    site.flight_with(&cdg, &cdg, |flight| flight.duration = 10).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&full, &alice).await;
    site
}

const ORIGINS: &str = "td[data-title=Origin]";
const NY: &str = "New York (JFK)";
const SP: &str = "São Paulo (GRU)";
const PARIS: &str = "Paris (CDG)";

fn query(parts: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
    format!("?{query}")
}

async fn flights(staff: &mut Browser<'_>, search: &str) -> Page {
    staff.get(&format!("/admin/flights/{}", query(&[("q", search)]))).await
}

async fn follow(staff: &mut Browser<'_>, page: &Page, selector: &str) -> Page {
    staff.get(&format!("/admin/flights/{}", page.attribute(selector, "href"))).await
}

#[rocket::async_test]
async fn one_language_searches_words_phrases_relations_numbers_days_and_states() {
    let site = world().await;
    let mut staff = site.staff().await;
    for (search, origins) in [
        ("", &[NY, SP, PARIS][..]),
        // Words are ANDed, through relations; accents and case do not matter; quotes hold together.
        ("brazil", &[SP]),
        ("paris york", &[NY]),
        ("SAO nowhere", &[]),
        ("\"new york\"", &[NY]),
        ("\"york new\"", &[]),
        ("20002", &[SP]),
        ("-brazil", &[NY, PARIS]),
        // Fields.
        ("from:JFK", &[NY]),
        ("from:\"New York (JFK)\"", &[NY]),
        ("FROM:sao to:cdg", &[SP]),
        ("-from:paris", &[NY, SP]),
        ("minutes<430", &[PARIS]),
        ("minutes<=430", &[NY, PARIS]),
        ("minutes>430", &[SP]),
        ("minutes>=430 minutes<500", &[NY]),
        ("minutes:690", &[SP]),
        ("minutes=690", &[SP]),
        ("seats:1", &[SP]),
        ("seats:none", &[NY, PARIS]),
        // What has no seats given has not fewer than five: turned round, it is found.
        ("seats<5", &[SP]),
        ("-seats<5", &[NY, PARIS]),
        ("booked>0", &[SP]),
        ("is:invalid", &[PARIS]),
        ("is:valid -is:full", &[NY]),
        ("is:FULL", &[SP]),
        ("departs:2027", &[NY]),
        ("departs:2027-12", &[NY]),
        ("departs:2027-12-28", &[NY]),
        ("departs:2027-12-27", &[]),
        ("departs>2027-12", &[SP]),
        ("departs>=2027-12", &[NY, SP]),
        ("departs<2028", &[NY]),
        ("departs<=2028-12", &[NY, SP]),
        ("departs:none", &[PARIS]),
    ] {
        let page = flights(&mut staff, search).await;
        assert_eq!(page.all(ORIGINS), origins, "{search}");
        assert_eq!(page.count("[role=alert]"), 0, "{search}");
    }
    // A filter may be a field of its own, and stands in the box then.
    let page = staff.get("/admin/flights/?from=New+York+(JFK)&q=paris").await;
    assert_eq!(page.all(ORIGINS), [NY]);
    assert_eq!(page.attribute("#q", "value"), "paris from:\"New York (JFK)\"");
}

/// Django's `test_distinct_for_*`: what is found through several others is there once.
#[rocket::async_test]
async fn nothing_is_found_twice() {
    let site = world().await;
    let id = site.user("clerk", "", |_| {}).await;
    for name in ["Desk one", "Desk two"] {
        site.group(name, "", &[id]).await;
    }
    let mut staff = site.staff().await;
    for search in ["group:desk", "group:\"desk two\" clerk"] {
        let page = staff.get(&format!("/admin/users/{}", query(&[("q", search)]))).await;
        assert_eq!(page.all("tbody a.row"), ["clerk"], "{search}");
        assert_eq!(page.one("#count"), "1 user", "{search}");
    }
    // Paris is where a flight comes from and where it goes to.
    assert_eq!(flights(&mut staff, "paris is:invalid").await.all(ORIGINS), [PARIS]);
}

#[rocket::async_test]
async fn a_mistake_in_a_search_is_explained_and_shows_nothing() {
    let site = world().await;
    let mut staff = site.staff().await;
    for (search, says) in [
        ("form:JFK", "There is no “form:” here. Did you mean “from:”?"),
        ("minuts<3", "There is no “minuts:” here. Did you mean “minutes:”?"),
        ("minutes<abc", "“abc” is not a whole number: write minutes<100, or minutes:none."),
        (
            "departs:soon",
            "“soon” is not a date: write departs:2026, departs:2026-12, departs<2026-12-24 or departs:none.",
        ),
        (
            "is:brokn",
            "“is:brokn” means nothing. Write is:valid or is:invalid or is:full or is:empty.",
        ),
        ("from<3", "“from” is not a number: write from:… instead."),
        ("from:", "Say what “from:” is to hold."),
    ] {
        let page = flights(&mut staff, search).await;
        assert_eq!(page.status.code, 200, "{search}");
        assert_eq!(page.all("[role=alert] li"), [says], "{search}");
        assert_eq!(page.count("tbody tr"), 0, "{search}");
        assert_eq!(page.count("#bulk"), 0, "{search}");
        let export = format!("/admin/flights/export/{}", query(&[("q", search)]));
        assert_eq!(staff.get(&export).await.status.code, 400, "{search}");
    }
    let page = flights(&mut staff, "xyz:1").await;
    let says = page.one("[role=alert] li");
    assert!(says.contains("only is: from: to: departs:") && says.contains("quotes"), "{says}");
}

/// Whatever stands in an address is answered with a page.
#[rocket::async_test]
async fn a_wrong_parameter_is_never_an_error_of_ours() {
    let site = world().await;
    let mut staff = site.staff().await;
    let garbage = [
        "",
        "-",
        "nonsense",
        "-nonsense",
        "0",
        "-1",
        "99999999999999999999",
        "'",
        "\"",
        "%",
        "\0",
        "[]",
        "[1]",
        "[\"a\",1]",
        "[null,null]",
        "[9223372036854775807,9223372036854775807]",
        "{}",
        "ünï",
        ",,,",
        "number,number",
        "9223372036854775807",
    ];
    for kind in ["airports", "flights", "passengers", "users", "groups"] {
        for name in [
            "q", "sort", "show", "size", "after", "before", "at", "last", "filters", "from", "is",
            "departs",
        ] {
            for value in garbage {
                let path = format!("/admin/{kind}/{}", query(&[(name, value), ("filters", "1")]));
                let page = staff.get(&path).await;
                assert_eq!(page.status.code, 200, "{path}");
            }
        }
    }
    let numbers = ["minutes", "seats", "booked", "number", "departs"];
    for name in numbers {
        for value in garbage {
            for sign in [":", "<", "<=", ">", ">=", "="] {
                let page = flights(&mut staff, &format!("{name}{sign}{value}")).await;
                assert_eq!(page.status.code, 200, "{name}{sign}{value}");
            }
        }
    }
}

#[rocket::async_test]
async fn terms_are_chips_and_each_can_be_taken_away() {
    let site = world().await;
    let mut staff = site.staff().await;
    let page = flights(&mut staff, "to:paris -is:invalid \"new york\"").await;
    assert_eq!(page.all(".chips span"), ["to:paris", "-is:invalid", "\"new york\""]);
    let page = follow(&mut staff, &page, ".chips li:nth-child(3) a").await;
    assert_eq!(page.attribute("#q", "value"), "to:paris -is:invalid");
    assert_eq!(page.all(ORIGINS), [NY, SP]);
    let page = follow(&mut staff, &page, ".chips li:last-child a").await;
    assert_eq!(page.attribute("#q", "value"), "");
    assert_eq!(page.all(ORIGINS).len(), 3);
}

#[rocket::async_test]
async fn filters_are_links_with_counts_that_write_the_search() {
    let site = world().await;
    let mut staff = site.staff().await;
    let page = flights(&mut staff, "to:paris").await;
    assert_eq!(page.count(".filters"), 0);
    let page = follow(&mut staff, &page, "a[aria-expanded=false]").await;
    let state = ".filters section:nth-child(1) li";
    assert_eq!(page.all(state), ["Valid 2", "Not valid 1", "Full 1", "Nobody booked 2"]);
    let full = follow(&mut staff, &page, &format!("{state}:nth-child(3) a")).await;
    assert_eq!(full.attribute("#q", "value"), "to:paris is:full");
    assert_eq!(full.all(ORIGINS), [SP]);
    // The counts of a filter's choices do not depend on what is chosen of it; again takes it away.
    assert_eq!(full.all(state), ["Valid 2", "Not valid 1", "Full 1", "Nobody booked 2"]);
    assert_eq!(full.one(".filters [aria-current]"), "Full");
    let page = follow(&mut staff, &full, ".filters [aria-current]").await;
    assert_eq!(page.attribute("#q", "value"), "to:paris");
    // Dates go down from years to months to days, and back up.
    let dates = ".filters section:nth-child(4) li";
    assert_eq!(page.all(dates), ["2027 1", "2028 1"]);
    let year = follow(&mut staff, &page, &format!("{dates} a")).await;
    assert_eq!(year.all(dates), ["‹ 2027", "2027-12 1"]);
    let month = follow(&mut staff, &year, &format!("{dates}:nth-child(2) a")).await;
    assert_eq!(month.all(dates), ["‹ 2027-12", "2027-12-28 1"]);
    let day = follow(&mut staff, &month, &format!("{dates}:nth-child(2) a")).await;
    assert_eq!(day.attribute("#q", "value"), "to:paris departs:2027-12-28");
    assert_eq!(day.all(ORIGINS), [NY]);
    let up = follow(&mut staff, &day, &format!("{dates}:nth-child(1) a")).await;
    assert_eq!(up.attribute("#q", "value"), "to:paris departs:2027-12");
}

/// Years are those that there are, the latest ones: neither an old flight nor a mistyped one hides this year.
#[rocket::async_test]
async fn a_date_filter_offers_the_latest_years_that_exist() {
    const YEAR: i64 = 31_556_952;
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    for years in [-48, 0, 1, 2_000] {
        let at = site.clock.now() + years * YEAR;
        site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(at)).await;
    }
    let mut staff = site.staff().await;
    let dates = ".filters section:nth-child(4) li a";
    let page = staff.get("/admin/flights/?filters=1").await;
    assert_eq!(page.all(dates), ["1979", "2027", "2028", "4027"]);
    for years in 2..40 {
        let at = site.clock.now() + years * YEAR;
        site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(at)).await;
    }
    let page = staff.get("/admin/flights/?filters=1").await;
    let offered = page.all(dates);
    assert_eq!(offered.len(), 30);
    assert_eq!(offered[29], "4027");
    assert_eq!(offered[28], "2066");
}

/// What is typed into a filter takes the place of what it chose before.
#[rocket::async_test]
async fn a_second_airport_in_a_filter_replaces_the_first() {
    let site = world().await;
    let mut staff = site.staff().await;
    let page = staff.get("/admin/flights/?filters=1&q=-from:GRU+to:paris").await;
    let (from, to) = (".filters section:nth-child(2) form", ".filters section:nth-child(3) form");
    let first = staff.submit(&page, from, &[("from", "JFK")]).await;
    assert_eq!(first.attribute("#q", "value"), "-from:GRU to:paris from:JFK");
    let second = staff.submit(&first, from, &[("from", "CDG")]).await;
    assert_eq!(second.attribute("#q", "value"), "-from:GRU to:paris from:CDG");
    let other = staff.submit(&second, to, &[("to", "JFK")]).await;
    assert_eq!(other.attribute("#q", "value"), "-from:GRU from:CDG to:JFK");
}

#[rocket::async_test]
async fn headings_sort_by_several_columns_and_keep_the_filter() {
    let site = Site::fresh().await;
    for (first, last) in [("Bob", "Cole"), ("Al", "Cole"), ("Al", "Abel"), ("Bob", "Cole")] {
        site.passenger(first, last).await;
    }
    let mut staff = site.staff().await;
    let told = |page: &Page| -> Vec<String> {
        let (last, first, id) = (
            page.all("td[data-title='Last name']"),
            page.all("td[data-title='First name']"),
            page.all("td[data-title=Number]"),
        );
        (0..last.len())
            .map(|row| format!("{} {} {}", last[row], first[row], &id[row][4..]))
            .collect()
    };
    let page = staff.get("/admin/passengers/?q=o&sort=first").await;
    assert_eq!(told(&page), ["Cole Al 2", "Cole Bob 1", "Cole Bob 4"]);
    // A click makes a column the first of the order, and the one before the second.
    let page = staff.get("/admin/passengers/").await;
    let by_first = format!("/admin/passengers/{}", page.attribute("th:nth-child(3) a", "href"));
    let page = staff.get(&by_first).await;
    assert!(page.path.ends_with("?sort=first%2Clast"), "{}", page.path);
    assert_eq!(told(&page), ["Abel Al 3", "Cole Al 2", "Cole Bob 1", "Cole Bob 4"]);
    assert_eq!(page.attribute("th:nth-child(3)", "aria-sort"), "ascending");
    assert_eq!(page.one("th:nth-child(2) span"), "2 ↑");
    let down = format!("/admin/passengers/{}", page.attribute("th:nth-child(3) a", "href"));
    let page = staff.get(&down).await;
    assert_eq!(told(&page), ["Cole Bob 1", "Cole Bob 4", "Abel Al 3", "Cole Al 2"]);
    assert_eq!(page.attribute("th:nth-child(3)", "aria-sort"), "descending");
    // And a column can be taken out of the order.
    let without =
        format!("/admin/passengers/{}", page.attribute("th:nth-child(2) .unsort", "href"));
    assert!(without.ends_with("?sort=-first"), "{without}");
}

#[rocket::async_test]
async fn pages_begin_after_rows_and_hold_each_object_once() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    // Many are equal in what they are sorted by, and some have nothing there.
    for number in 0..73_i64 {
        site.flight_with(&jfk, &cdg, |flight| {
            flight.duration = number % 3;
            flight.capacity = (number % 4 > 0).then_some(number % 5);
            flight.departs_at = (number % 2 > 0).then_some(1_900_000_000 + number % 7);
        })
        .await;
    }
    let mut staff = site.staff().await;
    for sort in [
        "number",
        "-number",
        "seats",
        "-seats",
        "duration,-seats",
        "-departs,seats,-duration",
        "origin,-valid,booked",
    ] {
        let whole = staff.get(&format!("/admin/flights/?size=100&sort={sort}")).await;
        let expected = whole.all("td[data-title=Number]");
        assert_eq!(expected.len(), 73);
        let mut forth = Vec::new();
        let mut page = staff.get(&format!("/admin/flights/?size=25&sort={sort}")).await;
        assert_eq!(page.one("#count"), "1–25 of 73");
        loop {
            forth.extend(page.all("td[data-title=Number]"));
            if page.count("a[rel=next]") == 0 {
                break;
            }
            page = follow(&mut staff, &page, "a[rel=next]").await;
        }
        assert_eq!(forth, expected, "{sort}");
        assert_eq!(page.one("#count"), "51–73 of 73", "{sort}");
        let mut backward = page.all("td[data-title=Number]");
        while page.count("a[rel=prev]") > 0 {
            page = follow(&mut staff, &page, "a[rel=prev]").await;
            backward = page.all("td[data-title=Number]").into_iter().chain(backward).collect();
        }
        assert_eq!(backward, expected, "{sort}");
        assert_eq!(page.one("#count"), "1–25 of 73", "{sort}");
        let last = follow(&mut staff, &page, ".pager a:last-child").await;
        assert_eq!(last.one("#count"), "49–73 of 73", "{sort}");
        assert_eq!(last.all("td[data-title=Number]"), expected[48..], "{sort}");
    }
    // A row that goes meanwhile takes none of the others out of the next page.
    let page = staff.get("/admin/flights/?size=25").await;
    let next = page.attribute("a[rel=next]", "href");
    let first = page.all("td[data-title=Number]").remove(24);
    let confirm = staff.get(&format!("/admin/flights/{first}/delete/")).await;
    staff.submit(&confirm, "main form", &[]).await;
    let page = staff.get(&format!("/admin/flights/{next}")).await;
    assert_eq!(page.all("td[data-title=Number]").len(), 25);
    assert_eq!(
        page.all("td[data-title=Number]")[0],
        (first.parse::<i64>().unwrap() + 1).to_string()
    );
}

/// The page whose rows one deleted is gone: the nearest one that exists takes its place.
#[rocket::async_test]
async fn a_page_whose_rows_were_deleted_shows_the_nearest_page() {
    let site = Site::fresh().await;
    for number in 0..60 {
        site.passenger("Many", &format!("Number {number:02}")).await;
    }
    let mut staff = site.staff().await;
    let address = |href: String| format!("/admin/passengers/{href}");
    let first = staff.get("/admin/passengers/?size=25").await;
    let second = staff.get(&address(first.attribute("a[rel=next]", "href"))).await;
    let third = staff.get(&address(second.attribute("a[rel=next]", "href"))).await;
    let ids = third.all("td[data-title=Number]");
    assert_eq!(ids.len(), 10);
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("id", &**id)).collect();
    fields.push(("action", "delete"));
    let preview = staff.submit(&third, "#bulk", &fields).await;
    let there = staff.submit(&preview, "main form", &[]).await;
    assert_eq!((there.status.code, there.count("tbody tr")), (200, 25));
    assert_eq!(there.one("#count"), "26–50 of 50", "{}", there.path);
    assert_eq!((there.count("a[rel=prev]"), there.count("a[rel=next]")), (1, 0));
    // Back from a page before which nothing is left: the first one.
    let before = address(second.attribute("a[rel=prev]", "href"));
    site.database.run("DELETE FROM passengers WHERE last < 'Number 25'").await;
    let first = staff.get(&before).await;
    assert_eq!((first.one("#count").as_str(), first.count("tbody tr")), ("1–25 of 25", 25));
    // A list that is empty says so.
    site.database.run("DELETE FROM passengers").await;
    let none = staff.get(&before).await;
    assert_eq!((none.one("#count").as_str(), none.count(".empty")), ("None", 1));
}

#[rocket::async_test]
async fn counts_end_somewhere_and_say_so() {
    let site = Site::fresh().await;
    let many = match site.pool.kind() {
        airline::db::Kind::Sqlite => {
            "INSERT INTO passengers (first, last, folded, version)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
             SELECT 'F', 'L' || i, 'l' || i || ' f', 1 FROM n"
        }
        airline::db::Kind::Postgres => {
            "INSERT INTO passengers (first, last, folded, version)
             SELECT 'F', 'L' || i, 'l' || i || ' f', 1 FROM generate_series(1, 10050) i"
        }
    };
    site.database.run(many).await;
    let mut staff = site.staff().await;
    let page = staff.get("/admin/passengers/").await;
    assert_eq!(page.one("#count"), "1–100 of more than 10,000");
    let page = staff.get("/admin/passengers/?last=1&size=50").await;
    assert_eq!(page.one("#count"), "The last 50 of more than 10,000");
    let page = staff.get("/admin/passengers/?q=-l10050").await;
    assert_eq!(page.one("#count"), "1–100 of more than 10,000");
    let page = staff.get("/admin/passengers/?q=l1000").await;
    assert_eq!(page.one("#count"), "1–11 of 11");
}

#[rocket::async_test]
async fn columns_are_chosen_and_ordered() {
    let site = world().await;
    let mut staff = site.staff().await;
    let page = flights(&mut staff, "is:valid").await;
    let fields =
        [("column", "seats"), ("column", "number"), ("place-seats", "1"), ("place-number", "2")];
    let page = staff.submit(&page, ".columns-form", &fields).await;
    assert!(page.path.ends_with("?q=is%3Avalid&show=seats%2Cnumber"), "{}", page.path);
    assert_eq!(page.all("thead a:not(.unsort)"), ["Seats", "Number"]);
    assert_eq!(page.count("tbody tr"), 2);
    // The first leads to the object, also where it holds nothing.
    assert_eq!(page.all("td a.row"), ["—", "1"]);
    // The file has them, too; and none ticked means all of them.
    let file = staff.get(&page.attribute("a[download]", "href")).await;
    assert_eq!(String::from_utf8_lossy(&file.bytes), "seats,number\n,20001\n1,20002\n");
    let page = staff.submit(&page, ".columns-form", &[("-column", "")]).await;
    assert_eq!(page.count("thead a:not(.unsort)"), 8);
}

#[rocket::async_test]
async fn the_command_lists_with_the_same_language() {
    let site = world().await;
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_airline"))
            .arg("list")
            .args(arguments)
            .env("DATABASE_URL", &site.database.url)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = run(&["flights", "to:\"Paris\" is:valid", "--sort", "-duration"]);
    assert_eq!(code, Some(0));
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("Number  Origin"), "{out}");
    assert!(lines[1].starts_with("20002   São Paulo (GRU)  Paris (CDG)"), "{out}");
    assert!(lines[2].starts_with("20001   New York (JFK)   Paris (CDG)"), "{out}");
    assert_eq!(lines.len(), 3);
    // What is cut says so, where no program reads it; what is whole says nothing.
    for arguments in [&["flights", "--most", "1"][..], &["flights", "--most", "1", "--csv"]] {
        let (_, out, said) = run(arguments);
        assert_eq!(out.lines().count(), 2, "{out}");
        assert!(said.contains("1 of 3"), "{said}");
    }
    let (_, out, said) = run(&["flights", "--most", "3"]);
    assert_eq!((out.lines().count(), said.as_str()), (4, ""), "{out}");
    let (_, out, _) = run(&["airports", "paris", "--csv"]);
    assert_eq!(
        out,
        "code,city,country,timezone,latitude,longitude,departures,arrivals\nCDG,Paris,France,Europe/Paris,,,1,3\n"
    );
    for (arguments, why) in [
        (&["flights", "form:JFK"][..], "There is no “form:” here. Did you mean “from:”?"),
        (&["planes"], "There is no list of “planes”"),
        (&["flights", "--sort", "wings"], "There is no column “wings” to sort by"),
    ] {
        let (code, out, said) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
