//! Files of airports, flights and passengers. A load is all or nothing, and every row that is
//! wrong is told with its line and why.

use std::collections::HashMap;

use csv::StringRecord;

use super::Progress;
use super::records::records;
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::db::query::ROWS_AT_ONCE;
use crate::domain::airports::{self, Airport, Directory};
use crate::domain::zones::{self, Moves, TimeChanges};
use crate::domain::{flights, passengers};
use crate::error::Result;
use crate::input::{Errors, Refusal, Values, shortened};

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With a header: `code,city` and optional `country,timezone,latitude,longitude`.
    Airports,
    /// `origin,destination,duration` without a header, as the demo has them; with one, also
    /// `departs` (local time at the origin, or with an offset) and `capacity`.
    Flights,
    /// `first,last`, with or without a header.
    Passengers,
}

impl Kind {
    /// The columns of a file with a header; the first `needed` of them must be there.
    fn columns(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Airports => {
                (&["code", "city", "country", "timezone", "latitude", "longitude"], 2)
            }
            Self::Flights => (&["origin", "destination", "duration", "departs", "capacity"], 3),
            Self::Passengers => (&["first", "last"], 2),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Airports => "airports",
            Self::Flights => "flights",
            Self::Passengers => "passengers",
        }
    }
}

/// A file whose form was checked. Its rows are read once more when they are loaded, so that there is one at
/// a time.
#[derive(Debug)]
pub struct File<'b> {
    name: String,
    bytes: &'b [u8],
    form: Form,
    /// How many rows it has.
    count: usize,
}

/// What the rows of a file are, and where in a row each value is.
#[derive(Debug)]
struct Form {
    kind: Kind,
    columns: Vec<&'static str>,
    has_header: bool,
}

/// What a load did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was loaded.
    pub kind: &'static str,
    /// Rows that are new.
    pub added: usize,
    /// Airports that were known under their code and are now as the file says.
    pub changed: usize,
    /// Airports that were so already.
    pub unchanged: usize,
}

/// What is wrong with a file: nothing of it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file.
    pub file: String,
    /// The lines and what is wrong with each; line 0 is the file as a whole.
    pub lines: Vec<(u64, String)>,
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 50;
        for (number, (line, why)) in self.lines.iter().take(SHOWN).enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{end}{}: {why}", self.file)?,
                line => write!(f, "{end}{}, line {line}: {why}", self.file)?,
            }
        }
        if self.lines.len() > SHOWN {
            write!(f, "\n… and {} more bad lines.", self.lines.len() - SHOWN)?;
        }
        Ok(())
    }
}

impl<'b> File<'b> {
    /// Checks a CSV file. Without a kind it is told by the header, or by the demo's three columns.
    pub fn read(name: &str, bytes: &'b [u8], kind: Option<Kind>) -> Result<Self, Problems> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut form = None;
        let mut count = 0;
        let (mut not_text, mut too_wide) = (Vec::new(), Vec::new());
        for (line, record) in records(bytes) {
            let Ok(record) = record else {
                let why = "This is not UTF-8 text; save the file as UTF-8.";
                not_text.push((line, why.to_owned()));
                continue;
            };
            let is_first = form.is_none();
            let form =
                form.get_or_insert_with(|| Form::of(kind, &record).map_err(|why| (line, why)));
            let Ok(Form { columns, has_header, .. }) = form else {
                continue;
            };
            if is_first && *has_header {
                continue;
            }
            count += 1;
            if record.len() > columns.len() {
                let why = format!(
                    "{} values where {} are known: {}.",
                    record.len(),
                    columns.len(),
                    columns.join(", ")
                );
                too_wide.push((line, why));
            }
        }
        let wrong = |lines| Err(Problems { file: name.to_owned(), lines });
        if !not_text.is_empty() {
            return wrong(not_text);
        }
        match form {
            None => wrong(vec![(0, "The file is empty.".to_owned())]),
            Some(Err(why)) => wrong(vec![why]),
            Some(Ok(_)) if !too_wide.is_empty() => wrong(too_wide),
            Some(Ok(form)) => Ok(Self { name: name.to_owned(), bytes, form, count }),
        }
    }

