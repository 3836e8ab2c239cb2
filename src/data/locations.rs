//! Where data is looked for.
//!
//! In: the folders that the command line, the environment and the spec name. Out: the files of a set, or the list of places
//! where they are not. A path that a spec names stays inside the folder it is relative to, whatever it says.

use std::path::{Component, Path, PathBuf};

use super::error::{DataError, PathProblem};
use super::files;
use super::named::NamedSet;

/// Folders in the order of the search; reading the environment is left to the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// The folder of the spec; paths in `csv` and `npy` are relative to it first.
    pub spec_dir: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `$SPECC_DATA`.
    pub env_dir: Option<PathBuf>,
    /// The user cache: `$XDG_CACHE_HOME/specc`, or `~/.cache/specc`.
    pub cache_dir: Option<PathBuf>,
}

impl Locations {
    /// The same for a spec in this folder; an empty path is the working directory.
    #[must_use]
    pub fn beside(&self, folder: Option<&Path>) -> Self {
        // The folder of `a.net` is the empty path, which the system cannot look into.
        let named =
            |dir: &Path| if dir.as_os_str().is_empty() { ".".into() } else { dir.to_owned() };
        Self { spec_dir: folder.map(named), ..self.clone() }
    }

    /// The data folders in the order of the search, without repetition.
    pub fn data_folders(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = vec![];
        for folder in [&self.data_dir, &self.env_dir, &self.cache_dir].into_iter().flatten() {
            if !folders.contains(&folder.as_path()) {
                folders.push(folder);
            }
        }
        folders
    }

    /// Where fetched sets go: the first data folder.
    pub fn fetch_folder(&self) -> Option<&Path> {
        self.data_folders().first().copied()
    }

    /// The folder of a set: the first that holds any of its files.
    ///
    /// # Errors
    /// [`DataError::NotFound`] with all places looked at.
    pub fn find(&self, set: NamedSet) -> Result<PathBuf, DataError> {
        let Some(name) = set.folder() else {
            return Err(DataError::NotFound { set, places: vec![] });
        };
        let places: Vec<PathBuf> =
            self.data_folders().iter().map(|folder| folder.join(name)).collect();
        places
            .iter()
            .find(|place| set.file_names().iter().any(|file| files::exists(&place.join(file))))
            .cloned()
            .ok_or(DataError::NotFound { set, places })
    }

    /// The file that a spec names by a relative path: beside the spec, or in a data folder.
    ///
    /// # Errors
    /// A path that is absolute, contains `..` or reaches outside by a link; a file that is nowhere.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, DataError> {
        let relative = Path::new(path);
        for component in relative.components() {
            let problem = match component {
                Component::Normal(_) | Component::CurDir => continue,
                Component::ParentDir => PathProblem::Parent,
                Component::RootDir | Component::Prefix(_) => PathProblem::Absolute,
            };
            return Err(DataError::Path { path: path.to_owned(), problem });
        }
        let roots: Vec<&Path> =
            self.spec_dir.as_deref().into_iter().chain(self.data_folders()).collect();
        for root in &roots {
            let file = root.join(relative);
            if !files::exists(&file) {
                continue;
            }
            let (real_root, real_file) = (files::real_path(root)?, files::real_path(&file)?);
            if !real_file.starts_with(&real_root) {
                let problem = PathProblem::Link { folder: root.to_path_buf(), target: real_file };
                return Err(DataError::Path { path: path.to_owned(), problem });
            }
            return Ok(real_file);
        }
        let places = roots.into_iter().map(Path::to_path_buf).collect();
        Err(DataError::MissingFile { file: PathBuf::from(path), places })
    }
}

impl NamedSet {
    /// The files that carry samples; either of a name with and without `.gz` will do.
    pub(super) fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Digits => &[],
            Self::Mnist => &[
                "train-images-idx3-ubyte",
                "train-images-idx3-ubyte.gz",
                "train-labels-idx1-ubyte",
                "train-labels-idx1-ubyte.gz",
                "t10k-images-idx3-ubyte",
                "t10k-images-idx3-ubyte.gz",
                "t10k-labels-idx1-ubyte",
                "t10k-labels-idx1-ubyte.gz",
            ],
            Self::Cifar10 => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
                "test_batch.bin",
            ],
            Self::Cifar100 => &["train.bin", "test.bin"],
        }
    }
}
