//! A whole and its parts, as one bar.
//!
//! Invariant: every part is named with its number in the list that follows, so the drawing itself
//! is decoration; a part that exists is never too thin to be seen.

use yew::prelude::*;

use crate::text::Tone;

/// How wide the smallest part is drawn, of a thousand.
const WIDTH_MIN: f64 = 6.0;
const GAP: f64 = 2.0;
const WHOLE: f64 = 1000.0;

/// One part.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// How large it is.
    pub count: u64,
    /// Its colour.
    pub tone: Tone,
    /// Tells it from others of the same tone.
    pub name: &'static str,
}

/// The parts.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// In order.
    pub segments: Vec<Segment>,
}

/// A stacked bar.
#[component]
pub fn StackedBar(props: &Props) -> Html {
    html! {
        <svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-empty" x="0" y="0" width="1000" height="12" />
            for (segment, x, width) in laid_out(&props.segments) {
                <rect
                    data-tone={segment.tone.name()}
                    data-part={segment.name}
                    x={format!("{x:.1}")}
                    y="0"
                    width={format!("{width:.1}")}
                    height="12"
                />
            }
        </svg>
    }
}

/// Where each part that exists begins and how wide it is.
fn laid_out(segments: &[Segment]) -> Vec<(&Segment, f64, f64)> {
    let present: Vec<_> = segments
        .iter()
        .filter(|segment| segment.count > 0)
        .collect();
    let total: u64 = present.iter().map(|segment| segment.count).sum();
    let spare = WHOLE - (WIDTH_MIN + GAP) * present.len() as f64 + GAP;
    let mut x = 0.0;
    present
        .into_iter()
        .map(|segment| {
            let width = WIDTH_MIN + spare * segment.count as f64 / total as f64;
            let at = x;
            x += width + GAP;
            (segment, at, width)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(count: u64) -> Segment {
        Segment {
            count,
            tone: Tone::Good,
            name: "part",
        }
    }

    #[test]
    fn parts_fill_the_whole_and_none_vanishes() {
        let segments = [part(1_000_000), part(0), part(1), part(999)];
        let laid_out = laid_out(&segments);
        assert_eq!(laid_out.len(), 3);
        assert!(laid_out.iter().all(|(_, _, width)| *width >= WIDTH_MIN));
        let (_, x, width) = laid_out.last().expect("three parts");
        assert!((x + width - WHOLE).abs() < 0.001);
    }

    #[test]
    fn nothing_is_an_empty_bar() {
        assert!(laid_out(&[part(0)]).is_empty());
    }
}
