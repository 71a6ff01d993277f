//! The rules of `check --deploy`, and the facts that they look at.

/// Something that is looked at.
#[derive(Debug)]
pub struct Rule {
    /// Its name: `D` and Django's number, or `A` and ours.
    pub code: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Whether it is wrong.
    broken: fn(&Facts) -> bool,
}

/// What is known of a deployment.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact")]
pub struct Facts {
    /// Whether it is a debug build.
    pub debug_build: bool,
    /// Whether htmx is in it.
    pub htmx: bool,
    /// The headers of the page where one signs in, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The status of a form without its token.
    pub tokenless: u16,
    /// The names that the site answers to.
    pub hosts: Vec<String>,
    /// Where people reach it.
    pub url: Option<String>,
    /// Whether cookies are for HTTPS.
    pub https: bool,
    /// Whether a proxy is believed.
    pub trust_proxy: bool,
    /// Whether visitors see names and book.
    pub public_booking: bool,
    /// Whether mail leaves this machine or its folder.
    pub mail: bool,
    /// Whether the data is in a file that nobody asked for.
    pub own_file: bool,
    /// Whether others on the machine can read the data's file.
    pub file_is_open: bool,
    /// Whether a connection to the database on another machine could be in clear.
    pub database_in_clear: bool,
    /// Whether the database on another machine has no password, or one that is soon guessed.
    pub database_password_weak: bool,
    /// Whether the schema is another than this program's.
    pub schema_differs: bool,
    /// Whether more is logged than is meant for production.
    pub talkative: bool,
    /// Whether the first superuser's password still stands in the environment.
    pub password_in_environment: bool,
    /// Superusers who can sign in.
    pub superusers: usize,
    /// Those of them without a second factor.
    pub superusers_without_factor: usize,
    /// Staff whose password is among the first that anybody tries.
    pub default_passwords: usize,
}

impl Facts {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn hsts_seconds(&self) -> u64 {
        let parts = self.header("strict-transport-security").split(';');
        let age = parts.map(str::trim).find_map(|part| part.strip_prefix("max-age="));
        age.and_then(|age| age.parse().ok()).unwrap_or(0)
    }

    /// Whether every cookie that is set has an attribute.
    fn cookies_have(&self, attribute: &str) -> bool {
        let mut cookies = self.headers.iter().filter(|(name, _)| name == "set-cookie").peekable();
        cookies.peek().is_some()
            && cookies.all(|(_, cookie)| cookie.split(';').any(|part| part.trim() == attribute))
    }
}

const HTTPS: &str = "Set AIRLINE_HTTPS=true, behind a proxy that speaks HTTPS.";
const OURS: &str = "This build is not as it was written: look at src/pages/headers.rs.";

