//! Every page and every form of the staff site, twice: as a browser without scripts asks, and as htmx
//! does. Both must show the same headings and leave the same data.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::support::{Browser, Page, Site};

const HTMX: [(&str, &str); 1] = [("HX-Request", "true")];

/// What is typed into a field, where the form does not hold something already.
fn typed(name: &str, number: usize) -> Option<String> {
    let letter = |place: usize| char::from(b'A' + u8::try_from(place % 26).unwrap());
    Some(match name {
        "code" => format!("{}{}Q", letter(number), letter(number / 26)),
        "origin" => "JFK".to_owned(),
        "destination" => "CDG".to_owned(),
        "duration" => format!("{}", 60 + number),
        "city" | "first" | "last" | "name" | "username" => format!("{name}{number}"),
        "reason" => format!("because of {number}"),
        "timezone" => "Europe/Oslo".to_owned(),
        "capacity" => "50".to_owned(),
        _ => return None,
    })
}

async fn world() -> Site {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let alice = site.passenger("Alice", "Adams").await;
    for _ in 0..30 {
        let flight = site.flight(&jfk, &cdg).await;
        site.book(&flight, &alice).await;
    }
    let clerk = site.user("clerk", "", |_| {}).await;
    site.group("Agents", "view_flights", &[clerk]).await;
    site
}

/// A path with every number taken out, and the names of its query: pages that are alike have the same.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<_> =
        path.split('/').map(|part| if part.parse::<i64>().is_ok() { "N" } else { part }).collect();
    let names: BTreeSet<_> =
        query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned).collect();
    format!("{}?{}", parts.join("/"), names.into_iter().collect::<Vec<_>>().join("&"))
}

fn is_walked(path: &str) -> bool {
    let own = ["account", "password", "factor", "sessions", "confirm", "logout", "reset", "login"];
    let second = path.trim_start_matches("/admin/").split(['/', '?']).next().unwrap_or_default();
    path.starts_with("/admin/") && !own.contains(&second) && !path.contains("/export/")
}

/// The same site twice, and somebody in front of each.
struct Both<'s> {
    sites: [&'s Site; 2],
    plain: Browser<'s>,
    htmx: Browser<'s>,
}

impl Both<'_> {
    async fn get(&mut self, path: &str) -> Page {
        let page = self.plain.get(path).await;
        let other = self.htmx.ask(path, &HTMX).await;
        assert_eq!(page.all("h1"), other.all("h1"), "{path}");
        assert_eq!(page.status, other.status, "{path}");
        assert!(page.status.code < 500, "{path}: {}", page.text);
        page
    }

    /// Sends a form with each of its buttons, and confirms what asks for it; answers how many did.
    async fn send(&mut self, path: &str, action: &str, number: usize) -> usize {
        let page = self.plain.get(path).await;
        let other = self.htmx.ask(path, &HTMX).await;
        let selector = format!("form[action=\"{action}\"]");
        if page.count(&selector) != 1 || other.count(&selector) != 1 {
            assert_eq!(page.count(&selector), other.count(&selector), "{action} on {path}");
            return 0;
        }
        let buttons = page.buttons(&selector);
        let mut confirmed = 0;
        for (name, value) in buttons {
            let page = self.plain.get(path).await;
            let other = self.htmx.ask(path, &HTMX).await;
            if page.count(&selector) != 1 {
                break;
            }
            let (_, _, held) = page.form(&selector, &[]);
            let fields: Vec<(String, String)> = held
                .iter()
                .filter(|(_, value)| value.is_empty())
                .filter_map(|(name, _)| Some((name.clone(), typed(name, number)?)))
                .chain(
                    page.count("#bulk input[name=all]")
                        .gt(&0)
                        .then(|| ("all".to_owned(), "1".to_owned()))
                        .filter(|_| action.contains("/bulk/")),
                )
                .chain((!name.is_empty()).then(|| (name.clone(), value.clone())))
                .collect();
            let given: Vec<_> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let (action, _, pairs) = page.form(&selector, &given);
            let (there, _, others) = other.form(&selector, &given);
            let names = |pairs: &[(String, String)]| {
                let random = |name: &str| name == "csrf" || name == "once";
                pairs.iter().filter(|(name, _)| !random(name)).cloned().collect::<Vec<_>>()
            };
            assert_eq!((&action, names(&pairs)), (&there, names(&others)), "{path}");
            let one = self.plain.post(&action, &pairs).await;
            let two = self.htmx.post_with(&there, &others, &HTMX).await;
            assert_eq!(one.all("h1"), two.all("h1"), "{action} {name} on {path}");
            assert_eq!(one.status, two.status, "{action} {name} on {path}: {}", one.text);
            assert!(
                one.status.code < 500 && one.status.code != 400,
                "{action} {name}: {}",
                one.text
            );
            assert_eq!(
                facts(&self.sites[0].dump().await),
                facts(&self.sites[1].dump().await),
                "{action} {name} on {path}"
            );
            if one.count("main form input[name=seal]") == 1 {
                // A preview asks once more.
                let (one, two) = (
                    self.plain.submit(&one, "main form", &[]).await,
                    self.htmx.submit(&two, "main form", &[]).await,
                );
                assert_eq!(one.all("h1"), two.all("h1"), "{action} {name}, confirmed");
                assert_eq!(one.messages(), two.messages(), "{action} {name}, confirmed");
                let (one, two) = (self.sites[0].dump().await, self.sites[1].dump().await);
                assert_eq!(facts(&one), facts(&two), "{action} {name}, confirmed");
                confirmed += 1;
            }
        }
        confirmed
    }
}

