//! The page behind the one-time link: the first superuser is made here.

use rocket::http::Status;
use rocket::{State, get, post};
use serde::Serialize;

use crate::auth::first::FirstLink;
use crate::auth::sessions::{Beginning, Proven};
use crate::auth::users::Draft;
use crate::auth::{credentials, passwords, sessions, users};
use crate::changes::{Actor, ChangeSet, Intent};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

#[derive(Debug, Serialize)]
struct First {
    csrf: String,
    key: String,
    username: String,
    email: String,
    username_errors: Vec<String>,
    email_errors: Vec<String>,
    password_errors: Vec<String>,
    again_errors: Vec<String>,
}

fn render(page: &Page<'_>, values: &Values, errors: &Errors) -> Result<Html> {
    let context = First {
        csrf: page.token(),
        key: values.first("key").to_owned(),
        username: values.first("username").to_owned(),
        email: values.first("email").to_owned(),
        username_errors: errors.of("username").to_vec(),
        email_errors: errors.of("email").to_vec(),
        password_errors: errors.of("password").to_vec(),
        again_errors: errors.of("again").to_vec(),
    };
    page.show("accounts/first", "The first superuser", &context)
}

/// The form, while the link works and nobody is staff.
#[get("/admin/first")]
pub(super) async fn form(
    query: Query,
    link: &State<FirstLink>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    if !link.opens(query.0.first("key")) || users::any_staff(&mut db.conn().await?).await? {
        return Err(Error::NotFound);
    }
    render(&page, &query.0, &Errors::default())
}

/// Makes the superuser, signs him in, and ends the link.
#[post("/admin/first", data = "<form>")]
pub(super) async fn make(
    form: Submission,
    link: &State<FirstLink>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let key = form.0.first("key");
    if !link.opens(key) {
        return Err(Error::NotFound);
    }
    let again = |errors: &Errors| -> Result<Reply> {
        Ok(render(&page, &form.0, errors)?.with_status(Status::UnprocessableEntity).into())
    };
    let password = form.0.first("password");
    let (draft, mut errors) = match Draft::superuser(&form.0) {
        Ok(draft) => (Some(draft), Errors::default()),
        Err(errors) => (None, errors),
    };
    if let Some(weakness) = passwords::weakness(
        password,
        &[form.0.first("username").trim(), form.0.first("email").trim()],
        true,
    ) {
        errors.add("password", weakness);
    }
    if password != form.0.first("again") {
        errors.add("again", "This is not the same as above.");
    }
    let Some(draft) = draft.filter(|_| errors.is_empty()) else {
        return again(&errors);
    };
    let hash = passwords::hash(password.to_owned()).await?;
    let actor = Actor { id: None, name: draft.username.clone() };
    let mut set = ChangeSet::begin(db, Intent { actor, ..page.intent("add") }).await?;
    if users::any_staff(&mut set).await? {
        return Err(Error::NotFound);
    }
    let user = match users::insert(&mut set, draft).await {
        Ok(user) => user,
        Err(Refusal::Invalid(errors)) => return again(&errors),
        Err(Refusal::Failed(error)) => return Err(error),
    };
    credentials::set_first_password(&mut set, &user, hash).await?;
    if !link.take(key) {
        return Err(Error::NotFound);
    }
    if let Err(error) = set.commit().await {
        link.give_back(key);
        return Err(error);
    }
    let from = page.origin();
    let beginning =
        Beginning { user: user.id, proven: Proven::Vouched, awaits_factor: false, from: &from };
    if let Some(secret) = sessions::begin(db, beginning, page.now()).await? {
        page.cookies.sign_in(secret);
    }
    let said = format!("Welcome, {}: you are the first superuser.", user.username);
    Ok(page.to("/admin/".to_owned(), Some(Message::done(said))))
}
