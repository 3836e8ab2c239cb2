//! The measures against golden numbers and against the laws they obey.

use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::Value;
use specc::measure::{
    Edges, Histogram, HistogramBins, Logits, Probabilities, Request, Scalars, SuperClasses,
    accuracy, accuracy_upper, average_accuracy, chance_curve, close_enough, histogram, margins,
    masses, normalized_margins, per_class, summarize, top_k, well_counts,
};

use crate::close::double;
use crate::golden;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|item| item.as_f64().unwrap()).collect()
}

fn some(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().map(|value| value.unwrap()).collect()
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (idx, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= double::ORACLE, "{what}[{idx}]: {found} instead of {expected}");
    }
}

fn same_histogram(found: &Histogram, expected: &Value, what: &str) {
    assert_eq!(numbers(&expected["edges"]), found.edges, "{what}");
    let counts: Vec<f64> = found.counts.iter().map(|count| *count as f64).collect();
    assert_eq!(numbers(&expected["counts"]), counts, "{what}");
    close(&found.density, &numbers(&expected["density"]), what);
    assert_eq!(expected["below"].as_u64(), Some(found.below as u64), "{what}");
    assert_eq!(expected["above"].as_u64(), Some(found.above as u64), "{what}");
}

fn edges(expected: &Value) -> Edges {
    Edges::new(numbers(&expected["edges"])).unwrap()
}

fn load(case: &Value, file: &SafeTensors<'_>) -> Logits {
    let name = |key: &str| case[key].as_str().unwrap().to_owned();
    let classes = usize::try_from(case["classes"].as_u64().unwrap()).unwrap();
    let scalars =
        Scalars { size: case["R"].as_f64(), r1: case["r1"].as_f64(), ..Scalars::default() };
    Logits::new(golden::f64s(file, &name("logits")), classes, &golden::i64s(file, &name("labels")))
        .unwrap()
        .with_coarse(&golden::i64s(file, &name("coarse")))
        .unwrap()
        .with_scalars(scalars)
        .unwrap()
}

