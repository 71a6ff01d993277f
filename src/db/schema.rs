//! The tables and columns that migrations lead to, read from their texts: so the two folders can
//! be compared where neither database runs.

use std::collections::BTreeMap;

use sqlparser::ast::{
    AlterTableOperation, ColumnDef, ColumnOption, ObjectName, ObjectType, RenameTableNameKind,
    Statement,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::url::Kind;
use crate::error::{Error, Result};

/// Columns by table; of each, whether it may be NULL.
pub type Tables = BTreeMap<String, BTreeMap<String, bool>>;

/// What migrations, in order, lead to. Each is a name and a text.
pub fn tables(kind: Kind, migrations: &[(String, String)]) -> Result<Tables> {
    let dialect: &dyn Dialect = match kind {
        Kind::Sqlite => &SQLiteDialect {},
        Kind::Postgres => &PostgreSqlDialect {},
    };
    let mut tables = Tables::new();
    for (name, text) in migrations {
        let statements = Parser::parse_sql(dialect, text).map_err(|error| {
            Error::Told(format!("{name}.sql ({kind:?}) cannot be read: {error}"))
        })?;
        for statement in statements {
            apply(&mut tables, statement);
        }
    }
    Ok(tables)
}

fn apply(tables: &mut Tables, statement: Statement) {
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

fn plain(name: &ObjectName) -> String {
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
}
