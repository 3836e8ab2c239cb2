//! Statistics against SciPy, statsmodels and MNE (`stats.json`, written by `tools/oracle/stats.py`), and against simulation.

use serde_json::Value;
use specc::stats::{
    Crossed, Difference, Groups, Interval, Sample, correlation, holm, holm_of_sets, joint, mcnemar,
    sign_flip,
};

use crate::close::double;
use crate::random::Random;

fn oracle() -> Value {
    serde_json::from_str(include_str!("stats.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    let allowed = double::ORACLE * expected.abs().max(1e-3);
    assert!((found - expected).abs() <= allowed, "{found}, expected {expected}");
}

#[track_caller]
fn same(found: Interval, expected: &Value) {
    close(found.low, &expected[0]);
    close(found.high, &expected[1]);
}

#[test]
fn paired_differences() {
    for case in oracle()["paired"].as_array().unwrap() {
        let d = numbers(&case["d"]);
        let difference = Difference::of(Groups::Paired(&d));
        if let Some(expected) = case["flip_p"].as_f64() {
            let found = sign_flip(&d, 0.0).unwrap();
            assert!((found.p - expected).abs() < double::VALUE, "{d:?}: {found:?} {expected}");
            assert!(found.p >= found.floor);
        }
        if d.len() == 1 {
            assert_eq!((difference.interval(0.95), difference.p(0.0)), (None, None));
        } else if case["kind"] == "same" || case["kind"] == "zero" {
            let point = Some(Interval { low: d[0], high: d[0] });
            assert_eq!((difference.interval(0.95), difference.p(0.0)), (point, None));
        } else if difference.error == Some(0.0) {
            // A draw of ties that are all one number.
            assert!(case["t_p"].is_null() || case["t_p"] == 0.0);
        } else {
            close(difference.p(0.0).unwrap(), &case["t_p"]);
            for level in [0.9, 0.95, 0.99] {
                let expected = &case[format!("interval_{level}")];
                same(difference.interval(level).unwrap(), expected);
            }
        }
    }
}

#[test]
fn groups_of_their_own() {
    for case in oracle()["welch"].as_array().unwrap() {
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let difference = Difference::of(Groups::Apart(&a, &b));
        close(difference.freedom.unwrap(), &case["df"]);
        close(difference.p(0.0).unwrap(), &case["p"]);
        same(difference.interval(0.95).unwrap(), &case["interval"]);
    }
    assert_eq!(Difference::of(Groups::Apart(&[1.0], &[2.0, 3.0])).interval(0.95), None);
}

#[test]
fn families() {
    for case in oracle()["families"].as_array().unwrap() {
        let family: Vec<Vec<f64>> = case["d"].as_array().unwrap().iter().map(numbers).collect();
        let rows: Vec<&[f64]> = family.iter().map(Vec::as_slice).collect();
        let found = joint(&rows);
        let half = f64::from(1_u32 << (rows[0].len() - 1));
        for (i, found) in found.iter().enumerate() {
            close(*found, &case["p"][i]);
            if let Some(mne) = case["mne"][i].as_f64() {
                // MNE leaves one combination out of both counts, or out of one.
                let off = found * half - mne * (half - 1.0);
                assert!(
                    off > -double::PASS * half && off < 1.0 + double::PASS * half,
                    "{found} {mne}"
                );
            }
        }
        // A family of one is the test of one by its t, and no member does better than alone.
        for (i, row) in rows.iter().enumerate() {
            assert!(joint(&[row])[0] <= found[i]);
            close(joint(&[row])[0], &sign_flip(row, 0.0).unwrap().p.into());
        }
    }
    assert_eq!(joint(&[&[0.0, 0.0, 0.0], &[1.0, 1.0, 1.0]]), [1.0, 0.25]);
}

#[test]
fn holm_and_mcnemar_and_correlation() {
    let oracle = oracle();
    for case in oracle["holm"].as_array().unwrap() {
        for (i, found) in holm(&numbers(&case["p"])).into_iter().enumerate() {
            close(found, &case["adjusted"][i]);
        }
    }
    for case in oracle["mcnemar"].as_array().unwrap() {
        let count = |i: usize| case["counts"][i].as_u64().unwrap();
        let (found, expected) = (mcnemar(count(0), count(1)), case["p"].as_f64().unwrap());
        // Logarithms of factorials of thousands: their digits are lost.
        let off = (found.ln() - expected.ln()).abs();
        assert!(off <= double::ORACLE || (found, expected) == (0.0, 0.0), "{found} {expected}");
    }
    for case in oracle["correlations"].as_array().unwrap() {
        close(correlation(&numbers(&case["a"]), &numbers(&case["b"])).unwrap(), &case["r"]);
    }
    assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
}

#[test]
fn equal_numbers_have_no_spread() {
    let sample = Sample::of(&[0.1; 7]);
    assert_eq!((sample.mean, sample.deviation()), (0.1, Some(0.0)));
    assert_eq!(Sample::of(&[3.0]).deviation(), None);
}

#[test]
fn margins_shift_the_test_and_floors_halve() {
    let d = [0.2, 0.21, 0.19, 0.22];
    assert_eq!(sign_flip(&d, 0.0).unwrap().p, 0.125);
    assert_eq!(sign_flip(&d, 0.2).unwrap().p, 0.75);
    let floors = [3, 4, 5, 6].map(|n| sign_flip(&vec![1.0; n], 0.0).unwrap().floor);
    assert_eq!(floors, [0.25, 0.125, 0.0625, 0.03125]);
    let many = sign_flip(&[1.0; 40], 0.0).unwrap();
    assert_eq!(many.p, many.floor);
    assert!(sign_flip(&[], 0.0).is_none());
}

/// A normal number, by sums of twelve.
fn normal(random: &mut Random) -> f64 {
    (0..12).map(|_| random.signed()).sum::<f64>() / 2.0
}

#[test]
fn drawn_signs_come_close_to_all_signs() {
    let mut random = Random::new(5);
    let mut d: Vec<f64> = (0..16).map(|_| normal(&mut random) + 0.4).collect();
    let exact = sign_flip(&d, 0.0).unwrap().p;
    // A difference of 0 changes nothing but the number of combinations.
    d.push(0.0);
    let drawn = sign_flip(&d, 0.0).unwrap().p;
    assert!((drawn - exact).abs() < 4.0 * (exact * (1.0 - exact) / 1e5).sqrt(), "{drawn} {exact}");
}

#[test]
fn intervals_cover_at_their_level() {
    const STUDIES: usize = 2000;
    let mut random = Random::new(11);
    for n in [3, 6, 10] {
        let (mut paired, mut apart, mut above) = (0, 0, 0);
        for _ in 0..STUDIES {
            let mut draw = |spread: f64| (0..n).map(|_| spread * normal(&mut random)).collect();
            let (a, b): (Vec<f64>, Vec<f64>) = (draw(1.0), draw(3.0));
            let covers = |interval: Interval| interval.low <= 0.0 && 0.0 <= interval.high;
            let pairs = Difference::of(Groups::Paired(&a)).interval(0.95).unwrap();
            paired += usize::from(covers(pairs));
            above += usize::from(pairs.low > 0.0);
            apart +=
                usize::from(covers(Difference::of(Groups::Apart(&a, &b)).interval(0.95).unwrap()));
        }
        // Four standard deviations of a share of .95 of 2,000; Welch's interval is a little wide for few runs.
        let share = |count: usize| count as f64 / STUDIES as f64;
        assert!((share(paired) - 0.95).abs() < 0.02, "n {n}: {}", share(paired));
        assert!(share(apart) > 0.93, "n {n}: {}", share(apart));
        assert!(share(above) < 0.025 + 0.014, "n {n}: equal groups differ in {}", share(above));
    }
}

#[test]
fn new_images_widen_the_interval_and_it_covers() {
    const STUDIES: usize = 1000;
    let (n, images) = (6, 60);
    let mut random = Random::new(17);
    let (mut wide, mut narrow) = (0, 0);
    for _ in 0..STUDIES {
        let of_image: Vec<f64> = (0..images).map(|_| 2.0 * normal(&mut random)).collect();
        let mut crossed = Crossed::new(images);
        let mut means = vec![];
        for _ in 0..n {
            let of_seed = 0.3 * normal(&mut random);
            let row: Vec<f64> =
                of_image.iter().map(|x| x + of_seed + normal(&mut random)).collect();
            means.push(row.iter().sum::<f64>() / images as f64);
            crossed.push(&row);
        }
        let covers = |interval: Interval| interval.low <= 0.0 && 0.0 <= interval.high;
        wide += usize::from(covers(crossed.interval(0.95).unwrap()));
        narrow +=
            usize::from(covers(Difference::of(Groups::Paired(&means)).interval(0.95).unwrap()));
    }
    let share = |count: usize| f64::from(u32::try_from(count).unwrap()) / STUDIES as f64;
    assert!(share(wide) > 0.93 && share(wide) < 0.985, "{}", share(wide));
    assert!(share(narrow) < 0.85, "seeds alone know nothing of other images: {}", share(narrow));
}

#[test]
fn images_that_are_all_alike_leave_the_interval_of_the_seeds() {
    let means = [0.1, 0.3, 0.25, 0.2];
    let mut crossed = Crossed::new(5);
    means.iter().for_each(|mean| crossed.push(&[*mean; 5]));
    let (found, expected) = (
        crossed.interval(0.95).unwrap(),
        Difference::of(Groups::Paired(&means)).interval(0.95).unwrap(),
    );
    assert!((found.low - expected.low).abs() < double::ORACLE, "{found:?} {expected:?}");
    assert!(Crossed::new(3).interval(0.95).is_none());
}

/// The closed test of sets of p-values by its definition: every intersection of lines by Bonferroni over its sets.
#[test]
fn sets_of_p_values_are_adjusted_as_their_closed_test() {
    let families = [
        vec![vec![0.01, 0.2], vec![0.03], vec![0.04, 0.5, 0.02]],
        vec![vec![0.01], vec![0.02], vec![0.03]],
        vec![vec![0.3, 0.001]],
        vec![vec![0.2, 0.2], vec![0.2]],
        vec![vec![], vec![0.4]],
    ];
    for sets in families {
        let lines: Vec<(usize, f64)> = sets
            .iter()
            .enumerate()
            .flat_map(|(set, own)| own.iter().map(move |p| (set, *p)))
            .collect();
        let mut adjusted = vec![0.0_f64; lines.len()];
        for chosen in 1_u32..1 << lines.len() {
            let is_in = |line: &usize| chosen & (1 << line) != 0;
            let members: Vec<usize> = (0..lines.len()).filter(is_in).collect();
            let taking_part: std::collections::BTreeSet<usize> =
                members.iter().map(|line| lines[*line].0).collect();
            let least = members.iter().map(|line| lines[*line].1).fold(1.0, f64::min);
            let p = (least * taking_part.len() as f64).min(1.0);
            for line in members {
                adjusted[line] = adjusted[line].max(p);
            }
        }
        let found: Vec<f64> = holm_of_sets(&sets).into_iter().flatten().collect();
        for (found, adjusted) in found.iter().zip(&adjusted) {
            assert!((found - adjusted).abs() < 1e-15, "{sets:?} {found} {adjusted}");
        }
    }
}
