//! Lays out what is served under `/static/`: our own CSS and scripts, and htmx from npm, each under
//! a name that holds a hash of its content, with brotli and gzip made beside it.

#![expect(clippy::disallowed_methods, reason = "Cargo tells a build script everything so")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384};

/// SHA-256 of htmx 4.0.1's `htmx.min.js`: what npm brings is checked once more.
const HTMX_SHA256: &str = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130";

/// What can go wrong here stops the build with its message.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    for input in
        ["assets", "templates", "migrations", "Rocket.toml", "package.json", "package-lock.json"]
    {
        println!("cargo::rerun-if-changed={input}");
    }
    for variable in ["HTMX_DIST", "NPM", "AIRLINE_NPM", "AIRLINE_ALLOW_NO_HTMX"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let folder = out.join("static");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;

    let mut names = Vec::new();
    let own = [
        ("airline", "css", "assets/css/airline.css"),
        ("airline", "js", "assets/js/airline.js"),
        ("staff", "js", "assets/js/staff.js"),
        ("icon", "svg", "assets/icon.svg"),
    ];
    for (stem, kind, path) in own {
        names.push(lay(&folder, stem, kind, &fs::read(root.join(path))?)?);
    }
    match htmx(&root, &out)? {
        Some(htmx) => names.push(lay(&folder, "htmx", "js", &htmx)?),
        None if env::var("PROFILE")? == "release"
            && env::var_os("AIRLINE_ALLOW_NO_HTMX").is_none() =>
        {
            return Err("a release needs htmx: install npm, or set HTMX_DIST to the folder of \
                        htmx.min.js, or AIRLINE_ALLOW_NO_HTMX=1 to do without"
                .into());
        }
        None => println!(
            "cargo::warning=htmx is not to be had: pages work as plain HTML. Install npm for it."
        ),
    }
    let mut text = String::new();
    for (name, hashed, integrity) in &names {
        write!(text, "({name:?}, {hashed:?}, {integrity:?}), ")?;
    }
    fs::write(
        out.join("names.rs"),
        format!(
            "/// Each asset's name, the name it is served under, and its hash for `integrity=`.\n\
             pub(super) const NAMES: &[(&str, &str, &str)] = &[{text}];\n"
        ),
    )?;
    Ok(())
}

/// htmx: from `HTMX_DIST`, from `node_modules`, or from npm; none where npm is not to be had. A file
/// that is not the expected one stops the build.
fn htmx(root: &Path, out: &Path) -> Result<Option<Vec<u8>>> {
    let folder = match env::var_os("HTMX_DIST") {
        Some(folder) => PathBuf::from(folder),
        None => match installed(root).or_else(|| install(root, out).transpose()).transpose()? {
            Some(folder) => folder,
            None => return Ok(None),
        },
    };
    let path = folder.join("htmx.min.js");
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let found = hex(&Sha256::digest(&text));
    if found != HTMX_SHA256 {
        return Err(format!("{} is not htmx 4.0.1: its SHA-256 is {found}", path.display()).into());
    }
    Ok(Some(text))
}

fn installed(root: &Path) -> Option<Result<PathBuf>> {
    let folder = root.join("node_modules/htmx.org/dist");
    folder.join("htmx.min.js").exists().then_some(Ok(folder))
}

/// `npm ci` in a folder of the build's own: the source tree is left alone.
fn install(root: &Path, out: &Path) -> Result<Option<PathBuf>> {
    if env::var("AIRLINE_NPM").is_ok_and(|npm| npm == "off") {
        return Ok(None);
    }
    let folder = out.join("npm");
    fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(root.join(file), folder.join(file))?;
    }
    let npm = env::var("NPM").unwrap_or_else(|_| "npm".to_owned());
    let done = Command::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"])
        .current_dir(&folder)
        .output();
    match done {
        Ok(done) if done.status.success() => Ok(Some(folder.join("node_modules/htmx.org/dist"))),
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr);
            if said.contains("EINTEGRITY") {
                return Err(
                    format!("npm brought another htmx than the lock file says:\n{said}").into()
                );
            }
            println!("cargo::warning=npm ci failed: {}", said.lines().next().unwrap_or_default());
            Ok(None)
        }
        Err(error) => {
            println!("cargo::warning=npm does not run: {error}");
            Ok(None)
        }
    }
}

/// Writes a file under its hashed name, with its compressed forms. Answers both names, and the hash by
/// which browsers check it (Subresource Integrity).
fn lay(folder: &Path, stem: &str, kind: &str, content: &[u8]) -> Result<(String, String, String)> {
    let hash = hex(&Sha256::digest(content));
    let hashed = format!("{stem}.{}.{kind}", &hash[..12]);
    fs::write(folder.join(&hashed), content)?;

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut gzip, content)?;
    fs::write(folder.join(format!("{hashed}.gz")), gzip.finish()?)?;

    let mut brotli = Vec::new();
    brotli::BrotliCompress(
        &mut &*content,
        &mut brotli,
        &brotli::enc::BrotliEncoderParams::default(),
    )?;
    fs::write(folder.join(format!("{hashed}.br")), brotli)?;
    let integrity = format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(content)));
    Ok((format!("{stem}.{kind}"), hashed, integrity))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
