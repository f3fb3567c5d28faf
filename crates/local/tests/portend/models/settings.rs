//! Tests how flags, the environment and `portend.toml` set the chain. A wrong setting ends with exit code 2 and one
//! sentence that names the setting and the fix.
//!
//! Never: calls a model if a setting is wrong.

use super::harness::{KEY, Scene, alert, each, text, texts};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};
use serde_json::json;

/// The settings of two further models at the scripted vendors.
const ENDPOINTS: &str = r#"
    [models.a]
    base_url = "OPENAI"
    model = "model-a"
    api_key_env = "KEY_OF_A"
    [models.b]
    provider = "bedrock"
    model = "us.anthropic.claude-haiku-5-5"
"#;

/// A scene in which every vendor fails, so that the program calls every model of the chain.
fn all_down() -> Scene {
    let scene =
        Scene::new(std::iter::repeat_with(|| Bedrock.is_busy()), std::iter::repeat_with(|| OpenAi.is_busy()));
    scene.set("KEY_OF_A", KEY)
}

/// The models that were called, in their order, and the source of the answer.
fn order(scene: &Scene, flags: &[&str]) -> String {
    let input = scene.input(&[alert(1)]);
    let arguments: Vec<_> = ["explain", "--json", &input].into_iter().chain(flags.iter().copied()).collect();
    let run = scene.run(&arguments);
    let line = run.line();
    let mut models = texts(&line["insight"]["attempts"], "model");
    models.dedup();
    models.push(line["insight"]["model_used"].as_str().unwrap_or("none"));
    models.join(" ")
}

#[test]
fn a_flag_goes_before_the_environment_and_both_before_the_file() {
    let in_file = format!("chain = \"b,scorecard\"\n{ENDPOINTS}");
    let list = format!("chain = [\"b\", \"scorecard\"]\n{ENDPOINTS}");
    let none: &[&str] = &[];
    let flag: &[&str] = &["--models", "a,scorecard"];
    let rows = [
        ("the default", None, None, none, "scorecard"),
        ("the file", None, Some(in_file.as_str()), none, "b scorecard"),
        ("the environment", Some("openai,scorecard"), Some(in_file.as_str()), none, "openai scorecard"),
        ("the flag", Some("openai,scorecard"), Some(in_file.as_str()), flag, "a scorecard"),
        ("the key `models`", None, Some("models = \"openai,scorecard\""), none, "openai scorecard"),
        (
            "the key `models` as a list",
            None,
            Some("models = [\"openai\", \"scorecard\"]"),
            none,
            "openai scorecard",
        ),
        ("a chain as a list", None, Some(list.as_str()), none, "b scorecard"),
        ("spaces", Some(" openai , scorecard "), None, none, "openai scorecard"),
        ("OpenAI before Bedrock", Some("openai,bedrock,scorecard"), None, none, "openai bedrock scorecard"),
        ("Bedrock before OpenAI", Some("bedrock,openai,scorecard"), None, none, "bedrock openai scorecard"),
    ];
    each(&rows, |(name, environment, file, flags, expected)| {
        let mut scene = all_down();
        if let Some(models) = environment {
            scene = scene.models(models);
        }
        if let Some(file) = file {
            scene = scene.file(file);
        }
        super::harness::equal(name, &order(&scene, flags).as_str(), expected)
    });
}

#[test]
fn use_bedrock_chooses_the_default_chain_unless_a_chain_is_set() {
    for (value, key, url, expected) in [
        ("true", Some(KEY), true, "bedrock openai scorecard"),
        ("false", Some(KEY), true, "openai scorecard"),
        ("false", None, true, "openai scorecard"),
        ("true", None, false, "bedrock scorecard"),
        ("false", None, false, "scorecard"),
        ("false", Some(" "), false, "scorecard"),
    ] {
        let mut scene = all_down().set("USE_BEDROCK", value);
        scene = if let Some(key) = key {
            scene.set("OPENAI_API_KEY", key)
        } else {
            scene.unset("OPENAI_API_KEY")
        };
        if !url {
            scene = scene.unset("OPENAI_BASE_URL");
        }
        assert_eq!(order(&scene, &[]), expected, "{value} {key:?} {url}");
    }
    assert_eq!(
        order(&all_down().set("USE_BEDROCK", "true").models("openai,scorecard"), &[]),
        "openai scorecard"
    );
}

