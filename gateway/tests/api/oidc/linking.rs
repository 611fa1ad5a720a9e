//! Which user an identity is.
//!
//! Invariant: nobody comes to an account that is not theirs by an address that an issuer gives.

use domain::user::Role;
use schemas::api::Code;

use super::*;

const PASSWORD: &str = "a good one";

/// Somebody who registered with a password.
async fn register(desk: &Desk, email: &str) -> (Client, String) {
    let wanted = json!({"email": email, "password": PASSWORD, "name": "Ann"});
    let session = desk.gateway.post("/auth/register", wanted).await;
    let body = session.expect(201).body();
    let token = body["access_token"].as_str().expect("a token");
    let id = body["user"]["id"].as_str().expect("an id").to_owned();
    (desk.gateway.clone().with_bearer(token), id)
}

/// Links whoever the issuer means to the user of `client`.
async fn link(desk: &Desk, client: &Client) -> Answer {
    let begun = client
        .post("/auth/oidc/desk/link?return_to=/me", json!({}))
        .await;
    let begun = begun.expect(200);
    let cookie = cookie(&begun, "almanac_oidc").expect("a cookie");
    let location = begun.body()["location"].as_str().expect("text").to_owned();
    desk.back(&visit(&location).await, &cookie).await
}

async fn providers(client: &Client) -> Value {
    let me = client.get("/auth/me").await.expect(200).body();
    me.get("providers").cloned().unwrap_or(json!([]))
}

async fn unlink(client: &Client) -> Answer {
    client
        .send(Method::DELETE, "/auth/oidc/desk/link", &[], "")
        .await
}

#[test]
fn strangers_become_users_only_by_a_verified_address_of_an_allowed_domain() {
    on_world(|world| async move {
        let closed = world.desk(|_| {}).await;
        let refused = closed
            .sign_in_as(json!({"email": "ann.closed@example.org"}))
            .await;
        refused.problem(Code::IdentityNotLinked);
        let desk = world.open_desk().await;
        for claims in [
            json!({"email": "ann.open@example.org", "email_verified": false}),
            json!({"email": "ann.open@example.org", "email_verified": "true"}),
            json!({"email": "ann.open@example.org", "email_verified": null}),
            json!({"email": "ann@elsewhere.example"}),
            json!({"email": "ann@sub.example.org"}),
            json!({"email": null}),
        ] {
            let refused = desk.sign_in_as(claims.clone()).await;
            refused.problem(Code::IdentityNotLinked);
            assert_eq!(cookie(&refused, "almanac_refresh"), None, "{claims}");
        }
        desk.sign_in_as(json!({"email": "ann.open@example.org"}))
            .await
            .expect(303);
    });
}

#[test]
fn the_account_of_another_is_not_taken_by_its_address() {
    on_world(|world| async move {
        for desk in [world.desk(|_| {}).await, world.open_desk().await] {
            let number = desk.issuer.url.rsplit_once(':').expect("a port").1;
            let email = format!("ann.taken{number}@example.org");
            register(&desk, &email).await;
            let refused = desk.sign_in_as(json!({"email": email})).await;
            refused.problem(Code::IdentityNotLinked);
            assert_eq!(cookie(&refused, "almanac_refresh"), None);
        }
        let trusting = world.desk(|provider| provider.trust_email = true).await;
        let email = "ann.trusted@example.org";
        let (_, id) = register(&trusting, email).await;
        let unverified = json!({"email": email, "email_verified": false});
        let refused = trusting.sign_in_as(unverified.clone()).await;
        refused.problem(Code::IdentityNotLinked);
        let signed_in = trusting
            .sign_in_as(json!({"email": email}))
            .await
            .expect(303);
        let me = trusting
            .page(&signed_in)
            .await
            .get("/auth/me")
            .await
            .expect(200);
        assert_eq!(me.id(), id);
        // What is linked needs no address any more.
        trusting.sign_in_as(unverified).await.expect(303);
    });
}

