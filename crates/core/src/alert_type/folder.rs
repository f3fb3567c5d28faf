//! A folder of alert types: one sub-folder each, with an `alert.toml`.
//!
//! Takes: the folder's path.
//! Gives: all of its types, or everything that is wrong with any of them.
//! Never: leaves out a broken type; its alerts would be parked as unknown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{AlertType, AlertTypes, Finding};
use crate::help::Help;
use crate::limits::ALERT_TYPE_BYTES_MAX;

/// Why a folder cannot be used. The folder's author is at fault, or the path is wrong.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be listed.
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
    /// It holds no sub-folder.
    #[error("there is no alert type in {}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The lint refuses some of it.
    #[error("{}", lines(.0))]
    Lint(Vec<Finding>),
}

impl Help for FolderError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Folder { .. } => "give the folder that holds one sub-folder per alert type",
            Self::File { .. } => "each sub-folder needs an alert.toml in UTF-8 of at most 256 KiB",
            Self::Empty { .. } => "make a sub-folder for each, with an alert.toml",
            // Each finding says how it is fixed.
            Self::Lint(_) => return None,
        };
        Some(help.to_owned())
    }
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl AlertTypes {
    /// Reads every sub-folder of `folder` but hidden ones.
    pub fn from_folder(folder: &Path) -> Result<Self, FolderError> {
        let mut types = Vec::new();
        let mut findings = Vec::new();
        let not_listed = |source| FolderError::Folder { path: folder.into(), source };
        for path in sub_folders(folder).map_err(not_listed)? {
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

    /// Reads one type's own folder.
    pub fn from_type_folder(folder: &Path) -> Result<Self, FolderError> {
        // `.` has no name of its own; its full path has.
        let full =
            folder.canonicalize().map_err(|source| FolderError::Folder { path: folder.into(), source })?;
        let alert_type = read_type(&full)?.map_err(FolderError::Lint)?;
        Ok(Self::from_list([alert_type]))
    }
}

fn read_type(folder: &Path) -> Result<Result<AlertType, Vec<Finding>>, FolderError> {
    let file = folder.join("alert.toml");
    let text = read_bounded(&file).map_err(|source| FolderError::File { path: file.clone(), source })?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(AlertType::read(&file.display().to_string(), &name, &text))
}

fn sub_folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
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
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is over 256 KiB"));
    }
    fs::read_to_string(file)
}
