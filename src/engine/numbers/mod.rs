pub mod exact;
pub mod index;
mod lines;
pub mod prefix;
mod ranges;
pub use exact::ExactTable;
pub use index::{IndexBuilder, Matched, NumberIndex};
pub use prefix::{PatternError, PrefixBuilder, PrefixTable};
