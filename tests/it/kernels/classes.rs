//! Operations over classes where the numbers are large, tied or few.

use specc::kernels::isa::Isa;
use specc::kernels::{LANES, Tolerance, classes};

use super::sample::{SameBits, sample, wide};
use crate::random::Random;

#[test]
fn large_logits_stay_finite() {
    let x: Vec<f32> = Random::new(9).singles(7 * LANES).iter().map(|x| x * 1e4).collect();
    let mut same = SameBits::default();
    for isa in Isa::available() {
        let (mut p, mut log) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        classes::softmax(isa, &x, &mut p);
        classes::log_softmax(isa, &x, &mut log);
        same.check(isa, &[&p, &log]);
        for lane in 0..LANES {
            let x = sample(&x, 7, lane);
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = x.iter().map(|x| (x - max).exp()).sum();
            for (k, x) in x.iter().enumerate() {
                let expected = x - max - total.ln();
                let (log, p) = (f64::from(log[k * LANES + lane]), f64::from(p[k * LANES + lane]));
                assert!(Tolerance::Rounding.holds(log, expected, 1.0), "{log} is not {expected}");
                assert!(Tolerance::Sum.holds(p, expected.exp(), 1.0), "{p}");
            }
        }
    }
}

#[test]
fn the_first_of_equal_classes_wins() {
    let mut x = vec![0.0; 4 * LANES];
    x[LANES..3 * LANES].fill(2.0);
    let labels = [1; LANES];
    let mut found = [0; LANES];
    classes::arg_max(&x, None, &mut found);
    assert_eq!(found, [1; LANES]);
    classes::arg_max(&x, Some(&labels), &mut found);
    assert_eq!(found, [2; LANES]);
}

#[test]
fn what_is_gathered_is_scattered_back() {
    let x = Random::new(2).singles(5 * LANES);
    let labels: [u32; LANES] = std::array::from_fn(|lane| lane as u32 % 5);
    let (mut picked, mut back) = ([f32::NAN; LANES], vec![f32::NAN; x.len()]);
    classes::gather(&x, &labels, &mut picked);
    classes::scatter(&picked, &labels, &mut back);
    for lane in 0..LANES {
        for k in 0..5 {
            let is_label = labels[lane] as usize == k;
            let expected = if is_label { x[k * LANES + lane] } else { 0.0 };
            assert_eq!(back[k * LANES + lane], expected);
        }
    }
    assert!(wide(&picked).iter().all(|x| x.is_finite()));
}
