//! Asking for lists, entries and their history.

use super::api::{Page, PageRequest, Refusal};
use super::paging;
use super::service::Changes;
use crate::lists::view::{EntryVersion, ListState, Scan, View};
use crate::model::revision::Revision;

impl Changes {
    /// The revision that is asked about.
    ///
    /// Errors: there is none such yet.
    pub(super) fn at(view: &dyn View, at: Option<Revision>) -> Result<Revision, Refusal> {
        let newest = view.revision();
        match at {
            None => Ok(newest),
            Some(at) if at <= newest => Ok(at),
            Some(at) => Err(Refusal::NotFound { kind: "revision", name: at.to_string() }),
        }
    }

    pub(super) fn lists_at(&self, at: Option<Revision>) -> Result<Vec<ListState>, Refusal> {
        let writer = self.lock();
        let at = Changes::at(&*writer.view, at)?;
        Ok(writer.view.lists(at)?)
    }

    pub(super) fn list_at(&self, id: &str, at: Option<Revision>) -> Result<ListState, Refusal> {
        let writer = self.lock();
        let at = Changes::at(&*writer.view, at)?;
        let missing = || Refusal::NotFound { kind: "list", name: id.to_owned() };
        writer.view.list(id, at)?.ok_or_else(missing)
    }

    pub(super) fn entries_at(
        &self,
        list: &str,
        prefix: &str,
        at: Option<Revision>,
        page: PageRequest<'_>,
    ) -> Result<Page<EntryVersion>, Refusal> {
        let state = self.list_at(list, at)?;
        let writer = self.lock();
        let at = Changes::at(&*writer.view, at)?;
        let after = Some((list, page.token)).filter(|_| !page.token.is_empty());
        let end = end_of(prefix);
        let limit = paging::size(page);
        let scan =
            Scan { list: Some(&state.spec.id), from: prefix, to: end.as_deref(), after, limit };
        let items = writer.view.scan(scan, at)?;
        let last = items.last().filter(|_| items.len() == limit);
        let next = last.map(|version| version.key.to_string()).unwrap_or_default();
        Ok(Page { items, next })
    }

    pub(super) fn versions_of(&self, list: &str, key: &str) -> Result<Vec<EntryVersion>, Refusal> {
        Ok(self.lock().view.versions(list, key)?)
    }
}

/// The first key that does not start with a prefix any more; `None` where there is none.
fn end_of(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match u32::from(last) + 1 {
            0xD800 => Some('\u{E000}'),
            code => char::from_u32(code),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_behind_all_that_start_with_it() {
        assert_eq!(end_of(""), None);
        assert_eq!(end_of("+861").as_deref(), Some("+862"));
        assert_eq!(end_of("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(end_of("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(end_of("\u{10FFFF}"), None);
    }
}
