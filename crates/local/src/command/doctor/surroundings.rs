//! What the doctor says of the program's surroundings: its version, the settings and their origins, misspelt variables,
//! AWS's region and profile, and the folder of the store.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use portend_remote::Aws;

use super::{DoctorFinding, PartState};
use crate::config::{AwsProfile, Config, SettingOrigin, nearest};

/// AWS's regions. A region that is not listed may be new, so it is only a warning.
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

fn finding(part: impl Into<String>, state: PartState, says: impl Into<String>) -> DoctorFinding {
    DoctorFinding { part: part.into(), state, says: says.into() }
}

/// The version, the settings file, each value with its origin, and what looks like a setting and is not read.
pub(super) fn settings(config: &Config) -> Vec<DoctorFinding> {
    let mut findings = vec![
        finding("program", PartState::Ok, concat!("portend ", env!("CARGO_PKG_VERSION"))),
        finding("settings file", PartState::Ok, config.file_in_words()),
    ];
    let origin = |SettingOrigin { name, says }: &SettingOrigin| {
        finding(format!("setting {name}"), PartState::Ok, says.clone())
    };
    findings.extend(config.origins.iter().map(origin));
    let withheld = config.chain.withheld_key.clone();
    findings.extend(withheld.map(|says| finding("settings file", PartState::Warning, says)));
    let misspelt = |(name, meant): (String, &str)| {
        let says = format!("{name} is not a setting and is not read; did you mean {meant}?");
        finding("environment", PartState::Warning, says)
    };
    findings.extend(Config::misspelt_variables().into_iter().map(misspelt));
    findings
}

/// A region that does not exist, and a profile that is in no file.
pub(super) fn aws(config: &Config, aws: &Aws) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    if !config.uses_aws() {
        return findings;
    }
    if let Some(region) = aws.region().filter(|region| !REGIONS.contains(region)) {
        let meant = nearest(region, REGIONS.into_iter());
        let fix = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => "check AWS_REGION, unless the region is new".to_owned(),
        };
        findings.push(finding(
            "AWS region",
            PartState::Warning,
            format!("{region} is not a known region; {fix}"),
        ));
    }
    if let Some(AwsProfile { name, files, profiles }) = AwsProfile::missing() {
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let fix = match nearest(&name, profiles.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant}?"),
            None if profiles.is_empty() => "add it, or unset AWS_PROFILE".to_owned(),
            None => format!("the profiles are {}", profiles.join(", ")),
        };
        let says = format!("AWS_PROFILE is {name}, which is not a profile in {}; {fix}", files.join(" or "));
        findings.push(finding("AWS profile", PartState::Failed, says));
    }
    findings
}

/// Why a file cannot be created in its folder; `None` if it can.
pub(super) fn folder_problem(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let exists = folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let exists = exists.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let trial: PathBuf = exists.join(format!(".portend-doctor-{}", std::process::id()));
    let created = OpenOptions::new().write(true).create_new(true).open(&trial);
    let error: io::Error = match created.and_then(|_| fs::remove_file(&trial)) {
        Ok(()) => return None,
        Err(error) => error,
    };
    Some(format!(
        "{} does not exist yet, and nothing can be created in {} ({error}); give write access to it, or name another --store",
        file.display(),
        exists.display()
    ))
}
