//! Coming from the demo: a database that Django itself made is copied, and people go on with it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use airline::db::Kind;
use airline::domain::flights::{self, Draft};
use airline::domain::passengers;
use sqlx::{Connection as _, Executor as _, SqlSafeStr as _};

use crate::commands::{airline, said};
use crate::support::{Database, Site, source};

/// A Python that has Django: bin/lint's tools, or Debian's.
fn python() -> PathBuf {
    let tools = source().join("target/delivery-tools/bin/python");
    if tools.exists() { tools } else { PathBuf::from("/usr/bin/python3") }
}

/// Runs a script of `tests/django/`.
fn run(script: &str, words: &[&str]) {
    let script = source().join("tests/django").join(script);
    let done = Command::new(python()).arg(script).args(words).output().unwrap();
    assert!(
        done.status.success(),
        "Django (bin/lint installs it) says: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A database as the demo makes and fills it, and its address; on SQLite where this runs on SQLite.
struct Demo {
    url: String,
    _folder: Option<tempfile::TempDir>,
    _schema: Option<Database>,
}

impl Demo {
    async fn made() -> Self {
        match airline::config::variable("TEST_DATABASE_URL") {
            None => Self::on_sqlite(),
            Some(server) => Self::on_postgres(&server).await,
        }
    }

    fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("demo.sqlite3").display().to_string();
        run("demo.py", &["sqlite", &file]);
        Self { url: format!("sqlite:{file}"), _folder: Some(folder), _schema: None }
    }

    /// With rows that no form lets through.
    fn odd() -> Self {
        let demo = Self::on_sqlite();
        run("odd.py", &[demo.url.trim_start_matches("sqlite:")]);
        demo
    }

    async fn on_postgres(server: &str) -> Self {
        let schema = Database::empty().await;
        let url = url::Url::parse(server).unwrap();
        let name = schema.url.rsplit("%3D").next().unwrap();
        run(
            "demo.py",
            &[
                "postgres",
                url.host_str().unwrap(),
                &url.port().unwrap_or(5432).to_string(),
                url.username(),
                url.path().trim_start_matches('/'),
                name,
            ],
        );
        Self { url: schema.url.clone(), _folder: None, _schema: Some(schema) }
    }

    fn start(&self, into: &Database) -> Child {
        let mut command = airline(source(), &["import-django"]);
        command.env("DATABASE_URL", &into.url).env("DJANGO_DATABASE_URL", &self.url);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn copy(&self, into: &Database, more: &[&str]) -> (bool, String) {
        let words = [&["import-django"], more].concat();
        let mut command = airline(source(), &words);
        let done = command.env("DATABASE_URL", &into.url).env("DJANGO_DATABASE_URL", &self.url);
        let done = said(done.output().unwrap());
        (done.ok, format!("{}{}", done.out, done.err))
    }
}

const COPIED: &str = "\
airports: 2 added, 1 not taken.
flights: 2 added, 1 not taken.
passengers: 1 added, 1 not taken.
bookings: 1 added, 2 not taken.
groups: 1 added.
users: 3 added.
memberships: 1 added.
log entries: 3 added.

Not taken:
  airport 3 (Nowhere, X1): A code has three letters, such as JFK.
  flight 4: One of its airports was not taken.
  passenger 2 (Bob ): This is needed.
  passenger 1 on flight 3: This flight is not valid, so it cannot be booked.
  passenger 2 on flight 2: Its passenger was not taken.
";

#[rocket::async_test]
async fn the_demos_database_is_copied_and_its_people_sign_in() {
    let demo = Demo::made().await;
    let site = Site::fresh().await;
    // A dry run tells the same, and keeps nothing.
    let before = site.dump().await;
    let (fine, said) = demo.copy(&site.database, &["--dry-run"]);
    assert!(fine && said.starts_with(COPIED) && said.contains("nothing was kept"), "{said}");
    assert_eq!(site.dump().await, before);
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.starts_with(COPIED) && said.contains("change set 1"), "{said}");

    // Links go on working: flights have their numbers, and the next one has none of theirs.
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/2").await.one("h1"), "Flight #2");
    assert_eq!(visitor.get("/1").await.status.code, 404);
    assert_eq!(visitor.get("/3").await.count(".badge.invalid"), 1);
    let (jfk, cdg) = {
        let mut conn = site.pool.conn().await.unwrap();
        let airports = airline::domain::airports::all(&mut conn).await.unwrap();
        (airports[0].clone(), airports[1].clone())
    };
    assert_eq!((&*jfk.code, &*cdg.code), ("JFK", "CDG"));
    assert!(site.flight(&jfk, &cdg).await.id > 3);

    // People sign in with their passwords, and their hashes are renewed.
    let mut boss = site.browser();
    let form = boss.get("/admin/login/").await;
    let typed = [("username", "boss"), ("password", "what the demo had")];
    assert_eq!(boss.submit(&form, "main form", &typed).await.one("h1"), "Staff site");
    let mut clerk = site.browser();
    let form = clerk.get("/admin/login/").await;
    let typed = [("username", "clerk"), ("password", "a clerk of the demo")];
    clerk.submit(&form, "main form", &typed).await;
    assert!(!site.dump().await.contains("pbkdf2_sha256"), "both hashes are renewed");
    assert_eq!(clerk.get("/admin/passengers/").await.all("tbody a.row"), ["Adams"]);
    assert_eq!(clerk.get("/admin/users/").await.status.code, 403);

    // What Django's log remembers stands in the histories.
    let history = boss.get("/admin/flights/2/history/").await;
    let told = history.all("ol.history p");
    assert!(told.iter().any(|line| line.contains("clerk changed the flight “2 - New York (JFK) to Paris (cdg)”: changed Duration; added passenger-flight relationship “Zoë Adams”")), "{told:?}");

    // Once more adds nothing.
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.contains("flights: 0 added, 2 there already, 1 not taken."), "{said}");
    assert!(
        said.contains("log entries: 0 added, 3 there already.")
            && said.contains("There was nothing new."),
        "{said}"
    );
    // Also where the account of the list was deleted: who was sent away does not come back.
    let away = boss.get("/admin/users/?q=away").await.attribute("tbody a.row", "href");
    let (address, _) = away.split_once("change/").unwrap();
    let page = boss.get(&format!("{address}delete/")).await;
    assert!(boss.submit(&page, "main form", &[]).await.messages()[0].contains("deleted"));
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.contains("There was nothing new."), "{said}");
    assert!(
        said.contains("user 3 (away): It was copied before, and has been deleted here since."),
        "{said}"
    );
}

