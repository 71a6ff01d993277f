//! `airline import-django`.

use std::time::Duration;

use super::{open_migrated, progress};
use crate::changes::{Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::{Settings, variable};
use crate::data::django;
use crate::db::{DatabaseUrl, Pool};
use crate::error::{Error, Result};

/// Refused rows that are told at most.
const TOLD: usize = 100;

pub(super) async fn import(url: Option<&str>, dry_run: bool) -> Result<()> {
    let url = url.map(str::to_owned).or_else(|| variable("DJANGO_DATABASE_URL"));
    let Some(url) = url else {
        return Err(Error::Told(
            "Say where the demo's database is: DJANGO_DATABASE_URL=postgres://… airline import-django"
                .to_owned(),
        ));
    };
    let url = DatabaseUrl::parse(&url).map_err(|error| {
        Error::Told(error.to_string().replace("DATABASE_URL", "The demo's database"))
    })?;
    if !url.exists() {
        return Err(Error::Told(format!("There is no {url}.")));
    }
    let from = Pool::open(&url, 1, Duration::from_secs(5)).await?;
    let pool = open_migrated(&Settings::read()?).await?;
    let intent = Intent {
        actor: Actor::command(django::COMMAND),
        action: "import",
        at: Clock::default().now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin(&pool, intent).await?;
    let copied = django::copy(&mut set, &mut from.conn().await?, progress::bar().as_mut()).await?;
    let done = if dry_run { None } else { set.commit().await? };
    for kind in &copied {
        let known =
            if kind.known > 0 { format!(", {} there already", kind.known) } else { String::new() };
        let refused = kind.refused.len();
        let refused = if refused > 0 { format!(", {refused} not taken") } else { String::new() };
        println!("{}: {} added{known}{refused}.", kind.kind, kind.added);
    }
    let refused: Vec<_> = copied.iter().flat_map(|kind| &kind.refused).collect();
    if !refused.is_empty() {
        println!("\nNot taken:");
    }
    for (row, why) in refused.iter().take(TOLD) {
        println!("  {row}: {why}");
    }
    if refused.len() > TOLD {
        println!("  … and {} more.", refused.len() - TOLD);
    }
    match done {
        _ if dry_run => println!("\nThis was a dry run: nothing was kept."),
        Some(set) => println!("\nAll of it is change set {set}: the staff site's log can undo it."),
        None => println!("\nThere was nothing new."),
    }
    Ok(())
}
