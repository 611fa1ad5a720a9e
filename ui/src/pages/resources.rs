//! The list of resources.
//!
//! Invariant: the address is the filter; the counts by type are those of the server.

use schemas::{
    api::{Page, ResourceView, Stats},
    domain::{Attributes, Labels},
};
use yew::prelude::*;

use crate::{
    components::{
        Anchor, Chip, Chips, Empty, Glyph, Moment, OriginFact, PageHead, Pager, Panel, Search,
        view_of,
    },
    filter::ResourceFilter,
    hooks::{use_address, use_live_fetch, use_page},
    route::Route,
    text::{count, inline},
};

/// How many attributes a row shows.
const ATTRIBUTES: usize = 3;
const VALUE_CHARS: usize = 32;

/// The list of resources.
#[component]
pub fn Resources() -> Html {
    let address = use_address();
    let filter = ResourceFilter::read(&address.query);
    let resources = use_live_fetch(
        filter.clone(),
        |client, filter| async move { client.resources(&filter).await },
        |event| event.kind == "resource",
    );
    let stats = use_live_fetch(
        (),
        |client, ()| async move { client.stats().await },
        |event| event.kind == "resource",
    );
    use_page("Resources", resources.is_settled());
    let onsearch = {
        let filter = filter.clone();
        move |q| {
            let wanted = ResourceFilter {
                q,
                ..filter.from_cursor("")
            };
            address.replace(Route::Resources, &wanted.written());
        }
    };
    html! {
        <>
            <PageHead title="Resources" />
            <div class="filters">
                <Chips
                    label="Type"
                    to={Route::Resources}
                    chips={chips(&filter, stats.value.as_deref())}
                />
                <div class="filters-fields">
                    <Search
                        label="Search resources"
                        placeholder="Name"
                        value={filter.q.clone()}
                        {onsearch}
                    />
                </div>
            </div>
            <Panel title="Resources" class="flush headless">
                { view_of(&resources, |page| list(page, &filter)) }
            </Panel>
        </>
    }
}

fn list(page: &Page<ResourceView>, filter: &ResourceFilter) -> Html {
    if page.items.is_empty() {
        return nothing(filter);
    }
    let next = page.page.next.clone().unwrap_or_default();
    html! {
        <>
            <div class="table-frame">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">{ "Resource" }</th>
                            <th scope="col">{ "Attributes" }</th>
                            <th scope="col">{ "Labels" }</th>
                            <th scope="col" class="optional">{ "Origin" }</th>
                            <th scope="col" class="end">{ "Changed" }</th>
                        </tr>
                    </thead>
                    <tbody>
                        for resource in &page.items {
                            { row(resource) }
                        }
                    </tbody>
                </table>
            </div>
            <Pager
                to={Route::Resources}
                page={page.page.clone()}
                first={filter.from_cursor("").written()}
                next={filter.from_cursor(&next).written()}
                is_first={filter.cursor.is_empty()}
                shown={count(page.items.len() as u64, "resource", "resources")}
            />
        </>
    }
}

fn row(resource: &ResourceView) -> Html {
    html! {
        <tr key={resource.id.to_string()} data-resource={resource.id.to_string()}>
            <td class="cell-main">
                <Anchor class="row-link" to={Route::Resource { id: resource.id }}>
                    { &resource.name }
                </Anchor>
                <span class="cell-more">{ &resource.type_name }</span>
            </td>
            <td data-label="Attributes">{ some_of(&resource.attributes) }</td>
            <td data-label="Labels">{ labels(&resource.labels) }</td>
            <td data-label="Origin" class="optional">
                <OriginFact origin={resource.origin.clone()} />
            </td>
            <td data-label="Changed" class="end"><Moment at={resource.updated_at} /></td>
        </tr>
    }
}

fn some_of(attributes: &Attributes) -> Html {
    let more = attributes.len().saturating_sub(ATTRIBUTES);
    html! {
        <span class="attributes">
            for (name, value) in attributes.iter().take(ATTRIBUTES) {
                <span class="attribute">
                    <span class="attribute-name">{ name }</span>
                    { " " }
                    { inline(value, VALUE_CHARS) }
                </span>
            }
            if more > 0 {
                <span class="faint">{ format!("+{more}") }</span>
            }
        </span>
    }
}

/// Labels, as tags.
pub fn labels(labels: &Labels) -> Html {
    if labels.is_empty() {
        return html! { <span class="faint">{ "–" }</span> };
    }
    html! {
        <span class="tags">
            for (name, value) in labels {
                <span class="tag">{ format!("{name}={value}") }</span>
            }
        </span>
    }
}

fn nothing(filter: &ResourceFilter) -> Html {
    if filter.narrows() {
        html! {
            <Empty
                glyph={Glyph::Search}
                title="No resource fits"
                hint="Try fewer letters or another type, or drop the filter."
            >
                <Anchor class="button" to={Route::Resources}>{ "Show all resources" }</Anchor>
            </Empty>
        }
    } else {
        html! {
            <Empty
                glyph={Glyph::Box}
                title="No resources yet"
                hint="Run “almanac import inventory” to take in this machine, or use the API."
            />
        }
    }
}

fn chips(filter: &ResourceFilter, stats: Option<&Stats>) -> Vec<Chip> {
    let chip = |label: &str, type_name: &str, count: Option<u64>| {
        let wanted = ResourceFilter {
            type_name: type_name.to_owned(),
            ..filter.from_cursor("")
        };
        Chip {
            label: label.to_owned().into(),
            count: count.filter(|_| filter.q.is_empty()),
            query: wanted.written().into(),
            tone: None,
            chosen: filter.type_name == type_name,
        }
    };
    let types = stats
        .map(|stats| stats.resources.as_slice())
        .unwrap_or_default();
    let total = stats.map(|_| types.iter().map(|of| of.count).sum());
    let mut chips = vec![chip("All", "", total)];
    chips.extend(
        types
            .iter()
            .map(|of| chip(&of.type_name, &of.type_name, Some(of.count))),
    );
    // A type that has no resources any more still shows that it is what the list is narrowed to.
    if !filter.type_name.is_empty() && types.iter().all(|of| of.type_name != filter.type_name) {
        chips.push(chip(&filter.type_name, &filter.type_name, stats.map(|_| 0)));
    }
    chips
}
