//! Finding is not identifying: a search is generous, and says what it found; what identifies is compared whole.

use crate::support::{Browser, Page, Site};

/// Names as people have them, and how others type them.
const NAMES: [(&str, &str, &[&str]); 13] = [
    ("Harry", "Potter", &["harry", "\"Harry Potter\"", "\"potter harry\"", "“Harry Potter”"]),
    ("Zoë", "O’Brien", &["zoe", "o'brien", "O’BRIEN"]),
    ("Łukasz", "Wójcik", &["lukasz", "WÓJCIK", "wojcik"]),
    ("Işıl", "Yılmaz", &["IŞIL", "yilmaz", "YILMAZ", "isil"]),
    ("Jürgen", "Weiß", &["weiss", "WEISS", "jurgen"]),
    ("Νίκος", "Παπαδόπουλος", &["ΠΑΠΑΔΟΠΟΥΛΟΣ", "παπαδοπουλος"]),
    ("Фёдор", "Йовович", &["федор", "ЙОВОВИЧ"]),
    ("करण", "शर्मा", &["करण", "शर्मा"]),
    ("किरण", "शर्मा", &["किरण"]),
    ("たいち", "山田", &["たいち", "山田"]),
    ("だいち", "山田", &["だいち"]),
    ("Đặng", "Nguyễn", &["dang", "nguyen"]),
    ("Øystein", "Ærø", &["oystein", "aero"]),
];

fn query(search: &str) -> String {
    form_urlencoded::byte_serialize(search.as_bytes()).collect()
}

#[rocket::async_test]
async fn a_search_ignores_accents_capitals_and_kinds_of_quotes() {
    let site = Site::fresh().await;
    for (first, last, _) in NAMES {
        site.passenger(first, last).await;
    }
    let mut staff = site.staff().await;
    for (first, last, searches) in NAMES {
        for search in searches {
            let page = staff.get(&format!("/admin/passengers/?q={}", query(search))).await;
            let found = page.all("td[data-title=\"Last name\"]");
            assert!(found.contains(&last.to_owned()), "{search}: {found:?}");
            let suggested = staff
                .get(&format!("/admin/passengers/suggestions/?name=p&p={}", query(search)))
                .await;
            let name = format!("{first} {last}");
            assert!(
                suggested.text.replace("&#x27;", "'").contains(&name),
                "{search}: {}",
                suggested.text
            );
        }
    }
    // Marks that are letters tell names apart.
    for (search, one) in [("करण", "करण"), ("たいち", "たいち")] {
        let page = staff.get(&format!("/admin/passengers/?q={}", query(search))).await;
        assert_eq!(page.all("td[data-title=\"First name\"]"), [one]);
    }
}

async fn world() -> Site {
    let site = Site::fresh().await;
    for airport in [
        "MAN,Manchester,United Kingdom",
        "FRA,Frankfurt,Germany",
        "OTP,Bucharest,Romania",
        "MCT,Muscat,Oman",
        "GOA,Genoa,Italy",
        "GOX,Goa,India",
        "HND,Tokyo (Haneda),Japan",
        "NRT,Tokyo (Narita),Japan",
        "TOS,Tromsø,Norway",
        "LHR,London,United Kingdom",
        "LGW,London,United Kingdom",
    ] {
        site.airport(airport).await;
    }
    site
}

async fn airports(staff: &mut Browser<'_>, search: &str) -> Vec<String> {
    let page = staff.get(&format!("/admin/airports/?q={}&sort=code", query(search))).await;
    page.all("td[data-title=Code]")
}

/// A code, a city or a country means that; else beginnings of words; else parts of them.
#[rocket::async_test]
async fn what_a_term_means_comes_before_what_only_holds_its_letters() {
    let site = world().await;
    let mut staff = site.staff().await;
    for (search, codes) in [
        ("MAN", &["MAN"][..]),
        ("man", &["MAN"]),
        ("ma", &["MAN"]),
        ("oman", &["MCT"]),
        ("anc", &["MAN"]),
        ("tromso", &["TOS"]),
        ("goa", &["GOA", "GOX"]),
        ("london", &["LGW", "LHR"]),
        ("\"Tokyo (Haneda) (HND)\"", &["HND"]),
        ("\"united kingdom\"", &["LGW", "LHR", "MAN"]),
    ] {
        assert_eq!(airports(&mut staff, search).await, codes, "{search}");
        let page = staff
            .get(&format!(
                "/admin/airports/suggestions/?name=q&q={}",
                query(search.trim_matches('"'))
            ))
            .await;
        let first = page.all("[role=option]").remove(0);
        assert!(codes.iter().any(|code| first.contains(code)), "{search}: {first}");
    }
}

