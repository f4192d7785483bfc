//! Requests: the records of the window, newest first, in pages; Enter reads one.

use super::{Needs, PAGE, Pane, Panel, records};
use crate::view::Sections;

/// The pane.
pub(super) static PANE: Pane = Pane {
    name: "requests",
    title: "Requests",
    short: "Req",
    needs: |_| Needs { sections: Sections { records: PAGE, ..Sections::default() }, ..Needs::default() },
    panels: &[Panel { name: "requests", rows: records::request_rows, draw: records::draw_requests }],
    layout: |area, _| vec![(0, area)],
    by: &[],
    sorts: &[],
    pages: true,
};
