//! Losses and reductions over classes.

use specc::kernels::isa::Isa;
use specc::kernels::loss::{
    argmax, class_max, class_sum, gather, log_softmax, log_softmax_backward, log_sum_exp, margin,
    softmax, softmax_backward, softmax_cross_entropy,
};
use specc::kernels::{LANES, Tolerance};

use super::sample::{Noise, SameBits, assert_close, sample, wide};

fn exact_log_softmax(z: &[f64]) -> Vec<f64> {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = z.iter().map(|z| (z - top).exp()).sum();
    z.iter().map(|z| z - top - sum.ln()).collect()
}

#[test]
fn cross_entropy_with_scales() {
    for (n, active) in [(10, 16), (100, 5), (1, 3), (7, 0)] {
        let mut noise = Noise::new(n as u64);
        let z: Vec<f32> = noise.vec(n * LANES).iter().map(|z| z * 5.0).collect();
        let labels: Vec<u32> = (0..active).map(|lane| (lane * 7 % n) as u32).collect();
        let scale: [f32; LANES] = std::array::from_fn(|lane| 0.2 + lane as f32);
        let weight: [f32; LANES] = std::array::from_fn(|lane| 1.0 / (1.0 + lane as f32));
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut grad = vec![f32::NAN; n * LANES];
            let result = softmax_cross_entropy(isa, &z, &labels, &scale, &weight, &mut grad);
            same.check(isa, &[&grad, &result.loss, &result.by_scale]);
            for lane in 0..LANES {
                let found = sample(&grad, n, lane);
                let Some(&label) = labels.get(lane) else {
                    assert!(found.iter().all(|&g| g == 0.0));
                    assert_eq!((result.loss[lane], result.by_scale[lane]), (0.0, 0.0));
                    continue;
                };
                let (s, w) = (f64::from(scale[lane]), f64::from(weight[lane]));
                let z = sample(&z, n, lane);
                let log_p = exact_log_softmax(&z.iter().map(|z| s * z).collect::<Vec<_>>());
                let difference: Vec<f64> = (0..n)
                    .map(|k| log_p[k].exp() - f64::from(u8::from(k == label as usize)))
                    .collect();
                let expected: Vec<f64> = difference.iter().map(|d| w * s * d).collect();
                let scales = vec![w * s * (1.0 + 5.0 * s); n];
                assert_close("grad", Tolerance::Rounding, &found, &expected, &scales);
                let loss = -log_p[label as usize];
                assert!(Tolerance::Rounding.holds(
                    f64::from(result.loss[lane]),
                    loss,
                    5.0 * s + 5.0
                ));
                let by_scale: f64 = difference.iter().zip(&z).map(|(d, z)| d * z).sum();
                let found = f64::from(result.by_scale[lane]);
                assert!(Tolerance::Sum.holds(found, by_scale, 10.0 * (1.0 + 5.0 * s)));
            }
        }
    }
}

#[test]
fn large_logits_stay_finite() {
    let z: Vec<f32> = (0..3 * LANES).map(|i| (i / LANES) as f32 * 1e4 - 1e4).collect();
    for isa in Isa::available() {
        let mut grad = vec![f32::NAN; 3 * LANES];
        let ones = [1.0; LANES];
        let result = softmax_cross_entropy(isa, &z, &[0; LANES], &ones, &ones, &mut grad);
        assert!(result.loss.iter().all(|&loss| loss == 2e4));
        assert!(grad.iter().all(|g| g.is_finite()));
    }
}

#[test]
fn reductions_and_softmax() {
    for n in [1, 2, 10, 33] {
        let mut noise = Noise::new(n as u64 + 50);
        let z: Vec<f32> = noise.vec(n * LANES).iter().map(|z| (z * 8.0).round() / 2.0).collect();
        let dy = noise.vec(n * LANES);
        let labels: Vec<u32> = (0..11).map(|lane| (lane * 3 % n) as u32).collect();
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let (mut p, mut log_p) = (vec![f32::NAN; n * LANES], vec![f32::NAN; n * LANES]);
            softmax(isa, &z, &mut p);
            log_softmax(isa, &z, &mut log_p);
            let (mut dp, mut dlog) = (vec![f32::NAN; n * LANES], vec![f32::NAN; n * LANES]);
            softmax_backward(isa, &p, &dy, &mut dp);
            log_softmax_backward(isa, &log_p, &dy, &mut dlog);
            let (sums, tops, best) = (class_sum(&z), class_max(&z), argmax(&z));
            let (logs, margins, own) =
                (log_sum_exp(isa, &z), margin(isa, &z, &labels), gather(&z, &labels));
            same.check(isa, &[&p, &log_p, &dp, &dlog, &logs, &margins]);
            for lane in 0..LANES {
                let (z, dy) = (sample(&z, n, lane), sample(&dy, n, lane));
                let expected = exact_log_softmax(&z);
                let scale = vec![8.0; n];
                assert_close(
                    "log p",
                    Tolerance::Rounding,
                    &sample(&log_p, n, lane),
                    &expected,
                    &scale,
                );
                let p_exact: Vec<f64> = expected.iter().map(|l| l.exp()).collect();
                assert_close("p", Tolerance::Rounding, &sample(&p, n, lane), &p_exact, &scale);
                let total: f64 = dy.iter().zip(&p_exact).map(|(d, p)| d * p).sum();
                let expected: Vec<f64> = (0..n).map(|k| p_exact[k] * (dy[k] - total)).collect();
                assert_close("dp", Tolerance::Sum, &sample(&dp, n, lane), &expected, &scale);
                let total: f64 = dy.iter().sum();
                let expected: Vec<f64> = (0..n).map(|k| dy[k] - p_exact[k] * total).collect();
                assert_close("dlog p", Tolerance::Sum, &sample(&dlog, n, lane), &expected, &scale);
                let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let first = z.iter().position(|&z| z == top).unwrap();
                assert_eq!((f64::from(tops[lane]), best[lane] as usize), (top, first));
                assert!(Tolerance::Sum.holds(
                    f64::from(sums[lane]),
                    z.iter().sum(),
                    4.0 * n as f64
                ));
                let log = top + z.iter().map(|z| (z - top).exp()).sum::<f64>().ln();
                assert!(Tolerance::Rounding.holds(f64::from(logs[lane]), log, 4.0));
                match labels.get(lane) {
                    None => assert_eq!((own[lane], margins[lane]), (0.0, 0.0)),
                    Some(&label) => {
                        let label = label as usize;
                        assert_eq!(f64::from(own[lane]), z[label]);
                        let rival = (0..n).filter(|&k| k != label).map(|k| z[k]);
                        let rival = rival.fold(f64::NEG_INFINITY, f64::max);
                        assert_eq!(wide(&margins)[lane], z[label] - rival);
                    }
                }
            }
        }
    }
}
