//! Charts as SVG, drawn on the server. Colours come from the style sheet.

use std::fmt::Write as _;

use maud::{Markup, html};
use portend_core::number::Number;
use portend_core::time::Timestamp;

use super::text::{level, minute, whole};

/// A risk score at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RiskPoint {
    pub(crate) at: Timestamp,
    pub(crate) score: Number,
}

/// A small line without axes. Nothing, if there are fewer than two points.
pub(crate) fn spark(points: &[RiskPoint]) -> Markup {
    const WIDTH: f64 = 116.0;
    const HEIGHT: f64 = 28.0;
    let Some(last) = points.last().filter(|_| points.len() > 1) else { return html! { span.spark {} } };
    let first = points.first().map_or(last.at, |first| first.at);
    let span = Span { first, last: last.at, width: WIDTH, height: HEIGHT };
    let line = span.path(points);
    let (x, y) = span.place(*last);
    html! {
        svg.spark.(level(last.score)) viewBox="-2 -4 122 36" width="120" height="35" role="img"
            aria-label={ "Risk over time, now " (whole(last.score)) } {
            path d=(line) {}
            circle cx=(coordinate(x)) cy=(coordinate(y)) r="3" {}
        }
    }
}

/// A line of a chart, with its name.
#[derive(Debug)]
pub(crate) struct RiskLine {
    pub(crate) name: String,
    /// Oldest first.
    pub(crate) points: Vec<RiskPoint>,
}

/// The risk over time, with a scale; one line for each name.
pub(crate) fn risk_over_time(lines: &[RiskLine]) -> Markup {
    const WIDTH: f64 = 990.0;
    const HEIGHT: f64 = 160.0;
    const NAME_HEIGHT: f64 = 14.0;
    let mut all: Vec<RiskPoint> = lines.iter().flat_map(|line| line.points.iter().copied()).collect();
    all.sort_by_key(|point| point.at);
    let (Some(first), Some(last)) = (all.first().copied(), all.last().copied()) else { return html! {} };
    let span = Span { first: first.at, last: last.at, width: WIDTH, height: HEIGHT };
    html! {
        svg viewBox="-30 -10 1032 200" width="100%" role="img"
            aria-label={ "Risk from " (whole(first.score)) " on " (minute(first.at)) " to " (whole(last.score)) " on " (minute(last.at)) } {
            @for mark in [0.0, 40.0, 60.0, 80.0, 100.0] {
                @let y = HEIGHT - mark / 100.0 * HEIGHT;
                line.axis x1="0" x2=(WIDTH) y1=(coordinate(y)) y2=(coordinate(y)) {}
                text.grid-text x="-6" y=(coordinate(y + 4.0)) text-anchor="end" { (mark) }
            }
            @for (index, line) in (0_u16..).zip(lines) {
                path.trend.second[index > 0] d=(span.path(&line.points)) {}
                @for point in &line.points {
                    @let (x, y) = span.place(*point);
                    circle.dot.(level(point.score)) cx=(coordinate(x)) cy=(coordinate(y)) r="3.5" {
                        title { (line.name) ": " (whole(point.score)) " on " (minute(point.at)) }
                    }
                }
                @if lines.len() > 1 {
                    text.grid-text x="4" y=(coordinate(f64::from(index + 1) * NAME_HEIGHT - 4.0)) {
                        (if index == 0 { "━ " } else { "┅ " }) (line.name)
                    }
                }
            }
            text.grid-text x="0" y="180" { (minute(first.at)) }
            text.grid-text x=(WIDTH) y="180" text-anchor="end" { (minute(last.at)) }
        }
    }
}

/// A part of the sum of a score.
pub(crate) struct SumPart {
    pub(crate) name: String,
    pub(crate) points: f64,
}

/// One bar whose parts add up to the score. What is left to 100 is empty.
pub(crate) fn sum_bar(parts: &[SumPart], score: Number) -> Markup {
    const WIDTH: f64 = 720.0;
    const NAME_WIDTH_MIN: f64 = 90.0;
    let mut at = 0.0;
    let placed: Vec<(f64, f64, &SumPart)> = parts
        .iter()
        .map(|part| {
            let (start, width) = (at, part.points / 100.0 * WIDTH);
            at += width;
            (start, width, part)
        })
        .collect();
    let rest = WIDTH - at;
    let most = parts.iter().map(|part| part.points).fold(0.0, f64::max);
    html! {
        svg.sum viewBox="0 0 720 32" width="100%" preserveAspectRatio="none" role="img"
            aria-label={ "The points of the scorecard add up to " (whole(score)) } {
            @for (start, width, part) in &placed {
                @let class = if part.points >= most && most > 0.0 { level(score) } else { "low" };
                g.(class) data-points=(part.points) {
                    rect.seg x=(coordinate(*start)) y="0" width=(coordinate(*width)) height="32" rx="4" {
                        title { (part.name) ": " (part.points) }
                    }
                    text.seg-text x=(coordinate(start + width / 2.0)) y="16" {
                        @if *width >= NAME_WIDTH_MIN { (clipped(&part.name, *width)) " · " }
                        @if *width >= 18.0 { (part.points) }
                    }
                }
            }
            @if rest > 1.0 {
                rect.rest x=(coordinate(at + 1.0)) y="1" width=(coordinate(rest - 2.0)) height="30" rx="4" {}
                @if rest > 70.0 { text.rest-text x=(coordinate(at + rest / 2.0)) y="16" { (whole_of(100.0 - at / WIDTH * 100.0)) " to 100" } }
            }
        }
    }
}

/// As much of a name as fits into this width, beside its points.
fn clipped(name: &str, width: f64) -> String {
    const CHAR_WIDTH: f64 = 7.5;
    const POINTS_WIDTH: f64 = 40.0;
    let (mut clip, mut used) = (String::new(), POINTS_WIDTH + CHAR_WIDTH);
    for c in name.chars() {
        used += CHAR_WIDTH;
        if used > width {
            return clip + "…";
        }
        clip.push(c);
    }
    clip
}

fn whole_of(value: f64) -> String {
    format!("{value:.0}")
}

/// The area of a chart.
struct Span {
    first: Timestamp,
    last: Timestamp,
    width: f64,
    height: f64,
}

impl Span {
    fn path(&self, points: &[RiskPoint]) -> String {
        let mut line = String::new();
        for point in points {
            let (x, y) = self.place(*point);
            let step = if line.is_empty() { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(line, "{step}{} {} ", coordinate(x), coordinate(y));
        }
        line.trim_end().to_owned()
    }

    fn place(&self, point: RiskPoint) -> (f64, f64) {
        let span = self.last.since(self.first).as_secs_f64();
        let x = if span > 0.0 { point.at.since(self.first).as_secs_f64() / span * self.width } else { 0.0 };
        (x, self.height - point.score.get() / 100.0 * self.height)
    }
}

fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}
