//! A drawing as SVG: coordinates to a tenth of a pixel, text escaped, a title and a description for screen readers.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Fill, Mark, Stroke, Text};
use super::geometry::{Point, Rect};
use super::palette::{Marker, Paint, Theme};
use super::text::FONT;

/// Where the colours come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    /// From CSS variables of the page, the light theme without them.
    Page,
    /// Fixed, with a ground of its own.
    Fixed(Theme),
}

/// What a drawing is called by readers that do not see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// The start of all ids inside; unique in the page.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) finding: &'a str,
    /// The class of the root element.
    pub(super) class: &'a str,
}

/// The drawing as an `svg` element.
pub(super) fn svg(drawing: &Drawing, names: &Names<'_>, colours: Colours) -> String {
    let (width, height) = (pixels(drawing.width), pixels(drawing.height));
    let Names { id, title, finding, class } = names;
    let (id, class) = (escaped(id), escaped(class));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-finding\" \
         font-family=\"{FONT}\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-finding\">{}</desc>\n",
        escaped(title),
        escaped(finding),
    );
    // Writing to a string cannot fail.
    if matches!(colours, Colours::Fixed(_)) {
        let _ = writeln!(
            out,
            "<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
            colour(Paint::Paper, colours)
        );
    }
    for mark in &drawing.marks {
        match mark {
            Mark::Lines { lines, stroke } => {
                let path: String = lines.iter().map(|line| path(line, false)).collect();
                let _ =
                    writeln!(out, "<path d=\"{path}\" fill=\"none\"{}/>", stroked(stroke, colours));
            }
            Mark::Area { corners, fill, opacity } => {
                let (path, fill) = (path(corners, true), colour(*fill, colours));
                let _ = writeln!(out, "<path d=\"{path}\" fill=\"{fill}\"{}/>", faded(*opacity));
            }
            Mark::Rects { rects, fill, opacity } => {
                let (path, fill): (String, _) =
                    (rects.iter().map(rectangle).collect(), colour(*fill, colours));
                let _ = writeln!(out, "<path d=\"{path}\" fill=\"{fill}\"{}/>", faded(*opacity));
            }
            Mark::Dots { at, marker, radius, paint, fill } => {
                let path: String = at.iter().map(|at| dot(*at, *marker, *radius)).collect();
                let _ = writeln!(
                    out,
                    "<path d=\"{path}\"{}/>",
                    filled(*paint, *fill, *marker, colours)
                );
            }
            Mark::Text(text) => write_text(&mut out, text, colours),
        }
    }
    out.push_str("</svg>\n");
    out
}

fn write_text(out: &mut String, text: &Text, colours: Colours) {
    let anchor = match text.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let bold = if text.bold { " font-weight=\"700\"" } else { "" };
    let (x, y) = (pixels(text.at.0), pixels(text.at.1));
    let turned =
        if text.turned { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor}{bold}{turned} fill=\"{}\">{}</text>",
        pixels(text.size),
        colour(text.paint, colours),
        escaped(&text.content),
    );
}

fn colour(paint: Paint, colours: Colours) -> String {
    match colours {
        Colours::Page => format!("var({},{})", paint.variable(), paint.hex(Theme::Light)),
        Colours::Fixed(theme) => paint.hex(theme).to_owned(),
    }
}

fn stroked(stroke: &Stroke, colours: Colours) -> String {
    let mut out = format!(
        " stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"",
        colour(stroke.paint, colours),
        pixels(stroke.width)
    );
    if !stroke.dash.is_empty() {
        let dash: Vec<String> = stroke.dash.iter().map(|length| pixels(*length)).collect();
        let _ = write!(out, " stroke-dasharray=\"{}\"", dash.join(" "));
    }
    if stroke.opacity < 1.0 {
        let _ = write!(out, " stroke-opacity=\"{:.2}\"", stroke.opacity);
    }
    out
}

fn faded(opacity: f64) -> String {
    if opacity < 1.0 { format!(" fill-opacity=\"{opacity:.2}\"") } else { String::new() }
}

