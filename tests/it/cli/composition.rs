//! What `check` and `train` say about data.

use serde_json::Value;

use super::Sandbox;

const REST: &str = "\
net small { linear(classes) }
loss cross_entropy
train sgd(lr=0.1) { batch = 2  steps = 2 }
";

/// A folder with a table and a spec that reads it with these settings.
fn own(table: &str, settings: &str) -> Sandbox {
    let sandbox = Sandbox::with(&format!("data csv(\"own.csv\"{settings})\n{REST}"));
    sandbox.write("own.csv", table.as_bytes());
    sandbox
}

/// The codes about data in a document.
fn codes(document: &Value) -> Vec<&str> {
    let list = document["diagnostics"].as_array().unwrap();
    let codes = list.iter().map(|diagnostic| diagnostic["code"].as_str().unwrap());
    codes.filter(|code| code.starts_with("W06")).collect()
}

const FROM_ONE: &str = "a,b,y\n1,2,1\n3,4,2\n5,6,1\n7,8,2\n9,1,1\n2,2,2\n3,3,1\n4,5,2\n";

#[test]
fn a_warning_is_told_by_check_and_train_and_in_both_documents() {
    let sandbox = own(FROM_ONE, ", test=last(0.25)");
    let check = sandbox.specc(&["check", "spec.net"]).exits(0);
    assert!(check.err.contains("W0601") && check.err.contains("`label_base=1`"), "{}", check.err);
    let check = sandbox.specc(&["check", "spec.net", "--json"]).exits(0);
    let document: Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!(codes(&document), ["W0601"]);
    assert_eq!(document["ok"], true);
    let train = sandbox.specc(&["train", "spec.net", "--json"]).exits(0);
    assert_eq!(codes(&serde_json::from_str(&train.out).unwrap()), ["W0601"]);
    assert!(train.err.contains("W0601"), "{}", train.err);
    let mended = own(FROM_ONE, ", test=last(0.25), label_base=1");
    let train = mended.specc(&["train", "spec.net", "--json"]).exits(0);
    assert!(codes(&serde_json::from_str(&train.out).unwrap()).is_empty(), "{}", train.err);
}

#[test]
fn what_is_not_finite_is_found_before_training() {
    let sandbox = Sandbox::with(&format!("data npy(\"x.npy\", \"y.npy\", test=0.5)\n{REST}"));
    let values: Vec<u8> =
        [1.0_f32, 2.0, f32::NAN, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    sandbox.write("x.npy", &crate::data::npy("<f4", "(4, 1)", &values));
    sandbox.write("y.npy", &crate::data::npy("|u1", "(4,)", &[0, 1, 0, 1]));
    let check = sandbox.specc(&["check", "spec.net"]);
    assert!(check.err.contains("E0608") && check.err.contains("NaN"), "{}", check.err);
}

/// Settings that a resolved spec states, so that an old spec keeps its identity.
#[test]
fn new_settings_are_stated_only_where_they_differ() {
    let model = |table: &str, settings: &str| {
        let done = own(table, settings).specc(&["check", "spec.net", "--emit", "model"]).exits(0);
        let data = done.out.split("net ").next().unwrap().to_owned();
        data.split_whitespace().collect::<String>().replace(",)", ")")
    };
    let text = "1,0\n2,1\n3,0\n4,1\n";
    assert_eq!(
        model(text, ", label_base=0, delimiter=\",\""),
        "datacsv(\"own.csv\",test=last(0.2),normalize=unit,shuffle=true)"
    );
    let text = "1;1\n2;2\n3;1\n4;2\n";
    assert_eq!(
        model(text, ", test=random(0.5), label_base=1, delimiter=\";\""),
        "datacsv(\"own.csv\",test=random(0.5,seed=0),label_base=1,delimiter=\";\",normalize=unit,shuffle=true)"
    );
    assert_eq!(
        model("1\t0\n2\t1\n3\t0\n4\t1\n", ", test=random(0.5, seed=7), delimiter=\"\\t\""),
        "datacsv(\"own.csv\",test=random(0.5,seed=7),delimiter=\"\\t\",normalize=unit,shuffle=true)"
    );
}

#[test]
fn settings_that_cannot_be_used() {
    let cases = [
        (", label_base=2", "E0206", "from 0 to 1"),
        (", label_base=\"1\"", "E0205", "an integer"),
        (", delimiter=\"ab\"", "E0206", "one character"),
        (", delimiter=\"\"", "E0206", "one character"),
        (", delimiter=1", "E0205", "a text"),
        (", delimiter=\".\"", "E0612", "delimiter"),
        (", test=random(0)", "E0206", "above 0 and below 1"),
        (", test=random(0.5, seed=-1)", "E0205", "random"),
        (", test=random(0.5, 1)", "E0205", "random"),
        (", test=first(0.5, seed=1)", "E0205", "random"),
    ];
    for (settings, code, words) in cases {
        let done = own("1,0\n2,1\n3,0\n4,1\n", settings).specc(&["check", "spec.net"]);
        assert!(done.err.contains(code) && done.err.contains(words), "{settings}: {}", done.err);
    }
}

#[test]
fn the_test_part_may_be_chosen_by_a_condition() {
    let held = |condition: &str| {
        let sides = format!(", test=if {condition} {{ random(0.5) }} else {{ last(0.25) }}");
        let done = own("1,0\n2,1\n3,0\n4,1\n", &sides)
            .specc(&["check", "spec.net", "--emit", "model"])
            .exits(0);
        done.out.split("test=").nth(1).unwrap().split(')').next().unwrap().to_owned()
    };
    assert_eq!(held("1 < 2"), "random(0.5, seed=0");
    assert_eq!(held("1 > 2"), "last(0.25");
}
