//! `specc reproduce`: the paper's figures from runs, its values beside ours, one page.

use std::path::PathBuf;

use specc::reproduce::{FIGURES, Figure, Losses, Made, Reproduced, Scale, charts, gaps, page};
use specc::train::StoredRun;

use super::Sandbox;

const SPEC: &str = "\
data digits(subset=96, test_subset=48)
net small { flatten -> linear(8) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 16  epochs = 20 }
sweep s { loss in [single: single_scale, d0_01: two_scale(delta=0.01)]  seeds in 0..3 }
";

/// The runs of a sweep on digits, as those of a figure.
fn losses(sandbox: &Sandbox) -> Vec<Losses> {
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    let runs = sandbox.specc(&["runs", "--json"]).exits(0).json();
    let of = |label: &str| {
        let own = runs["runs"].as_array().unwrap().iter().filter(|run| run["loss"] == label);
        let open = |run: &serde_json::Value| {
            StoredRun::open(&sandbox.path(run["run"].as_str().unwrap())).unwrap()
        };
        Losses { label: label.to_owned(), runs: own.map(open).collect() }
    };
    vec![of("single"), of("d0_01")]
}

#[test]
fn every_figure_is_drawn_and_its_gaps_are_those_of_the_runs() {
    let sandbox = Sandbox::with(SPEC);
    let losses = losses(&sandbox);
    let mut all = vec![];
    for figure in FIGURES.into_iter().filter(|figure| matches!(figure.made, Made::Here { .. })) {
        let charts = charts(&figure, &losses, "3 seeds").unwrap();
        assert!(!charts.is_empty(), "{}", figure.number);
        let gaps = gaps(&figure, &losses).unwrap();
        all.push(Reproduced { figure, setting: "small".to_owned(), charts, gaps, claims: vec![] });
    }
    let four = all.iter().find(|made| made.figure.number == "04").unwrap();
    let find = |measure: &str, label: &str| {
        four.gaps.values.iter().find(|gap| gap.measure == measure && gap.label == label).unwrap()
    };
    let gap = find("test.close_enough(0.05)", "d0_01");
    let own = losses[1].runs.iter().map(|run| {
        let summary = serde_json::to_value(run.summary().unwrap()).unwrap();
        summary["test"]["close_enough"]["0.05"].as_f64().unwrap()
    });
    let mean = own.sum::<f64>() / 3.0;
    assert!((gap.mean.unwrap() - mean).abs() < 1e-12 && gap.n == 3);
    assert!((gap.gap.unwrap() - (mean - 0.645)).abs() < 1e-12);
    // A tolerance that the summary does not have is counted from stored logits.
    assert!(find("test.close_enough(0.04)", "single").mean.is_some());
    // A loss without runs has values of the paper alone.
    assert_eq!(find("test.close_enough(0.05)", "d0_1").mean, None);
    // The paper's values of later epochs are counted and left out.
    let three = all.iter().find(|made| made.figure.number == "03").unwrap();
    assert!(three.gaps.beyond > 0);
    assert!(three.gaps.values.iter().all(|gap| !gap.measure.contains("epoch=128")));
    let said = three.gaps.text();
    assert!(said.contains("after the last one here need `--scale full`"), "{said}");
    let html = page(&all);
    assert!(html.contains("need <code>--scale full</code>") && html.contains("`d0_01`"));
    assert!(html.contains("At the right end <code>"), "findings in HTML have code");
    assert_eq!(html, page(&all));
    assert!(html.contains("Figure 13.") && html.contains("single, paper"));
    let outside = html.matches("http").count() - html.matches("http://www.w3.org/").count();
    assert_eq!(outside, 0, "nothing is fetched from anywhere");
}

#[test]
fn shipped_specs_of_figures_are_sound_and_what_is_asked_for_is_told() {
    let sandbox = Sandbox::new();
    sandbox.specc(&["reproduce", "99"]).exits(2).says(&["no data for figure `99`", "13"]);
    let document = sandbox.specc(&["reproduce", "x", "--json"]).exits(2).json();
    assert_eq!(
        (&document["schema"], &document["ok"]),
        (&"specc.reproduce/1".into(), &false.into())
    );
    sandbox.specc(&["reproduce", "1"]).exits(0).says(&["wants a GPU", "870 hours"]);
    let planned = sandbox.specc(&["reproduce", "--dry-run", "--offline"]).exits(0);
    planned.says(
        &["figure 03", "20 epochs", "time unknown", "figure 15"]
            .map(|part| if part == "20 epochs" { "epochs = 20" } else { part }),
    );
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("specs/paper");
    for figure in FIGURES {
        let Some(text) = figure.spec(Scale::Full) else { continue };
        let file = specs.join(format!("fig{}.net", figure.number));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        sandbox.specc(&["check", file.to_str().unwrap()]).exits(0);
        sandbox.specc(&["fmt", "--check", file.to_str().unwrap()]).exits(0);
        assert_eq!(Figure::named(figure.number), Some(figure));
    }
}
