//! Reads a folder of alert types, or of one type.

use std::path::Path;

use anyhow::Result;
use portend_core::alert_type::{AlertTypes, FolderError};

use crate::show::output::WrongUsage;

/// Whether the folder is that of one type.
pub(crate) fn is_one_type(folder: &Path) -> bool {
    folder.join("alert.toml").is_file()
}

/// Reads the alert types of a folder.
pub(crate) fn read(folder: &Path) -> Result<AlertTypes, FolderError> {
    if is_one_type(folder) { AlertTypes::from_type_folder(folder) } else { AlertTypes::from_folder(folder) }
}

/// The alert types of a folder that a command names. A folder that cannot be used is wrong usage.
pub(crate) fn types_in(folder: &Path) -> Result<AlertTypes> {
    Ok(read(folder).map_err(|error| WrongUsage::from(anyhow::Error::from(error)))?)
}
