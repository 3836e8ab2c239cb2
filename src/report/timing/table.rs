//! `specc time` for a terminal: at most 80 columns.

use std::fmt::Write as _;

use super::Report;
use super::rows::{LayerRow, PhaseRows, Sum, fallbacks, rows};
use crate::experiment::timing::{PhaseCosts, Walls};
use crate::grid::{Columns, Side, clip};
use crate::ir::{Layer, Part};

/// Columns of the names.
const NAME: usize = 24;

/// What to know of rows above the peak.
const BEYOND: &str = "
GFLOP/s count the operations of the plain algorithm: above 100 % of the peak are
kernels that leave some out (Winograd; gradients from the winners of a max pool)
";

/// The whole report; `kernels` lists calls too.
pub fn text(report: &Report<'_>, kernels: bool) -> String {
    let mut text = String::new();
    head(&mut text, report);
    for phase in &report.timed.phases {
        text.push('\n');
        phase_table(&mut text, report, phase);
        if kernels {
            calls(&mut text, report, phase);
        }
    }
    let beyond = |phase: &PhaseCosts| {
        phase.calls.iter().any(|call| Sum::of(call).gflops().unwrap_or(0.0) > report.peak.all)
    };
    if report.timed.phases.iter().any(beyond) {
        text.push_str(BEYOND);
    }
    let found = fallbacks(&report.timed.phases);
    if !found.is_empty() {
        text.push_str("\nwhere no fast kernel fits\n");
    }
    for fallback in found {
        let call = fallback.call;
        let layer = call.work.layer.map_or("loss", |id| report.layers[id.0 as usize].name.as_str());
        let line = report.compiled.sources.position(call.origin).line;
        line_of(&mut text, &format!("  {layer} (line {line}), {}", call.kernel));
        line_of(&mut text, &format!("    {}; {}", fallback.reason, fallback.phases.join(", ")));
    }
    text
}

/// Writing to a string cannot fail.
fn line_of(text: &mut String, line: &str) {
    let _ = writeln!(text, "{}", line.trim_end());
}

fn head(text: &mut String, report: &Report<'_>) {
    let timed = &report.timed;
    let data =
        if report.is_real { "samples of the data set" } else { "random samples: no data here" };
    line_of(
        text,
        &format!(
            "{}: batch {}, {}, {}, {} on {}",
            report.spec.name,
            timed.batch,
            report.dtype,
            timed.isa,
            report.executor,
            threads(report.threads)
        ),
    );
    line_of(text, &format!("{data}; learning rate 0; {} steps timed", timed.train.count()));
    let each = |walls: &Walls| match timed.replicas {
        1 => String::new(),
        n => format!("; {n} runs together, {} ms each", ms(walls.median() / n as f64)),
    };
    let walls = |what: &str, walls: &Walls| {
        format!(
            "{what:<11}{} ms median, {} fastest; {:.0} samples/s{}",
            ms(walls.median()),
            ms(walls.fastest()),
            1e3 * (timed.batch * timed.replicas) as f64 / walls.median().max(1e-9),
            each(walls)
        )
    };
    line_of(text, &walls("step", &timed.train));
    line_of(text, &walls("evaluation", &timed.eval));
    let peak = report.peak;
    let all = format!(", {:.1} on {}", peak.all, threads(report.threads));
    let all = if report.threads > 1 { all } else { String::new() };
    line_of(text, &format!("peak       {:.1} GFLOP/s on 1 thread{all}", peak.one));
}

fn threads(n: usize) -> String {
    if n == 1 { "1 thread".to_owned() } else { format!("{n} threads") }
}

