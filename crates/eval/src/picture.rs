//! Pictures of a report as SVG: the reliability diagram, the distribution of scores, and the rate by month.
//!
//! An SVG takes its colours from the page, so that it is readable on a light and on a dark one.
//!
//! Never: contains text that others wrote.

use std::fmt::Write as _;

use crate::bins::ReliabilityBin;
use crate::math::float;
use crate::report::{MonthRate, ScoreTen};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// A plane from 0 to 1 on both axes.
struct Plane {
    svg: String,
}

impl Plane {
    fn new(title: &str, across: &str, up: &str) -> Self {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{title}\" class=\"picture\"><title>{title}</title>"
        );
        let (x0, x1, y0, y1) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<g fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".5\"><path d=\"M{x0} {y1}V{y0}H{x1}\"/></g>\
             <g fill=\"currentColor\" font-size=\"11\"><text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{across}</text>\
             <text x=\"12\" y=\"{}\" text-anchor=\"middle\" transform=\"rotate(-90 12 {})\">{up}</text></g>",
            f64::midpoint(x0, x1),
            HEIGHT - 6.0,
            f64::midpoint(y0, y1),
            f64::midpoint(y0, y1)
        );
        Self { svg }
    }

    fn x(at: f64) -> f64 {
        LEFT + at.clamp(0.0, 1.0) * (WIDTH - RIGHT - LEFT)
    }

    fn y(at: f64) -> f64 {
        HEIGHT - BOTTOM - at.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let _ = write!(
            self.svg,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {style}/>",
            Self::x(from.0),
            Self::y(from.1),
            Self::x(to.0),
            Self::y(to.1)
        );
    }

    fn bar(&mut self, left: f64, right: f64, height: f64, style: &str) {
        let _ = write!(
            self.svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" {style}/>",
            Self::x(left),
            Self::y(height),
            (Self::x(right) - Self::x(left)).max(0.0),
            Self::y(0.0) - Self::y(height)
        );
    }

    /// A rectangle between two heights.
    fn block(&mut self, (left, right): (f64, f64), (low, high): (f64, f64), style: &str) {
        let _ = write!(
            self.svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" {style}/>",
            Self::x(left),
            Self::y(high),
            (Self::x(right) - Self::x(left)).max(0.0),
            Self::y(low) - Self::y(high)
        );
    }

    /// The marks of shares beside the upward axis.
    fn shares(&mut self) {
        for tick in [0.0, 0.5, 1.0] {
            self.label((0.0, tick), (-6.0, 4.0), "end", &format!("{:.0} %", 100.0 * tick));
        }
    }

    fn label(&mut self, at: (f64, f64), shift: (f64, f64), anchor: &str, text: &str) {
        let _ = write!(
            self.svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"currentColor\" text-anchor=\"{anchor}\">{text}</text>",
            Self::x(at.0) + shift.0,
            Self::y(at.1) + shift.1
        );
    }

    fn end(self) -> String {
        self.svg + "</svg>"
    }
}

const FAINT: &str = "stroke=\"currentColor\" stroke-opacity=\".4\" stroke-dasharray=\"4 4\"";
const STRONG: &str = "stroke=\"#2563eb\" stroke-width=\"2\"";
const WITH: &str = "fill=\"#dc2626\" fill-opacity=\".75\"";
const WITHOUT: &str = "fill=\"#2563eb\" fill-opacity=\".45\"";

/// The reliability diagram, with a histogram of the rows at its foot. On the dashed line, scores are rates.
pub fn reliability(bins: &[ReliabilityBin]) -> String {
    let mut plane = Plane::new("Reliability diagram", "score, as a share of 100", "share with the event");
    plane.line((0.0, 0.0), (1.0, 1.0), FAINT);
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1).max(1);
    for bin in bins {
        let height = 0.12 * float(bin.n) / float(most);
        plane.bar(bin.mean - 0.012, bin.mean + 0.012, height, WITHOUT);
        plane.line((bin.mean, bin.low), (bin.mean, bin.high), STRONG);
        let _ = write!(
            plane.svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#2563eb\"><title>score {:.1}: {:.1} % of {} rows \
             ({:.1} to {:.1} %)</title></circle>",
            Plane::x(bin.mean),
            Plane::y(bin.rate),
            100.0 * bin.mean,
            100.0 * bin.rate,
            bin.n,
            100.0 * bin.low,
            100.0 * bin.high
        );
    }
    for tick in [0.0, 0.5, 1.0] {
        plane.label((tick, 0.0), (0.0, 14.0), "middle", &format!("{tick}"));
        plane.label((0.0, tick), (-6.0, 4.0), "end", &format!("{:.0} %", 100.0 * tick));
    }
    plane.end()
}

/// The distribution of the scores, of rows with the event and of rows without.
pub fn distribution(tens: &[ScoreTen]) -> String {
    let mut plane = Plane::new("Scores by outcome", "score", "share of the rows of each kind");
    let with = tens.iter().map(|ten| ten.events).sum::<usize>().max(1);
    let without = tens.iter().map(|ten| ten.others).sum::<usize>().max(1);
    let shares = tens
        .iter()
        .map(|ten| (float(ten.events) / float(with), float(ten.others) / float(without)))
        .collect::<Vec<_>>();
    let most = shares.iter().map(|(a, b)| a.max(*b)).fold(0.01, f64::max);
    for (ten, (of_events, of_others)) in tens.iter().zip(&shares) {
        let left = f64::from(ten.from) / 100.0;
        plane.bar(left + 0.01, left + 0.05, of_others / most, WITHOUT);
        plane.bar(left + 0.05, left + 0.09, of_events / most, WITH);
        plane.label((left, 0.0), (0.0, 14.0), "middle", &ten.from.to_string());
    }
    plane.label((0.0, 1.0), (-6.0, 4.0), "end", &format!("{:.0} %", 100.0 * most));
    plane.label((0.98, 0.97), (0.0, 0.0), "end", "red: with the event, blue: without");
    plane.end()
}

