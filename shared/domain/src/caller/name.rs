//! A caller's name, as it may be shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::characters::printable;

/// A caller's name. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallerName(String);

impl CallerName {
    /// A name as received, less what acts on whatever shows it: control and direction characters. `None`: nothing is left.
    pub fn read(received: &str) -> Option<Self> {
        Some(printable(received)).filter(|name| !name.is_empty()).map(Self)
    }

    /// The name in clear: for facts, and for the answer to a person who may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerName(…)")
    }
}
