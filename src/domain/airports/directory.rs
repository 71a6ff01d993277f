//! Which airport a person means by what they write into a form or a file.

use std::collections::HashMap;

use super::{AIRPORTS, Airport, matching};
use crate::db::{Composed, Conn, fold, identity};
use crate::error::Result;
use crate::input::shortened;

/// Every airport of a list, found by what people call it.
#[derive(Debug, Default)]
pub struct Directory {
    airports: Vec<Airport>,
    by_code: HashMap<String, usize>,
    by_city: HashMap<String, Vec<usize>>,
    /// By search key, to suggest what may be meant.
    by_key: HashMap<String, Vec<usize>>,
}

impl Directory {
    /// Builds the index.
    #[must_use]
    pub fn new(airports: Vec<Airport>) -> Self {
        let mut directory = Self { airports, ..Self::default() };
        for (place, airport) in directory.airports.iter().enumerate() {
            directory.by_code.insert(airport.code.clone(), place);
            directory.by_city.entry(identity(&airport.city)).or_default().push(place);
            directory.by_key.entry(fold(&airport.city)).or_default().push(place);
        }
        directory
    }

    /// The airport of a code, in capitals or not.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<&Airport> {
        self.by_code
            .get(&code.trim().to_ascii_uppercase())
            .and_then(|place| self.airports.get(*place))
    }

    fn at(&self, places: Option<&Vec<usize>>) -> Vec<&Airport> {
        places.into_iter().flatten().filter_map(|place| self.airports.get(*place)).collect()
    }

    /// Which airport a person means by a code, by `City (CODE)` or by a city that has only one. Names are
    /// compared whole ([`identity`]). A code in capitals is a code; in other letters it may be a city, too.
    ///
    /// # Errors
    /// A sentence that says what to write instead: “Goa” names two airports where one has the code GOA.
    pub fn named(&self, text: &str) -> Result<&Airport, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter an airport: a code or a city.".to_owned());
        }
        if let Some((city, code)) = label(text)
            && let Some(airport) = self.by_code(code)
        {
            return if identity(city) == identity(&airport.city) {
                Ok(airport)
            } else {
                Err(format!(
                    "{} is the code of {airport}, not of “{}”. Enter one of the two.",
                    airport.code,
                    shortened(city)
                ))
            };
        }
        let coded = self.by_code(text);
        if let Some(airport) = coded.filter(|airport| airport.code == text) {
            return Ok(airport);
        }
        let mut found: Vec<_> = coded.into_iter().collect();
        let there = self.at(self.by_city.get(&identity(text)));
        found.extend(there.into_iter().filter(|airport| coded != Some(*airport)));
        match found.as_slice() {
            [] => Err(unknown(text, &self.at(self.by_key.get(&fold(text))))),
            [one] => Ok(one),
            several => Err(format!("Which one? Enter {}.", one_of(several))),
        }
    }
}

/// That no airport is called so, and those that may be meant.
fn unknown(text: &str, near: &[&Airport]) -> String {
    let hint = match near {
        [] => "Enter a code or a city that is known.".to_owned(),
        near => format!("Did you mean {}?", one_of(near)),
    };
    format!("There is no airport “{}”. {hint}", shortened(text))
}

/// The two parts of `City (CODE)`.
fn label(text: &str) -> Option<(&str, &str)> {
    let (city, code) = text.strip_suffix(')')?.rsplit_once('(')?;
    (!city.trim().is_empty()).then(|| (city.trim(), code.trim()))
}

/// `Paris (CDG) or Paris (ORY)`, the first few of them.
fn one_of(airports: &[&Airport]) -> String {
    const SHOWN: usize = 6;
    let names: Vec<_> = airports.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if airports.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.join(" or "))
}

/// Which airport a person means: [`Directory::named`] among those whose code or city the text may be. Where
/// it is none, the error suggests those that a search finds.
pub async fn resolve(db: &mut Conn, text: &str) -> Result<Result<Airport, String>> {
    const SUGGESTED: usize = 3;
    let text = text.trim();
    let (city, code) = label(text).unwrap_or((text, text));
    let mut query = Composed::new(AIRPORTS);
    // Names that are the same have the same key.
    query.push(" AND (code = ").bind_text(code.to_ascii_uppercase());
    query.push(" OR city_key = ").bind_text(fold(city));
    query.push(" OR city_key = ").bind_text(fold(text)).push(") ORDER BY id");
    let directory = Directory::new(db.compose(query).all().await?);
    if text.is_empty() || !directory.airports.is_empty() {
        return Ok(directory.named(text).cloned());
    }
    let near = matching(db, text, SUGGESTED).await?;
    Ok(Err(unknown(text, &near.iter().collect::<Vec<_>>())))
}
