//! Tables and arrays of users, and the paths that lead to them.

use std::path::Path;

use proptest::prelude::*;
use specc::data::{
    CsvSource, DataError, DataSpec, Dataset, HeldOut, Locations, Normalize, NpyPair, NpySource,
    Pixels, Source, describe, load,
};

use super::{npy, told, write};

pub(super) fn beside(folder: &Path) -> Locations {
    Locations { spec_dir: Some(folder.to_path_buf()), ..Locations::default() }
}

pub(super) fn csv_source(path: &str) -> CsvSource {
    CsvSource {
        path: path.to_owned(),
        test: HeldOut::Last(0.25),
        label: None,
        header: None,
        classes: None,
        label_base: 0,
        delimiter: ',',
    }
}

fn load_csv(text: &str, change: impl FnOnce(&mut CsvSource)) -> Result<Dataset, DataError> {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("t.csv"), text.as_bytes());
    let mut source = csv_source("t.csv");
    change(&mut source);
    let spec = DataSpec::new(Source::Csv(source));
    let data = load(&spec, &beside(dir.path()));
    let known = describe(&spec, &beside(dir.path()));
    if let Ok(data) = &data {
        let known = known.unwrap();
        assert_eq!((known.sample_shape, known.classes), (data.shape.clone(), data.classes));
        assert_eq!(known.n_train, Some(data.train.len()));
        assert_eq!(known.n_test, Some(data.test.len()));
    }
    data
}

#[test]
fn a_table_with_names_and_header() {
    let text = "length,kind,width\n5,setosa,1\n6, virginica ,2\n\n7,setosa,\"3\"\n8,alba,4\n";
    let data = load_csv(text, |source| source.label = Some("kind".to_owned())).unwrap();
    assert_eq!((data.shape.as_slice(), data.classes), (&[2][..], 3));
    assert_eq!(data.class_names.as_deref().unwrap(), ["alba", "setosa", "virginica"]);
    assert_eq!(data.train.labels(), [1, 2, 1]);
    assert_eq!(data.test.labels(), [0]);
    assert_eq!(*data.train.pixels(), Pixels::F32(vec![5.0, 1.0, 6.0, 2.0, 7.0, 3.0]));
    let mut batch = vec![0_f64; 2];
    data.plain(&data.test, &[0], &mut batch);
    assert_eq!(batch, [8.0, 4.0]);
}

#[test]
fn a_table_of_numbers() {
    let text = "1,2,0\n3,4,1\n5,6,2\n7,8,1\n";
    let data = load_csv(text, |source| source.test = HeldOut::First(0.5)).unwrap();
    assert_eq!((data.classes, data.class_names.clone()), (3, None));
    assert_eq!((data.test.labels(), data.train.labels()), (&[0, 1][..], &[2, 1][..]));
    let headed = load_csv(&format!("a,b,c\n{text}"), |source| {
        source.test = HeldOut::First(0.5);
        source.header = Some(true);
    });
    assert_eq!(headed.unwrap(), data);
    assert_eq!(load_csv(text, |source| source.classes = Some(7)).unwrap().classes, 7);
}

#[test]
fn tables_that_cannot_be_used() {
    type Change = fn(&mut CsvSource);
    let cases: Vec<(&str, Change, &[&str])> = vec![
        ("a,b\n1,x\nn/a,y\n", |_| {}, &["E0608", "t.csv:3, field 1", "`n/a`", "a finite number"]),
        ("1,0\n1e999,1\n", |_| {}, &["E0608", "t.csv:2"]),
        ("1,2,0\n1,1\n", |_| {}, &["E0608", "2 fields", "3 fields"]),
        ("1,0.5\n2,1\n", |_| {}, &["E0608", "`0.5`", "whole number"]),
        ("1,-1\n2,1\n", |_| {}, &["E0608", "`-1`"]),
        ("1,\n2,1\n", |_| {}, &["E0608", "a label"]),
        ("a,b\n1,0\n", |source| source.label = Some("c".into()), &["E0608", "`a`, `b`"]),
        (
            "1,0\n1,1\n",
            |source| (source.label, source.header) = (Some("c".into()), Some(false)),
            &["E0608", "header"],
        ),
        ("", |_| {}, &["E0609"]),
        ("a,b\n", |_| {}, &["E0609"]),
        ("1\n2\n", |_| {}, &["E0608"]),
        ("1,0\n2,1\n", |source| source.test = HeldOut::Last(0.1), &["E0609", "test"]),
        ("1,0\n2,1\n", |source| source.test = HeldOut::Last(1.5), &["E0612", "1.5"]),
        ("1,0\n2,0\n", |_| {}, &["E0612", "classes"]),
        ("1,0\n2,4000000000\n", |_| {}, &["E0608", "4000000000"]),
        ("1,0\n2,5\n", |source| source.classes = Some(3), &["E0608", "`5`"]),
        ("1,0\n2,1\n", |source| source.test = HeldOut::Files("u.csv".into()), &["E0607", "u.csv"]),
    ];
    for (text, change, expected) in cases {
        let told = told(&load_csv(text, change).unwrap_err());
        for part in expected {
            assert!(told.contains(part), "{part} is not in\n{told}\nfor {text:?}");
        }
    }
}

