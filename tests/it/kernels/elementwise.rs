//! Element-wise functions, their derivatives, and slices that do not fill a vector.

use specc::kernels::elementwise::{
    Binary, Compare, Saved, Unary, binary, compare, prelu_backward, prelu_forward, select, unary,
    unary_grad, unary_in_place,
};
use specc::kernels::isa::Isa;
use specc::kernels::{LANES, Tolerance, lanes, reference};

use super::sample::{Noise, SameBits, assert_close, wide};

type Exact = fn(f32, f32) -> f32;

fn exact(f: Unary, x: f64) -> f64 {
    match f {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                x * f64::from(slope)
            }
        }
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Gelu => x * 0.5 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        Unary::Silu => x / (1.0 + (-x).exp()),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Reciprocal => 1.0 / x,
        Unary::Scale(factor) => x * f64::from(factor),
        Unary::Shift(term) => x + f64::from(term),
    }
}

#[test]
fn functions_and_slopes() {
    let all = [
        Unary::Neg,
        Unary::Abs,
        Unary::Relu,
        Unary::LeakyRelu(0.1),
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Gelu,
        Unary::Silu,
        Unary::Exp,
        Unary::Log,
        Unary::Sqrt,
        Unary::Square,
        Unary::Reciprocal,
        Unary::Scale(-2.5),
        Unary::Shift(0.75),
    ];
    for f in all {
        let mut noise = Noise::new(3);
        let is_positive = matches!(f, Unary::Log | Unary::Sqrt | Unary::Reciprocal);
        let x: Vec<f32> = noise
            .vec(77)
            .iter()
            .map(|x| if is_positive { x.abs() * 3.0 + 0.2 } else { x * 4.0 })
            .collect();
        let dy = noise.vec(77);
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let mut y = vec![f32::NAN; 77];
            unary(isa, f, &x, &mut y);
            let mut in_place = x.clone();
            unary_in_place(isa, f, &mut in_place);
            assert_eq!(in_place, y);
            let saved = if f.saved() == Saved::Output { &y } else { &x };
            let mut dx = vec![f32::NAN; 77];
            unary_grad(isa, f, saved, &dy, &mut dx, false);
            let mut added = vec![1.0; 77];
            unary_grad(isa, f, saved, &dy, &mut added, true);
            same.check(isa, &[&y, &dx, &added]);
            let expected: Vec<f64> = x.iter().map(|&x| exact(f, f64::from(x))).collect();
            let ones = vec![1.0; 77];
            assert_close(&format!("{f:?}"), Tolerance::Rounding, &wide(&y), &expected, &ones);
            let slopes: Vec<f64> = (0..77)
                .map(|i| {
                    let slope = reference::slope(|x| exact(f, x[0]), &[f64::from(x[i])], 0, 1e-5);
                    slope * f64::from(dy[i])
                })
                .collect();
            let scale: Vec<f64> = slopes.iter().map(|s| 1.0 + s.abs()).collect();
            assert_close(&format!("{f:?}'"), Tolerance::Slope, &wide(&dx), &slopes, &scale);
            let slopes: Vec<f64> = slopes.iter().map(|s| s + 1.0).collect();
            assert_close(
                &format!("{f:?}' added"),
                Tolerance::Slope,
                &wide(&added),
                &slopes,
                &scale,
            );
        }
    }
}

#[test]
fn kinks_and_missing_numbers() {
    for isa in Isa::available() {
        for (f, expected) in [(Unary::Relu, 0.0), (Unary::Abs, 0.0), (Unary::LeakyRelu(0.1), 0.1)] {
            let mut dx = [f32::NAN];
            unary_grad(isa, f, &[0.0], &[1.0], &mut dx, false);
            assert_eq!(dx, [expected], "{f:?}");
            let mut y = [0.0];
            unary(isa, f, &[f32::NAN], &mut y);
            assert!(y[0].is_nan(), "{f:?} loses NaN");
        }
    }
}

#[test]
fn two_numbers() {
    let mut noise = Noise::new(4);
    let (a, b) = (noise.vec(37), noise.vec(37));
    let cases: [(Binary, Exact); 6] = [
        (Binary::Add, |a, b| a + b),
        (Binary::Sub, |a, b| a - b),
        (Binary::Mul, |a, b| a * b),
        (Binary::Div, |a, b| a / b),
        (Binary::Max, f32::max),
        (Binary::Min, f32::min),
    ];
    for isa in Isa::available() {
        let mut y = vec![f32::NAN; 37];
        for (f, exact) in cases {
            binary(isa, f, Some(&a), &b, &mut y);
            assert!((0..37).all(|i| y[i].to_bits() == exact(a[i], b[i]).to_bits()), "{f:?}");
            let mut own = a.clone();
            binary(isa, f, None, &b, &mut own);
            assert_eq!(own, y);
        }
        for f in [Binary::Max, Binary::Min] {
            let mut y = [0.0; 2];
            binary(isa, f, Some(&[f32::NAN, 1.0]), &[1.0, f32::NAN], &mut y);
            assert!(y.iter().all(|y| y.is_nan()));
        }
        compare(isa, Compare::Greater, &a, &b, &mut y);
        let mut larger = vec![f32::NAN; 37];
        select(isa, &y, &a, &b, &mut larger);
        assert!((0..37).all(|i| larger[i] == a[i].max(b[i])));
        compare(isa, Compare::Equal, &a, &a, &mut y);
        assert!(y.iter().all(|&y| y == 1.0));
        compare(isa, Compare::GreaterEqual, &[f32::NAN], &[0.0], &mut y[..1]);
        assert_eq!(y[0], 0.0);
    }
}

#[test]
fn prelu() {
    let (pixels, channels) = (5, 3);
    let mut noise = Noise::new(5);
    let n = pixels * channels * LANES;
    let (x, dy) = (noise.vec(n), noise.vec(n));
    for slope in [vec![0.25], vec![0.1, -0.2, 0.3]] {
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let (mut y, mut dx) = (vec![f32::NAN; n], vec![f32::NAN; n]);
            prelu_forward(isa, &slope, channels, &x, &mut y);
            let mut sums = vec![0.0; slope.len() * LANES];
            prelu_backward(isa, &slope, channels, &x, &dy, &mut dx, &mut sums);
            let mut grad = vec![f32::NAN; slope.len()];
            lanes::sum_lanes(isa, &sums, &mut grad);
            same.check(isa, &[&y, &dx, &grad]);
            let mut expected = vec![0.0; slope.len()];
            for i in 0..n {
                let idx = if slope.len() == 1 { 0 } else { i / LANES % channels };
                let factor = if x[i] > 0.0 { 1.0 } else { slope[idx] };
                assert_eq!((y[i], dx[i]), (x[i] * factor, dy[i] * factor));
                expected[idx] += f64::from(dy[i]) * f64::from(x[i].min(0.0));
            }
            assert_close("slope", Tolerance::Sum, &wide(&grad), &expected, &[n as f64; 3]);
        }
    }
}
