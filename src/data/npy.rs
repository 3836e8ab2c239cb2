//! NumPy arrays: `.npy` files of versions 1, 2 and 3, little endian, in C order.
//!
//! In: a file. Out: the values of an array whose length is exactly that of its shape; floats are finite and rounded to f32.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::files::{self, MAX_FILE_BYTES};
use super::rounding::Rounding;
use super::split::Pixels;

/// Longest header text read; NumPy writes about 118 bytes.
const MAX_HEADER: u32 = 1 << 16;

/// Most axes of an array of samples.
const MAX_RANK: usize = 8;

/// Values in memory read at a time.
const BLOCK: usize = 1 << 16;

/// An open array: header read, values not yet.
#[derive(Debug)]
pub(super) struct Array {
    file: PathBuf,
    reader: BufReader<File>,
    kind: Kind,
    /// Position of the first value.
    start: u64,
    /// All axes.
    pub(super) shape: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    U8,
    I32,
    I64,
    F32,
    F64,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// Opens an array of samples, `[n, …]` of u8, f32 or f64.
pub(super) fn open_samples(file: &Path) -> Result<Array, DataError> {
    let array = open(file, &[Kind::U8, Kind::F32, Kind::F64], "`|u1`, `<f4` or `<f8`")?;
    if array.shape.len() < 2 || array.shape.len() > MAX_RANK || array.shape[1..].contains(&0) {
        return Err(array.shape_error("[n, …] with one to seven more axes, none of them empty"));
    }
    Ok(array)
}

/// Opens an array of labels, `[n]` of u8, i32 or i64.
pub(super) fn open_labels(file: &Path) -> Result<Array, DataError> {
    let array = open(file, &[Kind::U8, Kind::I32, Kind::I64], "`|u1`, `<i4` or `<i8`")?;
    if array.shape.len() != 1 {
        return Err(array.shape_error("[n], one label for each sample"));
    }
    Ok(array)
}

impl Array {
    /// The number of samples or labels.
    pub(super) fn len(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// All values, as bytes or as f32; `rounding` sees those of flat samples.
    pub(super) fn samples(mut self, rounding: &mut Rounding) -> Result<Pixels, DataError> {
        let n: usize = self.shape.iter().product();
        if self.kind == Kind::U8 {
            let mut values = Vec::with_capacity(n);
            self.blocks(|_, bytes| {
                values.extend_from_slice(bytes);
                Ok(())
            })?;
            return Ok(Pixels::U8(values));
        }
        let (kind, file) = (self.kind, self.file.clone());
        let features = if let [_, features] = self.shape[..] { Some(features) } else { None };
        let mut values = Vec::with_capacity(n);
        self.blocks(|start, bytes| {
            for (i, bytes) in bytes.chunks_exact(kind.bytes()).enumerate() {
                let value = match *bytes {
                    [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                    _ => f64::from_le_bytes(eight(bytes)),
                };
                if !(value as f32).is_finite() {
                    let offset = start + (i * kind.bytes()) as u64;
                    return Err(DataError::NotFinite { file: file.clone(), offset, found: value });
                }
                if let Some(features) = features {
                    rounding.see(values.len() % features, value);
                }
                values.push(value as f32);
            }
            Ok(())
        })?;
        Ok(Pixels::F32(values))
    }

    /// The class of each label, in `0..classes`; the label of class 0 is `base`.
    pub(super) fn labels(mut self, classes: usize, base: u32) -> Result<Vec<u32>, DataError> {
        let (kind, file) = (self.kind, self.file.clone());
        let first = self.start;
        let mut labels = Vec::with_capacity(self.len());
        self.blocks(|start, bytes| {
            for (i, bytes) in bytes.chunks_exact(kind.bytes()).enumerate() {
                let found = match *bytes {
                    [byte] => i64::from(byte),
                    [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
                    _ => i64::from_le_bytes(eight(bytes)),
                };
                match u32::try_from(found.saturating_sub(i64::from(base))) {
                    Ok(label) if (label as usize) < classes => labels.push(label),
                    _ => {
                        let offset = start + (i * kind.bytes()) as u64;
                        let record = (offset - first) / kind.bytes() as u64;
                        let file = file.clone();
                        return Err(DataError::Label {
                            file,
                            offset,
                            record,
                            found,
                            classes,
                            base,
                        });
                    }
                }
            }
            Ok(())
        })?;
        Ok(labels)
    }

    /// Calls `take` with the position and bytes of each block of whole values.
    fn blocks(
        &mut self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut left = self.shape.iter().product::<usize>() * self.kind.bytes();
        let mut start = self.start;
        let mut block = vec![0; (BLOCK * self.kind.bytes()).min(left)];
        while left > 0 {
            let size = block.len().min(left);
            let filled = files::fill(&self.file, &mut self.reader, &mut block[..size])?;
            if filled < size {
                return Err(DataError::Length {
                    file: self.file.clone(),
                    unpacked: false,
                    found: start + filled as u64,
                    expected: start + left as u64,
                });
            }
            take(start, &block[..size])?;
            start += size as u64;
            left -= size;
        }
        Ok(())
    }

    fn shape_error(&self, expected: &'static str) -> DataError {
        let found = format!("{:?}", self.shape);
        DataError::ArrayHeader {
            file: self.file.clone(),
            offset: 10,
            field: "shape",
            found,
            expected,
        }
    }
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut array = [0; 8];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

fn open(file: &Path, kinds: &[Kind], expected: &'static str) -> Result<Array, DataError> {
    let (mut reader, length) = files::open(file)?;
    let mut head = [0; 12];
    let filled = files::fill(file, &mut reader, &mut head[..10])?;
    let foreign = |offset: u64, found: &[u8], expected| DataError::Foreign {
        file: file.to_path_buf(),
        offset,
        found: found.to_vec(),
        expected,
    };
    if filled < 10 || &head[..6] != b"\x93NUMPY" {
        return Err(foreign(
            0,
            &head[..filled.min(6)],
            "93 4e 55 4d 50 59, the start of a .npy file",
        ));
    }
    let (text_start, text_len) = match head[6] {
        1 => (10, u32::from(u16::from_le_bytes([head[8], head[9]]))),
        2 | 3 => {
            files::fill(file, &mut reader, &mut head[10..])?;
            (12, u32::from_le_bytes([head[8], head[9], head[10], head[11]]))
        }
        _ => return Err(foreign(6, &head[6..8], "version 1, 2 or 3 of the .npy format")),
    };
    let text_bytes = u64::from(text_len);
    if text_len > MAX_HEADER {
        let (declared, limit) = (u128::from(text_len), u64::from(MAX_HEADER));
        return Err(DataError::TooLarge { file: file.to_path_buf(), declared, limit });
    }
    let mut text = vec![0; text_len as usize];
    let filled = files::fill(file, &mut reader, &mut text)?;
    let start = text_start + text_bytes;
    let wrong_length = |expected: u64| DataError::Length {
        file: file.to_path_buf(),
        unpacked: false,
        found: length,
        expected,
    };
    if filled < text.len() {
        return Err(wrong_length(start));
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let entry = |field: &'static str, found: String, expected| DataError::ArrayHeader {
        file: file.to_path_buf(),
        offset: text_start,
        field,
        found,
        expected,
    };
    let Some(header) = Header::parse(&text) else {
        return Err(entry("text", text, "a dictionary of `descr`, `fortran_order` and `shape`"));
    };
    let kind = match header.descr {
        "|u1" | "<u1" => Kind::U8,
        "<i4" => Kind::I32,
        "<i8" => Kind::I64,
        "<f4" => Kind::F32,
        "<f8" => Kind::F64,
        other => return Err(entry("descr", other.to_owned(), expected)),
    };
    if !kinds.contains(&kind) {
        return Err(entry("descr", header.descr.to_owned(), expected));
    }
    if header.fortran {
        return Err(entry("fortran_order", "True".to_owned(), "False, C order"));
    }
    let declared =
        header.shape.iter().try_fold(kind.bytes() as u128, |n, &size| n.checked_mul(size));
    let declared = declared.filter(|&n| n <= u128::from(MAX_FILE_BYTES)).ok_or_else(|| {
        let file = file.to_path_buf();
        DataError::TooLarge { file, declared: declared.unwrap_or(u128::MAX), limit: MAX_FILE_BYTES }
    })?;
    if u128::from(length) != u128::from(start) + declared {
        return Err(wrong_length(start + declared as u64));
    }
    let shape = header.shape.iter().map(|&size| size as usize).collect();
    Ok(Array { file: file.to_path_buf(), reader, kind, start, shape })
}

/// The dictionary in front of the values.
struct Header<'a> {
    descr: &'a str,
    fortran: bool,
    shape: Vec<u128>,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.trim_start();
        while !rest.starts_with('}') {
            let (key, after) = quoted(rest)?;
            rest = after.trim_start().strip_prefix(':')?.trim_start();
            match key {
                "descr" => {
                    let (value, after) = quoted(rest)?;
                    (descr, rest) = (Some(value), after);
                }
                "fortran_order" => {
                    let value = rest.starts_with("True");
                    rest = rest.strip_prefix(if value { "True" } else { "False" })?;
                    fortran = Some(value);
                }
                "shape" => {
                    let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                    let sizes = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
                    let sizes: Option<Vec<u128>> =
                        sizes.map(|s| Some(s.parse::<u64>().ok()?.into())).collect();
                    (shape, rest) = (Some(sizes?), after);
                }
                _ => return None,
            }
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        (rest.trim_end() == "}").then_some(())?;
        Some(Self { descr: descr?, fortran: fortran?, shape: shape? })
    }
}

/// A quoted string and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|&c| c == '\'' || c == '"')?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_numpy_writes_them() {
        let h = Header::parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n")
            .unwrap();
        assert_eq!((h.descr, h.fortran, h.shape), ("<f4", false, vec![3, 4]));
        let h = Header::parse("{'shape': (7,), 'fortran_order': True, 'descr': \"|u1\"}").unwrap();
        assert_eq!((h.descr, h.fortran, h.shape), ("|u1", true, vec![7]));
        for wrong in [
            "",
            "{",
            "{'descr': [('a', '<f4')], }",
            "{'shape': (-1,)}",
            "{}",
            "{'x': 1}",
            "{'descr': 'é",
        ] {
            assert!(Header::parse(wrong).is_none(), "{wrong}");
        }
    }
}
