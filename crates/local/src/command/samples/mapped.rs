//! Checks the samples of an alert type's mappings: `from/SOURCE/NAME.json` is a payload as the other system sends it, and
//! `from/SOURCE/NAME.alerts.json` has the alerts that must come out of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use portend_core::alert::Alert;
use portend_core::alert_type::{AlertType, AlertTypes, Mapping};
use portend_core::time::Timestamp;
use serde_json::{Value, json};

/// The end of the name of a file with alerts.
const ALERTS: &str = ".alerts.json";

/// Runs every sample of a type's mappings. Returns the number of samples, and a sentence for each fault. With `write`,
/// the alerts that differ are written.
pub(crate) fn check(
    types: &AlertTypes,
    id: &str,
    folder: &Path,
    write: bool,
) -> Result<(usize, Vec<String>)> {
    let (mut count, mut findings) = (0, Vec::new());
    let mappings = types.get(id).map(AlertType::mappings).unwrap_or_default();
    for source in mappings.iter().map(Mapping::source) {
        let payloads = payloads(&folder.join("from").join(source))?;
        if payloads.is_empty() {
            let folder = folder.join("from").join(source);
            findings.push(format!(
                "{}: the mapping has no sample; add a payload as the system sends it, such as {}",
                folder.with_extension("toml").display(),
                folder.join("NAME.json").display()
            ));
        }
        for payload in payloads {
            count += 1;
            findings.extend(check_payload(types, id, source, &payload, write)?);
        }
    }
    Ok((count, findings))
}

fn check_payload(
    types: &AlertTypes,
    id: &str,
    source: &str,
    payload: &Path,
    write: bool,
) -> Result<Option<String>> {
    let actual = match alerts(types, id, source, payload) {
        Ok(alerts) => Value::from(alerts),
        Err(error) => {
            return Ok(Some(format!(
                "{error:#}; correct the mapping, or the sample, which must be of this source"
            )));
        }
    };
    let path = PathBuf::from(format!("{}{ALERTS}", payload.with_extension("").display()));
    let expected: Option<Value> =
        fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    if expected.as_ref() == Some(&actual) {
        return Ok(None);
    }
    if write {
        let text = serde_json::to_string_pretty(&actual)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(None);
    }
    Ok(Some(format!(
        "{}: the alerts of {} differ, they are {actual}; fix the mapping, or write the new alerts with --write-insights",
        path.display(),
        payload.display(),
    )))
}

/// The alerts in a payload, as bare details.
pub(crate) fn alerts(types: &AlertTypes, id: &str, source: &str, path: &Path) -> Result<Vec<Value>> {
    let payload = fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let refused = |refusal| anyhow!("{}: {refusal}", path.display());
    let events = types.map(source, &payload).map_err(refused)?;
    // Any time of receipt after the alert's timestamp is accepted.
    let late = Timestamp::parse("9000-01-01T00:00:00Z")?;
    let one = |event: &Vec<u8>| {
        let alert = Alert::read(event, types, late).map_err(refused)?;
        let alert_type = alert.alert_type();
        if alert_type.id() != id {
            return Err(anyhow!("{}: the payload becomes an alert of {}", path.display(), alert_type.id()));
        }
        Ok(json!({
            "alert_type": alert_type.id(),
            "entity_type": alert_type.entity(),
            "entity_id": alert.entity_id(),
            "severity": alert.severity(),
            "timestamp": alert.timestamp(),
            "message": alert.message(),
            "details": alert.facts(),
        }))
    };
    events.iter().map(one).collect()
}

/// The payloads in a folder, sorted. A mapping without samples has no folder.
fn payloads(folder: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut payloads = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        if is_json && !name.ends_with(ALERTS) {
            payloads.push(path);
        }
    }
    payloads.sort();
    Ok(payloads)
}
