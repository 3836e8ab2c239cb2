//! Files that are cut off, too long, or something else: each ends in a coded error with offset, found and expected.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use specc::data::{NamedSet, describe, load};
use tempfile::TempDir;

use super::{at, named, told, write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx_images(n: u32, rows: u32, columns: u32, bytes: usize) -> Vec<u8> {
    let mut file = vec![0, 0, 8, 3];
    for number in [n, rows, columns] {
        file.extend(number.to_be_bytes());
    }
    file.resize(16 + bytes, 7);
    file
}

fn idx_labels(n: u32, labels: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1], &n.to_be_bytes()[..], labels].concat()
}

/// A sound MNIST folder with 3 training and 2 test images, plain.
fn mnist() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mnist");
    for (part, n) in [("train", 3_u32), ("t10k", 2)] {
        let images = idx_images(n, 28, 28, n as usize * 784);
        write(&folder.join(format!("{part}-images-idx3-ubyte")), &images);
        let labels = idx_labels(n, &vec![9; n as usize]);
        write(&folder.join(format!("{part}-labels-idx1-ubyte")), &labels);
    }
    dir
}

fn mnist_with(name: &str, bytes: &[u8]) -> String {
    let dir = mnist();
    write(&dir.path().join("mnist").join(name), bytes);
    told(&load(&named(NamedSet::Mnist), &at(dir.path())).unwrap_err())
}

#[test]
fn plain_and_packed_files_are_equal() {
    let dir = mnist();
    let plain = load(&named(NamedSet::Mnist), &at(dir.path())).unwrap();
    let folder = dir.path().join("mnist");
    let name = folder.join("train-images-idx3-ubyte");
    let bytes = super::read(&name);
    std::fs::remove_file(&name).unwrap();
    write(&folder.join("train-images-idx3-ubyte.gz"), &gzip(&bytes));
    assert_eq!(load(&named(NamedSet::Mnist), &at(dir.path())).unwrap(), plain);
    assert_eq!(describe(&named(NamedSet::Mnist), &at(dir.path())).unwrap().n_train, Some(3));
}

