//! What the start looks at, in each region at once: that the table is what we work with, and that a bucket keeps nothing
//! that was deleted. Each endpoint has its connection then.
//!
//! A region that does not answer does not keep the others from working: it is told in the log, and looked at by the next
//! start. One that answers that it is not so, or that we may not look, refuses the start.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType, Projection, TableDescription};
use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, ObjectLockEnabled, Tag,
};
use domain::Region;
use futures::future::{try_join, try_join_all};
use futures::try_join;

use super::fault::{fault, is};
use super::layout::{DUE, FOLDER};
use super::table::Table;
use super::{Aws, Bucket};

/// Why the storage cannot be used as it is, and what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no table: where, and its name.
    #[error(
        "{0} has no DynamoDB table {1}: make it there (the template does), or name another in VOICEMAIL_TABLE"
    )]
    NoTable(Region, String),
    /// The table is not ours: where, its name, and what it lacks.
    #[error("the DynamoDB table {1} in {0} lacks {2}: make it anew as the template has it")]
    OtherTable(Region, String, &'static str),
    /// There is no bucket: where, and its name.
    #[error("there is no bucket {1} in {0}: make it, or name another in VOICEMAIL_BUCKETS")]
    NoBucket(Region, String),
    /// The bucket keeps what is overwritten and deleted: where, and its name.
    #[error(
        "the bucket {1} in {0} keeps versions, so an erased recording would stay as an old one: suspend its \
         versioning, or give it a lifecycle rule that expires noncurrent versions of everything after 1 day"
    )]
    Versions(Region, String),
    /// The bucket refuses to delete: where, and its name.
    #[error(
        "the bucket {1} in {0} has Object Lock, so nothing could be erased in time: use a bucket without it"
    )]
    Locked(Region, String),
    /// We may not look: where, at which table or bucket, and what to allow.
    #[error("{1} in {0} may not be looked at: allow {2} to these keys or this role")]
    NotAllowed(Region, String, &'static str),
}

type Checked<T> = Result<T, StartError>;

/// What is looked at, where, and by which action.
struct Inspection<'a> {
    region: &'a Region,
    what: &'a str,
    action: &'static str,
}

impl Inspection<'_> {
    /// The answer, or `None` where there is none that tells anything.
    fn answer<T, E>(&self, answer: Result<T, SdkError<E, HttpResponse>>) -> Checked<Option<T>>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let error = match answer {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        let Self { region, what, action } = self;
        let denied = error.code() == Some("AccessDeniedException") || is(403, &error);
        if denied {
            return Err(StartError::NotAllowed((*region).clone(), (*what).to_owned(), action));
        }
        let error = fault("looking at the storage")(error);
        let error = crate::causes(&error);
        tracing::warn!(%region, what, action, error, "not looked at; the next start does");
        Ok(None)
    }
}

impl Aws {
    /// Looks at everything.
    pub(super) async fn look(&self) -> Checked<()> {
        let setup = &self.0.setup;
        let tables = try_join_all(setup.masters.iter().map(|region| table(region, self.table(region))));
        let buckets = setup.buckets.iter().map(|(region, its)| bucket(region, self.0.s3(region), its));
        try_join(tables, try_join_all(buckets)).await.map(|_| ())
    }
}

async fn table(region: &Region, table: Table) -> Checked<()> {
    let name = || table.name.clone();
    let described = table.client.describe_table().table_name(name()).send().await;
    let answered = described.as_ref().err().and_then(SdkError::as_service_error);
    if answered.is_some_and(DescribeTableError::is_resource_not_found_exception) {
        return Err(StartError::NoTable(region.clone(), name()));
    }
    let inspection = Inspection { region, what: &table.name, action: "dynamodb:DescribeTable" };
    let Some(described) = inspection.answer(described)?.and_then(|answer| answer.table) else {
        return Ok(());
    };
    match lacks(&described) {
        Some(lacks) => Err(StartError::OtherTable(region.clone(), name(), lacks)),
        None => Ok(()),
    }
}

