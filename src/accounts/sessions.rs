//! One's own sessions: where one is signed in, and ending that.

use rocket::{get, post};
use serde::Serialize;

use crate::auth::events::Event;
use crate::auth::sessions::Listed;
use crate::auth::{Account, sessions};
use crate::db::{Db, RequestConn};
use crate::domain::times;
use crate::error::Result;
use crate::pages::{Html, Message, Page, Reply, Submission};

#[derive(Debug, Serialize)]
struct Sessions {
    csrf: String,
    alive: Vec<Shown>,
    others: bool,
}

/// A session as a list shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: i64,
    began: String,
    seen: String,
    address: String,
    browser: String,
    here: bool,
}

impl Shown {
    pub(crate) fn of(session: Listed) -> Self {
        Self {
            id: session.id,
            began: times::told(session.created_at).0,
            seen: times::told(session.seen_at).0,
            address: session.address,
            browser: session.browser,
            here: session.here,
        }
    }
}

/// The sessions that are alive.
#[get("/admin/sessions")]
pub(super) async fn list(
    account: Account<'_>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let alive = sessions::of_user(&mut db, account.0.id, &page.visitor.secret, page.now()).await?;
    let context = Sessions {
        csrf: page.token(),
        others: alive.len() > 1,
        alive: alive.into_iter().map(Shown::of).collect(),
    };
    page.show("accounts/sessions", "Your sessions", &context)
}

/// Ends one.
#[post("/admin/sessions/<id>/end", data = "<_form>")]
pub(super) async fn end(
    id: i64,
    account: Account<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    sessions::end_one(db, account.0.id, id).await?;
    page.record(Event::SessionEnded, account.0.id, "by its owner");
    Ok(page.to("/admin/sessions/".to_owned(), Some(Message::done("That session has ended."))))
}

/// Ends all but the one that asks.
#[post("/admin/sessions/end-others", data = "<_form>")]
pub(super) async fn end_others(
    account: Account<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    sessions::end_others(db, account.0.id, &page.visitor.secret).await?;
    page.record(Event::SessionEnded, account.0.id, "all others, by their owner");
    let said = Message::done("Wherever else you were signed in, you no longer are.");
    Ok(page.to("/admin/sessions/".to_owned(), Some(said)))
}
