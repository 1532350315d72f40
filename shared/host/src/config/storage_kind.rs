//! Which storage is meant.

/// A kind of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageKind {
    /// Plain files.
    #[cfg(feature = "fs")]
    Fs,
    /// S3 and `DynamoDB`.
    #[cfg(feature = "aws")]
    Aws,
    /// Blob Storage.
    #[cfg(feature = "azure")]
    Azure,
}

impl StorageKind {
    /// Those that are built in, by the names that the configuration gives them.
    const BUILT_IN: &[(&str, Self)] = &[
        #[cfg(feature = "fs")]
        ("fs", Self::Fs),
        #[cfg(feature = "aws")]
        ("aws", Self::Aws),
        #[cfg(feature = "azure")]
        ("azure", Self::Azure),
    ];

    /// What is meant where nothing is said.
    #[cfg(feature = "fs")]
    pub(super) const DEFAULT: Self = Self::Fs;
    /// What is meant where nothing is said.
    #[cfg(all(feature = "aws", not(feature = "fs")))]
    pub(super) const DEFAULT: Self = Self::Aws;
    /// What is meant where nothing is said.
    #[cfg(not(any(feature = "aws", feature = "fs")))]
    pub(super) const DEFAULT: Self = Self::Azure;

    pub(super) fn named(text: &str) -> Result<Self, String> {
        let found = Self::BUILT_IN.iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| *kind).ok_or_else(|| {
            let all: Vec<_> = Self::BUILT_IN.iter().map(|(name, _)| *name).collect();
            format!("{text:?} is no storage of this build, which has {}", all.join(", "))
        })
    }
}
