//! What a process tells about its work: log lines, and traces if somebody collects them.
//!
//! Invariant: a failing collector never stops or slows the work.

use anyhow::Context as _;
use opentelemetry::{trace::TraceContextExt as _, trace::TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt,
};

use crate::Telemetry;

/// Sends what is left when it is dropped; keep it until the end.
#[must_use]
pub struct TelemetryGuard(Option<SdkTracerProvider>);

/// Starts logging and, if an endpoint is configured, tracing of the process called `service`.
pub fn init_telemetry(service: &'static str, config: &Telemetry) -> anyhow::Result<TelemetryGuard> {
    let filter = || {
        let words = config.filter.as_deref().unwrap_or("info");
        EnvFilter::try_new(words).context("telemetry.filter")
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if config.json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    let provider = config
        .otlp_endpoint
        .as_deref()
        .map(|url| collector(service, url))
        .transpose()?;
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer(service)));
    // Spans of libraries, the exporter's own among them, are filtered like their lines.
    tracing_subscriber::registry()
        .with(traces.with_filter(filter()?))
        .with(lines.with_filter(filter()?))
        .try_init()?;
    Ok(TelemetryGuard(provider))
}

/// Makes aws-lc the process's one TLS provider; to be called first thing in `main`.
pub fn install_crypto() {
    // A second call finds the provider in place, which is all that is wanted.
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The W3C trace context of the current span, if it is being traced.
pub fn traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}

fn collector(service: &'static str, url: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(url)
        .build()
        .context("telemetry.otlp_endpoint")?;
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name(service)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // Nobody is left to be told that the collector did not answer.
            let _unsent = provider.shutdown();
        }
    }
}
