//! The files of a crate know each other in one direction: what a reader of one must read too lies below it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A crate has at most so many files and folders above each other.
const MAX_LEVELS: usize = 8;

/// Files and folders, each with those that it needs.
type Units = BTreeMap<String, BTreeSet<String>>;

/// What every storage, function and pass must decide in the same way: rules and lifetimes that stand in `domain`, once.
const IN_DOMAIN: [&str; 7] = [
    "TOMBSTONE_LIFETIME",
    "FENCE_LIFETIME",
    "CLOSED_CASE_LIFETIME",
    "forgets_message",
    "has_released",
    "is_over_for",
    "closed_at",
];

/// A path in the source, as its segments.
type Segments = Vec<String>;

/// A file as a module of its crate.
#[derive(Default)]
struct Module {
    /// What its paths name.
    paths: Vec<Segments>,
    /// Names that it imports, and those that it only passes on.
    imported: BTreeMap<String, Segments>,
}

/// The modules of a crate that are files, by their paths from its root. Those of tests are left out.
#[derive(Default)]
struct Modules(BTreeMap<Segments, Module>);

fn is_test(attributes: &[Attribute]) -> bool {
    let is = |attribute: &&Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|it| it.is_ident("test"))
    };
    attributes.iter().any(|attribute| is(&attribute))
}

fn segments(path: &syn::Path) -> Segments {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl Modules {
    /// Reads a file and the files that it declares as modules.
    fn read(&mut self, file: &Path, own: &[String]) {
        let source = syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap();
        let mut module = Module::default();
        for item in &source.items {
            module.visit_item(item);
        }
        self.0.insert(own.to_vec(), module);
        let folder = match file.file_stem().unwrap().to_str().unwrap() {
            "lib" | "mod" => file.parent().unwrap().to_owned(),
            stem => file.with_file_name(stem),
        };
        for item in source.items {
            let Item::Mod(ItemMod { attrs, ident, content: None, .. }) = item else { continue };
            if is_test(&attrs) {
                continue;
            }
            let name = ident.to_string();
            let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
            let place = places.into_iter().find(|place| place.exists()).unwrap();
            self.read(&place, &[own, &[name]].concat());
        }
    }

    /// The module that defines what a path names, seen from `own`. `None`: it is of another crate, or in scope by an import.
    fn definer(&self, own: &[String], path: &[String]) -> Option<Segments> {
        let mut at = own.to_vec();
        let mut rest = path;
        let mut is_ours = false;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => break,
            }
            (rest, is_ours) = (behind, true);
        }
        for name in rest {
            let below = [&at[..], std::slice::from_ref(name)].concat();
            if self.0.contains_key(&below) {
                (at, is_ours) = (below, true);
            } else if let Some(from) =
                self.0.get(&at).and_then(|module| module.imported.get(name)).filter(|_| is_ours)
            {
                return self.definer(&at, from);
            } else {
                break;
            }
        }
        is_ours.then_some(at)
    }

    /// Which modules each one needs.
    fn needs(&self) -> BTreeMap<Segments, BTreeSet<Segments>> {
        let of = |(own, module): (&Segments, &Module)| {
            let mut needed: BTreeSet<_> =
                module.paths.iter().filter_map(|path| self.definer(own, path)).collect();
            needed.remove(own);
            (own.clone(), needed)
        };
        self.0.iter().map(of).collect()
    }
}

/// The names that a `use` brings, with their paths.
fn imported(tree: &UseTree, before: &[String], into: &mut Vec<(String, Segments)>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => imported(&path.tree, &with(&path.ident), into),
        UseTree::Name(name) if name.ident == "self" => {
            into.push((before.last().cloned().unwrap_or_default(), before.to_vec()));
        }
        UseTree::Name(name) => into.push((name.ident.to_string(), with(&name.ident))),
        UseTree::Rename(name) => into.push((name.rename.to_string(), with(&name.ident))),
        UseTree::Glob(_) => into.push(("*".to_owned(), before.to_vec())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| imported(tree, before, into)),
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_test(&item.attrs) {
            return;
        }
        let mut names = Vec::new();
        imported(&item.tree, &[], &mut names);
        // What is passed on is needed by whoever takes it from here.
        if matches!(item.vis, Visibility::Inherited) {
            self.paths.extend(names.iter().map(|(_, path)| path.clone()));
        }
        self.imported.extend(names);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(segments(path));
        visit::visit_path(self, path);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }
}

