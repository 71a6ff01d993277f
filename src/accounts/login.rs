//! Signing in and out.

use rocket::http::Status;
use rocket::{get, post};
use serde::Serialize;
use tracing::{info, warn};

use crate::auth::address::Address;
use crate::auth::throttle::{self, Subjects};
use crate::auth::{Cookies, passwords, sessions, users};
use crate::db::Db;
use crate::error::Result;
use crate::pages::{Html, Message, Page, Query, Reply, Submission, safe};
use crate::random;

#[derive(Debug, Serialize)]
struct Login {
    csrf: String,
    next: String,
    username: String,
    error: Option<String>,
}

fn render(page: &Page<'_>, next: &str, username: &str, error: Option<&str>) -> Result<Html> {
    let context = Login {
        csrf: page.token(),
        next: safe::next(next, "/admin/").to_owned(),
        username: username.to_owned(),
        error: error.map(str::to_owned),
    };
    page.show("accounts/login", "Sign in", &context)
}

/// The form. Who has signed in already goes on.
#[get("/admin/login")]
pub(super) fn form(query: Query, page: Page<'_>) -> Result<Reply> {
    let next = query.0.first("next");
    if page.visitor.is_staff() {
        return Ok(page.to(safe::next(next, "/admin/").to_owned(), None));
    }
    Ok(render(&page, next, "", None)?.into())
}

/// Signs in. Unknown, wrong and disabled cost the same time and get the same answer; who tries too
/// often waits, whether he is right or not, and is told for how long.
#[post("/admin/login", data = "<form>")]
pub(super) async fn sign_in(
    form: Submission,
    db: &Db,
    address: Address,
    page: Page<'_>,
) -> Result<Reply> {
    let (username, next) = (form.0.first("username").trim(), form.0.first("next"));
    let now = page.now();
    let device = page.cookies.get(throttle::DEVICE);
    let subjects = {
        let mut conn = db.conn().await?;
        Subjects::of(&mut conn, username, &address.0, device.as_deref(), now).await?
    };
    if let Err(wait) = throttle::admit(db, &subjects, now).await? {
        warn!(event = "excess_rate_limit_exceeded", address = %address.0, wait, "signing in");
        let error = throttle::spoken(wait);
        let html =
            render(&page, next, username, Some(&error))?.with_status(Status::TooManyRequests);
        return Ok(html.with_header("Retry-After", wait.to_string()).into());
    }
    let (user, hash) = {
        let mut conn = db.conn().await?;
        let user = users::by_name(&mut conn, username).await?;
        let hash = match &user {
            Some(user) => users::password_hash(&mut conn, user.id).await?,
            None => None,
        };
        (user, hash)
    };
    let right = passwords::verify(form.0.first("password").to_owned(), hash).await?;
    let Some(user) = user.filter(|user| right && user.is_active) else {
        warn!(event = "authn_login_fail", address = %address.0, "signing in");
        let error = "The name or the password is not right. Both tell small from capital letters.";
        let html = render(&page, next, username, Some(error))?;
        return Ok(html.with_status(Status::UnprocessableEntity).into());
    };
    let device = device.unwrap_or_else(random::secret);
    throttle::succeeded(db, &subjects, &user, &device, now).await?;
    page.cookies.set_for_long(throttle::DEVICE, device);
    // The session that this browser had, if any, ends with the new one's beginning.
    if !page.visitor.secret.is_empty() {
        sessions::end(db, &page.visitor.secret).await?;
    }
    page.cookies.sign_in(sessions::begin(db, user.id, &page.origin(&address), now).await?);
    info!(event = "authn_login_success", user = user.id, address = %address.0, "signing in");
    Ok(page.to(safe::next(next, "/admin/").to_owned(), None))
}

/// Signs out: the session ends at once, and the browser forgets it.
#[post("/admin/logout", data = "<_form>")]
pub(super) async fn sign_out(
    _form: Submission,
    db: &Db,
    cookies: Cookies<'_>,
    page: Page<'_>,
) -> Result<Reply> {
    sessions::end(db, &page.visitor.secret).await?;
    cookies.sign_out();
    Ok(page.to("/".to_owned(), Some(Message::done("You have signed out."))))
}
