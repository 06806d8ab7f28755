//! The fraud taxonomy: a closed list of codes, each with its family, title and default ceiling.

use super::policy::Action;

/// What a family of codes is about; decides how far its hits may go by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Identity and signalling.
    Identity,
    /// Network and revenue fraud.
    Network,
    /// Account take-over.
    Account,
    /// Automation.
    Automation,
    /// Malicious content.
    Malicious,
    /// Chinese scam scripts.
    ScriptCn,
    /// Scam scripts met everywhere.
    ScriptGlobal,
    /// Illegal goods and services.
    Illegal,
    /// Nuisance: wanted by some, never fraud.
    Nuisance,
    /// Trust: reasons to let through.
    Trust,
    /// Lawful orders.
    Lawful,
}

/// One code of the taxonomy, such as `CN08` or `ID01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(u8);

macro_rules! categories {
    ($($name:ident $family:ident $title:literal;)*) => {
        /// Every code with family and title, in the order of their numbers.
        const TABLE: &[(&str, Family, &str)] =
            &[$((stringify!($name), Family::$family, $title)),*];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        #[repr(u8)]
        enum Index { $($name),* }

        impl Category {
            $(#[doc = $title] pub const $name: Category = Category(Index::$name as u8);)*
        }
    };
}

categories! {
    ID01 Identity "spoofed domestic number on an international trunk";
    ID02 Identity "invalid, unallocated or unassigned number";
    ID03 Identity "malformed number or wrong length";
    ID04 Identity "do-not-originate or receive-only number as originator";
    ID05 Identity "caller authentication failed";
    ID06 Identity "attestation inconsistent with the trunk";
    ID07 Identity "withheld or anonymous originator";
    ID08 Identity "neighbour spoofing";
    ID09 Identity "unregistered or look-alike sender id";
    ID10 Identity "faked global title or message centre";
    ID11 Identity "spoofed message from a roamer";
    ID12 Identity "missing international prefix";
    ID13 Identity "number changer or VoIP gateway line";
    NW01 Network "wangiri, inbound missed call";
    NW02 Network "wangiri call-back";
    NW03 Network "wangiri by web form";
    NW04 Network "international revenue share fraud";
    NW05 Network "revenue share test number";
    NW06 Network "SIM box or GoIP bypass";
    NW07 Network "SIM farm or grey route";
    NW08 Network "artificially inflated traffic (SMS pumping)";
    NW09 Network "flash call";
    NW10 Network "PBX hacking";
    NW11 Network "call-forwarding fraud";
    NW12 Network "false answer supervision";
    NW13 Network "SMS flooding";
    NW14 Network "global title scanning";
    NW15 Network "open message centre";
    NW16 Network "one-time-code bombing";
    NW17 Network "telephony denial of service";
    AC01 Account "one-time-code interception";
    AC02 Account "SIM swap window";
    AC03 Account "one-time-code solicitation";
    AC04 Account "recycled number";
    AC05 Account "roaming intercept";
    AU01 Automation "robocall";
    AU02 Automation "predictive dialler abandon";
    AU03 Automation "sequential dialling";
    AU04 Automation "near-duplicate campaign";
    AU05 Automation "number rotation";
    MX01 Malicious "smishing link";
    MX02 Malicious "look-alike domain";
    MX03 Malicious "malware or app-package link";
    MX04 Malicious "silent, binary or SIM-toolkit message";
    MX05 Malicious "flash message impersonation";
    MX06 Malicious "obfuscated keywords";
    MX07 Malicious "lure to a messenger account or QR code";
    MX08 Malicious "lure to remote control or screen sharing";
    CN01 ScriptCn "fake order-brushing (刷单返利)";
    CN02 ScriptCn "fake investment (虚假投资理财)";
    CN03 ScriptCn "fake shopping or service (虚假购物服务)";
    CN04 ScriptCn "fake e-commerce or courier service (冒充电商物流客服)";
    CN05 ScriptCn "fake loan (虚假贷款)";
    CN06 ScriptCn "fake credit-record repair (虚假征信)";
    CN07 ScriptCn "fake boss or acquaintance (冒充领导熟人)";
    CN08 ScriptCn "fake police, court or government (冒充公检法)";
    CN09 ScriptCn "romance scam (网络婚恋交友)";
    CN09P ScriptCn "pig-butchering (杀猪盘)";
    CN10 ScriptCn "game item trade (网络游戏虚假交易)";
    CN11 ScriptCn "flight change or refund (机票退改签)";
    CN12 ScriptCn "prize or subsidy (中奖补贴)";
    CN13 ScriptCn "ETC, medical or social insurance expiry (ETC/医保/社保)";
    CN14 ScriptCn "insurance cancellation (百万保障)";
    CN15 ScriptCn "sextortion (裸聊敲诈)";
    CN16 ScriptCn "fake operator points (冒充10086/积分兑换)";
    CN17 ScriptCn "fake teacher or school fee (冒充老师)";
    CN18 ScriptCn "pension or health products for the elderly (养老保健品)";
    CN19 ScriptCn "gambling lure (博彩)";
    CN20 ScriptCn "campus-loan cancellation (注销校园贷)";
    CN21 ScriptCn "mule recruiting (两卡/跑分)";
    CN22 ScriptCn "credit card by proxy (代办信用卡)";
    CN23 ScriptCn "fake recruiting (虚假招聘)";
    GL01 ScriptGlobal "bank impersonation";
    GL02 ScriptGlobal "tax or government impersonation";
    GL03 ScriptGlobal "parcel delivery";
    GL04 ScriptGlobal "tech support";
    GL05 ScriptGlobal "family emergency";
    GL06 ScriptGlobal "employment";
    GL07 ScriptGlobal "unpaid toll or fine";
    GL08 ScriptGlobal "crypto or investment";
    GL09 ScriptGlobal "charity";
    GL10 ScriptGlobal "debt collection";
    GL11 ScriptGlobal "utility";
    GL12 ScriptGlobal "lottery or advance fee";
    IL01 Illegal "gambling";
    IL02 Illegal "escort and pornography";
    IL03 Illegal "forged papers and invoices for sale";
    IL04 Illegal "contraband";
    IL05 Illegal "unlicensed finance";
    NU01 Nuisance "telemarketing";
    NU02 Nuisance "survey";
    NU03 Nuisance "political";
    NU04 Nuisance "debt collection, licensed";
    NU05 Nuisance "silent call";
    OK01 Trust "allow-listed";
    OK02 Trust "verified business";
    OK03 Trust "emergency or public service";
    OK04 Trust "prior contact";
    OK05 Trust "police warning line";
    OK06 Trust "courier or meal delivery profile";
    LE01 Lawful "case-linked or wanted person";
    LE02 Lawful "court or regulator order";
}

impl Category {
    /// Finds a code by its text, exact case.
    pub fn parse(code: &str) -> Option<Category> {
        let index = TABLE.iter().position(|row| row.0 == code)?;
        Some(Category(u8::try_from(index).expect("the taxonomy has fewer than 256 codes")))
    }

    /// The code, such as `CN08`.
    pub fn code(self) -> &'static str {
        TABLE[self.0 as usize].0
    }

    /// The family.
    pub fn family(self) -> Family {
        TABLE[self.0 as usize].1
    }

    /// A short title in English (Chinese name in brackets where the script is Chinese).
    pub fn title(self) -> &'static str {
        TABLE[self.0 as usize].2
    }

    /// The strongest action a hit of this category may take part in, whatever its list says.
    /// Nuisance is at most a label; trust never adds risk.
    pub fn ceiling(self) -> Action {
        match self.family() {
            Family::Nuisance => Action::Label,
            Family::Trust => Action::Allow,
            _ => Action::Block,
        }
    }

    /// May an accusing label (suspected fraud) be put up for it?
    pub fn is_accusing(self) -> bool {
        !matches!(self.family(), Family::Nuisance | Family::Trust | Family::Lawful)
    }

    /// Every category, in a fixed order.
    pub fn all() -> impl Iterator<Item = Category> {
        (0..TABLE.len()).map(|index| Category(index as u8))
    }

    /// Position in [`Category::all`]: a dense index for tables.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// How many categories there are.
    pub const COUNT: usize = TABLE.len();
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Debug for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        for category in Category::all() {
            assert_eq!(Category::parse(category.code()), Some(category));
        }
        assert_eq!(Category::CN09P.code(), "CN09P");
        assert_eq!(Category::parse("ZZ99"), None);
    }

    #[test]
    fn nuisance_is_at_most_a_label() {
        assert_eq!(Category::NU01.ceiling(), Action::Label);
        assert!(!Category::NU01.is_accusing());
        assert!(Category::GL03.is_accusing());
    }
}
