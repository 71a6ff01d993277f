//! What machines ask: is it alive, is it ready, which version is it.

use rocket::http::Status;
use rocket::{Route, State, get, routes};

use crate::config::Settings;
use crate::db::Db;

/// The routes of this module.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![alive, ready, version]
}

/// The process answers; no database is asked.
#[get("/healthz")]
fn alive() -> &'static str {
    "alive\n"
}

/// The database answers, and its schema lacks nothing.
#[get("/readyz")]
async fn ready(db: &Db) -> (Status, &'static str) {
    match db.check_not_behind().await {
        Ok(()) => (Status::Ok, "ready\n"),
        Err(_) => (Status::ServiceUnavailable, "not ready\n"),
    }
}

/// The version of the program, and the commit that it was built from where that is told.
#[get("/version")]
fn version(settings: &State<Settings>) -> String {
    let revision = settings.revision.as_ref().map(|revision| format!(" {revision}"));
    format!("airline {}{}\n", env!("CARGO_PKG_VERSION"), revision.unwrap_or_default())
}
