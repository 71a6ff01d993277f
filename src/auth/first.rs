//! The one-time link at which the first superuser is made: no default account, ever. It lives in
//! memory, is printed to whoever started the site on his own machine, and works once.

use std::sync::Mutex;

use subtle::ConstantTimeEq as _;

use crate::random;

/// The secret of the link, until it was used.
#[derive(Debug, Default)]
pub struct FirstLink(Mutex<Option<String>>);

impl FirstLink {
    /// A link that works once.
    #[must_use]
    pub fn open() -> Self {
        Self(Mutex::new(Some(random::secret())))
    }

    /// The path of the link, while it works.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let secret = self.0.lock().ok()?;
        secret.as_ref().map(|secret| format!("/admin/first/?key={secret}"))
    }

    /// Whether a secret is the link's, in constant time.
    #[must_use]
    pub fn opens(&self, secret: &str) -> bool {
        self.0.lock().is_ok_and(|known| {
            known.as_ref().is_some_and(|known| known.as_bytes().ct_eq(secret.as_bytes()).into())
        })
    }

    /// Opens the link again, after what it was ended for failed.
    pub fn give_back(&self, secret: &str) {
        if let Ok(mut known) = self.0.lock() {
            *known = Some(secret.to_owned());
        }
    }

    /// Ends the link. Only one caller is told that he ended it.
    #[must_use]
    pub fn take(&self, secret: &str) -> bool {
        self.opens(secret) && self.0.lock().is_ok_and(|mut known| known.take().is_some())
    }
}
