//! A site on a port, and headless Chromium in front of it, with scripts or without. One at a time: a
//! browser takes both cores.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airline::auth::first::FirstLink;
use airline::clock::Clock;
use airline::wire::Deadlines;
use rocket::tokio::sync::{Mutex, MutexGuard};
use rocket::tokio::time::sleep;
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::prelude::*;

use super::{Database, PASSWORD, Running, Site, settings};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The driver, which ends with the test.
struct DriverProcess(Child);

impl Drop for DriverProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser that looks at a site.
pub(crate) struct Seat {
    base: String,
    pub(crate) driver: WebDriver,
    _profile: tempfile::TempDir,
}

/// A site on a port, and somebody in front of it.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) seat: Seat,
    driver_port: u16,
    _running: Running,
    _driver_process: DriverProcess,
    _turn: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Stage {
    type Target = Seat;
    fn deref(&self) -> &Seat {
        &self.seat
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Stage {
    pub(crate) async fn set(scripts: bool) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let site = Site::fresh().await;
        let (base, running) = serve(&site.database, site.clock.clone()).await;

        let port = free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver does not start: bin/test installs it (package chromium-driver)");
        let driver_process = DriverProcess(process);
        let seat = Seat::take(port, base, scripts).await;
        Self {
            site,
            seat,
            driver_port: port,
            _running: running,
            _driver_process: driver_process,
            _turn: turn,
        }
    }

    /// Somebody else, in front of a browser of his own, who has signed in.
    pub(crate) async fn somebody_else(&self, name: &str) -> Seat {
        let user = self.site.superuser(name, "unusable").await;
        let browser = self.site.session_of(user).await;
        let seat = Seat::take(self.driver_port, self.base.clone(), true).await;
        seat.go("/appearance").await;
        let mut cookie = Cookie::new("session", browser.cookies["session"].clone());
        cookie.set_path("/");
        seat.driver.add_cookie(cookie).await.unwrap();
        seat
    }

    /// Signs in through the page.
    pub(crate) async fn sign_in(&self) {
        self.site.superuser_with_password("boss").await;
        self.go("/admin/").await;
        self.fill("#username", "boss").await;
        self.fill("#password", PASSWORD).await;
        self.click("main button").await;
        self.shows("h1", &["Staff site"]).await;
    }

    /// The end of every story: nothing was complained about in the console, and nothing was asked
    /// of another host.
    pub(crate) async fn end(self) {
        self.seat.end().await;
    }
}

impl Seat {
    async fn take(port: u16, base: String, scripts: bool) -> Self {
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
        Self { base, driver, _profile: profile }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        self.driver
            .query(By::Css(selector))
            .wait(Duration::from_secs(10), Duration::from_millis(50))
            .first()
            .await
            .unwrap_or_else(|error| panic!("no {selector}: {error}"))
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
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
    pub(crate) async fn shows(&self, selector: &str, expected: &[&str]) {
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

    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Waits for a question, and answers no.
    pub(crate) async fn refuses(&self, question: &str) {
        let begin = Instant::now();
        let asked = loop {
            match self.driver.get_alert_text().await {
                Ok(asked) => break asked,
                Err(_) if begin.elapsed() < Duration::from_secs(10) => {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => panic!("nothing asks: {error}"),
            }
        };
        assert_eq!(asked, question);
        self.driver.dismiss_alert().await.unwrap();
    }

    /// What a script answers.
    pub(crate) async fn ask(&self, script: &str) -> serde_json::Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// The name or the id of what has the focus.
    pub(crate) async fn focus(&self) -> String {
        let focused = "return document.activeElement.id || document.activeElement.name || document.activeElement.textContent.trim()";
        self.ask(focused).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or(url.as_str()).to_owned()
    }

    pub(crate) async fn path_becomes(&self, expected: &str) {
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

    /// Nothing was complained about in the console, and nothing was asked of another host.
    pub(crate) async fn end(self) {
        for entry in self.driver.get_log("browser").await.unwrap() {
            // (The browser tells of every answer that refuses, also where a story means it.)
            let refused = ["status of 409", "status of 422"];
            let meant = refused.iter().any(|refused| entry.message.contains(refused));
            let loud = entry.level == "SEVERE" || entry.level == "WARNING";
            assert!(!loud || meant, "{}", entry.message);
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
    }
}

/// Serves a database on a port of its own.
async fn serve(database: &Database, clock: Clock) -> (String, Running) {
    let rocket = airline::site::site(settings(database), clock, FirstLink::default()).unwrap();
    let (port, running) = super::serve(rocket, Deadlines::default()).await;
    (format!("http://127.0.0.1:{port}"), running)
}