#[test]
fn tables_with_another_delimiter() {
    let semicolons = "a;b;y\n1;2;0\n3;4;1\n5;6;0\n7;8;1\n";
    let commas = semicolons.replace(';', ",");
    let expected = load_csv(&commas, |_| {}).unwrap();
    for delimiter in [';', '\t', '|', ' ', ':', '/'] {
        let text = semicolons.replace(';', &delimiter.to_string());
        let told = told(&load_csv(&text, |_| {}).unwrap_err());
        if ";\t| ".contains(delimiter) {
            let fix = format!("`delimiter=\"{}\"`", delimiter.escape_default());
            assert!(told.contains("E0622") && told.contains(&fix), "{told}");
        }
        let data = load_csv(&text, |source| source.delimiter = delimiter).unwrap();
        assert_eq!(data, expected, "{delimiter:?}");
    }
    let wrong = told(&load_csv(&commas, |source| source.delimiter = ';').unwrap_err());
    assert!(wrong.contains("E0622") && wrong.contains("`delimiter=\",\"`"), "{wrong}");
    // As spreadsheets write them: a mark of byte order, line ends of two bytes, blank lines behind.
    let saved = format!("\u{feff}{}\r\n\r\n", semicolons.replace('\n', "\r\n"));
    assert_eq!(load_csv(&saved, |source| source.delimiter = ';').unwrap(), expected);
}

#[test]
fn decimal_commas_and_doubtful_headers() {
    let cases = [
        ("1,5;2,5;0\n3,5;4,5;1\n", ',', ["E0622", "decimal point"]),
        ("a,b;c;y\n1;2;0\n", ',', ["E0622", "`delimiter=\";\"`"]),
        ("1,5;2,5;0\n3,5;4,5;1\n", ';', ["E0608", "not a comma"]),
        ("a;b;y\n1,5;2;0\n", ';', ["E0608", "not a comma"]),
        ("1,NA,0\n2,3,1\n", ',', ["E0608", "`NA`"]),
        ("0,1,label\n3,4,0\n5,6,1\n7,8,0\n", ',', ["E0608", "header=true"]),
    ];
    for (text, delimiter, parts) in cases {
        let told = told(&load_csv(text, |source| source.delimiter = delimiter).unwrap_err());
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}\n{told}\n{text}");
    }
}

