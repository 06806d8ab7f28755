//! The stored form of subscriptions.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{FormError, need};
use crate::lists::subscription::Subscription;
use crate::model::catalogue::{Actor, BlobId};
use crate::model::number::Region;

/// Names with texts, in their order.
type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionForm<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    list: Cow<'a, str>,
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    columns: Pairs<'a>,
    region: Option<String>,
    #[serde(borrow)]
    defaults: Pairs<'a>,
    replaces: bool,
    interval_s: u32,
    sha256: Option<String>,
    auto_commit: bool,
    owner: String,
}

fn pairs(pairs: &[(Box<str>, Box<str>)]) -> Pairs<'_> {
    pairs.iter().map(|(one, other)| (Cow::from(&**one), Cow::from(&**other))).collect()
}

fn owned(pairs: Pairs<'_>) -> Vec<(Box<str>, Box<str>)> {
    pairs.into_iter().map(|(one, other)| (one.into(), other.into())).collect()
}

impl<'a> From<&'a Subscription> for SubscriptionForm<'a> {
    fn from(one: &'a Subscription) -> Self {
        SubscriptionForm {
            name: Cow::from(&*one.name),
            url: Cow::from(&*one.url),
            list: Cow::from(&*one.list),
            format: Cow::from(&*one.format),
            columns: pairs(&one.columns),
            region: one.region.map(|region| region.to_string()),
            defaults: pairs(&one.defaults),
            replaces: one.replaces,
            interval_s: one.interval_s,
            sha256: one.sha256.map(|sha256| sha256.to_string()),
            auto_commit: one.auto_commit,
            owner: one.owner.to_string(),
        }
    }
}

impl SubscriptionForm<'_> {
    pub(super) fn read(self) -> Result<Subscription, FormError> {
        let region = self.region.map(|code| need(Region::parse(&code), "region")).transpose()?;
        let sha256 = self.sha256.map(|hex| need(BlobId::parse(&hex), "sha256")).transpose()?;
        Ok(Subscription {
            name: self.name.into(),
            url: self.url.into(),
            list: self.list.into(),
            format: self.format.into(),
            columns: owned(self.columns),
            region,
            defaults: owned(self.defaults),
            replaces: self.replaces,
            interval_s: self.interval_s,
            sha256,
            auto_commit: self.auto_commit,
            owner: need(Actor::parse(&self.owner), "owner")?,
        })
    }
}
