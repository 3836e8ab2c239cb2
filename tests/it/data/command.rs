//! `specc data list|fetch|verify|path`, without its process.

use clap::Parser;
use specc::cli::data::{DataArgs, run};
use specc::data::{DataError, Locations};

use super::{at, write};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    data: DataArgs,
}

/// What the command prints, or its error.
fn data(arguments: &[&str], locations: &Locations) -> Result<String, DataError> {
    let cli = Cli::try_parse_from([&["data"], arguments].concat()).unwrap();
    let mut out = vec![];
    match run(&cli.data, locations, &mut (), &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => Err(error.downcast().unwrap()),
    }
}

#[test]
fn list_says_what_is_where() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("cifar-100-binary/train.bin"), &[0; 2 * 3074]);
    write(&dir.path().join("cifar-100-binary/test.bin"), &[0; 3074]);
    write(&dir.path().join("cifar-10-batches-bin/test_batch.bin"), &[0; 3073]);
    let text = data(&["list"], &at(dir.path())).unwrap();
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(line("digits").contains("part of the program"), "{text}");
    assert!(line("mnist").contains("`specc data fetch mnist` (11.6 MB)"), "{text}");
    assert!(line("cifar10 ").contains("damaged: data_batch_1.bin is missing"), "{text}");
    let words: Vec<&str> = line("cifar100").split_whitespace().collect();
    assert_eq!(words[1..5], ["2", "1", "3x32x32", "100"], "{text}");
    assert!(words[5].ends_with("cifar-100-binary"), "{text}");

    let json = data(&["list", "--json"], &at(dir.path())).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "specc.data/1");
    let states: Vec<_> = json["sets"].as_array().unwrap().iter().map(|s| &s["state"]).collect();
    assert_eq!(states, ["embedded", "missing", "damaged", "here"]);
    assert_eq!(json["sets"][3]["n_train"], 2);
    assert!(json["sets"][1]["n_train"].is_null());
}

#[test]
fn path_and_verify() {
    let dir = tempfile::tempdir().unwrap();
    let here = at(dir.path());
    write(&dir.path().join("cifar-100-binary/train.bin"), &[0; 2 * 3074]);
    write(&dir.path().join("cifar-100-binary/test.bin"), &[0; 3074]);
    let path = data(&["path", "cifar100"], &here).unwrap();
    assert_eq!(path.trim_end(), dir.path().join("cifar-100-binary").display().to_string());
    assert_eq!(data(&["path", "mnist"], &here).unwrap_err().code().id(), "E0601");
    let text = data(&["verify", "digits", "cifar100"], &here).unwrap();
    assert!(text.contains("digits: 1437 training and 360 test samples"), "{text}");
    assert!(text.contains("train.bin: sound; no SHA-256 is known"), "{text}");
    write(&dir.path().join("cifar-100-binary/test.bin"), &[0; 3075]);
    assert_eq!(data(&["verify", "cifar100"], &here).unwrap_err().code().id(), "E0602");
}

#[test]
fn fetch_does_nothing_where_nothing_is_to_do() {
    let nowhere = Locations::default();
    let text = data(&["fetch", "digits"], &nowhere).unwrap();
    assert!(text.contains("nothing to fetch"), "{text}");
    let error = data(&["fetch", "mnist", "--offline"], &nowhere).unwrap_err();
    assert_eq!(error.code().id(), "E0616");
    let Err(error) = Cli::try_parse_from(["data", "fetch", "cifar1000"]) else { panic!() };
    assert!(error.to_string().contains("did you mean `cifar100`?"), "{error}");
}
