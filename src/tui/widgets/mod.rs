//! Small widgets: each draws one kind of thing from plain values, and knows nothing of panes or of the snapshot's source.

pub(crate) mod axis;
pub(crate) mod bar;
pub(crate) mod dist;
pub(crate) mod heat;
pub(crate) mod lines;
pub(crate) mod stack;
pub(crate) mod table;
pub(crate) mod tile;
