//! Network failures and broken responses, which all adapters handle in the same way.

use std::net::TcpListener;
use std::time::Duration;

use crate::harness::{KINDS, Kind, ask, check, unavailable, unreachable, unreadable, until, within};
use portend_testing::http::{Script, Server};

/// The time for an attempt in these tests.
const ATTEMPT_TIME: Duration = Duration::from_millis(300);

async fn assert_closed_when_dropped(kind: Kind, script: Script) {
    let server = Server::start([script]);
    let model = kind.model(&server.url());
    let attempt = async {
        until("a request", || server.requests().len() == 1).await;
        tokio::time::sleep(ATTEMPT_TIME).await;
    };
    tokio::select! {
        result = ask(&model) => panic!("{kind:?} returns without a response: {result:?}"),
        () = attempt => {}
    }
    until("closing the connection", || server.hung_up() == 1).await;
    check(&server.requests());
    assert_eq!(server.requests().len(), 1, "{kind:?}");
}

#[tokio::test]
async fn dropping_the_attempt_closes_the_connection_to_a_server_that_does_not_respond() {
    for kind in KINDS {
        assert_closed_when_dropped(kind, Script::hang()).await;
    }
}

#[tokio::test]
async fn dropping_the_attempt_closes_the_connection_in_the_middle_of_a_slow_body() {
    for kind in KINDS {
        let body = kind.response("yes").to_string();
        for status in [200, 503] {
            let script = Script::answer(status, body.clone()).one_byte_every(Duration::from_secs(1));
            assert_closed_when_dropped(kind, script).await;
        }
    }
}

#[tokio::test]
async fn a_slow_but_complete_body_is_read() {
    for (kind, body) in [
        (
            Kind::Bedrock,
            r#"{"output": {"message": {"content": [{"text": "yes"}]}}, "stopReason": "end_turn"}"#,
        ),
        (Kind::Compatible, r#"{"choices": [{"message": {"content": "yes"}}]}"#),
    ] {
        let script = Script::answer(200, body).one_byte_every(Duration::from_millis(1));
        assert_eq!(
            kind.ask(script).await.0.map(|completion| completion.text),
            Ok("yes".to_owned()),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_broken_body_of_a_success_is_unreadable() {
    for kind in KINDS {
        let body = kind.response("yes").to_string();
        let half = body.len() / 2;
        for (script, what) in [
            (Script::answer(200, body.clone()).cut_after(half), "cut off"),
            (Script::answer(200, body.clone()).cut_after(0), "cut off"),
            (
                Script::answer(200, body.clone()).header("content-length", (body.len() + 9).to_string()),
                "cut off",
            ),
            (Script::answer(200, body.clone()).header("content-length", half.to_string()), "not JSON"),
            (Script::answer(200, vec![b' '; 2 * 1024 * 1024]), "over 1 MiB"),
            (Script::answer(200, b"{\"text\": \"\xff\"}".to_vec()), "not UTF-8"),
            (Script::answer(200, "<html>canary</html>").header("content-type", "text/html"), "not JSON"),
            (Script::answer(200, ""), "not JSON"),
            (Script::answer(204, ""), "not JSON"),
            (Script::answer(200, "[]"), "not a JSON object"),
        ] {
            assert_eq!(kind.ask(script).await.0, Err(unreadable(what)), "{kind:?} {what}");
        }
    }
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_read() {
    for kind in KINDS {
        let mut body = kind.response("yes").to_string();
        body.extend(std::iter::repeat_n(' ', 1024 * 1024 - body.len()));
        assert_eq!(
            kind.ask(Script::answer(200, body.clone())).await.0,
            Ok(kind.completion("yes")),
            "{kind:?}"
        );
        assert_eq!(
            kind.ask(Script::answer(200, body + " ")).await.0,
            Err(unreadable("over 1 MiB")),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_with_a_broken_body_is_identified_by_its_status() {
    for kind in KINDS {
        for script in [
            Script::answer(503, "canary".repeat(9)).cut_after(20),
            Script::answer(503, vec![b'x'; 2 * 1024 * 1024]),
            Script::answer(503, b"\xff\xff".to_vec()),
        ] {
            assert_eq!(kind.ask(script).await.0, Err(unavailable("503")), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    for kind in KINDS {
        let script =
            Script::answer(200, kind.response("yes").to_string()).header("content-type", "text/html");
        assert_eq!(kind.ask(script).await.0, Ok(kind.completion("yes")), "{kind:?}");
    }
}

#[tokio::test]
async fn the_text_is_not_changed() {
    for kind in KINDS {
        for text in
            ["```json\n{\"risk_score\": 5}\n```", "Sure! Here it is.", "<think>\u{2028}</think> \u{0}é"]
        {
            let script = Script::answer(200, kind.response(text).to_string());
            assert_eq!(kind.ask(script).await.0, Ok(kind.completion(text)), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_closes_without_a_response_is_lost() {
    for kind in KINDS {
        let (result, _) = kind.ask(Script::close()).await;
        assert_eq!(result, Err(unreachable("the connection was lost")), "{kind:?}");
    }
}

#[tokio::test]
async fn a_port_without_a_listener_refuses_the_connection() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for kind in KINDS {
        let result = ask(&kind.model(&format!("http://127.0.0.1:{port}"))).await;
        assert_eq!(result, Err(unreachable("refused")), "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_reported_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(KINDS.len()) {
            // The client may have closed the connection already, as it should.
            drop(std::io::Write::write_all(&mut &stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    for kind in KINDS {
        let result = within(ask(&kind.model(&format!("https://127.0.0.1:{port}")))).await.unwrap();
        assert_eq!(result, Err(unreachable("TLS")), "{kind:?}");
    }
    server.join().unwrap();
}

#[tokio::test]
async fn a_server_that_never_completes_the_tls_handshake_times_out_after_three_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let models = KINDS.map(|kind| kind.model(&url));
    let [first, second, third] = &models;
    let results = within(async { tokio::join!(ask(first), ask(second), ask(third)) }).await.unwrap();
    let expected = || Err(unreachable("no connection in time"));
    assert_eq!(results, (expected(), expected(), expected()));
}
