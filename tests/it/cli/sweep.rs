//! `specc sweep`: cells as runs, each the one that `specc train` would make.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Sandbox;

const FIG: &str = "\
data digits(subset=48, test_subset=24)
net small { flatten -> linear(4) -> relu -> linear(classes) }
net wide(k=2) { flatten -> linear(4 * k) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 2 }
sweep fig {
  loss in [one: single_scale, two: two_scale(delta=0.01), far: two_scale(delta=1)]
  net in [small, wide(k=3)]
  recipe in [slow: { train.lr = 0.02  train.batch = 16 }, fast: { train.lr = 0.1 }]
  seeds in 0..2
  where loss != far || recipe == fast && !(net == small)
}
";

fn document(sandbox: &Sandbox, more: &[&str]) -> Value {
    sandbox.specc(&[&["sweep", "spec.net", "--json"], more].concat()).exits(0).json()
}

fn names(document: &Value) -> Vec<String> {
    let runs = document["runs"].as_array().unwrap();
    let name = |run: &Value| {
        let labels: BTreeMap<String, String> =
            serde_json::from_value(run["labels"].clone()).unwrap();
        format!("{} {} {} {}", labels["loss"], labels["net"], labels["recipe"], run["seed"])
    };
    runs.iter().map(name).collect()
}

#[test]
fn cells_go_seed_by_seed_and_where_leaves_some_out() {
    let sandbox = Sandbox::with(FIG);
    let planned = document(&sandbox, &["--dry-run"]);
    let names = names(&planned);
    assert_eq!(names.len(), 18);
    assert_eq!(names[0], "one small slow 0");
    assert_eq!(names[1], "one small fast 0");
    assert_eq!(names[8], "far wide(k=3) fast 0");
    assert_eq!(names[9], "one small slow 1");
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("far small") || name.contains("far wide(k=3) slow"))
    );
    assert!(!sandbox.path("runs").exists(), "a plan leaves nothing behind");
}

#[test]
fn a_cell_is_the_run_of_train_and_is_made_once() {
    let sandbox = Sandbox::with(FIG);
    let choices = ["loss=two", "net=wide(k=3)", "recipe=fast", "--seed", "1"];
    sandbox.specc(&[&["train", "spec.net"], &choices[..]].concat()).exits(0);
    let by_train = sandbox.names("runs/spec");
    let made = document(&sandbox, &["-q"]);
    assert!(made["runs"].as_array().unwrap().iter().all(|run| run["state"] == "done"));
    let run = by_train[0].split('/').next().unwrap();
    let of_cell = |entry: &&Value| entry["run"].as_str().unwrap().ends_with(run);
    let entry = made["runs"].as_array().unwrap().iter().find(of_cell).unwrap();
    assert_eq!((&entry["labels"]["loss"], &entry["seed"]), (&"two".into(), &1.into()));
    // A second sweep makes nothing again.
    let before = sandbox.tree("runs/spec");
    let again = document(&sandbox, &["-q"]);
    assert_eq!(again["runs"], made["runs"]);
    assert_eq!(sandbox.tree("runs/spec"), before);
    // The same command elsewhere gives the same bytes as train alone.
    sandbox.specc(&[&["train", "spec.net", "-o", "alone"], &choices[..]].concat()).exits(0);
    sandbox.assert_equal("alone", &format!("runs/spec/{run}"));
}

#[test]
fn labels_are_kept_beside_the_runs() {
    let sandbox = Sandbox::with(FIG);
    let arguments =
        ["sweep", "spec.net", "-o", "study", "--only", "loss=one", "--only", "net=small"];
    let done = sandbox.specc(&arguments).exits(0);
    assert!(done.out.contains("loss=one net=small recipe=slow   2  "), "{}", done.out);
    let kept = sandbox.json("study/sweep.json");
    assert_eq!(kept["schema"], "specc.sweep/1");
    assert_eq!(kept["axes"][2]["key"], "recipe");
    assert_eq!(kept["axes"][2]["labels"], serde_json::json!(["slow", "fast"]));
    let cell = &kept["cells"][0];
    assert_eq!(
        cell["overrides"],
        serde_json::json!(["loss=single_scale", "net=small", "train.lr=0.02", "train.batch=16"])
    );
    assert_eq!(cell["seeds"], serde_json::json!([0, 1]));
    let dir = format!("study/{}-s1/DONE", &cell["hash"].as_str().unwrap()[..12]);
    assert!(sandbox.path(&dir).exists(), "{dir}");
    sandbox
        .specc(&["sweep", "spec.net", "--only", "loss=three"])
        .exits(2)
        .says(&["no cell has loss=three"]);
}

