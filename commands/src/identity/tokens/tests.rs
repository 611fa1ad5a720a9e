//! Tokens as an attacker would make them.
//!
//! Invariant: each case differs in one thing from the genuine token, which is verified beside it.

use aws_lc_rs::{hmac, rand::SystemRandom, signature::EcdsaKeyPair};
use secrecy::ExposeSecret as _;

use super::*;
use crate::identity::Means;
use crate::identity::keys::{AHEAD_MS, Key, OVERLAP_MS};

const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);
const NOW_S: i64 = 1_800_000_000;

/// An installation and the key that it signs with.
struct Installation {
    key: EcdsaKeyPair,
    kid: String,
    ring: Ring,
    signer: Signer,
}

fn installation() -> Installation {
    let key = Key::make(NOW).expect("a key");
    let pkcs8 = key.pkcs8().expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
    let ring = Ring::of(key);
    let signer = Signer::new(ring.clone()).expect("a signer");
    Installation {
        key: pair.expect("a key"),
        kid: signer.keys().kids[0].clone(),
        ring,
        signer,
    }
}

fn principal() -> Principal {
    Principal {
        acting: false,
        authenticated: Authentication {
            at: NOW,
            by: Means::PasswordAndCode,
        },
        began: NOW,
        credential: Credential::Session,
        expires_at: NOW.plus_ms(ACCESS_S * 1_000),
        platform: false,
        role: Role::Operator,
        session: Uuid::from_u128(1),
        tenant: TenantId::new(Uuid::from_u128(2)),
        user: UserId::new(Uuid::from_u128(3)),
    }
}

