//! Bad manners, by whoever answers: all adapters bear them alike.

use std::net::TcpListener;
use std::time::Duration;

use crate::harness::{KINDS, Kind, ask, check, unavailable, unreachable, unreadable, until, within};
use portend_testing::http::{Script, Server};

/// What an attempt gets in these tests.
const PATIENCE: Duration = Duration::from_millis(300);

async fn hangs_up_when_dropped(kind: Kind, script: Script) {
    let server = Server::start([script]);
    let model = kind.model(&server.url());
    let attempt = async {
        until("the request comes", || server.requests().len() == 1).await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        asked = ask(&model) => panic!("{kind:?} gives up by itself: {asked:?}"),
        () = attempt => {}
    }
    until("the client hangs up", || server.hung_up() == 1).await;
    check(&server.requests());
    assert_eq!(server.requests().len(), 1, "{kind:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_when_the_attempt_is_dropped() {
    for kind in KINDS {
        hangs_up_when_dropped(kind, Script::hang()).await;
    }
}

#[tokio::test]
async fn a_body_of_one_byte_a_second_is_left_when_the_attempt_is_dropped() {
    for kind in KINDS {
        let body = kind.says("yes").to_string();
        hangs_up_when_dropped(kind, Script::answer(200, body.clone()).one_byte_every(Duration::from_secs(1)))
            .await;
        hangs_up_when_dropped(kind, Script::answer(503, body).one_byte_every(Duration::from_secs(1))).await;
    }
}

#[tokio::test]
async fn a_body_that_comes_slowly_but_whole_is_read() {
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
async fn a_body_that_is_not_whole_is_unreadable() {
    for kind in KINDS {
        let body = kind.says("yes").to_string();
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
async fn a_body_of_just_the_bound_is_read() {
    for kind in KINDS {
        let mut body = kind.says("yes").to_string();
        body.extend(std::iter::repeat_n(' ', 1024 * 1024 - body.len()));
        assert_eq!(kind.ask(Script::answer(200, body.clone())).await.0, Ok(kind.said("yes")), "{kind:?}");
        assert_eq!(
            kind.ask(Script::answer(200, body + " ")).await.0,
            Err(unreadable("over 1 MiB")),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_whose_body_is_not_whole_is_told_by_its_status() {
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
        let script = Script::answer(200, kind.says("yes").to_string()).header("content-type", "text/html");
        assert_eq!(kind.ask(script).await.0, Ok(kind.said("yes")), "{kind:?}");
    }
}

#[tokio::test]
async fn the_text_is_passed_on_as_it_is() {
    for kind in KINDS {
        for text in
            ["```json\n{\"risk_score\": 5}\n```", "Sure! Here it is.", "<think>\u{2028}</think> \u{0}é"]
        {
            let script = Script::answer(200, kind.says(text).to_string());
            assert_eq!(kind.ask(script).await.0, Ok(kind.said(text)), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_lost() {
    for kind in KINDS {
        let (asked, _) = kind.ask(Script::close()).await;
        assert_eq!(asked, Err(unreachable("the connection was lost")), "{kind:?}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_refuses() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for kind in KINDS {
        let asked = ask(&kind.model(&format!("http://127.0.0.1:{port}"))).await;
        assert_eq!(asked, Err(unreachable("refused")), "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let greeter = std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(KINDS.len()) {
            // The client may have hung up by then, which is what it should do.
            drop(std::io::Write::write_all(&mut &stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    for kind in KINDS {
        let asked = within(ask(&kind.model(&format!("https://127.0.0.1:{port}")))).await.unwrap();
        assert_eq!(asked, Err(unreachable("TLS")), "{kind:?}");
    }
    greeter.join().unwrap();
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_is_left_after_three_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let models = KINDS.map(|kind| kind.model(&url));
    let [first, second, third] = &models;
    let asked = within(async { tokio::join!(ask(first), ask(second), ask(third)) }).await.unwrap();
    let expected = || Err(unreachable("no connection in time"));
    assert_eq!(asked, (expected(), expected(), expected()));
}
