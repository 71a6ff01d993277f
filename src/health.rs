//! What machines ask: is it alive, is it ready, which version is it.

use rocket::http::Status;
use rocket::{Route, State, get, routes};

use crate::config::Settings;
use crate::db::readiness::Readiness;

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

/// The database answers, its schema lacks nothing, and it can be written; otherwise a line says why not.
#[get("/readyz")]
async fn ready(readiness: &State<Readiness>) -> (Status, String) {
    match readiness.check().await {
        Ok(()) => (Status::Ok, "ready\n".to_owned()),
        Err(why) => (Status::ServiceUnavailable, format!("not ready: {why}\n")),
    }
}

/// The version of the program, and the commit that it was built from where that is told.
#[get("/version")]
fn version(settings: &State<Settings>) -> String {
    let revision = settings.revision.as_ref().map(|revision| format!(" {revision}"));
    format!("airline {}{}\n", env!("CARGO_PKG_VERSION"), revision.unwrap_or_default())
}
