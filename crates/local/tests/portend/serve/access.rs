//! Who may send a request: tokens, names of the server, other sites; and what the server refuses to be.

use super::server::{TestServer, alert};
use crate::harness::Home;

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let home = Home::new();
    for listen in ["0.0.0.0:0", "[::]:0"] {
        home.run(&format!("serve --listen {listen}")).complains(
            2,
            "needs a token",
            "set PORTEND_TOKEN or --token-file",
        );
    }
    home.run("serve --listen nowhere").complains(2, "`nowhere`", "write one such as 127.0.0.1:8080");
    home.run("serve --token-file missing").complains(2, "missing", "name a file");
    home.write("empty", "\n");
    home.run("serve --token-file empty").complains(2, "the token is empty", "write at least one character");
}

#[test]
fn without_the_token_nothing_is_shown_but_health() {
    let home = Home::new();
    home.write("token", "open sesame\n");
    let from_file = TestServer::start(&home, &["--token-file", "token"]);
    let get = |server: &TestServer, path: &str, authorization: &str| {
        server.send("GET", path, &[("authorization", authorization)], b"")
    };
    for path in ["/v1/insights", "/v1/stream", "/metrics", "/openapi.json", "/v1/nothing"] {
        from_file.get(path).fails(401, "no_token");
        get(&from_file, path, "Bearer open sesame!").fails(401, "no_token");
    }
    get(&from_file, "/v1/insights", "Bearer open sesame").is(200);
    // `ana:open sesame`, as a browser sends it.
    get(&from_file, "/", "Basic YW5hOm9wZW4gc2VzYW1l").is(200);
    let page = from_file.send("GET", "/", &[("accept", "text/html")], b"").is(401);
    assert!(page.body.contains("needs a token"), "{}", page.body);
    assert!(page.body.contains("action=\"/sign-in\""), "{}", page.body);
    from_file.post_form("/sign-in", "token=wrong&name=ana").fails(401, "no_token");
    let signed_in = from_file.post_form("/sign-in", "token=open+sesame&name=ana").is(303);
    let cookies: Vec<&str> =
        signed_in.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    assert!(cookies.iter().all(|cookie| cookie.contains("; httponly; samesite=strict")), "{cookies:?}");
    let cookie =
        cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
    from_file.send("GET", "/live", &[("cookie", &cookie)], b"").is(200);
    from_file.send("GET", "/live", &[("cookie", "portend_token=00")], b"").fails(401, "no_token");
    from_file.get("/healthz").is(200);
    from_file.stop();
    let from_environment = TestServer::start_with(&home, &[], &[("PORTEND_TOKEN", "other")]);
    get(&from_environment, "/v1/insights", "Bearer other").is(200);
    get(&from_environment, "/v1/insights", "Bearer open sesame").fails(401, "no_token");
}

#[test]
fn another_name_or_another_site_changes_nothing() {
    let home = Home::new();
    let server = TestServer::start(&home, &["--host", "portend.example"]);
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"] {
        server.send("GET", "/v1/insights", &[("host", host)], b"").fails(421, "wrong_host");
    }
    for host in ["portend.example", "localhost", "127.0.0.1:1", "[::1]"] {
        server.send("GET", "/v1/insights", &[("host", host)], b"").is(200);
    }
    let event = alert("stu_1", 5, 65, "2025-01-01T12:00:00Z");
    let json = ("content-type", "application/json");
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        server.send("POST", "/v1/events", &[json, header], event.as_bytes()).fails(403, "cross_site");
        server.send("DELETE", "/v1/parked/x", &[header], b"").fails(403, "cross_site");
    }
    assert_eq!(server.ledger()["total"]["received"], 0);
    let origin = format!("http://{}", server.address());
    server.send("POST", "/v1/events", &[json, ("origin", &origin)], event.as_bytes()).is(202);
}

#[test]
fn every_response_protects_the_browser() {
    let home = Home::new();
    let server = TestServer::start(&home, &[]);
    for path in [
        "/",
        "/live",
        "/status",
        "/v1/insights",
        "/v1/nothing",
        "/api/insights/recent",
        "/healthz",
        "/console.js",
    ] {
        let reply = server.get(path);
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe-inline"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}
