//! Pages: sizes are capped, tokens are where the next page begins.

use super::api::{Page, PageRequest, Refusal};

/// Items of a page that names no size.
const SIZE: usize = 100;
/// Most items of a page.
const SIZE_MAX: usize = 1_000;

/// How many items.
pub(super) fn size(page: PageRequest<'_>) -> usize {
    match page.size {
        0 => SIZE,
        wanted => usize::try_from(wanted).unwrap_or(SIZE_MAX).min(SIZE_MAX),
    }
}

/// A token that is a number; `None` for the first page.
pub(super) fn number(page: PageRequest<'_>) -> Result<Option<u64>, Refusal> {
    if page.token.is_empty() {
        return Ok(None);
    }
    page.token.parse().map(Some).map_err(|_| Refusal::Invalid {
        field: "page_token".into(),
        what: "not a token of a page before; leave it empty for the first page".into(),
    })
}

/// A page of items that are all there.
pub(super) fn of_all<T>(items: Vec<T>, page: PageRequest<'_>) -> Result<Page<T>, Refusal> {
    let from = usize::try_from(number(page)?.unwrap_or(0)).unwrap_or(usize::MAX);
    let (size, all) = (size(page), items.len());
    let items: Vec<T> = items.into_iter().skip(from).take(size).collect();
    let end = from.saturating_add(items.len());
    Ok(Page {
        next: if end < all && !items.is_empty() { end.to_string() } else { String::new() },
        items,
    })
}
