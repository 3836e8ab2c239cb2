//! What is done to each tile: the instructions of a chain, two at a time where the second alone reads the result of the first.

use super::function::{First, Then, arity};
use super::{ChannelSum, Destination, Function, Instruction, Operand};

/// One pass over a tile: an instruction, or one and the next, which alone reads its result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pass {
    /// The instruction whose result is written.
    pub(super) number: usize,
    /// What is computed.
    pub(super) work: Work,
    /// Of the first function; in a pair the last one is the other operand of the second function.
    pub(super) operands: [Operand; 3],
}

/// What one pass computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Work {
    /// One function.
    One(Function),
    /// A function, and another one of its result.
    Pair(First, Then),
}

/// Pairs of instructions whose second one alone reads the result of the first become one pass.
pub(super) fn passes(
    instructions: &[Instruction],
    targets: &[Destination],
    sums: &[ChannelSum],
) -> Vec<Pass> {
    let operands = |i: usize| &instructions[i].operands[..arity(instructions[i].function)];
    let reads = |i: usize, of: usize| {
        operands(i).iter().filter(|operand| **operand == Operand::Register(of)).count()
    };
    let mut passes = vec![];
    let mut number = 0;
    while number < instructions.len() {
        let Instruction { function, operands: own } = instructions[number];
        let next = number + 1;
        let is_private = matches!(targets[number], Destination::Tile(_))
            && next < instructions.len()
            && reads(next, number) == 1
            && (next + 1..instructions.len()).all(|later| reads(later, number) == 0)
            && sums.iter().all(|sum| sum.instruction != number);
        let at = |operand: &Operand| *operand == Operand::Register(number);
        let pair = || {
            let then = Then::of(instructions[next].function, operands(next).iter().position(at)?);
            Some(Work::Pair(First::of(function)?, then?))
        };
        let pair = if is_private { pair() } else { None };
        let spare = own[0];
        let [a, b] = [own[0], if arity(function) > 1 { own[1] } else { spare }];
        if let Some(work) = pair {
            let other = operands(next).iter().find(|operand| !at(operand));
            let operands = [a, b, other.copied().unwrap_or(spare)];
            passes.push(Pass { number: next, work, operands });
            number += 2;
        } else {
            let c = if arity(function) > 2 { own[2] } else { spare };
            let work = Work::One(function);
            passes.push(Pass { number, work, operands: [a, b, c] });
            number += 1;
        }
    }
    passes
}
