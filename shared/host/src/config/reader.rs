//! Reads variables one after the other and gathers what is wrong with them.

use std::fmt;
use std::path::Path;

use identity::Secret;

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong and what to do; nothing secret.
    pub detail: String,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.0.iter().try_for_each(|ConfigFault { variable, detail }| write!(f, "\n  {variable} {detail}"))
    }
}

impl std::error::Error for ConfigFaults {}

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

    /// Faults, unless a storage that keeps no keys is given them.
    #[cfg(any(feature = "aws", feature = "azure"))]
    pub(super) fn needs_keys(&mut self, storage: &str) {
        for names in [
            &["VOICEMAIL_SUBJECT_KEY", "VOICEMAIL_SUBJECT_KEY_FILE"][..],
            &["VOICEMAIL_CERTIFICATE_KEY", "VOICEMAIL_CERTIFICATE_KEY_FILE"],
            &["VOICEMAIL_TOKEN_SECRET", "VOICEMAIL_TOKEN_SECRET_FILE", "VOICEMAIL_TOKEN_JWKS"],
        ] {
            if let (false, Some(name)) = (names.iter().any(|name| self.has(name)), names.first()) {
                self.fault(name, format!("is not set, and the storage {storage} keeps no keys"));
            }
        }
    }

    /// A fault, unless each region has its place, where any has.
    #[cfg(any(feature = "aws", feature = "azure"))]
    pub(super) fn needs_each_region<T>(
        &mut self,
        variable: &'static str,
        what: &str,
        places: &std::collections::BTreeMap<domain::Region, T>,
        regions: &std::collections::BTreeSet<domain::Region>,
    ) {
        let without = regions.iter().filter(|region| !places.contains_key(*region));
        let without: Vec<_> = without.map(ToString::to_string).collect();
        if !without.is_empty() && !places.is_empty() {
            self.fault(variable, format!("names no {what} for {}", without.join(", ")));
        }
    }

    /// The whole, if nothing was wrong.
    pub(super) fn done<T>(self, whole: T) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() { Ok(whole) } else { Err(ConfigFaults(self.faults)) }
    }
}
