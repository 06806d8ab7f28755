//! What people and honest businesses write to each other, by language: small talk, appointments,
//! deliveries, one-time codes, bills. Some with a link, a number to call or an amount.
//!
//! None says anything that a list may act on; written for this folder, with numbers and domains
//! that are set apart for documentation. Function words stand in several texts of their language,
//! as they do everywhere: see the tests of the probe.

mod asia;
mod central;
mod english;
mod han;
mod romance;
mod west_asia;

/// Language and texts.
pub(super) const TEXTS: &[(&str, &[&str])] = &[
    ("zh", han::ZH),
    ("en", english::EN),
    ("es", romance::ES),
    ("hi", asia::HI),
    ("id", asia::ID),
    ("th", asia::TH),
    ("tr", west_asia::TR),
    ("fr", romance::FR),
    ("de", central::DE),
    ("pt", romance::PT),
    ("ru", west_asia::RU),
    ("ja", han::JA),
    ("ko", han::KO),
    ("ar", west_asia::AR),
    ("vi", asia::VI),
    ("it", romance::IT),
    ("nl", central::NL),
    ("pl", central::PL),
];
