//! The keys that the page understands, on demand.
//!
//! Invariant: what is listed here is what the shell does; sections bring their own keys.

use yew::prelude::*;

use super::Dialog;
use crate::route::Section;

/// The help.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Somebody wants it closed.
    pub onclose: Callback<()>,
}

/// The keys that the page understands.
#[component]
pub fn Help(props: &Props) -> Html {
    html! {
        <Dialog title="Keyboard" onclose={props.onclose.clone()}>
            <dl class="keys">
                <div><dt><kbd>{ "/" }</kbd></dt><dd>{ "Search this list" }</dd></div>
                for section in Section::ALL {
                    <div key={section.key()}>
                        <dt><kbd>{ "g" }</kbd>{ " " }<kbd>{ section.key() }</kbd></dt>
                        <dd>{ format!("Go to {}", section.label()) }</dd>
                    </div>
                }
                <div><dt><kbd>{ "?" }</kbd></dt><dd>{ "Show these keys" }</dd></div>
                <div><dt><kbd>{ "Esc" }</kbd></dt><dd>{ "Close a dialog" }</dd></div>
            </dl>
        </Dialog>
    }
}
