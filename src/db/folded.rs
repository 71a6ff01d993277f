//! Text as it is searched and sorted.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::text::{Composed, anywhere};
use crate::input::is_too_long;

/// Lower case, without accents, with single blanks: what is stored beside a name, so that
/// `sao paulo` finds `São Paulo`, and both databases search and sort alike.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
        .flat_map(char::to_lowercase)
        .filter(|character| !character.is_control())
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Adds to a query that a folded column holds every word of a search; none does where the search is too
/// long (`crate::input::is_too_long`). The text so far must end with a complete condition.
pub fn and_all_words(query: &mut Composed, column: &'static str, search: &str) {
    if is_too_long([search].into_iter()) {
        query.push(" AND 1 = 0");
        return;
    }
    for word in fold(search).split(' ').filter(|word| !word.is_empty()) {
        query.push(" AND ").push(column).push(" LIKE ").bind_text(anywhere(word));
        query.push(" ESCAPE '\\'");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_takes_accents_case_and_blanks_away() {
        assert_eq!(fold("  São   Paulo "), "sao paulo");
        assert_eq!(fold("ÜNÏQUE"), "unique");
        assert_eq!(fold("Łódź"), "łodz");
        assert_eq!(fold("ＡＢＣ"), "abc");
        assert_eq!(fold("a\0b"), "ab");
    }
}