/// Words without quotes may be one name; words that are none of one name mean something each.
#[rocket::async_test]
async fn a_name_of_several_words_needs_no_quotes() {
    let site = world().await;
    for airport in [
        "LAX,Los Angeles,United States",
        "LOS,Lagos,Nigeria",
        "SFO,San Francisco,United States",
        "SAN,San Diego,United States",
        "SJO,San José,Costa Rica",
    ] {
        site.airport(airport).await;
    }
    let mut staff = site.staff().await;
    let all = airline::domain::airports::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    for airport in &all {
        for search in [airport.city.clone(), airport.to_string(), airport.city.to_lowercase()] {
            let found = airports(&mut staff, &search).await;
            assert!(found.contains(&airport.code), "{search}: {found:?}");
        }
        assert_eq!(airports(&mut staff, &airport.to_string()).await, [&*airport.code]);
    }
    let of = |code: &str| all.iter().find(|airport| airport.code == code).unwrap();
    let there = site.flight(of("LAX"), of("SFO")).await;
    site.flight(of("LOS"), of("SAN")).await;
    for search in [
        "Los Angeles",
        "san francisco",
        "lax sfo",
        "angeles francisco",
        "Los Angeles San Francisco",
    ] {
        let page = staff.get(&format!("/admin/flights/?q={}", query(search))).await;
        assert_eq!(page.ids("tr[id^=row-]"), [format!("row-{}", there.id)], "{search}");
    }
}

/// A few letters that stand for many words, and names of thousands of words, cost no more than others.
#[rocket::async_test]
async fn what_unfolds_or_goes_on_for_long_is_bounded() {
    let site = world().await;
    let flight = site.any_flight().await;
    let unfolding = "ﷺ".repeat(499);
    let mut staff = site.staff().await;
    for path in [
        format!("/?from={}", query(&unfolding)),
        format!("/admin/airports/?q={}", query(&unfolding)),
        format!("/admin/airports/suggestions/?name=q&q={}", query(&unfolding)),
        format!("/admin/passengers/suggestions/?name=q&q={}", query(&unfolding)),
    ] {
        assert_eq!(staff.get(&path).await.status.code, 200, "{path}");
    }
    let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    for typed in ["a ".repeat(2_500), unfolding, "()".to_owned()] {
        let before = site.pool_statements();
        let refused =
            staff.submit(&form, "form.edit", &[("passengers", &typed), ("_save", "1")]).await;
        assert_eq!((refused.status.code, refused.count("#passengers-errors li")), (422, 1));
        assert!(site.pool_statements() - before < 40);
    }
}

/// Suggestions begin with whoever is meant, by name or number, among many who are alike.
#[rocket::async_test]
async fn whoever_is_meant_is_suggested_first() {
    let site = Site::fresh().await;
    for number in 0..9 {
        site.passenger(&format!("Ann Baker {number}"), "Smith").await;
    }
    let ann = site.passenger("Ann", "Smith").await;
    let mut staff = site.staff().await;
    let label = format!("{ann} (#{})", ann.id);
    for typed in ["ann smith", &label, &format!("#{}", ann.id)] {
        let path = format!("/admin/passengers/suggestions/?name=p&p={}", query(typed));
        assert!(staff.get(&path).await.all("[role=option]")[0].contains(&label), "{typed}");
    }
    // What is left out says so; what a button opens is what the text names, or nothing.
    let all = staff.get("/admin/passengers/suggestions/?name=p&p=smith").await;
    assert_eq!((all.count("[data-id]"), all.count("[aria-disabled]")), (8, 1));
    for (typed, ids) in [("ann smith", vec![format!("Ann Smith (#{})", ann.id)]), ("smith", vec![])]
    {
        let path = format!("/admin/passengers/suggestions/?name=p&only=1&p={}", query(typed));
        assert_eq!(staff.get(&path).await.all("[data-id]"), ids, "{typed}");
    }
    // The choice of flights ranks airports, too: `MAN` is not Germany.
    let [man, fra, oslo] = ["MAN,Manchester,UK", "FRA,Frankfurt,Germany", "OSL,Oslo,Norway"];
    let (man, fra, oslo) =
        (site.airport(man).await, site.airport(fra).await, site.airport(oslo).await);
    let meant = site.flight(&man, &oslo).await;
    for _ in 0..3 {
        site.flight(&fra, &oslo).await;
    }
    let path = format!(
        "/admin/flights/candidates/?name=flights&of=passengers&for={}&flights-search=MAN",
        ann.id
    );
    let offered = staff.get(&path).await;
    let ids = offered.values("input[type=checkbox]");
    assert_eq!(ids, [meant.id.to_string()]);
}

