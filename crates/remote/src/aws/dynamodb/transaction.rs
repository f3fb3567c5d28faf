//! Writes to several items at once: all of them, or none.

#![cfg_attr(not(test), expect(dead_code, reason = "a claim and its insight are to be written together"))]

use portend_core::store::StoreError;
use serde::{Deserialize, Serialize};

use super::attribute::Item;
use super::request::Request;
use super::{DynamoDb, STORE};
use crate::aws::Failure;

/// One write of a transaction.
#[derive(Serialize)]
pub(super) enum Action {
    Put(Request),
    Update(Request),
}

/// The outcome of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transacted {
    /// All of it was done, now or by the same request before.
    Done,
    /// None of it was done, because at least one condition does not hold: for each action, whether it is that one.
    Refused(Vec<Condition>),
}

/// Whether the condition of an action holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Holds,
    /// It does not; the item as it is, if there is one.
    Fails(Option<Item>),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Transaction<'a> {
    transact_items: Vec<Action>,
    client_request_token: &'a str,
}

/// Why an action was not done.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    code: Option<String>,
    item: Option<Item>,
}

/// What passes: another write to the same item, or too many of them.
const BUSY: [&str; 4] =
    ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"];

impl DynamoDb {
    /// Writes all, or nothing. `token`, of 1 to 36 characters, names the request: the same within ten minutes is done
    /// once, so a request whose response was lost can be sent again.
    pub(super) async fn transact(
        &self,
        actions: impl IntoIterator<Item = Action>,
        token: &str,
    ) -> Result<Transacted, StoreError> {
        let in_table = |mut action: Action| {
            let (Action::Put(request) | Action::Update(request)) = &mut action;
            request.table_name.clone_from(&self.table);
            action
        };
        let transaction = Transaction {
            transact_items: actions.into_iter().map(in_table).collect(),
            client_request_token: token,
        };
        match self.caller.call::<serde::de::IgnoredAny>("TransactWriteItems", &transaction, STORE).await {
            Ok(_) => Ok(Transacted::Done),
            Err(Failure::Refused(code, body)) if code == "TransactionCanceledException" => {
                let reasons = body.read("CancellationReasons").unwrap_or_default();
                self.cancelled(reasons)
            }
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn cancelled(&self, reasons: Vec<Reason>) -> Result<Transacted, StoreError> {
        let code = |reason: &Reason| reason.code.clone().filter(|code| code != "None");
        let codes: Vec<String> = reasons.iter().filter_map(code).collect();
        if let Some(code) = codes.iter().find(|code| BUSY.contains(&code.as_str())) {
            return Err(self.error(Failure::Busy(code.clone())));
        }
        if codes.is_empty() || codes.iter().any(|code| code != "ConditionalCheckFailed") {
            let code = codes.iter().find(|code| *code != "ConditionalCheckFailed");
            return Err(
                self.error(Failure::refused(code.map_or("TransactionCanceledException", String::as_str)))
            );
        }
        let condition = |reason: Reason| match code(&reason) {
            Some(_) => Condition::Fails(reason.item),
            None => Condition::Holds,
        };
        Ok(Transacted::Refused(reasons.into_iter().map(condition).collect()))
    }
}

#[cfg(test)]
mod tests;
