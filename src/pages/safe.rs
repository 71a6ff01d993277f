//! Where a redirect may lead: to this site only.

use rocket::http::uri::Origin;

/// A path of this site, as `?next=` gives it, or the fall-back. As in Django's
/// `url_has_allowed_host_and_scheme`, whatever a browser could read as another host is refused.
#[must_use]
pub fn next<'a>(next: &'a str, fallback: &'a str) -> &'a str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_000
        && !next.contains('\\')
        && next.chars().all(|letter| letter.is_ascii_graphic())
        // What Rocket could not send a browser to is as bad.
        && Origin::parse(next).is_ok();
    if ours { next } else { fallback }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::next;

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Read as a browser reads it, it never leads away.
        #[test]
        fn nothing_leads_away(
            text in prop_oneof![
                "[/\\\\:@a-z.%?#\\t\\r\\n ]{0,24}",
                "(/|//|/\\\\|https?:|javascript:)?[/\\\\]{0,3}(evil\\.example)?\\PC{0,20}",
                any::<String>(),
            ]
        ) {
            let there = next(&text, "/fallback");
            let base = Url::parse("https://airline.example/admin/").expect("a base");
            let url = base.join(there).expect("an address");
            prop_assert_eq!(url.origin(), base.origin());
            prop_assert!(there.starts_with('/') && !there.contains(['\r', '\n']));
        }
    }

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(next("/admin/flights/?q=a%20b", "/"), "/admin/flights/?q=a%20b");
        for bad in [
            "",
            "//evil.example",
            "/\"",
            "/{a}",
            "/^",
            "/|",
            "/<x>",
            "/a#b#c",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "evil",
            "/\tx",
            "/é",
            "\\/evil",
        ] {
            assert_eq!(next(bad, "/admin/"), "/admin/", "{bad}");
        }
    }
}
