//! The quote that keeps spreadsheets from taking a text for a formula (OWASP, CSV Injection; ASVS 5, 1.2.10):
//! put before it in every CSV file that is written, taken away when a file is read.

/// What begins a formula, in one spreadsheet or another.
const BEGINNINGS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// Whether a text begins a formula, behind any quotes. (Those are counted so that [`unguarded`] takes away just
/// the one that [`guarded`] put there.)
fn begins_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(BEGINNINGS)
}

/// A text that no spreadsheet takes for a formula: a quote goes before what would begin one.
#[must_use]
pub fn guarded(text: String) -> String {
    if begins_formula(&text) { format!("'{text}") } else { text }
}

/// The text that [`guarded`] made this of.
#[must_use]
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| begins_formula(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{guarded, unguarded};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// What begins a cell begins no formula, and nothing is lost.
        #[test]
        fn no_cell_is_a_formula(
            text in prop_oneof!["[-=+@＝＋－＠\\t\\r\\n\"']{0,3}\\PC{0,9}", any::<String>()]
        ) {
            let written = guarded(text.clone());
            let quoted = format!("'{text}");
            prop_assert!(written == text || written == quoted);
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']));
            prop_assert_eq!(unguarded(&written), text);
        }
    }
}