#[test]
fn train_asks_for_a_choice_and_names_it() {
    let sandbox = Sandbox::with(FIG);
    let done = sandbox.specc(&["train", "spec.net"]).exits(3);
    done.says(&["E0208", "`loss=one`, `loss=two` or `loss=far`", "`net=small` or `net=wide(k=3)`"]);
    sandbox
        .specc(&["train", "spec.net", "loss=one", "net=tall"])
        .exits(2)
        .says(&["unknown net `tall`"]);
    // With every item there, the sweep is another matter.
    sandbox.write(
        "whole.net",
        format!(
            "{}\nlet width = 4\nloss mse\n",
            FIG.split("net wide").next().unwrap().replace("linear(4)", "linear(width)")
        )
        .as_bytes(),
    );
    sandbox.write(
        "whole.net",
        [
            sandbox.read("whole.net"),
            b"train sgd(lr=0.05) { batch = 8  epochs = 1 }\nsweep s { let.width in [2, 3] }\n"
                .to_vec(),
        ]
        .concat()
        .as_slice(),
    );
    sandbox.specc(&["train", "whole.net", "--max-steps", "1"]).exits(0);
    let planned = sandbox.specc(&["sweep", "whole.net", "--json", "--dry-run"]).exits(0).json();
    assert_eq!(planned["runs"].as_array().unwrap().len(), 2);
    sandbox.specc(&["train", "whole.net", "let.wdth=3"]).exits(2).says(&["E0214", "let.width"]);
}

#[test]
fn an_error_of_a_cell_points_at_its_values_before_anything_is_trained() {
    let sandbox = Sandbox::with(&FIG.replace("wide(k=3)]", "wide(k=0)]"));
    let done = sandbox.specc(&["sweep", "spec.net"]).exits(3);
    done.says(&[
        "E0206",
        "spec.net:3:",
        "with this value of `net`",
        "in the cell loss=one net=wide(k=0) recipe=slow of `fig`",
    ]);
    assert!(!sandbox.path("runs").exists());
    let sandbox = Sandbox::with(&FIG.replace("{ train.lr = 0.1 }", "{ train.rate = 0.1 }"));
    sandbox.specc(&["sweep", "spec.net"]).exits(3).says(&[
        "E0214",
        "unknown key `train.rate`",
        "spec.net:8:",
    ]);
    let sandbox = Sandbox::with("data digits\n");
    sandbox.specc(&["sweep", "spec.net"]).exits(2).says(&["no `sweep`"]);
}

#[test]
fn a_device_that_is_not_there_is_told_once() {
    let sandbox = Sandbox::with(FIG);
    let without = ["sweep", "spec.net", "--precision", "tf32", "--device", "cpu", "--json"];
    let done = sandbox.specc(&without).exits(1);
    let done = done.says(&["error[E0707]", "`--precision tf32` for the executor `cpu`"]);
    assert_eq!(done.err.matches("[E0707]").count(), 1, "{}", done.err);
    let document = done.json();
    assert_eq!((&document["ok"], &document["runs"]), (&false.into(), &Value::Array(vec![])));
    assert_eq!(document["diagnostics"][0]["code"], "E0707");
    // What is done needs no device to be shown.
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    let document = sandbox.specc(&without).exits(0).json();
    assert_eq!(document["runs"].as_array().unwrap().len(), 18);
}

