//! The buttons with which a person acts on an entity, and what they send.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use maud::{Markup, html};
use portend_core::entity::EntityState;
use portend_core::recommendation::InsightRecommendation;

use super::text::{path_part, shown};
use crate::access::user_of;
use crate::app::App;
use crate::engine::Engine;
use crate::feedback::{GivenFeedback, give as give_feedback};
use crate::problem::Problem;
use crate::request::{Params, PathId, WholeBody};

/// The page to which an action returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Today,
    Insight,
}

/// The days for which an entity can be snoozed with one click.
const SNOOZE_DAYS: [u64; 3] = [1, 3, 7];

/// The buttons for an entity, by one of its insights.
pub(crate) fn buttons(alert_id: &str, state: EntityState, version: u64, origin: Origin) -> Markup {
    let action = format!("/insights/{}/feedback", path_part(alert_id));
    let hidden = |name: &str| {
        html! {
            input type="hidden" name="action" value=(name);
            input type="hidden" name="version" value=(version);
            @if origin == Origin::Today { input type="hidden" name="back" value="today"; }
        }
    };
    html! {
        div.bar {
            @if state.is_open() {
                form method="post" action=(action) { (hidden("done")) button.main data-key="e" { "Done " kbd { "e" } } }
                form method="post" action=(action) {
                    (hidden("snooze"))
                    button data-key="s" { "Snooze " kbd { "s" } }
                    select name="days" aria-label="Days to snooze" {
                        @for days in SNOOZE_DAYS { option value=(days) { (days) @if days == 1 { " day" } @else { " days" } } }
                    }
                }
                form method="post" action=(action) {
                    (hidden("assign"))
                    button data-key="a" { "Assign " kbd { "a" } }
                    input name="assignee" size="8" placeholder="to me" aria-label="Who takes care of it" maxlength="200";
                }
            } @else {
                form method="post" action=(action) { (hidden("reopen")) button { "Put back on the list" } }
            }
        }
    }
}

/// Two buttons that ask what was done with one recommendation, and the answer so far.
pub(crate) fn recommendation_buttons(alert_id: &str, recommendation: &InsightRecommendation) -> Markup {
    let action = format!("/insights/{}/feedback", path_part(alert_id));
    html! {
        form.bar method="post" action=(action) {
            input type="hidden" name="recommendation" value=(recommendation.id);
            @match recommendation.response {
                Some(response) => span.small { (response.code()) },
                None => {},
            }
            button name="action" value="done" aria-label={ "Done: " (shown(&recommendation.text)) } { "Done" }
            button name="action" value="skip" aria-label={ "Skip: " (shown(&recommendation.text)) } { "Skip" }
        }
    }
}

/// Two buttons that ask whether the insight is right.
pub(crate) fn usefulness(alert_id: &str) -> Markup {
    let action = format!("/insights/{}/feedback", path_part(alert_id));
    html! {
        form.bar method="post" action=(action) {
            span.small { "Was this useful?" }
            input name="note" placeholder="Why (optional)" aria-label="Why" maxlength="1000";
            button name="action" value="useful" { "Useful" }
            button name="action" value="wrong" { "Wrong" }
        }
    }
}

/// `POST /insights/{alert_id}/feedback`, from a page.
pub(crate) async fn give<E: Engine>(
    State(app): State<App<E>>,
    PathId(alert_id): PathId,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    let form = Params::of_form(&body);
    let days: Option<u64> = form.get("days").and_then(|days| days.parse().ok()).filter(|days| *days <= 365);
    let until = days.map(|days| app.now().plus(std::time::Duration::from_hours(days * 24)).to_string());
    let given = GivenFeedback {
        action: form.get("action").unwrap_or_default().to_owned(),
        until,
        assignee: form.get("assignee").map(str::to_owned),
        recommendation: form.get("recommendation").map(str::to_owned),
        note: form.get("note").map(str::to_owned),
        by: None,
        version: form.get("version").and_then(|version| version.parse().ok()),
    };
    give_feedback(&app, &alert_id, given, user_of(&headers)).await?;
    let insight = format!("/insights/{}", path_part(&alert_id));
    Ok(Redirect::to(if form.get("back") == Some("today") { "/" } else { &insight }).into_response())
}

/// Who takes care of an entity, or when it returns.
pub(crate) fn state_words(state: EntityState, assignee: Option<&str>) -> String {
    match (state, assignee) {
        (EntityState::Assigned, Some(assignee)) => format!("assigned to {}", shown(assignee)),
        (state, _) => state.code().to_owned(),
    }
}

/// `POST /sign-in`: remembers the token in a cookie that no script can read and no other site can send.
pub(crate) async fn sign_in<E: Engine>(
    State(app): State<App<E>>,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    let form = Params::of_form(&body);
    let cookies = app
        .access
        .cookies(form.get("token").unwrap_or_default(), form.get("name").unwrap_or_default())
        .ok_or_else(Problem::no_token)?;
    let mut response = Redirect::to("/").into_response();
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
