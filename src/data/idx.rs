//! MNIST: IDX files, plain or gzip-compressed.
//!
//! In: a folder. Out: images and labels of a split, every label in range, lengths exactly as the headers say. Memory grows
//! with what is really there, never with what a header announces.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::error::{Action, DataError};
use super::files::{self, MAX_FILE_BYTES};
use super::named::NamedSet;
use super::split::{Pixels, Split};

/// Bytes of the header of images and of labels.
const IMAGES_HEADER: u64 = 16;
const LABELS_HEADER: u64 = 8;

/// A part of the set by the prefix of its files.
pub(super) fn read(folder: &Path, prefix: &str) -> Result<Split, DataError> {
    let (images_file, labels_file) = (images(folder, prefix)?, labels(folder, prefix)?);
    let mut stream = Stream::open(&images_file)?;
    let n_images = image_header(&mut stream)?;
    let [_, rows, columns] = NamedSet::Mnist.sample_shape();
    let pixels = stream.body(u128::from(n_images) * (rows * columns) as u128)?;

    let mut stream = Stream::open(&labels_file)?;
    let n_labels = label_header(&mut stream)?;
    let bytes = stream.body(u128::from(n_labels))?;
    if n_images != n_labels {
        return Err(DataError::Count {
            images: images_file,
            n_images: u64::from(n_images),
            labels: labels_file,
            n_labels: u64::from(n_labels),
        });
    }
    let classes = NamedSet::Mnist.classes();
    if let Some(at) = bytes.iter().position(|&label| usize::from(label) >= classes) {
        return Err(DataError::Label {
            file: labels_file,
            offset: LABELS_HEADER + at as u64,
            record: at as u64,
            found: i64::from(bytes[at]),
            classes,
            base: 0,
        });
    }
    Ok(Split::new(Pixels::U8(pixels), bytes.into_iter().map(u32::from).collect()))
}

/// The number of images that the header of a part announces.
pub(super) fn count(folder: &Path, prefix: &str) -> Result<usize, DataError> {
    Ok(image_header(&mut Stream::open(&images(folder, prefix)?)?)? as usize)
}

fn images(folder: &Path, prefix: &str) -> Result<PathBuf, DataError> {
    choose(folder, &format!("{prefix}-images-idx3-ubyte"))
}

fn labels(folder: &Path, prefix: &str) -> Result<PathBuf, DataError> {
    choose(folder, &format!("{prefix}-labels-idx1-ubyte"))
}

/// The plain file where there is one, otherwise the compressed one.
fn choose(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let packed = format!("{name}.gz");
    [folder.join(name), folder.join(&packed)]
        .into_iter()
        .find(|file| files::exists(file))
        .ok_or_else(|| DataError::MissingFile {
            file: packed.into(),
            places: vec![folder.to_path_buf()],
        })
}

fn image_header(stream: &mut Stream) -> Result<u32, DataError> {
    stream.magic([0, 0, 8, 3], "00 00 08 03, the start of an IDX file of images")?;
    let n = stream.number()?;
    let [_, rows, columns] = NamedSet::Mnist.sample_shape();
    for (offset, field, expected) in [(8, "rows", rows), (12, "columns", columns)] {
        let found = u64::from(stream.number()?);
        if found != expected as u64 {
            let (file, expected) = (stream.file.clone(), expected as u64);
            return Err(DataError::Header { file, offset, field, found, expected });
        }
    }
    debug_assert_eq!(stream.offset, IMAGES_HEADER);
    Ok(n)
}

fn label_header(stream: &mut Stream) -> Result<u32, DataError> {
    stream.magic([0, 0, 8, 1], "00 00 08 01, the start of an IDX file of labels")?;
    let n = stream.number()?;
    debug_assert_eq!(stream.offset, LABELS_HEADER);
    Ok(n)
}

/// A plain or compressed file, read from the front.
struct Stream {
    file: PathBuf,
    reader: Reader,
    /// Unpacked bytes read.
    offset: u64,
    /// Bytes on disk.
    stored: u64,
}

