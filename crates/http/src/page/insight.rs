//! The page of one insight: do I believe it, and what do I do.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use portend_core::alert_type::{AlertType, FactValue};
use portend_core::entity::EntityRow;
use portend_core::insight::{
    AttemptRecord, Disagreement, Grade, InsightFields, SecondOpinion, StoredInsight,
};
use portend_core::number::Number;
use portend_core::prompt::PromptTemplate;
use portend_core::recommendation::RecommendationSource;
use portend_core::scorecard::Baseline;
use portend_core::time::Timestamp;

use super::actions::{Origin, buttons, recommendation_buttons, state_words, usefulness};
use super::chart::{SumPart, sum_bar};
use super::explanation::{label, linked, reason_of};
use super::layout::{Section, page};
use super::text::{age, counted, level, minute, path_part, shown, thousands, whole, words};
use crate::app::App;
use crate::engine::{Engine, MissingProbability};
use crate::evaluation::missing_probability;
use crate::feedback::recommended;
use crate::insights::find;
use crate::problem::Problem;
use crate::request::PathId;
use crate::worklist::row_or_rebuilt;

/// `GET /insights/{alert_id}`.
pub(crate) async fn show<E: Engine>(
    State(app): State<App<E>>,
    PathId(alert_id): PathId,
) -> Result<Response, Problem> {
    let insight = find(&app, &alert_id).await?;
    let alert_type = app.engine.types().get(insight.prediction_type());
    let entity = shown(insight.entity_id());
    let entity_row = match insight.entity_key() {
        Some(key) => row_or_rebuilt(&app, &key).await?,
        None => None,
    };
    let recommendations = recommended(&app, &insight).await?;
    let missing = missing_probability(&app, &insight).await;
    let content = html! {
        (doubts(&insight, alert_type))
        div.hero.(level(insight.risk_score())) {
            span.risk { (whole(insight.risk_score())) }
            div {
                h1 { a href={ "/entities/" (path_part(insight.entity_id())) } { (entity) } (headline(&insight)) }
                p.lead {
                    (alert_type.map_or_else(|| words(insight.prediction_type()), |each| shown(each.title())))
                    " · " (age(insight.timestamp(), app.now())) @if age(insight.timestamp(), app.now()) != "now" { " ago" }
                    @if let Some(alert_type) = alert_type { " · " (shown(alert_type.meaning_of(insight.risk_score()))) }
                }
                (probability(&insight, missing.as_ref()))
            }
        }
        div.split {
            div {
                p.say { (linked(insight.explanation(), &insight, alert_type)) }
                (grounded(&insight))
                (findings(&insight))
                (drivers(&insight, alert_type))
                h2 { "What to do" }
                ol.do { @for step in &recommendations { li {
                    span { (shown(&step.text)) @if step.source == RecommendationSource::Own && insight.current().is_some_and(|fields| fields.grade.is_of_model()) { " " small { "the model's own advice" } } }
                    @if app.engine.takes_feedback() && entity_row.is_some() { (recommendation_buttons(insight.alert_id(), step)) }
                } } }
                (evidence(&insight, alert_type))
            }
            aside {
                (facts(&insight, alert_type))
                @if app.engine.takes_feedback() { (act(&insight, entity_row.as_ref(), app.now())) }
                (provenance(&insight))
            }
        }
        p.small { a.link href="/" data-back { "Back to the list" } }
    };
    Ok(page(Section::Inside, &entity, &content))
}

/// What the score says about the entity, after its id.
fn headline(insight: &StoredInsight) -> String {
    match insight.current() {
        Some(InsightFields { predicts, horizon_days, .. }) => {
            format!(": risk of {} within {}", words(predicts), counted((*horizon_days).into(), "day", "days"))
        }
        None => String::new(),
    }
}

/// What a reader should know before the score is believed.
fn doubts(insight: &StoredInsight, alert_type: Option<&AlertType>) -> Markup {
    let Some(fields) = insight.current() else {
        return html! { p.note { "The original handler made this insight. It has no facts and no evidence." } };
    };
    html! {
        @for conflict in fields.conflicts.iter().flatten() {
            p.note { strong { "The facts contradict each other: " } (shown(conflict)) }
        }
        @if fields.stale == Some(true) {
            p.note { strong { "The alert is old. " } "It was made at " (minute(fields.alert_timestamp)) ", long before it was received." }
        }
        @if let Some(unknowns) = fields.unknowns.as_ref().filter(|unknowns| !unknowns.is_empty()) {
            p.note { strong { "Not known: " } (unknowns.iter().map(|id| label(alert_type, id)).collect::<Vec<_>>().join(", ")) "." }
        }
        @if let Some(Disagreement { model, table, gap }) = &fields.disagreement {
            p.note {
                strong { "The model says " (whole(*model)) ", the scorecard " (whole(*table)) ": they differ by " (whole(*gap)) " points. " }
                "Read both before you decide: the scorecard knows only its points, and the model can be wrong."
            }
        }
        @if fields.grade == Grade::Doubted {
            p.note { strong { "A second model doubts this score. " } "Read the facts before you decide." }
        }
        @if fields.holdout == Some(true) {
            p.note { "This entity is held out by chance, so nobody is notified of it." }
        }
        @if fields.degraded {
            p.note { "A model should have answered and did not, so the scorecard judged. A later sweep may ask a model again." }
        }
    }
}

