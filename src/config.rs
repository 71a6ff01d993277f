//! Settings: the only reader of the environment. What is not set gets a value with which a fresh
//! machine works; what is set wrongly is one clear line.

use std::path::Path;

use rocket::figment::providers::{Env, Format as _, Toml};
use rocket::figment::{Figment, Profile};

use crate::db::DatabaseUrl;
use crate::error::{Error, Result};
use crate::mail::{Mailer, Transport};

/// The SQLite file of a fresh machine, in the folder where the program is started.
pub const OWN_FILE: &str = "airline.sqlite3";

/// What a server logs when nothing else is said; commands log warnings only.
pub const DEFAULT_LOG: &str = "info";

/// What differs between debug and release builds, embedded so that the binary needs no file.
const ROCKET_TOML: &str = include_str!("../Rocket.toml");

/// The settings of one run.
#[expect(clippy::struct_excessive_bools, reason = "settings are switches")]
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the data is.
    pub database: DatabaseUrl,
    /// Whether `DATABASE_URL` is unset: then the file is ours to make, to migrate and to fill.
    pub own_file: bool,
    /// How many connections to the database are kept at most.
    pub connections: u32,
    /// `PORT`: then the site listens on every address.
    pub port: Option<u16>,
    /// Whether visitors see passengers' names and book; otherwise they see counts, and staff book.
    pub public_booking: bool,
    /// The names that the site answers to, besides those of this machine; `*` is every name.
    pub hosts: Vec<String>,
    /// Whether a proxy of ours is in front, whose `X-Forwarded-For` says who asks.
    pub trust_proxy: bool,
    /// Whether people reach the site by HTTPS: then cookies are `Secure` and `__Host-`.
    pub https: bool,
    /// Whether browsers may list the site as one that is HTTPS only, for good.
    pub hsts_preload: bool,
    /// Where people reach the site, without a slash at the end: for links in mails. It never comes
    /// from a request, whose `Host` anybody can invent.
    pub url: Option<String>,
    /// How mail leaves.
    pub mailer: Mailer,
    /// The commit that the program was built from, where that is told.
    pub revision: Option<String>,
}

