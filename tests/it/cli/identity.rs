//! The identity of a run, which names its directory and decides whether it may be resumed.

use std::collections::BTreeSet;
use std::path::Path;

use specc::store::Checkpoint;

use super::Sandbox;

/// Identities of the shipped specs. One that changes makes every run of it that exists a stranger, so it changes only with
/// the meaning of the spec, or with the edition of identities and `specc runs --rename`.
const SHIPPED: [(&str, &str); 12] = [
    ("lenet_cifar10", "1d338145e24977d3a973621800238b92e571fd70aad58c00eae4a4de02d2d27b"),
    ("lenet_cifar100", "f9ecfc4253b3a0767491bf074897dc4399ea65ccb519a356ddbf144477acdc67"),
    ("loss_base_mse", "fd03af9375ab79040cf567ac408759b0d6ed866b241fe4f6b82c126e0525eb86"),
    ("loss_custom_focal", "cd6da67d41dea0ba70a6cd33358dcb7a6e227129d2601ce0c38d00e649bce1ca"),
    ("loss_fixed", "e542a3264b32529fa5619eaf9a0713c9fd1732ebf159ea8f6e69e878f87da05d"),
    ("loss_separation", "df118994239267ac59451210fc8a47fc31d94b6dec6d76ebdb56f4ddad1493b5"),
    ("loss_single_scale", "d0c305755457d4f323d674ad607021f716cc23a62b4d8ff2ab9f4ba445fbd7b8"),
    ("loss_truncated", "102b28fcdf921aa78f9c6e13bf498490a8b27cc0109ccc4cee663059d4555e26"),
    ("mlp_mnist", "d15b7baf7e234169e22d667cb750a537e96f3f37acdc69c8bd78360a9729d8e2"),
    ("quickstart", "269ae34b3de618161d1c36ae41b405bd59be3ab59f5685cb2a4b526c34e65c2f"),
    ("wrn16_4_cifar10", "00ef774c94f2e6a501906e323a6eed3dec38f48577179e0378585e954f97262a"),
    ("wrn28_10_cifar100_asam", "2f41d4c4af8ec818f10856f1243e9b2a905fb661c0c2176e37b9019ffc67542b"),
];

#[test]
fn shipped_specs_keep_their_identities() {
    let sandbox = Sandbox::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    for (name, hash) in SHIPPED {
        let spec = folder.join(format!("{name}.net"));
        let done = sandbox.specc(&["train", spec.to_str().unwrap(), "--dry-run", "--json"]);
        assert_eq!(done.exits(0).json()["spec_hash"], hash, "{name}");
    }
}

#[test]
fn a_setting_at_its_default_is_no_other_run() {
    let sandbox = Sandbox::with(super::TINY);
    let hash = |more: &[&str]| {
        let arguments = [&["train", "spec.net", "--dry-run", "--json"][..], more].concat();
        sandbox.specc(&arguments).exits(0).json()["spec_hash"].as_str().unwrap().to_owned()
    };
    let plain = hash(&[]);
    assert_eq!(hash(&["train.last_batch=keep"]), plain);
    assert_eq!(hash(&["train.batch=if 2 > 1 { 8 } else { 16 }"]), plain);
    assert_ne!(hash(&["train.last_batch=drop"]), plain);
}

/// Makes a run of an earlier version of one: another hash, everywhere that it stands.
fn age(sandbox: &Sandbox, run: &str, earlier: &str) {
    let hash = sandbox.json(&format!("{run}/run.json"))["spec_hash"].as_str().unwrap().to_owned();
    for file in ["run.json", "summary.json"] {
        let name = format!("{run}/{file}");
        let text = sandbox.text(&name).replace(&hash, earlier).replace("  \"edition\": 2,\n", "");
        sandbox.write(&name, text.as_bytes());
    }
    let ckpt = sandbox.path(&format!("{run}/ckpt"));
    let mut checkpoint = Checkpoint::read(&ckpt).unwrap().unwrap();
    earlier.clone_into(&mut checkpoint.position.spec_hash);
    checkpoint.write(&ckpt).unwrap();
    let sweep = sandbox.text("runs/spec/sweep.json").replace(&hash, earlier);
    sandbox.write("runs/spec/sweep.json", sweep.as_bytes());
    let name = run.replace(&hash[..12], &earlier[..12]);
    std::fs::rename(sandbox.path(run), sandbox.path(&name)).unwrap();
}

#[test]
fn runs_of_earlier_versions_are_found_again_by_one_command() {
    let sweep = "sweep s { loss in [one: single_scale, two: two_scale(delta=0.1)] seeds in 0..2 }";
    let sandbox = Sandbox::with(&format!("{}{sweep}\n", super::TINY));
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    let before = sandbox.tree("runs/spec");
    let runs: BTreeSet<String> = before
        .keys()
        .filter_map(|file| file.split_once('/'))
        .map(|(run, _)| format!("runs/spec/{run}"))
        .collect();
    assert_eq!(runs.len(), 4);
    for run in &runs {
        let is_first = sandbox.text(&format!("{run}/resolved.net")).contains("single_scale");
        let letter = if is_first { "a" } else { "b" };
        age(&sandbox, run, &letter.repeat(64));
    }
    sandbox
        .specc(&["sweep", "spec.net", "--dry-run"])
        .exits(0)
        .says(&["4 runs have the identity of an earlier version", "specc runs runs/spec --rename"]);
    let one = format!("runs/spec/{}-s0", "a".repeat(12));
    let choice = ["train", "spec.net", "loss=one", "--seed", "0", "-o", &one];
    sandbox.specc(&choice).exits(1).says(&["E0702", "edition 1", "--rename"]);
    let renamed = sandbox.specc(&["runs", "--rename", "--json"]).exits(0).json();
    assert_eq!(renamed["renamed"].as_array().unwrap().len(), 4);
    assert_eq!(sandbox.tree("runs/spec"), before, "nothing but the names has changed");
    sandbox.specc(&["runs", "--rename"]).exits(0).prints(&["all runs have today's identity"]);
    sandbox.specc(&["sweep", "spec.net", "-q"]).exits(0);
    assert_eq!(sandbox.tree("runs/spec"), before, "nothing is trained again");
}
