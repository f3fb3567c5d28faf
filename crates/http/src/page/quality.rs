//! The page of quality: what the scores were worth, by what happened, and what to do next.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::layout::{Section, empty, page};
use super::text::{counted, shown, thousands};
use crate::app::App;
use crate::engine::{Engine, EvaluatedGroup, FollowedAdvice};
use crate::evaluation::{recent_advice, recently_evaluated};
use crate::problem::Problem;

/// The upper end of the AUC's interval below which an order is too weak to be of use.
const AUC_OF_USE: f64 = 0.6;
/// A difference is not called one above this chance.
const CHANCE_MAX: f64 = 0.05;
/// The share of insights with an unsupported number, or with an unusable reply, from which somebody should look.
const SHARE_MAX: f64 = 0.05;

/// `GET /quality`.
pub(crate) async fn show<E: Engine>(State(app): State<App<E>>) -> Result<Response, Problem> {
    let groups = recently_evaluated(&app).await?;
    // Without what followed, the page is still of use.
    let advice = if groups.is_empty() { None } else { recent_advice(&app).await.ok() };
    let content = html! {
        h1 { (heading(&groups)) }
        p.lead { "A score is a claim about the future. This page compares the scores with what happened." }
        @if groups.is_empty() {
            (empty("There is no insight to judge.", &html! { "Send alerts, and then say what happened with " code { "portend outcomes import FILE" } "." }))
        } @else if groups.iter().all(|group| count(group, "n") == 0) {
            (empty("No score can be judged yet.", &html! {
                "Say what happened with " code { "portend outcomes import FILE" } " or " code { "POST /v1/outcomes" }
                ". A score is judged when its horizon is over."
            }))
        }
        @for group in groups.iter() { (of_group(group)) }
        @if let Some(advice) = advice { (followed(&advice)) }
    };
    Ok(page(Section::Quality, "Quality", &content))
}

/// What people did with recommendations, and what followed. Those of which nobody said anything say nothing here.
fn followed(advice: &[FollowedAdvice]) -> Markup {
    let answered: Vec<&FollowedAdvice> = advice.iter().filter(|each| each.is_answered).collect();
    html! {
        section.card {
            h2 { "What was recommended, and what followed" }
            @if answered.is_empty() {
                p { "Nobody has said yet what was done with a recommendation. The page of an insight has buttons for it." }
            } @else {
                p.small { "This says what followed, and not why: people choose whom they help. The setting " code { "holdout" } " measures what notifying people changes." }
            }
            @for each in answered {
                h3 { (shown(&each.text)) }
                p.small { (shown(&each.alert_type)) ": " (shown(&each.event)) "." }
                dl.pairs.figures {
                    @for (name, sentence) in &each.lines { dt { (name) } dd { (sentence) } }
                }
            }
        }
    }
}

fn heading(groups: &[EvaluatedGroup]) -> String {
    match groups.iter().map(|group| count(group, "n")).sum::<u64>() {
        0 => "Nothing is judged yet".to_owned(),
        rows => format!("{} judged by what happened", counted(rows, "score is", "scores are")),
    }
}

fn number(group: &EvaluatedGroup, pointer: &str) -> Option<f64> {
    group.report.pointer(pointer)?.as_f64()
}

