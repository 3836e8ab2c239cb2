//! How runs were trained: loss and accuracy by epoch; well share, scales, norms, angles and rates by step.

use std::collections::BTreeMap;

use super::curves::{Curve, Wanted, chart};
use super::material::{Facet, Member, members};
use super::words::{count, percent};
use crate::chart::{Axis, Chart, Palette, Panel, Series, Slot};
use crate::report::page::{Figure, Section};
use crate::train::{EpochRecord, LayerScale, Means, StepRecord};

/// What figures by step rest on.
const LOGGED: &str = "Values before the update of every logged step.";

/// Layers of a figure; the caption tells of those beyond.
const LAYERS: usize = 12;

/// What a figure by step shows of a layer.
type OfLayer = fn(&LayerScale) -> Option<f64>;

/// What a figure by step shows of a run.
type OfStep = fn(&StepRecord) -> Option<f64>;

/// The training of one run.
pub(super) fn of_run(member: &Member) -> Section {
    let epochs = &member.epochs;
    let finding = match epochs.last() {
        Some(last) => format!(
            "After {} the net is right on {} of the training and {} of the test samples.",
            count(epochs.len(), "epoch"),
            percent(Some(last.train.accuracy)),
            percent(Some(last.test.accuracy))
        ),
        None => String::new(),
    };
    let mut section = Section::new("training", "Training", finding);
    let epoch = || Axis::new("epoch").count();
    let about = "Training values are running means over the batches of an epoch, test values are taken after it.";
    let splits = Palette::new(["training", "test", "held out"]);
    if !epochs.is_empty() {
        let panel = |y: Axis, of: fn(&Means) -> f64| {
            let curve = |part: fn(&EpochRecord) -> Option<Means>| -> Curve {
                let value = |e: &EpochRecord| Some((e.epoch as f64, of(&part(e)?)));
                epochs.iter().filter_map(value).collect()
            };
            let line = |name, part| Series::line(name, splits.slot(name), curve(part));
            let panel = Panel::new(epoch(), y)
                .with(line("training", |e| Some(e.train)))
                .with(line("test", |e| Some(e.test)));
            let is_held_out = epochs.iter().any(|e| e.val.is_some());
            if is_held_out { panel.with(line("held out", |e| e.val)) } else { panel }
        };
        let losses = epochs.iter().flat_map(|e| [Some(e.train), e.val, Some(e.test)]);
        let loss = panel(loss_axis(losses.flatten().map(|means| means.loss)), |m| m.loss);
        let accuracy = panel(Axis::new("accuracy").percent(), |m| m.accuracy);
        let best = epochs.iter().max_by(|a, b| a.test.accuracy.total_cmp(&b.test.accuracy));
        let best = best.map_or(String::new(), |best| {
            format!(
                "The test accuracy is highest after epoch {}: {}.",
                best.epoch,
                percent(Some(best.test.accuracy))
            )
        });
        let lowest = epochs.iter().min_by(|a, b| a.test.loss.total_cmp(&b.test.loss));
        let lowest = lowest.map_or(String::new(), |lowest| {
            format!("The test loss is lowest after epoch {}.", lowest.epoch)
        });
        section = section
            .with(Figure::lead("accuracy", Chart::new("Accuracy", best, about, accuracy)))
            .with(Figure::lead("loss", Chart::new("Loss", lowest, about, loss)));
    }
    by_steps(section, &member.steps)
}

/// What was logged at steps: well share, R, scales, layers, rate.
fn by_steps(mut section: Section, steps: &[StepRecord]) -> Section {
    let colour = Slot(0);
    let step = || Axis::new("step").count();
    let by_step = |of: OfStep| -> Curve {
        steps.iter().filter_map(|s| Some((s.step as f64, of(s)?))).collect()
    };
    let single = |title: &str, finding: &str, y: Axis, of: OfStep| {
        let curve = by_step(of);
        let panel = Panel::new(step(), y).with(Series::line("", colour, curve));
        Chart::new(title, finding, LOGGED, panel)
    };
    let has = |of: OfStep| steps.iter().any(|s| of(s).is_some());
    if has(|s| s.well) {
        let y = Axis::new("well classified in the batch").percent();
        let finding = "Samples of the batch with a margin of at least delta.";
        section =
            section.with(Figure::small("well", single("Well classified", finding, y, |s| s.well)));
    }
    if has(|s| s.size) {
        let chart = single("Size of the parameters", "", Axis::new("R"), |s| s.size);
        section = section.with(Figure::small("size", chart));
    }
    if let Some(chart) = scales(steps) {
        section = section.with(Figure::small("scales", chart));
    }
    let layers: [(&str, &str, &str, Axis, OfLayer); 3] = [
        ("norms", "Norm of each layer", "", Axis::new("‖θ‖"), |l| Some(l.norm)),
        ("angles", "Turn of each layer in a step", "", Axis::new("angle (radians)").log(), |l| {
            l.angle.filter(|angle| *angle > 0.0)
        }),
        (
            "rates",
            "Effective learning rate of each layer",
            "The rate that the direction of a scale-free layer feels.",
            Axis::new("lr / ‖θ‖²").log(),
            |l| l.effective_lr.filter(|rate| *rate > 0.0),
        ),
    ];
    for (id, title, finding, y, of) in layers {
        if let Some(chart) = by_layer(steps, (title, finding), y, of) {
            section = section.with(Figure::small(id, chart));
        }
    }
    if !steps.is_empty() {
        let chart = single("Learning rate", "", Axis::new("lr"), |s| Some(s.lr));
        section = section.with(Figure::small("lr", chart));
    }
    section
}

