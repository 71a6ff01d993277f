//! The language of the search box: `from:LHR to:"New York" minutes<300 is:invalid -paris`.
//!
//! A text is a row of terms, and each must hold. A term is a word, a phrase in quotes, or a field
//! with `:`, `<`, `<=`, `>` or `>=` and a value; a `-` in front turns it round. Any text can be read;
//! what it means for a list, and what is wrong with it, is said by `narrow`.

use std::fmt;

use crate::input::{SEARCH_TERMS, is_too_long};

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// `:` or `=`
    Is,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Compare {
    /// As it is written; the longer ones come first where one begins another.
    const SIGNS: [(&'static str, Self); 6] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::More),
        (":", Self::Is),
        ("=", Self::Is),
    ];

    /// As it is written.
    #[must_use]
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Is => ":",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// It must not hold.
    pub negated: bool,
    /// The field, in lower case, and how it is compared; none for a word or a phrase.
    pub field: Option<(String, Compare)>,
    /// The word, the phrase, or the field's value.
    pub value: String,
}

impl Term {
    /// A field that is a value.
    #[must_use]
    pub(super) fn is(field: &str, value: impl Into<String>) -> Self {
        let field = Some((field.to_owned(), Compare::Is));
        Self { negated: false, field, value: value.into() }
    }

    /// Whether it is a word or a phrase that must be found.
    #[must_use]
    pub(super) fn is_word(&self) -> bool {
        !self.negated && self.field.is_none()
    }

    /// Whether it is about a field.
    #[must_use]
    pub(super) fn names(&self, field: &str) -> bool {
        self.field.as_ref().is_some_and(|(name, _)| name == field)
    }
}

/// Reads a search of several parts within the limits of all searches: none of it, where it is too long.
#[must_use]
pub(super) fn read<'a>(
    parts: impl Iterator<Item = (Option<&'a str>, &'a str)> + Clone,
) -> Option<Vec<Term>> {
    if is_too_long(parts.clone().map(|(_, text)| text)) {
        return None;
    }
    let read = |(field, text): (Option<&str>, &str)| match field {
        Some(field) => vec![Term::is(field, text)],
        None => parse(text),
    };
    let terms: Vec<_> = parts.flat_map(read).collect();
    (terms.len() <= SEARCH_TERMS).then_some(terms)
}

/// The parts of a search as one text, as they were typed.
#[must_use]
pub(super) fn typed<'a>(parts: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> String {
    let text = |(field, text): (Option<&str>, &str)| match field {
        Some(field) => Term::is(field, text).to_string(),
        None => text.to_owned(),
    };
    parts.map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Reads a text. What is not closed ends with the text.
#[must_use]
fn parse(text: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let positive = rest.strip_prefix('-').filter(|rest| !begins_blank(rest));
        let negated = positive.is_some();
        rest = positive.unwrap_or(rest);
        let (field, after) = match field(rest) {
            Some((field, compare, after)) => (Some((field, compare)), after),
            None => (None, rest),
        };
        let (value, after) = value(after);
        terms.push(Term { negated, field, value });
        rest = after.trim_start();
    }
    terms
}

fn begins_blank(text: &str) -> bool {
    text.chars().next().is_none_or(char::is_whitespace)
}

/// A field and a sign at the beginning of a text, and what follows.
fn field(text: &str) -> Option<(String, Compare, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_alphabetic() && letter != '_')?;
    let (name, after) = text.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    Compare::SIGNS.iter().find_map(|(sign, compare)| {
        after.strip_prefix(sign).map(|after| (name.to_ascii_lowercase(), *compare, after))
    })
}

/// A value at the beginning of a text, and what follows. Between quotes `\"` is a quote and `\\` a
/// backslash. Curly quotes are quotes, too: phones and word processors make them.
fn value(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix(CURLY) {
        let end = quoted.find(CURLY).unwrap_or(quoted.len());
        let (value, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
        return (value.to_owned(), after.strip_prefix(CURLY).unwrap_or(after));
    }
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end).unwrap_or((text, ""));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

const CURLY: [char; 3] = ['“', '”', '„'];

/// Terms as a text that [`parse`] reads as these terms.
#[must_use]
pub(super) fn spelled(terms: &[Term]) -> String {
    terms.iter().map(Term::to_string).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        if let Some((name, compare)) = &self.field {
            write!(f, "{name}{}", compare.sign())?;
        }
        let ambiguous = match self.field {
            // The sign would be read longer than it is: `<` and `=3` are `<=` and `3`.
            Some(_) => self.value.starts_with('='),
            None => {
                self.value.is_empty() || self.value.starts_with('-') || field(&self.value).is_some()
            }
        };
        if ambiguous
            || self.value.starts_with('"')
            || self.value.starts_with(CURLY)
            || self.value.contains(char::is_whitespace)
        {
            write!(f, "\"{}\"", self.value.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            f.write_str(&self.value)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Compare, Term, parse, spelled};

    #[test]
    fn words_phrases_fields_and_signs_are_read() {
        let term = |negated, field: Option<(&str, Compare)>, value: &str| Term {
            negated,
            field: field.map(|(name, compare)| (name.to_owned(), compare)),
            value: value.to_owned(),
        };
        assert_eq!(
            parse(
                r#" from:LHR To:"New York" minutes<300 seats>=5 -is:invalid "a \"b\"" x=1 12:30 - "#
            ),
            [
                term(false, Some(("from", Compare::Is)), "LHR"),
                term(false, Some(("to", Compare::Is)), "New York"),
                term(false, Some(("minutes", Compare::Less)), "300"),
                term(false, Some(("seats", Compare::AtLeast)), "5"),
                term(true, Some(("is", Compare::Is)), "invalid"),
                term(false, None, "a \"b\""),
                term(false, Some(("x", Compare::Is)), "1"),
                term(false, None, "12:30"),
                term(false, None, "-"),
            ]
        );
        assert_eq!(parse("  "), []);
        assert_eq!(parse("\"open end"), [term(false, None, "open end")]);
    }

    fn terms() -> impl Strategy<Value = Vec<Term>> {
        let sign = prop_oneof![
            Just(Compare::Is),
            Just(Compare::Less),
            Just(Compare::AtMost),
            Just(Compare::More),
            Just(Compare::AtLeast)
        ];
        let field = proptest::option::of(("[a-z_]{1,5}", sign));
        let value = prop_oneof!["[-a-z:=<>\"\\\\ ]{0,8}", any::<String>()];
        let term = (any::<bool>(), field, value).prop_map(|(negated, field, value)| {
            // A `-` alone is a word.
            Term { negated, field, value }
        });
        prop::collection::vec(term, 0..5)
    }

    proptest! {
        #![proptest_config(crate::random::many())]

        /// What is read and written again is the same, whatever it was.
        #[test]
        fn terms_are_written_as_they_are_read(
            terms in terms(),
            garbage in prop_oneof!["[-a-z:=<>\"\\\\ 0-9]{0,30}", any::<String>()],
        ) {
            prop_assert_eq!(parse(&spelled(&terms)), terms);
            let read = parse(&garbage);
            prop_assert_eq!(parse(&spelled(&read)), read);
        }
    }
}
