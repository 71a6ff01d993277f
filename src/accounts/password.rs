//! Changing one's own password.

use rocket::http::Status;
use rocket::{get, post};
use serde::Serialize;

use crate::auth::address::Address;
use crate::auth::throttle::{self, Subjects};
use crate::auth::{Staff, passwords, sessions, users};
use crate::changes::ChangeSet;
use crate::db::Db;
use crate::error::Result;
use crate::input::Errors;
use crate::pages::{Html, Message, Page, Reply, Submission};
use crate::random;

#[derive(Debug, Serialize)]
struct Password {
    csrf: String,
    old_errors: Vec<String>,
    new_errors: Vec<String>,
    again_errors: Vec<String>,
}

fn render(page: &Page<'_>, errors: &Errors) -> Result<Html> {
    let context = Password {
        csrf: page.token(),
        old_errors: errors.of("old").to_vec(),
        new_errors: errors.of("new").to_vec(),
        again_errors: errors.of("again").to_vec(),
    };
    page.show("accounts/password", "Change password", &context)
}

/// The form.
#[get("/admin/password")]
pub(super) fn form(_staff: Staff<'_>, page: Page<'_>) -> Result<Html> {
    render(&page, &Errors::default())
}

/// Changes it, and ends every other session of the account.
#[post("/admin/password", data = "<form>")]
pub(super) async fn change(
    staff: Staff<'_>,
    form: Submission,
    db: &Db,
    address: Address,
    page: Page<'_>,
) -> Result<Reply> {
    let (old, new) = (form.0.first("old").to_owned(), form.0.first("new").to_owned());
    // Who sits at somebody's open session may guess no faster than who signs in.
    let device = page.cookies.get(throttle::DEVICE).unwrap_or_else(random::secret);
    let (subjects, hash) = {
        let mut conn = db.conn().await?;
        let name = &staff.0.username;
        let subjects = Subjects::of(&mut conn, name, &address.0, Some(&device), page.now()).await?;
        (subjects, users::password_hash(&mut conn, staff.0.id).await?)
    };
    let mut errors = Errors::default();
    if let Err(wait) = throttle::admit(db, &subjects, page.now()).await? {
        errors.add("old", throttle::spoken(wait));
        let html = render(&page, &errors)?.with_status(Status::TooManyRequests);
        return Ok(html.with_header("Retry-After", wait.to_string()).into());
    }
    if passwords::verify(old, hash).await? {
        throttle::succeeded(db, &subjects, staff.0, &device, page.now()).await?;
        page.cookies.set_for_long(throttle::DEVICE, device);
    } else {
        errors.add("old", "This is not your password.");
    }
    if let Some(weakness) = passwords::weakness(&new, &staff.0.username) {
        errors.add("new", weakness);
    }
    if new != form.0.first("again") {
        errors.add("again", "This is not the same as above.");
    }
    if !errors.is_empty() {
        return Ok(render(&page, &errors)?.with_status(Status::UnprocessableEntity).into());
    }
    let hash = passwords::hash(new).await?;
    let mut set = ChangeSet::begin(db, page.intent("change password")).await?;
    users::set_password(&mut set, staff.0, hash).await?;
    set.commit().await?;
    sessions::end_others(db, staff.0.id, &page.visitor.secret).await?;
    let said = "Your password is changed. Wherever else you were signed in, you no longer are.";
    Ok(page.to("/admin/".to_owned(), Some(Message::done(said))))
}
