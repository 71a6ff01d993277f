//! A form that was sent and not carried out, because a session had ended, a token was old, or the site was
//! busy: the page that answers carries along what was typed, with a button that sends it again.
//!
//! It does so only for a form that came from this site, and only back to the account that filled it in. A token
//! says whose form it is ([`csrf::owner`]). Passwords and codes are never carried: they are asked for again.

use std::sync::Mutex;

use rocket::Request;
use rocket::data::{Data, Limits};
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use serde::Serialize;

use super::page::{Html, Page};
use super::{body, safe};
use crate::auth::{csrf, guards};
use crate::error::Result;
use crate::input::Values;

/// The field by which the sign-in pages carry a form along.
pub const FIELD: &str = "resume";
/// The rank of the route that keeps the form of a request that a guard refused: after every other route.
pub(super) const RANK: isize = 1_000;
/// What else a form holds that carries another along, in bytes.
const ROOM: u64 = 16 * 1024;
/// Fields that say nothing to people.
const HIDDEN: [&str; 13] = [
    "version", "base", "back", "once", "clash", "seal", "ids", "key", "next", "action", "set",
    "preview", FIELD,
];
/// The order in which secrets are asked for.
const SECRETS: [&str; 5] = ["old", "password", "new", "again", "code"];

/// What a field of a form that holds a secret is called; none for a field that holds none. (An airport has a
/// code, too.)
fn secret(path: &str, name: &str) -> Option<&'static str> {
    match name {
        "password" => Some("Password"),
        "old" => Some("Old password"),
        "new" => Some("New password"),
        "again" => Some("The same password again"),
        "code" if path.starts_with("/admin/login/") || path.starts_with("/admin/factor/") => {
            Some("Code of your app")
        }
        _ => None,
    }
}

/// A field's name as people read it: `Confirm times` for `confirm_times`.
fn readable(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A form that was sent and not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The account that filled it in; 0 for somebody who had not signed in.
    pub by: i64,
    path: String,
    /// As a form's body; secrets are empty.
    fields: String,
}

/// A form as a page sends it again.
#[derive(Debug, Serialize)]
pub struct Resend {
    action: String,
    csrf: String,
    fields: Vec<Field>,
    /// Those of them that people know.
    shown: Vec<Field>,
    secrets: Vec<Secret>,
}

#[derive(Debug, Clone, Serialize)]
struct Field {
    name: String,
    label: String,
    value: String,
}

/// A field that is asked for again.
#[derive(Debug, Serialize)]
struct Secret {
    name: String,
    label: &'static str,
}

impl Unfinished {
    fn new(by: i64, path: &str, values: &Values) -> Self {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        for (name, value) in values.iter().filter(|(name, _)| *name != csrf::FIELD) {
            fields.append_pair(name, if secret(path, name).is_some() { "" } else { value });
        }
        Self { by, path: path.to_owned(), fields: fields.finish() }
    }

    /// Reads a form that a sign-in page carried; nothing, if it leads to another site.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (by, there) = text.split_at_checked(text.find('/')?)?;
        let (path, fields) = there.split_once('?')?;
        if safe::next(path, "").is_empty() {
            return None;
        }
        Some(Self::new(by.parse().ok()?, path, &Values::from_urlencoded(fields)))
    }

    /// The form that this one, of a sign-in page, carried along.
    fn carried(&self) -> Option<Self> {
        let values = Values::from_urlencoded(&self.fields);
        let is_sign_in = self.path.starts_with("/admin/login/");
        is_sign_in.then(|| Self::parse(values.first(FIELD))).flatten()
    }

    /// As one field of a sign-in page.
    fn to_text(&self) -> String {
        format!("{}{}?{}", self.by, self.path, self.fields)
    }

    /// As a page shows it, with a token.
    #[must_use]
    pub fn resend(&self, csrf: String) -> Resend {
        let values = Values::from_urlencoded(&self.fields);
        let mut resend = Resend {
            action: self.path.clone(),
            csrf,
            fields: Vec::new(),
            shown: Vec::new(),
            secrets: Vec::new(),
        };
        for (name, value) in values.iter() {
            if let Some(label) = secret(&self.path, name) {
                resend.secrets.push(Secret { name: name.to_owned(), label });
                continue;
            }
            let field =
                Field { name: name.to_owned(), label: readable(name), value: value.to_owned() };
            if !name.starts_with('_') && !HIDDEN.contains(&name) && !value.is_empty() {
                resend.shown.push(field.clone());
            }
            resend.fields.push(field);
        }
        let place = |secret: &Secret| SECRETS.iter().position(|name| *name == secret.name);
        resend.secrets.sort_by_key(place);
        resend
    }
}

