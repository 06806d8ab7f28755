//! How large a request may be. Each limit refuses what only a broken or hostile integration sends.

/// Ids are keys in logs and tables; a UUID takes 36 octets, a SIP-derived one rarely over 100.
pub const ID_BYTES_MAX: usize = 128;
/// A number or sender id as carried. Real ones stay under 32; a SIP URI may take a few hundred.
pub const ADDRESS_BYTES_MAX: usize = 1024;
/// Other short octet strings: cells, global titles, routing numbers, device codes.
pub const SHORT_BYTES_MAX: usize = 64;
/// Header fields and names that are kept as facts.
pub const HEADER_BYTES_MAX: usize = 256;
/// Links, jCards and identities: what HTTP and SIP elements commonly take.
pub const LINK_BYTES_MAX: usize = 1024;
/// A DNS name (RFC 1035 clause 2.3.4).
pub const HOST_BYTES_MAX: usize = 255;
/// The longest language tag that RFC 5646 clause 4.4.1 asks to support.
pub const LANGUAGE_BYTES_MAX: usize = 35;
/// Text of one message: over ten times the longest concatenated message in use.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// SIP Identity header fields: `shaken`, `rcd`, `rph` and a chain of `div`.
pub const IDENTITY_HEADERS_MAX: usize = 10;
/// One Identity header field: a PASSporT with rich call data stays under 4 KiB.
pub const IDENTITY_HEADER_BYTES_MAX: usize = 4096;
/// There are four actions; room for repetitions, not for floods.
pub const SUPPORTED_ACTIONS_MAX: usize = 8;
/// Facts of the carrier's own.
pub const TAGS_MAX: usize = 16;
/// Value of one of them.
pub const TAG_VALUE_BYTES_MAX: usize = 256;
/// Optional parameters of one SMPP operation; SMPP 5.0 defines about 60, few go together.
pub const TLVS_MAX: usize = 32;
/// Links, numbers or signatures computed at the edge.
pub const EDGE_VALUES_MAX: usize = 16;
/// Keyword ids computed at the edge.
pub const EDGE_KEYWORDS_MAX: usize = 64;
/// Items of a batch: at the floor of about 1 us each, a quarter of a millisecond of one core.
pub const BATCH_ITEMS_MAX: usize = 256;
/// One screening request on the wire: the longest text with every other group as large as it
/// occurs. It counts beside the limits above: 32 TLVs of 16 KiB keep theirs and are too much here.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// One item of a stream on the wire that is still refused alone; more ends the stream. All that a
/// network can carry is below: one SIP message or TPDU takes 64 KiB at most.
pub const STREAM_ITEM_BYTES_MAX: usize = 256 * 1024;
/// One batch on the wire: 4 KiB an item on average.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Violations listed in one refusal: enough to mend a request, too few to amplify one.
pub const VIOLATIONS_MAX: usize = 16;