#[test]
fn who_is_signed_in_links_an_identity_and_gives_it_up() {
    on_world(|world| async move {
        let desk = world.desk(|_| {}).await;
        let (ann, id) = register(&desk, "ann.link@example.org").await;
        let (bob, _) = register(&desk, "bob.link@example.org").await;
        let linked = link(&desk, &ann).await.expect(303);
        assert_eq!(linked.header("location"), "/me");
        assert_eq!(cookie(&linked, "almanac_refresh"), None);
        assert_eq!(providers(&ann).await, json!(["desk"]));
        link(&desk, &ann).await.expect(303);
        link(&desk, &bob).await.problem(Code::IdentityTaken);
        assert_eq!(providers(&bob).await, json!([]));
        let signed_in = desk.sign_in().await.expect(303);
        let page = desk.page(&signed_in).await;
        assert_eq!(page.get("/auth/me").await.id(), id);
        // Another of Ann's identities there.
        desk.issuer
            .set(Ways::claiming(json!({"sub": "ann's other"})));
        link(&desk, &ann).await.problem(Code::InvalidState);
        desk.issuer.set(Ways::default());

        let gone = unlink(&ann).await.expect(204);
        assert!(!gone.token().is_empty());
        unlink(&ann).await.expect(204);
        assert_eq!(providers(&ann).await, json!([]));
        desk.sign_in().await.problem(Code::IdentityNotLinked);
        link(&desk, &bob).await.expect(303);
    });
}

#[test]
fn a_link_is_made_for_who_is_still_signed_in() {
    on_world(|world| async move {
        let desk = world.desk(|_| {}).await;
        let stranger = desk.gateway.post("/auth/oidc/desk/link", json!({})).await;
        stranger.problem(Code::AuthenticationRequired);
        let (ann, _) = register(&desk, "ann.gone@example.org").await;
        let begun = ann
            .post("/auth/oidc/desk/link", json!({}))
            .await
            .expect(200);
        let cookie = cookie(&begun, "almanac_oidc").expect("a cookie");
        let location = begun.body()["location"].as_str().expect("text").to_owned();
        let sign_ins = ann.get("/auth/sessions").await.expect(200).body();
        let id = sign_ins["items"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let ended = format!("/auth/sessions/{id}");
        ann.send(Method::DELETE, &ended, &[], "").await.expect(204);
        let back = desk.back(&visit(&location).await, &cookie).await;
        back.problem(Code::AuthenticationRequired);
        desk.sign_in().await.problem(Code::IdentityNotLinked);
    });
}

#[test]
fn the_only_way_in_is_kept_until_there_is_another() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let signed_in = desk
            .sign_in_as(json!({"email": "ann.only@example.org"}))
            .await;
        let ann = desk.page(&signed_in.expect(303)).await;
        let me = ann.get("/auth/me").await.expect(200);
        for password in [PASSWORD, "password"] {
            let login = json!({"email": "ann.only@example.org", "password": password});
            let refused = desk.gateway.post("/auth/login", login).await;
            refused.problem(Code::InvalidCredentials);
        }
        unlink(&ann).await.problem(Code::InvalidState);
        let admin = world.signed_in(Role::Admin).await;
        let path = format!("/users/{}/password", me.id());
        let password = json!({"password": PASSWORD});
        let set = admin.json(Method::PUT, &path, &[], &password).await;
        set.expect(200);
        let login = json!({"email": "ann.only@example.org", "password": PASSWORD});
        let session = desk
            .gateway
            .post("/auth/login", login)
            .await
            .expect(200)
            .body();
        let token = session["access_token"].as_str().expect("a token");
        let ann = desk.gateway.clone().with_bearer(token);
        unlink(&ann).await.expect(204);
        desk.sign_in_as(json!({"email": "ann.only@example.org"}))
            .await
            .problem(Code::IdentityNotLinked);
    });
}

#[test]
fn who_is_disabled_stays_out_and_who_is_erased_is_a_stranger() {
    on_world(|world| async move {
        let desk = world.open_desk().await;
        let claims = json!({"email": "ann.out@example.org"});
        let signed_in = desk.sign_in_as(claims.clone()).await.expect(303);
        let me = desk
            .page(&signed_in)
            .await
            .get("/auth/me")
            .await
            .expect(200);
        let admin = world.signed_in(Role::Admin).await;
        let user = format!("/users/{}", me.id());
        admin
            .post(&format!("{user}/disable"), json!({}))
            .await
            .expect(200);
        desk.sign_in_as(claims.clone())
            .await
            .problem(Code::IdentityNotLinked);
        admin
            .post(&format!("{user}/erase"), json!({}))
            .await
            .expect(200);
        let signed_in = desk.sign_in_as(claims).await.expect(303);
        let again = desk
            .page(&signed_in)
            .await
            .get("/auth/me")
            .await
            .expect(200);
        assert_ne!(again.id(), me.id());
    });
}
