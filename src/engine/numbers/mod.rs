//! Number lists, numbering plans, normalising.
