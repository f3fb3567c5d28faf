//! Second opinions: several answers of one model, and an answer of the next one, within the alert's calls and time.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_executor::block_on;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::insight::{InsightFields, SecondOpinion};
use portend_core::limits::EVENT_DEADLINE;
use portend_core::model::{FinishReason, ModelError};
use portend_core::pipeline::{Account, Pipeline};
use portend_testing::clock::StoppedClock;
use portend_testing::faults::{Fault, FaultyStore, Operation};
use portend_testing::memory::MemoryStore;
use portend_testing::model::ScriptedModel;
use portend_testing::play::{EventResult, event, first_event, start};

use super::{insight, outcomes};

/// The type of the usual event, with these keys.
fn types(keys: &str) -> AlertTypes {
    let name: String = keys.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).join("high_ib_call_frequency");
    fs::create_dir_all(&folder).unwrap();
    let window = "repeat_window = \"24h\"";
    let text = AlertTypes::built_in_text("high_ib_call_frequency").unwrap();
    let window = text.lines().find(|line| line.starts_with("repeat_window")).unwrap_or(window);
    fs::write(folder.join("alert.toml"), text.replacen(window, &format!("{window}\n{keys}"), 1)).unwrap();
    AlertTypes::from_type_folder(&folder).unwrap()
}

/// A reply with this score. The texts are the same; only the score differs.
fn reply(score: u8) -> &'static str {
    let text = format!(
        r#"{{"explanation":"5 calls; {{risk_score}}.","recommendations":["Call.","Review."],"risk_score":{score}}}"#
    );
    Box::leak(text.into_boxed_str())
}

/// A model that follows these words: a score, `bad` for an unusable reply, `down` for a failure, `guard` for a guardrail.
fn model(name: &str, words: &str) -> ScriptedModel {
    let line = |word: &str| match word {
        "bad" => Ok(("no", FinishReason::End)),
        "down" => Err(ModelError::Unavailable { what: "503".into() }),
        "guard" => Ok(("stopped", FinishReason::Guardrail)),
        score => Ok((reply(score.parse().unwrap()), FinishReason::End)),
    };
    ScriptedModel::new(name, words.split(' ').map(line).collect())
}

fn run(
    types: &AlertTypes,
    (store, clock): (&MemoryStore, &StoppedClock),
    models: &[&ScriptedModel],
    event: &[u8],
    plan: &[(Operation, Fault)],
) -> (EventResult, Account) {
    let pipeline =
        Pipeline::new(types.clone(), FaultyStore::new(store, plan), clock).with_models(models.to_vec(), true);
    let received = pipeline.receive(event);
    let mut run = pipeline.run(clock.now().plus(EVENT_DEADLINE));
    let result = block_on(run.process(&received));
    (result, run.into_account())
}

/// Score, grade, the scores, and the verification, in one line.
fn line(insight: &InsightFields) -> String {
    let opinion = insight.second_opinion.as_ref().map(|opinion: &SecondOpinion| {
        let scores: Vec<_> = opinion.scores.iter().map(ToString::to_string).collect();
        let verified = opinion.verification.as_ref().map(|each| {
            let reason = each.reason.as_ref().map(|reason| format!(":{reason}")).unwrap_or_default();
            format!(" {}{reason}", each.result.code())
        });
        format!(" [{}]{}", scores.join(" "), verified.unwrap_or_default())
    });
    format!("{} {}{}", insight.risk_score, insight.grade.code(), opinion.unwrap_or_default())
}