/// A setting as `airline check` and the README list it.
#[derive(Debug)]
pub struct Setting {
    /// The variable of the environment.
    pub name: &'static str,
    /// What it is without the variable.
    pub default: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

/// Every setting of ours.
pub const SETTINGS: [Setting; 17] = [
    Setting {
        name: "DATABASE_URL",
        default: "sqlite:airline.sqlite3",
        meaning: "where the data is: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME",
    },
    Setting {
        name: "PORT",
        default: "8000, on 127.0.0.1 only",
        meaning: "the port to listen on, on every address",
    },
    Setting {
        name: "AIRLINE_PUBLIC_BOOKING",
        default: "true in debug builds, false in release builds",
        meaning: "whether visitors see passengers' names and book; otherwise only staff do",
    },
    Setting {
        name: "AIRLINE_HTTPS",
        default: "false; on a dyno of Heroku's true",
        meaning: "whether people reach the site by HTTPS: cookies are then Secure and __Host-",
    },
    Setting {
        name: "AIRLINE_HSTS_PRELOAD",
        default: "false",
        meaning: "with AIRLINE_HTTPS: whether browsers may know for good that the site is HTTPS only",
    },
    Setting {
        name: "AIRLINE_HOSTS",
        default: "this machine only; with PORT, every name",
        meaning: "the names that the site answers to, with commas: example.org, .example.org, or *",
    },
    Setting {
        name: "AIRLINE_TRUST_PROXY",
        default: "false; on a dyno of Heroku's true",
        meaning: "whether a proxy of ours is in front: the last X-Forwarded-For is then who asks",
    },
    Setting {
        name: "AIRLINE_URL",
        default: "in debug builds this machine",
        meaning: "where people reach the site, for links in mails: https://flights.example.org",
    },
    Setting {
        name: "AIRLINE_MAIL",
        default: "console in debug builds, off in release builds",
        meaning: "how mail leaves: off, console, file:FOLDER, or smtps://USER:PASSWORD@HOST",
    },
    Setting {
        name: "AIRLINE_MAIL_FROM",
        default: "airline@localhost",
        meaning: "whom mail is from: Flights <flights@example.org>",
    },
    Setting {
        name: "AIRLINE_DATABASE_CONNECTIONS",
        default: "8",
        meaning: "how many connections to the database are kept at most",
    },
    Setting {
        name: "AIRLINE_LOG",
        default: DEFAULT_LOG,
        meaning: "what is logged to standard error: error, warn, info, debug, also by module",
    },
    Setting {
        name: "AIRLINE_LOG_FORMAT",
        default: "text on a terminal, logfmt elsewhere",
        meaning: "how it is logged: text to read, logfmt for machines",
    },
    Setting {
        name: "AIRLINE_REVISION",
        default: "",
        meaning: "the commit that the program was built from, for /version; images set it",
    },
    Setting {
        name: "AIRLINE_SUPERUSER_USERNAME",
        default: "",
        meaning: "for createsuperuser --noinput",
    },
    Setting {
        name: "AIRLINE_SUPERUSER_EMAIL",
        default: "",
        meaning: "for createsuperuser --noinput; may be left out",
    },
    Setting {
        name: "AIRLINE_SUPERUSER_PASSWORD",
        default: "",
        meaning: "for createsuperuser --noinput",
    },
];

/// A variable of the environment; an empty one is as good as none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn variable(name: &str) -> Option<String> {
    // What is not UTF-8 is set all the same, and whoever reads it says what is wrong with it.
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

impl Settings {
    /// Reads the environment.
    pub fn read() -> Result<Self> {
        let database_url = variable("DATABASE_URL");
        let database = match &database_url {
            Some(url) => DatabaseUrl::parse(url)?,
            None => DatabaseUrl::sqlite_file(Path::new(OWN_FILE)),
        };
        // A dyno of Heroku's: behind its router, which speaks HTTPS, with a disk that is not kept.
        let on_dyno = variable("DYNO").is_some();
        if on_dyno && database_url.is_none() {
            return Err(Error::Told(
                "DATABASE_URL is not set, and a dyno's disk is not kept: add a database, \
                 `heroku addons:create heroku-postgresql:essential-0`."
                    .to_owned(),
            ));
        }
        let port = number("PORT", 1..=65535)?.and_then(|port| u16::try_from(port).ok());
        let https = flag("AIRLINE_HTTPS")?.unwrap_or(on_dyno);
        let mailer = mailer()?;
        let url = public_url()?.or_else(|| {
            cfg!(debug_assertions).then(|| format!("http://localhost:{}", port.unwrap_or(8000)))
        });
        if url.is_none() && mailer.transport.is_on() {
            return Err(Error::Told(
                "AIRLINE_MAIL needs AIRLINE_URL: links in mails must lead somewhere.".to_owned(),
            ));
        }
        Ok(Self {
            database,
            own_file: database_url.is_none(),
            connections: number("AIRLINE_DATABASE_CONNECTIONS", 1..=1000)?.unwrap_or(8),
            hosts: hosts(port.is_some()),
            port,
            public_booking: flag("AIRLINE_PUBLIC_BOOKING")?.unwrap_or(cfg!(debug_assertions)),
            trust_proxy: flag("AIRLINE_TRUST_PROXY")?.unwrap_or(on_dyno),
            https,
            hsts_preload: flag("AIRLINE_HSTS_PRELOAD")?.unwrap_or(false),
            url,
            mailer,
            revision: variable("AIRLINE_REVISION"),
        })
    }

