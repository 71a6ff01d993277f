//! `airline check`: are settings and database as they must be; and the list of every setting.

use super::{deploy, open_existing};
use crate::admin;
use crate::config::{SETTINGS, Settings, variable};
use crate::db::Conn;
use crate::domain::zones::STALE_NAMED;
use crate::domain::{airports, times, zones};
use crate::error::{Error, Result};
use crate::input::shortened;
use crate::pages::assets;
use crate::staff;

/// Settings whose value is never printed.
const SECRET: [&str; 3] = ["DATABASE_URL", "AIRLINE_MAIL", "AIRLINE_SUPERUSER_PASSWORD"];

pub(super) async fn check(deploy: bool, allowed: &[String]) -> Result<()> {
    println!("Settings:");
    for setting in &SETTINGS {
        let value = match variable(setting.name) {
            Some(_) if SECRET.contains(&setting.name) => "set".to_owned(),
            Some(value) => format!("“{value}”"),
            None if setting.default.is_empty() => "not set".to_owned(),
            None => format!("not set: {}", setting.default),
        };
        println!("  {:<30} {value}\n  {:<30} {}", setting.name, "", setting.meaning);
    }
    println!("  Rocket's own: Rocket.toml and ROCKET_… variables.\n");

    let settings = Settings::read()?;
    let (_, config) = settings.rocket()?;
    println!("Database: {}", settings.database);
    println!("Address:  {}:{}", config.address, config.port);
    println!("Profile:  {}", config.profile);
    let mut wrong = admin::mistakes(staff::KINDS);
    match open_existing(&settings).await {
        Ok(pool) => {
            let looked = match pool.check_servable().await {
                Ok(()) => match pool.conn().await {
                    Ok(mut conn) => time_zones(&mut conn).await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            match looked {
                Ok(found) => wrong.extend(found),
                Err(error) => wrong.push(error.to_string()),
            }
            if deploy && let Err(error) = deploy::check(&settings, &pool, allowed).await {
                wrong.push(error.to_string());
            }
        }
        Err(error) => wrong.push(error.to_string()),
    }
    if assets::path("htmx.js").is_empty() {
        wrong.push(
            "This build has no htmx: pages work as plain HTML. Install npm and build again."
                .to_owned(),
        );
    }
    if wrong.is_empty() {
        println!("\nAll is well.");
        return Ok(());
    }
    Err(Error::Told(wrong.join("\nairline: ")))
}

/// What is wrong with the times that flights show: airports whose time zone this program does not know, and flights
/// that show other times than when they were saved, because a new version of the program knows other rules.
async fn time_zones(db: &mut Conn) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut unknown = airports::all(db).await?;
    unknown.retain(|airport| times::is_unknown_zone(&airport.timezone));
    if !unknown.is_empty() {
        let named = unknown.iter().take(STALE_NAMED).map(|airport| {
            let zone = shortened(&airport.timezone);
            format!("\n  {airport}, number {}: {zone:?}", airport.id)
        });
        wrong.push(format!(
            "Time zones that are not known, so that times are shown in UTC, at {}. Give each one like \
             Europe/Paris:{}{}",
            counted(unknown.len(), "airport"),
            named.collect::<String>(),
            and_more(unknown.len())
        ));
    }
    let stale = zones::stale_times(db).await?;
    if stale.count > 0 {
        let named = stale.named.iter().map(|(id, change)| format!("\n  flight {id} {change}"));
        wrong.push(format!(
            "The rules of time zones have changed, and {} other times than when it was saved. Check each departure \
             and save the flight:{}{}",
            if stale.count == 1 { "1 flight shows".to_owned() } else { format!("{} flights show", stale.count) },
            named.collect::<String>(),
            and_more(stale.count)
        ));
    }
    Ok(wrong)
}

/// `1 flight`, `2 flights`.
pub(super) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// How many of a list are not named.
fn and_more(count: usize) -> String {
    match count.saturating_sub(STALE_NAMED) {
        0 => String::new(),
        more => format!("\n  and {more} more"),
    }
}
