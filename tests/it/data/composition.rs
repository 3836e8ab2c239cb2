//! What is said about the composition of data, and the drawn test part.

use std::fmt::Write as _;

use proptest::prelude::*;
use specc::data::{
    Absent, DataSpec, Finding, HeldOut, NamedSet, Normalize, Remedy, Share, Source, Synthetic,
    SyntheticKind, composition, glance, load,
};
use specc::diag::ToDiagnostic;

use super::own::{beside, csv_source};
use super::write;

/// The findings about a table, whose test part is its last quarter unless changed.
fn found(text: &str, change: impl FnOnce(&mut DataSpec)) -> Vec<Finding> {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("t.csv"), text.as_bytes());
    let mut spec = DataSpec::new(Source::Csv(csv_source("t.csv")));
    change(&mut spec);
    let data = load(&spec, &beside(dir.path())).unwrap();
    let findings = composition(&data, &spec);
    assert_eq!(glance(&spec, &beside(dir.path())).unwrap(), Some(findings.clone()));
    findings
}

fn csv(spec: &mut DataSpec) -> &mut specc::data::CsvSource {
    match &mut spec.source {
        Source::Csv(source) => source,
        other => panic!("{other:?} is no table"),
    }
}

/// Rows of one feature, all different, with these labels.
fn rows(labels: impl IntoIterator<Item = usize>) -> String {
    labels.into_iter().enumerate().fold(String::new(), |mut text, (i, label)| {
        writeln!(text, "{},{label}", i + 1).unwrap();
        text
    })
}

#[test]
fn labels_from_one() {
    let text = rows([1, 2, 1, 2, 1, 2, 1, 2]);
    assert_eq!(found(&text, |_| {}), [Finding::CountsFromOne { classes: 3, stated: false }]);
    assert_eq!(found(&text, |spec| csv(spec).label_base = 1), []);
    let stated = found(&text, |spec| csv(spec).classes = Some(3));
    assert_eq!(stated, [Finding::CountsFromOne { classes: 3, stated: true }]);
    assert!(stated[0].to_diagnostic().help[0].contains("`label_base=1, classes=2`"));
}

#[test]
fn classes_without_samples() {
    let nowhere = found(&rows([0, 3, 0, 3, 0, 3, 0, 3]), |_| {});
    let gap = Absent {
        nowhere: vec![1, 2],
        classes: 4,
        remedy: Remedy::Random(Share(250)),
        ..Absent::default()
    };
    assert_eq!(nowhere, [Finding::Absent(gap)]);
    let sorted = rows([0, 0, 0, 0, 0, 0, 1, 1]);
    let absent = found(&sorted, |_| {});
    let parts = Absent {
        train: vec![1],
        test: vec![0],
        classes: 2,
        remedy: Remedy::Random(Share(250)),
        ..Absent::default()
    };
    assert_eq!(absent, [Finding::Absent(parts)]);
    assert!(absent[0].to_diagnostic().help[0].contains("`test=random(0.25)`"));
    let drawn = |spec: &mut DataSpec| csv(spec).test = HeldOut::Random { fraction: 0.25, seed: 0 };
    assert_eq!(found(&sorted, drawn), []);
    let few = found(&rows([0, 1, 0, 1, 0, 1, 0, 1]), |spec| spec.subset = Some(1));
    assert!(matches!(&few[0], Finding::Absent(Absent { remedy: Remedy::MoreSamples, .. })));
}

#[test]
fn unequal_classes() {
    let with = |smallest: usize| {
        let labels = (0..40).map(|i| usize::from(i % 4 == 0 && i / 4 < smallest));
        found(&rows(labels.chain([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0])), |_| {})
    };
    let (largest, smallest) = ((0, 37), (1, 3));
    assert_eq!(with(3), [Finding::Unequal { largest, smallest, chance: 8.0 / 13.0 }]);
    assert_eq!(with(4), []);
}

#[test]
fn rows_in_both_parts_and_with_two_labels() {
    // Training rows 0 to 5, of which 1 and 4 are equal with different labels; the test rows are 6, equal to 0, and 7.
    let text = "1,0\n2,1\n3,0\n4,1\n2,0\n5,1\n1,1\n6,0\n";
    assert_eq!(
        found(text, |_| {}),
        [
            Finding::Repeated {
                n: 1,
                other_label: 1,
                n_test: 2,
                distinct: 5,
                n_train: 6,
                first: vec![(0, 0)],
            },
            Finding::Contradicting { n: 1, n_train: 6, first: (1, 4) },
        ]
    );
}

