//! Browsers without scripts, and what they show.

use std::collections::BTreeMap;

use rocket::http::{Cookie, Header, Status};
use rocket::local::asynchronous::Client;
use scraper::{ElementRef, Html, Selector};

/// Fields and what is typed into them.
pub(crate) type Fields<'a> = &'a [(&'static str, &'a str)];

/// How a browser sends a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// A browser without scripts: it keeps cookies, fills forms in as they stand, and follows
/// redirects.
pub(crate) struct Browser<'s> {
    client: &'s Client,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'s> Browser<'s> {
    /// A new one, with nothing in it.
    pub(super) fn new(client: &'s Client) -> Self {
        Self { client, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.ask(path, &[]).await
    }

    pub(crate) async fn ask(&mut self, path: &str, headers: Fields<'_>) -> Page {
        let mut page = self.send(path, None, headers).await;
        for _ in 0..5 {
            let Some(there) = page.header("Location").filter(|_| page.status.code == 303) else {
                break;
            };
            let there = there.to_owned();
            page = self.send(&there, None, &[]).await;
        }
        page
    }

    /// Sends a form of a page, with some fields filled in (a field given twice is sent twice), and
    /// follows where that leads. A field given as `-name` is left out.
    pub(crate) async fn submit(
        &mut self,
        page: &Page,
        form: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let (action, method, pairs) = page.form(form, fields);
        if method == "get" {
            let query =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            return self.get(&format!("{action}?{query}")).await;
        }
        self.post(&action, &pairs).await
    }

    /// Asks, and does not follow where it is sent.
    pub(crate) async fn get_only(&mut self, path: &str) -> Page {
        self.send(path, None, &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, pairs: &[(String, String)]) -> Page {
        self.post_with(path, pairs, &[]).await
    }

    /// Sends a form with some headers, and follows where that leads with the same.
    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        pairs: &[(String, String)],
        headers: Fields<'_>,
    ) -> Page {
        let page = self.post_only(path, pairs, headers).await;
        match page.header("Location").map(str::to_owned) {
            Some(there) if page.status.code == 303 => self.ask(&there, headers).await,
            _ => page,
        }
    }

    pub(crate) async fn post_only(
        &mut self,
        path: &str,
        pairs: &[(String, String)],
        headers: Fields<'_>,
    ) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.send(path, Some((FORM, body.into_bytes())), headers).await
    }

    /// Sends any bytes as a form, and does not follow where that leads.
    pub(crate) async fn send_raw(&mut self, path: &str, body: Vec<u8>) -> Page {
        self.send_as(path, FORM, body).await
    }

    /// Sends any bytes as anything.
    pub(crate) async fn send_as(&mut self, path: &str, kind: &str, body: Vec<u8>) -> Page {
        self.send(path, Some((kind, body)), &[]).await
    }

    async fn send(
        &mut self,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        headers: Fields<'_>,
    ) -> Page {
        // What comes after `#` a browser keeps to itself.
        let asked = path.split('#').next().unwrap_or_default();
        let mut request = match &body {
            None => self.client.get(asked.to_owned()),
            Some((kind, body)) => self
                .client
                .post(asked.to_owned())
                .header(Header::new("Content-Type", (*kind).to_owned()))
                .header(Header::new("Content-Length", body.len().to_string()))
                .body(body),
        };
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.header(Header::new("Host", "localhost"));
        }
        for (name, value) in &self.cookies {
            request = request.cookie(Cookie::new(name.clone(), value.clone()));
        }
        for (name, value) in headers {
            request = request.header(Header::new(*name, (*value).to_owned()));
        }
        let response = request.dispatch().await;
        let status = response.status();
        let mut headers = Vec::new();
        for header in response.headers().iter() {
            headers.push((header.name().to_string(), header.value().to_owned()));
        }
        for cookie in response.cookies().iter() {
            if cookie.value().is_empty() {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let bytes = response.into_bytes().await.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page {
            path: path.to_owned(),
            status,
            headers,
            html: Html::parse_document(&text),
            text,
            bytes,
        }
    }

    /// The token of this browser's forms, from a page that has one.
    pub(crate) async fn token(&mut self) -> String {
        self.get("/appearance").await.attribute("input[name=csrf]", "value")
    }
}