    /// The rows by column, with their lines.
    fn rows(&self) -> impl Iterator<Item = (u64, Values)> {
        let Form { columns, has_header, .. } = &self.form;
        records(self.bytes).skip(usize::from(*has_header)).filter_map(move |(line, record)| {
            let record = record.ok()?;
            let values = columns
                .iter()
                .zip(&record)
                .map(|(column, value)| ((*column).to_owned(), value.to_owned()));
            Some((line, values.collect::<Values>()))
        })
    }
}

impl Form {
    /// What the first line says.
    fn of(kind: Option<Kind>, first: &StringRecord) -> Result<Self, String> {
        let kind = kind.or_else(|| guess(first)).ok_or_else(|| {
            "It does not say what it holds: give --kind airports, flights or passengers.".to_owned()
        })?;
        let (columns, has_header) = header(kind, first)?;
        Ok(Self { kind, columns, has_header })
    }
}

/// What a file holds, by its first line.
fn guess(first: &StringRecord) -> Option<Kind> {
    let known = |kind: Kind| {
        let (columns, needed) = kind.columns();
        columns.iter().take(needed).all(|column| first.iter().any(|name| named(name) == *column))
    };
    [Kind::Airports, Kind::Flights, Kind::Passengers].into_iter().find(|kind| known(*kind)).or_else(
        || {
            let minutes = first.get(2).is_some_and(|text| text.trim().parse::<i64>().is_ok());
            (first.len() == 3 && minutes).then_some(Kind::Flights)
        },
    )
}

/// A column's name as we know it.
fn named(name: &str) -> String {
    let name = name.trim().to_lowercase();
    if name == "minutes" { "duration".to_owned() } else { name }
}

/// The columns of a file, and whether its first line names them.
fn header(kind: Kind, first: &StringRecord) -> Result<(Vec<&'static str>, bool), String> {
    let (known, needed) = kind.columns();
    let names: Vec<_> = first.iter().map(named).collect();
    let is_header = known.iter().take(needed).any(|column| names.iter().any(|name| name == column));
    if !is_header {
        if kind == Kind::Airports {
            return Err("The first line must name the columns: at least code,city.".to_owned());
        }
        return Ok((known.iter().take(needed).copied().collect(), false));
    }
    if let Some(missing) =
        known.iter().take(needed).find(|column| !names.iter().any(|name| name == *column))
    {
        return Err(format!("The column {missing} is missing."));
    }
    let column = |name: &String| {
        known.iter().find(|known| *known == name).copied().ok_or_else(|| {
            format!(
                "The column “{}” is not known; these are: {}.",
                shortened(name),
                known.join(", ")
            )
        })
    };
    let columns: Vec<_> = names.iter().map(column).collect::<Result<_, _>>()?;
    let twice = columns
        .iter()
        .enumerate()
        .find(|(place, name)| columns.iter().take(*place).any(|other| other == *name));
    match twice {
        Some((_, name)) => Err(format!("The column {name} stands twice.")),
        None => Ok((columns, true)),
    }
}

