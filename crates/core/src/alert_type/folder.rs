//! Reads a folder of alert types: one subfolder for each type, with an `alert.toml`.
//!
//! Never: skips an invalid type, because its alerts would be parked as unknown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{AlertType, AlertTypes, LintFinding, Mapping};
use crate::help::Help;
use crate::limits::ALERT_TYPE_BYTES_MAX;

/// Why a folder of alert types cannot be used. Its author is at fault, or the path is wrong.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder cannot be listed.
    #[error("cannot read the folder of alert types {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An `alert.toml` cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder has no subfolder.
    #[error("the folder {} has no alert types", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The lint has findings.
    #[error("{}", lines(.0))]
    Lint(Vec<LintFinding>),
}

impl Help for FolderError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Folder { .. } => "name the folder that has one subfolder per alert type",
            Self::File { .. } => "each subfolder needs an alert.toml, in UTF-8 and at most 256 KiB",
            Self::Empty { .. } => "add a subfolder with an alert.toml for each alert type",
            // Each finding says how to fix it.
            Self::Lint(_) => return None,
        };
        Some(help.to_owned())
    }
}

fn lines(findings: &[LintFinding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl AlertTypes {
    /// Reads every subfolder of `folder`, except hidden ones.
    pub fn from_folder(folder: &Path) -> Result<Self, FolderError> {
        let mut types = Vec::new();
        let mut findings = Vec::new();
        let not_listed = |source| FolderError::Folder { path: folder.into(), source };
        for path in subfolders(folder).map_err(not_listed)? {
            match read_type(&path)? {
                Ok(alert_type) => types.push(alert_type),
                Err(found) => findings.extend(found),
            }
        }
        if !findings.is_empty() {
            return Err(FolderError::Lint(findings));
        }
        if types.is_empty() {
            return Err(FolderError::Empty { path: folder.into() });
        }
        Ok(Self::from_list(types))
    }

    /// Reads the folder of one alert type.
    pub fn from_type_folder(folder: &Path) -> Result<Self, FolderError> {
        // `.` has no file name, but its full path has one.
        let full =
            folder.canonicalize().map_err(|source| FolderError::Folder { path: folder.into(), source })?;
        let alert_type = read_type(&full)?.map_err(FolderError::Lint)?;
        Ok(Self::from_list([alert_type]))
    }
}

fn read_type(folder: &Path) -> Result<Result<AlertType, Vec<LintFinding>>, FolderError> {
    let file = folder.join("alert.toml");
    let text = read_bounded(&file).map_err(|source| FolderError::File { path: file.clone(), source })?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut alert_type = match AlertType::read(&file.display().to_string(), &name, &text) {
        Ok(alert_type) => alert_type,
        Err(found) => return Ok(Err(found)),
    };
    let (mut mappings, mut findings) = (Vec::new(), Vec::new());
    for path in mapping_files(&folder.join("from"))? {
        let text = read_bounded(&path).map_err(|source| FolderError::File { path: path.clone(), source })?;
        let source = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match Mapping::read(&path.display().to_string(), &source, &text, &alert_type) {
            Ok(mapping) => mappings.push(mapping),
            Err(found) => findings.extend(found),
        }
    }
    alert_type.mappings = mappings;
    Ok(if findings.is_empty() { Ok(alert_type) } else { Err(findings) })
}

/// The mappings of a type, sorted by their sources. Most types have none.
fn mapping_files(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let not_listed = |source| FolderError::Folder { path: folder.into(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(not_listed)? {
        let path = entry.map_err(not_listed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn subfolders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read_bounded(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > ALERT_TYPE_BYTES_MAX as u64 {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 256 KiB"));
    }
    fs::read_to_string(file)
}
