//! One resource: what it is like, and how it came to be so.
//!
//! Invariant: every attribute is shown, whole; nothing is cut here.

use schemas::{api::ResourceView, domain::ResourceId};
use serde_json::Value;
use yew::prelude::*;

use super::{
    object::{object_of, use_object},
    resources::labels,
};
use crate::{
    api::{Client, Collection},
    components::{
        Anchor, Empty, Fact, Facts, Glyph, Json, OriginFact, PageHead, Panel, Stamp, Timeline,
    },
    filter::ResourceFilter,
    route::{Route, Section},
    text::{count, inline},
};

/// Which resource.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its identity.
    pub id: ResourceId,
}

/// One resource.
#[component]
pub fn Resource(props: &Props) -> Html {
    let id = props.id;
    let load = |client: Client, id| async move { client.resource(id).await };
    let resource = use_object(id, load, Section::Resources, |r: &ResourceView| &r.name);
    object_of(
        Section::Resources,
        &id.to_string(),
        &resource,
        |resource, above| {
            let of_type =
                ResourceFilter::default().with(|by| by.type_name.clone_from(&resource.type_name));
            let beside = html! {
                <Anchor class="tag" to={Route::Resources} query={of_type.written()}>
                    { &resource.type_name }
                </Anchor>
            };
            html! {
                <>
                    <PageHead title={resource.name.clone()} {above} {beside} />
                    <div class="columns columns-detail">
                        <div class="stack">
                            { attributes(resource) }
                            <Timeline collection={Collection::Resources} id={id.to_string()} />
                        </div>
                        <div class="stack">{ facts(resource) }</div>
                    </div>
                </>
            }
        },
    )
}

fn attributes(resource: &ResourceView) -> Html {
    let number = count(resource.attributes.len() as u64, "attribute", "attributes");
    let aside = html! { <span class="faint">{ number }</span> };
    html! {
        <Panel title="Attributes" class="flush" {aside}>
            if resource.attributes.is_empty() {
                <Empty
                    glyph={Glyph::Box}
                    title="No attributes"
                    hint="Set some through the API: PATCH with {“attributes”: {…}}."
                />
            } else {
                <table class="table table-attributes">
                    <thead>
                        <tr>
                            <th scope="col">{ "Name" }</th>
                            <th scope="col">{ "Value" }</th>
                        </tr>
                    </thead>
                    <tbody>
                        for (name, value) in &resource.attributes {
                            <tr key={name.clone()}>
                                <th scope="row">{ name }</th>
                                <td>{ shown(name, value) }</td>
                            </tr>
                        }
                    </tbody>
                </table>
            }
        </Panel>
    }
}

fn shown(name: &str, value: &Value) -> Html {
    match value {
        Value::Array(items) if items.is_empty() => html! { <code>{ "[]" }</code> },
        Value::Array(_) | Value::Object(_) => {
            html! { <Json value={value.clone()} what={name.to_owned()} /> }
        }
        Value::String(text) if text.is_empty() => html! { <code>{ "\"\"" }</code> },
        Value::String(text) => html! { <span class="written">{ text }</span> },
        other => html! { <code>{ inline(other, usize::MAX) }</code> },
    }
}

fn facts(resource: &ResourceView) -> Html {
    html! {
        <Panel title="Details">
            <Facts>
                <Fact name="Type">{ &resource.type_name }</Fact>
                <Fact name="Labels">{ labels(&resource.labels) }</Fact>
                <Fact name="Origin"><OriginFact origin={resource.origin.clone()} /></Fact>
                <Fact name="Created"><Stamp at={resource.created_at} /></Fact>
                <Fact name="Changed"><Stamp at={resource.updated_at} /></Fact>
                <Fact name="Version"><span class="number">{ resource.version }</span></Fact>
            </Facts>
        </Panel>
    }
}
