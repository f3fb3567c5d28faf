//! The channels of `[notify.NAME]`, and who may name them.
//!
//! Never: lets a settings file that is only found in the current folder, which may come from anybody, choose who receives
//! insights.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};
use portend_remote::{ChannelSettings, WrittenChannel};

use super::keys::shown_path;

/// The settings of the channels. `folder` is the settings file's.
pub(super) fn channels(
    written: BTreeMap<String, WrittenChannel>,
    folder: &Path,
) -> Result<Vec<ChannelSettings>> {
    let read = |file: &str| {
        let path = folder.join(file);
        fs::read_to_string(&path).map_err(|error| {
            format!("cannot read {} ({error}); name a file that you may read", path.display())
        })
    };
    let channels = written.into_iter().map(|(name, channel)| channel.settings(name, read));
    channels.collect::<Result<_, _>>().map_err(anyhow::Error::from)
}

/// Why the channels of a found file may not be used; `None` if they may be used.
pub(super) fn refusal(found: &Path, channels: &[ChannelSettings]) -> Option<anyhow::Error> {
    let first = channels.first()?;
    Some(anyhow!(
        "{} would send insights to notify.{}, which a settings file that nobody has named may not do; if you trust that file, use --config {}, or move [notify.{}] to your own settings file",
        shown_path(found),
        first.name,
        found.display(),
        first.name
    ))
}
