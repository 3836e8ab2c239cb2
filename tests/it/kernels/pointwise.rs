//! The functions that chains are made of: values, derivatives, kinks, and what becomes of NaN.

use specc::kernels::isa::Isa;
use specc::kernels::pointwise::{Access, Chain, Function, Instruction, Operand, Source, arity};
use specc::kernels::{LANES, Tolerance, reference};

use super::sample::{SameBits, assert_close, wide};
use crate::random::Random;

/// One function on whole vectors, as a chain of one instruction.
fn run(isa: Isa, function: Function, operands: &[&[f32]]) -> Vec<f32> {
    let at = |i: usize| Operand::Input(i.min(arity(function) - 1));
    let instruction = Instruction { function, operands: [at(0), at(1), at(2)] };
    let chain = Chain::new(vec![instruction], vec![Access::Full; operands.len()], &[0]);
    let sources: Vec<Source<'_>> = operands.iter().map(|x| Source::Slice(x)).collect();
    let mut y = vec![f32::NAN; operands[0].len()];
    let mut scratch = vec![f32::NAN; chain.scratch_len()];
    chain.run(isa, 0, &sources, &mut [&mut y], &mut scratch);
    y
}

/// The value for one number in every lane.
fn single(isa: Isa, function: Function, operands: &[f32]) -> f32 {
    let vectors: Vec<[f32; LANES]> = operands.iter().map(|x| [*x; LANES]).collect();
    let slices: Vec<&[f32]> = vectors.iter().map(<[f32; LANES]>::as_slice).collect();
    run(isa, function, &slices)[LANES - 1]
}

fn normal(x: f64) -> f64 {
    0.5 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

#[test]
fn functions_of_one_number() {
    type Exact = fn(f64) -> f64;
    let cases: [(Function, Exact, bool); 12] = [
        (Function::Copy, |x| x, false),
        (Function::Neg, |x| -x, false),
        (Function::Abs, f64::abs, false),
        (Function::Exp, f64::exp, false),
        (Function::Log, f64::ln, true),
        (Function::Sqrt, f64::sqrt, true),
        (Function::Square, |x| x * x, false),
        (Function::Power(1.7), |x| x.powf(1.7), true),
        (Function::Tanh, f64::tanh, false),
        (Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), false),
        (Function::Gelu, |x| x * normal(x), false),
        (Function::Silu, |x| x / (1.0 + (-x).exp()), false),
    ];
    // More than a tile, and not a whole number of tiles.
    let n = 45 * LANES;
    for (function, exact, is_positive) in cases {
        let x: Vec<f32> = Random::new(3)
            .singles(n)
            .iter()
            .map(|x| if is_positive { x.abs() * 3.0 + 0.2 } else { x * 4.0 })
            .collect();
        let mut same = SameBits::default();
        for isa in Isa::available() {
            let y = run(isa, function, &[&x]);
            same.check(isa, &[&y]);
            let expected: Vec<f64> = x.iter().map(|&x| exact(f64::from(x))).collect();
            let ones = vec![1.0; n];
            assert_close(
                &format!("{function:?}"),
                Tolerance::Rounding,
                &wide(&y),
                &expected,
                &ones,
            );
        }
    }
}

#[test]
fn derivatives_are_slopes() {
    type Exact = fn(f64) -> f64;
    let cases: [(Function, Exact); 4] = [
        (Function::GeluGrad, |x| x * normal(x)),
        (Function::SiluGrad, |x| x / (1.0 + (-x).exp())),
        (Function::LeakyStep(0.1), |x| if x > 0.0 { x } else { x * f64::from(0.1_f32) }),
        (Function::Step, |x| x.max(0.0)),
    ];
    let x: Vec<f32> = Random::new(5).singles(5 * LANES).iter().map(|x| x * 4.0).collect();
    for (function, exact) in cases {
        let slopes: Vec<f64> = x
            .iter()
            .map(|x| reference::slope(|x| exact(x[0]), &[f64::from(*x)], 0, 1e-5))
            .collect();
        for isa in Isa::available() {
            let found = wide(&run(isa, function, &[&x]));
            let ones = vec![1.0; x.len()];
            assert_close(&format!("{function:?}"), Tolerance::Slope, &found, &slopes, &ones);
        }
    }
}

