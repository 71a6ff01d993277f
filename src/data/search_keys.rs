//! Makes the stored search keys again: after the rules of `db::fold` changed, after a dump was loaded, and after a
//! previous release wrote by older rules.

use super::Progress;
use crate::auth::{groups, users};
use crate::changes;
use crate::changes::search_keys::Rebuilt;
use crate::db::search_key::KEY_VERSION;
use crate::db::{Composed, Conn, Pool, Record, Select, Tx, Upkeep};
use crate::domain::{airports, passengers};
use crate::error::Result;

/// How many rows are looked at in one transaction.
const BATCH: i64 = 2_000;

const VERSION: Select = Select::new("SELECT search_keys FROM data_version");
const SET_VERSION: Upkeep = Upkeep::new("UPDATE data_version SET search_keys = $1");
const COUNT_OBJECTS: Select = Select::new(
    "SELECT (SELECT COUNT(*) FROM airports) + (SELECT COUNT(*) FROM passengers)
          + (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM groups)",
);

/// What has keys, in the order in which they are made.
#[derive(Debug, Clone, Copy)]
enum Keyed {
    Airports,
    Passengers,
    Users,
    Groups,
    ChangeSets,
    Changes,
}

const ALL: [Keyed; 6] = [
    Keyed::Airports,
    Keyed::Passengers,
    Keyed::Users,
    Keyed::Groups,
    Keyed::ChangeSets,
    Keyed::Changes,
];

/// Makes every key again where they were made by other rules than this program's. Answers how many were wrong.
pub async fn rebuild_outdated(pool: &Pool, progress: &mut dyn Progress) -> Result<usize> {
    let (version,): (i64,) = pool.conn().await?.query(VERSION).one().await?;
    if version == KEY_VERSION { Ok(0) } else { rebuild(pool, progress).await }
}

/// Makes every key again, in short transactions, and answers how many were wrong or missing. The objects and
/// their versions stay as they are.
pub async fn rebuild(pool: &Pool, progress: &mut dyn Progress) -> Result<usize> {
    begin(&mut pool.conn().await?, progress).await?;
    let mut written = 0;
    for keyed in ALL {
        let mut after = i64::MIN;
        loop {
            let mut tx = pool.begin().await?;
            let done = keyed.rebuild(&mut tx, after, progress).await?;
            tx.commit().await?;
            written += done.written;
            match done.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    progress.end();
    let mut tx = pool.begin().await?;
    finish(&mut tx).await?;
    tx.commit().await?;
    Ok(written)
}

/// [`rebuild`], as a part of a transaction.
pub async fn rebuild_within(tx: &mut Tx, progress: &mut dyn Progress) -> Result<()> {
    begin(tx, progress).await?;
    for keyed in ALL {
        let mut after = i64::MIN;
        while let Some(last) = keyed.rebuild(tx, after, progress).await?.last {
            after = last;
        }
    }
    progress.end();
    finish(tx).await
}

async fn begin(db: &mut Conn, progress: &mut dyn Progress) -> Result<()> {
    let (objects,): (i64,) = db.query(COUNT_OBJECTS).one().await?;
    let all = objects + changes::search_keys::count(db).await?;
    progress.begin("Making search keys", usize::try_from(all).unwrap_or(0));
    Ok(())
}

async fn finish(tx: &mut Tx) -> Result<()> {
    tx.upkeep(SET_VERSION).bind(KEY_VERSION).execute_one().await?;
    changes::touch(tx).await
}

impl Keyed {
    /// Makes the keys of the rows after one of an id.
    async fn rebuild(
        self,
        tx: &mut Tx,
        after: i64,
        progress: &mut dyn Progress,
    ) -> Result<Rebuilt> {
        let done = match self {
            Self::Airports => {
                let rows = read(
                    tx,
                    "id, code, city, country, folded, city_key, country_key FROM airports",
                    after,
                )
                .await?;
                let rows = rows.into_iter().map(
                    |(id, code, city, country, a, b, c): (_, String, String, String, _, _, _)| {
                        (id, [a, b, c], airports::search_keys(&code, &city, &country))
                    },
                );
                write(tx, "airports", ["folded", "city_key", "country_key"], rows).await?
            }
            Self::Passengers => {
                let rows =
                    read(tx, "id, first, last, folded, first_key FROM passengers", after).await?;
                let rows =
                    rows.into_iter().map(|(id, first, last, a, b): (_, String, String, _, _)| {
                        (id, [a, b], passengers::search_keys(&first, &last))
                    });
                write(tx, "passengers", ["folded", "first_key"], rows).await?
            }
            Self::Users => {
                let rows = read(tx, "id, username, email, folded FROM users", after).await?;
                let rows =
                    rows.into_iter().map(|(id, name, email, key): (_, String, String, _)| {
                        (id, [key], [users::search_key(&name, &email)])
                    });
                write(tx, "users", ["folded"], rows).await?
            }
            Self::Groups => {
                let rows = read(tx, "id, name, folded FROM groups", after).await?;
                let rows = rows.into_iter().map(|(id, name, key): (_, String, _)| {
                    (id, [key], [groups::search_key(&name)])
                });
                write(tx, "groups", ["folded"], rows).await?
            }
            Self::ChangeSets => changes::search_keys::rebuild_sets(tx, after, BATCH).await?,
            Self::Changes => changes::search_keys::rebuild_changes(tx, after, BATCH).await?,
        };
        (0..done.seen).for_each(|_| progress.step());
        Ok(done)
    }
}

async fn read<T: Record>(db: &mut Conn, text: &'static str, after: i64) -> Result<Vec<T>> {
    let mut query = Composed::select(text);
    query.push(" WHERE id > ").bind_number(after);
    query.push(" ORDER BY id LIMIT ").bind_number(BATCH);
    db.compose(query).all().await
}

/// Writes those keys of rows that are not what is stored: of each row its id, what is stored, and what is right.
async fn write<const N: usize>(
    tx: &mut Tx,
    table: &'static str,
    columns: [&'static str; N],
    rows: impl ExactSizeIterator<Item = (i64, [String; N], [String; N])>,
) -> Result<Rebuilt> {
    let mut done = Rebuilt { seen: rows.len(), ..Rebuilt::default() };
    let mut wrong = Vec::new();
    for (id, stored, right) in rows {
        done.last = Some(id);
        if stored != right {
            wrong.push((id, right));
        }
    }
    tx.update_search_keys(table, columns, &wrong).await?;
    Ok(Rebuilt { written: wrong.len(), ..done })
}
