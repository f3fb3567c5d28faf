//! `GET /v1/insights` and `GET /v1/insights/{alert_id}`.

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use portend_core::entity::{EntityKey, EntityState};
use portend_core::insight::{Grade, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::store::{Cursor, Entities, InsightQuery, Queries};
use portend_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::engine::{Engine, MissingProbability};
use crate::evaluation::missing_probability;
use crate::limits::FILTER_READ_MAX;
use crate::problem::Problem;
use crate::request::{Params, PathId, cursor_text};

/// The states by which insights can be filtered.
const STATES: [EntityState; 6] = [
    EntityState::New,
    EntityState::Seen,
    EntityState::Assigned,
    EntityState::Snoozed,
    EntityState::Done,
    EntityState::Recovered,
];

/// One page of insights.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InsightList {
    /// The insights, each as `GET /v1/insights/{alert_id}` returns it, without `calibration_missing`.
    #[schema(value_type = Vec<Object>)]
    pub(crate) insights: Vec<StoredInsight>,
    /// Where the next page starts; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    /// With `sort=risk`: how many of the newest insights were sorted, if there are more than that. An older one with a
    /// higher risk is then missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sorted_newest: Option<usize>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ListOrder {
    /// Newest first.
    #[default]
    Newest,
    /// Highest risk first; of the same risk, newest first.
    Risk,
}

/// The filters that are checked here, because the store does not know them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct InsightFilter {
    until: Option<Timestamp>,
    grade: Option<Grade>,
    /// Of the insight's entity, now.
    state: Option<EntityState>,
}

impl InsightFilter {
    fn passes(&self, insight: &StoredInsight) -> bool {
        self.until.is_none_or(|until| insight.timestamp() <= until)
            && self.grade.is_none_or(|grade| insight.current().is_some_and(|fields| fields.grade == grade))
    }
}

/// A filter at work on the pages of one request.
#[derive(Debug)]
struct Matcher<'a, E> {
    app: &'a App<E>,
    filter: InsightFilter,
    /// The states of the entities that were read, so that each is read once.
    states: HashMap<EntityKey, EntityState>,
    /// Insights that were read.
    read: usize,
}

impl<'a, E: Engine> Matcher<'a, E> {
    fn new(app: &'a App<E>, filter: InsightFilter) -> Self {
        Self { app, filter, states: HashMap::new(), read: 0 }
    }

    /// Those of these insights that pass the filter, in their order.
    async fn matches(&mut self, insights: Vec<StoredInsight>) -> Result<Vec<StoredInsight>, Problem> {
        self.read += insights.len();
        let mut found = Vec::new();
        for insight in insights {
            if !self.filter.passes(&insight) {
                continue;
            }
            if self.filter.state.is_none() || self.state_of(&insight).await? == self.filter.state {
                found.push(insight);
            }
        }
        Ok(found)
    }

    /// The state of the insight's entity. An insight of the original handler has none.
    async fn state_of(&mut self, insight: &StoredInsight) -> Result<Option<EntityState>, Problem> {
        let Some(key) = insight.entity_key() else { return Ok(None) };
        if let Some(state) = self.states.get(&key) {
            return Ok(Some(*state));
        }
        let now = self.app.now();
        let row = self.app.engine.store().entity(&key, now).await?;
        // An entity without a row is of an earlier version of the program, so nobody has reacted to it.
        let state = row.as_ref().map_or(EntityState::New, |row| row.state_at(now));
        self.states.insert(key, state);
        Ok(Some(state))
    }

    /// Whether no more may be read for this request.
    fn is_at_limit(&self) -> bool {
        self.read >= FILTER_READ_MAX
    }
}