    /// What Rocket is told: its own settings (`Rocket.toml`, `ROCKET_…`), and ours above them.
    #[must_use]
    pub fn figment(&self) -> Figment {
        // As `rocket::Config::figment`, with our embedded file below the one of the folder.
        let mut figment = Figment::from(rocket::Config::default())
            .merge(Toml::string(ROCKET_TOML).nested())
            .merge(Toml::file(Env::var_or("ROCKET_CONFIG", "Rocket.toml")).nested())
            .merge(Env::prefixed("ROCKET_").ignore(&["PROFILE"]).global())
            .select(Profile::from_env_or("ROCKET_PROFILE", rocket::Config::DEFAULT_PROFILE))
            .merge(("databases.airline.url", self.database.reveal()))
            .merge(("databases.airline.max_connections", self.connections))
            .merge(("databases.airline.connect_timeout", 5))
            .merge(("template_dir", template_dir()));
        if let Some(port) = self.port {
            figment = figment.merge(("port", port)).merge(("address", "0.0.0.0"));
        }
        figment
    }

    /// [`Settings::figment`], read whole: a wrong `ROCKET_…` is one clear line.
    pub fn rocket(&self) -> Result<(Figment, rocket::Config)> {
        let figment = self.figment();
        let config = figment.extract::<rocket::Config>().map_err(|errors| {
            let first = errors.into_iter().next().map(|error| error.to_string());
            Error::Told(format!(
                "A setting of Rocket's cannot be used: {}",
                first.unwrap_or_default()
            ))
        })?;
        Ok((figment, config))
    }
}

/// Debug builds read templates from the source tree, so that an edit shows at once. Release builds
/// carry them; Rocket still wants a path that exists, and a file holds no templates.
fn template_dir() -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    if cfg!(debug_assertions) && source.is_dir() {
        return source;
    }
    std::env::current_exe().unwrap_or_default()
}

/// Names from `AIRLINE_HOSTS`. Without it only this machine is answered, unless `PORT` says that the
/// site is meant for others.
fn hosts(open: bool) -> Vec<String> {
    match variable("AIRLINE_HOSTS") {
        Some(list) => list.split(',').map(|name| name.trim().to_ascii_lowercase()).collect(),
        None if open => vec!["*".to_owned()],
        None => Vec::new(),
    }
}

/// `AIRLINE_URL`, without a slash at the end: a scheme, a host, perhaps a port.
fn public_url() -> Result<Option<String>> {
    let Some(text) = variable("AIRLINE_URL") else {
        return Ok(None);
    };
    let wrong = || {
        Error::Told(format!("AIRLINE_URL: “{text}” is no address like https://flights.example.org"))
    };
    let url = url::Url::parse(&text).map_err(|_| wrong())?;
    let fine = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if fine { Ok(Some(url.as_str().trim_end_matches('/').to_owned())) } else { Err(wrong()) }
}

fn mailer() -> Result<Mailer> {
    let fallback = if cfg!(debug_assertions) { "console" } else { "off" };
    let transport = variable("AIRLINE_MAIL");
    let transport = Transport::parse(transport.as_deref().unwrap_or(fallback))
        .map_err(|why| Error::Told(format!("AIRLINE_MAIL: {why}")))?;
    let from = variable("AIRLINE_MAIL_FROM").unwrap_or_else(|| "airline@localhost".to_owned());
    let from = from.parse().map_err(|_| {
        Error::Told(format!("AIRLINE_MAIL_FROM: “{from}” is no address like name@example.org"))
    })?;
    Ok(Mailer { transport, from })
}

fn flag(name: &str) -> Result<Option<bool>> {
    match variable(name).as_deref() {
        None => Ok(None),
        Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
        Some("false" | "0" | "no" | "off") => Ok(Some(false)),
        Some(other) => Err(Error::Told(format!("{name}: “{other}” is neither true nor false"))),
    }
}

fn number(name: &str, range: std::ops::RangeInclusive<u32>) -> Result<Option<u32>> {
    let Some(text) = variable(name) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(Error::Told(format!(
            "{name}: “{text}” is not a number from {} to {}",
            range.start(),
            range.end()
        ))),
    }
}
