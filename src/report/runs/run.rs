//! The page of one run, or of one file of logits.

use super::material::{Facet, Group, Member, Named};
use super::words::{count, percent};
use super::{calibration, classes, confidence, headline, net, pictures, provenance, training};
use crate::chart::Palette;
use crate::check::Checked;
use crate::data::Dataset;
use crate::diag::SourceMap;
use crate::report::page::{Block, Page, Section, Tone};
use crate::store::StoreError;
use crate::study::RunState;

/// What is known of a run beside what it stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The checked net with its texts.
    pub net: Option<(&'a Checked, &'a SourceMap)>,
    /// The text of its spec.
    pub spec: Option<&'a str>,
    /// Its data.
    pub data: Option<&'a Dataset>,
    /// Why the data is not at hand.
    pub no_data: Option<&'a str>,
    /// Why it ended in an error.
    pub failure: Option<&'a str>,
}

/// The page; the member has the detail of samples.
///
/// # Errors
/// [`StoreError`] where a file of the run is damaged.
pub fn run_page(member: &Member, known: Known<'_>) -> Result<Page, StoreError> {
    let named = Named::of(known.data);
    let facets = splits(member);
    let note = "";
    let mut sections = vec![standing(member, known.failure), headline::section(member)];
    sections.push(training::of_run(member));
    sections.push(confidence::section(&facets, note, |m| m.test.as_ref()));
    sections.push(calibration::section(&facets, note, |m| m.test.as_ref()));
    sections.push(classes::of_run(member, |m| m.test.as_ref(), &named, note));
    if let Some(samples) = member.test.as_ref().and_then(|taken| taken.samples.as_ref()) {
        sections.push(pictures::section(samples, known.data, &named, known.no_data));
    }
    sections.extend(known.net.map(|(checked, sources)| net::section(checked, sources)));
    if let Some(text) = known.spec {
        let section = Section::new("spec", "Spec", "With every setting and default written out.");
        sections.push(section.with(Block::Spec(text.to_owned())));
    }
    sections.push(provenance::section(member)?);
    let kind = if member.row.is_some() { "Run" } else { "Logits" }.to_owned();
    Ok(Page { title: title(member), kind, lead: lead(member), sections })
}

/// Training and test set as groups of one run each.
fn splits(member: &Member) -> Vec<Facet> {
    let palette = Palette::new(["training", "test"]);
    let group = |label: &str, member: Member| Group {
        label: label.to_owned(),
        slot: palette.slot(label),
        members: vec![member],
    };
    let bare = |test| Member { test, train: None, epochs: vec![], steps: vec![], ..member.clone() };
    let mut groups = vec![];
    if let Some(train) = &member.train {
        groups.push(group("training", bare(Some(train.clone()))));
    }
    if let Some(test) = &member.test {
        let label = if member.row.is_some() { "test" } else { "" };
        let mut group = group("test", bare(Some(test.clone())));
        label.clone_into(&mut group.label);
        groups.push(group);
    }
    vec![Facet { name: String::new(), groups }]
}

fn title(member: &Member) -> String {
    let name = std::path::Path::new(&member.name);
    let last =
        name.file_name().map_or(member.name.clone(), |name| name.to_string_lossy().into_owned());
    let labels = member.row.iter().flat_map(|row| &row.labels);
    let labels: Vec<String> = labels.map(|(axis, label)| format!("{axis} = {label}")).collect();
    if labels.is_empty() { last } else { format!("{last} · {}", labels.join(", ")) }
}

fn lead(member: &Member) -> String {
    let Some(row) = &member.row else {
        return match &member.test {
            Some(taken) => format!(
                "{} of {} classes, measured at scale {}.",
                count(taken.n, "sample"),
                taken.classes,
                super::words::number(Some(taken.scale))
            ),
            None => "The scale of probabilities is not finite, so that nothing can be measured."
                .to_owned(),
        };
    };
    let seed = row.run.identity().seed;
    match member.summary() {
        Some(summary) => format!(
            "Seed {seed}, {}: {} of the test samples and {} of the training samples are classified right.",
            count(summary.epochs as usize, "epoch"),
            percent(summary.test.accuracy),
            percent(summary.train.accuracy)
        ),
        None => format!("Seed {seed}, {} so far.", count(row.epochs as usize, "epoch")),
    }
}

/// What is said of a run that is not finished.
fn standing(member: &Member, failure: Option<&str>) -> Section {
    let section = Section::new("state", "State", "");
    let Some(row) = &member.row else { return section };
    let so_far = "What stands here is what is there so far; measures of samples come with the end of the run.";
    let text = match row.state {
        RunState::Done => return section,
        RunState::Running => format!("This run is not finished: it is running. {so_far}"),
        RunState::Stopped | RunState::Stale | RunState::New => format!(
            "This run is not finished: it is {} and goes on with `specc train --resume`. {so_far}",
            row.state.name()
        ),
        RunState::Failed => format!("This run ended in an error. {so_far}"),
    };
    let section = section.with(Block::Note(Tone::Warning, text));
    match failure {
        Some(text) => section.with(Block::Words(text.trim_end().to_owned())),
        None => section,
    }
}

impl Named {
    /// The names that a data set has.
    pub fn of(data: Option<&Dataset>) -> Self {
        let names = |of: Option<&Vec<String>>| of.cloned().unwrap_or_default();
        Self {
            classes: names(data.and_then(|data| data.class_names.as_ref())),
            super_classes: names(data.and_then(|data| data.coarse_names.as_ref())),
        }
    }
}
