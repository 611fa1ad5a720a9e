//! What a configuration is taken for.
//!
//! Invariant: what is unsafe is found before anything is served, and named by its key.

use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("almanac.toml");
    std::fs::write(&file, text).expect("written");
    Config::load(Some(&file))
}

fn minimal(key: &str, more: &str) -> String {
    format!(
        "[nats]\nurl = \"nats://127.0.0.1:1\"\nmonitor_url = \"http://127.0.0.1:2\"\n\
         [postgres]\nurl = \"postgres://127.0.0.1:3/almanac\"\n\
         [secrets]\nmaster_key = \"{key}\"\n{more}"
    )
}

#[test]
fn safe_unless_told_otherwise() {
    let config = load(&minimal(&"0a".repeat(32), "")).expect("valid");
    assert!(!config.worker.allow_commands && !config.worker.allow_private_addresses);
    assert!(!config.nats.accept_interval_sync);
    assert_eq!(config.gateway.registration, Registration::Closed);
    assert!(config.gateway.listen.ip().is_loopback());
    assert!(config.gateway.trusted_proxies.is_empty());
    assert!(config.gateway.cors_origins.is_empty());
    assert_eq!(config.gateway.answer_within_ms.get(), 60_000);
    assert_eq!(config.gateway.body_within_ms.get(), 30_000);
    assert_eq!(config.gateway.connections_max.get(), 10_240);
    assert_eq!(config.audit.keep_days.get(), 400);
    assert_eq!(config.gateway.limits.anonymous.to_string(), "100/900s");
    assert_eq!(config.secrets.master_key().expect("a key"), [10; 32]);
}

#[test]
fn mistakes_are_found_at_start() {
    assert!(matches!(
        load(&minimal("short", "")),
        Err(ConfigError::MasterKey)
    ));
    let unknown = load(&minimal(
        &"0a".repeat(32),
        "[worker]\nallow_comands = true\n",
    ));
    assert!(
        unknown
            .expect_err("refused")
            .to_string()
            .contains("allow_comands")
    );
}

#[test]
fn secrets_are_not_sent_in_the_clear() {
    let key = "0a".repeat(32);
    let far = |nats: &str, postgres: &str, gateway: &str| {
        load(&format!(
            "[nats]\nurl = \"{nats}\"\nmonitor_url = \"http://127.0.0.1:2\"\n\
             [postgres]\nurl = \"{postgres}\"\n\
             [secrets]\nmaster_key = \"{key}\"\n[gateway]\n{gateway}\n"
        ))
    };
    let (nats, postgres) = (
        "tls://n.example",
        "postgres://p.example/a?sslmode=verify-full",
    );
    assert!(far(nats, postgres, "").is_ok());
    let refused = far("nats://n.example", postgres, "").expect_err("plain");
    assert!(refused.to_string().contains("nats.accept_plaintext"));
    let mixed = far("tls://n.example,nats://m.example", postgres, "");
    assert!(mixed.is_err(), "one of two is plain");
    let unproven = far(nats, "postgres://p.example/a?sslmode=require", "");
    let refused = unproven.expect_err("anybody may answer");
    assert!(refused.to_string().contains("postgres.accept_plaintext"));
    for key in ["owner_url", "projector_url"] {
        let builder = format!("[rebuild]\n{key} = \"postgres://p.example/a\"");
        let refused = far(nats, postgres, &builder).expect_err("anybody may answer");
        assert!(refused.to_string().contains("postgres.accept_plaintext"));
    }
    let open = "listen = \"0.0.0.0:8080\"";
    let refused = far(nats, postgres, open).expect_err("plain");
    assert!(refused.to_string().contains("gateway.public_url"));
    let behind = format!("{open}\npublic_url = \"https://desk.example.org\"");
    assert!(far(nats, postgres, &behind).is_ok());
    let accepted = format!("{open}\naccept_plaintext = true");
    assert!(far(nats, postgres, &accepted).is_ok());
}

#[test]
fn an_audit_has_room_and_an_end() {
    let audit = |line: &str| {
        let section = format!("[audit]\n{line}\n");
        load(&minimal(&"0a".repeat(32), &section)).map(|config| config.audit)
    };
    let year = audit("keep_days = 365").expect("valid");
    assert_eq!(year.keep(), Duration::from_hours(365 * 24));
    for wrong in ["keep_days = 0", "max_bytes = 0", "max_bytes = -1"] {
        assert!(audit(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn no_wildcard_and_no_gateway_without_connections() {
    let gateway = |line: &str| {
        let section = format!("[gateway]\n{line}\n");
        load(&minimal(&"0a".repeat(32), &section)).map(|config| config.gateway)
    };
    let listed = gateway("cors_origins = [\"https://desk.example.org\"]").expect("valid");
    assert_eq!(listed.cors_origins[0].as_str(), "https://desk.example.org");
    for wrong in [
        "cors_origins = [\"*\"]",
        "cors_origins = \"*\"",
        "answer_within_ms = 0",
        "body_within_ms = 0",
        "connections_max = 0",
    ] {
        assert!(gateway(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn only_the_networks_that_are_named_are_trusted() {
    let gateway = |networks: &str| {
        let section = format!("[gateway]\ntrusted_proxies = [{networks}]\n");
        load(&minimal(&"0a".repeat(32), &section)).map(|config| config.gateway)
    };
    let named = gateway("\"10.1.0.0/16\", \"fd00::/8\"").expect("networks");
    for (peer, trusted) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("fd12::1", true),
        ("10.2.0.1", false),
        ("127.0.0.1", false),
        ("::1", false),
    ] {
        assert_eq!(named.trusts(peer.parse().expect("one")), trusted, "{peer}");
    }
    for everybody in ["\"0.0.0.0/0\"", "\"10.0.0.0/8\", \"::/0\""] {
        let refused = gateway(everybody).expect_err("refused");
        assert!(matches!(refused, ConfigError::TrustsEverybody(_)));
    }
    assert!(gateway("\"everybody\"").is_err());
}

#[test]
fn secrets_do_not_print() {
    let config = load(&minimal(&"0a".repeat(32), "")).expect("valid");
    assert!(!format!("{config:?}").contains("0a0a"));
}
