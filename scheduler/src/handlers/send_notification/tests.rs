//! What arrives at the other side, and what is not sent.
//!
//! Invariant: the other side is a server of its own in this process, over the network.

use aws_lc_rs::hmac::{HMAC_SHA256, Key};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use runtime::SmtpSecurity;
use serde_json::json;

use super::{server::Server, webhook::signature, *};
use crate::handlers::testing::{attempt, code};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn smtp(port: u16) -> runtime::Smtp {
    runtime::Smtp {
        allowed_domains: vec!["example.org".to_owned()],
        from: "Almanac <almanac@example.org>".to_owned(),
        host: "127.0.0.1".to_owned(),
        password: None,
        port: Some(port),
        security: SmtpSecurity::None,
        username: None,
    }
}

async fn mail(port: u16, payload: Value) -> Outcome {
    let none = BTreeMap::new();
    let sender = SendNotification::try_new(Clock::system(), Some(&smtp(port)), none, false);
    sender.expect("a client").run(payload, &attempt()).await
}

fn hello() -> Value {
    json!({
        "channel": "email", "to": ["desk@example.org", "night@example.org"],
        "subject": "Schön\r\nBcc: all@example.org", "text": "first\n.\nlast ä",
    })
}

#[tokio::test]
async fn a_mail_arrives_with_the_same_id_each_time() {
    let server = Server::mail("250 fine").await;
    for _ in 0..2 {
        let outcome = mail(server.port, hello()).await;
        assert_eq!(outcome, Outcome::Done(json!({"recipients": 2})));
    }
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    let id = format!("Message-ID: <{}@example.org>\r\n", attempt().task);
    assert!(heard.iter().all(|mail| mail.contains(&id)), "{heard:?}");
    assert!(
        heard[0].contains("To: desk@example.org, night@example.org\r\n"),
        "{heard:?}"
    );
    assert!(!heard[0].contains("\r\nBcc:"), "{heard:?}");
}

#[tokio::test]
async fn what_a_mail_server_refuses_for_good_is_not_tried_again() {
    for (answer, expected) in [
        ("550 nobody here", ("email_refused", false)),
        ("451 later", ("email_not_sent", true)),
    ] {
        let server = Server::mail(answer).await;
        assert_eq!(
            code(&mail(server.port, hello()).await),
            expected,
            "{answer}"
        );
        assert!(server.heard().is_empty());
    }
    let gone = Server::mail("250 fine").await.port;
    assert_eq!(code(&mail(gone, hello()).await), ("email_not_sent", true));
}

#[tokio::test]
async fn mail_goes_to_listed_domains_and_never_in_the_clear_where_that_is_not_wanted() {
    let server = Server::mail("250 fine").await;
    for (to, expected) in [
        (json!(["a@example.com"]), "recipient_refused"),
        (json!(["a@example.org.example.com"]), "recipient_refused"),
        (
            json!(["a@example.org", "b@example.com"]),
            "recipient_refused",
        ),
        (json!(["nobody"]), "invalid_payload"),
        (
            json!(["a@example.org\r\nRCPT TO:<b@example.com>"]),
            "invalid_payload",
        ),
        (json!([]), "invalid_payload"),
    ] {
        let mut payload = hello();
        payload["to"] = to.clone();
        assert_eq!(
            code(&mail(server.port, payload).await),
            (expected, false),
            "{to}"
        );
    }
    let wary = runtime::Smtp {
        security: SmtpSecurity::Starttls,
        ..smtp(server.port)
    };
    runtime::install_crypto();
    let none = BTreeMap::new();
    let sender = SendNotification::try_new(Clock::system(), Some(&wary), none, false);
    // The server offers no STARTTLS.
    let outcome = sender.expect("a client").run(hello(), &attempt()).await;
    assert_eq!(code(&outcome), ("email_not_sent", true));
    assert!(server.heard().is_empty());
}

fn targets(port: u16, tenant: Option<uuid::Uuid>) -> BTreeMap<String, runtime::Webhook> {
    let webhook = runtime::Webhook {
        secret: SECRET.to_owned().into(),
        tenant,
        url: format!("http://127.0.0.1:{port}/hook"),
    };
    BTreeMap::from([("desk".to_owned(), webhook)])
}

