//! The stored forms of edits and of cells: a map from column to cell that keeps its order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::spec::SpecForm;
use super::{FormError, need};
use crate::lists::edit::{Edit, SegmentUse};
use crate::lists::row::{Row, column};
use crate::model::catalogue::BlobId;

/// Cells in their order.
pub(super) struct Cells<'a>(pub(super) Vec<(&'static str, Cow<'a, str>)>);

impl Cells<'_> {
    pub(super) fn read(self) -> Vec<(&'static str, Box<str>)> {
        self.0.into_iter().map(|(column, cell)| (column, cell.into())).collect()
    }
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (column, cell) in &self.0 {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Cells<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellVisitor;
        impl<'de> Visitor<'de> for CellVisitor {
            type Value = Vec<(&'static str, Cow<'de, str>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cells by column")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut cells = Vec::with_capacity(4);
                while let Some((name, cell)) = map.next_entry::<Cow<'de, str>, String>()? {
                    let name = column(&name).ok_or_else(|| A::Error::custom("unknown column"))?;
                    cells.push((name, Cow::Owned(cell)));
                }
                Ok(cells)
            }
        }
        deserializer.deserialize_map(CellVisitor).map(Cells)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum EditForm<'a> {
    PutList(#[serde(borrow)] Box<SpecForm<'a>>),
    RemoveList {
        #[serde(borrow)]
        list: Cow<'a, str>,
    },
    Put {
        #[serde(borrow)]
        list: Cow<'a, str>,
        #[serde(borrow)]
        key: Cow<'a, str>,
        #[serde(borrow)]
        cells: Cells<'a>,
    },
    Remove {
        #[serde(borrow)]
        list: Cow<'a, str>,
        #[serde(borrow)]
        key: Cow<'a, str>,
    },
    PutSegment {
        #[serde(borrow)]
        list: Cow<'a, str>,
        blob: String,
        count: u64,
        #[serde(borrow)]
        shared: Cells<'a>,
    },
    RemoveSegment {
        #[serde(borrow)]
        list: Cow<'a, str>,
        blob: String,
    },
}

fn borrowed(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

impl<'a> From<&'a Edit> for EditForm<'a> {
    fn from(edit: &'a Edit) -> Self {
        match edit {
            Edit::PutList(spec) => EditForm::PutList(Box::new((&**spec).into())),
            Edit::RemoveList { list } => EditForm::RemoveList { list: borrowed(list) },
            Edit::Put { list, row } => EditForm::Put {
                list: borrowed(list),
                key: borrowed(row.key()),
                cells: Cells(row.cells().map(|(name, cell)| (name, borrowed(cell))).collect()),
            },
            Edit::Remove { list, key } => {
                EditForm::Remove { list: borrowed(list), key: borrowed(key) }
            }
            Edit::PutSegment { list, segment } => EditForm::PutSegment {
                list: borrowed(list),
                blob: segment.blob.to_string(),
                count: segment.count,
                shared: Cells(
                    segment.shared.iter().map(|(name, cell)| (*name, borrowed(cell))).collect(),
                ),
            },
            Edit::RemoveSegment { list, blob } => {
                EditForm::RemoveSegment { list: borrowed(list), blob: blob.to_string() }
            }
        }
    }
}

impl EditForm<'_> {
    pub(super) fn read(self) -> Result<Edit, FormError> {
        Ok(match self {
            EditForm::PutList(spec) => Edit::PutList(Box::new(spec.read()?)),
            EditForm::RemoveList { list } => Edit::RemoveList { list: list.into() },
            EditForm::Put { list, key, cells } => {
                Edit::Put { list: list.into(), row: Row::stored(cells.read(), key.into()) }
            }
            EditForm::Remove { list, key } => Edit::Remove { list: list.into(), key: key.into() },
            EditForm::PutSegment { list, blob, count, shared } => Edit::PutSegment {
                list: list.into(),
                segment: SegmentUse {
                    blob: need(BlobId::parse(&blob), "blob")?,
                    count,
                    shared: shared.read(),
                },
            },
            EditForm::RemoveSegment { list, blob } => {
                Edit::RemoveSegment { list: list.into(), blob: need(BlobId::parse(&blob), "blob")? }
            }
        })
    }
}
