//! `airline serve`: makes a fresh machine ready, then serves.

use std::net::SocketAddr;

use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;
use tracing::info;

use super::{open, progress};
use crate::auth::first::FirstLink;
use crate::auth::users;
use crate::changes::{self, Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::Settings;
use crate::data::sample;
use crate::db::{Kind, Pool};
use crate::error::{Error, Result};
use crate::site::site;

pub(super) async fn serve() -> Result<()> {
    let settings = Settings::read()?;
    let (_, config) = settings.rocket()?;
    let address = SocketAddr::new(config.address, config.port);
    let clock = Clock::default();
    let pool = open(&settings).await?;
    prepare(&pool, &settings, &clock).await?;
    let nobody = !users::any_staff(&mut pool.conn().await?).await?;
    drop(pool);

    // Only who sits at this machine is shown the link: a log that others read is no place for it.
    let here = address.ip().is_loopback();
    let first = if nobody && here { FirstLink::open() } else { FirstLink::default() };
    let link = first.path();
    info!(database = %settings.database, "serving");
    let told = AdHoc::on_liftoff("Where to look", move |_| {
        Box::pin(async move {
            println!("\n  airline is at http://{address}/ (staff: http://{address}/admin/)");
            match link {
                Some(path) => println!(
                    "  Nobody is staff yet. Make the first superuser, once, at:\n  http://{address}{path}"
                ),
                None if nobody => {
                    println!("  Nobody is staff yet: run `airline createsuperuser`.");
                }
                None => {}
            }
            println!();
        })
    });
    match site(settings, clock, first)?.attach(told).launch().await {
        Ok(_) => Ok(()),
        Err(error) => Err(told_plainly(&error, address)),
    }
}

/// A file of ours is migrated and, when new, filled; a server's schema is another's decision.
async fn prepare(pool: &Pool, settings: &Settings, clock: &Clock) -> Result<()> {
    if pool.kind() == Kind::Postgres {
        return pool.check_schema().await;
    }
    pool.migrate().await?;
    if !settings.own_file || !changes::is_empty(&mut pool.conn().await?).await? {
        return Ok(());
    }
    println!("A fresh {}: loading sample data.", settings.database);
    let intent = Intent {
        actor: Actor::command("serve"),
        action: "load",
        at: clock.now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin(pool, intent).await?;
    sample::load(&mut set, progress::bar().as_mut()).await?;
    set.commit().await
}

fn told_plainly(error: &rocket::Error, address: SocketAddr) -> Error {
    match error.kind() {
        ErrorKind::Bind(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => {
            Error::Told(format!(
                "{address} is taken by another program. Stop it, or choose another port: \
                 ROCKET_PORT={} airline",
                address.port().wrapping_add(1)
            ))
        }
        ErrorKind::Bind(cause) => Error::Told(format!("Cannot listen on {address}: {cause}")),
        other => Error::Told(format!("The site could not start: {other}")),
    }
}