#[test]
fn labels_from_a_base() {
    let from_one = "1,1\n2,2\n3,1\n4,2\n";
    let based = |source: &mut CsvSource| source.label_base = 1;
    let data = load_csv(from_one, based).unwrap();
    assert_eq!((data.classes, data.train.labels()), (2, &[0, 1, 0][..]));
    let cases: [(&str, Option<usize>, u32, &str); 5] = [
        (from_one, Some(2), 0, "`label_base=1`"),
        ("1,0\n2,1\n3,2\n", None, 1, "a whole number from 1"),
        (from_one, Some(1), 1, "classes"),
        ("1,1\n2,2\n3,3\n", Some(2), 1, "up to `classes`"),
        ("1,x\n2,y\n3,x\n", None, 1, "`label_base`"),
    ];
    for (text, classes, base, part) in cases {
        let error = load_csv(text, |source| {
            (source.classes, source.label_base) = (classes, base);
        });
        let told = told(&error.unwrap_err());
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn a_test_table_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.csv"), b"1,x\n2,y\n");
    write(&dir.path().join("b.csv"), b"3,y\n");
    let source = CsvSource { test: HeldOut::Files("b.csv".into()), ..csv_source("a.csv") };
    let spec = DataSpec::new(Source::Csv(source));
    assert_eq!(load(&spec, &beside(dir.path())).unwrap().test.labels(), [1]);
    write(&dir.path().join("b.csv"), b"3,z\n");
    let text = told(&load(&spec, &beside(dir.path())).unwrap_err());
    assert!(text.contains("`z`") && text.contains("b.csv:1, field 2"), "{text}");
    write(&dir.path().join("b.csv"), b"3,3,y\n");
    assert!(told(&load(&spec, &beside(dir.path())).unwrap_err()).contains("E0611"));
}

fn npy_spec() -> DataSpec {
    DataSpec::new(Source::Npy(NpySource {
        train: NpyPair { images: "x.npy".into(), labels: "y.npy".into() },
        test: HeldOut::Last(0.5),
        classes: None,
        label_base: 0,
    }))
}

fn load_npy(images: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("x.npy"), images);
    write(&dir.path().join("y.npy"), labels);
    load(&npy_spec(), &beside(dir.path()))
}

