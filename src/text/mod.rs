//! PURE: octets -> characters -> folded text with offsets -> links, numbers, handles.

pub mod class;
