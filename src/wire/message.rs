//! From a message on the wire to an attempt.

use crate::model::attempt::{self, Attempt, Content};
use crate::model::policy::Traffic;

use super::checks::Checks;
use super::fields;
use super::limits::*;
use super::screening_v1 as pb;
use super::violations::Violations;
use pb::screen_message_request::Pdu;

/// Octet-sized fields of SMS protocols.
const OCTET_MAX: u32 = u8::MAX as u32;
/// The one optional parameter that carries a text (SMPP 5.0 clause 4.8.4.36).
const MESSAGE_PAYLOAD_TAG: u32 = 0x0424;

/// Reads a message; the attempt borrows from the request.
///
/// The tenant is left at the global one: the caller sets it from the credentials. User data of a
/// PDU is checked for size and not yet decoded: the attempt then says that it has content which is
/// not read, and so does the verdict.
///
/// Errors: every field that the integration got wrong. Malformed addresses and text are no error.
pub fn message_attempt(request: &pb::ScreenMessageRequest) -> Result<Attempt<'_>, Violations> {
    let mut checks = Checks::default();
    fields::ids(&mut checks, &request.request_id, &request.attempt_id);
    checks.time(format_args!("event_time"), request.event_time.as_ref());
    let (mut ingress, region) = fields::ingress(&mut checks, request.ingress.as_ref());
    let recipient = fields::recipient(&mut checks, request.recipient.as_ref());
    let originator = fields::address(&mut checks, "originator", request.originator.as_ref());
    let content = content(&mut checks, request.content.as_ref(), request.pdu.as_ref());
    pdu(&mut checks, request.pdu.as_ref());
    let account = transport(&mut checks, request.transport.as_deref());
    if ingress.trunk_id.is_empty() {
        ingress.trunk_id = account;
    }
    registration(&mut checks, request.registration.as_deref());
    let contradictory = request.part.as_ref().is_some_and(|given| part(&mut checks, given));
    edge_facts(&mut checks, request.edge_facts.as_deref());
    let content_unread = request.pdu.as_ref().is_some_and(has_user_data)
        || (content.octets.is_empty() && request.edge_facts.is_some());
    let roaming =
        fields::hints(&mut checks, "originator_hints", request.originator_hints.as_deref());
    fields::hints(&mut checks, "recipient_hints", request.recipient_hints.as_deref());
    let supported = fields::supported(&mut checks, &request.supported_actions);
    fields::tags(&mut checks, &request.tags);
    let unknown_enum = checks.finish()?;
    Ok(Attempt {
        region,
        ingress,
        originator,
        recipient,
        roaming,
        supported,
        unknown_enum,
        contradictory,
        content,
        content_unread,
        ..Attempt::empty(Traffic::Message)
    })
}

fn content<'a>(
    checks: &mut Checks,
    content: Option<&'a pb::MessageContent>,
    pdu: Option<&Pdu>,
) -> Content<'a> {
    let Some(content) = content else { return Content::default() };
    checks.octets(format_args!("content.text"), &content.text, TEXT_BYTES_MAX);
    let language = &content.language_code;
    checks.octets(format_args!("content.language_code"), language, LANGUAGE_BYTES_MAX);
    let encoding = match checks.known(content.encoding) {
        pb::TextEncoding::Unspecified | pb::TextEncoding::Utf8 => attempt::TextEncoding::Utf8,
        pb::TextEncoding::Utf16Be => attempt::TextEncoding::Utf16Be,
    };
    let basis = match checks.known(content.basis) {
        pb::ContentBasis::Unspecified => attempt::ContentBasis::None,
        pb::ContentBasis::Contract => attempt::ContentBasis::Contract,
        pb::ContentBasis::Consent => attempt::ContentBasis::Consent,
        pb::ContentBasis::LegalDuty => attempt::ContentBasis::LegalDuty,
    };
    if !content.text.is_empty() && pdu.is_some_and(has_user_data) {
        checks.refuse(
            format_args!("content.text"),
            format_args!("contradicts the user data of the PDU: give one of the two"),
        );
    }
    Content { octets: &content.text, encoding, basis }
}

fn has_user_data(pdu: &Pdu) -> bool {
    match pdu {
        Pdu::Tpdu(tpdu) => !tpdu.user_data.is_empty(),
        Pdu::Smpp(smpp) => {
            let carries = |tlv: &pb::Tlv| tlv.tag == MESSAGE_PAYLOAD_TAG && !tlv.value.is_empty();
            !smpp.short_message.is_empty() || smpp.tlvs.iter().any(carries)
        }
        Pdu::Cmpp(cmpp) => !cmpp.content.is_empty(),
    }
}

/// Checks which part of a long message this is; true when the numbers cannot be.
///
/// The sender writes them, so they are never refused: a refusal would let the message pass
/// unscreened. 3GPP TS 23.040 clause 9.2.3.24.1 has such a part read as a message of its own.
fn part(checks: &mut Checks, part: &pb::MessagePart) -> bool {
    checks.at_most(format_args!("part.reference"), part.reference, u32::from(u16::MAX));
    checks.at_most(format_args!("part.number"), part.number, OCTET_MAX);
    checks.at_most(format_args!("part.total"), part.total, OCTET_MAX);
    let absent = *part == pb::MessagePart::default();
    !absent && !(1..=part.total).contains(&part.number)
}