/// What a table lacks of ours.
fn lacks(table: &TableDescription) -> Option<&'static str> {
    let has_keys = |keys: &[KeySchemaElement], hash: &str, range: &str| {
        let has = |kind: KeyType, name: &str| {
            keys.iter().any(|key| key.key_type == kind && key.attribute_name == name)
        };
        has(KeyType::Hash, hash) && has(KeyType::Range, range)
    };
    let has = |projection: Option<&Projection>, name: &str| {
        projection.is_some_and(|projection| {
            projection.projection_type() == Some(&aws_sdk_dynamodb::types::ProjectionType::All)
                || projection.non_key_attributes().iter().any(|one| one == name)
        })
    };
    let folder = table.local_secondary_indexes().iter().find(|index| index.index_name() == Some(FOLDER));
    let due = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(DUE));
    if !has_keys(table.key_schema(), "pk", "sk") {
        return Some("the keys pk and sk");
    }
    if !folder.is_some_and(|index| {
        has_keys(index.key_schema(), "pk", "f")
            && ["r_at", "urgent", "w"].iter().all(|name| has(index.projection(), name))
    }) {
        return Some("the local index folder, of pk and f, that includes r_at, urgent and w");
    }
    if !due.is_some_and(|index| has_keys(index.key_schema(), "tenant", DUE)) {
        return Some("the global index due, of tenant and due");
    }
    None
}

async fn bucket(region: &Region, client: aws_sdk_s3::Client, bucket: &Bucket) -> Checked<()> {
    let inspection = |action| Inspection { region, what: &bucket.name, action };
    let name = || bucket.name.clone();
    let versioning = async {
        let answer = client.get_bucket_versioning().bucket(name()).send().await;
        if answer.as_ref().is_err_and(|error| is(404, error)) {
            return Err(StartError::NoBucket(region.clone(), name()));
        }
        inspection("s3:GetBucketVersioning").answer(answer)
    };
    let lock = async {
        match client.get_object_lock_configuration().bucket(name()).send().await {
            // It has none.
            Err(error) if is(404, &error) => Ok(None),
            answer => inspection("s3:GetBucketObjectLockConfiguration").answer(answer),
        }
    };
    let rules = async {
        let answer = match client.get_bucket_lifecycle_configuration().bucket(name()).send().await {
            Err(error) if is(404, &error) => return Ok(Some(Vec::new())),
            answer => inspection("s3:GetLifecycleConfiguration").answer(answer)?,
        };
        Ok(answer.map(|answer| answer.rules.unwrap_or_default()))
    };
    let (versioning, lock, rules) = try_join!(versioning, lock, rules)?;
    let is_locked = lock.and_then(|lock| lock.object_lock_configuration);
    if is_locked.is_some_and(|lock| lock.object_lock_enabled == Some(ObjectLockEnabled::Enabled)) {
        return Err(StartError::Locked(region.clone(), name()));
    }
    let Some(rules) = rules else { return Ok(()) };
    let has_versions =
        versioning.is_some_and(|answer| answer.status == Some(BucketVersioningStatus::Enabled));
    if has_versions && !rules.iter().any(|rule| expires_versions(rule, &bucket.prefix)) {
        return Err(StartError::Versions(region.clone(), name()));
    }
    if !rules.iter().any(forgets) {
        tracing::warn!(
            %region, bucket = bucket.name,
            "no lifecycle rule expires objects with the tag forget=1 after 1 day: the sweep alone erases them"
        );
    }
    Ok(())
}

/// Whether a rule expires what was overwritten or deleted in this folder within a day.
fn expires_versions(rule: &LifecycleRule, folder: &str) -> bool {
    let in_time = |days: Option<i32>| days.is_some_and(|days| days <= 1);
    let expires = rule.noncurrent_version_expiration.as_ref();
    let expires =
        expires.is_some_and(|it| in_time(it.noncurrent_days) && it.newer_noncurrent_versions.is_none());
    let covers = rule.filter.as_ref().is_none_or(|filter| {
        let LifecycleRuleFilter { prefix, tag, and, .. } = filter;
        let is_narrow = filter.object_size_greater_than.is_some() || filter.object_size_less_than.is_some();
        tag.is_none()
            && and.is_none()
            && !is_narrow
            && folder.starts_with(prefix.as_deref().unwrap_or_default())
    });
    rule.status == ExpirationStatus::Enabled && expires && covers
}

/// Whether a rule expires what is scheduled for deletion.
fn forgets(rule: &LifecycleRule) -> bool {
    let days = rule.expiration.as_ref().and_then(|expiration| expiration.days);
    let is_ours = |tag: &Tag| tag.key == "forget" && tag.value == "1";
    let filter = rule.filter.as_ref();
    let by_tag = filter.and_then(|filter| filter.tag.as_ref()).is_some_and(is_ours);
    let by_tags =
        filter.and_then(|filter| filter.and.as_ref()).is_some_and(|and| and.tags().iter().any(is_ours));
    rule.status == ExpirationStatus::Enabled && days == Some(1) && (by_tag || by_tags)
}
