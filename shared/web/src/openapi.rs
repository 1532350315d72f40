//! The `OpenAPI` document: what the handlers say, and what is the same for all of them.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{SchemaFormat, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Header, Info, License, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::code::Code;
use crate::problem::{Fault, ProblemBody};
use crate::wire::Id;

/// How a problem is sent.
const PROBLEM: &str = "application/problem+json";

/// The request's headers that lead to a status.
const CONDITIONS: [(&str, &str); 3] = [("206", "Range"), ("304", "If-None-Match"), ("412", "If-Match")];

/// How every operation may be refused, whoever handles it.
const EVERYWHERE: [Code; 5] =
    [Code::Unauthenticated, Code::Forbidden, Code::RateLimited, Code::StorageUnavailable, Code::Internal];
/// How one that takes a body may be refused besides.
const WITH_A_BODY: [Code; 2] = [Code::Timeout, Code::TooLarge];

/// The heads of answers, and what they say.
const HEADS: [(&str, &str); 9] = [
    ("X-Request-Id", "The request's id: the client's own, where it sent one of up to 64 `[A-Za-z0-9-]`."),
    ("Cache-Control", "`no-store`."),
    ("ETag", "The version that is answered."),
    ("WWW-Authenticate", "How to sign in."),
    ("Retry-After", "After how many seconds it is worth another try."),
    ("Accept-Ranges", "`bytes`."),
    ("Content-Range", "Which bytes of how many."),
    ("Content-Disposition", "The name of the file, where `download` asks for one."),
    ("Content-Length", "How many bytes."),
];

/// The document of routes as `/openapi.json` answers it: a file of it shows what changed, line by line.
pub fn text(document: OpenApi) -> String {
    let text = serde_json::to_string_pretty(&complete(document)).unwrap_or_default();
    text + "\n"
}

/// Completes a document: its title and version, how to sign in, what each answer has in its head, and how any operation
/// may be refused.
fn complete(mut document: OpenApi) -> OpenApi {
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
    let components = document.components.get_or_insert_default();
    components.schemas.insert(ProblemBody::name().into_owned(), ProblemBody::schema());
    components.schemas.insert(Fault::name().into_owned(), Fault::schema());
    components.schemas.insert(Id::name().into_owned(), Id::schema());
    let refusals = EVERYWHERE.into_iter().chain(WITH_A_BODY);
    components.responses.extend(refusals.map(|code| (component(code), refusal(code).into())));
    components.headers.extend(HEADS.map(|(name, _)| (name.to_owned(), header(name, true).into())));
    let schemes = [("bearer", bearer), ("basic", basic)];
    let schemes = schemes.map(|(name, scheme)| (name.to_owned(), SecurityScheme::Http(scheme).into()));
    components.security_schemes.extend(schemes);
    let no_scopes: [&str; 0] = [];
    document.security = Some(vec![
        SecurityRequirement::new("bearer", no_scopes),
        SecurityRequirement::new("basic", no_scopes),
    ]);

    for path in document.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, head, options, .. } = path;
        let methods = [get, put, post, delete, patch, head, options];
        methods.into_iter().flatten().for_each(finish);
    }
    document
}

/// Says of an operation what the handlers leave out: its conditions, what its ids may be, what each response is and has
/// in its head, and how it may be refused.
fn finish(operation: &mut Operation) {
    let answers: BTreeSet<String> = operation.responses.responses.keys().cloned().collect();
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Path
        {
            parameter.schema = Some(id(&parameter.name));
        }
    }
    for (_, name) in CONDITIONS.into_iter().filter(|(status, _)| answers.contains(*status)) {
        let condition = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .schema(Some(String::schema()))
            .build();
        parameters.push(condition.into());
    }
    for (code, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            describe(code, response);
            let heads = heads(code, &answers).into_iter();
            response.headers.extend(heads.map(|(name, always)| (name.to_owned(), head(name, always))));
        }
    }
    let of_a_body = WITH_A_BODY.into_iter().filter(|_| operation.request_body.is_some());
    for code in EVERYWHERE.into_iter().chain(of_a_body) {
        let status = code.status().as_str().to_owned();
        let refusal = Ref::from_response_name(component(code));
        operation.responses.responses.entry(status).or_insert_with(|| refusal.into());
    }
}

/// What an id in a path may be. What is none names nothing, which is a 404 for all but those who make one of that name.
fn id(name: &str) -> RefOr<Schema> {
    match name {
        "id" => ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .format(Some(SchemaFormat::Custom("uuid".to_owned())))
            .into(),
        "caseid" | "name" => String::schema(),
        _ => Ref::from_schema_name(Id::name()).into(),
    }
}

