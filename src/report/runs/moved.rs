//! Where single test samples went between two groups, and the ones that moved most.

use super::material::{Group, Named};
use super::pictures::Pictures;
use super::tables::labelled;
use super::words::{count, number, percent};
use crate::chart::{Axis, Categories, Chart, Heat, Shade};
use crate::report::page::{Block, Figure, SampleCard, Section, Tone};
use crate::study::{Moves, SEEDS_MEANING, most_table, seeds_table};

/// The section; `groups` are those of the comparison, and `moves` tells of each but the first.
pub(super) fn section(
    groups: &[Group],
    moves: &[Moves],
    named: &Named,
    pictures: &Pictures,
) -> Section {
    let mut section = Section::new("moved", "Samples that moved", "");
    let [baseline, others @ ..] = groups else { return section };
    for (place, (moves, group)) in moves.iter().zip(others).enumerate() {
        let id = |what: &str| match place {
            0 => format!("moved-{what}"),
            place => format!("moved-{what}-{}", place + 1),
        };
        let between = format!("{} against {}", group.label, baseline.label);
        let chart = transitions(moves, &between, (&baseline.label, &group.label));
        let seeds = labelled(&id("seeds"), format!("{between}, by seed"), seeds_table(moves));
        section = section
            .with(Figure::lead(id("shares"), chart))
            .with(seeds)
            .with(Block::Note(Tone::Plain, format!("{SEEDS_MEANING}.")));
        let heading = format!("Moved most, {between}: change of the mean {}", moves.margin_name());
        let card = |moved: &crate::study::MovedSample| SampleCard {
            png: pictures.of(moved.sample).cloned(),
            title: named.class(moved.label),
            lines: vec![
                format!("{} → {}", number(Some(moved.baseline)), number(Some(moved.group))),
                format!("change {}", number(Some(moved.change()))),
                format!("sample {}", moved.sample),
            ],
        };
        section = section
            .with(Block::Heading(heading.clone()))
            .with(Block::Samples(moves.most.iter().map(card).collect()))
            .with(Block::More(
                "Their numbers".to_owned(),
                vec![labelled(&id("most"), heading, most_table(moves)).into()],
            ));
    }
    section
}

/// Shares of samples by where they were and where they are.
fn transitions(moves: &Moves, between: &str, (baseline, group): (&str, &str)) -> Chart {
    let [well, marginal, poor] = moves.transitions;
    let stayed = well[0] + marginal[1] + poor[2];
    let up = marginal[0] + poor[0] + poor[1];
    let finding = format!(
        "{} of the samples stay where they were, {} move up and {} down.",
        percent(Some(stayed)),
        percent(Some(up)),
        percent(Some((1.0 - stayed - up).max(0.0)))
    );
    let note = format!(
        "Well: {margin} above {mu}; poor: below −{mu}; marginal: between. Mean over {}.",
        count(moves.seeds.len(), "seed"),
        margin = moves.margin_name(),
        mu = moves.mu
    );
    let states = || Moves::STATES.map(str::to_owned).to_vec();
    let plot = Heat::new(
        Categories::new(format!("in {baseline}"), states()),
        Categories::new(format!("in {group}"), states()),
        Axis::new("share of the test samples").percent().range(0.0, 1.0),
        Shade::Root,
        moves.transitions.iter().map(|row| row.to_vec()).collect(),
    );
    Chart::new(format!("Where samples went, {between}"), finding, note, plot)
}