fn token(signer: &Signer, now: Timestamp) -> String {
    let expires_at = now.plus_ms(ACCESS_S * 1_000);
    let principal = Principal {
        expires_at,
        ..principal()
    };
    let token = signer.sign(&principal, Uuid::from_u128(4), now);
    token.expect("signed").expose_secret().to_owned()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Installation {
    fn header(&self) -> Value {
        json!({"typ": TYPE, "alg": "ES256", "kid": self.kid})
    }

    /// What a genuine token of this installation claims.
    fn claims() -> Value {
        json!({
            "amr": ["pwd", "otp", "mfa"], "aud": AUDIENCE, "auth_time": NOW_S,
            "began_ms": NOW_S * 1_000, "exp": NOW_S + ACCESS_S, "iat": NOW_S,
            "iss": ISSUER, "jti": Uuid::from_u128(4), "nbf": NOW_S, "role": "operator",
            "sid": principal().session, "sub": principal().user, "tenant": principal().tenant,
        })
    }

    /// A token that says this, signed with the installation's own key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let random = SystemRandom::new();
        let signature = self.key.sign(&random, text.as_bytes()).expect("signed");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn with_header(&self, field: &str, value: Value) -> String {
        let mut header = self.header();
        header[field] = value;
        self.signed(&header, &Self::claims())
    }

    fn with_claim(&self, field: &str, value: Value) -> String {
        let mut claims = Self::claims();
        claims[field] = value;
        self.signed(&self.header(), &claims)
    }

    fn without_claim(&self, field: &str) -> String {
        let mut claims = Self::claims();
        claims.as_object_mut().expect("claims").remove(field);
        self.signed(&self.header(), &claims)
    }

    #[track_caller]
    fn refuses(&self, tokens: &[(&str, String)]) {
        let genuine = self.signed(&self.header(), &Self::claims());
        let spoken_for = self.signer.verify(&genuine, NOW);
        assert_eq!(spoken_for, Some(principal()), "the genuine one");
        for (what, token) in tokens {
            assert_eq!(self.signer.verify(token, NOW), None, "{what}");
        }
    }
}

#[test]
fn speaks_for_its_principal_while_it_is_valid() {
    let signer = installation().signer;
    let token = token(&signer, NOW);
    assert_eq!(signer.verify(&token, NOW), Some(principal()));
    assert_eq!(
        signer.verify(&token, NOW.plus_ms(-5_000)),
        Some(principal())
    );
    assert_eq!(signer.verify(&token, NOW.plus_ms(ACCESS_S * 1_000)), None);
    assert_eq!(signer.verify(&token, NOW.plus_ms(-6_000)), None);
}

#[test]
fn the_header_chooses_no_algorithm_and_no_key_but_ours() {
    let ours = installation();
    let stranger = installation();
    let claims = Installation::claims();
    let none = |alg: &str| {
        let header = json!({"typ": TYPE, "alg": alg, "kid": ours.kid});
        format!("{}.{}.", encoded(&header), encoded(&claims))
    };
    let hs256 = |secret: &[u8]| {
        let header = json!({"typ": TYPE, "alg": "HS256", "kid": ours.kid});
        let text = format!("{}.{}", encoded(&header), encoded(&claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signature = hmac::sign(&key, text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    };
    let published = ours.signer.public(NOW)["keys"][0].to_string();
    let no_kid = json!({"typ": TYPE, "alg": "ES256"});
    let its_key = stranger.signer.public(NOW)["keys"][0].clone();
    let brought = json!({"typ": TYPE, "alg": "ES256", "kid": stranger.kid, "jwk": its_key});
    let with_our_kid = stranger.signed(&ours.header(), &claims);
    ours.refuses(&[
        ("alg none", none("none")),
        ("alg None", none("None")),
        (
            "HS256 with the public point",
            hs256(ours.key.public_key().as_ref()),
        ),
        ("HS256 with the published key", hs256(published.as_bytes())),
        ("HS256 with nothing", hs256(b"")),
        ("alg ES384", ours.with_header("alg", json!("ES384"))),
        ("no kid", ours.signed(&no_kid, &claims)),
        ("an unknown kid", ours.with_header("kid", json!("x"))),
        (
            "a path as kid",
            ours.with_header("kid", json!("../../dev/null")),
        ),
        ("another installation's token", token(&stranger.signer, NOW)),
        ("another installation's key under our kid", with_our_kid),
        (
            "a key that it brings along",
            stranger.signed(&brought, &claims),
        ),
    ]);
}

#[test]
fn what_is_claimed_must_be_what_we_claim() {
    let ours = installation();
    ours.refuses(&[
        (
            "another audience",
            ours.with_claim("aud", json!("other-api")),
        ),
        ("no audience", ours.without_claim("aud")),
        ("another issuer", ours.with_claim("iss", json!("other"))),
        ("no issuer", ours.without_claim("iss")),
        ("an ID token", ours.with_header("typ", json!("JWT"))),
        (
            "a refresh token's type",
            ours.with_header("typ", json!("rt+jwt")),
        ),
        ("exp as text", ours.with_claim("exp", json!("9999999999"))),
        ("exp as a fraction", ours.with_claim("exp", json!(1e300))),
        ("no exp", ours.without_claim("exp")),
        ("nbf as text", ours.with_claim("nbf", json!("0"))),
        ("no nbf", ours.without_claim("nbf")),
        ("expired", ours.with_claim("exp", json!(NOW_S))),
        ("not yet valid", ours.with_claim("nbf", json!(NOW_S + 6))),
        ("no user", ours.without_claim("sub")),
        ("no tenant", ours.without_claim("tenant")),
        ("no session", ours.without_claim("sid")),
        ("no means", ours.without_claim("amr")),
        (
            "means that there are not",
            ours.with_claim("amr", json!(["face"])),
        ),
        ("no time of authentication", ours.without_claim("auth_time")),
        (
            "a role that there is not",
            ours.with_claim("role", json!("root")),
        ),
    ]);
}

#[test]
fn who_acts_is_told_by_the_token_and_is_nobody_else() {
    let ours = installation();
    let acting = Principal {
        acting: true,
        ..principal()
    };
    let token = ours
        .signer
        .sign(&acting, Uuid::from_u128(4), NOW)
        .expect("signed");
    let token = token.expose_secret();
    assert_eq!(ours.signer.verify(token, NOW), Some(acting.clone()));
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["act"], json!({"sub": acting.user}));
    let plain = ours
        .signer
        .sign(&principal(), Uuid::from_u128(4), NOW)
        .expect("signed");
    let admitted = ours
        .signer
        .verify(plain.expose_secret(), NOW)
        .expect("valid");
    assert!(!admitted.acting && !admitted.platform);
    let other = ours.with_claim("act", json!({"sub": Uuid::from_u128(9)}));
    assert_eq!(ours.signer.verify(&other, NOW), None);
}

#[test]
fn an_altered_token_speaks_for_nobody() {
    let ours = installation();
    let genuine = ours.signed(&ours.header(), &Installation::claims());
    let parts: Vec<_> = genuine.split('.').collect();
    let mut raised = Installation::claims();
    raised["role"] = json!("admin");
    let mut elsewhere = Installation::claims();
    elsewhere["tenant"] = json!(Uuid::from_u128(9));
    let flipped = if parts[2].starts_with('A') { "B" } else { "A" };
    let with = |claims: &Value| format!("{}.{}.{}", parts[0], encoded(claims), parts[2]);
    ours.refuses(&[
        ("a higher role", with(&raised)),
        ("another tenant", with(&elsewhere)),
        (
            "another signature",
            format!("{}.{}.{flipped}{}", parts[0], parts[1], &parts[2][1..]),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{genuine}.x")),
        ("nothing", String::new()),
        ("noise", "a.b.c".to_owned()),
    ]);
}

#[test]
fn keys_follow_one_another_without_a_gap() {
    let ours = installation();
    let first = token(&ours.signer, NOW);
    let second_from = NOW.plus_ms(AHEAD_MS);
    let next = Key::make(second_from).expect("a key");
    let ring = ours.ring.followed_by(next, NOW);
    ours.signer.replace(ring.clone()).expect("replaced");
    let kids = |now| {
        let keys = ours.signer.public(now)["keys"].clone();
        let keys = keys.as_array().expect("keys").clone();
        keys.iter()
            .map(|key| key["kid"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(kids(NOW).len(), 2, "the next is published before it signs");
    assert!(kids(NOW).contains(&json!(ours.kid)));
    let before = token(&ours.signer, second_from.plus_ms(-1));
    let after = token(&ours.signer, second_from);
    let kid = |token: &str| jsonwebtoken::decode_header(token).expect("a header").kid;
    assert_eq!(
        (kid(&first), kid(&before)),
        (Some(ours.kid.clone()), kid(&first))
    );
    assert_ne!(kid(&after), kid(&first));
    let overlap_ends = second_from.plus_ms(OVERLAP_MS);
    let last = token(&ours.signer, second_from.plus_ms(-1));
    let just_valid = second_from.plus_ms(ACCESS_S * 1_000 - 2_000);
    assert!(ours.signer.verify(&last, just_valid).is_some());
    assert_eq!(kids(overlap_ends).len(), 1, "retired");
    assert_eq!(json!(kid(&after)), kids(overlap_ends)[0]);
}

#[test]
fn a_retired_key_signs_nothing_that_is_believed() {
    let ours = installation();
    let second_from = NOW.plus_ms(AHEAD_MS);
    let ring = ours
        .ring
        .followed_by(Key::make(second_from).expect("a key"), NOW);
    ours.signer.replace(ring).expect("replaced");
    // Whoever has stolen the old key makes tokens that last.
    let stolen = ours.with_claim("exp", json!(NOW_S + 1_000_000));
    let ends = second_from.plus_ms(OVERLAP_MS);
    assert!(ours.signer.verify(&stolen, ends.plus_ms(-1)).is_some());
    assert!(ours.signer.verify(&stolen, ends).is_none(), "remembered");
    let other = ours.with_claim("exp", json!(NOW_S + 1_000_001));
    assert!(ours.signer.verify(&other, ends).is_none(), "not remembered");
}
