//! Who is asking, as a type in a handler's signature.

use rocket::Request;
use rocket::http::{Cookie, CookieJar, Method, SameSite, Status};
use rocket::outcome::try_outcome;
use rocket::request::{FromRequest, Outcome};
use tracing::warn;

use super::csrf;
use super::rights::{Need, Right, Rights};
use super::sessions;
use super::users::{FromGroups, User};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::config::Settings;
use crate::db::Db;
use crate::error::Result;
use crate::random;

/// Whoever asks: somebody who has signed in, or not. Asked once a request.
#[derive(Debug, Default)]
pub struct Visitor {
    /// Who, if he has signed in.
    pub user: Option<User>,
    /// Who has given the right password, if the second factor is still to come.
    pub half: Option<User>,
    /// The secret of his session, alive or ended; empty without one.
    pub secret: String,
    /// Whether the database could not be asked who he is.
    pub unknown: bool,
    /// Whether a group of his asks for a second factor that he has not set up.
    pub lacks_factor: bool,
    /// When he last proved with his password that it is he, in seconds since 1970.
    confirmed_at: i64,
    /// His rights and those of his groups.
    rights: Rights,
}

impl Visitor {
    /// Somebody whose session has just begun, for the page that answers: what he may do is asked with the next
    /// request.
    #[must_use]
    pub fn just_begun(user: User, secret: String, awaits_factor: bool) -> Self {
        let (user, half) = if awaits_factor { (None, Some(user)) } else { (Some(user), None) };
        Self { user, half, secret, ..Self::default() }
    }

    /// Him as the one who changes things.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.user.as_ref().map_or_else(Actor::visitor, User::actor)
    }

    /// Whether he may enter the staff site.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        !self.lacks_factor && self.user.as_ref().is_some_and(User::may_enter)
    }

    /// Whether he may do everything.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.is_staff() && self.user.as_ref().is_some_and(User::may_everything)
    }

    /// Whether he has what something needs.
    #[must_use]
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Staff => self.is_staff(),
            Need::Superuser => self.is_superuser(),
            Need::Right(right) => self.may(right),
        }
    }

    /// Whether he has a right: staff who were given it, and superusers.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.is_superuser() || (self.is_staff() && self.rights.has(right))
    }

    /// Whether he has each of some rights.
    #[must_use]
    pub fn may_all(&self, rights: &Rights) -> bool {
        rights.iter().all(|right| self.may(right))
    }

    /// An error unless he has what something needs.
    pub fn need(&self, need: Need) -> Result<()> {
        if self.has(need) { Ok(()) } else { Err(need.denied()) }
    }

    /// Whether the database still says the same of him as when the request's head arrived. The body may
    /// come much later.
    pub async fn is_still_so(&self, request: &Request<'_>) -> Result<bool> {
        if self.user.is_none() && self.half.is_none() {
            return Ok(true);
        }
        let now = find(request).await?;
        Ok(now.user == self.user
            && now.half == self.half
            && now.rights == self.rights
            && now.lacks_factor == self.lacks_factor)
    }

    /// Whoever asks, as the database knows them now: an answer that takes long asks again.
    pub async fn again(request: &Request<'_>, db: &Db) -> Result<Self> {
        find_in(request, db).await
    }

    /// Whether he has just proved with his password that it is he.
    #[must_use]
    pub fn is_confirmed(&self, now: i64) -> bool {
        self.user.is_some() && sessions::is_within(self.confirmed_at, sessions::CONFIRMED, now)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r Visitor {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let visitor = request.local_cache_async(async {
            find(request).await.unwrap_or(Visitor { unknown: true, ..Visitor::default() })
        });
        Outcome::Success(visitor.await)
    }
}

async fn find(request: &Request<'_>) -> Result<Visitor> {
    match request.guard::<&Db>().await {
        Outcome::Success(db) => find_in(request, db).await,
        _ => Ok(Visitor::default()),
    }
}

async fn find_in(request: &Request<'_>, db: &Db) -> Result<Visitor> {
    let Outcome::Success(cookies) = request.guard::<Cookies<'_>>().await else {
        return Ok(Visitor::default());
    };
    let (Some(secret), Some(clock)) =
        (cookies.get(Cookies::SESSION), request.rocket().state::<Clock>())
    else {
        return Ok(Visitor::default());
    };
    let now = clock.now();
    let session = {
        // Given back before the handler takes its own: a request holds one connection at a time.
        let mut conn = db.conn().await?;
        sessions::find(&mut conn, &secret, now).await?
    };
    let Some(session) = session else {
        // A session that has ended is nobody's; the forms of its pages can still be told from others.
        return Ok(Visitor { secret, ..Visitor::default() });
    };
    if sessions::is_stale(&session, now) {
        // Not worth a refusal: the next request tries again.
        if let Err(error) = sessions::touch(db, session.session_id, now).await {
            warn!(%error, "the last use of a session was not written down");
        }
    }
    if session.awaits_factor {
        return Ok(Visitor { half: Some(session.user), secret, ..Visitor::default() });
    }
    let FromGroups { group_rights, must_have_factor } = session.from_groups;
    Ok(Visitor {
        rights: session.user.rights.and(&group_rights.unwrap_or_default().into()),
        lacks_factor: must_have_factor && !session.user.second_factor,
        confirmed_at: session.confirmed_at,
        user: Some(session.user),
        secret,
        ..Visitor::default()
    })
}

