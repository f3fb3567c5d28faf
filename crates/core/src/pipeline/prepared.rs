//! What depends on the alert type alone, made once for each type: the prompt's head, the reply's schema, and the words
//! that grounding and the reply's reader know.

use std::collections::HashMap;
use std::sync::Arc;

use crate::alert_type::{AlertType, AlertTypes};
use crate::grounding::CheckerTemplate;
use crate::prompt::PromptTemplate;
use crate::reply::ReplyVocabulary;

/// Every alert type, prepared, by its id.
#[derive(Debug)]
pub(super) struct PreparedTypes(HashMap<String, Arc<PreparedType>>);

/// One alert type, prepared.
#[derive(Debug)]
pub(super) struct PreparedType {
    pub(super) template: PromptTemplate,
    pub(super) checker: CheckerTemplate,
    pub(super) vocabulary: ReplyVocabulary,
}

impl PreparedTypes {
    pub(super) fn new(types: &AlertTypes) -> Self {
        let prepared = |each: &AlertType| (each.id().to_owned(), Arc::new(PreparedType::new(each)));
        Self(types.iter().map(prepared).collect())
    }

    /// The same with other rules in every prompt.
    pub(super) fn with_rules(types: &AlertTypes, rules: &str) -> Self {
        let prepared = |each: &AlertType| {
            let template = PromptTemplate::with_rules(each, rules);
            (each.id().to_owned(), Arc::new(PreparedType { template, ..PreparedType::new(each) }))
        };
        Self(types.iter().map(prepared).collect())
    }

    /// The prepared type. One that was not prepared with the others is prepared now.
    pub(super) fn of(&self, alert_type: &AlertType) -> Arc<PreparedType> {
        let prepared = self.0.get(alert_type.id()).map(Arc::clone);
        prepared.unwrap_or_else(|| Arc::new(PreparedType::new(alert_type)))
    }
}

impl PreparedType {
    fn new(alert_type: &AlertType) -> Self {
        Self {
            template: PromptTemplate::new(alert_type),
            checker: CheckerTemplate::new(alert_type),
            vocabulary: ReplyVocabulary::of(alert_type),
        }
    }
}
