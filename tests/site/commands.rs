//! The commands, run as a person runs them: the program itself, in a folder of its own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Database, PASSWORD};

/// The program, without any setting of this test run's own but what it takes to reach the database.
pub(crate) fn airline(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_airline"));
    command.args(arguments).current_dir(folder).env_clear();
    for name in ["PATH", "PGPASSWORD"] {
        command.envs(airline::config::variable(name).map(|value| (name, value)));
    }
    command
}

pub(crate) struct Said {
    pub(crate) ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        ok: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn run(folder: &Path, url: &str, arguments: &[&str]) -> Said {
    said(airline(folder, arguments).env("DATABASE_URL", url).output().unwrap())
}

pub(crate) fn with_input(folder: &Path, url: &str, arguments: &[&str], input: &str) -> Said {
    let mut child = airline(folder, arguments)
        .env("DATABASE_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(child.wait_with_output().unwrap())
}

/// A server that stops with the test.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) fn start(mut command: Command, port: u16) -> Self {
        command.stderr(Stdio::piped());
        Self::start_logging(command, port)
    }

    /// [`Server::start`], where the command says what becomes of standard error.
    pub(crate) fn start_logging(mut command: Command, port: u16) -> Self {
        command.stdout(Stdio::piped());
        Self::start_silent(command, port)
    }

    /// [`Server::start`], where the command says what becomes of both outputs.
    pub(crate) fn start_silent(mut command: Command, port: u16) -> Self {
        let child = command.spawn().unwrap();
        let mut server = Self { child, port };
        let begin = Instant::now();
        while get(port, "/healthz").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            if let Some(status) = server.child.try_wait().unwrap() {
                let mut error = String::new();
                if let Some(mut pipe) = server.child.stderr.take() {
                    pipe.read_to_string(&mut error).unwrap();
                }
                panic!("the server ended with {status}: {error}");
            }
            assert!(begin.elapsed() < Duration::from_mins(1), "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// The pipe that [`Server::start`] put behind standard error.
    pub(crate) fn errors(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().unwrap()
    }

    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        out
    }
}

#[test]
fn a_fresh_folder_is_served_filled_and_a_second_start_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let start = || {
        let mut command = airline(folder.path(), &[]);
        command.env("ROCKET_PORT", port.to_string());
        Server::start(command, port)
    };
    let server = start();
    let page = get(server.port, "/").unwrap();
    assert!(page.contains("of 45 flights"), "{page}");
    let out = server.stop();
    assert!(out.contains(&format!("airline is at http://127.0.0.1:{port}/")), "{out}");
    let link =
        out.lines().find(|line| line.contains("/admin/first/?key=")).unwrap().trim().to_owned();

    let file = folder.path().join(airline::config::OWN_FILE);
    let rights = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(rights & 0o777, 0o600, "the file is its owner's");
    let url = format!("sqlite:{}", file.display());
    let dumped = run(folder.path(), &url, &["dumpdata"]).out;
    let server = start();
    // The link of the last start is dead, the new one works.
    assert!(get(port, &link[link.find("/admin").unwrap()..]).unwrap().starts_with("HTTP/1.1 404"));
    let out = server.stop();
    assert!(!out.contains("loading sample data"), "{out}");
    assert_eq!(run(folder.path(), &url, &["dumpdata"]).out, dumped);

    let made =
        with_input(folder.path(), &url, &["createsuperuser"], &format!("boss\n\n{PASSWORD}\n"));
    assert!(made.ok, "{}", made.err);
    let out = start().stop();
    assert!(!out.contains("/admin/first/"), "{out}");
}

