//! Runs the function in a clean environment, on a table with one insight and one parked event. A scripted server has the
//! secrets and the queue.
//!
//! Never: accepts a leak. A token in the output of the function fails the test.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use portend_core::alert::{Reason, Refusal};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::store::{Insights, Parked, Parking};
use portend_remote::{Aws, DynamoDb, SystemClock};
use portend_testing::http::{Script, Server};
use portend_testing::play::{event, store_one};
use portend_testing::runtime_api::RuntimeApi;
use portend_testing::table::{Table, endpoint, operation};
use serde_json::{Value, json};

/// The token in the secret `portend-token`.
pub(crate) const TOKEN: &str = "canary-0123456789-0123456789";

/// What is before the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    FunctionUrl,
    HttpApi,
}

impl Gateway {
    /// The payload of a request, as this gateway writes it.
    fn payload(self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
        let (domain, is_api) = match self {
            Self::FunctionUrl => ("abc.lambda-url.us-east-1.on.aws", false),
            Self::HttpApi => ("abc.execute-api.us-east-1.amazonaws.com", true),
        };
        let (cookies, headers): (Vec<_>, Vec<_>) = headers.iter().partition(|(name, _)| *name == "cookie");
        let mut payload = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": raw_path,
            "rawQueryString": query,
            "headers": {
                "host": domain,
                "accept": "*/*",
                "content-type": "application/json",
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": if is_api { "123456789012" } else { "anonymous" },
                "apiId": "abc",
                "domainName": domain,
                "domainPrefix": "abc",
                "http": {
                    "method": method,
                    "path": raw_path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": "curl/8",
                },
                "requestId": "request",
                "routeKey": "$default",
                "stage": "$default",
                "time": "01/Jan/2026:12:00:00 +0000",
                "timeEpoch": 1_767_268_800_000_u64,
            },
            "isBase64Encoded": false,
        });
        let fields = payload["headers"].as_object_mut().unwrap();
        fields.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        if !cookies.is_empty() {
            payload["cookies"] = cookies.iter().map(|(_, cookie)| json!(cookie)).collect();
        }
        if !body.is_empty() {
            payload["body"] = json!(body);
        }
        payload
    }
}

/// The table, and the services that the function calls.
pub(crate) struct Scene {
    pub(crate) table: Table,
    aws: Server,
    /// The id of the insight.
    pub(crate) alert_id: String,
    /// The parked event's.
    pub(crate) parked_sha256: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let aws = Server::answering(|request| match operation(request).as_str() {
            "GetSecretValue" if request.body.contains("portend-token") => {
                Script::answer(200, json!({ "SecretString": TOKEN }).to_string())
            }
            "SendMessage" => Script::answer(200, json!({ "MessageId": "1" }).to_string()),
            _ => Script::answer(400, "{}"),
        });
        let table = Table::create();
        let now = SystemClock.now();
        let event = event("stu_1", 5, 65, &now.to_string());
        let parked =
            Parked::new(b"{ \"entity_id\": 1", &Refusal::new(Reason::NotJson, "it is not JSON"), now);
        let store = store_in(&table);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let alert_id = runtime.block_on(async {
            let lease = store_one(&store, &event, false, None, now).await;
            store.park(&parked, "owner").await.unwrap();
            let stored = store.insight(&lease.insight_key, now).await.unwrap().unwrap();
            stored.alert_id().to_owned()
        });
        Self { table, aws, alert_id, parked_sha256: parked.sha256 }
    }

    pub(crate) fn aws_url(&self) -> String {
        self.aws.url()
    }

    /// The messages that were sent to the queue.
    pub(crate) fn queued(&self) -> Vec<Value> {
        let requests = self.aws.requests();
        let sent = requests.iter().filter(|request| operation(request) == "SendMessage");
        sent.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
    }

    /// Starts the function with these settings.
    pub(crate) fn start(&self, settings: &[(&str, &str)]) -> Function {
        let api = RuntimeApi::start();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portend-http"));
        command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.address());
        let table = endpoint();
        let aws = self.aws.url();
        let own = [
            ("DYNAMODB_TABLE_NAME", self.table.name.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", &table),
            ("AWS_ENDPOINT_URL", &aws),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "canary/aws+secret"),
            ("AWS_LAMBDA_FUNCTION_NAME", "portend-http"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("RUST_LOG", "trace"),
        ];
        command.envs(own).envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Function { api, child: command.spawn().unwrap() }
    }
}

fn store_in(table: &Table) -> DynamoDb {
    let credentials = Credentials::new("AKIA", "canary", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    DynamoDb::new(table.name.clone(), &AlertTypes::built_in(), Aws::with_config(config))
}

/// A running process of the function. Dropping it ends the process, and checks its output.
pub(crate) struct Function {
    api: RuntimeApi,
    child: Child,
}

impl Function {
    pub(crate) fn get(&self, gateway: Gateway, path: &str) -> Value {
        self.send(gateway, "GET", path, &[], "")
    }

    /// The response to a request.
    pub(crate) fn send(
        &self,
        gateway: Gateway,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Value {
        let payload = gateway.payload(method, path, headers, body);
        self.api.invoke(payload.to_string().as_bytes(), Duration::from_secs(15)).unwrap()
    }

    /// Waits until the process ends by itself. Returns its exit code and its output.
    pub(crate) fn stops(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.output())
    }

    fn output(&mut self) -> String {
        let mut text = String::new();
        if let (Some(mut out), Some(mut err)) = (self.child.stdout.take(), self.child.stderr.take()) {
            out.read_to_string(&mut text).unwrap();
            err.read_to_string(&mut text).unwrap();
        }
        assert!(!text.contains("canary"), "{text}");
        text
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.api.stop();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.output();
        }
    }
}
