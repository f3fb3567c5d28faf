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
    let Some(last) = points.last().filter(|_| points.len() > 1) else { return html! { span {} } };
    let line = path(points, WIDTH, HEIGHT);
    let (x, y) = place(points, *last, WIDTH, HEIGHT);
    html! {
        svg.spark.(level(last.score)) viewBox="-2 -4 124 36" width="120" height="28" role="img"
            aria-label={ "Risk over time, now " (whole(last.score)) } {
            path d=(line) {}
            circle cx=(coordinate(x)) cy=(coordinate(y)) r="3" {}
        }
    }
}

/// The risk over time, with a scale.
pub(crate) fn risk_over_time(points: &[RiskPoint]) -> Markup {
    const WIDTH: f64 = 560.0;
    const HEIGHT: f64 = 140.0;
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return html! {} };
    html! {
        svg viewBox="-28 -10 604 176" width="100%" role="img"
            aria-label={ "Risk from " (whole(first.score)) " on " (minute(first.at)) " to " (whole(last.score)) " on " (minute(last.at)) } {
            @for mark in [0.0, 40.0, 60.0, 80.0, 100.0] {
                @let y = HEIGHT - mark / 100.0 * HEIGHT;
                line.axis x1="0" x2=(WIDTH) y1=(coordinate(y)) y2=(coordinate(y)) {}
                text.grid-text x="-6" y=(coordinate(y + 4.0)) text-anchor="end" { (mark) }
            }
            path.trend d=(path(points, WIDTH, HEIGHT)) {}
            @for point in points {
                @let (x, y) = place(points, *point, WIDTH, HEIGHT);
                circle.dot.(level(point.score)) cx=(coordinate(x)) cy=(coordinate(y)) r="4" {
                    title { (whole(point.score)) " on " (minute(point.at)) }
                }
            }
            text.grid-text x="0" y="160" { (minute(first.at)) }
            text.grid-text x=(WIDTH) y="160" text-anchor="end" { (minute(last.at)) }
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
        svg viewBox="0 0 720 32" width="100%" role="img"
            aria-label={ "The points of the table add up to " (whole(score)) } {
            @for (start, width, part) in &placed {
                @let class = if part.points >= most && most > 0.0 { level(score) } else { "low" };
                g.(class) data-points=(part.points) {
                    rect.seg x=(coordinate(*start)) y="0" width=(coordinate(*width)) height="32" rx="4" {
                        title { (part.name) ": " (part.points) }
                    }
                    text.seg-text x=(coordinate(start + width / 2.0)) y="16" {
                        @if *width >= NAME_WIDTH_MIN { (part.name.chars().take(14).collect::<String>()) " · " }
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

fn whole_of(value: f64) -> String {
    format!("{value:.0}")
}

fn path(points: &[RiskPoint], width: f64, height: f64) -> String {
    let mut line = String::new();
    for point in points {
        let (x, y) = place(points, *point, width, height);
        let step = if line.is_empty() { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(line, "{step}{} {} ", coordinate(x), coordinate(y));
    }
    line.trim_end().to_owned()
}

fn place(points: &[RiskPoint], point: RiskPoint, width: f64, height: f64) -> (f64, f64) {
    let first = points.first().map_or(point.at, |first| first.at);
    let last = points.last().map_or(point.at, |last| last.at);
    let span = last.since(first).as_secs_f64();
    let x = if span > 0.0 { point.at.since(first).as_secs_f64() / span * width } else { 0.0 };
    (x, height - point.score.get() / 100.0 * height)
}

fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}
