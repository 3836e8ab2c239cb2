//! The published sets: names, folders and published sizes.

/// A published data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedSet {
    /// 1,797 digits of 8 × 8 pixels, part of the program.
    Digits,
    /// MNIST in IDX files.
    Mnist,
    /// CIFAR-10 in binary batches.
    Cifar10,
    /// CIFAR-100 in binary files, with coarse labels.
    Cifar100,
}

impl NamedSet {
    /// Every set, in the order of `specc data list`.
    pub const ALL: [Self; 4] = [Self::Digits, Self::Mnist, Self::Cifar10, Self::Cifar100];

    /// The name in a spec and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
        }
    }

    /// The set of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    /// The folder inside a data folder; `None` for what is part of the program.
    pub fn folder(self) -> Option<&'static str> {
        match self {
            Self::Digits => None,
            Self::Mnist => Some("mnist"),
            Self::Cifar10 => Some("cifar-10-batches-bin"),
            Self::Cifar100 => Some("cifar-100-binary"),
        }
    }

    /// Shape of one sample: channels, rows, columns.
    pub fn sample_shape(self) -> [usize; 3] {
        match self {
            Self::Digits => [1, 8, 8],
            Self::Mnist => [1, 28, 28],
            Self::Cifar10 | Self::Cifar100 => [3, 32, 32],
        }
    }

    /// The published number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Digits | Self::Mnist | Self::Cifar10 => 10,
            Self::Cifar100 => 100,
        }
    }

    /// The published number of coarse classes, where there are any.
    pub fn coarse_classes(self) -> Option<usize> {
        match self {
            Self::Digits | Self::Mnist | Self::Cifar10 => None,
            Self::Cifar100 => Some(20),
        }
    }

    /// Published numbers of training and test samples; files at hand may hold others.
    pub fn published_counts(self) -> (usize, usize) {
        match self {
            Self::Digits => (1437, 360),
            Self::Mnist => (60_000, 10_000),
            Self::Cifar10 | Self::Cifar100 => (50_000, 10_000),
        }
    }
}