/// Checks every row of files that will be loaded one after the other, without writing: nobody waits meanwhile,
/// however many rows there are. Answers the files with problems.
pub async fn check(
    db: &mut Conn,
    files: &[File<'_>],
    progress: &mut dyn Progress,
) -> Result<Vec<Problems>> {
    let mut known = airports::all(db).await?;
    let mut problems = Vec::new();
    for file in files {
        let directory = Directory::new(known.clone());
        let (mut new, mut lines) = (Vec::new(), Vec::new());
        progress.begin(&format!("Checking {}", file.name), file.count);
        for (line, values) in file.rows() {
            match Row::parse(file.form.kind, &values, &directory) {
                Ok(Row::Airport(draft)) => new.push(draft),
                Ok(Row::Flight(_) | Row::Passenger(_)) => {}
                Err(errors) => lines.push((line, sentence(&errors))),
            }
            progress.step();
        }
        progress.end();
        if !lines.is_empty() {
            problems.push(Problems { file: file.name.clone(), lines });
        }
        add(&mut known, new);
    }
    Ok(problems)
}

/// Adds the airports of a file to those that are known: a later file may name them. New ones have no ids yet,
/// so they get some that nothing has.
fn add(known: &mut Vec<Airport>, drafts: Vec<airports::Draft>) {
    let mut places: HashMap<_, _> =
        known.iter().enumerate().map(|(place, airport)| (airport.code.clone(), place)).collect();
    for mut draft in drafts {
        let place = *places.entry(draft.code.clone()).or_insert(known.len());
        if let Some(airport) = known.get_mut(place) {
            keep_zone(&mut draft, airport);
            *airport = draft.into_airport(airport.id, airport.version);
        } else {
            let id = i64::try_from(place).map_or(i64::MIN, |place| -1 - place);
            known.push(draft.into_airport(id, 1));
        }
    }
}

/// The flights that would show other times after files were loaded, because these give known airports another time
/// zone. Reads alone, so that nobody waits meanwhile.
pub async fn time_changes(db: &mut Conn, files: &[File<'_>]) -> Result<TimeChanges> {
    let known = airports::all(db).await?;
    let directory = Directory::new(known);
    let mut moves = Moves::new();
    for file in files.iter().filter(|file| file.form.kind == Kind::Airports) {
        for (_, values) in file.rows() {
            let Ok(draft) = airports::Draft::parse(&values) else {
                continue;
            };
            let known = directory.by_code(&draft.code);
            if let Some(airport) = known.filter(|_| !draft.timezone.is_empty()) {
                moves.insert(airport.id, (airport.timezone.clone(), draft.timezone));
            }
        }
    }
    moves.retain(|_, (before, after)| before != after);
    zones::time_changes(db, &moves, usize::MAX).await
}

/// A file without a time zone says nothing about it: the airport keeps the one that it has.
fn keep_zone(draft: &mut airports::Draft, known: &Airport) {
    if draft.timezone.is_empty() {
        draft.timezone.clone_from(&known.timezone);
    }
}

/// Loads a file's rows within a change set. On problems the caller drops the set, and nothing of
/// it is kept.
pub async fn load(
    set: &mut ChangeSet,
    file: &File<'_>,
    progress: &mut dyn Progress,
) -> Result<Result<Report, Problems>> {
    let mut report = Report { kind: file.form.kind.name(), ..Report::default() };
    let mut lines = Vec::new();
    // Flights name airports; the list is read once, not for each row.
    let directory = Directory::new(airports::all(set).await?);
    let mut batch = Batch::default();
    progress.begin(&format!("Loading {}", file.name), file.count);
    for (line, values) in file.rows() {
        let done = match Row::parse(file.form.kind, &values, &directory) {
            Ok(Row::Airport(draft)) => {
                load_airport(set, draft, &values, &directory, &mut report).await
            }
            Ok(Row::Flight(draft)) => {
                batch.flights.push(draft);
                Ok(())
            }
            Ok(Row::Passenger(draft)) => {
                batch.passengers.push(draft);
                Ok(())
            }
            Err(errors) => Err(Refusal::Invalid(errors)),
        };
        match done {
            Ok(()) => {}
            Err(Refusal::Invalid(errors)) => lines.push((line, sentence(&errors))),
            Err(Refusal::Failed(error)) => return Err(error),
        }
        if batch.is_full() {
            report.added += batch.write(set).await?;
        }
        progress.step();
    }
    report.added += batch.write(set).await?;
    progress.end();
    Ok(if lines.is_empty() { Ok(report) } else { Err(Problems { file: file.name.clone(), lines }) })
}

/// A row of a file, checked.
enum Row {
    Airport(airports::Draft),
    Flight(flights::Draft),
    Passenger(passengers::Draft),
}

impl Row {
    fn parse(kind: Kind, values: &Values, directory: &Directory) -> Result<Self, Errors> {
        Ok(match kind {
            Kind::Airports => Self::Airport(airports::Draft::parse(values)?),
            Kind::Flights => {
                let airport = |field| directory.named(values.first(field)).cloned();
                let draft =
                    flights::Draft::parse(values, airport("origin"), airport("destination"))?;
                draft.refuse_invalid()?;
                Self::Flight(draft)
            }
            Kind::Passengers => Self::Passenger(passengers::Draft::parse(values)?),
        })
    }
}

/// Rows that will be inserted in one statement.
#[derive(Default)]
struct Batch {
    flights: Vec<flights::Draft>,
    passengers: Vec<passengers::Draft>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.flights.len() + self.passengers.len() >= ROWS_AT_ONCE
    }

    /// Inserts the rows, and answers how many there were.
    async fn write(&mut self, set: &mut ChangeSet) -> Result<usize> {
        let flights = flights::insert_all(set, std::mem::take(&mut self.flights)).await?;
        let passengers = passengers::insert_all(set, std::mem::take(&mut self.passengers)).await?;
        Ok(flights.len() + passengers.len())
    }
}

/// What is wrong with a row, as one sentence.
fn sentence(errors: &Errors) -> String {
    let parts: Vec<_> = errors
        .iter()
        .flat_map(|(field, errors)| errors.iter().map(move |error| format!("{field}: {error}")))
        .collect();
    parts.join(" ")
}

async fn load_airport(
    set: &mut ChangeSet,
    mut draft: airports::Draft,
    values: &Values,
    directory: &Directory,
    report: &mut Report,
) -> Result<(), Refusal> {
    let known = match directory.by_code(&draft.code) {
        // The file may name one code twice, so what counts is what the set has now.
        Some(_) => airports::by_code(set, &draft.code).await?,
        None => None,
    };
    let Some(known) = known else {
        airports::insert(set, draft).await?;
        report.added += 1;
        return Ok(());
    };
    // A column that the file lacks says nothing: the airport keeps what it has.
    if !values.has("country") {
        draft.country.clone_from(&known.country);
    }
    keep_zone(&mut draft, &known);
    if !values.has("latitude") && !values.has("longitude") {
        (draft.latitude, draft.longitude) = (known.latitude, known.longitude);
    }
    let after = airports::update(set, &known, draft).await?;
    if after == known {
        report.unchanged += 1;
    } else {
        report.changed += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{File, Kind};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Any bytes are a file or a list of what is wrong with it; what was written as CSV is read back.
        #[test]
        fn files_are_read_or_refused(
            garbage in prop_oneof![
                "[a-z\",;\r\n 0-9]{0,60}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..60),
            ],
            names in prop::collection::vec((any::<String>(), any::<String>()), 1..4),
        ) {
            for kind in [None, Some(Kind::Airports), Some(Kind::Flights), Some(Kind::Passengers)] {
                if let Err(problems) = File::read("garbage", &garbage, kind) {
                    prop_assert!(!problems.lines.is_empty());
                }
            }
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["first", "last"]).expect("in memory");
            for (first, last) in &names {
                writer.write_record([first, last]).expect("in memory");
            }
            let bytes = writer.into_inner().expect("in memory");
            let file = File::read("names", &bytes, None).expect("a file");
            let read: Vec<_> = file
                .rows()
                .map(|(_, row)| (row.first("first").to_owned(), row.first("last").to_owned()))
                .collect();
            prop_assert_eq!(read, names);
        }
    }
}