/// Which files and folders beside each other need which, below one module. A folder counts as one, with all that is in it; the
/// module's own file speaks for them and may name any.
fn beside(needs: &BTreeMap<Segments, BTreeSet<Segments>>, folder: &[String]) -> Units {
    let unit = |module: &Segments| module.strip_prefix(folder)?.first().cloned();
    let mut units = Units::new();
    for (module, needed) in needs {
        let Some(own) = unit(module) else { continue };
        let needed = needed.iter().filter_map(unit).filter(|needed| *needed != own);
        units.entry(own.clone()).or_default().extend(needed);
    }
    units
}

/// The units one by one from the lowest level on, each level apart; and those that are left, since they are in a circle or above one.
fn levels(mut units: Units) -> (usize, Vec<String>) {
    for level in 0.. {
        let lowest: BTreeSet<_> =
            units.iter().filter(|(_, needed)| needed.is_empty()).map(|(unit, _)| unit.clone()).collect();
        if lowest.is_empty() {
            return (level, units.into_keys().collect());
        }
        units.retain(|unit, _| !lowest.contains(unit));
        for needed in units.values_mut() {
            needed.retain(|needed| !lowest.contains(needed));
        }
    }
    unreachable!("each round takes a unit")
}

fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = ["functions", "shared"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path().join("src/lib.rs"));
    files.filter(|file| file.exists()).collect()
}

#[test]
fn no_files_beside_each_other_need_each_other_in_a_circle_and_a_crate_has_few_levels() {
    let crates = crates();
    assert!(crates.len() > 15, "the crates are found");
    let mut wrong = Vec::new();
    for file in crates {
        let mut modules = Modules::default();
        modules.read(&file, &[]);
        let needs = modules.needs();
        for folder in needs.keys() {
            let (levels, circle) = levels(beside(&needs, folder));
            let place = format!("{} {}", file.display(), folder.join("::"));
            if !circle.is_empty() {
                wrong.push(format!("{place}: in a circle or above one: {circle:?}"));
            }
            if folder.is_empty() && levels > MAX_LEVELS {
                wrong.push(format!("{place}: {levels} levels"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The test sees a circle, through a name that is passed on, and in a folder.
#[test]
fn a_circle_of_files_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("c")).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use b::Named;");
    write("a.rs", "use crate::Named;\npub struct Other(Named);");
    write("b.rs", "pub struct Named;");
    write("c/mod.rs", "mod d;\npub fn own() { d::called() }");
    write("c/d.rs", "pub fn called() { crate::a::Other; }\n#[cfg(test)]\nmod tests { use crate::c; }");
    let found = || {
        let mut modules = Modules::default();
        modules.read(&folder.path().join("lib.rs"), &[]);
        levels(beside(&modules.needs(), &[]))
    };
    assert_eq!(found(), (3, vec![]));
    write("b.rs", "pub struct Named(super::c::Own);");
    assert_eq!(found(), (0, vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
}

/// The names of the functions and constants that a file defines.
#[derive(Default)]
struct Defined(Vec<String>);

impl<'ast> Visit<'ast> for Defined {
    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.0.push(signature.ident.to_string());
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.0.push(item.ident.to_string());
    }
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn each_rule_and_lifetime_is_defined_in_the_domain_alone() {
    let mut files = Vec::new();
    for file in crates() {
        sources(file.parent().unwrap(), &mut files);
    }
    let mut places = BTreeMap::<String, Vec<PathBuf>>::new();
    for file in files {
        let mut defined = Defined::default();
        defined.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
        for name in defined.0 {
            places.entry(name).or_default().push(file.clone());
        }
    }
    for name in IN_DOMAIN {
        let places = &places[name];
        assert!(
            places.len() == 1 && places[0].iter().any(|part| part == "domain"),
            "{name} is defined in {places:?}"
        );
    }
}
