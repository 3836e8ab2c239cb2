//! Data errors as users read them.

use std::path::{Path, PathBuf};

use super::error::{DataError, PathProblem};
use super::failure::{Attempt, Failure};
use super::table_message;
use crate::diag::{Code, Diagnostic, ToDiagnostic, nearest};

impl DataError {
    /// The code of the error.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => Code::E0601,
            Self::PartialRecord { .. } | Self::Length { .. } => Code::E0602,
            Self::Foreign { .. }
            | Self::Header { .. }
            | Self::ArrayHeader { .. }
            | Self::Compressed { .. }
            | Self::NotAFile { .. } => Code::E0603,
            Self::Label { .. } => Code::E0604,
            Self::Io { .. } => Code::E0605,
            Self::Path { .. } => Code::E0606,
            Self::MissingFile { .. } => Code::E0607,
            Self::Cell { .. }
            | Self::RowWidth { .. }
            | Self::Table { .. }
            | Self::Column { .. }
            | Self::TwoColumns { .. }
            | Self::Quote { .. }
            | Self::NotFinite { .. } => Code::E0608,
            Self::TooFew { .. } => Code::E0609,
            Self::TooLarge { .. } => Code::E0610,
            Self::Count { .. } | Self::Shapes { .. } | Self::Features { .. } => Code::E0611,
            Self::Setting { .. } | Self::OneClass { .. } => Code::E0612,
            Self::Augment { .. } => Code::E0613,
            Self::Fetch { attempts, .. } => {
                if attempts.iter().any(|a| delivered_wrong(&a.failure)) {
                    Code::E0615
                } else {
                    Code::E0614
                }
            }
            Self::Offline { .. } | Self::NoFolder => Code::E0616,
            Self::Archive { .. } => Code::E0617,
            Self::Write { .. } => Code::E0618,
            Self::Hash { .. } => Code::E0619,
            Self::Delimiter { .. } => Code::E0622,
            Self::NoCoarse => Code::E0620,
            Self::CoarseConflict { .. } => Code::E0621,
        }
    }
}

