//! The charts of a run, as SVG.

use std::fmt::Write;

use crate::budget::USERS_P95;
use crate::latency::float;
use crate::load::Step;
use crate::report::{short, thousands};
use crate::results::Results;

const BLUE: &str = "#1f5fa8";
const ORANGE: &str = "#d97a1e";
const RED: &str = "#b32d3a";
const GREEN: &str = "#3a8f5c";
const GRAY: &str = "#9aa0a8";

/// The edges of the plot, in pixels.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 840.0;
const TOP: f64 = 80.0;
const BOTTOM: f64 = 360.0;

/// Draws all charts, with the names of their files.
pub(crate) fn draw_all(results: &Results) -> [(&'static str, String); 2] {
    [("cold-start.svg", cold_start(results)), ("throughput-and-latency.svg", throughput(results))]
}

/// A scale from values to pixels.
struct Scale {
    from: f64,
    to: f64,
    pixels: (f64, f64),
    logarithmic: bool,
}

impl Scale {
    fn position(&self, value: f64) -> f64 {
        let scaled = |value: f64| if self.logarithmic { value.max(self.from).log10() } else { value };
        let fraction = (scaled(value) - scaled(self.from)) / (scaled(self.to) - scaled(self.from));
        self.pixels.0 + fraction * (self.pixels.1 - self.pixels.0)
    }

    /// Powers of ten, or four to sixteen round numbers.
    fn ticks(&self) -> Vec<f64> {
        let span = self.to - self.from;
        let power = 10_f64.powf(span.log10().floor());
        let step = if span / power < 4.0 { power / 4.0 } else { power };
        let next = |last: &f64| Some(if self.logarithmic { last * 10.0 } else { last + step });
        std::iter::successors(Some(self.from), next).take_while(|tick| *tick <= self.to * 1.001).collect()
    }
}

/// A chart that is being drawn.
struct Chart {
    svg: String,
    legend: f64,
}

impl Chart {
    fn new(title: &str) -> Self {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 420\" font-family=\"sans-serif\" \
                   font-size=\"13\">\n<rect width=\"860\" height=\"420\" fill=\"white\"/>\n";
        let mut chart = Self { svg: svg.to_owned(), legend: LEFT };
        chart.text((430.0, 26.0), "middle", title);
        chart
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let _ = writeln!(self.svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
    }

    fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), color: &str) {
        let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"");
        let _ = writeln!(self.svg, "<rect {place} fill=\"{color}\"/>");
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), color: &str, width: f64) {
        let place = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
        let _ = writeln!(self.svg, "<line {place} stroke=\"{color}\" stroke-width=\"{width}\"/>");
    }

    fn legend(&mut self, name: &str, color: &str) {
        self.rectangle((self.legend, 46.0), (12.0, 12.0), color);
        self.text((self.legend + 17.0, 57.0), "start", name);
        self.legend += 40.0 + 6.6 * float(name.len());
    }

    fn x_axis(&mut self, scale: &Scale, name: &str) {
        for tick in scale.ticks() {
            let x = scale.position(tick);
            self.line((x, TOP), (x, BOTTOM), GRAY, 0.3);
            self.text((x, BOTTOM + 18.0), "middle", &label(tick));
        }
        self.text((f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0), "middle", name);
    }

    fn y_axis(&mut self, scale: &Scale) {
        for tick in scale.ticks() {
            let y = scale.position(tick);
            self.line((LEFT, y), (RIGHT, y), GRAY, 0.3);
            self.text((LEFT - 8.0, y + 4.0), "end", &format!("{} ms", label(tick)));
        }
    }

    fn curve(&mut self, name: &str, color: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<(f64, f64)> = points.collect();
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], color, 2.0);
        }
        for (x, y) in points {
            self.rectangle((x - 3.0, y - 3.0), (6.0, 6.0), color);
        }
        self.legend(name, color);
    }

    fn end(self) -> String {
        self.svg + "</svg>\n"
    }
}

/// Formats a number at an axis.
fn label(value: f64) -> String {
    if value >= 1_000.0 {
        return thousands(value);
    }
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn cold_start(results: &Results) -> String {
    let mut chart = Chart::new("Cold start: from the start of the process to the first response (medians)");
    let longest = results.cold.iter().map(|cold| cold.init_ms.p50 + cold.first_ms.p50).fold(1.0, f64::max);
    let x = Scale { from: 0.0, to: longest * 1.05, pixels: (LEFT, RIGHT), logarithmic: false };
    chart.x_axis(&x, "ms");
    let floor = results.cold("floor").map_or(0.0, |floor| floor.init_ms.p50);
    let height = (BOTTOM - TOP) / float(results.cold.len().max(1));
    for (place, cold) in results.cold.iter().enumerate() {
        let top = TOP + float(place) * height;
        let (init, first) = (cold.init_ms.p50, cold.first_ms.p50);
        let ends = [0.0, floor.min(init), init, init + cold.first_database_ms.min(first), init + first];
        for (part, color) in ends.windows(2).zip([GRAY, BLUE, ORANGE, GREEN]) {
            let (from, to) = (x.position(part[0]), x.position(part[1]));
            chart.rectangle((from, top + 0.15 * height), (to - from, 0.7 * height), color);
        }
        chart.text((LEFT - 8.0, top + 0.5 * height + 4.0), "end", &cold.function);
    }
    chart.legend("init of the floor", GRAY);
    chart.legend("init beyond it", BLUE);
    chart.legend("first request: database", ORANGE);
    chart.legend("first request: the rest", GREEN);
    chart.end()
}

fn throughput(results: &Results) -> String {
    let mut chart = Chart::new("Latency by throughput, with everything on one machine");
    let slowest = results.ramp.iter().map(|step| step.latency.p99).fold(1.0, f64::max);
    let most = results.ramp.iter().map(|step| step.achieved).fold(100.0, f64::max);
    let y = Scale { from: 0.1, to: 10_f64.powf(slowest.log10().ceil()), pixels: (BOTTOM, TOP), logarithmic: true };
    let x = Scale { from: 0.0, to: most * 1.05, pixels: (LEFT, RIGHT), logarithmic: false };
    chart.x_axis(&x, "requests answered per second");
    chart.y_axis(&y);
    let mut curve = |name: &str, color: &str, time: fn(&Step) -> f64| {
        let points = results.ramp.iter().map(|step| (x.position(step.achieved), y.position(time(step))));
        chart.curve(name, color, points);
    };
    curve("p99", RED, |step| step.latency.p99);
    curve("p95", ORANGE, |step| step.latency.p95);
    curve("p50", BLUE, |step| step.latency.p50);
    let budget = y.position(USERS_P95);
    chart.line((LEFT, budget), (RIGHT, budget), GRAY, 2.0);
    chart.legend(&format!("budget of p95 as set, {} ms", short(USERS_P95)), GRAY);
    chart.end()
}
