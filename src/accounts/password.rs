//! Changing one's own password.

use rocket::http::Status;
use rocket::{get, post};
use serde::Serialize;

use super::proof::prove;
use crate::auth::events::Event;
use crate::auth::sessions::{Beginning, Proven};
use crate::auth::{Account, credentials, passwords, sessions};
use crate::changes::ChangeSet;
use crate::db::Db;
use crate::error::Result;
use crate::input::Errors;
use crate::pages::{Html, Message, Page, Reply, Submission};

#[derive(Debug, Serialize)]
struct Password {
    csrf: String,
    shortest: usize,
    old_errors: Vec<String>,
    new_errors: Vec<String>,
    again_errors: Vec<String>,
}

fn render(page: &Page<'_>, account: Account<'_>, errors: &Errors) -> Result<Html> {
    let context = Password {
        csrf: page.token(),
        shortest: passwords::shortest(account.0.is_superuser),
        old_errors: errors.of("old").to_vec(),
        new_errors: errors.of("new").to_vec(),
        again_errors: errors.of("again").to_vec(),
    };
    page.show("accounts/password", "Change password", &context)
}

/// The form.
#[get("/admin/password")]
pub(super) fn form(account: Account<'_>, page: Page<'_>) -> Result<Html> {
    render(&page, account, &Errors::default())
}

/// Changes it, and ends every other session of the account.
#[post("/admin/password", data = "<form>")]
pub(super) async fn change(
    account: Account<'_>,
    form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let user = account.0;
    let new = form.0.first("new").to_owned();
    let mut errors = Errors::default();
    let mut status = Status::UnprocessableEntity;
    let proof = prove(db, &page, user, form.0.first("old")).await?;
    if let Some((error, why)) = proof.refusal() {
        errors.add("old", error);
        status = why;
    }
    if let Some(weakness) = passwords::weakness_for(&new, user) {
        errors.add("new", weakness);
    }
    if new != form.0.first("again") {
        errors.add("again", "This is not the same as above.");
    }
    if !errors.is_empty() {
        let html = render(&page, account, &errors)?.with_status(status);
        return Ok(proof.with_wait(html).into());
    }
    let hash = passwords::hash(new).await?;
    let mut set = ChangeSet::begin(db, page.intent("change password")).await?;
    credentials::set_password(&mut set, user.id, hash.clone(), "").await?;
    set.commit().await?;
    page.record(Event::PasswordChanged, user.id, "by its owner");
    // Here too: a copy of this browser's cookie is worth nothing any more.
    let (proven, from) = (Proven::Password(&hash), page.origin());
    let beginning = Beginning { user: user.id, proven, awaits_factor: false, from: &from };
    match sessions::begin(db, beginning, page.now()).await? {
        Some(secret) => page.cookies.sign_in(secret),
        None => page.cookies.sign_out(),
    }
    let said = "Your password is changed. Wherever else you were signed in, you no longer are.";
    Ok(page.to("/admin/account/".to_owned(), Some(Message::done(said))))
}