/// The buttons beside a field mean what saving means.
#[rocket::async_test]
async fn nothing_is_opened_by_a_part_of_a_name() {
    let site = world().await;
    let mut staff = site.staff().await;
    for (typed, opens) in [("oma", false), ("Goa", false), ("GOA", true), ("Tromsø (TOS)", true)] {
        let form = staff.get("/admin/flights/add/").await;
        let fields = [("origin", typed), ("_related", "origin:open")];
        let page = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!(page.path.contains("/admin/airports/"), opens, "{typed}: {}", page.path);
    }
}

/// Names of groups and accounts are the same however Unicode writes them.
#[rocket::async_test]
async fn one_name_is_not_given_twice() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for (name, code) in [("Café", 200), ("Cafe\u{301}", 422), ("CAFÉ", 422), ("Cafe", 200)] {
        let form = staff.get("/admin/groups/add/").await;
        let page = staff.submit(&form, "form.edit", &[("name", name), ("_save", "1")]).await;
        assert_eq!(page.status.code, code, "{name:?}");
    }
    let mut db = site.pool.conn().await.unwrap();
    site.superuser("renée", "a hash").await;
    let found = airline::auth::users::by_name(&mut db, "rene\u{301}e").await.unwrap();
    assert_eq!(found.map(|user| user.username), Some("renée".to_owned()));
}

/// Visitors, staff and commands ask alike; a label of the site's own finds what it names.
#[rocket::async_test]
async fn flights_are_found_by_what_a_term_means() {
    let site = world().await;
    let mut conn = site.pool.conn().await.unwrap();
    let all = airline::domain::airports::all(&mut conn).await.unwrap();
    drop(conn);
    let tromso = all.iter().find(|airport| airport.code == "TOS").unwrap();
    let mut flights = std::collections::HashMap::new();
    for airport in all.iter().filter(|airport| airport.code != "TOS") {
        flights.insert(airport.code.clone(), site.flight(airport, tromso).await.id);
    }
    let mut staff = site.staff().await;
    for (search, codes) in [
        ("MAN", &["MAN"][..]),
        ("Goa", &["GOA", "GOX"]),
        ("Tokyo (Haneda) (HND)", &["HND"]),
        ("united kingdom", &["MAN", "LHR", "LGW"]),
        ("toky", &["HND", "NRT"]),
    ] {
        let mut expected: Vec<_> =
            codes.iter().map(|code| format!("flight-{}", flights[*code])).collect();
        expected.sort();
        let ids = |page: &Page, rows: &str| -> Vec<String> {
            let mut ids: Vec<_> = page.ids(rows);
            ids.sort();
            ids
        };
        let public = site.browser().get(&format!("/?from={}", query(search))).await;
        assert_eq!(ids(&public, "tr[id^=flight-]"), expected, "{search}");
        let list =
            staff.get(&format!("/admin/flights/?q={}", query(&format!("from:\"{search}\"")))).await;
        let rows: Vec<_> =
            ids(&list, "tr[id^=row-]").iter().map(|id| id.replace("row-", "flight-")).collect();
        assert_eq!(rows, expected, "{search}");
    }
}

