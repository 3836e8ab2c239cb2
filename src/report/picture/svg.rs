//! A picture as SVG.

use std::fmt::Write as _;

use super::place::{FRAME, LINE, PAD, Placed, Rect, TEXT, TITLE, place};
use super::{Picture, PictureBox};

/// From the middle of a line of text to its baseline, as a part of its size: viewers agree on numbers only.
const BASELINE: f64 = 0.35;

/// The picture as an SVG document.
pub fn svg(picture: &Picture) -> String {
    let Placed { boxes, frames, arrows, size: (width, height), .. } = place(picture);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" font-family=\"system-ui, sans-serif\" \
         font-size=\"{TEXT}\" fill=\"#1f2937\">\n\
         <title>Layers of the net, with shapes and degrees</title>\n\
         <defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"7\" refX=\"8\" refY=\"3.5\" orient=\"auto\">\
         <polygon points=\"0 0, 9 3.5, 0 7\" fill=\"#4b5563\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    // Writing to a string cannot fail.
    for (frame, rect) in picture.frames.iter().zip(&frames) {
        rectangle(&mut out, *rect, 8, "#f9fafb", "#d1d5db");
        let y = rect.y + FRAME.0 / 2.0 + BASELINE * TEXT;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{y:.1}\" fill=\"#4b5563\" font-weight=\"600\">{}</text>",
            rect.x + PAD.0,
            escaped(&frame.title()),
        );
    }
    for path in &arrows {
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#4b5563\" stroke-width=\"1.2\" marker-end=\"url(#tip)\"/>"
        );
    }
    for (drawn, rect) in picture.boxes.iter().zip(&boxes) {
        let (fill, line) = drawn.style.colours();
        rectangle(&mut out, *rect, 5, fill, line);
        text(&mut out, drawn, *rect);
    }
    out.push_str("</svg>\n");
    out
}

fn rectangle(out: &mut String, rect: Rect, round: u8, fill: &str, line: &str) {
    let _ = writeln!(
        out,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{line}\"/>",
        rect.x, rect.y, rect.width, rect.height,
    );
}

/// Title to the left and shape to the right of the first line, then the notes.
fn text(out: &mut String, drawn: &PictureBox, rect: Rect) {
    let middle = |line: usize| rect.y + PAD.1 + LINE * (line as f64 + 0.5);
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{TITLE}\" font-weight=\"bold\">{}</text>",
        rect.x + PAD.0,
        middle(0) + BASELINE * TITLE,
        escaped(&drawn.title),
    );
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#4b5563\">{}</text>",
        rect.right() - PAD.0,
        middle(0) + BASELINE * TEXT,
        escaped(&drawn.shape),
    );
    for (i, note) in drawn.notes.iter().enumerate() {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            rect.x + PAD.0,
            middle(i + 1) + BASELINE * TEXT,
            escaped(&note.to_string()),
        );
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
    }
}
