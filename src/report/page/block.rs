//! What a page consists of.

use crate::chart::{Chart, Table};

/// A report.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about: `lenet_cifar10 · two`.
    pub title: String,
    /// What kind of report it is: `Run`, `Sweep`.
    pub kind: String,
    /// What came out, in a sentence or two.
    pub lead: String,
    /// The parts in reading order; one without blocks is left out.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name in links, unique in the page.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// The one sentence that it tells; may be empty.
    pub finding: String,
    /// What it holds, in reading order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// An empty one.
    pub fn new(id: &'static str, title: impl Into<String>, finding: impl Into<String>) -> Self {
        Self { id, title: title.into(), finding: finding.into(), blocks: vec![] }
    }

    /// With one more block.
    #[must_use]
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }
}

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// A chart.
    Figure(Figure),
    /// A table of its own.
    Table(LabelledTable),
    /// A remark.
    Note(Tone, String),
    /// Numbers that stand out.
    Facts(Vec<Fact>),
    /// Names with values.
    List(Vec<(String, String)>),
    /// Claims with their verdicts.
    Claims(Vec<Claim>),
    /// The text of a spec.
    Spec(String),
    /// Lines of text as they are.
    Words(String),
    /// A heading within the section.
    Heading(String),
    /// A drawing.
    Picture(Picture),
    /// Samples as pictures.
    Samples(Vec<SampleCard>),
    /// What is shown on demand.
    More(String, Vec<Block>),
}

/// A chart with its place on the page.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its name in links and files, unique in the page.
    pub id: String,
    /// The chart.
    pub chart: Chart,
    /// How much room it takes.
    pub weight: Weight,
}

/// The room that a figure takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The whole width, drawn for three widths.
    Lead,
    /// A column of two or three.
    Small,
}

/// A table that is no data of a figure.
#[derive(Clone, Debug)]
pub struct LabelledTable {
    /// Its name in files, unique in the page.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The cells, every number by itself.
    pub table: Table,
    /// What readers see in place of them, where that reads better.
    pub shown: Option<Table>,
}

impl LabelledTable {
    /// A table that is shown as it is.
    pub fn new(id: &str, title: impl Into<String>, table: Table) -> Self {
        Self { id: id.to_owned(), title: title.into(), table, shown: None }
    }

    pub(super) fn visible(&self) -> &Table {
        self.shown.as_ref().unwrap_or(&self.table)
    }
}

/// How a note is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For understanding.
    Plain,
    /// Something is not as it should be.
    Warning,
}

/// A number that stands out.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The number as text.
    pub value: String,
    /// What it means or is compared with; may be empty.
    pub about: String,
}

/// A claim with its verdict.
#[derive(Clone, Debug)]
pub struct Claim {
    /// In words.
    pub claim: String,
    /// `holds`, `refuted`, `open`.
    pub verdict: String,
    /// Its lines with their numbers, one a line.
    pub lines: Vec<String>,
}

/// A drawing that is no chart.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its name in files, unique in the page.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// An `svg` element.
    pub svg: String,
}

/// A sample.
#[derive(Clone, Debug)]
pub struct SampleCard {
    /// A PNG file; none where the sample is no image.
    pub png: Option<Vec<u8>>,
    /// `cat → dog`.
    pub title: String,
    /// Its numbers, one a line.
    pub lines: Vec<String>,
}

impl From<Figure> for Block {
    fn from(figure: Figure) -> Self {
        Self::Figure(figure)
    }
}

impl From<LabelledTable> for Block {
    fn from(table: LabelledTable) -> Self {
        Self::Table(table)
    }
}

impl Figure {
    /// A figure over the whole width.
    pub fn lead(id: impl Into<String>, chart: Chart) -> Self {
        Self { id: id.into(), chart, weight: Weight::Lead }
    }

    /// A figure in a column.
    pub fn small(id: impl Into<String>, chart: Chart) -> Self {
        Self { id: id.into(), chart, weight: Weight::Small }
    }
}

impl Page {
    /// Every block with those inside others.
    pub(super) fn blocks(&self) -> Vec<&Block> {
        fn gather<'a>(blocks: &'a [Block], out: &mut Vec<&'a Block>) {
            for block in blocks {
                out.push(block);
                if let Block::More(_, inside) = block {
                    gather(inside, out);
                }
            }
        }
        let mut out = vec![];
        self.sections.iter().for_each(|section| gather(&section.blocks, &mut out));
        out
    }
}
