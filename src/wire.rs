//! The listener that people connect to. Rocket sets no deadlines for connections, so it listens on this
//! machine only, and this carries bytes between it and the world: whoever sends or reads too slowly, or
//! leaves a connection idle, is cut off. No HTTP is read here. (docs/decisions/0007-deadlines.md)

mod peers;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rocket::fairing::AdHoc;
use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use rocket::tokio::net::{TcpListener, TcpStream};
use rocket::tokio::signal::unix::{SignalKind, signal};
use rocket::tokio::sync::{Semaphore, oneshot, watch};
use rocket::tokio::time::{Instant, sleep, timeout, timeout_at};
use rocket::tokio::{self, select};
use rocket::{Build, Rocket};
use tracing::warn;

pub use peers::{Breaker, Peers};

/// How long a connection is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the first byte of a request, or the beginning of the connection, to the first byte of its
    /// answer. Bodies have a shorter one of their own (`pages::body`).
    pub answer: Duration,
    /// Without a byte either way, after an answer. Longer than the 90 seconds for which Heroku's router
    /// keeps a connection: it would send a request into one that is just being closed.
    pub idle: Duration,
    /// For a piece of an answer to be taken.
    pub take: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(24),
            idle: Duration::from_secs(95),
            take: Duration::from_secs(20),
        }
    }
}

/// Each connection to Rocket costs three descriptors: to the client, and both ends in between.
const DESCRIPTORS: u64 = 3;
/// A connection to the database costs two with SQLite (the file and its journal), one with PostgreSQL.
const DATABASE_DESCRIPTORS: u64 = 2;
/// What else is open: outputs, the listeners, the runtime's own, a mail on its way.
const SPARE: u64 = 28;
/// With fewer connections nothing is served.
const FEWEST: u64 = 2;
/// More connections at once are not taken; they wait in the system's queue.
const MOST: u64 = 8_192;
/// An answer is out when nothing came of it for so long.
const QUIET: Duration = Duration::from_millis(300);
/// For so long connections are still taken when it is to stop.
const DOOR: Duration = Duration::from_millis(50);
/// For so long an idle connection is kept while others wait for room.
const CROWDED: Duration = Duration::from_secs(1);
/// A piece of what is carried.
const PIECE: usize = 16 * 1024;

/// Asks the system for as many descriptors as it gives, and answers how many connections that makes beside
/// those to the database.
fn connections(database: u64) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // One more asks whether the site is ready.
    let others = SPARE + (database + 1) * DATABASE_DESCRIPTORS;
    let wanted = MOST * DESCRIPTORS + others;
    let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_some_and(|current| current < raised) {
        // Refused, what there is has to do.
        let _ =
            setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    }
    let there = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let connections = (there.saturating_sub(others) / DESCRIPTORS).clamp(FEWEST, MOST);
    usize::try_from(connections).unwrap_or(1)
}