#[test]
fn a_model_of_the_file_is_called_with_its_own_key_and_model_id() {
    let scene = Scene::new([Bedrock.answers()], [OpenAi.answers()])
        .set("KEY_OF_A", KEY)
        .unset("OPENAI_API_KEY")
        .file(ENDPOINTS);
    let scene = scene.models("a,b,scorecard");
    let insight = scene.explain(&[alert(1)]).insight();
    assert_eq!(text(&insight["model_used"]), "a-model-a");
    let request = &scene.requests(OpenAi)[0];
    assert_eq!(request.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(portend_testing::vendor::json_of(request)["model"], "model-a");
    let insight = scene.models("b,a").explain(&[alert(2)]).insight();
    assert_eq!(text(&insight["model_used"]), "bedrock-claude-haiku-5.5");
}

#[test]
fn the_key_of_the_environment_goes_before_the_key_of_the_file() {
    let file = "openai_api_key = \"sk-canary-5f02c1\"";
    let scene = Scene::alone(OpenAi, [OpenAi.answers()]).unset("OPENAI_API_KEY").file(file);
    scene.explain(&[alert(1)]).insight();
    assert_eq!(scene.requests(OpenAi)[0].header("authorization"), Some(&*format!("Bearer {KEY}")));
    let scene = Scene::alone(OpenAi, [OpenAi.answers()]).file("openai_api_key = \"another\"");
    scene.explain(&[alert(1)]).insight();
    assert_eq!(scene.requests(OpenAi)[0].header("authorization"), Some(&*format!("Bearer {KEY}")));
}

/// The key of `openai` goes to the endpoint of `openai`, and to no other.
#[test]
fn a_key_goes_to_its_own_endpoint_only() {
    let file = "[models.a]\nbase_url = \"OPENAI\"\nmodel = \"model-a\"";
    let scene = Scene::new([], [OpenAi.answers()]).file(file).models("a,scorecard");
    assert_eq!(scene.explain(&[alert(1)]).insight()["grade"], "model");
    assert_eq!(scene.requests(OpenAi)[0].header("authorization"), None);
}

/// A name, the environment, the settings file, and the words that the sentence must contain.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

fn check(rows: &[Wrong<'_>]) {
    each(rows, |(name, environment, file, words)| {
        let mut scene = all_down();
        for (name, value) in *environment {
            scene = scene.set(name, *value);
        }
        if !file.is_empty() {
            scene = scene.file(file);
        }
        let run = scene.run(&["explain", "--json", &scene.input(&[alert(1)])]);
        let sentence = run.errors.trim_end();
        let is_one_line = sentence.lines().count() == 1;
        let names = words.iter().all(|word| sentence.contains(word));
        if run.code == 2 && run.output.is_empty() && is_one_line && names && scene.asked() == [0, 0] {
            return Ok(());
        }
        Err(format!("{name}: exit code {}, expected {words:?}\n{sentence}", run.code))
    });
}

#[test]
fn a_wrong_order_of_models_stops_the_program_with_one_sentence() {
    check(&[
        ("an empty chain", &[], "chain = \"\"", &["MODELS", "empty name", "comma"]),
        ("only a comma", &[("MODELS", ",")], "", &["MODELS", "empty name"]),
        ("a comma too many", &[("MODELS", "openai,,scorecard")], "", &["MODELS", "empty name"]),
        ("an unknown name", &[("MODELS", "gemini,scorecard")], "", &["MODELS", "gemini", "[models.gemini]"]),
        ("a name in capitals", &[("MODELS", "OpenAI,scorecard")], "", &["MODELS", "OpenAI", "openai"]),
        ("the same model twice", &[("MODELS", "openai,openai")], "", &["MODELS", "`openai` twice", "once"]),
        ("the scorecard twice", &[("MODELS", "scorecard,scorecard")], "", &["MODELS", "`scorecard` twice"]),
        ("the scorecard first", &[("MODELS", "scorecard,openai")], "", &["MODELS", "scorecard last"]),
        ("neither true nor false", &[("USE_BEDROCK", "maybe")], "", &["USE_BEDROCK", "true", "false"]),
        ("a list of numbers", &[], "models = [5]", &["portend.toml:1", "expected a string"]),
        ("not a string", &[], "chain = 5", &["portend.toml:1", "expected a text"]),
        (
            "an unknown name in the file",
            &[],
            "chain = \"c\"\n[models.d]\nmodel = \"x\"",
            &["c", "[models.c]"],
        ),
        // The program cannot know which of the two the person means.
        (
            "two orders",
            &[],
            "models = \"scorecard\"\nchain = \"openai\"",
            &["models", "chain", "remove one of them"],
        ),
    ]);
}

#[test]
fn a_wrong_model_in_the_environment_stops_the_program_with_one_sentence() {
    const BAD_URL: &[&str] = &["OPENAI_BASE_URL", "is not a base URL"];
    const PLAIN_URL: &[&str] = &["OPENAI_BASE_URL", "https://"];
    let rows = [
        ("http elsewhere", "OPENAI_BASE_URL", "http://example.com/v1", PLAIN_URL),
        ("http on the local network", "OPENAI_BASE_URL", "http://192.168.1.5:11434/v1", PLAIN_URL),
        (
            "http to a name that begins with localhost",
            "OPENAI_BASE_URL",
            "http://localhost.example.com/v1",
            PLAIN_URL,
        ),
        ("an address without a scheme", "OPENAI_BASE_URL", "localhost:11434", BAD_URL),
        ("another scheme", "OPENAI_BASE_URL", "ftp://localhost/v1", BAD_URL),
        ("a model of two words", "OPENAI_MODEL", "gpt 4", &["OPENAI_MODEL", "model id"]),
        ("a key of two words", "OPENAI_API_KEY", "sk 1", &["OPENAI_API_KEY", "without spaces"]),
        ("a profile of two words", "BEDROCK_MODEL_ID", "us. x", &["BEDROCK_MODEL_ID", "model id"]),
        ("a region without a profile", "AWS_REGION", "sa-east-1", &["BEDROCK_MODEL_ID", "sa-east-1"]),
    ];
    let environments = rows.map(|(_, variable, value, _)| [("MODELS", "openai,bedrock"), (variable, value)]);
    let rows: Vec<Wrong<'_>> = rows
        .iter()
        .zip(&environments)
        .map(|((name, _, _, words), environment)| (*name, environment.as_slice(), "", *words))
        .collect();
    check(&rows);
}

#[test]
fn a_wrong_model_in_the_file_stops_the_program_with_one_sentence() {
    const A: &[(&str, &str)] = &[("MODELS", "a")];
    check(&[
        ("openai redefined", &[], "[models.openai]\nmodel = \"x\"", &["[models.openai]", "another"]),
        ("bedrock redefined", &[], "[models.bedrock]\nmodel = \"x\"", &["[models.bedrock]", "another"]),
        ("scorecard redefined", &[], "[models.scorecard]\nmodel = \"x\"", &["[models.scorecard]", "another"]),
        (
            "an unset key",
            A,
            "[models.a]\nbase_url = \"OPENAI\"\nmodel = \"x\"\napi_key_env = \"NOWHERE\"",
            &["[models.a]", "NOWHERE", "set it"],
        ),
        (
            "an empty key",
            &[("MODELS", "a"), ("NOWHERE", "")],
            "[models.a]\nbase_url = \"OPENAI\"\nmodel = \"x\"\napi_key_env = \"NOWHERE\"",
            &["[models.a]", "NOWHERE"],
        ),
        (
            "two keys",
            A,
            "[models.a]\nbase_url = \"OPENAI\"\nmodel = \"x\"\napi_key = \"1\"\napi_key_env = \"HOME\"",
            &["[models.a]", "remove one of them"],
        ),
        ("no model", A, "[models.a]\nbase_url = \"OPENAI\"", &["models.a.model", "id of a model"]),
        (
            "http elsewhere",
            A,
            "[models.a]\nbase_url = \"http://example.com\"\nmodel = \"x\"",
            &["models.a.base_url", "https://"],
        ),
        (
            "Bedrock with an address",
            A,
            "[models.a]\nprovider = \"bedrock\"\nbase_url = \"OPENAI\"",
            &["[models.a]", "base_url", "remove"],
        ),
        (
            "an unknown provider",
            &[],
            "[models.a]\nprovider = \"gemini\"",
            &["portend.toml:2", "gemini", "bedrock"],
        ),
        ("an unknown key", &[], "[models.a]\nurl = \"x\"", &["portend.toml:2", "url", "base_url"]),
        // The sentence names a key of the file.
        ("no key for OpenAI itself", A, "[models.a]\nmodel = \"gpt-6-luna\"", &["models.a", "api_key"]),
        (
            "a key of two words",
            A,
            "[models.a]\nmodel = \"gpt-6-luna\"\napi_key = \"a b\"",
            &["models.a.api_key", "without spaces"],
        ),
        (
            "a region without a profile",
            &[("MODELS", "a"), ("AWS_REGION", "sa-east-1")],
            "[models.a]\nprovider = \"bedrock\"",
            &["models.a.model", "sa-east-1"],
        ),
        // The sentence uses the words of the file, not those of the program.
        ("a model that is not a table", &[], "[models]\na = \"x\"", &["portend.toml:2", "[models.NAME]"]),
    ]);
}

/// The program does not check settings that the chain does not use. With the scorecard alone, it checks none.
#[test]
fn a_wrong_setting_of_a_model_outside_the_chain_has_no_effect() {
    let scene = all_down()
        .file("[models.a]\nbase_url = \"nonsense\"\napi_key_env = \"NOWHERE\"")
        .set("OPENAI_BASE_URL", "nonsense")
        .set("BEDROCK_MODEL_ID", "")
        .models("scorecard");
    assert_eq!(scene.explain(&[alert(1)]).insight()["model_used"], "scorecard");
    for command in [&["insights"][..], &["types"], &["ledger"], &["parked"]] {
        assert_eq!(scene.run(command).code, 0, "{command:?}");
    }
}

/// A command that only reads the store needs no model.
#[test]
fn a_command_that_calls_no_model_needs_no_key() {
    let scene = all_down();
    scene.explain(&[alert(1)]).insight();
    let scene = scene.unset("OPENAI_BASE_URL").unset("OPENAI_API_KEY").models("openai,scorecard");
    for command in [&["insights"][..], &["ledger"], &["parked"]] {
        assert_eq!(scene.run(command).code, 0, "{command:?}");
    }
}

/// The time that a call needs at least is never more than the model's own timeout.
#[test]
fn a_model_with_a_short_timeout_is_called() {
    for timeout in ["1s", "4s"] {
        let scene = Scene::alone(OpenAi, [OpenAi.answers()]).set("OPENAI_TIMEOUT", timeout);
        let run = scene.explain(&[alert(1)]);
        assert_eq!(
            (scene.requests(OpenAi).len(), &run.insight()["grade"]),
            (1, &json!("model")),
            "{timeout}"
        );
    }
}
