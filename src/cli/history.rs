//! `airline history verify`: proves that nobody changed the history.

use super::progress;
use crate::changes::{self, Verdict};
use crate::config::Settings;
use crate::error::{Error, Result};

/// Checks the chain, and that it goes on from a hash that was printed before.
pub(super) async fn verify(since: Option<&str>) -> Result<()> {
    let pool = super::open_migrated(&Settings::read()?).await?;
    let mut db = pool.snapshot().await?;
    let sets = usize::try_from(changes::count_sets(&mut db).await?).unwrap_or(0);
    let mut bar = progress::bar();
    bar.begin("change sets", sets);
    let mut step = |count: usize| (0..count).for_each(|_| bar.step());
    let verdict = changes::verify(&mut db, &mut step).await?;
    bar.end();
    match verdict {
        Verdict::Broken { set } => {
            return Err(Error::Told(format!(
                "The history was changed: change set {set} is not what was written, or does not fit the one before."
            )));
        }
        Verdict::CutOff => {
            return Err(Error::Told(
                "The history was changed: its end is missing or comes from elsewhere, hashes were blanked, or changes belong to no set."
                    .to_owned(),
            ));
        }
        Verdict::Whole { sets, older, head } => {
            if let Some(since) = since
                && !changes::has_hash(&mut db, since).await?
            {
                return Err(Error::Told(format!(
                    "The history was changed: no change set has the hash {since}."
                )));
            }
            println!("{sets} change sets, each fits the one before.");
            if older > 0 {
                println!("{older} older ones were written before there was a chain.");
            }
            println!("The last hash is {head}");
        }
    }
    Ok(())
}