impl ToDiagnostic for DataError {
    #[expect(clippy::too_many_lines, reason = "one arm for each error, none of them long")]
    fn to_diagnostic(&self) -> Diagnostic {
        let start = |title: String| Diagnostic::new(self.code(), title);
        match self {
            Self::NotFound { set, places } => start(format!("data set `{}` not found", set.name()))
                .note(looked_in(places))
                .help(format!("run `specc data fetch {}`, or say where it is with `--data-dir`", set.name())),
            Self::MissingFile { file, places } => start(format!("`{}` is missing", short(file)))
                .note(looked_in(places))
                .expected(format!("a file `{}` in one of these folders", file.display()))
                .help("put the file there; paths in a spec are relative to its folder or a data folder"),
            Self::NotAFile { file } => start(format!("`{}` is not a regular file", short(file)))
                .note(place(file))
                .expected("a regular file, not a folder, pipe or device")
                .help("move it away and put the data file in its place"),
            Self::Io { file, action, source } => {
                start(format!("cannot {} `{}`", action.verb(), short(file)))
                    .note(place(file))
                    .note(format!("found: {source}"))
                    .help("check that the file is readable for you and the disk is sound")
            }
            Self::Path { path, problem } => path_message(start("a path leaves its folder".to_owned()), path, problem),
            Self::PartialRecord { file, offset, found, record } => {
                start(format!("`{}` ends inside a record", short(file)))
                    .note(place(file))
                    .note(format!("found: {found} bytes after byte {offset}"))
                    .expected(format!("whole records of {record} bytes, and at least one"))
                    .help("fetch or copy the file again; a part of it is missing or was added")
            }
            Self::Length { file, unpacked, found, expected } => {
                let which = if found < expected { "truncated" } else { "too long" };
                let bytes = if *unpacked { "bytes after unpacking" } else { "bytes" };
                let at_least = if *unpacked && found > expected { "at least " } else { "" };
                start(format!("`{}` is {which}", short(file)))
                    .note(place(file))
                    .note(format!("found: {at_least}{found} {bytes}"))
                    .expected(format!("{expected} {bytes}, as its header says; first difference at byte {}", found.min(expected)))
                    .help("fetch or copy the file again")
            }
            Self::Foreign { file, offset, found, expected } => {
                start(format!("`{}` is of another format", short(file)))
                    .note(place(file))
                    .note(format!("found: {} at byte {offset}", hex(found)))
                    .expected(expected)
                    .help("check that the file is what its name says")
            }
            Self::Header { file, offset, field, found, expected } => {
                start(format!("`{}` does not hold this data set", short(file)))
                    .note(place(file))
                    .note(format!("found: {found} {field} at byte {offset}"))
                    .expected(format!("{expected} {field}"))
                    .help("for images of another size convert them to `.npy` and use `data npy(…)`")
            }
            Self::ArrayHeader { file, offset, field, found, expected } => {
                start(format!("`{}` is an array of another kind", short(file)))
                    .note(place(file))
                    .note(format!("found: {field} {} in the header at byte {offset}", clip(found, 60)))
                    .expected(expected)
                    .help(format!("convert it, for example `numpy.save(path, numpy.ascontiguousarray(a, dtype=\"{}\"))`", if expected.contains("<i8") { "int64" } else { "float32" }))
            }
            Self::Compressed { file, offset, source } => start(format!("`{}` cannot be unpacked", short(file)))
                .note(place(file))
                .note(format!("found: {source} after {offset} unpacked bytes"))
                .expected("one whole gzip stream and nothing after it")
                .help("fetch or copy the file again"),
            Self::Label { file, offset, record, found, classes, base } => {
                let start = start(format!("label {found} is out of range"))
                    .note(place(file))
                    .note(format!("found: {found} at byte {offset} (sample {record})"));
                table_message::label(start, *found, *classes, *base)
            }
            Self::NotFinite { file, offset, found } => start("a data value is not finite".to_owned())
                .note(place(file))
                .note(format!("found: {found} at byte {offset}"))
                .expected("finite numbers")
                .help("replace or drop the samples concerned"),
            Self::Cell { file, line, column, found, expected } => {
                start(format!("`{}` cannot be used here", clip(found, 30)))
                    .note(format!("file: {}:{line}, field {column}", file.display()))
                    .note(format!("found: `{}`", clip(found, 60)))
                    .expected(expected)
                    .help("correct the field, or drop the row")
            }
            Self::RowWidth { file, line, found, expected } => {
                start("rows of a table differ in length".to_owned())
                    .note(format!("file: {}:{line}", file.display()))
                    .note(format!("found: {found} fields"))
                    .expected(format!("{expected} fields, as in the first row"))
                    .help("correct the row; a field that contains the delimiter needs double quotes")
            }
            Self::Delimiter { file, line, used, seems } => {
                let start = start("the fields of a table are separated otherwise".to_owned())
                    .note(format!("file: {}:{line}", file.display()))
                    .note(format!("found: {}, where {} was to separate the fields", shown(*seems), shown(*used)))
                    .expected("the delimiter that the file has")
                    .help(format!("say `delimiter=\"{}\"`", seems.escape_default()));
                if *used == ',' && *seems == ';' {
                    start.note("numbers need a decimal point, not a comma")
                } else {
                    start
                }
            }
            Self::Table { file, line, source } => start(format!("`{}` is not a table", short(file)))
                .note(format!("file: {}:{line}", file.display()))
                .note(format!("found: {source}"))
                .expected("fields in UTF-8 with a delimiter between them")
                .help("save the table as CSV in UTF-8"),
            Self::TwoColumns { file, name, columns } => {
                let title = start("the label column is not the only one of its name".to_owned());
                table_message::two_columns(title.note(place(file)), name, *columns)
            }
            Self::Quote { file, line, column } => {
                let title = start("a double quote is not closed in its line".to_owned());
                table_message::quote(title, file, *line, *column)
            }
            Self::Features { train_file, test_file, number, train, test, reordered } => {
                let title = start("training and test tables differ in their features".to_owned());
                let places = title.note(place(train_file)).note(place(test_file));
                table_message::features(places, *number, train, test, *reordered)
            }
            Self::OneClass { file, label } => {
                let title = start("the labels are of a single class".to_owned());
                table_message::one_class(title.note(place(file)), label)
            }
            Self::Column { file, name, known } => column_message(start("the label column is missing".to_owned()), file, name, known),
            Self::TooFew { part, asked, found } => start(format!("not enough {part} samples"))
                .note(format!("found: {found}"))
                .expected(format!("at least {}", (*asked).max(1)))
                .help("ask for fewer samples, or supply more data"),
            Self::TooLarge { file, declared, limit } => start("the data is too large".to_owned())
                .note(place(file))
                .note(format!("found: {declared} bytes declared"))
                .expected(format!("at most {limit} bytes"))
                .help("use fewer or smaller samples"),
            Self::Count { images, n_images, labels, n_labels } => {
                start("samples and labels differ in number".to_owned())
                    .note(format!("found: {n_images} samples in {}", images.display()))
                    .note(format!("found: {n_labels} labels in {}", labels.display()))
                    .expected("one label for each sample")
                    .help("check that both files belong together")
            }
            Self::Shapes { train, test } => start("training and test samples differ in shape".to_owned())
                .note(format!("found: {train:?} in training, {test:?} in test"))
                .expected("one shape for all samples")
                .help("check that both files belong to one data set"),
            Self::Setting { name, found, expected } => start(format!("`{name}` has a value that cannot be used"))
                .note(format!("found: {}", clip(found, 60)))
                .expected(expected)
                .help(format!("change `{name}`")),
            Self::Augment { shape } => start("augmentation does not fit the samples".to_owned())
                .note(format!("found: samples of shape {shape:?}"))
                .expected("[channels, rows, columns], a crop padding and a cutout no larger than the image")
                .help("remove `augment`, or use smaller sizes"),
            Self::NoCoarse => start("the data has no coarse labels".to_owned())
                .note("found: `coarse=true`")
                .expected("`cifar100`, the one set with coarse labels")
                .help("remove `coarse`"),
            Self::CoarseConflict { file, offset, class, first, second } => {
                start(format!("class {class} lies in two super-classes"))
                    .note(place(file))
                    .note(format!("found: coarse label {second} at byte {offset}, {first} before"))
                    .expected("the same coarse label in all records of a class")
                    .help("fetch or copy the file again")
            }
            Self::Offline { set, places } => start(format!("data set `{}` is not here", set.name()))
                .note(looked_in(places))
                .note("found: `--offline`, which forbids fetching it")
                .help(format!("run `specc data fetch {}` where there is a network", set.name())),
            Self::NoFolder => start("there is no folder for fetched data".to_owned())
                .note("found: neither `--data-dir` nor `SPECC_DATA` nor a home folder")
                .help("say where data belongs: `specc data fetch NAME --data-dir DIR`"),
            Self::Fetch { file, attempts } => fetch_message(
                start(format!("`{file}` could not be fetched")),
                attempts,
            ),
            Self::Archive { file, problem } => start(format!("archive `{}` cannot be used", short(file)))
                .note(place(file))
                .note(format!("found: {problem}"))
                .expected("the published members, all of them and nothing else")
                .help("delete the file and fetch it again"),
            Self::Write { file, source } => start(format!("cannot write `{}`", short(file)))
                .note(place(file))
                .note(format!("found: {source}"))
                .help("free some space or choose another folder with `--data-dir`; nothing half-written was left"),
            Self::Hash { file, found, expected } => start(format!("`{}` is not the published file", short(file)))
                .note(place(file))
                .note(format!("found: SHA-256 {found}"))
                .expected(format!("SHA-256 {expected}"))
                .help("move the file away and fetch the set again, or go on if you changed it on purpose"),
        }
    }
}