/// Every rule.
pub const RULES: [Rule; 30] = [
    Rule {
        code: "D002",
        wrong: "Other sites can frame pages (X-Frame-Options, frame-ancestors).",
        fix: OURS,
        broken: |facts| {
            facts.header("x-frame-options") != "DENY"
                || !facts.header("content-security-policy").contains("frame-ancestors 'none'")
        },
    },
    Rule {
        code: "D003",
        wrong: "A form without its token is carried out.",
        fix: "This build is not as it was written: look at src/pages/body.rs.",
        broken: |facts| facts.tokenless != 403,
    },
    Rule {
        code: "D004",
        wrong: "Browsers are not told to come by HTTPS only (HSTS of a year at least).",
        fix: HTTPS,
        broken: |facts| facts.hsts_seconds() < 31_536_000,
    },
    Rule {
        code: "D005",
        wrong: "HSTS leaves subdomains out.",
        fix: OURS,
        broken: |facts| {
            facts.hsts_seconds() > 0
                && !facts.header("strict-transport-security").contains("includeSubDomains")
        },
    },
    Rule {
        code: "D006",
        wrong: "Browsers may guess what a file is (X-Content-Type-Options).",
        fix: OURS,
        broken: |facts| facts.header("x-content-type-options") != "nosniff",
    },
    Rule {
        code: "D008",
        wrong: "Who comes by HTTP is not sent on to HTTPS.",
        fix: "Set AIRLINE_HTTPS and AIRLINE_TRUST_PROXY to true, and AIRLINE_URL to the https:// \
              address: the proxy says in X-Forwarded-Proto how somebody came.",
        broken: |facts| {
            !(facts.https
                && facts.trust_proxy
                && facts.url.as_deref().is_some_and(|url| url.starts_with("https://")))
        },
    },
    Rule {
        code: "D012",
        wrong: "Cookies of sessions go over HTTP as well (Secure, __Host-).",
        fix: HTTPS,
        broken: |facts| !facts.https || !facts.cookies_have("Secure"),
    },
    Rule {
        code: "D015",
        wrong: "Scripts can read cookies (HttpOnly).",
        fix: OURS,
        broken: |facts| !facts.cookies_have("HttpOnly"),
    },
    Rule {
        code: "D016",
        wrong: "Other sites make browsers send cookies along with forms (SameSite).",
        fix: OURS,
        broken: |facts| !facts.cookies_have("SameSite=Lax"),
    },
    Rule {
        code: "D018",
        wrong: "This is a debug build: slow, and open to visitors.",
        fix: "Build with `cargo build --release`.",
        broken: |facts| facts.debug_build,
    },
    Rule {
        code: "D020",
        wrong: "The site answers to every name.",
        fix: "Set AIRLINE_HOSTS to the names that people use, such as flights.example.org.",
        broken: |facts| facts.hosts.is_empty() || facts.hosts.iter().any(|host| host == "*"),
    },
    Rule {
        code: "D021",
        wrong: "Browsers do not know before the first visit that the site is HTTPS only (preload).",
        fix: "Set AIRLINE_HSTS_PRELOAD=true and enter the domain at hstspreload.org, if every \
              subdomain speaks HTTPS for good; otherwise --allow D021.",
        broken: |facts| !facts.header("strict-transport-security").contains("preload"),
    },
    Rule {
        code: "D022",
        wrong: "Other sites are told which page somebody comes from (Referrer-Policy).",
        fix: OURS,
        broken: |facts| !matches!(facts.header("referrer-policy"), "same-origin" | "no-referrer"),
    },
    Rule {
        code: "D024",
        wrong: "Windows of other sites can reach into pages (Cross-Origin-Opener-Policy).",
        fix: OURS,
        broken: |facts| facts.header("cross-origin-opener-policy") != "same-origin",
    },
    Rule {
        code: "A001",
        wrong: "The policy for scripts and styles is weaker than it should be (CSP).",
        fix: OURS,
        broken: |facts| {
            let policy = facts.header("content-security-policy");
            policy.contains("unsafe")
                || !policy.contains("default-src 'none'")
                || !policy.contains("require-trusted-types-for 'script'")
        },
    },
    Rule {
        code: "A002",
        wrong: "Answers name the server's software.",
        fix: "Take ROCKET_IDENT out of the environment.",
        broken: |facts| !facts.header("server").is_empty(),
    },
    Rule {
        code: "A003",
        wrong: "Everybody seems to come from the proxy, so one who guesses slows everybody down.",
        fix: "Set AIRLINE_TRUST_PROXY=true, if the proxy writes X-Forwarded-For itself.",
        broken: |facts| facts.https && !facts.trust_proxy,
    },
    Rule {
        code: "A004",
        wrong: "A proxy is believed, and nothing says that one is in front: visitors can invent \
                their address.",
        fix: "Set AIRLINE_TRUST_PROXY=false, or AIRLINE_HTTPS=true behind the proxy.",
        broken: |facts| facts.trust_proxy && !facts.https,
    },
    Rule {
        code: "A005",
        wrong: "Visitors see passengers' names and book.",
        fix: "Set AIRLINE_PUBLIC_BOOKING=false.",
        broken: |facts| facts.public_booking,
    },
    Rule {
        code: "A006",
        wrong: "Mail does not leave: nobody can be invited, or choose a new password.",
        fix: "Set AIRLINE_MAIL=smtps://USER:PASSWORD@HOST and AIRLINE_URL.",
        broken: |facts| !facts.mail,
    },
    Rule {
        code: "A007",
        wrong: "The data is in a file of the folder where the program starts.",
        fix: "Set DATABASE_URL, to postgres://… or to a file whose place you chose.",
        broken: |facts| facts.own_file,
    },
    Rule {
        code: "A008",
        wrong: "Others on this machine can read the file with the data.",
        fix: "chmod 600 it.",
        broken: |facts| facts.file_is_open,
    },
    Rule {
        code: "A009",
        wrong: "The connection to the database could be in clear.",
        fix: "Leave sslmode out of DATABASE_URL, or set it to require or verify-full.",
        broken: |facts| facts.database_in_clear,
    },
    Rule {
        code: "A010",
        wrong: "The database's password is soon guessed, or there is none.",
        fix: "Give its user a random password of 20 characters.",
        broken: |facts| facts.database_password_weak,
    },
    Rule {
        code: "A011",
        wrong: "The database's schema is not this program's.",
        fix: "Run `airline migrate`.",
        broken: |facts| facts.schema_differs,
    },
    Rule {
        code: "A012",
        wrong: "More is logged than is meant for production.",
        fix: "Set AIRLINE_LOG to info or less, and take ROCKET_LOG_LEVEL out: Rocket's own log \
              repeats whole requests.",
        broken: |facts| facts.talkative,
    },
    Rule {
        code: "A013",
        wrong: "A superuser's password stands in the environment.",
        fix: "Take AIRLINE_SUPERUSER_PASSWORD out: it was needed once.",
        broken: |facts| facts.password_in_environment,
    },
    Rule {
        code: "A014",
        wrong: "There is no superuser who can sign in, or one without a second factor.",
        fix: "Run `airline createsuperuser`, sign in, and set it up at /admin/factor/.",
        broken: |facts| facts.superusers == 0 || facts.superusers_without_factor > 0,
    },
    Rule {
        code: "A015",
        wrong: "Somebody of the staff has a password that everybody tries first.",
        fix: "Run `airline changepassword USER`.",
        broken: |facts| facts.default_passwords > 0,
    },
    Rule {
        code: "A016",
        wrong: "This build has no htmx: pages work as plain HTML only.",
        fix: "Install npm and build again.",
        broken: |facts| !facts.htmx,
    },
];