/// What an answer has in its head, and whether always.
fn heads(code: &str, answers: &BTreeSet<String>) -> Vec<(&'static str, bool)> {
    let mut heads = vec![("X-Request-Id", true), ("Cache-Control", true)];
    let plays = answers.contains("206");
    if matches!(code, "200" | "201" | "206" | "304") && (answers.contains("304") || answers.contains("412")) {
        // A link in place of the sound has none.
        heads.push(("ETag", !plays || code != "200"));
    }
    if plays && matches!(code, "200" | "206") {
        let is_part = code == "206";
        heads.extend([("Accept-Ranges", is_part), ("Content-Length", true), ("Content-Disposition", false)]);
    }
    match code {
        "206" | "416" => heads.push(("Content-Range", true)),
        "401" => heads.push(("WWW-Authenticate", true)),
        "429" | "503" => heads.push(("Retry-After", true)),
        _ => {}
    }
    heads
}

/// A line of a head: one that is always there is written once in the document.
fn head(name: &str, always: bool) -> RefOr<Header> {
    if always {
        RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
    } else {
        header(name, false).into()
    }
}

fn header(name: &str, always: bool) -> Header {
    let says = HEADS.into_iter().find(|(known, _)| *known == name).map(|(_, says)| says);
    let is_number = matches!(name, "Retry-After" | "Content-Length");
    let kind = if is_number { Type::Integer } else { Type::String };
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(kind)).build();
    let mut header = HeaderBuilder::new().description(says).schema(Some(schema)).build();
    header.extensions = Some(required(always));
    header
}

/// The keyword `required`, which the library's header has no field for.
fn required(always: bool) -> Extensions {
    [("required", always)].into_iter().collect()
}

/// What a refusal is called among the document's components.
fn component(code: Code) -> String {
    let status = code.status();
    status.canonical_reason().unwrap_or_default().replace(' ', "")
}

/// The problem that a code is sent as.
fn refusal(code: Code) -> Response {
    let status = code.status();
    let schema = Ref::from_schema_name(ProblemBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new().content(PROBLEM, content).build();
    describe(status.as_str(), &mut response);
    let heads = heads(status.as_str(), &BTreeSet::new()).into_iter();
    response.headers.extend(heads.map(|(name, always)| (name.to_owned(), head(name, always))));
    response
}

/// A response must have a description; what is no success is sent as a problem; what a handler says of a head is there.
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
    for header in response.headers.values_mut() {
        if let RefOr::T(header) = header {
            header.extensions = Some(required(true));
        }
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
    fn every_operation_may_be_refused_for_who_asks_and_for_what_fails_and_one_with_a_body_for_the_body() {
        let statuses = |operation: &Value| {
            let responses = operation["responses"].as_object().unwrap();
            responses.keys().cloned().collect::<Vec<_>>()
        };
        let plain = completed(&json!({"200": {"description": ""}}));
        assert_eq!(statuses(&plain), ["200", "401", "403", "429", "500", "503"]);
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "x", "version": "1"},
            "paths": {"/x": {"put": {"requestBody": {"content": {}}, "responses": {"413": {"description": "Ours"}}}}},
        });
        let document = serde_json::to_value(complete(serde_json::from_value(document).unwrap())).unwrap();
        let with_a_body = &document["paths"]["/x"]["put"];
        assert_eq!(statuses(with_a_body), ["401", "403", "408", "413", "429", "500", "503"]);
        assert_eq!(with_a_body["responses"]["413"]["description"], "Ours");
        let busy = with_a_body["responses"]["503"]["$ref"].as_str().unwrap().trim_start_matches('#');
        let busy = document.pointer(busy).unwrap();
        assert_eq!(busy["content"][PROBLEM]["schema"]["$ref"], "#/components/schemas/Problem");
        let wait = busy["headers"]["Retry-After"]["$ref"].as_str().unwrap().trim_start_matches('#');
        let wait = document.pointer(wait).unwrap();
        assert_eq!((&wait["required"], &wait["schema"]["type"]), (&json!(true), &json!("integer")));
    }

    #[test]
    fn an_answer_says_what_is_in_its_head() {
        let empty = json!({"description": ""});
        let names = |responses: &Value, code: &str| {
            let headers = completed(responses)["responses"][code]["headers"].as_object().cloned().unwrap();
            headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let all = ["Cache-Control", "X-Request-Id"];
        assert_eq!(names(&json!({"200": empty}), "200"), all);
        assert_eq!(
            names(&json!({"200": empty, "304": empty}), "304"),
            ["Cache-Control", "ETag", "X-Request-Id"]
        );
        assert_eq!(names(&json!({"204": empty, "412": empty}), "204"), all);
        let play = json!({"200": empty, "206": empty, "304": empty, "416": empty});
        assert_eq!(names(&play, "416"), ["Cache-Control", "Content-Range", "X-Request-Id"]);
        let optional = completed(&play)["responses"]["200"]["headers"].clone();
        assert_eq!(
            (&optional["ETag"]["required"], &optional["Accept-Ranges"]["required"]),
            (&json!(false), &json!(false))
        );
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
