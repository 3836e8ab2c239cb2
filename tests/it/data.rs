//! Data sets from files: golden and published ones, damaged ones, those of users.

mod command;
mod composition;
mod damaged;
mod fetch;
mod held_out;
mod own;
mod server;

use std::path::{Path, PathBuf};

use specc::data::{
    Augment, DataError, DataSpec, Dataset, Locations, NamedSet, Normalize, Pixels, Source,
    describe, load, order,
};
use specc::diag::ToDiagnostic;

use crate::close::double;
use crate::golden::golden_dir;

/// Published means and deviations are printed with six digits.
const PRINTED: f64 = 1.1e-6;

pub(crate) fn at(folder: &Path) -> Locations {
    Locations { data_dir: Some(folder.to_path_buf()), ..Locations::default() }
}

pub(crate) fn named(set: NamedSet) -> DataSpec {
    DataSpec::new(Source::Named(set))
}

/// A `.npy` file of version 1.
pub(crate) fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let head = [&b"\x93NUMPY\x01\x00"[..], &(text.len() as u16).to_le_bytes()].concat();
    [&head[..], text.as_bytes(), values].concat()
}

#[expect(clippy::disallowed_methods, reason = "tests write data files")]
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests read data files")]
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Code, title, notes and help of an error: what a user reads.
pub(crate) fn told(error: &DataError) -> String {
    let diagnostic = error.to_diagnostic();
    assert!(diagnostic.title.chars().count() <= 72, "{}", diagnostic.title);
    assert!(!diagnostic.help.is_empty(), "{error}");
    let lines = [diagnostic.notes, diagnostic.help].concat().join("\n");
    format!("{} {}\n{lines}", diagnostic.code, diagnostic.title)
}

fn bytes(data: &Dataset) -> &[u8] {
    match data.train.pixels() {
        Pixels::U8(bytes) => bytes,
        Pixels::F32(_) => panic!("not bytes"),
    }
}

#[test]
fn golden_sets_are_read_as_their_layout_says() {
    let Some(golden) = golden_dir() else { return };
    let folder = golden.join("trajectories/data");
    let here = at(&folder);

    let cifar100 = load(&named(NamedSet::Cifar100), &here).unwrap();
    assert_eq!((cifar100.train.len(), cifar100.test.len()), (256, 96));
    assert_eq!((cifar100.shape.as_slice(), cifar100.classes), (&[3, 32, 32][..], 100));
    let file = read(&folder.join("cifar-100-binary/train.bin"));
    for (i, record) in file.chunks_exact(3074).enumerate() {
        assert_eq!(cifar100.train.labels()[i], u32::from(record[1]));
        assert_eq!(&bytes(&cifar100)[i * 3072..][..3072], &record[2..]);
        let coarse = cifar100.coarse_of_class.as_ref().unwrap();
        assert_eq!(coarse[record[1] as usize], u32::from(record[0]));
    }
    assert_eq!(cifar100.class_names.as_ref().unwrap()[0], "apple");
    assert_eq!(cifar100.coarse_names.as_ref().unwrap().len(), 20);

    let coarse = DataSpec { coarse: true, ..named(NamedSet::Cifar100) };
    let coarse = load(&coarse, &here).unwrap();
    assert_eq!((coarse.classes, coarse.coarse_of_class), (20, None));
    assert_eq!(coarse.train.labels()[0], u32::from(file[0]));

    let cifar10 = load(&named(NamedSet::Cifar10), &here).unwrap();
    assert_eq!((cifar10.train.len(), cifar10.test.len()), (320, 64));
    let batch = read(&folder.join("cifar-10-batches-bin/data_batch_2.bin"));
    assert_eq!(cifar10.train.labels()[64], u32::from(batch[0]), "batches follow each other");
    assert_eq!(cifar10.class_names.as_ref().unwrap()[9], "truck");

    let mnist = load(&named(NamedSet::Mnist), &here).unwrap();
    assert_eq!((mnist.train.len(), mnist.test.len()), (512, 256));

    for set in [NamedSet::Mnist, NamedSet::Cifar10, NamedSet::Cifar100] {
        let data = load(&named(set), &here).unwrap();
        let known = describe(&named(set), &here).unwrap();
        assert_eq!(known.n_train, Some(data.train.len()));
        assert_eq!(known.n_test, Some(data.test.len()));
        let mut batch = vec![0_f64; 2 * data.sample_len()];
        data.plain(&data.train, &[3, 0], &mut batch);
        for (value, &byte) in batch.iter().zip(&bytes(&data)[3 * data.sample_len()..]).take(99) {
            assert_eq!(value.to_bits(), (f64::from(byte) / 255.0).to_bits());
        }
    }
}

