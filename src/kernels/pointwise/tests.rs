use super::*;

fn unary(function: Function, a: Operand) -> Instruction {
    Instruction { function, operands: [a, a, a] }
}

#[test]
fn a_chain_gives_what_its_parts_give() {
    // y = relu(x · scale[channel] + shift), z = y · y
    let (x, scale, shift) = (Operand::Input(0), Operand::Input(1), Operand::Input(2));
    let chain = Chain::new(
        vec![
            Instruction { function: Function::Mul, operands: [x, scale, x] },
            Instruction { function: Function::Add, operands: [Operand::Register(0), shift, x] },
            unary(Function::Relu, Operand::Register(1)),
            unary(Function::Square, Operand::Register(2)),
        ],
        vec![Access::Full, Access::Channel { channels: 3 }, Access::Scalar],
        &[2, 3],
    );
    let len = 3 * 50 * LANES;
    let input: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
    let scales = [2.0, -1.0, 0.5];
    for isa in Isa::available() {
        let (mut y, mut z) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        let mut scratch = vec![f32::NAN; chain.scratch_len()];
        let sources = [Source::Slice(&input), Source::Slice(&scales), Source::Number(0.25)];
        chain.run(isa, 0, &sources, &mut [&mut y, &mut z], &mut scratch);
        for (i, x) in input.iter().enumerate() {
            let expected = (x * scales[i / LANES % 3] + 0.25).max(0.0);
            assert_eq!(y[i].to_bits(), expected.to_bits(), "{isa:?} {i}");
            assert_eq!(z[i].to_bits(), (expected * expected).to_bits());
        }
    }
}

#[test]
fn two_functions_in_one_pass_give_what_they_give_one_after_the_other() {
    let [x, y, z] = [Operand::Input(0), Operand::Input(1), Operand::Input(2)];
    let between = Operand::Register(0);
    let input = |phase: f32| (0..LANES * 70).map(|i| (i as f32 * 0.7 + phase).sin()).collect();
    let inputs: [Vec<f32>; 3] = [input(0.0), input(1.0), input(2.0)];
    for first in [Function::Add, Function::Sub, Function::Mul, Function::Step] {
        for (second, operands) in [
            (Function::Add, [between, z, x]),
            (Function::Add, [z, between, x]),
            (Function::Sub, [between, z, x]),
            (Function::Sub, [z, between, x]),
            (Function::Mul, [z, between, x]),
            (Function::Relu, [between, x, x]),
        ] {
            let instructions = || {
                vec![
                    Instruction { function: first, operands: [x, y, z] },
                    Instruction { function: second, operands },
                ]
            };
            let accesses = || vec![Access::Full; 3];
            let paired = Chain::new(instructions(), accesses(), &[1]);
            let apart = Chain::new(instructions(), accesses(), &[0, 1]);
            assert_eq!((paired.passes.len(), apart.passes.len()), (1, 2), "{first:?} {second:?}");
            for isa in Isa::available() {
                let sources = inputs.each_ref().map(|input| Source::Slice(input));
                let [mut a, mut b, mut c] = [(); 3].map(|()| vec![f32::NAN; LANES * 70]);
                paired.run(isa, 0, &sources, &mut [&mut a], &mut vec![0.0; 4 * TILE]);
                apart.run(isa, 0, &sources, &mut [&mut b, &mut c], &mut vec![0.0; 4 * TILE]);
                let same = a.iter().zip(&c).all(|(a, c)| a.to_bits() == c.to_bits());
                assert!(same, "{first:?} {second:?} {isa:?}");
            }
        }
    }
}

#[test]
fn sums_are_those_of_the_results_pixel_after_pixel() {
    let x = Operand::Input(0);
    for (channels, pixels) in [(1, 40), (3, 50), (32, 4), (45, 3), (64, 5)] {
        let len = channels * pixels * LANES;
        let input: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
        for (masked, n_samples) in [(false, LANES), (true, LANES), (true, 5)] {
            let lanes: Vec<f32> = (0..LANES).map(|lane| f32::from(lane < n_samples)).collect();
            let sum = ChannelSum { instruction: 0, channels, pixels, masked };
            let chain = Chain::new(vec![unary(Function::Square, x)], vec![Access::Full], &[])
                .summing(vec![sum]);
            let mut expected = vec![0.5_f32; channels * LANES];
            for (i, x) in input.iter().enumerate() {
                if lanes[i % LANES] != 0.0 {
                    expected[i % (channels * LANES)] += x * x;
                }
            }
            for isa in Isa::available() {
                let mut found = vec![0.5; channels * LANES];
                let mut scratch = vec![f32::NAN; chain.scratch_len()];
                let sources = [Source::Slice(&input)];
                let mut sums = Sums { to: &mut [&mut found], lanes: &lanes };
                chain.run_block(isa, &sources, &mut [], &mut sums, &mut scratch);
                assert_eq!(found, expected, "{isa:?} {channels} {pixels} {masked}");
            }
        }
    }
}

#[test]
fn an_update_works_in_place() {
    let (w, g) = (Operand::Input(0), Operand::Input(1));
    let chain = Chain::new(
        vec![Instruction { function: Function::Sub, operands: [w, g, w] }],
        vec![Access::Full, Access::Full],
        &[0],
    );
    let mut weights = vec![3.0; 32 * 40];
    let grad = vec![1.0; 32 * 40];
    let sources = [Source::Output(0), Source::Slice(&grad)];
    chain.run(Isa::detect(), 0, &sources, &mut [&mut weights], &mut []);
    assert!(weights.iter().all(|w| *w == 2.0));
}
