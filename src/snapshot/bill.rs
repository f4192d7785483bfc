//! The bill of one call: what it cost and why, as plain data for the faces; made where the prices are.

/// What a call cost, and why, by the prices of now.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    /// By its producer, nano-dollars.
    pub reported_nusd: Option<i64>,
    /// By its tokens.
    pub computed: Computed,
}

/// What the tokens of a call come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed {
    /// So much.
    Billed(Box<Invoice>),
    /// Nothing, and why.
    Free(String),
    /// Nobody can tell, and why.
    Unpriced(String),
}

impl Computed {
    /// Nano-dollars; `None` where nobody can tell.
    pub fn nusd(&self) -> Option<i64> {
        match self {
            Computed::Billed(invoice) => Some(invoice.nusd),
            Computed::Free(_) => Some(0),
            Computed::Unpriced(_) => None,
        }
    }
}

/// A sum and all that went into it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invoice {
    /// Tokens by kind, each kind once.
    pub lines: Vec<BillLine>,
    /// What is added to the lines, thousandths of a percent; below 0 is a rebate.
    pub uplift: i32,
    /// The sum with the uplift, nano-dollars.
    pub nusd: i64,
    /// The service tier whose rates these are.
    pub service: &'static str,
    /// They are those of prompts of more than so many tokens.
    pub above: Option<u64>,
    /// The model's name among the prices, after its provider.
    pub model: String,
    /// How it was found, in words: `by its name`.
    pub found: &'static str,
    /// From when on the prices hold, µs; `None` is since ever.
    pub from_us: Option<i64>,
    /// They are later than the call, and the earliest there are.
    pub backdated: bool,
    /// Who says so.
    pub source: String,
    /// The day the source was true on, µs.
    pub source_us: Option<i64>,
}

/// Tokens of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillLine {
    /// Which.
    pub kind: &'static str,
    /// How many.
    pub tokens: u64,
    /// What one costs, pico-dollars.
    pub rate_pusd: u64,
    /// What all cost, pico-dollars.
    pub pusd: u128,
}
