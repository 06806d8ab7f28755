//! Collects violations and unknown enum values while a request is read.
//!
//! Field paths come as `format_args!`, so a sound request pays for no text.

use std::fmt::Arguments;

use super::limits::VIOLATIONS_MAX;
use super::violations::{Violation, Violations};

/// What has been found so far.
#[derive(Default)]
pub(super) struct Checks {
    found: Vec<Violation>,
    unknown_enum: bool,
}

impl Checks {
    /// Notes a violation; beyond the bound it is dropped.
    #[cold]
    pub fn refuse(&mut self, field: Arguments<'_>, description: Arguments<'_>) {
        if self.found.len() < VIOLATIONS_MAX {
            let (field, description) = (field.to_string(), description.to_string());
            self.found.push(Violation { field, description });
        }
    }

    /// At most `max` octets.
    #[inline]
    pub fn octets(&mut self, field: Arguments<'_>, value: impl AsRef<[u8]>, max: usize) {
        if value.as_ref().len() > max {
            self.refuse(field, format_args!("must be at most {max} octets"));
        }
    }

    /// At most `max` items.
    #[inline]
    pub fn items<T>(&mut self, field: Arguments<'_>, items: &[T], max: usize) {
        if items.len() > max {
            self.refuse(field, format_args!("must hold at most {max} items"));
        }
    }

    /// At most `max`.
    #[inline]
    pub fn at_most(&mut self, field: Arguments<'_>, value: u32, max: u32) {
        if value > max {
            self.refuse(field, format_args!("must be at most {max}"));
        }
    }

    /// Empty, or a region of two letters.
    #[inline]
    pub fn region(&mut self, field: Arguments<'_>, code: &str) {
        if !code.is_empty() && crate::model::number::Region::parse(code).is_none() {
            self.refuse(field, format_args!("must be two letters (ISO 3166-1 alpha-2)"));
        }
    }

    /// A point in time that google.protobuf.Timestamp allows (0001-01-01 to 9999-12-31).
    #[inline]
    pub fn time(&mut self, field: Arguments<'_>, time: Option<&prost_types::Timestamp>) {
        const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
        if let Some(time) = time
            && !(SECONDS.contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos))
        {
            self.refuse(field, format_args!("must be a time between the years 1 and 9999"));
        }
    }

    /// A span that is not negative and that google.protobuf.Duration allows.
    #[inline]
    pub fn span(&mut self, field: Arguments<'_>, span: Option<&prost_types::Duration>) {
        // The bound of google.protobuf.Duration: 10 000 years.
        const SECONDS: std::ops::RangeInclusive<i64> = 0..=315_576_000_000;
        if let Some(span) = span
            && !(SECONDS.contains(&span.seconds) && (0..1_000_000_000).contains(&span.nanos))
        {
            self.refuse(field, format_args!("must be a span from 0 to 10000 years"));
        }
    }

    /// The enum value, or its default (unspecified) with a note when this version knows it not.
    #[inline]
    pub fn known<E: TryFrom<i32> + Default>(&mut self, value: i32) -> E {
        E::try_from(value).unwrap_or_else(|_| {
            self.unknown_enum = true;
            E::default()
        })
    }

    /// Ends the checks: whether an enum value was unknown, or what is wrong.
    #[inline]
    pub fn finish(self) -> Result<bool, Violations> {
        match Violations::from_found(self.found) {
            Some(violations) => Err(violations),
            None => Ok(self.unknown_enum),
        }
    }
}
