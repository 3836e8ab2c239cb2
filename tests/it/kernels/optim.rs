//! Optimiser updates and sums over tensors.

use specc::kernels::Tolerance;
use specc::kernels::isa::Isa;
use specc::kernels::optim::{
    AdamStep, PIECE, SgdStep, adam, asam_perturb, asam_sum_of_squares, axpy, dot, sam_perturb, sgd,
    sum_of_squares,
};

use super::sample::{Noise, SameBits, assert_close, wide};

#[test]
fn sgd_follows_pytorch() {
    let n = 41;
    for (momentum, nesterov, weight_decay) in
        [(0.0, false, 0.0), (0.0, false, 0.01), (0.9, false, 0.01), (0.9, true, 5e-4)]
    {
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut noise = Noise::new(9);
            let mut p = noise.vec(n);
            let mut velocity = vec![f32::NAN; if momentum == 0.0 { 0 } else { n }];
            let (mut exact, mut exact_velocity) = (wide(&p), vec![0.0; n]);
            for step in 0..3 {
                let grad = noise.vec(n);
                let numbers =
                    SgdStep { lr: 0.1, momentum, nesterov, weight_decay, is_first: step == 0 };
                sgd(isa, &numbers, &grad, &mut velocity, &mut p);
                let (mu, wd) = (f64::from(momentum), f64::from(weight_decay));
                for i in 0..n {
                    let g = f64::from(grad[i]) + wd * exact[i];
                    let b = if step == 0 { g } else { mu * exact_velocity[i] + g };
                    exact_velocity[i] = b;
                    let g = match (momentum == 0.0, nesterov) {
                        (true, _) => g,
                        (false, true) => g + mu * b,
                        (false, false) => b,
                    };
                    exact[i] -= f64::from(0.1f32) * g;
                }
            }
            same.check(isa, &[&p, &velocity]);
            assert_close("p", Tolerance::Sum, &wide(&p), &exact, &vec![1.0; n]);
        }
    }
}

#[test]
fn adam_follows_pytorch() {
    let n = 41;
    for is_decoupled in [false, true] {
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut noise = Noise::new(10);
            let (mut p, mut m, mut v) = (noise.vec(n), vec![0.0; n], vec![0.0; n]);
            let (mut exact, mut exact_m, mut exact_v) = (wide(&p), vec![0.0; n], vec![0.0; n]);
            let (b1, b2) = (f64::from(0.9f32), f64::from(0.999f32));
            let (lr, wd) = (f64::from(0.01f32), f64::from(0.1f32));
            for t in 1..4 {
                let grad = noise.vec(n);
                let (c1, c2) = (1.0 - b1.powi(t), 1.0 - b2.powi(t));
                let step = AdamStep {
                    lr: 0.01,
                    beta1: 0.9,
                    beta2: 0.999,
                    eps: 1e-8,
                    weight_decay: 0.1,
                    is_decoupled,
                    correction1: c1 as f32,
                    correction2: c2 as f32,
                };
                adam(isa, &step, &grad, &mut m, &mut v, &mut p);
                for i in 0..n {
                    let mut g = f64::from(grad[i]);
                    if is_decoupled {
                        exact[i] *= 1.0 - lr * wd;
                    } else {
                        g += wd * exact[i];
                    }
                    exact_m[i] = b1 * exact_m[i] + (1.0 - b1) * g;
                    exact_v[i] = b2 * exact_v[i] + (1.0 - b2) * g * g;
                    exact[i] -= lr / c1 * exact_m[i] / ((exact_v[i] / c2).sqrt() + 1e-8);
                }
            }
            same.check(isa, &[&p, &m, &v]);
            assert_close("p", Tolerance::Sum, &wide(&p), &exact, &vec![1.0; n]);
        }
    }
}

#[test]
fn sums_do_not_depend_on_where_a_tensor_is_cut() {
    for n in [0, 1, 15, 64, 1000, 5 * PIECE + 7] {
        let mut noise = Noise::new(n as u64 + 1);
        let (a, b) = (noise.vec(n), noise.vec(n));
        let mut first = None;
        for isa in Isa::available() {
            let found =
                [sum_of_squares(isa, &a), dot(isa, &a, &b), asam_sum_of_squares(isa, &a, &b, 0.1)];
            let pairs = || a.iter().zip(&b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let expected = [
                pairs().map(|(a, _)| a * a).sum::<f64>(),
                pairs().map(|(a, b)| a * b).sum(),
                pairs().map(|(a, b)| ((a.abs() + f64::from(0.1f32)) * b).powi(2)).sum(),
            ];
            assert_close("sums", Tolerance::Rounding, &found, &expected, &[n as f64; 3]);
            let cut = (2 * PIECE).min(n);
            let parts = sum_of_squares(isa, &a[..cut]);
            if cut < n {
                let rest: f64 = a[cut..]
                    .chunks(PIECE)
                    .map(|p| sum_of_squares(isa, p))
                    .fold(parts, |s, p| s + p);
                assert_eq!(rest.to_bits(), found[0].to_bits());
            }
            if isa != Isa::portable() {
                let bits = found.map(f64::to_bits);
                assert_eq!(*first.get_or_insert(bits), bits, "{isa:?}");
            }
        }
    }
}

#[test]
fn perturbations() {
    let mut noise = Noise::new(11);
    let (g, p) = (noise.vec(19), noise.vec(19));
    for isa in Isa::available() {
        let (mut moved, mut adaptive, mut sum) = (p.clone(), p.clone(), p.clone());
        sam_perturb(isa, &g, 0.3, &mut moved);
        axpy(isa, 0.3, &g, &mut sum);
        assert_eq!(moved, sum);
        asam_perturb(isa, &g, 0.3, 0.01, &mut adaptive);
        for i in 0..19 {
            let (g, p) = (f64::from(g[i]), f64::from(p[i]));
            assert!(Tolerance::Rounding.holds(f64::from(moved[i]), p + 0.3 * g, 2.0));
            let expected = p + 0.3 * (p.abs() + 0.01).powi(2) * g;
            assert!(Tolerance::Rounding.holds(f64::from(adaptive[i]), expected, 2.0));
        }
    }
}
