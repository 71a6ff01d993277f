//! `airline serve`: makes a fresh machine ready, then serves.

use std::io::Write as _;
use std::net::SocketAddr;

use rocket::fairing::AdHoc;
use rocket::tokio::net::TcpListener;
use rocket::tokio::select;
use tracing::info;

use super::{open, open_existing, progress};
use crate::auth::events::{self, Event};
use crate::auth::first::FirstLink;
use crate::auth::users;
use crate::changes::{self, Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::Settings;
use crate::data::{sample, search_keys};
use crate::db::{Kind, Pool};
use crate::error::{Error, Result};
use crate::site::site;
use crate::wire::{self, Deadlines};

pub(super) async fn serve() -> Result<()> {
    let settings = Settings::read()?;
    let (_, config) = settings.rocket()?;
    let address = SocketAddr::new(config.address, config.port);
    let mut stop = Box::pin(wire::told_to_stop().map_err(|why| not_listening(&why, address))?);
    let listener = TcpListener::bind(address).await.map_err(|why| not_listening(&why, address))?;
    let clock = Clock::default();
    let nobody = select! {
        () = &mut stop => return Ok(()),
        ready = prepare(&settings, &clock) => !ready?,
    };

    // Only who sits at this machine is shown the link: a log that others read is no place for it.
    let here = address.ip().is_loopback();
    let first = if nobody && here { FirstLink::open() } else { FirstLink::default() };
    let link = first.path();
    info!(database = %settings.database, "serving");
    let told = AdHoc::on_liftoff("Where to look", move |_| {
        Box::pin(async move {
            let told = match link {
                Some(path) => format!(
                    "  Nobody is staff yet. Make the first superuser, once, at:\n  http://{address}{path}\n"
                ),
                None if nobody => {
                    "  Nobody is staff yet: run `airline createsuperuser`.\n".to_owned()
                }
                None => String::new(),
            };
            say(format_args!(
                "\n  airline is at http://{address}/ (staff: http://{address}/admin/)\n{told}"
            ));
        })
    });
    let rocket = site(settings, clock, first)?.attach(told);
    events::record(Event::Started, 0, "", "", concat!("airline ", env!("CARGO_PKG_VERSION")));
    let ended = wire::launch(rocket, listener, Deadlines::default(), stop).await;
    events::record(Event::Stopped, 0, "", "", "");
    ended.map_err(|error| Error::Told(format!("The site could not start: {}", error.kind())))
}

/// A file of ours is migrated and, when new, filled; a server's schema is another's decision. Answers
/// whether anybody is staff.
async fn prepare(settings: &Settings, clock: &Clock) -> Result<bool> {
    // A file that is named and missing is a mistake more often than a wish: `airline migrate` creates it.
    let pool =
        if settings.own_file { open(settings).await? } else { open_existing(settings).await? };
    match pool.kind() {
        Kind::Postgres => pool.check_servable().await?,
        Kind::Sqlite => {
            pool.migrate().await?;
            search_keys::rebuild_outdated(&pool, progress::bar().as_mut()).await?;
        }
    }
    if settings.own_file && changes::is_empty(&mut pool.conn().await?).await? {
        fill(&pool, settings, clock).await?;
    }
    users::any_staff(&mut pool.conn().await?).await
}

async fn fill(pool: &Pool, settings: &Settings, clock: &Clock) -> Result<()> {
    say(format_args!("A fresh {}: loading sample data.", settings.database));
    let intent = Intent {
        actor: Actor::command("serve"),
        action: "load",
        at: clock.now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin(pool, intent).await?;
    sample::load(&mut set, progress::bar().as_mut()).await?;
    set.commit().await?;
    Ok(())
}

/// Tells whoever sits here. A server that nobody listens to serves all the same.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn not_listening(why: &std::io::Error, address: SocketAddr) -> Error {
    if why.kind() == std::io::ErrorKind::AddrInUse {
        return Error::Told(format!(
            "{address} is taken by another program. Stop it, or choose another port: \
             ROCKET_PORT={} airline",
            address.port().wrapping_add(1)
        ));
    }
    Error::Told(format!("Cannot listen on {address}: {why}"))
}
