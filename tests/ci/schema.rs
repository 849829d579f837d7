//! As much of JSON Schema as the schema of SARIF uses. A keyword, pattern or format that is not understood panics: nothing passes because it was not looked at.

use std::collections::BTreeSet;

use serde_json::Value;

pub struct Schema {
    root: Value,
}

/// What says nothing about whether a value is right.
const WORDS: [&str; 7] = ["description", "default", "title", "$schema", "$id", "definitions", "enumDescriptions"];

impl Schema {
    pub fn sarif() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sarif/sarif-schema-2.1.0.json");
        Self { root: serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() }
    }

    /// What is wrong with a value, each with its place.
    pub fn wrong(&self, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.look(&self.root, value, "", &mut wrong);
        wrong
    }

    fn is_right(&self, schema: &Value, value: &Value) -> bool {
        let mut wrong = Vec::new();
        self.look(schema, value, "", &mut wrong);
        wrong.is_empty()
    }

    fn look(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let schema = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return wrong.push(format!("{at}: nothing may stand here")),
            Value::Object(schema) => schema,
            other => panic!("no schema: {other}"),
        };
        if let Some(target) = schema.get("$ref") {
            let name = target.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
            return self.look(&self.root["definitions"][name], value, at, wrong);
        }
        for (keyword, rule) in schema {
            if let Err(why) = self.keyword(keyword, rule, schema, value, at, wrong) {
                wrong.push(format!("{at}: {why}"));
            }
        }
    }

    fn keyword(
        &self,
        keyword: &str,
        rule: &Value,
        schema: &serde_json::Map<String, Value>,
        value: &Value,
        at: &str,
        wrong: &mut Vec<String>,
    ) -> Result<(), String> {
        let ensure =
            |holds: bool| if holds { Ok(()) } else { Err(format!("{keyword} {rule} does not hold of {value}")) };
        let count = |list: &Value| list.as_array().map(Vec::len);
        match keyword {
            "type" => {
                let kinds = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                ensure(kinds.iter().any(|kind| is_a(value, kind.as_str().unwrap())))
            }
            "enum" => ensure(rule.as_array().unwrap().contains(value)),
            "anyOf" => ensure(rule.as_array().unwrap().iter().any(|one| self.is_right(one, value))),
            "oneOf" => ensure(rule.as_array().unwrap().iter().filter(|one| self.is_right(one, value)).count() == 1),
            "required" => {
                let has = |key: &Value| value.get(key.as_str().unwrap()).is_some();
                ensure(!value.is_object() || rule.as_array().unwrap().iter().all(has))
            }
            "properties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    if let Some(own) = rule.get(key) {
                        self.look(own, inner, &format!("{at}/{key}"), wrong);
                    }
                }
                Ok(())
            }
            "additionalProperties" => {
                for (key, inner) in value.as_object().into_iter().flatten() {
                    if schema.get("properties").and_then(|known| known.get(key)).is_none() {
                        self.look(rule, inner, &format!("{at}/{key}"), wrong);
                    }
                }
                Ok(())
            }
            "items" => {
                for (number, inner) in value.as_array().into_iter().flatten().enumerate() {
                    self.look(rule, inner, &format!("{at}/{number}"), wrong);
                }
                Ok(())
            }
            "minItems" => ensure(count(value).is_none_or(|count| count as u64 >= rule.as_u64().unwrap())),
            "uniqueItems" => {
                let texts: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
                ensure(rule == false || texts.iter().collect::<BTreeSet<_>>().len() == texts.len())
            }
            "minimum" => ensure(value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap())),
            "maximum" => ensure(value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap())),
            "format" => ensure(value.as_str().is_none_or(|text| has_format(text, rule.as_str().unwrap()))),
            "pattern" => ensure(value.as_str().is_none_or(|text| matches(text, rule.as_str().unwrap()))),
            word if WORDS.contains(&word) => Ok(()),
            other => panic!("the keyword `{other}` is not understood"),
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the type `{other}` is not understood"),
    }
}

fn has_format(text: &str, format: &str) -> bool {
    let bytes: Vec<char> = text.chars().collect();
    let is_written = |text: &[char]| {
        text.iter().enumerate().all(|(at, letter)| match letter {
            '%' => text.get(at + 1..at + 3).is_some_and(|two| two.iter().all(char::is_ascii_hexdigit)),
            other => other.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=".contains(*other),
        })
    };
    let before_slash = text.split('/').next().unwrap();
    match format {
        "uri" => is_written(&bytes) && before_slash.ends_with(':'),
        "uri-reference" => is_written(&bytes),
        other => panic!("the format `{other}` is not understood"),
    }
}

fn matches(text: &str, pattern: &str) -> bool {
    match pattern {
        "[^/]+/.+" => text.split_once('/').is_some_and(|(before, after)| !before.is_empty() && !after.is_empty()),
        other => panic!("the pattern `{other}` is not understood"),
    }
}
