//! A file that was read, on its way into a draft.

use std::io::BufRead;

use super::api::{Caller, ImportReport, ImportRequest, Refusal};
use super::service::Changes;
use crate::lists::changeset::ChangeSet;
use crate::lists::edit::Edit;
use crate::model::catalogue::BlobId;

/// What a file holds, as edits of its list. The counts are those of [`ImportReport`].
pub(super) struct Incoming {
    pub edits: Vec<Edit>,
    pub lines: u64,
    pub taken: u64,
    pub repeated: u64,
    pub invalid: Vec<(u64, String)>,
    pub invalid_count: u64,
    pub source: BlobId,
}

impl Changes {
    pub(super) fn take_import(
        &self,
        caller: Caller,
        request: &ImportRequest,
        octets: &mut dyn BufRead,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, Refusal> {
        let read = self.read_import(request, octets, progress)?;
        Ok(ImportReport {
            change_set: self.put_in_draft(caller, request, read.edits)?,
            lines: read.lines,
            taken: read.taken,
            repeated: read.repeated,
            invalid: read.invalid,
            invalid_count: read.invalid_count,
            source: read.source,
        })
    }

    fn put_in_draft(
        &self,
        caller: Caller,
        request: &ImportRequest,
        edits: Vec<Edit>,
    ) -> Result<ChangeSet, Refusal> {
        let id = match request.change_set {
            Some(id) => id,
            None => {
                let set = self.begin(caller, request.draft.clone())?;
                if set.edit_count > 0 {
                    // A repeat of a request that was answered before.
                    return Ok(set);
                }
                set.id
            }
        };
        self.add(caller, id, None, edits)
    }
}
