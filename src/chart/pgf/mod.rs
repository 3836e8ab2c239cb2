//! Charts as source for papers: `tikzpicture`s for the LaTeX package pgfplots (compat 1.16), without further libraries.

mod heat;
mod panel;
mod rows;
mod tex;

use super::plot::Plot;

/// The source of a plot; title and caption stand above as comments.
pub(super) fn source(title: &str, caption: &str, plot: &Plot) -> String {
    let picture = match plot {
        Plot::Panel(plot) => panel::panel(plot, None, plot.domains(), tex::WHOLE),
        Plot::Multiples(plot) => plot
            .panels()
            .iter()
            .enumerate()
            .map(|(i, (name, panel))| {
                let name = Some((name.as_str(), i == 0));
                let picture = panel::panel(panel, name, plot.domains(), tex::HALF);
                // Two in a line.
                picture + if i % 2 == 0 { "\\hfill\n" } else { "\\par\\noindent\n" }
            })
            .collect(),
        Plot::Heat(plot) => heat::heat(plot),
        Plot::Forest(plot) => rows::forest(plot),
        Plot::Strip(plot) => rows::strip(plot),
        Plot::Bars(plot) => rows::bars(plot),
        Plot::Reliability(plot) => {
            let (curve, share) = plot.panels();
            let curve = panel::panel(&curve, None, curve.domains(), tex::WHOLE);
            format!("{curve}\n{}", panel::panel(&share, None, share.domains(), tex::FLAT))
        }
    };
    tex::comment(&[title, caption]) + &picture
}
