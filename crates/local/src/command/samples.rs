//! Checks the samples of an alert type. Each is a folder `samples/NAME` with an `alert.json`, an optional `reply.txt`
//! (the text of a model's reply), and an `insight.json`, which must be the resulting insight.
//!
//! Never: reads the machine's clock. The time of the insight is two seconds after the alert, and random ids always have
//! the same values.

pub(crate) mod mapped;

use std::fs;
use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::limits::{ATTEMPT_TIMEOUT, EVENT_DEADLINE};
use portend_core::model::{
    Call, Completion, FinishReason, Model, ModelError, ModelSpec, SchemaForm, TokenUse,
};
use portend_core::pipeline::{Pipeline, Preview};
use portend_core::time::Timestamp;
use serde_json::Value;

/// From the alert's timestamp to the time of its insight.
const DELAY: Duration = Duration::from_secs(2);

/// Runs every sample of a type. Returns the number of samples, and a sentence for each fault. With `write`, an insight
/// that differs replaces the one in the file.
pub(crate) async fn check(types: &AlertTypes, folder: &Path, write: bool) -> Result<(usize, Vec<String>)> {
    let mut findings = Vec::new();
    let samples = samples(&folder.join("samples"))?;
    for sample in &samples {
        let insight = match preview(types, &sample.join("alert.json"), &sample.join("reply.txt")).await {
            Ok(insight) => insight,
            Err(error) => {
                findings.push(format!("{error:#}; correct the sample, which must be an alert of this type"));
                continue;
            }
        };
        if let Some(violations) = unusable_reply(&insight, &sample.join("reply.txt")) {
            findings.push(violations);
            continue;
        }
        let path = sample.join("insight.json");
        let (text, actual) =
            (serde_json::to_string_pretty(&insight)? + "\n", serde_json::to_value(&insight)?);
        let expected = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        if expected.as_ref() == Some(&actual) {
            continue;
        }
        if write {
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        } else {
            let differs = expected.as_ref().map_or_else(
                || "the file is missing or is not JSON".into(),
                |expected| difference(expected, &actual),
            );
            findings.push(format!(
                "{}: {differs}; fix the alert type, or write the new insight with --write-insights",
                path.display()
            ));
        }
    }
    Ok((samples.len(), findings))
}

/// Says why the sample's reply is not one that a model's answer can be read from. Without a reply, the scorecard judges.
fn unusable_reply(insight: &StoredInsight, reply: &Path) -> Option<String> {
    let fields = insight.current()?;
    if !reply.exists() || fields.grade.is_of_model() {
        return None;
    }
    let violations = fields.attempts.iter().find_map(|attempt| attempt.violations.as_deref());
    Some(format!(
        "{}: it is not a reply: {}; write the text that a model returned, or remove the file so that the scorecard judges",
        reply.display(),
        violations.unwrap_or("no answer was found in it")
    ))
}

fn samples(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut samples = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.is_dir() {
            samples.push(path);
        }
    }
    samples.sort();
    Ok(samples)
}

async fn preview(types: &AlertTypes, path: &Path, reply: &Path) -> Result<StoredInsight> {
    let event = fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    // Any time of receipt after the alert's timestamp is accepted.
    let late = Timestamp::parse("9000-01-01T00:00:00Z")?;
    let alert = portend_core::alert::Alert::read(&event, types, late);
    let at = alert.map_err(|refusal| anyhow!("{}: {refusal}", path.display()))?.timestamp();
    let models = SampleModel::read(reply)?.into_iter().collect();
    let pipeline =
        Pipeline::new(types.clone(), (), SampleClock::at(at.plus(DELAY))).with_models(models, true);
    let mut run = pipeline.run(pipeline.clock().now().plus(EVENT_DEADLINE));
    match run.preview(&pipeline.receive(&event)).await {
        Preview::Insight(insight) => Ok(insight),
        Preview::Refused(refusal) => Err(anyhow!("{}: {refusal}", path.display())),
        Preview::NoAnswer(stop) => Err(anyhow!("{}: {stop}", path.display())),
    }
}

/// A clock that always returns the same time, and does not wait. Its random numbers are the same in every run.
#[derive(Debug)]
struct SampleClock {
    now: Timestamp,
    random: AtomicU64,
}

impl SampleClock {
    fn at(now: Timestamp) -> Self {
        Self { now, random: AtomicU64::new(0) }
    }
}

impl Clock for SampleClock {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&self) -> u64 {
        // Multiples of the golden ratio's bits, so that ids differ in their first characters.
        self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst)
    }

    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// A model that always replies with the sample's reply.
#[derive(Debug)]
struct SampleModel {
    spec: ModelSpec,
    reply: String,
}

impl SampleModel {
    fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let reply = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = "sample".to_owned();
        let spec = ModelSpec {
            model_id: name.clone(),
            label: name.clone(),
            endpoint: name.clone(),
            name,
            schema: SchemaForm::PromptOnly,
            output_tokens_max: 1000,
            parameters: String::new(),
            price: None,
            timeout: ATTEMPT_TIMEOUT,
            concurrency: 1,
        };
        Ok(Some(Self { spec, reply }))
    }
}

impl Model for SampleModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, _: &Call<'_>) -> Result<Completion, ModelError> {
        let (text, finish) = (self.reply.clone(), FinishReason::End);
        Ok(Completion { text, finish, model_id: None, tokens: TokenUse::default() })
    }
}

/// The fields that differ, with the expected and the actual value.
fn difference(expected: &Value, actual: &Value) -> String {
    let (Some(expected), Some(actual)) = (expected.as_object(), actual.as_object()) else {
        return "the file is not a JSON object".into();
    };
    let keys = expected.keys().chain(actual.keys().filter(|key| !expected.contains_key(*key)));
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), ToString::to_string);
    let different = keys.filter(|key| expected.get(*key) != actual.get(*key));
    let sentences: Vec<_> = different
        .map(|key| {
            format!("expected {key} to be {}, got {}", shown(expected.get(key)), shown(actual.get(key)))
        })
        .collect();
    sentences.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_built_in_sample_produces_its_insight() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alert-types");
        let types = AlertTypes::built_in();
        for alert_type in types.iter() {
            let (samples, findings) = check(&types, &folder.join(alert_type.id()), false).await.unwrap();
            assert_eq!(findings, Vec::<String>::new());
            assert!(samples >= 3, "{} has {samples} samples", alert_type.id());
        }
    }

    #[tokio::test]
    async fn every_example_is_valid_and_each_of_its_mappings_has_a_sample() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let types = AlertTypes::from_folder(&folder).unwrap_or_else(|error| panic!("{error}"));
        for alert_type in types.iter() {
            let folder = folder.join(alert_type.id());
            let (samples, findings) = check(&types, &folder, false).await.unwrap();
            assert!(samples > 0 && findings.is_empty(), "{}: {findings:#?}", alert_type.id());
            let (samples, findings) = mapped::check(&types, alert_type.id(), &folder, false).unwrap();
            assert!(samples > 0 && findings.is_empty(), "{}: {findings:#?}", alert_type.id());
        }
    }
}
