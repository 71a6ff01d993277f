//! A site on a fresh database, browsers without scripts, and things to put into it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use airline::auth::first::FirstLink;
use airline::auth::users::Superuser;
use airline::auth::{passwords, sessions, users};
use airline::changes::{Actor, ChangeSet, Intent};
use airline::clock::Clock;
use airline::config::Settings;
use airline::db::{DatabaseUrl, Kind, Pool};
use airline::domain::airports::Airport;
use airline::domain::bookings::Booked;
use airline::domain::flights::Flight;
use airline::domain::passengers::Passenger;
use airline::domain::{airports, bookings, flights, passengers};
use airline::input::Values;
use rocket::http::{ContentType, Cookie, Header, Status};
use rocket::local::asynchronous::Client;
use scraper::{ElementRef, Html, Selector};
use sqlx::Connection as _;

/// When every test begins: Friday, 15 January 2027, 08:00 UTC.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The password of everybody in these tests.
pub(crate) const PASSWORD: &str = "seven green suitcases";

/// Fields and what is typed into them.
pub(crate) type Fields<'a> = &'a [(&'static str, &'a str)];

/// A fresh database: a file that goes with the test, or a schema in a server that does.
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Database {
    /// Empty: not even migrated.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match airline::config::variable("TEST_DATABASE_URL") {
            None => format!("sqlite:{}", folder.path().join("test.sqlite3").display()),
            Some(server) => {
                let schema = format!("test_{}", airline::random::request_id());
                let mut conn = sqlx::PgConnection::connect(&server).await.unwrap();
                let text = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
                sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
                let join = if server.contains('?') { '&' } else { '?' };
                format!("{server}{join}options=-c%20search_path%3D{schema}")
            }
        };
        Self { url, _folder: folder }
    }

    pub(crate) async fn open(&self) -> Pool {
        let url = DatabaseUrl::parse(&self.url).unwrap();
        Pool::open(&url, 4, Duration::from_secs(20)).await.unwrap()
    }

    /// Migrated, with ids of different tables far apart, so that a wrong one cannot pass by chance.
    pub(crate) async fn migrated() -> Self {
        let database = Self::empty().await;
        let pool = database.open().await;
        pool.migrate().await.unwrap();
        let starts =
            [("flights", 20_000), ("passengers", 30_000), ("bookings", 40_000), ("users", 50_000)];
        for (table, start) in starts {
            let text = match pool.kind() {
                Kind::Sqlite => {
                    format!("INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {start})")
                }
                Kind::Postgres => format!("ALTER SEQUENCE {table}_id_seq RESTART WITH {start}"),
            };
            database.run(&text).await;
        }
        database
    }

    /// Runs any SQL, past every guard of the program.
    pub(crate) async fn run(&self, text: &str) {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        if self.url.starts_with("sqlite:") {
            let mut conn = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        } else {
            let mut conn = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        }
    }
}

fn from() -> sessions::Origin {
    sessions::Origin { address: "192.0.2.1".to_owned(), browser: "A test".to_owned() }
}

/// The site, served in this process.
pub(crate) struct Site {
    pub(crate) client: Client,
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) database: Database,
    pub(crate) first_link: Option<String>,
}

