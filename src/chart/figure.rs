//! A chart with its words: title, finding, caption. It becomes SVG, a figure of a page, a table, or a figure of a paper.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Text};
use super::geometry::Rect;
use super::palette::{Paint, Theme};
use super::pgf;
use super::plot::Plot;
use super::size::{Size, leading};
use super::svg::{self, Colours, Names, escaped, marked};
use super::table::Table;
use super::text;

/// Around the contents of a drawing that stands alone.
const MARGIN: f64 = 20.0;

/// A chart with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    title: String,
    finding: String,
    note: String,
    plot: Plot,
}

impl Chart {
    /// What is shown, the one sentence that it tells, and a note on where the data come from (runs, seeds, samples). The
    /// caption adds what bands mean, and what could not be drawn.
    pub fn new(
        title: impl Into<String>,
        finding: impl Into<String>,
        note: impl Into<String>,
        plot: impl Into<Plot>,
    ) -> Self {
        Self { title: title.into(), finding: finding.into(), note: note.into(), plot: plot.into() }
    }

    /// What is shown.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The one sentence that it tells.
    pub fn finding(&self) -> &str {
        &self.finding
    }

    /// The note, what bands mean, and how many values could not be drawn.
    pub fn caption(&self) -> String {
        let remarks = self.plot.remarks().text();
        [self.note.as_str(), &remarks]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Its numbers.
    pub fn table(&self) -> Table {
        self.plot.table()
    }

    /// The label of each curve with its values from left to right, for [`spark`](super::spark); none where it has no curves.
    pub fn lines(&self) -> Vec<(String, Vec<f64>)> {
        self.plot.lines()
    }

    /// The marks of the plot without title and caption, for a page that has them as text.
    pub fn drawing(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let area = Rect { x: 2.0, y: 2.0, width: size.width() - 4.0, height: size.plot_height() };
        drawing.height = (self.plot.draw(&mut drawing, area, size) + 2.0).ceil();
        drawing
    }

    /// The marks of the plot below its title and finding and above its caption.
    pub fn whole(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let (left, width) = (MARGIN, size.width() - 2.0 * MARGIN);
        let mut y = MARGIN - 4.0;
        let words = |drawing: &mut Drawing,
                     y: &mut f64,
                     text: &str,
                     font: f64,
                     most,
                     style: fn(Text) -> Text| {
            for line in text::wrap(text, font, font == size.heading(), width, most) {
                let height = leading(font);
                let text = Text::centred(line, (left, *y + height / 2.0), Anchor::Start, font);
                drawing.text(style(text));
                *y += height;
            }
        };
        words(&mut drawing, &mut y, &self.title, size.heading(), 3, Text::bold);
        y += 2.0;
        words(&mut drawing, &mut y, &self.finding, size.text() + 1.0, 6, |text| {
            text.paint(Paint::Muted)
        });
        let area = Rect { x: left, y: y + 12.0, width, height: size.plot_height() };
        y = self.plot.draw(&mut drawing, area, size) + 10.0;
        words(&mut drawing, &mut y, &self.caption(), size.small(), 12, |text| {
            text.paint(Paint::Muted)
        });
        drawing.height = (y + MARGIN - 6.0).ceil();
        drawing
    }

    /// The plot as an `svg` element for a page with [`style_sheet`](super::style_sheet); `id` begins every id inside and is
    /// unique in the page.
    pub fn svg(&self, id: &str, size: Size) -> String {
        let class = format!("chart-{}", size.name());
        svg::svg(&self.drawing(size), &self.names(id, &class), Colours::Page)
    }

    /// The chart as an SVG document of its own: words, ground and fixed colours inside.
    pub fn standalone(&self, size: Size, theme: Theme) -> String {
        svg::svg(&self.whole(size), &self.names("chart", "chart"), Colours::Fixed(theme))
    }

    /// A `figure` element: title and finding, the plot in three widths of which one is shown, the caption, and the numbers
    /// in a table that opens. `id` is unique in the page.
    pub fn figure(&self, id: &str) -> String {
        let (title, finding) = (escaped(&self.title), marked(&self.finding));
        let mut out = format!(
            "<figure class=\"chart\" id=\"{0}\">\n<figcaption><p class=\"chart-title\">{title}</p>\n\
             <p class=\"chart-finding\">{finding}</p></figcaption>\n",
            escaped(id)
        );
        for size in Size::ALL {
            out.push_str(&self.svg(&format!("{id}-{}", size.name()), size));
        }
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "<p class=\"chart-note\">{}</p>\n<details><summary>Numbers</summary>\
             <div class=\"chart-table\" tabindex=\"0\" role=\"region\" aria-label=\"{title}: numbers\">\n{}</div>\
             </details>\n</figure>\n",
            marked(&self.caption()),
            self.table().html(&self.title),
        );
        out
    }

    /// Source for a paper: a `tikzpicture` for `pgfplots`, with title and caption as comments.
    pub fn pgfplots(&self) -> String {
        pgf::source(&self.title, &self.caption(), &self.plot)
    }

    fn names<'a>(&'a self, id: &'a str, class: &'a str) -> Names<'a> {
        Names { id, title: &self.title, finding: &self.finding, class }
    }
}
