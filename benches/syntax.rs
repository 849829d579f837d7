//! How long a file of 20,000 statements takes to read and to print.

use divan::Bencher;
use sekisho::diag::Sink;
use sekisho::source::FileId;
use sekisho::syntax;

fn main() {
    divan::main();
}

fn policy(statements: usize) -> String {
    (0..statements)
        .map(|n| {
            format!(
                "allow RULE-{n} \"rule {n}\" from site-{}/office, site-{}/lab to tokyo/erp-{n} on tcp/443, tcp/{}\n    owner team-{n} ticket CHG-{n} until 2027-01-31\n",
                n % 1000,
                n % 999,
                1024 + n % 60000
            )
        })
        .collect()
}

fn read(text: &str) -> syntax::ast::File {
    let mut sink = Sink::default();
    let tree = syntax::parse(FileId(0), text, &mut sink);
    assert!(sink.is_empty());
    tree
}

#[divan::bench(args = [2_000, 20_000])]
fn parse(bencher: Bencher, statements: usize) {
    let text = policy(statements);
    bencher.counter(divan::counter::BytesCount::of_str(&text)).bench(|| read(&text));
}

#[divan::bench(args = [2_000, 20_000])]
fn format(bencher: Bencher, statements: usize) {
    let text = policy(statements);
    let tree = read(&text);
    bencher.counter(divan::counter::BytesCount::of_str(&text)).bench(|| syntax::format(&text, &tree));
}