/// The probability, or what is missing for one.
fn probability(insight: &StoredInsight, missing: Option<&MissingProbability>) -> Markup {
    let of_fields = |fields: &InsightFields| {
        let calibrated = fields.calibrated.as_ref()?;
        Some(calibrated.sentence(&shown(&fields.predicts), fields.horizon_days, thousands))
    };
    let known = insight.current().and_then(of_fields);
    html! {
        @match (known, missing) {
            (Some(known), _) => p.lead { (known) },
            (None, Some(missing)) => p.small { (missing.sentence) },
            (None, None) => {},
        }
    }
}

/// What the check of the texts found: numbers that no fact supports, and words that the facts do not say.
fn findings(insight: &StoredInsight) -> Markup {
    let Some(grounding) = insight.current().and_then(|fields| fields.grounding.as_ref()) else {
        return html! {};
    };
    html! {
        @if !grounding.unsupported.is_empty() {
            div.note {
                p {
                    "No fact supports "
                    (counted(grounding.unsupported.len() as u64, "number, which has a wavy line:", "numbers, which have a wavy line:"))
                }
                ul { @for claim in &grounding.unsupported { li { mark { (shown(&claim.claim)) } " " (reason_of(claim)) } } }
            }
        }
        @if !grounding.unsaid.is_empty() {
            div.note {
                p { "The facts do not say this:" }
                ul { @for claim in &grounding.unsaid { li { "“" (shown(&claim.text)) "”: " (claim.kind.reason()) } } }
            }
        }
    }
}

fn grounded(insight: &StoredInsight) -> Markup {
    let Some(fields) = insight.current() else { return html! {} };
    html! {
        p.small {
            @match &fields.grounding {
                Some(report) if report.unsupported.is_empty() => "Every number was checked against the facts of the alert.",
                Some(_) => "Underlined numbers are facts of the alert; those with a wavy line are not.",
                None => "The scorecard wrote this from the facts of the alert.",
            }
        }
    }
}

fn drivers(insight: &StoredInsight, alert_type: Option<&AlertType>) -> Markup {
    let Some(fields) = insight.current() else { return html! {} };
    let Baseline { risk_score, base, points } = &fields.baseline;
    let part = |(fact, points): (&String, &u8)| SumPart {
        name: label(alert_type, fact),
        points: f64::from(*points),
    };
    let mut parts = vec![SumPart { name: "Base".to_owned(), points: f64::from(*base) }];
    parts.extend(points.iter().map(part).filter(|part| part.points > 0.0));
    let sum: Vec<String> = parts.iter().map(|part| format!("{} {}", part.name, part.points)).collect();
    let is_model = fields.grade.is_of_model();
    html! {
        h2 {
            @if is_model { "What drives it: the model says " (whole(fields.risk_score)) ", the scorecard " (risk_score) }
            @else { "What drives it" }
        }
        (sum_bar(&parts, *risk_score))
        p.small { (sum.join(" + ")) " = " (risk_score) " points of the scorecard." }
        @for sentence in fields.second_opinion.iter().flat_map(SecondOpinion::sentences) { p.small { (shown(&sentence)) } }
        @if !fields.drivers.is_empty() {
            ul.because {
                @for driver in &fields.drivers {
                    li {
                        b { @match points.get(&driver.fact).filter(|_| !is_model) {
                            Some(points) => { "+" (points) },
                            None => (match driver.effect { portend_core::driver::Effect::Raises => "▲", portend_core::driver::Effect::Lowers => "▼" }),
                        } }
                        span { (linked(&driver.because, insight, alert_type)) }
                    }
                }
            }
        }
    }
}

fn facts(insight: &StoredInsight, alert_type: Option<&AlertType>) -> Markup {
    let Some(fields) = insight.current() else { return html! {} };
    html! {
        div.card {
            h2 { "Facts" }
            dl.pairs {
                @for (id, value) in fields.facts.iter() {
                    dt id={ "fact-" (id) } { (label(alert_type, id)) }
                    dd { (shown(&value.to_words())) (healthy(alert_type, id)) }
                }
            }
            @if let Some(message) = &fields.message { p.small { "The producer says: " (shown(message)) } }
        }
    }
}

/// The healthy value of a fact, if it has one.
fn healthy(alert_type: Option<&AlertType>, fact: &str) -> Markup {
    let range = alert_type.and_then(|alert_type| alert_type.fact(fact)).and_then(|fact| fact.range());
    let healthy = range.and_then(|range| range.healthy);
    html! { @if let Some(healthy) = healthy { small { "healthy: " (FactValue::Number(healthy).to_words()) } } }
}

