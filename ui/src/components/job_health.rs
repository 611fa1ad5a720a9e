//! How a job does: what is wrong with it, how its latest runs ended, and how long they took.
//!
//! Invariant: it is said that nothing is wrong only where the server says so.

use schemas::{
    api::{JobHealthView, Percentiles},
    domain::{JobId, job::JobAlert},
};
use yew::prelude::*;

use super::{Fact, Facts, Glyph, Notice, Panel, Stamp, view_of};
use crate::{
    hooks::use_live_fetch,
    text::{Tone, alert_title, count, duration, grouped},
};

/// Which job.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Its identity.
    pub id: JobId,
}

/// How a job does.
#[component]
pub fn JobHealth(props: &Props) -> Html {
    let health = use_live_fetch(
        props.id,
        |client, id| async move { client.job_health(id).await },
        |event| event.kind == "task",
    );
    html! {
        <Panel title="Health">
            { view_of(&health, |health| html! {
                <>
                    for alert in &health.alerts {
                        { alarming(alert) }
                    }
                    { figures(health) }
                </>
            }) }
        </Panel>
    }
}

fn alarming(alert: &JobAlert) -> Html {
    let more = match alert {
        JobAlert::Failing { in_a_row } => {
            let runs = count(*in_a_row, "run", "runs");
            html! { { format!("The latest {runs} failed.") } }
        }
        JobAlert::Late { slot, late_ms } => html! {
            <>
                { format!("For {} nobody has decided the slot ", late(*late_ms)) }
                <Stamp at={*slot} />
            </>
        },
        JobAlert::Silent { since } => html! {
            <>{ "No slot became a task since " }<Stamp at={*since} /></>
        },
    };
    html! {
        <Notice tone={Tone::Bad} glyph={Glyph::Warning} title={alert_title(alert)} role="status">
            <p>{ more }</p>
        </Notice>
    }
}

fn figures(health: &JobHealthView) -> Html {
    let JobHealthView {
        runs,
        succeeded,
        failed,
        cancelled,
        ..
    } = *health;
    html! {
        <Facts>
            if health.alerts.is_empty() {
                <Fact name="Alerts">{ "None" }</Fact>
            }
            <Fact name="Latest runs"><span class="number">{ grouped(runs) }</span></Fact>
            <Fact name="Of these">
                { format!("{} succeeded, {} failed, {} stopped",
                    grouped(succeeded), grouped(failed), grouped(cancelled)) }
            </Fact>
            <Fact name="Took">{ spread(health.duration_ms.as_ref()) }</Fact>
            <Fact name="Waited">{ spread(health.wait_ms.as_ref()) }</Fact>
        </Facts>
    }
}

/// `half within 2 s, 19 of 20 within 4 s, 99 of 100 within 9 s`.
fn spread(of: Option<&Percentiles>) -> Html {
    let Some(Percentiles { p50, p95, p99, .. }) = of.copied() else {
        return html! { <span class="faint">{ "–" }</span> };
    };
    html! {
        <span class="number" title="Half of them, 19 of 20, and 99 of 100 within that time">
            { format!("p50 {} · p95 {} · p99 {}", duration(p50), duration(p95), duration(p99)) }
        </span>
    }
}

fn late(ms: i64) -> String {
    duration(ms.max(0).unsigned_abs())
}