/// The form of a request and its token, on their way to the page that answers.
#[derive(Debug, Default)]
struct Kept(Mutex<Option<(Unfinished, String)>>);

/// Keeps the form of a request that came from this site, in case it is not carried out.
pub(super) fn keep(request: &Request<'_>, values: &Values) {
    let token = body::token(request, values);
    let form = Unfinished::new(csrf::owner(token), request.uri().path().as_str(), values);
    if let Ok(mut kept) = request.local_cache(Kept::default).0.lock() {
        *kept = Some((form, token.to_owned()));
    }
}

fn kept(request: &Request<'_>) -> Option<(Unfinished, String)> {
    request.local_cache(Kept::default).0.lock().ok()?.clone()
}

/// The form of a request, to be sent again, if it is of whoever asks.
pub(super) fn resend(request: &Request<'_>, page: &Page<'_>) -> Option<Resend> {
    let (form, token) = kept(request)?;
    if page.visitor.unknown {
        // The database did not say who asks: the token is as good as it was.
        return Some(form.resend(token));
    }
    let own = page.visitor.user.as_ref().map_or(0, |user| user.id);
    let is_own = |form: &Unfinished| form.by == own;
    // Whoever has signed in elsewhere goes on with the form that the sign-in page carried.
    let form = if is_own(&form) { Some(form) } else { form.carried().filter(is_own) };
    form.map(|form| form.resend(page.token()))
}

/// The form of somebody whose session has ended, as a field of the sign-in page; none, if it was nobody's or
/// is more than a form may hold there.
pub(super) fn to_sign_in(request: &Request<'_>, page: &Page<'_>) -> Option<String> {
    let (form, _) = kept(request)?;
    if form.by == 0 || page.visitor.user.is_some() || page.visitor.unknown {
        return None;
    }
    let text = form.to_text();
    let length: usize = form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum();
    let limit = request.limits().get("form").unwrap_or(Limits::FORM).as_u64();
    let fits = u64::try_from(length).ok()?.saturating_add(ROOM) <= limit;
    fits.then_some(text)
}

/// The sign-in page.
#[derive(Debug, Serialize)]
struct SignIn<'a> {
    csrf: String,
    next: &'a str,
    resume: &'a str,
    username: &'a str,
    error: Option<&'a str>,
    can_reset: bool,
}

/// The page where somebody signs in: `next` is where he goes then, `resume` the form that he goes on with.
pub fn sign_in(
    page: &Page<'_>,
    next: &str,
    resume: &str,
    username: &str,
    error: Option<&str>,
) -> Result<Html> {
    let context = SignIn {
        csrf: page.token(),
        next: safe::next(next, "/admin/"),
        resume,
        username,
        error,
        can_reset: page.settings.mailer.transport.is_on(),
    };
    page.show("accounts/login", "Sign in", &context)
}

/// The route that keeps the form of a request that a guard refused. It answers nothing by itself: what was
/// refused stays refused.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::ranked(RANK, Method::Post, "/<path..>", Keeper)]
}

#[derive(Debug, Clone, Copy)]
struct Keeper;

#[rocket::async_trait]
impl Handler for Keeper {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Some(status) = guards::refused(request) else {
            return Outcome::Forward((data, Status::NotFound));
        };
        if let Ok(values) = body::receive(request, data).await {
            keep(request, &values);
        }
        Outcome::Error(status)
    }
}

#[cfg(test)]
mod tests {
    use super::Unfinished;
    use crate::input::Values;

    #[test]
    fn a_form_is_carried_without_its_token_and_its_secrets() {
        let typed = Values::from_urlencoded("csrf=5.x&code=JFK&city=New+York&city=%26&password=s");
        let form = Unfinished::new(5, "/admin/airports/add/", &typed);
        let text = form.to_text();
        assert_eq!(text, "5/admin/airports/add/?city=New+York&city=%26&code=JFK&password=");
        assert_eq!(Unfinished::parse(&text), Some(form));
        let code =
            Unfinished::new(0, "/admin/login/code/", &Values::from_urlencoded("code=123456"));
        assert_eq!(code.to_text(), "0/admin/login/code/?code=");
    }

    #[test]
    fn a_form_leads_to_no_other_site() {
        for bad in ["", "5", "x/admin/?a=b", "5//evil.example/?a=b", "5/\\evil/?a", "5/admin/"] {
            assert_eq!(Unfinished::parse(bad), None, "{bad}");
        }
    }
}
