//! The reports as sections of a page, with their pictures.

use std::path::Path;

use anyhow::Result;
use portend_eval::picture;

use super::{NamedReport, text};
use crate::show::html::{self, HtmlSection};

/// Writes the page.
pub(super) fn write(file: &Path, reports: &[NamedReport]) -> Result<()> {
    let sections: Vec<HtmlSection> = reports.iter().map(section).collect();
    html::write(file, "How good the scores were", &sections)
}

fn section(named: &NamedReport) -> HtmlSection {
    let report = &named.report;
    let mut section = HtmlSection::of_text(&text::report(named));
    if report.figures.n > 0 {
        section.pictures.push(picture::reliability(&report.figures.bins));
        section.pictures.push(picture::distribution(&report.tens));
        if !report.months.is_empty() {
            section.pictures.push(picture::by_month(&report.months));
        }
    }
    section
}
