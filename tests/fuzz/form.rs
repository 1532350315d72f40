//! Whatever a form is: it is read or refused, the same however it comes, and what is taken of it stands in it.
#![no_main]
#![expect(clippy::unwrap_used, reason = "what is found is told by a panic")]

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::{Mailbox, Owner, Settings, Timestamp};
use futures::stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, form) = input;
    let whole = fuzz::cheap(|| read(form, form.len()));
    let pieces = fuzz::cheap(|| read(form, usize::from(size)));
    assert_eq!(whole, pieces, "in pieces of {size} bytes");
    if let Some((_, audio)) = whole {
        assert!(audio.is_empty() || form.windows(audio.len()).any(|window| window == audio));
    }
});

/// The facts and the audio of a form that comes in pieces of this size, if it is taken.
fn read(form: &[u8], size: usize) -> Option<(deposit::Call, Vec<u8>)> {
    let headers = HeaderMap::from_iter([(
        header::CONTENT_TYPE,
        HeaderValue::from_static("multipart/form-data; boundary=x"),
    )]);
    let pieces: Vec<_> =
        form.chunks(size.max(1)).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let body = Body::from_stream(stream::iter(pieces));
    let mailbox = Mailbox {
        id: "5001".parse().unwrap(),
        owner: Owner::Personal { user: "alice".parse().unwrap() },
        name: "Alice".to_owned(),
        enabled: true,
        settings: Settings::default(),
        generation: 0,
    };
    let now = Timestamp::from_millis(1_795_341_600_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (call, audio) = runtime.block_on(deposit::read(&headers, body, Some(&mailbox), now)).ok()?;
    Some((call, audio.ok()?.to_vec()))
}
