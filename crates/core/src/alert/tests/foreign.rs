//! What a refusal says of something that is not an event.

use super::received_at;
use crate::alert::Alert;
use crate::alert_type::AlertTypes;

#[test]
fn a_refusal_says_what_came() {
    for (event, expected) in [
        ("[]", "an empty array"),
        ("[1,2,3]", "an array of 3: send JSON Lines, or one event per record"),
        ("5", "5"),
        ("\"x\"", "\"x\""),
        ("{}", "an empty object"),
        (r#"{"a":1}"#, "an object with neither, but with \"a\""),
        (r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#, "\"d\", \"e\" and more"),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#, "an S3 test event"),
        (r#"{"Records":[{"eventSource":"aws:s3","s3":{}}]}"#, "1 record of S3 about files"),
        (r#"{"Records":[{"eventSource":"aws:kinesis"},{}]}"#, "2 records of a Kinesis stream"),
        (r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#, "1 record of a DynamoDB stream"),
        (r#"{"Records":[]}"#, "a batch without records"),
        (r#"{"Records":[{"x":1}]}"#, "1 record with neither a `messageId`"),
        (r#"{"Type":"SubscriptionConfirmation","SubscribeURL":"x"}"#, "an SNS subscription confirmation"),
        (r#"{"Type":"UnsubscribeConfirmation"}"#, "an SNS unsubscribe confirmation"),
        (r#"{"Type":"Notification","Message":"{}"}"#, "an SNS notification outside a batch"),
        (r#"{"portend":"upgrade"}"#, "a command of Portend"),
    ] {
        let types = AlertTypes::built_in();
        let refusal = Alert::read(event.as_bytes(), &types, received_at()).unwrap_err();
        assert_eq!(refusal.reason().to_string(), "not_an_event", "{event}");
        assert!(refusal.message().contains(expected), "{event}: {}", refusal.message());
    }
}