/// What a browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) status: Status,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) html: Html,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn select(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        self.select(selector).len()
    }

    /// The text of each element, with single blanks.
    pub(crate) fn all(&self, selector: &str) -> Vec<String> {
        self.select(selector).into_iter().map(text).collect()
    }

    /// The text of the one element.
    #[track_caller]
    pub(crate) fn one(&self, selector: &str) -> String {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector} on {} ({}): {found:?}", self.path, self.status);
        found.into_iter().next().unwrap()
    }

    /// The ids of the elements.
    pub(crate) fn ids(&self, selector: &str) -> Vec<String> {
        self.select(selector)
            .iter()
            .filter_map(|it| it.value().attr("id"))
            .map(str::to_owned)
            .collect()
    }

    /// What fields hold, without those that are empty.
    pub(crate) fn values(&self, selector: &str) -> Vec<String> {
        let values = self.select(selector).into_iter().filter_map(|it| it.value().attr("value"));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    #[track_caller]
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        let found = self.select(selector);
        let element = found
            .first()
            .unwrap_or_else(|| panic!("no {selector} on {}: {}", self.path, self.text));
        element.value().attr(name).unwrap_or_else(|| panic!("{selector} has no {name}")).to_owned()
    }

    /// What a form would send, as a browser without scripts would: action, method, fields.
    #[track_caller]
    pub(crate) fn form(
        &self,
        form: &str,
        fields: &[(&str, &str)],
    ) -> (String, String, Vec<(String, String)>) {
        let found = self.select(form);
        assert_eq!(found.len(), 1, "{form} on {} ({}): {}", self.path, self.status, self.text);
        let form = found[0];
        let controls = Selector::parse("input, select").unwrap();
        let mut pairs = Vec::new();
        for control in form.select(&controls) {
            let Some(name) = control.value().attr("name") else {
                continue;
            };
            if control.value().attr("disabled").is_some() {
                continue;
            }
            if fields
                .iter()
                .any(|(known, _)| *known == name || known.strip_prefix('-') == Some(name))
            {
                continue;
            }
            let kind = control.value().attr("type").unwrap_or("text");
            if matches!(kind, "checkbox" | "radio") && control.value().attr("checked").is_none() {
                continue;
            }
            let value = if control.value().name() == "select" {
                let chosen = Selector::parse("option[selected]").unwrap();
                control.select(&chosen).next().and_then(|option| option.value().attr("value"))
            } else {
                control.value().attr("value")
            };
            pairs.push((name.to_owned(), value.unwrap_or_default().to_owned()));
        }
        let given = fields.iter().filter(|(name, _)| !name.starts_with('-'));
        pairs.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let attribute =
            |name, fallback: &str| form.value().attr(name).unwrap_or(fallback).to_owned();
        (attribute("action", &self.path), attribute("method", "get"), pairs)
    }

    /// Where its forms lead, and by which method.
    pub(crate) fn forms(&self) -> Vec<(String, String)> {
        let attribute = |form: &ElementRef<'_>, name, fallback: &str| {
            form.value().attr(name).unwrap_or(fallback).to_owned()
        };
        self.select("main form")
            .iter()
            .map(|form| (attribute(form, "action", &self.path), attribute(form, "method", "get")))
            .collect()
    }

    /// Where its links lead, in its main part and in its navigation.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.select("main a[href], nav.side a[href]");
        links.iter().filter_map(|link| link.value().attr("href").map(str::to_owned)).collect()
    }

    /// The buttons of a form, as the names and values that they send.
    pub(crate) fn buttons(&self, form: &str) -> Vec<(String, String)> {
        let own = self.select(&format!("{form} button:not([type=button])"));
        let attribute = |button: &ElementRef<'_>, name| {
            button.value().attr(name).unwrap_or_default().to_owned()
        };
        let mut buttons: Vec<_> = own
            .iter()
            .map(|button| (attribute(button, "name"), attribute(button, "value")))
            .collect();
        buttons.dedup();
        buttons
    }

    /// What is said at the top, without the offer to undo it.
    pub(crate) fn messages(&self) -> Vec<String> {
        let all = self.all("#messages .message");
        all.iter().map(|said| said.trim_end_matches(" Undo").to_owned()).collect()
    }
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
