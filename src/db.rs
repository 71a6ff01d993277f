//! Two databases behind one door: the same SQL text runs on SQLite and on PostgreSQL, and nothing
//! above this module names a driver.

mod conn;
mod file;
pub mod insert;
pub mod migrate;
pub mod migration_lint;
pub mod pool;
pub mod query;
pub mod readiness;
pub mod request;
pub mod schema;
mod scope;
pub mod search_key;
pub mod text;
pub mod url;

pub use conn::{Conn, Tx};
pub use pool::{DbPool, Pool};
pub use query::{Query, Record, Row};
pub use request::{Db, RequestConn};
pub use search_key::{Fit, Found, Needle, Searched, and_all_words, fold, identity};
pub use text::{Composed, Select, Upkeep, Write};
pub use url::{DatabaseUrl, Kind};
