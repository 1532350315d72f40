//! The house keeps its shape: who may know whom, and how long a file may grow.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const OPERATIONS: [&str; 11] = [
    "delete",
    "deposit",
    "exportme",
    "forgetme",
    "list",
    "mailboxes",
    "mark-read",
    "mwi-count",
    "play",
    "sweep",
    "undo",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The packages of the workspace, or with `all` those of every library too, as cargo knows them.
fn metadata(all: bool) -> Vec<Value> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let which: &[&str] = if all { &["--filter-platform", &platform] } else { &["--no-deps"] };
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(which)
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Each package of ours, with the names of all packages that it builds with.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let needs = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap();
        all.iter().filter(|needed| needed["kind"].as_str() != Some("dev")).map(name).collect()
    };
    metadata(false).iter().map(|package| (name(package), needs(package))).collect()
}

#[test]
fn the_arrows_point_as_the_architecture_says() {
    let packages = packages();
    let ours: BTreeSet<String> = packages.keys().cloned().collect();
    let operation: &[&str] = &["host", "privacy", "identity", "web", "erasure", "audio", "storage", "domain"];
    let gateway = [&OPERATIONS, operation].concat();
    for (package, needs) in &packages {
        let may: &[&str] = match package.as_str() {
            // The tool is a client: what it knows of the service is the contract.
            "domain" | "audio" | "gdpr" => &[],
            "storage" => &["domain"],
            "erasure" | "web" => &["storage", "domain"],
            "identity" => &["web", "domain"],
            "host" => &["identity", "web", "storage", "domain"],
            "privacy" => &["host", "identity", "web", "erasure", "domain"],
            "gateway" => &gateway,
            "about" => &["host", "web"],
            "tests" | "fuzz" | "libraries" => continue,
            name if OPERATIONS.contains(&name) => operation,
            name => panic!("{name} is new: say here whom it may know"),
        };
        for needed in needs.intersection(&ours) {
            assert!(may.contains(&needed.as_str()), "{package} must not know {needed}");
        }
    }
    assert!(OPERATIONS.iter().all(|operation| ours.contains(*operation)), "an operation is missing");
}

#[test]
fn no_sdk_leaves_the_storage_and_no_lambda_the_host() {
    for (package, needs) in packages().into_iter().filter(|(package, _)| package != "libraries") {
        for needed in needs {
            let sdk = ["aws-", "aws_", "azure"].iter().any(|start| needed.starts_with(start));
            assert!(!sdk || package == "storage", "{package} must not know {needed}");
            assert!(!needed.starts_with("lambda") || package == "host", "{package} must not know {needed}");
        }
    }
}

#[test]
fn a_build_for_one_storage_carries_nothing_of_another_cloud() {
    let packages = metadata(false);
    let gateway = packages.iter().find(|package| package["name"] == "gateway").unwrap();
    let clouds = [("aws", ["aws-sdk", "lambda_"]), ("azure", ["azure_", "typespec"])];
    let has = |storage: &&str| gateway["features"].get(*storage).is_some();
    let built: Vec<_> = ["fs", "aws", "azure"].into_iter().filter(has).collect();
    assert!(built.len() > 1, "the storages are found");
    for storage in built {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--prefix", "none", "--format", "{p}", "--edges", "normal"])
            .args(["--no-default-features", "--features", storage, "-p", "gateway", "-p", "about"])
            .args(OPERATIONS.iter().flat_map(|operation| ["-p", operation]))
            .current_dir(root())
            .output()
            .unwrap();
        assert!(tree.status.success(), "{tree:?}");
        let tree = String::from_utf8(tree.stdout).unwrap();
        for (cloud, names) in clouds {
            let carried: BTreeSet<_> =
                tree.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).collect();
            assert_eq!(carried.is_empty(), cloud != storage, "{storage} carries of {cloud}: {carried:?}");
        }
    }
}

#[test]
fn only_tests_can_break_the_steps_of_a_storage() {
    for package in metadata(false) {
        let asks = |needed: &Value| {
            let features = needed["features"].as_array().unwrap();
            needed["name"] == "storage" && features.iter().any(|feature| feature == "faults")
        };
        let asked = package["dependencies"].as_array().unwrap().iter().any(asks);
        assert_eq!(asked, package["name"] == "tests", "{}", package["name"]);
        for (feature, brings) in package["features"].as_object().unwrap() {
            let brought = brings.as_array().unwrap().iter().filter_map(Value::as_str);
            let faults = brought.filter(|brought| brought.ends_with("faults")).count();
            assert_eq!(faults, 0, "{}: {feature} brings them along", package["name"]);
        }
    }
}

#[test]
fn every_program_that_tests_start_has_the_libraries_as_the_tests_have_them() {
    let libraries = |selected: &[&str]| -> BTreeSet<String> {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--prefix", "none", "--format", "{p} {f}"])
            .args(selected)
            .current_dir(root())
            .output()
            .unwrap();
        assert!(tree.status.success(), "{tree:?}");
        // A repetition is marked; what is ours has its folder behind its name.
        let lines = String::from_utf8(tree.stdout).unwrap();
        let lines = lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
        lines.filter(|line| !line.contains("(/")).collect()
    };
    let all = libraries(&["--workspace", "--features", "tests/aws"]);
    assert!(all.len() > 100, "the libraries are found");
    for storage in ["fs", "aws"] {
        let selected =
            ["-p", "gateway", "-p", "deposit", "-p", "gdpr", "-p", "libraries", "--edges", "normal,build"];
        let its = libraries(&[&selected[..], &["--no-default-features", "--features", storage]].concat());
        let other: Vec<_> = its.difference(&all).collect();
        assert!(
            other.is_empty(),
            "compiled again for {storage}, as `libraries` does not ask the same: {other:?}"
        );
    }
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    let tracked =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root()).output();
    let tracked = String::from_utf8(tracked.unwrap().stdout).unwrap();
    let sources: Vec<&str> = tracked
        .lines()
        .filter(|file| [".rs", ".py", ".js", ".yaml", ".bicep"].iter().any(|end| file.ends_with(end)))
        .collect();
    assert!(sources.len() > 20, "the sources are found");
    for file in sources {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        let most = match file {
            file if file.ends_with("/main.rs") => 10,
            file if file.starts_with("functions/") => 200,
            _ => 400,
        };
        let lines = text.lines().count();
        assert!(lines <= most, "{file} has {lines} lines, and may have {most}");
    }
}

#[test]
fn every_library_has_a_licence_that_is_allowed() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let allowed = deny.lines().find(|line| line.starts_with("allow = ")).unwrap();
    let allowed: Vec<_> =
        allowed.split('"').skip(1).step_by(2).map(|id| spdx::Licensee::parse(id).unwrap()).collect();
    let libraries = metadata(true);
    assert!(libraries.len() > 100, "the libraries are found");
    for library in libraries {
        let (name, licence) = (&library["name"], library["license"].as_str().unwrap_or_default());
        let licence = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).unwrap();
        let allows = licence.evaluate(|needed| allowed.iter().any(|licensee| licensee.satisfies(needed)));
        assert!(allows, "{name} has the licence {licence}");
    }
}
