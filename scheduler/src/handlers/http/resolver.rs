//! Names to addresses, once, with the check in between.
//!
//! Invariant: the connection goes to an address that was checked; the name is not looked up again
//! between check and connect. One forbidden address among a name's answers forbids them all.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

/// The system's resolver with a check behind it.
#[derive(Clone, Copy, Debug)]
pub struct CheckedResolver {
    /// Whether private addresses will do.
    pub allow_private: bool,
}

/// The name leads to an address that tasks may not call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the host has a private or reserved address")]
pub struct Forbidden;

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses = checked(found.collect(), allow_private)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn checked(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, Forbidden> {
    if allow_private || found.iter().all(|address| is_public(address.ip())) {
        Ok(found)
    } else {
        Err(Forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_forbidden_address_forbids_the_name() {
        let public: SocketAddr = "8.8.8.8:0".parse().expect("an address");
        let private: SocketAddr = "10.0.0.1:0".parse().expect("an address");
        assert_eq!(checked(vec![public], false), Ok(vec![public]));
        assert_eq!(checked(vec![public, private], false), Err(Forbidden));
        assert_eq!(
            checked(vec![public, private], true),
            Ok(vec![public, private])
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_resolved() {
        let name = || "localhost".parse().expect("a name");
        let checked = CheckedResolver {
            allow_private: false,
        };
        let refused = checked.resolve(name()).await.err().expect("refused");
        assert!(refused.is::<Forbidden>(), "{refused}");
        let trusting = CheckedResolver {
            allow_private: true,
        };
        let found = trusting.resolve(name()).await.expect("resolved");
        assert!(found.count() > 0);
    }
}
