//! What a compiled kernel wants of a multiprocessor, read from the ELF file that NVRTC makes.

use std::collections::BTreeMap;

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, SymbolIndex};

/// The format of an attribute that has a payload; others are four bytes in all.
const WITH_PAYLOAD: u8 = 4;

/// Attributes whose payload is a symbol and a number.
const FRAME_SIZE: u8 = 0x11;
const REGISTER_COUNT: u8 = 0x2f;

/// What a kernel wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Registers of a thread.
    pub(crate) registers: u32,
    /// Bytes of a thread in local memory: arrays that find no registers, and what is spilt.
    pub(crate) stack: u32,
}

/// The kernels of a compiled module by name.
pub(crate) fn kernels(cubin: &[u8]) -> BTreeMap<String, Wants> {
    let elf = ElfFile64::<object::Endianness>::parse(cubin).unwrap();
    let name = |symbol| {
        let symbol = elf.symbol_by_index(SymbolIndex(symbol as usize)).unwrap();
        symbol.name().unwrap().to_owned()
    };
    let mut found: BTreeMap<String, Wants> = BTreeMap::new();
    let mut left = elf.section_by_name(".nv.info").unwrap().data().unwrap();
    while let [format, attribute, low, high, rest @ ..] = left {
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let (payload, rest) = rest.split_at(if *format == WITH_PAYLOAD { size } else { 0 });
        left = rest;
        let words: Vec<u32> =
            payload.chunks_exact(4).map(|w| u32::from_le_bytes(w.try_into().unwrap())).collect();
        match (*attribute, words.as_slice()) {
            (FRAME_SIZE, [symbol, bytes]) => found.entry(name(*symbol)).or_default().stack = *bytes,
            (REGISTER_COUNT, [symbol, count]) => {
                found.entry(name(*symbol)).or_default().registers = *count;
            }
            _ => {}
        }
    }
    found
}
