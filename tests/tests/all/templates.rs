//! What stands in the files of the clouds is what the handlers have: each operation by its name, method and path, and
//! nothing that no operation answers. `VOICEMAIL_TESTS=write` writes those of Azure.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::http::Centre;

/// What belongs to no operation, and has no place in the document. `/metrics` is not for the internet.
const ABOUT: [(&str, &str); 4] = [
    ("about-health", "/healthz"),
    ("about-ready", "/readyz"),
    ("about-document", "/openapi.json"),
    ("about-keys", "/.well-known/voicemail-jwks.json"),
];

/// An operation of the contract.
struct Route {
    id: String,
    function: String,
    method: String,
    path: String,
}

fn infra(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("infra").join(path)
}

fn operations() -> Vec<Route> {
    let document: Value =
        serde_json::from_str(&web::openapi::text(gateway::routes().into_openapi())).unwrap();
    let of_path = |(path, methods): (&String, &Value)| -> Vec<Route> {
        let methods = methods.as_object().unwrap().iter();
        let route = |(method, its): (&String, &Value)| Route {
            id: its["operationId"].as_str().unwrap().to_owned(),
            function: its["tags"][0].as_str().unwrap().to_owned(),
            method: method.clone(),
            path: path.clone(),
        };
        methods.map(route).collect()
    };
    let all: Vec<_> = document["paths"].as_object().unwrap().iter().flat_map(of_path).collect();
    assert!(all.len() >= 30, "the operations are found");
    all
}

/// A function that a request starts. With the methods that every answer to this one brings along: a GET has its HEAD, and a
/// page of another origin asks first.
fn http(method: &str, path: &str) -> Value {
    let methods: Vec<_> = [method].into_iter().chain((method == "get").then_some("head")).collect();
    let methods = [&methods[..], &["options"]].concat();
    let route = path.trim_start_matches('/');
    json!({"bindings": [
        {"type": "httpTrigger", "direction": "in", "name": "request", "authLevel": "anonymous", "methods": methods, "route": route},
        {"type": "http", "direction": "out", "name": "$return"}
    ]})
}

/// The functions of the app, by name.
fn functions() -> BTreeMap<String, Value> {
    let operations = operations().into_iter().map(|route| (route.id, http(&route.method, &route.path)));
    let about = ABOUT.map(|(name, path)| (name.to_owned(), http("get", path)));
    let timer =
        json!({"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "%SWEEP_SCHEDULE%"});
    let event = json!({"type": "eventGridTrigger", "direction": "in", "name": "event"});
    let triggers = [("on-schedule", timer), ("on-drop", event)];
    let triggers = triggers.map(|(name, binding)| (name.to_owned(), json!({"bindings": [binding]})));
    operations.chain(about).chain(triggers).collect()
}

#[test]
fn each_operation_is_a_function_of_the_azure_app_and_nothing_else_is() {
    let (app, functions) = (infra("azure/app"), functions());
    if std::env::var("VOICEMAIL_TESTS").as_deref() == Ok("write") {
        for (name, function) in &functions {
            std::fs::create_dir_all(app.join(name)).unwrap();
            let text = serde_json::to_string_pretty(function).unwrap();
            std::fs::write(app.join(name).join("function.json"), text + "\n").unwrap();
        }
        return;
    }
    let folders = std::fs::read_dir(&app).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.file_type().unwrap().is_dir());
    let folders: BTreeSet<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(folders, functions.keys().cloned().collect::<BTreeSet<_>>());
    for (name, function) in &functions {
        let text = std::fs::read_to_string(app.join(name).join("function.json")).unwrap();
        let its: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(&its, function, "{name}: VOICEMAIL_TESTS=write cargo test -p tests templates writes it");
    }
}

#[test]
fn no_route_of_the_azure_app_reaches_what_a_trigger_starts() {
    let routes = |function: &Value| function["bindings"][0]["route"].as_str().map(str::to_owned);
    let all = functions();
    let routes: Vec<_> = all.values().filter_map(routes).collect();
    assert_eq!(routes.len(), all.len() - 2);
    for route in routes {
        let first = route.split('/').next().unwrap();
        assert!(!first.starts_with("on-") && !first.contains('{'), "{route}");
        assert!(!route.contains('*'), "{route}");
    }
    let host: Value =
        serde_json::from_str(&std::fs::read_to_string(infra("azure/app/host.json")).unwrap()).unwrap();
    assert_eq!(host["extensions"]["http"]["routePrefix"], "", "the paths are those of the contract");
    assert_eq!(host["customHandler"]["enableForwardingHttpRequest"], true);
    assert_eq!(host["customHandler"]["description"]["defaultExecutablePath"], "gateway");
}

#[tokio::test]
async fn what_belongs_to_no_operation_is_answered_where_the_azure_app_says() {
    let centre = Centre::in_process().await;
    for (_, path) in ABOUT {
        centre.nobody().get(path).await.is(200);
    }
}

/// The routes of the AWS template: `METHOD /path`, and the function's resource.
fn aws() -> BTreeMap<String, String> {
    let parts = std::fs::read_dir(infra("template")).unwrap();
    let template: String = parts.map(|part| std::fs::read_to_string(part.unwrap().path()).unwrap()).collect();
    let routes = template.lines().filter_map(|line| {
        let (_, key) = line.split_once("RouteKey: \"")?;
        let (key, rest) = key.split_once('"')?;
        let (_, integration) = rest.split_once("integrations/${")?;
        Some((key.to_owned(), integration.split_once("Integration}")?.0.to_lowercase()))
    });
    routes.collect()
}

#[test]
fn each_operation_has_its_route_in_the_aws_template_and_no_route_has_none() {
    let mut routes = aws();
    assert_eq!(routes.remove("$default").as_deref(), Some("about"));
    let mut led = BTreeSet::new();
    for Route { id, function, method, path } in operations() {
        let (own, any) = (format!("{} {path}", method.to_uppercase()), format!("ANY {path}"));
        let key = if routes.contains_key(&own) { own } else { any };
        let leads = routes.get(&key).unwrap_or_else(|| panic!("no route leads to {id}: {method} {path}"));
        assert_eq!(*leads, function.replace('-', ""), "{id}: {method} {path}");
        led.insert(key);
    }
    assert_eq!(led, routes.keys().cloned().collect(), "a route leads to no operation");
}
