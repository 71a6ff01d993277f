//! The commands. Each says what it did on standard output; what went wrong is one clear line on
//! standard error, and a non-zero exit.

mod accounts;
mod check;
pub mod deploy;
mod django;
mod files;
mod healthcheck;
mod history;
mod list;
mod log_writer;
mod migrations;
mod progress;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use self::log_writer::Log;
use crate::config::{DEFAULT_LOG, Settings, variable};
use crate::data::load::Kind;
use crate::db::Pool;
use crate::error::{Error, Result};

/// Flights to look up and book, and a staff site to run them.
///
/// Without a command it serves: on a fresh machine it makes its own database, fills it with sample
/// data, and prints where to look.
#[derive(Debug, Parser)]
#[command(name = "airline", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the site (the default).
    Serve,
    /// Bring the database's schema up to this program's.
    Migrate {
        /// Change nothing; fail if anything is to be done.
        #[arg(long, conflicts_with = "plan")]
        check: bool,
        /// Change nothing; say what would be done.
        #[arg(long)]
        plan: bool,
        /// Wait up to this long for the database to answer; for another `airline migrate` to finish, at
        /// least a minute.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        wait: u64,
    },
    /// List the migrations, and which of them the database has.
    Showmigrations,
    /// Begin a new migration: a numbered pair of files, one for each database.
    Makemigrations {
        /// What it does, in a word or two: `add_terminals`.
        #[arg(required_unless_present = "check")]
        name: Option<String>,
        /// Make nothing; fail if the two folders differ in names, tables or columns, or if a migration
        /// would lock a table for long or break the previous release.
        #[arg(long, conflicts_with = "name")]
        check: bool,
    },
    /// Make an account that may do everything.
    Createsuperuser {
        /// Ask nothing: take `AIRLINE_SUPERUSER_USERNAME`, `_EMAIL` and `_PASSWORD`.
        #[arg(long)]
        noinput: bool,
    },
    /// Change an account's password, and end its sessions. Reads it from standard input where that
    /// is no terminal.
    Changepassword {
        /// The account's name.
        user: String,
    },
    /// Load files of airports, flights or passengers, or a dump: all of it or nothing.
    ///
    /// Airports: CSV with a header, at least code and city; optional country, timezone, latitude,
    /// longitude. Flights: CSV of origin, destination (city or code) and minutes; with a header
    /// also departs (local time at the origin, or with an offset such as 2026-11-23T08:05Z) and
    /// capacity. Passengers: CSV of first and last name.
    ///
    /// Columns may stand in any order, under usual names (`iata`, `first_name`, `from`, …), separated by
    /// commas, semicolons or tabs. What was understood is printed first. A CSV export loads again: an
    /// airport's code, and a flight's or passenger's number, say which object a row is. It is changed if
    /// it differs; an empty cell takes nothing away from it. A row without a number is new.
    Loaddata {
        /// The files, loaded in this order.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What the files hold, where their first line does not tell.
        #[arg(long, value_enum)]
        kind: Option<FileKind>,
        /// Do everything, report it, and keep nothing.
        #[arg(long)]
        dry_run: bool,
        /// Load files even if they give airports another time zone, with which flights show other
        /// times.
        #[arg(long)]
        allow_time_changes: bool,
    },
    /// Write everything as JSON lines to standard output; `loaddata` reads them back.
    Dumpdata,
    /// Copy a database of the demo's, made by Django: all that it holds, with passwords and its log.
    ///
    /// What is there already is left as it is; rows that cannot be taken are told. All of it is one
    /// change set, which the staff site's log can undo.
    ImportDjango {
        /// Where it is: postgres://… or sqlite:FILE. A password is better kept out of here, in
        /// `DJANGO_DATABASE_URL`.
        url: Option<String>,
        /// Do everything, report it, and keep nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List airports, flights, passengers, users or groups, with the searches of the staff site.
    ///
    /// For example: airline list flights 'from:LHR to:"New York" minutes<300 is:invalid'
    List {
        /// What is listed: `flights`.
        kind: String,
        /// What is looked for.
        #[arg(default_value = "")]
        search: String,
        /// Columns to sort by, with commas between, and `-` for downward: `-duration,origin`.
        #[arg(long, value_name = "COLUMNS", default_value = "", allow_hyphen_values = true)]
        sort: String,
        /// List at most this many: 100 as a table, all as CSV, where nothing is said.
        #[arg(long, value_name = "ROWS")]
        most: Option<usize>,
        /// Write CSV, with numbers and times as programs read them.
        #[arg(long)]
        csv: bool,
    },
    /// Prove that nobody changed the history.
    History {
        #[command(subcommand)]
        command: HistoryCommand,
    },
    /// Rebuild what names are searched and sorted by.
    ///
    /// `migrate` does it when a release changes the rules. Run it once more when no earlier release runs any more.
    RebuildSearchKeys,
    /// Check settings and database, and list every setting.
    Check {
        /// Also say what must be otherwise before strangers are served; fail if anything must.
        #[arg(long)]
        deploy: bool,
        /// Rules that need not hold here, by their codes.
        #[arg(long, value_name = "CODE", requires = "deploy")]
        allow: Vec<String>,
    },
    /// Exit with 0 if the running server answers (for containers).
    Healthcheck,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    /// Check that every change set fits the one before; fail if one was changed, taken out or put in.
    Verify {
        /// Also check that the last hash is this one, as an earlier run printed it, or comes after it.
        #[arg(long, value_name = "HASH")]
        since: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileKind {
    Airports,
    Flights,
    Passengers,
}

impl From<FileKind> for Kind {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Airports => Self::Airports,
            FileKind::Flights => Self::Flights,
            FileKind::Passengers => Self::Passengers,
        }
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    // What a command does it says itself.
    let quiet = if matches!(command, Command::Serve) { DEFAULT_LOG } else { "warn" };
    let filter = variable("AIRLINE_LOG").unwrap_or_else(|| quiet.to_owned());
    let filter = match EnvFilter::try_new(&filter) {
        Ok(filter) => filter,
        Err(error) => {
            complain(format_args!("AIRLINE_LOG: “{filter}” is no log filter: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let log = match Log::begin(filter) {
        Ok(log) => log,
        Err(error) => {
            complain(error);
            return ExitCode::FAILURE;
        }
    };
    let done = rocket::async_main(run(command));
    log.finish();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

/// Says what went wrong. Where nobody can read it, the exit still tells that something did.
fn complain(error: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "airline: {error}");
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve => serve::serve().await,
        Command::Migrate { check, plan, wait } => migrations::migrate(check, plan, wait).await,
        Command::Showmigrations => migrations::show().await,
        Command::Makemigrations { name: Some(name), .. } => migrations::make(&name),
        Command::Makemigrations { name: None, .. } => migrations::compare(),
        Command::Createsuperuser { noinput } => accounts::create_superuser(noinput).await,
        Command::Changepassword { user } => accounts::change_password(&user).await,
        Command::Loaddata { files, kind, dry_run, allow_time_changes } => {
            files::load(&files, kind.map(Kind::from), dry_run, allow_time_changes).await
        }
        Command::ImportDjango { url, dry_run } => django::import(url.as_deref(), dry_run).await,
        Command::Dumpdata => files::dump().await,
        Command::List { kind, search, sort, most, csv } => {
            list::list(&kind, &search, &sort, most, csv).await
        }
        Command::History { command: HistoryCommand::Verify { since } } => {
            history::verify(since.as_deref()).await
        }
        Command::RebuildSearchKeys => migrations::rebuild_search_keys().await,
        Command::Check { deploy, allow } => check::check(deploy, &allow).await,
        Command::Healthcheck => healthcheck::ask(),
    }
}

/// The database of the settings, for a command that works alone.
async fn open(settings: &Settings) -> Result<Pool> {
    Pool::open(&settings.database, 1, Duration::from_secs(5)).await
}

/// [`open`], for a command that only looks: it makes no file.
async fn open_existing(settings: &Settings) -> Result<Pool> {
    if !settings.database.exists() {
        return Err(Error::Told(format!(
            "There is no {} yet. Check DATABASE_URL, or create it with `airline migrate`.",
            settings.database
        )));
    }
    open(settings).await
}

/// [`open_existing`], with a schema that this program can work on.
async fn open_migrated(settings: &Settings) -> Result<Pool> {
    let pool = open_existing(settings).await?;
    pool.check_servable().await?;
    Ok(pool)
}

/// [`open_existing`], with just the schema of this program: for what must not leave anything out.
async fn open_exact(settings: &Settings) -> Result<Pool> {
    let pool = open_existing(settings).await?;
    pool.check_schema().await?;
    Ok(pool)
}
