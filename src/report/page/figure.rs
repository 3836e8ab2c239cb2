//! A figure of a page: words, drawings for the widths that it may have, its numbers, and what can be taken along.

use super::block::{Figure, LabelledTable, Picture, Weight};
use super::encode::{data_link, escaped};
use crate::chart::{Size, marked};

/// As a `figure` element.
pub(super) fn figure(figure: &Figure) -> String {
    let Figure { id, chart, weight } = figure;
    let (class, sizes): (&str, &[Size]) = match weight {
        Weight::Lead => ("lead", &Size::ALL),
        Weight::Small => ("small", &[Size::Narrow]),
    };
    let (id, title) = (escaped(id), escaped(chart.title()));
    let mut out = format!(
        "<figure class=\"chart {class}\" id=\"{id}\">\n<figcaption><h3 class=\"chart-title\">{title}</h3>"
    );
    if !chart.finding().is_empty() {
        out.extend(["<p class=\"chart-finding\">", &marked(chart.finding()), "</p>"]);
    }
    out.push_str("</figcaption>\n");
    for size in sizes {
        out.push_str(&chart.svg(&format!("{id}-{}", size.name()), *size));
    }
    let caption = chart.caption();
    if !caption.is_empty() {
        out.extend(["<p class=\"chart-note\">", &marked(&caption), "</p>\n"]);
    }
    let table = chart.table();
    out.extend([
        "<details class=\"numbers\"><summary>Numbers and files</summary><p class=\"tools\">",
        "<button type=\"button\" class=\"take\" hidden>SVG</button> ",
        &csv_link(&id, &table.csv()),
        "</p><div class=\"chart-table\" tabindex=\"0\" role=\"region\" aria-label=\"",
        &title,
        ": numbers\">\n",
        &table.html(chart.title()),
        "</div></details>\n</figure>\n",
    ]);
    out
}

/// A table that stands alone.
pub(super) fn table(table: &LabelledTable) -> String {
    let title = escaped(&table.title);
    [
        "<div class=\"table chart\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"",
        &title,
        "\">\n",
        &table.visible().html(&table.title),
        "</div><p class=\"tools\">",
        &csv_link(&escaped(&table.id), &table.table.csv()),
        "</p></div>\n",
    ]
    .concat()
}

/// A drawing that is no chart.
pub(super) fn picture(picture: &Picture) -> String {
    let title = escaped(&picture.title);
    [
        "<figure class=\"picture\"><figcaption>",
        &title,
        "</figcaption><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"",
        &title,
        "\">\n",
        &picture.svg,
        "</div></figure>\n",
    ]
    .concat()
}

fn csv_link(id: &str, csv: &str) -> String {
    let link = data_link("text/csv", csv);
    format!("<a class=\"take\" download=\"{id}.csv\" href=\"{}\">CSV</a>", escaped(&link))
}
