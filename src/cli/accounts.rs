//! `airline createsuperuser` and `airline changepassword`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::open_migrated;
use crate::auth::users::{self, Draft};
use crate::auth::{credentials, passwords};
use crate::changes::{Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::{Settings, variable};
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};

fn intent(command: &str, action: &'static str) -> Intent {
    Intent {
        actor: Actor::command(command),
        action,
        at: Clock::default().now(),
        request_id: String::new(),
    }
}

/// Asks for a line on the terminal.
fn ask(question: &str) -> Result<String> {
    let cannot = |error: io::Error| Error::Told(format!("Cannot read the answer: {error}"));
    print!("{question}: ");
    io::stdout().flush().map_err(cannot)?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line).map_err(cannot)? == 0 {
        return Err(Error::Told("There is nobody to ask: use --noinput.".to_owned()));
    }
    Ok(line.trim().to_owned())
}

/// Asks for a new password, twice, without showing it; or reads one line where nobody is asked.
fn ask_password(names: &[&str], is_superuser: bool) -> Result<String> {
    let cannot = |error: io::Error| Error::Told(format!("Cannot read the password: {error}"));
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(cannot)?;
        return checked(line.trim_end_matches(['\r', '\n']).to_owned(), names, is_superuser);
    }
    loop {
        let password = rpassword::prompt_password("Password: ").map_err(cannot)?;
        if let Some(weakness) = passwords::weakness(&password, names, is_superuser) {
            println!("{weakness}");
        } else if rpassword::prompt_password("Password, again: ").map_err(cannot)? == password {
            return Ok(password);
        } else {
            println!("These were not the same.");
        }
    }
}

fn checked(password: String, names: &[&str], is_superuser: bool) -> Result<String> {
    match passwords::weakness(&password, names, is_superuser) {
        Some(weakness) => Err(Error::Told(format!("This password will not do. {weakness}"))),
        None => Ok(password),
    }
}

fn told(errors: &Errors) -> Error {
    let all: Vec<_> = errors
        .iter()
        .flat_map(|(field, errors)| errors.iter().map(move |error| format!("{field}: {error}")))
        .collect();
    Error::Told(all.join(" "))
}

pub(super) async fn create_superuser(noinput: bool) -> Result<()> {
    let pool = open_migrated(&Settings::read()?).await?;
    let mut values = Values::default();
    let password = if noinput {
        let needed = |name: &str| {
            variable(name).ok_or_else(|| Error::Told(format!("--noinput needs {name}.")))
        };
        values.set("username", needed("AIRLINE_SUPERUSER_USERNAME")?);
        values.set("email", variable("AIRLINE_SUPERUSER_EMAIL").unwrap_or_default());
        let names = [values.first("username"), values.first("email")];
        checked(needed("AIRLINE_SUPERUSER_PASSWORD")?, &names, true)?
    } else {
        values.set("username", ask("Name")?);
        values.set("email", ask("Mail address (may be left empty)")?);
        Draft::superuser(&values).map_err(|errors| told(&errors))?;
        ask_password(&[values.first("username"), values.first("email")], true)?
    };
    let draft = Draft::superuser(&values).map_err(|errors| told(&errors))?;
    let hash = passwords::hash(password).await?;
    let mut set = ChangeSet::begin(&pool, intent("createsuperuser", "add")).await?;
    match users::insert(&mut set, draft).await {
        Ok(user) => {
            credentials::set_first_password(&mut set, &user, hash).await?;
            set.commit().await?;
            println!("{} is a superuser now.", user.username);
            Ok(())
        }
        Err(Refusal::Invalid(errors)) => Err(told(&errors)),
        Err(Refusal::Failed(error)) => Err(error),
    }
}

pub(super) async fn change_password(username: &str) -> Result<()> {
    let pool = open_migrated(&Settings::read()?).await?;
    let user = users::by_name(&mut pool.conn().await?, username).await?;
    let user = user.ok_or_else(|| Error::Told(format!("There is no account “{username}”.")))?;
    let password = ask_password(&[&user.username, &user.email], user.is_superuser)?;
    let hash = passwords::hash(password).await?;
    let mut set = ChangeSet::begin(&pool, intent("changepassword", "change password")).await?;
    credentials::set_password(&mut set, user.id, hash, "").await?;
    set.commit().await?;
    println!("The password of {username} is changed; sessions of this account have ended.");
    Ok(())
}
