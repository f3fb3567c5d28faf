//! A settings file that is only found in the current folder cannot send a key of the environment to its own server. Each
//! attack ends at a scripted server, which must receive no key.

use std::fs;

use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

use super::harness::{KEY, Run, Scene, alert, each, equal, text};

/// A scene in which only a settings file can name the server. `GITHUB_TOKEN` stands for a key that is not for a model.
fn scene() -> Scene {
    Scene::new([Bedrock.answers()], [OpenAi.answers()])
        .unset("OPENAI_BASE_URL")
        .unset("OPENAI_MODEL")
        .set("VLLM_KEY", KEY)
        .set("GITHUB_TOKEN", KEY)
}

/// The settings of `openai` at the scripted server.
const OPENAI: &str =
    "models = \"openai,scorecard\"\nopenai_base_url = \"SERVER\"\nopenai_model = \"llama3.2\"\n";

/// A further endpoint at the scripted server, whose key is in this variable.
fn endpoint(variable: &str) -> String {
    format!(
        "chain = \"a,scorecard\"\n[models.a]\nbase_url = \"SERVER\"\nmodel = \"llama3.2\"\napi_key_env = \"{variable}\"\n"
    )
}

/// The user's own settings file.
fn user_file(scene: Scene, text: &str) -> Scene {
    write(scene, "home/.config/portend/portend.toml", text)
}

/// The settings file of the current folder.
fn found_file(scene: Scene, text: &str) -> Scene {
    write(scene, "portend.toml", text)
}

fn write(scene: Scene, name: &str, text: &str) -> Scene {
    let path = scene.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text.replace("SERVER", &scene.openai_url())).unwrap();
    scene
}

/// What an alert's run sent to the scripted server: `no request`, `no key` or `the key`.
fn sent(scene: &Scene, arguments: &[&str]) -> (&'static str, Run) {
    let input = scene.input(&[alert(1)]);
    let run = scene.run(&[&["explain", "--json", &input], arguments].concat());
    let requests = scene.requests(OpenAi);
    let keys: Vec<_> = requests.iter().filter_map(|request| request.header("authorization")).collect();
    let sent = match (requests.len(), keys.as_slice()) {
        (0, _) => "no request",
        (_, []) => "no key",
        (_, keys) if keys.iter().all(|key| *key == format!("Bearer {KEY}")) => "the key",
        (_, keys) => panic!("{keys:?}"),
    };
    (sent, run)
}

#[test]
fn a_found_file_gets_no_key_of_the_environment() {
    let by_name =
        ["VLLM_KEY", "GITHUB_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"];
    each(&by_name, |variable| {
        let scene = found_file(scene(), &endpoint(variable));
        let (sent, run) = sent(&scene, &[]);
        let says =
            run.errors.contains(variable) && run.errors.contains("[models.a]") && run.errors.contains("; ");
        equal(variable, &(sent, run.code, says, run.errors.lines().count()), &("no request", 2, true, 1))
    });
    // The file does not ask for the key of `openai`, so its server is called without one, and a line says so.
    let (sent, run) = sent(&found_file(scene(), OPENAI), &[]);
    assert_eq!((sent, run.code), ("no key", 0), "{}", run.errors);
    assert_eq!(run.errors.lines().count(), 2, "{}", run.errors);
    assert!(
        run.errors.contains("./portend.toml")
            && run.errors.contains("OPENAI_API_KEY is not sent to http://127.0.0.1")
    );
}

#[test]
fn a_found_file_gets_no_other_key_at_openai_itself() {
    let file = "chain = \"a\"\n[models.a]\nmodel = \"gpt-6-luna\"\napi_key_env = \"GITHUB_TOKEN\"\n";
    let (sent, run) = sent(&found_file(scene(), file), &[]);
    assert_eq!((sent, run.code), ("no request", 2));
    assert!(run.errors.contains("GITHUB_TOKEN is not sent to https://api.openai.com:443"), "{}", run.errors);
}

#[test]
fn a_found_file_gets_no_secret_of_the_users_aws_account() {
    let file = "models = \"openai,scorecard\"\nopenai_api_key_secret = \"prod/database\"\n";
    let (sent, run) = sent(&found_file(scene().unset("OPENAI_API_KEY"), file), &[]);
    assert_eq!((sent, run.code), ("no request", 2));
    assert!(run.errors.contains("OPENAI_API_KEY_SECRET"), "{}", run.errors);
}

