//! Files of airports, flights and passengers. A load is all or nothing, and every row that is
//! wrong is told with its line and why.

use std::collections::HashMap;

use super::Progress;
pub use super::columns::Kind;
pub use super::file::File;
pub use super::problems::Problems;
use super::rows::{Numbered, Row, Seen, is_unchanged, sentences};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::db::insert::ROWS_AT_ONCE;
use crate::domain::airports::{self, Airport, Directory};
use crate::domain::flights::{self, Flight};
use crate::domain::passengers::{self, Passenger};
use crate::domain::zones::{self, Moves, TimeChanges};
use crate::error::Result;
use crate::input::{Errors, Refusal};

/// What a load did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was loaded.
    pub kind: &'static str,
    /// Rows that are new.
    pub added: usize,
    /// Objects that were known, by code or number, and are now as the file says.
    pub changed: usize,
    /// Objects that were so already.
    pub unchanged: usize,
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
        let mut seen = Seen::default();
        let mut rows = file.rows();
        progress.begin(&format!("Checking {}", file.name), file.count);
        loop {
            let some: Vec<_> = rows.by_ref().take(ROWS_AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            let numbered = Numbered::of(db, file.kind, &some).await?;
            for row in some {
                let line = row.0;
                match Row::parse(file.kind, row, &directory, &numbered, &mut seen) {
                    Ok(Row::Airport(draft, _)) => new.push(*draft),
                    Ok(Row::Flight(..) | Row::Passenger(..)) => {}
                    Err(errors) => lines.extend(sentences(&errors).map(|why| (line, why))),
                }
                progress.step();
            }
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
    for draft in drafts {
        let place = *places.entry(draft.code.clone()).or_insert(known.len());
        if let Some(airport) = known.get_mut(place) {
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
    let directory = Directory::new(airports::all(db).await?);
    let mut moves = Moves::new();
    for file in files.iter().filter(|file| file.kind == Kind::Airports) {
        let (numbered, mut seen) = (Numbered::default(), Seen::default());
        for row in file.rows() {
            let row = Row::parse(file.kind, row, &directory, &numbered, &mut seen);
            if let Ok(Row::Airport(draft, Some(known))) = row {
                moves.insert(known.id, (known.timezone, draft.timezone));
            }
        }
    }
    moves.retain(|_, (before, after)| before != after);
    zones::time_changes(db, &moves, usize::MAX).await
}

/// Loads a file's rows within a change set. On problems the caller drops the set, and nothing of
/// it is kept.
pub async fn load(
    set: &mut ChangeSet,
    file: &File<'_>,
    progress: &mut dyn Progress,
) -> Result<Result<Report, Problems>> {
    let mut report = Report { kind: file.kind.name(), ..Report::default() };
    let mut lines = Vec::new();
    // Flights name airports; the list is read once, not for each row.
    let directory = Directory::new(airports::all(set).await?);
    let mut batch = Batch::default();
    let mut seen = Seen::default();
    let mut rows = file.rows();
    progress.begin(&format!("Loading {}", file.name), file.count);
    loop {
        let some: Vec<_> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        let numbered = Numbered::of(set, file.kind, &some).await?;
        for row in some {
            let line = row.0;
            let done = match Row::parse(file.kind, row, &directory, &numbered, &mut seen) {
                Ok(row) => batch.take(set, row, &mut report).await,
                Err(errors) => Err(Refusal::Invalid(errors)),
            };
            match done {
                Ok(()) => {}
                Err(Refusal::Invalid(errors)) => {
                    lines.extend(sentences(&errors).map(|why| (line, why)));
                }
                Err(Refusal::Failed(error)) => return Err(error),
            }
            progress.step();
        }
        report.added += batch.write(set).await?;
    }
    progress.end();
    Ok(if lines.is_empty() { Ok(report) } else { Err(Problems { file: file.name.clone(), lines }) })
}

/// Rows that will be inserted in one statement.
#[derive(Default)]
struct Batch {
    flights: Vec<flights::Draft>,
    passengers: Vec<passengers::Draft>,
}

impl Batch {
    /// Keeps a new flight or passenger for [`Batch::write`]; other rows are written at once.
    async fn take(
        &mut self,
        set: &mut ChangeSet,
        row: Row,
        report: &mut Report,
    ) -> Result<(), Refusal> {
        let changed = match row {
            Row::Flight(draft, None) => {
                self.flights.push(*draft);
                return Ok(());
            }
            Row::Passenger(draft, None) => {
                self.passengers.push(draft);
                return Ok(());
            }
            Row::Airport(draft, None) => {
                airports::insert(set, *draft).await?;
                report.added += 1;
                return Ok(());
            }
            Row::Airport(draft, Some(known)) => change_airport(set, *draft, &known).await?,
            Row::Flight(draft, Some(known)) => change_flight(set, *draft, &known).await?,
            Row::Passenger(draft, Some(known)) => change_passenger(set, draft, &known).await?,
        };
        let count = if changed { &mut report.changed } else { &mut report.unchanged };
        *count += 1;
        Ok(())
    }

    /// Inserts the rows, and answers how many there were.
    async fn write(&mut self, set: &mut ChangeSet) -> Result<usize> {
        let flights = flights::insert_all(set, std::mem::take(&mut self.flights)).await?;
        let passengers = passengers::insert_all(set, std::mem::take(&mut self.passengers)).await?;
        Ok(flights.len() + passengers.len())
    }
}

/// Changes an airport, and answers whether it was otherwise.
async fn change_airport(
    set: &mut ChangeSet,
    draft: airports::Draft,
    known: &Airport,
) -> Result<bool, Refusal> {
    if draft == airports::Draft::from(known.clone()) {
        return Ok(false);
    }
    let before = airports::find(set, known.id).await?.ok_or_else(|| gone_meanwhile("code"))?;
    let after = airports::update(set, &before, draft).await?;
    Ok(after != before)
}

/// Changes a flight, and answers whether it was otherwise.
async fn change_flight(
    set: &mut ChangeSet,
    draft: flights::Draft,
    known: &Flight,
) -> Result<bool, Refusal> {
    if is_unchanged(&draft, known) {
        return Ok(false);
    }
    let before = flights::lock(set, known.id).await?.ok_or_else(|| gone_meanwhile("number"))?;
    let after = flights::update(set, &before, draft).await?;
    Ok(after != before)
}

/// Changes a passenger, and answers whether the name was another.
async fn change_passenger(
    set: &mut ChangeSet,
    draft: passengers::Draft,
    known: &Passenger,
) -> Result<bool, Refusal> {
    if draft.first == known.first && draft.last == known.last {
        return Ok(false);
    }
    let before = passengers::lock(set, known.id).await?.ok_or_else(|| gone_meanwhile("number"))?;
    let after = passengers::update(set, &before, draft).await?;
    Ok(after != before)
}

/// Somebody deleted an object after its row was read.
fn gone_meanwhile(field: &'static str) -> Errors {
    Errors::one(field, "This was deleted just now. Check what the file says, and load it again.")
}
