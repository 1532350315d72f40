//! Reads variables one after the other and gathers what is wrong with them.

use std::path::Path;

use super::{ConfigFault, ConfigFaults};
use crate::secret::Secret;

/// The variables, and the faults found so far.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<ConfigFault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    pub(super) fn has(&self, variable: &str) -> bool {
        (self.lookup)(variable).is_some()
    }

    /// The value of a variable; `default` where it is not set, or wrong, which is then noted.
    pub(super) fn read<T>(
        &mut self,
        variable: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let value = match (self.lookup)(variable) {
            None => return default,
            // An empty value is a template that was not filled in, more often than a wish for the default.
            Some(text) if text.trim().is_empty() => {
                Err("is empty; give it a value or leave it unset".to_owned())
            }
            Some(text) => parse(&text),
        };
        value.unwrap_or_else(|detail| {
            self.fault(variable, detail);
            default
        })
    }

    /// A secret: given as it is, or as the path of a file that holds it.
    pub(super) fn secret(&mut self, [value, file]: [&'static str; 2], least: usize) -> Option<Secret> {
        let given = self.read(value, None, |text| Secret::value(text.as_bytes(), least).map(Some));
        let in_file = self.read(file, None, |path| {
            Secret::file(Path::new(path), least).map(Some).map_err(|fault| format!("{path}: {fault}"))
        });
        if self.has(value) && self.has(file) {
            self.fault(value, format!("and {file} are both set; leave one of them unset"));
        }
        given.or(in_file)
    }

    pub(super) fn fault(&mut self, variable: &'static str, detail: String) {
        self.faults.push(ConfigFault { variable, detail });
    }

    /// The whole, if nothing was wrong.
    pub(super) fn done<T>(self, whole: T) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() { Ok(whole) } else { Err(ConfigFaults(self.faults)) }
    }
}
