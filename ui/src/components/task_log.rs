//! What the attempts of a task say, as they say it.
//!
//! Invariant: lines stand in their order and none is left out between two of them; what was read is
//! not read again.

use std::{cell::RefCell, rc::Rc};

use schemas::{
    api::{TaskLogLine, TaskProgress},
    domain::TaskId,
};
use yew::prelude::*;

use super::{Empty, Glyph, Panel, view_of};
use crate::{
    api::{ApiError, Client},
    browser,
    hooks::{use_fetch, use_polling},
    text::{count, grouped},
};

/// How often an attempt that goes on is listened to, in milliseconds.
const LISTEN_MS: i64 = 2_000;
/// How many lines are shown: the latest.
const SHOWN: usize = 500;

/// Whose log.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Which task.
    pub id: TaskId,
    /// Whether an attempt goes on, so that more may come.
    pub goes_on: bool,
}

/// The lines so far; clones share them.
#[derive(Clone, Debug, Default)]
struct Said(Rc<RefCell<Vec<Rc<TaskLogLine>>>>);

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What was said, and how far it is.
#[derive(Debug, PartialEq)]
struct Heard {
    lines: Vec<Rc<TaskLogLine>>,
    progress: Option<TaskProgress>,
}

/// What the attempts of a task say.
#[component]
pub fn TaskLog(props: &Props) -> Html {
    let said = use_memo(props.id, |_| Said::default());
    let question = (props.id, (*said).clone(), props.goes_on);
    let heard = use_fetch(question, listen);
    use_polling(heard.reload.clone(), props.goes_on.then_some(LISTEN_MS));
    let number = heard.value.as_deref().map(|heard| {
        let lines = count(heard.lines.len() as u64, "line", "lines");
        html! { <span class="faint">{ lines }</span> }
    });
    html! {
        <Panel title="Log" aside={number.unwrap_or_default()}>
            { view_of(&heard, |heard| html! {
                <>
                    { far(heard.progress.as_ref().filter(|_| props.goes_on)) }
                    if heard.lines.is_empty() {
                        <Empty
                            glyph={Glyph::Document}
                            title="Nothing said"
                            hint="What attempts say appears here while it is kept."
                        />
                    } else {
                        { lines(&heard.lines) }
                    }
                </>
            }) }
        </Panel>
    }
}

async fn listen(client: Client, (id, said, _): (TaskId, Said, bool)) -> Result<Heard, ApiError> {
    loop {
        let last = said.0.borrow().last().map(|line| line.id.clone());
        let page = client.task_logs(id, last.as_deref()).await?;
        let mut lines = said.0.borrow_mut();
        // Another reading may have come as far meanwhile.
        if lines.last().map(|line| &line.id) == last.as_ref() {
            lines.extend(page.items.into_iter().map(Rc::new));
        }
        if !page.page.has_more {
            break;
        }
    }
    let progress = client.task_progress(id).await?.progress;
    let lines = said.0.borrow().clone();
    Ok(Heard { lines, progress })
}

fn lines(all: &[Rc<TaskLogLine>]) -> Html {
    let left_out = all.len().saturating_sub(SHOWN);
    html! {
        <>
            if left_out > 0 {
                <p class="faint">
                    { format!("{} earlier ones are left out here.", grouped(left_out as u64)) }
                </p>
            }
            <pre class="log" tabindex="0" role="log" aria-label="What attempts said">
                for line in &all[left_out..] {
                    <span key={line.id.clone()} class="log-line" data-level={line.level.name()}>
                        <time datetime={line.at.to_string()}>
                            { browser::civil(line.at.unix_ms()).stamp() }
                        </time>
                        { " " }<span class="log-level">{ line.level.name() }</span>
                        { " " }{ &line.text }{ "\n" }
                    </span>
                }
            </pre>
        </>
    }
}

/// How far it is; nothing if it does not say.
fn far(progress: Option<&TaskProgress>) -> Html {
    let Some(progress) = progress else {
        return Html::default();
    };
    let done = grouped(progress.done);
    let words = match progress.total {
        Some(total) => format!("{done} of {}", grouped(total)),
        None => done,
    };
    html! {
        <div class="progress">
            <progress
                aria-label="How far it is"
                value={progress.total.map(|_| progress.done.to_string())}
                max={progress.total.map(|total| total.max(1).to_string())}
            />
            <p class="number">
                { words }
                if let Some(note) = &progress.note {
                    <span class="faint">{ " " }{ note }</span>
                }
            </p>
        </div>
    }
}
