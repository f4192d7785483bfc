//! Which of the store's rollups can answer: the smallest that knows every dimension asked about, else single calls.

use super::fold::Lanes;
use super::groups::is_row_dim;
use super::series::Passing;
use crate::store::sqlite::rollup::{HOST_CHUNKS, MAIN_CHUNKS};
use crate::view::{Dim, Field, Filter, Match};

/// Which rollups know all the dimensions that a pass asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cube {
    /// Everything together.
    Everything,
    /// All dimensions but the host.
    Main,
    /// The host alone.
    Hosts,
    /// None: single calls do.
    Rows,
}

impl Cube {
    /// The cube that knows the dimensions of a filter and of some lanes; `passing` is what the filter says of the lanes.
    /// Where combinations share a lane and the filter takes only some of them, single calls alone can tell.
    pub fn of(filter: &Filter, passing: &Passing, lanes: &dyn Lanes) -> Cube {
        let cube = Cube::by_dims(filter, lanes);
        if passing.is_told_by(cube) { cube } else { Cube::Rows }
    }

    fn by_dims(filter: &Filter, lanes: &dyn Lanes) -> Cube {
        use Dim::{App, Environment, Error, Host, Model, Operation, Provider, Status, Variant};
        let mut dims = Vec::new();
        lanes.add_dims(&mut dims);
        if filter.needs_rows() || dims.iter().any(|d| is_row_dim(*d)) {
            return Cube::Rows;
        }
        let asked = filter.terms.iter().filter_map(|t| match &t.matches {
            Match::Any(Field::Dim(dim), _) => Some(*dim),
            _ => None,
        });
        dims.extend(asked);
        let main = dims.iter().any(|d| matches!(d, Provider | Model | Operation | App | Environment | Variant));
        match (dims.contains(&Host), main) {
            (true, true) => Cube::Rows,
            (true, false) => Cube::Hosts,
            (false, true) => Cube::Main,
            (false, false) if dims.iter().any(|d| matches!(d, Status | Error)) => Cube::Main,
            (false, false) => Cube::Everything,
        }
    }

    /// The chunks of rollups it is kept in: `from..to`.
    pub fn chunks(self) -> (u32, u32) {
        match self {
            Cube::Everything | Cube::Rows => (0, 1),
            Cube::Main => MAIN_CHUNKS,
            Cube::Hosts => HOST_CHUNKS,
        }
    }
}
