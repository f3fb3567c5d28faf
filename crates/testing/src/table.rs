//! A real table in DynamoDB Local, and a proxy before it whose plugs can be pulled. The address is in
//! `PORTEND_TEST_DYNAMODB`, which `scripts/with-dynamodb` sets.
//!
//! Never: uses the program's own caller, whose faults would hide themselves; or fakes a response of DynamoDB but a
//! failure.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::http::{Request, Script, Server};

/// An item in DynamoDB's JSON: `{ "pk": { "S": "claim#1" } }`.
pub type Item = Map<String, Value>;

/// A table of this test's own.
pub struct Table {
    /// Unique in this run.
    pub name: String,
}

/// Indexes of the stack's table: name, partition and sort key.
const INDEXES: [(&str, &str, Option<&str>); 5] = [
    ("PredictionTypeIndex", "prediction_type", Some("timestamp")),
    ("RiskScoreIndex", "prediction_type", Some("risk_score")),
    ("AlertIdIndex", "alert_id", None),
    ("TodoIndex", "todo_day", Some("timestamp")),
    ("WorklistIndex", "open_shard", Some("worst")),
];

/// Those that hold the items' keys alone.
const KEYS_ONLY: [&str; 2] = ["AlertIdIndex", "TodoIndex"];

/// Attributes of keys that are numbers.
const NUMBERS: [&str; 3] = ["risk_score", "open_shard", "worst"];

impl Table {
    /// Makes the table, as the stack does.
    pub fn create() -> Self {
        Self::create_with(&INDEXES.map(|(name, ..)| name))
    }

    /// Makes the table with these indexes alone.
    pub fn create_with(indexes: &[&str]) -> Self {
        let table = Self::without_ttl(indexes);
        let ttl = json!({ "AttributeName": "ttl", "Enabled": true });
        ask("UpdateTimeToLive", &json!({ "TableName": table.name, "TimeToLiveSpecification": ttl }));
        table
    }

    /// Makes a table as the metrics of the original dashboard have it, whose reader finds insights by an index.
    pub fn create_of_reader() -> Self {
        let table = Self { name: unique_name() };
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        let attributes = ["entity_id", "entity_type", "timestamp"].map(attribute);
        let index = json!({
            "IndexName": "EntityTypeIndex",
            "KeySchema": keys("entity_type", Some("timestamp")),
            "Projection": { "ProjectionType": "ALL" },
        });
        ask(
            "CreateTable",
            &json!({
                "TableName": table.name,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": attributes,
                "KeySchema": keys("entity_id", None),
                "GlobalSecondaryIndexes": [index],
            }),
        );
        table
    }

    /// Makes the table for a test whose clock is in 2025: DynamoDB Local would delete what has expired by the machine's.
    pub fn create_in_2025() -> Self {
        Self::without_ttl(&INDEXES.map(|(name, ..)| name))
    }