#[test]
fn several_answers_give_their_median_and_the_next_model_only_a_doubt() {
    for (keys, first, second, expected, calls) in [
        ("samples = 1", "72 10 90", "20", "72 model", (1, 0)),
        ("samples = 3", "72 10 90", "20", "72 model [72 10 90]", (3, 0)),
        ("samples = 3", "10 90 72", "20", "72 model [10 90 72]", (3, 0)),
        ("samples = 2", "60 80", "20", "70 model [60 80]", (2, 0)),
        // An unusable reply counts as a call, and not as an answer. A failure ends the samples.
        ("samples = 3", "72 bad 90", "20", "81 model [72 90]", (3, 0)),
        ("samples = 3", "72 down 90", "20", "72 model [72]", (2, 0)),
        ("samples = 5", "bad 50 60 70 80 90", "20", "65 model [50 60 70 80]", (5, 0)),
        ("verify = true", "72", "60", "72 model [72] confirmed", (1, 1)),
        ("verify = true", "72", "42", "72 doubted [72] doubted", (1, 1)),
        // A higher second score is a doubt, and raises nothing.
        ("verify = true", "40", "95", "40 doubted [40] doubted", (1, 1)),
        ("verify = true", "72", "bad", "72 model [72] not_verified:no_object", (1, 1)),
        ("verify = true", "72", "down", "72 model [72] not_verified:unavailable", (1, 1)),
        ("verify = true", "72", "guard", "72 model [72] not_verified:guardrail", (1, 1)),
        ("samples = 3\nverify = true", "72 70 90", "71", "72 model [72 70 90] confirmed", (3, 1)),
        // The verification's call is not spent on a sample.
        ("samples = 5\nverify = true", "50 51 52 53 54", "10", "51.5 doubted [50 51 52 53] doubted", (4, 1)),
        // The model after the one that answered is the next one; the last model has no next one.
        ("verify = true", "down down", "60", "60 model [60] not_verified:no_next_model", (2, 1)),
        // A guardrail is not asked around.
        ("samples = 3", "72 guard 90", "20", "63 scorecard", (2, 0)),
    ] {
        let (first_model, second_model) = (model("first", first), model("second", second));
        let types = types(keys);
        let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
        let models = [&first_model, &second_model];
        let (result, account) = run(&types, (&store, &clock), &models, &first_event(), &[]);
        let insight = insight(&result);
        assert_eq!(line(insight), expected, "{keys}: {first} | {second}");
        assert_eq!((first_model.calls(), second_model.calls()), calls, "{keys}: {first} | {second}");
        // Every call is in the insight, and in the account with its tokens and its cost.
        assert_eq!(insight.attempts.len(), calls.0 + calls.1, "{keys}: {first} | {second}");
        assert_eq!(account.attempts.len(), insight.attempts.len());
        assert!(!insight.degraded, "{keys}: {first} | {second}");
        if insight.grade.is_of_model() {
            let said = insight.risk_score.to_string();
            assert!(insight.explanation.contains(&format!("; {said}")), "{} {said}", insight.explanation);
        }
    }
}

#[test]
fn the_calls_of_earlier_workers_leave_fewer_answers() {
    let types = types("samples = 5");
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let first = model("first", "50 60 70 80 90");
    // The commit fails until the run ends, after it has paid all five calls.
    let mut plan = vec![(Operation::Commit, Fault::ErrorBefore); 60];
    plan.push((Operation::StoreAnswer, Fault::ErrorBefore));
    let (failed, _) = run(&types, (&store, &clock), &[&first], &first_event(), &plan);
    assert!(failed.is_err(), "{failed:?}");
    clock.advance(Duration::from_mins(2));
    let again = model("first", "50");
    let (result, _) = run(&types, (&store, &clock), &[&again], &first_event(), &[]);
    assert_eq!((first.calls(), again.calls()), (5, 0));
    assert_eq!(line(insight(&result)), "63 scorecard");
}

#[test]
fn several_answers_are_reused_together_and_one_answer_is_not_reused_as_several() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let (one, three) = (types("samples = 1"), types("samples = 3"));
    let (first, second) = (model("first", "60 64"), model("second", "20"));
    let models = [&first, &second];
    let other = |student: &str| event(student, 5, 65, "2025-01-01T12:00:00Z");
    let _ = run(&one, (&store, &clock), &models, &first_event(), &[]);
    let (several, _) = run(&three, (&store, &clock), &models, &other("stu_2"), &[]);
    assert_eq!((line(insight(&several)), first.calls()), ("64 model [64 64 64]".to_owned(), 4));
    let (reused, account) = run(&three, (&store, &clock), &models, &other("stu_3"), &[]);
    assert_eq!((line(insight(&reused)), first.calls()), ("64 model [64 64 64]".to_owned(), 4));
    assert_eq!(outcomes(insight(&reused)), ["reused"]);
    // What was saved is the cost of all three calls.
    let cost = portend_core::number::Number::new(0.0018);
    assert_eq!(account.reused.first().map(|reused| reused.cost_usd), Some(cost));
}

#[test]
fn a_doubted_answer_is_not_reused() {
    let (store, clock) = (MemoryStore::new(), StoppedClock::at(start()));
    let types = types("verify = true");
    let (first, second) = (model("first", "72"), model("second", "10"));
    for student in ["stu_1", "stu_2"] {
        let event = event(student, 5, 65, "2025-01-01T12:00:00Z");
        let (result, _) = run(&types, (&store, &clock), &[&first, &second], &event, &[]);
        assert_eq!(line(insight(&result)), "72 doubted [72] doubted");
    }
    assert_eq!((first.calls(), second.calls()), (2, 2));
}