#[test]
fn functions_of_two_and_three_numbers() {
    type Exact = fn(f32, f32) -> f32;
    let truth = |holds: bool| f32::from(u8::from(holds));
    let mut random = Random::new(4);
    let a = random.singles(3 * LANES);
    let mut b = random.singles(3 * LANES);
    b[..LANES].copy_from_slice(&a[..LANES]);
    let cases: [(Function, Exact); 9] = [
        (Function::Add, |a, b| a + b),
        (Function::Sub, |a, b| a - b),
        (Function::Mul, |a, b| a * b),
        (Function::Div, |a, b| a / b),
        (Function::Max, f32::max),
        (Function::Min, f32::min),
        (Function::Ge, |a, b| f32::from(u8::from(a >= b))),
        (Function::Gt, |a, b| f32::from(u8::from(a > b))),
        (Function::Eq, |a, b| f32::from(u8::from(a == b))),
    ];
    for isa in Isa::available() {
        for (function, exact) in cases {
            let found = run(isa, function, &[&a, &b]);
            for (i, found) in found.iter().enumerate() {
                assert_eq!(found.to_bits(), exact(a[i], b[i]).to_bits(), "{function:?} {i}");
            }
        }
        let mask: Vec<f32> = a.iter().zip(&b).map(|(a, b)| truth(a > b)).collect();
        let larger = run(isa, Function::Select, &[&mask, &a, &b]);
        assert!(larger.iter().zip(a.iter().zip(&b)).all(|(y, (a, b))| *y == a.max(*b)));
        let (base, exponent) = (single(isa, Function::Abs, &[a[0]]), b[LANES]);
        let power = f64::from(base).powf(f64::from(exponent));
        let found = f64::from(single(isa, Function::Pow, &[base, exponent]));
        assert!(Tolerance::Rounding.holds(found, power, 1.0), "{found} is not {power}");
    }
}

#[test]
fn kinks_belong_to_the_lower_side() {
    for isa in Isa::available() {
        for (function, expected) in [
            (Function::Step, 0.0),
            (Function::LeakyStep(0.1), 0.1),
            (Function::Sign, 0.0),
            (Function::Relu, 0.0),
        ] {
            assert_eq!(single(isa, function, &[0.0]), expected, "{function:?}");
        }
        assert_eq!(single(isa, Function::LeakyRelu(0.1), &[-2.0]), -0.2);
        assert_eq!(single(isa, Function::Sign, &[-3.0]), -1.0);
    }
}

#[test]
fn missing_numbers_stay_missing() {
    let nan = f32::NAN;
    for isa in Isa::available() {
        for function in [
            Function::Neg,
            Function::Abs,
            Function::Exp,
            Function::Log,
            Function::Sqrt,
            Function::Square,
            Function::Sign,
            Function::Relu,
            Function::LeakyRelu(0.1),
            Function::Tanh,
            Function::Sigmoid,
            Function::Gelu,
            Function::Silu,
        ] {
            assert!(single(isa, function, &[nan]).is_nan(), "{function:?} loses NaN");
        }
        for function in [Function::Max, Function::Min] {
            assert!(single(isa, function, &[nan, 1.0]).is_nan(), "{function:?} loses the first");
            assert!(single(isa, function, &[1.0, nan]).is_nan(), "{function:?} loses the second");
        }
        for function in [Function::Ge, Function::Gt, Function::Eq] {
            assert_eq!(single(isa, function, &[nan, nan]), 0.0, "{function:?}");
        }
    }
}
