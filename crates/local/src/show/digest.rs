//! Formats a digest as text, Markdown or HTML: what changed, each entity once.
//!
//! Never: lets a name or a model's text act as markup.

use std::fmt::Write as _;

use portend_core::number::Number;
use portend_core::time::Timestamp;
use serde::Serialize;

use super::text::{clipped, minute, shown, zone};

/// What changed in a time, each entity in one section.
#[derive(Debug, Serialize)]
pub(crate) struct Digest {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) sections: Vec<DigestSection>,
    /// Entities to look at that have not changed.
    pub(crate) unchanged: usize,
}

/// One kind of change.
#[derive(Debug, Serialize)]
pub(crate) struct DigestSection {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<DigestLine>,
}

/// What changed about one entity.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DigestLine {
    pub(crate) entity_type: String,
    pub(crate) entity_id: String,
    /// The score before; absent if the entity was not on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Number>,
    /// The score now; absent if it has recovered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) risk_score: Option<Number>,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// The form of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DigestFormat {
    /// For a terminal or a mail.
    Text,
    /// For a chat or a ticket.
    Markdown,
    /// One page without other files.
    Html,
    /// One JSON object.
    Json,
}

impl DigestLine {
    fn score(&self) -> String {
        match (self.before, self.risk_score) {
            (Some(before), Some(now)) => format!("{before} → {now}"),
            (None, Some(now)) => now.to_string(),
            (Some(before), None) => format!("{before} → ok"),
            (None, None) => "ok".to_owned(),
        }
    }
}

impl Digest {
    fn heading(&self) -> String {
        format!("Changes from {} to {} {}", minute(self.since), minute(self.until), zone())
    }

    fn foot(&self) -> String {
        match (self.sections.is_empty(), self.unchanged) {
            (true, 0) => "Nothing changed, and nobody needs a look.".to_owned(),
            (true, unchanged) => format!("Nothing changed. Still to look at: {unchanged}."),
            (false, unchanged) => format!("Unchanged, and still to look at: {unchanged}."),
        }
    }

    /// For a terminal or a mail, within 80 columns.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n", self.heading());
        // Writing to a string cannot fail.
        for section in &self.sections {
            let _ = writeln!(text, "\n{} ({})", section.title, section.lines.len());
            for line in &section.lines {
                let first =
                    format!("{:>9}  {} · {}", line.score(), shown(&line.entity_id), shown(&line.title));
                let _ = writeln!(text, "{}", clipped(&first, 79));
                if let Some(advice) = &line.advice {
                    let _ = writeln!(text, "           {}", clipped(&shown(advice), 68));
                }
            }
        }
        let _ = writeln!(text, "\n{}", self.foot());
        text
    }

    /// For a chat or a ticket.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n", self.heading());
        for section in &self.sections {
            let _ = writeln!(text, "\n## {} ({})\n", section.title, section.lines.len());
            for line in &section.lines {
                let advice = line.advice.as_deref().map(|advice| format!("  \n  {}", in_markdown(advice)));
                let _ = writeln!(
                    text,
                    "- **{}** {}: {}{}",
                    line.score(),
                    in_markdown(&line.entity_id),
                    in_markdown(&line.title),
                    advice.unwrap_or_default()
                );
            }
        }
        let _ = writeln!(text, "\n{}", self.foot());
        text
    }

    /// One page without other files.
    pub(crate) fn html(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>\
             body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}}\
             h1{{font-size:1.25rem}}h2{{font-size:1rem;margin:1.5rem 0 .5rem}}ul{{list-style:none;padding:0}}\
             li{{margin:.5rem 0}}b{{font-variant-numeric:tabular-nums}}small{{opacity:.75}}</style></head>\n\
             <body><h1>{0}</h1>\n",
            in_html(&self.heading())
        );
        for section in &self.sections {
            let _ = writeln!(page, "<h2>{} ({})</h2>\n<ul>", in_html(section.title), section.lines.len());
            for line in &section.lines {
                let advice =
                    line.advice.as_deref().map(|advice| format!("<br><small>{}</small>", in_html(advice)));
                let _ = writeln!(
                    page,
                    "<li><b>{}</b> {} · {}{}</li>",
                    in_html(&line.score()),
                    in_html(&line.entity_id),
                    in_html(&line.title),
                    advice.unwrap_or_default()
                );
            }
            page.push_str("</ul>\n");
        }
        let _ = writeln!(page, "<p>{}</p></body></html>", in_html(&self.foot()));
        page
    }
}

/// Text for Markdown: its marks are escaped.
fn in_markdown(text: &str) -> String {
    shown(text).chars().fold(String::new(), |mut escaped, each| {
        if "\\`*_{}[]<>()#+-.!|~&".contains(each) {
            escaped.push('\\');
        }
        escaped.push(each);
        escaped
    })
}

/// Text for HTML.
fn in_html(text: &str) -> String {
    shown(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> Digest {
        let line = |id: &str, before: Option<u8>, now: Option<u8>| DigestLine {
            entity_type: "student".into(),
            entity_id: id.into(),
            before: before.map(Number::from),
            risk_score: now.map(Number::from),
            title: "Low student health score".into(),
            advice: now.map(|_| "Call <b>today</b> & ask *why*.".into()),
        };
        let at = |text| Timestamp::parse(text).unwrap();
        Digest {
            since: at("2025-01-01T08:00:00Z"),
            until: at("2025-01-02T08:00:00Z"),
            sections: vec![
                DigestSection { title: "New", lines: vec![line("stu_1", None, Some(95))] },
                DigestSection { title: "Worse", lines: vec![line("<C#>\u{202e}", Some(60), Some(73))] },
                DigestSection { title: "Recovered", lines: vec![line("stu_3", Some(50), None)] },
            ],
            unchanged: 4,
        }
    }

    #[test]
    fn a_digest_has_three_forms() {
        insta::assert_snapshot!("text", digest().text());
        insta::assert_snapshot!("markdown", digest().markdown());
        insta::assert_snapshot!("html", digest().html());
    }
}
