//! `claim` items, judged by the runs of sweeps.

use serde_json::Value;

use super::Sandbox;

const CLAIMS: &str = "\
data digits(subset=900, test_subset=200)
net small { flatten -> linear(32) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 16  epochs = 8 }
sweep fig {
  loss in [one: single_scale, two: two_scale(delta=0.01)]
  seeds in 0..4
}
claim \"it learns faster\" { train.accuracy of two > train.accuracy of one }
claim \"by epoch\" (seeds=4) { train.loss(epoch=1) of one == train.loss(epoch=1) of one +- 0.001 }
";

fn verdicts(document: &Value) -> Vec<(String, String)> {
    let claims = document["claims"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    claims.iter().map(|claim| (text(&claim["claim"]), text(&claim["verdict"]))).collect()
}

#[test]
fn claims_are_judged_by_the_runs() {
    let sandbox = Sandbox::with(CLAIMS);
    let before = sandbox.specc(&["verify", "spec.net", "--json"]).exits(4).json();
    assert_eq!(before["schema"], "specc.verify/1");
    assert!(verdicts(&before).iter().all(|(_, verdict)| verdict == "open"));
    sandbox
        .specc(&["verify", "spec.net", "--allow-open"])
        .exits(0)
        .prints(&["0 of 4 seeds", "2 open"]);
    let swept = sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    swept.prints(&[
        "holds    it learns faster",
        "identical in 4 of 4 seeds",
        "rests on normality",
        "2 holds",
    ]);
    let judged = sandbox.specc(&["verify", "spec.net", "--json"]).exits(0).json();
    assert_eq!(
        sandbox.specc(&["sweep", "spec.net", "-q", "--json"]).exits(0).json()["claims"],
        judged["claims"]
    );
    let line = &judged["claims"][0]["lines"][0];
    let mean = |label: &str| {
        let done =
            sandbox.specc(&["runs", "--group", "loss", "--columns", "train.accuracy", "--json"]);
        let groups = done.exits(0).json()["groups"].as_array().unwrap().clone();
        let own = groups.iter().find(|group| group["loss"] == label).unwrap();
        own["train.accuracy"].as_f64().unwrap()
    };
    assert!((line["left"].as_f64().unwrap() - mean("two")).abs() < 1e-12);
    assert!((line["difference"].as_f64().unwrap() - (mean("two") - mean("one"))).abs() < 1e-12);
    assert_eq!((&line["n"], &line["wins"]), (&4.into(), &4.into()));
    // Turned round it is refuted; at more seeds than there are it is open.
    sandbox.write("turned.net", CLAIMS.replace("of two > train", "of two < train").as_bytes());
    let turned = sandbox.specc(&["verify", "turned.net", "-o", "runs/spec", "--json"]).exits(4);
    assert_eq!(verdicts(&turned.json())[0].1, "refuted");
    sandbox.write("more.net", CLAIMS.replace("0..4", "0..5").as_bytes());
    let more = sandbox.specc(&["verify", "more.net", "-o", "runs/spec"]).exits(4);
    more.prints(&["4 of 5 seeds, no verdict yet"]);
    sandbox.write("none.net", CLAIMS.split("claim").next().unwrap().as_bytes());
    sandbox.specc(&["verify", "none.net"]).exits(2).says(&["no `claim`"]);
}

const FEW: &str = "\
data digits(subset=120, test_subset=60)
net small { flatten -> linear(8) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 16  epochs = 2 }
sweep fig { loss in [one: single_scale, two: two_scale(delta=0.01)]  seeds in 0..3 }
";

#[test]
fn lines_have_the_numbers_of_a_comparison() {
    let claims = "claim \"shares\" { test.accuracy of two >= test.accuracy of one }
claim \"sums\" { 2 * test.close_enough(0.05) of two - test.accuracy of one > test.accuracy of one }
claim \"losses\" { test.loss of two < test.loss of one }
claim \"product\" { test.accuracy of two * test.accuracy of one > 0 }
";
    let sandbox = Sandbox::with(&format!("{FEW}{claims}"));
    sandbox.specc(&["sweep", "spec.net", "-q", "--allow-open"]);
    let judged = sandbox.specc(&["verify", "spec.net", "--allow-open", "--json"]).json();
    let line = |claim: usize| &judged["claims"][claim]["lines"][0];
    let arguments = ["compare", "runs/spec:one", "runs/spec:two", "--json", "--metrics"];
    let measures = "test.accuracy,test.loss";
    let compared = sandbox.specc(&[&arguments[..], &[measures]].concat()).exits(0).json();
    let difference = |measure: usize| &compared["measures"][measure]["differences"][0];
    for key in ["interval", "interval_new_images", "p", "p_floor", "wins", "correlation"] {
        assert_eq!(line(0)[key], difference(0)[key], "{key}");
        assert_eq!(line(2)[key], difference(1)[key], "{key}");
    }
    // A share of samples has the second interval, also as a sum; a loss and a product have none.
    assert!(line(0)["interval_new_images"].is_array() && line(1)["interval_new_images"].is_array());
    assert!(line(2)["interval_new_images"].is_null() && line(3)["interval_new_images"].is_null());
    for claim in 0..4 {
        let (p, family) = (&line(claim)["p"], &line(claim)["p_family"]);
        assert!(family.as_f64().unwrap() >= p.as_f64().unwrap() - 1e-12, "{p} {family}");
    }
}

#[test]
fn more_seeds_are_a_second_look() {
    let claim = "claim \"c\" { train.accuracy of two > train.accuracy of one }\n";
    let sandbox = Sandbox::with(&format!("{FEW}{claim}"));
    let first = sandbox.specc(&["sweep", "spec.net", "-q", "--allow-open"]);
    assert!(!first.out.contains("second look"), "{}", first.out);
    // The same look again is none.
    let again = sandbox.specc(&["verify", "spec.net"]);
    assert!(!again.out.contains("second look"), "{}", again.out);
    let first = sandbox.json("runs/spec/verdicts.json")["looks"][0].clone();
    assert_eq!((&first["claim"], &first["n"]), (&"c".into(), &3.into()));
    sandbox.write("spec.net", format!("{FEW}{claim}").replace("0..3", "0..5").as_bytes());
    let second = sandbox.specc(&["sweep", "spec.net", "-q"]);
    let note = format!("second look: {} at n = 3", first["verdict"].as_str().unwrap());
    assert!(second.out.contains(&note), "{}", second.out);
}

#[test]
fn sides_with_other_seeds_are_compared_as_groups() {
    let more = "sweep other { loss in [far: two_scale(delta=1)]  seeds in 3..7 }
claim \"c\" { train.accuracy of two > train.accuracy of far }\n";
    let sandbox = Sandbox::with(&format!("{FEW}{more}"));
    sandbox.specc(&["sweep", "spec.net", "-q", "--allow-open"]);
    let judged = sandbox.specc(&["verify", "spec.net", "--json", "--allow-open"]).json();
    let line = &judged["claims"][0]["lines"][0];
    assert_eq!(
        (&line["paired"], &line["n"], &line["declared"]),
        (&false.into(), &3.into(), &3.into())
    );
    assert!(line["wins"].is_null() && line["p_floor"].is_null() && line["p_family"].is_null());
    let arguments =
        ["compare", "runs/spec:far", "runs/spec:two", "--metrics", "train.accuracy", "--json"];
    let compared = sandbox.specc(&arguments).exits(0).json();
    let difference = &compared["measures"][0]["differences"][0];
    for (key, other) in [("interval", "interval"), ("difference", "mean"), ("p", "p")] {
        assert_eq!(line[key], difference[other], "{key}");
    }
}
