//! Folders as they lie on the machine.

use std::path::{Path, PathBuf};

/// Most specs of a folder that are listed.
const MAX_SPECS: usize = 2000;

/// How many folders deep specs are looked for.
const MAX_DEPTH: usize = 8;

/// The path from the root, links followed, where the working directory is known; as it is where not.
pub fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let there = path.canonicalize().or_else(|_| std::path::absolute(path));
    there.unwrap_or_else(|_| path.to_owned())
}

/// The specs in a folder and below, in order: at most 2000 of them, eight folders deep; hidden folders and `node_modules` are left
/// out, and so is what cannot be read.
pub fn specs_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut todo = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = todo.pop() {
        let Ok(entries) = folder.read_dir() else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let hidden = name.to_string_lossy().starts_with('.');
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !hidden && depth < MAX_DEPTH && name != "node_modules" {
                todo.push((path, depth + 1));
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "net") {
                found.push(path);
            }
            if found.len() >= MAX_SPECS {
                return found;
            }
        }
    }
    found.sort();
    found
}
