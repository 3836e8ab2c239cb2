//! The page of groups of runs: a sweep, several runs, a comparison.

use super::material::{Facet, Member, Named, members};
use super::pictures::Pictures;
use super::words::{count, thousands};
use super::{
    calibration, claims, classes, confidence, differences, listing, moved, sharpness, training,
};
use crate::data::Dataset;
use crate::report::page::{Block, Page, Section};
use crate::study::{Comparison, Judged, Moves};

/// Groups, and what is known of them.
#[derive(Clone, Debug)]
pub struct Study {
    /// `Sweep`, `Runs`, `Comparison`.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// The groups under each combination of other axes.
    pub facets: Vec<Facet>,
    /// What the groups differ in: `loss`; and the facets: `train.lr`.
    pub axes: (String, String),
    /// The claims of its spec.
    pub claims: Vec<Judged>,
    /// The comparison with the first group, where that is asked for.
    pub comparison: Option<Comparison>,
    /// The text of its spec.
    pub spec: Option<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// The names of classes.
    pub named: Named,
    /// Pictures of the samples that moved most.
    pub pictures: Pictures,
}

impl Study {
    /// With the names and the pictures that its data has.
    #[must_use]
    pub fn with_data(mut self, data: &Dataset) -> Self {
        self.named = Named::of(Some(data));
        let most = self.moves().iter().flat_map(|moves| &moves.most);
        self.pictures = Pictures::new(data, most.map(|moved| (moved.sample, moved.label)));
        self
    }

    /// How samples moved, where that is asked for.
    fn moves(&self) -> &[Moves] {
        let comparison = self.comparison.as_ref();
        comparison.and_then(|comparison| comparison.samples.as_deref()).unwrap_or_default()
    }
}

/// The page.
pub fn groups_page(study: &Study) -> Page {
    let facets = &study.facets;
    let note = note(facets);
    let mut state = Section::new("state", "State", "");
    state.blocks.extend(listing::unfinished(facets));
    let warning = |text: &String| Block::Note(crate::report::page::Tone::Warning, text.clone());
    state.blocks.extend(study.notes.iter().map(warning));
    // Groups of a comparison make one facet.
    let groups = facets.first().map_or(&[][..], |facet| &facet.groups);
    let test: confidence::Split = |member| member.test.as_ref();
    let mut sections = vec![
        state,
        listing::results(facets, (&study.axes.0, &study.axes.1)),
        claims::section(&study.claims),
        differences::section(facets, study.comparison.as_ref()),
        sharpness::section(groups, study.comparison.as_ref()),
        moved::section(groups, study.moves(), &study.named, &study.pictures),
        training::of_groups(facets, &note),
        confidence::section(facets, &note, test),
        calibration::section(facets, &note, test),
        classes::of_groups(facets, test, &study.named, &note),
    ];
    if let Some(text) = &study.spec {
        sections.push(Section::new("spec", "Spec", "").with(Block::Spec(text.clone())));
    }
    sections.push(listing::runs(facets));
    Page { title: study.title.clone(), kind: study.kind.clone(), lead: lead(study), sections }
}

/// How many runs and samples figures rest on.
fn note(facets: &[Facet]) -> String {
    let runs = members(facets).count();
    let samples = members(facets).filter_map(|m| m.test.as_ref()).map(|t| t.n).max();
    let samples = samples.map_or(String::new(), |n| format!(", {} test samples", thousands(n)));
    format!("{}{samples}.", count(runs, "run"))
}

fn lead(study: &Study) -> String {
    let groups = study.facets.iter().map(|facet| facet.groups.len()).max().unwrap_or(0);
    let runs = members(&study.facets).count();
    let done = members(&study.facets).filter(|member| is_done(member)).count();
    let facets = match study.facets.len() {
        0 | 1 => String::new(),
        n => format!(" under {n} values of {}", study.axes.1),
    };
    let done = if done == runs { String::new() } else { format!(", {done} of them finished") };
    format!("{} of {}{facets}: {}{done}.", count(groups, "value"), study.axes.0, count(runs, "run"))
}

fn is_done(member: &Member) -> bool {
    member.row.is_none() || member.summary().is_some()
}
