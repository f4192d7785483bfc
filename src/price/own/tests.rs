//! The own form, read and written; the properties of whole tables are in `tests/bills.rs`.

use super::*;

const HEADER: &str = r#"{"format":"llmtop-prices","version":1,"date":"2026-07-24","source":"here"}"#;

fn fault(text: &str) -> String {
    read(text, Author::Imported).unwrap_err().to_string()
}

#[test]
fn a_table_reads_with_all_that_it_may_say() {
    let line = r#"{"model":"azure/gpt","provider":"azure","mode":"chat","from":"2026-01-01","input":2.5,"output":10,"tiers":[{"above":1000,"input":5}],"batch":{"input":1.25,"tiers":[{"above":1000,"input":2}]},"aliases":["gpt-x"]}"#;
    let book = read(&format!("{HEADER}\n\n{line}\n"), Author::Imported).unwrap();
    let [entry] = &book.entries[..] else { panic!("{book:?}") };
    assert_eq!((entry.full_name(), entry.bare_name()), ("azure/gpt".to_owned(), "gpt"));
    assert_eq!(entry.scheme(Service::Standard).unwrap().tier(1_001).unwrap().above, 1_000);
    assert_eq!(entry.scheme(Service::Standard).unwrap().tier(1_000), None);
    assert!(entry.scheme(Service::Flex).is_none());
    assert_eq!(super::line(entry), line);
    assert_eq!(book.source.date_us.map(day_text).as_deref(), Some("2026-07-24"));
    assert!(is_own(HEADER) && is_own(&format!("\n{HEADER}")) && !is_own("{\"gpt-4o\":{}}") && !is_own(""));
}

#[test]
fn faults_name_the_line_and_the_nearest_word() {
    for (rest, says) in [
        ("{\"model\":\"x\",\"input\":1}\n{\"model\":", "line 3: column 9: EOF while parsing"),
        ("[1]", "line 2: is no JSON object"),
        ("{\"input\":1}", "line 2: no model"),
        ("{\"model\":\"x\"}", "line 2: x has no price"),
        ("{\"model\":\"x\",\"outptu\":1}", "line 2: x: no field \"outptu\"; did you mean output?"),
        ("{\"model\":\"x\",\"input\":\"1\"}", "line 2: x: input is no number"),
        ("{\"model\":\"x\",\"input\":-1}", "line 2: x: input: -1 is no price"),
        ("{\"model\":\"x\",\"input\":1001}", "more than 1000 dollars per million tokens"),
        ("{\"model\":\"x\",\"input\":1,\"mode\":\"chatt\"}", "no mode \"chatt\"; did you mean chat?"),
        ("{\"model\":\"x\",\"input\":1,\"from\":\"2026-02-30\"}", "\"2026-02-30\" is no day such as 2026-07-24"),
        ("{\"model\":\"x\",\"input\":1,\"aliases\":\"y\"}", "aliases is no list of names"),
        ("{\"model\":\"x\",\"input\":1,\"batch\":0.5}", "batch is no object with prices"),
        ("{\"model\":\"x\",\"tiers\":[{\"input\":1}]}", "a tier has no \"above\""),
        ("{\"model\":\"x\",\"tiers\":[{\"above\":1,\"input\":1},{\"above\":1,\"input\":2}]}", "two tiers above 1"),
        ("{\"model\":\"x\",\"input\":1}\n{\"model\":\"x\",\"input\":2}", "line 3: x is in the table twice"),
    ] {
        let fault = fault(&format!("{HEADER}\n{rest}"));
        assert!(fault.contains(says), "{rest}: {fault}");
    }
    for (header, says) in [
        ("", "line 1: the table is empty"),
        ("{\"model\":\"x\",\"input\":1}", "line 1: no header"),
        ("{\"format\":\"llmtop-prices\"}", "line 1: no version"),
        ("{\"format\":\"llmtop-prices\",\"version\":2}", "version 2 of the form is newer than this program"),
        ("{\"format\":\"llmtop-prices\",\"version\":1,\"unit\":\"eur\"}", "the unit is not known"),
        ("{\"format\":\"llmtop-prices\",\"version\":1,\"date\":\"today\"}", "is no day such as"),
    ] {
        let fault = fault(header);
        assert!(fault.contains(says), "{header}: {fault}");
    }
}
