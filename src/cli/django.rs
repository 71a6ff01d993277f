//! `airline import-django`.

use std::io::{self, Write as _};
use std::time::Duration;

use super::{open_exact, progress};
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
    let from = Pool::open_to_read(&url, Duration::from_secs(5)).await?;
    let pool = open_exact(&Settings::read()?).await?;
    let intent = Intent {
        actor: Actor::command(django::COMMAND),
        action: "import",
        at: Clock::default().now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin_large(&pool, intent).await?;
    let copied =
        django::copy(&mut set, &mut from.snapshot().await?, progress::bar().as_mut()).await?;
    let done = if dry_run { None } else { set.commit().await? };
    let mut told = Vec::new();
    for kind in &copied {
        let known =
            if kind.known > 0 { format!(", {} there already", kind.known) } else { String::new() };
        let refused = kind.refused.len();
        let refused = if refused > 0 { format!(", {refused} not taken") } else { String::new() };
        told.push(format!("{}: {} added{known}{refused}.", kind.kind, kind.added));
    }
    let refused: Vec<_> = copied.iter().flat_map(|kind| &kind.refused).collect();
    if !refused.is_empty() {
        told.push("\nNot taken:".to_owned());
    }
    for (row, why) in refused.iter().take(TOLD) {
        told.push(format!("  {row}: {why}"));
    }
    if refused.len() > TOLD {
        told.push(format!("  … and {} more.", refused.len() - TOLD));
    }
    told.push(match done {
        _ if dry_run => "\nThis was a dry run: nothing was kept.\n".to_owned(),
        Some(set) => {
            format!("\nAll of it is change set {set}: the staff site's log can undo it.\n")
        }
        None => "\nThere was nothing new.\n".to_owned(),
    });
    // (Whoever stops reading stops nothing: it is done.)
    let _ = io::stdout().write_all(told.join("\n").as_bytes());
    Ok(())
}
