//! Pictures of nets: tidy whatever the net, folded where blocks repeat, and true to the analysis.

use std::path::Path;

use specc::check::Checked;
use specc::report::picture::{Picture, Rect, Style, dot, picture, place, svg};

use crate::pipeline::compile;

fn checked(text: &str) -> Checked {
    let compiled = compile(Path::new("spec.net"), text, &[]);
    compiled.checked.unwrap_or_else(|| panic!("{text}\n{:?}", compiled.diagnostics))
}

const REST: &str = "loss cross_entropy\ntrain sgd(lr=0.1) { batch = 16  epochs = 1 }\n";

fn net(blocks: &str, body: &str) -> Checked {
    let data = "data synthetic(blobs, shape=[4, 8, 8], classes=3, n_train=64, n_test=8)";
    checked(&format!("{data}\n{blocks}\nnet n(allow=nonhomogeneous) {{\n{body}\n}}\n{REST}"))
}

const RESIDUAL: &str = "block res(c) {\n  let main = in -> batch_norm -> relu -> conv(c, kernel=3, pad=1)\n  \
    if channels(in) == c { out main + in } else { out main + (in -> conv(c, kernel=1)) }\n}";
const HEAD: &str = "global_avg_pool -> linear(classes)";

fn apart(a: Rect, b: Rect) -> bool {
    a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y
}

fn holds(outer: Rect, inner: Rect) -> bool {
    outer.x < inner.x
        && outer.y < inner.y
        && inner.right() < outer.right()
        && inner.bottom() < outer.bottom()
}

/// What must hold of every picture.
#[track_caller]
fn tidy(picture: &Picture) {
    let placed = place(picture);
    for (i, a) in placed.boxes.iter().enumerate() {
        for b in &placed.boxes[i + 1..] {
            assert!(apart(*a, *b), "{:?} and {b:?} overlap", picture.boxes[i]);
        }
        assert!(
            a.x >= 0.0 && a.y >= 0.0 && a.right() <= placed.size.0 && a.bottom() <= placed.size.1
        );
        let mut around = picture.boxes[i].frame;
        let mut inside = vec![];
        while let Some(frame) = around {
            inside.push(frame);
            around = picture.frames[frame].parent;
        }
        for (frame, rect) in placed.frames.iter().enumerate() {
            if inside.contains(&frame) {
                assert!(
                    holds(*rect, *a),
                    "{:?} leaves {:?}",
                    picture.boxes[i],
                    picture.frames[frame]
                );
            } else {
                assert!(apart(*rect, *a), "{:?} in {:?}", picture.boxes[i], picture.frames[frame]);
            }
        }
    }
    for (i, frame) in picture.frames.iter().enumerate() {
        if let Some(parent) = frame.parent {
            assert!(holds(placed.frames[parent], placed.frames[i]), "{frame:?}");
        }
    }
    // The longest path is one column.
    let middles = placed.boxes.iter().zip(&placed.main).filter(|(_, main)| **main);
    let middles: Vec<f64> = middles.map(|(rect, _)| rect.middle().0).collect();
    assert!(middles.len() > 2 && middles.iter().all(|x| *x == middles[0]));
    // Arrows lead down.
    for (from, to) in &picture.arrows {
        assert!(placed.boxes[*from].bottom() < placed.boxes[*to].y);
    }
    assert_eq!(placed.arrows.len(), picture.arrows.len());
    let drawn = svg(picture);
    assert_eq!(drawn.matches("<path").count(), picture.arrows.len());
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    assert!(dot(picture).matches("subgraph").count() == picture.frames.len());
}

fn layers(picture: &Picture) -> usize {
    picture.boxes.iter().map(|drawn| drawn.layers).sum()
}

#[test]
fn every_spec_is_drawn_tidily() {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("specs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let net = checked(&text);
        let (folded, whole) = (picture(&net, false), picture(&net, true));
        tidy(&folded);
        tidy(&whole);
        assert_eq!(layers(&folded), layers(&whole), "{}", path.display());
        assert_eq!(layers(&whole), net.graph().layers.len(), "{}", path.display());
    }
}

#[test]
fn repeated_blocks_are_one_frame_with_their_count() {
    let net = net(RESIDUAL, &format!("res(8)  repeat 5 {{ res(8) }}  res(16)\n{HEAD}"));
    let folded = picture(&net, false);
    let titles: Vec<String> =
        folded.frames.iter().map(specc::report::picture::Frame::title).collect();
    assert_eq!(titles, ["res(8)", "res(8) × 5", "res(16)"]);
    let in_second = |drawn: &&specc::report::picture::PictureBox| drawn.frame == Some(1);
    let second: Vec<_> = folded.boxes.iter().filter(in_second).collect();
    let names: Vec<_> = second.iter().map(|drawn| (drawn.title.as_str(), drawn.layers)).collect();
    assert_eq!(names, [("batch_norm", 5), ("relu", 5), ("conv", 5), ("add", 5)]);
    let whole = picture(&net, true);
    assert_eq!(whole.frames.len(), 7);
    assert!(whole.frames.iter().all(|frame| frame.count == 1));
    assert!(whole.boxes.len() > folded.boxes.len());
}

