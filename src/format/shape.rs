//! What a line that holds no event looks like: the names of its fields, nothing of what they say.

use super::json::Object;

/// So many names are told.
const NAMES: usize = 12;

/// The longest name that is told.
const LONGEST: usize = 40;

/// The names of the fields of a line that is a JSON object, as `{"msg","model"}`; `None` for other lines. What is no plain
/// name is `…`: a program may put anything where a name stands.
pub fn shape(line: &[u8]) -> Option<String> {
    let text = super::whole_text(line).ok().filter(|text| text.starts_with('{'))?;
    let object = Object::parse(text).ok()?;
    let mut names: Vec<String> = object.entries.iter().take(NAMES).map(|(name, _)| told(name)).collect();
    if object.entries.len() > NAMES {
        names.push("…".to_owned());
    }
    Some(format!("{{{}}}", names.join(",")))
}

fn told(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphabetic() || "_-.@$".contains(c);
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_name = !name.is_empty() && name.len() <= LONGEST && digits <= 2;
    match is_name && name.chars().all(|c| is_plain(c) || c.is_ascii_digit()) {
        true => format!("\"{name}\""),
        false => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn names_are_told_and_nothing_else() {
        for (line, want) in [
            (r#" {"msg":"done","model":"gpt","usage":{"input":1}} "#, Some(r#"{"msg","model","usage"}"#)),
            ("{}", Some("{}")),
            (
                r#"{"+49 170 1234567":1,"u8472915":2,"my secret":3,"":4,"@timestamp":5}"#,
                Some(r#"{…,…,…,…,"@timestamp"}"#),
            ),
            ("plain words", None),
            ("[1]", None),
            (r#"{"a":"#, None),
            ("", None),
        ] {
            assert_eq!(shape(line.as_bytes()).as_deref(), want, "{line}");
        }
        let many: Vec<String> = (b'a'..=b'z').map(|c| format!("\"{}\":1", char::from(c))).collect();
        let told = shape(format!("{{{}}}", many.join(",")).as_bytes()).unwrap();
        assert!(told.starts_with(r#"{"a","b","#) && told.ends_with(r#""l",…}"#), "{told}");
    }
}
