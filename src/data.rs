//! Data in and out: files of airports, flights and passengers, whole dumps, a database of the demo's, and
//! the sample that a fresh machine starts with.

mod columns;
pub mod django;
pub mod dump;
mod file;
pub mod formulas;
pub mod load;
mod problems;
mod records;
mod rows;
pub mod sample;
pub mod search_keys;

/// How far long work has come: told after each row, shown by whoever wants to.
pub trait Progress: Send {
    /// A new piece of work begins, of so many rows.
    fn begin(&mut self, name: &str, rows: usize);
    /// One more row is done.
    fn step(&mut self);
    /// The piece of work is done.
    fn end(&mut self);
}

/// Progress that nobody watches.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _name: &str, _rows: usize) {}
    fn step(&mut self) {}
    fn end(&mut self) {}
}
