//! How somebody else signs in: his sessions, his second factor, and an invitation by mail.

use rocket::{Route, get, post, routes};
use serde::Serialize;

use super::users::closed;
use crate::accounts::reset;
use crate::accounts::sessions::Shown;
use crate::auth::events::Event;
use crate::auth::{Act, Need, Right, Staff, User, factor, groups, sessions, users};
use crate::changes::ChangeSet;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::pages::{Html, Message, Page, Reply, Submission};

/// The routes.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![show, invite, end_all, end, factor_off]
}

#[derive(Debug, Serialize)]
struct Context {
    csrf: String,
    id: i64,
    username: String,
    email: String,
    second_factor: bool,
    /// Why no invitation can be sent, if so.
    not_invitable: Option<String>,
    /// Why sessions are not shown, if so.
    not_superuser: Option<String>,
    alive: Vec<Shown>,
}

fn address(id: i64) -> String {
    format!("/admin/users/{id}/access/")
}

async fn find(db: &mut Conn, id: i64) -> Result<User> {
    users::find(db, id).await?.ok_or(Error::NotFound)
}

/// Why no invitation can be sent, if so.
async fn not_invitable(db: &mut Conn, page: &Page<'_>, user: &User) -> Result<Option<String>> {
    let manage = Need::Right(Right::ManageUsers);
    if !page.visitor.has(manage) {
        return Ok(Some(manage.reason(&groups::all(db).await?)));
    }
    if let Some(why) = closed(db, page.visitor, user).await? {
        return Ok(Some(why));
    }
    Ok(if !page.settings.mailer.transport.is_on() {
        Some("No mail is set up here (AIRLINE_MAIL); use `airline changepassword`.".to_owned())
    } else if user.email.is_empty() {
        Some("The account has no mail address.".to_owned())
    } else if !user.is_active {
        Some("The account is not active.".to_owned())
    } else {
        None
    })
}

/// The page.
#[get("/admin/users/<id>/access")]
async fn show(id: i64, staff: Staff<'_>, db: &Db, page: Page<'_>) -> Result<Html> {
    staff.0.need(Need::to(Act::View, "users"))?;
    let mut conn = db.conn().await?;
    let user = find(&mut conn, id).await?;
    let superuser = staff.0.has(Need::Superuser);
    let alive = if superuser {
        sessions::of_user(&mut conn, id, &staff.0.secret, page.now()).await?
    } else {
        Vec::new()
    };
    let context = Context {
        csrf: page.token(),
        id,
        not_invitable: not_invitable(&mut conn, &page, &user).await?,
        not_superuser: (!superuser).then(|| Need::Superuser.reason(&[])),
        alive: alive.into_iter().map(Shown::of).collect(),
        username: user.username,
        email: user.email,
        second_factor: user.second_factor,
    };
    page.show("admin/access", &format!("Sign-in of {}", context.username), &context)
}

/// Sends somebody a link at which he chooses a password.
#[post("/admin/users/<id>/invite", data = "<_form>")]
async fn invite(
    id: i64,
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    staff.0.need(Need::Right(Right::ManageUsers))?;
    let user = {
        let mut conn = db.conn().await?;
        let user = find(&mut conn, id).await?;
        if let Some(why) = not_invitable(&mut conn, &page, &user).await? {
            return Err(Error::Refused(why));
        }
        user
    };
    let by = staff.0.actor().name;
    let first = format!("{by} invites you to airline.");
    page.record(Event::LinkMade, id, "invitation");
    reset::send(db, page.settings, &user, "Your account at airline", &first, page.now()).await?;
    let said = Message::done(format!("A link was sent to {}; it works for an hour.", user.email));
    Ok(page.to(address(id), Some(said)))
}

/// Ends one session of somebody.
#[post("/admin/users/<id>/sessions/<session>/end", data = "<_form>")]
async fn end(
    id: i64,
    session: i64,
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    staff.0.need(Need::Superuser)?;
    sessions::end_one(db, id, session).await?;
    page.record(Event::SessionEnded, id, "by a superuser");
    Ok(page.to(address(id), Some(Message::done("That session has ended."))))
}

/// Ends every session of somebody, but the one that asks.
#[post("/admin/users/<id>/sessions/end-all", data = "<_form>")]
async fn end_all(
    id: i64,
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    staff.0.need(Need::Superuser)?;
    sessions::end_others(db, id, &staff.0.secret).await?;
    page.record(Event::SessionEnded, id, "all, by a superuser");
    Ok(page.to(
        address(id),
        Some(Message::done(if staff.0.user.as_ref().is_some_and(|user| user.id == id) {
            "Every session has ended but this one."
        } else {
            "Every session has ended."
        })),
    ))
}

/// Switches somebody's second factor off, who has lost it: he proves with his password alone until he
/// sets up another.
#[post("/admin/users/<id>/factor-off", data = "<_form>")]
async fn factor_off(
    id: i64,
    staff: Staff<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    staff.0.need(Need::Superuser)?;
    if !staff.0.is_confirmed(page.now()) {
        let next: String = form_urlencoded::byte_serialize(address(id).as_bytes()).collect();
        return Ok(page.to(format!("/admin/confirm/?next={next}"), None));
    }
    let mut set = ChangeSet::begin(db, page.intent("change")).await?;
    let user = users::lock(&mut set, id).await?.ok_or(Error::NotFound)?;
    if user.second_factor {
        factor::switch_off(&mut set, &user).await?;
        set.commit().await?;
        page.record(Event::FactorChanged, id, "off, by a superuser");
    }
    Ok(page.to(address(id), Some(Message::done("The second factor is off."))))
}
