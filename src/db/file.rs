//! The file that SQLite's connections have open: whether it is still the one that the settings name.

use std::io;
use std::path::PathBuf;

/// A database file, as it was when it was opened.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: Identity,
}

#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl DatabaseFile {
    /// The file at a path, which must exist.
    pub(super) fn at(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// An error where the file was deleted, or another took its place: connections that are open go on with
    /// the old one, which nobody would see again.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            Ok(_) => Err("the database file was replaced"),
            Err(_) => Err("the database file is missing"),
        }
    }
}

#[cfg(unix)]
fn identity(path: &std::path::Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let file = path.metadata()?;
    Ok(Identity(file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &std::path::Path) -> io::Result<Identity> {
    path.metadata().map(|_| Identity(0, 0))
}