fn count(group: &EvaluatedGroup, name: &str) -> u64 {
    group.report.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn of_group(group: &EvaluatedGroup) -> Markup {
    html! {
        section.card {
            h2 { (shown(group.text("type").unwrap_or_default())) " · " (shown(group.text("model_used").unwrap_or_default())) }
            p.small {
                @if let Some(id) = group.text("model_id") { "Model " code { (shown(id)) } ". " }
                @if let Some(version) = group.text("prompt") {
                    @if group.text("model_id").is_some() { "Prompt " } @else { "Table of points " }
                    code { (shown(version.get(..12).unwrap_or(version))) } "."
                }
            }
            p.next { strong { "What to do next: " } (next_step(group)) }
            @match &group.picture {
                Some(picture) => div.split {
                    div {
                        (PreEscaped(picture))
                        p.small { "Each point is a tenth of the scores: the score, and the share of the entities to whom it happened. Points on the line are right." }
                    }
                    aside { (figures(group)) }
                },
                None => (figures(group)),
            }
        }
    }
}

fn figures(group: &EvaluatedGroup) -> Markup {
    let n = count(group, "n");
    let states = [
        ("Happened", "yes"),
        ("Did not happen", "no"),
        ("Too early to judge", "pending"),
        ("Not followed long enough", "unknown"),
        ("Already over at the alert", "gone"),
    ];
    html! {
        dl.pairs.figures {
            dt { "Stored insights" } dd { (thousands(group.insights)) }
            // The five counts add up to the insights.
            @for (name, state) in states {
                @if n > 0 || count(group, state) > 0 { dt { (name) } dd { (thousands(count(group, state))) } }
            }
            @if n > 0 {
                dt { "Judged" } dd { (thousands(n)) small { "of " (counted(count(group, "entities"), "entity", "entities")) } }
                dt { "Rate" } dd { (percent(number(group, "/base_rate"))) }
                dt { "Order (AUC)" } dd { (auc(group)) }
                dt { "Distance from the rates (ECE)" } dd { (ece(group)) }
                @if let Some(ece) = number(group, "/calibrated/ece") { dt { "The same after calibration" } dd { (decimal(ece)) } }
                @if group.report.get("paired").is_some_and(Value::is_object) { dt { "Model against scorecard" } dd { (paired(group)) } }
            }
            dt { "With an unsupported number" } dd { (share(group.unsupported, group.insights)) }
            dt { "With an unusable reply" } dd { (share(group.unusable, group.insights)) }
            dt { "Cost of their calls" } dd { "$" (format!("{:.4}", group.cost_usd)) }
            dt { "Change in the last week" } dd { (drift(group)) }
        }
    }
}

/// A figure, and what a reader must know of it.
fn noted(figure: &str, note: &str) -> Markup {
    html! { (figure) small { (note) } }
}

fn auc(group: &EvaluatedGroup) -> Markup {
    let interval = (number(group, "/auc"), number(group, "/auc_low"), number(group, "/auc_high"));
    match interval {
        (Some(auc), Some(low), Some(high)) => {
            noted(&decimal(auc), &format!("{} to {}; 0.5 is chance", decimal(low), decimal(high)))
        }
        _ => unknown(group, "auc"),
    }
}

fn ece(group: &EvaluatedGroup) -> Markup {
    match (number(group, "/ece"), number(group, "/ece_floor")) {
        (Some(ece), Some(floor)) => noted(&decimal(ece), &format!("by chance: {}", decimal(floor))),
        _ => unknown(group, "ece"),
    }
}

fn drift(group: &EvaluatedGroup) -> Markup {
    match group.drift {
        Some("drift") => html! { "yes" },
        Some("none") => html! { "none" },
        Some(_) => noted("not known", "too few entities"),
        None => html! { "not known" },
    }
}

fn paired(group: &EvaluatedGroup) -> String {
    let difference = number(group, "/paired/auc_difference").zip(number(group, "/paired/p"));
    match difference {
        Some((difference, p)) => format!("AUC {difference:+.3} (p {p:.3})"),
        None => "not known: too few rows".to_owned(),
    }
}

fn decimal(value: f64) -> String {
    format!("{value:.3}")
}

/// Why a figure is missing.
fn unknown(group: &EvaluatedGroup, name: &str) -> Markup {
    match group.report.pointer(&format!("/reasons/{name}")).and_then(Value::as_str) {
        Some("few_events") => noted("not known", "fewer than 10 with the event, or without it"),
        Some("one_class") => noted("not known", "it happened to all, or to none"),
        Some("few_rows") => noted("not known", "fewer than 100 are judged"),
        _ => html! { "not known" },
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "not known".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

#[expect(clippy::cast_precision_loss, reason = "a count of insights is far below 2^53")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn share(part: u64, whole: u64) -> String {
    percent(ratio(part, whole))
}

/// What improves the scores most, in one sentence.
fn next_step(group: &EvaluatedGroup) -> String {
    let id = shown(group.text("type").unwrap_or_default());
    let is_above = |part| ratio(part, group.insights).is_some_and(|share| share > SHARE_MAX);
    let ece = number(group, "/ece").zip(number(group, "/ece_floor"));
    let is_worse = number(group, "/paired/auc_difference").is_some_and(|difference| difference < 0.0)
        && number(group, "/paired/p").is_some_and(|p| p < CHANCE_MAX);
    let missing = group.missing_probability.as_ref();
    let has_unused_map = missing.is_some_and(|missing| missing.reason == "not_applied");
    let unknown = count(group, "unknown");
    if unknown > count(group, "n") {
        format!(
            "say what happened to {}: portend outcomes import FILE, or portend outcomes census if every event is imported.",
            counted(unknown, "insight that nobody followed", "insights that nobody followed")
        )
    } else if count(group, "n") == 0 {
        "wait until the first horizons are over, and import what happened.".to_owned()
    } else if number(group, "/auc").is_none() {
        "collect more outcomes: at least 10 with the event and 10 without it are needed.".to_owned()
    } else if group.drift == Some("drift") {
        format!(
            "the alerts have changed; portend drift --type {id} says where, before you rely on older outcomes."
        )
    } else if is_worse {
        "the scorecard orders better than the model: use the scorecard, or try another model with portend compare."
            .to_owned()
    } else if number(group, "/auc_high").is_some_and(|high| high < AUC_OF_USE) {
        format!("the order is near chance: portend fit --type {id} makes a table from the outcomes.")
    } else if ece.is_some_and(|(ece, floor)| ece > 2.0 * floor) && has_unused_map {
        format!("the scores are not probabilities yet: portend calibrate --type {id} --apply makes a map.")
    } else if is_above(group.unsupported) || is_above(group.unusable) {
        "read the replies that were refused or marked, and compare other models with portend compare."
            .to_owned()
    } else {
        "nothing; look again when more outcomes are in.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{EvaluatedGroup, next_step};
    use crate::engine::MissingProbability;

    fn group(report: Value) -> EvaluatedGroup {
        EvaluatedGroup {
            report,
            picture: None,
            insights: 100,
            unsupported: 0,
            unusable: 0,
            cost_usd: 0.0,
            drift: Some("none"),
            missing_probability: None,
        }
    }

    #[test]
    fn the_next_step_is_the_first_that_is_missing() {
        let good =
            json!({"type": "t", "n": 200, "auc": 0.8, "auc_high": 0.85, "ece": 0.03, "ece_floor": 0.02});
        let with = |extra: Value| {
            let mut report = good.clone();
            let fields = report.as_object_mut().unwrap();
            fields.extend(extra.as_object().unwrap().clone());
            group(report)
        };
        let of_reason =
            |reason| MissingProbability { reason, have: None, need: None, sentence: String::new() };
        let off = |reason| EvaluatedGroup {
            missing_probability: Some(of_reason(reason)),
            ..with(json!({"ece": 0.1}))
        };
        let drifted = EvaluatedGroup { drift: Some("drift"), ..group(good.clone()) };
        let unsupported = EvaluatedGroup { unsupported: 6, ..group(good.clone()) };
        let cases = [
            (with(json!({"n": 0, "unknown": 3})), "say what happened"),
            (with(json!({"n": 0, "pending": 3})), "wait until"),
            (with(json!({"auc": null})), "collect more outcomes"),
            (drifted, "the alerts have changed"),
            (with(json!({"paired": {"auc_difference": -0.05, "p": 0.01}})), "the scorecard orders better"),
            (with(json!({"auc_high": 0.58})), "the order is near chance"),
            (off("not_applied"), "the scores are not probabilities"),
            (off("older_than_map"), "nothing"),
            (off("no_better"), "nothing"),
            (unsupported, "read the replies"),
            (group(good.clone()), "nothing"),
        ];
        for (group, expected) in cases {
            assert!(next_step(&group).starts_with(expected), "{}: {:?}", next_step(&group), group.report);
        }
    }
}
