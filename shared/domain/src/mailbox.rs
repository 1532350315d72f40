//! Mailboxes, groups and their settings.

use serde::{Deserialize, Deserializer, Serialize};

use crate::names::{BadName, GroupId, MailboxId, UserId};

/// Whose mailbox it is. The kind never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owner {
    /// One user's.
    Personal {
        /// The user.
        user: UserId,
    },
    /// Every member of the group sees its messages.
    Group {
        /// The group.
        group: GroupId,
    },
}

impl Owner {
    /// `personal` or `group`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Personal { .. } => "personal",
            Self::Group { .. } => "group",
        }
    }

    /// Whether the two are of one kind.
    pub fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A mailbox as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Personal or group.
    #[serde(flatten)]
    pub owner: Owner,
    /// What people see, at most 128 characters.
    pub name: String,
    /// Whether it takes messages.
    pub enabled: bool,
    /// Its limits.
    pub settings: Settings,
    /// The version at which it was made: a mailbox that is made again after its deletion is another one, and a message
    /// of the one before never shows in it.
    pub generation: u64,
}

/// What an administrator may set for a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How many new and old messages it holds, 1 to 100000.
    pub max_messages: u32,
    /// The longest message in seconds, 1 to 3600.
    pub max_message_seconds: u32,
    /// After how many days a message goes to the trash, 1 to 3650; `None`: never.
    pub retention_days: Option<u32>,
    /// An IANA time zone, for example `Europe/Berlin`.
    pub time_zone: String,
    /// A language tag (BCP 47), for example `en` or `de-AT`.
    pub language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_message_seconds: 180,
            retention_days: None,
            time_zone: "UTC".to_owned(),
            language: "en".to_owned(),
        }
    }
}

/// Settings of which some are given; the rest comes from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SomeSettings {
    /// As in [`Settings`].
    pub max_messages: Option<u32>,
    /// As in [`Settings`].
    pub max_message_seconds: Option<u32>,
    /// As in [`Settings`]; `Some(None)` is an explicit `null`: never.
    #[serde(deserialize_with = "given")]
    pub retention_days: Option<Option<u32>>,
    /// As in [`Settings`].
    pub time_zone: Option<String>,
    /// As in [`Settings`].
    pub language: Option<String>,
}

#[expect(clippy::option_option, reason = "a missing retention and an explicit null differ")]
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl SomeSettings {
    /// What is given, completed from `defaults`.
    ///
    /// # Errors
    /// Each setting that is out of its range: its name and the rule.
    pub fn over(self, defaults: &Settings) -> Result<Settings, Vec<(&'static str, BadName)>> {
        let settings = Settings {
            max_messages: self.max_messages.unwrap_or(defaults.max_messages),
            max_message_seconds: self.max_message_seconds.unwrap_or(defaults.max_message_seconds),
            retention_days: self.retention_days.unwrap_or(defaults.retention_days),
            time_zone: self.time_zone.unwrap_or_else(|| defaults.time_zone.clone()),
            language: self.language.unwrap_or_else(|| defaults.language.clone()),
        };
        let faults = settings.faults();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }
}

impl Settings {
    fn faults(&self) -> Vec<(&'static str, BadName)> {
        let language = &self.language;
        let is_language = (2..=35).contains(&language.len())
            && language
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        [
            ((1..=100_000).contains(&self.max_messages), "max_messages", "how many messages: 1 to 100000"),
            (
                (1..=3600).contains(&self.max_message_seconds),
                "max_message_seconds",
                "the longest message in seconds: 1 to 3600",
            ),
            (
                self.retention_days.is_none_or(|days| (1..=3650).contains(&days)),
                "retention_days",
                "days until the trash: null for never, or 1 to 3650",
            ),
            (
                jiff::tz::TimeZone::get(&self.time_zone).is_ok(),
                "time_zone",
                "an IANA time zone, for example Europe/Berlin",
            ),
            (is_language, "language", "a language tag (BCP 47), for example en or de-AT"),
        ]
        .into_iter()
        .filter_map(|(good, name, rule)| (!good).then_some((name, BadName(rule))))
        .collect()
    }
}

/// A group: users who see its mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its members, each once, sorted.
    pub members: std::collections::BTreeSet<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_from_the_defaults_and_null_means_never() {
        let defaults = Settings { retention_days: Some(30), ..Settings::default() };
        let some: SomeSettings = serde_json::from_str(r#"{"max_messages":7}"#).unwrap();
        assert_eq!(some.over(&defaults), Ok(Settings { max_messages: 7, ..defaults.clone() }));
        let never: SomeSettings = serde_json::from_str(r#"{"retention_days":null}"#).unwrap();
        assert_eq!(never.over(&defaults).unwrap().retention_days, None);
    }

    #[test]
    fn every_setting_out_of_its_range_is_named() {
        let some: SomeSettings = serde_json::from_str(
            r#"{"max_messages":0,"max_message_seconds":3601,"retention_days":0,"time_zone":"Mars/Base","language":"?"}"#,
        )
        .unwrap();
        let names: Vec<_> =
            some.over(&Settings::default()).unwrap_err().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["max_messages", "max_message_seconds", "retention_days", "time_zone", "language"]);
    }

    #[test]
    fn a_mailbox_reads_back_as_it_was_written() {
        let mailbox = Mailbox {
            id: "5100".parse().unwrap(),
            owner: Owner::Group { group: "sales".parse().unwrap() },
            name: "Sales".into(),
            enabled: true,
            settings: Settings::default(),
            generation: 3,
        };
        let text = serde_json::to_string(&mailbox).unwrap();
        assert!(text.contains(r#""kind":"group","group":"sales""#), "{text}");
        assert_eq!(serde_json::from_str::<Mailbox>(&text).unwrap(), mailbox);
    }
}
