//! `airline check --deploy`: what must be otherwise before strangers are served. Django's list, as far as
//! it is about what a site answers (the same numbers), and ours. What can be seen from outside is asked
//! of the site itself, which is put together for that.

mod rules;

pub use rules::{Facts, RULES, Rule, broken};

use rocket::http::{ContentType, Header};
use rocket::local::asynchronous::Client;

use crate::auth::first::FirstLink;
use crate::auth::passwords::{self, Verdict};
use crate::auth::{User, credentials, users};
use crate::clock::Clock;
use crate::config::{Settings, variable};
use crate::db::{Conn, Pool};
use crate::error::{Error, Result};
use crate::mail::Transport;
use crate::pages::assets;
use crate::site::site;

/// Tells what is wrong; findings that are allowed do not count.
pub(super) async fn check(settings: &Settings, pool: &Pool, allowed: &[String]) -> Result<()> {
    if let Some(unknown) =
        allowed.iter().find(|code| !RULES.iter().any(|rule| rule.code == code.as_str()))
    {
        return Err(Error::Told(format!("--allow {unknown}: there is no such rule.")));
    }
    let facts = facts(settings, pool).await?;
    let (allowed, counted): (Vec<_>, Vec<_>) =
        broken(&facts).partition(|rule| allowed.iter().any(|code| code == rule.code));
    println!("\nDeployment: {} rules.", RULES.len());
    for rule in &allowed {
        println!("  {} {} (allowed)", rule.code, rule.wrong);
    }
    for rule in &counted {
        println!("  {} {}\n       {}", rule.code, rule.wrong, rule.fix);
    }
    match counted.len() {
        0 => Ok(()),
        1 => Err(Error::Told("1 thing is to be done before strangers are served.".to_owned())),
        many => {
            Err(Error::Told(format!("{many} things are to be done before strangers are served.")))
        }
    }
}

async fn facts(settings: &Settings, pool: &Pool) -> Result<Facts> {
    let talkative = variable("AIRLINE_LOG").is_some_and(|log| {
        let log = log.to_lowercase();
        log.contains("debug") || log.contains("trace")
    });
    let rocket_talks =
        variable("ROCKET_LOG_LEVEL").is_some_and(|level| level != "critical" && level != "off");
    // (A password that the address does not hold, PostgreSQL's driver takes from there.)
    let in_environment = variable("PGPASSWORD").unwrap_or_default();
    let mut facts = Facts {
        debug_build: cfg!(debug_assertions),
        htmx: !assets::path("htmx.js").is_empty(),
        hosts: settings.hosts.clone(),
        url: settings.url.clone(),
        https: settings.https,
        trust_proxy: settings.trust_proxy,
        public_booking: settings.public_booking,
        mail: matches!(settings.mailer.transport, Transport::Smtp(_)),
        own_file: settings.own_file,
        file_is_open: settings.database.is_open_to_others(),
        database_in_clear: settings.database.may_be_in_clear(),
        database_password_weak: settings
            .database
            .remote_password()
            .map(|password| if password.is_empty() { in_environment.clone() } else { password })
            .is_some_and(|password| passwords::weakness(&password, &[], false).is_some()),
        schema_differs: pool.check_servable().await.is_err(),
        talkative: talkative || rocket_talks,
        password_in_environment: variable("AIRLINE_SUPERUSER_PASSWORD").is_some(),
        ..Facts::default()
    };
    if facts.schema_differs {
        // Neither accounts nor pages can be looked at: that much is to be done first.
        return Ok(facts);
    }
    people(&mut pool.conn().await?, &mut facts).await?;
    answers(settings, &mut facts).await?;
    Ok(facts)
}

/// What everybody tries first.
const DEFAULTS: [&str; 5] = ["admin", "password", "changeme", "airline", "123456789012"];
/// Each takes a hash: more than so many accounts are not looked at.
const LOOKED_AT: usize = 20;

async fn people(db: &mut Conn, facts: &mut Facts) -> Result<()> {
    let staff: Vec<User> = users::matching(db, "", usize::MAX >> 1)
        .await?
        .into_iter()
        .filter(User::may_enter)
        .collect();
    let superusers: Vec<_> = staff.iter().filter(|user| user.may_everything()).collect();
    facts.superusers = superusers.len();
    facts.superusers_without_factor = superusers.iter().filter(|user| !user.second_factor).count();
    if staff.len() > LOOKED_AT {
        eprintln!(
            "Only {LOOKED_AT} of {} staff accounts were checked for passwords that everybody tries first.",
            staff.len()
        );
    }
    for user in staff.iter().take(LOOKED_AT) {
        let hash = credentials::password_hash(db, user.id).await?;
        for password in DEFAULTS.into_iter().chain([user.username.as_str()]) {
            if passwords::verify(passwords::room().await?, password.to_owned(), hash.clone())
                .await?
                != Verdict::Wrong
            {
                facts.default_passwords += 1;
                break;
            }
        }
    }
    Ok(())
}

async fn answers(settings: &Settings, facts: &mut Facts) -> Result<()> {
    let rocket = site(settings.clone(), Clock::default(), FirstLink::default())?;
    let client = Client::untracked(rocket)
        .await
        .map_err(|error| Error::Told(format!("The site could not start: {}", error.kind())))?;
    let host = Header::new("Host", "localhost");
    let page = client.get("/admin/login").header(host.clone()).dispatch().await;
    facts.headers = page
        .headers()
        .iter()
        .map(|header| (header.name().as_str().to_lowercase(), header.value().to_owned()))
        .collect();
    let form = client.post("/admin/login").header(host).header(ContentType::Form);
    let form = form.header(Header::new("Content-Length", "10")).body("username=a");
    facts.tokenless = form.dispatch().await.status().code;
    Ok(())
}
