//! `ringfence mode`: how far verdicts bite, in one line.

use clap::{Args, ValueEnum};

use super::Failure;
use super::client::{Client, ControlArgs, Refused};
use super::draft::present;
use super::show;
use crate::wire::lists_v1 as pb;
use crate::wire::screening_v1 as screening;

/// A mode and where it holds.
#[derive(Args, Debug)]
pub struct ModeArgs {
    /// How far verdicts bite
    #[arg(value_enum)]
    mode: Mode,
    /// Only for this trunk or account [default: everywhere]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    trunk: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    control: ControlArgs,
}

/// How far verdicts bite.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Mode {
    /// Everything is allowed; verdicts say what they would have done
    Observe,
    /// At most a label
    LabelOnly,
    /// Verdicts hold
    Enforce,
}

impl From<Mode> for screening::Mode {
    fn from(mode: Mode) -> screening::Mode {
        match mode {
            Mode::Observe => screening::Mode::Observe,
            Mode::LabelOnly => screening::Mode::LabelOnly,
            Mode::Enforce => screening::Mode::Enforce,
        }
    }
}

/// Sets it.
///
/// Errors: no server, or one that refuses.
pub async fn run(args: &ModeArgs) -> Result<(), Failure> {
    let client = Client::connect(&args.control).await?;
    let request = pb::SetModeRequest {
        mode: screening::Mode::from(args.mode).into(),
        trunk_id: args.trunk.clone(),
        reason: args.reason.clone(),
    };
    let answer = client.sets().set_mode(client.ask(request)).await.map_err(Refused::from)?;
    let answer = answer.into_inner();
    let set = present(answer.change_set)?;
    if let Some(live) = &answer.live {
        return show::live(Some(&set), live, client.json);
    }
    show::set(&set, client.json)?;
    if client.json {
        return Ok(());
    }
    let id = set.id;
    show::line("not live yet: to harden the mode, a second person has to agree")?;
    show::next(&[
        format!("another person: ringfence changeset approve {id}"),
        format!("ringfence changeset commit {id}"),
    ])
}
