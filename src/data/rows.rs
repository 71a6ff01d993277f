//! The rows of a file as objects: which airport, flight or passenger a row is, and what it says of it.

use std::collections::HashMap;

use super::columns::Kind;
use crate::db::Conn;
use crate::domain::airports::{self, Airport, Directory};
use crate::domain::flights::{self, Flight};
use crate::domain::passengers::{self, Passenger};
use crate::domain::times;
use crate::error::Result;
use crate::input::{Errors, Values, shortened};

/// A row of a file, checked, with the object that it is, if that is known.
pub(super) enum Row {
    Airport(Box<airports::Draft>, Option<Box<Airport>>),
    Flight(Box<flights::Draft>, Option<Box<Flight>>),
    Passenger(passengers::Draft, Option<Passenger>),
}

/// The objects that some rows name by their numbers.
#[derive(Default)]
pub(super) struct Numbered {
    flights: HashMap<i64, Flight>,
    passengers: HashMap<i64, Passenger>,
}

/// The lines on which a file said which object a row is: no two rows are one object.
#[derive(Default)]
pub(super) struct Seen {
    codes: HashMap<String, u64>,
    numbers: HashMap<i64, u64>,
}

impl Numbered {
    /// Looks up what rows name, in one statement.
    pub(super) async fn of(db: &mut Conn, kind: Kind, rows: &[(u64, Values)]) -> Result<Self> {
        let numbers =
            rows.iter().filter_map(|(_, values)| values.first("number").trim().parse::<i64>().ok());
        let numbers: Vec<i64> = numbers.collect();
        let mut found = Self::default();
        if numbers.is_empty() {
            return Ok(found);
        }
        match kind {
            Kind::Airports => {}
            Kind::Flights => {
                let flights = flights::of_ids(db, &numbers).await?.into_iter();
                found.flights = flights.map(|flight| (flight.id, flight)).collect();
            }
            Kind::Passengers => {
                let passengers = passengers::of_ids(db, &numbers).await?.into_iter();
                found.passengers = passengers.map(|passenger| (passenger.id, passenger)).collect();
            }
        }
        Ok(found)
    }
}

impl Seen {
    /// Remembers which object a row is. The error names the line that was it before.
    fn row(&mut self, kind: Kind, line: u64, values: &Values) -> Result<(), Errors> {
        let (field, earlier) = match kind {
            Kind::Airports => {
                let code = values.first("code").trim().to_uppercase();
                // What is no code has a mistake of its own.
                if code.chars().count() != 3 {
                    return Ok(());
                }
                ("code", self.codes.insert(code, line))
            }
            Kind::Flights | Kind::Passengers => {
                match values.first("number").trim().parse::<i64>() {
                    Ok(number) => ("number", self.numbers.insert(number, line)),
                    Err(_) => return Ok(()),
                }
            }
        };
        match earlier {
            None => Ok(()),
            Some(earlier) => Err(Errors::one(
                field,
                format!(
                    "“{}” is also on line {earlier}. Keep one of the two rows.",
                    shortened(values.first(field).trim())
                ),
            )),
        }
    }
}

impl Row {
    /// Reads a row. A cell that is empty takes nothing away from an object that is known.
    pub(super) fn parse(
        kind: Kind,
        (line, mut values): (u64, Values),
        directory: &Directory,
        numbered: &Numbered,
        seen: &mut Seen,
    ) -> Result<Self, Errors> {
        let twice = seen.row(kind, line, &values);
        let row = match kind {
            Kind::Airports => airport(&mut values, directory),
            Kind::Flights => flight(&mut values, directory, numbered),
            Kind::Passengers => passenger(&mut values, numbered),
        };
        let row = row.map_err(|errors| about_line_breaks(kind, &values, errors));
        match (row, twice) {
            (row, Ok(())) => row,
            (Ok(_), Err(twice)) => Err(twice),
            (Err(mut errors), Err(twice)) => {
                for (field, more) in twice.iter() {
                    for error in more {
                        errors.add(field, error.clone());
                    }
                }
                Err(errors)
            }
        }
    }
}

