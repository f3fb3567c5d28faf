//! A real table in DynamoDB Local, and a proxy before it whose plugs can be pulled:
//! `#[path = ".../table.rs"] mod table;` beside `scripted`.
//!
//! Takes: the address in `PORTEND_TEST_DYNAMODB`, which `scripts/with-dynamodb` sets.
//! Gives: a fresh table for each test, with the keys and indexes of the stack.
//! Never: fakes an answer of DynamoDB but a failure.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

use super::scripted::{Request, Script, Server};

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A table of this test's own.
pub(crate) struct Table {
    pub(crate) name: String,
    client: Client,
}

/// Indexes of the stack's table: name, partition and sort key.
const INDEXES: [(&str, &str, Option<&str>); 4] = [
    ("PredictionTypeIndex", "prediction_type", Some("timestamp")),
    ("RiskScoreIndex", "prediction_type", Some("risk_score")),
    ("AlertIdIndex", "alert_id", None),
    ("TodoIndex", "todo_day", Some("timestamp")),
];

impl Table {
    /// Makes the table, as the stack does.
    pub(crate) async fn create() -> Self {
        Self::create_with(&INDEXES.map(|(name, ..)| name)).await
    }

    /// Makes the table with these indexes alone.
    pub(crate) async fn create_with(indexes: &[&str]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("table-{}-{number}", std::process::id());
        let client = client(&endpoint());
        let indexes: Vec<_> = INDEXES.into_iter().filter(|(name, ..)| indexes.contains(name)).collect();
        let mut attributes = vec!["pk", "sk"];
        attributes
            .extend(indexes.iter().flat_map(|(_, partition, sort)| [Some(*partition), *sort]).flatten());
        attributes.sort_unstable();
        attributes.dedup();
        let attributes = attributes.into_iter().map(|name| {
            let kind = if name == "risk_score" { ScalarAttributeType::N } else { ScalarAttributeType::S };
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind)
                .build()
                .expect("every part is given")
        });
        let indexes = indexes.iter().map(|(name, partition, sort)| {
            let all = Projection::builder().projection_type(ProjectionType::All).build();
            let builder = GlobalSecondaryIndex::builder().index_name(*name).projection(all);
            builder.set_key_schema(Some(keys(partition, *sort))).build().expect("every part is given")
        });
        client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(attributes.collect()))
            .set_key_schema(Some(keys("pk", Some("sk"))))
            .set_global_secondary_indexes(Some(indexes.collect::<Vec<_>>()).filter(|some| !some.is_empty()))
            .send()
            .await
            .expect("DynamoDB Local does it");
        let ttl = TimeToLiveSpecification::builder()
            .attribute_name("ttl")
            .enabled(true)
            .build()
            .expect("every part is given");
        client
            .update_time_to_live()
            .table_name(&name)
            .time_to_live_specification(ttl)
            .send()
            .await
            .expect("DynamoDB Local does it");
        Self { name, client }
    }

    /// Every item of it.
    pub(crate) async fn items(&self) -> Vec<Item> {
        let pages = self.client.scan().table_name(&self.name).into_paginator().items().send();
        pages.collect::<Result<_, _>>().await.expect("DynamoDB Local does it")
    }

    /// The items of which the partition key begins so.
    pub(crate) async fn items_of(&self, kind: &str) -> Vec<Item> {
        let is_of = |item: &Item| item["pk"].as_s().expect("DynamoDB Local does it").starts_with(kind);
        self.items().await.into_iter().filter(is_of).collect()
    }

    /// Puts an item as it is.
    pub(crate) async fn put(&self, item: Item) {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .send()
            .await
            .expect("DynamoDB Local does it");
    }

    /// The items of an index, or of the table, by their partition, in descending order.
    pub(crate) async fn newest(&self, index: Option<&str>, partition: &str, value: &str) -> Vec<Item> {
        let sent = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(index.map(str::to_owned))
            .key_condition_expression("#p = :p")
            .expression_attribute_names("#p", partition)
            .expression_attribute_values(":p", AttributeValue::S(value.to_owned()))
            .scan_index_forward(false)
            .send()
            .await;
        sent.expect("DynamoDB Local does it").items.unwrap_or_default()
    }
}

