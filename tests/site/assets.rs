//! Static files, as `WhiteNoise` serves them and better.

use crate::support::{Page, Site};

async fn ask(site: &Site, path: &str, headers: &[(&'static str, &str)]) -> Page {
    site.browser().ask(path, headers).await
}

#[rocket::async_test]
async fn files_are_hashed_compressed_and_kept_for_ever() {
    let site = Site::fresh().await;
    let index = site.browser().get("/").await;
    let paths = [
        (index.attribute("link[rel=stylesheet]", "href"), "text/css; charset=utf-8"),
        (index.attribute("link[rel=icon]", "href"), "image/svg+xml"),
        (index.attribute("script:last-of-type", "src"), "text/javascript"),
    ];
    for (path, kind) in paths {
        let plain = ask(&site, &path, &[]).await;
        assert_eq!((plain.status.code, plain.header("Content-Type")), (200, Some(kind)), "{path}");
        assert_eq!(plain.header("Cache-Control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(plain.header("Content-Encoding"), None);
        let brotli = ask(&site, &path, &[("Accept-Encoding", "gzip, br")]).await;
        assert_eq!(brotli.header("Content-Encoding"), Some("br"));
        assert!(brotli.bytes.len() < plain.bytes.len());
        let gzip = ask(&site, &path, &[("Accept-Encoding", "gzip, br;q=0")]).await;
        assert_eq!(gzip.header("Content-Encoding"), Some("gzip"));
        assert_eq!(gzip.header("Vary"), Some("Accept-Encoding"));
        let tags = [&plain, &brotli, &gzip].map(|page| page.header("ETag").unwrap().to_owned());
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && !tags[0].starts_with("W/"));

        let list = format!("\"other\", {}", tags[1]);
        let known = ask(&site, &path, &[("Accept-Encoding", "br"), ("If-None-Match", &list)]).await;
        assert_eq!((known.status.code, known.bytes.len()), (304, 0));
        let other = ask(&site, &path, &[("If-None-Match", &list)]).await;
        assert_eq!(other.status.code, 200, "the tag of another encoding is another file's");
    }
    assert_eq!(
        ask(&site, "/static/airline.css", &[]).await.status.code,
        404,
        "only under its hashed name"
    );
    assert_eq!(ask(&site, "/static/..%2f..%2fCargo.toml", &[]).await.status.code, 404);
}

#[rocket::async_test]
async fn parts_of_files_are_served() {
    let site = Site::fresh().await;
    let path = site.browser().get("/").await.attribute("link[rel=stylesheet]", "href");
    let whole = ask(&site, &path, &[]).await;
    let length = whole.bytes.len();
    let tag = whole.header("ETag").unwrap().to_owned();
    let last = format!("bytes {}-{}/{length}", length - 4, length - 1);
    for (range, told, bytes) in [
        ("bytes=0-3", format!("bytes 0-3/{length}"), &whole.bytes[0..4]),
        ("bytes=-4", last.clone(), &whole.bytes[length - 4..]),
        (&*format!("bytes={}-", length - 4), last, &whole.bytes[length - 4..]),
    ] {
        let part = ask(&site, &path, &[("Range", range), ("If-Range", &tag)]).await;
        assert_eq!(
            (part.status.code, part.header("Content-Range")),
            (206, Some(&*told)),
            "{range}"
        );
        assert_eq!(part.bytes, bytes, "{range}");
    }
    let beyond = ask(&site, &path, &[("Range", &format!("bytes={length}-"))]).await;
    assert_eq!(
        (beyond.status.code, beyond.header("Content-Range")),
        (416, Some(&*format!("bytes */{length}")))
    );
    for odd in
        ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes=99999999999999999999-"]
    {
        assert_eq!(ask(&site, &path, &[("Range", odd)]).await.status.code, 200, "{odd}");
    }
    let stale = ask(&site, &path, &[("Range", "bytes=0-3"), ("If-Range", "\"old\"")]).await;
    assert_eq!(stale.status.code, 200);
}

#[rocket::async_test]
async fn htmx_is_the_one_that_was_checked_in_the_build() {
    let site = Site::fresh().await;
    let index = site.browser().get("/").await;
    assert_eq!(index.count("script"), 2);
    let htmx = ask(&site, &index.attribute("script", "src"), &[]).await;
    assert!(htmx.text.contains("4.0.1"));
}

/// Browsers check what they get against the page (Subresource Integrity).
#[rocket::async_test]
async fn pages_say_by_which_hash_their_files_are_checked() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    let page = visitor.get("/").await;
    for (element, address) in [("link[rel=stylesheet]", "href"), ("script", "src")] {
        let path = page.attribute(element, address);
        let file = visitor.get(&path).await;
        let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha384::digest(&file.bytes));
        assert_eq!(page.attribute(element, "integrity"), format!("sha384-{hash}"), "{path}");
    }
    assert_eq!(page.count("script[integrity]"), page.count("script"));
}
