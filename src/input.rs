//! What people type: text in; checked values, or what is wrong with each field, out.

mod invisible;

pub use invisible::visible;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;

/// What a form sends or shows: the values of each field, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Vec<String>>);

impl Values {
    /// The values of a form's body or of a query, `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn from_urlencoded(text: &str) -> Self {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    /// The first value of a field, or nothing.
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        self.all(name).first().map_or("", String::as_str)
    }

    /// Every value of a field, in the order they came.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a field or a button was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the one value of a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), vec![value.into()]);
    }

    /// Each value with its field's name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.as_str())))
    }

    /// Puts other values in the place of a field's; none, where there are none.
    pub fn replace(&mut self, name: &str, values: &[String]) {
        if values.is_empty() {
            self.remove(name);
        } else {
            self.set_all(name, values.to_vec());
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Sets all values of a field.
    pub fn set_all(&mut self, name: &str, values: Vec<String>) {
        self.0.insert(name.to_owned(), values);
    }
}

impl FromIterator<(String, String)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut values = Self::default();
        for (name, value) in pairs {
            values.0.entry(name).or_default().push(value);
        }
        values
    }
}

/// What is wrong with a form, by field: sentences that say what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    fields: BTreeMap<&'static str, Vec<String>>,
    confirmation: Option<Confirmation>,
}

/// A hidden field that lets a form through which was refused only so that somebody reads what it would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// The field's name.
    pub name: &'static str,
    /// What it confirms: another value asks again.
    pub value: String,
}

impl Errors {
    /// One thing that is wrong with one field.
    #[must_use]
    pub fn one(field: &'static str, error: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, error);
        errors
    }

    /// What a field would do, for somebody to read before the same form is sent again with its confirmation.
    #[must_use]
    pub fn needing_confirmation(
        field: &'static str,
        effect: impl Into<String>,
        name: &'static str,
        value: impl Into<String>,
    ) -> Self {
        let confirmation = Some(Confirmation { name, value: value.into() });
        Self { confirmation, ..Self::one(field, effect) }
    }

    /// The field to send along, where all that is missing is that somebody confirms it.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.confirmation.as_ref()
    }

    /// Adds what is wrong with a field.
    pub fn add(&mut self, field: &'static str, error: impl Into<String>) {
        self.fields.entry(field).or_default().push(error.into());
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// What is wrong with one field.
    #[must_use]
    pub fn of(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    /// Everything that is wrong, field by field.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.fields.iter().map(|(field, errors)| (*field, errors.as_slice()))
    }

    /// `Ok` where nothing is wrong.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// Reads fields one by one and gathers what is wrong with them.
#[derive(Debug)]
pub struct Reader<'v> {
    values: &'v Values,
    /// What was found wrong so far.
    pub errors: Errors,
}

impl<'v> Reader<'v> {
    /// Begins to read.
    #[must_use]
    pub fn new(values: &'v Values) -> Self {
        Self { values, errors: Errors::default() }
    }

    /// A field's first value, without blanks and invisible format characters around it.
    fn trimmed(&self, name: &str) -> &'v str {
        invisible::trimmed(self.values.first(name))
    }

    /// Text without blanks and format characters around it, of at most `longest` characters (not bytes).
    /// Refused are NUL, which PostgreSQL cannot store, other control characters, bidirectional controls, the
    /// sign for what could not be read, and text of which nothing can be seen.
    pub fn text(&mut self, name: &'static str, longest: usize) -> String {
        let text = self.trimmed(name);
        if let Some(problem) = invisible::problem(text) {
            self.errors.add(name, problem);
        }
        let length = text.chars().count();
        if length > longest {
            self.errors
                .add(name, format!("At most {longest} characters fit here; this has {length}."));
        }
        // One way to write each letter (Unicode TR 15), so that what is the same is stored the same.
        invisible::without_hidden(text).nfc().collect()
    }

    /// [`Reader::text`] that must be given.
    pub fn required(&mut self, name: &'static str, longest: usize) -> String {
        let text = self.text(name, longest);
        if text.is_empty() {
            self.errors.add(name, "This is needed.");
        }
        text
    }

    /// A person's name: [`Reader::required`], with a letter of any script. A number in its place is a column
    /// that was taken for another.
    pub fn name(&mut self, name: &'static str, longest: usize) -> String {
        let text = self.required(name, longest);
        if self.errors.of(name).is_empty() && !invisible::has_letter(&text) {
            self.errors.add(name, "A name has at least one letter.");
        }
        text
    }

    /// A whole number within a range, if one is given.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let text = self.trimmed(name);
        if text.is_empty() {
            return None;
        }
        let (least, most) = (range.start(), range.end());
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => Some(number),
            Ok(_) => {
                self.errors.add(name, format!("Give a number from {least} to {most}."));
                None
            }
            Err(_) => {
                self.errors.add(
                    name,
                    format!("“{}” is not a whole number from {least} to {most}.", shortened(text)),
                );
                None
            }
        }
    }

    /// A decimal number within a range, if one is given.
    pub fn decimal(&mut self, name: &'static str, range: RangeInclusive<f64>) -> Option<f64> {
        let text = self.trimmed(name);
        if text.is_empty() {
            return None;
        }
        let number = text.parse::<f64>().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            self.errors.add(name, format!("Give a number from {least} to {most}, such as 51.47."));
        }
        number
    }

    /// The draft, if nothing was wrong.
    pub fn finish<T>(self, draft: T) -> Result<T, Errors> {
        self.errors.into_result(draft)
    }
}