/// Calls `check` for each golden case with its logits and the file of tensors.
fn each_case(check: impl Fn(&Value, &Logits, &SafeTensors<'_>)) {
    let Some(dir) = golden::golden_dir() else { return };
    let document = golden::json(&dir.join("measures.json"));
    let bytes = golden::bytes(&dir.join("measures.safetensors"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        check(case, &load(case, &file), &file);
    }
}

#[test]
fn golden_margins_and_accuracies() {
    each_case(|case, logits, file| {
        let what = case["name"].as_str().unwrap();
        let m = margins(logits);
        let tensor = |key: &str| golden::f64s(file, case["tensors"][key].as_str().unwrap());
        close(&m, &tensor("margin"), what);
        let normalized = normalized_margins(&m, logits.scalars().size.unwrap());
        close(&normalized, &tensor("normalised_margin"), what);
        assert_eq!(accuracy(&m), case["accuracy"].as_f64(), "{what}");
        assert_eq!(accuracy_upper(&m), case["accuracy_ties_count"].as_f64(), "{what}");
        let classes = per_class(logits, &m);
        let expected = case["per_class"].as_array().unwrap();
        assert_eq!(classes.len(), expected.len(), "{what}");
        for (found, expected) in classes.iter().zip(expected) {
            assert_eq!(serde_json::to_value(found).unwrap(), *expected, "{what}");
        }
        let average = average_accuracy(&classes).unwrap();
        close(&[average], &[case["average_accuracy"].as_f64().unwrap()], what);
    });
}

#[test]
fn golden_top_k_with_both_tie_rules() {
    each_case(|case, logits, _| {
        let expected = &case["top_k"];
        #[expect(clippy::cast_sign_loss, reason = "the golden k are positive")]
        let ks: Vec<usize> = numbers(&expected["k"]).iter().map(|k| *k as usize).collect();
        let found = top_k(logits, &ks);
        assert_eq!(some(&found.pessimistic), numbers(&expected["pessimistic"]));
        assert_eq!(some(&found.optimistic), numbers(&expected["optimistic"]));
    });
}

#[test]
fn golden_super_classes() {
    each_case(|case, logits, _| {
        let found = SuperClasses::of(logits).unwrap().accuracy();
        let expected = &case["super_class_accuracy"];
        assert_eq!(found.first_maximum, expected["first_maximum"].as_f64());
        assert_eq!(found.pessimistic, expected["pessimistic"].as_f64());
        assert_eq!(found.optimistic, expected["optimistic"].as_f64());
    });
}

#[test]
fn golden_probabilities_close_enough_and_histograms_at_every_scale() {
    each_case(|case, logits, file| {
        let m = margins(logits);
        let groups = SuperClasses::of(logits).unwrap();
        for entry in case["scales"].as_array().unwrap() {
            let what = format!("{} {}", case["name"], entry["name"]);
            let scale = entry["scale"].as_f64().unwrap();
            let found = Probabilities::new(logits, scale);
            let tensor = |key: &str| golden::f64s(file, entry["tensors"][key].as_str().unwrap());
            close(&found.label, &tensor("p_label"), &what);
            close(&found.max, &tensor("p_max"), &what);
            close(&found.delta, &tensor("delta_p"), &what);

            let points = |key: &str| numbers(&entry[key]["a"]);
            let fractions = |key: &str| numbers(&entry[key]["fraction"]);
            let plain = close_enough(&found, &points("close_enough"));
            assert_eq!(some(&plain), fractions("close_enough"), "{what}");
            let best = groups.close_enough_best(scale, &points("super_close_enough_best"));
            assert_eq!(some(&best), fractions("super_close_enough_best"), "{what}");
            let sum = groups.close_enough_sum(scale, &points("super_close_enough_sum"));
            assert_eq!(some(&sum), fractions("super_close_enough_sum"), "{what}");

            let expected = &entry["histograms"];
            let p_max = histogram(found.max.iter().copied(), &edges(&expected["p_max"]));
            same_histogram(&p_max, &expected["p_max"], &what);
            let p_label = histogram(found.label.iter().copied(), &edges(&expected["p_label"]));
            same_histogram(&p_label, &expected["p_label"], &what);
            let wrong = found.delta.iter().zip(&m).filter(|(_, m)| **m <= 0.0).map(|(d, _)| *d);
            let expected = &expected["delta_p_of_misclassified"];
            same_histogram(&histogram(wrong, &edges(expected)), expected, &what);
        }
    });
}

#[test]
fn golden_masses_well_counts_and_margin_histograms() {
    each_case(|case, logits, _| {
        let m = margins(logits);
        let normalized = normalized_margins(&m, logits.scalars().size.unwrap());
        for expected in case["masses"].as_array().unwrap() {
            let found = masses(&normalized, &[expected["mu"].as_f64().unwrap()])[0];
            assert_eq!(found.well, expected["mass_well"].as_f64());
            assert_eq!(found.marginal, expected["mass_marginal"].as_f64());
            assert_eq!(found.poor, expected["mass_poor"].as_f64());
        }
        for expected in case["well_counts"].as_array().unwrap() {
            let found = well_counts(&m, &[expected["eta"].as_f64().unwrap()])[0];
            assert_eq!(serde_json::to_value(found).unwrap(), *expected);
        }
        let expected = &case["margin_histogram"];
        same_histogram(&histogram(m, &edges(expected)), expected, "margin");
        let expected = &case["normalised_margin_histogram"];
        same_histogram(&histogram(normalized, &edges(expected)), expected, "normalised margin");
    });
}

fn request(classes: usize) -> Request {
    Request {
        a: vec![0.0, 0.01, 0.1, 0.3, 0.7, 1.0],
        eta: vec![0.0, 0.5],
        mu: vec![0.0, 0.25, 1.0],
        k: (1..=classes + 1).collect(),
        histograms: HistogramBins::default(),
    }
}

/// Samples of small dyadic logits, so that ties are frequent and shifts are exact.
fn samples() -> impl Strategy<Value = (usize, Vec<(Vec<f64>, i64)>)> {
    (1_usize..7).prop_flat_map(|classes| {
        let logit = (-12_i32..12).prop_map(|value| f64::from(value) / 4.0);
        let sample = (prop::collection::vec(logit, classes), 0..classes as i64);
        (Just(classes), prop::collection::vec(sample, 0..20))
    })
}

fn logits_of(classes: usize, samples: &[(Vec<f64>, i64)]) -> Logits {
    let values = samples.iter().flat_map(|(row, _)| row.iter().copied()).collect();
    let labels: Vec<i64> = samples.iter().map(|(_, label)| *label).collect();
    let coarse: Vec<i64> = (0..classes as i64).map(|class| class % 3).collect();
    let scalars = Scalars { size: Some(2.0), r1: Some(3.0), ..Scalars::default() };
    Logits::new(values, classes, &labels)
        .unwrap()
        .with_coarse(&coarse)
        .unwrap()
        .with_scalars(scalars)
        .unwrap()
}

fn not_falling(values: impl IntoIterator<Item = Option<f64>>) -> bool {
    let values: Vec<f64> = values.into_iter().flatten().collect();
    values.windows(2).all(|pair| pair[0] <= pair[1])
}

proptest! {
    #[test]
    fn a_constant_added_to_a_sample_changes_nothing(
        (classes, mut samples) in samples(), shift in -64_i32..64,
    ) {
        let request = request(classes);
        let before = summarize(&logits_of(classes, &samples), None, 1.5, &request);
        for (idx, (row, _)) in samples.iter_mut().enumerate() {
            for value in row {
                *value += f64::from(shift) * (idx + 1) as f64;
            }
        }
        prop_assert_eq!(before, summarize(&logits_of(classes, &samples), None, 1.5, &request));
    }

    #[test]
    fn curves_do_not_fall_and_bounds_hold((classes, samples) in samples()) {
        let logits = logits_of(classes, &samples);
        let request = request(classes);
        let found = summarize(&logits, None, 1.5, &request);
        prop_assert!(not_falling(found.close_enough.iter().map(|(_, value)| *value)));
        prop_assert!(not_falling(found.top_k.iter().map(|(_, value)| *value)));
        prop_assert!(not_falling([found.accuracy, found.accuracy_upper]));
        prop_assert_eq!(found.top_k.get("1"), Some(&found.accuracy));
        prop_assert_eq!(found.top_k_upper.get("1"), Some(&found.accuracy_upper));
        prop_assert_eq!(found.close_enough.get("0"), Some(&found.accuracy_upper));
        for (key, value) in found.top_k.iter() {
            prop_assert!(not_falling([*value, *found.top_k_upper.get(key).unwrap()]));
        }
        let groups = SuperClasses::of(&logits).unwrap();
        prop_assert!(not_falling(groups.close_enough_best(1.5, &request.a)));
        prop_assert!(not_falling(groups.close_enough_sum(1.5, &request.a)));
        prop_assert_eq!(groups.close_enough_best(1.5, &[0.0])[0], groups.accuracy().optimistic);
    }

    #[test]
    fn masses_sum_to_one((classes, samples) in samples()) {
        let found = summarize(&logits_of(classes, &samples), None, 1.0, &request(classes));
        for mass in found.masses.unwrap() {
            let sum = mass.well.zip(mass.marginal).zip(mass.poor).map(|((w, m), p)| w + m + p);
            prop_assert!(sum.map_or(samples.is_empty(), |sum| (sum - 1.0).abs() < double::PASS));
        }
    }

    #[test]
    fn the_order_of_samples_does_not_matter((classes, mut samples) in samples()) {
        let request = request(classes);
        let before = summarize(&logits_of(classes, &samples), None, 1.5, &request);
        samples.reverse();
        prop_assert_eq!(before, summarize(&logits_of(classes, &samples), None, 1.5, &request));
    }
}

#[test]
fn chance_is_a_guess_below_one_over_k_and_everything_above() {
    assert_eq!(chance_curve(4, &[0.0, 0.2, 0.25, 1.0]), [0.25, 0.25, 1.0, 1.0]);
}
