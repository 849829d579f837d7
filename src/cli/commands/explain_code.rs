//! `sekisho explain-code`: the page of a code, or the list of all codes.

use super::super::args::ExplainCode;
use super::super::{Exit, output};
use super::pages::PAGES;
use crate::diag::{closest, codes};

pub(super) fn run(arguments: &ExplainCode) -> Exit {
    let Some(wanted) = &arguments.code else { return output::result(&list()) };
    let wanted = wanted.to_ascii_uppercase();
    if let Some((_, page)) = PAGES.iter().find(|(id, _)| *id == wanted) {
        return output::result(page);
    }
    let near = closest(&wanted, PAGES.iter().map(|(id, _)| *id));
    let help =
        near.map_or_else(|| "`sekisho explain-code` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
    output::error_line(&format!("no diagnostic has the code `{wanted}`; {help}"))
}

fn list() -> String {
    let mut codes: Vec<_> = codes::all().map(|code| (code.id, code.severity.as_str(), code.title)).collect();
    codes.sort_unstable();
    codes.iter().map(|(id, severity, title)| format!("{id}  {severity:<7}  {title}\n")).collect()
}