/// A logarithmic axis where the losses span more than a decade.
fn loss_axis(losses: impl Iterator<Item = f64>) -> Axis {
    let positive: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    let low = positive.iter().copied().fold(f64::INFINITY, f64::min);
    let high = positive.iter().copied().fold(0.0, f64::max);
    let axis = Axis::new("loss");
    if low > 0.0 && high > 10.0 * low { axis.log() } else { axis }
}

fn scales(steps: &[StepRecord]) -> Option<Chart> {
    let mut curves: BTreeMap<&str, Curve> = BTreeMap::new();
    for step in steps {
        for (name, value) in &step.scales {
            curves.entry(name).or_default().push((step.step as f64, *value));
        }
    }
    let palette = Palette::new(curves.keys().copied());
    let panel = curves
        .iter()
        .fold(Panel::new(Axis::new("step").count(), Axis::new("scale")), |panel, (name, curve)| {
            panel.with(Series::line(*name, palette.slot(name), curve.clone()))
        });
    (!curves.is_empty()).then(|| Chart::new("Scales of the loss", "", LOGGED, panel))
}

fn by_layer(
    steps: &[StepRecord],
    (title, finding): (&str, &str),
    y: Axis,
    of: OfLayer,
) -> Option<Chart> {
    let names: Vec<&String> = steps.first()?.layers.keys().collect();
    let palette = Palette::new(names.iter().map(|name| name.as_str()));
    let mut panel = Panel::new(Axis::new("step").count(), y);
    let mut shown = 0;
    for name in names.iter().take(LAYERS) {
        let curve: Curve =
            steps.iter().filter_map(|s| Some((s.step as f64, of(s.layers.get(*name)?)?))).collect();
        if !curve.is_empty() {
            panel = panel.with(Series::line(name.as_str(), palette.slot(name), curve));
            shown += 1;
        }
    }
    let note = match names.len() {
        n if n > LAYERS => format!("{LOGGED} The first {LAYERS} of {n} layers."),
        _ => LOGGED.to_owned(),
    };
    (shown > 0).then(|| Chart::new(title, finding, note, panel))
}

/// The training of groups.
pub(super) fn of_groups(facets: &[Facet], note: &str) -> Section {
    let mut section = Section::new("training", "Training", "");
    let epoch = || Axis::new("epoch").count();
    let wanted = |title, x: Axis, y: Axis| Wanted {
        title,
        note: note.to_owned(),
        x,
        y,
        rules: vec![],
        extra: vec![],
    };
    let by_epoch = |of: fn(&EpochRecord) -> f64| {
        move |member: &Member| -> Option<Curve> {
            let points = member.epochs.iter().map(|e| (e.epoch as f64, of(e)));
            Some(points.collect())
        }
    };
    let share = |name: &str| Axis::new(name).percent();
    let of_loss = |of: fn(&EpochRecord) -> f64| {
        loss_axis(members(facets).flat_map(|m| m.epochs.iter().map(of)))
    };
    let lead = [
        chart(
            facets,
            wanted("Test accuracy", epoch(), share("test accuracy")),
            by_epoch(|e| e.test.accuracy),
        ),
        chart(
            facets,
            wanted("Training accuracy", epoch(), share("training accuracy")),
            by_epoch(|e| e.train.accuracy),
        ),
    ];
    for (id, chart) in ["test-accuracy", "train-accuracy"].into_iter().zip(lead) {
        section = chart.into_iter().fold(section, |s, chart| s.with(Figure::lead(id, chart)));
    }
    let step = || Axis::new("step").count();
    let by_step = |of: OfStep| {
        move |member: &Member| -> Option<Curve> {
            Some(member.steps.iter().filter_map(|s| Some((s.step as f64, of(s)?))).collect())
        }
    };
    let small = [
        (
            "test-loss",
            chart(
                facets,
                wanted("Test loss", epoch(), of_loss(|e| e.test.loss)),
                by_epoch(|e| e.test.loss),
            ),
        ),
        (
            "train-loss",
            chart(
                facets,
                wanted("Training loss", epoch(), of_loss(|e| e.train.loss)),
                by_epoch(|e| e.train.loss),
            ),
        ),
        (
            "well",
            chart(
                facets,
                wanted("Well classified", step(), share("well classified in the batch")),
                by_step(|s| s.well),
            ),
        ),
        (
            "size",
            chart(
                facets,
                wanted("Size of the parameters", step(), Axis::new("R")),
                by_step(|s| s.size),
            ),
        ),
        (
            "ratio",
            chart(
                facets,
                wanted("Ratio of the scales", step(), Axis::new("r2 / r1")),
                by_step(|s| s.r2_over_r1),
            ),
        ),
    ];
    for (id, chart) in small {
        section = chart.into_iter().fold(section, |s, chart| s.with(Figure::small(id, chart)));
    }
    section
}
