//! What the terms of a search mean for a list: SQL conditions, or what is wrong with them.

use std::collections::HashMap;

use super::language::{Compare, Term};
use super::model::{Filter, List, Look};
use crate::db::text::anywhere;
use crate::db::{Composed, Conn, Fit, Found, Needle, Searched, fold};
use crate::domain::times;
use crate::error::Result;
use crate::input::shortened;

/// An object of another kind is named by its id where no more than so many fit.
const FEW: usize = 300;

/// Which rows of a table a text means, so that nothing is looked for twice: up to [`FEW`] and one.
type Known = HashMap<(Searched, Needle), Found>;

/// Conditions that all must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Narrowing(Vec<Condition>);

#[derive(Debug, Clone)]
struct Condition {
    negated: bool,
    any_of: Vec<Test>,
}

#[derive(Debug, Clone)]
enum Test {
    Holds(&'static str),
    Like { column: &'static str, pattern: String },
    AmongFew { column: &'static str, ids: Vec<i64> },
    AmongMany { column: &'static str, searched: Searched, fit: Fit, needle: Needle },
    Number { column: &'static str, compare: Compare, number: i64 },
    Missing(&'static str),
    Day { column: &'static str, compare: Compare, day: String },
    Moment { column: &'static str, compare: Compare, first: i64, after: i64 },
}

impl Narrowing {
    /// What terms mean for a list of which somebody may see only some; the error is a sentence for
    /// each mistake.
    pub(super) async fn of(
        db: &mut Conn,
        list: &'static List,
        only: &[&'static str],
        terms: &[Term],
    ) -> Result<Result<Self, Vec<String>>> {
        let mut mistakes = Vec::new();
        let hold = |condition| Condition { negated: false, any_of: vec![Test::Holds(condition)] };
        let mut conditions: Vec<_> = only.iter().copied().map(hold).collect();
        let mut known = Known::default();
        let mut rest = terms;
        while let Some((term, after)) = rest.split_first() {
            if let Some((any_of, after)) = name(db, list, rest).await? {
                conditions.push(Condition { negated: false, any_of });
                rest = after;
                continue;
            }
            rest = after;
            let tests = match &term.field {
                None => Ok(words(db, &mut known, list, &term.value).await?),
                Some((name, compare)) => match filter(list, name) {
                    Ok(filter) => tests(db, &mut known, filter, *compare, &term.value).await?,
                    Err(mistake) => Err(mistake),
                },
            };
            match tests {
                Ok(any_of) => conditions.push(Condition { negated: term.negated, any_of }),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        Ok(if mistakes.is_empty() { Ok(Self(conditions)) } else { Err(mistakes) })
    }

    /// These conditions and others.
    #[must_use]
    pub(super) fn and(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&others.0).cloned().collect())
    }

    /// Adds ` WHERE …`.
    pub(super) fn push(&self, query: &mut Composed) {
        query.push(" WHERE 1 = 1");
        for condition in &self.0 {
            query.push(if condition.negated { " AND NOT COALESCE((" } else { " AND (" });
            for (number, test) in condition.any_of.iter().enumerate() {
                query.push(if number == 0 { "" } else { " OR " });
                test.push(query);
            }
            query.push(if condition.negated { "), FALSE)" } else { ")" });
        }
    }
}

impl Test {
    fn push(&self, query: &mut Composed) {
        match self {
            Self::Holds(condition) => {
                query.push(condition);
            }
            Self::Like { column, pattern } => {
                query.push(column).push(" LIKE ").bind_text(pattern.clone()).push(" ESCAPE '\\'");
            }
            Self::AmongFew { column, ids } if !ids.is_empty() => {
                query.push(column);
                for (number, id) in ids.iter().enumerate() {
                    query.push(if number == 0 { " IN (" } else { ", " }).bind_number(*id);
                }
                query.push(")");
            }
            Self::AmongFew { .. } => {
                query.push("1 = 0");
            }
            Self::AmongMany { column, searched, fit, needle } => {
                query
                    .push(column)
                    .push(" IN (SELECT id FROM ")
                    .push(searched.table)
                    .push(" WHERE ");
                searched.push_fit(query, needle, *fit);
                query.push(")");
            }
            Self::Number { column, compare, number } => {
                query.push(column).push(sql(*compare)).bind_number(*number);
            }
            Self::Missing(column) => {
                query.push(column).push(" IS NULL");
            }
            Self::Moment { column, compare, first, after } => {
                query.push(column);
                match compare {
                    Compare::Is => {
                        query.push(" >= ").bind_number(*first);
                        query.push(" AND ").push(column).push(" < ").bind_number(*after);
                    }
                    Compare::AtLeast => {
                        query.push(" >= ").bind_number(*first);
                    }
                    Compare::More => {
                        query.push(" >= ").bind_number(*after);
                    }
                    Compare::Less => {
                        query.push(" < ").bind_number(*first);
                    }
                    Compare::AtMost => {
                        query.push(" < ").bind_number(*after);
                    }
                }
            }
            Self::Day { column, compare, day } => {
                // A month is all that begins with it: `~` comes after every digit and dash.
                let (first, after) = (day.clone(), format!("{day}~"));
                match compare {
                    Compare::Is if day.is_empty() => {
                        query.push(column).push(" = ''");
                    }
                    Compare::Is => {
                        query.push(column).push(" >= ").bind_text(first);
                        query.push(" AND ").push(column).push(" < ").bind_text(after);
                    }
                    Compare::AtLeast => {
                        query.push(column).push(" >= ").bind_text(first);
                    }
                    Compare::More => {
                        query.push(column).push(" > ").bind_text(after);
                    }
                    Compare::Less | Compare::AtMost => {
                        let end = if *compare == Compare::Less { first } else { after };
                        query.push(column).push(" > '' AND ").push(column);
                        query.push(" < ").bind_text(end);
                    }
                }
            }
        }
    }
}

fn sql(compare: Compare) -> &'static str {
    match compare {
        Compare::Is => " = ",
        Compare::Less => " < ",
        Compare::AtMost => " <= ",
        Compare::More => " > ",
        Compare::AtLeast => " >= ",
    }
}

/// The filter of a name; the error says which one may have been meant.
fn filter(list: &'static List, name: &str) -> Result<&'static Filter, String> {
    let found = list.filters.iter().find(|filter| filter.name == name);
    found.ok_or_else(|| {
        let names = list.filters.iter().map(|filter| filter.name);
        let shown = shortened(name);
        match nearest(name, names.clone()) {
            Some(nearest) => format!("There is no “{shown}:” here. Did you mean “{nearest}:”?"),
            None if list.filters.is_empty() => {
                format!("There is no “{shown}:” here. To find the text itself, put it in quotes.")
            }
            None => {
                let names: Vec<_> = names.map(|name| format!("{name}:")).collect();
                format!(
                    "There is no “{shown}:” here, only {}. To find the text itself, put it in quotes.",
                    names.join(" ")
                )
            }
        }
    })
}

/// The name that was meant, if one is near enough.
fn nearest<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    const NEAR: f64 = 0.7;
    names
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(nearness, _)| *nearness > NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

async fn tests(
    db: &mut Conn,
    known: &mut Known,
    filter: &'static Filter,
    compare: Compare,
    value: &str,
) -> Result<Result<Vec<Test>, String>> {
    let name = filter.name;
    let compares = matches!(filter.look, Look::Number(_) | Look::Day(_) | Look::Moment(_));
    if !compares && compare != Compare::Is {
        return Ok(Err(format!("“{name}” is not a number: write {name}:… instead.")));
    }
    let none = value.eq_ignore_ascii_case("none") && compare == Compare::Is;
    Ok(Ok(vec![match &filter.look {
        Look::Choice(choices) => {
            let typed = fold(value);
            let Some((.., condition)) = choices.iter().find(|(choice, ..)| *choice == typed) else {
                let known: Vec<_> =
                    choices.iter().map(|(choice, ..)| format!("{name}:{choice}")).collect();
                let (value, known) = (shortened(value), known.join(" or "));
                return Ok(Err(format!("“{name}:{value}” means nothing. Write {known}.")));
            };
            Test::Holds(condition)
        }
        Look::Words(_) | Look::Related { .. } => {
            match look(db, known, &filter.look, value).await? {
                Some(test) => test,
                None => return Ok(Err(format!("Say what “{name}:” is to hold."))),
            }
        }
        Look::Number(column) if none => Test::Missing(column),
        Look::Number(column) => {
            let Ok(number) = value.parse() else {
                let value = shortened(value);
                return Ok(Err(format!(
                    "“{value}” is not a whole number: write {name}{}100, or {name}:none.",
                    compare.sign()
                )));
            };
            Test::Number { column, compare, number }
        }
        Look::Moment(column) => {
            let Some((first, after)) = times::span(value) else {
                let value = shortened(value);
                return Ok(Err(format!(
                    "“{value}” is not a date: write {name}:2026, {name}:2026-12 or {name}<2026-12-24."
                )));
            };
            Test::Moment { column, compare, first, after }
        }
        Look::Day(column) if none => Test::Day { column, compare, day: String::new() },
        Look::Day(column) if times::is_day(value) => {
            Test::Day { column, compare, day: value.to_owned() }
        }
        Look::Day(_) => {
            let value = shortened(value);
            return Ok(Err(format!(
                "“{value}” is not a date: write {name}:2026, {name}:2026-12, {name}<2026-12-24 or {name}:none."
            )));
        }
    }]))
}

/// The longest name that the first words are, and the terms after it: `Los Angeles San Francisco` are two. None where
/// the first word means something of its own, as in `Paris Tokyo`.
async fn name<'t>(
    db: &mut Conn,
    list: &'static List,
    terms: &'t [Term],
) -> Result<Option<(Vec<Test>, &'t [Term])>> {
    /// Longer names are found by each of their words.
    const LONGEST: usize = 5;
    let words = terms.iter().take(LONGEST).take_while(|term| term.is_word()).count();
    for length in (2..=words).rev() {
        let (words, after) = terms.split_at(length);
        if let Some(any_of) = called(db, list, words).await? {
            return Ok(Some((any_of, after)));
        }
    }
    Ok(None)
}

/// What words mean together: objects that are called so, or have words that begin so.
async fn called(db: &mut Conn, list: &'static List, words: &[Term]) -> Result<Option<Vec<Test>>> {
    let text: Vec<_> = words.iter().map(|word| word.value.as_str()).collect();
    let Some(needle) = Needle::words(&text.join(" ")) else {
        return Ok(None);
    };
    let mut best = (Fit::Parts, Vec::new());
    for place in list.search {
        let Look::Related { column, searched, .. } = place else {
            continue;
        };
        if searched.whole.is_empty() {
            continue;
        }
        let found = searched.find(db, &needle, FEW).await?;
        if found.fit < best.0 {
            best = (found.fit, Vec::new());
        }
        if found.fit == best.0 && found.fit < Fit::Parts {
            best.1.push(among(column, *searched, needle.clone(), found));
        }
    }
    Ok(Some(best.1).filter(|tests| !tests.is_empty()))
}

/// That a column holds what was found.
fn among(column: &'static str, searched: Searched, needle: Needle, found: Found) -> Test {
    let Found { fit, ids } = found;
    if ids.len() > FEW {
        Test::AmongMany { column, searched, fit, needle }
    } else {
        // In numbers the database knows how many rows to expect, and takes an index.
        Test::AmongFew { column, ids }
    }
}

/// What a word or a phrase is looked for in.
async fn words(
    db: &mut Conn,
    known: &mut Known,
    list: &'static List,
    value: &str,
) -> Result<Vec<Test>> {
    let mut tests = Vec::new();
    for place in list.search {
        tests.extend(look(db, known, place, value).await?);
    }
    // A word of which nothing is left when it is folded is in every text.
    Ok(if tests.is_empty() { vec![Test::Holds("1 = 1")] } else { tests })
}

/// Where a text is found, if it can be there.
async fn look(
    db: &mut Conn,
    known: &mut Known,
    place: &'static Look,
    value: &str,
) -> Result<Option<Test>> {
    let text = fold(value);
    if text.is_empty() {
        return Ok(None);
    }
    Ok(match place {
        Look::Words(column) => Some(Test::Like { column, pattern: anywhere(&text) }),
        Look::Number(column) => text
            .trim_start_matches('#')
            .parse()
            .ok()
            .map(|number| Test::Number { column, compare: Compare::Is, number }),
        Look::Related { column, searched, .. } => {
            let key = (*searched, Needle::phrase(value));
            let found = match known.get(&key) {
                Some(found) => found.clone(),
                None => searched.find(db, &key.1, FEW).await?,
            };
            known.insert(key.clone(), found.clone());
            Some(among(column, *searched, key.1, found))
        }
        Look::Choice(_) | Look::Day(_) | Look::Moment(_) => None,
    })
}
