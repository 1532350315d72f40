//! What the service says of itself where each operation is a function of its own: whether it is ready, its keys and its
//! document, and that there is no such route. The host answers all of it.

use std::sync::Arc;

use host::App;
use utoipa_axum::router::OpenApiRouter;

/// The document of all operations: a file, or all of them would be linked with this to make it.
pub const DOCUMENT: &str = include_str!("../openapi.json");

/// None beside those that every program has.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_the_one_that_the_handlers_of_all_operations_make() {
        let made = web::openapi::text(gateway::routes().into_openapi());
        if std::env::var("VOICEMAIL_TESTS").as_deref() == Ok("write") {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), made).unwrap();
            return;
        }
        assert!(
            DOCUMENT == made,
            "it changed: VOICEMAIL_TESTS=write cargo test -p about writes openapi.json"
        );
    }
}
