//! The baseline of `make bench-lambda`: a program that makes the HTTP exchanges of `portend-lambda` for a new alert
//! over plain sockets, with bodies of the same sizes, and computes nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A connection that stays open.
struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(url: &str) -> Self {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).expect("the fake service listens");
        stream.set_nodelay(true).expect("a socket");
        Self { host, stream: BufReader::new(stream) }
    }

    /// Makes one exchange. Returns the response's request id, if it has one.
    fn exchange(&mut self, method: &str, path: &str, target: &str, body: &[u8]) -> String {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-amz-target: {target}\r\nauthorization: {SIGNATURE}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).expect("the fake service reads");
        let (mut length, mut id, mut line) = (0, String::new(), String::new());
        loop {
            line.clear();
            let read = self.stream.read_line(&mut line).expect("the fake service responds");
            if read == 0 {
                std::process::exit(0);
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ") {
                match name {
                    "content-length" => length = value.parse().expect("a length"),
                    "lambda-runtime-aws-request-id" => value.clone_into(&mut id),
                    _ => {}
                }
            }
        }
        let mut response = vec![0; length];
        self.stream.read_exact(&mut response).expect("the response is complete");
        id
    }
}

/// A signature with the length of a real one.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000";

#[expect(clippy::disallowed_methods, reason = "this program reads its settings only here")]
fn variable(name: &str) -> String {
    std::env::var(name).expect("the benchmark sets it")
}

fn main() {
    let mut runtime = Connection::open(&variable("AWS_LAMBDA_RUNTIME_API"));
    let mut others: Option<[Connection; 3]> = None;
    let (claim, count, insight, finish) =
        (vec![b'x'; 1200], vec![b'x'; 400], vec![b'x'; 3600], vec![b'x'; 450]);
    let (prompt, event, response) = (vec![b'x'; 4200], vec![b'x'; 1900], vec![b'x'; 2600]);
    let dynamodb = "DynamoDB_20120810.UpdateItem";
    loop {
        let id = runtime.exchange("GET", "/2018-06-01/runtime/invocation/next", "", b"");
        let names = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"];
        let [table, bedrock, bus] =
            others.get_or_insert_with(|| names.map(|name| Connection::open(&variable(name))));
        table.exchange("POST", "/", dynamodb, &claim);
        table.exchange("POST", "/", dynamodb, &count);
        bedrock.exchange("POST", "/model/x/converse", "", &prompt);
        table.exchange("POST", "/", "DynamoDB_20120810.PutItem", &insight);
        table.exchange("POST", "/", dynamodb, &finish);
        bus.exchange("POST", "/", "AWSEvents.PutEvents", &event);
        table.exchange("POST", "/", dynamodb, &finish);
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        runtime.exchange("POST", &path, "", &response);
    }
}
