//! Enough of XML for what emulators answer.

/// What stands in the first element of this name.
pub fn within<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>")).unwrap().0)
}

/// Its text, without escapes.
pub fn plain(text: &str) -> String {
    let names =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#xD;", "\r"), ("&amp;", "&")];
    names.into_iter().fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
}
