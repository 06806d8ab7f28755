//! What the load consists of: ordinary and suspicious attempts, as a carrier sees them.
//!
//! Numbers are of ranges kept for fiction or of public services; texts are made up.

use prost::bytes::Bytes;

use super::Mix;
use crate::wire::screening_v1 as pb;

/// Variants of each sample, with other digits: the server cannot answer all from one cache line.
const VARIANTS: usize = 16;

/// One request, ready to be sent.
#[derive(Clone)]
pub(super) enum Sample {
    /// A call attempt.
    Call(Box<pb::ScreenCallRequest>),
    /// A message.
    Message(Box<pb::ScreenMessageRequest>),
}

/// Originator without its last two digits, recipient, class of the trunk.
const CALLS: [(&str, &str, pb::TrunkClass); 6] = [
    ("+120255501", "+442079460018", pb::TrunkClass::International),
    ("+4420794600", "+442079460018", pb::TrunkClass::Domestic),
    ("+86138001380", "+8675586660110", pb::TrunkClass::International),
    ("+86755866601", "+8613800138000", pb::TrunkClass::Retail),
    ("00442079460", "+12025550143", pb::TrunkClass::International),
    ("+120255501", "+12025550143", pb::TrunkClass::Voip),
];

/// Originator without its last two digits, text.
const MESSAGES: [(&str, &str); 8] = [
    ("+120255501", "Running ten minutes late, start without me. See you at the station!"),
    ("BANK", "Your one-time code is 481516. It is valid for 5 minutes. Never share it."),
    ("+120255501", "Your parcel is held at customs. Pay the fee at http://parcel.example.com/p"),
    ("SHOP", "20% off all shoes this weekend in every store. Reply STOP to opt out."),
    ("10655501", "【快递】您的包裹已到小区东门驿站，请凭取件码3-2-1018当日领取。"),
    ("10655502", "【银行】您尾号0000的账户于今日支出人民币36.50元，余额请查询手机银行。"),
    ("+86138001380", "您涉嫌一宗洗钱案件，请立即将资金转入安全账户配合调查，切勿告诉家人。"),
    ("+86138001380", "在家兼职刷单，日结三百，先垫付后返利，加客服微信了解详情。"),
];

/// The samples of a mix, calls and messages in turn.
pub(super) fn make(mix: Mix) -> Vec<Sample> {
    let calls = CALLS.len() * VARIANTS;
    let messages = MESSAGES.len() * VARIANTS;
    // A common multiple of both (each has an even number of kinds), so that every one of them is
    // sent equally often.
    let count = CALLS.len() * MESSAGES.len() * VARIANTS / 2;
    match mix {
        Mix::Call => (0..calls).map(call).collect(),
        Mix::Message => (0..messages).map(message).collect(),
        Mix::Both => (0..count).flat_map(|i| [call(i % calls), message(i % messages)]).collect(),
    }
}

fn call(index: usize) -> Sample {
    let (originator, recipient, trunk_class) = CALLS[index % CALLS.len()];
    let ingress = pb::Ingress {
        trunk_id: "bench".to_owned(),
        trunk_class: trunk_class.into(),
        ..Default::default()
    };
    Sample::Call(Box::new(pb::ScreenCallRequest {
        ingress: Some(ingress),
        originator: Some(address(format!("{originator}{:02}", index / CALLS.len()))),
        recipient: Some(address(recipient.to_owned())),
        ..Default::default()
    }))
}

fn message(index: usize) -> Sample {
    let (originator, text) = MESSAGES[index % MESSAGES.len()];
    let content = pb::MessageContent {
        text: Bytes::from_static(text.as_bytes()),
        basis: pb::ContentBasis::Contract.into(),
        ..Default::default()
    };
    Sample::Message(Box::new(pb::ScreenMessageRequest {
        originator: Some(address(format!("{originator}{:02}", index / MESSAGES.len()))),
        recipient: Some(address("+8613800138000".to_owned())),
        content: Some(content),
        ..Default::default()
    }))
}

fn address(raw: String) -> pb::Address {
    pb::Address { raw: raw.into(), ..Default::default() }
}
