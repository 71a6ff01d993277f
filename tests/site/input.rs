//! What people and programs type: the same answers on both databases, nothing cut off, nothing lost,
//! nothing taken for markup.

use airline::domain::{flights, passengers};

use unicode_normalization::UnicodeNormalization as _;

use crate::support::{Browser, Site};

/// Changes one field of a flight's form, and answers the status and the duration that is kept.
async fn duration(site: &Site, staff: &mut Browser<'_>, id: i64, typed: &str) -> (u16, i64) {
    let path = format!("/admin/flights/{id}/change/");
    let form = staff.get(&path).await;
    let page = staff.submit(&form, "form.edit", &[("duration", typed), ("_save", "1")]).await;
    let mut conn = site.pool.conn().await.unwrap();
    (page.status.code, flights::find(&mut conn, id).await.unwrap().unwrap().duration)
}

#[rocket::async_test]
async fn numbers_are_whole_and_within_their_range() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    for (typed, kept) in [("0", 0), (" 5 ", 5), ("007", 7), ("+8", 8)] {
        assert_eq!(duration(&site, &mut staff, flight.id, typed).await, (200, kept), "{typed:?}");
    }
    for typed in [
        "",
        "-1",
        "-0x1",
        "1e3",
        "1.0",
        "1,0",
        "٣",
        "１",
        "2147483648",
        "9223372036854775808",
        "99999999999999999999",
        "NaN",
        "five",
        "5\0",
        "5 5",
    ] {
        assert_eq!(duration(&site, &mut staff, flight.id, typed).await, (422, 8), "{typed:?}");
    }
}

#[rocket::async_test]
async fn names_have_64_characters_however_many_bytes() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let families = "👨‍👩‍👧‍👦".repeat(9) + "x";
    let composed = "é".repeat(64);
    let decomposed = "e\u{301}".repeat(32);
    for (name, fits) in [
        ("x".repeat(64), true),
        ("😀".repeat(63) + "x", true),
        (composed, true),
        (decomposed, true),
        (families, true),
        ("A\u{feff}B".to_owned(), true),
        ("می\u{200c}خواهم".to_owned(), true),
        ("\u{202e}Eve\u{202c}".to_owned(), false),
        ("Eve\u{200f}".to_owned(), false),
        ("Eve\u{2069}".to_owned(), false),
        ("\u{61c}Eve".to_owned(), false),
        ("E\u{fffd}e".to_owned(), false),
        ("\u{3164}".to_owned(), false),
        ("\u{200b}\u{2060}".to_owned(), false),
        ("1".to_owned(), false),
        ("😀".to_owned(), false),
        ("x".repeat(65), false),
        ("😀".repeat(65), false),
        ("e\u{301}".repeat(33), false),
        ("a\0b".to_owned(), false),
        ("a\r\nb".to_owned(), false),
        ("\u{1b}[31m".to_owned(), false),
        ("  ".to_owned(), false),
    ] {
        let form = staff.get("/admin/passengers/add/").await;
        let fields = [("first", &*name), ("last", "Name"), ("_continue", "1")];
        let page = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!(page.status.code, if fits { 200 } else { 422 }, "{name:?}");
        // What was typed stands in the form again, to the letter.
        let shown = page.attribute("#first", "value");
        // (HTML has other signs for NUL and for the end of a line.)
        // (What is saved is in Unicode's composed form, without what nobody sees.)
        let saved = name.replace('\u{feff}', "");
        let typed = if fits { saved.trim().nfc().collect() } else { name.clone() };
        let typed = typed.replace('\0', "\u{fffd}").replace("\r\n", "\n");
        assert_eq!(shown, typed, "{name:?}");
    }
    let kept = passengers::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(kept.len(), 7);
    let form = staff.get("/admin/passengers/add/").await;
    let fields = [("first", "\u{feff}Ada \u{200b}"), ("last", "Quill\u{200d}"), ("_save", "1")];
    assert_eq!(staff.submit(&form, "form.edit", &fields).await.status.code, 200);
    let kept = passengers::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(kept.last().unwrap().to_string(), "Ada Quill");
    assert!(kept.iter().all(|passenger| passenger.first.chars().count() <= 64));
}

