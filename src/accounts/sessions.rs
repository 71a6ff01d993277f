//! One's own sessions: where one is signed in, and ending that.

use rocket::{get, post};
use rocket_db_pools::Connection;
use serde::Serialize;

use crate::auth::{Staff, sessions};
use crate::db::Db;
use crate::domain::times;
use crate::error::Result;
use crate::pages::{Html, Message, Page, Reply, Submission};

#[derive(Debug, Serialize)]
struct Sessions {
    csrf: String,
    alive: Vec<Session>,
    others: bool,
}

#[derive(Debug, Serialize)]
struct Session {
    id: i64,
    began: String,
    seen: String,
    address: String,
    browser: String,
    here: bool,
}

fn told(at: i64) -> String {
    times::local(at, "")
        .map(|at| format!("{} {} {}", at.date, at.time, at.zone))
        .unwrap_or_default()
}

/// The sessions that are alive.
#[get("/admin/sessions")]
pub(super) async fn list(staff: Staff<'_>, mut db: Connection<Db>, page: Page<'_>) -> Result<Html> {
    let alive = sessions::of_user(&mut db, staff.0.id, &page.visitor.secret, page.now()).await?;
    let context = Sessions {
        csrf: page.token(),
        others: alive.len() > 1,
        alive: alive
            .into_iter()
            .map(|session| Session {
                id: session.id,
                began: told(session.created_at),
                seen: told(session.seen_at),
                address: session.address,
                browser: session.browser,
                here: session.here,
            })
            .collect(),
    };
    page.show("accounts/sessions", "Your sessions", &context)
}

/// Ends one.
#[post("/admin/sessions/<id>/end", data = "<_form>")]
pub(super) async fn end(
    id: i64,
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    sessions::end_one(db, staff.0.id, id).await?;
    Ok(page.to("/admin/sessions/".to_owned(), Some(Message::done("That session has ended."))))
}

/// Ends all but the one that asks.
#[post("/admin/sessions/end-others", data = "<_form>")]
pub(super) async fn end_others(
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    sessions::end_others(db, staff.0.id, &page.visitor.secret).await?;
    let said = Message::done("Wherever else you were signed in, you no longer are.");
    Ok(page.to("/admin/sessions/".to_owned(), Some(said)))
}
