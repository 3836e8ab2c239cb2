//! The open texts, the files beside them, and what is known about each.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lsp_types::Uri;

use super::analysis::{Analysis, Sources};
use super::documents::Document;
use super::host::Host;
use super::lines::Lines;
use super::names::Names;
use super::uri;
use crate::data::{DataSpec, Description};
use crate::diag::{Diagnostic, FileId};
use crate::syntax;

/// What inlay hints show.
#[derive(Clone, Copy, Debug)]
pub(super) struct HintOptions {
    /// The shape behind each step.
    pub(super) shapes: bool,
    /// The degree as well.
    pub(super) degrees: bool,
}

/// What describing data once gave, by folder and source.
type Described = BTreeMap<(PathBuf, String), Result<Description, Box<Diagnostic>>>;

/// The open texts and the files beside them.
pub(super) struct Workspace {
    host: Box<dyn Host>,
    /// Open texts by their addresses.
    pub(super) documents: BTreeMap<String, Document>,
    /// Folders that the editor has opened.
    pub(super) roots: Vec<PathBuf>,
    /// What inlay hints show.
    pub(super) hints: HintOptions,
    /// Whether the editor takes completions with places to fill in.
    pub(super) snippets: bool,
    /// Tables of one's own are read through for it, so it is not asked for at every key.
    described: RefCell<Described>,
}

/// A file with its names: an open text, or what lies on the disk.
#[derive(Clone, Debug)]
pub(super) struct FileView {
    /// Its address.
    pub(super) uri: Uri,
    /// Where it lies.
    pub(super) path: Option<PathBuf>,
    /// Its text.
    pub(super) text: Rc<str>,
    /// Its lines.
    pub(super) lines: Lines,
    /// Its names.
    pub(super) names: Rc<Names>,
    /// Whether all of its items parse, so that no name is hidden.
    pub(super) parses: bool,
}

impl FileView {
    /// The files that it imports, as its text says.
    pub(super) fn imports(&self) -> impl Iterator<Item = PathBuf> {
        let folder = self.path.as_deref().and_then(Path::parent);
        let paths = self.names.imports.iter().map(|(_, path)| path);
        folder.into_iter().flat_map(move |folder| {
            paths.clone().map(|path| uri::normal(&folder.join(path))).collect::<Vec<_>>()
        })
    }
}

impl Workspace {
    /// Nothing open.
    pub(super) fn new(host: Box<dyn Host>) -> Self {
        Self {
            host,
            documents: BTreeMap::new(),
            roots: vec![],
            hints: HintOptions { shapes: true, degrees: false },
            snippets: false,
            described: RefCell::default(),
        }
    }

    /// An open text.
    pub(super) fn document(&self, uri: &Uri) -> Option<&Document> {
        self.documents.get(uri.as_str())
    }

    /// What is known about an open text; `None` for one that is not open.
    pub(super) fn analysis(&self, uri: &Uri) -> Option<(&Document, Rc<Analysis>)> {
        let document = self.document(uri)?;
        Some((document, self.analyse(document, 0)))
    }

    /// What is known about a text, with so many cells of its sweeps where it is not known yet.
    pub(super) fn analyse(&self, document: &Document, cells: usize) -> Rc<Analysis> {
        let analysis = document.analysis.get_or_init(|| {
            let folder = document.folder();
            let load = |path: &str| self.load(document, path);
            let describe = |spec: &DataSpec| self.describe(folder, spec);
            let untitled = Path::new("untitled.net");
            let path = document.path.as_deref().unwrap_or(untitled);
            let sources = Sources { path, load: &load, describe: &describe, cells };
            Rc::new(Analysis::of(&document.text, &sources))
        });
        Rc::clone(analysis)
    }

    /// An import: what is open counts before what lies on the disk.
    fn load(&self, document: &Document, path: &str) -> Result<String, String> {
        if document.path.is_none() {
            return Err("this text is no file yet; save it first".to_owned());
        }
        let folder = document.folder();
        match self.open_at(&uri::normal(&folder.join(path))) {
            Some(open) => Ok(open.text.to_string()),
            None => self.host.import(folder, path),
        }
    }

