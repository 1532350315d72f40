//! What a trigger's invocation brings: `{"Data": {"<binding>": …}, "Metadata": {…}}`, in which a value that the Functions host
//! holds as text is JSON in a string, and where the text was JSON itself a string in a string
//! (`ScriptInvocationContextExtensions` in Azure/azure-functions-host).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::function::Object;

/// As what the event comes: `name` of the binding in `on-drop/function.json`.
const EVENT: &str = "event";
/// An object that came; all else that happens to one is no drop.
const CREATED: &str = "Microsoft.Storage.BlobCreated";
/// How often a value may be JSON in a string: one more than the host was seen to do it.
const MAX_STRING_DEPTH: usize = 3;

/// An invocation.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    #[serde(rename = "Data")]
    data: Map<String, Value>,
}

/// What cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// An event of Event Grid, in its own schema or as a cloud event: the parts of it that say which blob.
#[derive(Deserialize)]
struct Event {
    #[serde(alias = "source")]
    topic: String,
    subject: String,
    #[serde(rename = "eventType", alias = "type")]
    kind: String,
}

impl Envelope {
    /// The blobs that came: the bucket is `<account>/<container>`, the key the blob's name.
    pub(super) fn objects(mut self) -> Result<Vec<Object>, Unreadable> {
        let event = plain(self.data.remove(EVENT).ok_or(Unreadable)?)?;
        let events = match event {
            Value::Array(events) => events.into_iter().map(plain).collect::<Result<_, _>>()?,
            one => vec![one],
        };
        let mut objects = Vec::new();
        for event in events {
            let event: Event = serde_json::from_value(event).map_err(|_| Unreadable)?;
            if event.kind == CREATED {
                objects.push(event.object().ok_or(Unreadable)?);
            }
        }
        Ok(objects)
    }
}

impl Event {
    /// The account ends the topic, the resource that sends; the subject is
    /// `/blobServices/default/containers/<container>/blobs/<name>`, with the name as it is.
    fn object(&self) -> Option<Object> {
        let (_, account) = self.topic.rsplit_once("/storageAccounts/")?;
        let blob = self.subject.strip_prefix("/blobServices/default/containers/")?;
        let (container, name) = blob.split_once("/blobs/")?;
        Some(Object { bucket: format!("{account}/{container}"), key: name.to_owned() })
    }
}

/// A value out of the strings that it is in.
fn plain(mut value: Value) -> Result<Value, Unreadable> {
    for _ in 0..MAX_STRING_DEPTH {
        let Value::String(text) = value else { break };
        value = serde_json::from_str(&text).map_err(|_| Unreadable)?;
    }
    Ok(value)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    /// An event as Microsoft documents it (Azure Blob Storage as an Event Grid source).
    fn created() -> Value {
        json!({
            "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acmewesteurope",
            "subject": "/blobServices/default/containers/voicemail/blobs/incoming/acme/5001/Müller & Co/blobs/a.wav",
            "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": "2026-06-26T18:41:00.9584103Z", "id": "831e1650-001e-001b-66ab-eeb76e069631",
            "data": {
                "api": "PutBlob", "contentType": "audio/wav", "contentLength": 524_288, "blobType": "BlockBlob",
                "url": "https://acmewesteurope.blob.core.windows.net/voicemail/incoming/acme/5001/x.wav",
                "sequencer": "00000000000004420000000000028963"
            },
            "dataVersion": "", "metadataVersion": "1"
        })
    }

    fn objects(event: &Value) -> Result<Vec<Object>, Unreadable> {
        let envelope = json!({"Data": {"event": event}, "Metadata": {"sys": {"MethodName": "on-drop"}}});
        serde_json::from_value::<Envelope>(envelope).unwrap().objects()
    }

    fn in_a_string(value: &Value) -> Value {
        value.to_string().into()
    }

    #[test]
    fn an_event_is_read_out_of_however_many_strings_it_is_in() {
        let expected = Object {
            bucket: "acmewesteurope/voicemail".into(),
            key: "incoming/acme/5001/Müller & Co/blobs/a.wav".into(),
        };
        let mut event = created();
        for _ in 0..=MAX_STRING_DEPTH {
            assert_eq!(objects(&event), Ok(vec![expected.clone()]), "{event}");
            event = in_a_string(&event);
        }
        assert_eq!(objects(&event), Err(Unreadable));
        let several = json!([created(), in_a_string(&created())]);
        assert_eq!(objects(&in_a_string(&several)), Ok(vec![expected.clone(), expected]));
    }

    #[test]
    fn a_cloud_event_says_the_same() {
        let mut event = created();
        let fields = event.as_object_mut().unwrap();
        for (own, cloud) in [("topic", "source"), ("eventType", "type")] {
            let value = fields.remove(own).unwrap();
            fields.insert(cloud.into(), value);
        }
        assert_eq!(objects(&event), objects(&created()));
    }

    #[test]
    fn what_happens_to_a_blob_otherwise_is_no_drop() {
        for kind in ["Microsoft.Storage.BlobDeleted", "Microsoft.Storage.BlobTierChanged"] {
            let mut event = created();
            event["eventType"] = kind.into();
            assert_eq!(objects(&event), Ok(vec![]));
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let mut elsewhere = created();
        elsewhere["subject"] = "/blobServices/default/containers/voicemail".into();
        let mut nobody = created();
        nobody["topic"] = "/subscriptions/s".into();
        for event in [json!(null), json!(7), json!("+493012345"), json!({}), json!([[]]), elsewhere, nobody] {
            assert_eq!(objects(&event), Err(Unreadable), "{event}");
        }
        let other = serde_json::from_value::<Envelope>(json!({"Data": {"timer": {}}})).unwrap();
        assert_eq!(other.objects(), Err(Unreadable));
        for body in ["", "null", "[]", "{}", r#"{"Data": 1}"#, r#"{"Data": "{}"}"#, "{\"Data\": {"] {
            assert!(serde_json::from_str::<Envelope>(body).is_err(), "{body}");
        }
    }
}
