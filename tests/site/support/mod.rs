//! A site on a fresh database, and things to put into it.

mod browser;
mod counts;
pub(crate) mod stage;

pub(crate) use browser::{Browser, Fields, Page};
pub(crate) use counts::assert_counts_are_right;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use airline::auth::first::FirstLink;
use airline::auth::sessions::{Beginning, Proven};
use airline::auth::users::Draft;
use airline::auth::{Rights, credentials, groups, passwords, sessions, users};
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
use airline::mail::{Mailer, Transport};
use airline::wire::{self, Deadlines};
use rocket::fairing::AdHoc;
use rocket::local::asynchronous::Client;
use rocket::tokio::net::TcpListener;
use rocket::tokio::sync::oneshot;
use rocket::{Build, Rocket};
use sqlx::Connection as _;

/// When every test begins: Friday, 15 January 2027, 08:00 UTC.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The password of everybody in these tests.
pub(crate) const PASSWORD: &str = "seven green suitcases";

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
                Kind::Postgres => {
                    format!("ALTER SEQUENCE {table}_id_seq RESTART WITH {}", start + 1)
                }
            };
            database.run(&text).await;
        }
        database
    }

    /// Takes away what keeps the history from being written over.
    pub(crate) async fn lift_the_guards_of_history(&self) {
        let tables = ["change_sets", "changes", "change_subjects"];
        let text = tables.map(|table| {
            if self.url.starts_with("sqlite:") {
                format!("DROP TRIGGER {table}_fixed; DROP TRIGGER {table}_kept;")
            } else {
                format!("ALTER TABLE {table} DISABLE TRIGGER ALL;")
            }
        });
        self.run(&text.concat()).await;
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

/// As visitors find it in a debug build: they see names, and book.
pub(crate) fn settings(database: &Database) -> Settings {
    Settings {
        revision: None,
        database: DatabaseUrl::parse(&database.url).unwrap(),
        own_file: false,
        connections: 4,
        port: None,
        public_booking: true,
        hosts: Vec::new(),
        trust_proxy: false,
        https: false,
        hsts_preload: false,
        url: Some("https://airline.example".to_owned()),
        mailer: Mailer {
            transport: Transport::Off,
            from: "airline@airline.example".parse().unwrap(),
        },
    }
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
        let mut settings = settings(&database);
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
        Browser::new(&self.client)
    }

    /// A superuser who has signed in (by the back door, which spares the hashing).
    pub(crate) async fn staff(&self) -> Browser<'_> {
        let id = self.superuser("boss", "unusable").await;
        self.session_of(id).await
    }

    /// Another browser of somebody.
    pub(crate) async fn session_of(&self, user: i64) -> Browser<'_> {
        let beginning =
            Beginning { user, proven: Proven::Vouched, awaits_factor: false, from: &from() };
        let secret = sessions::begin(&self.pool, beginning, self.clock.now()).await.unwrap();
        let mut browser = self.browser();
        browser.cookies.insert("session".to_owned(), secret.unwrap());
        browser
    }

    pub(crate) async fn superuser(&self, name: &str, hash: &str) -> i64 {
        self.user(name, hash, |draft| draft.is_superuser = true).await
    }

    /// An account of staff without any right, unless it is changed.
    pub(crate) async fn user(
        &self,
        name: &str,
        hash: &str,
        change: impl FnOnce(&mut Draft),
    ) -> i64 {
        let mut draft = Draft {
            username: name.to_owned(),
            email: String::new(),
            is_active: true,
            is_staff: true,
            is_superuser: false,
            rights: Rights::default(),
        };
        change(&mut draft);
        let mut set = self.set().await;
        let user = users::insert(&mut set, draft).await.unwrap();
        credentials::set_first_password(&mut set, &user, hash.to_owned()).await.unwrap();
        set.commit().await.unwrap();
        user.id
    }

    /// Somebody of the staff with just these rights, signed in.
    pub(crate) async fn staff_with(&self, name: &str, rights: &str) -> Browser<'_> {
        let id = self.user(name, "", |draft| draft.rights = Rights::parse(rights)).await;
        self.session_of(id).await
    }

    /// A group with rights, and accounts in it.
    pub(crate) async fn group(&self, name: &str, rights: &str, members: &[i64]) -> i64 {
        let draft = groups::Draft {
            name: name.to_owned(),
            rights: Rights::parse(rights),
            requires_factor: false,
        };
        let mut set = self.set().await;
        let group = groups::insert(&mut set, draft).await.unwrap();
        for id in members {
            let user = users::find(&mut set, *id).await.unwrap().unwrap();
            groups::join(&mut set, &user, &group).await.unwrap();
        }
        set.commit().await.unwrap();
        group.id
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

/// Dropped, it stops a site that is served.
pub(crate) type Running = oneshot::Sender<()>;

/// Serves a site as the program does, on a port of its own, until it is told to stop.
pub(crate) async fn serve(rocket: Rocket<Build>, deadlines: Deadlines) -> (u16, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let rocket = rocket.attach(AdHoc::on_liftoff("test", move |_| {
        let _ = tell.lock().unwrap().take().unwrap().send(());
        Box::pin(async {})
    }));
    let (running, stop) = oneshot::channel();
    rocket::tokio::spawn(wire::launch(rocket, listener, deadlines, async { drop(stop.await) }));
    told.await.unwrap();
    (port, running)
}

/// The whole database as a dump; what is not dumped follows from it.
pub(crate) async fn dump(pool: &Pool) -> String {
    let mut out = Vec::new();
    airline::data::dump::dump(pool, &mut out, &mut airline::data::Silent).await.unwrap();
    assert_counts_are_right(pool).await;
    String::from_utf8(out).unwrap()
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
        airline::db::DbPool::fetch(self.client.rocket()).unwrap()
    }

    /// How many statements the site itself has run so far.
    pub(crate) fn pool_statements(&self) -> u64 {
        self.site_pool().statements()
    }
}
