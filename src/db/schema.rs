//! The tables and columns that migrations lead to, read from their texts: so the two folders can
//! be compared where neither database runs.

use std::collections::BTreeMap;

use sqlparser::ast::{
    AlterTableOperation, ColumnDef, ColumnOption, ObjectName, ObjectType, RenameTableNameKind,
    Statement,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::migrate::contracts;
use super::url::Kind;
use crate::error::{Error, Result};

/// Columns by table; of each, whether it may be NULL.
pub type Tables = BTreeMap<String, BTreeMap<String, bool>>;

/// What migrations, in order, lead to. Each is a name and a text.
pub fn tables(kind: Kind, migrations: &[(String, String)]) -> Result<Tables> {
    let mut tables = Tables::new();
    for migration in migrations {
        apply_all(kind, &mut tables, migration)?;
    }
    Ok(tables)
}

/// The last migration before releases had to get on with each other.
pub(super) const BEFORE_ALL_RELEASES: &str = "0006_history";

/// What migrations take away without saying so in their name, as sentences: a release that runs while they
/// do, or comes back after them, would miss it.
pub fn losses(kind: Kind, migrations: &[(String, String)]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut tables = Tables::new();
    for migration in migrations {
        let before = tables.clone();
        apply_all(kind, &mut tables, migration)?;
        let name = &migration.0;
        if contracts(name) || name.as_str() <= BEFORE_ALL_RELEASES {
            continue;
        }
        for (table, columns) in before {
            let left = tables.get(&table);
            let lost = match left {
                None => vec![table],
                Some(left) => columns
                    .into_keys()
                    .filter(|column| !left.contains_key(column))
                    .map(|column| format!("{table}.{column}"))
                    .collect(),
            };
            found.extend(lost.into_iter().map(|what| {
                format!("{name} takes {what} away: the release before still needs it. Leave it, and take it away in a later release, by `airline makemigrations contract_…`")
            }));
        }
    }
    Ok(found)
}

fn apply_all(kind: Kind, tables: &mut Tables, migration: &(String, String)) -> Result<()> {
    for statement in parse(kind, migration)? {
        apply(tables, statement);
    }
    Ok(())
}

/// The statements of a migration: its name and its text.
pub(super) fn parse(kind: Kind, (name, text): &(String, String)) -> Result<Vec<Statement>> {
    let dialect: &dyn Dialect = match kind {
        Kind::Sqlite => &SQLiteDialect {},
        Kind::Postgres => &PostgreSqlDialect {},
    };
    Parser::parse_sql(dialect, text)
        .map_err(|error| Error::Told(format!("{name}.sql ({kind:?}) cannot be read: {error}")))
}

/// Does to tables what a statement does.
pub(super) fn apply(tables: &mut Tables, statement: Statement) {
    match statement {
        Statement::CreateTable(table) => {
            let columns = table.columns.iter().map(column).collect();
            tables.insert(plain(&table.name), columns);
        }
        Statement::Drop { object_type: ObjectType::Table, names, .. } => {
            for name in &names {
                tables.remove(&plain(name));
            }
        }
        Statement::AlterTable(change) => {
            let mut name = plain(&change.name);
            for operation in change.operations {
                name = alter(tables, name, operation);
            }
        }
        _ => {}
    }
}

/// Applies one change to a table. Answers what the table is called afterwards.
fn alter(tables: &mut Tables, name: String, operation: AlterTableOperation) -> String {
    let columns = tables.entry(name.clone()).or_default();
    match operation {
        AlterTableOperation::AddColumn { column_def, .. } => {
            columns.extend([column(&column_def)]);
        }
        AlterTableOperation::DropColumn { column_names, .. } => {
            for column in column_names {
                columns.remove(&column.value);
            }
        }
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            if let Some(optional) = columns.remove(&old_column_name.value) {
                columns.insert(new_column_name.value, optional);
            }
        }
        AlterTableOperation::RenameTable { table_name } => {
            let (RenameTableNameKind::As(new) | RenameTableNameKind::To(new)) = table_name;
            let (columns, new) = (tables.remove(&name).unwrap_or_default(), plain(&new));
            tables.insert(new.clone(), columns);
            return new;
        }
        _ => {}
    }
    name
}

fn column(definition: &ColumnDef) -> (String, bool) {
    let needed = definition
        .options
        .iter()
        .any(|option| matches!(option.option, ColumnOption::NotNull | ColumnOption::PrimaryKey(_)));
    (definition.name.value.clone(), !needed)
}

/// A name without quotes.
pub(super) fn plain(name: &ObjectName) -> String {
    name.to_string().trim_matches('"').to_owned()
}

/// What differs, as sentences.
#[must_use]
pub fn differences(sqlite: &Tables, postgres: &Tables) -> Vec<String> {
    let mut found = Vec::new();
    for (one, other, name) in [(sqlite, postgres, "PostgreSQL"), (postgres, sqlite, "SQLite")] {
        for (table, columns) in one {
            let Some(others) = other.get(table) else {
                found.push(format!("{name} has no table {table}"));
                continue;
            };
            for (column, optional) in columns {
                match others.get(column) {
                    None => found.push(format!("{name} has no column {table}.{column}")),
                    Some(other) if *optional && !other => {
                        found.push(format!("{table}.{column} may be NULL, but not on {name}"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, text: &str) -> Tables {
        tables(kind, &[("0001_test".to_owned(), text.to_owned())]).unwrap()
    }

    #[test]
    fn what_differs_is_named() {
        let sqlite = of(
            Kind::Sqlite,
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT); ALTER TABLE a ADD COLUMN y TEXT;
             CREATE TABLE only_here (id INTEGER PRIMARY KEY)",
        );
        let postgres = of(
            Kind::Postgres,
            "CREATE TABLE b (id BIGINT PRIMARY KEY, x TEXT NOT NULL); ALTER TABLE b RENAME TO a;
             ALTER TABLE a ADD COLUMN z TEXT",
        );
        assert_eq!(
            differences(&sqlite, &postgres),
            [
                "a.x may be NULL, but not on PostgreSQL",
                "PostgreSQL has no column a.y",
                "PostgreSQL has no table only_here",
                "SQLite has no column a.z",
            ]
        );
        assert_eq!(differences(&sqlite, &sqlite), Vec::<String>::new());
    }

    #[test]
    fn what_is_taken_away_says_so_in_its_name() {
        let losses = |name: &str, text: &str| {
            let made = "CREATE TABLE a (id BIGINT PRIMARY KEY, x TEXT, y TEXT); CREATE TABLE b (id BIGINT)";
            let migrations = [("0001_made", made), (name, text)];
            losses(
                Kind::Postgres,
                &migrations.map(|(name, text)| (name.to_owned(), text.to_owned())),
            )
            .unwrap()
            .iter()
            .map(|loss| loss.split(" away").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
        };
        let all = "DROP TABLE b; ALTER TABLE a DROP COLUMN x; ALTER TABLE a RENAME COLUMN y TO z";
        let name = "0007_add_contractors";
        assert_eq!(
            losses(name, all),
            ["a.x", "a.y", "b"].map(|what| format!("{name} takes {what}"))
        );
        assert!(
            losses("0007_contract_a", all).is_empty() && losses("0007_contract", all).is_empty()
        );
        // On SQLite a table is changed by another that takes its place.
        let again = "CREATE TABLE n (id BIGINT, x TEXT, y TEXT, z TEXT); DROP TABLE a; ALTER TABLE n RENAME TO a";
        assert!(losses("0007_more", again).is_empty());
    }
}
