//! The first page: whom do I look at first, and why.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use portend_core::alert_type::{AlertTypes, FactValue};
use portend_core::entity::{EntityChange, ReturnReason, WorklistItem};
use portend_core::store::{InsightQuery, Queries};
use portend_core::time::Timestamp;

use super::actions::{Origin, buttons, state_words};
use super::chart::{RiskPoint, spark};
use super::explanation::label;
use super::layout::{Section, empty, page};
use super::text::{age, counted, level, minute, path_part, shown, whole, words};
use crate::app::App;
use crate::engine::Engine;
use crate::limits::WORKLIST_ROWS;
use crate::problem::Problem;
use crate::request::Params;
use crate::worklist::{Worklist, WorklistOrder, WorklistPart, WorklistView, worklist};

/// Changes of facts in a row.
const CHANGES_MAX: usize = 3;

/// `GET /`.
pub(crate) async fn show<E: Engine>(State(app): State<App<E>>, params: Params) -> Result<Response, Problem> {
    let view = WorklistView::of(&params)?;
    let WorklistView { part, order } = view;
    let find = params.get("find").map(str::to_lowercase);
    // Whoever is sought may be far down.
    let wanted = if find.is_some() { usize::MAX } else { WORKLIST_ROWS };
    let mut list = worklist(&app, view, wanted).await?;
    let total = list.total;
    if let Some(find) = &find {
        list.items.retain(|item| item.entity_id.to_lowercase().contains(find));
    }
    let found = list.items.len();
    list.items.truncate(WORKLIST_ROWS);
    let rows: Vec<Markup> = list
        .items
        .iter()
        .map(|item| row(item, app.engine.types(), list.at, app.engine.takes_feedback()))
        .collect();
    let is_quiet = rows.is_empty() && part == WorklistPart::Listed && find.is_none();
    let latest = if is_quiet { latest_alert(&app).await? } else { None };
    let more = if list.complete { "" } else { "+" };
    let content = html! {
        h1 { (heading(&list, part, total)) }
        p.lead {
            @match order {
                WorklistOrder::Risk => "One row for each student or subject, the highest risk first. ",
                WorklistOrder::Value => "One row for each student or subject, the most at stake first. ",
            }
            (minute(list.at)) "."
        }
        div.tabs {
            a href="/" aria-current=[(part == WorklistPart::Listed).then_some("true")] { "Open" @if part == WorklistPart::Listed { " " (total) (more) } }
            a href="/?state=snoozed" aria-current=[(part == WorklistPart::Snoozed).then_some("true")] { "Snoozed " (list.snoozed) (more) }
            @if list.items.iter().any(|item| item.value.is_some()) {
                a href="/?sort=value" aria-current=[(order == WorklistOrder::Value).then_some("true")] { "By value at stake" }
            }
            form action="/" { input name="find" data-find placeholder="Find" aria-label="Find a student or subject" value=(find.clone().unwrap_or_default()); }
        }
        button.arrivals type="button" hidden {}
        @if rows.is_empty() { (nothing(part, find.is_some(), latest)) }
        ol.list data-live { @for row in &rows { (row) } }
        @if found > rows.len() { p.small { "The first " (rows.len()) " of " (found) (more) ". " a.link href="/v1/worklist?limit=1000" { "All of them as JSON" } "." } }
    };
    Ok(page(Section::Today, "Today", &content))
}

fn heading(list: &Worklist, part: WorklistPart, total: usize) -> String {
    let new_since = list.at.minus(std::time::Duration::from_hours(16));
    let new = list.items.iter().filter(|item| item.opened_at >= new_since).count() as u64;
    match (part, total) {
        (WorklistPart::Snoozed, 0) => "Nothing is snoozed".to_owned(),
        (WorklistPart::Snoozed, total) => format!("{total} snoozed"),
        (WorklistPart::Listed, 0) => "Nobody needs you now".to_owned(),
        (WorklistPart::Listed, total) => {
            let new = if new == 0 { "nothing new".to_owned() } else { counted(new, "new one", "new") };
            let more = if list.complete { "" } else { "+" };
            format!("{total}{more} to look at, {new} in the last 16 hours")
        }
    }
}

/// The time of the alert that was judged last.
async fn latest_alert<E: Engine>(app: &App<E>) -> Result<Option<Timestamp>, Problem> {
    let newest = InsightQuery { limit: 1, ..InsightQuery::default() };
    let page = app.engine.store().insights(&newest, app.now()).await?;
    Ok(page.insights.first().and_then(|insight| insight.current()).map(|fields| fields.alert_timestamp))
}

