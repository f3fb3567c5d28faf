//! Runs the function in a clean environment with a table, two scripted vendors, a bus and a secret. A [`Scene`] starts
//! functions, and checks their effects.
//!
//! Never: accepts a leak. A canary in a log line or in a request to a vendor fails the test.

use std::io::Read;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portend_remote::DynamoDb;
use serde_json::{Value, json};

use portend_testing::http::{Request, Script, Server};
use portend_testing::runtime_api::{InvocationResult, RuntimeApi};
use portend_testing::table::{Proxy, Table, operation, text_of};
use portend_testing::vendor::BOTH;
use portend_testing::vendor::Vendor::{self, Bedrock, OpenAi};

/// A text in every secret, id, message and unknown field of these tests.
pub(crate) const CANARY: &str = "canary";
const KEY: &str = "sk-canary-77ab";
/// The time of an invocation, unless a test sets another.
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// The sample event of the original handler's test.
pub(crate) const SAMPLE: &str = include_str!("../../../../test/test-alert.json");

/// An alert of the student with this number.
pub(crate) fn alert(number: usize) -> Value {
    json!({
        "alert_type": "high_ib_call_frequency",
        "severity": "warning",
        "entity_id": format!("stu_canary_{number}"),
        "entity_type": "student",
        "details": { "ib_calls_14d": 5, "health_score": 65, "note": "canary field" },
        "message": "canary message",
        "timestamp": "2025-01-01T12:00:00Z",
    })
}

/// An alert of the student with this number, below 1,000, whose facts no other number has, so that its answer is not used
/// for another. Rounded, they are the facts of [`alert`].
pub(crate) fn distinct_alert(number: usize) -> Value {
    let mut alert = alert(number);
    let fraction = u32::try_from(number).expect("a small number");
    alert["details"]["health_score"] = json!(65.0 + f64::from(fraction) / 2500.0);
    alert
}