#[test]
fn one_in_a_hundred_repeated_samples_is_not_worth_a_word() {
    let text = |repeated: usize| {
        let test = (0..100).map(|i| if i < repeated { i } else { 1000 + i });
        let mut text = String::new();
        for (row, value) in (0..300).chain(test).enumerate() {
            writeln!(text, "{value},{}", row % 2).unwrap();
        }
        text
    };
    assert_eq!(found(&text(1), |_| {}), []);
    let two = found(&text(2), |_| {});
    assert!(matches!(two[..], [Finding::Repeated { n: 2, other_label: 0, n_test: 100, .. }]));
}

#[test]
fn constant_features() {
    let text = "1,7,0,0\n2,7,0,1\n3,7,0,0\n4,7,0,1\n5,7,0,0\n6,7,0,1\n7,8,0,0\n8,7,0,1\n";
    let constant = |features, normalize, vary_in_test| {
        [Finding::Constant { features, of: 3, flat: true, normalize, vary_in_test }]
    };
    assert_eq!(found(text, |_| {}), constant(vec![(1, 7.0)], Normalize::Unit, 1));
    assert_eq!(
        found(text, |spec| spec.normalize = Normalize::Standard),
        constant(vec![(1, 7.0), (2, 0.0)], Normalize::Standard, 1)
    );
    // Deviations are those of whole numbers, so that a constant is found whatever its digits are.
    let tenths = text.replace(",7,", ",0.1,");
    let standard = found(&tenths, |spec| spec.normalize = Normalize::Standard);
    let tenth = f64::from(0.1_f32);
    assert_eq!(standard, constant(vec![(1, tenth), (2, 0.0)], Normalize::Standard, 1));
}

#[test]
fn what_is_built_in_gives_no_cause() {
    for normalize in [Normalize::Unit, Normalize::Half, Normalize::Standard] {
        let digits = DataSpec { normalize, ..DataSpec::new(Source::Named(NamedSet::Digits)) };
        assert_eq!(glance(&digits, &specc::data::Locations::default()).unwrap(), Some(vec![]));
    }
    for (kind, classes) in
        [(SyntheticKind::Blobs, 5), (SyntheticKind::Spirals, 3), (SyntheticKind::Moons, 2)]
    {
        let (shape, noise) = (vec![2], 0.1);
        let source = Synthetic { kind, shape, classes, n_train: 60, n_test: 30, noise, seed: 1 };
        let spec = DataSpec::new(Source::Synthetic(source));
        assert_eq!(glance(&spec, &specc::data::Locations::default()).unwrap(), Some(vec![]));
    }
}

#[test]
fn a_glance_is_bounded() {
    let large = Synthetic {
        kind: SyntheticKind::Blobs,
        shape: vec![1 << 22],
        classes: 2,
        n_train: 2,
        n_test: 2,
        noise: 0.1,
        seed: 0,
    };
    let spec = DataSpec::new(Source::Synthetic(large));
    assert_eq!(glance(&spec, &specc::data::Locations::default()).unwrap(), None);
}

#[expect(clippy::cast_sign_loss, reason = "the numbers are positive")]
fn whole(value: f64) -> usize {
    value as usize
}

proptest! {
    #[test]
    fn a_drawn_test_part_has_every_class_and_keeps_the_order(
        labels in prop::collection::vec(0..4_usize, 20..200),
        fraction in 0.2..0.8_f64,
        seed in 0..3_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("t.csv"), rows(labels.clone()).as_bytes());
        let mut source = csv_source("t.csv");
        source.test = HeldOut::Random { fraction, seed };
        source.classes = Some(4);
        let data = load(&DataSpec::new(Source::Csv(source.clone())), &beside(dir.path())).unwrap();
        let n_test = whole(fraction * labels.len() as f64 + 0.5);
        prop_assert_eq!((data.train.len(), data.test.len()), (labels.len() - n_test, n_test));
        // The feature of a row is its number.
        let numbers = |split: &specc::data::Split| match split.pixels() {
            specc::data::Pixels::F32(values) => values.iter().map(|&v| whole(v.into())).collect::<Vec<_>>(),
            specc::data::Pixels::U8(_) => vec![],
        };
        let (train, test) = (numbers(&data.train), numbers(&data.test));
        prop_assert!(train.is_sorted() && test.is_sorted());
        let mut all = [train, test.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (1..=labels.len()).collect::<Vec<_>>());
        for class in 0..4 {
            let size = labels.iter().filter(|&&label| label == class).count();
            let here = test.iter().filter(|&&row| labels[row - 1] == class).count();
            prop_assert!(size < 2 || (1..size).contains(&here), "{} of {}", here, size);
            let quota = size as f64 * n_test as f64 / labels.len() as f64;
            // Rare classes pull a share towards themselves by at most one each.
            prop_assert!((here as f64 - quota).abs() < 4.0, "{} instead of {}", here, quota);
        }
        let again = load(&DataSpec::new(Source::Csv(source)), &beside(dir.path())).unwrap();
        prop_assert_eq!(data, again);
    }
}