#[rocket::async_test]
async fn a_server_of_others_is_not_migrated_by_serving() {
    let database = Database::empty().await;
    if database.url.starts_with("sqlite:") {
        // A named file is created by `migrate` only: a wrong name must not become an empty site.
        let folder = tempfile::tempdir().unwrap();
        let missing = run(folder.path(), &database.url, &["serve"]);
        assert!(!missing.ok && missing.err.contains("`airline migrate`"), "{}", missing.err);
        assert!(!Path::new(database.url.trim_start_matches("sqlite:")).exists());
        assert!(run(folder.path(), &database.url, &["migrate"]).ok);
        // `serve` loads nothing into it.
        let port = free_port();
        let mut command = airline(folder.path(), &["serve"]);
        command.env("DATABASE_URL", &database.url).env("ROCKET_PORT", port.to_string());
        let server = Server::start(command, port);
        assert!(get(server.port, "/").unwrap().contains("No flights are planned"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let behind = run(folder.path(), &database.url, &["serve"]);
    assert!(!behind.ok);
    let missing = migrations().join(", ");
    assert!(
        behind.err.contains(&missing) && behind.err.contains("`airline migrate`"),
        "{}",
        behind.err
    );
    assert!(run(folder.path(), &database.url, &["migrate"]).ok);
    database.run("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'contract flights', TRUE, '\\x00', 0)").await;
    let ahead = run(folder.path(), &database.url, &["serve"]);
    assert!(!ahead.ok);
    assert!(
        ahead.err.starts_with(
            "airline: The database is ahead of this program: it has 0099_contract_flights."
        ),
        "{}",
        ahead.err
    );
    // What only adds is no hindrance, neither to serving nor to coming back to this release.
    database
        .run("UPDATE _sqlx_migrations SET description = 'add contractors' WHERE version = 99")
        .await;
    // (Ahead and behind at once is brought right by the release that has both.)
    database.run("UPDATE _sqlx_migrations SET version = 98 WHERE version = 6").await;
    let both = run(folder.path(), &database.url, &["migrate"]).err;
    assert!(
        both.contains("ahead of this program") && both.contains("Deploy the release"),
        "{both}"
    );
    database.run("UPDATE _sqlx_migrations SET version = 6 WHERE version = 98").await;
    assert!(run(folder.path(), &database.url, &["migrate"]).ok);
    assert!(!run(folder.path(), &database.url, &["dumpdata"]).ok, "it would leave something out");

    let port = free_port();
    let mut command = airline(folder.path(), &[]);
    command.env("DATABASE_URL", &database.url).env("PORT", port.to_string());
    let server = Server::start(command, port);
    assert!(get(server.port, "/readyz").unwrap().starts_with("HTTP/1.1 200"));
    // Back on this release, everything but a copy of all the data can be done.
    let known = run(folder.path(), &database.url, &["list", "airports"]);
    assert!(known.ok, "{}", known.err);
    // A release that takes something away finds this one at work, and lets it work on.
    database
        .run("UPDATE _sqlx_migrations SET description = 'contract flights' WHERE version = 99")
        .await;
    assert!(get(server.port, "/readyz").unwrap().starts_with("HTTP/1.1 200"));
    // Where something is missing, it is not ready.
    database.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 6").await;
    readyz_becomes(server.port, 503);
    database.run("UPDATE _sqlx_migrations SET success = TRUE WHERE version = 6").await;
    let mut healthy = airline(folder.path(), &["healthcheck"]);
    assert!(said(healthy.env("PORT", port.to_string()).output().unwrap()).ok);
    let out = server.stop();
    assert!(out.contains("Nobody is staff yet: run `airline createsuperuser`."), "{out}");
    assert!(!out.contains("/admin/first/"), "no link where others can read the log: {out}");
    let dead = said(
        airline(folder.path(), &["healthcheck"]).env("PORT", port.to_string()).output().unwrap(),
    );
    assert!(!dead.ok && dead.err.contains("does not answer"), "{}", dead.err);
}

/// The names of all migrations, in order.
fn migrations() -> Vec<String> {
    let files = crate::support::files("migrations/sqlite", ".sql");
    let name = |path: &str| path.rsplit('/').next().unwrap().trim_end_matches(".sql").to_owned();
    let mut names: Vec<_> = files.iter().map(|(path, _)| name(path)).collect();
    names.sort();
    names
}

/// Waits until `/readyz` answers so: an answer is good for a second.
fn readyz_becomes(port: u16, status: u16) {
    let begin = Instant::now();
    let expected = format!("HTTP/1.1 {status}");
    loop {
        let answer = get(port, "/readyz").unwrap();
        if answer.starts_with(&expected) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[rocket::async_test]
async fn migrations_are_planned_checked_applied_and_listed() {
    let database = Database::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(folder.path(), &database.url, arguments);
    assert!(!run(&["migrate", "--check"]).ok);
    assert_eq!(run(&["migrate", "--plan"]).out.lines().next(), Some("Would apply 0001_airline."));
    assert!(run(&["showmigrations"]).out.contains("[ ] 0001_airline"));
    let data = run(&["dumpdata"]);
    assert!(!data.ok && data.err.contains("`airline migrate`"), "{}", data.err);
    if database.url.starts_with("postgres") {
        // A server that is not there may come; one that refuses is no better in a minute.
        let other = |url: &str| {
            let begin = Instant::now();
            let folder = tempfile::tempdir().unwrap();
            let mut command = airline(folder.path(), &["migrate", "--wait", "2"]);
            let done = said(command.env("DATABASE_URL", url).output().unwrap());
            (done.ok, begin.elapsed() >= Duration::from_secs(2))
        };
        assert_eq!(other("postgres://airline@127.0.0.1:1/airline"), (false, true));
        let refused = database.url.replace("/postgres?", "/no_such_database?");
        assert_eq!(other(&refused.replace("/airline?", "/no_such_database?")), (false, false));
    }
    let applied = run(&["migrate", "--wait", "5"]).out;
    let last = migrations().pop().unwrap();
    assert!(applied.lines().last().unwrap().contains(&last), "{applied}");
    assert_eq!(run(&["migrate"]).out, "Nothing to migrate.\n");
    assert!(run(&["migrate", "--check"]).ok);
    assert!(run(&["showmigrations"]).out.contains("[X] 0003_changes"));
}

#[test]
fn a_new_migration_is_a_pair_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let source = crate::support::source();
    for kind in ["sqlite", "postgres"] {
        let there = folder.path().join("migrations").join(kind);
        std::fs::create_dir_all(&there).unwrap();
        for entry in std::fs::read_dir(source.join("migrations").join(kind)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, there.join(path.file_name().unwrap())).unwrap();
        }
    }
    let run = |arguments: &[&str]| said(airline(folder.path(), arguments).output().unwrap());
    assert!(run(&["makemigrations", "--check"]).ok);
    let last: u32 = migrations().last().unwrap().split('_').next().unwrap().parse().unwrap();
    let name = format!("{:04}_add_terminals", last + 1);
    let made = run(&["makemigrations", "add_terminals"]);
    assert!(
        made.out.contains(&format!("migrations/postgres/{name}.sql")),
        "{}{}",
        made.out,
        made.err
    );
    assert!(run(&["makemigrations", "--check"]).ok);
    let [sqlite, postgres] = ["sqlite", "postgres"]
        .map(|kind| folder.path().join(format!("migrations/{kind}/{name}.sql")));
    std::fs::write(&sqlite, "ALTER TABLE airports ADD COLUMN terminals BIGINT").unwrap();
    let differs = run(&["makemigrations", "--check"]);
    assert!(!differs.ok);
    assert_eq!(differs.err, "airline: PostgreSQL has no column airports.terminals\n");
    let index = "CREATE UNIQUE INDEX airports_terminals ON airports (terminals)";
    let column = "ALTER TABLE airports ADD COLUMN terminals BIGINT";
    std::fs::write(&postgres, format!("{column}; {index}")).unwrap();
    let locks = run(&["makemigrations", "--check"]);
    assert!(!locks.ok && locks.err.starts_with(&format!("airline: {name} ")), "{}", locks.err);
    assert_eq!(locks.err.lines().count(), 1, "{}", locks.err);
    std::fs::write(&postgres, column).unwrap();
    let fine = run(&["makemigrations", "--check"]);
    assert!(fine.ok, "{}", fine.err);
    std::fs::remove_file(sqlite).unwrap();
    assert_eq!(
        run(&["makemigrations", "--check"]).err,
        format!("airline: migrations/sqlite lacks {name}.sql\n")
    );
    assert!(!run(&["makemigrations", "../evil"]).ok);
    assert!(!run(&["makemigrations"]).ok);
}

#[rocket::async_test]
async fn accounts_are_made_and_passwords_changed() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let noinput = |password: &str| {
        let mut command = airline(folder.path(), &["createsuperuser", "--noinput"]);
        command
            .env("DATABASE_URL", &database.url)
            .env("AIRLINE_SUPERUSER_USERNAME", "boss")
            .env("AIRLINE_SUPERUSER_PASSWORD", password);
        said(command.output().unwrap())
    };
    let weak = noinput("short");
    assert!(
        !weak.ok && weak.err.contains("at least 15 characters") && !weak.err.contains("short"),
        "{}",
        weak.err
    );
    assert_eq!(noinput(PASSWORD).out, "boss is a superuser now.\n");
    let again = noinput(PASSWORD);
    assert!(!again.ok && again.err.contains("Somebody has this name already."), "{}", again.err);
    let missing = run(folder.path(), &database.url, &["createsuperuser", "--noinput"]);
    assert_eq!(missing.err, "airline: --noinput needs AIRLINE_SUPERUSER_USERNAME.\n");
    let changed = with_input(
        folder.path(),
        &database.url,
        &["changepassword", "boss"],
        "eight yellow umbrellas\n",
    );
    assert!(changed.ok && changed.out.contains("is changed"), "{}", changed.err);
    let nobody = with_input(
        folder.path(),
        &database.url,
        &["changepassword", "nobody"],
        "eight yellow umbrellas\n",
    );
    assert_eq!(nobody.err, "airline: There is no account “nobody”.\n");
}

#[rocket::async_test]
async fn data_is_loaded_whole_or_not_at_all() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let run = |arguments: &[&str]| run(folder.path(), &database.url, arguments);
    write("airports.csv", "code,city\nCDG,Paris\nJFK,New York\n");
    write("flights.csv", "Paris,New York,540\n");
    write("broken.csv", "Paris,New York,540\nParis,Nowhere,1\n");
    write("passengers.csv", "Ann,Other\n");
    let both = run(&["loaddata", "airports.csv", "flights.csv", "--dry-run"]);
    assert_eq!(
        both.out,
        "airports.csv: columns: code, city · 2 rows · first row: Paris (CDG)\n\
         flights.csv: columns: origin, destination, duration · 1 row · first row: Paris to New York\n\
         airports: 2 added.\nflights: 1 added.\nThis was a dry run: nothing was kept.\n",
        "the second file knows the airports of the first"
    );
    let dry = run(&["loaddata", "airports.csv", "--dry-run"]);
    assert!(dry.out.ends_with("airports: 2 added.\nThis was a dry run: nothing was kept.\n"));
    assert!(run(&["loaddata", "airports.csv"]).ok);
    let broken = run(&["loaddata", "flights.csv", "broken.csv"]);
    assert!(!broken.ok);
    assert_eq!(
        broken.err,
        "airline: nothing was loaded:\nbroken.csv, line 2: destination: There is no airport “Nowhere”. Enter a code or a city that is known.\n"
    );
    assert!(!run(&["dumpdata"]).out.contains("\"flights\""));
    assert!(run(&["loaddata", "flights.csv"]).out.ends_with("\nflights: 1 added.\n"));
    let passengers = run(&["loaddata", "passengers.csv", "--kind", "passengers"]).out;
    assert!(passengers.ends_with("\npassengers: 1 added.\n"), "{passengers}");
    let missing = run(&["loaddata", "missing.csv"]);
    assert!(
        !missing.ok && missing.err.starts_with("airline: Cannot read missing.csv:"),
        "{}",
        missing.err
    );

    let other = Database::migrated().await;
    let dumped = run(&["dumpdata"]).out;
    write("dump.jsonl", &dumped);
    let loaded = crate::commands::run(folder.path(), &other.url, &["loaddata", "dump.jsonl"]);
    assert!(loaded.ok, "{}", loaded.err);
    assert_eq!(crate::commands::run(folder.path(), &other.url, &["dumpdata"]).out, dumped);
}

#[test]
fn what_cannot_be_opened_is_one_clear_line_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.sqlite3"), "this is no database, but it is long enough to be looked at by the library that reads such files").unwrap();
    for (url, why) in [
        ("mysql://u:topsecret@h/d", "DATABASE_URL: it must begin with sqlite: or postgres://"),
        (
            "postgres://u:topsecret@127.0.0.1:1/d",
            "Cannot open the PostgreSQL at 127.0.0.1:1, database d, user u",
        ),
        ("postgres://u:topsecret@127.0.0.1:notaport/d", "DATABASE_URL: not a URL"),
        ("sqlite:/nowhere/at/all.sqlite3", "Cannot open the SQLite file /nowhere/at/all.sqlite3"),
        ("sqlite:/", "Cannot open the SQLite file /"),
        ("sqlite:text.sqlite3", "Cannot open the SQLite file text.sqlite3: file is not a database"),
    ] {
        for command in [&["serve"][..], &["migrate"], &["check"], &["dumpdata"]] {
            let said = run(folder.path(), url, command);
            assert!(!said.ok, "{url} {command:?}");
            let only_looks =
                said.err.contains("There is no SQLite file /nowhere/at/all.sqlite3 yet");
            assert!(said.err.contains(why) || only_looks, "{url} {command:?}: {}", said.err);
            assert_eq!(said.err.lines().count(), 1, "{}", said.err);
            assert!(
                !format!("{}{}", said.out, said.err).contains("topsecret"),
                "{}{}",
                said.out,
                said.err
            );
        }
    }
}

