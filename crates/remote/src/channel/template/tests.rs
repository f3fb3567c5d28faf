//! What each channel sends of each built-in alert type, as golden files; and hostile text.

use std::path::Path;

use portend_core::insight::InsightFields;
use serde_json::json;

use super::*;

/// The insight of the first sample of each built-in alert type.
fn samples() -> Vec<(String, StoredInsight)> {
    let types = AlertTypes::built_in();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alert-types");
    let sample = |id: &str| {
        let mut samples: Vec<_> = std::fs::read_dir(folder.join(id).join("samples"))
            .unwrap()
            .map(|each| each.unwrap().path())
            .collect();
        samples.sort();
        let text = std::fs::read_to_string(samples[0].join("insight.json")).unwrap();
        let fields: InsightFields = serde_json::from_str(&text).unwrap();
        StoredInsight::Current(Box::new(fields))
    };
    types.iter().map(|each| (each.id().to_owned(), sample(each.id()))).collect()
}

fn render(name: &str, insight: &StoredInsight) -> String {
    let link = Some("https://portend.example/insights/{alert_id}".to_owned());
    Template::new(name, link).unwrap().render(insight, &AlertTypes::built_in()).unwrap()
}

#[test]
fn each_alert_type_has_a_golden_message_on_each_channel() {
    for (id, insight) in samples() {
        for (name, _) in BUILT_IN {
            let text = render(name, &insight);
            let shown = match serde_json::from_str::<Value>(&text) {
                Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
                Err(_) => text,
            };
            insta::assert_snapshot!(format!("{id}__{name}"), shown);
        }
    }
}

#[test]
fn hostile_text_stays_text_and_within_the_limits() {
    let (_, insight) = samples().remove(0);
    let StoredInsight::Current(mut fields) = insight else { panic!("a current insight") };
    let hostile = format!(
        "<!channel> {{{{ 7 * 7 }}}} \" \\ \n\u{1b}[31m & <https://evil.example|x> {}",
        "é".repeat(10_000)
    );
    fields.explanation.clone_from(&hostile);
    fields.entity_id = "C# & <b>\n".into();
    fields.alert_id = "a b/c?d#e".into();
    fields.recommendations = vec![hostile.clone(), hostile];
    let insight = StoredInsight::Current(fields);
    let slack: Value = serde_json::from_str(&render("slack", &insight)).unwrap();
    let blocks = slack["blocks"].as_array().unwrap();
    for block in blocks {
        let text = block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap();
        let max = if block["type"] == "header" { 150 } else { 3000 };
        assert!(text.chars().count() <= max, "{} of {max}", text.chars().count());
        assert!(!text.contains("<!channel>") && !text.contains("49"), "{text}");
    }
    assert!(slack.to_string().contains("insights/a%20b%2Fc%3Fd%23e|open"));
    let webhook: Value = serde_json::from_str(&render("webhook", &insight)).unwrap();
    assert_eq!(webhook["entity_id"], json!("C# & <b>\n"));
    let mail = render("mail", &insight);
    assert!(!mail.contains('\u{1b}') && !mail.starts_with('{'), "{mail}");
}

#[test]
fn a_wrong_template_is_refused_with_its_line() {
    let error = Template::new("first\n{% for %}", None).unwrap_err();
    assert_eq!(error.line, 2, "{error}");
    let endless =
        Template::new("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", None);
    let (_, insight) = samples().remove(0);
    assert!(endless.unwrap().render(&insight, &AlertTypes::built_in()).is_err());
}
