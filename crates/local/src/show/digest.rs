//! Formats a digest as text, Markdown or HTML: what changed, each entity once.
//!
//! Never: lets a name or a model's text act as markup.

use std::fmt::Write as _;

use portend_remote::digest::Digest;

use super::text::{clipped, minute, shown, zone};

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

fn heading(digest: &Digest) -> String {
    format!("Changes from {} to {} {}", minute(digest.since), minute(digest.until), zone())
}

/// For a terminal or a mail, within 80 columns.
pub(crate) fn text(digest: &Digest) -> String {
    let mut text = format!("{}\n", heading(digest));
    // Writing to a string cannot fail.
    for section in &digest.sections {
        let _ = writeln!(text, "\n{} ({})", section.title, section.lines.len());
        for line in &section.lines {
            let first = format!("{:>9}  {} · {}", line.score(), shown(&line.entity_id), shown(&line.title));
            let _ = writeln!(text, "{}", clipped(&first, 79));
            if let Some(advice) = &line.advice {
                let _ = writeln!(text, "           {}", clipped(&shown(advice), 68));
            }
        }
    }
    let _ = writeln!(text, "\n{}", digest.foot());
    text
}

/// For a chat or a ticket.
pub(crate) fn markdown(digest: &Digest) -> String {
    let mut text = format!("# {}\n", heading(digest));
    for section in &digest.sections {
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
    let _ = writeln!(text, "\n{}", digest.foot());
    text
}

/// One page without other files.
pub(crate) fn html(digest: &Digest) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>\
             body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}}\
             h1{{font-size:1.25rem}}h2{{font-size:1rem;margin:1.5rem 0 .5rem}}ul{{list-style:none;padding:0}}\
             li{{margin:.5rem 0}}b{{font-variant-numeric:tabular-nums}}small{{opacity:.75}}</style></head>\n\
             <body><h1>{0}</h1>\n",
        in_html(&heading(digest))
    );
    for section in &digest.sections {
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
    let _ = writeln!(page, "<p>{}</p></body></html>", in_html(&digest.foot()));
    page
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
    use portend_core::number::Number;
    use portend_core::time::Timestamp;
    use portend_remote::digest::{DigestLine, DigestSection};

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
        insta::assert_snapshot!("text", text(&digest()));
        insta::assert_snapshot!("markdown", markdown(&digest()));
        insta::assert_snapshot!("html", html(&digest()));
    }
}
