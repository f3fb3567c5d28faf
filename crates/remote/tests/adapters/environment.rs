//! What the AWS SDK finds in its environment: credentials from each source, the region, the endpoints. Each case runs in
//! its own process, because the environment belongs to the process.

use std::path::Path;
use std::process::Command;

use portend_core::model::ConfigurationFault;
use portend_remote::settings::{BedrockSettings, ModelTuning};
use portend_remote::{AnyModel, Aws, find_region};

use crate::harness::{Kind, ask, configuration};
use portend_testing::http::{Request, Script, Server};

/// Is set only in the process of a case, so that a test that is run by hand never uses a person's own credentials.
const CHILD: &str = "PORTEND_TEST_CHILD";

/// The process of one case: calls Bedrock once with what the environment provides, and prints the result. It does nothing
/// in the test run itself.
#[tokio::test]
async fn child() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test run passes this variable to the process that it starts"
    )]
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let settings =
        BedrockSettings { name: "bedrock".to_owned(), model_id: None, tuning: ModelTuning::default() };
    let model = AnyModel::bedrock(settings, Aws::ambient(find_region().await)).unwrap();
    println!("{:?}", ask(&model).await);
}

/// Runs a case with only this environment. `SERVER` is replaced by the server's URL, and `HOME` by a folder.
fn ask_with_environment(
    home: &Path,
    scripts: Vec<Script>,
    environment: &[(&str, &str)],
) -> (String, Vec<Request>) {
    let server = Server::start(scripts);
    let fill =
        |value: &str| value.replace("SERVER", &server.url()).replace("HOME", &home.display().to_string());
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "environment::child", "--nocapture"])
        .env_clear()
        .env(CHILD, "1")
        .env("HOME", home)
        .envs(environment.iter().map(|(name, value)| (name, fill(value))))
        .output()
        .expect("this program runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, server.requests())
}

fn yes() -> Script {
    Script::answer(200, Kind::Bedrock.response("yes").to_string())
}

const CREDENTIALS: &str = r#"{
    "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "AKIAFOUND", "SecretAccessKey": "canary", "Token": "token",
    "SessionToken": "token", "Expiration": "2099-01-01T00:00:00Z", "LastUpdated": "2026-01-01T00:00:00Z"
}"#;

const ASSUMED: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIAFOUND</AccessKeyId><SecretAccessKey>canary</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"#;

#[test]
fn credentials_region_and_endpoint_are_found_where_the_sdk_looks() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let credentials = "[tutor]\naws_access_key_id = AKIAFOUND\naws_secret_access_key = canary\n";
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    let print = r#"{"Version": 1, "AccessKeyId": "AKIAFOUND", "SecretAccessKey": "canary"}"#;
    std::fs::write(home.path().join("print.json"), print).unwrap();
    let process = format!("credential_process = /bin/cat {}/print.json", home.path().display());
    let config =
        format!("[profile tutor]\nregion = eu-west-1\n[profile process]\nregion = eu-west-1\n{process}\n");
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    std::fs::write(home.path().join("token"), "web-identity").unwrap();

    let text = |body: &str| Script::answer(200, body).header("content-type", "text/plain");
    let imds = vec![
        text("token").header("x-aws-ec2-metadata-token-ttl-seconds", "21600"),
        text("role"),
        text(CREDENTIALS),
    ];
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAFOUND"), ("AWS_SECRET_ACCESS_KEY", "canary")];
    let at = |region| [("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "SERVER"), ("AWS_REGION", region)];
    let nowhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    for (source, before, environment, region) in [
        ("environment", vec![], [&keys[..], &at("us-west-2"), &nowhere].concat(), "us-west-2"),
        (
            "one endpoint for all",
            vec![],
            [&keys[..], &[("AWS_ENDPOINT_URL", "SERVER"), ("AWS_DEFAULT_REGION", "eu-west-3")]].concat(),
            "eu-west-3",
        ),
        (
            "profile",
            vec![],
            vec![("AWS_PROFILE", "tutor"), ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "SERVER")],
            "eu-west-1",
        ),
        (
            "process",
            vec![],
            vec![("AWS_PROFILE", "process"), ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "SERVER")],
            "eu-west-1",
        ),
        (
            "web identity",
            vec![text(ASSUMED)],
            [
                &at("ap-northeast-1")[..],
                &[
                    ("AWS_ENDPOINT_URL_STS", "SERVER"),
                    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/tutor"),
                    ("AWS_WEB_IDENTITY_TOKEN_FILE", "HOME/token"),
                ],
            ]
            .concat(),
            "ap-northeast-1",
        ),
        (
            "container",
            vec![text(CREDENTIALS)],
            [&at("us-east-1")[..], &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "SERVER/credentials")]].concat(),
            "us-east-1",
        ),
        (
            "instance",
            imds,
            [&at("ap-southeast-2")[..], &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "SERVER")]].concat(),
            "ap-southeast-2",
        ),
    ] {
        let expected: Result<_, portend_core::model::ModelError> = Ok(Kind::Bedrock.completion("yes"));
        let steps = before.len() + 1;
        let (output, requests) =
            ask_with_environment(home.path(), [before, vec![yes()]].concat(), &environment);
        assert!(output.contains(&format!("{expected:?}")), "{source}: {output}");
        assert_eq!(requests.len(), steps, "{source}");
        let authorization = requests.last().and_then(|request| request.header("authorization")).unwrap();
        assert!(authorization.contains("Credential=AKIAFOUND/"), "{source}: {authorization}");
        assert!(authorization.contains(&format!("/{region}/bedrock/")), "{source}: {authorization}");
    }
}

#[test]
fn a_bedrock_api_key_is_used_if_it_is_set() {
    let home = tempfile::tempdir().unwrap();
    let key = "bedrock-api-key-canary";
    let environment =
        [("AWS_BEARER_TOKEN_BEDROCK", key), ("AWS_ENDPOINT_URL", "SERVER"), ("AWS_REGION", "us-east-1")];
    let (output, requests) = ask_with_environment(home.path(), vec![yes()], &environment);
    assert!(!output.contains("canary"), "{output}");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {key}").as_str()));
    assert!(!requests[0].shows(key));
}

#[test]
fn missing_credentials_are_a_configuration_fault() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let single_sign_on = "[profile sso]\nsso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://x.invalid\n";
    std::fs::write(home.path().join(".aws/config"), single_sign_on).unwrap();
    let expected = format!("Err({:?})", configuration(ConfigurationFault::NoCredentials));
    let bad = format!("Err({:?})", configuration(ConfigurationFault::BadCredentials));
    for (name, value) in [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "METADATA"),
        ("AWS_PROFILE", "sso"),
    ] {
        // Behind some firewalls, another server responds at the address of the instance's metadata.
        let metadata = Server::start(std::iter::repeat_with(|| Script::answer(403, "<html>")));
        let value = value.replace("METADATA", &metadata.url());
        let environment =
            [(name, value.as_str()), ("AWS_ENDPOINT_URL", "SERVER"), ("AWS_REGION", "us-east-1")];
        let (output, requests) = ask_with_environment(home.path(), vec![yes()], &environment);
        // Where single sign-on is compiled in, as in the command line, the profile is read, and its token is missing.
        let is_read = value == "sso" && output.contains(&bad);
        assert!(output.contains(&expected) || is_read, "{name}={value}: {output}");
        assert_eq!(requests, [], "{name}={value}");
    }
}
