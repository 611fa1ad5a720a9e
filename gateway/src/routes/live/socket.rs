//! `GET /ws`
//!
//! Invariant: no page of a foreign origin opens a socket, whatever token it has; and no more are
//! open than connections are allowed.

use axum::{
    Extension,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header},
    response::Response,
};
use runtime::Gateway;
use schemas::api::Code;

use crate::{
    app::App,
    audit::RequestId,
    extract::{Caller, Nothing, Parameters},
    live::{MESSAGE_MAX, Socket},
    problem::{Error, Result},
};

/// The language that is spoken.
const PROTOCOL: &str = "almanac.v1";
/// How much is read and written at a time, in bytes.
const BUFFER: usize = 4 * 1024;

/// Follow lists over a WebSocket.
///
/// Text messages in JSON: the client sends `LiveCommand`s, up to 16 KiB each and 60 in 15 s, and
/// follows up to 16 lists at a time; it is told `LiveMessage`s. A list is followed as with
/// `/stream?collection=…`; `resume` takes the ids of either. Offer the subprotocol `almanac.v1`;
/// a page, which cannot send `Authorization`, offers `bearer.<access token>` as well. The socket
/// closes with 1001 when the gateway ends, 1003 after a binary message, 1008 after too many
/// messages or too long a silence, 1009 after too large a message, 4001 when the token has expired,
/// 4003 when the sign-in ended or its rights changed.
#[utoipa::path(
    get, path = "/api/v1/ws", tag = "live",
    params(
        ("Upgrade" = Option<String>, Header, description = "`websocket` (RFC 6455)"),
        ("Sec-WebSocket-Protocol" = Option<String>, Header,
            description = "`almanac.v1`, and `bearer.<access token>` instead of `Authorization`"),
    ),
    responses((status = 101, description = "The socket; what each message says",
        body = schemas::api::LiveMessage)),
)]
pub(super) async fn open_socket(
    State(app): State<App>,
    caller: Caller,
    Parameters(Nothing): Parameters<Nothing>,
    request: Option<Extension<RequestId>>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    if !is_allowed(&headers, &app.config) {
        let detail = "pages of this origin may not open sockets";
        return Err(Error::new(Code::Forbidden, detail));
    }
    let upgrade = upgrade.map_err(|reason| Error::invalid_parameter("Upgrade", reason))?;
    let permit = app.live.sockets.clone().try_acquire_owned();
    let permit = permit
        .map_err(|_| Error::new(Code::Unavailable, "too many sockets are open").with_retry())?;
    let id = request.map_or_else(|| app.commands.ids().next(), |Extension(id)| id.0);
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_frame_size(MESSAGE_MAX)
        .max_message_size(MESSAGE_MAX)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    Ok(upgrade.on_upgrade(move |socket| async move {
        Socket::new(app, caller.0, id).serve(socket).await;
        drop(permit);
    }))
}

/// Whether whoever asks is no page, or a page of the gateway's own origin or a listed one.
fn is_allowed(headers: &HeaderMap, config: &Gateway) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let own = config
        .public_url
        .as_deref()
        .map(|url| url.trim_end_matches('/'));
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let listed = &config.cors_origins;
    listed.iter().any(|listed| listed.as_str() == origin)
        || own == Some(origin)
        || own.is_none() && authority.is_some() && authority == host
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_pages_of_the_own_origin_and_of_listed_ones_open_sockets() {
        let of = |origin: &str, config: &Gateway| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("almanac.test:8080"));
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).expect("text"));
            is_allowed(&headers, config)
        };
        let local = Gateway::default();
        assert!(is_allowed(&HeaderMap::new(), &local));
        assert!(of("http://almanac.test:8080", &local));
        for foreign in ["http://evil.test", "http://almanac.test:8081", "null", ""] {
            assert!(!of(foreign, &local), "{foreign}");
        }
        let public = Gateway {
            public_url: Some("https://almanac.example".into()),
            cors_origins: vec![
                "https://page.example"
                    .to_owned()
                    .try_into()
                    .expect("an origin"),
            ],
            ..Gateway::default()
        };
        assert!(of("https://almanac.example", &public));
        assert!(of("https://page.example", &public));
        assert!(!of("http://almanac.test:8080", &public));
    }
}