/// The rules that facts break.
pub fn broken(facts: &Facts) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| (rule.broken)(facts))
}

#[cfg(test)]
mod tests {
    use super::{Facts, RULES, broken};

    fn good() -> Facts {
        let policy =
            "default-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
        let headers = [
            ("x-frame-options", "DENY"),
            ("content-security-policy", policy),
            ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("set-cookie", "__Host-browser=x; HttpOnly; SameSite=Lax; Secure; Path=/"),
        ];
        Facts {
            htmx: true,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            tokenless: 403,
            hosts: vec!["flights.example.org".to_owned()],
            url: Some("https://flights.example.org".to_owned()),
            https: true,
            trust_proxy: true,
            mail: true,
            superusers: 1,
            ..Facts::default()
        }
    }

    fn found(change: impl FnOnce(&mut Facts)) -> Vec<&'static str> {
        let mut facts = good();
        change(&mut facts);
        broken(&facts).map(|rule| rule.code).collect()
    }

    fn with(name: &str, value: &str) -> Vec<&'static str> {
        found(|facts| {
            facts.headers.retain(|(known, _)| known != name);
            if !value.is_empty() {
                facts.headers.push((name.to_owned(), value.to_owned()));
            }
        })
    }

    /// Each rule is broken alone by one thing, and none by what is right.
    #[test]
    fn every_rule_finds_what_it_is_for() {
        assert_eq!(found(|_| {}), Vec::<&str>::new());
        let policy = "default-src 'none'; require-trusted-types-for 'script'";
        let cookie = |left_out: &str| {
            let cookie = "__Host-browser=x; HttpOnly; SameSite=Lax; Secure; Path=/";
            with("set-cookie", &cookie.replace(&format!(" {left_out};"), ""))
        };
        let cases: Vec<(&str, Vec<&str>)> = vec![
            ("D002", with("x-frame-options", "SAMEORIGIN")),
            ("D002", with("content-security-policy", policy)),
            ("D003", found(|facts| facts.tokenless = 303)),
            ("D004", with("strict-transport-security", "max-age=60; includeSubDomains; preload")),
            ("D005", with("strict-transport-security", "max-age=63072000; preload")),
            ("D006", with("x-content-type-options", "")),
            ("D008", found(|facts| facts.url = Some("http://flights.example.org".to_owned()))),
            ("D012", cookie("Secure")),
            ("D015", cookie("HttpOnly")),
            ("D016", cookie("SameSite=Lax")),
            ("D018", found(|facts| facts.debug_build = true)),
            ("D020", found(|facts| facts.hosts = vec!["*".to_owned()])),
            ("D020", found(|facts| facts.hosts.clear())),
            ("D021", with("strict-transport-security", "max-age=63072000; includeSubDomains")),
            ("D022", with("referrer-policy", "unsafe-url")),
            ("D024", with("cross-origin-opener-policy", "nonsense")),
            (
                "A001",
                with(
                    "content-security-policy",
                    &format!("{policy}; frame-ancestors 'none'; script-src 'unsafe-inline'"),
                ),
            ),
            ("A002", with("server", "Rocket")),
            ("A005", found(|facts| facts.public_booking = true)),
            ("A006", found(|facts| facts.mail = false)),
            ("A007", found(|facts| facts.own_file = true)),
            ("A008", found(|facts| facts.file_is_open = true)),
            ("A009", found(|facts| facts.database_in_clear = true)),
            ("A010", found(|facts| facts.database_password_weak = true)),
            ("A011", found(|facts| facts.schema_differs = true)),
            ("A012", found(|facts| facts.talkative = true)),
            ("A013", found(|facts| facts.password_in_environment = true)),
            ("A014", found(|facts| facts.superusers = 0)),
            ("A014", found(|facts| facts.superusers_without_factor = 1)),
            ("A015", found(|facts| facts.default_passwords = 1)),
            ("A016", found(|facts| facts.htmx = false)),
        ];
        for (code, found) in &cases {
            assert_eq!(found, &[*code]);
        }
        // Whether a proxy is believed and whether there is HTTPS belong together.
        assert_eq!(found(|facts| facts.trust_proxy = false), ["D008", "A003"]);
        assert_eq!(found(|facts| facts.https = false), ["D008", "D012", "A004"]);
        for rule in &RULES {
            let seen = cases.iter().any(|(code, _)| *code == rule.code);
            assert!(seen || ["A003", "A004"].contains(&rule.code), "{} has no case", rule.code);
            assert!(rule.wrong.ends_with('.') && rule.fix.ends_with('.'), "{}", rule.code);
        }
    }
}
