//! The workers that are there, and what they are at.
//!
//! Invariant: whoever is silent for longer than a worker may be is gone from here.

use schemas::api::WorkerView;
use yew::prelude::*;

use crate::{
    components::{Anchor, Badge, Empty, Glyph, Moment, PageHead, Panel, view_of},
    hooks::{use_fetch, use_page, use_polling},
    route::{Route, Section},
    text::{Tone, grouped, short_id},
};

/// How often they are looked at, in milliseconds: they say every few seconds that they are there.
const LOOK_MS: i64 = 5_000;

/// The workers.
#[component]
pub fn Workers() -> Html {
    let workers = use_fetch((), |client, ()| async move { client.workers().await });
    use_polling(workers.reload.clone(), Some(LOOK_MS));
    let label = Section::Workers.label();
    use_page(label, workers.value.is_some() || workers.error.is_some());
    html! {
        <>
            <PageHead title={label} />
            <Panel title="There now" class="flush">
                { view_of(&workers, |workers| html! {
                    if workers.items.is_empty() {
                        <Empty
                            glyph={Glyph::Activity}
                            title="No worker is there"
                            hint="Tasks wait until one is: start `almanac worker`."
                        />
                    } else {
                        { rows(&workers.items) }
                    }
                }) }
            </Panel>
        </>
    }
}

fn rows(workers: &[WorkerView]) -> Html {
    html! {
        <div class="table-frame">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">{ "State" }</th>
                        <th scope="col">{ "Worker" }</th>
                        <th scope="col" class="end">{ "Load" }</th>
                        <th scope="col">{ "Tasks" }</th>
                        <th scope="col" class="optional">{ "Version" }</th>
                        <th scope="col" class="end">{ "Started" }</th>
                        <th scope="col" class="end">{ "Seen" }</th>
                    </tr>
                </thead>
                <tbody>
                    for worker in workers {
                        <tr key={worker.name.clone()} data-worker={worker.name.clone()}>
                            <td class="cell-badge">{ state(worker) }</td>
                            <td class="cell-main">
                                <code>{ &worker.name }</code>
                                <span class="cell-more">{ worker.kinds.join(", ") }</span>
                            </td>
                            <td data-label="Load" class="end number">{ load(worker) }</td>
                            <td data-label="Tasks">{ running(worker) }</td>
                            <td data-label="Version" class="optional">{ version(worker) }</td>
                            <td data-label="Started" class="end">
                                <Moment at={worker.started_at} />
                            </td>
                            <td data-label="Seen" class="end"><Moment at={worker.seen_at} /></td>
                        </tr>
                    }
                </tbody>
            </table>
        </div>
    }
}

fn state(worker: &WorkerView) -> Html {
    let (label, tone, glyph) = match (worker.draining, worker.busy.unwrap_or_default()) {
        (true, _) => ("Draining", Tone::Wait, Glyph::Wait),
        (false, 0) if worker.running.is_empty() => ("Idle", Tone::Calm, Glyph::Clock),
        (false, _) => ("Working", Tone::Busy, Glyph::Activity),
    };
    html! { <Badge {label} status={label.to_lowercase()} {tone} {glyph} /> }
}

fn load(worker: &WorkerView) -> String {
    let number = |count: Option<u32>| count.map(|count| grouped(count.into()));
    match (number(worker.busy), number(worker.slots)) {
        (Some(busy), Some(slots)) => format!("{busy} of {slots}"),
        (Some(busy), None) => busy,
        (None, _) => "–".to_owned(),
    }
}

fn running(worker: &WorkerView) -> Html {
    if worker.running.is_empty() {
        return html! { <span class="faint">{ "–" }</span> };
    }
    html! {
        for one in &worker.running {
            <Anchor class="above" to={Route::Task { id: one.task_id }}>
                <code>{ short_id(&one.task_id.to_string()) }</code>
            </Anchor>
            { " " }
        }
    }
}

fn version(worker: &WorkerView) -> String {
    let of = worker.version.iter().chain(&worker.zone);
    let of: Vec<_> = of.map(String::as_str).collect();
    match (of.is_empty(), worker.external) {
        (true, false) => "–".to_owned(),
        (true, true) => "outside".to_owned(),
        (false, false) => of.join(" · "),
        (false, true) => format!("{} · outside", of.join(" · ")),
    }
}
