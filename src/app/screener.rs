//! The use case of the data plane: one attempt in, one verdict out.

use std::sync::Arc;

use super::publisher::Publisher;
use super::screening::{Clock, Screen, Stamp};
use crate::engine::screen;
use crate::model::attempt::{Attempt, ContentBasis, StateFacts};
use crate::model::policy::Traffic;
use crate::model::verdict::{Flags, Verdict};

/// Texts that pass through every table: Han, words, a link, numbers.
const WARM_TEXTS: [&str; 2] = [
    "【测试】您好，验证码123456，请勿告诉他人，详情见 https://example.com/a 或致电13800138000",
    "Hello, your code is 123456. See www.example.com/a or call +44 7700 900123",
];

/// Screens with the current ruleset at the current time.
pub struct Screener {
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
}

impl Screener {
    /// Over this publisher and clock.
    pub fn new(publisher: Arc<Publisher>, clock: Arc<dyn Clock>) -> Screener {
        Screener { publisher, clock }
    }
}

impl Screen for Screener {
    fn screen(&self, attempt: &Attempt<'_>, encode: &mut dyn FnMut(&Verdict<'_>, &Stamp)) {
        let ruleset = self.publisher.load();
        let now = self.clock.now();
        // What traffic teaches is not kept yet; the signature has its place.
        let facts = StateFacts::default();
        let mut verdict = screen(&ruleset, attempt, &facts, now);
        if self.publisher.is_stale() {
            verdict.flags.insert(Flags::STALE);
        }
        self.publisher.watch().count(&verdict, attempt.ingress.trunk_id);
        let stamp =
            Stamp { revision: ruleset.revision, digest: ruleset.digest, mode: verdict.mode, now };
        encode(&verdict, &stamp);
    }

    fn warm(&self) {
        let mut attempt = Attempt::empty(Traffic::Message);
        attempt.recipient.raw = b"+8613800138000";
        attempt.content.basis = ContentBasis::Contract;
        for text in WARM_TEXTS {
            attempt.content.octets = text.as_bytes();
            self.screen(&attempt, &mut |_, _| {});
        }
    }
}
