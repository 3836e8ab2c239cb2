//! The identity of a run, which names its directory and decides whether it may be resumed.

use std::path::Path;

use super::Sandbox;

/// Identities of the shipped specs. One that changes makes every run of it that exists a stranger, so it changes only with
/// the meaning of the spec: a new setting is stated in `resolved.net` only where it differs from its default.
const SHIPPED: [(&str, &str); 12] = [
    ("lenet_cifar10", "9696379b1a85e47b2e62f37087b4ca4089e28470f368761497935298c9ba48df"),
    ("lenet_cifar100", "2863228f1d533aef9db087888ee6e7859f38b882eaf071923978d4d8dcbcde44"),
    ("loss_base_mse", "a7020447e37d0cbd591cd3198b751395f9f2be0df9261cbfa85f8945f5907976"),
    ("loss_custom_focal", "9dd687615f8372280d0e017b7442a1aa5b13b5c1f088d85ae9d1c6b2dc5603cd"),
    ("loss_fixed", "ec84034f8848b336b0f42c73a9c23a43354e0d5241493a65e24d7aa889d08b10"),
    ("loss_separation", "be9309395701083e2c4b4e2ac0ddfa706f35cc40246e642f14947883dbea27b0"),
    ("loss_single_scale", "45bfa4cb54ad04cc15e97944cc51df7d848d1021ddfd62961b803fcabc25ea47"),
    ("loss_truncated", "6587e363a5dd221239c14ca181f4ea460be6b2746445db330b80a9208737fceb"),
    ("mlp_mnist", "e98bee38967d77ef1d7fc37097e905bc75a9217d6444dd7930ce26f5ccc324ae"),
    ("quickstart", "849d49c2fb420d8b16844f75bcd586b4d0d7f8a1d58417b758475e2682579318"),
    ("wrn16_4_cifar10", "6351912dbc60b891293d58415f595d8d8626d1ee57a8e414a43a235b9b1eb768"),
    ("wrn28_10_cifar100_asam", "00e4c4b2f25986d4e9309950d327af1987b367a1f5c776055cb9d47335aa4e83"),
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
