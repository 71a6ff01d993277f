//! The one catcher: any error, ours or Rocket's, as a page, or as a message where htmx asked.

use std::sync::Mutex;

use rocket::http::{Method, Status};
use rocket::response::{self, Redirect, Responder};
use rocket::{Request, catch};
use serde::Serialize;
use tracing::error;
use url::Url;

use super::headers::RequestId;
use super::messages::Message;
use super::methods::Allowed;
use super::page::{Html, Page, Reply};
use super::resume::{self, Resend};
use crate::auth::events::Event;
use crate::auth::{Need, groups};
use crate::db::Db;
use crate::error::Error;

/// Seconds after which a client may try a busy site again.
const BUSY_FOR: u32 = 10;

/// Why a request was refused, on its way to the catcher.
#[derive(Debug, Default)]
pub(super) struct Why(Mutex<Option<String>>);

/// What the asker lacked, on its way to the catcher.
#[derive(Debug, Default)]
struct Lacked(Mutex<Option<Need>>);

impl Lacked {
    fn tell(request: &Request<'_>, need: Need) {
        if let Ok(mut kept) = request.local_cache(Self::default).0.lock() {
            *kept = Some(need);
        }
    }

    fn of(request: &Request<'_>) -> Option<Need> {
        *request.local_cache(Self::default).0.lock().ok()?
    }
}

impl Why {
    pub(super) fn tell(request: &Request<'_>, why: &str) {
        if let Ok(mut kept) = request.local_cache(Self::default).0.lock() {
            *kept = Some(why.to_owned());
        }
    }

    fn of(request: &Request<'_>) -> Option<String> {
        request.local_cache(Self::default).0.lock().ok()?.clone()
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let status = self.status();
        if let Self::Gone = self {
            // Nobody sees the answer, and nothing went wrong.
        } else if status.code >= 500 {
            let id = RequestId::of(request);
            error!(request = id, path = %request.uri().path(), error = ?self, "not answered");
            if let Self::Slow | Self::Unwritable(_) = self {
                Why::tell(request, &self.to_string());
            }
        } else if let Self::Denied(code) = &self {
            Lacked::tell(request, Need::parse(code).unwrap_or(Need::Superuser));
        } else {
            Why::tell(request, &self.to_string());
        }
        Err(status)
    }
}

#[derive(Debug, Serialize)]
struct Shown {
    status: u16,
    title: &'static str,
    why: String,
    /// The form that was sent, to be sent again.
    resend: Option<Resend>,
}

/// Makes htmx show a whole page in the place of the one that is there.
fn in_main(html: Html) -> Html {
    html.with_header("HX-Retarget", "#main")
        .with_header("HX-Reswap", "outerHTML")
        .with_header("HX-Reselect", "#main")
}

/// What a status says to people: a title, and a sentence where nothing better is known.
fn words(status: Status) -> (&'static str, &'static str) {
    match status.code {
        400 => ("That request was broken", "It could not be read. Go back and try again."),
        401 => ("Please sign in", "This page is for staff."),
        403 => ("That is not allowed", "This is not for everybody."),
        404 | 422 => (
            "Not found",
            "There is no such page. It may have been deleted, or its address mistyped.",
        ),
        405 => (
            "Method not allowed",
            "This address does not accept that kind of request. Go back, and use the links and forms of the page.",
        ),
        408 | 411 | 413 | 414 | 415 | 431 => {
            ("That request was not taken", "Its form is not one of ours.")
        }
        409 => (
            "Somebody was faster",
            "The same thing was changed at the same moment. Go back, look again, and repeat.",
        ),
        428 => (
            "Set up a second factor first",
            "A group that you are in asks for it. Open the page “Second factor” beside this one, then send your form again.",
        ),
        503 => ("Temporarily unavailable", "Check whether your change was saved, then try again."),
        _ => (
            "Something went wrong",
            "The mistake is ours, and it has been noted. Try again; if it stays, tell us the number below.",
        ),
    }
}

/// Whether a route answered the request, other than the one that only keeps forms.
fn is_taken(request: &Request<'_>) -> bool {
    request.route().is_some_and(|route| route.rank != resume::RANK)
}

