//! The body of a request that changes something. It arrives whole, from one of our own pages, or
//! the handler never runs.

use rocket::Request;
use rocket::data::{Data, FromData, Limits, Outcome, ToByteUnit as _};
use rocket::http::Status;
use rocket::tokio::time::{Duration, timeout};

use super::catchers::Why;
use super::headers::RequestId;
use super::resume;
use crate::auth::address::Address;
use crate::auth::events::{self, Event};
use crate::auth::{Cookies, Visitor, csrf};
use crate::input::Values;

/// A form that was sent from a page of this site, complete.
#[derive(Debug)]
pub struct Submission(pub Values);

/// More fields than a passenger's form has who is on every flight of a busy year.
const MOST_FIELDS: usize = 10_000;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(15);

#[rocket::async_trait]
impl<'r> FromData<'r> for Submission {
    type Error = ();

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        match read(request, data).await {
            Ok(values) => Outcome::Success(Self(values)),
            Err((status, why)) => {
                Why::tell(request, why);
                Outcome::Error((status, ()))
            }
        }
    }
}

fn record(request: &Request<'_>, event: Event) {
    events::record(
        event,
        0,
        &Address::of(request).0,
        RequestId::of(request),
        request.uri().path().as_str(),
    );
}

/// The token that a form came with.
pub(super) fn token<'v>(request: &'v Request<'_>, values: &'v Values) -> &'v str {
    request.headers().get_one("X-CSRF-Token").unwrap_or_else(|| values.first(csrf::FIELD))
}

/// The fields of a form that arrived whole and does not come from another site.
pub(super) async fn receive<'r>(
    request: &'r Request<'_>,
    data: Data<'r>,
) -> Result<Values, (Status, &'static str)> {
    if csrf::is_foreign(request) {
        record(request, Event::ForeignForm);
        return Err((Status::Forbidden, "This came from another site, so nothing was done."));
    }
    if !request.content_type().is_some_and(|kind| kind.is_form()) {
        return Err((Status::UnsupportedMediaType, "Send this as a form."));
    }
    // Rocket takes a body that breaks off early for a complete one: the length says which it is.
    let length =
        request.headers().get_one("Content-Length").and_then(|length| length.parse::<u64>().ok());
    let Some(length) = length else {
        return Err((Status::LengthRequired, "Say how long the form is (Content-Length)."));
    };
    let limit = request.limits().get("form").unwrap_or(Limits::FORM);
    if length > limit.as_u64() {
        return Err((Status::PayloadTooLarge, "This is more than a form may hold."));
    }
    let broken = (Status::BadRequest, "The form did not arrive whole, so nothing was done.");
    let bytes = timeout(PATIENCE, data.open(length.saturating_add(1).bytes()).into_bytes())
        .await
        .map_err(|_| (Status::RequestTimeout, "The form took too long to arrive."))?
        .map_err(|_| broken)?;
    if u64::try_from(bytes.len()).ok() != Some(length) {
        return Err(broken);
    }
    let text = String::from_utf8(bytes.into_inner())
        .map_err(|_| (Status::BadRequest, "The form is not UTF-8 text."))?;
    if text.split('&').count() > MOST_FIELDS {
        return Err((Status::PayloadTooLarge, "This has more fields than a form may hold."));
    }
    Ok(Values::from_urlencoded(&text))
}

async fn read<'r>(
    request: &'r Request<'_>,
    data: Data<'r>,
) -> Result<Values, (Status, &'static str)> {
    let values = receive(request, data).await?;
    if csrf::is_own(request) {
        resume::keep(request, &values);
    }
    let (Some(visitor), Some(cookies)) = (
        request.guard::<&Visitor>().await.succeeded(),
        request.guard::<Cookies<'_>>().await.succeeded(),
    ) else {
        return Err((Status::InternalServerError, "Something went wrong on our side."));
    };
    if visitor.unknown {
        return Err((
            Status::ServiceUnavailable,
            "Nothing was changed. Go back and try again in a moment.",
        ));
    }
    // While the body arrived somebody may have closed the account, or taken a right away.
    match visitor.is_still_so(request).await {
        Ok(true) => {}
        Ok(false) => {
            return Err((
                Status::Forbidden,
                "Your account was changed, or your session ended, while this was sent. Nothing was \
                 done. If your form is not below, go back, reload the page, and send it again.",
            ));
        }
        Err(_) => {
            return Err((
                Status::ServiceUnavailable,
                "Nothing was changed. Try again in a moment.",
            ));
        }
    }
    let browser = cookies.browser_secret().unwrap_or_default();
    let token = token(request, &values);
    // Whose it is: of a session that has ended, the token alone still knows.
    let expected = csrf::token(&browser, &visitor.secret, csrf::owner(token));
    if browser.is_empty() || !csrf::matches(token, &expected) {
        record(request, Event::NoToken);
        return Err((
            Status::Forbidden,
            "This form is from before you signed in or out, or cookies are off. Nothing was done. \
             If your form is not below, go back, reload the page, and send it again.",
        ));
    }
    resume::keep(request, &values);
    Ok(values)
}
