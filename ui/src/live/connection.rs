//! Keeps one live stream open while the page can be seen.
//!
//! Invariant: at most one stream is open, and none by a page that is out of sight for longer than a
//! moment: browsers allow few connections, and all tabs share them. After a break it resumes after
//! the last commit heard, and everybody is told to load again once.

use std::{cell::Cell, cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};
use js_sys::{Reflect, Uint8Array};
use schemas::api::LiveEvent;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, ReadableStream, ReadableStreamDefaultReader};
use yew::Callback;

use super::{
    Feed, News, State,
    sse::{Message, Parser},
};
use crate::{api::Client, browser};

/// Longer than two of the server's heartbeats: a silent connection is a dead one.
const SILENCE_MAX_MS: i64 = 40_000;
/// How often silence is looked for.
const WATCH_MS: u32 = 5_000;
/// A page out of sight for less than this keeps its stream.
const OUT_OF_SIGHT_MS: u32 = 10_000;
const BACK_OFF_BASE_MS: u32 = 250;
const BACK_OFF_CAP_MS: u32 = 15_000;

/// A live stream that is kept open until dropped.
pub struct Connection {
    inner: Rc<Inner>,
    _listeners: [EventListener; 2],
}

struct Inner {
    client: Client,
    feed: Feed,
    abort: RefCell<Option<AbortController>>,
    last: Cell<Option<u64>>,
    failures: Cell<u32>,
    /// Whether nobody has looked for a while.
    unseen: Cell<bool>,
    /// When the last bytes came, by the reader's clock, which goes on while a machine sleeps.
    heard_ms: Cell<i64>,
    /// Counts streams, so that what is left of an earlier one knows that it is over.
    generation: Cell<u64>,
    signed_out: Callback<()>,
    hiding: RefCell<Option<Timeout>>,
    retry: RefCell<Option<Timeout>>,
    watchdog: RefCell<Option<Interval>>,
}

#[derive(Deserialize)]
struct Reached {
    position: u64,
}

impl Connection {
    /// Connects, and keeps connecting; `signed_out` is told if the sign-in is over.
    pub fn open(client: Client, feed: Feed, signed_out: Callback<()>) -> Self {
        let inner = Rc::new(Inner {
            client,
            feed,
            abort: RefCell::default(),
            last: Cell::default(),
            failures: Cell::default(),
            unseen: Cell::new(browser::is_hidden()),
            heard_ms: Cell::default(),
            generation: Cell::default(),
            signed_out,
            hiding: RefCell::default(),
            retry: RefCell::default(),
            watchdog: RefCell::default(),
        });
        let listeners = {
            let (seen, online) = (inner.clone(), inner.clone());
            [
                EventListener::new(&browser::document(), "visibilitychange", move |_| {
                    seen.sight_changed();
                }),
                EventListener::new(&browser::window(), "online", move |_| online.connect()),
            ]
        };
        inner.connect();
        Self {
            inner,
            _listeners: listeners,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.inner.stop();
        self.inner.hiding.take();
        self.inner.retry.take();
    }
}

impl Inner {
    fn connect(self: &Rc<Self>) {
        self.stop();
        self.retry.take();
        if self.unseen.get() {
            self.set_state(State::Paused);
            return;
        }
        let generation = self.generation.get();
        self.set_state(State::Connecting);
        let Ok(abort) = AbortController::new() else {
            return;
        };
        *self.abort.borrow_mut() = Some(abort.clone());
        let inner = self.clone();
        spawn_local(async move {
            inner.watch();
            let opened = inner.client.stream(inner.last.get(), &abort.signal()).await;
            if let Ok(stream) = &opened {
                inner.read(stream, generation).await;
            }
            if inner.generation.get() != generation {
                return;
            }
            if opened.is_err_and(|error| error.is_signed_out()) {
                inner.signed_out.emit(());
            } else {
                inner.reconnect_later();
            }
        });
    }

    fn stop(&self) {
        self.generation.set(self.generation.get() + 1);
        self.watchdog.take();
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }

