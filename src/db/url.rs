//! Where the database is: the only place that reads its address, and no place prints its password.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::error::{Error, Result};

/// The two databases that the site runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file on this machine.
    Sqlite,
    /// A server.
    Postgres,
}

/// A checked `DATABASE_URL`. Neither `Debug` nor `Display` shows the password.
#[derive(Clone)]
pub struct DatabaseUrl {
    kind: Kind,
    text: String,
}

impl DatabaseUrl {
    /// Checks an address: `sqlite:FILE`, `postgres://…` or `postgresql://…`, and nothing else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim().to_owned();
        let told = |why: &str| Error::Told(format!("DATABASE_URL: {why}"));
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let path = path.split('?').next().unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(told("name a file, such as sqlite:airline.sqlite3"));
            }
            return Ok(Self::sqlite_file(Path::new(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = Url::parse(&text).map_err(|error| {
                told(&format!("not a URL ({error}); write postgres://USER:PASSWORD@HOST/NAME"))
            })?;
            if let Some((name, _)) = url.query_pairs().find(|(name, _)| !is_parameter(name)) {
                let name: String = name.chars().take(40).collect();
                return Err(told(&format!("the parameter “{name}” is not known")));
            }
            PgConnectOptions::from_str(url.as_str()).map_err(|_| {
                told("some part of it cannot be read; write postgres://USER:PASSWORD@HOST/NAME")
            })?;
            return Ok(Self { kind: Kind::Postgres, text });
        }
        Err(told("it must begin with sqlite: or postgres://"))
    }

    /// A SQLite file.
    #[must_use]
    pub fn sqlite_file(path: &Path) -> Self {
        Self { kind: Kind::Sqlite, text: format!("sqlite:{}", path.display()) }
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The whole address, password included: for the pool only, never for a message.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether there is anything to open: a file that is there, or a server that may be.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.kind == Kind::Postgres || self.file().exists()
    }

    pub(super) fn file(&self) -> PathBuf {
        PathBuf::from(self.text.strip_prefix("sqlite:").unwrap_or_default())
    }

    /// How to connect to PostgreSQL. `sslmode` in the address wins; without it a host that is not
    /// this machine gets `require` (sqlx's own default falls back to plain text in silence).
    pub(super) fn postgres(&self) -> Result<PgConnectOptions> {
        let options = PgConnectOptions::from_str(&self.text)
            .map_err(|_| Error::Told("DATABASE_URL: it cannot be read".to_owned()))?;
        let told = Url::parse(&self.text).is_ok_and(|url| {
            url.query_pairs().any(|(name, _)| name == "sslmode" || name == "ssl-mode")
        });
        Ok(if told || is_local(&options) { options } else { options.ssl_mode(PgSslMode::Require) })
    }

    /// Whether a connection to a server on another machine could be in clear.
    #[must_use]
    pub fn may_be_in_clear(&self) -> bool {
        let Some(options) = self.remote() else { return false };
        matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer)
    }

    /// The password for a server on another machine, empty where there is none: for looking at its
    /// strength only.
    #[must_use]
    pub fn remote_password(&self) -> Option<String> {
        self.remote()?;
        let url = Url::parse(&self.text).ok()?;
        let asked = url.query_pairs().find(|(name, _)| name == "password");
        let password = asked.map(|(_, value)| value.into_owned());
        let password = password.or_else(|| url.password().map(str::to_owned));
        Some(password.unwrap_or_default())
    }

    fn remote(&self) -> Option<PgConnectOptions> {
        if self.kind != Kind::Postgres {
            return None;
        }
        self.postgres().ok().filter(|options| !is_local(options))
    }

    /// Whether it is a file that other accounts of this machine can read.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        #[cfg(unix)]
        if self.kind == Kind::Sqlite {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = self.file().metadata().map(|file| file.permissions().mode());
            return mode.is_ok_and(|mode| mode & 0o077 != 0);
        }
        false
    }
}

/// Whether a server is on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host == "localhost"
        || host.starts_with('/')
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether PostgreSQL's driver knows a parameter. It would log one that it does not, and its value.
fn is_parameter(name: &str) -> bool {
    const KNOWN: [&str; 18] = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "statement-cache-capacity",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
    ];
    KNOWN.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Kind::Sqlite => write!(f, "SQLite file {}", self.file().display()),
            Kind::Postgres => match self.postgres() {
                Ok(options) => write!(
                    f,
                    "PostgreSQL at {}:{}, database {}, user {}, TLS {:?}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or(options.get_username()),
                    options.get_username(),
                    options.get_ssl_mode(),
                ),
                Err(_) => f.write_str("PostgreSQL"),
            },
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_databases_are_refused() {
        for text in [
            "postgres://u@h/x?pass=secret",
            "mysql://a:secret@b/c",
            "postgre://a:secret@b/c",
            "",
            "file.db",
            "sqlite:",
        ] {
            let error = DatabaseUrl::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("DATABASE_URL: "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_distant_server_is_asked_for_tls_unless_the_address_says_otherwise() {
        let mode = |text: &str| DatabaseUrl::parse(text).unwrap().to_string();
        assert!(mode("postgres://u:secret@db.example/n").ends_with("TLS Require"));
        assert!(mode("postgres://u:secret@db.example/n?sslmode=disable").ends_with("TLS Disable"));
        assert!(mode("postgres://u:secret@127.0.0.1/n").ends_with("TLS Prefer"));
        assert!(!format!("{:?}", DatabaseUrl::parse("postgres://u:secret@h/n")).contains("secret"));
    }

    #[test]
    fn a_distant_servers_address_is_looked_at() {
        let url = |text: &str| DatabaseUrl::parse(text).unwrap();
        assert!(url("postgres://u:p@db.example/n?sslmode=prefer").may_be_in_clear());
        assert!(url("postgres://u:p@db.example/n?sslmode=disable").may_be_in_clear());
        assert!(!url("postgres://u:p@db.example/n").may_be_in_clear());
        assert!(!url("postgres://u:p@localhost/n?sslmode=disable").may_be_in_clear());
        assert!(!url("sqlite:x").may_be_in_clear());
        let password = |text: &str| url(text).remote_password();
        assert_eq!(password("postgres://u:secret@db.example/n").as_deref(), Some("secret"));
        assert_eq!(password("postgres://u@db.example/n?password=x").as_deref(), Some("x"));
        assert_eq!(password("postgres://u@db.example/n").as_deref(), Some(""));
        assert_eq!(password("postgres://u:secret@127.0.0.1/n"), None);
        assert_eq!(password("sqlite:x"), None);
    }
}
