//! The event bus and the secret, against a scripted server.

use portend_core::alert_type::AlertTypes;
use portend_core::insight::StoredInsight;
use portend_core::model::{ConfigurationFault, ModelError};
use portend_core::notify::{Notifier, NotifyError};
use portend_remote::secret::KeySource;
use portend_remote::{AnyModel, EventBus, KeySecret};
use portend_testing::play::{alert, first_event, insight, start};
use serde_json::{Value, json};

use crate::harness::{CANARY, Kind, ask, aws, openai};
use portend_testing::http::{Script, Server};

fn stored() -> StoredInsight {
    let types = AlertTypes::built_in();
    let event = first_event();
    let alert = alert(&types, &event);
    insight(&alert, &alert.insight_key(), "run", false, start()).to_stored()
}

fn accepted() -> Script {
    Script::answer(200, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] }).to_string())
}

fn failed(status: u16, code: &str) -> Script {
    Script::answer(status, json!({ "__type": code, "message": "canary" }).to_string())
}

#[tokio::test]
async fn an_insight_is_one_event_on_the_bus() {
    let server = Server::start([accepted()]);
    let bus = EventBus::new("alerts".to_owned(), aws(&server.url()));
    bus.notify(&stored()).await.unwrap();
    let request = server.requests().remove(0);
    assert_eq!(request.header("x-amz-target"), Some("AWSEvents.PutEvents"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let entry = &body["Entries"][0];
    for (name, value) in
        [("Source", "iops-dashboard.ai"), ("DetailType", "insight"), ("EventBusName", "alerts")]
    {
        assert_eq!(entry[name], value, "{name}");
    }
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["alert_type"], &detail["details"]), (&detail["prediction_type"], &detail["facts"]));
    assert_eq!((&detail["risk_score"], &detail["severity"]), (&json!(63), &json!("warning")));
    assert!(detail.get("attempts").is_none() && detail.get("reply").is_none());
}

#[tokio::test]
async fn each_failure_to_publish_is_identified_and_its_text_is_not_repeated() {
    let not_accepted = json!({
        "FailedEntryCount": 1, "Entries": [{ "ErrorCode": "ThrottlingException", "ErrorMessage": "canary" }],
    });
    for (script, code) in [
        (Script::answer(200, not_accepted.to_string()), "bus_not_taken"),
        (failed(400, "ResourceNotFoundException"), "bus_refused"),
        (failed(403, "AccessDeniedException"), "bus_refused"),
        (failed(400, "ThrottlingException"), "bus_unreachable"),
        (failed(500, "InternalException"), "bus_unreachable"),
        (Script::close(), "bus_unreachable"),
        (Script::hang(), "bus_unreachable"),
    ] {
        let server = Server::start([script.clone()]);
        let bus = EventBus::new("alerts".to_owned(), aws(&server.url()));
        let error: NotifyError = bus.notify(&stored()).await.unwrap_err();
        assert_eq!(error.code(), code, "{script:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        assert_eq!(server.requests().len(), 1, "the request is not retried: {script:?}");
    }
}

fn secret(key: &str) -> Script {
    Script::answer(200, json!({ "SecretString": key, "Name": "mine" }).to_string())
}

fn model(server: &Server, key: KeySource) -> AnyModel {
    AnyModel::openai(openai(&server.url(), key, true, None)).expect("valid settings")
}

/// It is not read at the start. One read serves many calls. After a refusal it is read again, once.
#[tokio::test]
async fn a_key_is_read_when_it_is_needed_and_again_when_it_is_refused() {
    let secrets = Server::start([secret("sk-old"), secret(CANARY)]);
    let refused = || Script::answer(401, json!({ "error": { "code": "invalid_api_key" } }).to_string());
    let yes = || Script::answer(200, Kind::Vendor.response("yes").to_string());
    let vendor = Server::start([yes(), refused(), yes(), yes()]);
    let model = model(&vendor, KeySecret::new("mine", aws(&secrets.url())).source());
    assert_eq!(secrets.requests().len(), 0);
    for reads in [1, 2, 2] {
        ask(&model).await.unwrap();
        assert_eq!(secrets.requests().len(), reads);
    }
    let keys: Vec<_> =
        vendor.requests().iter().map(|request| request.header("authorization").unwrap().to_owned()).collect();
    let (old, new) = ("Bearer sk-old".to_owned(), format!("Bearer {CANARY}"));
    assert_eq!(keys, [old.clone(), old, new.clone(), new]);
}

#[tokio::test]
async fn an_unreadable_secret_is_a_configuration_fault() {
    for (script, words) in [
        (failed(400, "ResourceNotFoundException"), "put the key"),
        (failed(400, "AccessDeniedException"), "secretsmanager:GetSecretValue"),
        (secret("not a key"), "put only the key"),
        (Script::answer(200, json!({ "SecretBinary": "YQ==" }).to_string()), "put only the key"),
    ] {
        let (secrets, vendor) = (Server::start([script]), Server::start([]));
        let error =
            ask(&model(&vendor, KeySecret::new("mine", aws(&secrets.url())).source())).await.unwrap_err();
        assert!(
            matches!(&error, ModelError::Configuration { fault: ConfigurationFault::Refused(_) }),
            "{error:?}"
        );
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(vendor.requests().len(), 0, "nothing is sent without a key");
    }
    let vendor = Server::start([]);
    let nowhere = KeySecret::new("mine", aws("http://127.0.0.1:9"));
    let error = ask(&model(&vendor, nowhere.source())).await.unwrap_err();
    assert!(matches!(error, ModelError::Unreachable { .. }), "{error:?}");
}
