//! New passwords by mail, and invitations.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airline::auth::credentials;
use airline::clock::CLOCK_SKEW;
use airline::mail::{Mail, Mailer, Transport};

use crate::support::{Browser, PASSWORD, Page, Site};

const NEW: &str = "eight yellow umbrellas";

/// The mails in a folder, oldest first, once there are so many.
async fn mails(folder: &Path, count: usize) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .map(|files| files.map(|file| file.unwrap().path()).collect())
            .unwrap_or_default();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "eml"));
        if files.len() >= count {
            files.sort_by_key(|file| file.metadata().unwrap().modified().unwrap());
            // Links in mails are secrets: nobody else on the machine reads them.
            #[cfg(unix)]
            for file in &files {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            }
            return files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{} of {count} mails", files.len());
        rocket::tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The path of the link in a mail, whose long lines may be folded.
fn link(mail: &str) -> String {
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("https://airline.example").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

struct Post {
    site: Site,
    folder: tempfile::TempDir,
}

impl Post {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let site = Site::with(|settings| {
            settings.mailer.transport = Transport::Folder(path);
            settings.trust_proxy = true;
        })
        .await;
        Self { site, folder }
    }

    async fn user(&self, name: &str) -> i64 {
        let email = format!("{name}@example.org");
        self.site.user(name, "", |draft| draft.email = email).await
    }
}

async fn ask(browser: &mut Browser<'_>, text: &str, from: &str) -> Page {
    let page = browser.get("/admin/reset/").await;
    let (action, _, pairs) = page.form("main form", &[("asked", text)]);
    browser.post_only(&action, &pairs, &[("X-Forwarded-For", from)]).await
}

#[rocket::async_test]
async fn a_new_password_is_chosen_by_a_link() {
    let post = Post::open().await;
    let id = post.user("ana").await;
    let mut open = post.site.session_of(id).await;
    let mut browser = post.site.browser();
    let sent = ask(&mut browser, "ANA@example.org", "10.0.0.1").await;
    assert_eq!(sent.one("h1"), "Look into your mail");
    let mail = mails(post.folder.path(), 1).await.remove(0);
    assert!(mail.contains("To: ana@example.org") && mail.contains("Name to sign in with: ana"));
    let link = link(&mail);
    let secret = link.rsplit('=').next().unwrap();
    assert_eq!(secret.len(), 64);
    assert!(!post.site.dump().await.contains(secret));

    // The secret leaves the address at once, and is in nothing that follows.
    let first = browser.get_only(&link).await;
    assert_eq!(first.header("Location"), Some("/admin/reset/choose/"));
    let page = browser.get(&link).await;
    assert_eq!(page.path, "/admin/reset/choose/");
    assert!(!page.text.contains(secret));
    let weak = browser.submit(&page, "main form", &[("new", "short"), ("again", "x")]).await;
    assert_eq!((weak.status.code, weak.count(".errors li")), (422, 2));
    let done = browser.submit(&weak, "main form", &[("new", NEW), ("again", NEW)]).await;
    assert_eq!(done.messages(), ["Your password is chosen. Sign in with it."]);
    assert_eq!(open.get("/admin/").await.one("h1"), "Sign in", "other sessions have ended");
    let there = browser.submit(&done, "main form", &[("username", "ana"), ("password", NEW)]).await;
    assert_eq!(there.one("h1"), "Staff site");

    // It works once, also for who opened the form before.
    let mut thief = post.site.browser();
    let dead = thief.get(&link).await;
    assert_eq!(dead.status.code, 404);
    assert!(dead.one(".refused").contains("used already"));
    let late = browser.submit(&page, "main form", &[("new", PASSWORD), ("again", PASSWORD)]).await;
    assert!(late.status.code >= 400, "{}", late.status);
}

#[rocket::async_test]
async fn a_link_dies_after_an_hour_and_with_a_change_of_the_password() {
    let post = Post::open().await;
    post.user("ana").await;
    let mut browser = post.site.browser();
    ask(&mut browser, "ana", "10.0.0.1").await;
    let old = link(&mails(post.folder.path(), 1).await[0]);
    post.site.clock.advance(credentials::LINK_LIFE - 1);
    assert_eq!(browser.get(&old).await.one("h1"), "Choose a password");
    post.site.clock.advance(1);
    assert_eq!(browser.get(&old).await.status.code, 404);
    // Nor is it alive before it was made, as where a clock was ahead.
    post.site.clock.advance(-credentials::LINK_LIFE - CLOCK_SKEW);
    assert_eq!(browser.get(&old).await.status.code, 200);
    post.site.clock.advance(-1);
    assert_eq!(browser.get(&old).await.status.code, 404);
    post.site.clock.advance(credentials::LINK_LIFE + CLOCK_SKEW + 1);
    ask(&mut browser, "ana", "10.0.0.1").await;
    ask(&mut browser, "ana", "10.0.0.1").await;
    let links: Vec<_> = mails(post.folder.path(), 3).await.iter().map(|mail| link(mail)).collect();
    let live: Vec<_> = links.iter().filter(|link| **link != old).collect();
    let page = browser.get(live[0]).await;
    browser.submit(&page, "main form", &[("new", NEW), ("again", NEW)]).await;
    assert_eq!(post.site.browser().get(live[1]).await.status.code, 404);
}

#[rocket::async_test]
async fn a_link_dies_with_the_address_that_it_went_to() {
    let post = Post::open().await;
    let id = post.user("ana").await;
    let mut browser = post.site.browser();
    ask(&mut browser, "ana", "10.0.0.1").await;
    let link = link(&mails(post.folder.path(), 1).await[0]);
    let mut boss = post.site.staff().await;
    let form = boss.get(&format!("/admin/users/{id}/change/")).await;
    let fields = [("email", "real@example.org"), ("_save", "1")];
    assert_eq!(boss.submit(&form, "form.edit", &fields).await.status.code, 200);
    assert_eq!(browser.get(&link).await.status.code, 404);
}

/// Two browsers with the same link at the same moment: one chooses.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_link_is_used_once_by_however_many() {
    let post = Post::open().await;
    post.user("ana").await;
    ask(&mut post.site.browser(), "ana", "10.0.0.1").await;
    let link = link(&mails(post.folder.path(), 1).await[0]);
    let answers = futures::future::join_all((0..6).map(async |_| {
        let mut browser = post.site.browser();
        let page = browser.get(&link).await;
        let (action, _, pairs) = page.form("main form", &[("new", NEW), ("again", NEW)]);
        browser.post_only(&action, &pairs, &[]).await.status.code
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
}

#[rocket::async_test]
async fn asking_tells_nobody_who_has_an_account() {
    let post = Post::open().await;
    post.user("wanda").await;
    let closed = post.user("closed").await;
    post.site
        .database
        .run(&format!("UPDATE users SET is_active = FALSE WHERE id = {closed}"))
        .await;
    let mut answers = Vec::new();
    for (number, name) in ["wanda", "nobody", "closed"].iter().enumerate() {
        let mut told = Vec::new();
        for _ in 0..5 {
            let from = format!("10.0.{number}.1");
            let page = ask(&mut post.site.browser(), name, &from).await;
            let headers: Vec<_> = page
                .headers
                .iter()
                .filter(|(name, _)| !matches!(&*name.to_lowercase(), "x-request-id" | "set-cookie"))
                .cloned()
                .collect();
            let token =
                page.text.split("name=\"csrf\" value=\"").nth(1).map(|rest| rest[..64].to_owned());
            let text = page.text.replace(name, "NAME").replace(&token.unwrap_or_default(), "");
            let text: String = text.lines().filter(|line| !line.contains("request ")).collect();
            told.push((page.status.code, headers.len(), text));
        }
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let statuses: Vec<_> = answers[0].iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429], "three links an hour");
    let mails = mails(post.folder.path(), 3).await;
    assert!(mails.iter().all(|mail| mail.contains("To: wanda@example.org")) && mails.len() == 3);
}

#[rocket::async_test]
async fn somebody_is_invited_and_comes() {
    let post = Post::open().await;
    let mut boss = post.site.staff().await;
    let form = boss.get("/admin/users/add/").await;
    let fields =
        [("username", "ana"), ("email", "ana@example.org"), ("is_staff", "1"), ("_continue", "1")];
    let page = boss.submit(&form, "form.edit", &fields).await;
    let access = boss.get(&page.attribute("a[href$='access/']", "href")).await;
    let sent = boss.submit(&access, "form[action$=invite]", &[]).await;
    assert!(sent.messages()[0].contains("ana@example.org"), "{:?}", sent.messages());
    let mail = mails(post.folder.path(), 1).await.remove(0);
    assert!(mail.contains("boss invites you"), "{mail}");
    let mut ana = post.site.browser();
    let choose = ana.get(&link(&mail)).await;
    let login = ana.submit(&choose, "main form", &[("new", NEW), ("again", NEW)]).await;
    let there = ana.submit(&login, "main form", &[("username", "ana"), ("password", NEW)]).await;
    assert_eq!(there.one("h1"), "Staff site");
    assert!(there.text.contains("You have no rights yet"));
    // A superuser sees and ends anybody's sessions; others do not.
    let access = boss.get(&access.path).await;
    assert_eq!(access.count(".sessions li"), 1);
    let ended = boss.submit(&access, ".sessions form", &[]).await;
    assert_eq!(ended.count(".sessions li"), 0);
    assert_eq!(ana.get("/admin/").await.one("h1"), "Sign in");
}

#[rocket::async_test]
async fn without_mail_nothing_offers_it() {
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/admin/reset/").await.status.code, 404);
    assert_eq!(visitor.get("/admin/login/").await.count("a[href='/admin/reset/']"), 0);
    let mut boss = site.staff().await;
    let access = boss.get("/admin/users/50001/access/").await;
    assert!(access.all("main p.faint")[0].contains("AIRLINE_MAIL"), "{}", access.text);
}

/// A server of somebody else's making, in a process of its own, that prints what it takes.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("/usr/bin/python3")
            .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's python3-aiosmtpd is needed: bin/test installs it");
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "no SMTP server");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }

    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        text
    }
}

#[rocket::async_test]
async fn a_real_server_takes_a_mail() {
    let server = Server::start();
    let mailer = Mailer {
        transport: Transport::parse(&format!("smtp://127.0.0.1:{}", server.port)).unwrap(),
        from: "Flights <flights@airline.example>".parse().unwrap(),
    };
    let mail = Mail {
        to: "ana@example.org".to_owned(),
        subject: "Grüße\r\nBcc: evil@example.org".to_owned(),
        text: "A line.\n.\nAfter a lonely dot: ä.\n".to_owned(),
    };
    mailer.send(&mail).await.unwrap();
    let nobody = Mail { to: "no address".to_owned(), ..mail.clone() };
    assert!(mailer.send(&nobody).await.is_err());
    let taken = server.stop();
    assert!(taken.contains("To: ana@example.org"), "{taken}");
    assert!(taken.contains("From: Flights <flights@airline.example>"), "{taken}");
    assert!(!taken.lines().any(|line| line.starts_with("Bcc:")), "{taken}");
    assert!(mailer.send(&mail).await.is_err(), "nobody is there any more");
}
