//! Charts: any data makes a well-formed drawing, and what is drawn stays the same.

mod colours;
mod props;
mod samples;
mod xml;

use specc::chart::{Chart, Drawing, Size, Theme};

/// Texts keep their distance, and every one of them is inside.
fn tidy(drawing: &Drawing) {
    let rects: Vec<_> = drawing.texts().map(|text| (text.rect(), &text.content)).collect();
    for (i, (rect, content)) in rects.iter().enumerate() {
        let inside = rect.x >= 0.0
            && rect.y >= 0.0
            && rect.right() <= drawing.width
            && rect.bottom() <= drawing.height;
        assert!(inside, "{content:?} leaves the drawing: {rect:?} of {}", drawing.height);
        for (other, second) in &rects[..i] {
            assert!(!rect.overlaps(other), "{content:?} lies over {second:?}");
        }
    }
}

/// Every form of a chart, checked.
fn whole(chart: &Chart) {
    for size in Size::ALL {
        for drawing in [chart.drawing(size), chart.whole(size)] {
            tidy(&drawing);
        }
        xml::check(&chart.svg("a", size));
        xml::check(&chart.standalone(size, Theme::Dark));
    }
    xml::check(&chart.figure("figure"));
    let table = chart.table();
    assert!(table.rows.iter().all(|row| row.len() == table.headings.len()));
    let tex = chart.pgfplots();
    assert_eq!(tex.matches("\\begin").count(), tex.matches("\\end{").count());
}

#[test]
fn samples_are_tidy_and_the_same_each_time() {
    for (name, chart) in samples::all() {
        whole(&chart);
        assert_eq!(chart.figure(name), chart.figure(name));
    }
}

#[test]
fn axes_and_labels_are_all_there() {
    let written = |chart: &Chart, wanted: &[&str]| {
        for drawing in Size::ALL.map(|size| chart.whole(size)) {
            for wanted in wanted {
                let found = drawing.texts().any(|text| text.content == *wanted);
                assert!(found, "{wanted} is missing in {}", chart.title());
            }
        }
    };
    let losses = ["single-scale", "two-scale", "two-scale, delta"];
    written(&samples::ecdf(), &losses);
    written(&samples::ecdf(), &["share of samples at or below", "boundary", "0 %", "100 %", "0"]);
    written(&samples::multiples(), &losses);
    written(&samples::multiples(), &["lr = 0.01", "lr = 3", "test accuracy", "epoch", "0 %"]);
    written(&samples::strip(), &losses);
    written(&samples::strip(), &["test accuracy", "60.8 %"]);
    written(&samples::forest(), &["close enough, δ = 0.05", "+0.188 [0.180, 0.196]", "wanted"]);
    written(&samples::confusion(), &["true class", "predicted class", "automobile", "100 %"]);
    written(&samples::bars(), &["automobile", "close-enough test samples", "80 %"]);
    written(&samples::reliability(), &["accuracy", "confidence", "share of samples"]);
}

#[test]
fn drawings() {
    for (name, chart) in samples::all() {
        // The large ones are those of smaller samples with more of the same.
        if !matches!(name, "curves" | "hundred_classes" | "multiples" | "ecdf") {
            insta::assert_snapshot!(name, chart.standalone(Size::Middle, Theme::Light));
        }
    }
}

#[test]
fn sources_for_papers() {
    for (name, chart) in samples::all() {
        if matches!(name, "paper" | "histogram" | "forest" | "strip" | "reliability") {
            insta::assert_snapshot!(format!("{name}.tex"), chart.pgfplots());
        }
    }
}

#[test]
fn tables() {
    for (name, chart) in samples::all() {
        if matches!(name, "paper" | "forest" | "reliability") {
            insta::assert_snapshot!(format!("{name}.csv"), chart.table().csv());
        }
    }
}

#[test]
fn ends_of_lines_have_their_labels_where_they_fit() {
    let has = |drawing: &Drawing, wanted: &str| drawing.texts().any(|t| t.content == wanted);
    let wide = samples::curves().drawing(Size::Middle);
    let right = |drawing: &Drawing| {
        drawing.texts().find(|t| t.content == "two-scale").map(|text| text.at.0).unwrap()
    };
    assert!(has(&wide, "truncated") && right(&wide) > 0.75 * wide.width);
    // A phone has no room beside the data.
    let narrow = samples::curves().drawing(Size::Narrow);
    assert!(has(&narrow, "truncated") && right(&narrow) < 0.75 * narrow.width);
}

#[test]
fn captions_tell_what_bands_mean_and_what_is_missing() {
    assert_eq!(
        samples::paper().caption(),
        "Paper: Fig. 4. Band: 95 % confidence interval of the mean, n\u{a0}=\u{a0}10. \
         Bar: error of reading the value off a figure."
    );
    assert!(
        samples::ecdf()
            .caption()
            .ends_with("1 value is not finite or cannot be drawn and left out.")
    );
}
