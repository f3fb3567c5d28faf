//! `POST /v1/insights/{alert_id}/feedback`: what a person says about an insight, and does about its entity.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use portend_core::clock::random_name;
use portend_core::entity::{EntityRow, FeedbackAction, FeedbackEntry, FeedbackOutcome, FeedbackRequest};
use portend_core::insight::StoredInsight;
use portend_core::limits::{FEEDBACK_CHARS_MAX, RETENTION};
use portend_core::recommendation::{InsightRecommendation, act_of, recommendations_of};
use portend_core::store::Feedback;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::user_of;
use crate::app::App;
use crate::engine::Engine;
use crate::insights::find;
use crate::problem::Problem;
use crate::request::{PathId, WholeBody, content_type, time_of};
use crate::worklist::row_or_rebuilt;

/// Feedback, as it is sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenFeedback {
    /// `useful`, `wrong`, `note`, `seen`, `done`, `assign`, `snooze` or `reopen`; with `recommendation`, `done` or `skip`.
    /// `note` by default, if there is a note.
    #[schema(example = "done")]
    #[serde(default)]
    pub(crate) action: String,
    /// With `snooze`: until when.
    #[schema(format = DateTime)]
    pub(crate) until: Option<String>,
    /// With `assign`: who takes care of it.
    pub(crate) assignee: Option<String>,
    /// With `done` or `skip`: only this recommendation of the insight, by its id.
    pub(crate) recommendation: Option<String>,
    /// A note in the person's own words.
    pub(crate) note: Option<String>,
    /// Who gives it.
    pub(crate) by: Option<String>,
    /// The version of the entity that the person saw. If somebody has changed it since, or it never had this version,
    /// nothing is stored.
    pub(crate) version: Option<u64>,
}

/// The entity after the feedback.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackReceipt {
    /// Always `recorded`.
    status: &'static str,
    /// The entity's state now.
    #[schema(value_type = String)]
    state: portend_core::entity::EntityState,
    /// The entity's version now.
    version: u64,
    /// The entity.
    #[schema(value_type = Object)]
    entity: EntityRow,
}

impl GivenFeedback {
    fn action<E: Engine>(&self, app: &App<E>, by: &str) -> Result<FeedbackAction, Problem> {
        if let Some(recommendation) = self.recommendation.clone() {
            return match self.action.as_str() {
                "done" => Ok(FeedbackAction::RecommendationDone { recommendation }),
                "skip" => Ok(FeedbackAction::RecommendationSkipped { recommendation }),
                _ => Err(Problem::bad(
                    "bad_action",
                    "`recommendation` is only for `done` and `skip`",
                    "remove `recommendation`",
                )),
            };
        }
        Ok(match self.action.as_str() {
            "useful" => FeedbackAction::Useful,
            "wrong" => FeedbackAction::Wrong,
            "note" | "" if self.note.as_ref().is_some_and(|note| !note.trim().is_empty()) => {
                FeedbackAction::Note
            }
            "seen" => FeedbackAction::Seen,
            "done" => FeedbackAction::Done,
            "reopen" => FeedbackAction::Reopen,
            "assign" => {
                let assignee = self.assignee.clone().filter(|assignee| !assignee.trim().is_empty());
                FeedbackAction::Assign { assignee: assignee.unwrap_or_else(|| by.to_owned()) }
            }
            "snooze" => {
                let until = self.until.as_deref().and_then(time_of).filter(|until| *until > app.now());
                let until = until.ok_or_else(|| {
                    let fix = "write `until` as a time such as 2030-01-31T09:00:00Z";
                    Problem::bad("bad_until", "`snooze` needs `until`, a time in the future", fix)
                })?;
                FeedbackAction::Snooze { until }
            }
            "" => {
                return Err(Problem::bad(
                    "bad_feedback",
                    "the feedback has neither an action nor a note",
                    "send an object such as {\"action\": \"done\", \"by\": \"ana\"}",
                ));
            }
            _ => {
                return Err(Problem::bad(
                    "bad_action",
                    "the action is not known",
                    "use useful, wrong, note (with `note`), seen, done, assign, snooze or reopen; or done or skip with \
                     `recommendation`",
                ));
            }
        })
    }
}

/// Say or do something about an insight.
///
/// Feedback is appended, and never overwritten. If two people change an entity at the same time, one of them gets a
/// conflict that says who was first, and when.
#[utoipa::path(
    post,
    path = "/v1/insights/{alert_id}/feedback",
    tag = "entities",
    params(("alert_id" = String, Path, description = "The insight's id")),
    request_body = GivenFeedback,
    responses(
        (status = 200, description = "It is stored", body = FeedbackReceipt),
        (status = "4XX", description = "The request is refused; 409 is a conflict with somebody else, or a version that the entity never had", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post<E: Engine>(
    State(app): State<App<E>>,
    PathId(alert_id): PathId,
    headers: HeaderMap,
    body: WholeBody,
) -> Result<Json<FeedbackReceipt>, Problem> {
    if content_type(&headers) != "application/json" {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_content_type",
            "the content type is not application/json",
            "send feedback as application/json",
        ));
    }
    let given: GivenFeedback = serde_json::from_slice(&body.0).map_err(|error| {
        Problem::bad(
            "bad_feedback",
            format!("the feedback cannot be read: {error}"),
            "send an object such as {\"action\": \"done\", \"by\": \"ana\"}",
        )
    })?;
    let by = given.by.clone().filter(|by| !by.trim().is_empty()).unwrap_or_else(|| user_of(&headers));
    let entity = give(&app, &alert_id, given, by).await?;
    let (state, version) = (entity.state, entity.version);
    Ok(Json(FeedbackReceipt { status: "recorded", state, version, entity }))
}

