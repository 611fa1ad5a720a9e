//! A dialog above the page.
//!
//! Invariant: it is the browser's own modal dialog, which keeps the keyboard inside and closes on
//! Escape. It is closed before it goes, because only closing returns the focus to where it was.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::{Button, Glyph, Look};

/// A dialog.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it is about.
    pub title: AttrValue,
    /// Somebody wants it closed.
    pub onclose: Callback<()>,
    /// What is in it.
    pub children: Html,
}

/// A dialog that is open as long as it is there.
#[component]
pub fn Dialog(props: &Props) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            let dialog = dialog.cast::<HtmlDialogElement>();
            if let Some(dialog) = &dialog {
                // It fails only if the dialog is open already.
                let _ = dialog.show_modal();
            }
            move || {
                if let Some(dialog) = dialog {
                    dialog.close();
                }
            }
        });
    }
    let oncancel = {
        let onclose = props.onclose.clone();
        move |event: Event| {
            event.prevent_default();
            onclose.emit(());
        }
    };
    let onclick = {
        let onclose = props.onclose.clone();
        move |_| onclose.emit(())
    };
    html! {
        <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" {oncancel}>
            <header class="dialog-head">
                <h2 id="dialog-title">{ &props.title }</h2>
                <Button label="Close" glyph={Glyph::Cross} look={Look::Ghost} {onclick} />
            </header>
            { props.children.clone() }
        </dialog>
    }
}
