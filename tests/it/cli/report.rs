//! `specc report`: one file that asks nobody for anything, with the numbers of the runs that it tells of.

use safetensors::Dtype;

use super::{Sandbox, TINY, tensors};

/// Two losses under two rates.
const SWEEP: &str = "\
data digits(subset=48, test_subset=24)
net tiny { conv(4, kernel=3) -> relu -> max_pool(2)  flatten  linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 2 }
sweep study {
  loss in [single: single_scale, two: two_scale(delta=0.01, size=weights)]
  train.lr in [slow: 0.01, fast: 0.1]
  seeds in 0..2
}
claim \"both learn alike\" {
  test.accuracy of (loss=two, train.lr=fast) >= test.accuracy of (loss=single, train.lr=fast) - 1
}
";

/// Elements that have no end.
const VOID: [&str; 6] = ["meta", "img", "br", "link", "input", "hr"];

fn report(sandbox: &Sandbox, more: &[&str]) -> String {
    sandbox.specc(&[&["report"], more, &["-o", "page.html"]].concat()).exits(0);
    let page = sandbox.text("page.html");
    is_sound(&page);
    page
}

/// Every element ends where it should, and nothing outside the file is asked for.
fn is_sound(page: &str) {
    assert!(page.starts_with("<!doctype html>\n"));
    let (before, script) = page.split_once("<script>").unwrap();
    let (script, after) = script.split_once("</script>").unwrap();
    let (head, style) = before.split_once("<style>").unwrap();
    let (_, body) = style.split_once("</style>").unwrap();
    let body = [head, body, after].concat();
    let mut open: Vec<&str> = vec![];
    for piece in body.split('<').skip(2) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("no end: {piece}"));
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let bare = page.replace("http://www.w3.org/2000/svg", "").replace("url(#", "");
    for outside in ["http:", "https:", "url(", "@import", "src=\"/"] {
        assert!(!bare.contains(outside), "{outside}");
    }
    assert!(!script.contains("fetch") && !script.contains("XMLHttpRequest"));
    let ids: Vec<&str> =
        page.split(" id=\"").skip(1).map(|p| p.split('"').next().unwrap()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "ids are unique");
}