impl Site {
    /// As visitors find it in a debug build: they see names, and book.
    pub(crate) async fn fresh() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::migrated().await;
        let pool = database.open().await;
        let mut settings = Settings {
            database: DatabaseUrl::parse(&database.url).unwrap(),
            own_file: false,
            connections: 4,
            port: None,
            public_booking: true,
            hosts: Vec::new(),
            trust_proxy: false,
            https: false,
        };
        change(&mut settings);
        let clock = Clock::stopped(NOW);
        let first = FirstLink::open();
        let first_link = first.path();
        let rocket = airline::site::site(settings, clock.clone(), first).unwrap();
        let client = Client::untracked(rocket).await.unwrap();
        Self { client, pool, clock, database, first_link }
    }

    /// Somebody with a browser of his own, without scripts.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { client: &self.client, cookies: BTreeMap::new() }
    }

    /// A superuser who has signed in (by the back door, which spares the hashing).
    pub(crate) async fn staff(&self) -> Browser<'_> {
        let id = self.superuser("boss", "unusable").await;
        let secret = sessions::begin(&self.pool, id, &from(), self.clock.now()).await.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("session".to_owned(), secret);
        browser
    }

    /// Another browser of somebody.
    pub(crate) async fn session_of(&self, user: i64) -> Browser<'_> {
        let secret = sessions::begin(&self.pool, user, &from(), self.clock.now()).await.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("session".to_owned(), secret);
        browser
    }

    pub(crate) async fn superuser(&self, name: &str, hash: &str) -> i64 {
        let mut set = self.set().await;
        let draft = Superuser { username: name.to_owned(), email: String::new() };
        let user = users::insert_superuser(&mut set, draft, hash.to_owned()).await.unwrap();
        set.commit().await.unwrap();
        user.id
    }

    pub(crate) async fn superuser_with_password(&self, name: &str) -> i64 {
        let hash = passwords::hash(PASSWORD.to_owned()).await.unwrap();
        self.superuser(name, &hash).await
    }

    pub(crate) async fn set(&self) -> ChangeSet {
        let intent = Intent {
            actor: Actor { id: None, name: "the test".to_owned() },
            action: "add",
            at: self.clock.now(),
            request_id: String::new(),
        };
        ChangeSet::begin(&self.pool, intent).await.unwrap()
    }

    /// An airport: `code,city,country,timezone`, the last two optional.
    pub(crate) async fn airport(&self, text: &str) -> Airport {
        let mut values = Values::default();
        for (name, value) in ["code", "city", "country", "timezone"].iter().zip(text.split(',')) {
            values.set(name, value);
        }
        let mut set = self.set().await;
        let airport =
            airports::insert(&mut set, airports::Draft::parse(&values).unwrap()).await.unwrap();
        set.commit().await.unwrap();
        airport
    }

    pub(crate) async fn flight(&self, from: &Airport, to: &Airport) -> Flight {
        self.flight_with(from, to, |_| {}).await
    }

    pub(crate) async fn flight_with(
        &self,
        from: &Airport,
        to: &Airport,
        change: impl FnOnce(&mut flights::Draft),
    ) -> Flight {
        let mut draft = flights::Draft {
            origin: from.clone(),
            destination: to.clone(),
            duration: 100,
            departs_at: None,
            capacity: None,
        };
        change(&mut draft);
        let mut set = self.set().await;
        let flight = flights::insert(&mut set, draft).await.unwrap();
        set.commit().await.unwrap();
        flight
    }

    pub(crate) async fn passenger(&self, first: &str, last: &str) -> Passenger {
        let mut set = self.set().await;
        let draft = passengers::Draft { first: first.to_owned(), last: last.to_owned() };
        let passenger = passengers::insert(&mut set, draft).await.unwrap();
        set.commit().await.unwrap();
        passenger
    }

    pub(crate) async fn book(&self, flight: &Flight, passenger: &Passenger) {
        let mut set = self.set().await;
        let booked = bookings::book(&mut set, flight.id, passenger.id).await.unwrap();
        assert!(matches!(booked, Ok(Booked::New(_))), "{booked:?}");
        set.commit().await.unwrap();
    }

    pub(crate) async fn booked(&self, flight: &Flight) -> i64 {
        bookings::count(&mut self.pool.conn().await.unwrap(), flight.id).await.unwrap()
    }

    /// Two airports and a flight between them, for tests that need any.
    pub(crate) async fn any_flight(&self) -> Flight {
        let (from, to) = self.two_airports().await;
        self.flight(&from, &to).await
    }

    pub(crate) async fn two_airports(&self) -> (Airport, Airport) {
        let from = self.airport("JFK,New York,United States,America/New_York").await;
        (from, self.airport("CDG,Paris,France,Europe/Paris").await)
    }

    /// The whole database as a dump: equal dumps are equal databases.
    pub(crate) async fn dump(&self) -> String {
        dump(&self.pool).await
    }
}

pub(crate) async fn dump(pool: &Pool) -> String {
    let mut out = Vec::new();
    airline::data::dump::dump(pool, &mut out, &mut airline::data::Silent).await.unwrap();
    String::from_utf8(out).unwrap()
}

