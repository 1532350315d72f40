//! The `OpenAPI` document: what the handlers say, and what is the same for all of them.

use axum::http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Info, License, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::problem::{Fault, ProblemBody};

/// How a problem is sent.
const PROBLEM: &str = "application/problem+json";

/// The request's headers that lead to a status.
const CONDITIONS: [(&str, &str); 3] = [("206", "Range"), ("304", "If-None-Match"), ("412", "If-Match")];

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
        methods.into_iter().flatten().for_each(finish);
    }
    document
}

/// Says of an operation what the handlers leave out: its conditions, what each response is, and that it may fail.
fn finish(operation: &mut Operation) {
    for (_, name) in
        CONDITIONS.into_iter().filter(|(status, _)| operation.responses.responses.contains_key(*status))
    {
        let condition = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .schema(Some(String::schema()))
            .build();
        operation.parameters.get_or_insert_default().push(condition.into());
    }
    for (code, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            describe(code, response);
        }
    }
    let problem = || {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let description = "A problem (RFC 9457): `code` tells programs what, `detail` tells people.";
        ResponseBuilder::new().description(description).content(PROBLEM, content).build()
    };
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem()));
}

/// A response must have a description; and what is no success is sent as a problem.
fn describe(code: &str, response: &mut Response) {
    let status = code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    if response.description.is_empty() {
        let reason = status.and_then(|status| status.canonical_reason());
        reason.unwrap_or(code).clone_into(&mut response.description);
    }
    let is_problem = status.is_some_and(|status| status.is_client_error() || status.is_server_error());
    if is_problem && let Some(content) = response.content.swap_remove("application/json") {
        response.content.insert(PROBLEM.to_owned(), content);
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The document of one operation with these responses, completed.
    fn completed(responses: &Value) -> Value {
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "x", "version": "1"},
            "paths": {"/x": {"get": {"responses": responses}}},
        });
        let document = complete(serde_json::from_value(document).unwrap());
        serde_json::to_value(document).unwrap()["paths"]["/x"]["get"].clone()
    }

    #[test]
    fn every_response_has_the_description_that_openapi_demands() {
        let operation = completed(&json!({"200": {"description": "Made"}, "404": {"description": ""}}));
        assert_eq!(operation["responses"]["200"]["description"], "Made");
        assert_eq!(operation["responses"]["404"]["description"], "Not Found");
        assert!(operation["responses"]["default"]["description"].is_string());
    }

    #[test]
    fn what_is_no_success_is_sent_as_a_problem() {
        let json = json!({"description": "", "content": {"application/json": {}}});
        let responses = &completed(&json!({"200": json, "409": json, "501": json}))["responses"];
        assert!(responses["200"]["content"]["application/json"].is_object());
        for code in ["409", "501"] {
            let kinds: Vec<_> = responses[code]["content"].as_object().unwrap().keys().collect();
            assert_eq!(kinds, [PROBLEM], "{code}");
        }
    }

    #[test]
    fn a_condition_is_a_parameter_of_what_answers_it() {
        let empty = json!({"description": ""});
        let names = |responses: &Value| -> Vec<String> {
            let operation = completed(responses);
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            parameters.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&json!({"200": empty, "206": empty, "304": empty})), ["Range", "If-None-Match"]);
        assert_eq!(names(&json!({"204": empty, "412": empty})), ["If-Match"]);
        assert!(names(&json!({"200": empty})).is_empty());
    }
}