/// Adds where a cell goes on over the end of its line: most often a quote is missing.
fn about_line_breaks(kind: Kind, values: &Values, mut errors: Errors) -> Errors {
    for column in kind.columns() {
        let value = values.first(column.name).trim();
        if value.contains(['\n', '\r']) && !errors.of(column.name).is_empty() {
            errors.add(column.name, "It holds a line break: is a quote missing?");
        }
    }
    errors
}

/// Fills a cell that is empty, or was never there.
fn fill(values: &mut Values, field: &str, known: &str) {
    if values.first(field).trim().is_empty() {
        values.set(field, known);
    }
}

/// The object that a row's number names, if it has one.
fn named<'n, T>(
    values: &Values,
    objects: &'n HashMap<i64, T>,
    what: &str,
) -> Result<Option<&'n T>, Errors> {
    let number = values.first("number").trim();
    if number.is_empty() {
        return Ok(None);
    }
    let found = number.parse().ok().and_then(|number: i64| objects.get(&number));
    found.map(Some).ok_or_else(|| {
        let why = format!(
            "There is no {what} with the number “{}”. Leave the number empty to add a new one.",
            shortened(number)
        );
        Errors::one("number", why)
    })
}

fn airport(values: &mut Values, directory: &Directory) -> Result<Row, Errors> {
    let known = directory.by_code(values.first("code"));
    if let Some(known) = known {
        fill(values, "city", &known.city);
    }
    for field in ["latitude", "longitude"] {
        // Degrees have no thousands: a comma is a decimal one.
        let degrees = values.first(field);
        if degrees.contains(',') && !degrees.contains('.') {
            let degrees = degrees.replace(',', ".");
            values.set(field, degrees);
        }
    }
    // What is there already stays, also where it could not be given today.
    if let Some(known) = known.filter(|known| says_the_same(values, known)) {
        let same = airports::Draft::from(known.clone());
        return Ok(Row::Airport(Box::new(same), Some(Box::new(known.clone()))));
    }
    // A time zone that does not change, too.
    if known.is_some_and(|known| values.first("timezone").trim() == known.timezone) {
        values.set("timezone", "");
    }
    let mut draft = airports::Draft::parse(values)?;
    if let Some(known) = known {
        if draft.country.is_empty() {
            draft.country.clone_from(&known.country);
        }
        if draft.timezone.is_empty() {
            draft.timezone.clone_from(&known.timezone);
        }
        if draft.latitude.is_none() && draft.longitude.is_none() {
            (draft.latitude, draft.longitude) = (known.latitude, known.longitude);
        }
    }
    Ok(Row::Airport(Box::new(draft), known.cloned().map(Box::new)))
}

/// Whether a row says nothing of an airport but what is known.
fn says_the_same(values: &Values, known: &Airport) -> bool {
    let decimal = |degrees: Option<f64>| degrees.map(|it| it.to_string()).unwrap_or_default();
    let known = [
        ("city", known.city.clone()),
        ("country", known.country.clone()),
        ("timezone", known.timezone.clone()),
        ("latitude", decimal(known.latitude)),
        ("longitude", decimal(known.longitude)),
    ];
    known.iter().all(|(field, known)| {
        let said = values.first(field);
        said.trim().is_empty() || said == known
    })
}

fn flight(values: &mut Values, directory: &Directory, numbered: &Numbered) -> Result<Row, Errors> {
    let known = named(values, &numbered.flights, "flight")?;
    if let Some(known) = known {
        fill(values, "origin", &known.origin_code);
        fill(values, "destination", &known.destination_code);
        fill(values, "duration", &known.duration.to_string());
    }
    let departs = values.first("departs").trim();
    if let Some(why) = local_date(departs) {
        return Err(Errors::one("departs", why));
    }
    let airport = |field| directory.named(values.first(field)).cloned();
    let mut draft = flights::Draft::parse(values, airport("origin"), airport("destination"))?;
    let Some(known) = known else {
        draft.refuse_invalid()?;
        return Ok(Row::Flight(Box::new(draft), None));
    };
    if draft.capacity.is_none() {
        draft.capacity = known.capacity;
    }
    // A time that nobody touched stays the moment it is, to the second, also where clocks show it twice.
    let shown = times::for_input(known.departs_at, &known.origin_timezone);
    let is_shown = draft.origin.id == known.origin_id && departs.replace(' ', "T") == shown;
    let minute = |at: Option<i64>| at.map(|at| at.div_euclid(60));
    if departs.is_empty() || is_shown || minute(draft.departs_at) == minute(known.departs_at) {
        draft.departs_at = known.departs_at;
    }
    if !is_unchanged(&draft, known) {
        draft.refuse_invalid()?;
    }
    Ok(Row::Flight(Box::new(draft), Some(Box::new(known.clone()))))
}

