//! The console's pages: every one is small, complete without a script, and safe whatever the data says.

use super::server::{TestServer, alert, now};
use crate::harness::Home;

const PAGE_BYTES_MAX: usize = 100 * 1024;

/// Texts that would do harm if a page passed them on.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "\\\"><img src=x onerror=alert(1)>",
    "</textarea></template></pre>{{7*7}}",
    "a\\u202eb\\u2066c\\u0007\\u001b[31m",
    "javascript:alert(1)",
];

#[test]
fn every_page_answers_when_there_is_nothing_and_when_there_is_much() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let pages = [
        "/",
        "/live",
        "/quality",
        "/status",
        "/alert-types",
        "/alert-types/low_health_score",
        "/?state=snoozed",
    ];
    for path in pages {
        let page = server.get(path).is(200);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.body.contains("<main"), "{path}");
    }
    assert!(server.get("/").body.contains("portend demo"), "an empty page says what to do");
    let lines: String =
        (0..300).map(|index| alert(&format!("stu_{index}"), 2 + index % 9, 40, &now()) + "\n").collect();
    server.post_lines(&lines).is(202);
    server.until_idle();
    let today = server.get("/").is(200).body;
    assert!(today.contains("300 to look at"), "{today}");
    for path in pages.into_iter().chain(["/entities/stu_1", "/live?min_risk=60"]) {
        let page = server.get(path).is(200).body;
        assert!(page.len() < PAGE_BYTES_MAX, "{path} has {} bytes", page.len());
    }
    let id = server.get("/v1/insights?entity=stu_8").json()["insights"][0]["alert_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let insight = server.get(&format!("/insights/{id}")).is(200).body;
    assert!(
        insight.contains("href=\"#fact-ib_calls_14d\"") && insight.contains("id=\"fact-ib_calls_14d\""),
        "{insight}"
    );
    assert!(insight.contains("points of the scorecard"));
    for (path, heading) in [
        ("/insights/nothing", "does not exist"),
        ("/nothing", "does not exist"),
        ("/entities/nobody", "does not exist"),
    ] {
        let page = server.send("GET", path, &[("accept", "text/html")], b"").is(404);
        assert!(page.body.contains(heading), "{path}: {}", page.body);
    }
}

#[test]
fn the_bar_of_an_insight_adds_up() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let stored = server.post_json("/v1/events?wait=true", &alert("stu_1", 5, 65, &now())).is(200).json();
    let id = stored["alert_id"].as_str().unwrap();
    let page = server.get(&format!("/insights/{id}")).body;
    let parts = page
        .split("data-points=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
    assert_eq!(Some(parts.sum::<f64>()), stored["insight"]["baseline"]["risk_score"].as_f64());
}

#[test]
fn the_form_of_an_alert_type_scores_facts_and_stores_nothing() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let page = server.get("/alert-types/high_ib_call_frequency?ib_calls_14d=5&health_score=65").is(200).body;
    assert!(page.contains("5 inbound support calls"), "{page}");
    let wrong =
        server.get("/alert-types/high_ib_call_frequency?ib_calls_14d=%3Cb%3E&health_score=65").is(200).body;
    assert!(!wrong.contains("<b>"), "{wrong}");
    assert_eq!(server.ledger()["total"]["received"], 0);
    server.send("GET", "/alert-types/nothing", &[("accept", "text/html")], b"").is(404);
}

#[test]
fn hostile_text_in_every_field_stays_text_on_every_page() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let long = "x".repeat(10_000);
    let texts = HOSTILE.iter().copied().chain([long.as_str()]);
    let mut ids = Vec::new();
    for (index, text) in texts.enumerate() {
        let name: String = text.chars().filter(|c| *c != '\\').take(100).collect();
        let name = if text.contains('\\') { "C# \u{e9}/\\\"?".to_owned() } else { name };
        let name = name.replace('\\', "").replace('"', "'");
        let event = format!(
            r#"{{"alert_type":"supply_demand_imbalance","severity":"warning","entity_id":"{name}{index}","entity_type":"subject","details":{{"demand_score":88,"supply_score":20,"balance_status":"high_demand"}},"message":"{text}","timestamp":"{}"}}"#,
            now()
        );
        let outcome = server.post_json("/v1/events?wait=true", &event).is(200).json();
        match outcome["alert_id"].as_str() {
            Some(id) => {
                ids.push((id.to_owned(), outcome["insight"]["entity_id"].as_str().unwrap().to_owned()));
            }
            // A refused event is shown too, with its reason and its text.
            None => assert_eq!(outcome["status"], "parked", "{outcome}"),
        }
        server.post_json("/v1/events", &format!(r#"{{"alert_type":"{text}","entity_id":"{text}"}}"#)).is(202);
    }
    assert!(!ids.is_empty(), "some names are valid");
    let encoded = |text: &str| {
        text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect::<String>()
    };
    let mut pages =
        vec!["/".to_owned(), "/live".to_owned(), "/status".to_owned(), "/?find=%3Cscript%3E".to_owned()];
    for (id, entity) in &ids {
        pages.push(format!("/insights/{}", encoded(id)));
        pages.push(format!("/entities/{}", encoded(entity)));
        let form = "action=wrong&note=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE";
        server.post_form(&format!("/insights/{}/feedback", encoded(id)), form).is(303);
    }
    for path in pages {
        let page = server.get(&path).is(200).body;
        for harm in ["<script>alert", "<img", "\u{202e}", "\u{2066}", "\u{7}", "\u{1b}", "href=\"javascript:"]
        {
            assert!(!page.contains(harm), "{harm:?} on {path}: {page}");
        }
        assert_eq!(page.matches("<script").count(), 1, "only our own script, on {path}");
    }
}