/// Resolves when the program is told to stop: by Ctrl+C, or as a container is stopped. From here on
/// neither ends the program by itself.
///
/// # Errors
/// The system's, when it gives no signals.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Serves a site on a listener until it is to stop; then what runs is finished first, within Rocket's
/// grace and mercy (`ROCKET_SHUTDOWN`).
///
/// # Errors
/// Why the site could not start.
pub async fn launch(
    rocket: Rocket<Build>,
    listener: TcpListener,
    deadlines: Deadlines,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<rocket::Error>> {
    let inner = (rocket.figment().clone())
        .merge(("address", "127.0.0.1"))
        .merge(("port", 0))
        .merge(("shutdown.ctrlc", false))
        .merge(("shutdown.signals", [""; 0]));
    let times: rocket::config::Shutdown = inner.extract_inner("shutdown").unwrap_or_default();
    let patience = Duration::from_secs(u64::from(times.grace) + u64::from(times.mercy));
    let peers = rocket.state::<Peers>().cloned().unwrap_or_default();
    peers.serve();
    let most = connections(inner.extract_inner("databases.airline.max_connections").unwrap_or(0));
    let room = Arc::new(Semaphore::new(most));
    let (started, begins) = oneshot::channel();
    let started = Mutex::new(Some(started));
    let rocket = rocket.configure(inner).attach(AdHoc::on_liftoff("The wire", move |rocket| {
        let door = (rocket.config().port, rocket.shutdown());
        if let Some(started) = started.lock().ok().and_then(|mut started| started.take()) {
            // Nobody waits only when the site is being dropped.
            let _ = started.send(door);
        }
        Box::pin(async {})
    }));
    let (tell, stops) = watch::channel(false);
    let accepting = tokio::spawn({
        let room = Arc::clone(&room);
        async move {
            let (port, inner) = begins.await.ok()?;
            let inside = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut accepting = pin!(accept(listener, inside, &peers, &room, deadlines, &stops));
            select! {
                biased;
                () = stop => {}
                () = &mut accepting => {}
            }
            // Who came before is at the door still.
            let _ = timeout(DOOR, accepting).await;
            Some(inner)
        }
    });
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let mut stopped = pin!(async {
        let inner = accepting.await;
        tell.send_replace(true);
        // Who was taken comes to Rocket before that takes nobody any more. It is told in this task: told
        // from another, its server may hear of it first, and then waits for nobody.
        if timeout(QUIET, room.acquire_many(all)).await.is_err() {
            if let Ok(Some(inner)) = inner {
                inner.notify();
            }
            let _ = timeout(patience, room.acquire_many(all)).await;
        }
    });
    // Once everybody has what he waited for, Rocket's grace need not pass.
    select! {
        biased;
        ended = rocket.launch() => {
            ended.map_err(Box::new)?;
            stopped.await;
        }
        () = &mut stopped => {}
    }
    Ok(())
}

async fn accept(
    listener: TcpListener,
    inside: SocketAddr,
    peers: &Peers,
    room: &Arc<Semaphore>,
    deadlines: Deadlines,
    stops: &watch::Receiver<bool>,
) {
    // Whether somebody may be waiting at the door because there is no room.
    let crowded = watch::Sender::new(false);
    loop {
        let permit = if let Ok(permit) = Arc::clone(room).try_acquire_owned() {
            crowded.send_if_modified(|crowded| std::mem::replace(crowded, false));
            permit
        } else {
            crowded.send_if_modified(|crowded| !std::mem::replace(crowded, true));
            let Ok(permit) = Arc::clone(room).acquire_owned().await else { return };
            permit
        };
        match listener.accept().await {
            Ok((client, peer)) => {
                let (peers, stops) = (peers.clone(), stops.clone());
                let crowded = crowded.subscribe();
                tokio::spawn(async move {
                    // A connection that breaks is nobody's fault here.
                    let _ = carry(client, peer, inside, &peers, deadlines, stops, crowded).await;
                    drop(permit);
                });
            }
            Err(error) => {
                warn!(%error, "a connection was not taken");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What is known of a connection while bytes are carried.
struct Pace {
    /// Since when an answer is waited for.
    asked: Option<Instant>,
    /// When the last byte went by.
    last: Instant,
    /// Whether a piece of an answer is on its way to the client, who may be slow.
    giving: bool,
}

async fn carry(
    mut client: TcpStream,
    peer: SocketAddr,
    inside: SocketAddr,
    peers: &Peers,
    deadlines: Deadlines,
    mut stops: watch::Receiver<bool>,
    mut crowded: watch::Receiver<bool>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let begun = Instant::now();
    let mut first = [0];
    // Who says nothing costs no connection to Rocket. (`readable` may resolve without a byte.)
    select! {
        biased;
        said = timeout(deadlines.answer, client.peek(&mut first)) => match said {
            Ok(Ok(1..)) => {}
            _ => return Ok(()),
        },
        _ = stops.wait_for(|stops| *stops) => return Ok(()),
    }
    let mut server = TcpStream::connect(inside).await?;
    server.set_nodelay(true)?;
    let (_entered, mut broken) = peers.enter(server.local_addr()?, peer.ip());
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let pace = Mutex::new(Pace { asked: Some(begun), last: begun, giving: false });
    let note = |change: fn(&mut Pace)| {
        if let Ok(mut pace) = pace.lock() {
            pace.last = Instant::now();
            change(&mut pace);
        }
    };
    let forth = async {
        let mut piece = vec![0; PIECE];
        loop {
            let count = from_client.read(&mut piece).await?;
            if count == 0 {
                // It says no more. What was cut off is told at once; hyper takes a whole request that is
                // followed by this for given up, as it would without us.
                to_server.shutdown().await?;
                return std::future::pending::<io::Result<()>>().await;
            }
            note(|pace| pace.asked = pace.asked.or(Some(pace.last)));
            to_server.write_all(piece.get(..count).unwrap_or_default()).await?;
        }
    };
    let back = async {
        let mut piece = vec![0; PIECE];
        loop {
            let count = from_server.read(&mut piece).await?;
            if count == 0 {
                to_client.shutdown().await?;
                return Ok(());
            }
            note(|pace| (pace.asked, pace.giving) = (None, true));
            let taken = to_client.write_all(piece.get(..count).unwrap_or_default());
            timeout(deadlines.take, taken).await??;
            note(|pace| pace.giving = false);
        }
    };
    let watch = async {
        loop {
            let hurry = *crowded.borrow_and_update();
            let idle = if hurry { CROWDED.min(deadlines.idle) } else { deadlines.idle };
            let due = match pace.lock() {
                Ok(pace) => match pace.asked {
                    Some(asked) => asked + deadlines.answer,
                    // (Longer than a piece may take: that has a deadline of its own.)
                    None if pace.giving => pace.last + deadlines.take * 2,
                    None => pace.last + idle,
                },
                Err(_) => return,
            };
            let now = Instant::now();
            if due <= now {
                return;
            }
            // While others wait, it is looked at again soon: by then it may be idle.
            let look = if hurry { due.min(now + CROWDED) } else { due };
            let _ = timeout_at(look, crowded.changed()).await;
        }
    };
    select! {
        ended = forth => ended,
        ended = back => ended,
        () = watch => Ok(()),
        // A reset, because HTTP/1.0 takes a plain end for the end of the answer.
        Ok(_) = broken.wait_for(|broken| *broken) => client.set_zero_linger(),
    }
}
