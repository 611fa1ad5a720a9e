//! The list of resources.
//!
//! Invariant: the counts by type are those of the server.

use schemas::{
    api::{Page, ResourceView, Stats},
    domain::{Attributes, Labels},
};
use yew::prelude::*;

use super::list::{ListPage, Listed};
use crate::{
    api::{ApiError, Client},
    components::{Anchor, Chip, Glyph, Moment, OriginFact},
    filter::{ResourceFilter, ResourcesBy},
    route::{Route, Section},
    text::inline,
};

/// How many attributes a row shows.
const ATTRIBUTES: usize = 3;
const VALUE_CHARS: usize = 32;

/// The list of resources.
pub type Resources = ListPage<ResourcesBy>;

impl Listed for ResourcesBy {
    type Item = ResourceView;
    const SECTION: Section = Section::Resources;
    const NOUNS: (&'static str, &'static str) = ("resource", "resources");
    const CHOICES: &'static str = "Type";
    const SEARCH: (&'static str, &'static str) = ("Search resources", "Name");
    const NOTHING_YET: (Glyph, &'static str) = (
        Glyph::Box,
        "Run “almanac import inventory” to take in this machine, or use the API.",
    );
    const NOTHING_FITS: &'static str = "Try fewer letters or another type, or drop the filter.";

    async fn load(
        client: &Client,
        filter: &ResourceFilter,
    ) -> Result<Page<ResourceView>, ApiError> {
        client.resources(filter).await
    }

    fn chips(filter: &ResourceFilter, stats: Option<&Stats>) -> Vec<Chip> {
        chips(filter, stats)
    }

    fn table(items: &[ResourceView]) -> Html {
        html! {
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
                    <tbody>{ for items.iter().map(row) }</tbody>
                </table>
            </div>
        }
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

fn chips(filter: &ResourceFilter, stats: Option<&Stats>) -> Vec<Chip> {
    let chip = |label: &str, type_name: &str, count: Option<u64>| {
        let wanted = filter.with(|by| type_name.clone_into(&mut by.type_name));
        Chip {
            label: label.to_owned().into(),
            count: count.filter(|_| filter.by.q.is_empty()),
            query: wanted.written().into(),
            tone: None,
            chosen: filter.by.type_name == type_name,
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
    if !filter.by.type_name.is_empty() && types.iter().all(|of| of.type_name != filter.by.type_name)
    {
        chips.push(chip(
            &filter.by.type_name,
            &filter.by.type_name,
            stats.map(|_| 0),
        ));
    }
    chips
}