/// Bars that cross have no inside: they are stroked whatever their fill.
fn filled(paint: Paint, fill: Fill, marker: Marker, colours: Colours) -> String {
    let own = colour(paint, colours);
    if matches!(marker, Marker::Plus | Marker::Cross) {
        let opacity = if fill == Fill::Faint { " stroke-opacity=\"0.55\"" } else { "" };
        return format!(" fill=\"none\" stroke=\"{own}\" stroke-width=\"1.8\"{opacity}");
    }
    match fill {
        Fill::Full => {
            let ground = colour(Paint::Paper, colours);
            format!(" fill=\"{own}\" stroke=\"{ground}\" stroke-width=\"1\"")
        }
        Fill::Hollow => {
            let ground = colour(Paint::Paper, colours);
            format!(" fill=\"{ground}\" stroke=\"{own}\" stroke-width=\"1.6\"")
        }
        Fill::Faint => format!(" fill=\"{own}\" fill-opacity=\"0.45\""),
    }
}

fn path(points: &[Point], closed: bool) -> String {
    let mut out = String::new();
    let mut last = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let point = format!("{} {}", pixels(*x), pixels(*y));
        if i > 0 && point == last && points.len() > 2 {
            continue;
        }
        out.push(if i == 0 { 'M' } else { 'L' });
        out.push_str(&point);
        last = point;
    }
    if closed {
        out.push('Z');
    }
    out
}

fn rectangle(rect: &Rect) -> String {
    format!(
        "M{} {}h{}v{}h-{}z",
        pixels(rect.x),
        pixels(rect.y),
        pixels(rect.width),
        pixels(rect.height),
        pixels(rect.width)
    )
}

/// The outline of a marker; all have about the area of the disc.
fn dot((x, y): Point, marker: Marker, r: f64) -> String {
    let corners = |parts: &[Point]| {
        let points: Vec<Point> = parts.iter().map(|(dx, dy)| (x + dx * r, y + dy * r)).collect();
        path(&points, true)
    };
    match marker {
        Marker::Circle => {
            let (d, r) = (pixels(2.0 * r), pixels(r));
            let (left, y) = (pixels(x - r.parse().unwrap_or(0.0)), pixels(y));
            format!("M{left} {y}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z")
        }
        Marker::Square => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        Marker::Up => corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
        Marker::Down => corners(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
        Marker::Diamond => corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
        Marker::Pentagon => {
            corners(&[(0.0, -1.1), (1.05, -0.34), (0.65, 0.9), (-0.65, 0.9), (-1.05, -0.34)])
        }
        Marker::Plus => {
            path(&[(x - r, y), (x + r, y)], false) + &path(&[(x, y - r), (x, y + r)], false)
        }
        Marker::Cross => {
            let d = 0.8 * r;
            path(&[(x - d, y - d), (x + d, y + d)], false)
                + &path(&[(x - d, y + d), (x + d, y - d)], false)
        }
    }
}

/// To a tenth, without a trailing zero or a sign of zero.
fn pixels(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for XML: markup escaped, characters that XML forbids replaced.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// The same for HTML, with what stands in a pair of backticks as `code` elements.
pub(crate) fn marked(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, (inside, after))) =
        rest.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
    {
        out.extend([&escaped(before), "<code>", &escaped(inside), "</code>"]);
        rest = after;
    }
    out + &escaped(rest)
}

#[cfg(test)]
mod tests {
    use super::{escaped, marked, pixels};

    #[test]
    fn pairs_of_backticks_are_code() {
        assert_eq!(marked("`a<b` is a `c`."), "<code>a&lt;b</code> is a <code>c</code>.");
        assert_eq!(marked("one ` alone"), "one ` alone");
    }

    #[test]
    fn markup_is_escaped_and_numbers_are_short() {
        assert_eq!(escaped("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\u{fffd}");
        assert_eq!([pixels(-0.04), pixels(12.0), pixels(12.34)], ["0", "12", "12.3"]);
    }
}