/// The records of a queue, one for each body, named `message-0` and so on.
pub(crate) fn batch<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Value {
    let record = |(number, body)| json!({ "messageId": format!("message-{number}"), "body": body, "eventSource": "aws:sqs", "attributes": {} });
    json!({ "Records": bodies.into_iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// The message ids in the response of a batch, whose records must be delivered again.
pub(crate) fn handed_back(result: &InvocationResult) -> Vec<String> {
    let response = result.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
    let failures = response["batchItemFailures"].as_array().unwrap_or_else(|| panic!("{response}"));
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

/// The name of the secret with the channels.
const CHANNELS_SECRET: &str = "portend-channels";

/// The function's environment: the table, the vendors, the bus, the secret and the settings.
pub(crate) struct Scene {
    pub(crate) table: Table,
    pub(crate) proxy: Proxy,
    bedrock: Server,
    openai: Server,
    aws: Server,
    bus_is_down: Arc<Mutex<bool>>,
    /// The text of the secret with the channels.
    channels: Arc<Mutex<String>>,
    settings: Vec<(String, Option<String>)>,
}

impl Scene {
    /// A scene with a script for each request to each vendor.
    pub(crate) fn new<B, O>(bedrock: B, openai: O) -> Self
    where
        B: IntoIterator<Item = Script, IntoIter: Send + 'static>,
        O: IntoIterator<Item = Script, IntoIter: Send + 'static>,
    {
        let (bedrock, openai) = (Server::start(bedrock), Server::start(openai));
        let bus_is_down: Arc<Mutex<bool>> = Arc::default();
        let is_down = Arc::clone(&bus_is_down);
        let channels: Arc<Mutex<String>> = Arc::default();
        let channels_text = Arc::clone(&channels);
        let aws = Server::answering(move |request| match operation(request).as_str() {
            "PutEvents" if *is_down.lock().expect("no panic") => {
                let entry = json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "canary" });
                Script::answer(200, json!({ "FailedEntryCount": 1, "Entries": [entry] }).to_string())
            }
            "PutEvents" => Script::answer(
                200,
                json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] }).to_string(),
            ),
            "GetSecretValue" if request.body.contains(CHANNELS_SECRET) => {
                let text = channels_text.lock().expect("no panic").clone();
                Script::answer(200, json!({ "SecretString": text }).to_string())
            }
            "GetSecretValue" => Script::answer(200, json!({ "SecretString": KEY }).to_string()),
            _ => Script::answer(400, "{}"),
        });
        let (table, proxy) = (Table::create(), Proxy::start());
        let (bedrock_url, openai_url, aws_url) = (bedrock.url(), format!("{}/v1", openai.url()), aws.url());
        let (name, proxy_url) = (table.name.clone(), proxy.url());
        let scene = Self { table, proxy, bedrock, openai, aws, bus_is_down, channels, settings: Vec::new() };
        scene
            .set("DYNAMODB_TABLE_NAME", name)
            .set("AWS_ENDPOINT_URL_DYNAMODB", proxy_url)
            .set("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock_url)
            .set("AWS_ENDPOINT_URL", aws_url)
            .set("AWS_REGION", "us-east-1")
            .set("AWS_ACCESS_KEY_ID", "AKIAcanary")
            .set("AWS_SECRET_ACCESS_KEY", "canary/aws+secret")
            .set("AWS_LAMBDA_FUNCTION_NAME", "portend")
            .set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .set("EVENT_BUS_NAME", "iops-dashboard-alerts")
            .set("OPENAI_API_KEY", KEY)
            .set("OPENAI_BASE_URL", openai_url)
            .set("OPENAI_MODEL", "llama3.2")
            .set("RUST_LOG", "trace")
    }

    /// A scene in which both vendors answer every request.
    pub(crate) fn answering() -> Self {
        Self::new(std::iter::repeat_with(|| Bedrock.answers()), std::iter::repeat_with(|| OpenAi.answers()))
    }

    /// The same with channels, as this text of a secret says.
    pub(crate) fn with_channels(self, text: &str) -> Self {
        text.clone_into(&mut self.channels.lock().expect("no panic"));
        self.set("CHANNELS_SECRET", CHANNELS_SECRET)
    }

    /// Sets an environment variable.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Removes an environment variable.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.settings.push((name.to_owned(), None));
        self
    }

    /// Starts a process of the function whose log is not read.
    pub(crate) fn start_unread(&self) -> Function<'_> {
        let mut function = self.spawn();
        function.unread = function.child.stdout.take();
        function
    }

    /// Starts a process of the function.
    pub(crate) fn start(&self) -> Function<'_> {
        let mut function = self.spawn();
        let (out, err) = (function.child.stdout.take(), function.child.stderr.take());
        let read = |mut pipe: Box<dyn Read + Send>| {
            std::thread::spawn(move || {
                let mut text = String::new();
                pipe.read_to_string(&mut text).expect("UTF-8");
                text
            })
        };
        function.outputs =
            [read(Box::new(out.expect("a pipe"))), read(Box::new(err.expect("a pipe")))].map(Some);
        function
    }

    fn spawn(&self) -> Function<'_> {
        let api = RuntimeApi::start();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portend-lambda"));
        command.env_clear().env("AWS_LAMBDA_RUNTIME_API", api.address());
        for (name, value) in &self.settings {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the function starts");
        Function { scene: self, api, child, outputs: [None, None], unread: None }
    }

    /// Starts a process and invokes it once.
    pub(crate) fn invoke(&self, payload: &Value) -> InvocationResult {
        self.start().invoke(payload)
    }

    /// The requests that a vendor has received.
    pub(crate) fn requests(&self, vendor: Vendor) -> Vec<Request> {
        match vendor {
            Bedrock => self.bedrock.requests(),
            OpenAi => self.openai.requests(),
        }
    }

    /// The number of calls to each vendor.
    pub(crate) fn calls(&self) -> [usize; 2] {
        BOTH.map(|vendor| self.requests(vendor).len())
    }

    /// The details of the insights that were sent to the bus, whether the bus accepted them or not.
    pub(crate) fn published(&self) -> Vec<Value> {
        let puts = self.aws.requests().into_iter().filter(|request| operation(request) == "PutEvents");
        puts.flat_map(|request| {
            let body: Value = serde_json::from_str(&request.body).expect("JSON");
            let entries = body["Entries"].as_array().expect("entries").clone();
            entries.into_iter().map(|entry| {
                assert_eq!(
                    (&entry["Source"], &entry["DetailType"], &entry["EventBusName"]),
                    (&json!("iops-dashboard.ai"), &json!("insight"), &json!("iops-dashboard-alerts"))
                );
                serde_json::from_str(entry["Detail"].as_str().expect("a detail")).expect("JSON")
            })
        })
        .collect()
    }

    /// The number of times that the secret was read.
    pub(crate) fn secret_reads(&self) -> usize {
        self.aws.requests().iter().filter(|request| operation(request) == "GetSecretValue").count()
    }

    /// Sets whether the bus rejects every event.
    pub(crate) fn bus_is_down(&self, is_down: bool) {
        *self.bus_is_down.lock().expect("no panic") = is_down;
    }

    /// The items of the insights in the table.
    pub(crate) fn insights(&self) -> Vec<portend_testing::table::Item> {
        self.table.items_of("insight#")
    }

    /// The reasons of the parked events, sorted.
    pub(crate) fn parked(&self) -> Vec<String> {
        let items = self.table.items_of("parked#");
        let mut reasons: Vec<_> = items.iter().map(|item| text_of(item, "reason").to_owned()).collect();
        reasons.sort();
        reasons
    }

    /// Checks that the stack allows every operation on the table.
    fn check_actions(&self) {
        for operation in self.proxy.operations() {
            // The actions of its steps allow a transaction.
            let actions = match operation.as_str() {
                "TransactWriteItems" => vec!["PutItem", "UpdateItem"],
                name => vec![name],
            };
            for action in actions {
                assert!(DynamoDb::ACTIONS.contains(&format!("dynamodb:{action}").as_str()), "{action}");
            }
        }
    }

    fn check_for_canaries(&self, output: &str) {
        assert!(!output.contains(CANARY), "{output}");
        for vendor in BOTH {
            for request in self.requests(vendor) {
                assert!(!request.shows(CANARY), "{request:?}");
            }
        }
    }
}

