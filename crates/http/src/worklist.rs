//! `GET /v1/worklist` and `GET /v1/entities/{entity_id}`: whom to look at now, and what is known about one.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use portend_core::alert_type::AlertType;
use portend_core::clock::random_name;
use portend_core::entity::{EntityKey, EntityRow, EntityState, FeedbackEntry, WorklistItem};
use portend_core::insight::StoredInsight;
use portend_core::limits::PAGE_MAX;
use portend_core::store::{
    Entities, Feedback, ForgetCounts, InsightQuery, Queries, done_entities, entity_of_insights,
};
use portend_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::Engine;
use crate::limits::{DONE_READ_MAX, SEARCH_READ_MAX, TIMELINE_INSIGHTS, WORKLIST_READ_MAX};
use crate::problem::Problem;
use crate::request::{Params, PathId};

/// Whom to look at now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worklist {
    /// One entry for each entity, the highest risk first.
    #[schema(value_type = Vec<Object>)]
    pub(crate) items: Vec<WorklistItem>,
    /// How many there are, also those that are not in `items`; if `complete` is false, among those that were read.
    pub(crate) total: usize,
    /// How many are on the list, and not in `items` because of `limit` or `capacity`.
    pub(crate) waiting: usize,
    /// With `capacity`: how many were set to done today (UTC). So many fewer are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) done_today: Option<usize>,
    /// Whether all open entities were read. Otherwise only those with the highest risk were.
    pub(crate) complete: bool,
    /// How many are snoozed.
    pub(crate) snoozed: usize,
    /// The time at which this holds.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
}

/// What is known about one entity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityReport {
    /// Its current judgements and its state.
    #[schema(value_type = Option<Object>)]
    pub(crate) entity: Option<EntityRow>,
    /// Its latest insights, newest first.
    #[schema(value_type = Vec<Object>)]
    pub(crate) insights: Vec<StoredInsight>,
    /// What people said about them, oldest first.
    #[schema(value_type = Vec<Object>)]
    pub(crate) feedback: Vec<FeedbackEntry>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorklistOrder {
    /// The highest risk score first.
    Risk,
    /// The most at stake first.
    Value,
}

/// Which of the open entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorklistPart {
    /// Those to look at.
    Listed,
    /// Those that wait until a time.
    Snoozed,
}

/// What a request wants of the worklist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorklistView {
    pub(crate) part: WorklistPart,
    pub(crate) order: WorklistOrder,
}

impl WorklistView {
    /// Of the parameters `state` and `sort`.
    pub(crate) fn of(params: &Params) -> Result<Self, Problem> {
        let parts = [("open", WorklistPart::Listed), ("snoozed", WorklistPart::Snoozed)];
        let orders = [("risk", WorklistOrder::Risk), ("value", WorklistOrder::Value)];
        Ok(Self {
            part: params.one_of("state", &parts)?.unwrap_or(WorklistPart::Listed),
            order: params.one_of("sort", &orders)?.unwrap_or(WorklistOrder::Risk),
        })
    }
}

/// List the entities to look at now, worst first.
#[utoipa::path(
    get,
    path = "/v1/worklist",
    tag = "entities",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Entities, 50 by default"),
        ("state" = Option<String>, Query, description = "`open` (the default) or `snoozed`"),
        ("sort" = Option<String>, Query, description = "`risk` (the default), or `value`: the most at stake first"),
        ("capacity" = Option<u64>, Query, minimum = 1, maximum = 1000, description = "How many you can look at today (UTC). Those that were set to done today are subtracted, among the entities of the newest 1,000 insights"),
        ("min_risk" = Option<f64>, Query, minimum = 0, maximum = 100, description = "With this risk score or a higher one"),
    ),
    responses(
        (status = 200, description = "The worklist", body = Worklist),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
) -> Result<Json<Worklist>, Problem> {
    let params = params.only(&["limit", "state", "min_risk", "sort", "capacity"])?;
    let view = WorklistView::of(&params)?;
    let capacity = params.number("capacity", 1000)?;
    let min_risk = params.risk("min_risk")?.map_or(0.0, portend_core::number::Number::get);
    let limit = params.limit()?;
    let mut list = worklist(&app, view, limit).await?;
    list.items.retain(|item| item.risk_score.get() >= min_risk);
    let all = list.items.len();
    if capacity > 0 {
        let (store, types, at) = (app.engine.store(), app.engine.types(), list.at);
        let done = done_entities(store, types, (at.day_start(), at), at, DONE_READ_MAX).await?;
        list.items.truncate(usize::try_from(capacity).unwrap_or(usize::MAX).saturating_sub(done));
        list.done_today = Some(done);
    }
    list.items.truncate(limit);
    list.waiting = all - list.items.len();
    Ok(Json(list))
}