#[test]
fn repeats_of_layers_and_nested_blocks_fold() {
    let plain = picture(
        &net(
            "",
            &format!(
                "conv(8, kernel=3, pad=1)  repeat 4 {{ conv(8, kernel=3, pad=1) -> relu }}\n{HEAD}"
            ),
        ),
        false,
    );
    assert_eq!(
        plain.frames.iter().map(specc::report::picture::Frame::title).collect::<Vec<_>>(),
        ["repeat × 4"]
    );
    tidy(&plain);
    let blocks = format!("{RESIDUAL}\nblock stage {{ repeat 3 {{ res(8) }}  relu }}");
    let nested = picture(&net(&blocks, &format!("res(8)  repeat 2 {{ stage }}\n{HEAD}")), false);
    let titles: Vec<String> =
        nested.frames.iter().map(specc::report::picture::Frame::title).collect();
    assert_eq!(titles, ["res(8)", "stage × 2", "res(8) × 3"]);
    assert_eq!(nested.frames[2].parent, Some(1));
    let counts: Vec<usize> = nested.boxes.iter().map(|drawn| drawn.layers).collect();
    assert!(counts.contains(&6) && counts.contains(&2), "{counts:?}");
    tidy(&nested);
}

#[test]
fn copies_that_differ_in_degree_have_a_range() {
    let net = net(
        "",
        "flatten  repeat 3 { linear(64, bias=false) -> relu }\nlinear(classes, bias=false)",
    );
    let drawn = picture(&net, false);
    let notes: Vec<String> =
        drawn.boxes.iter().flat_map(|drawn| &drawn.notes).map(ToString::to_string).collect();
    assert!(notes.contains(&"degree 1 … 3".to_owned()), "{notes:?}");
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/wrn28_10_cifar100_asam.net"),
    )
    .unwrap();
    let wide = picture(&checked(&text), false);
    let (width, height) = place(&wide).size;
    assert!(width < 1200.0 && height < 1600.0, "{width} x {height}");
    assert!(wide.boxes.iter().any(|drawn| drawn.shape.contains("in the limit")), "{wide:?}");
}

#[test]
fn what_differs_or_is_fed_from_elsewhere_is_not_folded() {
    let shapes = picture(&net(RESIDUAL, &format!("res(8)  res(16)  res(8)\n{HEAD}")), false);
    assert!(shapes.frames.iter().all(|frame| frame.count == 1));
    // Every block of a dense net sees all before it.
    let dense = "block grow { out concat(in, in -> conv(4, kernel=3, pad=1)) }";
    let dense = picture(&net(dense, &format!("repeat 3 {{ grow }}\n{HEAD}")), false);
    assert!(dense.frames.iter().all(|frame| frame.count == 1));
    tidy(&dense);
    let skip = "let a = in -> conv(8, kernel=3, pad=1)\na -> res(8)\nlet b = in -> conv(8, kernel=1)\n\
        a -> res(8) -> res(8) -> concat(a, b)";
    tidy(&picture(&net(RESIDUAL, &format!("{skip}\n{HEAD}")), false));
}

#[test]
fn branches_stand_beside_each_other() {
    let blocks = "block arm(k) { conv(6, kernel=k, pad=same) -> relu }";
    let net = net(
        blocks,
        &format!(
            "concat(in -> arm(1), in -> arm(3) -> arm(3), in -> max_pool(3, stride=1, pad=1))\n{HEAD}"
        ),
    );
    let drawn = picture(&net, false);
    tidy(&drawn);
    assert!(drawn.frames.iter().any(|frame| frame.title() == "arm(3) × 2"));
    let placed = place(&drawn);
    let mut columns: Vec<i64> = placed.boxes.iter().map(|rect| rect.x as i64).collect();
    columns.sort_unstable();
    columns.dedup();
    assert_eq!(columns.len(), 3);
}

#[test]
fn the_degree_is_that_of_the_strongest_scaling_the_net_has() {
    let notes = |blocks: &str, body: &str| {
        let drawn = picture(&net(blocks, body), false);
        drawn
            .boxes
            .iter()
            .flat_map(|drawn| &drawn.notes)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let joint =
        notes("", "flatten -> linear(4, bias=false) -> relu -> linear(classes, bias=false)");
    assert!(joint.contains("degree 2") && !joint.contains("quasi-homogeneous degree 1"), "{joint}");
    let biased = notes("", "flatten -> linear(4) -> relu -> linear(classes)");
    assert!(biased.contains("quasi-homogeneous degree 2"), "{biased}");
    let limit = notes(
        "",
        "conv(4, kernel=3, bias=false) -> batch_norm -> gelu -> global_avg_pool -> linear(classes, bias=false)",
    );
    assert!(!limit.contains('–'), "{limit}");
    let unknown = notes("", "flatten -> linear(4) -> gelu -> linear(classes)");
    assert!(!unknown.contains("degree –") && !unknown.contains("none"), "{unknown}");
}

#[test]
fn text_lies_in_the_middle_of_its_box() {
    let drawn = picture(&net("", "flatten -> linear(classes)"), false);
    let (rects, text) = (place(&drawn).boxes, svg(&drawn));
    let titles = text.lines().filter(|line| line.contains("font-weight=\"bold\""));
    for (rect, line) in rects.iter().zip(titles) {
        let y: f64 =
            line.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        // A line of 16 pixels behind 5 of free space, its baseline below its middle.
        assert!(y - rect.y > 14.0 && y - rect.y < 20.0, "{line} in {rect:?}");
        assert!(y < rect.bottom() - 3.0);
    }
}

#[test]
fn hundreds_of_blocks_and_very_long_names_are_drawn_at_once() {
    let deep = net(RESIDUAL, &format!("res(8)  repeat 300 {{ res(8) }}\n{HEAD}"));
    assert!(picture(&deep, false).boxes.len() < 20);
    let whole = picture(&deep, true);
    assert_eq!(whole.frames.len(), 301);
    assert!(svg(&whole).len() > 100_000);
    let name = "a_name_that_goes_on_and_on".repeat(6);
    let long = picture(&net("", &format!("flatten -> {name}: linear(classes)")), false);
    tidy(&long);
    assert!(
        long.boxes
            .iter()
            .any(|drawn| drawn.title.contains(&name) && drawn.style == Style::Parameters)
    );
}