#[test]
fn idx_files() {
    let images = "train-images-idx3-ubyte";
    let labels = "train-labels-idx1-ubyte";
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (images, vec![], &["E0603", "the end of the file at byte 0", "00 00 08 03"]),
        (images, b"\x89PNG\r\n".to_vec(), &["E0603", "bytes 89 50 4e 47 at byte 0"]),
        (images, idx_images(3, 28, 28, 3 * 784)[..10].to_vec(), &["E0602", "10 bytes", "12 bytes"]),
        (images, idx_images(3, 14, 28, 3 * 392), &["E0603", "14 rows at byte 8", "28 rows"]),
        (images, idx_images(3, 28, 28, 2000), &["E0602", "truncated", "2016 bytes", "2368 bytes"]),
        (images, idx_images(3, 28, 28, 2400), &["E0602", "too long", "2416 bytes", "2368 bytes"]),
        (images, idx_images(u32::MAX, 28, 28, 2352), &["E0610", "3367254359280 bytes declared"]),
        (images, idx_images(5_000_000, 28, 28, 2352), &["E0602", "3920000016 bytes"]),
        (images, idx_images(2, 28, 28, 2 * 784), &["E0611", "2 samples", "3 labels"]),
        (labels, idx_labels(3, &[1, 10, 2]), &["E0604", "10 at byte 9 (sample 1)", "0 to 9"]),
        (labels, idx_labels(3, &[1, 2]), &["E0602", "10 bytes", "11 bytes"]),
        (labels, idx_images(3, 28, 28, 0), &["E0603", "00 00 08 01"]),
    ];
    for (name, bytes, expected) in cases {
        let text = mnist_with(name, &bytes);
        for part in expected {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn packed_idx_files() {
    let whole = gzip(&idx_images(3, 28, 28, 3 * 784));
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let cases: Vec<(Vec<u8>, &[&str])> = vec![
        (idx_images(3, 28, 28, 3 * 784), &["E0603", "gzip"]),
        (whole[..whole.len() - 12].to_vec(), &["E0603", "unpacked bytes"]),
        (flipped, &["E0603"]),
        ([&whole[..], b"more"].concat(), &["E0603", "more bytes follow"]),
        (gzip(&idx_images(3, 28, 28, 2000)), &["E0602", "2016 bytes after unpacking"]),
        // A bomb: what it unpacks to is looked at no further than its header says.
        (gzip(&idx_images(3, 28, 28, 50_000_000)), &["E0602", "at least 2369 bytes"]),
        (gzip(&idx_images(10_000_000, 28, 28, 10)), &["E0602", "26 bytes after unpacking"]),
    ];
    for (bytes, expected) in cases {
        let dir = mnist();
        let folder = dir.path().join("mnist");
        std::fs::remove_file(folder.join("train-images-idx3-ubyte")).unwrap();
        write(&folder.join("train-images-idx3-ubyte.gz"), &bytes);
        let text = told(&load(&named(NamedSet::Mnist), &at(dir.path())).unwrap_err());
        for part in expected {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}

/// A sound CIFAR-10 folder with one record in each batch.
fn cifar10() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cifar-10-batches-bin");
    for batch in 1..=5 {
        write(&folder.join(format!("data_batch_{batch}.bin")), &[batch; 3073]);
    }
    write(&folder.join("test_batch.bin"), &[0; 2 * 3073]);
    dir
}

#[test]
fn cifar_files() {
    let load_set = |dir: &TempDir| load(&named(NamedSet::Cifar10), &at(dir.path()));
    let dir = cifar10();
    assert_eq!(load_set(&dir).unwrap().train.labels(), [1, 2, 3, 4, 5]);

    let folder = dir.path().join("cifar-10-batches-bin");
    write(&folder.join("data_batch_3.bin"), &[3; 3073 + 100]);
    let text = told(&load_set(&dir).unwrap_err());
    assert!(text.contains("E0602") && text.contains("100 bytes after byte 3073"), "{text}");

    write(&folder.join("data_batch_3.bin"), &[]);
    assert!(told(&load_set(&dir).unwrap_err()).contains("E0602"));

    write(&folder.join("data_batch_3.bin"), &[[3; 3073], [13; 3073]].concat());
    let text = told(&load_set(&dir).unwrap_err());
    assert!(text.contains("E0604") && text.contains("13 at byte 3073 (sample 1)"), "{text}");

    std::fs::remove_file(folder.join("data_batch_3.bin")).unwrap();
    let text = told(&load_set(&dir).unwrap_err());
    assert!(text.contains("E0607") && text.contains("data_batch_3.bin"), "{text}");

    std::fs::create_dir(folder.join("data_batch_3.bin")).unwrap();
    assert!(told(&load_set(&dir).unwrap_err()).contains("E0603"));
}

#[test]
fn coarse_labels_must_agree() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cifar-100-binary");
    let record = |coarse: u8, fine: u8| [&[coarse, fine][..], &[0; 3072]].concat();
    write(&folder.join("train.bin"), &[record(7, 7), record(3, 8), record(3, 7)].concat());
    write(&folder.join("test.bin"), &record(7, 7));
    let text = told(&load(&named(NamedSet::Cifar100), &at(dir.path())).unwrap_err());
    assert!(text.contains("E0621") && text.contains("3 at byte 6148, 7 before"), "{text}");

    write(&folder.join("train.bin"), &[record(7, 7), record(20, 8)].concat());
    let text = told(&load(&named(NamedSet::Cifar100), &at(dir.path())).unwrap_err());
    assert!(text.contains("E0604") && text.contains("20 at byte 3074 (sample 1)"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes in the place of any file end in an error or a data set, never in a panic.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), keep in 0_usize..24, packed: bool) {
        let start = idx_images(3, 28, 28, 8);
        let bytes = [&start[..keep], &bytes[..]].concat();
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let dir = mnist();
        let folder = dir.path().join("mnist");
        for part in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
            std::fs::remove_file(folder.join(part)).unwrap();
            let name = if packed { format!("{part}.gz") } else { part.to_owned() };
            write(&folder.join(name), &bytes);
        }
        if let Err(error) = load(&named(NamedSet::Mnist), &at(dir.path())) {
            told(&error);
        }
    }
}
