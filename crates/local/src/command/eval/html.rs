//! The reports as one page of HTML, with their pictures, that needs nothing else.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use portend_eval::picture;

use super::{NamedReport, text};
use crate::show::text::shown_lines;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    pre{overflow-x:auto;font-size:13px;line-height:1.35}.pictures{display:flex;flex-wrap:wrap;gap:1rem}\
    .picture{width:27rem;max-width:100%;height:auto}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

/// Writes the page.
pub(super) fn write(file: &Path, reports: &[NamedReport]) -> Result<()> {
    std::fs::write(file, page(reports)).with_context(|| {
        format!("cannot write {}; name a file in an existing folder that you may write to", file.display())
    })
}

fn page(reports: &[NamedReport]) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>How good the scores were</title><style>{STYLE}</style></head><body>\n\
         <h1>How good the scores were</h1>\n"
    );
    for named in reports {
        let plain = anstream::adapter::strip_str(&text::report(named)).to_string();
        let (title, rest) = plain.split_once('\n').unwrap_or((plain.as_str(), ""));
        // Writing to a string cannot fail.
        let _ = writeln!(page, "<section><h2>{}</h2>", escaped(title));
        let report = &named.report;
        if report.figures.n > 0 {
            page.push_str("<div class=\"pictures\">");
            page.push_str(&picture::reliability(&report.figures.bins));
            page.push_str(&picture::distribution(&report.tens));
            if !report.months.is_empty() {
                page.push_str(&picture::by_month(&report.months));
            }
            page.push_str("</div>\n");
        }
        let _ = writeln!(page, "<pre>{}</pre></section>", escaped(rest));
    }
    page.push_str("</body></html>\n");
    page
}

/// Text that others wrote, safe in HTML.
fn escaped(text: &str) -> String {
    let text = shown_lines(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
