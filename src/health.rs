//! What machines ask: is it alive, is it ready, which version is it.

use rocket::http::Status;
use rocket::{Route, get, routes};

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

/// The database answers, and its schema is the program's.
#[get("/readyz")]
async fn ready(db: &Db) -> (Status, &'static str) {
    match db.check_schema().await {
        Ok(()) => (Status::Ok, "ready\n"),
        Err(_) => (Status::ServiceUnavailable, "not ready\n"),
    }
}

/// The version of the program.
#[get("/version")]
fn version() -> &'static str {
    concat!("airline ", env!("CARGO_PKG_VERSION"), "\n")
}
