//! What PostgreSQL's migrations do to a site that is in use: statements that lock a table for long, and
//! statements that the previous release cannot live with. Each finding says what to write instead.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CreateIndex,
    Expr, Statement, TableConstraint,
};

use super::schema::{self, Tables};
use super::url::Kind;
use crate::error::Result;

/// The first line of a migration that sqlx runs outside a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";
/// Functions that give every row of one statement the same value.
const STABLE: [&str; 6] = [
    "now",
    "current_timestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "current_date",
    "localtimestamp",
];
/// How to build an index beside people who write.
const CONCURRENTLY: &str = "Write `CREATE INDEX CONCURRENTLY IF NOT EXISTS …` (or `CREATE UNIQUE INDEX …`), alone in a migration whose first line is `-- no-transaction`";

/// What is wrong with migrations, as sentences.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What must be written differently.
    pub errors: Vec<String>,
    /// What a person must think about.
    pub warnings: Vec<String>,
}

/// Looks at PostgreSQL's migrations, in order: a name and a text each.
pub fn lint(migrations: &[(String, String)]) -> Result<Findings> {
    let mut linter = Linter::default();
    for migration in migrations {
        let statements = schema::parse(Kind::Postgres, migration)?;
        if migration.0.as_str() > schema::BEFORE_ALL_RELEASES {
            linter.check(migration, &statements);
        }
        for statement in statements {
            schema::apply(&mut linter.tables, statement);
        }
    }
    Ok(linter.findings)
}

/// The index that a migration outside a transaction builds.
pub(super) fn index_built(text: &str) -> Option<String> {
    let migration = (String::new(), text.to_owned());
    match schema::parse(Kind::Postgres, &migration).ok()?.as_slice() {
        [Statement::CreateIndex(index)] => index.name.as_ref().map(ToString::to_string),
        _ => None,
    }
}

#[derive(Default)]
struct Linter {
    /// The tables before the migration that is looked at: nobody uses the ones that it creates.
    tables: Tables,
    /// `CHECK (column IS NOT NULL)`, by table and name: the column, and whether every row was checked.
    not_null: BTreeMap<(String, String), (String, bool)>,
    findings: Findings,
}

impl Linter {
    fn check(&mut self, (name, text): &(String, String), statements: &[Statement]) {
        let outside = text.starts_with(NO_TRANSACTION);
        let mut found = Vec::new();
        if outside && !matches!(statements, [Statement::CreateIndex(index)] if index.concurrently) {
            found.push(format!(
                "runs outside a transaction, so it could stop half-way. Let it be one `CREATE INDEX CONCURRENTLY`, or remove `{NO_TRANSACTION}`"
            ));
        }
        let mut added = BTreeSet::new();
        for statement in statements {
            match statement {
                Statement::AlterTable(change) => found.extend(self.alter(change, &mut added)),
                Statement::CreateIndex(index) => {
                    found.extend(self.index(index, outside));
                    let table = schema::plain(&index.table_name);
                    if index.unique && self.tables.contains_key(&table) {
                        self.findings.warnings.push(format!(
                            "{name} adds a unique index to {table}. Make sure that the previous release writes nothing that it refuses"
                        ));
                    }
                }
                _ => {}
            }
        }
        self.findings.errors.extend(found.into_iter().map(|what| format!("{name} {what}")));
    }

    fn alter(
        &mut self,
        change: &AlterTable,
        added: &mut BTreeSet<(String, String)>,
    ) -> Vec<String> {
        let table = schema::plain(&change.name);
        if !self.tables.contains_key(&table) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for operation in &change.operations {
            match operation {
                AlterTableOperation::AddColumn { column_def, .. } => {
                    found.extend(new_column(&table, column_def));
                }
                AlterTableOperation::AlterColumn { column_name, op } => {
                    found.extend(self.changed_column(&table, &column_name.value, op));
                }
                AlterTableOperation::AddConstraint { constraint, not_valid } => {
                    if let Some(name) = constraint_name(constraint) {
                        let key = (table.clone(), name);
                        if let Some(column) = checked_not_null(constraint) {
                            self.not_null.insert(key.clone(), (column, !*not_valid));
                        }
                        added.insert(key);
                    }
                    found.extend(new_constraint(&table, constraint, *not_valid));
                }
                AlterTableOperation::ValidateConstraint { name } => {
                    let key = (table.clone(), name.value.clone());
                    if added.contains(&key) {
                        found.push(format!(
                            "adds and validates {name} while {table} is locked. Move `VALIDATE CONSTRAINT {name}` to the next migration"
                        ));
                    }
                    if let Some((_, validated)) = self.not_null.get_mut(&key) {
                        *validated = true;
                    }
                }
                _ => {}
            }
        }
        found
    }

