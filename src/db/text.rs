//! One SQL text for both databases, and three types of text, so that a write outside a change set
//! does not compile:
//!
//! - [`Select`] reads; any [`Conn`](super::Conn) takes it. A text that does anything else does not compile.
//! - [`Write`] changes objects; only a change set (`crate::changes`) takes it.
//! - [`Upkeep`] changes what has no history (sessions, the log itself); any [`Tx`](super::Tx) takes it. A text
//!   that names a table of objects does not compile.
//!
//! ```compile_fail
//! # use airline::db::Select;
//! const SNEAKY: Select = Select::new("DELETE FROM flights");
//! ```
//! ```compile_fail
//! # use airline::db::Upkeep;
//! const SNEAKY: Upkeep = Upkeep::new("UPDATE flights SET duration = 0");
//! ```
//! ```
//! # use airline::db::{Select, Upkeep, Write};
//! const READ: Select = Select::new("SELECT id FROM flights");
//! const CHANGE: Write = Write::new("UPDATE flights SET duration = 0");
//! const END: Upkeep = Upkeep::new("DELETE FROM sessions WHERE id = $1");
//! # assert_ne!(format!("{READ:?}"), format!("{CHANGE:?} {END:?}"));
//! ```
//!
//! The dialect that both speak: `$1`; `BIGINT` and `i64`; `RETURNING`; `ON CONFLICT`;
//! `CAST(SUM(x) AS BIGINT)`; `ORDER BY … NULLS LAST, id`; `LIKE $1 ESCAPE '\'` on folded text;
//! times bound from the clock.

/// The tables whose rows have a history: [`Upkeep`] may not name them.
pub(crate) const OBJECTS: [&str; 7] =
    ["airports", "flights", "passengers", "bookings", "users", "groups", "memberships"];

/// A text that reads.
#[derive(Debug, Clone, Copy)]
pub struct Select(pub(super) &'static str);

/// A text that changes objects.
#[derive(Debug, Clone, Copy)]
pub struct Write(pub(super) &'static str);

/// A text that changes what has no history.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep(pub(super) &'static str);

impl Select {
    /// Takes a text that begins with `SELECT`.
    ///
    /// # Panics
    ///
    /// On any other text; in a constant, that stops the build.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(begins(text, "SELECT "), "a Select must begin with SELECT");
        Self(text)
    }
}

impl Write {
    /// Takes a text that inserts, updates or deletes.
    ///
    /// # Panics
    ///
    /// On a text that reads; in a constant, that stops the build.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(!begins(text, "SELECT "), "a Write must not begin with SELECT");
        Self(text)
    }
}

impl Upkeep {
    /// Takes a text that inserts, updates or deletes in a table without history.
    ///
    /// # Panics
    ///
    /// On a text that reads, or that names a table of objects; in a constant, that stops the build.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(!begins(text, "SELECT "), "an Upkeep must not begin with SELECT");
        let mut table = 0;
        while table < OBJECTS.len() {
            let name = OBJECTS[table];
            assert!(
                !begins_then(text, "INSERT INTO ", name)
                    && !begins_then(text, "UPDATE ", name)
                    && !begins_then(text, "DELETE FROM ", name),
                "objects are written through a change set"
            );
            table += 1;
        }
        Self(text)
    }
}

/// Whether a text begins with a word, blanks apart.
const fn begins(text: &str, word: &str) -> bool {
    after(text, word).is_some()
}

/// Whether a text begins with a word and then a name that ends there.
const fn begins_then(text: &str, word: &str, name: &str) -> bool {
    let (Some(start), name) = (after(text, word), name.as_bytes()) else {
        return false;
    };
    let text = text.as_bytes();
    let mut at = 0;
    while at < name.len() {
        if start + at >= text.len() || text[start + at] != name[at] {
            return false;
        }
        at += 1;
    }
    let end = start + at;
    end >= text.len() || !(text[end].is_ascii_alphanumeric() || text[end] == b'_')
}

/// Where a text goes on after a word that it begins with, blanks apart.
const fn after(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let mut start = 0;
    while start < text.len() && text[start].is_ascii_whitespace() {
        start += 1;
    }
    let mut at = 0;
    while at < word.len() {
        if start + at >= text.len() || text[start + at] != word[at] {
            return None;
        }
        at += 1;
    }
    Some(start + at)
}

/// A reading text that is put together at run time: only from source text and bound values, so a
/// visitor's words can never become SQL.
#[derive(Debug, Clone)]
pub struct Composed {
    pub(super) text: String,
    pub(super) values: Vec<Scalar>,
}

#[derive(Debug, Clone)]
pub(super) enum Scalar {
    Text(String),
    Number(i64),
}

impl From<Select> for Composed {
    fn from(start: Select) -> Self {
        Self::new(start)
    }
}

impl Composed {
    /// Begins with a reading text.
    #[must_use]
    pub fn new(start: Select) -> Self {
        Self { text: start.0.to_owned(), values: Vec::new() }
    }

    /// Begins with what a list shows, as data: `SELECT` and the columns.
    #[must_use]
    pub fn select(columns: &'static str) -> Self {
        Self { text: format!("SELECT {columns}"), values: Vec::new() }
    }

    /// Adds source text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder and the text bound to it. NUL, which PostgreSQL refuses and no stored text
    /// holds, becomes the character that means nothing.
    pub fn bind_text(&mut self, value: impl Into<String>) -> &mut Self {
        self.bind(Scalar::Text(value.into().replace('\0', "\u{fffd}")))
    }

    /// Adds a placeholder and the number bound to it.
    pub fn bind_number(&mut self, value: i64) -> &mut Self {
        self.bind(Scalar::Number(value))
    }

    fn bind(&mut self, value: Scalar) -> &mut Self {
        self.values.push(value);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Ends with at most so many rows.
    pub fn limit(&mut self, most: usize) -> &mut Self {
        self.push(" LIMIT ").bind_number(i64::try_from(most).unwrap_or(i64::MAX))
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds a text anywhere.
#[must_use]
pub fn anywhere(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
