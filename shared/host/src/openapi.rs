//! The `OpenAPI` document: what the handlers say, and what is the same for all of them.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Info, License, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::problem::{Fault, ProblemBody};

/// Completes a document: its title and version, how to sign in, and the problem that any operation may answer.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let mut info = Info::new("Voicemail", env!("CARGO_PKG_VERSION"));
    info.description = Some("Voicemail for contact centres.".to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    document.info = info;

    let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let basic = Http::builder()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("`tenant\\user` and a password."))
        .build();
    let ours = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("basic", SecurityScheme::Http(basic))
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema(Fault::name(), Fault::schema())
        .build();
    let components = document.components.get_or_insert_default();
    components.schemas.extend(ours.schemas);
    components.security_schemes.extend(ours.security_schemes);
    let no_scopes: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::new("bearer", no_scopes),
        SecurityRequirement::new("basic", no_scopes),
    ]);

    for path in document.paths.paths.values_mut() {
        let methods = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.delete,
            &mut path.patch,
            &mut path.head,
            &mut path.options,
        ];
        methods.into_iter().flatten().for_each(may_fail);
    }
    document
}

/// Gives an operation the `default` response, unless it says its own.
fn may_fail(operation: &mut Operation) {
    let problem = || {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let description = "A problem (RFC 9457): `code` tells programs what, `detail` tells people.";
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem()));
}