#[rocket::async_test]
async fn codes_of_airports_are_three_plain_letters() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for (typed, kept) in [
        ("jfk", Some("JFK")),
        (" cdg ", Some("CDG")),
        ("J\u{202e}K", None),
        ("ＪＦＫ", None),
        ("J\u{200b}K", None),
        ("ÄÖÜ", None),
        ("JF", None),
        ("JFKX", None),
        ("J F", None),
        ("J1K", None),
    ] {
        let form = staff.get("/admin/airports/add/").await;
        let fields = [("code", typed), ("city", "City"), ("_continue", "1")];
        let page = staff.submit(&form, "form.edit", &fields).await;
        match kept {
            Some(code) => assert_eq!(page.attribute("#code", "value"), code),
            None => assert_eq!(page.status.code, 422, "{typed:?}"),
        }
    }
}

/// Bytes that are no text never reach a table.
#[rocket::async_test]
async fn bytes_that_are_no_text_are_never_kept() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let token = staff.token().await;
    let before = site.dump().await;
    for bytes in ["%00", "%c0%af%00", "%ed%a0%80%00", "%ff", "%c0%af", "%ed%a0%80"] {
        let body = format!("csrf={token}&first=A{bytes}&last=B&_save=1");
        let page = staff.send_raw("/admin/passengers/add/", body.into_bytes()).await;
        assert_eq!(page.status.code, 422, "{bytes}");
    }
    let mut body = format!("csrf={token}&last=B&_save=1&first=A").into_bytes();
    body.extend([0xff, 0xfe]);
    assert_eq!(staff.send_raw("/admin/passengers/add/", body).await.status.code, 400);
    assert_eq!(site.dump().await, before);
}

/// Of a field that comes twice the first counts; fields that nobody asked for are nothing.
#[rocket::async_test]
async fn fields_that_nobody_asked_for_change_nothing() {
    let site = Site::fresh().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut clerk = site.staff_with("clerk", "change_passengers").await;
    let path = format!("/admin/passengers/{}/change/", alice.id);
    let form = clerk.get(&path).await;
    let fields = [
        ("first", "Ann"),
        ("first", "Bob"),
        ("id", "7"),
        ("version", "99"),
        ("is_superuser", "1"),
        ("rights", "manage_users"),
        ("a[b][c]", "d"),
        ("folded", "x"),
        ("_save", "1"),
    ];
    let (action, _, mut pairs) = form.form("form.edit", &fields);
    // The form's own version stands before the one that was added.
    pairs.insert(0, ("version".to_owned(), alice.version.to_string()));
    assert_eq!(clerk.post(&action, &pairs).await.status.code, 200);
    let mut conn = site.pool.conn().await.unwrap();
    let after = passengers::find(&mut conn, alice.id).await.unwrap().unwrap();
    assert_eq!((after.first.as_str(), after.version), ("Ann", alice.version + 1));
    drop(conn);
    assert_eq!(clerk.get("/admin/users/").await.status.code, 403);
}

#[rocket::async_test]
async fn signs_of_a_search_mean_themselves() {
    let site = Site::fresh().await;
    for name in ["100%", "under_score", "back\\slash", "plain"] {
        site.passenger(name, "Name").await;
    }
    let mut staff = site.staff().await;
    for (search, found) in
        [("%25", "100%"), ("_", "under_score"), ("%5C", "back\\slash"), ("lai", "plain")]
    {
        let page = staff.get(&format!("/admin/passengers/?q={search}")).await;
        assert_eq!(page.all("td[data-title='First name']"), [found], "{search}");
    }
}

