//! A run as pictures.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::Result;
use crate::load::Operation;
use crate::report::table::is_chance;
use crate::results::Results;

/// The size of a chart in pixels.
const SIZE: (u32, u32) = (860, 420);

const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const ORANGE: RGBColor = RGBColor(0xd9, 0x7a, 0x1e);
const RED: RGBColor = RGBColor(0xb3, 0x2d, 0x3a);
const GREEN: RGBColor = RGBColor(0x3a, 0x8f, 0x5c);
const GRAY: RGBColor = RGBColor(0x9a, 0xa0, 0xa8);

/// The names of the charts, as files without `.svg`.
pub(crate) const NAMES: [&str; 4] =
    ["latency-by-operation", "latency-by-tasks", "throughput-and-latency", "cold-start"];

/// Draws all of them into `folder`.
pub(crate) fn draw(results: &Results, folder: &Path) -> Result<()> {
    let [operations, tasks, ramp, cold] = NAMES.map(|name| folder.join(format!("{name}.svg")));
    by_operation(results, &operations).map_err(undrawn)?;
    by_tasks(results, &tasks).map_err(undrawn)?;
    throughput(results, &ramp).map_err(undrawn)?;
    cold_start(results, &cold).map_err(undrawn)?;
    Ok(())
}

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn undrawn(error: Box<dyn std::error::Error>) -> Box<dyn std::error::Error + Send + Sync> {
    format!("a chart cannot be drawn: {error}").into()
}

/// How a value on an axis is written.
type Label<'a, T> = &'a dyn Fn(&T) -> String;

