//! The filters of a list: what each of their choices would find, and the way down from years to days.

use serde::Serialize;

use super::asked::Asked;
use super::language::{self, Compare, Term};
use super::model::{Filter, List, Look};
use super::narrow::Narrowing;
use super::rows::{MOST_COUNTED, counted};
use crate::db::{Composed, Conn};
use crate::error::Result;

/// A date filter offers at most this many years, the latest ones.
const MOST_YEARS: usize = 30;

#[derive(Debug, Serialize)]
pub(super) struct FilterView {
    name: &'static str,
    title: &'static str,
    choices: Vec<Choice>,
    /// Where suggestions come from, for a filter that is filled in.
    suggestions: Option<String>,
    /// The search without what such a filter chose before: what is typed into it takes its place.
    others: String,
    /// How it is written, for a filter that is only written.
    example: String,
}

#[derive(Debug, Serialize)]
struct Choice {
    title: String,
    address: String,
    chosen: bool,
    count: String,
}

/// How a filter is written, for people.
pub(super) fn example(filter: &Filter) -> String {
    let name = filter.name;
    match &filter.look {
        Look::Choice(choices) => choices
            .iter()
            .map(|(choice, ..)| format!("{name}:{choice}"))
            .collect::<Vec<_>>()
            .join(" "),
        Look::Words(_) => format!("{name}:\"two words\""),
        Look::Related { .. } => format!("{name}:\"New York\""),
        Look::Number(_) => format!("{name}<100"),
        Look::Day(_) | Look::Moment(_) => format!("{name}:2027-01 {name}<2027-01-15"),
    }
}

/// Every filter, with what each of its choices would find among what is looked for otherwise.
pub(super) async fn filters(
    db: &mut Conn,
    list: &'static List,
    asked: &Asked,
) -> Result<Vec<FilterView>> {
    let mut views = Vec::new();
    for filter in list.filters {
        let mut view = FilterView {
            name: filter.name,
            title: filter.title,
            choices: Vec::new(),
            suggestions: None,
            others: String::new(),
            example: String::new(),
        };
        match &filter.look {
            Look::Choice(choices) => {
                let offered = choices
                    .iter()
                    .map(|(name, title, _)| (Term::is(filter.name, *name), (*title).to_owned()));
                view.choices = facets(db, list, asked, filter, offered.collect(), None).await?;
            }
            Look::Day(column) => {
                let (chosen, offered) = days(db, list, asked, filter, column).await?;
                view.choices = facets(db, list, asked, filter, offered, chosen).await?;
            }
            Look::Related { kind, .. } if !kind.is_empty() => {
                view.suggestions = Some(format!("/admin/{kind}/suggestions/?name={}", filter.name));
                let others =
                    asked.terms.iter().filter(|term| term.negated || !term.names(filter.name));
                let others: Vec<_> = others.cloned().collect();
                view.others = language::spelled(&others);
            }
            Look::Related { .. } | Look::Words(_) | Look::Number(_) | Look::Moment(_) => {
                view.example = example(filter);
            }
        }
        views.push(view);
    }
    Ok(views)
}

/// The terms of a search without those that choose something of a filter.
fn without(asked: &Asked, filter: &Filter) -> Vec<Term> {
    asked.terms.iter().filter(|term| !term.names(filter.name)).cloned().collect()
}

/// Choices of a filter with their counts; those that find nothing are left out, unless chosen.
async fn facets(
    db: &mut Conn,
    list: &'static List,
    asked: &Asked,
    filter: &'static Filter,
    offered: Vec<(Term, String)>,
    up: Option<Choice>,
) -> Result<Vec<Choice>> {
    let others = without(asked, filter);
    let Ok(base) = Narrowing::of(db, list, &asked.only, &others).await? else {
        return Ok(Vec::new());
    };
    let mut choices: Vec<Choice> = up.into_iter().collect();
    for (term, title) in offered {
        let Ok(own) = Narrowing::of(db, list, &[], std::slice::from_ref(&term)).await? else {
            continue;
        };
        let count = list.count(db, &base.and(&own)).await?;
        let chosen = asked.terms.contains(&term);
        if count == 0 && !chosen && matches!(filter.look, Look::Day(_)) {
            continue;
        }
        let terms: Vec<_> = others.iter().cloned().chain((!chosen).then_some(term)).collect();
        choices.push(Choice {
            title,
            address: asked.address(list, &[("q", &language::spelled(&terms)), ("filters", "1")]),
            chosen,
            count: counted(count, MOST_COUNTED),
        });
    }
    Ok(choices)
}

/// The next finer dates than the one that is chosen: years, months of the year, days of the month;
/// and the way back up.
async fn days(
    db: &mut Conn,
    list: &'static List,
    asked: &Asked,
    filter: &'static Filter,
    column: &'static str,
) -> Result<(Option<Choice>, Vec<(Term, String)>)> {
    let chosen = asked.terms.iter().find(|term| {
        term.names(filter.name)
            && !term.negated
            && term.field.as_ref().is_some_and(|(_, compare)| *compare == Compare::Is)
    });
    let chosen = chosen.map_or("", |term| term.value.as_str());
    let term = |value: String| (Term::is(filter.name, value.clone()), value);
    let up = (!chosen.is_empty()).then(|| {
        let wider = chosen.rsplit_once('-').map(|(wider, _)| Term::is(filter.name, wider));
        let terms: Vec<_> = without(asked, filter).into_iter().chain(wider).collect();
        Choice {
            title: format!("‹ {chosen}"),
            address: asked.address(list, &[("q", &language::spelled(&terms)), ("filters", "1")]),
            chosen: true,
            count: String::new(),
        }
    });
    let offered = match chosen.len() {
        0 => years(db, list, column).await?.into_iter().map(term).collect(),
        4 => (1..=12).map(|month| term(format!("{chosen}-{month:02}"))).collect(),
        7 => (1..=31).map(|day| term(format!("{chosen}-{day:02}"))).collect(),
        _ => Vec::new(),
    };
    Ok((up, offered))
}

/// The years that a column holds, in order: the latest ones, where there are more than [`MOST_YEARS`]. Each
/// costs one look into the column's index.
async fn years(db: &mut Conn, list: &'static List, column: &'static str) -> Result<Vec<String>> {
    let mut years: Vec<String> = Vec::new();
    while years.len() < MOST_YEARS {
        let mut query = Composed::select("MAX(");
        query.push(column).push(") FROM ").push(list.own_table());
        query.push(" WHERE ").push(column).push(" > ''");
        if let Some(earliest) = years.last() {
            query.push(" AND ").push(column).push(" < ").bind_text(earliest.clone());
        }
        let (latest,): (Option<String>,) = db.compose(query).one().await?;
        match latest.as_deref().and_then(|day| day.get(..4)) {
            Some(year) => years.push(year.to_owned()),
            None => break,
        }
    }
    years.reverse();
    Ok(years)
}
