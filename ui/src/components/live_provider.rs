//! Provides the live stream to everything that shows data.
//!
//! Invariant: the stream is open exactly while someone is signed in.

use yew::prelude::*;

use crate::{
    hooks::use_session,
    live::{Connection, Feed},
};

/// What is inside.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What may listen.
    pub children: Html,
}

/// Keeps the live stream open while it is there.
#[component]
pub fn LiveProvider(props: &Props) -> Html {
    let session = use_session();
    let feed = (*use_memo((), |()| Feed::default())).clone();
    let client = session.client.clone();
    use_effect_with((client, feed.clone()), move |(client, feed)| {
        let signed_out = Callback::from(move |()| session.expire());
        let connection = Connection::open(client.clone(), feed.clone(), signed_out);
        move || drop(connection)
    });
    html! {
        <ContextProvider<Feed> context={feed}>{ props.children.clone() }</ContextProvider<Feed>>
    }
}
