//! Samples that are held out to choose by, and wrong labels among those that are trained on.

use specc::data::{
    DataSpec, Dataset, HeldOut, LabelNoise, Locations, NamedSet, NoiseKind, Normalize, Pixels,
    Source, Split, describe, load,
};

fn digits() -> DataSpec {
    DataSpec::new(Source::Named(NamedSet::Digits))
}

fn loaded(spec: &DataSpec) -> Dataset {
    let here = Locations::default();
    let data = load(spec, &here).unwrap();
    let told = describe(spec, &here).unwrap();
    assert_eq!(told.n_train, Some(data.train.len()));
    assert_eq!(told.n_val, Some(data.val.as_ref().map_or(0, Split::len)));
    data
}

/// Samples as texts, so that parts can be compared whatever their order.
fn samples(split: &Split) -> Vec<(Vec<u8>, u32)> {
    let Pixels::U8(bytes) = split.pixels() else { panic!("digits are bytes") };
    let labels = split.labels().iter().copied();
    bytes.chunks(split.sample_len()).map(<[u8]>::to_vec).zip(labels).collect()
}

#[test]
fn held_out_samples_are_those_that_training_lacks() {
    let whole = loaded(&digits());
    for val in [
        HeldOut::Random { fraction: 0.1, seed: 0 },
        HeldOut::Random { fraction: 0.1, seed: 1 },
        HeldOut::Last(0.1),
        HeldOut::First(0.1),
    ] {
        let data = loaded(&DataSpec { val: Some(val.clone()), ..digits() });
        let held_out = data.val.as_ref().unwrap();
        assert_eq!((data.train.len(), held_out.len()), (1293, 144));
        assert_eq!(data.test, whole.test);
        let mut all = [samples(&data.train), samples(held_out)].concat();
        let mut expected = samples(&whole.train);
        match val {
            HeldOut::Last(_) => assert_eq!(all, expected),
            HeldOut::First(_) | HeldOut::Random { .. } | HeldOut::Files(_) => {
                assert_ne!(all, expected);
                all.sort();
                expected.sort();
                assert_eq!(all, expected);
            }
        }
        if matches!(val, HeldOut::Random { .. }) {
            let count = |class| held_out.labels().iter().filter(|label| **label == class).count();
            assert!((0..10).all(|class| (14..=15).contains(&count(class))), "in proportion");
        }
        assert_ne!(data.fingerprint(), whole.fingerprint());
    }
}

#[test]
fn what_is_held_out_tells_nothing_to_the_normalisation() {
    let spec = DataSpec { normalize: Normalize::Standard, ..digits() };
    let part = DataSpec { subset: Some(1293), ..spec.clone() };
    let held_out = DataSpec { val: Some(HeldOut::Last(0.1)), ..spec };
    assert_eq!(loaded(&part).normalization, loaded(&held_out).normalization);
}

#[test]
fn wrong_labels_are_those_of_a_sample_wherever_it_stands() {
    let noise = |kind| Some(LabelNoise { kind, rate: 0.3, seed: 4 });
    let clean = loaded(&digits());
    assert_eq!(clean.train.clean_labels(), None);
    for kind in [NoiseKind::Symmetric, NoiseKind::Pairs] {
        let data = loaded(&DataSpec { label_noise: noise(kind), ..digits() });
        assert_eq!(data.train.clean_labels(), Some(clean.train.labels()));
        assert_eq!(data.test, clean.test);
        let pairs = || data.train.labels().iter().zip(clean.train.labels());
        let changed = pairs().filter(|(found, meant)| found != meant).count();
        assert!((330..530).contains(&changed), "{changed} of 1437");
        if kind == NoiseKind::Pairs {
            let steps = pairs().map(|(found, meant)| (found + 10 - meant) % 10);
            assert!(steps.clone().max() == Some(1) && steps.min() == Some(0));
        }
        let subset = DataSpec { label_noise: noise(kind), subset: Some(200), ..digits() };
        assert_eq!(loaded(&subset).train.labels(), &data.train.labels()[..200]);
        let val = Some(HeldOut::Random { fraction: 0.25, seed: 0 });
        let split = loaded(&DataSpec { label_noise: noise(kind), val: val.clone(), ..digits() });
        let plain = loaded(&DataSpec { val, ..digits() });
        assert_eq!(split.val, plain.val, "held-out samples keep their labels");
        assert_eq!(split.train.clean_labels(), Some(plain.train.labels()));
        assert_ne!(split.train.labels(), plain.train.labels());
    }
}
