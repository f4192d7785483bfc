//! Which rates hold for a request: by how it is served and by the size of its prompt. What lists leave out stays unknown.

use super::bill::Unpriced;
use super::entry::{Entry, Scheme, Service};
use super::rate::{Bucket, Rate, Rates};

/// The rates that hold for a request.
pub(super) struct Tariff<'m> {
    /// Of its size.
    first: &'m Rates,
    /// Of any size, of what costs the same in any; none of them for service tiers, whose larger sizes nobody may guess.
    second: Option<&'m Rates>,
    /// How the request is served.
    pub service: Service,
    /// They are those of prompts of more than so many tokens.
    pub above: Option<u64>,
}

impl<'m> Tariff<'m> {
    /// The rates for a prompt of so many tokens.
    pub fn of(entry: &'m Entry, service: Service, all_input: u64) -> Result<Tariff<'m>, Unpriced> {
        let scheme = entry.scheme(service).ok_or(Unpriced::NoService(service))?;
        let own = scheme.tier(all_input);
        if service == Service::Standard {
            let rates = own.map_or(&scheme.rates, |tier| &tier.rates);
            return Ok(Tariff {
                first: rates,
                second: Some(&scheme.rates),
                service,
                above: own.map(|tier| tier.above),
            });
        }
        let standard = entry.scheme(Service::Standard).and_then(|standard: &Scheme| standard.tier(all_input));
        let above = own.map(|tier| tier.above).max(standard.map(|tier| tier.above));
        match (above, own) {
            (None, _) => Ok(Tariff { first: &scheme.rates, second: None, service, above }),
            (Some(above), Some(tier)) if tier.above == above => {
                Ok(Tariff { first: &tier.rates, second: None, service, above: Some(above) })
            }
            (Some(above), _) => Err(Unpriced::NoServiceAbove(service, above)),
        }
    }

    /// The rate of a bucket, where there is one.
    pub fn rate(&self, bucket: Bucket) -> Option<Rate> {
        let own = self.first.get(bucket);
        match bucket {
            // Audio has no sizes in any list.
            Bucket::AudioInput | Bucket::AudioOutput => own.or_else(|| self.second?.get(bucket)),
            // What a size leaves out is unknown: the rate of smaller prompts would be too low.
            _ => own,
        }
    }

    /// Whether reasoning has a price of its own, of this size; else it is output.
    pub fn reasons_apart(&self) -> bool {
        self.first.get(Bucket::Reasoning).is_some()
    }

    /// The rate of a bucket that has tokens.
    pub fn need(&self, bucket: Bucket) -> Result<Rate, Unpriced> {
        self.rate(bucket).ok_or(match self.service {
            Service::Standard => Unpriced::NoRate(bucket),
            service if self.first.is_empty() => Unpriced::NoService(service),
            _ => Unpriced::NoRate(bucket),
        })
    }
}
