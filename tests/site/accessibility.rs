//! axe-core (from npm, development only) on every page that links lead to, and on what acts open on
//! them, in both colour schemes. What it cannot see is in the stories of `browser`: keys and focus.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::support::source;
use crate::support::stage::Stage;

/// In the colours that the choice on the page "Appearance" would give, each finding with where it is.
/// (Contrast is measured when no colour is on its way any more, and is all that colours change.)
const RUN: &str = "
    const [scheme, only, done] = arguments;
    document.documentElement.dataset.theme = scheme;
    const options = { resultTypes: ['violations'], ...(only && { runOnly: only }) };
    const told = (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.html}`);
    for (const transition of document.getAnimations()) transition.finish();
    axe.run(document, options).then(
        (found) => done(found.violations.flatMap(told)), (error) => done([String(error)]));";

struct Reader<'s> {
    stage: &'s Stage,
    axe: String,
    findings: Vec<String>,
}

impl<'s> Reader<'s> {
    fn of(stage: &'s Stage) -> Self {
        let path = source().join("node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(path).expect("axe-core is missing: run `npm ci`");
        Self { stage, axe, findings: Vec::new() }
    }

    /// Reads the page as it stands now.
    async fn read(&mut self, name: &str) {
        let driver = &self.stage.driver;
        driver.execute(&*self.axe, Vec::new()).await.unwrap();
        for (scheme, rules) in [("dark", Value::Null), ("light", json!(["color-contrast"]))] {
            let found = driver.execute_async(RUN, vec![json!(scheme), rules]).await.unwrap();
            let found: Vec<String> = found.convert().unwrap();
            self.findings
                .extend(found.into_iter().map(|finding| format!("{name} ({scheme}), {finding}")));
        }
    }

    fn end(self) {
        assert!(self.findings.is_empty(), "axe found:\n{}", self.findings.join("\n"));
    }
}

/// A path with every number taken out: pages that are alike have the same.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts = path.split('/').map(|part| if part.parse::<i64>().is_ok() { "N" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[rocket::async_test]
async fn axe_finds_nothing_on_any_page_that_links_lead_to() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let flight = stage.site.flight(&jfk, &cdg).await;
    let alice = stage.site.passenger("Alice", "Adams").await;
    stage.site.book(&flight, &alice).await;
    let clerk = stage.site.user("clerk", "", |_| {}).await;
    stage.site.group("Agents", "view_flights", &[clerk]).await;
    let mut reader = Reader::of(&stage);
    stage.sign_in().await;
    let mut waiting = VecDeque::from(["/".to_owned(), "/admin/".to_owned()]);
    // (An address that only starts a download is no page.)
    let links = "return [...document.querySelectorAll('a[href]:not([download])')]
        .filter((link) => link.origin === location.origin)
        .map((link) => link.pathname + link.search)";
    let mut seen = BTreeSet::new();
    while let Some(path) = waiting.pop_front() {
        if !seen.insert(shape(&path)) {
            continue;
        }
        stage.go(&path).await;
        reader.read(&path).await;
        let Value::Array(found) = stage.ask(links).await else { panic!("no list of links") };
        let found = found.iter().map(|link| link.as_str().unwrap().to_owned());
        waiting.extend(found.filter(|link| !seen.contains(&shape(link))));
    }
    for expected in [
        "/N",
        "/appearance",
        "/admin/account/",
        "/admin/sessions/",
        "/admin/users/N/change/",
        "/admin/airports/N/delete/",
        "/admin/passengers/N/history/",
        "/admin/log/N/undo/",
        "/admin/views/add/",
    ] {
        assert!(seen.contains(expected), "{expected} is not among {seen:?}");
    }
    reader.end();
    stage.end().await;
}

/// (The browser complains about each of these in its console, so that is not looked at.)
#[rocket::async_test]
async fn axe_finds_nothing_on_what_strangers_see() {
    let stage = Stage::set(true).await;
    let mut reader = Reader::of(&stage);
    for path in ["/", "/admin/login/", "/admin/reset/", "/no/such/page", "/4711", "/admin/first/"] {
        stage.go(path).await;
        reader.read(path).await;
    }
    reader.end();
    stage.seat.driver.quit().await.unwrap();
}

#[rocket::async_test]
async fn axe_finds_nothing_in_what_acts_open() {
    let stage = Stage::set(true).await;
    let (jfk, cdg) = stage.site.two_airports().await;
    let flight = stage.site.flight(&jfk, &cdg).await;
    stage.site.flight(&cdg, &jfk).await;
    let alice = stage.site.passenger("Alice", "Adams").await;
    stage.site.passenger("Alina", "Adams").await;
    stage.sign_in().await;
    let rival = stage.somebody_else("rival").await;
    let mut reader = Reader::of(&stage);

    stage.press("?").await;
    stage.shows("dialog.keys h2", &["Keys on this page"]).await;
    reader.read("keys").await;

    stage.go("/admin/flights/?q=from:jfk+fron:cdg").await;
    reader.read("a search that is not understood").await;
    stage.go("/admin/flights/?q=from:jfk&filters=1&edit=20001").await;
    stage.find("tr form").await;
    stage.click("details.menu summary.button").await;
    reader.read("filters, columns and a row that is edited").await;
    stage.click("#row-20001 input[name=id]").await;
    stage.click("button[value=delete]").await;
    stage.find("main form input[name=seal]").await;
    reader.read("a sealed preview").await;
    stage.go("/admin/flights/").await;
    stage.click("#bulk input[name=all]").await;
    stage.click("button[value=edit]").await;
    stage.find(".setting").await;
    reader.read("many changed at once").await;

    let path = format!("/admin/flights/{}/change/", flight.id);
    stage.go(&path).await;
    stage.click("button[value='origin:open']").await;
    stage.find("dialog #city").await;
    reader.read("a related object in a dialog").await;
    stage.go(&path).await;
    stage.fill("#destination", "JFK").await;
    stage.click(".actions button.main").await;
    stage.find("#problems").await;
    reader.read("what could not be saved").await;
    stage.go(&path).await;
    rival.go(&path).await;
    rival.fill("#duration", "222").await;
    rival.click(".actions button.main").await;
    rival.shows("h1", &["Flights"]).await;
    stage.fill("#duration", "333").await;
    stage.fill("#passengers-0", "ali").await;
    stage.find("#passengers-0-options li").await;
    reader.read("suggestions").await;
    stage.fill("#passengers-0", &format!("Alice Adams (#{})", alice.id)).await;
    stage.press(thirtyfour::Key::Escape).await;
    stage.click(".actions button.main").await;
    stage.find(".clash").await;
    reader.read("a clash of two saves").await;
    stage.click(".clash input[value=yours]").await;
    stage.click(".actions button.main").await;
    stage.shows("h1", &["Flights"]).await;
    reader.read("a list with a message").await;
    stage.click("#messages a.undo").await;
    stage.shows("h1", &["Undo this?"]).await;
    reader.read("undo").await;

    stage.go(&format!("/{}", flight.id)).await;
    stage.fill("input[name=q]", "alina").await;
    stage.find("#candidates input[type=radio]").await;
    reader.read("a passenger is found").await;
    reader.end();
    rival.end().await;
    stage.end().await;
}
