//! One's own account: what it may do, its mail address, and the ways to the rest.

use rocket::{get, post};
use serde::Serialize;

use super::proof::prove;
use crate::auth::events::Event;
use crate::auth::{Account, groups, users};
use crate::changes::ChangeSet;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader};
use crate::pages::{Html, Message, Page, Reply, Submission};

#[derive(Debug, Serialize)]
struct Shown {
    csrf: String,
    role: &'static str,
    groups: Vec<String>,
    rights: Vec<String>,
    second_factor: bool,
    email: String,
    email_errors: Vec<String>,
    password_errors: Vec<String>,
}

async fn render(
    page: &Page<'_>,
    db: &mut Conn,
    account: Account<'_>,
    email: &str,
    errors: &Errors,
) -> Result<Html> {
    let user = account.0;
    let groups = groups::of_user(db, user.id).await?;
    let rights = users::rights_of(db, user).await?;
    let context = Shown {
        csrf: page.token(),
        role: match (user.is_superuser, user.is_staff) {
            (true, _) => "superuser: you may do everything",
            (_, true) => "staff",
            (false, false) => "no staff",
        },
        groups: groups.into_iter().map(|group| group.name).collect(),
        rights: rights.iter().map(|right| right.to_string()).collect(),
        second_factor: user.second_factor,
        email: email.to_owned(),
        email_errors: errors.of("email").to_vec(),
        password_errors: errors.of("password").to_vec(),
    };
    page.show("accounts/account", "Your account", &context)
}

/// The page.
#[get("/admin/account")]
pub(super) async fn show(account: Account<'_>, db: &Db, page: Page<'_>) -> Result<Html> {
    let mut conn = db.conn().await?;
    render(&page, &mut conn, account, &account.0.email, &Errors::default()).await
}

/// Changes one's own mail address: links for a new password go there, so the password is asked for.
#[post("/admin/account/mail", data = "<form>")]
pub(super) async fn change_mail(
    account: Account<'_>,
    form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let mut read = Reader::new(&form.0);
    let email = users::mail_address(&mut read);
    let mut errors = read.errors;
    let proof = prove(db, &page, account.0, form.0.first("password")).await?;
    let refusal = proof.refusal();
    if let Some((error, _)) = &refusal {
        errors.add("password", error.clone());
    }
    if !errors.is_empty() {
        let status =
            refusal.map_or(rocket::http::Status::UnprocessableEntity, |(_, status)| status);
        let mut conn = db.conn().await?;
        let html = render(&page, &mut conn, account, &email, &errors).await?.with_status(status);
        return Ok(proof.with_wait(html).into());
    }
    let mut set = ChangeSet::begin(db, page.intent("change")).await?;
    let user = users::lock(&mut set, account.0.id).await?.ok_or(Error::NotFound)?;
    users::set_email(&mut set, &user, email).await?;
    set.commit().await?;
    page.record(Event::FactorChanged, user.id, "mail address, by its owner");
    let said = Message::done("Your mail address is changed.");
    Ok(page.to("/admin/account/".to_owned(), Some(said)))
}
