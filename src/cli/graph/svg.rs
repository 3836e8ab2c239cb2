//! A picture as SVG; the one file that knows `layout-rs`, which places the boxes and bends the arrows.

use std::fmt::Write as _;

use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::picture::{Picture, Style};

/// Width of a character in pixels, generous for text of [`TEXT`] pixels.
const CHARACTER: f64 = 7.8;

/// Size of the text in pixels.
const TEXT: f64 = 13.0;

/// Distance of two lines of text in pixels.
const LINE: f64 = 16.0;

/// Free space around the picture in pixels.
const MARGIN: f64 = 16.0;

/// The picture as an SVG document.
pub fn svg(picture: &Picture) -> String {
    let mut graph = VisualGraph::new(Orientation::TopToBottom);
    // The layout looks for cycles along every path, of which residual nets have exponentially many. Arrows go from earlier to
    // later boxes and come sorted, so that its other search finds nothing behind an end yet.
    graph.dag.set_validate(false);
    let handles: Vec<_> = picture
        .boxes
        .iter()
        .map(|drawn| {
            let fill = match drawn.style {
                Style::End => 0xf3_f4_f6_ff,
                Style::Parameters => 0xdb_ea_fe_ff,
                Style::Plain => 0xff_ff_ff_ff,
                Style::Broken => 0xfe_ca_ca_ff,
            };
            let look = StyleAttr::new(
                Color::new(0x37_41_51_ff),
                1,
                Some(Color::new(fill)),
                4,
                TEXT as usize,
            );
            let longest = drawn.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            let width = CHARACTER * longest as f64 + MARGIN;
            let size = Point::new(width, LINE * drawn.lines.len() as f64 + MARGIN / 2.0);
            let shape = ShapeKind::new_box(&drawn.lines.join("\n"));
            graph.add_node(Element::create(shape, look, Orientation::TopToBottom, size))
        })
        .collect();
    for (from, to) in &picture.arrows {
        graph.add_edge(Arrow::simple(""), handles[*from], handles[*to]);
    }
    let mut canvas = Canvas::default();
    graph.do_it(false, false, false, &mut canvas);
    canvas.finish()
}

/// Collects shapes and the space they take.
#[derive(Default)]
struct Canvas {
    content: String,
    least: Option<(f64, f64)>,
    most: (f64, f64),
}

impl Canvas {
    fn cover(&mut self, x: f64, y: f64) {
        let least = self.least.unwrap_or((x, y));
        self.least = Some((least.0.min(x), least.1.min(y)));
        self.most = (self.most.0.max(x), self.most.1.max(y));
    }

    fn finish(self) -> String {
        let (left, top) = self.least.unwrap_or((0.0, 0.0));
        let (left, top) = (left - MARGIN, top - MARGIN);
        let (width, height) = (self.most.0 - left + MARGIN, self.most.1 - top + MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"{left:.0} {top:.0} {width:.0} {height:.0}\" font-family=\"sans-serif\" \
             font-size=\"{TEXT}\">\n\
             <defs><marker id=\"tip\" markerWidth=\"9\" markerHeight=\"7\" refX=\"9\" refY=\"3.5\" \
             orient=\"auto\"><polygon points=\"0 0, 9 3.5, 0 7\" fill=\"#374151\"/></marker></defs>\n\
             <rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             {}</svg>\n",
            self.content
        )
    }
}

impl RenderBackend for Canvas {
    fn draw_rect(
        &mut self,
        xy: Point,
        size: Point,
        look: &StyleAttr,
        _properties: Option<String>,
        _clip: Option<ClipHandle>,
    ) {
        self.cover(xy.x, xy.y);
        self.cover(xy.x + size.x, xy.y + size.y);
        let fill = look.fill_color.map_or_else(|| "none".to_owned(), |fill| fill.to_web_color());
        let _ = writeln!(
            self.content,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{}\" fill=\"{fill}\" \
             stroke=\"#374151\"/>",
            xy.x, xy.y, size.x, size.y, look.rounded,
        );
    }

    fn draw_line(&mut self, start: Point, stop: Point, _: &StyleAttr, _: Option<String>) {
        self.cover(start.x, start.y);
        self.cover(stop.x, stop.y);
        let _ = writeln!(
            self.content,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#374151\"/>",
            start.x, start.y, stop.x, stop.y,
        );
    }

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, xy: Point, text: &str, _: &StyleAttr) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let first = xy.y - LINE * (lines.len() as f64 - 1.0) / 2.0;
        for (i, line) in lines.iter().enumerate() {
            let y = first + LINE * i as f64;
            let weight = if i == 0 { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(
                self.content,
                "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" \
                 dominant-baseline=\"central\"{weight}>{}</text>",
                xy.x,
                escaped(line),
            );
        }
    }

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _dashed: bool,
        _head: (bool, bool),
        _look: &StyleAttr,
        _properties: Option<String>,
        _text: &str,
    ) {
        let [first, second, rest @ ..] = path else { return };
        for (a, b) in path {
            self.cover(a.x, a.y);
            self.cover(b.x, b.y);
        }
        let mut bends = format!(
            "M {:.1} {:.1} C {:.1} {:.1}, {:.1} {:.1}, {:.1} {:.1}",
            first.0.x,
            first.0.y,
            first.1.x,
            first.1.y,
            second.0.x,
            second.0.y,
            second.1.x,
            second.1.y,
        );
        for (control, end) in rest {
            let _ =
                write!(bends, " S {:.1} {:.1}, {:.1} {:.1}", control.x, control.y, end.x, end.y);
        }
        let _ = writeln!(
            self.content,
            "<path d=\"{bends}\" fill=\"none\" stroke=\"#374151\" marker-end=\"url(#tip)\"/>"
        );
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