/// What the demo got after it was copied is copied the next time, and what it changed is told; rows that say
/// the same stay apart.
#[rocket::async_test]
async fn the_demo_goes_on_and_is_copied_again() {
    let demo = Demo::odd();
    let site = Site::fresh().await;
    for name in ["One", "Two"] {
        let mut set = site.set().await;
        let draft = passengers::Draft { first: name.to_owned(), last: "Here".to_owned() };
        let id = if name == "One" { 1 } else { 2 };
        passengers::insert_as(&mut set, id, draft).await.unwrap();
        set.commit().await.unwrap();
    }
    let path = demo.url.trim_start_matches("sqlite:");
    let before = std::fs::read(path).unwrap();
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine, "{said}");
    assert_eq!(std::fs::read(path).unwrap(), before, "the demo's file is read only");
    run("later.py", &[path]);
    // Two at once: one copies, and the other waits for it and finds it there.
    if site.pool.kind() == Kind::Postgres {
        const LOCK: &str = "hashtext('airline import-django ' || current_schema())";
        let mut conn = sqlx::PgConnection::connect(&site.database.url).await.unwrap();
        let ask = |what: String| sqlx::raw_sql(sqlx::AssertSqlSafe(what).into_sql_str());
        conn.execute(ask(format!("SELECT pg_advisory_lock({LOCK})"))).await.unwrap();
        let mut waiting = demo.start(&site.database);
        let seen = format!(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
             AND objid = (({LOCK})::bigint & 4294967295)::oid"
        );
        while conn.fetch_optional(ask(seen.clone())).await.unwrap().is_none() {
            assert!(waiting.try_wait().unwrap().is_none(), "it did not wait");
        }
        waiting.kill().unwrap();
        waiting.wait().unwrap();
    }
    let both = [(); 2].map(|()| demo.start(&site.database));
    let both = both.map(|copy| copy.wait_with_output().unwrap());
    let said = both.map(|done| String::from_utf8(done.stdout).unwrap());
    let first = usize::from(said[0].contains("There was nothing new."));
    assert!(said[1 - first].contains("There was nothing new."), "{said:?}");
    let said = &said[first];
    assert!(said.contains("flights: 1 added, 3 there already, 3 not taken."), "{said}");
    assert!(said.contains("passengers: 2 added, 1 there already"), "{said}");
    assert!(said.contains("bookings: 1 added, 1 there already"), "{said}");
    assert!(
        said.contains("It has changed in the demo since it was copied, and here it is flight 2"),
        "{said}"
    );
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.contains("There was nothing new."), "{said}");
}

