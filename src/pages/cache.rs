//! Pages that every stranger gets alike, rendered once for each state of the data.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How many pages are kept; when there are more, all are forgotten.
const MOST: usize = 64;
/// Addresses longer than this are nobody's favourite.
const LONGEST_KEY: usize = 300;

/// The state that pages show: the data's, and the minute, since flights depart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Moment {
    pub(super) data_version: i64,
    pub(super) minute: i64,
}

/// The pages of one moment, by address and appearance.
#[derive(Debug, Default)]
pub struct PageCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    moment: Moment,
    pages: HashMap<String, Arc<[u8]>>,
}

impl PageCache {
    pub(super) fn get(&self, moment: Moment, key: &str) -> Option<Arc<[u8]>> {
        let kept = self.0.lock().ok()?;
        if kept.moment == moment { kept.pages.get(key).cloned() } else { None }
    }

    pub(super) fn put(&self, moment: Moment, key: String, page: Arc<[u8]>) {
        if key.len() > LONGEST_KEY {
            return;
        }
        if let Ok(mut kept) = self.0.lock() {
            if kept.moment != moment || kept.pages.len() >= MOST {
                *kept = Kept { moment, pages: HashMap::new() };
            }
            kept.pages.insert(key, page);
        }
    }
}
