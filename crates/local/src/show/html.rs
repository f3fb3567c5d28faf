//! A report as one page of HTML, with pictures and tables, that needs nothing else.
//!
//! Never: writes a text that others wrote without escaping it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::text::shown_lines;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    pre{overflow-x:auto;font-size:13px;line-height:1.35}.pictures{display:flex;flex-wrap:wrap;gap:1rem}\
    .picture{width:27rem;max-width:100%;height:auto}table{border-collapse:collapse;margin:1rem 0}\
    th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

/// A part of a page.
#[derive(Debug, Default)]
pub(crate) struct HtmlSection {
    pub(crate) title: String,
    /// SVG, without a text that others wrote.
    pub(crate) pictures: Vec<String>,
    pub(crate) tables: Vec<HtmlTable>,
    /// Text for a terminal, which keeps its lines.
    pub(crate) text: String,
}

/// A table of texts.
#[derive(Debug)]
pub(crate) struct HtmlTable {
    pub(crate) headings: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl HtmlSection {
    /// A section whose title is the first line of a text for a terminal.
    pub(crate) fn of_text(text: &str) -> Self {
        let plain = anstream::adapter::strip_str(text).to_string();
        let (title, rest) = plain.split_once('\n').unwrap_or((plain.as_str(), ""));
        Self { title: title.to_owned(), text: rest.to_owned(), ..Self::default() }
    }
}

/// Writes the page to a file.
pub(crate) fn write(file: &Path, title: &str, sections: &[HtmlSection]) -> Result<()> {
    std::fs::write(file, page(title, sections)).with_context(|| {
        format!("cannot write {}; name a file in an existing folder that you may write to", file.display())
    })
}

fn page(title: &str, sections: &[HtmlSection]) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    for section in sections {
        // Writing to a string cannot fail.
        let _ = writeln!(page, "<section><h2>{}</h2>", escaped(&section.title));
        if !section.pictures.is_empty() {
            let _ = writeln!(page, "<div class=\"pictures\">{}</div>", section.pictures.concat());
        }
        for table in &section.tables {
            page.push_str(&rows_of(table));
        }
        if !section.text.trim().is_empty() {
            let _ = write!(page, "<pre>{}</pre>", escaped(section.text.trim_end()));
        }
        page.push_str("</section>\n");
    }
    page.push_str("</body></html>\n");
    page
}

fn rows_of(table: &HtmlTable) -> String {
    let cells = |cells: &[String], tag: &str| -> String {
        let cells: Vec<String> =
            cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        cells.concat()
    };
    let headings: Vec<String> = table.headings.iter().map(|heading| (*heading).to_owned()).collect();
    let rows: Vec<String> = table.rows.iter().map(|row| format!("<tr>{}</tr>", cells(row, "td"))).collect();
    format!(
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>\n",
        cells(&headings, "th"),
        rows.concat()
    )
}

/// Text that others wrote, safe in HTML.
fn escaped(text: &str) -> String {
    let text = shown_lines(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_escapes_what_others_wrote() {
        let table = HtmlTable { headings: vec!["fact"], rows: vec![vec!["<b>&\"".to_owned()]] };
        let section = HtmlSection {
            pictures: vec!["<svg></svg>".into()],
            tables: vec![table],
            ..HtmlSection::of_text("<i>\nrest")
        };
        let page = page("Title", &[section]);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
        for part in ["<h2>&lt;i&gt;</h2>", "<svg></svg>", "<td>&lt;b&gt;&amp;&quot;</td>", "<pre>rest</pre>"]
        {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("http") && !page.contains("<script"), "{page}");
    }
}
