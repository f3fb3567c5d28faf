//! The logic of Portend, independent of network, clock, environment and runtime.
//!
//! An alert says that something looks wrong. An insight says how bad it is, why, and what to do. Each step returns a
//! type that only this step can make, so unchecked data cannot be stored:
//!
//! ```text
//! event ─▶ Alert (with its Facts) ─▶ claim ─▶ Prompt ─▶ Completion ─▶ Reply ─▶ GroundedReply ─▶ Insight ─▶ store
//!     └──▶ Refusal ─▶ parked           │  └─▶ Scored (the scorecard) ──────────────────────────────┘
//!                                      └─▶ a repeat of a StoredInsight
//! ```
//!
//! The modules are declared in reading order. Each uses only the modules above it.

pub mod limits;
pub mod help;
pub mod time;
pub mod number;
mod text;
pub mod alert_type;
pub mod alert;
pub mod driver;
pub mod scorecard;
pub mod prompt;
pub mod model;
pub mod reply;
pub mod grounding;
pub mod entity;
pub mod insight;
pub mod notify;
pub mod clock;
pub mod store;
pub mod chain;
pub mod pipeline;

#[cfg(test)]
mod tests {
    /// Reading order is dependency order.
    #[test]
    fn a_module_uses_only_those_declared_before_it() {
        let order: Vec<&str> = include_str!("lib.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
            .collect();
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let index_of = |module: &str| order.iter().position(|each| *each == module);
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let inside = path.strip_prefix(&source).unwrap().with_extension("");
                let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
                let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
                if path.extension().is_none_or(|extension| extension != "rs") || module == "lib" || is_test {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                for used in code.split("crate::").skip(1) {
                    let used = used.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
                    let (Some(used_at), Some(module_at)) = (index_of(used), index_of(&module)) else {
                        continue;
                    };
                    assert!(
                        used_at <= module_at,
                        "{} uses {used}, which is declared after it",
                        path.display()
                    );
                }
            }
        }
    }
}