/// List insights.
#[utoipa::path(
    get,
    path = "/v1/insights",
    tag = "insights",
    params(
        ("entity" = Option<String>, Query, description = "Of this entity"),
        ("type" = Option<String>, Query, description = "Of this alert type"),
        ("min_risk" = Option<f64>, Query, minimum = 0, maximum = 100, description = "With this risk score or a higher one"),
        ("since" = Option<String>, Query, format = DateTime, description = "Made at this time or later"),
        ("until" = Option<String>, Query, format = DateTime, description = "Made at this time or earlier"),
        ("grade" = Option<String>, Query, description = "`model`, `doubted` or `scorecard`"),
        ("state" = Option<String>, Query, description = "Whose entity is now `new`, `seen`, `assigned`, `snoozed`, `done` or `recovered`"),
        ("sort" = Option<String>, Query, description = "`newest` or `risk`; by risk, the matches among the newest 10,000 are sorted, and `sorted_newest` says so if there are more"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Insights on a page at most, 50 by default; a page reads at most 10,000 insights, so a filter that few of them pass may make it shorter"),
        ("cursor" = Option<String>, Query, description = "The `cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = InsightList),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list<E: Engine>(
    State(app): State<App<E>>,
    params: Params,
) -> Result<Json<InsightList>, Problem> {
    let params = params.only(&[
        "entity", "type", "min_risk", "since", "until", "grade", "state", "sort", "limit", "cursor",
    ])?;
    let orders = [("newest", ListOrder::Newest), ("risk", ListOrder::Risk)];
    let order = params.one_of("sort", &orders)?.unwrap_or_default();
    let query = InsightQuery {
        entity_id: params.get("entity").map(str::to_owned),
        alert_type: params.get("type").map(str::to_owned),
        risk_min: params.risk("min_risk")?,
        since: params.time("since")?,
        after: params.cursor()?,
        limit: params.limit()?,
        disagree: false,
    };
    let filter = InsightFilter {
        until: params.time("until")?,
        grade: params.one_of(
            "grade",
            &[("model", Grade::Model), ("doubted", Grade::Doubted), ("scorecard", Grade::Scorecard)],
        )?,
        state: params.one_of("state", &STATES.map(|state| (state.code(), state)))?,
    };
    page(&app, query, filter, order).await.map(Json)
}

/// A page in this order.
pub(crate) async fn page<E: Engine>(
    app: &App<E>,
    query: InsightQuery,
    filter: InsightFilter,
    order: ListOrder,
) -> Result<InsightList, Problem> {
    match order {
        ListOrder::Newest => newest(app, query, filter).await,
        ListOrder::Risk => riskiest(app, query, filter).await,
    }
}

/// Reads on until the page is full: a filter may leave little of a store's page.
async fn newest<E: Engine>(
    app: &App<E>,
    mut query: InsightQuery,
    filter: InsightFilter,
) -> Result<InsightList, Problem> {
    let limit = query.limit;
    // Nothing made later is read, where the order is that of the making.
    if let (Some(until), None, None) = (filter.until, &query.after, &query.entity_id) {
        query.after = Some(Cursor { time: Timestamp::from_millis(until.as_millis() + 1), id: String::new() });
    }
    let mut insights = Vec::new();
    let mut matcher = Matcher::new(app, filter);
    loop {
        let page = app.engine.store().insights(&query, app.now()).await?;
        insights.extend(matcher.matches(page.insights).await?);
        if insights.len() > limit || page.next.is_none() {
            break;
        }
        if insights.len() == limit || matcher.is_at_limit() {
            // Whether anything follows is not known; an empty last page is allowed.
            let cursor = page.next.as_ref().map(cursor_text);
            return Ok(InsightList { insights, cursor, sorted_newest: None });
        }
        query.after = page.next;
    }
    let has_more = insights.len() > limit;
    insights.truncate(limit);
    let last = insights.last().filter(|_| has_more);
    let cursor = last.map(|last| cursor_text(&query.place(last)));
    Ok(InsightList { insights, cursor, sorted_newest: None })
}

/// Sorts the matches among the newest insights. The cursor is the place of the last insight, with its score before its id.
async fn riskiest<E: Engine>(
    app: &App<E>,
    mut query: InsightQuery,
    filter: InsightFilter,
) -> Result<InsightList, Problem> {
    let limit = query.limit;
    let after = query.after.take();
    query.limit = PAGE_MAX;
    let mut found = Vec::new();
    let mut matcher = Matcher::new(app, filter);
    loop {
        let page = app.engine.store().insights(&query, app.now()).await?;
        found.extend(matcher.matches(page.insights).await?);
        query.after = page.next;
        if query.after.is_none() || matcher.is_at_limit() {
            break;
        }
    }
    let sorted_newest = query.after.is_some().then_some(matcher.read);
    let rank = |insight: &StoredInsight| {
        // To the thousandth of a point, so that it fits into the text of a cursor.
        let score = (insight.risk_score().get() * 1000.0).round();
        (format!("{score:06}"), insight.timestamp(), insight.alert_id().to_owned())
    };
    found.sort_by_cached_key(|insight| Reverse(rank(insight)));
    if let Some(after) = after {
        let (score, id) = after.id.split_once('|').unwrap_or_default();
        let after = (score.to_owned(), after.time, id.to_owned());
        found.retain(|insight| rank(insight) < after);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let cursor = found.last().filter(|_| has_more).map(|last| {
        let (score, time, id) = rank(last);
        cursor_text(&Cursor { time, id: format!("{score}|{id}") })
    });
    Ok(InsightList { insights: found, cursor, sorted_newest })
}

/// One insight, and what it lacks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InsightReport {
    /// The insight: schema 1.
    #[schema(value_type = Object)]
    #[serde(flatten)]
    insight: StoredInsight,
    /// Why it has no `calibrated`. Absent if it has one, or if the evaluation of the scores takes too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_missing: Option<MissingProbability>,
}

/// Get one insight with its evidence.
#[utoipa::path(
    get,
    path = "/v1/insights/{alert_id}",
    tag = "insights",
    params(("alert_id" = String, Path, description = "The insight's id")),
    responses(
        (status = 200, description = "The insight: schema 1", body = InsightReport),
        (status = "4XX", description = "There is no such insight", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one<E: Engine>(
    State(app): State<App<E>>,
    PathId(alert_id): PathId,
) -> Result<Json<InsightReport>, Problem> {
    let insight = find(&app, &alert_id).await?;
    let calibration_missing = missing_probability(&app, &insight).await;
    Ok(Json(InsightReport { insight, calibration_missing }))
}

/// The insight with this id.
pub(crate) async fn find<E: Engine>(app: &App<E>, alert_id: &str) -> Result<StoredInsight, Problem> {
    app.engine.store().find(alert_id, app.now()).await?.ok_or_else(|| {
        Problem::not_found(
            "there is no insight with this id",
            "insights are stored for 90 days; /v1/insights lists them",
        )
    })
}
