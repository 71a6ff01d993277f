//! Mail: by SMTP where the settings name a server; in development to the terminal or into a folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use lettre::message::{Mailbox, header::ContentType};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use rocket::tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::error::{Error, Result};
use crate::random;

/// How mail leaves.
#[derive(Clone, Default)]
pub enum Transport {
    /// It does not.
    #[default]
    Off,
    /// It is printed on standard output.
    Console,
    /// Each is a file in a folder.
    Folder(PathBuf),
    /// A server takes it; the address may hold a password.
    Smtp(String),
}

/// The settings of mail.
#[derive(Clone)]
pub struct Mailer {
    /// How it leaves.
    pub transport: Transport,
    /// Whom it is from.
    pub from: Mailbox,
}

/// Never the address: it may hold a password.
impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Console => "console",
            Self::Folder(_) => "folder",
            Self::Smtp(_) => "smtp",
        })
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mail by {:?} from {}", self.transport, self.from)
    }
}

/// Whether mail can be sent to an address.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

/// A mail to somebody.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Whom it is for.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl Transport {
    /// Reads a setting: `off`, `console`, `file:FOLDER`, `smtp://…` or `smtps://…`. A server that is
    /// not on this machine is spoken to by TLS only. The error is what is wrong, without the setting,
    /// which may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "use off, console, file:FOLDER, smtps://USER:PASSWORD@HOST or \
            smtp://USER:PASSWORD@HOST:587?tls=required";
        match text {
            "off" => return Ok(Self::Off),
            "console" => return Ok(Self::Console),
            _ => {}
        }
        if let Some(folder) = text.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Folder(folder.into()));
        }
        let url = Url::parse(text).map_err(|_| WRONG)?;
        let host = url.host_str().ok_or(WRONG)?;
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let tls = url.scheme() == "smtps" || url.query() == Some("tls=required");
        match url.scheme() {
            "smtp" | "smtps" if tls || local => {}
            "smtp" => return Err("a server on another machine needs smtps:// or ?tls=required"),
            _ => return Err(WRONG),
        }
        AsyncSmtpTransport::<Tokio1Executor>::from_url(text).map_err(|_| WRONG)?;
        Ok(Self::Smtp(text.to_owned()))
    }

    /// Whether mail leaves at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

impl Mailer {
    /// Sends a mail, and waits until a server has taken it.
    pub async fn send(&self, mail: &Mail) -> Result<()> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(mail.to.parse().map_err(Error::internal)?)
            .subject(&mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(Error::internal)?;
        match &self.transport {
            Transport::Off => return Err(Error::internal("mail is off")),
            Transport::Console => {
                let Mail { to, subject, text } = mail;
                writeln!(std::io::stdout(), "\n  Mail to {to}: {subject}\n\n{text}")
                    .map_err(Error::internal)?;
            }
            Transport::Folder(folder) => {
                let file = folder.join(format!("{}.eml", random::request_id()));
                rocket::tokio::fs::create_dir_all(folder).await.map_err(Error::internal)?;
                // Under another name first, so that nobody reads half a mail.
                let half = file.with_extension("half");
                write_private(&half, &message.formatted()).await.map_err(Error::internal)?;
                rocket::tokio::fs::rename(&half, &file).await.map_err(Error::internal)?;
            }
            Transport::Smtp(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(Error::internal)?
                    .timeout(Some(std::time::Duration::from_secs(20)))
                    .build();
                transport.send(message).await.map_err(Error::internal)?;
            }
        }
        Ok(())
    }
}

/// Writes a new file that only its owner can read: links in mails are secrets.
async fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut new = rocket::tokio::fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    new.mode(0o600);
    let mut file = new.open(file).await?;
    file.write_all(bytes).await?;
    file.flush().await
}

#[cfg(test)]
mod tests {
    use super::Transport;

    #[test]
    fn a_password_never_crosses_a_net_in_clear() {
        for fine in [
            "off",
            "console",
            "file:mails",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
            "smtps://user:secret@mail.example.org",
            "smtp://user:secret@mail.example.org:587?tls=required",
        ] {
            assert!(Transport::parse(fine).is_ok(), "{fine}");
        }
        for bad in [
            "",
            "on",
            "file:",
            "smtp://mail.example.org",
            "smtp://user:secret@mail.example.org:587",
            "smtp://user:secret@mail.example.org:587?tls=opportunistic",
            "https://mail.example.org",
            "smtp://",
        ] {
            let error = Transport::parse(bad).unwrap_err();
            assert!(!error.contains("secret"), "{bad}: {error}");
        }
        let shown = format!("{:?}", Transport::parse("smtps://user:secret@mail.example.org"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
