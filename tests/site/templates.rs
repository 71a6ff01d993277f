//! The templates: each is rendered by some story, strict, and none of them trusts anybody.

use std::collections::BTreeSet;

use airline::mail::Transport;

use crate::support::{Site, files};

#[test]
fn no_template_holds_script_style_or_unescaped_text() {
    for (name, text) in files("templates", ".hbs") {
        for bad in [
            "{{{",
            "{{&",
            " style=",
            "<style",
            "hx-on",
            "javascript:",
            "hx-vals",
            "hx-headers",
            "hx-delete",
        ] {
            assert!(!text.contains(bad), "{name} holds {bad}");
        }
        for part in text.split("<script").skip(1) {
            assert!(part.starts_with(" src="), "{name} holds an inline script");
        }
        for letter in ["onclick", "onload", "onchange", "onsubmit", "oninput"] {
            assert!(!text.contains(letter), "{name} holds {letter}");
        }
        for part in text.split("hx-trigger=\"").skip(1) {
            let value = part.split('"').next().unwrap();
            assert!(!value.contains('['), "{name}: a filter in hx-trigger needs eval");
        }
        for part in text.split("method=\"post\"").skip(1) {
            let form = part.split("</form>").next().unwrap();
            let first = form.split("<input").nth(1).unwrap_or_default();
            assert!(first.contains("name=\"csrf\""), "{name}: a form's first field is its token");
        }
    }
}

/// Every page that there is, looked at: a template that none of them uses fails here.
#[rocket::async_test]
async fn every_template_is_rendered_by_some_page() {
    let site =
        Site::with(|settings| settings.mailer.transport = Transport::Folder("none".into())).await;
    let (a, b) = site.two_airports().await;
    let flight = site.flight(&a, &b).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let link = site.first_link.clone().unwrap();
    assert_eq!(site.browser().get(&link).await.status.code, 200);
    let mut staff = site.staff().await;
    let form = staff.get("/admin/views/add/?list=flights&q=is:valid").await;
    staff.submit(&form, "form.edit", &[("name", "Valid ones")]).await;
    let flight_path = format!("/{}", flight.id);
    let paths = [
        ("public/index", "/".to_owned()),
        ("public/flight", flight_path.clone()),
        ("public/candidates", format!("{flight_path}/passengers")),
        ("public/appearance", "/appearance".to_owned()),
        ("accounts/account", "/admin/account/".to_owned()),
        ("accounts/confirm", "/admin/confirm/".to_owned()),
        ("accounts/factor", "/admin/factor/".to_owned()),
        ("accounts/reset", "/admin/reset/".to_owned()),
        ("admin/access", "/admin/users/50001/access/".to_owned()),
        ("accounts/password", "/admin/password/".to_owned()),
        ("accounts/sessions", "/admin/sessions/".to_owned()),
        ("admin/start", "/admin/".to_owned()),
        ("admin/list", "/admin/flights/".to_owned()),
        ("admin/form", format!("/admin/flights/{}/change/", flight.id)),
        ("admin/delete", format!("/admin/airports/{}/delete/", a.id)),
        ("admin/history", format!("/admin/flights/{}/history/", flight.id)),
        ("admin/views", "/admin/views/".to_owned()),
        ("admin/view", "/admin/views/add/?list=flights&q=is:valid".to_owned()),
        ("admin/count", "/admin/views/1/count/".to_owned()),
        ("admin/performed", "/admin/log/1/".to_owned()),
        ("admin/undo", "/admin/log/1/undo/".to_owned()),
        ("admin/suggestions", "/admin/airports/suggestions/?name=q&q=jfk".to_owned()),
        ("admin/candidates", "/admin/flights/candidates/?name=flights".to_owned()),
        ("admin/row", "/admin/flights/row/passengers/7".to_owned()),
    ];
    let mut seen: BTreeSet<String> = [
        "admin/bulk",
        "admin/picked",
        "accounts/first",
        "accounts/login",
        "accounts/code",
        "accounts/codes",
        "accounts/resume",
        "accounts/choose",
        "accounts/sent",
        "error",
        "public/no_flight",
    ]
    .map(str::to_owned)
    .into();
    for (template, path) in &paths {
        let page = staff.get(path).await;
        assert_eq!(page.status.code, 200, "{path}");
        assert!(!page.text.contains("{{"), "{path}");
        seen.insert((*template).to_owned());
    }
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/admin/login/").await.status.code, 200);
    assert_eq!(visitor.get("/nowhere").await.count("main h1"), 1);
    let partial = visitor.ask("/nowhere", &[("HX-Request", "true")]).await;
    assert_eq!((partial.status.code, partial.header("HX-Retarget")), (404, Some("#messages")));
    assert_eq!(partial.count("#problem .message"), 1);
    // Shared parts are rendered within these.
    let parts = [
        "admin/cell",
        "admin/preview",
        "admin/sealed",
        "admin/nav",
        "admin/field",
        "admin/pick",
        "admin/refused",
    ];
    for name in airline::pages::templates::names() {
        let part = name.starts_with("parts/") || parts.contains(&name.as_str());
        assert!(part || seen.contains(&name), "no page shows the template {name}");
    }
}
