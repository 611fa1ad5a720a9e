//! What the lists have in common: choices, a search, rows, and the way from page to page.
//!
//! Invariant: the address is the filter, and each page follows the live stream. What stands around
//! the rows (where the next page is, why there are none) belongs to the filter that they answer,
//! also while those of another are on their way.

use std::{future::Future, marker::PhantomData};

use schemas::api::{Code, Page, Stats};
use yew::prelude::*;

use crate::{
    api::{ApiError, Client},
    components::{Anchor, Chip, Chips, Empty, Glyph, PageHead, Pager, Panel, Search, view_of},
    filter::{Filter, Narrowing},
    hooks::{use_address, use_live_fetch, use_page},
    route::Section,
    text::count,
};

/// A list, known by what narrows it.
pub trait Listed: Narrowing {
    /// What is listed.
    type Item: PartialEq + 'static;
    /// Where it is.
    const SECTION: Section;
    /// The kind of its objects, as live events name it; and many of them.
    const NOUNS: (&'static str, &'static str);
    /// What its choices are about.
    const CHOICES: &'static str;
    /// The search's name, and what one might type.
    const SEARCH: (&'static str, &'static str);
    /// The drawing of a list that has nothing yet, and how something would come into it.
    const NOTHING_YET: (Glyph, &'static str);
    /// What to do when nothing fits.
    const NOTHING_FITS: &'static str;

    /// Loads a page.
    fn load(
        client: &Client,
        filter: &Filter<Self>,
    ) -> impl Future<Output = Result<Page<Self::Item>, ApiError>>;

    /// The choices; the counts are those without a text, so they are left out where one applies.
    fn chips(filter: &Filter<Self>, stats: Option<&Stats>) -> Vec<Chip>;

    /// The rows.
    fn table(items: &[Self::Item]) -> Html;

    /// What can be done beside the heading.
    fn actions() -> Html {
        Html::default()
    }

    /// More to choose from, beside the search.
    fn fields(_: &Filter<Self>) -> Html {
        Html::default()
    }

    /// What is said above the list.
    fn above(_: &Filter<Self>) -> Html {
        Html::default()
    }
}

/// Nothing: the address says it all.
#[derive(PartialEq, Properties)]
pub struct Props<L: PartialEq> {
    #[prop_or_default]
    list: PhantomData<L>,
}

/// A page, and the filter that it answers.
#[derive(PartialEq)]
struct Answer<L: Listed> {
    filter: Filter<L>,
    page: Page<L::Item>,
}

/// A list with all that is around it.
#[component]
pub fn ListPage<L: Listed>(_: &Props<L>) -> Html {
    let address = use_address();
    let filter = Filter::<L>::read(&address.query);
    let mut answer = use_live_fetch(
        filter.clone(),
        |client, filter: Filter<L>| async move {
            let page = L::load(&client, &filter).await?;
            Ok(Answer { filter, page })
        },
        |event| event.kind == L::NOUNS.0,
    );
    let stats = use_live_fetch(
        (),
        |client, ()| async move { client.stats().await },
        |event| event.kind == L::NOUNS.0,
    );
    let (to, title) = (L::SECTION.route(), L::SECTION.label());
    use_page(title, answer.is_settled());
    // A cursor of another list, or of an older server, leads nowhere; the first page does.
    let lost = answer.error.as_ref().and_then(ApiError::code) == Some(Code::CursorMismatch);
    answer.error = answer.error.filter(|_| !lost);
    let first = filter.from_cursor("").written();
    use_effect_with(
        (lost, address.clone(), first),
        move |(lost, address, first)| {
            if *lost {
                address.replace(to, first);
            }
        },
    );
    let mut by = filter.by.clone();
    let value = by.text().clone();
    let onsearch = {
        let filter = filter.clone();
        move |text| address.replace(to, &filter.with(|by| *by.text() = text).written())
    };
    html! {
        <>
            <PageHead {title}>{ L::actions() }</PageHead>
            <div class="filters">
                <Chips
                    label={L::CHOICES}
                    {to}
                    chips={L::chips(&filter, stats.value.as_deref())}
                />
                <div class="filters-fields">
                    <Search label={L::SEARCH.0} placeholder={L::SEARCH.1} {value} {onsearch} />
                    { L::fields(&filter) }
                </div>
            </div>
            { L::above(&filter) }
            <Panel {title} class="flush headless">{ view_of(&answer, list) }</Panel>
        </>
    }
}

fn list<L: Listed>(Answer { filter, page }: &Answer<L>) -> Html {
    if page.items.is_empty() {
        return nothing(filter);
    }
    let next = page.page.next.clone().unwrap_or_default();
    html! {
        <>
            { L::table(&page.items) }
            <Pager
                to={L::SECTION.route()}
                page={page.page.clone()}
                first={filter.from_cursor("").written()}
                next={filter.from_cursor(&next).written()}
                is_first={filter.cursor.is_empty()}
                shown={count(page.items.len() as u64, L::NOUNS.0, L::NOUNS.1)}
            />
        </>
    }
}

fn nothing<L: Listed>(filter: &Filter<L>) -> Html {
    let (to, (one, many)) = (L::SECTION.route(), L::NOUNS);
    if !filter.cursor.is_empty() {
        html! {
            <Empty
                glyph={Glyph::Search}
                title="Nothing more here"
                hint="What was on this page has changed since, and is on an earlier one or gone."
            >
                <Anchor class="button" {to} query={filter.from_cursor("").written()}>
                    { "First page" }
                </Anchor>
            </Empty>
        }
    } else if filter.narrows() {
        let title = format!("No {one} fits");
        html! {
            <Empty glyph={Glyph::Search} {title} hint={L::NOTHING_FITS}>
                <Anchor class="button" {to}>{ format!("Show all {many}") }</Anchor>
            </Empty>
        }
    } else {
        let (glyph, hint) = L::NOTHING_YET;
        html! { <Empty {glyph} title={format!("No {many} yet")} {hint} /> }
    }
}