#[rocket::async_test]
async fn the_demo_is_copied_into_a_site_in_use_and_undone() {
    let demo = Demo::made().await;
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let mut set = site.set().await;
    let own =
        Draft { origin: jfk, destination: cdg, duration: 100, departs_at: None, capacity: None };
    flights::insert_as(&mut set, 2, own).await.unwrap();
    set.commit().await.unwrap();
    site.staff_with("clerk", "view_flights").await;
    let before = objects(&site.dump().await).len();
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.contains("airports: 0 added, 2 there already, 1 not taken."), "{said}");
    assert!(said.contains("flights: 2 added"), "{said}");
    // A number that is taken is not taken away: that flight has a new one, which none of the demo's has.
    let keeper = site.superuser("keeper", "unusable").await;
    let mut keeper = site.session_of(keeper).await;
    assert_eq!(keeper.get("/admin/flights/?q=minutes=415").await.all("tbody a.row"), ["4"]);
    assert_eq!(keeper.get("/admin/flights/?q=minutes=100").await.all("tbody a.row"), ["2"]);
    assert_eq!(keeper.get("/admin/flights/?q=minutes=-5").await.all("tbody a.row"), ["3"]);
    // Who has an account here gets no rights by a name of the demo's.
    assert!(said.contains("users: 2 added, 1 there already."), "{said}");
    assert!(said.contains("memberships: 0 added, 1 not taken."), "{said}");
    assert!(said.contains("user 2 in group 1: The account clerk was here before"), "{said}");

    // Once more adds nothing, whatever was changed meanwhile, and nobody comes back.
    for changed in [
        "UPDATE flights SET duration = 416 WHERE id = 4",
        "UPDATE airports SET code = 'CDX' WHERE code = 'CDG'",
        "UPDATE users SET username = 'chief' WHERE username = 'boss'",
        "UPDATE groups SET name = 'Desk' WHERE name = 'Agents'",
        "UPDATE passengers SET last = 'Abel' WHERE last = 'Adams'",
    ] {
        site.database.run(changed).await;
    }
    let (fine, again) = demo.copy(&site.database, &[]);
    assert!(fine && again.contains("flights: 0 added, 2 there already, 1 not taken."), "{again}");
    assert!(again.contains("There was nothing new."), "{again}");
    site.database.run("UPDATE flights SET duration = 415 WHERE id = 4").await;
    for changed in [
        "UPDATE airports SET code = 'CDG' WHERE code = 'CDX'",
        "UPDATE users SET username = 'boss' WHERE username = 'chief'",
        "UPDATE groups SET name = 'Agents' WHERE name = 'Desk'",
        "UPDATE passengers SET last = 'Adams' WHERE last = 'Abel'",
    ] {
        site.database.run(changed).await;
    }

    let set = said.rsplit("change set ").next().unwrap().split(':').next().unwrap().to_owned();
    let page = keeper.get(&format!("/admin/log/{set}/undo/")).await;
    let done = keeper.submit(&page, "main form", &[]).await;
    assert!(done.messages()[0].starts_with("Undone: "), "{}", done.text);
    assert_eq!(objects(&site.dump().await).len(), before + 1, "(who undid it is new)");
}

