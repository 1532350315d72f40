//! A mailbox as clients send and see it.

use domain::{BadName, Mailbox, MailboxId, Owner, Settings, SomeSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::wire::Id;
use web::{Fault, Problem};

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 128;

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Personal,
    Group,
}

/// A mailbox as sent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = MailboxSent)]
pub(crate) struct MailboxRequest {
    /// As in the path, or left out.
    #[schema(value_type = Option<Id>)]
    id: Option<String>,
    /// Never changes.
    kind: Kind,
    /// The user, of a personal one.
    #[schema(value_type = Option<Id>)]
    user: Option<String>,
    /// The group, of a group's.
    #[schema(value_type = Option<Id>)]
    group: Option<String>,
    /// What people see; the id without it.
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    /// Whether it takes messages; true without it.
    enabled: Option<bool>,
    /// What is missing is the tenant's default.
    #[schema(value_type = Option<SettingsSent>)]
    settings: Option<SomeSettings>,
}

/// Settings, all optional.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the domain reads the values")]
pub(crate) struct SettingsSent {
    /// How many new and old messages it holds.
    #[schema(minimum = 1, maximum = 100_000)]
    max_messages: Option<u32>,
    /// The longest message in seconds.
    #[schema(minimum = 1, maximum = 3600)]
    max_message_seconds: Option<u32>,
    /// After how many days a message goes to the trash; null: never.
    #[schema(minimum = 1, maximum = 3650)]
    retention_days: Option<u32>,
    /// An IANA time zone.
    time_zone: Option<String>,
    /// A language tag (BCP 47).
    language: Option<String>,
}

/// A mailbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mailbox)]
pub(crate) struct MailboxBody {
    /// Its id.
    id: String,
    /// `personal` or `group`.
    kind: Kind,
    /// The user, of a personal one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The group, of a group's.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// What people see.
    name: String,
    /// Whether it takes messages.
    enabled: bool,
    /// Its limits.
    #[serde(with = "SettingsBody")]
    #[schema(value_type = SettingsBody)]
    settings: Settings,
}

/// The settings of a mailbox.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
#[serde(remote = "Settings")]
struct SettingsBody {
    /// How many new and old messages it holds.
    max_messages: u32,
    /// The longest message in seconds.
    max_message_seconds: u32,
    /// After how many days a message goes to the trash; null: never.
    #[schema(required = true)]
    retention_days: Option<u32>,
    /// An IANA time zone.
    time_zone: String,
    /// A language tag (BCP 47).
    language: String,
}

impl From<Mailbox> for MailboxBody {
    fn from(mailbox: Mailbox) -> Self {
        let (kind, user, group) = match mailbox.owner {
            Owner::Personal { user } => (Kind::Personal, Some(user.to_string()), None),
            Owner::Group { group } => (Kind::Group, None, Some(group.to_string())),
        };
        Self {
            id: mailbox.id.to_string(),
            kind,
            user,
            group,
            name: mailbox.name,
            enabled: mailbox.enabled,
            settings: mailbox.settings,
        }
    }
}

impl MailboxRequest {
    /// Checks what was sent; names all faults at once.
    pub(crate) fn check(self, id: MailboxId, defaults: &Settings) -> Result<Mailbox, Problem> {
        let mut faults = Vec::new();
        if self.id.is_some_and(|sent| sent != id.as_str()) {
            faults.push(Fault::new("id", "the id of the path, or none"));
        }
        let (place, named) = match self.kind {
            Kind::Personal => ("user", self.user),
            Kind::Group => ("group", self.group),
        };
        let owner = match named {
            None => Err(Fault::new(place, "whose mailbox it is")),
            Some(name) => owner(self.kind, &name).map_err(|bad| Fault::new(place, bad.to_string())),
        };
        let name = self.name.unwrap_or_else(|| id.to_string());
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            faults.push(Fault::new("name", "1 to 128 characters, none of them control characters"));
        }
        let settings = self.settings.unwrap_or_default().over(defaults).map_err(|bad| {
            let fault =
                |(name, rule): (&str, BadName)| Fault::new(format!("settings.{name}"), rule.to_string());
            faults.extend(bad.into_iter().map(fault));
        });
        match (owner, settings, faults.is_empty()) {
            (Ok(owner), Ok(settings), true) => Ok(Mailbox {
                id,
                owner,
                name,
                enabled: self.enabled.unwrap_or(true),
                settings,
                generation: 0,
            }),
            (owner, ..) => {
                faults.extend(owner.err());
                Err(Problem::faults(faults))
            }
        }
    }
}

fn owner(kind: Kind, name: &str) -> Result<Owner, BadName> {
    Ok(match kind {
        Kind::Personal => Owner::Personal { user: name.parse()? },
        Kind::Group => Owner::Group { group: name.parse()? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Mailbox, Vec<String>> {
        let sent: MailboxRequest = serde_json::from_str(text).unwrap();
        let mailbox = sent.check("5001".parse().unwrap(), &Settings::default());
        mailbox.map_err(|problem| problem.errors.into_iter().map(|fault| fault.place).collect())
    }

    #[test]
    fn what_is_left_out_or_null_has_a_default() {
        let nulls = r#"{"id":null,"kind":"personal","user":"alice","group":null,"name":null,"enabled":null,"settings":null}"#;
        let mailbox = check(r#"{"kind":"personal","user":"alice"}"#).unwrap();
        assert_eq!(check(nulls).as_ref(), Ok(&mailbox));
        assert_eq!((mailbox.name.as_str(), mailbox.enabled), ("5001", true));
        assert_eq!(mailbox.settings, Settings::default());
    }

    #[test]
    fn every_fault_is_named() {
        let text = r#"{"id":"5002","kind":"group","user":"alice","name":"","settings":{"max_messages":0}}"#;
        assert_eq!(check(text).unwrap_err(), ["id", "name", "settings.max_messages", "group"]);
        assert_eq!(check(r#"{"kind":"personal","user":"../x"}"#).unwrap_err(), ["user"]);
    }
}