fn pdu(checks: &mut Checks, pdu: Option<&Pdu>) {
    match pdu {
        None => {}
        Some(Pdu::Tpdu(tpdu)) => {
            let _: pb::TpduKind = checks.known(tpdu.kind);
            checks.at_most(format_args!("tpdu.protocol_id"), tpdu.protocol_id, OCTET_MAX);
            let coding = tpdu.data_coding_scheme;
            checks.at_most(format_args!("tpdu.data_coding_scheme"), coding, OCTET_MAX);
            checks.octets(format_args!("tpdu.user_data"), &tpdu.user_data, TEXT_BYTES_MAX);
            let time = tpdu.service_centre_time.as_ref();
            checks.time(format_args!("tpdu.service_centre_time"), time);
            checks.span(format_args!("tpdu.validity"), tpdu.validity.as_ref());
        }
        Some(Pdu::Smpp(pdu)) => smpp(checks, pdu),
        Some(Pdu::Cmpp(cmpp)) => {
            let format = cmpp.message_format;
            checks.at_most(format_args!("cmpp.message_format"), format, OCTET_MAX);
            checks.at_most(format_args!("cmpp.protocol_id"), cmpp.protocol_id, OCTET_MAX);
            checks.octets(format_args!("cmpp.content"), &cmpp.content, TEXT_BYTES_MAX);
            checks.octets(format_args!("cmpp.service_id"), &cmpp.service_id, SHORT_BYTES_MAX);
        }
    }
}

fn smpp(checks: &mut Checks, pdu: &pb::SmppPdu) {
    let _: pb::SmppOperation = checks.known(pdu.operation);
    let _: pb::SmscAlphabet = checks.known(pdu.default_alphabet);
    for (name, value) in [
        ("esm_class", pdu.esm_class),
        ("protocol_id", pdu.protocol_id),
        ("data_coding", pdu.data_coding),
        ("registered_delivery", pdu.registered_delivery),
        ("priority_flag", pdu.priority_flag),
        ("replace_if_present", pdu.replace_if_present),
        ("default_message_id", pdu.default_message_id),
    ] {
        checks.at_most(format_args!("smpp.{name}"), value, OCTET_MAX);
    }
    checks.octets(format_args!("smpp.short_message"), &pdu.short_message, TEXT_BYTES_MAX);
    checks.items(format_args!("smpp.tlvs"), &pdu.tlvs, TLVS_MAX);
    for (index, tlv) in pdu.tlvs.iter().take(TLVS_MAX).enumerate() {
        checks.at_most(format_args!("smpp.tlvs[{index}].tag"), tlv.tag, u32::from(u16::MAX));
        checks.octets(format_args!("smpp.tlvs[{index}].value"), &tlv.value, TEXT_BYTES_MAX);
    }
}

/// Checks the transport; gives the account, empty when there is none.
fn transport<'a>(checks: &mut Checks, transport: Option<&'a pb::MessageTransport>) -> &'a str {
    let Some(transport) = transport else { return "" };
    let _: pb::MessageInterface = checks.known(transport.interface);
    let _: pb::MessageOperation = checks.known(transport.operation);
    checks.octets(format_args!("transport.account"), &transport.account, ID_BYTES_MAX);
    checks.octets(format_args!("transport.message_id"), &transport.message_id, ID_BYTES_MAX);
    for (name, value) in [
        ("service_centre_address", &transport.service_centre_address),
        ("calling_global_title", &transport.calling_global_title),
        ("relay_originating_address", &transport.relay_originating_address),
        ("serving_node", &transport.serving_node),
        ("imsi", &transport.imsi),
        ("network_code", &transport.network_code),
        ("sri_correlation_id", &transport.sri_correlation_id),
        ("callback_number", &transport.callback_number),
    ] {
        checks.octets(format_args!("transport.{name}"), value, SHORT_BYTES_MAX);
    }
    &transport.account
}

fn registration(checks: &mut Checks, registration: Option<&pb::SenderRegistration>) {
    let Some(registration) = registration else { return };
    let _: pb::SenderStatus = checks.known(registration.status);
    let _: pb::SenderCategory = checks.known(registration.category);
    checks.octets(format_args!("registration.brand_id"), &registration.brand_id, ID_BYTES_MAX);
    let campaign = &registration.campaign_id;
    checks.octets(format_args!("registration.campaign_id"), campaign, ID_BYTES_MAX);
    let bounds = (EDGE_VALUES_MAX, SHORT_BYTES_MAX);
    fields::strings(checks, "registration.signatures", &registration.signatures, bounds);
}

fn edge_facts(checks: &mut Checks, facts: Option<&pb::EdgeFacts>) {
    let Some(facts) = facts else { return };
    checks.items(format_args!("edge_facts.keyword_ids"), &facts.keyword_ids, EDGE_KEYWORDS_MAX);
    let bounds = (EDGE_VALUES_MAX, LINK_BYTES_MAX);
    fields::strings(checks, "edge_facts.links", &facts.links, bounds);
    let bounds = (EDGE_VALUES_MAX, SHORT_BYTES_MAX);
    fields::strings(checks, "edge_facts.numbers", &facts.numbers, bounds);
}
