//! Signing in and out.

use rocket::http::{Header, Status};
use rocket::{Responder, get, post};
use serde::Serialize;

use crate::auth::events::Event;
use crate::auth::passwords::Verdict;
use crate::auth::sessions::{Beginning, Proven};
use crate::auth::throttle::{self, Subjects};
use crate::auth::{Cookies, User, Visitor, credentials, factor, passwords, sessions, users};
use crate::db::Db;
use crate::error::Result;
use crate::input::Values;
use crate::pages::resume::{self, Resend, Unfinished};
use crate::pages::{Html, Message, Page, Query, Reply, Submission, safe};
use crate::random;

#[derive(Debug, Serialize)]
struct Code<'a> {
    csrf: String,
    next: &'a str,
    resume: &'a str,
    error: Option<String>,
}

/// Where the pages of signing in lead: an address, or a form that somebody goes on with.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    next: &'a str,
    resume: &'a str,
}

impl<'a> Way<'a> {
    fn of(form: &'a Values) -> Self {
        Self { next: form.first("next"), resume: form.first(resume::FIELD) }
    }
}

fn render(page: &Page<'_>, way: Way<'_>, username: &str, error: Option<&str>) -> Result<Html> {
    resume::sign_in(page, way.next, way.resume, username, error)
}

fn render_code(
    page: &Page<'_>,
    visitor: &Visitor,
    way: Way<'_>,
    error: Option<String>,
) -> Result<Html> {
    let (next, csrf) = (safe::next(way.next, "/admin/"), page.token_of(visitor));
    let context = Code { csrf, next, resume: way.resume, error };
    page.show_to(visitor, "accounts/code", "Second factor", &context)
}

#[derive(Debug, Serialize)]
struct Resumed {
    resend: Resend,
}

/// What somebody sees who has signed in: his form, if he goes on with one of his own, or the page that he
/// wanted to go to.
fn arrive(
    page: &Page<'_>,
    user: &User,
    secret: String,
    way: Way<'_>,
    said: Option<Message>,
) -> Result<Reply> {
    let form = Unfinished::parse(way.resume);
    match form {
        Some(form) if form.by == user.id => {
            if let Some(message) = said {
                page.say(message);
            }
            let visitor = Visitor::just_begun(user.clone(), secret, false);
            let resumed = Resumed { resend: form.resend(page.token_of(&visitor)) };
            Ok(page
                .show_to(&visitor, "accounts/resume", "Your form is still here", &resumed)?
                .into())
        }
        Some(_) => {
            let why = "The form that was sent before is another account's, so it was left out.";
            page.say(Message::note(why));
            Ok(page.to(landing(user, ""), said))
        }
        None => Ok(page.to(landing(user, way.next), said)),
    }
}

/// Where somebody goes who has signed in: where he wanted to, or to what there is for him.
fn landing(user: &User, next: &str) -> String {
    match safe::next(next, "/admin/") {
        "/admin/" if !user.may_enter() => "/admin/account/".to_owned(),
        next => next.to_owned(),
    }
}

/// Where the code is asked for.
fn code_page(next: &str) -> String {
    let next: String =
        form_urlencoded::byte_serialize(safe::next(next, "/admin/").as_bytes()).collect();
    format!("/admin/login/code/?next={next}")
}

/// The form. Who has signed in already goes on.
#[get("/admin/login")]
pub(super) fn form(query: Query, page: Page<'_>) -> Result<Reply> {
    let next = query.0.first("next");
    if page.visitor.is_staff() {
        return Ok(page.to(safe::next(next, "/admin/").to_owned(), None));
    }
    Ok(render(&page, Way { next, resume: "" }, "", None)?.into())
}

/// Signs in. Unknown, wrong and disabled cost the same time and get the same answer; who tries too
/// often waits, whether he is right or not, and is told for how long.
#[post("/admin/login", data = "<form>")]
pub(super) async fn sign_in(form: Submission, db: &Db, page: Page<'_>) -> Result<Reply> {
    const WRONG: &str =
        "The name or the password is not right. Both tell small from capital letters.";
    let (username, way) = (form.0.first("username").trim(), Way::of(&form.0));
    let now = page.now();
    let device = page.cookies.get(throttle::DEVICE);
    let (subjects, user, hash) = {
        let mut conn = db.conn().await?;
        let subjects =
            Subjects::of(&mut conn, username, &page.address.0, device.as_deref(), now).await?;
        let user = users::by_name(&mut conn, username).await?;
        // Asked for nobody as well, so that an unknown name takes as long.
        let hash =
            credentials::password_hash(&mut conn, user.as_ref().map_or(0, |user| user.id)).await?;
        (subjects, user, hash)
    };
    // Room for the hash first: whoever is turned away for want of it has not tried.
    let room = passwords::room().await?;
    if let Err(wait) = throttle::admit(db, &subjects, now).await? {
        page.record(Event::TooOften, user.map_or(0, |user| user.id), "signing in");
        let error = throttle::spoken(wait);
        let html = render(&page, way, username, Some(&error))?.with_status(Status::TooManyRequests);
        return Ok(html.with_header("Retry-After", wait.to_string()).into());
    }
    let wrong = |user: i64| -> Result<Reply> {
        page.record(Event::SignInFailed, user, "signing in");
        let html = render(&page, way, username, Some(WRONG))?;
        Ok(html.with_status(Status::UnprocessableEntity).into())
    };
    let password = form.0.first("password");
    let verdict = passwords::verify(room, password.to_owned(), hash.clone()).await?;
    let known = user.as_ref().map_or(0, |user| user.id);
    let (Some(user), Some(mut hash)) = (user.filter(|user| user.is_active), hash) else {
        return wrong(known);
    };
    match verdict {
        Verdict::Wrong => return wrong(known),
        Verdict::Right => {}
        Verdict::RightButOld => {
            let new = passwords::hash(password.to_owned()).await?;
            credentials::renew_hash(db, user.id, &hash, new.clone()).await?;
            hash = new;
        }
    }
    let proven = Proven::Password(&hash);
    let Some(secret) = begin(db, &page, &user, proven, user.second_factor).await? else {
        return wrong(known);
    };
    if user.second_factor {
        if way.resume.is_empty() {
            return Ok(page.to(code_page(way.next), None));
        }
        let half = Visitor::just_begun(user, secret, true);
        return Ok(render_code(&page, &half, way, None)?.into());
    }
    remember(db, &page, &subjects, &user).await?;
    page.record(Event::SignedIn, user.id, "by password");
    arrive(&page, &user, secret, way, None)
}

