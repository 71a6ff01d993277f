//! A page: what every page needs, put around what one page shows.

use std::io::Cursor;
use std::sync::Arc;

use rocket::Request;
use rocket::http::{ContentType, Header, Status};
use rocket::outcome::try_outcome;
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Redirect, Responder, Response};
use rocket_dyn_templates::Metadata;
use serde::Serialize;

use super::asked::Hx;
use super::assets;
use super::cache::{Moment, PageCache};
use super::headers::RequestId;
use super::messages::{self, Message};
use crate::auth::address::Address;
use crate::auth::events::{self, Event};
use crate::auth::sessions::Origin;
use crate::auth::{Cookies, Need, Right, User, Visitor, csrf};
use crate::changes::{self, Intent};
use crate::clock::Clock;
use crate::config::Settings;
use crate::db::Conn;
use crate::error::{Error, Result};

/// What a handler needs to answer with a page.
pub struct Page<'r> {
    /// Who asks.
    pub visitor: &'r Visitor,
    /// The cookies of this site.
    pub cookies: Cookies<'r>,
    /// The settings of this run.
    pub settings: &'r Settings,
    /// Whether htmx asks.
    pub hx: Hx,
    templates: Metadata<'r>,
    clock: &'r Clock,
    cache: &'r PageCache,
    path: String,
    browser: &'r str,
    request_id: &'r str,
    /// Where the request comes from.
    pub address: Address,
}

/// What handlers answer.
#[derive(Debug, Responder)]
pub enum Reply {
    /// A page, or a fragment of one.
    Html(Html),
    /// Go there (303).
    Redirect(Box<Redirect>),
}

impl From<Html> for Reply {
    fn from(html: Html) -> Self {
        Self::Html(html)
    }
}

/// A page or a fragment, rendered.
#[derive(Debug)]
pub struct Html {
    /// The status it comes with.
    pub status: Status,
    body: Arc<[u8]>,
    private: bool,
    headers: Vec<(&'static str, String)>,
}

impl Html {
    /// Answers with another status.
    #[must_use]
    pub fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl<'r> Responder<'r, 'static> for Html {
    fn respond_to(self, _request: &'r Request<'_>) -> rocket::response::Result<'static> {
        let mut response = Response::build();
        response.status(self.status).header(ContentType::HTML);
        response.sized_body(self.body.len(), Cursor::new(self.body));
        // Whatever depends on who asks is kept nowhere.
        let caching = if self.private { "no-store" } else { "no-cache" };
        response.header(Header::new("Cache-Control", caching));
        for (name, value) in self.headers {
            response.header(Header::new(name, value));
        }
        response.ok()
    }
}

/// What the shell around a page shows.
#[derive(Debug, Serialize)]
struct Shell<'a> {
    title: &'a str,
    user: Option<&'a User>,
    is_staff: bool,
    csrf: String,
    here: String,
    messages: Vec<Message>,
    theme: String,
    css: File,
    js: File,
    staff_js: File,
    htmx: File,
    icon: File,
    request_id: &'a str,
}

/// A file that every page asks for: where it is, and by which hash it is checked.
#[derive(Debug, Serialize)]
struct File {
    path: &'static str,
    integrity: &'static str,
}

impl File {
    fn of(name: &str) -> Self {
        Self { path: assets::path(name), integrity: assets::integrity(name) }
    }
}

#[derive(Serialize)]
struct Whole<'a, T> {
    site: Shell<'a>,
    #[serde(flatten)]
    page: &'a T,
}