    fn open_at(&self, path: &Path) -> Option<&Document> {
        self.documents.values().find(|document| document.path.as_deref() == Some(path))
    }

    fn describe(&self, folder: &Path, spec: &DataSpec) -> Result<Description, Diagnostic> {
        let key = (folder.to_owned(), format!("{spec:?}"));
        if let Some(known) = self.described.borrow().get(&key) {
            return known.clone().map_err(|problem| *problem);
        }
        let described = self.host.describe(folder, spec);
        self.described.borrow_mut().insert(key, described.clone());
        described.map_err(|problem| *problem)
    }

    /// Drops what depends on files of the disk.
    pub(super) fn forget_files(&mut self) {
        self.described.borrow_mut().clear();
        self.documents.values_mut().for_each(Document::forget);
    }

    /// Drops what is known about the texts that import a file, and names them.
    pub(super) fn forget_importers(&mut self, path: &Path) -> Vec<String> {
        let mut found = vec![];
        for (uri, document) in &mut self.documents {
            let depends = |analysis: &Rc<Analysis>| {
                analysis.imports.iter().any(|import| uri::normal(import) == path)
            };
            if document.analysis.get().is_none_or(depends) {
                document.forget();
                found.push(uri.clone());
            }
        }
        found
    }

    /// The file of an address or a path with its names.
    pub(super) fn view(&self, document: &Document) -> FileView {
        let analysis = self.analyse(document, 0);
        FileView {
            uri: document.uri.clone(),
            path: document.path.clone(),
            text: Rc::clone(&document.text),
            lines: document.lines.clone(),
            names: Rc::new(analysis.names.clone()),
            parses: analysis.items.len() == analysis.tree.items.len(),
        }
    }

    /// A file by its path, open or not.
    pub(super) fn file(&self, path: &Path) -> Option<FileView> {
        if let Some(document) = self.open_at(path) {
            return Some(self.view(document));
        }
        let text = self.host.import(path.parent()?, path.file_name()?.to_str()?).ok()?;
        let (tree, problems) = syntax::parse(FileId(0), &text);
        let names = Names::of(&tree);
        Some(FileView {
            uri: uri::uri(path)?,
            path: Some(path.to_owned()),
            lines: Lines::new(&text),
            text: text.into(),
            names: Rc::new(names),
            parses: problems.is_empty(),
        })
    }

    /// Everything that a file imports, directly or not, nearest first.
    pub(super) fn imported(&self, file: &FileView) -> Vec<FileView> {
        let mut seen: BTreeSet<PathBuf> = file.path.clone().into_iter().collect();
        let mut found: Vec<FileView> = vec![];
        let mut todo: Vec<PathBuf> = file.imports().collect();
        while let Some(path) = todo.pop() {
            if !seen.insert(path.clone()) || found.len() > MAX_IMPORTS {
                continue;
            }
            let Some(view) = self.file(&path) else { continue };
            todo.extend(view.imports());
            found.push(view);
        }
        found
    }

    /// The specs in a folder and below.
    pub(super) fn specs_below(&self, folder: &Path) -> Vec<PathBuf> {
        self.host.specs_below(folder)
    }

    /// Every other spec that is open or lies in a folder of the editor.
    pub(super) fn others(&self, but: &FileView) -> Vec<FileView> {
        let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
        for root in &self.roots {
            paths.extend(self.host.specs_below(root));
        }
        if let (true, Some(folder)) =
            (self.roots.is_empty(), but.path.as_deref().and_then(Path::parent))
        {
            paths.extend(self.host.specs_below(folder));
        }
        paths.extend(self.documents.values().filter_map(|document| document.path.clone()));
        let others = paths.iter().filter(|path| Some(*path) != but.path.as_ref());
        others.filter_map(|path| self.file(path)).collect()
    }
}

/// Most files that one text may import before the search for a name ends.
const MAX_IMPORTS: usize = 256;