    fn without_ttl(indexes: &[&str]) -> Self {
        let name = unique_name();
        let indexes: Vec<_> = INDEXES.into_iter().filter(|(name, ..)| indexes.contains(name)).collect();
        let mut attributes = vec!["pk", "sk"];
        attributes
            .extend(indexes.iter().flat_map(|(_, partition, sort)| [Some(*partition), *sort]).flatten());
        attributes.sort_unstable();
        attributes.dedup();
        let attributes = attributes.into_iter().map(|name| {
            let kind = if NUMBERS.contains(&name) { "N" } else { "S" };
            json!({ "AttributeName": name, "AttributeType": kind })
        });
        let indexes = indexes.iter().map(|(name, partition, sort)| {
            let projection = if KEYS_ONLY.contains(name) { "KEYS_ONLY" } else { "ALL" };
            let projection = json!({ "ProjectionType": projection });
            json!({ "IndexName": name, "KeySchema": keys(partition, *sort), "Projection": projection })
        });
        let mut table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
            "KeySchema": keys("pk", Some("sk")),
        });
        let indexes: Vec<_> = indexes.collect();
        if !indexes.is_empty() {
            table["GlobalSecondaryIndexes"] = indexes.into();
        }
        ask("CreateTable", &table);
        Self { name }
    }

    /// Every item of it.
    pub fn items(&self) -> Vec<Item> {
        let (mut items, mut request) = (Vec::new(), json!({ "TableName": self.name }));
        loop {
            let mut page = ask("Scan", &request);
            items.extend(items_of(&mut page));
            let key = page["LastEvaluatedKey"].take();
            if key.is_null() {
                return items;
            }
            request["ExclusiveStartKey"] = key;
        }
    }

    /// The items of which the partition key begins so.
    pub fn items_of(&self, kind: &str) -> Vec<Item> {
        let is_of = |item: &Item| text_of(item, "pk").starts_with(kind);
        self.items().into_iter().filter(is_of).collect()
    }

    /// Puts an item as it is.
    pub fn put(&self, item: &Item) {
        ask("PutItem", &json!({ "TableName": self.name, "Item": item }));
    }

    /// The items of an index, or of the table, by their partition, in descending order.
    pub fn newest(&self, index: Option<&str>, partition: &str, value: &str) -> Vec<Item> {
        let mut request = json!({
            "TableName": self.name,
            "KeyConditionExpression": "#p = :p",
            "ExpressionAttributeNames": { "#p": partition },
            "ExpressionAttributeValues": { ":p": text(value) },
            "ScanIndexForward": false,
        });
        if let Some(index) = index {
            request["IndexName"] = index.into();
        }
        items_of(&mut ask("Query", &request))
    }
}

/// A text as an attribute.
pub fn text(text: &str) -> Value {
    json!({ "S": text })
}

/// A number as an attribute.
pub fn number(number: &str) -> Value {
    json!({ "N": number })
}

/// The text of an item's attribute.
pub fn text_of<'i>(item: &'i Item, name: &str) -> &'i str {
    item[name]["S"].as_str().unwrap_or_else(|| panic!("{name} is not a text: {item:?}"))
}

/// The number of an item's attribute.
pub fn number_of<'i>(item: &'i Item, name: &str) -> &'i str {
    item[name]["N"].as_str().unwrap_or_else(|| panic!("{name} is not a number: {item:?}"))
}

fn items_of(page: &mut Value) -> Vec<Item> {
    serde_json::from_value(page["Items"].take()).expect("a list of items")
}

fn unique_name() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    format!("table-{}-{number}", std::process::id())
}

fn keys(partition: &str, sort: Option<&str>) -> Value {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    std::iter::once(key(partition, "HASH")).chain(sort.map(|sort| key(sort, "RANGE"))).collect()
}

