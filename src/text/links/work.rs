//! Counts the characters that the finder looks at, in tests only: that time is linear in the text
//! is asserted by this count and not by a clock.

#[cfg(test)]
thread_local! {
    static VISITED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes or characters were looked at.
#[inline(always)]
#[cfg_attr(not(test), expect(unused_variables, reason = "counted in tests only"))]
pub(super) fn visit(count: usize) {
    #[cfg(test)]
    VISITED.with(|visited| visited.set(visited.get() + count));
}

/// What was counted since it was last asked.
#[cfg(test)]
pub(super) fn take() -> usize {
    VISITED.with(std::cell::Cell::take)
}
