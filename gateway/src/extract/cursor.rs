//! Cursors: where a list goes on, opaque and sealed.
//!
//! Invariant: a cursor works only for the tenant, list, filter and order that it was made for;
//! anything else is refused rather than answered with a page of something else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::TenantId;
use schemas::api::Code;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    problem::{Error, Result},
};

const MAC_LEN: usize = 16;

/// Makes and opens the cursors of one list.
pub(crate) struct Cursors<'a> {
    app: &'a App,
    list: String,
}

impl<'a> Cursors<'a> {
    /// Those of the list at `scope` (path, filter, order) of `tenant`.
    pub fn new(app: &'a App, tenant: TenantId, scope: &str) -> Self {
        Self {
            app,
            list: format!("cursor/{tenant}/{scope}"),
        }
    }

    /// The cursor of the page after `key`.
    pub fn encode(&self, key: &impl Serialize) -> Result<String> {
        let key = serde_json::to_vec(key).map_err(Error::internal)?;
        let sealed = [self.mac(&key).as_slice(), &key].concat();
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The key that `cursor` was made of.
    pub fn decode<K: DeserializeOwned>(&self, cursor: &str) -> Result<K> {
        let refused = || {
            let detail = "follow `next` as it was given, with the same parameters";
            Error::new(Code::CursorMismatch, detail)
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (mac, key) = bytes.split_first_chunk::<MAC_LEN>().ok_or_else(refused)?;
        if *mac != self.mac(key) {
            return Err(refused());
        }
        serde_json::from_slice(key).map_err(|_| refused())
    }

    fn mac(&self, key: &[u8]) -> [u8; MAC_LEN] {
        let text = [self.list.as_bytes(), b"\0", key].concat();
        let digest = self.app.identity.keyed_digest(&text);
        let mut mac = [0; MAC_LEN];
        mac.copy_from_slice(&digest[..MAC_LEN]);
        mac
    }
}
