//! What is said once, on the next page: a cookie carries it there.

use serde::{Deserialize, Serialize};

use crate::auth::Cookies;

const COOKIE: &str = "messages";

/// Something said once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How it is meant.
    pub level: Level,
    /// A sentence.
    pub text: String,
    /// What it is about: a path of this site, or empty.
    pub href: String,
    /// What that is called, or empty.
    pub name: String,
    /// The change set that it can be undone by.
    #[serde(default)]
    pub undo: Option<i64>,
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It was done.
    Done,
    /// Nothing was changed, and that is fine.
    Note,
}

impl Message {
    /// Something was done.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        Self {
            level: Level::Done,
            text: text.into(),
            href: String::new(),
            name: String::new(),
            undo: None,
        }
    }

    /// Something to know.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::done(text) }
    }

    /// What it is about.
    #[must_use]
    pub fn about(self, name: impl Into<String>, href: impl Into<String>) -> Self {
        Self { href: href.into(), name: name.into(), ..self }
    }

    /// Which change set did it: it can be undone from there.
    #[must_use]
    pub fn undone_at(self, set: Option<i64>) -> Self {
        Self { undo: set, ..self }
    }

    /// Keeps it for the next page.
    pub(super) fn keep(self, cookies: Cookies<'_>) {
        let mut all = peek(cookies);
        all.push(self);
        if let Ok(text) = serde_json::to_string(&all) {
            cookies.set(COOKIE, form_urlencoded::byte_serialize(text.as_bytes()).collect());
        }
    }
}

/// Whether anything is to be said.
pub(super) fn any(cookies: Cookies<'_>) -> bool {
    cookies.get(COOKIE).is_some()
}

fn peek(cookies: Cookies<'_>) -> Vec<Message> {
    read(&cookies.get(COOKIE).unwrap_or_default())
}

/// Reads the cookie, which may hold anything.
fn read(text: &str) -> Vec<Message> {
    let text = form_urlencoded::parse(text.as_bytes()).next().map(|(text, _)| text.into_owned());
    let mut all: Vec<Message> = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    // The cookie is the browser's: a link in it goes where any link of ours may go.
    for message in &mut all {
        message.href = super::safe::next(&message.href, "").to_owned();
    }
    all
}

/// Takes what is to be said now.
pub(super) fn take(cookies: Cookies<'_>) -> Vec<Message> {
    let all = peek(cookies);
    cookies.remove(COOKIE);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Message, read};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// A cookie holds what was said, or nothing; a link in it stays on this site.
        #[test]
        fn cookies_say_what_was_said(
            garbage in prop_oneof!["[a-z%{}\":\\[\\],0-9]{0,60}", any::<String>()],
            said in any::<String>(),
            there in prop_oneof![
                Just("/admin/".to_owned()),
                Just("//evil.example".to_owned()),
                any::<String>(),
            ],
        ) {
            read(&garbage);
            let message = Message::done(said.clone()).about("name", there.clone());
            let text = serde_json::to_string(&[message]).expect("in memory");
            let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let found = read(&text);
            prop_assert_eq!(&found[0].text, &said);
            prop_assert!(found[0].href.is_empty() || found[0].href == there);
            prop_assert!(!found[0].href.starts_with("//"));
        }
    }
}
