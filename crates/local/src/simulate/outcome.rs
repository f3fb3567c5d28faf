//! What became of an entity: the truth that an insight about it can be held against.
//!
//! Takes: a student's leaving or a subject's shortage, if there was one.
//! Gives: one line of JSON per entity.
//! Never: says how dissatisfied a student was, or what demand and supply really were. Those are for the
//! simulator alone; a score made with them would prove nothing.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::entity::Entity;
use super::moment::{Form, Moment};

/// One entity's outcome. Moments are RFC 3339 in UTC, to the second.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    entity_id: String,
    entity_type: &'static str,
    #[serde(flatten)]
    what: What,
    followed_until: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum What {
    Student { left_at: Option<String> },
    Subject { short_from: Option<String> },
}

impl Outcome {
    /// A student, who left at a moment or stayed until `followed_until`.
    pub(super) fn student(entity: Entity, left_at: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, What::Student { left_at: left_at.map(text) }, followed_until)
    }

    /// A subject, whose demand could not be met from a moment on, or always could until `followed_until`.
    pub(super) fn subject(entity: Entity, short_from: Option<Moment>, followed_until: Moment) -> Self {
        Self::new(entity, What::Subject { short_from: short_from.map(text) }, followed_until)
    }

    fn new(entity: Entity, what: What, followed_until: Moment) -> Self {
        Self {
            entity_id: entity.to_string(),
            entity_type: entity.kind(),
            what,
            followed_until: text(followed_until),
        }
    }
}

fn text(moment: Moment) -> String {
    moment.written(Form::Seconds).to_string()
}

/// The file of outcomes. It is made before anything is simulated, so that a wrong path costs no waiting.
#[derive(Debug)]
pub(super) struct OutcomeFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl OutcomeFile {
    /// Makes the file, or empties the one that is there.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| {
            format!(
                "cannot make the outcome file {}: name a file in a folder that exists and that you may write to",
                path.display()
            )
        })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Writes one line per outcome.
    pub(super) fn write(mut self, outcomes: impl Iterator<Item = Outcome>) -> anyhow::Result<()> {
        self.write_lines(outcomes).with_context(|| {
            format!("cannot write the outcome file {}: see whether its disk is full", self.path.display())
        })
    }

    fn write_lines(&mut self, outcomes: impl Iterator<Item = Outcome>) -> std::io::Result<()> {
        for outcome in outcomes {
            serde_json::to_writer(&mut self.file, &outcome)?;
            self.file.write_all(b"\n")?;
        }
        self.file.flush()
    }
}
