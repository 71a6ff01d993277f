//! Proving once more, with the password, that it is he who sits there: before what is sensitive.

use rocket::http::Status;
use rocket::{get, post};
use serde::Serialize;

use crate::auth::events::Event;
use crate::auth::passwords::Verdict;
use crate::auth::throttle::{self, Subjects};
use crate::auth::{Account, User, credentials, passwords, sessions};
use crate::db::Db;
use crate::error::Result;
use crate::pages::{Html, Page, Query, Reply, Submission, safe};
use crate::random;

#[derive(Debug, Serialize)]
struct Confirm {
    csrf: String,
    next: String,
    errors: Vec<String>,
}

/// What came of a password that somebody typed to prove that it is he.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is he.
    Right,
    /// It is not his password.
    Wrong,
    /// He tried too often, and must wait so many seconds.
    TooOften(i64),
}

impl Proof {
    /// What is wrong, for the field of the password; and the status that says so.
    pub(super) fn refusal(&self) -> Option<(String, Status)> {
        match self {
            Self::Right => None,
            Self::Wrong => {
                Some(("This is not your password.".to_owned(), Status::UnprocessableEntity))
            }
            Self::TooOften(wait) => Some((throttle::spoken(*wait), Status::TooManyRequests)),
        }
    }

    /// Adds how long to wait to an answer.
    pub(super) fn with_wait(&self, html: Html) -> Html {
        match self {
            Self::TooOften(wait) => html.with_header("Retry-After", wait.to_string()),
            Self::Right | Self::Wrong => html,
        }
    }
}

/// Looks at a password that somebody typed in his own session. Who sits at somebody's open session may
/// guess no faster than who signs in.
pub(super) async fn prove(db: &Db, page: &Page<'_>, user: &User, password: &str) -> Result<Proof> {
    let device = page.cookies.get(throttle::DEVICE).unwrap_or_else(random::secret);
    let (subjects, hash) = {
        let mut conn = db.conn().await?;
        let name = &user.username;
        let subjects =
            Subjects::of(&mut conn, name, &page.address.0, Some(&device), page.now()).await?;
        (subjects, credentials::password_hash(&mut conn, user.id).await?)
    };
    let room = passwords::room().await?;
    if let Err(wait) = throttle::admit(db, &subjects, page.now()).await? {
        page.record(Event::TooOften, user.id, "proving");
        return Ok(Proof::TooOften(wait));
    }
    if passwords::verify(room, password.to_owned(), hash).await? == Verdict::Wrong {
        page.record(Event::SignInFailed, user.id, "proving");
        return Ok(Proof::Wrong);
    }
    throttle::succeeded(db, &subjects, user, &device, page.now()).await?;
    page.cookies.set_for_long(throttle::DEVICE, device);
    sessions::confirm(db, &page.visitor.secret, page.now()).await?;
    Ok(Proof::Right)
}

/// Sends somebody to prove that it is he, and back.
pub(super) fn first(page: &Page<'_>, next: &str) -> Reply {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    page.to(format!("/admin/confirm/?next={next}"), None)
}

fn render(page: &Page<'_>, next: &str, errors: Vec<String>) -> Result<Html> {
    let next = safe::next(next, "/admin/account/").to_owned();
    let context = Confirm { csrf: page.token(), next, errors };
    page.show("accounts/confirm", "Your password, once more", &context)
}

/// The form.
#[get("/admin/confirm")]
pub(super) fn form(_account: Account<'_>, query: Query, page: Page<'_>) -> Result<Html> {
    render(&page, query.0.first("next"), Vec::new())
}

/// Proves it.
#[post("/admin/confirm", data = "<form>")]
pub(super) async fn confirm(
    account: Account<'_>,
    form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let next = form.0.first("next");
    let proof = prove(db, &page, account.0, form.0.first("password")).await?;
    match proof.refusal() {
        None => Ok(page.to(safe::next(next, "/admin/account/").to_owned(), None)),
        Some((error, status)) => {
            let html = render(&page, next, vec![error])?.with_status(status);
            Ok(proof.with_wait(html).into())
        }
    }
}
