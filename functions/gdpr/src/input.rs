//! The request as the person wrote it.

use std::path::Path;

use serde_json::Value;

use crate::ended::Ended;

/// What the folder of a request calls it.
const NAME: &str = "input.json";

/// A request body: sent as it was read, since the service knows what it may hold.
pub(crate) struct Input(Value);

impl Input {
    /// Reads the file, or `input.json` of the folder.
    pub(crate) fn read(path: &Path) -> Result<Self, Ended> {
        let path = if path.is_dir() { path.join(NAME) } else { path.to_owned() };
        let wrong = |what: String| Ended::Usage(format!("The input {}: {what}.", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        // Editors of Windows put a mark before the text. Line and column alone: the parser's text may repeat what is there.
        let body: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| wrong(format!("no JSON at line {}, column {}", error.line(), error.column())))?;
        if body.is_object() { Ok(Self(body)) } else { Err(wrong("it is no JSON object".into())) }
    }

    /// The case, where it names one.
    pub(crate) fn caseid(&self) -> Option<&str> {
        self.text("caseid")
    }

    /// The tenant, where it names one.
    pub(crate) fn ccid(&self) -> Option<&str> {
        self.text("ccid")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// As a body, which goes on where the cursor says.
    pub(crate) fn body(&self, cursor: Option<&str>) -> String {
        let mut body = self.0.clone();
        if let (Some(fields), Some(cursor)) = (body.as_object_mut(), cursor) {
            fields.insert("cursor".to_owned(), cursor.into());
        }
        body.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Input, Ended> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), text).unwrap();
        let by_folder = Input::read(folder.path()).map(|input| input.body(None));
        let by_file = Input::read(&folder.path().join(NAME));
        assert_eq!(by_file.as_ref().map(|input| input.body(None)).ok(), by_folder.ok());
        by_file
    }

    #[test]
    fn a_file_and_its_folder_are_the_same_input_also_with_the_mark_of_windows() {
        for text in [r#"{"caseid":"1","ccid":"c"}"#, "\u{feff}{\"caseid\":\"1\",\"ccid\":\"c\"}"] {
            let input = read(text).unwrap_or_else(|ended| panic!("{ended:?}"));
            assert_eq!((input.caseid(), input.ccid()), (Some("1"), Some("c")));
            let next: Value = serde_json::from_str(&input.body(Some("more"))).unwrap();
            assert_eq!(next, serde_json::json!({"caseid": "1", "ccid": "c", "cursor": "more"}));
        }
    }

    #[test]
    fn what_is_no_request_is_wrong_usage_and_is_not_repeated() {
        for text in ["", "[]", "7", "{\"consumers\": [+49301234567]}"] {
            let ended = read(text).err();
            assert!(matches!(&ended, Some(Ended::Usage(said)) if !said.contains("4930")), "{ended:?}");
        }
        assert!(matches!(Input::read(Path::new("/no/such/file")), Err(Ended::Usage(_))));
    }
}