    fn changed_column(
        &self,
        table: &str,
        column: &str,
        operation: &AlterColumnOperation,
    ) -> Option<String> {
        match operation {
            AlterColumnOperation::SetDataType { .. } => Some(format!(
                "changes the type of {table}.{column}: PostgreSQL rewrites the table while everybody waits. Add a column of the new type, fill it, and drop the old one in a later release, by `airline makemigrations contract_…`"
            )),
            AlterColumnOperation::SetNotNull => {
                let is_checked = self
                    .not_null
                    .iter()
                    .any(|((of, _), (checked, valid))| of == table && checked == column && *valid);
                (!is_checked).then(|| format!(
                    "sets {table}.{column} NOT NULL: PostgreSQL reads the whole table while everybody waits. First `ADD CONSTRAINT … CHECK ({column} IS NOT NULL) NOT VALID`, then `VALIDATE CONSTRAINT …` in the next migration, then `SET NOT NULL` in one after that"
                ))
            }
            _ => None,
        }
    }

    fn index(&self, index: &CreateIndex, outside: bool) -> Option<String> {
        let table = schema::plain(&index.table_name);
        if !index.concurrently {
            return self.tables.contains_key(&table).then(|| {
                format!("builds an index while nobody can write to {table}. {CONCURRENTLY}")
            });
        }
        (!outside || !index.if_not_exists).then(|| {
            format!("builds an index on {table} in a way that can't be tried again. {CONCURRENTLY}")
        })
    }
}

fn has(column: &ColumnDef, wanted: fn(&ColumnOption) -> bool) -> bool {
    column.options.iter().any(|option| wanted(&option.option))
}

fn new_column(table: &str, column: &ColumnDef) -> Vec<String> {
    let name = format!("{table}.{}", column.name.value);
    let default = column.options.iter().find_map(|option| match &option.option {
        ColumnOption::Default(value) => Some(value),
        _ => None,
    });
    let is_generated = has(column, |option| {
        matches!(option, ColumnOption::Generated { .. } | ColumnOption::Identity(_))
    }) || column.data_type.to_string().to_uppercase().ends_with("SERIAL");
    let must_be_set =
        has(column, |option| matches!(option, ColumnOption::NotNull | ColumnOption::PrimaryKey(_)));

    let mut found = Vec::new();
    if is_generated || default.is_some_and(differs_by_row) {
        found.push(format!(
            "adds {name} with a value that is computed for each row: PostgreSQL rewrites the table while everybody waits. Add the column without it, fill the rows in parts, then set the default"
        ));
    } else if must_be_set && default.is_none() {
        found.push(format!(
            "adds {name} as NOT NULL without a default: the previous release can't insert rows. Give it a DEFAULT"
        ));
    }
    if has(column, |option| matches!(option, ColumnOption::Unique(_) | ColumnOption::PrimaryKey(_)))
    {
        found.push(format!(
            "builds an index while nobody can use {table}. Add {name} without it. {CONCURRENTLY}, then `ADD CONSTRAINT … UNIQUE USING INDEX …`"
        ));
    }
    let refers = has(column, |option| matches!(option, ColumnOption::ForeignKey(_)));
    let is_checked = has(column, |option| matches!(option, ColumnOption::Check(_)));
    if is_checked || (refers && default.is_some()) {
        found.push(format!(
            "checks every row of {table} while everybody waits. Add {name} without the constraint, then `ADD CONSTRAINT … NOT VALID`, and `VALIDATE CONSTRAINT …` in the next migration"
        ));
    }
    found
}

fn new_constraint(table: &str, constraint: &TableConstraint, not_valid: bool) -> Option<String> {
    match constraint {
        TableConstraint::ForeignKey(_) | TableConstraint::Check(_) if !not_valid => Some(format!(
            "checks every row of {table} while everybody waits. Add the constraint with NOT VALID, and `VALIDATE CONSTRAINT …` in the next migration"
        )),
        TableConstraint::Unique(_)
        | TableConstraint::PrimaryKey(_)
        | TableConstraint::Exclude(_) => Some(format!(
            "builds an index while nobody can use {table}. {CONCURRENTLY}, then `ADD CONSTRAINT … UNIQUE USING INDEX …`"
        )),
        _ => None,
    }
}

fn constraint_name(constraint: &TableConstraint) -> Option<String> {
    let name = match constraint {
        TableConstraint::ForeignKey(key) => key.name.as_ref(),
        TableConstraint::Check(check) => check.name.as_ref(),
        _ => None,
    };
    name.map(|name| name.value.clone())
}

