//! A new password by mail: for whoever has forgotten his, and for whoever was invited and has none yet.
//! A link works once, for an hour; who asks is told the same whether there is such an account or not.

use rocket::http::Status;
use rocket::tokio;
use rocket::{get, post};
use serde::Serialize;
use tracing::error;

use crate::auth::events::{self, Event};
use crate::auth::throttle::{self, Subjects};
use crate::auth::{User, credentials, passwords, users};
use crate::changes::ChangeSet;
use crate::config::Settings;
use crate::db::{Db, Pool};
use crate::error::{Error, Result};
use crate::input::Errors;
use crate::mail::Mail;
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

/// The cookie that holds a link's secret while the new password is chosen, so that no address does:
/// addresses are written down in many places.
const COOKIE: &str = "reset";

#[derive(Debug, Serialize)]
struct Ask {
    csrf: String,
    asked: String,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Sent {
    asked: String,
}

#[derive(Debug, Serialize)]
struct Choose {
    csrf: String,
    username: String,
    shortest: usize,
    new_errors: Vec<String>,
    again_errors: Vec<String>,
}

/// Makes a link for an account, and sends it. What the mail says first is up to the caller.
pub(crate) async fn send(
    pool: &Pool,
    settings: &Settings,
    user: &User,
    subject: &str,
    first: &str,
    now: i64,
) -> Result<()> {
    let url = settings.url.as_deref().ok_or_else(|| Error::internal("AIRLINE_URL is not set"))?;
    let secret = credentials::make_link(pool, user.id, now).await?;
    let text = format!(
        "{first}\n\nName to sign in with: {}\nChoose a password here, within an hour; the link works once:\n\n\
         {url}/admin/reset/choose/?key={secret}\n\n\
         If you did not expect this, do nothing: nothing changes.\n",
        user.username
    );
    let mail = Mail { to: user.email.clone(), subject: subject.to_owned(), text };
    settings.mailer.send(&mail).await
}

fn refuse_without_mail(page: &Page<'_>) -> Result<()> {
    if page.settings.mailer.transport.is_on() { Ok(()) } else { Err(Error::NotFound) }
}

fn render(page: &Page<'_>, asked: &str, error: Option<String>) -> Result<Html> {
    let context = Ask { csrf: page.token(), asked: asked.to_owned(), error };
    page.show("accounts/reset", "A new password", &context)
}

/// The form that asks for whom.
#[get("/admin/reset")]
pub(super) fn form(page: Page<'_>) -> Result<Html> {
    refuse_without_mail(&page)?;
    render(&page, "", None)
}

/// Sends a link to every account of a name or a mail address, after it has answered: so the answer
/// takes as long whether there is one or not.
#[post("/admin/reset", data = "<form>")]
pub(super) async fn ask(form: Submission, db: &Db, page: Page<'_>) -> Result<Reply> {
    refuse_without_mail(&page)?;
    let asked = form.0.first("asked").trim().to_owned();
    if asked.is_empty() {
        let html = render(&page, "", Some("Give a name or a mail address.".to_owned()))?;
        return Ok(html.with_status(Status::UnprocessableEntity).into());
    }
    let subjects = Subjects::of_link(&asked, &page.address.0);
    if let Err(wait) = throttle::admit(db, &subjects, page.now()).await? {
        page.record(Event::TooOften, 0, "links by mail");
        let html = render(&page, &asked, Some(throttle::spoken(wait)))?;
        let html = html.with_status(Status::TooManyRequests);
        return Ok(html.with_header("Retry-After", wait.to_string()).into());
    }
    let (pool, settings, now) = (Pool::clone(db), page.settings.clone(), page.now());
    let (address, request) = (page.address.0.clone(), page.intent("reset").request_id);
    let wanted = asked.clone();
    tokio::spawn(async move {
        if let Err(error) = send_all(&pool, &settings, &wanted, &address, &request, now).await {
            error!(%error, request, "a link for a new password was not sent");
        }
    });
    Ok(page.show("accounts/sent", "Look into your mail", &Sent { asked })?.into())
}

async fn send_all(
    pool: &Pool,
    settings: &Settings,
    asked: &str,
    address: &str,
    request: &str,
    now: i64,
) -> Result<()> {
    let found = users::by_mail_or_name(&mut pool.conn().await?, asked).await?;
    let mut ended = Ok(());
    for user in found.iter().filter(|user| !user.email.is_empty()) {
        events::record(Event::LinkMade, user.id, address, request, "asked for at the site");
        let first = "Somebody, you perhaps, asked for a new password at airline.";
        // One mail that does not go keeps back no other.
        ended =
            ended.and(send(pool, settings, user, "A new password for airline", first, now).await);
    }
    ended
}

async fn owner(db: &Db, page: &Page<'_>) -> Result<Option<User>> {
    let Some(secret) = page.cookies.get(COOKIE) else {
        return Ok(None);
    };
    let mut conn = db.conn().await?;
    match credentials::link_owner(&mut conn, &secret, page.now()).await? {
        Some(id) => Ok(users::find(&mut conn, id).await?.filter(|user| user.is_active)),
        None => Ok(None),
    }
}

const DEAD: &str = "This link was used already, or is older than an hour. Ask for a new one.";

fn render_choice(page: &Page<'_>, user: &User, errors: &Errors) -> Result<Html> {
    let context = Choose {
        csrf: page.token(),
        username: user.username.clone(),
        shortest: passwords::shortest(user.is_superuser),
        new_errors: errors.of("new").to_vec(),
        again_errors: errors.of("again").to_vec(),
    };
    page.show("accounts/choose", "Choose a password", &context)
}

/// Where a link leads: its secret goes from the address into a cookie, then the form is shown.
#[get("/admin/reset/choose")]
pub(super) async fn choose_form(query: Query, db: &Db, page: Page<'_>) -> Result<Reply> {
    let key = query.0.first("key");
    if !key.is_empty() {
        page.cookies.set(COOKIE, key.chars().filter(char::is_ascii_hexdigit).take(64).collect());
        return Ok(page.to("/admin/reset/choose/".to_owned(), None));
    }
    match owner(db, &page).await? {
        Some(user) => Ok(render_choice(&page, &user, &Errors::default())?.into()),
        None => Ok(render(&page, "", Some(DEAD.to_owned()))?.with_status(Status::NotFound).into()),
    }
}

/// Chooses the password: the link is used up, and every session of the account ends.
#[post("/admin/reset/choose", data = "<form>")]
pub(super) async fn choose(form: Submission, db: &Db, page: Page<'_>) -> Result<Reply> {
    let dead = || -> Result<Reply> {
        Ok(render(&page, "", Some(DEAD.to_owned()))?.with_status(Status::NotFound).into())
    };
    let Some(user) = owner(db, &page).await? else {
        return dead();
    };
    let new = form.0.first("new").to_owned();
    let mut errors = Errors::default();
    if let Some(weakness) = passwords::weakness_for(&new, &user) {
        errors.add("new", weakness);
    }
    if new != form.0.first("again") {
        errors.add("again", "This is not the same as above.");
    }
    if !errors.is_empty() {
        let html = render_choice(&page, &user, &errors)?;
        return Ok(html.with_status(Status::UnprocessableEntity).into());
    }
    let hash = passwords::hash(new).await?;
    let secret = page.cookies.get(COOKIE).unwrap_or_default();
    let mut intent = page.intent("change password");
    intent.actor = user.actor();
    let mut set = ChangeSet::begin(db, intent).await?;
    if credentials::use_link(&mut set, &secret).await? != Some(user.id) {
        return dead();
    }
    let user = credentials::set_password(&mut set, user.id, hash, "").await?;
    if !user.is_active {
        return dead();
    }
    set.commit().await?;
    page.cookies.remove(COOKIE);
    page.record(Event::PasswordChanged, user.id, "by a link");
    let said = "Your password is chosen. Sign in with it.";
    Ok(page.to("/admin/login/".to_owned(), Some(Message::done(said))))
}