/// The worklist of the open entities with the highest risk. Only so many are read that `wanted` of them are probably
/// listed.
pub(crate) async fn worklist<E: Engine>(
    app: &App<E>,
    WorklistView { part, order }: WorklistView,
    wanted: usize,
) -> Result<Worklist, Problem> {
    let at = app.now();
    let read_max = match (part, order) {
        // Some of those that are read may be snoozed or recovered.
        (WorklistPart::Listed, WorklistOrder::Risk) => {
            wanted.saturating_mul(2).clamp(WORKLIST_READ_MAX, SEARCH_READ_MAX)
        }
        // Whoever is snoozed, or has the most at stake, may be far down.
        (WorklistPart::Snoozed, _) | (_, WorklistOrder::Value) => SEARCH_READ_MAX,
    };
    let (mut items, mut snoozed, mut read, mut after) = (Vec::new(), 0, 0, None);
    let page_max = PAGE_MAX.min(read_max);
    let mut complete = true;
    loop {
        let page = app.engine.store().open_entities(after.as_ref(), page_max, at).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        read += page.len();
        let is_last = page.len() < page_max || read >= read_max;
        complete = page.len() < page_max;
        for row in &page {
            let is_snoozed = row.state_at(at) == EntityState::Snoozed;
            snoozed += usize::from(is_snoozed);
            let is_wanted = match part {
                WorklistPart::Listed => row.is_listed(at),
                WorklistPart::Snoozed => is_snoozed,
            };
            let value = if order == WorklistOrder::Value { row.value_order(at) } else { 0.0 };
            items.extend(row.item(at).filter(|_| is_wanted).map(|item| (value, item)));
        }
        if is_last {
            break;
        }
    }
    items.sort_by(|(one_value, one), (other_value, other)| {
        let by_value = other_value.total_cmp(one_value);
        let by_risk = other.risk_score.get().total_cmp(&one.risk_score.get());
        by_value.then(by_risk).then_with(|| other.alert_timestamp.cmp(&one.alert_timestamp))
    });
    let items: Vec<WorklistItem> = items.into_iter().map(|(_, item)| item).collect();
    Ok(Worklist { total: items.len(), items, waiting: 0, done_today: None, complete, snoozed, at })
}

/// Get one entity with its timeline.
#[utoipa::path(
    get,
    path = "/v1/entities/{entity_id}",
    tag = "entities",
    params(("entity_id" = String, Path, description = "The entity's id")),
    responses(
        (status = 200, description = "The entity", body = EntityReport),
        (status = "4XX", description = "There is no such entity", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one<E: Engine>(
    State(app): State<App<E>>,
    PathId(entity_id): PathId,
) -> Result<Json<EntityReport>, Problem> {
    report(&app, &entity_id).await.map(Json)
}

/// The receipt of a deletion. It does not name the entity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForgetReceipt {
    /// A random id.
    receipt: String,
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    forgotten_at: Timestamp,
    /// How many insights, claims, pieces of feedback, parked events and other items were deleted.
    #[schema(value_type = Object)]
    deleted: ForgetCounts,
}

/// Delete everything about one entity, for good.
///
/// Alerts of an earlier time are not accepted again. Only a hash of the entity remains, for 90 days.
#[utoipa::path(
    delete,
    path = "/v1/entities/{entity_id}",
    tag = "entities",
    params(("entity_id" = String, Path, description = "The entity's id")),
    responses(
        (status = 200, description = "It is deleted", body = ForgetReceipt),
        (status = "4XX", description = "Nothing was stored about it", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn forget<E: Engine>(
    State(app): State<App<E>>,
    PathId(entity_id): PathId,
) -> Result<Json<ForgetReceipt>, Problem> {
    let deleted = app.engine.forget(&entity_id).await?.ok_or_else(Problem::read_only)?;
    if deleted == ForgetCounts::default() {
        return Err(Problem::not_found(
            "nothing was stored about an entity with this id",
            "write the id exactly as its alerts do",
        ));
    }
    Ok(Json(ForgetReceipt { receipt: random_name(app.engine.clock()), forgotten_at: app.now(), deleted }))
}

/// What is known about the entity with this id.
pub(crate) async fn report<E: Engine>(app: &App<E>, entity_id: &str) -> Result<EntityReport, Problem> {
    let query = InsightQuery {
        entity_id: Some(entity_id.to_owned()),
        limit: TIMELINE_INSIGHTS,
        ..InsightQuery::default()
    };
    let insights = app.engine.store().insights(&query, app.now()).await?.insights;
    let entity = row(app, entity_id).await?;
    if entity.is_none() && insights.is_empty() {
        return Err(Problem::not_found(
            "there is no entity with this id",
            "insights are stored for 90 days; /v1/worklist lists the open entities",
        ));
    }
    let ids: Vec<String> = insights.iter().map(|insight| insight.alert_id().to_owned()).collect();
    let feedback = app.engine.store().feedback(&ids, app.now()).await?;
    Ok(EntityReport { entity, insights, feedback })
}

/// The row of the entity with this id, whatever its type.
async fn row<E: Engine>(app: &App<E>, entity_id: &str) -> Result<Option<EntityRow>, Problem> {
    let types: BTreeSet<&str> = app.engine.types().iter().map(AlertType::entity).collect();
    for entity_type in types {
        let key = EntityKey::new(entity_type, entity_id);
        if let Some(row) = app.engine.store().entity(&key, app.now()).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// The row of an entity. One that an earlier version of the program did not write is written now.
pub(crate) async fn row_or_rebuilt<E: Engine>(
    app: &App<E>,
    key: &EntityKey,
) -> Result<Option<EntityRow>, Problem> {
    let (store, now) = (app.engine.store(), app.now());
    if let Some(row) = store.entity(key, now).await? {
        return Ok(Some(row));
    }
    let end = Timestamp::from_millis(i64::MAX);
    let Some(row) = entity_of_insights(store, app.engine.types(), key, end, now).await? else {
        return Ok(None);
    };
    store.write_entity(&row, now).await?;
    Ok(store.entity(key, now).await?)
}
