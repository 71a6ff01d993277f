//! Copies of a SQLite file, restored as docs/DEPLOYING.md says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use sqlx::Connection as _;

use crate::commands::{Server, airline, free_port, get, run};

#[rocket::async_test]
async fn a_copy_of_a_sqlite_file_is_restored_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let [file, copy] = ["site.sqlite3", "copy.sqlite3"].map(|name| folder.path().join(name));
    let beside = ["-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", file.display())));
    let url = format!("sqlite:{}", file.display());
    let run = |arguments: &[&str]| run(folder.path(), &url, arguments);
    let load = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        let loaded = run(&["loaddata", name]);
        assert!(loaded.ok, "{}", loaded.err);
    };
    let serve = || {
        let port = free_port();
        let mut command = airline(folder.path(), &["serve"]);
        command.env("DATABASE_URL", &url).env("ROCKET_PORT", port.to_string());
        (Server::start(command, port), port)
    };
    assert!(run(&["migrate"]).ok);
    load("airports.csv", "code,city\nCDG,Paris\nJFK,New York\n");
    let before = run(&["dumpdata"]).out;

    // The copy is made while the site is in use, and more changes after it.
    let (server, _) = serve();
    let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let text = sqlx::AssertSqlSafe(format!("VACUUM INTO '{}'", copy.display()));
    sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    load("later.csv", "code,city\nLHR,London\n");
    assert_ne!(run(&["dumpdata"]).out, before);
    drop(server);
    assert!(beside[0].exists(), "a server that was killed leaves its log behind");

    for path in &beside {
        let _ = std::fs::remove_file(path);
    }
    std::fs::copy(&copy, &file).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let migrated = run(&["migrate"]);
    assert!(migrated.ok, "{}", migrated.err);
    let (server, port) = serve();
    assert!(get(port, "/readyz").unwrap().starts_with("HTTP/1.1 200"));
    let verified = run(&["history", "verify"]);
    assert!(verified.ok, "{}", verified.err);
    assert_eq!(run(&["dumpdata"]).out, before);
    load("again.csv", "code,city\nLHR,London\n");
    let verified = run(&["history", "verify"]);
    assert!(verified.ok, "{}", verified.err);
    drop(server);
}
