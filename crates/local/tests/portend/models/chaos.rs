//! Tests the invariants of an alert while vendors do random things, chosen by a seed. The invariants limit the calls,
//! and say which insight is a model's and which is degraded.
//!
//! Never: expects one outcome, as the other files do.

use serde_json::{Value, json};

use super::harness::{Scene, alert, each, equal, text, texts};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{self, Bedrock};
use portend_testing::vendor::{BOTH, answer_that};

const SEEDS: u64 = 60;
const ALERTS: usize = 3;

/// The explanations of the models, each with its own score. Any other combination is wrong.
const ANSWERS: [(&str, u32); 3] =
    [("5 calls, and a health score of 65.", 71), ("8 calls, and a score of 31.", 72), ("Many calls.", 73)];

fn answer(number: usize) -> String {
    let (explanation, score) = ANSWERS[number % ANSWERS.len()];
    let mut answer: Value = serde_json::from_str(&answer_that(explanation)).expect("JSON");
    answer["risk_score"] = json!(score);
    answer.to_string()
}

/// One of the things that a vendor may do.
fn any(provider: Vendor, random: u64) -> Script {
    let text = answer(usize::try_from(random >> 32).unwrap_or(0));
    let is_bedrock = provider == Bedrock;
    let either = |bedrock: &'static str, openai: &'static str| if is_bedrock { bedrock } else { openai };
    let schema = "output_config.format: Extra inputs are not permitted: response_format";
    match random % 24 {
        0..=5 => provider.says(&text),
        6 => provider.says(&format!("<think>So many calls.</think>```json\n{text}\n```")),
        7 => provider.says(&format!("{text}{}", answer(usize::try_from(random >> 33).unwrap_or(0)))),
        8 => provider.says(text.trim_end_matches('}')),
        9 => provider.says(""),
        10 => provider.ends(&text, either("max_tokens", "length")),
        11 => provider.ends(&text, either("refusal", "content_filter")),
        12 => provider.ends(&text, "moonrise"),
        13 => provider.ends(&text, either("guardrail_intervened", "content_filter")),
        14 | 15 => provider.is_busy(),
        16 => provider.fails(400, "ValidationException", schema),
        17 => provider.fails(403, either("AccessDeniedException", "forbidden"), "no"),
        18 => provider.fails(408, either("ModelTimeoutException", "timeout"), "slow"),
        19 => Script::close(),
        20 => provider.says(&text).cut_after(100),
        21 => Script::answer(200, "{}"),
        22 => Script::answer(200, "nonsense"),
        _ => provider.fails(400, either("ServiceQuotaExceededException", "context_length_exceeded"), "no"),
    }
}

/// An endless sequence of responses that depends only on the seed. The generator is `splitmix64`.
fn scripts(provider: Vendor, seed: u64) -> impl Iterator<Item = Script> + Send + use<> {
    let mut state = seed.wrapping_mul(2) + u64::from(provider == Bedrock);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        any(provider, mixed ^ (mixed >> 31))
    })
}

/// Checks the invariants of one insight.
fn check(name: &str, insight: &Value) -> Result<(), String> {
    let outcomes = texts(&insight["attempts"], "outcome");
    let models = texts(&insight["attempts"], "model");
    let usable = |outcome: &&str| ["accepted", "unsupported"].contains(outcome);
    equal(&format!("{name}: at most five calls: {outcomes:?}"), &(outcomes.len() <= 5), &true)?;
    for model in BOTH.map(Vendor::name) {
        let of_model: Vec<_> = models
            .iter()
            .zip(&outcomes)
            .filter(|(each, _)| **each == model)
            .map(|(_, outcome)| *outcome)
            .collect();
        // A refused schema does not count as a call, and neither does a time-out that the schema may have caused.
        let uncounted = of_model
            .iter()
            .filter(|outcome| ["schema_refused", "timed_out"].contains(outcome))
            .count()
            .min(1);
        equal(
            &format!("{name}: two calls to {model}: {of_model:?}"),
            &(of_model.len() <= 2 + uncounted),
            &true,
        )?;
    }
    let position = |model: &&str| usize::from(*model != Bedrock.name());
    equal(&format!("{name}: in order: {models:?}"), &models.is_sorted_by_key(position), &true)?;

    let by_model = insight["grade"] == "model";
    equal(&format!("{name}: degraded"), &(by_model && insight["degraded"] == true), &false)?;
    if !by_model {
        equal(name, &text(&insight["model_used"]), &"scorecard")?;
        let stopped = outcomes.last() == Some(&"guardrail");
        return equal(&format!("{name}: {outcomes:?}"), &(outcomes.iter().any(usable) && !stopped), &false);
    }
    let answered_by =
        models.iter().zip(&outcomes).rfind(|(_, outcome)| usable(outcome)).map(|(model, _)| *model);
    let provider = BOTH.into_iter().find(|each| Some(each.name()) == answered_by);
    let label = provider.map(Vendor::label).unwrap_or_default();
    let suffix = if provider == Some(Bedrock) { "" } else { "-fallback" };
    equal(name, &text(&insight["model_used"]), &&*format!("{label}{suffix}"))?;
    let answer = ANSWERS.iter().find(|(explanation, _)| *explanation == text(&insight["explanation"]));
    equal(name, &answer.map(|(_, score)| json!(score)).as_ref(), &Some(&insight["risk_score"]))
}

#[test]
fn whatever_vendors_do_every_alert_keeps_the_invariants() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    each(&seeds, |seed| {
        let scene = Scene::new(scripts(Bedrock, *seed), scripts(Vendor::OpenAi, *seed));
        let scene = scene.models("bedrock,openai,scorecard");
        let alerts: Vec<_> = (1..=ALERTS).map(alert).collect();
        let run =
            scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &scene.input(&alerts)]);
        let name = format!("seed {seed}");
        equal(&name, &run.code, &0)?;
        let lines = run.lines();
        equal(&name, &lines.len(), &ALERTS)?;
        let attempts: Vec<_> =
            lines.iter().flat_map(|line| texts(&line["insight"]["attempts"], "model")).collect();
        let counted = BOTH.map(|provider| attempts.iter().filter(|name| **name == provider.name()).count());
        equal(&format!("{name}: each attempt is one request"), &scene.asked(), &counted)?;
        lines.iter().try_for_each(|line| check(&name, &line["insight"]))
    });
}
