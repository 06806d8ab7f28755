//! PURE: octets -> characters -> folded text with offsets -> links, numbers, handles.

pub mod class;
pub mod decode;
pub mod fold;
#[cfg(test)]
mod reference;
mod table;
