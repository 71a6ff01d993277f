//! The schema: both folders lead to the same tables, and every SQL text runs on both databases.

use std::collections::BTreeMap;

use airline::db::{Kind, migrate, schema};
use sqlx::{Connection as _, Executor as _, Row as _, SqlSafeStr as _};

use crate::support::{Database, files};

fn told(kind: Kind) -> schema::Tables {
    let texts: Vec<_> = migrate::texts(kind).map(|(name, text)| (name, text.to_owned())).collect();
    schema::tables(kind, &texts).unwrap()
}

#[test]
fn both_folders_hold_the_same_names_tables_and_columns() {
    let names = |kind| migrate::texts(kind).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(Kind::Sqlite), names(Kind::Postgres));
    assert_eq!(
        schema::differences(&told(Kind::Sqlite), &told(Kind::Postgres)),
        Vec::<String>::new()
    );
}

/// What the texts say is what the database under test has.
#[rocket::async_test]
async fn the_database_has_the_tables_that_the_migrations_tell() {
    let database = Database::migrated().await;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let expected;
    if database.url.starts_with("sqlite:") {
        expected = told(Kind::Sqlite);
        let mut conn = sqlx::SqliteConnection::connect(&database.url).await.unwrap();
        for table in expected.keys() {
            let sql = sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"));
            for row in conn.fetch_all(sqlx::raw_sql(sql)).await.unwrap() {
                found.entry(table.clone()).or_default().push(row.get(0));
            }
        }
    } else {
        expected = told(Kind::Postgres);
        let mut conn = sqlx::PgConnection::connect(&database.url).await.unwrap();
        let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns
                   WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'";
        for row in conn.fetch_all(sql).await.unwrap() {
            found.entry(row.get(0)).or_default().push(row.get(1));
        }
    }
    for columns in found.values_mut() {
        columns.sort();
    }
    let expected: BTreeMap<String, Vec<String>> = expected
        .into_iter()
        .map(|(table, columns)| (table, columns.into_keys().collect()))
        .collect();
    assert_eq!(found, expected);
}

/// The texts of `Select::new("…")`, `Write::new("…")` and `Upkeep::new("…")` in the source.
fn statements() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, text) in files("src", ".rs") {
        for kind in ["Select::new(", "Write::new(", "Upkeep::new("] {
            for part in text.split(kind).skip(1) {
                let Some(rest) = part.trim_start().strip_prefix('"') else {
                    continue;
                };
                let sql = rest.split('"').next().unwrap().trim().to_owned();
                found.push((name.clone(), sql));
            }
        }
    }
    found
}

#[rocket::async_test]
async fn every_sql_text_prepares() {
    let database = Database::migrated().await;
    let statements = statements();
    assert!(statements.len() > 35, "{} statements", statements.len());
    for (name, sql) in statements {
        // An insert of many rows at once gets its rows later; some reading texts their end.
        let whole = match sql.strip_suffix("VALUES") {
            Some(start) => {
                let columns = start.rsplit_once('(').unwrap().1.matches(',').count() + 1;
                let places: Vec<_> = (1..=columns).map(|place| format!("${place}")).collect();
                format!("{sql} ({})", places.join(", "))
            }
            None => sql,
        };
        let text = sqlx::AssertSqlSafe(whole.clone()).into_sql_str();
        let prepared = if database.url.starts_with("sqlite:") {
            let mut conn = sqlx::SqliteConnection::connect(&database.url).await.unwrap();
            conn.prepare(text).await.map(drop)
        } else {
            let mut conn = sqlx::PgConnection::connect(&database.url).await.unwrap();
            conn.prepare(text).await.map(drop)
        };
        assert!(prepared.is_ok(), "{name}: {whole}: {prepared:?}");
    }
}

/// A text that reads cannot write, and nothing but a change set writes objects: shown by what does
/// not compile (the documentation's tests) and by who calls the one way round it.
#[test]
fn only_change_sets_and_dumps_write_objects() {
    let callers: Vec<_> = files("src", ".rs")
        .into_iter()
        .filter(|(_, text)| text.contains(".write_recorded(") || text.contains(".insert_recorded("))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(callers, ["src/changes.rs", "src/data/dump.rs"]);
}

/// A column that a dump forgot would be lost without a word.
#[test]
fn a_dump_holds_every_column_of_every_table() {
    use airline::data::dump::{COLUMNS, KEYS_LEFT_OUT, LEFT_OUT};

    let mut schema: BTreeMap<String, Vec<String>> = told(Kind::Postgres)
        .into_iter()
        .map(|(table, columns)| (table, columns.into_keys().collect()))
        .collect();
    for (table, reason) in LEFT_OUT {
        assert!(!reason.is_empty() && schema.remove(*table).is_some(), "{table}");
    }
    for (table, keys) in KEYS_LEFT_OUT {
        let columns = schema.get_mut(*table).unwrap();
        for key in *keys {
            let at = columns.iter().position(|column| column == key);
            columns.remove(at.unwrap_or_else(|| panic!("{table}.{key}")));
        }
    }
    let dumped: BTreeMap<String, Vec<String>> = COLUMNS
        .iter()
        .map(|(table, columns)| {
            let mut columns: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
            columns.sort();
            ((*table).to_owned(), columns)
        })
        .collect();
    assert_eq!(dumped, schema);
}