#[test]
fn subsets_are_the_first_samples() {
    let Some(golden) = golden_dir() else { return };
    let here = at(&golden.join("trajectories/data"));
    for set in [NamedSet::Digits, NamedSet::Mnist, NamedSet::Cifar10, NamedSet::Cifar100] {
        let whole = load(&named(set), &here).unwrap();
        let spec = DataSpec { subset: Some(70), test_subset: Some(5), ..named(set) };
        let part = load(&spec, &here).unwrap();
        assert_eq!((part.train.len(), part.test.len()), (70, 5));
        assert_eq!(describe(&spec, &here).unwrap().n_train, Some(70));
        assert_eq!(part.train.labels(), &whole.train.labels()[..70]);
        assert_eq!(bytes(&part), &bytes(&whole)[..70 * whole.sample_len()]);
        let more = DataSpec { subset: Some(100_000), ..named(set) };
        let error = load(&more, &here).unwrap_err();
        assert!(told(&error).starts_with("E0609"), "{}", told(&error));
        assert!(describe(&more, &here).is_err());
    }
}

#[test]
fn normalisations_follow_their_formulas() {
    let here = Locations::default();
    let first = |normalize| {
        let data = load(&DataSpec { normalize, ..named(NamedSet::Digits) }, &here).unwrap();
        let mut wide = vec![0_f64; 64];
        let mut narrow = vec![0_f32; 64];
        data.plain(&data.train, &[0], &mut wide);
        data.plain(&data.train, &[0], &mut narrow);
        for (w, n) in wide.iter().zip(&narrow) {
            assert_eq!((*w as f32).to_bits(), n.to_bits());
        }
        (wide[2], data.normalization.channel(0))
    };
    // Pixel 2 of the first digit is 5.
    assert_eq!(first(Normalize::Unit).0.to_bits(), (5.0_f64 / 16.0).to_bits());
    assert_eq!(first(Normalize::Half).0.to_bits(), ((5.0_f64 / 16.0 - 0.5) / 0.5).to_bits());
    let (value, norm) = first(Normalize::Standard);
    assert_eq!(value.to_bits(), ((5.0 / 16.0 - norm.mean) / norm.deviation).to_bits());
    let data = load(&named(NamedSet::Digits), &here).unwrap();
    let pixels = bytes(&data);
    let mean = pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / pixels.len() as f64 / 16.0;
    assert!((norm.mean - mean).abs() < double::VALUE);
}

#[test]
fn a_batch_depends_on_seed_epoch_and_sample_alone() {
    let augment = Augment { crop: Some(1), flip: true, cutout: Some(3) };
    let spec = DataSpec { augment, normalize: Normalize::Standard, ..named(NamedSet::Digits) };
    let data = load(&spec, &Locations::default()).unwrap();
    let indices = &order(1, 4, data.train.len())[..40];
    let mut together = vec![0_f32; 40 * 64];
    data.train_batch(indices, 7, 4, &mut together);
    for (&index, expected) in indices.iter().zip(together.chunks(64)) {
        let mut alone = vec![0_f32; 64];
        data.train_batch(&[index], 7, 4, &mut alone);
        assert_eq!(alone, expected);
    }
    let mut later = vec![0_f32; 40 * 64];
    data.train_batch(indices, 7, 5, &mut later);
    assert_ne!(together, later);
    let mut plain = vec![0_f32; 40 * 64];
    data.plain(&data.train, indices, &mut plain);
    assert_ne!(together, plain);
}