/// Whether a flight is already as a row says.
pub(super) fn is_unchanged(draft: &flights::Draft, flight: &Flight) -> bool {
    draft.origin.id == flight.origin_id
        && draft.destination.id == flight.destination_id
        && draft.duration == flight.duration
        && draft.departs_at == flight.departs_at
        && draft.capacity == flight.capacity
}

fn passenger(values: &mut Values, numbered: &Numbered) -> Result<Row, Errors> {
    let Some(known) = named(values, &numbered.passengers, "passenger")? else {
        return Ok(Row::Passenger(passengers::Draft::parse(values)?, None));
    };
    fill(values, "first", &known.first);
    fill(values, "last", &known.last);
    // A name that is there already stays, also where it could not be given today.
    let draft = if values.first("first") == known.first && values.first("last") == known.last {
        passengers::Draft { first: known.first.clone(), last: known.last.clone() }
    } else {
        passengers::Draft::parse(values)?
    };
    Ok(Row::Passenger(draft, Some(known.clone())))
}

/// What to write instead of a date as countries write it, `11/23/2026` or `23.11.2026`: nobody can tell which number
/// is the month.
fn local_date(departs: &str) -> Option<String> {
    let (day, time) = departs.split_once([' ', 'T']).unwrap_or((departs, ""));
    let parts: Vec<&str> = day.split(['/', '.', '-']).collect();
    let [one, two, three] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str| text.parse::<u16>().ok();
    let (one, two, three, begins_with_year) =
        (number(one)?, number(two)?, number(three)?, one.len() == 4);
    if begins_with_year && day.contains('-') {
        return None;
    }
    let shown = shortened(departs);
    let time = clock(time);
    let written = |year: u16, month: u16, day: u16| {
        let date = format!("{year:04}-{month:02}-{day:02}");
        times::parse_day(&date).map(|_| format!("{date} {time}"))
    };
    if begins_with_year {
        return Some(format!("“{shown}” is not read. Write it as {}.", written(one, two, three)?));
    }
    if three < 1_000 {
        return Some(format!(
            "“{shown}” has no year of four digits. Write it like 2026-11-23 HH:MM."
        ));
    }
    Some(match (written(three, one, two), written(three, two, one)) {
        (Some(month_first), Some(day_first)) if month_first != day_first => format!(
            "“{shown}” can be read with the month or with the day first. Write it as {month_first} or as {day_first}."
        ),
        (Some(month_first), None) => {
            format!("“{shown}” is a date as it is written in the US. Write it as {month_first}.")
        }
        (_, Some(day_first)) => {
            format!("“{shown}” is a date with the day first. Write it as {day_first}.")
        }
        (None, None) => return None,
    })
}

/// A time of day as files have to write it: `15:05` for `3:05 PM`; `HH:MM` where there is none.
fn clock(text: &str) -> String {
    let read = || {
        let text = text.trim().to_ascii_uppercase();
        let (clock, half) = match text.strip_suffix('M').map(|text| text.split_at(text.len() - 1)) {
            Some((clock, half @ ("A" | "P"))) => (clock.trim(), half),
            _ => (text.as_str(), ""),
        };
        let mut parts = clock.split(':').map(|part| part.parse::<u8>().ok());
        let (hour, minute) = (parts.next()??, parts.next()??);
        let hour = match (half, hour) {
            ("A", 12) => 0,
            ("P", 1..=11) => hour + 12,
            ("A" | "P", 13..) => return None,
            _ => hour,
        };
        (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
    };
    read().unwrap_or_else(|| "HH:MM".to_owned())
}

/// Each thing that is wrong with a row, as a sentence.
pub(super) fn sentences(errors: &Errors) -> impl Iterator<Item = String> {
    errors
        .iter()
        .flat_map(|(field, errors)| errors.iter().map(move |error| format!("{field}: {error}")))
}