fn phase_table(text: &mut String, report: &Report<'_>, phase: &PhaseCosts) {
    let rows = rows(phase, report.layers, report.timed.batch);
    let title = format!("phase {}", phase.name);
    let head = ["forward ms", "backward", "all ms", "GFLOP/s", "% peak", "MB"];
    let mut columns = columns(&title, head);
    let peak = report.peak.all;
    let none = Sum::default();
    let mut row = |name: &str, forward: &Sum, backward: &Sum, all: &Sum| {
        row_of(&mut columns, name, numbers([forward, backward, all], peak));
    };
    row("input", &rows.input, &none, &rows.input);
    for (layer, costs) in report.layers.iter().zip(&rows.layers) {
        let name = layer_name(layer, costs, report.layers);
        row(&name, &costs.forward, &costs.backward, &both(&costs.forward, &costs.backward));
    }
    let [forward, backward] = &rows.loss;
    row("loss, measures", forward, backward, &both(forward, backward));
    if rows.updates.calls > 0 {
        row("updates", &none, &none, &rows.updates);
    }
    tail(&mut columns, phase, &rows, peak);
    text.push_str(&columns.text());
}

fn tail(columns: &mut Columns, phase: &PhaseCosts, rows: &PhaseRows, peak: f64) {
    let alone = |ms_value: f64| {
        let mut cells: [String; 6] = std::array::from_fn(|_| String::new());
        cells[2] = ms(ms_value);
        cells
    };
    if phase.waiting > 0.0 {
        row_of(columns, "threads without work", alone(phase.waiting));
    }
    row_of(columns, "rest", alone(rows.rest));
    let total = Sum { ms: phase.ms, ..rows.total };
    let (forward, backward) = rows
        .layers
        .iter()
        .fold((both(&rows.input, &rows.loss[0]), rows.loss[1]), |(forward, backward), row| {
            (both(&forward, &row.forward), both(&backward, &row.backward))
        });
    row_of(columns, "total", numbers([&forward, &backward, &total], peak));
}

fn both(a: &Sum, b: &Sum) -> Sum {
    let mut sum = *a;
    sum.add(b);
    sum
}

/// `relu1 in conv1` where the layer has no steps of its own.
fn layer_name(layer: &Layer, costs: &LayerRow, layers: &[Layer]) -> String {
    match costs.computed_in.first() {
        Some(main) => format!("{} in {}", layer.name, layers[main.0 as usize].name),
        None => layer.name.clone(),
    }
}

fn calls(text: &mut String, report: &Report<'_>, phase: &PhaseCosts) {
    let head = ["part", "calls", "ms", "GFLOP/s", "% peak", "MB"];
    let mut columns = columns(&format!("kernels of {}", phase.name), head);
    for call in &phase.calls {
        let layer = call.work.layer.map(|id| report.layers[id.0 as usize].name.as_str());
        let name = format!("{} {}", layer.unwrap_or("-"), call.kernel);
        let sum = Sum::of(call);
        let [_, _, time, rate, share, bytes] = numbers([&sum; 3], report.peak.all);
        let part = match call.work.part {
            Part::Forward | Part::Backward | Part::Update => call.work.part.name().to_owned(),
        };
        row_of(&mut columns, &name, [part, call.calls.to_string(), time, rate, share, bytes]);
    }
    text.push('\n');
    text.push_str(&columns.text());
}

/// Forward, backward and all milliseconds, then rate, share of the peak and bytes of all.
fn numbers(sums: [&Sum; 3], peak: f64) -> [String; 6] {
    let all = sums[2];
    let time = |sum: &Sum| if sum.calls > 0 { ms(sum.ms) } else { "-".to_owned() };
    let rate = all.gflops();
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let bytes = (all.read + all.written) as f64 / 1e6;
    let share = rate.filter(|_| peak > 0.0).map(|rate| 100.0 * rate / peak);
    let bytes = if all.calls > 0 { format!("{bytes:.2}") } else { "-".to_owned() };
    [time(sums[0]), time(sums[1]), time(all), number(rate), number(share), bytes]
}

fn ms(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

/// A name and six numbers, in columns that are those of every table of a report.
fn columns(title: &str, head: [&str; 6]) -> Columns {
    let sides = [Side::Left].into_iter().chain([Side::Right; 6]);
    let mut columns = Columns::new(sides).at_least([NAME, 11, 9, 9, 9, 8, 9]).side_by_side();
    row_of(&mut columns, title, head.map(str::to_owned));
    columns
}

fn row_of(columns: &mut Columns, name: &str, values: [String; 6]) {
    columns.row([clip(name, NAME)].into_iter().chain(values));
}
