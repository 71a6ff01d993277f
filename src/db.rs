//! Two databases behind one door: the same SQL text runs on SQLite and on PostgreSQL, and nothing
//! above this module names a driver.

pub mod folded;
pub mod migrate;
pub mod pool;
pub mod query;
pub mod schema;
pub mod text;
pub mod url;

pub use folded::{and_all_words, fold};
pub use pool::{Conn, Db, Pool, Tx};
pub use query::{Query, Record, Row};
pub use text::{Composed, Select, Upkeep, Write};
pub use url::{DatabaseUrl, Kind};