fn nothing(part: WorklistPart, is_search: bool, latest: Option<Timestamp>) -> Markup {
    match (part, is_search, latest) {
        (_, true, _) => empty(
            "Nothing with this name is on the list.",
            &html! { a.link href="/" { "Show the whole list" } },
        ),
        (WorklistPart::Snoozed, ..) => empty(
            "Nothing waits.",
            &html! { "A snoozed row is here until its time is over or its risk rises." },
        ),
        (WorklistPart::Listed, _, Some(latest)) => empty(
            "Nothing is at risk now.",
            &html! { "The last alert that was judged is of " (minute(latest)) ". " a.link href="/live" { "Live" } " shows all insights, and " code { "portend today --at TIME" } " the list of an earlier time." },
        ),
        (WorklistPart::Listed, ..) => empty(
            "No alert has arrived yet.",
            &html! { "Post alerts to " code { "/v1/events" } ", see what arrives on " a.link href="/live" { "Live" } ", or run " code { "portend demo" } " for a simulated marketplace." },
        ),
    }
}

/// The scores of the entity's latest judgements, oldest first.
fn history(item: &WorklistItem) -> Vec<RiskPoint> {
    item.scores.iter().map(|each| RiskPoint { at: each.at(), score: each.score() }).collect()
}

fn row(item: &WorklistItem, types: &AlertTypes, now: Timestamp, has_buttons: bool) -> Markup {
    let kinds: Vec<String> = item.alert_types.iter().map(|each| kind(types, each)).collect();
    html! {
        li.row.(level(item.risk_score)) data-row=(item.alert_id) {
            span.risk { (whole(item.risk_score)) }
            div {
                div.what {
                    a.name href={ "/insights/" (path_part(&item.alert_id)) } { (shown(&item.entity_id)) }
                    span.tag {
                        (shown(&item.entity_type)) " · " (kinds.join(", "))
                        @if item.state != portend_core::entity::EntityState::New { " · " (state_words(item.state, item.assignee.as_deref())) }
                    }
                }
                p.why { @if let Some(value) = item.value { "Value " (value.to_string()) ". " } (changes(item, types)) @if let Some(advice) = &item.advice { em { (shown(advice)) } } }
            }
            (spark(&history(item)))
            span.when {
                time datetime=(item.alert_timestamp) { (age(item.alert_timestamp, now)) }
                br; "open " (age(item.opened_at, now))
            }
            @if has_buttons { div.acts { (buttons(&item.alert_id, item.state, item.version, Origin::Today)) } }
        }
    }
}

/// The title of an alert type within a sentence; its id as words if it is not known any more.
fn kind(types: &AlertTypes, id: &str) -> String {
    let Some(alert_type) = types.get(id) else { return words(id) };
    let mut letters = alert_type.title().chars();
    let first = letters.next().map(char::to_lowercase).into_iter().flatten();
    shown(&first.chain(letters).collect::<String>())
}

/// What changed since the alert before, in words.
fn changes(item: &WorklistItem, types: &AlertTypes) -> Markup {
    let alert_type = types.get(&item.alert_type);
    let facts = item.changes.iter().filter(|change| matches!(change, EntityChange::Fact { .. }));
    let shown_facts: Vec<_> = facts.take(CHANGES_MAX).collect();
    html! {
        @for change in &item.changes {
            @match change {
                EntityChange::Returned { why } => { (match why {
                    ReturnReason::Worse => "Back because it got worse. ",
                    ReturnReason::Relapse => "Back after a recovery. ",
                    ReturnReason::Snoozed => "Back after a snooze. ",
                }) },
                EntityChange::NewAlertType { alert_type } => { "New: " (words(alert_type)) ". " },
                EntityChange::Score { from, to } => {
                    @let step = to.get() - from.get();
                    "Risk " (whole(*from)) " to " (whole(*to)) " "
                    span.(if step > 0.0 { "up" } else { "down" }) { (if step > 0.0 { "▲" } else { "▼" }) " " (format!("{:.0}", step.abs())) } ". "
                },
                EntityChange::Fact { .. } => {},
            }
        }
        @for change in shown_facts {
            @if let EntityChange::Fact { fact, from, to } = change {
                (label(alert_type, fact)) ": " (value(from)) " to " (value(to)) ". "
            }
        }
        @if item.changes.is_empty() {
            @if item.opened_at == item.alert_timestamp { "The first alert. " } @else { "No change since the previous alert. " }
        }
    }
}

fn value(value: &FactValue) -> String {
    shown(&value.to_words())
}
