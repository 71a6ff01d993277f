//! `airline healthcheck`: asks the running server whether it answers, as containers do.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::Settings;
use crate::error::{Error, Result};

/// `localhost` is a name that every site answers to.
const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn ask() -> Result<()> {
    let (_, config) = Settings::read()?.rocket()?;
    // A server on every address is asked on this machine's own.
    let ip = if config.address.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        config.address
    };
    let address = SocketAddr::new(ip, config.port);
    let silent = |why: std::io::Error| Error::Told(format!("{address} does not answer: {why}"));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(silent)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(silent)?;
    stream.write_all(REQUEST).map_err(silent)?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).map_err(silent)?;
    if &status == b"HTTP/1.1 200" {
        println!("{address} answers.");
        return Ok(());
    }
    Err(Error::Told(format!("{address} answers, but not as it should.")))
}