#[test]
fn arrays_of_every_kind() {
    let labels = npy("|u1", "(4,)", &[0, 1, 2, 1]);
    let bytes: Vec<u8> = (0..16).collect();
    let data = load_npy(&npy("|u1", "(4, 1, 2, 2)", &bytes), &labels).unwrap();
    assert_eq!((data.shape.as_slice(), data.classes), (&[1, 2, 2][..], 3));
    let mut batch = vec![0_f64; 4];
    data.plain(&data.test, &[0], &mut batch);
    assert_eq!(batch, [8.0, 9.0, 10.0, 11.0].map(|v| v / 255.0));

    let f32s: Vec<u8> = (0_u8..8).flat_map(|v| f32::from(v).to_le_bytes()).collect();
    let f64s: Vec<u8> = (0_u8..8).flat_map(|v| f64::from(v).to_le_bytes()).collect();
    let from_f32 = load_npy(&npy("<f4", "(4, 2)", &f32s), &labels).unwrap();
    assert_eq!(load_npy(&npy("<f8", "(4, 2)", &f64s), &labels).unwrap(), from_f32);
    assert_eq!(*from_f32.train.pixels(), Pixels::F32(vec![0.0, 1.0, 2.0, 3.0]));

    let i64s: Vec<u8> = [0_i64, 1, 2, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let i32s: Vec<u8> = [0_i32, 1, 2, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    for labels in [npy("<i8", "(4,)", &i64s), npy("<i4", "(4,)", &i32s)] {
        assert_eq!(load_npy(&npy("<f4", "(4, 2)", &f32s), &labels).unwrap(), from_f32);
    }

    // Version 2 has a header length of four bytes.
    let one = npy("<f4", "(4, 2)", &f32s);
    let length = u16::from_le_bytes([one[8], one[9]]);
    let two = [&b"\x93NUMPY\x02\x00"[..], &u32::from(length).to_le_bytes(), &one[10..]].concat();
    assert_eq!(load_npy(&two, &labels).unwrap(), from_f32);
}

#[test]
fn standard_is_taken_per_feature() {
    let labels = npy("|u1", "(4,)", &[0, 1, 0, 1]);
    let values: Vec<u8> = [1.0_f32, 10.0, 3.0, 10.0, 0.0, 0.0, 0.0, 0.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("x.npy"), &npy("<f4", "(4, 2)", &values));
    write(&dir.path().join("y.npy"), &labels);
    let spec = DataSpec { normalize: Normalize::Standard, ..npy_spec() };
    let data = load(&spec, &beside(dir.path())).unwrap();
    let mut batch = vec![0_f32; 4];
    data.plain(&data.train, &[0, 1], &mut batch);
    assert_eq!(batch, [-1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn arrays_that_cannot_be_used() {
    let good_labels = npy("|u1", "(4,)", &[0, 1, 2, 1]);
    let good = npy("|u1", "(4, 2)", &[0; 8]);
    let nan = f32::NAN.to_le_bytes();
    let cases: Vec<(Vec<u8>, Vec<u8>, &[&str])> = vec![
        (b"PK\x03\x04zip".to_vec(), good_labels.clone(), &["E0603", "93 4e 55"]),
        (npy("|u1", "(4, 2)", &[0; 7]), good_labels.clone(), &["E0602", "truncated"]),
        (npy("|u1", "(4, 2)", &[0; 9]), good_labels.clone(), &["E0602", "too long"]),
        (npy("|O", "(4, 2)", &[0; 8]), good_labels.clone(), &["E0603", "|O", "<f4"]),
        (npy(">f4", "(4, 2)", &[0; 32]), good_labels.clone(), &["E0603", ">f4"]),
        (npy("|u1", "(4,)", &[0; 4]), good_labels.clone(), &["E0603", "shape"]),
        (npy("|u1", "(4, 0)", &[]), good_labels.clone(), &["E0603", "shape"]),
        (npy("|u1", "(0, 2)", &[]), npy("|u1", "(0,)", &[]), &["E0609"]),
        (npy("<f8", "(99999999999, 9999999999)", &[]), good_labels, &["E0610"]),
        (npy("<f4", "(1, 1)", &nan), npy("|u1", "(1,)", &[1]), &["E0609"]),
        (
            npy("<f4", "(2, 1)", &[nan, nan].concat()),
            npy("|u1", "(2,)", &[0, 1]),
            &["E0608", "byte 128"],
        ),
        (good.clone(), npy("|u1", "(3,)", &[0; 3]), &["E0611", "4 samples", "3 labels"]),
        (good.clone(), npy("<f4", "(4,)", &[0; 16]), &["E0603", "<i8"]),
        (good.clone(), npy("|u1", "(4, 1)", &[0; 4]), &["E0603", "shape"]),
        (
            good,
            npy("<i4", "(4,)", &[0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]),
            &["E0604", "-1 at byte 132 (sample 1)"],
        ),
    ];
    for (images, labels, expected) in cases {
        let text = told(&load_npy(&images, &labels).unwrap_err());
        for part in expected {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}

#[test]
fn paths_stay_in_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("specs");
    write(&dir.path().join("secret.csv"), b"1,0\n2,1\n");
    write(&inside.join("data/t.csv"), b"1,0\n2,1\n");
    let locations = Locations { data_dir: Some(inside.join("data")), ..beside(&inside) };
    assert!(locations.resolve("data/t.csv").is_ok());
    assert!(locations.resolve("./data/t.csv").is_ok());
    assert!(locations.resolve("t.csv").is_ok(), "found in the data folder");
    let absolute = dir.path().join("secret.csv").display().to_string();
    for path in ["../secret.csv", "data/../../secret.csv", absolute.as_str()] {
        let text = told(&locations.resolve(path).unwrap_err());
        assert!(text.starts_with("E0606"), "{text}");
    }
    assert!(told(&locations.resolve("nowhere.csv").unwrap_err()).starts_with("E0607"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path(), inside.join("out")).unwrap();
        let text = told(&locations.resolve("out/secret.csv").unwrap_err());
        assert!(text.starts_with("E0606") && text.contains("a link out of"), "{text}");
        std::os::unix::fs::symlink("data", inside.join("near")).unwrap();
        assert!(locations.resolve("near/t.csv").is_ok(), "a link that stays inside");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_table_panics(text in "[0-9a,.\"\n\r -]{0,60}") {
        if let Err(error) = load_csv(&text, |_| {}) {
            told(&error);
        }
    }

    #[test]
    fn no_array_panics(header in "\\{?['a-z:0-9<|(), \u{e9}]{0,40}\\}?", rest in prop::collection::vec(any::<u8>(), 0..40)) {
        let length = (header.len() as u16).to_le_bytes();
        let file = [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), &rest].concat();
        if let Err(error) = load_npy(&file, &file) {
            told(&error);
        }
        let descr = if rest.len() % 2 == 0 { "<f4" } else { "|u1" };
        if let Err(error) = load_npy(&npy(descr, "(2, 1)", &rest), &npy("|u1", "(2,)", &rest)) {
            told(&error);
        }
    }
}