enum Reader {
    Plain(BufReader<std::fs::File>),
    Packed(Box<GzDecoder<BufReader<std::fs::File>>>),
}

impl Stream {
    fn open(file: &Path) -> Result<Self, DataError> {
        let (reader, stored) = files::open(file)?;
        let reader = if file.extension().is_some_and(|e| e == "gz") {
            Reader::Packed(Box::new(GzDecoder::new(reader)))
        } else {
            Reader::Plain(reader)
        };
        Ok(Self { file: file.to_path_buf(), reader, offset: 0, stored })
    }

    fn packed(&self) -> bool {
        match self.reader {
            Reader::Plain(_) => false,
            Reader::Packed(_) => true,
        }
    }

    /// Four bytes, or fewer at the end.
    fn word(&mut self) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![];
        self.read_up_to(4, &mut bytes)?;
        Ok(bytes)
    }

    fn magic(&mut self, magic: [u8; 4], expected: &'static str) -> Result<(), DataError> {
        let found = self.word()?;
        if found == magic {
            return Ok(());
        }
        Err(DataError::Foreign { file: self.file.clone(), offset: 0, found, expected })
    }

    fn number(&mut self) -> Result<u32, DataError> {
        let offset = self.offset;
        let found = self.word()?;
        match <[u8; 4]>::try_from(found.as_slice()) {
            Ok(bytes) => Ok(u32::from_be_bytes(bytes)),
            Err(_) => Err(DataError::Length {
                file: self.file.clone(),
                unpacked: self.packed(),
                found: self.offset,
                expected: offset + 4,
            }),
        }
    }

    /// The `declared` bytes after the header, which must be all that follows.
    fn body(&mut self, declared: u128) -> Result<Vec<u8>, DataError> {
        let expected = declared + u128::from(self.offset);
        if declared > u128::from(MAX_FILE_BYTES) {
            return Err(DataError::TooLarge {
                file: self.file.clone(),
                declared,
                limit: MAX_FILE_BYTES,
            });
        }
        let (file, unpacked) = (self.file.clone(), self.packed());
        let wrong = |found| DataError::Length { file, unpacked, found, expected: expected as u64 };
        if !unpacked && u128::from(self.stored) != expected {
            return Err(wrong(self.stored));
        }
        // Eight times the stored size is a usual factor of compression; beyond it the vector grows with what is there.
        let mut bytes = Vec::with_capacity(declared.min(u128::from(self.stored) * 8) as usize);
        self.read_up_to(declared as u64 + 1, &mut bytes)?;
        if bytes.len() as u128 != declared {
            return Err(wrong(self.offset));
        }
        self.end()?;
        Ok(bytes)
    }

    fn read_up_to(&mut self, most: u64, bytes: &mut Vec<u8>) -> Result<(), DataError> {
        let result = match &mut self.reader {
            Reader::Plain(reader) => reader.take(most).read_to_end(bytes),
            Reader::Packed(reader) => reader.take(most).read_to_end(bytes),
        };
        self.offset += bytes.len() as u64;
        match result {
            Ok(_) => Ok(()),
            Err(source) if self.packed() => {
                Err(DataError::Compressed { file: self.file.clone(), offset: self.offset, source })
            }
            Err(source) => Err(DataError::io(&self.file, Action::Read, source)),
        }
    }

    /// Nothing follows the compressed stream.
    fn end(&mut self) -> Result<(), DataError> {
        let Reader::Packed(reader) = &mut self.reader else { return Ok(()) };
        let rest = reader
            .get_mut()
            .fill_buf()
            .map_err(|source| DataError::io(&self.file, Action::Read, source))?;
        if rest.is_empty() {
            return Ok(());
        }
        let source = std::io::Error::other("more bytes follow the gzip stream");
        Err(DataError::Compressed { file: self.file.clone(), offset: self.offset, source })
    }
}
