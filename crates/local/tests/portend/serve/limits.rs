//! What a server does with too much, too slowly, or half of it.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::server::{HttpReply, TestServer, alert};
use crate::harness::{Home, until};

const MIB: usize = 1024 * 1024;

#[test]
fn a_body_may_have_a_mebibyte_and_no_byte_more() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let lines = |bytes: usize| {
        let mut body = alert("stu_1", 5, 65, "2025-01-01T12:00:00Z") + "\n";
        body.push_str(&"\n".repeat(bytes - body.len()));
        body
    };
    assert_eq!(server.post_lines(&lines(MIB)).is(202).json()["accepted"], 1);
    server.post_lines(&lines(MIB + 1)).fails(413, "body_too_large");
    server.post_lines(&lines(4 * MIB)).fails(413, "body_too_large");
    let endless = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n",
        server.address()
    );
    HttpReply::read(&server.exchange(endless.as_bytes())).fails(413, "body_too_large");
    server.until_idle();
    assert_eq!(server.ledger()["total"]["received"], 1);
}

#[test]
fn a_head_has_a_limit() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let long = "x".repeat(20_000);
    server.send("GET", "/v1/insights", &[("x-long", &long)], b"").fails(431, "head_too_large");
    server.get(&format!("/v1/insights?entity={long}")).fails(431, "head_too_large");
    // A head that is not read to its end is refused without a sentence.
    let longer = "x".repeat(100_000);
    let reply = server.send("GET", "/v1/insights", &[("x-long", &longer)], b"");
    assert_eq!(reply.status, 431, "{reply:?}");
    let reply = server.get(&format!("/v1/insights?entity={longer}"));
    assert!([414, 431].contains(&reply.status), "{reply:?}");
    assert_eq!(server.get("/v1/insights").status, 200);
}

#[test]
fn half_a_body_stores_nothing() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let event = alert("stu_1", 5, 65, "2025-01-01T12:00:00Z");
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.address(),
        event.len()
    );
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&event.as_bytes()[..event.len() / 2]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    let _ = stream.read_to_string(&mut rest);
    assert!(!rest.starts_with("HTTP/1.1 2"), "{rest}");
    assert_eq!(server.ledger()["total"]["received"], 0);
}

/// Waits until the server ends the connection; returns what it said.
fn ends(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_head_or_a_body_that_does_not_arrive_is_given_up() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    let mut slow_head = server.connect();
    slow_head.write_all(b"GET /v1/insights HTTP/1.1\r\nho").unwrap();
    let mut slow_body = server.connect();
    let head = "content-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    write!(slow_body, "POST /v1/events HTTP/1.1\r\nhost: localhost\r\n{head}").unwrap();
    let silent = server.connect();
    // The three wait at the same time.
    assert!(!ends(slow_head).contains(" 200 "));
    assert!(ends(slow_body).contains("body_too_slow"));
    ends(silent);
}

#[test]
fn health_is_answered_however_many_connections_are_open() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    // Within the open files that a test may have.
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..400 {
        let Ok(mut stream) = TcpStream::connect(server.address()) else { break };
        let _ = stream.write_all(b"GET /v1/insights HTTP/1.1\r\n");
        open.push(stream);
    }
    assert!(open.len() > 300, "{} connections", open.len());
    assert_eq!(server.get("/healthz").is(200).json()["status"], "ok");
    server.get("/v1/insights").fails(503, "busy");
    drop(open);
    until("there is room again", || server.get("/v1/insights").status == 200);
}