/// A dump without what is another in each run: the names of requests, and so the hashes.
fn facts(dump: &str) -> Vec<serde_json::Value> {
    dump.lines()
        .map(|line| {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(set) = row.get_mut("change_sets").and_then(|set| set.as_object_mut()) {
                set.remove("request_id");
                set.remove("hash");
            }
            row
        })
        .collect()
}

#[rocket::async_test]
async fn every_form_does_the_same_with_htmx_and_without() {
    let (one, two) = (world().await, world().await);
    let (plain, htmx) = (one.staff().await, two.staff().await);
    let mut both = Both { sites: [&one, &two], plain, htmx };
    // Every page that links lead to, once for each shape; and where each form was seen first.
    let mut waiting = VecDeque::from(["/admin/".to_owned()]);
    let mut seen = BTreeSet::new();
    let mut forms: BTreeMap<String, (String, String)> = BTreeMap::new();
    while let Some(path) = waiting.pop_front() {
        if !seen.insert(shape(&path)) {
            continue;
        }
        let page = both.get(&path).await;
        for (action, method) in page.forms() {
            if method == "post" && is_walked(&action) {
                forms.entry(shape(&action)).or_insert((path.clone(), action));
            }
        }
        for link in page.links() {
            let base = path.split('?').next().unwrap();
            let link = if link.starts_with('?') { format!("{base}{link}") } else { link };
            let link = link.split('#').next().unwrap().to_owned();
            if is_walked(&link) && !seen.contains(&shape(&link)) {
                waiting.push_back(link);
            }
        }
    }
    assert!(seen.len() > 120, "{} pages only: {seen:?}", seen.len());
    for expected in [
        "/admin/flights/add/?",
        "/admin/flights/N/change/?",
        "/admin/flights/N/delete/?",
        "/admin/flights/N/row/?",
        "/admin/flights/bulk/?",
        "/admin/log/N/undo/?",
        "/admin/views/add/?",
        "/admin/groups/add/?",
    ] {
        assert!(forms.contains_key(expected), "{expected} is not among {:?}", forms.keys());
    }
    // What deletes comes last, so that all else has something to work on.
    let mut order: Vec<_> = forms.into_values().collect();
    order.sort_by_key(|(_, action)| {
        ["delete", "bulk", "remove", "undo"].iter().any(|word| action.contains(word))
    });
    let mut confirmed = 0;
    for (number, (path, action)) in order.iter().enumerate() {
        confirmed += both.send(path, action, number).await;
    }
    assert!(confirmed > 0, "no preview was confirmed");
}
