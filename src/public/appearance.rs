//! Light, dark, or as the device says: kept in a cookie, for visitors too.

use rocket::{get, post};
use serde::Serialize;

use crate::error::Result;
use crate::pages::{Html, Message, Page, Query, Reply, Submission, safe};

#[derive(Debug, Serialize)]
struct Appearance {
    csrf: String,
    next: String,
    choices: Vec<Choice>,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: &'static str,
    title: &'static str,
    chosen: bool,
}

const CHOICES: [(&str, &str); 3] =
    [("auto", "As this device is set"), ("light", "Light"), ("dark", "Dark")];

/// The choice.
#[get("/appearance")]
pub(super) fn show(query: Query, page: Page<'_>) -> Result<Html> {
    let theme = page.theme();
    let context = Appearance {
        csrf: page.token(),
        next: safe::next(query.0.first("next"), "/").to_owned(),
        choices: CHOICES
            .iter()
            .map(|(value, title)| Choice { value, title, chosen: *value == theme })
            .collect(),
    };
    page.show("public/appearance", "Appearance", &context)
}

/// Keeps the choice and goes back.
#[post("/appearance", data = "<form>")]
pub(super) fn choose(form: Submission, page: Page<'_>) -> Reply {
    let wanted = form.0.first("theme");
    let known = CHOICES.iter().find(|(value, _)| *value == wanted);
    if let Some((value, title)) = known {
        page.cookies.set_for_long("theme", (*value).to_owned());
        let next = safe::next(form.0.first("next"), "/").to_owned();
        return page
            .to(next, Some(Message::done(format!("Appearance: {}.", title.to_lowercase()))));
    }
    page.to("/appearance".to_owned(), None)
}