/// The rows of a table among the files of a report.
fn csv(sandbox: &Sandbox, name: &str) -> Vec<Vec<String>> {
    let text = sandbox.text(&format!("figures/{name}.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn the_page_of_a_run_has_the_numbers_of_its_summary() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["train", "spec.net", "-o", "r", "-q"]).exits(0);
    let page = report(&sandbox, &["r"]);
    assert_eq!(page, report(&sandbox, &["r"]), "equal input, equal bytes");
    for part in
        ["Training", "Confidence", "Calibration", "Samples", "Provenance", "data:image/png;base64,"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("class=\"ki\">net</b>"), "the spec has colours");
    sandbox.specc(&["report", "r", "--figures", "figures"]).exits(0);
    let summary = sandbox.json("r/summary.json");
    let rows = csv(&sandbox, "summary");
    let row =
        |name: &str| rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name}"));
    for (name, key) in [("loss", "loss"), ("accuracy", "accuracy"), ("samples", "n")] {
        for (column, split) in [(1, "train"), (2, "test")] {
            let wanted = summary[split][key].as_f64().unwrap();
            assert_eq!(row(name)[column].parse::<f64>().unwrap(), wanted, "{split} {name}");
        }
    }
    let close = &summary["test"]["close_enough"];
    for (a, wanted) in close.as_object().unwrap() {
        let found: f64 = row(&format!("close enough, a = {a}"))[2].parse().unwrap();
        assert_eq!(Some(found), wanted.as_f64(), "a = {a}");
    }
    // The curve goes through the points of the summary.
    let curve = csv(&sandbox, "close-enough");
    let at = |series: &str, a: f64| {
        let fits = |row: &&Vec<String>| row[0] == series && row[1].parse::<f64>().unwrap() == a;
        curve.iter().find(fits).unwrap()[2].parse::<f64>().unwrap()
    };
    assert_eq!(Some(at("test", 0.05)), close["0.05"].as_f64());
    assert_eq!(at("chance", 0.0), 0.1);
    let source = sandbox.text("figures/accuracy.tex");
    assert!(source.contains("tikzpicture"));
    assert!(sandbox.text("figures/accuracy.svg").starts_with("<svg"));
}

#[test]
fn text_has_tables_and_curves() {
    let sandbox = Sandbox::with(TINY);
    sandbox.specc(&["train", "spec.net", "-o", "r", "-q"]).exits(0);
    let done = sandbox.specc(&["report", "r", "--text"]).exits(0);
    for part in ["Run: r", "Test accuracy", "Accuracy", "▁", "→"] {
        assert!(done.out.contains(part), "{part} in {}", done.out);
    }
    assert!(!sandbox.path("report.html").exists());
}

#[test]
fn runs_that_are_not_finished_or_failed_are_told_as_such() {
    let spec = "\
data digits(subset=48, test_subset=24)
net tiny { flatten  linear(8)
  big: linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 8  epochs = 3 }
";
    let sandbox = Sandbox::with(spec);
    sandbox.specc(&["train", "spec.net", "-o", "r", "-q"]).exits(0);
    sandbox.shell("rm -r r/DONE r/summary.json r/logits").exits(0);
    let page = report(&sandbox, &["r"]);
    assert!(page.contains("This run is not finished") && page.contains("3 epochs so far"));
    sandbox.specc(&["train", "spec.net", "train.lr=1e30", "-o", "d", "-q"]).exits(5);
    let page = report(&sandbox, &["d"]);
    assert!(page.contains("ended in an error") && page.contains("E0713"));
    let page = report(&sandbox, &["r", "d"]);
    assert!(page.contains("0 of 2 runs are finished"));
}

#[test]
fn a_sweep_has_groups_panels_and_verdicts() {
    let sandbox = Sandbox::with(SWEEP);
    sandbox.specc(&["sweep", "spec.net", "-o", "s", "--jobs", "1", "-q"]);
    let page = report(&sandbox, &["s"]);
    for part in ["Sweep", "both learn alike", "train.lr = fast", "Against single", "± "] {
        assert!(page.contains(part), "{part}");
    }
    sandbox.specc(&["report", "s", "--figures", "figures"]).exits(0);
    let claim = &csv(&sandbox, "claim-shares")[0];
    let judged = sandbox.specc(&["verify", "spec.net", "--allow-open", "-o", "s", "--json"]).json();
    let line = &judged["claims"][0]["lines"][0];
    assert_eq!((claim[0].as_str(), claim[4].as_str()), ("both learn alike", "-1"));
    assert_eq!(line["wanted"]["from"], -1.0);
    let found: f64 = claim[1].parse().unwrap();
    assert!((found - (line["difference"].as_f64().unwrap() - 1.0)).abs() < 1e-12);
    let rows = csv(&sandbox, "groups");
    let runs = sandbox.specc(&["runs", "s", "--group", "loss,train.lr", "--json"]).exits(0).json();
    for group in runs["groups"].as_array().unwrap() {
        let own = |row: &&Vec<String>| {
            group["loss"] == row[0].as_str() && group["train.lr"] == row[1].as_str()
        };
        let row = rows.iter().find(own).unwrap();
        let found: f64 = row[3].parse().unwrap();
        assert_eq!(Some(found), group["test.accuracy"].as_f64(), "{row:?}");
    }
    let page = report(&sandbox, &["s:single", "s:two"]);
    assert!(page.contains("Comparison") && page.contains("new images too"));
}

#[test]
fn a_comparison_tells_what_a_temperature_explains_and_where_samples_went() {
    let sandbox = Sandbox::with(SWEEP);
    sandbox.specc(&["sweep", "spec.net", "-o", "s", "--jobs", "1", "-q"]);
    let groups = ["s:loss=single,train.lr=fast", "s:loss=two,train.lr=fast"];
    let deeper = [&groups[..], &["--match-scale", "--samples", "--mu", "0.02"]].concat();
    let page = report(&sandbox, &deeper);
    for part in ["At equal sharpness", "a temperature explains", "Samples that moved", "McNemar"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("data:image/png;base64,"), "samples that moved have pictures");
    let with = |command: &str, more: &[&str]| {
        sandbox.specc(&[&[command], &deeper[..], more].concat()).exits(0)
    };
    with("report", &["--figures", "figures"]);
    let found = with("compare", &["--json"]).json();
    let number = |text: &String| text.parse::<f64>().ok();
    // A row for each measure and group: n, mean, sd, then the difference, the raw one, and what scale explains.
    let rows = csv(&sandbox, "matched");
    let measures = found["matched"]["measures"].as_array().unwrap();
    assert_eq!(rows.len(), 2 * measures.len());
    for (pair, measure) in rows.chunks(2).zip(measures) {
        assert_eq!(measure["measure"], pair[0][0].as_str());
        let [baseline, other] = pair else { panic!("a row for each group") };
        assert_eq!(number(&baseline[3]), measure["groups"][0]["mean"].as_f64());
        assert_eq!(number(&other[5]), measure["differences"][0]["mean"].as_f64());
        assert_eq!(number(&other[6]), measure["raw"][0].as_f64());
        assert_eq!(number(&other[7]), measure["by_scale"][0].as_f64());
        assert_eq!(number(&other[8]), measure["differences"][0]["interval"][0].as_f64());
    }
    let moves = &found["samples"][0];
    let seeds = csv(&sandbox, "moved-seeds");
    for (row, seed) in seeds.iter().zip(moves["seeds"].as_array().unwrap()) {
        for (cell, key) in row.iter().zip(["seed", "gained", "lost", "p"]) {
            assert_eq!(number(cell), seed[key].as_f64(), "{key}");
        }
    }
    let shares = csv(&sandbox, "moved-shares");
    let share = |i: usize, j: usize| number(&shares[3 * i + j][2]);
    for (i, row) in moves["transitions"].as_array().unwrap().iter().enumerate() {
        for (j, wanted) in row.as_array().unwrap().iter().enumerate() {
            assert_eq!(share(i, j), wanted.as_f64(), "{shares:?}");
        }
    }
    let text = with("report", &["--text"]);
    text.prints(&["At equal sharpness", "by scale", "Where samples went", "McNemar's p"]);
    sandbox.specc(&["report", "s", "--samples"]).exits(2).says(&["name two, such as ROOT:label"]);
}

/// Logits of 40 samples of 4 classes; `only` leaves labels out.
fn logits(pull: f64, only: usize) -> Vec<u8> {
    let (n, k) = (40, 4);
    let wave = |i: usize, c: usize| (1.3 * i as f64 + 2.1 * (c * c) as f64).sin();
    let label = |i: usize| i * 7 % only;
    let value = |i: usize, c: usize| wave(i, c) + if c == label(i) { pull } else { 0.0 };
    let values: Vec<f64> = (0..n).flat_map(|i| (0..k).map(move |c| value(i, c))).collect();
    let labels: Vec<f64> = (0..n).map(|i| label(i) as f64).collect();
    tensors(&[("logits", Dtype::F64, &[n, k], &values), ("labels", Dtype::I64, &[n], &labels)])
}

#[test]
fn logits_of_other_programs_are_reported_alone_and_side_by_side() {
    let sandbox = Sandbox::new();
    sandbox.write("a.safetensors", &logits(0.4, 4));
    sandbox.write("b.safetensors", &logits(0.9, 4));
    sandbox.write("missing.safetensors", &logits(0.9, 3));
    let page = report(&sandbox, &["a.safetensors"]);
    assert!(page.contains("Logits") && page.contains("Confusion"));
    assert!(report(&sandbox, &["missing.safetensors"]).contains("1 of 4 classes have no sample"));
    let page = report(&sandbox, &["a.safetensors", "b.safetensors"]);
    assert!(page.contains("Comparison") && page.contains("Close-enough accuracy"));
}

#[test]
fn what_is_no_run_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("empty/note.txt", b"nothing");
    sandbox.specc(&["report", "empty"]).exits(2).says(&["there is no run below `empty`"]);
    sandbox.specc(&["report", "nowhere"]).exits(2).says(&["no folder or file `nowhere`"]);
    sandbox.write("broken.safetensors", b"not one");
    sandbox.specc(&["report", "broken.safetensors"]).exits(6);
}