/// A part of a name is nobody's; whoever was booked is named.
#[rocket::async_test]
async fn nobody_is_booked_by_a_part_of_a_name() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let hannah = site.passenger("Hannah", "Smithson").await;
    let kiran = site.passenger("किरण", "शर्मा").await;
    let daichi = site.passenger("だいち", "山田").await;
    let mut staff = site.staff().await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    for typed in [
        "Ann Smith".to_owned(),
        "Hannah".to_owned(),
        "Smithson".to_owned(),
        "Smithson Hannah".to_owned(),
        "करण शर्मा".to_owned(),
        "たいち 山田".to_owned(),
        format!("Someone Else (#{})", hannah.id),
        format!("#{}", hannah.id + 1_000),
    ] {
        let form = staff.get(&path).await;
        let refused =
            staff.submit(&form, "form.edit", &[("passengers", &typed), ("_save", "1")]).await;
        assert_eq!(refused.status.code, 422, "{typed}");
        assert_eq!(refused.count("#passengers-errors li"), 1, "{typed}");
        assert_eq!(refused.values("input[name=passengers]"), [&*typed], "it is still there");
    }
    assert_eq!(site.booked(&flight).await, 0);
    for (typed, passenger) in [
        ("hannah  SMITHSON".to_owned(), &hannah),
        (format!("किरण शर्मा (#{})", kiran.id), &kiran),
        (format!("#{}", daichi.id), &daichi),
    ] {
        let form = staff.get(&path).await;
        let saved =
            staff.submit(&form, "form.edit", &[("passengers", &typed), ("_continue", "1")]).await;
        let name = format!("{passenger} (#{})", passenger.id);
        assert!(saved.messages().iter().any(|text| text.contains(&name)), "{:?}", saved.messages());
    }
    assert_eq!(site.booked(&flight).await, 3);
}

/// Where a city is called as another's code, the form asks, and names both.
#[rocket::async_test]
async fn a_name_that_may_mean_two_airports_is_asked_about() {
    let site = world().await;
    let mut staff = site.staff().await;
    let save = |origin: &'static str| {
        [("origin", origin), ("destination", "TOS"), ("duration", "60"), ("_save", "1")]
    };
    for (typed, named) in [
        ("Goa", &["GOA", "GOX"][..]),
        ("goa", &["GOA", "GOX"]),
        ("London", &["LHR", "LGW"]),
        ("Tromso", &["TOS"]),
        ("Tokyo", &["HND", "NRT"]),
        ("Genoa (GOX)", &["GOX"]),
    ] {
        let form = staff.get("/admin/flights/add/").await;
        let asked = staff.submit(&form, "form.edit", &save(typed)).await;
        assert_eq!(asked.status.code, 422, "{typed}");
        let why = asked.one("#origin-errors");
        assert!(named.iter().all(|code| why.contains(code)), "{typed}: {why}");
        assert_eq!(asked.attribute("#origin", "value"), typed);
    }
    for typed in ["GOA", "Goa (GOX)", "genoa", "Tokyo (Haneda) (HND)", "Tokyo (Narita)", "tos"] {
        let form = staff.get("/admin/flights/add/").await;
        let mut fields = save(typed);
        fields[1].1 = "LHR";
        let saved = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!((saved.status.code, saved.count("#origin-errors")), (200, 0), "{typed}");
    }
}

/// A city comes although fifty others hold its letters.
#[rocket::async_test]
async fn what_is_meant_is_found_behind_many_that_are_alike() {
    let site = Site::fresh().await;
    for number in 0..60_u8 {
        let letters = [b'A' + number / 26, b'A' + number % 26].map(char::from);
        site.airport(&format!("{}{}X,A Roma {number:02}", letters[0], letters[1])).await;
    }
    site.airport("FCO,Roma").await;
    site.airport("CDG,Paris").await;
    let mut staff = site.staff().await;
    let suggested = staff.get("/admin/airports/suggestions/?name=q&q=roma").await;
    assert!(suggested.all("[role=option]")[0].contains("FCO"));
    let form = staff.get("/admin/flights/add/").await;
    let fields = [("origin", "Roma"), ("destination", "CDG"), ("duration", "5"), ("_save", "1")];
    assert_eq!(staff.submit(&form, "form.edit", &fields).await.count("#origin-errors"), 0);
}

