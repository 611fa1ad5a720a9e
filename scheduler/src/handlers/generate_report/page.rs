//! A report as a page of HTML.
//!
//! Invariant: whatever is not of this file is escaped, in text and nowhere else; the page loads
//! nothing and forbids itself to.

use std::io::{self, Write};

use domain::Timestamp;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b1f24}\
     table{border-collapse:collapse;margin:.5rem 0 2rem}\
     th,td{border-bottom:1px solid #d8dee4;padding:.25rem .75rem;text-align:left;\
     vertical-align:top;white-space:pre-wrap}th{background:#f6f8fa}\
     p{color:#57606a}";

/// A page that is being written.
pub(super) struct Page<W>(W);

impl<W: Write> Page<W> {
    pub(super) fn begin(mut to: W, title: &str) -> io::Result<Self> {
        let title = escaped(title);
        write!(
            to,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             </head>\n<body>\n<h1>{title}</h1>\n"
        )?;
        Ok(Self(to))
    }

    pub(super) fn section(&mut self, title: &str, names: &[String]) -> io::Result<()> {
        let title = escaped(title);
        write!(self.0, "<h2>{title}</h2>\n<table>\n<thead><tr>")?;
        for name in names {
            write!(self.0, "<th scope=\"col\">{}</th>", escaped(name))?;
        }
        self.0.write_all(b"</tr></thead>\n<tbody>\n")
    }

    pub(super) fn row(&mut self, cells: &[String]) -> io::Result<()> {
        self.0.write_all(b"<tr>")?;
        for cell in cells {
            write!(self.0, "<td>{}</td>", escaped(cell))?;
        }
        self.0.write_all(b"</tr>\n")
    }

    pub(super) fn end_section(&mut self, rows: u64) -> io::Result<()> {
        writeln!(self.0, "</tbody>\n</table>\n<p>{rows} rows</p>")
    }

    pub(super) fn end(mut self, position: u64, now: Timestamp) -> io::Result<W> {
        writeln!(
            self.0,
            "<p>Made at {now} by Almanac, as of position {position} of the log.</p>\n</body>\n\
             </html>"
        )?;
        Ok(self.0)
    }
}

/// `text` as the content of an element, or of an attribute in quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
