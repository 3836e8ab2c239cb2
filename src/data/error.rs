//! What can go wrong with data, as values; `message.rs` words it.

use std::io;
use std::path::{Path, PathBuf};

use super::failure::{ArchiveProblem, Attempt};
use super::named::NamedSet;

/// A reason why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A named set is in none of the data folders.
    #[error("`{}` is in none of the data folders", set.name())]
    NotFound {
        /// The set.
        set: NamedSet,
        /// The folders looked at, in order.
        places: Vec<PathBuf>,
    },
    /// A file that must be there is not.
    #[error("{} is missing", file.display())]
    MissingFile {
        /// Its name, or its path as the spec says it.
        file: PathBuf,
        /// The folders looked at.
        places: Vec<PathBuf>,
    },
    /// What is there under this name is a folder, a pipe or a device.
    #[error("{} is not a regular file", file.display())]
    NotAFile {
        /// Its path.
        file: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {} {}: {source}", action.verb(), file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        action: Action,
        /// What the system said.
        source: io::Error,
    },
    /// A path in a spec leaves the folder it is relative to.
    #[error("`{path}` leaves its folder")]
    Path {
        /// The path as written.
        path: String,
        /// How it leaves.
        problem: PathProblem,
    },
    /// A file of records ends inside one.
    #[error("{} ends {found} bytes into a record of {record} bytes", file.display())]
    PartialRecord {
        /// The file.
        file: PathBuf,
        /// Where the last, partial record starts.
        offset: u64,
        /// Bytes that are there of it.
        found: u64,
        /// Bytes of a whole record.
        record: u64,
    },
    /// A file has another length than its header says.
    #[error("{} holds {found} bytes instead of {expected}", file.display())]
    Length {
        /// The file.
        file: PathBuf,
        /// Whether bytes are counted after decompression.
        unpacked: bool,
        /// Bytes found; where it is too long, at least so many.
        found: u64,
        /// Bytes that its header announces.
        expected: u64,
    },
    /// A file starts with, or contains, bytes of another format.
    #[error("{} is of another format at byte {offset}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Position of the bytes.
        offset: u64,
        /// The bytes.
        found: Vec<u8>,
        /// What belongs there.
        expected: &'static str,
    },
    /// A number in a header is not the one that the set has.
    #[error("{}: {field} is {found} instead of {expected}", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// Position of the number.
        offset: u64,
        /// What the number counts.
        field: &'static str,
        /// The number found.
        found: u64,
        /// The number expected.
        expected: u64,
    },
    /// An entry of an array header cannot be used.
    #[error("{}: {field} is {found}", file.display())]
    ArrayHeader {
        /// The file.
        file: PathBuf,
        /// Position of the header text.
        offset: u64,
        /// The entry.
        field: &'static str,
        /// Its text.
        found: String,
        /// What can be used.
        expected: &'static str,
    },
    /// A compressed file cannot be unpacked.
    #[error("{} is damaged: {source}", file.display())]
    Compressed {
        /// The file.
        file: PathBuf,
        /// Unpacked bytes before the damage.
        offset: u64,
        /// What the decoder said.
        source: io::Error,
    },
    /// A label is none of the classes.
    #[error("{}: label {found} at byte {offset}", file.display())]
    Label {
        /// The file.
        file: PathBuf,
        /// Position of the label.
        offset: u64,
        /// Number of the sample in the file, from 0.
        record: u64,
        /// The label.
        found: i64,
        /// Number of classes.
        classes: usize,
        /// The label of class 0; labels run from it on.
        base: u32,
    },
    /// A number is infinite or not a number.
    #[error("{}: {found} at byte {offset}", file.display())]
    NotFinite {
        /// The file.
        file: PathBuf,
        /// Position of the number.
        offset: u64,
        /// The number.
        found: f64,
    },
    /// A field of a table cannot be used.
    #[error("{}:{line}: field {column} is `{found}`", file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Field, from 1.
        column: usize,
        /// Its text.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A row has more or fewer fields than the first.
    #[error("{}:{line}: {found} fields instead of {expected}", file.display())]
    RowWidth {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Fields found.
        found: usize,
        /// Fields of the first row.
        expected: usize,
    },
    /// The fields of a table are separated by another character.
    #[error("{}:{line}: the fields seem to be separated by {seems:?}", file.display())]
    Delimiter {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The character that was to separate them.
        used: char,
        /// The character that stands where it should.
        seems: char,
    },
    /// A table cannot be split into fields.
    #[error("{}:{line}: not a table", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// Line, from 1; 0 where unknown.
        line: u64,
        /// What the reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no column of the label's name.
    #[error("{} has no column `{name}`", file.display())]
    Column {
        /// The file.
        file: PathBuf,
        /// The name asked for.
        name: String,
        /// The names of the header; empty where there is no header.
        known: Vec<String>,
    },
    /// Two columns have the label's name.
    #[error("{} has two columns `{name}`", file.display())]
    TwoColumns {
        /// The file.
        file: PathBuf,
        /// The name asked for.
        name: String,
        /// The first two fields of this name, from 1.
        columns: (usize, usize),
    },
    /// A field goes on over the end of its line, through fields of the next.
    #[error("{}:{line}: field {column} goes on in the next line", file.display())]
    Quote {
        /// The file.
        file: PathBuf,
        /// The line in which the row starts, from 1.
        line: u64,
        /// Field, from 1.
        column: usize,
    },
    /// The features of two tables have other names, or another order.
    #[error("feature {number} is `{train}` in training, `{test}` in test")]
    Features {
        /// The training table.
        train_file: PathBuf,
        /// The test table.
        test_file: PathBuf,
        /// The first feature that differs, from 1.
        number: usize,
        /// Its name in training.
        train: String,
        /// Its name in test.
        test: String,
        /// Whether both tables have the same names.
        reordered: bool,
    },
    /// Every label is the same.
    #[error("every label is `{label}`")]
    OneClass {
        /// The file of labels.
        file: PathBuf,
        /// The label.
        label: String,
    },
    /// Fewer samples than asked for, or none.
    #[error("{asked} {part} samples asked for, {found} there")]
    TooFew {
        /// `training` or `test`.
        part: &'static str,
        /// Samples asked for.
        asked: usize,
        /// Samples there.
        found: usize,
    },
    /// What a file declares is larger than this program takes.
    #[error("{declared} bytes declared, {limit} is the most")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Bytes declared.
        declared: u128,
        /// Most bytes taken.
        limit: u64,
    },
    /// Samples and labels differ in number.
    #[error("{n_images} samples in {}, {n_labels} labels in {}", images.display(), labels.display())]
    Count {
        /// The file of samples.
        images: PathBuf,
        /// Samples in it.
        n_images: u64,
        /// The file of labels.
        labels: PathBuf,
        /// Labels in it.
        n_labels: u64,
    },
    /// Training and test samples differ in shape.
    #[error("training samples have shape {train:?}, test samples {test:?}")]
    Shapes {
        /// Shape of a training sample.
        train: Vec<usize>,
        /// Shape of a test sample.
        test: Vec<usize>,
    },
    /// A setting is outside its range.
    #[error("`{name}` is {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What can be used.
        expected: &'static str,
    },
    /// Augmentation needs `[channels, rows, columns]`.
    #[error("cannot augment samples of shape {shape:?}")]
    Augment {
        /// Shape of a sample.
        shape: Vec<usize>,
    },
    /// `coarse` with data that has no coarse labels.
    #[error("the data has no coarse labels")]
    NoCoarse,
    /// One class lies in two super-classes.
    #[error("{}: class {class} lies in super-classes {first} and {second}", file.display())]
    CoarseConflict {
        /// The file.
        file: PathBuf,
        /// Position of the second, differing coarse label.
        offset: u64,
        /// The class.
        class: u32,
        /// The super-class that earlier records say.
        first: u32,
        /// The super-class that this record says.
        second: u32,
    },
    /// Fetching needs the network, and `--offline` forbids it.
    #[error("`{}` would have to be fetched", set.name())]
    Offline {
        /// The set.
        set: NamedSet,
        /// The folders looked at.
        places: Vec<PathBuf>,
    },
    /// There is no folder to put fetched data in.
    #[error("no data folder is known")]
    NoFolder,
    /// No mirror delivered a file.
    #[error("`{file}` could not be fetched")]
    Fetch {
        /// The file as published.
        file: String,
        /// What happened, in order.
        attempts: Vec<Attempt>,
    },
    /// A fetched archive cannot be unpacked.
    #[error("{}: {problem}", file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// What is wrong with it.
        problem: ArchiveProblem,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file or folder.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file has other bytes than the published or recorded ones.
    #[error("{} has SHA-256 {found} instead of {expected}", file.display())]
    Hash {
        /// The file.
        file: PathBuf,
        /// Its SHA-256.
        found: String,
        /// The published or recorded SHA-256.
        expected: String,
    },
}

/// What was tried with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opening it.
    Open,
    /// Reading from it.
    Read,
}

impl Action {
    /// As a verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
        }
    }
}

/// How a path leaves its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// It starts at the root.
    Absolute,
    /// It contains `..`.
    Parent,
    /// A link on the way points outside.
    Link {
        /// The folder that it must stay in.
        folder: PathBuf,
        /// Where it ends.
        target: PathBuf,
    },
}

impl DataError {
    pub(super) fn io(file: &Path, action: Action, source: io::Error) -> Self {
        Self::Io { file: file.to_path_buf(), action, source }
    }

    pub(super) fn write(file: &Path, source: io::Error) -> Self {
        Self::Write { file: file.to_path_buf(), source }
    }
}