const ODD: &str = "\
airports: 2 added, 4 not taken.
flights: 4 added, 2 not taken.
passengers: 1 added, 3 not taken.
bookings: 1 added, 2 not taken.
groups: 1 added, 1 not taken.
users: 7 added, 2 not taken.
memberships: 1 added.
log entries: 5 added.
";

#[rocket::async_test]
async fn odd_rows_are_refused_one_by_one_and_take_nothing_along() {
    let demo = Demo::odd();
    let site = Site::fresh().await;
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.starts_with(ODD), "{said}");
    for refused in [
        "airport 4 (Nul, NL): Take out the control characters",
        "LHR): At most 64 characters fit here; this has 200.",
        "flight 5 (New York (JFK) to Paris (CDG)): Give a number from -2880 to 2880.",
        "passenger 3 (A B): Take out the control characters",
        "group 2 (g): Take out the control characters",
        "user 5 (clerk ): Somebody has this name already.",
        "user 6 (nl): Take out the control characters",
    ] {
        assert!(said.contains(refused), "{refused}: {said}");
    }
    assert!(said.lines().all(|line| !line.contains(char::is_control)), "nothing steers a terminal");
    // Numbers after which none could follow are not kept.
    let keeper = site.superuser("keeper", "unusable").await;
    let mut keeper = site.session_of(keeper).await;
    let numbers = keeper.get("/admin/flights/?q=minutes=7").await.all("tbody a.row");
    assert_eq!(numbers, ["4", "5"]);
    // A hash that is none lets nobody in, and takes no time to do so.
    for name in ["md5", "nul", "endless", "CLERK"] {
        let mut stranger = site.browser();
        let form = stranger.get("/admin/login/").await;
        let typed = [("username", name), ("password", "x")];
        let refused = stranger.submit(&form, "main form", &typed).await;
        assert_eq!(refused.status.code, 422, "{name}");
    }
    let (fine, said) = demo.copy(&site.database, &[]);
    assert!(fine && said.contains("There was nothing new."), "{said}");
}

/// The lines of a dump that are objects.
fn objects(dump: &str) -> Vec<String> {
    let kinds = ["airports", "flights", "passengers", "bookings", "users", "groups", "memberships"];
    dump.lines()
        .filter(|line| kinds.iter().any(|kind| line.starts_with(&format!("{{\"{kind}\""))))
        .map(str::to_owned)
        .collect()
}

#[rocket::async_test]
async fn what_is_no_database_of_the_demos_is_told_so() {
    let site = Site::fresh().await;
    let other = Database::migrated().await;
    let copy = |url: &str| {
        let mut command = airline(source(), &["import-django", url]);
        let done = said(command.env("DATABASE_URL", &site.database.url).output().unwrap());
        (done.ok, done.err)
    };
    let (fine, said) = copy(&other.url);
    assert!(!fine && said.contains("This is no database of the demo's"), "{said}");
    let (fine, said) = copy("sqlite:/nowhere/demo.sqlite3");
    assert!(!fine && said.contains("There is no SQLite file /nowhere/demo.sqlite3"), "{said}");
    let (fine, said) = copy("mysql://a:secret@b/c");
    assert!(
        !fine && said.starts_with("airline: The demo's database: ") && !said.contains("secret"),
        "{said}"
    );
    if site.pool.kind() == Kind::Postgres {
        let (fine, said) = copy("postgres://nobody:secret@127.0.0.1:1/x");
        assert!(!fine && !said.contains("secret"), "{said}");
    }
}