#[test]
fn named_sets_are_known_without_their_files() {
    let known = describe(&named(NamedSet::Cifar100), &Locations::default()).unwrap();
    assert_eq!(known.sample_shape, [3, 32, 32]);
    assert_eq!((known.classes, known.n_train, known.n_test), (100, None, None));
    let coarse = DataSpec { coarse: true, ..named(NamedSet::Cifar10) };
    let error = describe(&coarse, &Locations::default()).unwrap_err();
    assert!(told(&error).starts_with("E0620"));
}

#[test]
fn the_search_goes_from_data_dir_over_the_environment_to_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| -> PathBuf { dir.path().join(name) };
    let locations = Locations {
        spec_dir: None,
        data_dir: Some(folder("given")),
        env_dir: Some(folder("environment")),
        cache_dir: Some(folder("cache")),
    };
    let error = load(&named(NamedSet::Cifar100), &locations).unwrap_err();
    let text = told(&error);
    assert!(text.starts_with("E0601"), "{text}");
    let positions: Vec<_> =
        ["given", "environment", "cache"].map(|name| text.find(name).unwrap()).into();
    assert!(positions.is_sorted(), "{text}");
    let help = error.to_diagnostic().help.join("");
    assert!(help.contains("specc data fetch cifar100"), "{help}");

    write(&folder("cache").join("cifar-100-binary/train.bin"), &[0; 3074]);
    assert_eq!(locations.find(NamedSet::Cifar100).unwrap(), folder("cache/cifar-100-binary"));
    write(&folder("environment").join("cifar-100-binary/test.bin"), &[0; 3074]);
    let found = locations.find(NamedSet::Cifar100).unwrap();
    assert_eq!(found, folder("environment/cifar-100-binary"));
}

/// The statistics of the published sets, known to six digits, where they lie in `$SPECC_DATA`.
#[test]
fn published_sets_have_their_published_statistics() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test looks for large data by the environment"
    )]
    let Ok(folder) = std::env::var("SPECC_DATA") else { return };
    let here = at(Path::new(&folder));
    let cases = [
        (NamedSet::Cifar10, [0.491_400, 0.482_158, 0.446_531], [0.247_032, 0.243_485, 0.261_588]),
        (NamedSet::Cifar100, [0.507_076, 0.486_549, 0.440_918], [0.267_334, 0.256_438, 0.276_150]),
    ];
    for (set, mean, deviation) in cases {
        if here.find(set).is_err() {
            continue;
        }
        let spec = DataSpec { normalize: Normalize::Standard, ..named(set) };
        let data = load(&spec, &here).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (50_000, 10_000));
        for channel in 0..3 {
            let norm = data.normalization.channel(channel);
            assert!((norm.mean - mean[channel]).abs() < PRINTED, "{set:?} {norm:?}");
            assert!((norm.deviation - deviation[channel]).abs() < PRINTED, "{set:?} {norm:?}");
        }
        let mut values = vec![0_f32; data.sample_len() * 128];
        data.train_batch(&order(0, 1, 50_000)[..128], 0, 1, &mut values);
        assert!(values.iter().all(|v| v.abs() < 3.0));
    }
    if here.find(NamedSet::Mnist).is_ok() {
        let data = load(&named(NamedSet::Mnist), &here).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (60_000, 10_000));
        assert_eq!(&data.train.labels()[..5], [5, 0, 4, 1, 9]);
        let verified = specc::data::verify(NamedSet::Mnist, &here).unwrap();
        assert_eq!(verified.hashed.len(), 4);
    }
}