/// What an insight recommends, with what people did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecommendationList {
    /// In the order of the insight.
    #[schema(value_type = Vec<Object>)]
    recommendations: Vec<InsightRecommendation>,
}

/// List the recommendations of an insight, each with its id and with what was done.
///
/// An id is from the alert type's catalogue. If the advice is the model's own, the id is derived from its text.
#[utoipa::path(
    get,
    path = "/v1/insights/{alert_id}/recommendations",
    tag = "insights",
    params(("alert_id" = String, Path, description = "The insight's id")),
    responses(
        (status = 200, description = "The recommendations", body = RecommendationList),
        (status = "4XX", description = "There is no such insight", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn recommendations<E: Engine>(
    State(app): State<App<E>>,
    PathId(alert_id): PathId,
) -> Result<Json<RecommendationList>, Problem> {
    let insight = find(&app, &alert_id).await?;
    let recommendations = recommended(&app, &insight).await?;
    Ok(Json(RecommendationList { recommendations }))
}

/// The recommendations of an insight, with what people did.
pub(crate) async fn recommended<E: Engine>(
    app: &App<E>,
    insight: &StoredInsight,
) -> Result<Vec<InsightRecommendation>, Problem> {
    let feedback = app.engine.store().feedback(&[insight.alert_id().to_owned()], app.now()).await?;
    Ok(recommendations_of(insight, app.engine.types().get(insight.prediction_type()), &feedback))
}

/// Stores feedback and returns the entity after it.
pub(crate) async fn give<E: Engine>(
    app: &App<E>,
    alert_id: &str,
    given: GivenFeedback,
    by: String,
) -> Result<EntityRow, Problem> {
    if !app.engine.takes_feedback() {
        return Err(Problem::read_only());
    }
    let action = given.action(app, &by)?;
    for text in [Some(&by), given.note.as_ref(), given.assignee.as_ref()].into_iter().flatten() {
        if text.chars().count() > FEEDBACK_CHARS_MAX {
            let fix = format!("write at most {FEEDBACK_CHARS_MAX} characters");
            return Err(Problem::bad("too_long", "a text of the feedback is too long", fix));
        }
    }
    let insight = find(app, alert_id).await?;
    let Some(key) = insight.entity_key() else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "original_insight",
            "the original handler made this insight, so its state is not stored",
            "give feedback about a newer insight of this entity",
        ));
    };
    if let Some(id) = &given.recommendation {
        let alert_type = app.engine.types().get(insight.prediction_type());
        let list = recommendations_of(&insight, alert_type, &[]);
        if !list.iter().any(|each| each.id == *id) {
            let ids: Vec<_> = list.iter().map(|each| each.id.as_str()).collect();
            let fix = format!("use one of {}", ids.join(", "));
            return Err(Problem::bad(
                "unknown_recommendation",
                "the insight has no such recommendation",
                fix,
            ));
        }
    }
    let now = app.now();
    row_or_rebuilt(app, &key).await?;
    let request = FeedbackRequest {
        entity: key,
        entry: FeedbackEntry {
            alert_id: alert_id.to_owned(),
            at: now,
            id: random_name(app.engine.clock()),
            by,
            action,
            note: given.note.filter(|note| !note.trim().is_empty()),
        },
        expected_version: given.version,
        expires_at: insight.expires_at().unwrap_or(now.plus(RETENTION)),
        now,
    };
    match app.engine.store().give_feedback(&request).await? {
        FeedbackOutcome::Recorded(row) => {
            if let Some(act) = act_of(&request.entity, &request.entry) {
                app.put_outcomes(&[act]).await?;
            }
            if given.recommendation.is_some() {
                app.advice.clear();
            }
            Ok(*row)
        }
        FeedbackOutcome::Conflict(change) => Err(Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            format!("{} changed this entity at {}; nothing is stored", change.by, change.at),
            "look at the entity again, and repeat the request with its new version if it is still right",
        )),
        FeedbackOutcome::UnknownVersion(current) => Err(Problem::new(
            StatusCode::CONFLICT,
            "unknown_version",
            format!(
                "this entity has never had that version; nothing is stored, and its version is {current}"
            ),
            "look at the entity again, and repeat the request with its version if it is still right",
        )),
        FeedbackOutcome::NoEntity => Err(Problem::not_found(
            "the entity has expired, so there is nothing to change",
            "/v1/worklist lists the open entities",
        )),
    }
}
