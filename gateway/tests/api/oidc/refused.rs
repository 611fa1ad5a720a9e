//! What signs in nobody.
//!
//! Invariant: a refusal says what sort it is, gives no cookie of a sign-in, and makes no user.

use axum::http::StatusCode;
use schemas::api::Code;

use super::{
    issuer::{Algorithm, Trouble, Ways, members, visit},
    *,
};

/// Holds that nobody was signed in.
#[track_caller]
fn refused(answer: &Answer, code: Code) {
    answer.problem(code);
    assert_eq!(cookie(answer, "almanac_refresh"), None);
}

#[test]
fn a_token_that_is_not_as_it_should_be_signs_in_nobody() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let by = |algorithm| Ways {
            algorithm,
            ..Ways::default()
        };
        let headed = |head| Ways {
            head: members(head),
            ..Ways::default()
        };
        let forged = [
            Ways::claiming(json!({"aud": "another"})),
            Ways::claiming(json!({"aud": [CLIENT, "another"]})),
            Ways::claiming(json!({"aud": null})),
            Ways::claiming(json!({"azp": "another"})),
            Ways::claiming(json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"})),
            Ways::claiming(json!({"exp": 1_000_000_000})),
            Ways::claiming(json!({"exp": null})),
            Ways::claiming(json!({"iat": 1_000_000_000})),
            Ways::claiming(json!({"iat": 9_000_000_000_i64, "exp": 9_000_000_300_i64})),
            Ways::claiming(json!({"iss": "https://another.example"})),
            Ways::claiming(json!({"nonce": "another"})),
            Ways::claiming(json!({"nonce": null})),
            Ways::claiming(json!({"sub": ""})),
            by(Algorithm::None),
            by(Algorithm::Hs256),
            headed(json!({"alg": "RS256"})),
            headed(json!({"crit": ["exp"]})),
            headed(json!({"kid": "nobody's"})),
            headed(json!({"typ": "at+jwt"})),
            Ways {
                tampered: true,
                ..Ways::default()
            },
        ];
        for (at, mut ways) in forged.into_iter().enumerate() {
            let email = json!("ann.forged@example.org");
            ways.claims.insert("email".to_owned(), email);
            desk.issuer.set(ways);
            let answer = desk.sign_in().await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{at}: {answer:?}");
            refused(&answer, Code::InvalidAssertion);
        }
        let right = json!({"email": "ann.forged@example.org"});
        desk.sign_in_as(right).await.expect(303);
    });
}

#[test]
fn only_the_browser_that_left_comes_back_and_once() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        desk.issuer
            .set(Ways::claiming(json!({"email": "ann.browser@example.org"})));
        let left = desk.leave("").await;
        let at = visit(left.location.as_str()).await;
        let other = desk.leave("").await;
        let without = desk.back_with(&at, &[FOREIGN]).await;
        refused(&without, Code::InvalidAssertion);
        refused(&desk.back(&at, &other.cookie).await, Code::InvalidAssertion);
        refused(&desk.back(&at, "").await, Code::InvalidAssertion);
        let altered = format!("{}A", left.cookie);
        refused(&desk.back(&at, &altered).await, Code::InvalidAssertion);
        for query in [
            "state=&code=code-1",
            "code=code-1",
            "state=x&code=code-1",
            "",
        ] {
            let mut forged = at.clone();
            forged.set_query(Some(query));
            refused(
                &desk.back(&forged, &left.cookie).await,
                Code::InvalidAssertion,
            );
        }
        let mut elsewhere = at.clone();
        elsewhere.set_path("/auth/oidc/house/callback");
        refused(
            &desk.back(&elsewhere, &left.cookie).await,
            Code::InvalidAssertion,
        );
        elsewhere.set_path("/auth/oidc/nobody/callback");
        refused(&desk.back(&elsewhere, &left.cookie).await, Code::NotFound);
        // None of this has used it up.
        desk.back(&at, &left.cookie).await.expect(303);
        refused(&desk.back(&at, &left.cookie).await, Code::InvalidAssertion);
        assert_eq!(desk.issuer.asked("POST /token"), 1);
    });
}

#[test]
fn a_code_is_for_the_sign_in_that_it_was_given_to_and_works_once() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        desk.issuer
            .set(Ways::claiming(json!({"email": "ann.code@example.org"})));
        let code = |at: &Url| {
            let mut sent = at.query_pairs();
            sent.find(|(name, _)| name == "code")
                .expect("a code")
                .1
                .into_owned()
        };
        let with_code = |at: &Url, code: &str| {
            let mut changed = at.clone();
            let kept = at.query_pairs().filter(|(name, _)| name != "code");
            changed
                .query_pairs_mut()
                .clear()
                .extend_pairs(kept)
                .append_pair("code", code);
            changed
        };
        let (mine, theirs) = (desk.leave("").await, desk.leave("").await);
        let at = visit(mine.location.as_str()).await;
        let injected = code(&visit(theirs.location.as_str()).await);
        // Their code proves itself by a verifier that this browser's sign-in does not have.
        let answer = desk.back(&with_code(&at, &injected), &mine.cookie).await;
        refused(&answer, Code::InvalidAssertion);
        let first = desk.leave("").await;
        let at = visit(first.location.as_str()).await;
        desk.back(&at, &first.cookie).await.expect(303);
        let second = desk.leave("").await;
        let used = code(&at);
        let at = visit(second.location.as_str()).await;
        let answer = desk.back(&with_code(&at, &used), &second.cookie).await;
        refused(&answer, Code::InvalidAssertion);
        assert_eq!(desk.issuer.asked("POST /token"), 3);
    });
}