/// What DynamoDB Local returns for an operation, which it must do. It looks at the form of a signature alone.
fn ask(operation: &str, body: &Value) -> Value {
    let signature = "AWS4-HMAC-SHA256 Credential=AKIATEST/20250101/us-east-1/dynamodb/aws4_request, \
                     SignedHeaders=host, Signature=0";
    let mut request = Request { method: "POST".into(), path: "/".into(), ..Request::default() };
    request.body = body.to_string();
    for (name, value) in [
        ("host", "localhost"),
        ("x-amz-target", &format!("DynamoDB_20120810.{operation}")),
        ("content-type", "application/x-amz-json-1.0"),
        ("authorization", signature),
        ("content-length", &request.body.len().to_string()),
    ] {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    let (status, _, body) = exchange(&endpoint(), &request).expect("DynamoDB Local listens");
    let body = String::from_utf8(body).expect("UTF-8");
    assert_eq!(status, 200, "{operation}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Where DynamoDB Local is.
#[expect(clippy::disallowed_methods, reason = "how the test run knows where the server is")]
pub fn endpoint() -> String {
    let help = "run the tests by `make unit`, or by `scripts/with-dynamodb cargo nextest run`";
    std::env::var("PORTEND_TEST_DYNAMODB")
        .unwrap_or_else(|_| panic!("this test needs DynamoDB Local at PORTEND_TEST_DYNAMODB; {help}"))
}

/// What the proxy does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plug {
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
pub struct Proxy {
    server: Server,
    plan: Arc<Mutex<Vec<(String, Plug)>>>,
    consumed: Arc<Mutex<Vec<Consumed>>>,
}

/// What one request consumed of the table's capacity and of its indexes'.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumed {
    /// `UpdateItem`.
    pub operation: String,
    /// Read or write units, by the operation.
    pub units: f64,
}

impl Proxy {
    /// Starts it. Nothing fails yet.
    pub fn start() -> Self {
        let plan: Arc<Mutex<Vec<(String, Plug)>>> = Arc::default();
        let (pulled, upstream) = (Arc::clone(&plan), endpoint());
        let consumed: Arc<Mutex<Vec<Consumed>>> = Arc::default();
        let counted = Arc::clone(&consumed);
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
                None => forward(&upstream, request, &counted).unwrap_or_else(Script::close),
                Some(Plug::LoseAnswer) => {
                    forward(&upstream, request, &counted);
                    Script::close()
                }
                Some(Plug::LoseRequest) => Script::close(),
                Some(Plug::Hang) => Script::hang(),
                Some(Plug::Throttle) => Script::answer(400, exception("ThrottlingException")),
                Some(Plug::Fail) => Script::answer(500, exception("InternalServerError")),
            }
        });
        Self { server, plan, consumed }
    }

    /// What was consumed so far; it is counted anew from now on.
    pub fn take_consumed(&self) -> Vec<Consumed> {
        std::mem::take(&mut *self.consumed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Pulls a plug at the next request of an operation, as `UpdateItem`, or `PutItem stu_1` for one with this text; `*` at
    /// every request from now on.
    pub fn pull(&self, operation: &str, plug: Plug) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).push((operation.to_owned(), plug));
    }

    /// Puts every plug back.
    pub fn restore(&self) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The operations that were asked for so far.
    pub fn operations(&self) -> Vec<String> {
        self.server.requests().iter().map(operation).collect()
    }
}

/// The operation that a request asks for.
pub fn operation(request: &Request) -> String {
    let target = request.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

/// The upstream's response, with the headers that say something of it. The request asks, besides, what it consumes.
fn forward(upstream: &str, request: &Request, consumed: &Mutex<Vec<Consumed>>) -> Option<Script> {
    let mut metered = request.clone();
    let name = operation(request);
    let is_metered = !name.starts_with("Describe");
    if is_metered {
        let mut body: Value = serde_json::from_str(&request.body).ok()?;
        body["ReturnConsumedCapacity"] = "TOTAL".into();
        metered.body = body.to_string();
        metered.headers.retain(|(name, _)| name != "content-length");
        metered.headers.push(("content-length".to_owned(), metered.body.len().to_string()));
    }
    let (status, headers, body) = exchange(upstream, &metered)?;
    if is_metered {
        let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
        let capacity = serde_json::from_slice::<Value>(&body).ok()?["ConsumedCapacity"].take();
        let units = capacity.as_array().map_or_else(|| units(&capacity), |each| each.iter().map(units).sum());
        consumed.lock().unwrap_or_else(PoisonError::into_inner).push(Consumed { operation: name, units });
    }
    let script = Script::answer(status, body);
    let said = headers.into_iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-amz"));
    Some(said.fold(script, |script, (name, value)| script.header(&name, value)))
}

type Headers = Vec<(String, String)>;

/// One exchange over a connection of its own: status, headers and body.
fn exchange(url: &str, request: &Request) -> Option<(u16, Headers, Vec<u8>)> {
    let mut stream = TcpStream::connect(url.strip_prefix("http://")?).ok()?;
    let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.path);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        write!(head, "{name}: {value}\r\n").ok()?;
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(request.body.as_bytes()).ok()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).ok()?;
    let end = response.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = response.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some((status, head.lines().skip(1).filter_map(header).collect(), body.get(4..)?.to_vec()))
}
