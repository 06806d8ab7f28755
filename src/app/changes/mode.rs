//! The mode as a change-set of one row: softening is live at once, hardening waits for a second
//! person.

use super::api::{Caller, Live, ModeScope, Refusal};
use super::service::Changes;
use crate::lists::changeset::ChangeSet;
use crate::lists::edit::Edit;
use crate::lists::event::Draft;
use crate::lists::pack::parse_list_line;
use crate::lists::row::Row;
use crate::lists::view::View;
use crate::model::entry::ListSpec;
use crate::model::policy::Mode;

/// Lists of the carrier's own settings; they come after the starter packs and so override them.
const POLICY_LIST: &str = "local.policy kind=policy";
const TRUNK_LIST: &str = "local.trunks kind=trunk";

impl Changes {
    pub(super) fn change_mode(
        &self,
        caller: Caller,
        scope: &ModeScope,
        mode: Mode,
        reason: &str,
    ) -> Result<(ChangeSet, Option<Live>), Refusal> {
        let (line, cells, title) = match scope {
            ModeScope::All => (
                POLICY_LIST,
                vec![("key", "mode"), ("value", mode.as_str())],
                format!("mode {}", mode.as_str()),
            ),
            ModeScope::Trunk(trunk) => (
                TRUNK_LIST,
                vec![("trunk", trunk.as_str()), ("mode", mode.as_str())],
                format!("mode {} on one trunk", mode.as_str()),
            ),
        };
        let spec = list(line)?;
        let row = Row::read(&spec, cells)
            .map_err(|what| Refusal::Invalid { field: "mode".into(), what })?;
        let mut edits = Vec::new();
        {
            let writer = self.lock();
            let at = writer.view.revision();
            if writer.view.list(&spec.id, at)?.is_none() {
                edits.push(Edit::PutList(Box::new(spec.clone())));
            }
        }
        edits.push(Edit::Put { list: spec.id.clone(), row });
        let draft = Draft { title: title.into(), reason: reason.into(), ..Draft::default() };
        let set = self.begin(caller, draft)?;
        self.add(caller, set.id, None, edits)?;
        let set = self.close(caller, set.id, None, true)?;
        match self.make_live(caller, set.id, None) {
            Ok((set, live)) => Ok((set, Some(live))),
            Err(Refusal::Precondition { reason: "NEEDS_APPROVAL", .. }) => Ok((set, None)),
            Err(refusal) => Err(refusal),
        }
    }
}

fn list(line: &str) -> Result<ListSpec, Refusal> {
    parse_list_line(line).map_err(Refusal::Unavailable)
}
