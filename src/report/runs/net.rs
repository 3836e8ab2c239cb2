//! The net: its picture, its layers with their degrees, and how the logits scale.

use crate::chart::{Cell, Table};
use crate::check::Checked;
use crate::diag::SourceMap;
use crate::report::check;
use crate::report::page::{Block, LabelledTable, Picture, Section};
use crate::report::picture;

/// Columns of the verdict.
const COLUMNS: usize = 80;

/// The section.
pub(super) fn section(checked: &Checked, sources: &SourceMap) -> Section {
    let graph = checked.graph();
    let joint = &checked.exact().joint;
    let finding = match joint {
        Some(degree) => {
            format!("Scaling all parameters by c > 0 scales the logits by c to the power {degree}.")
        }
        None => "The logits have no degree in all parameters together.".to_owned(),
    };
    let none = || Cell::Text("none".to_owned());
    let mut rows: Vec<Vec<Cell>> = checked
        .layers()
        .iter()
        .map(|layer| {
            let written = graph.layer(layer.id);
            let number = |n: u64| if n == 0 { Cell::Empty } else { Cell::Number(n as f64) };
            let own = match &layer.own {
                None => Cell::Empty,
                Some(None) => none(),
                Some(Some(degree)) => Cell::Text(degree.to_string()),
            };
            vec![
                Cell::Text(written.name.clone()),
                Cell::Text(written.kind.clone()),
                Cell::Text(layer.shape.to_string()),
                number(layer.cost.params),
                number(layer.cost.flops),
                own,
            ]
        })
        .collect();
    let total = checked.total();
    rows.push(vec![
        Cell::Text("total".to_owned()),
        Cell::Empty,
        Cell::Empty,
        Cell::Number(total.params as f64),
        Cell::Number(total.flops as f64),
        joint.as_ref().map_or_else(none, |degree| Cell::Text(degree.to_string())),
    ]);
    let headings = ["layer", "kind", "shape", "parameters", "FLOP per sample", "degree"];
    Section::new("net", "Net", finding)
        .with(Block::Picture(Picture {
            id: "net".to_owned(),
            title: "Layers with shapes and degrees".to_owned(),
            svg: picture::svg(&picture::picture(checked, false)),
        }))
        .with(LabelledTable {
            id: "layers".to_owned(),
            title: "Layers, with the degree of the logits in the parameters of each".to_owned(),
            table: Table { headings: headings.map(str::to_owned).to_vec(), rows },
            shown: None,
        })
        .with(Block::More(
            "How the logits scale, in words".to_owned(),
            vec![Block::Words(check::text::verdict(checked, sources, COLUMNS))],
        ))
}