/// A line of a chart: its name, its colour, and its value of a step.
type Line<T> = (&'static str, RGBColor, fn(&T) -> f64);

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// A chart with a title, axes, and what `series` draws.
fn chart<X, Y>(
    path: &Path,
    title: &str,
    (x, x_name, x_label): (X, &str, Label<'_, X::Value>),
    (y, y_name, y_label): (Y, &str, Label<'_, Y::Value>),
    left: u32,
    series: impl for<'a> FnOnce(
        &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X::CoordDescType, Y::CoordDescType>>,
    ) -> Drawn,
) -> Drawn
where
    X: AsRangedCoord,
    Y: AsRangedCoord,
    X::CoordDescType: ValueFormatter<X::Value>,
    Y::CoordDescType: ValueFormatter<Y::Value>,
{
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, font(18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(left)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(GRAY.mix(0.3))
        .x_desc(x_name)
        .y_desc(y_name)
        .x_labels(12)
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .label_style(font(13))
        .axis_desc_style(font(14))
        .draw()?;
    series(&mut chart)?;
    root.present()?;
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the library asks")]
fn ms(value: &f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Draws the legend in a corner.
fn legend<'a, X: Ranged, Y: Ranged>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    position: SeriesLabelPosition,
) -> Drawn {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(GRAY)
        .label_font(font(13))
        .draw()?;
    Ok(())
}

fn by_operation(results: &Results, path: &Path) -> Drawn {
    let step = results.told();
    let slowest = step.operations.values().map(|quantiles| quantiles.p99).fold(1.0, f64::max);
    let top = 10_f64.powf(slowest.log10().ceil());
    let names: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let count = crate::report::float(names.len());
    let label = |place: &f64| {
        let whole = (place - place.round()).abs() < 1e-6;
        let number =
            Operation::ALL.iter().zip(0_u32..).find(|(_, number)| whole && (f64::from(*number) - place).abs() < 0.5);
        number.map_or_else(String::new, |(operation, _)| operation.name().to_owned())
    };
    let title = format!("Latency by operation, {} users", super::thousands(results.users_of(step)));
    let x = -0.5..count - 0.5;
    chart(path, &title, (x, "", &label), ((0.1..top).log_scale(), "ms", &ms), 56, |chart| {
        let told = [("p50", BLUE, 0.5), ("p95", ORANGE, 0.05), ("p99", RED, 0.01)];
        for (number, (name, color, beyond)) in told.into_iter().enumerate() {
            let bars = names.iter().zip(0_u32..).filter_map(|(operation, place)| {
                let quantiles = step.operations.get(*operation).filter(|all| !is_chance(all.count, beyond))?;
                let height = [quantiles.p50, quantiles.p95, quantiles.p99][number];
                let left = f64::from(place) - 0.36 + 0.24 * crate::report::float(number);
                Some(Rectangle::new([(left, 0.1), (left + 0.22, height)], color.filled()))
            });
            chart
                .draw_series(bars)?
                .label(name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        }
        legend(chart, SeriesLabelPosition::UpperLeft)
    })
}

fn by_tasks(results: &Results, path: &Path) -> Drawn {
    let top = results.lists.iter().map(|list| list.ms.p95).fold(1.0, f64::max) * 1.2;
    let label = |tasks: &f64| {
        let known = [100_u64, 1_000, 10_000, 100_000]
            .into_iter()
            .find(|known| (crate::report::float(*known) - tasks).abs() < 0.5);
        known.map_or_else(String::new, super::thousands)
    };
    let x = (80.0..70_000.0).log_scale();
    let title = "First page of 50 and exact count, by how many tasks a user has";
    chart(path, title, (x, "tasks of the user", &label), (0.0..top, "ms", &ms), 56, |chart| {
        let lines: [Line<crate::warm::Listing>; 4] = [
            ("request p95", RED, |list| list.ms.p95),
            ("request p50", ORANGE, |list| list.ms.p50),
            ("database p95", GREEN, |list| list.database_ms.p95),
            ("database p50", BLUE, |list| list.database_ms.p50),
        ];
        for (name, color, of) in lines {
            let points: Vec<(f64, f64)> =
                results.lists.iter().map(|list| (crate::report::float(list.tasks), of(list))).collect();
            line(chart, name, color, points)?;
        }
        legend(chart, SeriesLabelPosition::UpperLeft)
    })
}

fn line<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    name: &str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let dots: Vec<_> = points.iter().map(|point| Circle::new(*point, 3, color.filled())).collect();
    chart
        .draw_series(LineSeries::new(points, color.stroke_width(2)))?
        .label(name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    chart.draw_series(dots)?;
    Ok(())
}

fn throughput(results: &Results, path: &Path) -> Drawn {
    let right = results.ramp.iter().map(|step| step.achieved).fold(100.0, f64::max) * 1.08;
    let slowest = results.ramp.iter().map(|step| step.latency.p99).fold(10.0, f64::max);
    let top = 10_f64.powf(slowest.log10().ceil());
    let rate = |rate: &f64| format!("{rate:.0}");
    let title = "Latency against throughput, with everything on one machine";
    let x = (0.0..right, "requests answered per second", &rate as &dyn Fn(&f64) -> String);
    chart(path, title, x, ((0.1..top).log_scale(), "ms", &ms), 56, |chart| {
        let lines: [Line<crate::load::Step>; 3] = [
            ("p99", RED, |step| step.latency.p99),
            ("p95", ORANGE, |step| step.latency.p95),
            ("p50", BLUE, |step| step.latency.p50),
        ];
        for (name, color, of) in lines {
            line(chart, name, color, results.ramp.iter().map(|step| (step.achieved, of(step))).collect())?;
        }
        let budget = vec![(0.0, crate::budget::CROWD_P95), (right, crate::budget::CROWD_P95)];
        chart
            .draw_series(DashedLineSeries::new(budget, 6, 4, GRAY.stroke_width(2)))?
            .label("budget of p95, as set")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], GRAY.stroke_width(2)));
        legend(chart, SeriesLabelPosition::UpperLeft)
    })
}

fn cold_start(results: &Results, path: &Path) -> Drawn {
    let right = results.cold.iter().map(|cold| cold.init_ms.p50 + cold.first_ms.p50).fold(1.0, f64::max) * 1.1;
    let functions: Vec<&str> = results.cold.iter().rev().map(|cold| cold.function.as_str()).collect();
    let count = crate::report::float(functions.len());
    let label = |place: &f64| {
        let found = functions.iter().zip(0_u32..).find(|(_, number)| (f64::from(*number) - place).abs() < 0.01);
        found.map_or_else(String::new, |(name, _)| (*name).to_owned())
    };
    let y = -0.6..count - 0.4;
    let title = "A cold start: from the start of the process to the first answer (medians)";
    chart(path, title, (0.0..right, "ms", &|ms: &f64| format!("{ms:.0}")), (y, "", &label), 70, |chart| {
        let floor = results.cold(crate::question::FLOOR).map_or(0.0, |floor| floor.init_ms.p50);
        let parts = [
            ("init, of an empty function", GRAY),
            ("init, beyond that", BLUE),
            ("first request: connecting and the database", ORANGE),
            ("first request: everything else", GREEN),
        ];
        for (number, (name, color)) in parts.into_iter().enumerate() {
            let bars = results.cold.iter().rev().zip(0_u32..).map(|(cold, place)| {
                let (init, first) = (cold.init_ms.p50, cold.first_ms.p50);
                let database = cold.first_database_ms.min(first);
                let ends = [0.0, floor.min(init), init, init + database, init + first];
                let middle = f64::from(place);
                let corners = [(ends[number], middle - 0.32), (ends[number + 1], middle + 0.32)];
                Rectangle::new(corners, color.filled())
            });
            chart
                .draw_series(bars)?
                .label(name)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        }
        legend(chart, SeriesLabelPosition::UpperRight)
    })
}