#[test]
fn wrong_settings_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, why) in [
        ("PORT", "abc", "airline: PORT: “abc” is not a number from 1 to 65535\n"),
        ("PORT", "70000", "airline: PORT: “70000” is not a number from 1 to 65535\n"),
        (
            "AIRLINE_PUBLIC_BOOKING",
            "maybe",
            "airline: AIRLINE_PUBLIC_BOOKING: “maybe” is neither true nor false\n",
        ),
        ("ROCKET_PORT", "abc", "airline: A setting of Rocket's cannot be used: "),
    ] {
        let said = said(airline(folder.path(), &["serve"]).env(name, value).output().unwrap());
        assert!(!said.ok && said.err.starts_with(why), "{name}={value}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = said(
        airline(folder.path(), &[])
            .env("ROCKET_PORT", &port)
            .env("AIRLINE_LOG", "error")
            .output()
            .unwrap(),
    );
    assert!(!said.ok);
    assert!(
        said.err.starts_with(&format!("airline: 127.0.0.1:{port} is taken by another program.")),
        "{}",
        said.err
    );
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}

#[rocket::async_test]
async fn check_lists_every_setting_and_no_secret() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = airline(folder.path(), &["check"]);
    command.env("DATABASE_URL", &database.url).env("AIRLINE_SUPERUSER_PASSWORD", "topsecret");
    let said = said(command.output().unwrap());
    assert!(said.ok, "{}", said.err);
    for setting in &airline::config::SETTINGS {
        assert!(said.out.contains(setting.name), "{}", setting.name);
    }
    assert!(
        said.out.ends_with("All is well.\n") && !said.out.contains("topsecret"),
        "{}",
        said.out
    );
    let readme = std::fs::read_to_string(crate::support::source().join("README.md")).unwrap();
    for setting in &airline::config::SETTINGS {
        assert!(
            readme.contains(&format!("`{}`", setting.name)),
            "the README lacks {}",
            setting.name
        );
    }
}