/// The most characters of a search, in all its parts.
pub const SEARCH_CHARACTERS: usize = 500;
/// The most words or conditions of a search.
pub const SEARCH_TERMS: usize = 30;

/// What is said of a search beyond [`SEARCH_CHARACTERS`] or [`SEARCH_TERMS`]. Nothing is searched for then:
/// a search that was cut would find more than was meant.
pub const SEARCH_TOO_LONG: &str =
    "This search is too long. Use at most 30 words and 500 characters.";

/// [`SEARCH_TOO_LONG`], for a search that is.
#[must_use]
pub fn search_problem(search: &str) -> Option<&'static str> {
    is_too_long([search].into_iter()).then_some(SEARCH_TOO_LONG)
}

/// Whether a search, in all its parts, is too long to be read. It costs no more than the text.
pub fn is_too_long<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> bool {
    let characters: usize = parts.clone().map(|part| part.chars().count()).sum();
    characters > SEARCH_CHARACTERS || parts.flat_map(str::split_whitespace).count() > SEARCH_TERMS
}

/// The beginning of what somebody typed, on one line, for a message about it.
#[must_use]
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let text = visible(text);
    let end = (text.chars().count() > LONGEST).then_some('…');
    text.chars().take(LONGEST).chain(end).collect()
}

/// Why an object was not saved.
#[derive(Debug)]
pub enum Refusal {
    /// The fields are wrong, in ways a person can mend.
    Invalid(Errors),
    /// It could not be tried, or failed.
    Failed(Error),
}

impl From<Errors> for Refusal {
    fn from(errors: Errors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reader, Values};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// A form that is sent arrives as it was typed, and any other text is read as something.
        #[test]
        fn forms_arrive_as_they_were_typed(
            fields in prop::collection::vec(("[a-z_-]{1,6}", any::<String>()), 0..6),
            garbage in prop_oneof!["[a-z&=%+;0-9]{0,40}", any::<String>()],
        ) {
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields)
                .finish();
            let values = Values::from_urlencoded(&body);
            for (name, _) in &fields {
                let typed: Vec<_> = fields
                    .iter()
                    .filter(|(other, _)| other == name)
                    .map(|(_, value)| value.clone())
                    .collect();
                prop_assert_eq!(values.all(name), &typed[..]);
            }
            let values = Values::from_urlencoded(&garbage);
            let mut read = Reader::new(&values);
            let text = read.text("a", 10);
            if read.errors.is_empty() {
                prop_assert!(text.chars().count() <= 10 && !text.chars().any(char::is_control));
                let hidden = text.contains(['\u{202e}', '\u{200f}', '\u{fffd}']);
                prop_assert!(!hidden);
            }
            let number = read.number("a", 0..=2_147_483_647);
            prop_assert!(number.is_none_or(|number| (0..=2_147_483_647).contains(&number)));
            let decimal = read.decimal("a", -90.0..=90.0);
            prop_assert!(decimal.is_none_or(|number| (-90.0..=90.0).contains(&number)));
        }
    }
}
