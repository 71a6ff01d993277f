//! Stories in a real browser: headless Chromium, driven from here, with scripts and without. One at
//! a time: a browser takes both cores.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airline::auth::{first::FirstLink, sessions};
use airline::clock::Clock;
use airline::wire::Deadlines;
use rocket::tokio::sync::{Mutex, MutexGuard};
use rocket::tokio::time::sleep;
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;

use crate::support::{Database, PASSWORD, Site, settings};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The driver, which ends with the test.
struct DriverProcess(Child);

impl Drop for DriverProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A site on a port, and a browser that looks at it.
struct Stage {
    site: Site,
    base: String,
    driver: WebDriver,
    server: rocket::Shutdown,
    _driver_process: DriverProcess,
    _profile: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Stage {
    async fn set(scripts: bool) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let site = Site::fresh().await;
        let (base, server) = serve(&site.database, site.clock.clone()).await;

        let port = free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver does not start: bin/test installs it (package chromium-driver)");
        let driver_process = DriverProcess(process);
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1200,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        if !scripts {
            let off = serde_json::json!({"profile.managed_default_content_settings.javascript": 2});
            wanted.add_experimental_option("prefs", off).unwrap();
        }
        for log in ["browser", "performance"] {
            wanted.set_logging_prefs(log, LoggingPrefsLogLevel::All).unwrap();
        }
        let begin = Instant::now();
        let driver = loop {
            match WebDriver::new(format!("http://127.0.0.1:{port}"), wanted.clone()).await {
                Ok(driver) => break driver,
                Err(error) if begin.elapsed() > Duration::from_secs(40) => {
                    panic!("Chromium does not start: {error}")
                }
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        };
        Self {
            site,
            base,
            driver,
            server,
            _driver_process: driver_process,
            _profile: profile,
            _turn: turn,
        }
    }

    async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    async fn find(&self, selector: &str) -> WebElement {
        self.driver
            .query(By::Css(selector))
            .wait(Duration::from_secs(10), Duration::from_millis(50))
            .first()
            .await
            .unwrap_or_else(|error| panic!("no {selector}: {error}"))
    }

    async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    async fn texts(&self, selector: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.driver.find_all(By::Css(selector)).await.unwrap() {
            // An element that a swap replaced meanwhile is looked at again by whoever waits.
            let text = element.text().await.unwrap_or_default();
            texts.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        texts
    }

    /// Waits until what is shown is as it must be; a story that never gets there fails with what
    /// was seen last.
    async fn shows(&self, selector: &str, expected: &[&str]) {
        let begin = Instant::now();
        loop {
            let texts = self.texts(selector).await;
            if texts == expected {
                return;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "{selector}: {texts:?}, expected {expected:?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    async fn path_becomes(&self, expected: &str) {
        let begin = Instant::now();
        while self.path().await != expected {
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "{}, expected {expected}",
                self.path().await
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Signs in through the page.
    async fn sign_in(&self) {
        self.site.superuser_with_password("boss").await;
        self.go("/admin/").await;
        self.fill("#username", "boss").await;
        self.fill("#password", PASSWORD).await;
        self.click("main button").await;
        self.shows("h1", &["Staff site"]).await;
    }

    /// The end of every story: nothing was complained about in the console, and nothing was asked
    /// of another host.
    async fn end(self) {
        for entry in self.driver.get_log("browser").await.unwrap() {
            assert!(entry.level != "SEVERE" && entry.level != "WARNING", "{}", entry.message);
        }
        let mut asked = 0;
        for entry in self.driver.get_log("performance").await.unwrap() {
            let event: serde_json::Value = serde_json::from_str(&entry.message).unwrap();
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let url = event["message"]["params"]["request"]["url"].as_str().unwrap();
                let own = ["data:", "about:", "chrome:"].iter().any(|kind| url.starts_with(kind));
                assert!(own || url.starts_with(&self.base), "asked of another host: {url}");
                asked += 1;
            }
        }
        assert!(asked > 0, "the browser does not tell what it asks for");
        self.driver.quit().await.unwrap();
        self.server.notify();
    }
}

/// Serves a database on a port of its own.
async fn serve(database: &Database, clock: Clock) -> (String, rocket::Shutdown) {
    let rocket = airline::site::site(settings(database), clock, FirstLink::default()).unwrap();
    let (port, shutdown) = crate::support::serve(rocket, Deadlines::default()).await;
    (format!("http://127.0.0.1:{port}"), shutdown)
}

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
    stage.shows(".falls h2", &["2 bookings"]).await;
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
    let alice = stage.site.passenger("Alice", "Adams").await;
    stage.site.book(&first, &alice).await;
    stage.sign_in().await;
    stage.go(&format!("/admin/passengers/{}/change/", alice.id)).await;
    stage.fill("input[name=flights-search]", "sao").await;
    stage.shows("#flights-candidates li", &[&*second.to_string()]).await;
    stage.click("#flights-candidates input").await;
    stage.shows("#flights-chosen li", &[&*first.to_string(), &*second.to_string()]).await;
    stage.shows("#flights-candidates li", &[]).await;
    stage.click("#flights-chosen li:first-child input").await;
    stage.click(".actions button.main").await;
    stage.shows("h1", &["Passengers"]).await;
    assert_eq!((stage.site.booked(&first).await, stage.site.booked(&second).await), (0, 1));
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
    stage.server.notify();
    stage.driver.quit().await.unwrap();
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
