//! A verified archive to a folder of expected files.
//!
//! In: a tar.gz and the names it must contain. Out: a temporary folder with exactly these files and `SHA256SUMS` over them. No
//! member is written anywhere else, none larger than its bound, no link is made.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};
use tempfile::TempDir;

use super::store;
use crate::data::error::DataError;
use crate::data::failure::ArchiveProblem;
use crate::data::files;
use crate::data::sums::{SUMS_FILE, hex};

/// Most members looked at.
const MAX_MEMBERS: usize = 1000;

/// Bytes copied at a time.
const BLOCK: usize = 1 << 16;

/// Unpacks the `members` of folder `top` into a new folder beside the final one.
pub(super) fn unpack(
    archive: &Path,
    beside: &Path,
    top: &str,
    members: &[(String, u64)],
) -> Result<TempDir, DataError> {
    let fail = |problem| DataError::Archive { file: archive.to_path_buf(), problem };
    let damaged = |error: io::Error| fail(ArchiveProblem::Damaged(error.to_string()));
    let folder = store::temporary_folder(beside)?;
    let (reader, _) = files::open(archive)?;
    // Headers and members that are left out are bounded by what all expected members may have, twice over.
    let most = members.iter().map(|(_, bytes)| bytes).sum::<u64>() * 2 + (1 << 20);
    let mut tar = Archive::new(GzDecoder::new(reader).take(most));
    let mut sums: BTreeMap<String, String> = BTreeMap::new();
    for (number, entry) in tar.entries().map_err(damaged)?.enumerate() {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let shown = || path.display().to_string();
        if number >= MAX_MEMBERS {
            return Err(fail(ArchiveProblem::Member(shown())));
        }
        let Some(inside) = inside(&path, top) else {
            return Err(fail(ArchiveProblem::Member(shown())));
        };
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory || kind == EntryType::XGlobalHeader {
            continue;
        }
        // A link or a device has no place in a data set.
        if kind != EntryType::Regular && kind != EntryType::Continuous {
            return Err(fail(ArchiveProblem::Member(shown())));
        }
        let Some((name, most)) = members.iter().find(|(name, _)| *name == inside) else {
            continue;
        };
        let size = entry.size();
        if size > *most || sums.contains_key(name) {
            return Err(fail(ArchiveProblem::Size { member: name.clone(), found: size }));
        }
        let place = folder.path().join(name);
        let sum = copy(&mut entry, &place).map_err(|error| match error {
            Copy::Read(error) => damaged(error),
            Copy::Write(error) => DataError::write(&place, error),
            Copy::Create(error) => error,
        })?;
        sums.insert(name.clone(), sum);
    }
    if let Some((missing, _)) = members.iter().find(|(name, _)| !sums.contains_key(name)) {
        return Err(fail(ArchiveProblem::Missing(missing.clone())));
    }
    let text = sums.iter().fold(String::new(), |mut text, (name, sum)| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{sum}  {name}");
        text
    });
    let place = folder.path().join(SUMS_FILE);
    let mut file = store::create_file(&place)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|source| DataError::write(&place, source))?;
    Ok(folder)
}

/// The name inside folder `top`, empty for the folder itself; `None` for any path elsewhere.
fn inside(path: &Path, top: &str) -> Option<String> {
    let mut names = vec![];
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    match names.as_slice() {
        [] => Some(String::new()),
        [first, rest @ ..] if *first == top => Some(rest.join("/")),
        _ => None,
    }
}

/// Which side of a copy failed.
enum Copy {
    Read(io::Error),
    Write(io::Error),
    Create(DataError),
}

/// Writes a member to a new file; gives its SHA-256.
fn copy(member: &mut impl Read, place: &Path) -> Result<String, Copy> {
    let mut file = store::create_file(place).map_err(Copy::Create)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match member.read(&mut block) {
            Ok(0) => break,
            Ok(n) => {
                hasher.update(&block[..n]);
                file.write_all(&block[..n]).map_err(Copy::Write)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Copy::Read(error)),
        }
    }
    file.sync_all().map_err(Copy::Write)?;
    Ok(hex(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_in_the_top_folder_are_inside() {
        let name = |path: &str| inside(Path::new(path), "set");
        assert_eq!(name("set/a.bin").as_deref(), Some("a.bin"));
        assert_eq!(name("./set/").as_deref(), Some(""));
        for path in ["../set/a", "set/../../a", "/set/a", "other/a"] {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