#[rocket::async_test]
async fn lists_are_sorted_by_names_without_accents_and_capitals() {
    let site = Site::fresh().await;
    for (first, last) in [("bob", "x"), ("Ábel", "x"), ("Zoë", "x"), ("andrea", "x")] {
        site.passenger(first, last).await;
    }
    for airport in ["AAA,a,Österreich", "BBB,b,norway", "CCC,c,Peru"] {
        site.airport(airport).await;
    }
    let mut staff = site.staff().await;
    let page = staff.get("/admin/passengers/?sort=first").await;
    assert_eq!(page.all("td[data-title=\"First name\"]"), ["Ábel", "andrea", "bob", "Zoë"]);
    let page = staff.get("/admin/airports/?sort=country").await;
    assert_eq!(page.all("td[data-title=Country]"), ["norway", "Österreich", "Peru"]);
}

/// People and objects of the log are found however they are typed.
#[rocket::async_test]
async fn the_log_finds_people_in_any_script_and_leaves_them_out() {
    let site = Site::fresh().await;
    for name in ["zoë", "Łukasz", "IŞIL"] {
        let id = site.superuser(name, "a hash").await;
        let mut browser = site.session_of(id).await;
        let form = browser.get("/admin/passengers/add/").await;
        let fields = [("first", name), ("last", "Saver"), ("_save", "1")];
        browser.submit(&form, "form.edit", &fields).await;
    }
    let mut staff = site.staff().await;
    for (search, name) in [("zoe", "zoë"), ("lukasz", "Łukasz"), ("isil", "IŞIL"), ("ışıl", "IŞIL")]
    {
        for field in ["who", "what"] {
            let found = listed_who(&mut staff, &format!("{field}:{search} kind:passengers")).await;
            assert_eq!(found, [name], "{field}:{search}");
            let others =
                listed_who(&mut staff, &format!("-{field}:{search} kind:passengers")).await;
            assert_eq!(others.len(), 2, "-{field}:{search}: {others:?}");
            assert!(!others.contains(&name.to_owned()));
        }
    }
}

async fn listed_who(staff: &mut Browser<'_>, search: &str) -> Vec<String> {
    let page = staff.get(&format!("/admin/log/?q={}", query(search))).await;
    page.all("td[data-title=Who]")
}

/// Keys are derived from names: what changes or removes them is no forgery, and they can be rebuilt.
#[rocket::async_test]
async fn search_keys_are_rebuilt_and_are_no_part_of_the_history() {
    let site = Site::fresh().await;
    site.airport("TOS,Tromsø,Norway").await;
    site.passenger("Zoë", "Wójcik").await;
    site.superuser("Łukasz", "a hash").await;
    site.group("Üser", "", &[]).await;
    let mut staff = site.staff().await;
    let before = site.dump().await;
    let airline = |arguments: &[&str]| {
        crate::commands::run(std::path::Path::new("/"), &site.database.url, arguments)
    };
    let proof = airline(&["history", "verify"]);
    assert!(proof.ok, "{}", proof.err);
    for command in ["migrate", "rebuild-search-keys"] {
        for text in [
            "UPDATE airports SET folded = 'x', city_key = '', country_key = ''",
            "UPDATE passengers SET folded = '', first_key = ''",
            "UPDATE users SET folded = ''",
            "UPDATE groups SET folded = ''",
            "DELETE FROM change_set_keys",
            "UPDATE change_keys SET folded = 'x' WHERE change_id = 1",
            "DELETE FROM change_keys WHERE change_id > 1",
            "UPDATE data_version SET search_keys = 0",
        ] {
            site.database.run(text).await;
        }
        assert_eq!(airline(&["history", "verify"]).out, proof.out);
        let rebuilt = airline(&[command]);
        assert!(rebuilt.ok, "{command}: {}", rebuilt.err);
        // Five objects, as many sets, and their changes.
        assert!(rebuilt.out.contains("15 "), "{command}: {}", rebuilt.out);
        assert_eq!(airline(&["history", "verify"]).out, proof.out);
        assert_eq!(site.dump().await, before);
        assert!(airline(&["rebuild-search-keys"]).out.starts_with("0 "));
        for (path, rows) in [
            ("/admin/airports/?q=tromso", 1),
            ("/admin/passengers/?q=wojcik", 1),
            ("/admin/users/?q=lukasz", 1),
            ("/admin/groups/?q=user", 1),
            ("/admin/log/?q=tromso", 1),
            ("/admin/log/?q=who:test", 5),
        ] {
            let page = staff.get(path).await;
            assert_eq!(page.count("tr[id^=row-]"), rows, "{command}: {path}");
        }
    }
}