/// Forgets what was tried, and remembers this browser: somebody has signed in with it, wholly.
async fn remember(db: &Db, page: &Page<'_>, subjects: &Subjects, user: &User) -> Result<()> {
    let device = page.cookies.get(throttle::DEVICE).unwrap_or_else(random::secret);
    throttle::succeeded(db, subjects, user, &device, page.now()).await?;
    page.cookies.set_for_long(throttle::DEVICE, device);
    Ok(())
}

/// Begins a session with a secret of its own, and answers it; the one that this browser had, if any, ends.
async fn begin(
    db: &Db,
    page: &Page<'_>,
    user: &User,
    proven: Proven<'_>,
    awaits_factor: bool,
) -> Result<Option<String>> {
    let beginning = Beginning { user: user.id, proven, awaits_factor, from: &page.origin() };
    let Some(secret) = sessions::begin(db, beginning, page.now()).await? else {
        return Ok(None);
    };
    if !page.visitor.secret.is_empty() {
        sessions::end(db, &page.visitor.secret).await?;
    }
    page.cookies.sign_in(secret.clone());
    Ok(Some(secret))
}

/// The page that asks for a code, of whoever has given the right password.
#[get("/admin/login/code")]
pub(super) fn code(query: Query, page: Page<'_>) -> Result<Reply> {
    let next = query.0.first("next");
    if page.visitor.half.is_some() {
        return Ok(render_code(&page, page.visitor, Way { next, resume: "" }, None)?.into());
    }
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Ok(page.to(format!("/admin/login/?next={next}"), None))
}

/// Takes a code of the app, or a recovery code, and signs in.
#[post("/admin/login/code", data = "<form>")]
pub(super) async fn give_code(form: Submission, db: &Db, page: Page<'_>) -> Result<Reply> {
    let way = Way::of(&form.0);
    // Too late: the password is asked for again.
    let begin_again = || render(&page, way, "", None).map(Reply::from);
    let Some(user) = &page.visitor.half else {
        return begin_again();
    };
    let device = page.cookies.get(throttle::DEVICE);
    let (by_name, subjects) = {
        let mut conn = db.conn().await?;
        let by_name =
            Subjects::of(&mut conn, &user.username, &page.address.0, device.as_deref(), page.now());
        let by_name = by_name.await?;
        let code = by_name.for_code(user.id);
        (by_name, code)
    };
    if let Err(wait) = throttle::admit(db, &subjects, page.now()).await? {
        page.record(Event::TooOften, user.id, "second factor");
        let html = render_code(&page, page.visitor, way, Some(throttle::spoken(wait)))?;
        let html = html.with_status(Status::TooManyRequests);
        return Ok(html.with_header("Retry-After", wait.to_string()).into());
    }
    if !factor::accept(db, user, form.0.first("code"), page.now()).await? {
        page.record(Event::SignInFailed, user.id, "second factor");
        let error = "This code is not right, or was used already. Wait for the next one.";
        let html = render_code(&page, page.visitor, way, Some(error.to_owned()))?;
        return Ok(html.with_status(Status::UnprocessableEntity).into());
    }
    throttle::forget(db, &subjects).await?;
    let proven = Proven::Factor(&page.visitor.secret);
    let Some(secret) = begin(db, &page, user, proven, false).await? else {
        return begin_again();
    };
    remember(db, &page, &by_name, user).await?;
    page.record(Event::SignedIn, user.id, "by password and second factor");
    let mut conn = db.conn().await?;
    let left = factor::codes_left(&mut conn, user.id).await?;
    let why = if factor::has_unsaved_codes(&mut conn, user.id).await? {
        Some("You have not said that you saved your recovery codes. If you did not,".to_owned())
    } else {
        (left < 3).then(|| format!("You have {left} recovery codes left:"))
    };
    let said = why.map(|why| Message::note(why).about("make new ones", "/admin/factor/"));
    arrive(&page, user, secret, way, said)
}

/// The answer to signing out. What the browser has stored of pages goes; its cookies stay, since one of them
/// says that it is a known device.
#[derive(Responder)]
pub(super) struct SignedOut {
    reply: Reply,
    clear: Header<'static>,
}

/// Signs out: the session ends at once, and the browser forgets it.
#[post("/admin/logout", data = "<_form>")]
pub(super) async fn sign_out(
    _form: Submission,
    db: &Db,
    cookies: Cookies<'_>,
    page: Page<'_>,
) -> Result<SignedOut> {
    sessions::end(db, &page.visitor.secret).await?;
    cookies.sign_out();
    page.record(
        Event::SessionEnded,
        page.visitor.user.as_ref().map_or(0, |user| user.id),
        "by its owner",
    );
    let reply = page.to("/".to_owned(), Some(Message::done("You have signed out.")));
    let clear = Header::new("Clear-Site-Data", "\"cache\", \"storage\"");
    Ok(SignedOut { reply, clear })
}
