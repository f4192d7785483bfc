//! A bill as plain data, for faces that know nothing of prices.

use super::bill::{Bill, Computed, Invoice, Line};
use super::entry::Author;
use super::names;
use crate::snapshot::{self, BillLine};

impl Bill {
    /// The same as plain data.
    pub fn plain(&self) -> snapshot::Bill {
        let computed = match &self.computed {
            Computed::Billed(invoice) => snapshot::Computed::Billed(Box::new(plain(invoice))),
            Computed::Free(why) => snapshot::Computed::Free(why.to_string()),
            Computed::Unpriced(why) => snapshot::Computed::Unpriced(why.to_string()),
        };
        snapshot::Bill { reported_nusd: self.reported_nusd, computed }
    }
}

fn plain(invoice: &Invoice) -> snapshot::Invoice {
    let Invoice { lines, uplift, nusd, above, service, model, provider, found, from_us, backdated, source, .. } =
        invoice;
    snapshot::Invoice {
        lines: lines.iter().map(line).collect(),
        uplift: *uplift,
        nusd: *nusd,
        service: service.word(),
        above: *above,
        model: provider.as_deref().map_or_else(|| model.clone(), |provider| names::full(provider, model)),
        found: found.how(),
        from_us: *from_us,
        backdated: *backdated,
        source: source.name.clone(),
        // The configuration was not true on a day; it holds.
        source_us: source.date_us.filter(|_| source.author != Author::Config),
    }
}

fn line(line: &Line) -> BillLine {
    BillLine {
        kind: line.bucket.name(),
        tokens: line.tokens,
        rate_pusd: u64::from(line.rate.picos()),
        pusd: line.picos(),
    }
}
