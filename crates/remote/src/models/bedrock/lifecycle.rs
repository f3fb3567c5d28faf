//! What Bedrock says of a model's life: whether it is legacy, and when it ends.
//!
//! Never: says anything where Bedrock does not, such as of a model of the account's own.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::request;
use crate::aws::Caller;
use crate::limits::{BODY_BYTES_MAX, SECRET_TIMEOUT};
use crate::network::Bounds;
use crate::response::Response;

/// What Bedrock says of a model's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLifecycle {
    /// Whether the model is legacy: it works, and will be shut down.
    pub is_legacy: bool,
    /// The day on which it is shut down, if Bedrock says it.
    pub end_of_life: Option<Date>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundationModel {
    model_details: ModelDetails,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelDetails {
    model_lifecycle: WrittenLifecycle,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLifecycle {
    status: String,
    end_of_life_time: Option<WrittenTime>,
}

/// A time as AWS writes it: in seconds, or as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WrittenTime {
    Seconds(f64),
    Text(String),
}

impl WrittenTime {
    fn day(&self) -> Option<Date> {
        let time = match self {
            Self::Seconds(seconds) => jiff::Timestamp::from_second(seconds_of(*seconds)?).ok()?,
            Self::Text(text) => text.parse().ok()?,
        };
        Some(time.to_zoned(TimeZone::UTC).date())
    }
}

/// The seconds as a whole number. `None` if no time is so far away.
fn seconds_of(seconds: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (seconds.abs() < 1e12).then_some(seconds as i64)
}

/// Asks Bedrock about the foundation model with this id. `None` without an answer.
pub(super) async fn of_model(caller: &Caller, id: &str) -> Option<ModelLifecycle> {
    let bounds = Bounds { time: Some(SECRET_TIMEOUT), bytes: BODY_BYTES_MAX };
    let path = request::escaped("/foundation-models/", id);
    read(&caller.get(&path, bounds).await.ok()?)
}

fn read(response: &Response) -> Option<ModelLifecycle> {
    let model: FoundationModel = response.is_success().then(|| response.read().ok())??;
    let lifecycle = model.model_details.model_lifecycle;
    Some(ModelLifecycle {
        is_legacy: lifecycle.status == "LEGACY",
        end_of_life: lifecycle.end_of_life_time.as_ref().and_then(WrittenTime::day),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_model_is_read_from_every_form_of_time() {
        for (lifecycle, expected) in [
            (r#"{"status":"ACTIVE"}"#, Some((false, None))),
            (r#"{"status":"LEGACY","endOfLifeTime":1798675200}"#, Some((true, Some("2026-12-31")))),
            (r#"{"status":"LEGACY","endOfLifeTime":1798675200.5}"#, Some((true, Some("2026-12-31")))),
            (
                r#"{"status":"LEGACY","endOfLifeTime":"2026-12-31T00:00:00Z"}"#,
                Some((true, Some("2026-12-31"))),
            ),
            (r#"{"status":"LEGACY","endOfLifeTime":"soon"}"#, Some((true, None))),
            (r#"{"status":"LEGACY","endOfLifeTime":1e300}"#, Some((true, None))),
            (r#"{"state":"ACTIVE"}"#, None),
        ] {
            let body = format!(r#"{{"modelDetails":{{"modelId":"a","modelLifecycle":{lifecycle}}}}}"#);
            let model = serde_json::from_str::<FoundationModel>(&body).ok();
            let found = model.map(|model| {
                let lifecycle = model.model_details.model_lifecycle;
                let day = lifecycle.end_of_life_time.as_ref().and_then(WrittenTime::day);
                (lifecycle.status == "LEGACY", day.map(|day| day.to_string()))
            });
            let expected =
                expected.map(|(legacy, day): (bool, Option<&str>)| (legacy, day.map(str::to_owned)));
            assert_eq!(found, expected, "{lifecycle}");
        }
    }
}