/// The status by which a guard refused a form, on its way to the route that keeps what was typed.
struct Refused(Option<Status>);

/// Refuses a request. A form of this site's own goes on to `pages::resume`, which keeps it and refuses the
/// request by the same status.
fn refuse<T>(request: &Request<'_>, status: Status) -> Outcome<T, ()> {
    if request.method() == Method::Post && csrf::is_own(request) {
        request.local_cache(|| Refused(Some(status)));
        return Outcome::Forward(status);
    }
    Outcome::Error((status, ()))
}

/// The status by which a guard has refused a form.
#[must_use]
pub fn refused(request: &Request<'_>) -> Option<Status> {
    request.local_cache(|| Refused(None)).0
}

/// Somebody who has signed in, staff or not: for pages about his own account. Others get 401 and are
/// sent to sign in; while the database does not answer, everybody gets 503.
#[derive(Debug, Clone, Copy)]
pub struct Account<'r>(pub &'r User);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Account<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let Outcome::Success(visitor) = request.guard::<&Visitor>().await else {
            return Outcome::Error((Status::Unauthorized, ()));
        };
        match &visitor.user {
            None if visitor.unknown => refuse(request, Status::ServiceUnavailable),
            None => refuse(request, Status::Unauthorized),
            Some(user) => Outcome::Success(Account(user)),
        }
    }
}

/// Somebody who may enter the staff site. As [`Account`]; who is no staff gets 403, and who lacks a
/// second factor that his group asks for is sent to set it up (428).
#[derive(Debug, Clone, Copy)]
pub struct Staff<'r>(pub &'r Visitor);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Staff<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let Account(user) = try_outcome!(request.guard::<Account<'r>>().await);
        let Outcome::Success(visitor) = request.guard::<&Visitor>().await else {
            return Outcome::Error((Status::Unauthorized, ()));
        };
        if user.may_enter() && visitor.lacks_factor {
            return refuse(request, Status::PreconditionRequired);
        }
        if visitor.is_staff() {
            Outcome::Success(Staff(visitor))
        } else {
            refuse(request, Status::Forbidden)
        }
    }
}

/// The cookies of this site, by short names. Scripts cannot read them, other sites cannot make the
/// browser send them along with a form, and behind HTTPS no other host can set them (`__Host-`).
#[derive(Clone, Copy)]
pub struct Cookies<'r> {
    jar: &'r CookieJar<'r>,
    https: bool,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Cookies<'r> {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let https = request.rocket().state::<Settings>().is_some_and(|settings| settings.https);
        Outcome::Success(Self { jar: request.cookies(), https })
    }
}

impl Cookies<'_> {
    const SESSION: &'static str = "session";
    const BROWSER: &'static str = "browser";

    fn name(&self, name: &str) -> String {
        if self.https { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn build(&self, name: &str, value: String) -> Cookie<'static> {
        Cookie::build((self.name(name), value))
            .path("/")
            .http_only(true)
            .secure(self.https)
            .same_site(SameSite::Lax)
            .build()
    }

    /// Sets a cookie that lasts as long as the browser is open.
    pub fn set(&self, name: &str, value: String) {
        self.jar.add(self.build(name, value));
    }

    /// Sets a cookie that lasts a year.
    pub fn set_for_long(&self, name: &str, value: String) {
        let mut cookie = self.build(name, value);
        cookie.set_max_age(rocket::time::Duration::days(365));
        self.jar.add(cookie);
    }

    /// The value of a cookie, set now or before.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.jar.get_pending(&self.name(name)).map(|cookie| cookie.value().to_owned())
    }

    /// Takes a cookie back, if the browser has it.
    pub fn remove(&self, name: &str) {
        if self.jar.get_pending(&self.name(name)).is_some() {
            self.jar.remove(self.build(name, String::new()));
        }
    }

    /// Gives the browser a session, and a new secret for its forms.
    pub fn sign_in(&self, secret: String) {
        self.set(Self::SESSION, secret);
        self.set(Self::BROWSER, random::secret());
    }

    /// Takes the session from the browser.
    pub fn sign_out(&self) {
        self.remove(Self::SESSION);
        self.remove(Self::BROWSER);
    }

    /// The browser's own secret, which its forms' tokens are made of, if it has one.
    #[must_use]
    pub fn browser_secret(&self) -> Option<String> {
        self.get(Self::BROWSER)
    }

    /// [`Cookies::browser_secret`], made where there is none.
    #[must_use]
    pub fn ensure_browser_secret(&self) -> String {
        self.browser_secret().unwrap_or_else(|| {
            let secret = random::secret();
            self.set(Self::BROWSER, secret.clone());
            secret
        })
    }
}
