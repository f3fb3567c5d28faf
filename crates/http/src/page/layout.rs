//! What all pages share: the head, the navigation, and the states of a page that has nothing or cannot be shown.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use crate::problem::Problem;

/// A page of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Today,
    Live,
    Quality,
    Health,
    AlertTypes,
    /// A page that is not in the navigation.
    Inside,
}

const NAVIGATION: [(Section, &str, &str); 5] = [
    (Section::Today, "/", "Today"),
    (Section::Live, "/live", "Live"),
    (Section::Quality, "/quality", "Quality"),
    (Section::Health, "/status", "Health"),
    (Section::AlertTypes, "/alert-types", "Alert types"),
];

const KEYS: [(&str, &str); 9] = [
    ("j", "next row"),
    ("k", "row before"),
    ("enter", "open the row"),
    ("e", "done"),
    ("s", "snooze"),
    ("a", "assign"),
    ("/", "find"),
    ("esc", "back"),
    ("?", "this list"),
];

/// A response with a page.
pub(crate) fn page(section: Section, title: &str, content: &Markup) -> Response {
    respond(StatusCode::OK, section, title, content)
}

fn respond(status: StatusCode, section: Section, title: &str, content: &Markup) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Portend" }
                link rel="stylesheet" href="/console.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                script src="/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    strong { a href="/" { "Portend" } }
                    nav aria-label="Pages" {
                        @for (each, path, name) in NAVIGATION {
                            a href=(path) aria-current=[(each == section).then_some("page")] { (name) }
                        }
                    }
                    span.right {
                        span.hint { kbd { "?" } " keys" }
                        @if matches!(section, Section::Today | Section::Live) { span.pulse role="status" { "connecting" } }
                    }
                }
                main id="main" { (content) }
                footer {
                    details id="keys" {
                        summary { "Keys" }
                        dl { @for (key, what) in KEYS { dt { kbd { (key) } } dd { (what) } } }
                    }
                    p { "All times are UTC. The API is described by " a.link href="/openapi.json" { "/openapi.json" } "." }
                }
            }
        }
    };
    let mut response = Response::new(Body::from(markup.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A page that has nothing to show: what is the matter, and what to do.
pub(crate) fn empty(what: &str, action: &Markup) -> Markup {
    html! { div.empty { p { strong { (what) } } p { (action) } } }
}

/// The page of a problem.
pub(crate) fn broken(problem: &Problem) -> Response {
    let content = html! {
        h1 { (heading(problem.status())) }
        p.lead { (sentence(problem.detail())) }
        p.note { (sentence(problem.fix())) }
        @if problem.status() == StatusCode::UNAUTHORIZED {
            form method="post" action="/sign-in" {
                div.fields {
                    label { "Your name" input name="name" autocomplete="username" maxlength="200"; }
                    label { "The token" input name="token" type="password" autocomplete="current-password" required; }
                }
                button.main { "Sign in" }
            }
        } @else {
            p { a.button href="/" data-back { "Back to the first page" } }
        }
    };
    let mut response = respond(problem.status(), Section::Inside, heading(problem.status()), &content);
    let plain = problem.clone().into_response();
    if let Some(pause) = plain.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, pause.clone());
    }
    response
}

/// A text of a problem as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    format!("{}.", first.chain(letters).collect::<String>())
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "This page does not exist",
        StatusCode::UNAUTHORIZED => "This server needs a token",
        StatusCode::CONFLICT => "Somebody else was first",
        StatusCode::SERVICE_UNAVAILABLE => "This server cannot do that now",
        _ => "This did not work",
    }
}

/// The style sheet, the script and the icon.
pub(crate) fn asset(content_type: &'static str, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