/// A delimiter as prose names it.
fn shown(delimiter: char) -> String {
    match delimiter {
        '\t' => "a tab".to_owned(),
        ' ' => "a space".to_owned(),
        other => format!("`{other}`"),
    }
}

fn delivered_wrong(failure: &Failure) -> bool {
    match failure {
        Failure::Length { .. } | Failure::Hash { .. } => true,
        Failure::Status(_) | Failure::Connection { .. } => false,
    }
}

fn path_message(start: Diagnostic, path: &str, problem: &PathProblem) -> Diagnostic {
    let found = match problem {
        PathProblem::Absolute => format!("found: `{}`, an absolute path", clip(path, 60)),
        PathProblem::Parent => format!("found: `{}`, which contains `..`", clip(path, 60)),
        PathProblem::Link { folder, target } => format!(
            "found: `{}`, a link out of {} to {}",
            clip(path, 60),
            folder.display(),
            target.display()
        ),
    };
    start
        .note(found)
        .expected("a path inside the folder of the spec or a data folder")
        .help("copy the file beside the spec, or name its folder with `--data-dir`")
}

fn column_message(start: Diagnostic, file: &Path, name: &str, known: &[String]) -> Diagnostic {
    let start = start.note(place(file));
    if known.is_empty() {
        return start
            .note(format!("found: `label=\"{}\"`, but no header row", clip(name, 40)))
            .expected("a header row with the names of the columns")
            .help("add a header, or leave `label` out to take the last column");
    }
    let names = known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    let message = start
        .note(format!("found: columns {}", clip(&names, 200)))
        .expected(format!("a column `{}`", clip(name, 40)));
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => message.help(format!("did you mean `{near}`?")),
        None => message.help("name one of these columns, or leave `label` out to take the last"),
    }
}

fn fetch_message(start: Diagnostic, attempts: &[Attempt]) -> Diagnostic {
    let message = attempts.iter().fold(start, |message, attempt| {
        let url = &attempt.url;
        message.note(match &attempt.failure {
            Failure::Status(status) => format!("found: {url}: status {status}"),
            Failure::Connection { tries, reason } => {
                format!("found: {url}: {} (tries: {tries})", clip(reason, 120))
            }
            Failure::Length { found, expected } => {
                format!("found: {url}: {found} bytes, expected {expected}")
            }
            Failure::Hash { found, expected } => {
                format!("found: {url}: SHA-256 {found}, expected {expected}")
            }
        })
    });
    message.help(
        "try again later: what arrived is kept and continued; or put the files into a data folder yourself",
    )
}

fn looked_in(places: &[PathBuf]) -> String {
    if places.is_empty() {
        return "looked in: no folder is known".to_owned();
    }
    let list: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    format!("looked in: {}", list.join(", "))
}

fn place(file: &Path) -> String {
    format!("file: {}", file.display())
}

fn short(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    clip(&name.to_string_lossy(), 36)
}

pub(super) fn clip(text: &str, most: usize) -> String {
    let mut kept: String =
        text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        kept.push('…');
    }
    kept
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the end of the file".to_owned();
    }
    let list: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("bytes {}", list.join(" "))
}
