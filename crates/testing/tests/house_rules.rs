//! Rules that every crate and document keeps: reading order, one meaning per type name, a complete code map, names of
//! tests that exist, errors that do not repeat their cause, and plain words.

#![expect(clippy::unwrap_used, reason = "a rule that cannot read the project must fail")]
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The project's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The files below a folder that pass, sorted. Build output and installed packages are not the project's.
fn files(folder: &Path, passes: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "cdk.out"].contains(&&*name) && !name.starts_with('.')
        {
            found.extend(files(&path, passes));
        } else if path.is_file() && passes(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|each| extension == *each))
}

/// A source file of a crate that is not a test.
fn is_code(path: &Path) -> bool {
    let is_test = path
        .iter()
        .any(|part| ["tests", "tests.rs", "benches", "fuzz_targets"].iter().any(|name| part == *name));
    has_extension(path, &["rs"]) && path.iter().any(|part| part == "src") && !is_test
}

/// The text of a file before its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

fn crates() -> Vec<PathBuf> {
    let mut crates: Vec<_> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    crates.sort();
    crates
}

/// The modules that a file declares, in their order.
fn modules(text: &str) -> Vec<&str> {
    let declared = |line: &str| -> Option<usize> {
        let rest = line.strip_suffix(';')?;
        ["mod ", "pub mod ", "pub(crate) mod ", "pub(super) mod "]
            .iter()
            .find(|prefix| rest.starts_with(**prefix))
            .map(|prefix| prefix.len())
    };
    let names = text.lines().filter_map(|line| declared(line).and_then(|at| line.get(at..line.len() - 1)));
    names.filter(|name| *name != "tests").collect()
}

/// The names that follow `crate::`: one, or those in braces.
fn used_names(rest: &str) -> Vec<&str> {
    let group = rest.strip_prefix('{').and_then(|group| group.split('}').next());
    group.map_or_else(
        || vec![first_name(rest)],
        |group| group.split(',').map(str::trim).map(first_name).collect(),
    )
}