/// A running process of the function. Dropping it ends the process.
pub(crate) struct Function<'s> {
    scene: &'s Scene,
    api: RuntimeApi,
    child: Child,
    outputs: [Option<JoinHandle<String>>; 2],
    /// A log that is not read.
    unread: Option<ChildStdout>,
}

impl Function<'_> {
    pub(crate) fn invoke(&self, payload: &Value) -> InvocationResult {
        self.invoke_bytes(payload.to_string().as_bytes(), MINUTE)
    }

    pub(crate) fn invoke_bytes(&self, payload: &[u8], time: Duration) -> InvocationResult {
        self.api.invoke(payload, time)
    }

    /// The status of the response, and the reason if there is one.
    pub(crate) fn outcome(&self, payload: &[u8]) -> String {
        match self.invoke_bytes(payload, MINUTE) {
            Ok(response) => match response["reason"].as_str() {
                Some(reason) => format!("{} {reason}", response["status"].as_str().expect("a status")),
                None => response["status"].as_str().expect("a status").to_owned(),
            },
            Err((kind, _)) => format!("error {kind}"),
        }
    }

    /// Kills the process. Callers that wait for a response panic.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-9", &id]).status().expect("kill runs");
        assert!(killed.success());
        self.api.stop();
    }

    /// Ends the process, and returns the lines of its log.
    pub(crate) fn log(mut self) -> Vec<Value> {
        let output = self.end();
        let line =
            |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("this line is not JSON: {line}"));
        output.lines().map(line).collect()
    }

    /// Waits until the process ends. Returns its exit code, the error that it reported to Lambda, and its log.
    pub(crate) fn stops(mut self) -> (Option<i32>, Option<String>, String) {
        let code = self.child.wait().expect("the process ends").code();
        (code, self.api.init_error(), self.end())
    }

    fn end(&mut self) -> String {
        self.api.stop();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let [out, err] = self.outputs.each_mut().map(|output| {
            output.take().map_or_else(String::new, |output| output.join().expect("the output is read"))
        });
        assert_eq!(err, "", "the function writes nothing to standard error");
        self.scene.check_for_canaries(&out);
        self.scene.check_actions();
        out
    }
}

impl Drop for Function<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.api.stop();
            let _ = self.child.kill();
        } else {
            self.end();
        }
    }
}
