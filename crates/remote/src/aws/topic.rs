//! Publishes text on an SNS topic, whose subscribers get it as mail. SNS's protocol is a form and XML.
//!
//! Never: retries.

use portend_core::model::ModelError;

use super::{Aws, Caller, Service};
use crate::limits::{BODY_BYTES_MAX, CHANNEL_TIMEOUT};
use crate::network::{Bounds, percent_encoded};
use crate::response::{Response, plain_code, status_and_code};

/// The characters of a subject that SNS accepts.
const SUBJECT_CHARS_MAX: usize = 99;

/// An SNS topic. It sends nothing until it is used.
pub(crate) struct Topic {
    arn: String,
    caller: Caller,
}

impl Topic {
    /// The topic with this ARN; `None` if it is not one.
    pub(crate) fn new(arn: &str, aws: Aws) -> Option<Self> {
        let parts: Vec<_> = arn.split(':').collect();
        let is_topic = matches!(parts.as_slice(), ["arn", _, "sns", region, account, name]
            if ![region, account, name].iter().any(|part| part.is_empty()));
        is_topic.then(|| Self { arn: arn.to_owned(), caller: Caller::new(Service::SNS, aws) })
    }

    /// Checks that the topic exists. Otherwise returns what is wrong and how to fix it.
    pub(crate) async fn exists(&self) -> Result<(), String> {
        let fields =
            [("Action", "GetTopicAttributes"), ("Version", "2010-03-31"), ("TopicArn", self.arn.as_str())];
        let response = self.send(&fields).await.map_err(|error| {
            format!("SNS cannot be reached ({}); check the region and the network", error.code())
        })?;
        if response.is_success() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&response.body).into_owned();
        Err(match code_of(&body) {
            Some("NotFound" | "NotFoundException") => "the topic does not exist; correct topic".to_owned(),
            Some("AuthorizationError" | "AuthorizationErrorException") => {
                "these credentials may not describe the topic; allow sns:GetTopicAttributes".to_owned()
            }
            code => format!(
                "SNS refuses the request ({}); check the credentials and topic",
                status_and_code(response.status, code.and_then(plain_code))
            ),
        })
    }

    async fn send(&self, fields: &[(&str, &str)]) -> Result<Response, ModelError> {
        let form: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let bounds = Bounds { time: Some(CHANNEL_TIMEOUT), bytes: BODY_BYTES_MAX };
        Box::pin(self.caller.send("/", None, form.join("&"), bounds)).await
    }

    /// Publishes a subject and a text. The error says whether a later try may succeed (`Ok`) or not (`Err`).
    pub(crate) async fn publish(&self, subject: &str, text: &str) -> Result<(), Result<String, String>> {
        let fields = [
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("TopicArn", &self.arn),
            ("Subject", &plain_subject(subject)),
            ("Message", text),
        ];
        let response = self.send(&fields).await.map_err(|error: ModelError| Ok(error.code().to_owned()))?;
        if response.is_success() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&response.body).into_owned();
        let code = code_of(&body);
        let what = status_and_code(response.status, code.and_then(plain_code));
        let is_transient = response.status >= 500 || code.is_some_and(|code| code.starts_with("Throttl"));
        Err(if is_transient { Ok(what) } else { Err(what) })
    }
}

/// The code in an error of SNS.
fn code_of(body: &str) -> Option<&str> {
    body.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next())
}

/// A subject as SNS accepts it: printable ASCII, at most 99 characters.
fn plain_subject(text: &str) -> String {
    let plain = text.chars().map(|each| if each == ' ' || each.is_ascii_graphic() { each } else { '?' });
    plain.take(SUBJECT_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_and_plain() {
        assert_eq!(plain_subject("72 Calls: C#\n日本"), "72 Calls: C#???");
        assert_eq!(plain_subject(&"x".repeat(200)).len(), 99);
    }

    #[test]
    fn a_topic_is_an_arn_of_sns() {
        for (arn, expected) in [
            ("arn:aws:sns:us-east-1:123456789012:alerts", true),
            ("arn:aws:sqs:us-east-1:123456789012:alerts", false),
            ("arn:aws:sns:us-east-1:123456789012:", false),
            ("alerts", false),
        ] {
            assert_eq!(Topic::new(arn, Aws::ambient(None)).is_some(), expected, "{arn}");
        }
    }
}