/// A passenger who is on very many flights: the form holds them all.
#[rocket::async_test]
async fn a_form_of_many_choices_is_saved() {
    const MANY: usize = 1_500;
    let site = Site::fresh().await;
    let (from, to) = site.two_airports().await;
    let mut set = site.set().await;
    let mut ids = Vec::new();
    for _ in 0..MANY {
        let draft = flights::Draft {
            origin: from.clone(),
            destination: to.clone(),
            duration: 100,
            departs_at: None,
            capacity: None,
        };
        ids.push(flights::insert(&mut set, draft).await.unwrap().id.to_string());
    }
    set.commit().await.unwrap();
    let mut staff = site.staff().await;
    let form = staff.get("/admin/passengers/add/").await;
    let mut fields = vec![("first", "Alice"), ("last", "Adams"), ("_continue", "1")];
    fields.extend(ids.iter().map(|id| ("flights", id.as_str())));
    let page = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!((page.status.code, page.count("#flights-chosen input")), (200, MANY));
    // Past the most that a form may hold it is refused, whole.
    let token = staff.token().await;
    let body = format!("csrf={token}&first=A&last=B{}", "&flights=1".repeat(10_001));
    let page = staff.send_raw("/admin/passengers/add/", body.into_bytes()).await;
    assert_eq!(page.status.code, 413);
}

/// Names that try to be markup: each page has the same elements as with a plain name.
#[rocket::async_test]
async fn no_name_is_markup_on_any_page() {
    let site = Site::fresh().await;
    let airport = site.airport("AAA,Plain,Land").await;
    let other = site.airport("BBB,Other,Land").await;
    let flight = site.flight(&airport, &other).await;
    let alice = site.passenger("Plain", "Name").await;
    site.book(&flight, &alice).await;
    let user = site.user("target", "", |_| {}).await;
    let group = site.group("Plain", "", &[user]).await;
    let mut staff = site.staff().await;
    let pages = [
        "/".to_owned(),
        format!("/{}", flight.id),
        format!("/{}/passengers", flight.id),
        "/admin/".to_owned(),
        "/admin/airports/".to_owned(),
        "/admin/flights/".to_owned(),
        "/admin/passengers/".to_owned(),
        "/admin/groups/".to_owned(),
        "/admin/users/".to_owned(),
        "/admin/account/".to_owned(),
        format!("/admin/airports/{}/change/", airport.id),
        format!("/admin/flights/{}/change/", flight.id),
        format!("/admin/passengers/{}/change/", alice.id),
        format!("/admin/users/{user}/change/"),
        format!("/admin/groups/{group}/change/"),
        format!("/admin/airports/{}/delete/", airport.id),
        format!("/admin/passengers/{}/delete/", alice.id),
        format!("/admin/groups/{group}/delete/"),
        format!("/admin/flights/{}/history/", flight.id),
        format!("/admin/users/{user}/history/"),
        "/admin/airports/suggestions/?name=q&q=a".to_owned(),
        "/admin/flights/candidates/?name=flights".to_owned(),
        "/admin/groups/candidates/?name=groups".to_owned(),
    ];
    let mut shape = async |page: &str| {
        let page = staff.get(page).await;
        assert_eq!(page.status.code, 200, "{}", page.path);
        let elements = page.html.tree.values().filter(|node| node.is_element()).count();
        let attributes: usize = page
            .html
            .tree
            .values()
            .filter_map(|node| node.as_element())
            .map(|element| element.attrs().count())
            .sum();
        let handlers = page
            .html
            .tree
            .values()
            .filter_map(|node| node.as_element())
            .flat_map(|element| element.attrs().map(|(name, _)| name.to_owned()))
            .filter(|name| name.starts_with("on"))
            .count();
        (elements, attributes, handlers)
    };
    let mut plain = Vec::new();
    for page in &pages {
        plain.push(shape(page).await);
    }
    site.database.lift_the_guards_of_history().await;
    for payload in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=alert(1)>",
        "' onmouseover='alert(1)",
        "\" autofocus onfocus=alert(1) x=\"",
        "` onx=1 `",
        "javascript:alert(1)",
        "</textarea></title></style><b>",
        "<a hx-get=/admin/ hx-trigger=load>",
        "\" hx-on:click=\"alert(1)",
        "{{7*7}} {{{site}}} {{> parts/layout}}",
        "${7*7} #{7*7} <%= 7 %>",
        "&lt;b&gt; &amp;#60; &#x3c;script&#x3e;",
        "<!-- --><![CDATA[<b>]]>",
        "\u{2028}<b>\u{2029}",
        "<\u{fe64}script\u{fe65}>",
        "＜script＞alert(1)＜/script＞",
        "<base href=//evil.example>",
        "<meta http-equiv=refresh content=0>",
        "<form action=//evil.example><input name=csrf>",
    ] {
        let payload = payload.replace('\'', "''");
        for sql in [
            format!("UPDATE airports SET city = '{payload}', country = '{payload}'"),
            format!("UPDATE passengers SET first = '{payload}', last = '{payload}'"),
            format!("UPDATE groups SET name = '{payload}'"),
            format!("UPDATE users SET email = '{payload}'"),
            format!("UPDATE change_sets SET actor = '{payload}'"),
            format!("UPDATE changes SET label = '{payload}'"),
        ] {
            site.database.run(&sql).await;
        }
        for (page, plain) in pages.iter().zip(&plain) {
            let now = shape(page).await;
            // A mail address that was empty is shown where there was nothing: the values may be more.
            assert_eq!((now.0, now.2), (plain.0, 0), "{page} with {payload}");
            assert!(now.1 >= plain.1 && now.1 <= plain.1 + 2, "{page} with {payload}");
        }
    }
}