/// Answers with an error's page.
#[catch(default)]
pub async fn any<'r>(
    status: Status,
    request: &'r Request<'_>,
) -> Result<Reply, (Status, &'static str)> {
    let status = match status {
        // A path that Rocket could not turn into a handler's arguments (an id too great, say) is a page
        // that does not exist.
        Status::UnprocessableEntity => Status::NotFound,
        // A path that no route took, and that some route takes by another method.
        Status::NotFound if !is_taken(request) && Allowed::of(request).is_some() => {
            Status::MethodNotAllowed
        }
        other => other,
    };
    let (title, fallback) = words(status);
    let Some(page) = request.guard::<Page<'r>>().await.succeeded() else {
        return Err((status, fallback));
    };
    let resumable = resume::to_sign_in(request, &page);
    if status == Status::Unauthorized || (status == Status::Forbidden && resumable.is_some()) {
        return Ok(sign_in(request, &page, resumable));
    }
    let resend = resume::resend(request, &page);
    if status == Status::PreconditionRequired && resend.is_none() {
        return Ok(set_up_factor(&page));
    }
    let why = match Why::of(request) {
        Some(why) => why,
        None if status == Status::Forbidden => denied(request, &page).await,
        None => fallback.to_owned(),
    };
    let carries = resend.is_some();
    let shown = Shown { status: status.code, title, why, resend };
    let rendered = if page.hx.partial && carries {
        page.show("error", title, &shown).map(in_main)
    } else if page.hx.partial {
        page.fragment("parts/problem", &shown).map(|html| {
            html.with_header("HX-Retarget", "#messages")
                .with_header("HX-Reswap", "innerHTML")
                .with_header("HX-Reselect", "#problem")
        })
    } else {
        page.show("error", title, &shown)
    };
    let Ok(html) = rendered else {
        return Err((status, fallback));
    };
    let html = html.with_status(status);
    Ok(if status == Status::ServiceUnavailable {
        html.with_header("Retry-After", BUSY_FOR.to_string()).into()
    } else {
        html.into()
    })
}

/// Says what the asker lacks and who has it, and writes it down.
async fn denied(request: &Request<'_>, page: &Page<'_>) -> String {
    // Who was refused without more is no staff.
    let need = Lacked::of(request).unwrap_or(Need::Staff);
    let user = page.visitor.user.as_ref().map_or(0, |user| user.id);
    page.record(Event::Denied, user, &need.code());
    if user == 0 {
        return "Staff do this here. Sign in, if you are.".to_owned();
    }
    let groups = async {
        let mut conn = request.guard::<&Db>().await.succeeded()?.conn().await.ok()?;
        groups::all(&mut conn).await.ok()
    };
    need.reason(&groups.await.unwrap_or_default())
}

/// Sends somebody whose group asks for a second factor to where he sets it up.
fn set_up_factor(page: &Page<'_>) -> Reply {
    let there = "/admin/factor/".to_owned();
    if page.hx.partial
        && let Ok(html) = page.fragment("parts/nothing", &())
    {
        return html.with_status(Status::Forbidden).with_header("HX-Redirect", there).into();
    }
    Reply::Redirect(Box::new(Redirect::to(there)))
}

/// The page of ours that a form was on, as the browser says.
fn page_before(request: &Request<'_>) -> Option<String> {
    let referrer = Url::parse(request.headers().get_one("Referer")?).ok()?;
    let host = request.headers().get_one("Host")?;
    let ours = referrer.host_str()? == host.split(':').next()?;
    let query = referrer.query().map(|query| format!("?{query}")).unwrap_or_default();
    ours.then(|| format!("{}{query}", referrer.path()))
}

/// Sends a stranger to the page where he signs in, and from there back: to the page of his form, if he
/// sent one. A form that can be carried along is.
fn sign_in(request: &Request<'_>, page: &Page<'_>, resumable: Option<String>) -> Reply {
    let sent = request.method() != Method::Get;
    // (A part of a page is no place to come back to.)
    let next =
        if sent || page.hx.partial { page_before(request) } else { Some(page.path().to_owned()) };
    if let Some(form) = resumable {
        let next = next.as_deref().unwrap_or("/admin/");
        if let Ok(html) = resume::sign_in(page, next, &form, "", None) {
            let html = html.with_status(Status::Unauthorized);
            let html = if page.hx.partial { in_main(html) } else { html };
            return html.into();
        }
    }
    if sent {
        page.say(Message::note(
            "You are not signed in any more, so nothing was saved. Sign in, then go back to what you \
             typed (the browser's Back), or type it again.",
        ));
    }
    let next = next.unwrap_or_else(|| "/admin/".to_owned());
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let there = format!("/admin/login/?next={next}");
    if page.hx.partial
        && let Ok(html) = page.fragment("parts/nothing", &())
    {
        return html.with_status(Status::Unauthorized).with_header("HX-Redirect", there).into();
    }
    Reply::Redirect(Box::new(Redirect::to(there)))
}
