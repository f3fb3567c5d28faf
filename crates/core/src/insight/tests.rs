//! The insight's JSON, and the items of the original handler.

use super::*;
use crate::alert_type::AlertTypes;
use crate::scorecard::Scored;

#[test]
fn schema_1_has_these_fields_in_this_order() {
    let types = AlertTypes::built_in();
    let event = include_bytes!("../../../../test/test-alert.json");
    let now = Timestamp::parse("2025-01-01T12:00:02.114Z").unwrap();
    let alert = Alert::read(event, &types, now).unwrap();
    let attempt = AttemptRecord {
        model: "bedrock".into(),
        model_id: "us.anthropic.claude-haiku-4-5-20251001-v1:0".into(),
        asked: None,
        outcome: "throttled".into(),
        is_usable: None,
        ms: 812,
        input_tokens: Some(612),
        cached_tokens: None,
        output_tokens: Some(188),
        cost_usd: Number::new(0.001_552),
        violations: None,
        reply: None,
        reused: None,
    };
    let provenance =
        Provenance { run: "run".into(), attempts: vec![attempt], degraded: Some(DegradedBy::Transient), now };
    let judgement = Judgement::Scorecard(Scored::new(&alert));
    let insight = Insight::new(&alert, &alert.insight_key(), judgement, provenance);
    insta::assert_snapshot!(serde_json::to_string_pretty(&insight.to_stored()).unwrap());
    let text = serde_json::to_string(&insight.to_stored()).unwrap();
    assert_eq!(serde_json::from_str::<InsightFields>(&text).unwrap(), *insight.fields());
}

#[test]
fn an_insight_of_the_original_handler_says_no_more_than_it_did() {
    let item = r#"{"alert_id":"high_ib_call_frequency_stu_1_1735732800000","entity_id":"stu_1",
        "prediction_type":"high_ib_call_frequency","risk_score":72,"explanation":"x","recommendations":["a","b"],
        "timestamp":"2025-01-01T12:00:02.114321","model_used":"bedrock-claude-3.5-haiku"}"#;
    let original: OriginalInsight = serde_json::from_str(item).unwrap();
    let stored = StoredInsight::Original(Box::new(original));
    assert_eq!(stored.timestamp().to_string(), "2025-01-01T12:00:02.114Z");
    assert!(!stored.is_degraded());
    assert!(stored.to_alert(&AlertTypes::built_in()).is_none());
    let again = serde_json::to_value(&stored).unwrap();
    assert_eq!(again.as_object().unwrap().len(), 8, "{again}");
}