    /// Waits longer after each failure, and differently from other pages (full jitter).
    fn reconnect_later(self: &Rc<Self>) {
        self.stop();
        self.set_state(State::Connecting);
        let failures = self.failures.get();
        self.failures.set(failures.saturating_add(1));
        let longest = (BACK_OFF_BASE_MS << failures.min(8)).min(BACK_OFF_CAP_MS);
        let wait_ms = BACK_OFF_BASE_MS + (f64::from(longest) * browser::chance()) as u32;
        let inner = self.clone();
        *self.retry.borrow_mut() = Some(Timeout::new(wait_ms, move || inner.connect()));
    }

    fn sight_changed(self: &Rc<Self>) {
        if browser::is_hidden() {
            let inner = self.clone();
            *self.hiding.borrow_mut() = Some(Timeout::new(OUT_OF_SIGHT_MS, move || {
                inner.unseen.set(true);
                inner.connect();
            }));
            return;
        }
        self.hiding.take();
        self.unseen.set(false);
        let is_live = self.feed.status().state == State::Live;
        if !is_live || self.silence_ms() > SILENCE_MAX_MS {
            self.failures.set(0);
            self.connect();
        }
    }

    async fn read(self: &Rc<Self>, stream: &ReadableStream, generation: u64) {
        let Ok(reader) = ReadableStreamDefaultReader::new(stream) else {
            return;
        };
        let mut parser = Parser::default();
        while let Some(bytes) = chunk(&reader).await {
            if self.generation.get() != generation {
                return;
            }
            self.heard_ms.set(browser::now_ms());
            for message in parser.push(&bytes) {
                self.receive(&message);
            }
        }
    }

    fn receive(&self, message: &Message) {
        match message.event.as_str() {
            "hello" => self.greeted(&message.data),
            "commit" => {
                let Ok(event) = serde_json::from_str::<LiveEvent>(&message.data) else {
                    // A commit that this page cannot read may still change what it shows.
                    self.feed.tell(&News::Reload);
                    return;
                };
                self.reached(event.position);
                self.feed.tell(&News::Commit(Rc::new(event)));
            }
            "reset" => {
                self.last.set(None);
                if let Ok(Reached { position }) = serde_json::from_str(&message.data) {
                    self.reached(position);
                }
                self.feed.tell(&News::Reload);
            }
            _ => {}
        }
    }

    /// The stream is open. What happened between loading and this moment was not heard, unless the
    /// stream resumes; and what could not be loaded while the server was away can be now.
    fn greeted(&self, data: &str) {
        self.failures.set(0);
        if let Ok(Reached { position }) = serde_json::from_str(data)
            && self.last.get().is_none()
        {
            self.reached(position);
        }
        let status = self.feed.status();
        self.feed.set_status(super::Status {
            state: State::Live,
            known: true,
            ..status
        });
        self.feed.tell(&News::Reload);
    }

    fn reached(&self, position: u64) {
        self.last.set(Some(position));
        let status = self.feed.status();
        self.feed.set_status(super::Status { position, ..status });
    }

    fn set_state(&self, state: State) {
        let status = self.feed.status();
        let heard_ms = match status.state {
            State::Live => self.heard_ms.get(),
            State::Connecting | State::Paused => status.heard_ms,
        };
        self.feed.set_status(super::Status {
            state,
            heard_ms,
            ..status
        });
    }

    /// Connects anew after a silence. By the clock on the wall: timers stand still while a machine
    /// sleeps.
    fn watch(self: &Rc<Self>) {
        self.heard_ms.set(browser::now_ms());
        let inner = self.clone();
        *self.watchdog.borrow_mut() = Some(Interval::new(WATCH_MS, move || {
            if inner.silence_ms() > SILENCE_MAX_MS {
                inner.connect();
            }
        }));
    }

    fn silence_ms(&self) -> i64 {
        browser::now_ms() - self.heard_ms.get()
    }
}

/// The next bytes; none at the end or when the connection breaks.
async fn chunk(reader: &ReadableStreamDefaultReader) -> Option<Vec<u8>> {
    let result = JsFuture::from(reader.read()).await.ok()?;
    let done = Reflect::get(&result, &JsValue::from_str("done")).ok()?;
    if done.is_truthy() {
        return None;
    }
    let value = Reflect::get(&result, &JsValue::from_str("value")).ok()?;
    Some(value.dyn_into::<Uint8Array>().ok()?.to_vec())
}