#[test]
fn check_looks_at_every_cell() {
    let sandbox = Sandbox::with(FIG);
    let done = sandbox.specc(&["check", "spec.net"]).exits(0);
    let done = done.says(&["sweep fig: 9 cells are sound", "its first cell"]);
    assert!(done.out.contains("linear1"), "{}", done.out);
    let document = sandbox.specc(&["check", "spec.net", "--json"]).exits(0).json();
    assert_eq!(document["ok"], true);
    let sandbox = Sandbox::with(&FIG.replace("wide(k=3)]", "wide(k=0)]"));
    let done = sandbox.specc(&["check", "spec.net", "--json"]).exits(3);
    assert_eq!(done.json()["diagnostics"][0]["code"], "E0206");
    let done = sandbox.specc(&["check", "spec.net"]).exits(3);
    done.says(&["E0206", "with this value of `net`"]);
}

#[test]
fn a_run_that_diverges_is_stepped_over() {
    let sandbox = Sandbox::with(&FIG.replace("train.lr = 0.1", "train.lr = 1e30"));
    let done = sandbox.specc(&["sweep", "spec.net", "--json", "-q"]).exits(5);
    let done = done.says(&["E0713", "failed: runs/spec/"]);
    let runs = done.json()["runs"].as_array().unwrap().clone();
    assert_eq!(runs.len(), 18);
    let failed = |run: &&Value| run["state"] == "failed";
    let is_slow = |run: &Value| run["labels"]["recipe"] == "slow";
    assert!(runs.iter().all(|run| run["state"] == "done" || (failed(&run) && !is_slow(run))));
    let n_failed = runs.iter().filter(failed).count();
    assert!(n_failed > 1);
    let planned = document(&sandbox, &["--dry-run"]);
    assert_eq!(planned["runs"].as_array().unwrap().iter().filter(failed).count(), n_failed);
    let done = sandbox.specc(&["sweep", "spec.net", "--json", "-q", "--fail-fast"]).exits(5);
    assert!(done.json()["runs"].as_array().unwrap().len() < 18);
}

/// Every run below one root equals that of the same name below the other.
fn assert_same_runs(sandbox: &Sandbox, expected: &str, found: &str) {
    let runs = run_names(sandbox, expected);
    assert_eq!(runs, run_names(sandbox, found));
    for run in runs {
        sandbox.assert_equal(&format!("{expected}/{run}"), &format!("{found}/{run}"));
        let log = sandbox.text(&format!("{found}/{run}/log.txt"));
        assert!(log.matches("finished").count() <= 1, "{run} is trained once:\n{log}");
        assert!(
            !sandbox.path(&format!("{found}/{run}/owner.json")).exists(),
            "{run} is given back"
        );
    }
}

fn run_names(sandbox: &Sandbox, root: &str) -> Vec<String> {
    let firsts = sandbox.names(root).into_iter().filter_map(|name| {
        let (run, _) = name.split_once('/')?;
        Some(run.to_owned())
    });
    firsts.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn sweep<'a>(root: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["sweep", "spec.net", "-q", "--threads", "1", "-o", root], more].concat()
}

#[test]
fn workers_and_parts_change_no_bit() {
    let sandbox = Sandbox::with(FIG);
    sandbox.specc(&sweep("one", &["--jobs", "1"])).exits(0);
    sandbox.specc(&sweep("three", &["--jobs", "3"])).exits(0);
    assert_same_runs(&sandbox, "one", "three");
    let parts = ["1/3", "2/3", "3/3"].map(|part| {
        let done = sandbox.specc(&sweep("parts", &["--shard", part, "--json"])).exits(0).json();
        done["runs"].as_array().unwrap().len()
    });
    assert_eq!(parts, [6, 6, 6]);
    assert_same_runs(&sandbox, "one", "parts");
    sandbox.specc(&sweep("parts", &["--shard", "4/3"])).exits(2).says(&["I from 1 to N"]);
}

#[test]
fn racing_processes_share_the_runs_of_a_sweep() {
    let sandbox = Sandbox::with(FIG);
    sandbox.specc(&sweep("alone", &[])).exits(0);
    let arguments = sweep("raced", &["--jobs", "2"]);
    let processes: Vec<_> = (0..3).map(|_| sandbox.start(&arguments)).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    sandbox.specc(&arguments).exits(0);
    assert_same_runs(&sandbox, "alone", "raced");
}