/// As a container is stopped: what has come is finished, and the program says that all is well; also
/// while many others come. (Left to Rocket, about one such stop in seven fails.)
#[rocket::async_test]
async fn a_server_that_is_told_to_stop_finishes_what_runs_and_exits_with_0() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    for (signals, knocking) in [(1, 0), (2, 0)].into_iter().chain([(1, 4); 14]) {
        let port = free_port();
        let mut command = airline(folder.path(), &["serve"]);
        command.env("DATABASE_URL", &database.url).env("ROCKET_PORT", port.to_string());
        command.env("ROCKET_SHUTDOWN", "{grace=20,mercy=5}");
        command.stderr(Stdio::null());
        let mut server = Server::start_logging(command, port);
        let page = get(port, "/appearance").unwrap();
        let after = |mark: &str| page.split(mark).nth(1).unwrap()[..64].to_owned();
        let (cookie, token) = (after("set-cookie: browser="), after("name=\"csrf\" value=\""));
        let body = format!("csrf={token}&theme=dark");
        let mut runs = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(
            runs,
            "POST /appearance HTTP/1.1\r\nHost: localhost\r\nCookie: browser={cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
            body.len(),
            &body[..20]
        )
        .unwrap();
        let knocks: Vec<_> = (0..knocking)
            .map(|_| std::thread::spawn(move || while get(port, "/healthz").is_some() {}))
            .collect();
        let id = server.child.id().to_string();
        for _ in 0..signals {
            assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        }
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(begin.elapsed() < Duration::from_secs(10), "still taking connections");
            std::thread::sleep(Duration::from_millis(20));
        }
        if knocks.is_empty() {
            // A slow sender: by now Rocket stops too.
            std::thread::sleep(Duration::from_millis(600));
        }
        for knock in knocks {
            knock.join().unwrap();
        }
        write!(runs, "{}", &body[20..]).unwrap();
        let mut answer = String::new();
        runs.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let status = server.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    }
}