/// Another kind of body is never a form.
#[rocket::async_test]
async fn only_a_form_is_a_form() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let token = staff.token().await;
    let before = site.dump().await;
    for (kind, body) in [
        ("application/json", format!("{{\"csrf\":\"{token}\",\"first\":\"A\",\"last\":\"B\"}}")),
        ("text/plain", format!("csrf={token}&first=A&last=B")),
        (
            "multipart/form-data; boundary=x",
            format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x"),
        ),
        ("multipart/form-data", "--x".to_owned()),
        ("nonsense", format!("csrf={token}")),
    ] {
        let page = staff.send_as("/admin/passengers/add/", kind, body.into_bytes()).await;
        assert_eq!(page.status.code, 415, "{kind}");
    }
    // `_method` makes nothing of a form but what it is; reading through it changes nothing.
    for method in ["get", "head", "put", "patch", "delete"] {
        for path in ["/admin/passengers/add/", "/admin/users/50001/delete/", "/admin/logout/"] {
            let body = format!("_method={method}&csrf={token}&first=A&last=B");
            let page = staff.send_raw(path, body.into_bytes()).await;
            assert!(page.status.code < 500 && page.status.code != 303, "{method} {path}");
        }
    }
    assert_eq!(site.dump().await, before);
    assert_eq!(staff.get("/admin/").await.one("h1"), "Staff site");
}

/// What nobody sees makes no name, makes no name another, and stops no reason.
#[rocket::async_test]
async fn invisible_letters_are_no_name_and_make_no_difference() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for name in ["1\u{3164}", "\u{115f}1", "-\u{3164}", "\u{3164}"] {
        let form = staff.get("/admin/passengers/add/").await;
        let fields = [("first", name), ("last", "Quill"), ("_save", "1")];
        let page = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!(page.status.code, 422, "{name:?}");
    }
    for name in ["Gr\u{200b}p", "Gr\u{ad}p", "Grp\u{3164}", "Grp"] {
        let form = staff.get("/admin/groups/add/").await;
        let fields =
            [("name", name), ("reason", "\u{200f}\u{5de}\u{5e9}\u{5d4}\u{200f}"), ("_save", "1")];
        let page = staff.submit(&form, "form.edit", &fields).await;
        let expected = if name == "Gr\u{200b}p" { 200 } else { 422 };
        assert_eq!(page.status.code, expected, "{name:?}: {}", page.text);
    }
    assert!(site.dump().await.contains("\"reason\":\"\u{5de}\u{5e9}\u{5d4}\""));
}
