//! Owns the picture of a comparison: a bar for each contender, and a line from the least to the most.

use std::path::Path;

use plotters::prelude::*;

use super::outcome::{Outcome, Spread};

type Failure = Box<dyn std::error::Error>;

const WIDTH: u32 = 1_100;
const PANEL_HEIGHT: u32 = 360;
const PANELS: [(&str, &str); 4] = [
    (
        "committed_per_second",
        "Committed transactions a second, pause of 1 s after each block",
    ),
    ("blocks_per_second", "Idle blocks a second, no pause"),
    ("answers_per_second", "Reads answered a second"),
    (
        "replayed_per_second",
        "Transactions a second that a late node replays",
    ),
];

/// Writes it as SVG.
pub(super) fn write(outcome: &Outcome, path: &Path) -> Result<(), Failure> {
    let panels: Vec<_> = PANELS
        .iter()
        .map(|(figure, title)| (*title, outcome.bars(figure)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let count = panels.len().max(1);
    let height = PANEL_HEIGHT.saturating_mul(u32::try_from(count)?);
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let areas = area.split_evenly((count, 1));
    for (area, (title, bars)) in areas.iter().zip(&panels) {
        panel(area, title, bars)?;
    }
    area.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    bars: &[(&str, Spread)],
) -> Result<(), Failure> {
    let most = bars.iter().map(|(_, bar)| bar.most).fold(1.0, f64::max);
    let count = i32::try_from(bars.len())?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (0..count.saturating_sub(1)).into_segmented(),
            0.0..most * 1.1,
        )?;
    let name = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(place) => usize::try_from(*place)
            .ok()
            .and_then(|place| bars.get(place))
            .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(bars.len())
        .x_label_formatter(&name)
        .draw()?;
    for (place, (_, bar)) in (0..count).zip(bars) {
        let from = (SegmentValue::Exact(place), 0.0);
        let to = (SegmentValue::Exact(place.saturating_add(1)), bar.median);
        let mut shape = Rectangle::new([from, to], RGBColor(70, 120, 180).filled());
        shape.set_margin(0, 0, 14, 14);
        chart.draw_series([shape])?;
        let line = [
            (SegmentValue::CenterOf(place), bar.least),
            (SegmentValue::CenterOf(place), bar.most),
        ];
        chart.draw_series([PathElement::new(line, BLACK.stroke_width(2))])?;
        let label = Text::new(
            format!("{}", bar.median),
            (SegmentValue::CenterOf(place), bar.most + most * 0.05),
            ("sans-serif", 14),
        );
        chart.draw_series([label])?;
    }
    Ok(())
}