/// The rules have tests of their own (`cli::deploy`); here a good deployment and a bad one are told.
#[rocket::async_test]
async fn check_says_what_is_to_be_done_before_strangers_are_served() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let bad = run(folder.path(), &database.url, &["check", "--deploy"]);
    assert!(!bad.ok && bad.err.ends_with("before strangers are served.\n"), "{}", bad.err);
    for code in ["D004", "D012", "D018", "D020", "A005", "A006", "A014"] {
        assert!(bad.out.contains(&format!("  {code} ")), "{code}: {}", bad.out);
    }
    let mut make = airline(folder.path(), &["createsuperuser", "--noinput"]);
    make.env("DATABASE_URL", &database.url)
        .env("AIRLINE_SUPERUSER_USERNAME", "boss")
        .env("AIRLINE_SUPERUSER_PASSWORD", PASSWORD);
    assert!(said(make.output().unwrap()).ok);
    database.run("UPDATE users SET second_factor = TRUE").await;
    if let Some(file) = database.url.strip_prefix("sqlite:") {
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file, only_owner).unwrap();
    }
    // A debug build is what this test cannot mend, nor how far away its database is (compose's has
    // no TLS).
    let allowed = ["--allow", "D018", "--allow", "A009", "--allow", "A010"];
    let mut good = airline(folder.path(), &[&["check", "--deploy"][..], &allowed].concat());
    good.env("DATABASE_URL", &database.url)
        .env("AIRLINE_HTTPS", "true")
        .env("AIRLINE_HSTS_PRELOAD", "true")
        .env("AIRLINE_TRUST_PROXY", "true")
        .env("AIRLINE_HOSTS", "flights.example.org")
        .env("AIRLINE_URL", "https://flights.example.org")
        .env("AIRLINE_PUBLIC_BOOKING", "false")
        .env("AIRLINE_MAIL", "smtps://user:topsecret@mail.example.org");
    let good = said(good.output().unwrap());
    assert!(
        good.ok && good.out.contains("D018") && good.out.contains("(allowed)"),
        "{}{}",
        good.out,
        good.err
    );
    assert!(!good.out.contains("topsecret"));
    let unknown = run(folder.path(), &database.url, &["check", "--deploy", "--allow", "X1"]);
    assert!(unknown.err.contains("there is no such rule"), "{}", unknown.err);
}

