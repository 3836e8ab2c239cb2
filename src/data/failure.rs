//! How fetching fails: what a mirror did, and what is wrong with an archive.

/// One mirror that did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub url: String,
    /// Why not.
    pub failure: Failure,
}

/// Why a mirror did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server answered with this status.
    Status(u16),
    /// The connection failed or broke, in the words of the network, after this many tries.
    Connection {
        /// Tries made.
        tries: u32,
        /// What the last one said.
        reason: String,
    },
    /// The server announces or delivers another length.
    Length {
        /// Bytes announced or delivered.
        found: u64,
        /// Bytes published.
        expected: u64,
    },
    /// Everything arrived, but other bytes than the published ones.
    Hash {
        /// SHA-256 of what arrived.
        found: String,
        /// SHA-256 published.
        expected: String,
    },
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchiveProblem {
    /// It cannot be unpacked, in the words of the decoder.
    Damaged(String),
    /// It contains something of a name that does not belong there.
    Member(String),
    /// A member has another size than published, or is larger than any member may be.
    Size {
        /// The member.
        member: String,
        /// Its size.
        found: u64,
    },
    /// A member is missing.
    Missing(String),
}

impl std::fmt::Display for ArchiveProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(reason) => write!(f, "cannot be unpacked: {reason}"),
            Self::Member(name) => write!(f, "contains `{name}`, which does not belong there"),
            Self::Size { member, found } => write!(f, "`{member}` has {found} bytes"),
            Self::Missing(name) => write!(f, "`{name}` is missing"),
        }
    }
}
