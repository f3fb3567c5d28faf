//! Compiles the alert types of the folder `alert-types/` into the program.
//!
//! Never: differs from that folder. A test compares them.

use super::{AlertType, AlertTypes};

/// The name and the `alert.toml` of every folder in `alert-types/`.
const BUILT_IN: [(&str, &str); 3] = [
    ("high_ib_call_frequency", include_str!("../../../../alert-types/high_ib_call_frequency/alert.toml")),
    ("low_health_score", include_str!("../../../../alert-types/low_health_score/alert.toml")),
    ("supply_demand_imbalance", include_str!("../../../../alert-types/supply_demand_imbalance/alert.toml")),
];

impl AlertTypes {
    /// The alert types that are compiled into the program.
    pub fn built_in() -> Self {
        Self::from_list(BUILT_IN.iter().filter_map(|(id, text)| AlertType::read(id, id, text).ok()))
    }

    /// The `alert.toml` of an alert type that is compiled into the program.
    pub fn built_in_text(id: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(each, _)| *each == id).map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_folder_is_built_in_and_passes_the_lint() {
        let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alert-types");
        let from_folders = AlertTypes::from_folder(&folders).unwrap_or_else(|error| panic!("{error}"));
        let ids = |types: &AlertTypes| types.iter().map(|each| each.id().to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&AlertTypes::built_in()), ids(&from_folders));
    }
}