impl Page<'_> {
    /// A whole page.
    pub fn show<T: Serialize>(
        &self,
        template: &'static str,
        title: &str,
        page: &T,
    ) -> Result<Html> {
        self.show_to(self.visitor, template, title, page)
    }

    /// A whole page, for somebody else than who asked: whose session has just begun.
    pub fn show_to<T: Serialize>(
        &self,
        visitor: &Visitor,
        template: &'static str,
        title: &str,
        page: &T,
    ) -> Result<Html> {
        let signed_in = visitor.user.is_some();
        let messages = messages::take(self.cookies);
        let private = signed_in || !messages.is_empty() || !self.is_stranger();
        let site = Shell {
            title,
            user: visitor.user.as_ref(),
            is_staff: visitor.is_staff(),
            // Only who is signed in has a form (to sign out) on every page.
            csrf: if signed_in { self.token_of(visitor) } else { String::new() },
            here: form_urlencoded::byte_serialize(self.path.as_bytes()).collect(),
            messages,
            theme: self.theme(),
            css: File::of("airline.css"),
            js: File::of("airline.js"),
            staff_js: File::of("staff.js"),
            htmx: File::of("htmx.js"),
            icon: File::of("icon.svg"),
            request_id: self.request_id,
        };
        let body = self.render(template, &Whole { site, page })?;
        Ok(Html { status: Status::Ok, body, private, headers: Vec::new() })
    }

    /// A fragment, which has an address of its own and is kept nowhere.
    pub fn fragment<T: Serialize>(&self, template: &'static str, context: &T) -> Result<Html> {
        let body = self.render(template, context)?;
        Ok(Html { status: Status::Ok, body, private: true, headers: Vec::new() })
    }

    fn is_stranger(&self) -> bool {
        let Visitor { user, unknown, .. } = self.visitor;
        user.is_none() && !unknown && self.cookies.browser_secret().is_none()
    }

    /// A page that every stranger gets alike: rendered once for each state of the data, and at most
    /// a minute old.
    pub async fn shared(
        &self,
        db: &mut Conn,
        render: impl AsyncFnOnce(&mut Conn) -> Result<Html>,
    ) -> Result<Html> {
        if !self.is_stranger() || self.hx.partial || messages::any(self.cookies) {
            return render(db).await;
        }
        let moment = Moment {
            data_version: changes::data_version(db).await?,
            minute: self.now().div_euclid(60),
        };
        let key = format!("{} {}", self.theme(), self.path);
        if let Some(body) = self.cache.get(moment, &key) {
            return Ok(Html { status: Status::Ok, body, private: false, headers: Vec::new() });
        }
        let html = render(db).await?;
        self.cache.put(moment, key, Arc::clone(&html.body));
        Ok(html)
    }

    fn render<T: Serialize>(&self, template: &'static str, context: &T) -> Result<Arc<[u8]>> {
        let rendered = self.templates.render(template, context);
        let (_, body) =
            rendered.ok_or_else(|| Error::internal(format!("the template {template}")))?;
        Ok(body.into_bytes().into())
    }

    /// Says something on the next page.
    pub fn say(&self, message: Message) {
        message.keep(self.cookies);
    }

    /// Go there (303), and say this there.
    #[must_use]
    pub fn to(&self, path: String, saying: Option<Message>) -> Reply {
        if let Some(message) = saying {
            message.keep(self.cookies);
        }
        Reply::Redirect(Box::new(Redirect::to(path)))
    }

    /// The token of this visitor's forms. A page with a form gives it to its template.
    #[must_use]
    pub fn token(&self) -> String {
        self.token_of(self.visitor)
    }

    /// The token of somebody's forms in this browser.
    #[must_use]
    pub fn token_of(&self, visitor: &Visitor) -> String {
        let user = visitor.user.as_ref().map_or(0, |user| user.id);
        csrf::token(&self.cookies.ensure_browser_secret(), &visitor.secret, user)
    }

    /// Now, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The path that was asked for, with its query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What a change set of this request begins with.
    #[must_use]
    pub fn intent(&self, action: &'static str) -> Intent {
        Intent {
            actor: self.visitor.actor(),
            action,
            at: self.now(),
            request_id: self.request_id.to_owned(),
        }
    }

    /// Where a session that begins now begins.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let browser =
            self.browser.chars().filter(|letter| !letter.is_control()).take(200).collect();
        Origin { address: self.address.0.clone(), browser }
    }

    /// Writes down what happened to an account (0 for nobody's).
    pub fn record(&self, event: Event, user: i64, about: &str) {
        events::record(event, user, &self.address.0, self.request_id, about);
    }

    /// An error unless this visitor has what something needs, or everybody may do it here.
    pub fn need_unless_public(&self, right: Right) -> Result<()> {
        if self.settings.public_booking { Ok(()) } else { self.visitor.need(Need::Right(right)) }
    }

    /// Whether this visitor books.
    #[must_use]
    pub fn may_book(&self) -> bool {
        self.need_unless_public(Right::Book).is_ok()
    }

    /// Whether this visitor sees passengers' names.
    #[must_use]
    pub fn sees_names(&self) -> bool {
        self.need_unless_public(Right::SeeNames).is_ok()
    }

    /// `light`, `dark`, or `auto`.
    #[must_use]
    pub fn theme(&self) -> String {
        let theme = self.cookies.get("theme").unwrap_or_default();
        if matches!(theme.as_str(), "light" | "dark") { theme } else { "auto".to_owned() }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Page<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let visitor =
            try_outcome!(request.guard::<&Visitor>().await.map_error(|(status, _)| (status, ())));
        let cookies = try_outcome!(
            request.guard::<Cookies<'r>>().await.map_error(|(status, _)| (status, ()))
        );
        let templates = try_outcome!(request.guard::<Metadata<'r>>().await);
        let rocket = request.rocket();
        let (Some(settings), Some(clock), Some(cache)) =
            (rocket.state::<Settings>(), rocket.state::<Clock>(), rocket.state::<PageCache>())
        else {
            return Outcome::Error((Status::InternalServerError, ()));
        };
        Outcome::Success(Self {
            visitor,
            cookies,
            settings,
            hx: Hx::of(request),
            templates,
            clock,
            cache,
            path: request.uri().to_string(),
            browser: request.headers().get_one("User-Agent").unwrap_or_default(),
            request_id: RequestId::of(request),
            address: Address::of(request),
        })
    }
}
