//! The look of a page: one column that holds everything, figures in one to three columns, both themes, and paper.

use crate::chart::style_sheet;

/// The style sheet of pages with that of charts.
pub(super) fn style() -> String {
    style_sheet() + STYLE
}

const STYLE: &str = include_str!("page.css");