#[test]
fn the_users_own_settings_send_the_key() {
    let url = |scene: &Scene| scene.openai_url();
    for (name, scene, arguments) in [
        ("the file of --config", found_file(scene(), OPENAI), &["--config", "portend.toml"][..]),
        (
            "the file of PORTEND_CONFIG",
            found_file(scene(), OPENAI).set("PORTEND_CONFIG", "portend.toml"),
            &[],
        ),
        (
            "a variable in the file of --config",
            found_file(scene(), &endpoint("VLLM_KEY")),
            &["--config", "portend.toml"],
        ),
        ("the user's file", user_file(scene(), OPENAI), &[]),
        ("a variable in the user's file", user_file(scene(), &endpoint("VLLM_KEY")), &[]),
        // The found file is in use, and the user's own names its server.
        ("both files", found_file(user_file(scene(), OPENAI), OPENAI), &[]),
        ("a variable, and both files", found_file(user_file(scene(), OPENAI), &endpoint("VLLM_KEY")), &[]),
        (
            "an endpoint in both files",
            found_file(user_file(scene(), &endpoint("VLLM_KEY")), &endpoint("VLLM_KEY")),
            &[],
        ),
    ] {
        let (sent, run) = sent(&scene, arguments);
        assert_eq!((sent, run.code), ("the key", 0), "{name}: {}", run.errors);
    }
    let scene = found_file(scene(), &endpoint("VLLM_KEY"));
    let of_environment = url(&scene);
    assert_eq!(sent(&scene.set("OPENAI_BASE_URL", of_environment), &[]).0, "the key");
    let scene = found_file(self::scene(), OPENAI);
    let of_flag = url(&scene);
    assert_eq!(sent(&scene, &["--openai-base-url", &of_flag]).0, "the key");
}

#[test]
fn no_file_sends_a_variable_of_aws() {
    for variable in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "aws_secret_access_key"] {
        let own = user_file(scene().set(variable, "canary/aws+secret"), &endpoint(variable));
        let named = found_file(scene().set(variable, "canary/aws+secret"), &endpoint(variable));
        for (scene, arguments) in [(own, &[][..]), (named, &["--config", "portend.toml"])] {
            let (sent, run) = sent(&scene, arguments);
            assert_eq!((sent, run.code), ("no request", 2), "{variable}");
            assert!(run.errors.contains("belongs to AWS"), "{}", run.errors);
        }
    }
}

/// A found file may have a key of its own: it is not the user's.
#[test]
fn a_found_file_sends_its_own_key() {
    let file = format!("{OPENAI}openai_api_key = \"{KEY}\"\n");
    let (sent, run) = sent(&found_file(scene().set("OPENAI_API_KEY", "sk-another-canary"), &file), &[]);
    assert_eq!((sent, run.code), ("the key", 0), "{}", run.errors);
}

/// A broken file of the user's own stops the program, rather than to decide about keys.
#[test]
fn the_users_own_file_must_be_readable_too() {
    let scene = found_file(user_file(scene(), "openai_base_url = 5\n"), OPENAI);
    let (sent, run) = sent(&scene, &[]);
    assert_eq!((sent, run.code), ("no request", 2));
    assert!(run.errors.contains(".config/portend/portend.toml:1"), "{}", run.errors);
}

#[test]
fn a_found_file_is_reported_once_by_each_command() {
    let scene = found_file(scene(), "models = \"scorecard\"\n");
    let file = "using the settings of ./portend.toml";
    scene.explain(&[alert(1), alert(2)]);
    for command in
        [&["explain", &scene.input(&[alert(3)])][..], &["insights"], &["ledger"], &["parked"], &["types"]]
    {
        let run = scene.run(command);
        assert_eq!(run.errors.matches(file).count(), 1, "{command:?}: {}", run.errors);
        let run = scene.run(&[command, &["--config", "portend.toml"]].concat());
        assert!(!run.errors.contains(file), "{command:?}: {}", run.errors);
    }
}

#[test]
fn the_doctor_names_the_settings_file_and_a_withheld_key() {
    let of = |scene: &Scene| {
        let run = scene.run(&["doctor", "--json"]);
        let lines = run.lines();
        let of_file = lines.iter().filter(|line| line["part"] == "settings file");
        of_file.map(|line| format!("{}: {}", text(&line["state"]), text(&line["says"]))).collect::<Vec<_>>()
    };
    assert_eq!(of(&scene().models("scorecard")), ["ok: none"]);
    let own = of(&user_file(scene(), OPENAI));
    assert!(own.len() == 1 && own[0].ends_with("home/.config/portend/portend.toml"), "{own:?}");
    let found = of(&found_file(scene(), OPENAI));
    assert!(found[0].starts_with("ok: ./portend.toml"), "{found:?}");
    assert!(found[1].starts_with("warning: OPENAI_API_KEY is not sent to "), "{found:?}");
}