async fn call(targets: BTreeMap<String, runtime::Webhook>, allow_private: bool) -> Outcome {
    let clock = Clock::manual(domain::Timestamp::from_unix_ms(1_614_265_330_000));
    let sender = SendNotification::try_new(clock, None, targets, allow_private);
    let payload = json!({
        "channel": "webhook", "target": "desk", "event": "backup.finished", "data": {"n": 1},
    });
    sender.expect("a client").run(payload, &attempt()).await
}

#[tokio::test]
async fn a_call_is_signed_as_the_rules_say() {
    let server = Server::target("204 No Content", "").await;
    let outcome = call(targets(server.port, None), true).await;
    assert_eq!(outcome, Outcome::Done(json!({"status": 204})));
    let heard = server.heard().remove(0);
    let (top, body) = heard.split_once("\r\n\r\n").expect("a body");
    let told: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(told["type"], "backup.finished");
    assert_eq!(told["data"], json!({"n": 1}));
    let secret = STANDARD.decode(&SECRET[6..]).expect("base64");
    let id = attempt().task.to_string();
    let expected = signature(&Key::new(HMAC_SHA256, &secret), &id, 1_614_265_330, body);
    for line in [
        format!("webhook-id: {id}"),
        "webhook-timestamp: 1614265330".to_owned(),
        format!("webhook-signature: {expected}"),
    ] {
        assert!(
            top.lines().any(|told| told == line),
            "{line} is not in {top}"
        );
    }
    assert!(!heard.contains(&SECRET[6..]));
}

/// The example of the library of Standard Webhooks.
#[test]
fn a_published_example_is_signed_as_it_says() {
    let secret = STANDARD.decode(&SECRET[6..]).expect("base64");
    let key = Key::new(HMAC_SHA256, &secret);
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let signed = signature(&key, id, 1_614_265_330, "{\"test\": 2432232314}");
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[tokio::test]
async fn who_is_gone_is_not_called_again_and_who_fails_is() {
    for (status, headers, expected) in [
        ("410 Gone", "", ("target_gone", false)),
        ("500 Oh", "", ("target_failed", true)),
        ("404 Not Found", "", ("target_failed", true)),
        ("302 Found", "location: /\r\n", ("target_failed", true)),
        ("429 Slow", "retry-after: 9\r\n", ("target_failed", true)),
    ] {
        let server = Server::target(status, headers).await;
        let outcome = call(targets(server.port, None), true).await;
        assert_eq!(code(&outcome), expected, "{status}");
        assert_eq!(server.heard().len(), 1, "{status}");
        if let Outcome::Retry(error) = outcome {
            assert_eq!(error.retry_after_ms.is_some(), status.starts_with("429"));
        }
    }
}

#[tokio::test]
async fn nobody_is_called_who_must_not_be() {
    let server = Server::target("204 No Content", "").await;
    let private = call(targets(server.port, None), false).await;
    assert_eq!(code(&private), ("url_refused", false));
    let mine = attempt().tenant.uuid();
    let other = uuid::Uuid::from_u128(mine.as_u128() + 1);
    let foreign = call(targets(server.port, Some(other)), true).await;
    assert_eq!(code(&foreign), ("unknown_target", false));
    let unknown = call(BTreeMap::new(), true).await;
    assert_eq!(code(&unknown), ("unknown_target", false));
    assert!(server.heard().is_empty());
    let own = call(targets(server.port, Some(mine)), true).await;
    assert!(matches!(own, Outcome::Done(_)), "{own:?}");
}

#[tokio::test]
async fn without_a_mail_server_there_is_no_mail() {
    let sender = SendNotification::try_new(Clock::system(), None, BTreeMap::new(), false);
    let sender = sender.expect("a client");
    let outcome = sender.run(hello(), &attempt()).await;
    assert_eq!(code(&outcome), ("email_unavailable", false));
    for payload in [
        json!({"channel": "pigeon"}),
        json!({"channel": "webhook", "target": "desk", "event": "a", "secret": "x"}),
        json!({"channel": "email", "to": [], "subject": "", "text": "", "bcc": []}),
        json!({}),
    ] {
        let outcome = sender.run(payload.clone(), &attempt()).await;
        assert_eq!(code(&outcome), ("invalid_payload", false), "{payload}");
    }
}
