//! The figures and tables of a page as files for a paper.

use super::block::{Block, Page};
use crate::chart::{Size, Theme};

/// Names and contents: of each figure the drawing on white ground, the numbers and source for pgfplots, of each table the
/// numbers, of each picture the drawing.
pub fn files(page: &Page) -> Vec<(String, String)> {
    let mut files = vec![];
    for block in page.blocks() {
        match block {
            Block::Figure(figure) => {
                let (id, chart) = (&figure.id, &figure.chart);
                files.push((format!("{id}.svg"), chart.standalone(Size::Middle, Theme::Light)));
                files.push((format!("{id}.csv"), chart.table().csv()));
                files.push((format!("{id}.tex"), chart.pgfplots()));
            }
            Block::Table(table) => files.push((format!("{}.csv", table.id), table.table.csv())),
            Block::Picture(picture) => {
                files.push((format!("{}.svg", picture.id), picture.svg.clone()));
            }
            Block::Note(..)
            | Block::Facts(_)
            | Block::List(_)
            | Block::Claims(_)
            | Block::Spec(_)
            | Block::Words(_)
            | Block::Heading(_)
            | Block::Samples(_)
            | Block::More(..) => {}
        }
    }
    files
}