/// The rate of the event and the mean score of each month.
pub fn by_month(months: &[MonthRate]) -> String {
    let mut plane = Plane::new("Rate by month", "month of the alert", "share with the event");
    let count = float(months.len().max(1));
    for (number, month) in months.iter().enumerate() {
        let left = float(number) / count;
        let middle = left + 0.5 / count;
        plane.bar(left + 0.15 / count, left + 0.85 / count, month.rate, WITHOUT);
        plane.line((middle, month.low), (middle, month.high), STRONG);
        let sparse = months.len() <= 12 || number % (months.len() / 8).max(1) == 0;
        if sparse {
            plane.label((middle, 0.0), (0.0, 14.0), "middle", &month.month);
        }
    }
    for tick in [0.0, 0.5, 1.0] {
        plane.label((0.0, tick), (-6.0, 4.0), "end", &format!("{:.0} %", 100.0 * tick));
    }
    plane.end()
}

/// The probability of each score, by a map. On the dashed line, a score would be a probability.
pub fn curve(probability: &dyn Fn(f64) -> f64) -> String {
    let mut plane = Plane::new("From score to probability", "score, as a share of 100", "probability");
    plane.line((0.0, 0.0), (1.0, 1.0), FAINT);
    let at = |score: u8| (f64::from(score) / 100.0, probability(f64::from(score)));
    for score in 0..100 {
        plane.line(at(score), at(score + 1), STRONG);
    }
    plane.shares();
    plane.end()
}

/// Each pair of two scores, 0 to 100, as a point. On the dashed line, both are the same.
pub fn pairs(pairs: &[(f64, f64)]) -> String {
    let mut plane = Plane::new("Stored and new scores", "stored score", "new score");
    plane.line((0.0, 0.0), (1.0, 1.0), FAINT);
    for (stored, new) in pairs {
        let _ = write!(
            plane.svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#2563eb\" fill-opacity=\".5\"/>",
            Plane::x(stored / 100.0),
            Plane::y(new / 100.0)
        );
    }
    for tick in [0.0, 0.5, 1.0] {
        plane.label((tick, 0.0), (0.0, 14.0), "middle", &format!("{:.0}", 100.0 * tick));
        plane.label((0.0, tick), (-6.0, 4.0), "end", &format!("{:.0}", 100.0 * tick));
    }
    plane.end()
}

/// The effects of facts on a score, numbered in their order: up raises it, down lowers it.
pub fn effects(effects: &[f64]) -> String {
    let mut plane = Plane::new("What moves the score", "fact, by its number in the table", "points");
    let most = effects.iter().map(|effect| effect.abs()).fold(1.0, f64::max);
    plane.line((0.0, 0.5), (1.0, 0.5), FAINT);
    let count = float(effects.len().max(1));
    for (number, effect) in effects.iter().enumerate() {
        let (left, right) = ((float(number) + 0.2) / count, (float(number) + 0.8) / count);
        let end = 0.5 + 0.5 * effect / most;
        let style = if *effect >= 0.0 { WITH } else { WITHOUT };
        plane.block((left, right), (end.min(0.5), end.max(0.5)), style);
        plane.label((f64::midpoint(left, right), 0.0), (0.0, 14.0), "middle", &(number + 1).to_string());
    }
    for (at, points) in [(0.0, -most), (0.5, 0.0), (1.0, most)] {
        plane.label((0.0, at), (-6.0, 4.0), "end", &format!("{points:+.0}"));
    }
    plane.end()
}

/// The shares of the entities in each bin, now and before, numbered in their order.
pub fn two_periods(title: &str, bins: &[(f64, f64)]) -> String {
    let mut plane = Plane::new(title, "row of points, by its number in the table", "share of the entities");
    let count = float(bins.len().max(1));
    for (number, (now, before)) in bins.iter().enumerate() {
        let left = float(number) / count;
        plane.bar(left + 0.1 / count, left + 0.5 / count, *before, WITHOUT);
        plane.bar(left + 0.5 / count, left + 0.9 / count, *now, WITH);
        plane.label((left + 0.5 / count, 0.0), (0.0, 14.0), "middle", &(number + 1).to_string());
    }
    plane.label((0.98, 0.97), (0.0, 0.0), "end", "red: now, blue: before");
    plane.shares();
    plane.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_one_whole_svg_inside_its_frame() {
        for svg in [
            curve(&|score| score / 200.0),
            pairs(&[(0.0, 100.0), (50.0, 50.0)]),
            effects(&[10.0, -4.0, 0.0]),
            effects(&[]),
            two_periods("a_fact", &[(0.2, 0.8), (0.8, 0.2)]),
            two_periods("a_fact", &[]),
        ] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("=\"-"), "{svg}");
        }
    }
}