/// The buttons of a person who acts on it.
fn act(insight: &StoredInsight, row: Option<&EntityRow>, now: Timestamp) -> Markup {
    html! {
        @if let Some(row) = row {
            div.card {
                h2 { "This " (shown(&row.key.entity_type)) " is " (state_words(row.state_at(now), row.assignee.as_deref())) }
                (buttons(insight.alert_id(), row.state_at(now), row.version, Origin::Insight))
                @if let Some(changed) = &row.changed { p.small { "Last changed by " (shown(&changed.by)) ", " (minute(changed.at)) "." } }
                (usefulness(insight.alert_id()))
            }
        }
    }
}

fn provenance(insight: &StoredInsight) -> Markup {
    html! {
        div.card {
            h2 { "How it was made" }
            dl.pairs {
                dt { "By" } dd { (shown(insight.model_used())) }
                dt { "Made" } dd { (minute(insight.timestamp())) }
                @if let Some(fields) = insight.current() {
                    dt { "Alert" } dd { (minute(fields.alert_timestamp)) }
                    dt { "Severity" } dd { (shown(&fields.severity)) }
                    dt { "Seen" } dd { (counted(fields.occurrences, "time", "times")) }
                    @if fields.occurrences > 1 { dt { "Last seen" } dd { (minute(fields.last_seen)) } }
                    dt { "Deleted after" } dd { (minute(fields.expires_at)) }
                }
                dt { "Id" } dd { code { (shown(insight.alert_id())) } }
            }
        }
    }
}

fn evidence(insight: &StoredInsight, alert_type: Option<&AlertType>) -> Markup {
    let Some(fields) = insight.current() else { return html! {} };
    html! {
        h2 { "Evidence" }
        @if fields.attempts.is_empty() {
            p.lead { "No model was called: the scorecard judged, which is arithmetic over the facts." }
        } @else {
            details {
                summary { (calls(&fields.attempts)) }
                div.scroll tabindex="0" { table {
                    thead { tr { th { "Model" } th { "Outcome" } th.n { "Time" } th.n { "Tokens" } th.n { "Cost" } } }
                    tbody { @for attempt in &fields.attempts { (attempt_row(attempt)) } }
                } }
            }
        }
        @if let Some(repairs) = fields.repairs.as_ref().filter(|repairs| !repairs.is_empty()) {
            details {
                summary { (counted(repairs.len() as u64, "repair", "repairs")) " of the reply, none of which changes a value" }
                p { (repairs.iter().map(|repair| repair.code()).collect::<Vec<_>>().join(", ")) }
            }
        }
        @if let Some(prompt) = &fields.prompt { (prompt_as_sent(prompt.sha256.as_str(), fields, alert_type)) }
        @if let Some(reply) = &fields.reply {
            details { summary { "The reply as received" } pre { (shown(reply)) } }
        }
    }
}

/// The prompt can be built again from the facts; its hash says whether it is the one that was sent.
fn prompt_as_sent(sha256: &str, fields: &InsightFields, alert_type: Option<&AlertType>) -> Markup {
    let template = alert_type.map(PromptTemplate::new);
    let prompt = template.as_ref().map(|template| template.prompt(&fields.facts));
    let prompt = prompt.filter(|prompt| prompt.sha256() == sha256);
    html! {
        details {
            summary { "The prompt as sent" }
            @match &prompt {
                Some(prompt) => { pre { (shown(prompt.system())) } pre { (shown(prompt.user())) } },
                None => p { "It cannot be shown: the alert type or the program has changed since. Its sha256 is " code { (shown(sha256)) } "." },
            }
        }
    }
}

fn calls(attempts: &[AttemptRecord]) -> String {
    let ms: u64 = attempts.iter().map(|attempt| attempt.ms).sum();
    let cost: f64 = attempts.iter().filter_map(|attempt| attempt.cost_usd).map(Number::get).sum();
    let calls = counted(attempts.len() as u64, "call to a model", "calls to models");
    let cost = if cost > 0.0 { format!(", ${cost:.4}") } else { String::new() };
    format!("{calls}, {} ms{cost}", thousands(ms))
}

fn attempt_row(attempt: &AttemptRecord) -> Markup {
    let tokens = attempt.input_tokens.zip(attempt.output_tokens);
    html! {
        tr {
            td { (shown(&attempt.model)) br; code { (shown(&attempt.model_id)) } }
            td {
                (shown(&attempt.outcome))
                @if let Some(violations) = &attempt.violations { br; (shown(violations)) }
                @if let Some(reply) = &attempt.reply { pre { (shown(reply)) } }
            }
            td.n { (thousands(attempt.ms)) " ms" }
            td.n { @if let Some((input, output)) = tokens { (thousands(input)) " + " (thousands(output)) } }
            td.n { @if let Some(cost) = attempt.cost_usd { "$" (cost.to_string()) } }
        }
    }
}
