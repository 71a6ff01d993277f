//! Characters that nobody can see. Some reorder the text around them or hide what it says; others come along
//! when text is copied from a web page.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether a character changes the direction of the text around it, so that it reads as something else.
fn is_bidi_control(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Whether a character is a format character (Unicode category Cf) that nobody sees. (The signs before Arabic,
/// Syriac and Kaithi numbers are in this category, too, and are visible.)
fn is_format(letter: char) -> bool {
    let is_number_sign = matches!(
        letter,
        '\u{600}'
            ..='\u{605}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'
                | '\u{891}'
                | '\u{8e2}'
                | '\u{110bd}'
                | '\u{110cd}'
    );
    letter.general_category() == GeneralCategory::Format && !is_number_sign
}

/// Whether a character leaves nothing to see: blanks, control and format characters, fillers and
/// variation selectors (Unicode's `Default_Ignorable_Code_Point`), and the empty Braille pattern.
fn is_invisible(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || is_format(letter)
        || matches!(
            letter,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether a character only fills the place of a letter.
fn is_filler(letter: char) -> bool {
    matches!(letter, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether a text has a letter of any script that can be seen.
pub(super) fn has_letter(text: &str) -> bool {
    text.chars().any(|letter| letter.is_alphabetic() && !is_invisible(letter))
}

/// A text without the characters inside it that nobody sees and no word needs. (Joiners stay: Persian, Indic
/// scripts and emoji need them.)
pub(super) fn without_hidden(text: &str) -> String {
    let is_hidden = |letter: &char| {
        matches!(letter, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
    };
    text.chars().filter(|letter| !is_hidden(letter)).collect()
}

/// A text as a message or a terminal shows it: control characters are blanks, and nothing changes its direction.
#[must_use]
pub fn visible(text: &str) -> String {
    let letters = text.chars().filter(|letter| !is_bidi_control(*letter) && *letter != '\u{fffd}');
    letters.map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A text without blanks, fillers and format characters around it. Bidirectional controls stay, so that
/// [`problem`] finds them.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| {
        letter.is_whitespace()
            || is_filler(letter)
            || (is_format(letter) && !is_bidi_control(letter))
    })
}

/// What is wrong with the invisible characters of a trimmed text, if anything. Joiners inside words stay:
/// Persian, Indic scripts and emoji need them.
pub(super) fn problem(text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        Some("Take out the control characters, such as line breaks and NUL.")
    } else if text.chars().any(is_bidi_control) {
        Some("Take out the invisible characters that change the direction of text.")
    } else if text.contains('\u{fffd}') {
        Some("Take out the sign “\u{fffd}”. It stands where a letter could not be read.")
    } else if !text.is_empty() && text.chars().all(is_invisible) {
        Some("Nothing of this can be seen. Write at least one visible character.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{problem, trimmed};

    #[test]
    fn invisible_characters_are_trimmed_or_refused() {
        for (typed, kept) in [
            ("\u{feff}Ada\u{200b}", "Ada"),
            (" \u{200b} Ada \u{2060} ", "Ada"),
            ("Ada\u{ad}\u{200d}", "Ada"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("\u{6dd}", "\u{6dd}"),
            ("\u{200b}", ""),
            ("Ada\u{3164}", "Ada"),
            ("\u{115f}\u{1160}", ""),
        ] {
            assert_eq!(trimmed(typed), kept, "{typed:?}");
            assert_eq!(problem(kept), None, "{typed:?}");
        }
        for typed in [
            "\u{202e}Eve\u{202c}",
            "Eve\u{200f}",
            "\u{2067}Eve\u{2069}",
            "A\u{61c}B",
            "A\u{fffd}",
            "A\nB",
            "\u{2800}\u{fe0f}",
        ] {
            assert!(problem(trimmed(typed)).is_some(), "{typed:?}");
        }
    }
}
