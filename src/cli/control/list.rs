//! `ringfence list ls|show|create`: the lists of a server.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::draft::{self, DraftArgs};
use super::entry::PAGE;
use super::show;
use crate::cli::client::printable;
use crate::cli::output;
use crate::lists::pack::timestamp;
use crate::wire::lists::time;
use crate::wire::lists_v1 as pb;
use crate::wire::screening_v1 as screening;

/// Which lists.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// At this revision [default: now]
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
    #[command(flatten)]
    control: ControlArgs,
}

/// Which list.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The list
    list: String,
    /// At this revision [default: now]
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
    #[command(flatten)]
    control: ControlArgs,
}

/// A list to create, or to describe anew.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Unique name: a-z, 0-9, `-` and `.`
    list: String,
    /// What its values are
    #[arg(long, value_enum)]
    kind: Kind,
    /// What its entries do
    #[arg(long, value_enum, default_value = "score")]
    effect: Effect,
    /// Points of a score, -1000 to 1000
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    points: i32,
    /// The label of --effect label
    #[arg(long, value_enum, required_if_eq("effect", "label"))]
    label: Option<Label>,
    /// What it is about, such as CN08
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    category: String,
    /// For people: what the list is called
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    list_title: String,
    /// Where its facts come from
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    source: String,
    /// Which party numbers speak of
    #[arg(long, value_enum, default_value = "originator")]
    party: Party,
    /// Only for this traffic [default: both]
    #[arg(long, value_enum)]
    traffic: Option<Traffic>,
    /// Why it may act
    #[arg(long, value_enum, default_value = "analytics")]
    ground: Ground,
    /// Who ordered it, for --ground order
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    #[arg(required_if_eq("ground", "order"))]
    authority: String,
    /// The case of the order
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    #[arg(required_if_eq("ground", "order"))]
    case: String,
    /// The most that it may bring about [default: by kind]
    #[arg(long, value_enum)]
    ceiling: Option<Action>,
    /// When an entry hits, text hits act at most to this
    #[arg(long, value_enum)]
    caps_text: Option<Action>,
    /// First instant at which entries apply: 2026-11-23 or 2026-11-23T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    valid_from: Option<prost_types::Timestamp>,
    /// First instant at which they no longer apply
    #[arg(long, value_name = "TIME", value_parser = instant)]
    valid_until: Option<prost_types::Timestamp>,
    /// Report what it would have done and do nothing else
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    control: ControlArgs,
}

fn instant(text: &str) -> Result<prost_types::Timestamp, String> {
    timestamp(text).map(time)
}

/// A closed set of words on the command line, each standing for a value on the wire.
macro_rules! words {
    ($name:ident, $wire:ty: $($variant:ident $word:literal),*) => {
        #[derive(ValueEnum, Clone, Copy, Debug)]
        enum $name { $(#[value(name = $word)] $variant),* }

        impl From<$name> for i32 {
            fn from(word: $name) -> i32 {
                match word { $($name::$variant => <$wire>::$variant.into()),* }
            }
        }
    };
}

words!(Kind, pb::ListKind:
    Number "number", Sender "sender", Signature "signature", Keyword "keyword",
    Conjunction "conjunction", Domain "domain", Brand "brand", NumberPlan "number-plan",
    NumberClass "number-class", Trunk "trunk", Policy "policy");
words!(Effect, pb::Effect:
    Block "block", Allow "allow", Label "label", Score "score", Watch "watch", Protect "protect");
words!(Party, pb::Party:
    Originator "originator", Recipient "recipient", Either "either");
words!(Traffic, pb::Traffic: Call "call", Message "message");
words!(Label, screening::LabelKey:
    InternationalOrigin "international-origin", UnverifiedSender "unverified-sender",
    Marketing "marketing", SuspectedFraud "suspected-fraud",
    SuspectedIllegal "suspected-illegal");
words!(Ground, screening::Ground:
    Analytics "analytics", InvalidNumber "invalid-number", Subscriber "subscriber",
    Order "order", Policy "policy");
words!(Action, screening::Action: Allow "allow", Label "label", Hold "hold", Block "block");

/// Names the lists.
///
/// Errors: no server, or one that refuses.
pub async fn ls(args: &LsArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let (mut token, mut lists) = (String::new(), Vec::new());
    loop {
        let (revision, page_size) = (args.at.unwrap_or(0), PAGE);
        let request = pb::ListListsRequest { revision, page_size, page_token: token };
        let answer = client.lists().list_lists(client.ask(request)).await;
        let page = answer.map_err(Refused::from)?.into_inner();
        lists.extend(page.lists);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    if client.json {
        return lists.iter().try_for_each(|list| show::json_line(&show::list_json(list)));
    }
    let rows: Vec<Vec<String>> = lists.iter().map(row).collect();
    Ok(output::table(&["LIST", "KIND", "EFFECT", "CATEGORY", "ENTRIES", "TITLE"], &rows)?)
}

fn row(list: &pb::List) -> Vec<String> {
    let spec = list.spec.clone().unwrap_or_default();
    let values: u64 = list.segments.iter().map(|segment| segment.value_count).sum();
    let shadow = if spec.shadow { " (shadow)" } else { "" };
    vec![
        printable(&spec.id),
        show::kind(spec.kind),
        format!("{}{shadow}", show::effect(spec.effect)),
        spec.category,
        list.entry_count.saturating_add(values).to_string(),
        printable(&spec.title),
    ]
}

/// Shows one list.
///
/// Errors: no server, or one that refuses.
pub async fn show(args: &ShowArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let revision = args.at.unwrap_or(0);
    let request = pb::GetListRequest { list_id: args.list.clone(), revision };
    let answer = client.lists().get_list(client.ask(request)).await;
    let list = answer.map_err(Refused::from)?.into_inner().list.unwrap_or_default();
    let object = show::list_json(&list);
    if client.json {
        return show::json_line(&object);
    }
    let said = object.as_object().into_iter().flatten().filter(|(name, value)| {
        !matches!(value, Value::Null | Value::Object(_)) && name.as_str() != "segments"
    });
    let row = |(name, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), printable);
        vec![name.replace('_', "-"), text]
    };
    let mut rows: Vec<Vec<String>> = said.map(row).collect();
    for segment in &list.segments {
        let words = show::cells(&segment.shared, "");
        rows.push(vec!["import".to_owned(), format!("{} values  {words}", segment.value_count)]);
    }
    rows.push(vec!["since".to_owned(), show::origin(list.origin.as_ref())]);
    Ok(output::table(&["LIST", &args.list], &rows)?)
}

/// Creates a list by a change-set.
///
/// Errors: no server, or one that refuses.
pub async fn create(args: &CreateArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let spec = pb::ListSpec {
        id: args.list.clone(),
        kind: args.kind.into(),
        title: args.list_title.clone(),
        source: args.source.clone(),
        party: args.party.into(),
        tenant: 0,
        subscriber: String::new(),
        traffic: args.traffic.map_or(0, Into::into),
        ground: args.ground.into(),
        ceiling: args.ceiling.map_or(0, Into::into),
        caps_text: args.caps_text.map_or(0, Into::into),
        effect: args.effect.into(),
        points: args.points,
        label_key: args.label.map_or(0, Into::into),
        category: args.category.clone(),
        valid_from_time: args.valid_from,
        valid_until_time: args.valid_until,
        shadow: args.shadow,
        authority: args.authority.clone(),
        case_reference: args.case.clone(),
    };
    let edit = pb::Edit { edit: Some(pb::edit::Edit::PutList(spec)) };
    draft::make(&client, &args.draft, &format!("create list {}", args.list), vec![edit]).await
}