/// A browser without scripts: it keeps cookies, fills forms in as they stand, and follows
/// redirects.
pub(crate) struct Browser<'s> {
    client: &'s Client,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.ask(path, &[]).await
    }

    pub(crate) async fn ask(&mut self, path: &str, headers: Fields<'_>) -> Page {
        let mut page = self.send(path, None, headers).await;
        for _ in 0..5 {
            let Some(there) = page.header("Location").filter(|_| page.status.code == 303) else {
                break;
            };
            let there = there.to_owned();
            page = self.send(&there, None, &[]).await;
        }
        page
    }

    /// Sends a form of a page, with some fields filled in (a field given twice is sent twice), and
    /// follows where that leads. A field given as `-name` is left out.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        form: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let (action, method, pairs) = page.form(form, fields);
        if method == "get" {
            let query =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            return self.get(&format!("{action}?{query}")).await;
        }
        self.post(&action, &pairs).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(String, String)]) -> Page {
        let page = self.post_only(path, pairs, &[]).await;
        match page.header("Location").map(str::to_owned) {
            Some(there) if page.status.code == 303 => self.get(&there).await,
            _ => page,
        }
    }

    pub(crate) async fn post_only(
        &mut self,
        path: &str,
        pairs: &[(String, String)],
        headers: Fields<'_>,
    ) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.send(path, Some(body), headers).await
    }

    async fn send(&mut self, path: &str, body: Option<String>, headers: Fields<'_>) -> Page {
        let mut request = match &body {
            None => self.client.get(path.to_owned()),
            Some(body) => self
                .client
                .post(path.to_owned())
                .header(ContentType::Form)
                .header(Header::new("Content-Length", body.len().to_string()))
                .body(body),
        };
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.header(Header::new("Host", "localhost"));
        }
        for (name, value) in &self.cookies {
            request = request.cookie(Cookie::new(name.clone(), value.clone()));
        }
        for (name, value) in headers {
            request = request.header(Header::new(*name, (*value).to_owned()));
        }
        let response = request.dispatch().await;
        let status = response.status();
        let mut headers = Vec::new();
        for header in response.headers().iter() {
            headers.push((header.name().to_string(), header.value().to_owned()));
        }
        for cookie in response.cookies().iter() {
            if cookie.value().is_empty() {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let bytes = response.into_bytes().await.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page {
            path: path.to_owned(),
            status,
            headers,
            html: Html::parse_document(&text),
            text,
            bytes,
        }
    }

    /// The token of this browser's forms, from a page that has one.
    pub(crate) async fn token(&mut self) -> String {
        self.get("/appearance").await.attribute("input[name=csrf]", "value")
    }
}

/// What a browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) status: Status,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) html: Html,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn select(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.select(selector).len()
    }

    /// The text of each element, with single blanks.
    pub(crate) fn all(&self, selector: &str) -> Vec<String> {
        self.select(selector).into_iter().map(text).collect()
    }

    /// The text of the one element.
    #[track_caller]
    pub(crate) fn one(&self, selector: &str) -> String {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector} on {} ({}): {found:?}", self.path, self.status);
        found.into_iter().next().unwrap()
    }

    #[track_caller]
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        let found = self.select(selector);
        let element = found
            .first()
            .unwrap_or_else(|| panic!("no {selector} on {}: {}", self.path, self.text));
        element.value().attr(name).unwrap_or_else(|| panic!("{selector} has no {name}")).to_owned()
    }

    /// What a form would send, as a browser without scripts would: action, method, fields.
    #[track_caller]
    pub(crate) fn form(
        &self,
        form: &str,
        fields: &[(&str, &str)],
    ) -> (String, String, Vec<(String, String)>) {
        let found = self.select(form);
        assert_eq!(found.len(), 1, "{form} on {} ({}): {}", self.path, self.status, self.text);
        let form = found[0];
        let controls = Selector::parse("input, select").unwrap();
        let mut pairs = Vec::new();
        for control in form.select(&controls) {
            let Some(name) = control.value().attr("name") else {
                continue;
            };
            if fields
                .iter()
                .any(|(known, _)| *known == name || known.strip_prefix('-') == Some(name))
            {
                continue;
            }
            let kind = control.value().attr("type").unwrap_or("text");
            if matches!(kind, "checkbox" | "radio") && control.value().attr("checked").is_none() {
                continue;
            }
            let value = if control.value().name() == "select" {
                let chosen = Selector::parse("option[selected]").unwrap();
                control.select(&chosen).next().and_then(|option| option.value().attr("value"))
            } else {
                control.value().attr("value")
            };
            pairs.push((name.to_owned(), value.unwrap_or_default().to_owned()));
        }
        let given = fields.iter().filter(|(name, _)| !name.starts_with('-'));
        pairs.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let attribute =
            |name, fallback: &str| form.value().attr(name).unwrap_or(fallback).to_owned();
        (attribute("action", &self.path), attribute("method", "get"), pairs)
    }

    /// What is said at the top.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.all("#messages .message")
    }
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The source tree, for tests that read it.
pub(crate) fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder with an ending, with its path from there.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(source()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} below {folder}");
    found
}

impl Site {
    /// The site's own pool of connections.
    pub(crate) fn site_pool(&self) -> &Pool {
        use rocket_db_pools::Database as _;
        airline::db::Db::fetch(self.client.rocket()).unwrap()
    }

    /// How many statements the site itself has run so far.
    pub(crate) fn pool_statements(&self) -> u64 {
        self.site_pool().statements()
    }
}
