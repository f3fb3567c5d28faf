//! The samples of an alert type: alerts, and the insights that must come of them.
//!
//! Takes: a type's folder: `samples/NAME/alert.json`, perhaps `reply.txt`, a model's reply as received, and
//! `insight.json`.
//! Gives: what differs, in sentences.
//! Never: reads the machine's clock: a sample's insight is made two seconds after its alert, and its random names
//! follow from nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::{Clock, StoppedClock};
use portend_core::insight::StoredInsight;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::model::{Call, Completion, Model, ModelError, ModelSpec, Stop};
use portend_core::pipeline::{Account, Pipeline};
use portend_core::store::MemoryStore;
use portend_core::time::Timestamp;
use serde_json::Value;

/// From the alert's timestamp to the making of its insight.
const DELAY: Duration = Duration::from_secs(2);

/// Runs every sample of a type. Gives how many there are, and what is wrong with them, a sentence each; with `write`,
/// an insight that differs is written in place of the file's.
pub(crate) async fn check(types: &AlertTypes, folder: &Path, write: bool) -> Result<(usize, Vec<String>)> {
    let mut findings = Vec::new();
    let samples = samples(&folder.join("samples"))?;
    for sample in &samples {
        let insight = match made(types, &sample.join("alert.json"), &sample.join("reply.txt")).await {
            Ok(insight) => insight,
            Err(error) => {
                findings.push(format!("{error:#}; give a sample that is an alert of this type"));
                continue;
            }
        };
        let path = sample.join("insight.json");
        let (text, came) = (serde_json::to_string_pretty(&insight)? + "\n", serde_json::to_value(&insight)?);
        let expected = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        if expected.as_ref() == Some(&came) {
            continue;
        }
        if write {
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        } else {
            let differs = expected
                .as_ref()
                .map_or_else(|| "it is missing, or no JSON".into(), |expected| difference(expected, &came));
            findings.push(format!(
                "{}: {differs}; mend the alert type, or write what comes out with --write-insights",
                path.display()
            ));
        }
    }
    Ok((samples.len(), findings))
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

async fn made(types: &AlertTypes, path: &Path, reply: &Path) -> Result<StoredInsight> {
    let event = fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    // The alert's own time is known only when it has been read; any later clock reads it.
    let late = Timestamp::parse("9000-01-01T00:00:00Z")?;
    let alert = portend_core::alert::Alert::read(&event, types, late);
    let at = alert.map_err(|refusal| anyhow!("{}: {refusal}", path.display()))?.timestamp();
    let clock = StoppedClock::at(at.plus(DELAY));
    let models = SampleModel::read(reply)?.into_iter().collect();
    let pipeline = Pipeline::new(types.clone(), MemoryStore::new(), &clock).with_models(models, true);
    let (received, deadline) = (pipeline.receive(&event), clock.now().plus(EVENT_DEADLINE));
    let outcome = pipeline.process(&received, deadline, &mut Account::default()).await;
    outcome.insight().cloned().with_context(|| format!("{}: no insight came of it", path.display()))
}

/// A model that always gives the sample's reply.
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
            takes_schema: false,
            output_tokens_max: 1000,
            price: None,
        };
        Ok(Some(Self { spec, reply }))
    }
}

impl Model for SampleModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    async fn ask(&self, _: &Call<'_>) -> Result<Completion, ModelError> {
        let (text, stop) = (self.reply.clone(), Stop::End);
        Ok(Completion { text, stop, model_id: None, input_tokens: None, output_tokens: None })
    }
}

/// The fields that differ, with what was expected and what came.
fn difference(expected: &Value, came: &Value) -> String {
    let (Some(expected), Some(came)) = (expected.as_object(), came.as_object()) else {
        return "it is no JSON object".into();
    };
    let keys = expected.keys().chain(came.keys().filter(|key| !expected.contains_key(*key)));
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), ToString::to_string);
    let different = keys.filter(|key| expected.get(*key) != came.get(*key));
    let sentences: Vec<_> = different
        .map(|key| format!("{key} is {} and {} came", shown(expected.get(key)), shown(came.get(key))))
        .collect();
    sentences.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_built_in_sample_gives_its_insight() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alert-types");
        let types = AlertTypes::built_in();
        for alert_type in types.iter() {
            let (samples, findings) = check(&types, &folder.join(alert_type.id()), false).await.unwrap();
            assert_eq!(findings, Vec::<String>::new());
            assert!(samples >= 3, "{} has {samples} samples", alert_type.id());
        }
    }
}
