//! Reads the function's settings from environment variables. Each error names the variable and how to fix it. The AWS
//! SDK reads its own variables, such as `AWS_REGION`.
//!
//! Never: starts without a rule of access.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_http::{Access, AccessToken};
use portend_remote::{AlertQueue, Aws, DynamoDb, KeySecret, find_region};

use crate::reader::TableReader;

const ACCESS: &str = "PORTEND_ACCESS";
const ALERT_QUEUE: &str = "ALERT_QUEUE_URL";
const ALERT_TYPES: &str = "ALERT_TYPES_DIR";
const FEEDBACK: &str = "PORTEND_FEEDBACK";
const ORIGINAL_API: &str = "PORTEND_OPEN_ORIGINAL_API";
const TABLE: &str = "DYNAMODB_TABLE_NAME";
const TOKEN_SECRET: &str = "PORTEND_TOKEN_SECRET";

/// Reads an environment variable. An empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "this file reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Writes why the function cannot start, as one line of its log.
pub(crate) fn stopped(error: &anyhow::Error) {
    let line = serde_json::json!({ "level": "ERROR", "event": "stopped", "error": format!("{error:#}") });
    // There is nowhere else to say it.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The settings.
#[derive(Debug)]
pub(crate) struct Config {
    table: String,
    types: AlertTypes,
    /// Whether people may give feedback.
    takes_feedback: bool,
    original_api: bool,
    /// The queue to which a replayed event is sent.
    alert_queue: Option<String>,
    /// The secret with the token; `None` if AWS checks who sends a request.
    token_secret: Option<String>,
}

impl Config {
    /// Reads every setting.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let table = variable(TABLE)
            .ok_or_else(|| anyhow!("{TABLE} is not set; set it to the name of the insights table"))?;
        let types = match variable(ALERT_TYPES) {
            None => AlertTypes::built_in(),
            Some(folder) => AlertTypes::from_folder(&PathBuf::from(folder))
                .with_context(|| format!("{ALERT_TYPES} cannot be used"))?,
        };
        let flag = |name: &str| match variable(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(anyhow!("{name} is not valid; set it to true or false")),
        };
        let token_secret = match (variable(ACCESS).as_deref(), variable(TOKEN_SECRET)) {
            (Some("iam"), None) => None,
            (Some("token"), Some(secret)) => Some(secret),
            (Some("token"), None) => {
                return Err(anyhow!(
                    "{TOKEN_SECRET} is not set; set it to the secret that contains the token"
                ));
            }
            (Some("iam"), Some(_)) => {
                return Err(anyhow!("{TOKEN_SECRET} is set, but {ACCESS} is iam; remove one of the two"));
            }
            (Some(_) | None, _) => {
                return Err(anyhow!(
                    "{ACCESS} is not valid; set it to iam if AWS checks who sends a request, or to token"
                ));
            }
        };
        Ok(Self {
            table,
            types,
            takes_feedback: flag(FEEDBACK)?,
            original_api: flag(ORIGINAL_API)?,
            alert_queue: variable(ALERT_QUEUE),
            token_secret,
        })
    }

    /// The program behind the routes, and the rules of access. Reads the token.
    pub(crate) async fn parts(self) -> Result<(TableReader, Access)> {
        let aws = Aws::ambient(find_region().await);
        let token = match &self.token_secret {
            None => None,
            Some(name) => {
                let read = KeySecret::new(name, aws.clone()).read().await;
                let secret = read.map_err(|error| {
                    anyhow!(
                        "the secret in {TOKEN_SECRET} cannot be read ({}); check its name and its policy",
                        error.code()
                    )
                })?;
                let token = AccessToken::new(secret.reveal());
                Some(token.ok_or_else(|| {
                    anyhow!(
                        "the secret of {TOKEN_SECRET} has no token; put one into it that openssl rand -hex 32 prints"
                    )
                })?)
            }
        };
        let access = Access {
            token,
            // API Gateway and function URLs accept their own names only.
            hosts: None,
            original_api: self.original_api,
            origins: Vec::new(),
            hook_secrets: HashMap::new(),
            secure_cookies: true,
        };
        let queue = self.alert_queue.map(|url| AlertQueue::new(url, aws.clone()));
        let table = DynamoDb::new(self.table, &self.types, aws);
        Ok((TableReader::new(table, self.types, self.takes_feedback, queue), access))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(variables: &[(&str, &str)]) -> String {
        let value = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        Config::read(value).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn the_function_does_not_start_open() {
        let table = (TABLE, "insights");
        for (variables, expected) in [
            (&[table, (ACCESS, "iam")][..], ""),
            (&[table, (ACCESS, "token"), (TOKEN_SECRET, "arn")], ""),
            (&[table], "PORTEND_ACCESS is not valid; set it to iam"),
            (&[table, (ACCESS, "none")], "PORTEND_ACCESS is not valid"),
            (&[table, (ACCESS, "token")], "PORTEND_TOKEN_SECRET is not set"),
            (&[table, (ACCESS, "iam"), (TOKEN_SECRET, "arn")], "remove one of the two"),
            (
                &[table, (ACCESS, "iam"), (FEEDBACK, "yes")],
                "PORTEND_FEEDBACK is not valid; set it to true or false",
            ),
            (&[(ACCESS, "iam")], "DYNAMODB_TABLE_NAME is not set"),
        ] {
            let found = error(variables);
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{variables:?}: {found}"
            );
        }
    }
}