#[test]
fn an_answer_of_another_issuer_is_not_taken() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let ways = |document, returned| Ways {
            claims: members(json!({"email": "ann.mixed@example.org"})),
            document: members(document),
            returned: members(returned),
            ..Ways::default()
        };
        desk.issuer
            .set(ways(json!({}), json!({"iss": "https://another.example"})));
        refused(&desk.sign_in().await, Code::InvalidAssertion);
        assert_eq!(desk.issuer.asked("POST /token"), 0);
        desk.issuer
            .set(ways(json!({}), json!({"iss": desk.issuer.url})));
        desk.sign_in().await.expect(303);

        let told = world.open_desk().await;
        let document = json!({"authorization_response_iss_parameter_supported": true});
        told.issuer.set(ways(document.clone(), json!({})));
        refused(&told.sign_in().await, Code::InvalidAssertion);
    });
}

#[test]
fn who_is_not_let_in_is_told_so_and_nothing_of_the_answer_is_repeated() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let left = desk.leave("").await;
        let mut at = visit(left.location.as_str()).await;
        let state = at.query_pairs().find(|(name, _)| name == "state");
        let state = state.expect("a state").1.into_owned();
        at.query_pairs_mut()
            .clear()
            .append_pair("error", "<script>alert(1)</script>")
            .append_pair("error_description", "<b>call this number</b>")
            .append_pair("state", &state);
        let cookie = format!("almanac_oidc={}", left.cookie);
        let headers = [
            FOREIGN,
            ("cookie", &cookie),
            ("accept", "text/html,*/*;q=0.8"),
        ];
        let page = desk.back_with(&at, &headers).await.expect(401);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
        let text = String::from_utf8_lossy(&page.bytes);
        assert!(text.contains("did not let you in"), "{text}");
        assert!(text.contains(page.header("request-id")), "{text}");
        assert!(
            !text.contains("script") && !text.contains("number"),
            "{text}"
        );
        assert_eq!(desk.issuer.asked("POST /token"), 0);
    });
}

#[test]
fn an_issuer_in_trouble_is_not_waited_for_and_not_followed() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        for trouble in [
            Trouble::Broken,
            Trouble::Huge,
            Trouble::Redirect,
            Trouble::Slow,
        ] {
            desk.issuer.set(Ways {
                claims: members(json!({"email": "ann.trouble@example.org"})),
                token_endpoint: trouble,
                ..Ways::default()
            });
            let began = std::time::Instant::now();
            let answer = desk.sign_in().await;
            assert_eq!(
                answer.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{trouble:?}"
            );
            refused(&answer, Code::Unavailable);
            assert!(began.elapsed().as_secs() < 20, "{trouble:?}");
        }
        assert_eq!(desk.issuer.asked("POST /elsewhere"), 0);
        assert_eq!(desk.issuer.asked("POST /token"), 4);
    });
}

#[test]
fn an_issuer_that_is_not_who_it_should_be_is_asked_nothing() {
    on_world(|world| async move {
        for document in [
            json!({"issuer": "https://another.example"}),
            json!({"token_endpoint": "http://token.example/"}),
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            json!({"jwks_uri": "http://10.0.0.1/"}),
            json!({"token_endpoint": "https://user:word@token.example/"}),
        ] {
            let desk = world.open_desk().await;
            desk.issuer.set(Ways {
                document: members(document.clone()),
                ..Ways::default()
            });
            let start = || desk.gateway.get("/auth/oidc/desk/start");
            start().await.problem(Code::Unavailable);
            start().await.problem(Code::Unavailable);
            // One that has failed is left alone for a while.
            assert_eq!(desk.issuer.asked("GET "), 1, "{document}");
        }
    });
}

#[test]
fn one_returns_to_this_site_only() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        for other in [
            "https://evil.example",
            "//evil.example",
            "/%5Cevil.example",
            "%5C%5Cevil.example",
            "/%09/evil.example",
            "/%0d%0aset-cookie:a=b",
            "tasks",
            "javascript:alert(1)",
        ] {
            let path = format!("/auth/oidc/desk/start?return_to={other}");
            let answer = desk.gateway.get(&path).await;
            answer.problem(Code::InvalidParameter);
        }
        let path = "/auth/oidc/nobody/start";
        desk.gateway.get(path).await.problem(Code::NotFound);
        let accept = [("accept", "text/html")];
        let page = desk.gateway.get_with(path, &accept).await.expect(404);
        assert!(page.header("content-type").starts_with("text/html"));
    });
}