#[test]
fn help_names_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = said(airline(folder.path(), &["--help"]).output().unwrap());
    for command in [
        "serve",
        "migrate",
        "showmigrations",
        "makemigrations",
        "createsuperuser",
        "changepassword",
        "loaddata",
        "dumpdata",
        "check",
        "healthcheck",
    ] {
        assert!(help.out.contains(command), "{command}: {}", help.out);
        assert!(
            said(airline(folder.path(), &[command, "--help"]).output().unwrap()).ok,
            "{command}"
        );
    }
}

#[test]
fn commands_that_only_look_make_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["check"][..],
        &["migrate", "--check"],
        &["migrate", "--plan"],
        &["showmigrations"],
        &["dumpdata"],
    ] {
        said(airline(folder.path(), command).output().unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{command:?}");
    }
    let said = said(airline(folder.path(), &["dumpdata"]).output().unwrap());
    assert!(
        said.err.starts_with("airline: There is no SQLite file airline.sqlite3 yet"),
        "{}",
        said.err
    );
}

#[test]
fn port_goes_before_rockets_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = airline(folder.path(), &["check"]);
    command.env("PORT", "8116").env("ROCKET_PORT", "8115").env("ROCKET_ADDRESS", "127.0.0.1");
    let said = said(command.output().unwrap());
    assert!(said.out.contains("Address:  0.0.0.0:8116"), "{}", said.out);
}

#[test]
fn a_wrong_parameter_of_the_address_is_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), "postgres://u@127.0.0.1:1/x?pass=topsecret", &["migrate"]);
    assert_eq!(said.err, "airline: DATABASE_URL: the parameter “pass” is not known\n");
}