/// The column of `CHECK (column IS NOT NULL)`.
fn checked_not_null(constraint: &TableConstraint) -> Option<String> {
    let TableConstraint::Check(check) = constraint else {
        return None;
    };
    match check.expr.as_ref() {
        Expr::IsNotNull(tested) => match tested.as_ref() {
            Expr::Identifier(column) => Some(column.value.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a default may have another value for each row. What is not known does.
fn differs_by_row(value: &Expr) -> bool {
    match value {
        Expr::Value(_) | Expr::TypedString(_) => false,
        Expr::Nested(inner)
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::Cast { expr: inner, .. }
        | Expr::Collate { expr: inner, .. } => differs_by_row(inner),
        Expr::BinaryOp { left, right, .. } => differs_by_row(left) || differs_by_row(right),
        Expr::Function(function) => {
            !STABLE.contains(&function.name.to_string().to_lowercase().as_str())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in migrations that follow one that made a table.
    fn found(texts: &[&str]) -> Findings {
        let made = "CREATE TABLE a (id BIGINT PRIMARY KEY, x TEXT); CREATE TABLE b (id BIGINT PRIMARY KEY)";
        let mut migrations = vec![("0006_history".to_owned(), made.to_owned())];
        for (number, text) in (9..).zip(texts) {
            migrations.push((format!("{number:04}_test"), (*text).to_owned()));
        }
        lint(&migrations).unwrap()
    }

    #[test]
    fn what_keeps_others_from_a_table_is_found() {
        for text in [
            "ALTER TABLE a ADD COLUMN y TEXT NOT NULL",
            "ALTER TABLE a ADD COLUMN y UUID DEFAULT gen_random_uuid()",
            "ALTER TABLE a ADD COLUMN y TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()",
            "ALTER TABLE a ADD COLUMN y BIGSERIAL",
            "ALTER TABLE a ADD COLUMN y BIGINT GENERATED ALWAYS AS IDENTITY",
            "ALTER TABLE a ADD COLUMN y BIGINT GENERATED ALWAYS AS (id + 1) STORED",
            "ALTER TABLE a ADD COLUMN y TEXT UNIQUE",
            "ALTER TABLE a ADD COLUMN y BIGINT CHECK (y > 0)",
            "ALTER TABLE a ADD COLUMN y BIGINT DEFAULT 1 REFERENCES b (id)",
            "ALTER TABLE a ALTER COLUMN x TYPE BIGINT USING x::BIGINT",
            "ALTER TABLE a ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x <> '')",
            "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES b (id)",
            "ALTER TABLE a ADD CONSTRAINT c UNIQUE (x)",
            "CREATE INDEX i ON a (x)",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x)",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (x)",
            "-- no-transaction\nALTER TABLE a ADD COLUMN y TEXT",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x <> '') NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c",
        ] {
            let found = found(&[text]);
            assert_eq!(found.errors.len(), 1, "{text}: {found:?}");
            assert!(found.errors[0].starts_with("0009_test "), "{found:?}");
            assert!(found.warnings.is_empty(), "{found:?}");
        }
        let two = "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x);
                   CREATE INDEX CONCURRENTLY IF NOT EXISTS j ON a (id)";
        assert_eq!(found(&[two]).errors.len(), 1);
    }

    #[test]
    fn what_lets_others_go_on_is_not() {
        for texts in [
            &["ALTER TABLE a ADD COLUMN y TEXT COLLATE \"C\" NOT NULL DEFAULT ''"][..],
            &["ALTER TABLE a ADD COLUMN y BIGINT NOT NULL DEFAULT -1"],
            &["ALTER TABLE a ADD COLUMN y TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP"],
            &["ALTER TABLE a ADD COLUMN y BIGINT REFERENCES b (id)"],
            &["ALTER TABLE a DROP COLUMN x", "DROP TABLE b"],
            // Nobody uses a table yet that the same migration creates.
            &["CREATE TABLE n (id BIGINT PRIMARY KEY, y TEXT UNIQUE); CREATE INDEX i ON n (y);
               ALTER TABLE n ADD CONSTRAINT c CHECK (y <> '')"],
            &["-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x)"],
            &[
                "ALTER TABLE a ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID",
                "ALTER TABLE a VALIDATE CONSTRAINT c",
                "ALTER TABLE a ALTER COLUMN x SET NOT NULL",
            ],
        ] {
            assert_eq!(found(texts), Findings::default(), "{texts:?}");
        }
        let not_yet = [
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x IS NOT NULL) NOT VALID",
            "ALTER TABLE a ALTER COLUMN x SET NOT NULL",
        ];
        assert_eq!(found(&not_yet).errors.len(), 1);
    }

    #[test]
    fn a_unique_index_is_something_to_think_about() {
        let text = "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x)";
        let found = found(&[text]);
        assert_eq!((found.errors.len(), found.warnings.len()), (0, 1), "{found:?}");
        assert_eq!(index_built(text).as_deref(), Some("i"));
    }
}
