//! What the log says about security: one line for each event, named after OWASP's logging vocabulary.
//! Who is named by id only, never by what was typed: people type passwords into the wrong field.

use tracing::{info, warn};

/// Something worth knowing about who did what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Somebody signed in.
    SignedIn,
    /// A name, a password or a code was wrong.
    SignInFailed,
    /// Somebody tried too often.
    TooOften,
    /// Somebody signed out, or his session was ended.
    SessionEnded,
    /// A password was changed.
    PasswordChanged,
    /// A link for a new password was made, by its owner or by somebody who invited him.
    LinkMade,
    /// A second factor was switched on or off, or recovery codes were made.
    FactorChanged,
    /// Somebody asked for what he may not.
    Denied,
    /// A form came from another site.
    ForeignForm,
    /// A form came without the token of its session.
    NoToken,
    /// The server began to serve.
    Started,
    /// The server stopped.
    Stopped,
}

impl Event {
    /// Its name in OWASP's vocabulary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "authn_login_success",
            Self::SignInFailed => "authn_login_fail",
            Self::TooOften => "excess_rate_limit_exceeded",
            Self::SessionEnded => "session_expired",
            Self::PasswordChanged => "authn_password_change",
            Self::LinkMade => "authn_token_created",
            Self::FactorChanged => "authn_factor_change",
            Self::Denied => "authz_fail",
            Self::ForeignForm => "malicious_cors",
            Self::NoToken => "sequence_fail",
            Self::Started => "sys_startup",
            Self::Stopped => "sys_shutdown",
        }
    }

    const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::SignInFailed | Self::TooOften | Self::Denied | Self::ForeignForm | Self::NoToken
        )
    }
}

/// Writes an event down: whose account it is about (0 for nobody's), from where, in which request,
/// and words of ours.
pub fn record(event: Event, user: i64, address: &str, request: &str, about: &str) {
    let name = event.name();
    if event.is_warning() {
        warn!(target: "security", event = name, user, address, request, about);
    } else {
        info!(target: "security", event = name, user, address, request, about);
    }
}
