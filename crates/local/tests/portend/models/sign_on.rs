//! A profile with single sign-on: its cached token gets the role's credentials, which sign the model's request.

use std::fs;

use portend_testing::http::{Script, Server};
use portend_testing::vendor::Vendor::Bedrock;
use serde_json::json;

use super::harness::{AWS_KEY_ID, AWS_SECRET, Scene, alert};

/// The name of the token's file: the SHA-1 of the profile's start URL.
const TOKEN_FILE: &str = "home/.aws/sso/cache/458f97fc7a0bd84525e152a04e38349408a028e5.json";

const PROFILE: &str = "[profile work]
sso_start_url = https://portend.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = Reader
region = us-east-1
";

/// A scene with the profile and a token that expires at this time. `portal` answers for AWS.
fn scene(expires_at: &str, portal: &Server) -> Scene {
    let scene = Scene::alone(Bedrock, [Bedrock.answers()])
        .unset("AWS_ACCESS_KEY_ID")
        .unset("AWS_SECRET_ACCESS_KEY")
        .set("AWS_PROFILE", "work")
        .set("AWS_ENDPOINT_URL_SSO", portal.url());
    let token = json!({ "accessToken": "canary-token", "expiresAt": expires_at });
    for (name, text) in [("home/.aws/config", PROFILE.to_owned()), (TOKEN_FILE, token.to_string())] {
        let path = scene.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    scene
}

#[test]
fn a_profile_with_single_sign_on_signs_requests() {
    let role = json!({ "roleCredentials": {
        "accessKeyId": AWS_KEY_ID,
        "secretAccessKey": AWS_SECRET,
        "sessionToken": "token",
        "expiration": 4_102_444_800_000_u64,
    } });
    let portal = Server::start([Script::answer(200, role.to_string())]);
    let scene = scene("2100-01-01T00:00:00Z", &portal);
    assert_eq!(scene.explain(&[alert(1)]).insight()["grade"], "model");
    assert_eq!(portal.requests().len(), 1);
    let authorization = scene.requests(Bedrock)[0].header("authorization").unwrap().to_owned();
    assert!(authorization.contains(&format!("Credential={AWS_KEY_ID}/")), "{authorization}");
}

#[test]
fn an_expired_token_is_reported_with_its_fix() {
    let refusal = Script::answer(401, r#"{"message": "Session token not found or invalid"}"#);
    let refusal = refusal.header("x-amzn-ErrorType", "UnauthorizedException");
    let portal = Server::start([refusal]);
    let scene = scene("2020-01-01T00:00:00Z", &portal);
    let run = scene.run(&["doctor", "--json"]);
    let line = run.lines().into_iter().find(|line| line["state"] == "failed").unwrap();
    let says = line["says"].as_str().unwrap();
    assert!(says.contains("credentials") && says.contains("; renew"), "{says}");
    assert_eq!(portal.requests().len(), 1);
}