/// The first identifier of a path.
fn first_name(path: &str) -> &str {
    path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[test]
fn a_module_uses_only_those_declared_before_it() {
    let mut wrong = Vec::new();
    for folder in crates() {
        for main in
            ["src/lib.rs", "src/main.rs"].map(|name| folder.join(name)).iter().filter(|path| path.exists())
        {
            let text = code(main);
            let order = modules(&text);
            let place = |module: &str| order.iter().position(|each| *each == module);
            for path in files(&folder.join("src"), &is_code) {
                let inside = path.strip_prefix(folder.join("src")).unwrap().with_extension("");
                let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
                let Some(module_at) = place(&module) else { continue };
                for used in code(&path).split("crate::").skip(1).flat_map(used_names) {
                    if place(used).is_some_and(|used_at| used_at > module_at) {
                        wrong.push(format!(
                            "{} uses {used}, which is declared after {module}",
                            path.display()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The modules of what a file uses from its own submodules: `pub use claims::{Claim, Lease}` names two items of `claims`.
fn exported<'t>(text: &'t str, modules: &[&'t str]) -> BTreeMap<&'t str, &'t str> {
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let mut items = BTreeMap::new();
    for (module, rest) in uses.filter_map(|each| each.trim_start_matches("self::").split_once("::")) {
        if modules.contains(&module) {
            items.extend(used_names(rest).into_iter().map(|item| (item, module)));
        }
    }
    items
}

/// Within a folder, a file uses its siblings by `super::`: their names, or the items that the parent exports.
#[test]
fn a_file_uses_only_siblings_declared_before_it() {
    let mut wrong = Vec::new();
    for parent in files(&root().join("crates"), &is_code) {
        let text = code(&parent);
        let order = modules(&text);
        let place = |module: &str| order.iter().position(|each| *each == module);
        let exported = exported(&text, &order);
        let is_root = ["lib.rs", "main.rs"].iter().any(|name| parent.ends_with(name));
        let folder = if is_root { parent.parent().unwrap().to_owned() } else { parent.with_extension("") };
        for module in &order {
            let path = folder.join(module).with_extension("rs");
            if !path.exists() {
                continue;
            }
            let text = code(&path);
            for used in text.split("super::").skip(1).flat_map(used_names) {
                let sibling = exported.get(used).copied().unwrap_or(used);
                if place(sibling) > place(module) {
                    wrong.push(format!("{} uses {used}, which is declared after {module}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A file that no module declares is not compiled, and its tests never run.
#[test]
fn every_file_is_a_module_that_is_declared() {
    let mut lost = Vec::new();
    for root in crates().iter().flat_map(|folder| ["src", "tests"].map(|name| folder.join(name))) {
        for path in
            if root.exists() { files(&root, &|path| has_extension(path, &["rs"])) } else { Vec::new() }
        {
            let folder = path.parent().unwrap();
            let is_program = ["lib.rs", "main.rs"].iter().any(|name| path.ends_with(name))
                || root.ends_with("tests") && folder == root
                || folder.ends_with("src/bin");
            let parents = [folder.join("lib.rs"), folder.join("main.rs"), folder.with_extension("rs")];
            let declaration = format!("mod {};", path.file_stem().unwrap().to_str().unwrap());
            let is_declared = parents
                .iter()
                .filter_map(|parent| fs::read_to_string(parent).ok())
                .any(|text| text.lines().any(|line| line.trim_end().ends_with(&declaration)));
            if !is_program && !is_declared {
                lost.push(path.display().to_string());
            }
        }
    }
    assert!(lost.is_empty(), "\n{}", lost.join("\n"));
}

/// The types that a text declares.
fn types(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = ["pub(crate) ", "pub(super) ", "pub "]
            .iter()
            .find_map(|vis| line.strip_prefix(*vis))
            .unwrap_or(line);
        let rest = ["struct ", "enum ", "trait "].iter().find_map(|kind| line.strip_prefix(*kind))?;
        Some(first_name(rest)).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
    })
}

#[test]
fn a_type_name_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files(&root().join("crates"), &is_code) {
        for name in types(&code(&path)) {
            places.entry(name.to_owned()).or_default().push(path.display().to_string());
        }
    }
    // Every program has its own settings and arguments; a reader meets one program at a time.
    let programs = ["Config", "Args", "Command"];
    let twice: Vec<_> = places
        .iter()
        .filter(|(name, places)| places.len() > 1 && !programs.contains(&name.as_str()))
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(twice.is_empty(), "\n{}", twice.join("\n"));
}

#[test]
fn the_code_map_names_every_crate_and_every_module() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut missing = BTreeSet::new();
    for folder in crates() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for entry in fs::read_dir(folder.join("src")).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let module = file.trim_end_matches(".rs");
            let is_named = [format!("{module}.rs`"), format!("{module}/`"), format!("{name}/{module}")];
            if !["lib", "main", "tests"].contains(&module) && !is_named.iter().any(|name| map.contains(name))
            {
                missing.insert(format!("{name}/{file}"));
            }
        }
    }
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

/// The fewest underscores of a name that is surely the name of a test.
const TEST_NAME_UNDERSCORES_MIN: usize = 4;

#[test]
fn every_test_that_the_architecture_names_exists() {
    let is_rust = |path: &Path| has_extension(path, &["rs"]);
    let sources: String = files(&root().join("crates"), &is_rust)
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let is_name = |quoted: &&str| {
        let is_word = quoted.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        is_word && quoted.matches('_').count() >= TEST_NAME_UNDERSCORES_MIN
    };
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let missing: BTreeSet<_> =
        quoted.filter(is_name).filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names tests that do not exist: {missing:?}");
}

/// What prints an error prints its causes too.
#[test]
fn no_error_text_repeats_its_source() {
    let mut wrong = Vec::new();
    for path in files(&root().join("crates"), &is_code) {
        let text = code(&path);
        for attribute in text.split("#[error(").skip(1) {
            let attribute = attribute.split(")]").next().unwrap();
            if attribute.contains("{source") || attribute.contains(", source") {
                wrong.push(format!("{}: #[error({attribute})]", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A phrase of the old dialect, and what makes it plain English all the same.
struct Phrase {
    text: &'static str,
    /// The sentence is plain if one of these is in it.
    unless: &'static [&'static str],
}

/// What no document and no sentence of a program says.
const PHRASES: &[Phrase] = &[
    Phrase { text: "mend", unless: &[] },
    Phrase { text: "mends", unless: &[] },
    Phrase { text: "mended", unless: &[] },
    // Statuses on the wire, and the stored value of `todo`, stay as they are.
    Phrase { text: "told", unless: &["\"told\"", "`told`"] },
    Phrase { text: "untold", unless: &["\"untold\"", "`untold`"] },
    Phrase { text: "tell", unless: &["\"tell\"", "`tell`", "'tell'"] },
    Phrase { text: "tells", unless: &[] },
    Phrase { text: "is none", unless: &["there is none", "0 is none"] },
    Phrase { text: "are none", unless: &[] },
    Phrase { text: "is no", unless: &["there is no", "There is no", "is no longer", "is no more", "Is no"] },
    Phrase { text: "nothing came", unless: &[] },
    Phrase { text: "came of", unless: &[] },
    Phrase { text: "comes of", unless: &[] },
    Phrase { text: "stands", unless: &["stands for", "understands", "stands out"] },
    Phrase { text: "so-manieth", unless: &[] },
    Phrase { text: "kept at", unless: &[] },
    Phrase { text: "left out", unless: &[] },
    Phrase { text: "has passed", unless: &[] },
    Phrase { text: "skimmed", unless: &[] },
    Phrase { text: "unfit", unless: &[] },
];

/// Whether the phrase is in the sentence as whole words.
fn says(sentence: &str, phrase: &Phrase) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    sentence.match_indices(phrase.text).any(|(at, _)| {
        let before = sentence.get(..at).and_then(|text| text.chars().next_back());
        let after = sentence.get(at + phrase.text.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    }) && !phrase.unless.iter().any(|plain| sentence.contains(plain))
}

/// The lines of documents, doc comments and string literals: what a person reads.
fn sentences(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    if !has_extension(path, &["rs", "ts"]) {
        return text.lines().map(str::to_owned).collect();
    }
    let is_read =
        |line: &&str| line.trim_start().starts_with("//") || line.contains('"') || line.contains('`');
    text.lines().filter(is_read).map(str::to_owned).collect()
}

#[test]
fn documents_and_sentences_are_in_plain_english() {
    let is_document = |path: &Path| {
        // What models write, and the words that are looked for in it.
        let is_data = ["grounding/tests", "grounding/words.rs", "house_rules.rs"];
        let is_text = has_extension(path, &["md", "toml", "rs", "ts"]);
        is_text && !is_data.iter().any(|data| path.to_string_lossy().contains(data))
    };
    let mut wrong = Vec::new();
    for path in files(&root(), &is_document) {
        for sentence in sentences(&path) {
            for phrase in PHRASES.iter().filter(|phrase| says(&sentence, phrase)) {
                wrong.push(format!("{}: \"{}\" in {}", path.display(), phrase.text, sentence.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
