//! Provides the live stream to everything that shows data.
//!
//! Invariant: the stream is open exactly while someone is signed in.

use yew::prelude::*;

use crate::{
    hooks::use_client,
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
    let client = use_client();
    let feed = (*use_memo((), |()| Feed::default())).clone();
    use_effect_with((client, feed.clone()), |(client, feed)| {
        let connection = Connection::open(client.clone(), feed.clone());
        move || drop(connection)
    });
    html! {
        <ContextProvider<Feed> context={feed}>{ props.children.clone() }</ContextProvider<Feed>>
    }
}
