//! Joining of paths by their words alone: no disk is asked, so a path at a commit and a path on disk are joined alike.
//!
//! The decision a reader would doubt: `..` takes the part before it away even if that is a link on disk. Whatever a link leads to is for those who read, which see it.

/// Joins a path to a directory, both with `/` between their parts; an empty directory is the root, and so is an empty result.
///
/// `None` if the path is absolute, or leads above the root on its way.
#[must_use]
pub fn join(directory: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = if directory.is_empty() { Vec::new() } else { directory.split('/').collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        for (directory, path, expected) in [
            ("", "a", Some("a")),
            ("x/y", "a/b", Some("x/y/a/b")),
            ("x/y", "../a", Some("x/a")),
            ("x", "./../y/.//a/", Some("y/a")),
            ("x", "..", Some("")),
            ("x", "", Some("x")),
            ("", ".", Some("")),
            ("", "..", None),
            ("x", "../../x/a", None),
            ("x", "/x/a", None),
        ] {
            assert_eq!(join(directory, path).as_deref(), expected, "{directory} {path}");
        }
    }
}