#[test]
fn a_sweep_that_is_killed_again_and_again_ends_in_the_same_bytes() {
    let sandbox = Sandbox::with(&FIG.replace("epochs = 2", "epochs = 40"));
    sandbox.specc(&sweep("whole", &[])).exits(0);
    let arguments = sweep("killed", &["--jobs", "2"]);
    for milliseconds in [5, 20, 40, 60, 80, 100, 130] {
        let mut processes = [(); 2].map(|()| sandbox.start(&arguments));
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        for process in &mut processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
    sandbox.specc(&arguments).exits(0);
    assert_same_runs(&sandbox, "whole", "killed");
}

/// The owner of a run, a process of another machine; returns its file.
fn owned_elsewhere(sandbox: &Sandbox, run: &str) -> String {
    let file = format!("{run}/owner.json");
    let owner = r#"{"host":"elsewhere","process":1,"boot":"b","started":"1","beats":3}"#;
    sandbox.write(&file, owner.as_bytes());
    file
}

/// The owner has not been heard of for longer than one lives without a word.
fn falls_silent(sandbox: &Sandbox, owner: &str) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(700);
    let file = std::fs::File::options().write(true).open(sandbox.path(owner));
    file.unwrap().set_modified(old).unwrap();
}

#[test]
fn what_died_behind_the_end_of_a_run_is_given_back() {
    let sandbox = Sandbox::with(FIG);
    sandbox.specc(&sweep("runs", &[])).exits(0);
    let run = format!("runs/{}", run_names(&sandbox, "runs")[0]);
    let before = sandbox.tree(&run);
    let owner = owned_elsewhere(&sandbox, &run);
    falls_silent(&sandbox, &owner);
    sandbox.specc(&sweep("runs", &["--dry-run"])).exits(0);
    assert!(sandbox.path(&owner).exists(), "looking changes nothing");
    sandbox.specc(&sweep("runs", &[])).exits(0);
    assert_eq!(sandbox.tree(&run), before);
}

#[test]
fn a_run_of_a_living_owner_elsewhere_is_left_to_it() {
    let sandbox = Sandbox::with(FIG);
    let planned = document(&sandbox, &["--dry-run"]);
    let first = planned["runs"][0]["run"].as_str().unwrap().to_owned();
    let owner = owned_elsewhere(&sandbox, &first);
    let done = document(&sandbox, &["-q"]);
    let state = |document: &Value| document["runs"][0]["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&done), "running");
    assert_eq!(done["runs"].as_array().unwrap().len(), 18);
    falls_silent(&sandbox, &owner);
    assert_eq!(state(&document(&sandbox, &["-q"])), "done");
}

#[test]
fn changed_data_is_never_reused_in_silence() {
    let sandbox = Sandbox::with(
        "data csv(\"d.csv\", label=\"y\", test=last(0.25))
net tiny { linear(4) -> relu -> linear(classes) }
train sgd(lr=0.1) { batch = 4  epochs = 2  seeds = 0..2 }
sweep one { loss in [single: single_scale, two: two_scale(delta=0.1)] }
",
    );
    let table = |last: &str| {
        let rows: Vec<String> =
            (0..16).map(|i| format!("{i}.5,{},{}", (i * 7) % 5, i % 2)).collect();
        format!("a,b,y\n{}\n{last}\n", rows.join("\n"))
    };
    sandbox.write("d.csv", table("3,1,1").as_bytes());
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    sandbox.specc(&["train", "spec.net", "loss=two", "-q"]).exits(0);
    let run = document(&sandbox, &["--dry-run"])["runs"][0]["run"].as_str().unwrap().to_owned();
    assert_eq!(sandbox.json(&format!("{run}/run.json"))["version"], env!("CARGO_PKG_VERSION"));
    sandbox.write("d.csv", table("3,2,1").as_bytes());
    for command in [&["sweep", "spec.net"][..], &["train", "spec.net", "loss=two", "--seed", "0"]] {
        let done = sandbox.specc(&[command, &["-q"]].concat()).exits(1);
        done.says(&["E0702", "found: data ", "expected: data ", "--force"]);
    }
    sandbox.write("d.csv", table("3,1,1").as_bytes());
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
}