fn keys(partition: &str, sort: Option<&str>) -> Vec<KeySchemaElement> {
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("every part is given")
    };
    std::iter::once(key(partition, KeyType::Hash)).chain(sort.map(|sort| key(sort, KeyType::Range))).collect()
}

/// A client of DynamoDB at an address, that waits as long as it takes.
pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIATEST", "secret", None, None, "test"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Where DynamoDB Local is.
#[expect(clippy::disallowed_methods, reason = "how the test run is told where the server is")]
pub(crate) fn endpoint() -> String {
    let mend = "run the tests by `make unit`, or by `scripts/with-dynamodb cargo nextest run`";
    std::env::var("PORTEND_TEST_DYNAMODB")
        .unwrap_or_else(|_| panic!("this test needs DynamoDB Local at PORTEND_TEST_DYNAMODB; {mend}"))
}

/// What the proxy does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plug {
    /// Answers that there are too many requests.
    Throttle,
    /// Answers that something went wrong.
    Fail,
    /// Lets the request through, and loses the answer.
    LoseAnswer,
    /// Loses the request.
    LoseRequest,
    /// Keeps the request, and says nothing.
    Hang,
}

/// A proxy before DynamoDB Local.
pub(crate) struct Proxy {
    server: Server,
    plan: Arc<Mutex<Vec<(String, Plug)>>>,
}

impl Proxy {
    /// Starts it. Nothing fails yet.
    pub(crate) fn start() -> Self {
        let plan: Arc<Mutex<Vec<(String, Plug)>>> = Arc::default();
        let (pulled, upstream) = (Arc::clone(&plan), endpoint());
        let server = Server::answering(move |request| {
            let plug = {
                let mut plan = pulled.lock().unwrap_or_else(PoisonError::into_inner);
                let name = operation(request);
                let is_meant = |planned: &str| match planned.split_once(' ') {
                    Some((operation, text)) => operation == name && request.body.contains(text),
                    None => planned == name || planned == "*",
                };
                let index = plan.iter().position(|(planned, _)| is_meant(planned));
                index.map(|index| plan.remove(index)).map(|(operation, plug)| {
                    if operation == "*" {
                        plan.push((operation, plug));
                    }
                    plug
                })
            };
            let exception = |name: &str| {
                let kind = format!("com.amazonaws.dynamodb.v20120810#{name}");
                format!(r#"{{"__type":"{kind}","message":"canary"}}"#)
            };
            match plug {
                None => forward(&upstream, request).unwrap_or_else(Script::close),
                Some(Plug::LoseAnswer) => {
                    forward(&upstream, request);
                    Script::close()
                }
                Some(Plug::LoseRequest) => Script::close(),
                Some(Plug::Hang) => Script::hang(),
                Some(Plug::Throttle) => Script::answer(400, exception("ThrottlingException")),
                Some(Plug::Fail) => Script::answer(500, exception("InternalServerError")),
            }
        });
        Self { server, plan }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Pulls a plug at the next request of an operation, as `UpdateItem`, or `PutItem stu_1` for one with this text; `*` at
    /// every request from now on.
    pub(crate) fn pull(&self, operation: &str, plug: Plug) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).push((operation.to_owned(), plug));
    }

    /// Puts every plug back.
    pub(crate) fn mend(&self) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The operations that were asked for so far.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.server.requests().iter().map(operation).collect()
    }
}

/// The operation that a request asks for.
pub(crate) fn operation(request: &Request) -> String {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The upstream's answer.
fn forward(upstream: &str, request: &Request) -> Option<Script> {
    let host = upstream.strip_prefix("http://")?;
    let mut stream = TcpStream::connect(host).ok()?;
    let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.path);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        write!(head, "{name}: {value}\r\n").ok()?;
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(request.body.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = answer.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut script = Script::answer(status, body.get(4..)?);
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ")?;
        if name.to_ascii_lowercase().starts_with("x-amz") {
            script = script.header(name, value);
        }
    }
    Some(script)
}
