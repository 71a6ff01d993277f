//! `airline check`: are settings and database as they must be; and the list of every setting.

use super::{deploy, open_existing};
use crate::admin;
use crate::config::{SETTINGS, Settings, variable};
use crate::error::{Error, Result};
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
            if let Err(error) = pool.check_servable().await {
                wrong.push(error.to_string());
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
